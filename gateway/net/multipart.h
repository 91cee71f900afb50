/* SPDX-License-Identifier: GPL-3.0-or-later */
/* multipart/form-data as a stream (RFC 7578, RFC 2046 5.1): strict, no allocation, any cut of the input gives the same parts. Bytes come
 * in, events come out. Refused: a preamble or an epilogue, bare CR or LF in a head, folded lines, a part without Content-Disposition:
 * form-data and name, control bytes or broken UTF-8 in names, transfer encodings, more than the limits. Not for nested multiparts. */
#ifndef GATEWAY_NET_MULTIPART_H
#define GATEWAY_NET_MULTIPART_H

#include "gateway/base/str.h"

#include <stdint.h>

enum { MULTIPART_BOUNDARY_MAX = 70, MULTIPART_HEAD_MAX = 4096, MULTIPART_NAME_MAX = 512 };

enum multipart_event {
	MULTIPART_MORE,     /* all input is used up */
	MULTIPART_PART,     /* a part begins: m->name, m->filename, m->type hold until the next part */
	MULTIPART_DATA,     /* *data: bytes of the part; borrows from the input or from m */
	MULTIPART_PART_END, /* every byte of the part came */
	MULTIPART_END,      /* the closing delimiter; anything behind it but one CRLF is BAD */
	MULTIPART_BAD,      /* m->why; final */
	MULTIPART_TOO_MUCH  /* a limit: m->why; final */
};
struct multipart {
	unsigned parts_max, parts;
	int state; /* multipart.c */
	char delimiter[4 + MULTIPART_BOUNDARY_MAX];
	size_t delimiter_n, matched;
	char head[MULTIPART_HEAD_MAX];
	size_t head_n;
	struct str name, filename, type; /* filename.p NULL: a field, not a file; type .n 0: not said */
	const char *why;
};
/* The boundary of a Content-Type value. -1: not multipart/form-data, or no valid boundary (RFC 2046 5.1.1). */
int multipart_boundary(struct str content_type, char *to, struct str *boundary) MUSTUSE; /* to: 70 bytes */
void multipart_begin(struct multipart *m, struct str boundary, unsigned parts_max);
/* The next event of in; *used bytes of it are done with. Call again with the rest until MORE. */
enum multipart_event multipart_feed(struct multipart *m, struct str in, size_t *used, struct str *data);
bool multipart_ended(const struct multipart *m); /* the closing delimiter came: the body may end here */

#endif
