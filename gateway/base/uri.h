/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URIs and request targets: splitting, checking, path normality. Pure. RFC 3986, RFC 9112 3.2. Not for fetching.           */
#ifndef GATEWAY_BASE_URI_H
#define GATEWAY_BASE_URI_H

#include "gateway/base/err.h"

struct uri {
	struct str scheme;   /* as written                                               */
	struct str userinfo; /* .p NULL when absent                                      */
	struct str host;     /* reg-name or address; IPv6 without brackets               */
	bool ipv6;
	unsigned port;       /* 0 when absent                                            */
	struct str path;     /* may be empty                                             */
	struct str query;    /* without '?'; .p NULL when absent                         */
	struct str fragment; /* without '#'; .p NULL when absent                         */
};

/* An absolute URI with "//" authority (http, https, unix is not one) or, when the scheme has no authority, path only
 * (myapp:/callback). Refuses control characters, spaces, bad escapes, bad ports. Parts borrow from s.                      */
int uri_parse(struct str s, struct uri *out, struct err *e) MUSTUSE;

/* An origin-form target: path and query. Refuses everything that two servers could read in two ways: a path that does not
 * begin with '/', a segment "." or "..", also when percent-encoded, an encoded '/', '\' or NUL, a raw '\', control characters,
 * bytes over 0x7e that are not encoded, decoded text that is not UTF-8, a fragment, an empty segment ("//").             */
int target_parse(struct str target, struct str *path, struct str *query, struct err *e) MUSTUSE;

/* "https://host[:port]" in lower case without default port, for CORS and redirect comparison; .p NULL when s is not http(s)
 * or the arena is full.                                                                                                    */
struct arena;
struct str uri_origin(struct arena *a, struct str s);

#endif
