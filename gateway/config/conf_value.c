/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The types of settings: text to value, value to text, and what to say when it does not fit. A type is a row of types[]. */
#include "gateway/base/uri.h"
#include "gateway/config/conf_item.h"

#include <arpa/inet.h>

struct unit {
	struct str name;
	uint64_t factor;
};
enum { UNITS_MAX = 6 };
struct type_def {
	const char *expected;
	/* 0, or -1: not of this type. Texts are kept in the arena. */
	int (*parse)(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst);
	struct unit units[UNITS_MAX]; /* numbers: rising */
};
static const struct type_def types[C_TYPES];

static int
keep(struct arena *a, struct str text, void *dst)
{
	struct str copy = arena_str(a, text);
	if (copy.p == NULL)
		return -1;
	*(struct str *)dst = copy;
	return 0;
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
parse_str(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)it, (void)dir;
	return is_printable(text) && text.n <= 1024 ? keep(a, text, dst) : -1;
}

static int
parse_word(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	static const char also[] = "_.:-";
	(void)it, (void)dir;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (c == '\0' || strchr(also, c) == NULL))
			return -1;
	}
	return text.n > 0 && text.n <= 255 ? keep(a, text, dst) : -1;
}

static int
parse_name(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	struct str name = str_starts(text, STR("*.")) ? str_skip(text, 2) : text, kept;
	return parse_word(a, it, name, dir, &kept) == 0 ? keep(a, text, dst) : -1;
}

static int
parse_path(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)it;
	if (text.n == 0 || text.n > 1024 || !is_printable(text))
		return -1;
	if (text.p[0] == '/' || dir.n == 0)
		return keep(a, text, dst);
	struct str full = arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(text));
	if (full.p == NULL)
		return -1;
	*(struct str *)dst = full;
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */
/* Digits and a unit of the type; "0" needs none. */
static int
number_of(const struct type_def *t, struct str text, uint64_t *out)
{
	size_t digits = 0;
	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	uint64_t v;
	if (str_to_u64(str_sub(text, 0, digits), UINT64_MAX, &v) == -1)
		return -1;
	struct str unit = str_skip(text, digits);
	if (v == 0 && unit.n == 0) {
		*out = 0;
		return 0;
	}
	for (size_t i = 0; i < UNITS_MAX && t->units[i].factor != 0; i++)
		if (str_eq(unit, t->units[i].name))
			return __builtin_mul_overflow(v, t->units[i].factor, out) ? -1 : 0;
	return -1;
}

static void
number_store(void *dst, size_t size, uint64_t v)
{
	if (size == sizeof(uint64_t))
		*(uint64_t *)dst = v;
	else
		*(uint32_t *)dst = (uint32_t)v;
}

static uint64_t
number_load(const void *src, size_t size)
{
	return size == sizeof(uint64_t) ? *(const uint64_t *)src : *(const uint32_t *)src;
}

static int
parse_number(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	const struct type_def *t = &types[it->type];
	uint64_t v, low = 0, high = it->size == sizeof(uint64_t) ? INT64_MAX : UINT32_MAX, bound;
	(void)a, (void)dir;
	CHECK(it->size == sizeof(uint64_t) || it->size == sizeof(uint32_t));
	if (it->min != NULL)
		CHECK(number_of(t, str_of(it->min), &low) == 0);
	if (it->max != NULL) {
		CHECK(number_of(t, str_of(it->max), &bound) == 0);
		high = MIN(high, bound);
	}
	if (number_of(t, text, &v) == -1 || v < low || v > high)
		return -1;
	number_store(dst, it->size, v);
	return 0;
}

static int
parse_bool(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	struct ynode n = { .kind = YNODE_SCALAR, .text = text };
	(void)a, (void)it, (void)dir;
	return ynode_bool(&n, dst);
}

/* Position of text among "a|b|c", or -1. */
static int
choice_index(const char *choices, struct str text)
{
	struct str rest = str_of(choices), one;
	for (int i = 0; str_next(&rest, '|', &one); i++)
		if (str_eq(one, text))
			return i;
	return -1;
}

static int
parse_choice(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)dir;
	return choice_index(it->choices, text) == -1 ? -1 : keep(a, text, dst);
}

static int
parse_index(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	int i = choice_index(it->choices, text);
	(void)a, (void)dir;
	if (i == -1)
		return -1;
	if (it->size == sizeof(bool))
		*(bool *)dst = i == 1;
	else
		*(enum log_level *)dst = (enum log_level)i;
	return 0;
}

/* --- addresses -------------------------------------------------------------------------------------------------------- */
static int
parse_url_of(struct arena *a, struct str text, bool origin_only, void *dst)
{
	struct uri u;
	if (uri_parse(text, &u, NULL) == -1 || u.host.n == 0 || u.userinfo.p != NULL || u.query.p != NULL ||
	    u.fragment.p != NULL)
		return -1;
	bool https = str_eq(u.scheme, STR("https"));
	if (!https && (origin_only || !str_eq(u.scheme, STR("http"))))
		return -1;
	return u.path.n == 0 ? keep(a, text, dst) : -1;
}

static int
parse_origin(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)it, (void)dir;
	return parse_url_of(a, text, true, dst);
}

static int
parse_unix(struct arena *a, struct str text, void *dst)
{
	struct str path = str_skip(text, 5);
	/* sun_path holds 108 bytes with its NUL */
	return path.n > 1 && path.n < 108 && path.p[0] == '/' && is_printable(path) ? keep(a, text, dst) : -1;
}

static int
parse_url(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)it, (void)dir;
	if (str_starts(text, STR("unix:")))
		return parse_unix(a, text, dst);
	return parse_url_of(a, text, false, dst);
}

static int
is_address(struct str host)
{
	char z[64];
	struct in6_addr v6;
	struct in_addr v4;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return str_cstr(str_sub(host, 1, host.n - 1), z, sizeof z) == 0 && inet_pton(AF_INET6, z, &v6) == 1;
	return str_cstr(host, z, sizeof z) == 0 && inet_pton(AF_INET, z, &v4) == 1;
}

static int
parse_address(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	(void)it, (void)dir;
	if (str_starts(text, STR("unix:")))
		return parse_unix(a, text, dst);
	size_t colon = text.n;
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	uint64_t port;
	if (colon < 2 || str_to_u64(str_skip(text, colon), 65535, &port) == -1)
		return -1;
	struct str host = str_sub(text, 0, colon - 1);
	return is_address(host) || str_eq(host, STR("localhost")) ? keep(a, text, dst) : -1;
}

static int
parse_cidr(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	char z[64];
	struct in6_addr bits = { 0 };
	size_t slash = str_find(text, '/');
	uint64_t length;
	(void)it, (void)dir;
	if (str_cstr(str_sub(text, 0, slash), z, sizeof z) == -1)
		return -1;
	bool v4 = inet_pton(AF_INET, z, &bits) == 1;
	if (!v4 && inet_pton(AF_INET6, z, &bits) != 1)
		return -1;
	length = v4 ? 32 : 128;
	if (slash < text.n && str_to_u64(str_skip(text, slash + 1), length, &length) == -1)
		return -1;
	for (size_t i = length; i < (v4 ? 32u : 128u); i++) /* 10.0.0.1/8 is a mistake: which of the two is meant? */
		if ((bits.s6_addr[i / 8] & 0x80u >> i % 8) != 0)
			return -1;
	return keep(a, text, dst);
}

static int
parse_route(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	static const char methods[] = "GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS";
	size_t space = str_find(text, ' ');
	struct str pattern = str_skip(text, space + 1);
	(void)it, (void)dir;
	if (choice_index(methods, str_sub(text, 0, space)) == -1 || pattern.n == 0 || pattern.p[0] != '/' ||
	    pattern.n > 256 || str_find(pattern, ' ') != pattern.n || !is_printable(pattern))
		return -1;
	return keep(a, text, dst);
}

#define NO_UNITS        { { { NULL, 0 }, 0 } }
#define U(name, factor) { STR_INIT(name), factor }
static const struct type_def types[C_TYPES] = {
	[C_STR] = { "text without control characters, up to 1024 bytes", parse_str, NO_UNITS },
	[C_WORD] = { "a name of letters, digits and . : _ -", parse_word, NO_UNITS },
	[C_NAME] = { "a host name such as emr.example.org, or *.example.org", parse_name, NO_UNITS },
	[C_PATH] = { "a path", parse_path, NO_UNITS },
	[C_BOOL] = { "true or false", parse_bool, NO_UNITS },
	[C_UINT] = { "a number", parse_number, { U("", 1) } },
	[C_US] = { "a duration such as 500us or 2ms", parse_number, { U("us", 1), U("ms", 1000), U("s", 1000000) } },
	[C_MS] = { "a duration such as 500ms, 10s or 5m", parse_number,
	    { U("ms", 1), U("s", 1000), U("m", 60000), U("h", 3600000), U("d", 86400000) } },
	[C_SECONDS] = { "a duration such as 30s, 5m, 1h or 90d", parse_number,
	    { U("s", 1), U("m", 60), U("h", 3600), U("d", 86400) } },
	[C_BYTES] = { "a size such as 64KiB or 1MiB", parse_number,
	    { U("B", 1), U("KiB", 1 << 10), U("MiB", 1 << 20), U("GiB", 1 << 30) } },
	[C_CHOICE] = { "one of", parse_choice, NO_UNITS },
	[C_INDEX] = { "one of", parse_index, NO_UNITS },
	[C_ORIGIN] = { "https://host or https://host:port without a path", parse_origin, NO_UNITS },
	[C_URL] = { "http://host:port, https://host:port (without a path) or unix:/path", parse_url, NO_UNITS },
	[C_ADDRESS] = { "address:port such as 127.0.0.1:9301 or [::]:9300, or unix:/path", parse_address, NO_UNITS },
	[C_CIDR] = { "a network such as 10.0.0.0/8 or an address", parse_cidr, NO_UNITS },
	[C_ROUTE] = { "a method and a pattern such as GET /api/patient", parse_route, NO_UNITS },
	[C_SECRET] = { "{file: PATH} or {env: NAME}; a secret is not written here", NULL, NO_UNITS },
};
#undef U
#undef NO_UNITS

struct str
conf_value_expected(struct arena *a, const struct conf_item *it)
{
	const char *what = types[it->type].expected;
	if (it->choices != NULL) {
		struct buf b;
		buf_init(&b, a, 64, 512);
		struct str rest = str_of(it->choices), one;
		for (bool first = true; str_next(&rest, '|', &one); first = false) {
			if (!first)
				buf_str_put(&b, rest.p == NULL ? STR(" or ") : STR(", "));
			buf_str_put(&b, one);
		}
		return arena_str(a, buf_str(&b)); /* the caller reads it as a C string */
	}
	if (it->min != NULL)
		return arena_printf(a, "%s, from %s to %s", what, it->min, it->max);
	return str_of(what);
}

const char *
conf_value_parse(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst)
{
	const struct type_def *t = &types[it->type];
	CHECK(t->parse != NULL);
	if (t->parse(a, it, text, dir, dst) == 0)
		return NULL;
	struct str expected = conf_value_expected(a, it);
	return expected.p == NULL ? t->expected : expected.p;
}

/* The largest unit that divides v. */
static void
number_put(const struct type_def *t, uint64_t v, struct buf *out)
{
	const struct unit *best = &t->units[0];
	for (size_t i = 0; i < UNITS_MAX && t->units[i].factor != 0 && v != 0; i++)
		if (v % t->units[i].factor == 0)
			best = &t->units[i];
	buf_u64(out, v / best->factor);
	if (v != 0)
		buf_str_put(out, best->name);
}

static void
index_put(const struct conf_item *it, const void *dst, struct buf *out)
{
	unsigned want = it->size == sizeof(bool) ? *(const bool *)dst : (unsigned)*(const enum log_level *)dst;
	struct str rest = str_of(it->choices), one;
	for (unsigned i = 0; str_next(&rest, '|', &one); i++)
		if (i == want)
			buf_str_put(out, one);
}

void
conf_value_put(const struct conf_item *it, const void *dst, struct buf *out)
{
	if (types[it->type].parse == parse_number)
		number_put(&types[it->type], number_load(dst, it->size), out);
	else if (it->type == C_BOOL)
		buf_str_put(out, *(const bool *)dst ? STR("true") : STR("false"));
	else if (it->type == C_INDEX)
		index_put(it, dst, out);
	else
		buf_str_put(out, *(const struct str *)dst);
}
