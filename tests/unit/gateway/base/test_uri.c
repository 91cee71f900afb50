/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URIs of clients and request targets: one reading or none. */
#include "gateway/base/uri.h"

#include "gateway/base/arena.h"
#include "harness.h"

static void
test_target__readable_in_two_ways__is_refused(void)
{
	static const char *const bad[] = { "", "a", "http://a/", "*", "//a", "/a//b", "/./a", "/a/.", "/a/..", "/../a",
		"/a/%2e%2e/b", "/a/%2E", "/a/.%2e/", "/a%2fb", "/a%2Fb", "/a\\b", "/a%5cb", "/a%00", "/a%", "/a%4",
		"/a%zz", "/a b", "/a\tb", "/a\x7f", "/\xc3\xa4", "/%ff", "/%c0%af", "/%ed%a0%80", "/a#b" };
	static const struct {
		const char *target, *path, *query;
	} good[] = { { "/", "/", NULL },
		{ "/apis/default/api/patient?fname=a%20b&x", "/apis/default/api/patient", "fname=a%20b&x" },
		{ "/a?", "/a", "" }, { "/a.b/..c/d..", "/a.b/..c/d..", NULL }, { "/%C3%A4", "/%C3%A4", NULL },
		{ "/a/", "/a/", NULL } };
	struct str path, query;
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct err e = { 0 };
		EXPECT_IDX(target_parse(str_of(bad[i]), &path, &query, &e) == -1 && e.kind != E_NONE, i);
	}
	EXPECT(target_parse(STR("/a\0b"), &path, &query, NULL) == -1);
	for (size_t i = 0; i < NITEMS(good); i++) {
		struct err e = { 0 };
		bool ok = target_parse(str_of(good[i].target), &path, &query, &e) == 0;
		EXPECT_IDX(ok && str_eq(path, str_of(good[i].path)), i);
		EXPECT_IDX(
		    ok && (query.p == NULL) == (good[i].query == NULL) && str_eq(query, str_of(good[i].query)), i);
	}
}

static void
test_uri__parts__are_split_and_bad_ones_refused(void)
{
	static const char *const bad[] = { "", "a", "://a", "https://", "https://a:b/", "https://a:65536/",
		"https://a:-1/", "https://a b/", "https://[::1/", "https://[g]/", "1a://b", "https://a/%zz",
		"https://a/\x01" };
	struct err e = { 0 };
	struct uri u;
	REQUIRE(uri_parse(STR("https://u@[2001:db8::1]:8443/cb?x=1#f"), &u, &e) == 0);
	EXPECT(str_eq(u.scheme, STR("https")) && str_eq(u.userinfo, STR("u")) && str_eq(u.host, STR("2001:db8::1")) &&
	       u.ipv6);
	EXPECT(u.port == 8443 && str_eq(u.path, STR("/cb")) && str_eq(u.query, STR("x=1")) &&
	       str_eq(u.fragment, STR("f")));
	EXPECT(uri_parse(STR("myapp:/callback"), &u, &e) == 0 && str_eq(u.path, STR("/callback")) && u.host.n == 0);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(uri_parse(str_of(bad[i]), &u, &(struct err){ 0 }) == -1, i);
}

static void
test_origin__of_spellings_of_one_origin__is_one(void)
{
	static const struct {
		const char *uri, *origin;
	} rows[] = { { "https://A.example/x", "https://a.example" }, { "HTTPS://a.example:443", "https://a.example" },
		{ "http://a:80/", "http://a" }, { "https://a:8443/", "https://a:8443" }, { "myapp:/callback", NULL },
		{ "ftp://a/", NULL } };
	AUTO(arena) a = arena_new("test", 1 << 12);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str got = uri_origin(a, str_of(rows[i].uri));
		EXPECT_IDX((got.p == NULL) == (rows[i].origin == NULL) && str_eq(got, str_of(rows[i].origin)), i);
	}
}

TESTS(T(test_target__readable_in_two_ways__is_refused), T(test_uri__parts__are_split_and_bad_ones_refused),
    T(test_origin__of_spellings_of_one_origin__is_one))
