/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON out. Runs of plain characters are copied whole; a table says which bytes need work per escape mode. */
#include "gateway/base/json_write.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <math.h>
#include <stdio.h>

enum { PLAIN = 0, CONTROL = 1, QUOTE = 2, SLASH = 4, HTML = 8, HIGH = 16 };

/* Class of each byte; a mode looks at the classes of its mask only. */
#define X4(v)  v, v, v, v
#define X16(v) X4(v), X4(v), X4(v), X4(v)
static const unsigned char class_of[256] = {
	X16(CONTROL),
	X16(CONTROL),
	/*    !  "             #  $  %  &     '     (  )  *  +  ,  -  .  /  */
	0,
	0,
	QUOTE | HTML,
	0,
	0,
	0,
	HTML,
	HTML,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	SLASH,
	/* 0 - 9 : ;          <     =  >     ? */
	X4(0),
	X4(0),
	X4(0),
	HTML,
	0,
	HTML,
	0,
	/* @ - O, P - [ \ ] ^ _ , ` - o, p - DEL */
	X16(0),
	X4(0),
	X4(0),
	X4(0),
	QUOTE,
	0,
	0,
	0,
	X16(0),
	X16(0),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
	X16(HIGH),
};
#undef X4
#undef X16
static const unsigned char mask_of[] = {
	[JSON_PLAIN] = CONTROL | QUOTE | HIGH,
	[JSON_PHP] = CONTROL | QUOTE | SLASH | HIGH,
	[JSON_PHP_HEX] = CONTROL | QUOTE | SLASH | HTML | HIGH,
};

void
json_begin(struct json_write *w, struct buf *out, enum json_escape escape)
{
	*w = (struct json_write){ .out = out, .escape = escape };
}

/* The comma before a value or key of the present level. */
static inline void
comma(struct json_write *w)
{
	unsigned level = 1u << w->depth;
	if (w->comma & level)
		buf_char(w->out, ',');
	w->comma |= level;
}

static void
open_level(struct json_write *w, char c)
{
	comma(w);
	CHECK(w->depth + 1 < JSON_DEPTH);
	buf_char(w->out, c);
	w->depth++;
	w->comma &= ~(1u << w->depth);
}

static void
close_level(struct json_write *w, char c)
{
	CHECK(w->depth > 0);
	w->depth--;
	buf_char(w->out, c);
}

void
json_obj(struct json_write *w)
{
	open_level(w, '{');
}

void
json_obj_end(struct json_write *w)
{
	close_level(w, '}');
}

void
json_arr(struct json_write *w)
{
	open_level(w, '[');
}

void
json_arr_end(struct json_write *w)
{
	close_level(w, ']');
}

static void
put_u16(struct buf *b, unsigned v, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[6] = { '\\', 'u', digits[v >> 12 & 15], digits[v >> 8 & 15], digits[v >> 4 & 15], digits[v & 15] };
	buf_put(b, text, sizeof text);
}

/* One character beyond ASCII at p. Returns its length; what is not UTF-8 is written as U+FFFD, one byte at a time. */
static size_t
put_high(struct buf *b, const unsigned char *p, size_t left, enum json_escape escape)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned c = p[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
	unsigned v = n == 0 ? 0 : c & (0x7fu >> n);
	bool ok = n > 0 && n <= left && c < 0xf8;
	for (size_t i = 1; ok && i < n; i++) {
		ok = (p[i] & 0xc0) == 0x80;
		v = v << 6 | (p[i] & 0x3fu);
	}
	ok = ok && v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
	if (!ok) {
		if (escape == JSON_PLAIN)
			buf_put(b, "\xef\xbf\xbd", 3);
		else
			put_u16(b, 0xfffd, false);
		return 1;
	}
	if (escape == JSON_PLAIN) {
		buf_put(b, p, n);
	} else if (v < 0x10000) {
		put_u16(b, v, false);
	} else {
		put_u16(b, 0xd800 + ((v - 0x10000) >> 10), false);
		put_u16(b, 0xdc00 + ((v - 0x10000) & 0x3ff), false);
	}
	return n;
}

static void
put_special(struct buf *b, unsigned char c, enum json_escape escape)
{
	static const char short_of[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	if (escape == JSON_PHP_HEX && (class_of[c] & HTML)) {
		put_u16(b, c, true);
		return;
	}
	char two[2] = { '\\', c == '"' || c == '\\' || c == '/' ? (char)c : c < sizeof short_of ? short_of[c] : 0 };
	if (two[1] == 0)
		put_u16(b, c, false);
	else
		buf_put(b, two, sizeof two);
}

#ifdef __SSE2__
/* Do sixteen bytes need no work? Not for JSON_PHP_HEX. */
static bool
sixteen_plain(__m128i v, enum json_escape escape)
{
	__m128i odd = _mm_cmplt_epi8(v, _mm_set1_epi8(' ')); /* signed: controls, and all beyond ASCII */
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
	odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
	odd = escape == JSON_PLAIN ? odd : _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('/')));
	return _mm_movemask_epi8(odd) == 0;
}

/* The same of 4 to 16 bytes: their beginning and their end, which may overlap. */
static bool
few_plain(const unsigned char *p, size_t n, enum json_escape escape)
{
	uint64_t first = 0, last = 0;
	if (n >= 8) {
		memcpy(&first, p, 8);
		memcpy(&last, p + n - 8, 8);
		return sixteen_plain(_mm_set_epi64x((int64_t)last, (int64_t)first), escape);
	}
	uint32_t a, b;
	memcpy(&a, p, 4);
	memcpy(&b, p + n - 4, 4);
	first = (uint64_t)b << 32 | a;
	return sixteen_plain(_mm_set_epi64x((int64_t)first, (int64_t)first), escape);
}
#endif

/* How many bytes from p on need no work. Sixteen at a time: most text is plain. */
static size_t
plain_span(const unsigned char *p, size_t n, enum json_escape escape)
{
	unsigned char mask = mask_of[escape];
	size_t i = 0;
#ifdef __SSE2__
	for (; escape != JSON_PHP_HEX && n - i >= 16; i += 16) {
		__m128i v;
		memcpy(&v, p + i, sizeof v);
		if (!sixteen_plain(v, escape))
			break; /* the table knows the rest */
	}
	if (escape != JSON_PHP_HEX && n - i >= 4 && n - i <= 16 && few_plain(p + i, n - i, escape))
		return n;
#endif
	while (i < n && !(class_of[p[i]] & mask))
		i++;
	return i;
}

void
json_escape_put(struct buf *b, struct str s, enum json_escape escape)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;
	while (i < s.n) {
		size_t from = i;
		i += plain_span(p + i, s.n - i, escape);
		if (i > from)
			buf_put(b, p + from, i - from);
		if (i == s.n)
			break;
		if (class_of[p[i]] & HIGH)
			i += put_high(b, p + i, s.n - i, escape);
		else
			put_special(b, p[i++], escape);
	}
}

/* A comma (if due), bytes, and a text in quotes behind them, in one piece. False: there is work to do, or no room; nothing is written. */
static inline bool
plain_put(struct buf *b, enum json_escape escape, bool comma_due, struct str before, struct str s)
{
	if (plain_span((const unsigned char *)s.p, s.n, escape) != s.n)
		return false;
	size_t n = comma_due + before.n + s.n + 2;
	char *to = !b->failed && b->cap - b->n >= n ? b->p + b->n : buf_room(b, n);
	if (to == NULL)
		return false;
	*to = ',';
	to += comma_due;
	if (before.n > 0)
		memcpy(to, before.p, before.n);
	to += before.n;
	*to++ = '"';
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '"';
	b->n += n;
	return true;
}

static void
quoted(struct json_write *w, struct str s)
{
	if (plain_put(w->out, w->escape, false, STR(""), s))
		return;
	buf_char(w->out, '"');
	json_escape_put(w->out, s, w->escape);
	buf_char(w->out, '"');
}

void
json_key(struct json_write *w, struct str key)
{
	comma(w);
	quoted(w, key);
	buf_char(w->out, ':');
	w->comma &= ~(1u << w->depth); /* the value follows without one */
}

void
json_key_raw(struct json_write *w, struct str quoted_key_and_colon)
{
	comma(w);
	buf_str_put(w->out, quoted_key_and_colon);
	w->comma &= ~(1u << w->depth);
}

void
json_member_raw(struct json_write *w, struct str quoted_key_and_colon, struct str v)
{
	unsigned level = 1u << w->depth;
	bool comma_due = (w->comma & level) != 0;
	if (v.p != NULL && plain_put(w->out, w->escape, comma_due, quoted_key_and_colon, v)) {
		w->comma |= level;
		return;
	}
	comma(w);
	buf_str_put(w->out, quoted_key_and_colon);
	if (v.p == NULL)
		buf_lit(w->out, "null");
	else
		quoted(w, v);
}

void
json_str(struct json_write *w, struct str s)
{
	comma(w);
	quoted(w, s);
}

void
json_i64(struct json_write *w, int64_t v)
{
	comma(w);
	buf_i64(w->out, v);
}

void
json_f64(struct json_write *w, double v)
{
	char text[40];
	if (!isfinite(v)) {
		json_nil(w);
		return;
	}
	comma(w);
	for (int precision = 15; precision <= 17; precision++) {
		double back;
		(void)snprintf(text, sizeof text, "%.*g", precision, v);
		if (sscanf(text, "%lf", &back) == 1 && memcmp(&back, &v, sizeof v) == 0)
			break;
	}
	buf_str_put(w->out, str_of(text));
}

void
json_bool(struct json_write *w, bool v)
{
	comma(w);
	buf_str_put(w->out, v ? STR("true") : STR("false"));
}

void
json_nil(struct json_write *w)
{
	comma(w);
	buf_lit(w->out, "null");
}

void
json_raw(struct json_write *w, struct str value)
{
	comma(w);
	buf_str_put(w->out, value);
}

void
json_kv_str(struct json_write *w, struct str key, struct str v)
{
	json_key(w, key);
	if (v.p == NULL)
		json_nil(w);
	else
		json_str(w, v);
}

void
json_kv_i64(struct json_write *w, struct str key, int64_t v)
{
	json_key(w, key);
	json_i64(w, v);
}

void
json_kv_bool(struct json_write *w, struct str key, bool v)
{
	json_key(w, key);
	json_bool(w, v);
}
