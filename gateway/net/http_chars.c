/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The character table and the table of known field names. Not the grammar (http_head.c, http_body.c). */
#include "gateway/net/http_chars.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define T HTTP_C_TOKEN
#define G HTTP_C_TARGET
#define V HTTP_C_VALUE
#define X HTTP_C_HEX
#define H HTTP_C_HOST
#define D HTTP_C_DIGIT
/* Ranges are GNU designators (gcc and clang); later rows override earlier ones. */
__extension__ const uint8_t http_chars[256] = {
	['\t'] = V,
	[' '] = V,
	['!'] = T | G | V,
	['"'] = G | V,
	['#' ... '\''] = T | G | V,
	['(' ... ')'] = G | V,
	['*' ... '+'] = T | G | V,
	[','] = G | V,
	['-' ... '.'] = T | G | V | H,
	['/'] = G | V,
	['0' ... '9'] = T | G | V | X | H | D,
	[':' ... '@'] = G | V,
	['A' ... 'F'] = T | G | V | X | H,
	['G' ... 'Z'] = T | G | V | H,
	['[' ... ']'] = G | V,
	['^'] = T | G | V,
	['_'] = T | G | V | H,
	['`'] = T | G | V,
	['a' ... 'f'] = T | G | V | X | H,
	['g' ... 'z'] = T | G | V | H,
	['{'] = G | V,
	['|'] = T | G | V,
	['}'] = G | V,
	['~'] = T | G | V,
	[0x80 ... 0xff] = V,
};
#undef T
#undef G
#undef V
#undef X
#undef H
#undef D

const char *
http_span_value(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i low = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, low), x); /* unsigned x <= 0x1f */
		control = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), control), _mm_cmpeq_epi8(x, del));
		unsigned stops = (unsigned)_mm_movemask_epi8(control);
		if (stops != 0)
			return p + __builtin_ctz(stops);
	}
#endif
	return http_span(p, end, HTTP_C_VALUE);
}

/* The known names by length; fold[] of a length are rows [known_from[n], known_from[n + 1]). */
struct known {
	const char *name;
	enum http_field_id id;
};
#define N_LENGTHS 31
static const struct known known[] = {
	{ "te", HTTP_F_TE },                                /*  2 */
	{ "host", HTTP_F_HOST },                            /*  4 */
	{ "date", HTTP_F_DATE }, { "range", HTTP_F_RANGE }, /*  5 */
	{ "accept", HTTP_F_ACCEPT },                        /*  6 */
	{ "cookie", HTTP_F_COOKIE }, { "origin", HTTP_F_ORIGIN }, { "expect", HTTP_F_EXPECT },
	{ "prefer", HTTP_F_PREFER }, { "server", HTTP_F_SERVER }, { "referer", HTTP_F_REFERER },       /*  7 */
	{ "upgrade", HTTP_F_UPGRADE }, { "trailer", HTTP_F_TRAILER }, { "if-match", HTTP_F_IF_MATCH }, /*  8 */
	{ "location", HTTP_F_LOCATION }, { "forwarded", HTTP_F_FORWARDED },                            /*  9 */
	{ "connection", HTTP_F_CONNECTION },                                                           /* 10 */
	{ "user-agent", HTTP_F_USER_AGENT }, { "keep-alive", HTTP_F_KEEP_ALIVE }, { "set-cookie", HTTP_F_SET_COOKIE },
	{ "content-type", HTTP_F_CONTENT_TYPE },                                                /* 12 */
	{ "x-request-id", HTTP_F_X_REQUEST_ID }, { "authorization", HTTP_F_AUTHORIZATION },     /* 13 */
	{ "if-none-match", HTTP_F_IF_NONE_MATCH }, { "content-length", HTTP_F_CONTENT_LENGTH }, /* 14 */
	{ "accept-encoding", HTTP_F_ACCEPT_ENCODING },                                          /* 15 */
	{ "x-forwarded-for", HTTP_F_X_FORWARDED_FOR }, { "idempotency-key", HTTP_F_IDEMPOTENCY_KEY },
	{ "content-encoding", HTTP_F_CONTENT_ENCODING }, /* 16 */
	{ "x-forwarded-host", HTTP_F_X_FORWARDED_HOST }, { "proxy-connection", HTTP_F_PROXY_CONNECTION },
	{ "transfer-encoding", HTTP_F_TRANSFER_ENCODING }, /* 17 */
	{ "if-modified-since", HTTP_F_IF_MODIFIED_SINCE }, { "x-forwarded-proto", HTTP_F_X_FORWARDED_PROTO },
	{ "access-control-request-method", HTTP_F_ACCESS_CONTROL_REQUEST_METHOD },   /* 29 */
	{ "access-control-request-headers", HTTP_F_ACCESS_CONTROL_REQUEST_HEADERS }, /* 30 */
};
_Static_assert(NITEMS(known) == HTTP_F_N - 1, "one row per known field");
static const uint8_t known_from[N_LENGTHS + 1] = {
	[2] = 0,
	[3] = 1,
	[4] = 1,
	[5] = 3,
	[6] = 4,
	[7] = 10,
	[8] = 13,
	[9] = 15,
	[10] = 16,
	[11] = 20,
	[12] = 20,
	[13] = 22,
	[14] = 24,
	[15] = 25,
	[16] = 28,
	[17] = 31,
	[18] = 34,
	[19] = 34,
	[20] = 34,
	[21] = 34,
	[22] = 34,
	[23] = 34,
	[24] = 34,
	[25] = 34,
	[26] = 34,
	[27] = 34,
	[28] = 34,
	[29] = 34,
	[30] = 35,
	[31] = 36,
};

/* Known names hold only a-z and '-'; no other tchar becomes one of these by setting bit 5. Eight bytes at a time. */
static bool
is_known(const char *name, const char *known_name, size_t n)
{
	size_t at = 0;
	for (; n - at >= 8; at += 8) {
		uint64_t x, k;
		memcpy(&x, name + at, 8);
		memcpy(&k, known_name + at, 8);
		if ((x | 0x2020202020202020u) != k)
			return false;
	}
	while (at < n && (name[at] | 0x20) == known_name[at])
		at++;
	return at == n;
}

enum http_field_id
http_field_lookup(struct str name)
{
	if (name.n < 2 || name.n >= N_LENGTHS)
		return HTTP_F_NONE;
	for (unsigned i = known_from[name.n]; i < known_from[name.n + 1]; i++) {
		const char *k = known[i].name;
		if ((name.p[0] | 0x20) == k[0] && is_known(name.p, k, name.n))
			return known[i].id;
	}
	return HTTP_F_NONE;
}
