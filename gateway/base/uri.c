/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URIs and request targets. */
#include "gateway/base/uri.h"

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/base/text.h"

static bool
alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
hex(char c)
{
	return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Printable ASCII without what RFC 3986 keeps out, escapes complete. */
static bool
text_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' ||
		    c == '{' || c == '|' || c == '}')
			return false;
		if (c == '%' && (s.n - i < 3 || !hex(s.p[i + 1]) || !hex(s.p[i + 2])))
			return false;
	}
	return true;
}

static int
authority_parse(struct str auth, struct uri *out, struct err *e)
{
	size_t at = str_find(auth, '@');
	uint64_t port = 0;
	struct str rest = auth;
	if (at < auth.n) {
		out->userinfo = str_sub(auth, 0, at);
		rest = str_skip(auth, at + 1);
	}
	if (rest.n > 0 && rest.p[0] == '[') {
		size_t end = str_find(rest, ']');
		out->host = str_sub(rest, 1, end);
		out->ipv6 = true;
		for (size_t i = 0; i < out->host.n; i++)
			if (!hex(out->host.p[i]) && out->host.p[i] != ':' && out->host.p[i] != '.')
				return ERR(e, E_PARSE, "URI: bad IPv6 host");
		if (end == rest.n || str_find(out->host, ':') == out->host.n)
			return ERR(e, E_PARSE, "URI: bad IPv6 host");
		rest = str_skip(rest, end + 1);
	} else {
		out->host = str_sub(rest, 0, str_find(rest, ':'));
		rest = str_skip(rest, out->host.n);
	}
	if (rest.n > 0 && (rest.p[0] != ':' || str_to_u64(str_skip(rest, 1), 65535, &port) != 0 || port == 0))
		return ERR(e, E_PARSE, "URI: bad port");
	out->port = (unsigned)port;
	if (out->host.n == 0 || str_find(out->host, '@') < out->host.n || str_find(out->host, '[') < out->host.n)
		return ERR(e, E_PARSE, "URI: bad host");
	return 0;
}

int
uri_parse(struct str s, struct uri *out, struct err *e)
{
	size_t colon = str_find(s, ':');
	*out = (struct uri){ 0 };
	if (!text_ok(s) || colon == s.n || colon == 0 || !alpha(s.p[0]))
		return ERR(e, E_PARSE, "URI: no scheme, or forbidden characters");
	for (size_t i = 0; i < colon; i++)
		if (!alpha(s.p[i]) && !digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return ERR(e, E_PARSE, "URI: bad scheme");
	out->scheme = str_sub(s, 0, colon);
	struct str rest = str_skip(s, colon + 1);
	size_t mark = str_find(rest, '#');
	if (mark < rest.n)
		out->fragment = str_skip(rest, mark + 1);
	rest = str_sub(rest, 0, mark);
	mark = str_find(rest, '?');
	if (mark < rest.n)
		out->query = str_skip(rest, mark + 1);
	rest = str_sub(rest, 0, mark);
	bool web = str_ieq(out->scheme, STR("http")) || str_ieq(out->scheme, STR("https"));
	if (str_starts(rest, STR("//"))) {
		rest = str_skip(rest, 2);
		size_t slash = str_find(rest, '/');
		if (authority_parse(str_sub(rest, 0, slash), out, e) != 0)
			return -1;
		rest = str_skip(rest, slash);
	} else if (web) {
		return ERR(e, E_PARSE, "URI: no host");
	}
	out->path = rest;
	return 0;
}

/* One path segment: no dot segment in any spelling, no encoded slash, backslash or NUL. */
static int
segment_check(struct str seg, struct err *e)
{
	size_t dots = 0, chars = 0;
	if (seg.n == 0)
		return ERR(e, E_PARSE, "target: empty segment");
	if (str_find(seg, '%') == seg.n) /* most are as they stand */
		return str_eq(seg, STR(".")) || str_eq(seg, STR("..")) ? ERR(e, E_PARSE, "target: dot segment") : 0;
	for (size_t i = 0; i < seg.n; i++, chars++) {
		unsigned char c = (unsigned char)seg.p[i];
		if (c == '%') {
			uint8_t byte = 0;
			if (seg.n - i < 3 || hex_get(str_sub(seg, i + 1, i + 3), &byte, 1) != 0)
				return ERR(e, E_PARSE, "target: broken escape");
			if (byte == '/' || byte == '\\' || byte < 0x20 || byte == 0x7f)
				return ERR(e, E_PARSE, "target: encoded slash, backslash or control");
			c = byte;
			i += 2;
		}
		dots += c == '.';
	}
	if (chars == dots && dots <= 2)
		return ERR(e, E_PARSE, "target: dot segment");
	return 0;
}

/* Valid UTF-8 after decoding, checked without memory: escapes are decoded on the fly in small windows. */
static bool
decoded_utf8(struct str s)
{
	char window[4];
	for (size_t i = 0; i < s.n;) {
		size_t n = 0, k;
		uint8_t byte;
		i += str_find(str_skip(s, i), '%');
		if (i == s.n)
			break;
		k = i;
		while (n < sizeof window && s.n - k >= 3 && s.p[k] == '%' &&
		       hex_get(str_sub(s, k + 1, k + 3), &byte, 1) == 0) {
			window[n++] = (char)byte;
			k += 3;
		}
		size_t len = 1;
		while (len <= n && !utf8_valid((struct str){ window, len }))
			len++;
		if (n == 0 || len > n)
			return false;
		i += 3 * len;
	}
	return true;
}

int
target_parse(struct str target, struct str *path, struct str *query, struct err *e)
{
	size_t mark = str_find(target, '?');
	struct str rest, seg;
	if (target.n == 0 || target.p[0] != '/')
		return ERR(e, E_PARSE, "target: no absolute path");
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= 0x20 || target.p[i] >= 0x7f || target.p[i] == '\\' || target.p[i] == '#')
			return ERR(e, E_PARSE, "target: forbidden character");
	*path = str_sub(target, 0, mark);
	*query = mark < target.n ? str_skip(target, mark + 1) : STR_NULL;
	rest = str_skip(*path, 1);
	while (rest.n > 0) {
		size_t slash = str_find(rest, '/');
		seg = str_sub(rest, 0, slash);
		if (segment_check(seg, e) != 0)
			return -1;
		rest = str_skip(rest, slash + 1);
	}
	if (!decoded_utf8(*path))
		return ERR(e, E_PARSE, "target: not UTF-8");
	return 0;
}

struct str
uri_origin(struct arena *a, struct str s)
{
	struct uri u;
	struct buf b;
	if (uri_parse(s, &u, NULL) != 0)
		return STR_NULL;
	bool https = str_ieq(u.scheme, STR("https"));
	if (!https && !str_ieq(u.scheme, STR("http")))
		return STR_NULL;
	buf_init(&b, a, 64, 1024);
	buf_str_put(&b, https ? STR("https://") : STR("http://"));
	if (u.ipv6)
		buf_char(&b, '[');
	for (size_t i = 0; i < u.host.n; i++)
		buf_char(&b, u.host.p[i] >= 'A' && u.host.p[i] <= 'Z' ? (char)(u.host.p[i] + 32) : u.host.p[i]);
	if (u.ipv6)
		buf_char(&b, ']');
	if (u.port != 0 && u.port != (https ? 443u : 80u)) {
		buf_char(&b, ':');
		buf_u64(&b, u.port);
	}
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}
