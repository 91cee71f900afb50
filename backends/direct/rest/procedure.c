/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laboratory and procedure orders with their codes, reports and results, read only. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

enum { CHILD_CODES, CHILD_REPORTS, CHILD_RESULTS, CHILDREN };

/* clang-format off */
static const struct field code_fields[] = {
	{ "procedure_order_id", K_INT, "c.procedure_order_id" },
	{ "procedure_order_seq", K_INT, "c.procedure_order_seq" },
	{ "procedure_code", K_TEXT, "c.procedure_code" },
	{ "procedure_name", K_TEXT, "c.procedure_name" },
	{ "procedure_source", K_TEXT, "c.procedure_source" },
	{ "diagnoses", K_FIXUP, "c.diagnoses", .fixup = fix_diagnoses },
	{ "do_not_send", K_INT, "c.do_not_send" },
	{ "procedure_order_title", K_TEXT, "c.procedure_order_title" },
	{ "procedure_type", K_TEXT, "c.procedure_type" },
	{ "transport", K_TEXT, "c.transport" },
	{ "date_end", K_DATETIME, "c.date_end" },
	{ "reason_code", K_TEXT, "c.reason_code" },
	{ "reason_description", K_TEXT, "c.reason_description" },
	{ "reason_date_low", K_DATETIME, "c.reason_date_low" },
	{ "reason_date_high", K_DATETIME, "c.reason_date_high" },
	{ "reason_status", K_TEXT, "c.reason_status" },
};
static const struct field report_fields[] = {
	{ "procedure_report_id", K_INT, "t.procedure_report_id" },
	{ "uuid", K_UUID, "t.uuid" },
	{ "procedure_order_id", K_INT, "t.procedure_order_id" },
	{ "procedure_order_seq", K_INT, "t.procedure_order_seq" },
	{ "date_collected", K_DATETIME, "t.date_collected" },
	{ "date_collected_tz", K_TEXT, "t.date_collected_tz" },
	{ "date_report", K_DATETIME, "t.date_report" },
	{ "date_report_tz", K_TEXT, "t.date_report_tz" },
	{ "source", K_INT, "t.source" },
	{ "specimen_num", K_TEXT, "t.specimen_num" },
	{ "report_status", K_TEXT, "t.report_status" },
	{ "review_status", K_TEXT, "t.review_status" },
	{ "report_notes", K_TEXT, "t.report_notes" },
	{ "results", K_CHILDREN, "t.procedure_report_id", F_LIST, .arg_n = CHILD_RESULTS },
};
static const struct field result_fields[] = {
	{ "procedure_result_id", K_INT, "s.procedure_result_id" },
	{ "uuid", K_UUID, "s.uuid" },
	{ "procedure_report_id", K_INT, "s.procedure_report_id" },
	{ "result_data_type", K_TEXT, "s.result_data_type" },
	{ "result_code", K_TEXT, "s.result_code" },
	{ "result_text", K_TEXT, "s.result_text" },
	{ "date", K_DATETIME, "s.date" },
	{ "facility", K_TEXT, "s.facility" },
	{ "units", K_TEXT, "s.units" },
	{ "result", K_TEXT, "s.result" },
	{ "range", K_TEXT, "s.range" },
	{ "abnormal", K_TEXT, "s.abnormal" },
	{ "comments", K_TEXT, "s.comments" },
	{ "document_id", K_INT, "s.document_id" },
	{ "result_status", K_TEXT, "s.result_status" },
	{ "date_end", K_DATETIME, "s.date_end" },
	{ "result_uuid", K_UUID, "s.uuid" },
};
static const struct field fields[] = {
	{ "uuid", K_UUID, "o.uuid" },
	{ "procedure_order_id", K_INT, "o.procedure_order_id", F_NEEDED },
	{ "provider_id", K_INT, "o.provider_id" },
	{ "patient_id", K_INT, "o.patient_id" },
	{ "encounter_id", K_INT, "o.encounter_id" },
	{ "date_ordered", K_DATETIME, "o.date_ordered" },
	{ "order_status", K_TEXT, "o.order_status" },
	{ "order_priority", K_TEXT, "o.order_priority" },
	{ "order_diagnosis", K_TEXT, "o.order_diagnosis" },
	{ "activity", K_INT, "o.activity" },
	{ "control_id", K_TEXT, "o.control_id" },
	{ "lab_id", K_INT, "o.lab_id" },
	{ "clinical_hx", K_TEXT, "o.clinical_hx" },
	{ "patient_instructions", K_TEXT, "o.patient_instructions" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "euuid", K_UUID, "e.uuid" },
	{ "pruuid", K_UUID, "u.uuid" },
	{ "lab_uuid", K_UUID, "l.uuid" },
	{ "lab_name", K_TEXT, "l.name" },
	{ "order_uuid", K_UUID, "o.uuid" },
	{ "order_codes", K_CHILDREN, NULL, F_LIST, .arg_n = CHILD_CODES },
	{ "reports", K_CHILDREN, NULL, F_LIST, .arg_n = CHILD_REPORTS },
	{ "procedure_name", K_TEXT, "c1.procedure_name", F_SPARSE },
	{ "procedure_code", K_TEXT, "c1.procedure_code", F_SPARSE },
	{ "procedure_order_title", K_TEXT, "c1.procedure_order_title" },
	{ "diagnoses", K_FIXUP, "c1.diagnoses c1.procedure_code", F_SPARSE, .fixup = fix_diagnoses },
};
/* clang-format on */
static const struct join code_tables[] = { { "procedure_order_code", "c",
    "c.procedure_order_id = o.procedure_order_id" } };
static const struct join report_tables[] = { { "procedure_report", "t",
    "t.procedure_order_id = o.procedure_order_id" } };
static const struct join result_tables[] = {
	{ "procedure_report", "b", "b.procedure_order_id = o.procedure_order_id" },
	{ "procedure_result", "s", "s.procedure_report_id = b.procedure_report_id" },
};
#define CHILD(label, ident, sorted, in)                                                                                \
	{ .name = label,                                                                                               \
		.tables = ident##_tables,                                                                              \
		.n_tables = NITEMS(ident##_tables),                                                                    \
		.order = sorted,                                                                                       \
		.within = in,                                                                                          \
		.fields = ident##_fields,                                                                              \
		.n_fields = NITEMS(ident##_fields) }
static const struct child children[CHILDREN] = {
	[CHILD_CODES] = CHILD("procedure codes", code, "c.procedure_order_seq", NULL),
	[CHILD_REPORTS] = CHILD(
	    "procedure reports", report, "t.procedure_order_seq, t.date_report DESC, t.procedure_report_id", NULL),
	[CHILD_RESULTS] = CHILD("procedure results", result, "s.procedure_result_id", "s.procedure_report_id"),
};
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = o.patient_id" },
	{ "form_encounter", "e", "e.pid = o.patient_id AND e.encounter = o.encounter_id" },
	{ "users", "u", "u.id = o.provider_id" },
	{ "procedure_providers", "l", "l.ppid = o.lab_id" },
	{ "procedure_order_code", "c1",
	    "c1.procedure_order_id = o.procedure_order_id AND c1.procedure_order_seq = (SELECT "
	    "MIN(x.procedure_order_seq) FROM "
	    "procedure_order_code x WHERE x.procedure_order_id = o.procedure_order_id)" },
};
static const struct source source = {
	.table = "procedure_order",
	.alias = "o",
	.id = "o.procedure_order_id",
	.uuid = "o.uuid",
	.patient = "p.uuid",
	.pid = "o.patient_id",
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
	.children = children,
	.n_children = NITEMS(children),
};
static const struct resource procedure = {
	.name = "procedure", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1
};
static const struct refusal value = { .field = "uuid", .code = "invalid or nonexisting value", .text = " value %" };
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD, .no_row = &value };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/procedure", &procedure, OP_LIST, &style },
	{ HTTP_GET, "/api/procedure/:uuid", &procedure, OP_READ, &style },
};
const struct direct_routes rest_procedure = { routes, NITEMS(routes) };
