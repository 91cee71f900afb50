/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gatehouse client: OpenEMR's API clients of a site. The secret is never shown. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct db_stmt list_sql = { "client_list",
	"SELECT client_id, client_name, is_enabled, is_confidential, register_date, grant_types, redirect_uri, scope, "
	"jwks_uri, "
	"jwks IS NOT NULL, logout_redirect_uris, contacts FROM oauth_clients ORDER BY register_date, client_id",
	false };
static const struct db_stmt show_sql = { "client_show",
	"SELECT client_id, client_name, is_enabled, is_confidential, register_date, grant_types, redirect_uri, scope, "
	"jwks_uri, "
	"jwks IS NOT NULL, logout_redirect_uris, contacts FROM oauth_clients WHERE client_id = ?",
	false };
static const struct db_stmt enable_sql = { "client_enable",
	"UPDATE oauth_clients SET is_enabled = ? WHERE client_id = ?", false };

/* Columns of the two statements above, for show. */
static const char *const labels[] = { "client_id", "client_name", "enabled", "confidential", "registered",
	"grant_types", "redirect_uris", "scope", "jwks_uri", "has inline jwks", "post_logout_redirect_uris",
	"contacts" };

static void
cell_print(const struct db_cell *c)
{
	switch (c->kind) {
	case DB_C_NULL:
		fputs("-", stdout);
		break;
	case DB_C_INT:
		printf("%lld", (long long)c->i);
		break;
	case DB_C_FLOAT:
		printf("%g", c->f);
		break;
	case DB_C_TEXT: /* registered by anyone: no control characters onto the terminal */
		for (size_t i = 0; i < c->s.n; i++)
			putchar((unsigned char)c->s.p[i] < 0x20 || c->s.p[i] == 0x7f ? '?' : c->s.p[i]);
		break;
	}
}

static int
client_list(struct cli *c, const struct conf_site *site)
{
	const struct db_result *r = cli_query(c, site, &list_sql, NULL, 0);
	if (r == NULL)
		return 1;
	for (size_t row = 0; row < r->n_rows; row++) {
		cell_print(db_cell(r, row, 0));
		printf("  %-8s  ", db_cell(r, row, 2)->i == 1 ? "enabled" : "disabled");
		cell_print(db_cell(r, row, 1));
		putchar('\n');
	}
	return 0;
}

static const struct db_result *
client_find(struct cli *c, const struct conf_site *site)
{
	struct db_val id = DB_V_STR(str_of(c->words[1]));
	const struct db_result *r = cli_query(c, site, &show_sql, &id, 1);
	if (r != NULL && r->n_rows == 0)
		fprintf(stderr, "gatehouse: no client %s on site %.*s\n", c->words[1], STR_ARG(site->name));
	return r != NULL && r->n_rows > 0 ? r : NULL;
}

static int
client_show(struct cli *c, const struct conf_site *site)
{
	const struct db_result *r = client_find(c, site);
	if (r == NULL)
		return 1;
	for (size_t col = 0; col < NITEMS(labels) && col < r->n_cols; col++) {
		printf("%-26s ", labels[col]);
		cell_print(db_cell(r, 0, col));
		putchar('\n');
	}
	return 0;
}

static int
client_enable(struct cli *c, const struct conf *conf, const struct conf_site *site, bool on)
{
	struct db_val vals[] = { DB_V_I64(on), DB_V_STR(str_of(c->words[1])) };
	struct cli_act act = { AUDIT_EV_CLIENT_CHANGED, site->name, str_of(c->words[1]),
		on ? "client enable" : "client disable", on ? STR("enabled") : STR("disabled"), false };
	if (client_find(c, site) == NULL || cli_record(c, conf, &act) != 0)
		return 1;
	if (cli_query(c, site, &enable_sql, vals, NITEMS(vals)) == NULL) {
		act.failed = true;
		act.reason = STR("the database did not do it");
		(void)!cli_record(c, conf, &act);
		return 1;
	}
	printf("%s %s on site %.*s; workers follow within 5 s\n", c->words[1], on ? "enabled" : "disabled",
	    STR_ARG(site->name));
	return 0;
}

static int
client_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, false);
	const struct conf_site *site = conf == NULL ? NULL : cli_site_of(c, conf);
	const char *verb = c->words[0];
	int rc = 2;
	if (site == NULL)
		rc = 1;
	else if (strcmp(verb, "list") == 0)
		rc = client_list(c, site);
	else if (c->n_words == 2 && strcmp(verb, "show") == 0)
		rc = client_show(c, site);
	else if (c->n_words == 2 && (strcmp(verb, "enable") == 0 || strcmp(verb, "disable") == 0))
		rc = client_enable(c, conf, site, verb[0] == 'e');
	else
		fputs("usage: gatehouse client list | show|enable|disable CLIENT_ID  [--site S]\n", stderr);
	conf_free(&conf);
	return rc;
}

static const struct cli_option options[] = {
	{ "--config", "FILE", "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" },
	{ "--site", "NAME", "the site (default: default)" },
};
const struct cli_command cli_client = { "client", "list|show|enable|disable [CLIENT_ID]",
	"list, show, enable or disable a site's API clients", options, NITEMS(options), 1, 2, client_run };
