/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodings of text: UTF-8, hex, base64, base64url, percent, form bodies. Pure. Not for URIs as a whole (uri.h) or JSON.   */
#ifndef GATEWAY_BASE_TEXT_H
#define GATEWAY_BASE_TEXT_H

#include "gateway/base/buf.h"
#include "gateway/base/err.h"

/* RFC 3629: no surrogates, no overlong forms, no values over U+10FFFF. */
bool utf8_valid(struct str s);
/* True when the text holds a character beyond U+FFFF (a utf8mb3 column cannot hold it). */
bool utf8_has_astral(struct str s);
/* Number of code points of valid UTF-8. */
size_t utf8_count(struct str s);
/* Valid UTF-8 that reads as it is written: no control character, line separator, invisible character or change of direction (joiners of
 * scripts and emoji pass), and not blank. For names that a person is to trust. Unicode TR 36 2.                              */
bool utf8_is_label(struct str s);

void hex_put(struct buf *b, const void *p, size_t n); /* lower case */
/* Decodes exactly out_n bytes from 2*out_n digits; -1 otherwise. */
int hex_get(struct str s, uint8_t *out, size_t out_n) MUSTUSE;

void base64_put(struct buf *b, const void *p, size_t n);    /* RFC 4648 4, padded          */
void base64url_put(struct buf *b, const void *p, size_t n); /* RFC 4648 5, without padding */
/* Strict: the canonical form only (no white space, right padding, zero unused bits). Appends the bytes to out; -1 when malformed
 * or out failed.                                                                                                            */
int base64_get(struct str s, struct buf *out) MUSTUSE;
int base64url_get(struct str s, struct buf *out) MUSTUSE;

/* Percent-encodes all but RFC 3986 unreserved characters. */
void percent_put(struct buf *b, struct str s);
/* Decodes %XX into arena memory ('+' becomes space when plus is set); -1 on a broken escape or a full arena. */
int percent_get(struct arena *a, struct str s, bool plus, struct str *out) MUSTUSE;

/* A decoded form or query pair. */
struct form_pair {
	struct str name, value;
};
struct form {
	struct form_pair *pairs;
	size_t n;
};
/* application/x-www-form-urlencoded (also a query without '?'). At most max_pairs; names and values must be valid UTF-8 without
 * NUL. Order kept, duplicates kept. -1 with e on malformed input, too many pairs or a full arena.  WHATWG URL 5.1.        */
int form_parse(struct arena *a, struct str body, size_t max_pairs, struct form *out, struct err *e) MUSTUSE;
/* The first value of name, or STR_NULL (.p NULL) when absent; *count (may be NULL) gets how often it occurs. */
struct str form_get(const struct form *f, struct str name, size_t *count);

/* HTML text and attribute escaping of & < > " '. */
void html_put(struct buf *b, struct str s);

#endif
