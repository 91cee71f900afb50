/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prescriptions, and in lists the medications of the issue list that belong to none. Written and deleted: prescriptions alone; a deleted one
 * stays as inactive.                                                                                                        */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
/* The members behind puuid, euuid, pruuid and drug_uuid: options of lists, and lists_medication m with its reporter s. */
#define OPTIONS(route, unit, interval) \
	{ "route_id", K_LIST_ID, NULL, .sql = route, .arg = "drug_route" }, \
	{ "route_title", K_LIST_TITLE, NULL, .sql = route, .arg = "drug_route" }, \
	{ "route_codes", K_LIST_CODES, NULL, .sql = route, .arg = "drug_route" }, \
	{ "unit_id", K_LIST_ID, NULL, .sql = unit, .arg = "drug_units" }, \
	{ "unit_title", K_LIST_TITLE, NULL, .sql = unit, .arg = "drug_units" }, \
	{ "unit_codes", K_LIST_CODES, NULL, .sql = unit, .arg = "drug_units" }, \
	{ "interval_id", K_LIST_ID, NULL, .sql = interval, .arg = "drug_interval" }, \
	{ "interval_title", K_LIST_TITLE, NULL, .sql = interval, .arg = "drug_interval" }, \
	{ "interval_codes", K_LIST_CODES, NULL, .sql = interval, .arg = "drug_interval" }, \
	{ "interval_notes", K_LIST_NOTES, NULL, F_V8, .sql = interval, .arg = "drug_interval" }, \
	{ "medication_adherence", K_TEXT, "m.medication_adherence", F_V8 }, \
	{ "medication_adherence_title", K_LIST_TITLE, "m.medication_adherence", F_V8, .arg = "medication_adherence" }, \
	{ "medication_adherence_codes", K_LIST_CODES, "m.medication_adherence", F_V8, .arg = "medication_adherence" }, \
	{ "medication_adherence_information_source", K_TEXT, "m.medication_adherence_information_source", F_V8 }, \
	{ "medication_adherence_information_source_title", K_LIST_TITLE, "m.medication_adherence_information_source", F_V8, \
	    .arg = "medication_adherence_information_source" }, \
	{ "medication_adherence_information_source_codes", K_LIST_CODES, "m.medication_adherence_information_source", F_V8, \
	    .arg = "medication_adherence_information_source" }, \
	{ "reporting_source_record_id", K_INT, "m.reporting_source_record_id", F_V8 }, \
	{ "reporting_source_uuid", K_UUID, "s.uuid", F_V8 }, \
	{ "reporting_source_type", K_TEXT, NULL, F_V8, .sql = "IF(s.id IS NULL, NULL, 'user')" }, \
	{ "reporting_source_abook_type", K_TEXT, "s.abook_type", F_V8 }
#define STATUS(end, active) \
	"CASE WHEN " active " = 1 AND " end " > '1000-01-01' THEN 'completed' WHEN " active " = 1 THEN 'active' ELSE 'stopped' END"
#define INTENT "COALESCE(r.request_intent, 'order')"
#define CATEGORY "COALESCE(r.usage_category, 'community')"
#define LIST_INTENT "IF(m.id IS NULL, NULL, COALESCE(NULLIF(m.request_intent, ''), 'plan'))"
#define RXNORM "COALESCE(NULLIF(r.rxnorm_drugcode, ''), d.drug_code, '')"
#define ROUTE "COALESCE(NULLIF(r.route, ''), d.route)"
#define UNIT "COALESCE(NULLIF(r.unit, 0), d.unit)"

static const struct field fields[] = {
	{ "uuid", K_UUID, "r.uuid" },
	{ "source_table", K_CONST, NULL, .arg = "\"prescriptions\"" },
	{ "drug", K_TEXT, "r.drug" },
	{ "active", K_INT, "r.active", F_NEEDED },
	{ "intent", K_TEXT, NULL, .sql = INTENT },
	{ "category", K_TEXT, NULL, .sql = CATEGORY },
	{ "intent_title", K_TEXT, NULL, .sql = "COALESCE(r.request_intent_title, 'Order')" },
	{ "category_title", K_TEXT, NULL, .sql = "COALESCE(NULLIF(r.usage_category_title, ''), 'Home/Community')" },
	{ "category_text", K_CONST, NULL, .arg = "\"Community\"" },
	{ "rxnorm_drugcode", K_TEXT, NULL, .sql = RXNORM },
	{ "date_added", K_DATETIME, "r.date_added" },
	{ "unit", K_TEXT, NULL, .sql = UNIT },
	{ "interval", K_INT, "r.interval" },
	{ "route", K_TEXT, NULL, .sql = ROUTE },
	{ "note", K_TEXT, "r.note" },
	{ "status", K_TEXT, NULL, .sql = STATUS("r.end_date", "r.active") },
	{ "dosage", K_TEXT, "r.dosage", F_V8 },
	{ "drug_dosage_instructions", K_TEXT, "r.drug_dosage_instructions" },
	{ "date_modified", K_DATETIME, "r.date_modified", F_V8 },
	{ "medication_adherence_date_asserted", K_DATETIME, "m.medication_adherence_date_asserted", F_V8 },
	{ "prescription_drug_size", K_TEXT, "r.size", F_V8 },
	{ "quantity", K_TEXT, "r.quantity", F_V8 },
	{ "diagnosis", K_TEXT, "r.diagnosis", F_V8 },
	{ "puuid", K_UUID, "p.uuid" },
	{ "euuid", K_UUID, "e.uuid" },
	{ "pruuid", K_UUID, "u.uuid" },
	{ "drug_uuid", K_UUID, "d.uuid" },
	OPTIONS(ROUTE, UNIT, "r.interval"),
	{ "drugcode", K_FIXUP, "r.drug", F_SPARSE, .fixup = fix_drug_code, .sql = "NULLIF(" RXNORM ", '')" },
	{ "request_intent_title", K_CONST, NULL, .arg = "\"Order\"" },
};
static const struct field list_fields[] = {
	{ "uuid", K_UUID, "l.uuid" },
	{ "source_table", K_CONST, NULL, .arg = "\"lists\"" },
	{ "drug", K_TEXT, "l.title" },
	{ "active", K_INT, "l.activity" },
	{ "intent", K_TEXT, NULL, .sql = LIST_INTENT },
	{ "category", K_TEXT, "m.usage_category" },
	{ "intent_title", K_TEXT, NULL, .sql = "IF(m.id IS NULL, NULL, COALESCE(NULLIF(m.request_intent_title, ''), 'Plan'))" },
	{ "category_title", K_TEXT, "m.usage_category_title" },
	{ "category_text", K_CONST, NULL, .arg = "\"Community\"" },
	{ "rxnorm_drugcode", K_HIDDEN, "l.id", F_V8 },
	{ "rxnorm_drugcode", K_CONST, NULL, F_CLASSIC, .arg = "\"\"" },
	{ "date_added", K_DATETIME, "l.date" },
	{ "unit", K_HIDDEN, "l.id" },
	{ "interval", K_HIDDEN, "l.id" },
	{ "route", K_HIDDEN, "l.id" },
	{ "note", K_TEXT, "l.comments" },
	{ "status", K_TEXT, NULL, .sql = STATUS("l.enddate", "l.activity") },
	{ "dosage", K_HIDDEN, "l.id", F_V8 },
	{ "drug_dosage_instructions", K_TEXT, "m.drug_dosage_instructions" },
	{ "date_modified", K_DATETIME, "l.modifydate", F_V8 },
	{ "medication_adherence_date_asserted", K_DATETIME, "m.medication_adherence_date_asserted", F_V8 },
	{ "prescription_drug_size", K_HIDDEN, "l.id", F_V8 },
	{ "quantity", K_HIDDEN, "l.id", F_V8 },
	{ "diagnosis", K_TEXT, "l.diagnosis", F_V8 },
	{ "puuid", K_UUID, "p.uuid" },
	{ "euuid", K_UUID, NULL,
	    .sql = "SELECT e.uuid FROM issue_encounter i JOIN form_encounter e ON e.pid = i.pid AND e.encounter = i.encounter WHERE i.pid = l.pid AND i.list_id = l.id LIMIT 1" },
	{ "pruuid", K_UUID, "u.uuid" },
	{ "drug_uuid", K_HIDDEN, "l.id" },
	OPTIONS("NULL", "NULL", "NULL"),
};
static const struct param params[] = {
	{ "drug", M_EXACT, "r.drug" },
	{ "patient_id", M_EXACT, "r.patient_id" },
	{ "active", M_EXACT, "r.active" },
	{ "note", M_EXACT, "r.note" },
	{ "quantity", M_EXACT, "r.quantity" },
	{ "dosage", M_EXACT, "r.dosage" },
	{ "rxnorm_drugcode", M_EXACT, "r.rxnorm_drugcode" },
	{ "date_added", M_EXACT, "r.date_added" },
	{ "uuid", M_UUID, "r.uuid" },
	{ "source_table", M_EXACT, .sql = "'prescriptions'" },
	{ "status", M_EXACT, .sql = STATUS("r.end_date", "r.active") },
	{ "intent", M_EXACT, .sql = INTENT },
	{ "category", M_EXACT, .sql = CATEGORY },
	{ "route", M_EXACT, .sql = ROUTE },
	{ "unit", M_EXACT, .sql = UNIT },
	{ "interval", M_EXACT, "r.interval" },
	{ "drug_dosage_instructions", M_EXACT, "r.drug_dosage_instructions" },
	{ "date_modified", M_EXACT, "r.date_modified" },
};
static const struct param list_params[] = {
	{ "drug", M_EXACT, "l.title" },
	{ "patient_id", M_EXACT, "l.pid" },
	{ "active", M_EXACT, "l.activity" },
	{ "note", M_EXACT, "l.comments" },
	{ "date_added", M_EXACT, "l.date" },
	{ "uuid", M_UUID, "l.uuid" },
	{ "source_table", M_EXACT, .sql = "'lists'" },
	{ "status", M_EXACT, .sql = STATUS("l.enddate", "l.activity") },
	{ "intent", M_EXACT, .sql = LIST_INTENT },
	{ "category", M_EXACT, "m.usage_category" },
	{ "drug_dosage_instructions", M_EXACT, "m.drug_dosage_instructions" },
	{ "date_modified", M_EXACT, "l.modifydate" },
};
static const struct field inputs[] = {
	{ "drug", K_TEXT, "r.drug", F_WRITE | F_REQUIRED },
	{ "patient_id", K_INT, "r.patient_id", F_WRITE | F_REQUIRED | R_EXISTS, .exists_in = "patient_data.pid", .label = "Patient" },
	{ "filled_by_id", K_INT, "r.filled_by_id", F_WRITE },
	{ "pharmacy_id", K_INT, "r.pharmacy_id", F_WRITE },
	{ "date_added", K_DATETIME, "r.date_added", F_WRITE },
	{ "date_modified", K_DATETIME, "r.date_modified", F_WRITE },
	{ "provider_id", K_INT, "r.provider_id", F_WRITE },
	{ "encounter", K_INT, "r.encounter", F_WRITE },
	{ "start_date", K_DATE, "r.start_date", F_WRITE },
	{ "drug_id", K_INT, "r.drug_id", F_WRITE },
	{ "rxnorm_drugcode", K_TEXT, "r.rxnorm_drugcode", F_WRITE },
	{ "form", K_INT, "r.form", F_WRITE },
	{ "dosage", K_TEXT, "r.dosage", F_WRITE },
	{ "quantity", K_TEXT, "r.quantity", F_WRITE },
	{ "size", K_TEXT, "r.size", F_WRITE },
	{ "unit", K_INT, "r.unit", F_WRITE },
	{ "route", K_TEXT, "r.route", F_WRITE },
	{ "interval", K_INT, "r.interval", F_WRITE },
	{ "substitute", K_INT, "r.substitute", F_WRITE },
	{ "refills", K_INT, "r.refills", F_WRITE },
	{ "per_refill", K_INT, "r.per_refill", F_WRITE },
	{ "filled_date", K_DATE, "r.filled_date", F_WRITE },
	{ "medication", K_INT, "r.medication", F_WRITE },
	{ "note", K_TEXT, "r.note", F_WRITE },
	{ "active", K_INT, "r.active", F_WRITE },
	{ "datetime", K_DATETIME, "r.datetime", F_WRITE },
	{ "user", K_TEXT, "r.user", F_WRITE },
	{ "site", K_TEXT, "r.site", F_WRITE },
	{ "prescriptionguid", K_TEXT, "r.prescriptionguid", F_WRITE },
	{ "erx_source", K_INT, "r.erx_source", F_WRITE },
	{ "erx_uploaded", K_INT, "r.erx_uploaded", F_WRITE },
	{ "drug_info_erx", K_TEXT, "r.drug_info_erx", F_WRITE },
	{ "external_id", K_TEXT, "r.external_id", F_WRITE },
	{ "end_date", K_DATE, "r.end_date", F_WRITE },
	{ "indication", K_TEXT, "r.indication", F_WRITE },
	{ "prn", K_TEXT, "r.prn", F_WRITE },
	{ "ntx", K_INT, "r.ntx", F_WRITE },
	{ "rtx", K_INT, "r.rtx", F_WRITE },
	{ "txDate", K_DATE, "r.txDate", F_WRITE },
	{ "usage_category", K_TEXT, "r.usage_category", F_WRITE },
	{ "usage_category_title", K_TEXT, "r.usage_category_title", F_WRITE },
	{ "request_intent", K_TEXT, "r.request_intent", F_WRITE },
	{ "request_intent_title", K_TEXT, "r.request_intent_title", F_WRITE },
	{ "drug_dosage_instructions", K_TEXT, "r.drug_dosage_instructions", F_WRITE },
	{ "diagnosis", K_TEXT, "r.diagnosis", F_WRITE },
};
/* clang-format on */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = r.patient_id" },
	{ "form_encounter", "e", "e.pid = r.patient_id AND e.encounter = r.encounter" },
	{ "users", "u", "u.id = r.provider_id AND u.npi <> ''" },
	{ "drugs", "d", "d.drug_id = r.drug_id" },
	{ "lists_medication", "m", "m.prescription_id = r.id" },
	{ "users", "s", "s.id = m.reporting_source_record_id AND s.npi <> ''" },
};
static const struct join list_joins[] = {
	{ "patient_data", "p", "p.pid = l.pid" },
	{ "users", "u", "u.username = l.user AND u.npi <> ''" },
	{ "lists_medication", "m", "m.list_id = l.id" },
	{ "users", "s", "s.id = m.reporting_source_record_id AND s.npi <> ''" },
};
static const struct source sources[] = {
	{
	    .table = "prescriptions",
	    .alias = "r",
	    .id = "r.id",
	    .uuid = "r.uuid",
	    .updated = "r.date_modified",
	    .patient = "p.uuid",
	    .pid = "r.patient_id",
	    .joins = joins,
	    .n_joins = NITEMS(joins),
	    .fields = fields,
	    .n_fields = NITEMS(fields),
	    .params = params,
	    .n_params = NITEMS(params),
	},
	{
	    .table = "lists",
	    .alias = "l",
	    .id = "l.id",
	    .uuid = "l.uuid",
	    .updated = "l.modifydate",
	    .patient = "p.uuid",
	    .pid = "l.pid",
	    .where = "l.type = 'medication'",
	    .also = "NOT EXISTS (SELECT 1 FROM lists_medication x WHERE x.list_id = l.id AND x.prescription_id IS NOT "
	            "NULL)",
	    .list_only = true, /* OpenEMR refuses their uuids in reads */
	    .joins = list_joins,
	    .n_joins = NITEMS(list_joins),
	    .fields = list_fields,
	    .n_fields = NITEMS(list_fields),
	    .params = list_params,
	    .n_params = NITEMS(list_params),
	},
};
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "created_by", SV_USER_ID, NULL, SET_CREATE },
	{ "updated_by", SV_USER_ID, NULL, SET_CREATE },
};
static const struct write_rule write = {
	.table = "prescriptions",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.answer = "id uuid",
	.required_text = "This field is required",
	.soft_delete = "active = 0, date_modified = NOW()",
	.log = "order",
};
static const struct resource prescription = {
	.name = "prescription",
	.compartment = COMPARTMENT_PATIENT,
	.sources = sources,
	.n_sources = NITEMS(sources),
	.write = &write,
};
static const struct refusal value = { .field = "uuid", .code = "invalid or nonexisting value", .text = "value %" };
static const struct style style = { .ops = &dialect_standard,
	.no_row = &value,
	.strings_unfiltered = true,
	.deleted = "{\"message\":\"record deleted\"}" };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/prescription", &prescription, OP_LIST, &style },
	{ HTTP_GET, "/api/prescription/:uuid", &prescription, OP_READ, &style },
	{ HTTP_POST, "/api/prescription", &prescription, OP_CREATE, &style },
	{ HTTP_DELETE, "/api/prescription/:uuid", &prescription, OP_DELETE, &style },
};
const struct direct_routes rest_prescription = { routes, NITEMS(routes) };
