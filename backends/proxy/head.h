/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a head passes between client and upstream: nothing that is of one connection (RFC 9110 7.6.1), nothing of the request that would
 * make the upstream see another one than policy allowed, nothing of the answer that is Gatehouse's to say. Private to backends/proxy. */
#ifndef BACKENDS_PROXY_HEAD_H
#define BACKENDS_PROXY_HEAD_H

#include "backends/proxy/upstream.h"
#include "gateway/core/request.h"

enum { HEAD_MAX = 64 << 10 }; /* bytes of a head, in either direction */

/* The request's head for u, with Forwarded (RFC 7239) and its like, in r's arena; .p NULL: larger than HEAD_MAX, or the arena is full. */
struct str head_make(const struct request *r, const struct upstream *u, struct str path_prefix);
/* Does the client get the field f of an answer's head h? */
bool head_answer_passes(const struct http_head *h, const struct http_field *f);

#endif
