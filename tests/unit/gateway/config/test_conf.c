/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration: defaults, units, and every mistake told with its place and what was expected. */
#include "gateway/config/conf.h"

#include "gateway/config/conf_item.h"
#include "harness.h"

#include <stdlib.h>
#include <unistd.h>

/* Enough to be valid; %s: more settings at the root. */
#define ROOT                                                                                                           \
	"origin: https://emr.example.org\n"                                                                            \
	"listen: [{address: '127.0.0.1:9300'}]\n"                                                                      \
	"tls: {certificates: [{certificate: /c.pem, key: /c.key}]}\n"                                                  \
	"policy: {scope_files: [/scopes]}\n"
#define SITE                                                                                                           \
	"sites:\n"                                                                                                     \
	"  default:\n"                                                                                                 \
	"    database: {socket: /m.sock, name: openemr, user: u, password: {env: TEST_CONF_SECRET}}\n"                 \
	"    oauth: {signing_key: /k.pem}\n"

static struct conf *
load(struct arena *a, const char *text, struct conf_reports *r)
{
	*r = (struct conf_reports){ 0 };
	(void)setenv("TEST_CONF_SECRET", "s3cr3t-value", 1);
	return conf_load_text(STR("f.yaml"), str_of(text), a, r);
}

static void
test_a_small_file__has_every_default(void)
{
	AUTO(arena) a = arena_new("test", 8 << 20);
	struct conf_reports r;
	struct conf *c = load(a, ROOT SITE, &r);
	for (size_t i = 0; c == NULL && i < r.n; i++)
		printf("\n    %.*s: %.*s", STR_ARG(r.v[i].path), STR_ARG(r.v[i].text));
	REQUIRE(c != NULL && r.errors == 0);
	EXPECT(c->http.limits.head_max_bytes == 16384 && c->http.idle_ms > 0 && c->body_max_bytes == 1 << 20);
	EXPECT(
	    c->n_sites == 1 && str_eq(c->sites[0].name, STR("default")) && str_eq(c->sites[0].backend, STR("direct")));
	EXPECT(str_eq(c->sites[0].db.password, STR("s3cr3t-value")));
	EXPECT(c->live_check_ms <= 5000); /* a revocation bites within 5 s */
	conf_free(&c);
	conf_free(&c);
}

static void
test_each_mistake__is_told_with_line_path_and_expectation(void)
{
	static const struct {
		const char *more, *path, *says;
		unsigned line;
	} rows[] = {
		{ "http: {head_max: 1}\n", "http.head_max", "from 2KiB", 5 },
		{ "http:\n  idle_timeout: 5 apples\n", "http.idle_timeout", "duration", 6 },
		{ "http: {head_maxx: 16KiB}\n", "http.head_maxx", "head_max", 5 },
		{ "redis: {port: 70000}\n", "redis.port", "65535", 5 },
		{ "redis: {port: -1}\n", "redis.port", "", 5 },
		{ "redis: [1]\n", "redis", "", 5 },
		{ "rate: {classes: {read: {by: moon}}}\n", "rate.classes.read.by", "client", 5 },
		{ "log: {level: loud}\n", "log.level", "", 5 },
		{ "http: {trusted_proxies: [10.0.0.1/8]}\n", "http.trusted_proxies", "", 5 },
		{ "redis: {password: visible}\n", "redis.password", "file", 5 },
		{ "redis: {password: {env: TEST_CONF_ABSENT}}\n", "redis.password", "", 5 },
		{ "redis: {password: {file: /x, env: visible}}\n", "redis.password", "file", 5 },
		{ "redis: {password: [visible]}\n", "redis.password", "file", 5 },
		{ "redis: {pasword: visible}\n", "redis.pasword", "password", 5 },
		{ "redis: visible\n", "redis", "settings", 5 },
		{ "origin2: 'https://user:visible@emr.example.org'\n", "origin2", "origin", 5 },
		{ "audit: {journal_dir: 'a\\x01visible'}\nlisten: [visible]\n", "listen", "stands already", 6 },
		{ "log: {level: 'https://user:visible@x'}\n", "log.level", "credentials", 5 },
		{ "http: {head_max: 16KiB}\nhttp: {head_max: 16KiB}\n", "http", "", 6 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 8 << 20);
		struct conf_reports r;
		char text[2048];
		bool found = false;
		(void)snprintf(text, sizeof text, "%s%s%s", ROOT, rows[i].more, SITE);
		struct conf *c = load(a, text, &r);
		for (size_t k = 0; k < r.n; k++) {
			bool here = str_starts(r.v[k].path, str_of(rows[i].path)) && !r.v[k].warning;
			found |=
			    here && r.v[k].line == rows[i].line &&
			    str_find_str(r.v[k].text, str_of(rows[i].says)) <= r.v[k].text.n - strlen(rows[i].says);
			EXPECT_IDX(str_find_str(r.v[k].text, STR("visible")) == r.v[k].text.n, i);
			if (!found)
				printf("\n    %u %.*s: %.*s", r.v[k].line, STR_ARG(r.v[k].path), STR_ARG(r.v[k].text));
		}
		EXPECT_IDX(c == NULL && found, i);
		conf_free(&c);
	}
}

/* What stands in the request line of each request to the upstream. */
/* A site that is left out without a word would be missed by its users only. */
static void
test_sites_dir__more_files_than_are_read__is_told(void)
{
	enum { FILES = 4097 };
	char dir[] = "/dev/shm/gatehouse-conf-XXXXXX", name[64], text[512];
	AUTO(arena) a = arena_new("test", 8 << 20);
	struct conf_reports r;
	bool told = false;
	REQUIRE(mkdtemp(dir) != NULL);
	for (unsigned i = 0; i < FILES; i++) { /* names are what counts */
		(void)snprintf(name, sizeof name, "%s/%u.yaml", dir, i);
		REQUIRE(symlink("nowhere", name) == 0);
	}
	(void)snprintf(text, sizeof text, "%ssites_dir: %s\n", ROOT SITE, dir);
	struct conf *c = load(a, text, &r);
	for (size_t i = 0; i < r.n; i++)
		told |= str_eq(r.v[i].path, STR("sites_dir")) && str_find_str(r.v[i].text, STR("4096")) < r.v[i].text.n;
	EXPECT(c == NULL && told);
	conf_free(&c);
	for (unsigned i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof name, "%s/%u.yaml", dir, i);
		(void)unlink(name);
	}
	(void)rmdir(dir);
}

static void
test_path_prefix__is_a_path_of_a_url(void)
{
	static const struct {
		const char *prefix;
		bool good;
	} rows[] = { { "/openemr", true }, { "/a/b%20c", true }, { "openemr", false }, { "/openemr/", false },
		{ "/open emr", false }, { "/a?b", false }, { "/a#b", false }, { "/a/../b", false }, { "/a//b", false },
		{ "/a%2", false } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 8 << 20);
		struct conf_reports r;
		char text[2048];
		(void)snprintf(text, sizeof text,
		    "%s%s    backend: proxy\n    upstream: {url: 'http://127.0.0.1:1', path_prefix: '%s'}\n", ROOT,
		    SITE, rows[i].prefix);
		struct conf *c = load(a, text, &r);
		EXPECT_IDX((c != NULL) == rows[i].good, i);
		EXPECT_IDX(c != NULL || (r.errors == 1 && r.v[0].line == 10), i);
		conf_free(&c);
	}
}

static void
test_time_zone__is_one_of_the_machine_or_an_offset(void)
{
	static const struct {
		const char *zone;
		bool good;
	} rows[] = { { "America/New_York", true }, { "-05:00", true }, { "", true }, { "Nowhere/Town", false },
		{ "../etc/passwd", false }, { "EST5EDT,M3.2.0,M11.1.0", false }, { "+99:00", false } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 8 << 20);
		struct conf_reports r;
		char text[2048];
		(void)snprintf(text, sizeof text,
		    "%ssites:\n  default:\n    database: {socket: /m.sock, name: openemr, user: u, password: {env: "
		    "TEST_CONF_SECRET}, time_zone: '%s'}\n    oauth: {signing_key: /k.pem}\n",
		    ROOT, rows[i].zone);
		struct conf *c = load(a, text, &r);
		EXPECT_IDX((c != NULL) == rows[i].good && (c != NULL || r.errors == 1), i);
		conf_free(&c);
	}
}

static void
test_many_mistakes__are_told_at_once(void)
{
	AUTO(arena) a = arena_new("test", 8 << 20);
	struct conf_reports r;
	struct conf *c = load(a, "orgin: x\nredis: {port: 0}\nsites: {'a b': {}, ok: {compat: v9}}\n", &r);
	EXPECT(c == NULL && r.errors >= 6);
	conf_free(&c);
}

static void
test_items__every_default__is_within_its_own_range(void)
{
	AUTO(arena) a = arena_new("test", 8 << 20);
	union {
		max_align_t align;
		char bytes[256];
	} member;
	for (size_t i = 0; i < conf_items_n; i++) {
		const struct conf_item *it = &conf_items[i];
		bool plain =
		    it->type != C_SECTION && it->type != C_GROUP && it->type != C_SECRET && (it->flags & C_MANY) == 0;
		EXPECT_IDX(it->help != NULL && it->help[0] != 0, i);
		if (plain && it->def != NULL && it->def[0] != 0)
			EXPECT_IDX(it->size <= sizeof member &&
			               conf_value_parse(a, it, str_of(it->def), STR_NULL, &member) == NULL,
			    i);
	}
}

TESTS(T(test_a_small_file__has_every_default), T(test_each_mistake__is_told_with_line_path_and_expectation),
    T(test_path_prefix__is_a_path_of_a_url), T(test_sites_dir__more_files_than_are_read__is_told),
    T(test_time_zone__is_one_of_the_machine_or_an_offset), T(test_many_mistakes__are_told_at_once),
    T(test_items__every_default__is_within_its_own_range))
