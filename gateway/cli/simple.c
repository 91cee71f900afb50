/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small commands: config, site, audit. */
#include "gateway/audit/audit.h"
#include "gateway/base/clock.h"
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option config_options[] = { { "--config", "FILE",
    "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" } };

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
