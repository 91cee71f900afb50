/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SOAP notes of an encounter: form_soap, with the forms row that puts it into the encounter.                                 */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
static const struct field fields[] = {
	{ "id", K_INT, "s.id" },
	{ "date", K_DATETIME, "s.date" },
	{ "pid", K_INT, "s.pid" },
	{ "user", K_TEXT, "s.user" },
	{ "groupname", K_TEXT, "s.groupname" },
	{ "authorized", K_INT, "s.authorized" },
	{ "activity", K_INT, "s.activity" },
	{ "subjective", K_TEXT, "s.subjective", F_WRITE, .min = 2, .max = 65535 },
	{ "objective", K_TEXT, "s.objective", F_WRITE, .min = 2, .max = 65535 },
	{ "assessment", K_TEXT, "s.assessment", F_WRITE, .min = 2, .max = 65535 },
	{ "plan", K_TEXT, "s.plan", F_WRITE, .min = 2, .max = 65535 },
};
/* clang-format on */
static const struct join joins[] = {
	{ "forms", "f", "f.form_id = s.id AND f.formdir = 'soap'" },
	{ "patient_data", "p", "p.pid = s.pid" },
};
static const struct key keys[] = { { "sid", .number = "s.id" } };
static const struct source source = {
	.table = "form_soap",
	.alias = "s",
	.id = "s.id",
	.patient = "p.uuid",
	.pid = "s.pid",
	.encounter = "f.encounter",
	.where = "f.deleted = 0",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct server_set sets[] = {
	{ "date", SV_NOW, NULL, SET_ALWAYS },
	{ "activity", SV_CONST, "1", SET_ALWAYS },
	{ "pid", SV_PID, NULL, SET_CREATE },
};
static const struct server_set form_sets[] = {
	{ "date", SV_NOW, NULL, SET_CREATE },
	{ "encounter", SV_ENCOUNTER, NULL, SET_CREATE },
	{ "form_name", SV_CONST, "SOAP", SET_CREATE },
	{ "form_id", SV_ROW_ID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "authorized", SV_CONST, "1", SET_CREATE },
	{ "formdir", SV_CONST, "soap", SET_CREATE },
};
static const struct further further[] = {
	{ .table = "forms", .when = SET_CREATE, .sets = form_sets, .n_sets = NITEMS(form_sets) },
};
static const struct write_rule write = {
	.table = "form_soap",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.further = further,
	.n_further = NITEMS(further),
	.answer = "sid=id fid=forms",
};
static const struct resource soap_note = {
	.name = "soap_note",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
};

static const struct style style = { .ops = &dialect_standard, .envelope = ENV_BARE, .echo = "sid" };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:pid/encounter/:eid/soap_note", &soap_note, OP_LIST, &style },
	{ HTTP_GET, "/api/patient/:pid/encounter/:eid/soap_note/:sid", &soap_note, OP_READ, &style },
	{ HTTP_POST, "/api/patient/:pid/encounter/:eid/soap_note", &soap_note, OP_CREATE, &style },
	{ HTTP_PUT, "/api/patient/:pid/encounter/:eid/soap_note/:sid", &soap_note, OP_UPDATE, &style },
};
const struct direct_routes rest_soap_note = { routes, NITEMS(routes) };
