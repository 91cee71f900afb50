/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Borrowed byte strings: pointer and length, by value; may hold NUL; never owned. Not for building text (buf.h).           */
#ifndef GATEWAY_BASE_STR_H
#define GATEWAY_BASE_STR_H

#include "gateway/base/macros.h"

#include <stdbool.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit)      ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit) { "" lit, sizeof(lit) - 1 }
#define STR_NULL      ((struct str){ NULL, 0 })
#define STR_ARG(s)    (int)(s).n, (s).p == NULL ? "" : (s).p /* for "%.*s" */

/* Of a C string from our own tables; NULL gives STR_NULL. Never for foreign bytes. */
static inline struct str
str_of(const char *z)
{
	return z == NULL ? STR_NULL : (struct str){ z, strlen(z) };
}
static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool str_ieq(struct str a, struct str b); /* ASCII letters without case                           */
int str_cmp(struct str a, struct str b);  /* memcmp order, shorter first                          */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_istarts(struct str s, struct str prefix); /* ASCII letters without case                           */
/* Index of the first c / of needle in s, or s.n when there is none. */
size_t str_find(struct str s, char c);
size_t str_find_str(struct str s, struct str needle);
/* s[from, to), both cut to s.n. */
struct str str_sub(struct str s, size_t from, size_t to);
struct str str_skip(struct str s, size_t n); /* without its first n bytes                            */
struct str str_trim(struct str s);           /* without SP and HTAB at both ends                     */
/* Takes the part of *rest before the next sep into *part and moves *rest behind sep. False when *rest is used up: an empty
 * string gives no part, "a," gives "a" alone, ",a" gives "" and "a".                                                        */
bool str_next(struct str *rest, char sep, struct str *part);
/* Strict decimal, no sign, no space, no leading plus; the whole string; -1 when malformed or over max. */
int str_to_u64(struct str s, uint64_t max, uint64_t *out) MUSTUSE;
int str_to_i64(struct str s, int64_t *out) MUSTUSE; /* as above with optional '-'                           */
/* v in decimal, at the end of text. */
enum { STR_U64_MAX = 20 };
struct str str_u64(uint64_t v, char text[STR_U64_MAX]);
/* Copies into dst of size n with a final NUL; -1 when it does not fit or holds NUL. */
int str_cstr(struct str s, char *dst, size_t n) MUSTUSE;

#endif
