/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gatehouse check: what would fail later, told before. An error (status 1) is what keeps the gateway from starting or loses what it promises to
 * keep; a warning what an operator wants to know; what cannot be asked because a store is down is told and is no error.     */
#include "gateway/base/clock.h"
#include "gateway/cli/cli.h"
#include "gateway/process/binding.h"
#include "gateway/process/tls_open.h"
#include "gateway/swagger/ui_files.h"
#include "policy/route_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SKEW_MS = 5000, SOON_S = 21 * 86400 };

/* --- routes -------------------------------------------------------------------------------------------------------------- */

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

/* --- certificates ------------------------------------------------------------------------------------------------------------ */

/* The files that a start would read. What has ended by the calendar, or ends soon, is told: it is served all the same. */
static int
certificates_check(const struct conf *conf)
{
	const uint8_t no_secret[32] = { 0 };
	int64_t now_s = clock_real_s(&clock_system);
	struct err e = { 0 };
	if (conf->n_certs == 0)
		return 0;
	struct tls_set *set = tls_open(conf, no_secret, &e);
	if (set == NULL)
		fprintf(stderr, "gatehouse: tls.certificates: %s\n", e.text);
	else if (tls_set_current(set, now_s, &e) != 0 || tls_set_current(set, now_s + SOON_S, &e) != 0)
		fprintf(stderr, "warning: tls.certificates: %s\n", e.text);
	int rc = set == NULL ? 1 : 0;
	tls_set_free(&set);
	return rc;
}

/* --- Redis ----------------------------------------------------------------------------------------------------------------- */

static void
skew_check(const char *what, struct str name, int64_t theirs_ms)
{
	int64_t skew_ms = theirs_ms - clock_real_us(&clock_system) / 1000;
	if (skew_ms > SKEW_MS || skew_ms < -SKEW_MS)
		fprintf(stderr, "warning: the clock of %s %.*s differs from this machine's by %lld s\n", what,
		    STR_ARG(name), (long long)(skew_ms / 1000));
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

/* Under an eviction policy a full Redis would forget tokens and revocations. Without a limit nothing is evicted. */
static int
eviction_check(struct cli *c, const struct conf *conf)
{
	const struct str info[] = { STR("INFO"), STR("memory") };
	if (!conf->redis_require_persistence)
		return 0;
	const struct redis_result *r = cli_redis(c, conf, info, NITEMS(info));
	if (r == NULL || r->status != REDIS_OK || r->value.kind != REDIS_STR ||
	    str_find_str(r->value.s, STR("\nmaxmemory:0\r")) < r->value.s.n ||
	    str_find_str(r->value.s, STR("maxmemory_policy:noeviction")) < r->value.s.n)
		return 0;
	fputs("gatehouse: redis drops keys when its memory is full: refresh tokens and revocations would be forgotten; "
	      "set "
	      "maxmemory-policy noeviction, or redis.require_persistence: false\n",
	    stderr);
	return 1;
}

static int
redis_check(struct cli *c, const struct conf *conf)
{
	const struct str time[] = { STR("TIME") };
	const struct redis_result *r = cli_redis(c, conf, time, NITEMS(time));
	int64_t now_s;
	if (r != NULL && r->status == REDIS_OK && r->value.n_items == 2 && str_to_i64(r->value.items[0].s, &now_s) == 0)
		skew_check("redis", STR(""), now_s * 1000);
	return persistence_check(c, conf) | eviction_check(c, conf);
}

/* --- databases --------------------------------------------------------------------------------------------------------------- */

static const struct db_stmt tables_sql = { "tables",
	"SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()", false };
static const struct db_stmt server_sql = { "server",
	"SELECT @@max_prepared_stmt_count, @@max_connections, CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED), "
	"(SELECT gl_value FROM globals WHERE gl_index = 0 AND gl_name = 'site_addr_oath')",
	false };

/* Without these nobody signs in, whatever the generation. */
static const char *const needed[] = { "globals", "users", "users_secure", "groups", "gacl_acl", "gacl_aco_map",
	"gacl_aro", "gacl_aro_groups", "gacl_aro_groups_map", "gacl_groups_aro_map", "patient_data", "oauth_clients" };

/* What is written: statements that do nothing but need the right to. Tables that a generation does not have are left out. */
#define INSERTS(t)                                                                                                     \
	{                                                                                                              \
		t,                                                                                                     \
		{                                                                                                      \
			"INSERT INTO " t, "INSERT INTO `" t "` SELECT * FROM `" t "` WHERE FALSE", false               \
		}                                                                                                      \
	}
#define UPDATES(t, col)                                                                                                \
	{                                                                                                              \
		t,                                                                                                     \
		{                                                                                                      \
			"UPDATE " t, "UPDATE `" t "` SET " col " = " col " WHERE FALSE", false                         \
		}                                                                                                      \
	}
#define DELETES(t)                                                                                                     \
	{                                                                                                              \
		t,                                                                                                     \
		{                                                                                                      \
			"DELETE FROM " t, "DELETE FROM `" t "` WHERE FALSE", false                                     \
		}                                                                                                      \
	}
struct right {
	const char *table;
	struct db_stmt stmt;
};
static const struct right rights[] = { UPDATES("users_secure", "id"), UPDATES("patient_access_onsite", "id"),
	INSERTS("ip_tracking"), UPDATES("ip_tracking", "ip_string"), INSERTS("oauth_clients"),
	UPDATES("oauth_clients", "client_id"), DELETES("oauth_clients") },
                          php_rights[] = { INSERTS("api_token"), UPDATES("api_token", "id"),
	                          INSERTS("api_refresh_token"), UPDATES("api_refresh_token", "id"),
	                          INSERTS("oauth_trusted_user"), UPDATES("oauth_trusted_user", "id"),
	                          DELETES("oauth_trusted_user") },
                          log_rights[] = { INSERTS("log"), INSERTS("log_comment_encrypt"), INSERTS("api_log") },
                          direct_rights[] = { INSERTS("uuid_registry"), INSERTS("uuid_mapping"),
	                          UPDATES("sequences", "id"), INSERTS("patient_data"), UPDATES("patient_data", "id"),
	                          INSERTS("employer_data"), INSERTS("users"), UPDATES("users", "id"),
	                          INSERTS("form_encounter"), UPDATES("form_encounter", "id"), INSERTS("forms"),
	                          UPDATES("forms", "id"), INSERTS("form_vitals"), UPDATES("form_vitals", "id"),
	                          INSERTS("form_soap"), UPDATES("form_soap", "id"), INSERTS("lists"),
	                          UPDATES("lists", "id"), DELETES("lists"), INSERTS("insurance_data"),
	                          UPDATES("insurance_data", "id"), INSERTS("insurance_companies"),
	                          UPDATES("insurance_companies", "id"), INSERTS("addresses"),
	                          UPDATES("addresses", "id"), INSERTS("phone_numbers"), UPDATES("phone_numbers", "id"),
	                          INSERTS("facility"), UPDATES("facility", "id"),
	                          INSERTS("openemr_postcalendar_events"), DELETES("openemr_postcalendar_events"),
	                          INSERTS("pnotes"), UPDATES("pnotes", "id"), INSERTS("transactions"),
	                          UPDATES("transactions", "id"), INSERTS("lbt_data"), INSERTS("documents"),
	                          INSERTS("categories_to_documents") };

static bool
table_there(const struct db_result *tables, const char *name)
{
	for (size_t i = 0; i < tables->n_rows; i++)
		if (str_ieq(db_cell(tables, i, 0)->s, str_of(name)))
			return true;
	return false;
}

/* cli_query() tells which, with the server's number: 1142, 1143: no right. */
static int
rights_check(
    struct cli *c, const struct conf_site *site, const struct db_result *tables, const struct right *list, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n; i++)
		if (table_there(tables, list[i].table) && cli_query(c, site, &list[i].stmt, NULL, 0) == NULL)
			rc = 1;
	return rc;
}

static int
tables_check(struct cli *c, const struct conf_site *site, const struct db_result *tables)
{
	int rc = 0;
	for (size_t i = 0; i < NITEMS(needed); i++)
		if (!table_there(tables, needed[i])) {
			fprintf(stderr,
			    "gatehouse: site %.*s: the database has no table %s, or the user may not read it\n",
			    STR_ARG(site->name), needed[i]);
			rc = 1;
		}
	rc |= rights_check(c, site, tables, rights, NITEMS(rights));
	if (site->oauth.openemr_rows)
		rc |= rights_check(c, site, tables, php_rights, NITEMS(php_rights));
	if (site->openemr_log)
		rc |= rights_check(c, site, tables, log_rights, NITEMS(log_rights));
	if (str_eq(site->backend, STR("direct")) || site->n_routes > 0)
		rc |= rights_check(c, site, tables, direct_rights, NITEMS(direct_rights));
	return rc;
}

/* Of all workers and all sites on the same server as this one, at most; twice that during a reload. */
static void
connections_sum(const struct conf *conf, const struct conf_site *of, uint64_t *connections, uint64_t *statements)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t workers = conf->process.workers > 0 ? conf->process.workers : (uint64_t)MAX(cores, 1);
	*connections = *statements = 0;
	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct db_conf *d = &conf->sites[i].db;
		if (!str_eq(d->host, of->db.host) || d->port != of->db.port || !str_eq(d->socket, of->db.socket))
			continue;
		*connections += workers * d->connections_max;
		*statements += workers * d->connections_max * d->statements_max;
	}
}

static void
server_check(const struct conf *conf, const struct conf_site *site, const struct db_result *r)
{
	uint64_t connections, statements;
	int64_t statements_most = db_cell(r, 0, 0)->i, connections_most = db_cell(r, 0, 1)->i;
	struct str origin = site->origin.n > 0 ? site->origin : conf->origin, theirs = str_trim(db_cell(r, 0, 3)->s);
	connections_sum(conf, site, &connections, &statements);
	if (connections_most > 0 && connections > (uint64_t)connections_most)
		fprintf(stderr,
		    "warning: site %.*s: the database server takes %lld connections, and up to %llu may be opened\n",
		    STR_ARG(site->name), (long long)connections_most, (unsigned long long)connections);
	if (statements > (uint64_t)MAX(statements_most, (int64_t)0))
		fprintf(stderr,
		    "warning: site %.*s: the database server keeps %lld prepared statements (max_prepared_stmt_count), "
		    "and up to "
		    "%llu may be wanted; lower database.statements_max\n",
		    STR_ARG(site->name), (long long)statements_most, (unsigned long long)statements);
	skew_check("the database of site", site->name, db_cell(r, 0, 2)->i);
	if (theirs.n > 0 && !str_eq(theirs, origin))
		fprintf(stderr,
		    "warning: site %.*s: OpenEMR's setting site_addr_oath is %.*s, this gateway's address %.*s\n",
		    STR_ARG(site->name), STR_ARG(theirs), STR_ARG(origin));
}

static int
database_check(struct cli *c, const struct conf *conf, const struct conf_site *site)
{
	const struct db_result *tables = cli_query(c, site, &tables_sql, NULL, 0);
	if (tables == NULL)
		return 0; /* told */
	int rc = tables_check(c, site, tables);
	const struct db_result *r = table_there(tables, "globals") ? cli_query(c, site, &server_sql, NULL, 0) : NULL;
	if (r != NULL && r->n_rows > 0)
		server_check(conf, site, r);
	return rc;
}

/* --- the command --------------------------------------------------------------------------------------------------------------- */

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
		const struct conf_site *site = &conf->sites[i];
		rc |= site_check(c, conf, site) | key_check(site) | database_check(c, conf, site);
	}
	if (conf->swagger.dir.n > 0 && ui_files_check(conf->swagger.dir, &e) != 0)
		fprintf(stderr, "warning: swagger.dir: %.*s: %s (swagger/fetch makes the folder)\n",
		    STR_ARG(conf->swagger.dir), e.text);
	rc |= certificates_check(conf) | redis_check(c, conf);
	if (rc == 0)
		printf("%.*s: sound\n", STR_ARG(conf->file));
	conf_free(&conf);
	return rc;
}

static const struct cli_option options[] = { { "--config", "FILE",
    "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" } };
const struct cli_command cli_check = { "check", "",
	"check the configuration, its files, scope files and stores; report everything that is wrong", options,
	NITEMS(options), 0, 0, check_run };
