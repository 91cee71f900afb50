/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Immunizations, read only. Where OpenEMR's joins double a row (codes of other types, options of other lists) the row stands once. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
static const struct field fields[] = {
	{ "id", K_INT, "i.id", F_NEEDED },
	{ "uuid", K_UUID, "i.uuid" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "administered_date", K_FIXUP, "i.administered_date", .fixup = fix_iso },
	{ "cvx_code", K_TEXT, "i.cvx_code" },
	{ "cvx_code_text", K_TEXT, NULL, .sql = "SELECT k.code_text FROM codes k JOIN code_types t ON t.ct_id = k.code_type WHERE "
	    "t.ct_key = 'CVX' AND k.code = i.cvx_code LIMIT 1" },
	{ "manufacturer", K_TEXT, "i.manufacturer" },
	{ "lot_number", K_TEXT, "i.lot_number" },
	{ "added_erroneously", K_INT, "i.added_erroneously" },
	{ "administered_by_id", K_INT, "i.administered_by_id" },
	{ "administered_by", K_TEXT, "i.administered_by" },
	{ "education_date", K_FIXUP, "i.education_date", .fixup = fix_iso },
	{ "note", K_TEXT, "i.note" },
	{ "create_date", K_FIXUP, "i.create_date", .fixup = fix_iso },
	{ "update_date", K_DATETIME, "i.update_date" },
	{ "amount_administered", K_FIXUP, "i.amount_administered", .fixup = fix_amount },
	{ "amount_administered_unit", K_TEXT, "i.amount_administered_unit" },
	{ "expiration_date", K_FIXUP, "i.expiration_date", .fixup = fix_iso },
	{ "route", K_TEXT, "i.route" },
	{ "administration_site", K_TEXT, "i.administration_site" },
	{ "site_display", K_LIST_TITLE, "i.administration_site", .arg = "immunization_administered_site" },
	{ "site_code", K_LIST_NOTES, "i.administration_site", .arg = "immunization_administered_site" },
	{ "completion_status", K_TEXT, "i.completion_status" },
	{ "reason_code", K_TEXT, "i.reason_code" },
	{ "refusal_reason", K_TEXT, "i.refusal_reason" },
	{ "refusal_reason_codes", K_LIST_CODES, "i.refusal_reason", .arg = "immunization_refusal_reason" },
	{ "refusal_reason_cdc_nip_code", K_LIST_NOTES, "i.refusal_reason", .arg = "immunization_refusal_reason" },
	{ "refusal_reason_description", K_LIST_TITLE, "i.refusal_reason", .arg = "immunization_refusal_reason" },
	{ "provider_uuid", K_UUID, "u.uuid" },
	{ "provider_npi", K_TEXT, "u.npi" },
	{ "provider_username", K_TEXT, "u.username" },
	{ "primarySource", K_BOOL, NULL, .sql = "COALESCE(i.information_source = 'new_immunization_record' AND "
	    "(i.administered_by IS NOT NULL OR i.administered_by_id IS NOT NULL), 0)" },
	{ "euuid", K_UUID, "e.uuid" },
	{ "facility_uuid", K_UUID, "f.uuid" },
	{ "facility_location_uuid", K_UUID, NULL,
	    .sql = "SELECT m.uuid FROM uuid_mapping m WHERE m.target_uuid = f.uuid AND m.resource = 'Location' LIMIT 1" },
};
static const struct param params[] = {
	{ "id", M_EXACT, "i.id" },
	{ "uuid", M_UUID, "i.uuid" },
	{ "patient_id", M_EXACT, "i.patient_id" },
	{ "administered_date", M_EXACT, "i.administered_date" },
	{ "immunization_id", M_EXACT, "i.immunization_id" },
	{ "cvx_code", M_EXACT, "i.cvx_code" },
	{ "manufacturer", M_EXACT, "i.manufacturer" },
	{ "lot_number", M_EXACT, "i.lot_number" },
	{ "administered_by_id", M_EXACT, "i.administered_by_id" },
	{ "administered_by", M_EXACT, "i.administered_by" },
	{ "education_date", M_EXACT, "i.education_date" },
	{ "vis_date", M_EXACT, "i.vis_date" },
	{ "note", M_EXACT, "i.note" },
	{ "create_date", M_EXACT, "i.create_date" },
	{ "update_date", M_EXACT, "i.update_date" },
	{ "created_by", M_EXACT, "i.created_by" },
	{ "updated_by", M_EXACT, "i.updated_by" },
	{ "amount_administered", M_EXACT, "i.amount_administered" },
	{ "amount_administered_unit", M_EXACT, "i.amount_administered_unit" },
	{ "expiration_date", M_EXACT, "i.expiration_date" },
	{ "route", M_EXACT, "i.route" },
	{ "administration_site", M_EXACT, "i.administration_site" },
	{ "added_erroneously", M_EXACT, "i.added_erroneously" },
	{ "external_id", M_EXACT, "i.external_id" },
	{ "completion_status", M_EXACT, "i.completion_status" },
	{ "information_source", M_EXACT, "i.information_source" },
	{ "refusal_reason", M_EXACT, "i.refusal_reason" },
	{ "ordering_provider", M_EXACT, "i.ordering_provider" },
	{ "reason_code", M_EXACT, "i.reason_code" },
	{ "reason_description", M_EXACT, "i.reason_description" },
	{ "encounter_id", M_EXACT, "i.encounter_id" },
};
/* clang-format on */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = i.patient_id" },
	{ "users", "u", "u.id = i.administered_by_id" },
	{ "form_encounter", "e", "e.pid = i.patient_id AND e.encounter = i.encounter_id" },
	{ "facility", "f", "f.id = e.facility_id" },
};
static const struct source source = {
	.table = "immunizations",
	.alias = "i",
	.id = "i.id",
	.uuid = "i.uuid",
	.updated = "i.update_date",
	.patient = "p.uuid",
	.pid = "i.patient_id",
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params,
	.n_params = NITEMS(params),
};
static const struct resource immunization = {
	.name = "immunization", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1
};
/* OpenEMR fails on a malformed uuid. */
static const struct refusal malformed = { 400, 400, "uuid", "invalid or nonexisting value", "value %" };
static const struct style style = {
	.ops = &dialect_standard, .envelope = ENV_OLD, .bad_row = &malformed, .strings_unfiltered = true
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/immunization", &immunization, OP_LIST, &style },
	{ HTTP_GET, "/api/immunization/:uuid", &immunization, OP_READ, &style },
};
const struct direct_routes rest_immunization = { routes, NITEMS(routes) };
