/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users of the Standard API, and its practitioners: those of OpenEMR's users who have an NPI and either a login name or a place in the address
 * book. The password column is a member that clients expect; its value never leaves.                                        */
#include "backends/direct/engine/call.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

static const struct field fields[] = {
	{ "id", K_INT, "u.id", F_NEEDED },
	{ "uuid", K_UUID, "u.uuid", F_NEEDED },
	{ "username", K_TEXT, "u.username", F_WRITE | F_NEEDED },
	{ "password", K_HIDDEN, "u.password" },
	{ "authorized", K_INT, "u.authorized" },
	{ "info", K_TEXT, "u.info" },
	{ "source", K_INT, "u.source" },
	{ "fname", K_TEXT, "u.fname", F_WRITE | F_REQUIRED, .min = 2, .max = 255, .label = "First Name" },
	{ "mname", K_TEXT, "u.mname", F_WRITE },
	{ "lname", K_TEXT, "u.lname", F_WRITE | F_REQUIRED, .min = 2, .max = 255, .label = "Last Name" },
	{ "suffix", K_TEXT, "u.suffix" },
	{ "federaltaxid", K_TEXT, "u.federaltaxid", F_WRITE },
	{ "federaldrugid", K_TEXT, "u.federaldrugid", F_WRITE },
	{ "upin", K_TEXT, "u.upin", F_WRITE },
	{ "facility", K_TEXT, "u.facility", F_WRITE },
	{ "facility_id", K_INT, "u.facility_id", F_WRITE | R_NUMERIC | R_EXISTS, .exists_in = "facility.id",
	    .label = "Facility Id" },
	{ "see_auth", K_INT, "u.see_auth" },
	{ "active", K_INT, "u.active" },
	{ "npi", K_TEXT, "u.npi", F_WRITE | F_REQUIRED | R_NUMERIC | F_NEEDED, .min = 10, .max = 15, .label = "NPI" },
	{ "title", K_TEXT, "u.title", F_WRITE },
	{ "specialty", K_TEXT, "u.specialty", F_WRITE },
	{ "billname", K_TEXT, "u.billname", F_WRITE },
	{ "email", K_TEXT, "u.email", F_WRITE | R_EMAIL_STRICT, .label = "Email" },
	{ "email_direct", K_TEXT, "u.email_direct" },
	{ "google_signin_email", K_TEXT, "u.google_signin_email" },
	{ "url", K_TEXT, "u.url", F_WRITE },
	{ "assistant", K_TEXT, "u.assistant", F_WRITE },
	{ "organization", K_TEXT, "u.organization", F_WRITE },
	{ "valedictory", K_TEXT, "u.valedictory", F_WRITE },
	{ "street", K_TEXT, "u.street", F_WRITE },
	{ "streetb", K_TEXT, "u.streetb", F_WRITE },
	{ "city", K_TEXT, "u.city", F_WRITE },
	{ "state", K_TEXT, "u.state", F_WRITE },
	{ "zip", K_TEXT, "u.zip", F_WRITE },
	{ "country_code", K_TEXT, "u.country_code" },
	{ "street2", K_TEXT, "u.street2" },
	{ "streetb2", K_TEXT, "u.streetb2" },
	{ "city2", K_TEXT, "u.city2" },
	{ "state2", K_TEXT, "u.state2" },
	{ "zip2", K_TEXT, "u.zip2" },
	{ "country_code2", K_TEXT, "u.country_code2" },
	{ "phone", K_TEXT, "u.phone", F_WRITE },
	{ "fax", K_TEXT, "u.fax", F_WRITE },
	{ "phonew1", K_TEXT, "u.phonew1", F_WRITE },
	{ "phonew2", K_TEXT, "u.phonew2" },
	{ "phonecell", K_TEXT, "u.phonecell", F_WRITE },
	{ "notes", K_TEXT, "u.notes", F_WRITE },
	{ "cal_ui", K_INT, "u.cal_ui" },
	{ "taxonomy", K_TEXT, "u.taxonomy" },
	{ "calendar", K_INT, "u.calendar" },
	{ "abook_type", K_TEXT, "u.abook_type" },
	{ "default_warehouse", K_TEXT, "u.default_warehouse" },
	{ "irnpool", K_TEXT, "u.irnpool" },
	{ "state_license_number", K_TEXT, "u.state_license_number", F_WRITE },
	{ "weno_prov_id", K_TEXT, "u.weno_prov_id" },
	{ "newcrop_user_role", K_TEXT, "u.newcrop_user_role" },
	{ "cpoe", K_INT, "u.cpoe" },
	{ "physician_type", K_TEXT, "u.physician_type" },
	{ "main_menu_role", K_TEXT, "u.main_menu_role" },
	{ "patient_menu_role", K_TEXT, "u.patient_menu_role" },
	{ "portal_user", K_INT, "u.portal_user" },
	{ "supervisor_id", K_INT, "u.supervisor_id" },
	{ "billing_facility", K_TEXT, "u.billing_facility" },
	{ "billing_facility_id", K_INT, "u.billing_facility_id" },
	{ "date_created", K_DATETIME, "u.date_created" },
	{ "last_updated", K_DATETIME, "u.last_updated" },
	{ "abook_title", K_LIST_TITLE, "u.abook_type", 0, .arg = "abook_type" },
	{ "physician_title", K_LIST_TITLE, "u.physician_type", 0, .arg = "physician_type" },
	{ "physician_code", K_LIST_CODES, "u.physician_type", 0, .arg = "physician_type" },
};
/* The first is a filter of users alone. */
static const struct param params[] = {
	{ "id", M_EXACT, "u.id" },
	{ "title", M_EXACT, "u.title" },
	{ "notes", M_EXACT, "u.notes" },
	{ "fname", M_EXACT, "u.fname" },
	{ "lname", M_EXACT, "u.lname" },
	{ "mname", M_EXACT, "u.mname" },
	{ "federaltaxid", M_EXACT, "u.federaltaxid" },
	{ "federaldrugid", M_EXACT, "u.federaldrugid" },
	{ "upin", M_EXACT, "u.upin" },
	{ "facility_id", M_EXACT, "u.facility_id" },
	{ "facility", M_EXACT, "u.facility" },
	{ "npi", M_EXACT, "u.npi" },
	{ "email", M_EXACT, "u.email" },
	{ "specialty", M_EXACT, "u.specialty" },
	{ "billname", M_EXACT, "u.billname" },
	{ "url", M_EXACT, "u.url" },
	{ "assistant", M_EXACT, "u.assistant" },
	{ "organization", M_EXACT, "u.organization" },
	{ "valedictory", M_EXACT, "u.valedictory" },
	{ "street", M_EXACT, "u.street" },
	{ "streetb", M_EXACT, "u.streetb" },
	{ "city", M_EXACT, "u.city" },
	{ "state", M_EXACT, "u.state" },
	{ "zip", M_EXACT, "u.zip" },
	{ "phone", M_EXACT, "u.phone" },
	{ "fax", M_EXACT, "u.fax" },
	{ "phonew1", M_EXACT, "u.phonew1" },
	{ "phonecell", M_EXACT, "u.phonecell" },
	{ "state_license_number", M_EXACT, "u.state_license_number" },
	{ "username", M_EXACT, "u.username" },
};
static const struct source source = {
	.table = "users",
	.alias = "u",
	.id = "u.id",
	.uuid = "u.uuid",
	.updated = "u.last_updated",
	.created = "u.date_created",
	.where = "COALESCE(u.npi, '') <> '' AND (COALESCE(u.username, '') <> '' OR u.abook_type IN ('ord_lab', 'spe', "
	         "'external_provider'))",
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params + 1,
	.n_params = NITEMS(params) - 1,
};
/* Rights, groups and passwords go by login names: whoever may write users must not have those of an account by taking its name. The same
 * comparison as where they are looked up: by the columns' collation.                                                        */
static const struct db_stmt account_sql = { .name = "practitioner_account",
	.sql = "SELECT 1 FROM gacl_aro a WHERE a.section_value = 'users' AND a.value = ? UNION ALL "
	       "SELECT 1 FROM users_secure s WHERE s.username = ? LIMIT 1" };

static const struct db_stmt *
account_compare(struct call *c)
{
	const struct schema_column *value = schema_column(c->d->schema, STR("gacl_aro"), STR("value"));
	struct str name = accepted_input(c->plan->write, &c->accepted, "username");
	char number[24];
	if (name.n == 0 || value == NULL || !column_holds(value, name) ||
	    str_eq(name, call_cell(c, "username", number)))
		return NULL; /* none, or the row's own */
	c->vals[c->n_vals++] = DB_V_STR(name);
	c->vals[c->n_vals++] = DB_V_STR(name);
	return &account_sql;
}

static void
prepare(struct call *c)
{
	if (c->compared != NULL && c->compared->n_rows > 0)
		violation_add(&c->violations, STR("username"), STR("Callback::INVALID_VALUE"),
		    "username is the login name of an account");
}

static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
};
static const struct write_rule write = {
	.table = "users",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.answer = "id uuid",
	.rule_order = "fname lname npi facility_id email",
	.uuid_label = "Practitioner UUID",
	.updates_hidden = true,
	.compare = account_compare,
	.prepare = prepare,
};
static const struct resource practitioner = {
	.name = "practitioner",
	.compartment = COMPARTMENT_OPEN,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
};

static const struct refusal unknown = {
	.classic = 400, .v8 = 400, .field = "uuid", .code = "invalid or nonexisting value", .text = " value %"
};
static const struct style style = {
	.ops = &dialect_standard,
	.no_row = &unknown,
	.hidden_404 = true,
	.strings_unfiltered_classic = true,
};
/* --- all users: a list of some columns, and one with the table's ------------------------------------------------------------------- */

enum { OF_LISTS = 3 }; /* the last of fields: what a practitioner has from lists */
static const struct field listed_fields[] = {
	{ "id", K_INT, "u.id", F_NEEDED },
	{ "uuid", K_UUID, "u.uuid", F_NEEDED },
	{ "title", K_TEXT, "u.title" },
	{ "fname", K_TEXT, "u.fname" },
	{ "lname", K_TEXT, "u.lname" },
	{ "mname", K_TEXT, "u.mname" },
	{ "federaltaxid", K_TEXT, "u.federaltaxid" },
	{ "federaldrugid", K_TEXT, "u.federaldrugid" },
	{ "upin", K_TEXT, "u.upin" },
	{ "facility_id", K_INT, "u.facility_id" },
	{ "facility", K_TEXT, "u.facility" },
	{ "npi", K_TEXT, "u.npi" },
	{ "email", K_TEXT, "u.email" },
	{ "active", K_INT, "u.active" },
	{ "specialty", K_TEXT, "u.specialty" },
	{ "billname", K_TEXT, "u.billname" },
	{ "url", K_TEXT, "u.url" },
	{ "assistant", K_TEXT, "u.assistant" },
	{ "organization", K_TEXT, "u.organization" },
	{ "valedictory", K_TEXT, "u.valedictory" },
	{ "street", K_TEXT, "u.street" },
	{ "streetb", K_TEXT, "u.streetb" },
	{ "city", K_TEXT, "u.city" },
	{ "state", K_TEXT, "u.state" },
	{ "zip", K_TEXT, "u.zip" },
	{ "phone", K_TEXT, "u.phone" },
	{ "fax", K_TEXT, "u.fax" },
	{ "phonew1", K_TEXT, "u.phonew1" },
	{ "phonecell", K_TEXT, "u.phonecell" },
	{ "notes", K_TEXT, "u.notes" },
	{ "state_license_number", K_TEXT, "u.state_license_number" },
	{ "abook_title", K_LIST_TITLE, "u.abook_type", 0, .arg = "abook_type" },
	{ "last_updated", K_DATETIME, "u.last_updated" },
};
#define USERS(ident, fields_, n)                                                                                       \
	static const struct source ident##_source = {                                                                  \
		.table = "users",                                                                                      \
		.alias = "u",                                                                                          \
		.id = "u.id",                                                                                          \
		.uuid = "u.uuid",                                                                                      \
		.updated = "u.last_updated",                                                                           \
		.created = "u.date_created",                                                                           \
		.fields = fields_,                                                                                     \
		.n_fields = n,                                                                                         \
		.params = params,                                                                                      \
		.n_params = NITEMS(params),                                                                            \
	};                                                                                                             \
	static const struct resource ident = {                                                                         \
		.name = "user", .compartment = COMPARTMENT_OPEN, .sources = &ident##_source, .n_sources = 1            \
	}
USERS(users, listed_fields, NITEMS(listed_fields));
USERS(user, fields, NITEMS(fields) - OF_LISTS);

/* 8.x fails with an error of PHP on a malformed uuid */
static const struct refusal malformed = { 400, 400, "uuid", "invalid or nonexisting value", "value %" };
static const struct style user_style = {
	.ops = &dialect_standard, .envelope = ENV_OLD, .bad_row = &malformed, .strings_unfiltered = true
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/practitioner", &practitioner, OP_LIST, &style },
	{ HTTP_GET, "/api/practitioner/:pruuid", &practitioner, OP_READ, &style },
	{ HTTP_POST, "/api/practitioner", &practitioner, OP_CREATE, &style },
	{ HTTP_PUT, "/api/practitioner/:pruuid", &practitioner, OP_UPDATE, &style },
	{ HTTP_GET, "/api/user", &users, OP_LIST, &user_style },
	{ HTTP_GET, "/api/user/:uuid", &user, OP_READ, &user_style },
};
const struct direct_routes rest_practitioner = { routes, NITEMS(routes) };
