/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does a request name its route by other means than its path? OpenEMR's apis/.htaccess hands the path to PHP as a parameter, with the client's query
 * behind it (_REWRITE_COMMAND=$1 [QSA]), and dispatch.php takes the last of that name, or one of a form: a client that sends it gets
 * another route than policy has looked at. Not for names that PHP does not see (JSON). Private to backends/proxy.            */
#ifndef BACKENDS_PROXY_REROUTE_H
#define BACKENDS_PROXY_REROUTE_H

#include "gateway/base/str.h"

struct reroute { /* the state of one search, over pieces */
	uint16_t matched;
	bool encoded; /* %XX and '+' mean other bytes */
	uint8_t escape, high;
};
/* encoded: a query, a cookie, application/x-www-form-urlencoded; else multipart/form-data as it is. */
void reroute_begin(struct reroute *s, bool encoded);
/* True when the name ends in this piece, in any spelling that PHP reads as it. Also where it stands as a value: nobody has a reason to send it. */
bool reroute_feed(struct reroute *s, struct str piece);
bool reroute_in(struct str query);

#endif
