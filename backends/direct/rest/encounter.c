/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encounters of a patient: form_encounter, with the forms row that OpenEMR shows it by. The Portal's encounters are the same rows.                                                                                                               */
#include "backends/direct/engine/call.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"
#include "policy/acl.h"

/* clang-format off */
/* The uuid of a facility as a FHIR Location. */
#define LOCATION(alias) \
	"SELECT m.uuid FROM uuid_mapping m WHERE m.target_uuid = " alias ".uuid AND m.resource = 'Location' ORDER BY m.id LIMIT 1"

static const struct field fields[] = {
	{ "eid", K_INT, "e.encounter", F_NEEDED },
	{ "euuid", K_UUID, "e.uuid" },
	{ "date", K_DATETIME, "e.date" },
	{ "reason", K_TEXT, "e.reason" },
	{ "onset_date", K_DATETIME, "e.onset_date" },
	{ "sensitivity", K_TEXT, "e.sensitivity" },
	{ "billing_note", K_TEXT, "e.billing_note" },
	{ "pc_catid", K_INT, "e.pc_catid" },
	{ "last_level_billed", K_INT, "e.last_level_billed" },
	{ "last_level_closed", K_INT, "e.last_level_closed" },
	{ "last_stmt_date", K_DATE, "e.last_stmt_date" },
	{ "stmt_count", K_INT, "e.stmt_count" },
	{ "supervisor_id", K_INT, "e.supervisor_id" },
	{ "invoice_refno", K_TEXT, "e.invoice_refno" },
	{ "referral_source", K_TEXT, "e.referral_source" },
	{ "billing_facility", K_INT, "e.billing_facility" },
	{ "external_id", K_TEXT, "e.external_id" },
	{ "last_update", K_DATETIME, "e.last_update" },
	{ "pos_code", K_INT, "e.pos_code" },
	{ "class_code", K_TEXT, "e.class_code" },
	{ "class_title", K_TEXT, "c.notes" },
	{ "pc_catname", K_TEXT, "k.pc_catname" },
	{ "pid", K_INT, "p.pid" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "facility_id", K_INT, "f.id" },
	{ "facility_uuid", K_UUID, "f.uuid" },
	{ "facility_name", K_TEXT, "f.name" },
	{ "facility_location_uuid", K_UUID, NULL, .sql = LOCATION("f") },
	{ "billing_facility_id", K_INT, "b.id" },
	{ "billing_facility_uuid", K_UUID, "b.uuid" },
	{ "billing_facility_name", K_TEXT, "b.name" },
	{ "billing_location_uuid", K_UUID, NULL, .sql = LOCATION("b") },
	{ "provider_id", K_INT, "e.provider_id" },
	{ "referring_provider_id", K_INT, "e.referring_provider_id" },
	{ "ordering_provider_id", K_INT, "e.ordering_provider_id" },
	{ "provider_uuid", K_UUID, "u.uuid" },
	{ "provider_username", K_TEXT, "u.username" },
	{ "referrer_uuid", K_UUID, "r.uuid" },
	{ "referrer_username", K_TEXT, "r.username" },
	{ "discharge_disposition", K_TEXT, "e.discharge_disposition" },
	{ "discharge_disposition_text", K_LIST_TITLE, "e.discharge_disposition", .arg = "discharge-disposition" },
};
/* OpenEMR tells a provider only who has an NPI. */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = e.pid" },
	{ "list_options", "c", "c.list_id = '_ActEncounterCode' AND c.option_id = e.class_code" },
	{ "openemr_postcalendar_categories", "k", "k.pc_catid = e.pc_catid" },
	{ "facility", "f", "f.id = e.facility_id" },
	{ "facility", "b", "b.id = e.billing_facility" },
	{ "users", "u", "u.id = e.provider_id AND u.npi <> ''" },
	{ "users", "r", "r.id = e.referring_provider_id AND r.npi <> ''" },
};
static const struct key keys[] = { { "euuid", .uuid = "e.uuid", .number = "e.encounter" } };
static const struct source source = {
	.table = "form_encounter",
	.alias = "e",
	.id = "e.id",
	.uuid = "e.uuid",
	.updated = "e.last_update",
	.patient = "p.uuid",
	.pid = "e.pid",
	.order = "-e.encounter",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
};

/* The encounter's own number is not written: the forms of the encounter are tied by it. */
static const struct field inputs[] = {
	{ "pc_catid", K_INT, "e.pc_catid", F_WRITE | F_REQUIRED },
	{ "class_code", K_TEXT, "e.class_code", F_WRITE | F_REQUIRED | F_CLEARABLE, .option_of = "_ActEncounterCode" },
	{ "user", K_TEXT, NULL, F_WRITE | F_REQUIRED | F_UPDATE_ONLY | R_EXISTS, .exists_in = "users.username", .label = "Encounter Author" },
	{ "group", K_TEXT, NULL, F_WRITE | F_REQUIRED | F_UPDATE_ONLY, .label = "Encounter Provider Group" },
	{ "date", K_DATETIME, "e.date", F_WRITE },
	{ "reason", K_TEXT, "e.reason", F_WRITE },
	{ "facility", K_TEXT, "e.facility", F_WRITE },
	{ "facility_id", K_INT, "e.facility_id", F_WRITE },
	{ "onset_date", K_DATETIME, "e.onset_date", F_WRITE },
	{ "sensitivity", K_TEXT, "e.sensitivity", F_WRITE },
	{ "billing_note", K_TEXT, "e.billing_note", F_WRITE },
	{ "last_level_billed", K_INT, "e.last_level_billed", F_WRITE },
	{ "last_level_closed", K_INT, "e.last_level_closed", F_WRITE },
	{ "last_stmt_date", K_DATE, "e.last_stmt_date", F_WRITE },
	{ "stmt_count", K_INT, "e.stmt_count", F_WRITE },
	{ "provider_id", K_INT, "e.provider_id", F_WRITE },
	{ "supervisor_id", K_INT, "e.supervisor_id", F_WRITE },
	{ "invoice_refno", K_TEXT, "e.invoice_refno", F_WRITE },
	{ "referral_source", K_TEXT, "e.referral_source", F_WRITE },
	{ "billing_facility", K_INT, "e.billing_facility", F_WRITE },
	{ "external_id", K_TEXT, "e.external_id", F_WRITE },
	{ "pos_code", K_INT, "e.pos_code", F_WRITE },
	{ "parent_encounter_id", K_INT, "e.parent_encounter_id", F_WRITE },
	{ "shift", K_TEXT, "e.shift", F_WRITE },
	{ "voucher_number", K_TEXT, "e.voucher_number", F_WRITE },
	{ "discharge_disposition", K_TEXT, "e.discharge_disposition", F_WRITE },
	{ "encounter_type_code", K_TEXT, "e.encounter_type_code", F_WRITE },
	{ "encounter_type_description", K_TEXT, "e.encounter_type_description", F_WRITE },
	{ "referring_provider_id", K_INT, "e.referring_provider_id", F_WRITE },
	{ "date_end", K_DATETIME, "e.date_end", F_WRITE },
	{ "in_collection", K_INT, "e.in_collection", F_WRITE },
	{ "last_update", K_DATETIME, "e.last_update", F_WRITE },
	{ "ordering_provider_id", K_INT, "e.ordering_provider_id", F_WRITE },
};
/* clang-format on */

/* What an encounter's caller may not do: change the date without encounters/date_a (OpenEMR ignores it), change an encounter of a
 * sensitivity that is not theirs (OpenEMR fails with an error of PHP).                                                     */
static void
prepare(struct call *c)
{
	const struct acl_grants *grants = c->r->grants;
	char number[24];
	if (c->h->row->op != OP_UPDATE || grants == NULL)
		return;
	struct str sensitivity = call_cell(c, "sensitivity", number);
	if (!acl_allowed(grants, STR("encounters"), STR("date_a"), NULL, 0))
		accepted_input_set(c->plan->write, &c->accepted, "date", STR_NULL);
	if (sensitivity.n > 0 && !acl_allowed(grants, STR("sensitivities"), sensitivity, NULL, 0))
		violation_add(&c->violations, STR("sensitivity"), STR("Callback::INVALID_VALUE"),
		    "You are not authorized to see this encounter.");
}

#define TODAY "COALESCE(NULLIF(?, ''), CURDATE())"
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "encounter", SV_SEQUENCE, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "date", SV_BODY, "date", SET_CREATE, TODAY },
};
static const struct server_set form_sets[] = {
	{ "date", SV_BODY, "date", SET_CREATE, TODAY },
	{ "encounter", SV_NUMBER, NULL, SET_CREATE },
	{ "form_name", SV_CONST, "New Patient Encounter", SET_CREATE },
	{ "form_id", SV_ROW_ID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "user", SV_USER, NULL, SET_CREATE },
	{ "groupname", SV_GROUP, NULL, SET_CREATE },
	{ "authorized", SV_BODY, "provider_id", SET_CREATE },
	{ "formdir", SV_CONST, "newpatient", SET_CREATE },
};
/* The facility's name stands in the encounter too. */
static const struct server_set name_sets[] = {
	{ "facility", SV_BODY, "facility_id", SET_UPDATE,
	    "COALESCE((SELECT f.name FROM facility f WHERE f.id = ?), facility)" },
};
static const struct further further[] = {
	{ .table = "forms", .when = SET_CREATE, .sets = form_sets, .n_sets = NITEMS(form_sets) },
	{ .table = "form_encounter",
	    .when = SET_UPDATE,
	    .key = "id",
	    .if_given = "facility_id",
	    .sets = name_sets,
	    .n_sets = NITEMS(name_sets) },
};
static const struct write_rule write = {
	.table = "form_encounter",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.further = further,
	.n_further = NITEMS(further),
	.answer = "encounter=number uuid",
	.answer_v8 = "* encounter=number",
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.uuid_label = "Encounter UUID",
	.uuid_field = "euuid",
	.prepare = prepare,
};
static const struct resource encounter = {
	.name = "encounter",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
};

static const struct refusal value = { .field = "uuid", .code = "invalid or nonexisting value", .text = "value %" };
/* 8.x fails with an error of PHP on a malformed encounter uuid */
static const struct refusal malformed = { 400, 400, "uuid", "invalid or nonexisting value", "value %" };
static const struct refusal no_patient = {
	.field = "puuid", .code = "Callback::INVALID_VALUE", .text = "Patient UUID is invalid"
};
static const struct refusal bad_patient = { .field = "puuid",
	.code = "Callback::INVALID_VALUE",
	.text = "Patient UUID is invalid",
	.code2 = "Uuid::INVALID_UUID",
	.text2 = "Patient UUID must be a valid UUID (valid format)" };
static const struct style read = { .ops = &dialect_standard,
	.envelope = ENV_OLD,
	.no_parent = &value,
	.bad_row = &malformed,
	.no_links_when_empty = true };
static const struct style change = {
	.ops = &dialect_standard, .envelope = ENV_OLD, .no_parent = &no_patient, .bad_parent = &bad_patient
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:puuid/encounter", &encounter, OP_LIST, &read },
	{ HTTP_GET, "/api/patient/:puuid/encounter/:euuid", &encounter, OP_READ, &read },
	{ HTTP_POST, "/api/patient/:puuid/encounter", &encounter, OP_CREATE, &change },
	{ HTTP_PUT, "/api/patient/:puuid/encounter/:euuid", &encounter, OP_UPDATE, &change },
	{ HTTP_GET, "/portal/patient/encounter", &encounter, OP_LIST, &read },
	{ HTTP_GET, "/portal/patient/encounter/:euuid", &encounter, OP_READ, &read },
};
const struct direct_routes rest_encounter = { routes, NITEMS(routes) };
