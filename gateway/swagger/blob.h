/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A document that does not change while the worker lives: its bytes, compressed once, and its ETag. Answers conditional requests
 * (RFC 9110 13.1.2) and clients that take gzip. Not for anything that depends on who asks.                                 */
#ifndef GATEWAY_SWAGGER_BLOB_H
#define GATEWAY_SWAGGER_BLOB_H

#include "gateway/core/request.h"

enum { BLOB_ETAG_MAX = 40 };

struct blob {
	struct str plain, gzip; /* malloc memory; gzip.p NULL: not worth it */
	struct str type;        /* static */
	bool html;              /* sent with a Content-Security-Policy */
	char etag[BLOB_ETAG_MAX];
};

/* Takes a copy of text. -1: out of memory. */
int blob_make(struct blob *b, struct str text, struct str type, struct err *e) MUSTUSE;
void blob_done(struct blob *b);
/* 200, or 304 when the client has it. */
enum step blob_reply(const struct blob *b, struct request *r);

#endif
