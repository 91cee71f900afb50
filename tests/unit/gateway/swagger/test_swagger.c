/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents that do not change: their bytes, gzip and ETag; the files of the page; the OpenAPI document of a tiny site. */
#include "gateway/swagger/openapi.h"
#include "gateway/swagger/swagger.h"
#include "gateway/swagger/ui_files.h"

#include "gateway/base/json_write.h"
#include "gateway/config/conf.h"
#include "harness.h"
#include "policy/policy.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

/* --- a document -------------------------------------------------------------------------------------------------------------- */

/* The answer to a GET with those two fields. */
static void
answer(struct arena *a, const struct blob *b, struct str accept, struct str none_match, struct request *r)
{
	static struct exchange x;
	static struct http_head head;
	static struct http_field fields[2];
	fields[0] = (struct http_field){ STR("Accept-Encoding"), accept, HTTP_F_ACCEPT_ENCODING };
	fields[1] = (struct http_field){ STR("If-None-Match"), none_match, HTTP_F_IF_NONE_MATCH };
	head = (struct http_head){ .method = HTTP_GET, .fields = fields, .n_fields = 2 };
	head.known[HTTP_F_ACCEPT_ENCODING] = accept.p == NULL ? NULL : &fields[0];
	head.known[HTTP_F_IF_NONE_MATCH] = none_match.p == NULL ? NULL : &fields[1];
	x = (struct exchange){ .magic = EXCHANGE_MAGIC, .arena = a, .head = &head };
	*r = (struct request){ .magic = REQUEST_MAGIC, .x = &x };
	reply_init(&r->reply, a, 1 << 20);
	REQUIRE(blob_reply(b, r) == STEP_REPLY);
}

static bool
field(const struct request *r, const char *text)
{
	return str_find_str(buf_str(&r->reply.fields), str_of(text)) < r->reply.fields.n;
}

static struct blob
long_document(void)
{
	static char text[4096];
	struct blob b;
	struct err e = { 0 };
	memset(text, 'a', sizeof text);
	REQUIRE(blob_make(&b, (struct str){ text, sizeof text }, STR("application/json"), &e) == 0);
	return b;
}

static void
test_gzip__is_sent_to_who_takes_it_and_is_the_same_text(void)
{
	static const struct {
		struct str accept;
		bool zip;
	} rows[] = {
		{ { NULL, 0 }, false },
		{ STR_INIT(""), false },
		{ STR_INIT("gzip"), true },
		{ STR_INIT("GZIP"), true },
		{ STR_INIT("br, gzip;q=0.5"), true },
		{ STR_INIT("gzip;q=0"), false },
		{ STR_INIT("gzip; q=0.000"), false },
		{ STR_INIT("gzip;q=0.001"), true },
		{ STR_INIT("deflate, br"), false },
		{ STR_INIT("xgzip"), false },
		{ STR_INIT("gzipx"), false },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	struct blob b = long_document();
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct request r;
		static unsigned char text[8192];
		answer(a, &b, rows[i].accept, STR_NULL, &r);
		EXPECT_IDX(r.reply.status == 200 && field(&r, "Vary: Accept-Encoding\r\n"), i);
		EXPECT_IDX(field(&r, "Content-Encoding: gzip\r\n") == rows[i].zip, i);
		if (!rows[i].zip) {
			EXPECT_IDX(str_eq(buf_str(&r.reply.body), b.plain), i);
			continue;
		}
		z_stream z = { .next_in = (unsigned char *)r.reply.body.p, .avail_in = (uInt)r.reply.body.n };
		z.next_out = text;
		z.avail_out = sizeof text;
		EXPECT_IDX(inflateInit2(&z, 15 + 16) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END, i);
		EXPECT_IDX(str_eq((struct str){ (char *)text, z.total_out }, b.plain), i);
		(void)inflateEnd(&z);
	}
	blob_done(&b);
}

static void
test_etag__that_the_client_has_answers_304_without_a_body(void)
{
	static const struct {
		const char *before, *after; /* around the opaque part; NULL: the field is "before" alone */
		bool has;
	} rows[] = {
		{ "W/\"", "\"", true }, { "\"", "\"", true }, /* weak comparison */
		{ "\"other\", W/\"", "\", \"more\"", true }, { "*", NULL, true }, { "\"other\"", NULL, false },
		{ "", NULL, false }, { "\"x", "\"", false },
		{ "", "", false }, /* without its quotes it is no entity tag */
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	struct blob b = long_document(), other;
	struct err e = { 0 };
	struct str tag = str_sub(str_of(b.etag), 3, strlen(b.etag) - 1);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct request r;
		char text[128];
		(void)snprintf(text, sizeof text, "%s%.*s%s", rows[i].before, rows[i].after == NULL ? 0 : (int)tag.n,
		    tag.p, rows[i].after == NULL ? "" : rows[i].after);
		answer(a, &b, STR("gzip"), str_of(text), &r);
		EXPECT_IDX(r.reply.status == (rows[i].has ? 304u : 200u), i);
		EXPECT_IDX((r.reply.body.n == 0) == rows[i].has && field(&r, "ETag: W/\""), i);
	}
	REQUIRE(blob_make(&other, STR("other text"), STR("text/html; charset=utf-8"), &e) == 0);
	EXPECT(strcmp(other.etag, b.etag) != 0 && other.gzip.p == NULL && other.html && !b.html);
	blob_done(&other);
	blob_done(&b);
}

static void
test_page__is_sent_with_a_policy_that_lets_nothing_foreign_in(void)
{
	AUTO(arena) a = arena_new("test", 1 << 20);
	struct blob b;
	struct err e = { 0 };
	struct request r;
	REQUIRE(blob_make(&b, STR("<!doctype html>"), STR("text/html; charset=utf-8"), &e) == 0);
	answer(a, &b, STR_NULL, STR_NULL, &r);
	EXPECT(field(&r, "Content-Security-Policy: default-src 'none'; script-src 'self';"));
	EXPECT(field(&r, "frame-ancestors 'none'") && field(&r, "Referrer-Policy: same-origin\r\n"));
	EXPECT(!field(&r, "unsafe-inline") && !field(&r, "unsafe-eval"));
	blob_done(&b);
}

/* --- the page's files ---------------------------------------------------------------------------------------------------------- */

static void
test_file__only_names_of_the_table_are_files(void)
{
	static const struct {
		struct str path;
		bool is;
	} rows[] = {
		{ STR_INIT("/swagger/"), true },
		{ STR_INIT("/swagger/index.html"), true },
		{ STR_INIT("/swagger/swagger-ui-bundle.js"), true },
		{ STR_INIT("/swagger"), false },
		{ STR_INIT("/swagger/../conf"), false },
		{ STR_INIT("/swagger/./index.html"), false },
		{ STR_INIT("/swagger//index.html"), false },
		{ STR_INIT("/swagger/index.html/"), false },
		{ STR_INIT("/swagger/INDEX.html"), false },
		{ STR_INIT("/swagger/openapi.json"), false },
		{ STR_INIT(""), false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX((ui_file_of(rows[i].path) >= 0) == rows[i].is, i);
	EXPECT(ui_file_of(STR("/swagger/")) == ui_file_of(STR("/swagger/index.html")));
}

static void
test_folder__what_is_missing_is_told_the_rest_is_served(void)
{
	char dir[] = "/tmp/gh_ui_XXXXXX", path[64];
	struct err e = { 0 };
	int at = ui_file_of(STR("/swagger/swagger-ui.css"));
	REQUIRE(mkdtemp(dir) != NULL && at >= 0);
	(void)snprintf(path, sizeof path, "%s/swagger-ui.css", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0 && write(fd, "a{}", 3) == 3 && close(fd) == 0);
	EXPECT(ui_files_check(str_of(dir), &e) == -1 && strstr(e.text, "index.html") != NULL);
	e = (struct err){ 0 };
	struct ui_files *f = ui_files_read(str_of(dir), &e);
	REQUIRE(f != NULL);
	EXPECT(e.kind == E_IO && strstr(e.text, "index.html: No such file") != NULL);
	for (int i = 0; i < UI_FILES; i++)
		EXPECT_IDX((f->v[i].plain.p != NULL) == (i == at), i);
	EXPECT(str_eq(f->v[at].plain, STR("a{}")));
	ui_files_free(&f);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* --- the OpenAPI document --------------------------------------------------------------------------------------------------------- */

static const char rows_yaml[] = "oauth:\n"
                                "  routes:\n"
                                "    - POST /token: {public: true, rate: none}\n"
                                "standard:\n"
                                "  defaults: {roles: [users], api_roles: users}\n"
                                "  routes:\n"
                                "    - GET /api/version: {public: true, rate: none}\n"
                                "    - GET /api/patient: {scope: any/patient.s, acl: none, rate: none}\n"
                                "    - PUT /api/patient/:puuid: {scope: any/patient.u, acl: none, rate: none}\n"
                                "    - GET /api/unserved: {public: true, rate: none}\n"
                                "portal:\n"
                                "  routes:\n"
                                "    - GET /portal/thing: {public: true, rate: none}\n";

static const struct backend_ops told_by_nobody = { .name = "test" };

static void
test_document__has_the_routes_that_this_site_answers_and_no_others(void)
{
	static const struct {
		const char *path, *method;
		bool portal, there;
	} rows[] = {
		{ "/api/version", "get", true, true },
		{ "/api/patient", "get", true, true },
		{ "/api/patient", "post", true, false },
		{ "/api/patient/{puuid}", "put", true, true },
		{ "/api/unserved", "get", true, false }, /* no backend */
		{ "/portal/thing", "get", true, true },
		{ "/portal/thing", "get", false, false }, /* switched off */
		{ "/api/version", "get", false, true },
		{ "/token", "post", true, false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 48 << 20);
		struct conf_reports reports = { 0 };
		const struct route_table *t =
		    route_table_load_text(a, STR("f.yaml"), str_of(rows_yaml), NULL, a, &reports);
		REQUIRE(t != NULL);
		struct policy p = { .routes = t,
			.catalog = route_table_catalog(t),
			.api_on = { true, true, rows[i].portal, true, true } };
		struct conf_site c = { .display_name = STR("Clinic \"A\"") };
		struct site_backend served = { &told_by_nobody, NULL };
		struct route_binding *bindings = arena_array(a, route_table_count(t), sizeof *bindings);
		REQUIRE(bindings != NULL);
		for (size_t k = 0; k < route_table_count(t); k++) {
			bool is = !str_eq(route_table_at(t, k)->pattern, STR("/api/unserved"));
			bindings[k] = (struct route_binding){ is ? &served : NULL, NULL };
		}
		struct site s = { .magic = SITE_MAGIC,
			.conf = &c,
			.routes = t,
			.policy = &p,
			.bindings = bindings,
			.issuer = STR("https://a/oauth2/x"),
			.api_base = STR("https://a/apis/x") };
		enum openapi_told told = OPENAPI_TOLD;
		struct buf out;
		buf_init(&out, a, 64 << 10, 4 << 20);
		REQUIRE(openapi_make(&s, a, &out, &told) == 0 && told == OPENAPI_TOLD);
		json_t *doc = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
		json_t *path = json_object_get(json_object_get(doc, "paths"), rows[i].path);
		EXPECT_IDX(doc != NULL && (json_object_get(path, rows[i].method) != NULL) == rows[i].there, i);
		const char *version = json_string_value(json_object_get(doc, "openapi"));
		EXPECT_IDX(version != NULL && strcmp(version, "3.1.1") == 0, i);
		json_t *server = json_array_get(json_object_get(doc, "servers"), 0);
		const char *url = json_string_value(json_object_get(server, "url"));
		EXPECT_IDX(url != NULL && strcmp(url, "https://a/apis/x") == 0, i);
		EXPECT_IDX(json_object_size(json_object_get(doc, "paths")) == (rows[i].portal ? 4 : 3), i);
		json_decref(doc);
	}
}

TESTS(T(test_gzip__is_sent_to_who_takes_it_and_is_the_same_text),
    T(test_etag__that_the_client_has_answers_304_without_a_body),
    T(test_page__is_sent_with_a_policy_that_lets_nothing_foreign_in), T(test_file__only_names_of_the_table_are_files),
    T(test_folder__what_is_missing_is_told_the_rest_is_served),
    T(test_document__has_the_routes_that_this_site_answers_and_no_others))
