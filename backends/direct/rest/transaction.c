/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transactions of a patient, referrals above all: a row of transactions, its values as rows of lbt_data. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

/* Users are named by their NPI; one that nobody has leaves the value empty (recording 116). */
#define USER_OF_NPI "(SELECT u.id FROM users u WHERE u.npi = ? LIMIT 1)"
#define VALUE_OF(name)                                                                                                 \
	"COALESCE((SELECT b.field_value FROM lbt_data b WHERE b.form_id = t.id AND b.field_id = '" name "'), '')"
/* A value: its row, made with the transaction or put in the place of the older one. */
#define VALUE(ident, name, input, expression)                                                                          \
	static const struct server_set ident##_sets[] = {                                                              \
		{ "form_id", SV_ROW_ID, NULL, SET_ALWAYS },                                                            \
		{ "field_id", SV_CONST, name, SET_ALWAYS },                                                            \
		{ "field_value", SV_BODY, input, SET_ALWAYS, .sql = expression },                                      \
	}
#define FURTHER(ident, input)                                                                                          \
	{ .table = "lbt_data",                                                                                         \
		.when = SET_ALWAYS,                                                                                    \
		.if_given = input,                                                                                     \
		.replace = true,                                                                                       \
		.sets = ident##_sets,                                                                                  \
		.n_sets = NITEMS(ident##_sets) }
VALUE(text, "body", "body", NULL);
VALUE(refer_date, "refer_date", "referralDate", NULL);
VALUE(refer_diag, "refer_diag", "referDiagnosis", NULL);
VALUE(refer_from, "refer_from", "referByNpi", USER_OF_NPI);
VALUE(refer_to, "refer_to", "referToNpi", USER_OF_NPI);
VALUE(refer_risk_level, "refer_risk_level", "riskLevel", "LOWER(?)");
VALUE(refer_vitals, "refer_vitals", "includeVitals", NULL);
VALUE(refer_authorization, "refer_authorization", "authorization", NULL);
VALUE(refer_visits, "refer_visits", "visits", NULL);
VALUE(refer_validfrom, "refer_validFrom", "validFrom", NULL);
VALUE(refer_validthrough, "refer_validThrough", "validThrough", NULL);
static const struct further further[] = {
	FURTHER(text, "body"),
	FURTHER(refer_date, "referralDate"),
	FURTHER(refer_diag, "referDiagnosis"),
	FURTHER(refer_from, "referByNpi"),
	FURTHER(refer_to, "referToNpi"),
	FURTHER(refer_risk_level, "riskLevel"),
	FURTHER(refer_vitals, "includeVitals"),
	FURTHER(refer_authorization, "authorization"),
	FURTHER(refer_visits, "visits"),
	FURTHER(refer_validfrom, "validFrom"),
	FURTHER(refer_validthrough, "validThrough"),
};

/* clang-format off */
static const struct field fields[] = {
	{ "form_id", K_INT, NULL, .sql = "SELECT MIN(b.form_id) FROM lbt_data b WHERE b.form_id = t.id" },
	{ "title", K_TEXT, "t.title", F_NEEDED },
	{ "groupname", K_TEXT, "t.groupname" },
	{ "authorized", K_INT, "t.authorized" },
	{ "body", K_TEXT, NULL, .sql = VALUE_OF("body") },
	{ "refer_date", K_TEXT, NULL, .sql = VALUE_OF("refer_date") },
	{ "refer_diag", K_TEXT, NULL, .sql = VALUE_OF("refer_diag") },
	{ "refer_from", K_TEXT, NULL, .sql = VALUE_OF("refer_from") },
	{ "refer_to", K_TEXT, NULL, .sql = VALUE_OF("refer_to") },
	{ "refer_risk_level", K_TEXT, NULL, .sql = VALUE_OF("refer_risk_level") },
	{ "refer_vitals", K_TEXT, NULL, .sql = VALUE_OF("refer_vitals") },
	{ "refer_authorization", K_TEXT, NULL, .sql = VALUE_OF("refer_authorization") },
	{ "refer_visits", K_TEXT, NULL, .sql = VALUE_OF("refer_visits") },
	{ "refer_validFrom", K_TEXT, NULL, .sql = VALUE_OF("refer_validFrom") },
	{ "refer_validThrough", K_TEXT, NULL, .sql = VALUE_OF("refer_validThrough") },
};
static const struct field inputs[] = {
	{ "type", K_TEXT, "t.title", F_WRITE | F_REQUIRED | F_CREATE_ONLY },
	{ "groupname", K_TEXT, "t.groupname", F_WRITE | F_REQUIRED | F_CREATE_ONLY },
	{ "body", K_TEXT, NULL, F_WRITE, .min = 2, .max = 150 },
	{ "referralDate", K_TEXT, NULL, F_WRITE | R_DATE },
	{ "referDiagnosis", K_TEXT, NULL, F_WRITE },
	{ "referByNpi", K_TEXT, NULL, F_WRITE },
	{ "referToNpi", K_TEXT, NULL, F_WRITE },
	{ "riskLevel", K_TEXT, NULL, F_WRITE },
	{ "includeVitals", K_TEXT, NULL, F_WRITE },
	{ "authorization", K_TEXT, NULL, F_WRITE },
	{ "visits", K_TEXT, NULL, F_WRITE },
	{ "validFrom", K_TEXT, NULL, F_WRITE },
	{ "validThrough", K_TEXT, NULL, F_WRITE },
};
/* clang-format on */

/* A referral has a text, a date and a referring person. */
static void
transaction_prepare(struct call *c)
{
	static const char *const needed[] = { "body", "referralDate", "referByNpi" };
	const struct plan_write *w = c->plan->write;
	if (!str_eq(accepted_input(w, &c->accepted, "type"), STR("LBTref")))
		return;
	for (size_t i = 0; i < NITEMS(needed); i++) {
		bool told = accepted_input(w, &c->accepted, needed[i]).n > 0;
		for (unsigned k = 0; k < c->violations.n; k++)
			told = told || str_eq(c->violations.v[k].field, str_of(needed[i]));
		if (!told)
			violation_add(&c->violations, str_of(needed[i]), STR("Required::NON_EXISTENT_KEY"),
			    "%s must be provided, but does not exist", needed[i]);
	}
}

static const struct server_set sets[] = {
	{ "date", SV_NOW, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "user", SV_USER, NULL, SET_CREATE },
	{ "authorized", SV_CONST, "1", SET_CREATE },
};
static const struct write_rule write = {
	.table = "transactions",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.further = further,
	.n_further = NITEMS(further),
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.answer = "id form_id=id",
	.prepare = transaction_prepare,
};
static const struct join joins[] = { { "patient_data", "p", "p.pid = t.pid" } };
static const struct key keys[] = { { "tid", .number = "t.id" } };
static const struct source source = {
	.table = "transactions",
	.alias = "t",
	.id = "t.id",
	.updated = "t.date",
	.patient = "p.uuid",
	.pid = "t.pid",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource transaction = {
	.name = "transaction", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1, .write = &write
};
static const struct style list = { .ops = &dialect_standard, .envelope = ENV_OLD, .shape = SHAPE_NESTED };
static const struct style written = { .ops = &dialect_standard, .envelope = ENV_OLD, .shape = SHAPE_ARRAY };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:pid/transaction", &transaction, OP_LIST, &list },
	{ HTTP_POST, "/api/patient/:pid/transaction", &transaction, OP_CREATE, &written },
	{ HTTP_PUT, "/api/transaction/:tid", &transaction, OP_UPDATE, &written },
};
const struct direct_routes rest_transaction = { routes, NITEMS(routes) };
