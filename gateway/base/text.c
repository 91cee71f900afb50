/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodings of text. */
#include "gateway/base/text.h"

/* --- UTF-8 ------------------------------------------------------------------------------------------------------------------ */

/* Length of the valid sequence at p (1..4), 0 when it is not valid. */
static size_t
sequence(const unsigned char *p, size_t left)
{
	unsigned c = p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
	    (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool
utf8_valid(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0, n; i < s.n; i += n)
		if ((n = sequence(p + i, s.n - i)) == 0)
			return false;
	return true;
}

bool
utf8_has_astral(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0xf0)
			return true;
	return false;
}

size_t
utf8_count(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* The code point at s.p[*i] of valid UTF-8; moves *i behind it. */
static uint32_t
utf8_next(struct str s, size_t *i)
{
	unsigned char c = (unsigned char)s.p[(*i)++];
	uint32_t u = c < 0x80 ? c : c < 0xe0 ? c & 0x1fu : c < 0xf0 ? c & 0x0fu : c & 0x07u;
	while (*i < s.n && ((unsigned char)s.p[*i] & 0xc0) == 0x80)
		u = u << 6 | ((unsigned char)s.p[(*i)++] & 0x3fu);
	return u;
}

bool
utf8_is_label(struct str s)
{
	static const struct {
		uint32_t first, last;
	} refused[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x200b, 0x200b },
		{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0xe0000, 0xe007f } };
	bool blank = true;
	if (!utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n;) {
		uint32_t u = utf8_next(s, &i);
		blank = blank && (u == ' ' || u == 0xa0 || (u >= 0x2000 && u <= 0x200d) || u == 0x3000);
		for (size_t k = 0; k < NITEMS(refused); k++)
			if (u >= refused[k].first && u <= refused[k].last)
				return false;
	}
	return !blank;
}

/* --- hex -------------------------------------------------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void
hex_put(struct buf *b, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = p;
	char *to = buf_room(b, 2 * n);
	if (to == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[from[i] >> 4];
		to[2 * i + 1] = digits[from[i] & 15];
	}
	b->n += 2 * n;
}

int
hex_get(struct str s, uint8_t *out, size_t out_n)
{
	if (s.n != 2 * out_n)
		return -1;
	for (size_t i = 0; i < out_n; i++) {
		int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

/* --- base64 ------------------------------------------------------------------------------------------------------------------ */

static const char alphabet[2][65] = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" };

static void
encode(struct buf *b, const void *p, size_t n, bool url)
{
	const unsigned char *from = p;
	const char *letters = alphabet[url];
	char *to = buf_room(b, (n / 3 + 1) * 4);
	size_t o = 0;
	if (to == NULL)
		return;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
		             (left > 2 ? from[i + 2] : 0);
		to[o++] = letters[v >> 18];
		to[o++] = letters[v >> 12 & 63];
		if (left > 1)
			to[o++] = letters[v >> 6 & 63];
		else if (!url)
			to[o++] = '=';
		if (left > 2)
			to[o++] = letters[v & 63];
		else if (!url)
			to[o++] = '=';
	}
	b->n += o;
}

void
base64_put(struct buf *b, const void *p, size_t n)
{
	encode(b, p, n, false);
}

void
base64url_put(struct buf *b, const void *p, size_t n)
{
	encode(b, p, n, true);
}

static int
letter(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == alphabet[url][62] ? 62 : c == alphabet[url][63] ? 63 : -1;
}

static int
decode(struct str s, struct buf *out, bool url)
{
	uint32_t v = 0;
	unsigned bits = 0;
	char *to = buf_room(out, s.n * 3 / 4 + 3);
	size_t o = 0;
	if (to == NULL || s.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		int d = letter(s.p[i], url);
		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[o++] = (char)(v >> bits & 0xff);
		}
	}
	if ((v & ((1u << bits) - 1)) != 0)
		return -1; /* bits that no byte uses: a second spelling of the same bytes */
	out->n += o;
	return 0;
}

int
base64_get(struct str s, struct buf *out)
{
	size_t pad = 0;
	if (s.n % 4 != 0)
		return -1;
	while (pad < 2 && s.n > pad && s.p[s.n - 1 - pad] == '=')
		pad++;
	return decode(str_sub(s, 0, s.n - pad), out, false);
}

int
base64url_get(struct str s, struct buf *out)
{
	return decode(s, out, true);
}

/* --- percent and forms --------------------------------------------------------------------------------------------------------- */

void
percent_put(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		             c == '.' || c == '_' || c == '~';
		if (plain) {
			buf_char(b, c);
		} else {
			char code[3] = { '%', digits[(unsigned char)c >> 4], digits[(unsigned char)c & 15] };
			buf_put(b, code, sizeof code);
		}
	}
}

int
percent_get(struct arena *a, struct str s, bool plus, struct str *out)
{
	char *to = arena_raw(a, s.n + 1);
	size_t o = 0;
	if (to == NULL)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			int hi = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
			int lo = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return -1;
			to[o++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			to[o++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	to[o] = 0;
	*out = (struct str){ to, o };
	return 0;
}

static int
form_text(struct arena *a, struct str raw, struct str *out, struct err *e)
{
	if (percent_get(a, raw, true, out) != 0)
		return ERR(e, E_PARSE, "form: broken escape or too large");
	if (!utf8_valid(*out) || str_find(*out, 0) < out->n)
		return ERR(e, E_PARSE, "form: not UTF-8, or NUL");
	return 0;
}

int
form_parse(struct arena *a, struct str body, size_t max_pairs, struct form *out, struct err *e)
{
	size_t count = 1;
	struct str part;
	*out = (struct form){ 0 };
	for (size_t i = 0; i < body.n; i++)
		count += body.p[i] == '&';
	if (count > max_pairs + 1)
		return ERR(e, E_LIMIT, "form: more than %zu pairs", max_pairs);
	out->pairs = arena_array(a, count, sizeof *out->pairs);
	if (out->pairs == NULL)
		return ERR(e, E_LIMIT, "form: arena full");
	while (str_next(&body, '&', &part)) {
		size_t eq = str_find(part, '=');
		if (part.n == 0)
			continue;
		if (out->n == max_pairs)
			return ERR(e, E_LIMIT, "form: more than %zu pairs", max_pairs);
		if (form_text(a, str_sub(part, 0, eq), &out->pairs[out->n].name, e) != 0 ||
		    form_text(a, str_skip(part, eq + 1), &out->pairs[out->n].value, e) != 0)
			return -1;
		out->n++;
	}
	return 0;
}

struct str
form_get(const struct form *f, struct str name, size_t *count)
{
	struct str found = STR_NULL;
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->pairs[i].name, name) && n++ == 0)
			found = f->pairs[i].value;
	if (count != NULL)
		*count = n;
	return found;
}

void
html_put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&':
			buf_lit(b, "&amp;");
			break;
		case '<':
			buf_lit(b, "&lt;");
			break;
		case '>':
			buf_lit(b, "&gt;");
			break;
		case '"':
			buf_lit(b, "&quot;");
			break;
		case '\'':
			buf_lit(b, "&#39;");
			break;
		default:
			buf_char(b, s.p[i]);
		}
	}
}
