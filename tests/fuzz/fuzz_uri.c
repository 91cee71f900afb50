/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URIs of registrations and request targets: parts lie inside the text, and what is accepted has one reading. fuzz-library: gateway/base */
#include "gateway/base/arena.h"
#include "gateway/base/text.h"
#include "gateway/base/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_inside(struct str whole, struct str part)
{
	CHECK(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 256 << 10);
	struct str text = { (const char *)p, n }, path, query, clear;
	struct err e = { 0 };
	struct uri u;
	if (a == NULL)
		return 0;
	if (uri_parse(text, &u, &e) == 0) {
		const struct str parts[] = { u.scheme, u.userinfo, u.host, u.path, u.query, u.fragment };
		for (size_t i = 0; i < NITEMS(parts); i++)
			check_inside(text, parts[i]);
		CHECK(u.scheme.n > 0 && u.port <= 65535);
	}
	struct str origin = uri_origin(a, text);
	if (origin.p != NULL) /* an origin is its own origin */
		CHECK(str_eq(uri_origin(a, origin), origin));
	if (target_parse(text, &path, &query, &e) == 0) {
		check_inside(text, path);
		check_inside(text, query);
		CHECK(path.n > 0 && path.p[0] == '/' && percent_get(a, path, false, &clear) == 0 && utf8_valid(clear));
		CHECK(str_find_str(clear, STR("/../")) == clear.n && !str_ends(clear, STR("/..")) &&
		      str_find(clear, 0) == clear.n && str_find(clear, '\\') == clear.n);
	}
	return 0;
}
