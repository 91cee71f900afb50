/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Employers of a patient, past ones too: employer_data is a history.                                                         */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

static const struct field fields[] = {
	{ "id", K_INT, "d.id", F_NEEDED },
	{ "uuid", K_UUID, "d.uuid" },
	{ "name", K_TEXT, "d.name" },
	{ "street", K_TEXT, "d.street" },
	{ "street_line_2", K_TEXT, "d.street_line_2" },
	{ "postal_code", K_TEXT, "d.postal_code" },
	{ "city", K_TEXT, "d.city" },
	{ "state", K_TEXT, "d.state" },
	{ "country", K_TEXT, "d.country" },
	{ "date", K_DATETIME, "d.date" },
	{ "start_date", K_DATETIME, "d.start_date" },
	{ "end_date", K_DATETIME, "d.end_date" },
	{ "pid", K_INT, "d.pid" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "created_by", K_INT, "d.created_by" },
	{ "user_uuid", K_UUID, "u.uuid" },
	{ "occupation", K_TEXT, "d.occupation" },
	{ "occupation_codes", K_LIST_CODES, "d.occupation", .arg = "OccupationODH" },
	{ "industry_codes_display", K_LIST_TITLE, "d.industry", .arg = "IndustryODH" },
	{ "industry", K_TEXT, "d.industry" },
	{ "industry_codes", K_LIST_CODES, "d.industry", .arg = "IndustryODH" },
	{ "occupation_codes_display", K_LIST_TITLE, "d.occupation", .arg = "OccupationODH" },
};
static const struct param params[] = {
	{ "name", M_EXACT, "d.name" },
	{ "street", M_EXACT, "d.street" },
	{ "street_line_2", M_EXACT, "d.street_line_2" },
	{ "postal_code", M_EXACT, "d.postal_code" },
	{ "city", M_EXACT, "d.city" },
	{ "state", M_EXACT, "d.state" },
	{ "country", M_EXACT, "d.country" },
	{ "date", M_EXACT, "d.date" },
	{ "start_date", M_EXACT, "d.start_date" },
	{ "end_date", M_EXACT, "d.end_date" },
	{ "created_by", M_EXACT, "d.created_by" },
	{ "occupation", M_EXACT, "d.occupation" },
	{ "industry", M_EXACT, "d.industry" },
};
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = d.pid" },
	{ "users", "u", "u.id = d.created_by" },
};
static const struct key keys[] = { { "uuid", .uuid = "d.uuid", .number = "d.id" } };
static const struct source source = {
	.table = "employer_data",
	.alias = "d",
	.id = "d.id",
	.uuid = "d.uuid",
	.patient = "p.uuid",
	.pid = "d.pid",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params,
	.n_params = NITEMS(params),
};
static const struct resource employer = {
	.name = "employer", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1
};

static const struct refusal malformed = { 400, 400, "uuid", NULL, "Invalid UUID format" };
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD, .bad_parent = &malformed };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:puuid/employer", &employer, OP_LIST, &style },
};
const struct direct_routes rest_employer = { routes, NITEMS(routes) };
