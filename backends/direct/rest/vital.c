/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vital signs of an encounter: form_vitals, with the forms row that puts it into the encounter and the Observations that FHIR makes of
 * it; on sites of 8.2 the means of the blood pressure beside it (vital_means.c).                                            */
#include "backends/direct/rest/vital.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
static const struct field fields[] = {
	{ "pid", K_INT, "p.pid" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "eid", K_INT, "e.encounter" },
	{ "euuid", K_UUID, "e.uuid" },
	{ "user_uuid", K_UUID, "u.uuid" },
	{ "user_npi", K_TEXT, "u.npi" },
	{ "id", K_INT, "v.id", F_NEEDED },
	{ "form_id", K_INT, "f.form_id" },
	{ "uuid", K_UUID, "v.uuid" },
	{ "date", K_DATETIME, "v.date" },
	{ "external_id", K_TEXT, "v.external_id" },
	{ "note", K_TEXT, "v.note" },
	{ "bps", K_TEXT, "v.bps" },
	{ "bpd", K_TEXT, "v.bpd" },
	{ "weight", K_FIXUP, "v.weight", .fixup = fix_weight },
	{ "height", K_FIXUP, "v.height", .fixup = fix_length },
	{ "temperature", K_FIXUP, "v.temperature", .fixup = fix_temperature },
	{ "temp_method", K_TEXT, "v.temp_method" },
	{ "pulse", K_TEXT, "v.pulse" },
	{ "respiration", K_TEXT, "v.respiration" },
	{ "BMI", K_TEXT, "v.BMI" },
	{ "BMI_status", K_TEXT, "v.BMI_status" },
	{ "waist_circ", K_FIXUP, "v.waist_circ", .fixup = fix_length },
	{ "head_circ", K_FIXUP, "v.head_circ", .fixup = fix_length },
	{ "oxygen_saturation", K_TEXT, "v.oxygen_saturation" },
	{ "oxygen_flow_rate", K_TEXT, "v.oxygen_flow_rate" },
	{ "ped_weight_height", K_TEXT, "v.ped_weight_height" },
	{ "ped_bmi", K_TEXT, "v.ped_bmi" },
	{ "ped_head_circ", K_TEXT, "v.ped_head_circ" },
	{ "inhaled_oxygen_concentration", K_TEXT, "v.inhaled_oxygen_concentration" },
	{ "last_updated", K_DATETIME, "v.last_updated" },
	{ "date_created", K_DATETIME, "f.date", F_V8 },
	{ "weight_unit", K_FIXUP, NULL, .fixup = fix_weight_unit },
	{ "height_unit", K_FIXUP, NULL, .fixup = fix_length_unit },
	{ "head_circ_unit", K_FIXUP, NULL, .fixup = fix_length_unit },
	{ "waist_circ_unit", K_FIXUP, NULL, .fixup = fix_length_unit },
	{ "temperature_unit", K_FIXUP, NULL, .fixup = fix_temperature_unit },
	{ "pulse_unit", K_CONST, NULL, .arg = "\"\\/min\"" },
	{ "respiration_unit", K_CONST, NULL, .arg = "\"\\/min\"" },
	{ "BMI_unit", K_CONST, NULL, .arg = "\"kg\\/m2\"" },
	{ "bps_unit", K_CONST, NULL, .arg = "\"mm[Hg]\"" },
	{ "bpd_unit", K_CONST, NULL, .arg = "\"mm[Hg]\"" },
	{ "inhaled_oxygen_concentration_unit", K_CONST, NULL, .arg = "\"%\"" },
	{ "oxygen_saturation_unit", K_CONST, NULL, .arg = "\"%\"" },
	{ "oxygen_flow_rate_unit", K_CONST, NULL, .arg = "\"L\\/min\"" },
	{ "ped_weight_height_unit", K_CONST, NULL, .arg = "\"%\"" },
	{ "ped_bmi_unit", K_CONST, NULL, .arg = "\"%\"" },
	{ "ped_head_circ_unit", K_CONST, NULL, .arg = "\"%\"" },
	{ "details", K_KEYED, NULL, .arg = "vitals_column" },
};
static const struct field detail_fields[] = {
	{ "interpretation_codes", K_TEXT, "d.interpretation_codes" },
	{ "interpretation_title", K_TEXT, "d.interpretation_title" },
	{ "vitals_column", K_TEXT, "d.vitals_column" },
	{ "interpretation_list_id", K_TEXT, "d.interpretation_list_id" },
	{ "interpretation_option_id", K_TEXT, "d.interpretation_option_id" },
	{ "reason_code", K_TEXT, "d.reason_code" },
	{ "reason_status", K_TEXT, "d.reason_status" },
	{ "reason_description", K_TEXT, "d.reason_description" },
	{ "id", K_INT, "d.id" },
};
static const struct field inputs[] = {
	{ "bps", K_TEXT, "v.bps", F_WRITE | R_NUMERIC },
	{ "bpd", K_TEXT, "v.bpd", F_WRITE | R_NUMERIC },
	{ "weight", K_TEXT, "v.weight", F_WRITE | R_NUMERIC },
	{ "height", K_TEXT, "v.height", F_WRITE | R_NUMERIC },
	{ "temperature", K_TEXT, "v.temperature", F_WRITE | R_NUMERIC },
	{ "temp_method", K_TEXT, "v.temp_method", F_WRITE, .min = 1, .max = 255 },
	{ "pulse", K_TEXT, "v.pulse", F_WRITE | R_NUMERIC },
	{ "respiration", K_TEXT, "v.respiration", F_WRITE | R_NUMERIC },
	{ "note", K_TEXT, "v.note", F_WRITE, .min = 1, .max = 255 },
	{ "BMI", K_TEXT, "v.BMI", F_WRITE | R_NUMERIC },
	{ "BMI_status", K_TEXT, "v.BMI_status", F_WRITE, .min = 1, .max = 255 },
	{ "waist_circ", K_TEXT, "v.waist_circ", F_WRITE | R_NUMERIC },
	{ "head_circ", K_TEXT, "v.head_circ", F_WRITE | R_NUMERIC },
	{ "oxygen_saturation", K_TEXT, "v.oxygen_saturation", F_WRITE | R_NUMERIC },
	{ "oxygen_flow_rate", K_TEXT, "v.oxygen_flow_rate", F_WRITE },
	{ "ped_weight_height", K_TEXT, "v.ped_weight_height", F_WRITE },
	{ "ped_bmi", K_TEXT, "v.ped_bmi", F_WRITE },
	{ "ped_head_circ", K_TEXT, "v.ped_head_circ", F_WRITE },
	{ "inhaled_oxygen_concentration", K_TEXT, "v.inhaled_oxygen_concentration", F_WRITE },
	{ "user", K_TEXT, NULL, F_WRITE },
	{ "groupname", K_TEXT, NULL, F_WRITE },
	{ "date", K_DATETIME, "v.date", F_WRITE },
};
static const struct mapped mapped[] = {
	{ "Observation", "category=vital-signs&code=2708-6" },
	{ "Observation", "category=vital-signs&code=29463-7" },
	{ "Observation", "category=vital-signs&code=39156-5" },
	{ "Observation", "category=vital-signs&code=59408-5" },
	{ "Observation", "category=vital-signs&code=59576-9" },
	{ "Observation", "category=vital-signs&code=77606-2" },
	{ "Observation", "category=vital-signs&code=8289-1" },
	{ "Observation", "category=vital-signs&code=8302-2" },
	{ "Observation", "category=vital-signs&code=8310-5" },
	{ "Observation", "category=vital-signs&code=8327-9" },
	{ "Observation", "category=vital-signs&code=85353-1" },
	{ "Observation", "category=vital-signs&code=85354-9" },
	{ "Observation", "category=vital-signs&code=8867-4" },
	{ "Observation", "category=vital-signs&code=9279-1" },
	{ "Observation", "category=vital-signs&code=9843-4" },
};
/* clang-format on */
static const struct join detail_tables[] = { { "form_vital_details", "d", "d.form_id = v.id" } };
static const struct child children[] = {
	{ .name = "form_vital_details",
	    .tables = detail_tables,
	    .n_tables = NITEMS(detail_tables),
	    .order = "d.id",
	    .fields = detail_fields,
	    .n_fields = NITEMS(detail_fields) },
};
static const struct join joins[] = {
	{ "forms", "f", "f.form_id = v.id AND f.formdir = 'vitals'" },
	{ "form_encounter", "e", "e.pid = f.pid AND e.encounter = f.encounter" },
	{ "patient_data", "p", "p.pid = v.pid" },
	{ "users", "u", "u.username = v.user" },
};
static const struct key keys[] = { { "vid", .uuid = "v.uuid", .number = "v.id" } };
static const struct source source = {
	.table = "form_vitals",
	.alias = "v",
	.id = "v.id",
	.uuid = "v.uuid",
	.updated = "v.last_updated",
	.created = "v.date",
	.patient = "p.uuid",
	.pid = "v.pid",
	.encounter = "f.encounter",
	.where = "f.deleted = 0",
	.order = "-v.date",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
	.children = children,
	.n_children = NITEMS(children),
};
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "date", SV_BODY, "date", SET_CREATE, "COALESCE(NULLIF(?, ''), NOW())" },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "activity", SV_CONST, "1", SET_CREATE },
	/* OpenEMR writes what these members say, whoever asks; here they are the caller's own, and NULL without them as there */
	{ "user", SV_USER, NULL, SET_ALWAYS, .if_given = "user" },
	{ "groupname", SV_GROUP, NULL, SET_ALWAYS, .if_given = "groupname" },
};
static const struct server_set form_sets[] = {
	{ "date", SV_NOW, NULL, SET_CREATE },
	{ "encounter", SV_ENCOUNTER, NULL, SET_CREATE },
	{ "form_name", SV_CONST, "Vitals", SET_CREATE },
	{ "form_id", SV_ROW_ID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "user", SV_USER, NULL, SET_CREATE },
	{ "groupname", SV_GROUP, NULL, SET_CREATE },
	{ "authorized", SV_CONST, "1", SET_CREATE },
	{ "formdir", SV_CONST, "vitals", SET_CREATE },
};
static const struct further further[] = {
	{ .table = "forms", .when = SET_CREATE, .sets = form_sets, .n_sets = NITEMS(form_sets) },
};
static const struct write_rule write = {
	.table = "form_vitals",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.mapped = mapped,
	.n_mapped = NITEMS(mapped),
	.further = further,
	.n_further = NITEMS(further),
	.also_tables = VITAL_MEANS_TABLES,
	.also = vital_means,
	.n_also = VITAL_MEANS_STATEMENTS,
	.n_uuids = VITAL_MEANS,
	.answer = "vid=id fid=forms",
	.no_defaults = true,
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
};
static const struct resource vital = {
	.name = "vital",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
};

static const struct style style = { .ops = &dialect_standard, .envelope = ENV_BARE, .echo = "vid" };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:pid/encounter/:eid/vital", &vital, OP_LIST, &style },
	{ HTTP_GET, "/api/patient/:pid/encounter/:eid/vital/:vid", &vital, OP_READ, &style },
	{ HTTP_POST, "/api/patient/:pid/encounter/:eid/vital", &vital, OP_CREATE, &style },
	{ HTTP_PUT, "/api/patient/:pid/encounter/:eid/vital/:vid", &vital, OP_UPDATE, &style },
};
const struct direct_routes rest_vital = { routes, NITEMS(routes) };
