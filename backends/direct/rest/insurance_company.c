/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Insurance companies with their address and telephone number, and the types of insurance. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
#define COMPANY \
	{ "id", K_INT, "c.id", F_NEEDED }, \
	{ "uuid", K_UUID, "c.uuid" }, \
	{ "name", K_TEXT, "c.name", F_NEEDED }, \
	{ "attn", K_TEXT, "c.attn" }, \
	{ "cms_id", K_TEXT, "c.cms_id" }, \
	{ "ins_type_code", K_INT, "c.ins_type_code" }, \
	{ "x12_receiver_id", K_TEXT, "c.x12_receiver_id" }, \
	{ "x12_default_partner_id", K_INT, "c.x12_default_partner_id" }, \
	{ "alt_cms_id", K_TEXT, "c.alt_cms_id" }, \
	{ "inactive", K_INT, "c.inactive" }
static const struct field listed_fields[] = {
	COMPANY,
	{ "line1", K_TEXT, "a.line1" },
	{ "line2", K_TEXT, "a.line2" },
	{ "city", K_TEXT, "a.city" },
	{ "state", K_TEXT, "a.state" },
	{ "zip", K_TEXT, "a.zip" },
	{ "country", K_TEXT, "a.country" },
};
static const struct field fields[] = {
	COMPANY,
	{ "eligibility_id", K_TEXT, "c.eligibility_id" },
	{ "x12_default_eligibility_id", K_INT, "c.x12_default_eligibility_id" },
	{ "cqm_sop", K_INT, "c.cqm_sop" },
	{ "date_created", K_DATETIME, "c.date_created" },
	{ "last_updated", K_DATETIME, "c.last_updated" },
};
static const struct field inputs[] = {
	{ "name", K_TEXT, "c.name", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "attn", K_TEXT, "c.attn", F_WRITE, .min = 2, .max = 255 },
	{ "cms_id", K_TEXT, "c.cms_id", F_WRITE, .min = 2, .max = 15 },
	{ "ins_type_code", K_INT, "c.ins_type_code", F_WRITE | R_NUMERIC },
	{ "x12_receiver_id", K_TEXT, "c.x12_receiver_id", F_WRITE, .min = 2, .max = 25 },
	{ "x12_default_partner_id", K_INT, "c.x12_default_partner_id", F_WRITE | R_NUMERIC },
	{ "alt_cms_id", K_TEXT, "c.alt_cms_id", F_WRITE, .min = 2, .max = 15 },
	{ "cqm_sop", K_INT, "c.cqm_sop", F_WRITE },
	{ "line1", K_TEXT, NULL, F_WRITE, .min = 2, .max = 255 },
	{ "line2", K_TEXT, NULL, F_WRITE, .min = 2, .max = 255 },
	{ "city", K_TEXT, NULL, F_WRITE, .min = 2, .max = 255 },
	{ "state", K_TEXT, NULL, F_WRITE, .min = 2, .max = 35 },
	{ "zip", K_TEXT, NULL, F_WRITE, .min = 2, .max = 10 },
	{ "plus_four", K_TEXT, NULL, F_WRITE, .min = 2, .max = 4 },
	{ "country", K_TEXT, NULL, F_WRITE, .min = 2, .max = 255 },
	{ "phone", K_TEXT, NULL, F_WRITE, .max = 30 },
};
/* clang-format on */
#define DIGITS(from, n) "SUBSTR(REGEXP_REPLACE(?, '[^0-9]', ''), " from ", " n ")"
static const struct server_set address_sets[] = {
	{ "id", SV_NUMBER, NULL, SET_CREATE, .sql = "? + 1" },
	{ "foreign_id", SV_ROW_ID, NULL, SET_CREATE },
	{ "line1", SV_BODY, "line1", SET_ALWAYS },
	{ "line2", SV_BODY, "line2", SET_ALWAYS },
	{ "city", SV_BODY, "city", SET_ALWAYS },
	{ "state", SV_BODY, "state", SET_ALWAYS },
	{ "zip", SV_BODY, "zip", SET_ALWAYS },
	{ "plus_four", SV_BODY, "plus_four", SET_ALWAYS },
	{ "country", SV_BODY, "country", SET_ALWAYS },
};
static const struct server_set phone_sets[] = {
	{ "id", SV_NUMBER, NULL, SET_CREATE, .sql = "? + 2" },
	{ "foreign_id", SV_ROW_ID, NULL, SET_CREATE },
	{ "country_code", SV_CONST, "+1", SET_CREATE },
	{ "type", SV_CONST, "2", SET_CREATE }, /* of work */
	{ "area_code", SV_BODY, "phone", SET_ALWAYS, .sql = DIGITS("1", "3") },
	{ "prefix", SV_BODY, "phone", SET_ALWAYS, .sql = DIGITS("4", "3") },
	{ "number", SV_BODY, "phone", SET_ALWAYS, .sql = DIGITS("7", "4") },
};
static const struct further further[] = {
	{ .table = "addresses",
	    .when = SET_ALWAYS,
	    .key = "foreign_id",
	    .sets = address_sets,
	    .n_sets = NITEMS(address_sets) },
	{ .table = "phone_numbers",
	    .when = SET_ALWAYS,
	    .key = "foreign_id",
	    .where = "type = 2",
	    .if_given = "phone",
	    .sets = phone_sets,
	    .n_sets = NITEMS(phone_sets) },
};
static const struct server_set sets[] = {
	{ "id", SV_SEQUENCE, NULL, SET_CREATE },
	{ "uuid", SV_UUID, NULL, SET_CREATE },
};
static const struct write_rule write = {
	.table = "insurance_companies",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.n_numbers = 3, /* the company's, its address's, its telephone number's */
	.further = further,
	.n_further = NITEMS(further),
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.answer = "iid=number",
};
static const struct join joins[] = { { "addresses", "a",
    "a.id = (SELECT MIN(x.id) FROM addresses x WHERE x.foreign_id = c.id)" } };
static const struct key keys[] = { { "iid", .uuid = "c.uuid", .number = "c.id" } };
static const struct source listed_source = {
	.table = "insurance_companies",
	.alias = "c",
	.id = "c.id",
	.uuid = "c.uuid",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = listed_fields,
	.n_fields = NITEMS(listed_fields),
};
static const struct source source = {
	.table = "insurance_companies",
	.alias = "c",
	.id = "c.id",
	.uuid = "c.uuid",
	.updated = "c.last_updated",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource listed = {
	.name = "insurance_company", .compartment = COMPARTMENT_OPEN, .sources = &listed_source, .n_sources = 1
};
static const struct resource company = { .name = "insurance_company",
	.compartment = COMPARTMENT_OPEN,
	.sources = &source,
	.n_sources = 1,
	.write = &write };

static const struct field type_fields[] = { { NULL, K_TEXT, "t.type" } };
static const struct key type_keys[] = { { "id", .number = "t.id" } };
static const struct source type_source = {
	.table = "insurance_type_codes",
	.alias = "t",
	.id = "t.id",
	.keys = type_keys,
	.n_keys = NITEMS(type_keys),
	.fields = type_fields,
	.n_fields = NITEMS(type_fields),
};
static const struct resource type = {
	.name = "insurance_type", .compartment = COMPARTMENT_OPEN, .sources = &type_source, .n_sources = 1
};

static const struct style style = { .ops = &dialect_standard, .envelope = ENV_BARE, .echo = "iid", .empty_ok = true };
static const struct style types = {
	.ops = &dialect_standard, .envelope = ENV_BARE, .shape = SHAPE_KEYED, .empty_ok = true
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/insurance_company", &listed, OP_LIST, &style },
	{ HTTP_GET, "/api/insurance_company/:iid", &company, OP_READ, &style },
	{ HTTP_POST, "/api/insurance_company", &company, OP_CREATE, &style },
	{ HTTP_PUT, "/api/insurance_company/:iid", &company, OP_UPDATE, &style },
	{ HTTP_GET, "/api/insurance_type", &type, OP_LIST, &types },
};
const struct direct_routes rest_insurance_company = { routes, NITEMS(routes) };
