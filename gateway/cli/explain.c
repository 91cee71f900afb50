/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gatehouse explain: what the policy decides for a user, scopes, method and path, and why. */
#include "policy/explain.h"
#include "gateway/cli/cli.h"
#include "policy/acl_sql.h"

#include <stdio.h>

static const struct db_stmt user_sql = { "explain_user",
	"SELECT id, uuid, username, active FROM users WHERE BINARY username = ?", false };
static const struct db_stmt patient_sql = { "explain_patient",
	"SELECT p.pid, p.uuid FROM patient_access_onsite a JOIN patient_data p ON p.pid = a.pid WHERE BINARY "
	"a.portal_login_username = ?",
	false };
static const struct db_stmt acl_sql = { ACL_SQL_NAME, ACL_SQL, false };

static int
who_uuid(struct principal *who, const struct db_cell *c)
{
	if (c->kind != DB_C_TEXT || c->s.n != sizeof who->user_uuid.b)
		return -1;
	memcpy(who->user_uuid.b, c->s.p, sizeof who->user_uuid.b);
	return 0;
}

/* Staff by users.username; else a patient by portal login name; "oe-system" is the system role. */
static int
who_find(struct cli *c, const struct conf_site *site, struct principal *who)
{
	const char *name = cli_value(c, "--user");
	struct db_val v;
	if (name == NULL)
		return 0;
	v = DB_V_STR(str_of(name));
	const struct db_result *r = cli_query(c, site, &user_sql, &v, 1);
	if (r == NULL)
		return -1;
	if (r->n_rows > 0) {
		who->role = str_eq(v.s, STR("oe-system")) ? ROLE_SYSTEM : ROLE_USERS;
		who->user_id = db_cell(r, 0, 0)->i;
		who->username = v.s;
		if (who->role == ROLE_USERS && db_cell(r, 0, 3)->i != 1)
			printf("note: user %s is not active: no token of theirs is accepted\n", name);
		return who_uuid(who, db_cell(r, 0, 1));
	}
	r = cli_query(c, site, &patient_sql, &v, 1);
	if (r == NULL || r->n_rows == 0) {
		fprintf(stderr, "gatehouse: no user and no patient login '%s'\n", name);
		return -1;
	}
	who->role = ROLE_PATIENT;
	who->pid = db_cell(r, 0, 0)->i;
	if (who_uuid(who, db_cell(r, 0, 1)) != 0)
		return -1;
	who->has_patient = true;
	who->patient_uuid = who->user_uuid;
	return 0;
}

static const struct acl_grants *
grants_find(struct cli *c, const struct conf_site *site, const struct principal *who)
{
	struct db_val v[] = { DB_V_STR(who->username), DB_V_STR(who->username) };
	const struct db_result *r = cli_query(c, site, &acl_sql, v, NITEMS(v));
	struct acl_row *rows = r == NULL ? NULL : arena_array(c->arena, r->n_rows + 1, sizeof *rows);
	if (rows == NULL)
		return NULL;
	for (size_t i = 0; i < r->n_rows; i++)
		rows[i] = (struct acl_row){ .section = db_cell(r, i, ACL_COL_SECTION)->s,
			.value = db_cell(r, i, ACL_COL_VALUE)->s,
			.return_value = db_cell(r, i, ACL_COL_RETURN)->s,
			.allow = db_cell(r, i, ACL_COL_ALLOW)->i == 1 };
	return acl_grants_new(c->arena, rows, r->n_rows);
}

static int
explain(struct cli *c, const struct conf *conf, const struct conf_site *site)
{
	struct conf_reports reports = { 0 };
	struct principal who = { 0 };
	struct route_params params;
	struct err e = { 0 };
	struct buf out;
	const char *scope = cli_value(c, "--scope"), *patient = cli_value(c, "--patient");
	struct explain x = { .site = site->name,
		.compat = str_eq(site->compat, STR("v8")) ? COMPAT_V8 : COMPAT_CLASSIC,
		.method = str_of(c->words[0]),
		.path = str_of(c->words[1]),
		.who = &who };
	x.policy = policy_load(c->arena, conf, site, c->arena, &reports);
	for (size_t i = 0; i < reports.n; i++)
		fprintf(stderr, "%.*s:%u: %.*s\n", STR_ARG(reports.v[i].file), reports.v[i].line,
		    STR_ARG(reports.v[i].text));
	if (x.policy == NULL || who_find(c, site, &who) != 0)
		return 1;
	if (patient != NULL && uuid_parse(str_of(patient), &who.patient_uuid) == 0)
		who.has_patient = true;
	if (scope_set_parse(c->arena, str_of(scope == NULL ? "" : scope), &who.scopes, &e) != 0) {
		fprintf(stderr, "gatehouse: --scope: %s\n", e.text);
		return 2;
	}
	const struct route *route = explain_route(&x, &params);
	if (route != NULL && policy_needs_acl(x.policy, route, &who))
		x.grants = grants_find(c, site, &who);
	buf_init(&out, c->arena, 4096, 1 << 20);
	bool allowed = explain_put(&x, c->arena, &out);
	(void)fwrite(out.p, 1, out.n, stdout);
	return allowed ? 0 : 1;
}

static int
explain_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, false);
	const struct conf_site *site = conf == NULL ? NULL : cli_site_of(c, conf);
	int rc = site == NULL ? 1 : explain(c, conf, site);
	conf_free(&conf);
	return rc;
}

static const struct cli_option options[] = {
	{ "--config", "FILE", "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" },
	{ "--site", "NAME", "the site (default: default)" },
	{ "--user", "NAME", "staff user name, or a patient's portal login name" },
	{ "--scope", "TEXT", "the token's scopes, space separated" },
	{ "--patient", "UUID", "the patient of the token's launch context" },
};
const struct cli_command cli_explain = { "explain", "METHOD PATH",
	"tell what the policy decides for a request, and each rule that led to it", options, NITEMS(options), 2, 2,
	explain_run };
