/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small commands: check, config, site, audit, version. */
#include "gateway/audit/audit.h"
#include "gateway/base/clock.h"
#include "gateway/cli/cli.h"
#include "gateway/process/binding.h"
#include "gateway/process/tls_open.h"
#include "gateway/swagger/ui_files.h"
#include "policy/route_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- check --------------------------------------------------------------------------------------------------------------- */

/* Rows of the site's scope files that nothing would answer: an error where the row says so, else told. */
static int
site_check(struct cli *c, const struct conf *conf, const struct conf_site *site)
{
	struct err e = { 0 };
	bool own = site->n_scope_files > 0;
	const struct route_table *t = route_table_load(c->arena, own ? site->scope_files : conf->scope_files,
	    own ? site->n_scope_files : conf->n_scope_files, conf, &e);
	size_t unserved = 0;
	int rc = 0;
	if (t == NULL) {
		fprintf(stderr, "gatehouse: site %.*s: scope files: %s\n", STR_ARG(site->name), e.text);
		return 1;
	}
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i);
		if (binding_of(site, r) != NULL)
			continue;
		bool must = route_must_be_served(t, r);
		fprintf(must ? stderr : stdout, "site %.*s: %s %.*s (%.*s)\n", STR_ARG(site->name),
		    must ? "no backend answers" : "unserved", STR_ARG(r->name), STR_ARG(r->source));
		unserved++;
		rc |= must;
	}
	printf("site %.*s: %zu routes, %zu served\n", STR_ARG(site->name), route_table_count(t),
	    route_table_count(t) - unserved);
	return rc;
}

/* Revocations and refresh tokens must outlive a restart of Redis. 1: it keeps nothing on disk and the configuration does not say that this is
 * meant. What cannot be asked (Redis is down, CONFIG is not permitted) is told and is no error.                            */
static int
persistence_check(struct cli *c, const struct conf *conf)
{
	const struct str info[] = { STR("INFO"), STR("persistence") },
	                 save[] = { STR("CONFIG"), STR("GET"), STR("save") };
	if (!conf->redis_require_persistence)
		return 0;
	const struct redis_result *r = cli_redis(c, conf, info, NITEMS(info));
	if (r == NULL || r->status != REDIS_OK || r->value.kind != REDIS_STR) {
		puts("redis: not reachable: whether it keeps its data cannot be told");
		return 0;
	}
	if (str_find_str(r->value.s, STR("aof_enabled:1")) < r->value.s.n)
		return 0;
	r = cli_redis(c, conf, save, NITEMS(save));
	if (r == NULL || r->status != REDIS_OK || r->value.n_items != 2) {
		puts("redis: no append-only file; whether it saves snapshots cannot be told");
		return 0;
	}
	if (r->value.items[1].s.n > 0)
		return 0;
	fputs("gatehouse: redis keeps nothing on disk: a restart would forget refresh tokens and revocations; turn on "
	      "appendonly, or set redis.require_persistence: false\n",
	    stderr);
	return 1;
}

/* The files that a start would read. What has ended by the calendar is told: it is served all the same. */
static int
certificates_check(const struct conf *conf)
{
	const uint8_t no_secret[32] = { 0 };
	struct err e = { 0 };
	if (conf->n_certs == 0)
		return 0;
	struct tls_set *set = tls_open(conf, no_secret, &e);
	if (set == NULL)
		fprintf(stderr, "gatehouse: tls.certificates: %s\n", e.text);
	else if (tls_set_current(set, clock_real_s(&clock_system), &e) != 0)
		fprintf(stderr, "warning: tls.certificates: %s\n", e.text);
	int rc = set == NULL ? 1 : 0;
	tls_set_free(&set);
	return rc;
}

/* A database that is down now is told, and is no error of the configuration. */
static void
database_check(struct cli *c, const struct conf_site *site)
{
	static const struct db_stmt sql = { "check", "SELECT COUNT(*) FROM users WHERE id = 0", false };
	(void)cli_query(c, site, &sql, NULL, 0);
}

static int
check_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, true);
	struct err e = { 0 };
	int rc = 0;
	if (conf == NULL)
		return 1;
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* in one file with what goes to stderr, lines stay whole */
	for (size_t i = 0; i < conf->n_sites; i++) {
		rc |= site_check(c, conf, &conf->sites[i]) | key_check(&conf->sites[i]);
		database_check(c, &conf->sites[i]);
	}
	rc |= certificates_check(conf);
	if (conf->swagger.dir.n > 0 && ui_files_check(conf->swagger.dir, &e) != 0)
		fprintf(stderr, "warning: swagger.dir: %.*s: %s (swagger/fetch makes the folder)\n",
		    STR_ARG(conf->swagger.dir), e.text);
	rc |= persistence_check(c, conf);
	if (rc == 0)
		printf("%.*s: sound\n", STR_ARG(conf->file));
	conf_free(&conf);
	return rc;
}

static const struct cli_option config_options[] = { { "--config", "FILE",
    "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" } };
const struct cli_command cli_check = { "check", "",
	"check the configuration and the scope files; report everything that is wrong", config_options,
	NITEMS(config_options), 0, 0, check_run };

/* --- config ----------------------------------------------------------------------------------------------------------------- */

static int
config_run(struct cli *c)
{
	struct buf out;
	struct err e = { 0 };
	struct conf *conf = NULL;
	if (strcmp(c->words[0], "show") == 0 && (conf = cli_conf(c, false)) == NULL)
		return 1;
	if (conf == NULL && strcmp(c->words[0], "defaults") != 0) {
		fputs("usage: gatehouse config show|defaults\n", stderr);
		return 2;
	}
	buf_init(&out, c->arena, 64 << 10, 4 << 20);
	int rc = conf_print(conf, &out, &e);
	if (rc == 0 && buf_ok(&out))
		(void)fwrite(out.p, 1, out.n, stdout);
	else
		fprintf(stderr, "gatehouse: %s\n", e.text);
	conf_free(&conf);
	return rc == 0 ? 0 : 1;
}
const struct cli_command cli_config = { "config", "show|defaults",
	"print every setting with its help; secrets are masked", config_options, NITEMS(config_options), 1, 1,
	config_run };

/* --- site ------------------------------------------------------------------------------------------------------------------- */

static int
site_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, false);
	if (conf == NULL)
		return 1;
	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct conf_site *s = &conf->sites[i];
		struct str origin = s->origin.n > 0 ? s->origin : conf->origin;
		printf("%-20.*s %.*s/apis/%.*s  compat %.*s  backend %.*s\n", STR_ARG(s->name), STR_ARG(origin),
		    STR_ARG(s->name), STR_ARG(s->compat), STR_ARG(s->backend));
	}
	conf_free(&conf);
	return 0;
}
const struct cli_command cli_site = { "site", "list", "list the sites", config_options, NITEMS(config_options), 1, 1,
	site_run };

/* --- audit ------------------------------------------------------------------------------------------------------------------ */

/* "90s", "15m", "1h", "7d": microseconds; -1: not that. */
static int64_t
span_us(const char *text)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	struct str s = str_of(text);
	uint64_t n;
	for (size_t i = 0; i < NITEMS(units); i++)
		if (s.n > 1 && s.p[s.n - 1] == units[i].unit)
			return str_to_u64(str_sub(s, 0, s.n - 1), 1000000, &n) == 0 ? (int64_t)n * units[i].s * 1000000
			                                                            : -1;
	return -1;
}

static int
audit_verify_run(struct cli *c, const char *dir, const char *key)
{
	struct audit_finding f = { 0 };
	struct err e = { 0 };
	uint64_t records = 0;
	bool torn = false;
	int rc = audit_verify(dir, key, c->arena, &f, &records, &torn, &e);
	if (rc < 0)
		fprintf(stderr, "gatehouse: %s\n", e.text);
	else if (rc > 0)
		printf("record %llu in %.*s: %s\n", (unsigned long long)f.record, STR_ARG(f.segment), f.what);
	else
		printf("%llu records, sound%s\n", (unsigned long long)records,
		    torn ? "; a torn last record was left by a crash" : "");
	return rc == 0 ? 0 : 1;
}

static int
audit_query_run(struct cli *c, const char *dir)
{
	struct audit_query q = { .patient = str_of(cli_value(c, "--patient")),
		.user = str_of(cli_value(c, "--user")),
		.site = str_of(cli_value(c, "--site")) };
	struct err e = { 0 };
	const char *since = cli_value(c, "--since");
	if (since != NULL) {
		int64_t span = span_us(since);
		if (span < 0) {
			fputs("gatehouse: --since takes a number with s, m, h or d\n", stderr);
			return 2;
		}
		q.since_us = clock_real_us(&clock_system) - span;
	}
	if (audit_query(dir, &q, STDOUT_FILENO, &e) == 0)
		return 0;
	fprintf(stderr, "gatehouse: %s\n", e.text);
	return 1;
}

static int
audit_run(struct cli *c)
{
	char dir[4096];
	const char *journal = cli_value(c, "--journal");
	struct conf *conf = journal != NULL ? NULL : cli_conf(c, false);
	if (journal == NULL && (conf == NULL || str_cstr(conf->audit.journal_dir, dir, sizeof dir) != 0)) {
		conf_free(&conf);
		return 1;
	}
	const char *where = journal != NULL ? journal : dir;
	int rc = 2;
	if (strcmp(c->words[0], "verify") == 0)
		rc = audit_verify_run(c, where, cli_value(c, "--key"));
	else if (strcmp(c->words[0], "query") == 0)
		rc = audit_query_run(c, where);
	else
		fputs("usage: gatehouse audit verify|query\n", stderr);
	conf_free(&conf);
	return rc;
}

static const struct cli_option audit_options[] = {
	{ "--config", "FILE", "the configuration (tells where the journal is)" },
	{ "--journal", "DIR", "the journal's folder, without a configuration" },
	{ "--key", "FILE", "verify: public key (PEM) of the checkpoints" },
	{ "--patient", "UUID", "query: of this patient" },
	{ "--user", "NAME", "query: by this user" },
	{ "--site", "NAME", "query: of this site" },
	{ "--since", "SPAN", "query: not older than, such as 30m, 1h, 7d" },
};
const struct cli_command cli_audit = { "audit", "verify|query",
	"prove the audit journal, or print records as JSON lines", audit_options, NITEMS(audit_options), 1, 1,
	audit_run };
