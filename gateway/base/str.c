/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Borrowed byte strings. */
#include "gateway/base/str.h"

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
ieq(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool
str_ieq(struct str a, struct str b)
{
	return a.n == b.n && ieq(a.p, b.p, a.n);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int rc = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return rc != 0 ? rc : (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

bool
str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && ieq(s.p, prefix.p, prefix.n);
}

size_t
str_find(struct str s, char c)
{
	const char *p = s.n == 0 ? NULL : memchr(s.p, c, s.n);
	return p == NULL ? s.n : (size_t)(p - s.p);
}

size_t
str_find_str(struct str s, struct str needle)
{
	const char *p;
	if (needle.n == 0)
		return 0;
	p = s.n < needle.n ? NULL : memmem(s.p, s.n, needle.p, needle.n);
	return p == NULL ? s.n : (size_t)(p - s.p);
}

struct str
str_sub(struct str s, size_t from, size_t to)
{
	to = MIN(to, s.n);
	from = MIN(from, to);
	return (struct str){ s.p == NULL ? NULL : s.p + from, to - from };
}

struct str
str_skip(struct str s, size_t n)
{
	return str_sub(s, n, s.n);
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
str_next(struct str *rest, char sep, struct str *part)
{
	size_t n;
	if (rest->n == 0)
		return false;
	n = str_find(*rest, sep);
	*part = str_sub(*rest, 0, n);
	*rest = n == rest->n ? STR_NULL : str_skip(*rest, n + 1);
	return true;
}

int
str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	if (s.n == 0 || s.n > 20)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';
		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	if (v > max)
		return -1;
	*out = v;
	return 0;
}

int
str_to_i64(struct str s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;
	if (str_to_u64(str_skip(s, minus), (uint64_t)INT64_MAX + minus, &v) != 0)
		return -1;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

struct str
str_u64(uint64_t v, char text[STR_U64_MAX])
{
	size_t i = STR_U64_MAX;
	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return (struct str){ text + i, STR_U64_MAX - i };
}

int
str_cstr(struct str s, char *dst, size_t n)
{
	if (s.n >= n || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
		return -1;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = 0;
	return 0;
}
