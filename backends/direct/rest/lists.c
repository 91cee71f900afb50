/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The issue list of a patient (table lists): medical problems and allergies by uuid, medications, surgeries and dental issues by number.
 * Each path also takes the other form of the patient's key.                                                                */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
/* The columns of the table, in its order. */
#define COLUMNS(diagnosis, reaction) \
	{ "id", K_INT, "l.id", F_NEEDED }, \
	{ "uuid", K_UUID, "l.uuid" }, \
	{ "date", K_DATETIME, "l.date" }, \
	{ "type", K_TEXT, "l.type" }, \
	{ "subtype", K_TEXT, "l.subtype" }, \
	{ "title", K_TEXT, "l.title" }, \
	{ "udi", K_TEXT, "l.udi" }, \
	{ "udi_data", K_TEXT, "l.udi_data" }, \
	{ "begdate", K_DATETIME, "l.begdate" }, \
	{ "enddate", K_DATETIME, "l.enddate" }, \
	{ "returndate", K_DATE, "l.returndate" }, \
	{ "occurrence", K_INT, "l.occurrence" }, \
	{ "classification", K_INT, "l.classification" }, \
	{ "referredby", K_TEXT, "l.referredby" }, \
	{ "extrainfo", K_TEXT, "l.extrainfo" }, \
	diagnosis, \
	{ "activity", K_INT, "l.activity" }, \
	{ "comments", K_TEXT, "l.comments" }, \
	{ "pid", K_INT, "l.pid" }, \
	{ "user", K_TEXT, "l.user" }, \
	{ "groupname", K_TEXT, "l.groupname" }, \
	{ "outcome", K_INT, "l.outcome" }, \
	{ "destination", K_TEXT, "l.destination" }, \
	{ "reinjury_id", K_INT, "l.reinjury_id" }, \
	{ "injury_part", K_TEXT, "l.injury_part" }, \
	{ "injury_type", K_TEXT, "l.injury_type" }, \
	{ "injury_grade", K_TEXT, "l.injury_grade" }, \
	reaction, \
	{ "verification", K_TEXT, "l.verification" }, \
	{ "external_allergyid", K_INT, "l.external_allergyid" }, \
	{ "erx_source", K_TEXT, "l.erx_source" }, \
	{ "erx_uploaded", K_TEXT, "l.erx_uploaded" }, \
	{ "modifydate", K_DATETIME, "l.modifydate" }, \
	{ "severity_al", K_TEXT, "l.severity_al" }, \
	{ "external_id", K_TEXT, "l.external_id" }, \
	{ "list_option_id", K_TEXT, "l.list_option_id" }
#define DIAGNOSIS_TEXT { "diagnosis", K_TEXT, "l.diagnosis" }
#define REACTION_TEXT { "reaction", K_TEXT, "l.reaction" }
#define REACTION_CODES { "reaction", K_FIXUP, "l.reaction", .fixup = fix_reaction }
#define DIAGNOSIS_CODES { "diagnosis", K_FIXUP, "l.diagnosis", F_CODES, .fixup = fix_codes, .sql = CODE_TEXT("l.diagnosis") }
/* clang-format on */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = l.pid" },
	{ "users", "u", "u.username = l.user" },
	{ "facility", "f", "f.name = u.facility" },
};

/* --- medical problems, allergies: envelopes of OpenEMR's newer services -------------------------------------------------------- */

static const struct field problem_fields[] = {
	COLUMNS(DIAGNOSIS_CODES, REACTION_TEXT),
	{ "patient_id", K_INT, "l.pid" },
	{ "encounter_uuid", K_UUID, NULL,
	    .sql = "SELECT e.uuid FROM issue_encounter i JOIN form_encounter e ON e.pid = i.pid AND e.encounter = "
	           "i.encounter WHERE "
	           "i.list_id = l.id AND i.pid = l.pid LIMIT 1" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "patient_uuid", K_UUID, "p.uuid" },
	{ "condition_uuid", K_UUID, "l.uuid" },
	{ "last_updated_time", K_DATETIME, "l.modifydate", F_V8 },
	{ "verification_title", K_LIST_TITLE, "l.verification", .arg = "condition-verification" },
	{ "provider_id", K_INT, "u.id" },
	{ "provider_npi", K_TEXT, "u.npi" },
	{ "provider_uuid", K_UUID, "u.uuid" },
	{ "provider_username", K_TEXT, "u.username" },
};
static const struct field allergy_fields[] = {
	COLUMNS(DIAGNOSIS_CODES, REACTION_CODES),
	{ "patient_id", K_INT, "l.pid" },
	{ "practitioner", K_UUID, "u.uuid" },
	{ "practitioner_npi", K_TEXT, "u.npi" },
	{ "practitioner_uuid", K_UUID, "u.uuid" },
	{ "organization", K_UUID, "f.uuid" },
	{ "organization_uuid", K_UUID, "f.uuid" },
	{ "puuid", K_UUID, "p.uuid" },
	{ "patient_uuid", K_UUID, "p.uuid" },
	{ "allergy_uuid", K_UUID, "l.uuid", F_CLASSIC },
	{ "reaction_title", K_LIST_TITLE, "l.reaction", .arg = "reaction" },
	{ "reaction_codes", K_LIST_CODES, "l.reaction", .arg = "reaction" },
	{ "verification_title", K_LIST_TITLE, "l.verification", .arg = "allergyintolerance-verification" },
};
/* Of the generations each wants another form of some dates; where none of them is refused by a recording, both are taken. */
/* clang-format off */
static const struct field problem_inputs[] = {
	{ "title", K_TEXT, "l.title", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "begdate", K_TEXT, "l.begdate", F_WRITE | F_REQUIRED | R_DATE },
	{ "enddate", K_TEXT, "l.enddate", F_WRITE | R_DATE },
	{ "diagnosis", K_TEXT, "l.diagnosis", F_WRITE, .min = 2, .max = 255 },
};
static const struct field allergy_inputs[] = {
	{ "title", K_TEXT, "l.title", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "begdate", K_TEXT, "l.begdate", F_WRITE | R_DATE | R_DATETIME, .classic_rules = R_DATETIME },
	{ "enddate", K_TEXT, "l.enddate", F_WRITE | R_DATE | R_DATETIME, .classic_rules = R_DATETIME },
	{ "diagnosis", K_TEXT, "l.diagnosis", F_WRITE, .min = 2, .max = 255 },
	{ "comments", K_TEXT, "l.comments", F_WRITE },
};
/* clang-format on */
static const struct key problem_keys[] = { { "muuid", .uuid = "l.uuid", .number = "l.id" } };
static const struct key allergy_keys[] = { { "auuid", .uuid = "l.uuid", .number = "l.id" } };

static const struct refusal value = { .field = "uuid", .code = "invalid or nonexisting value", .text = "value %" };
/* 8.x fails with an error of PHP on a malformed uuid in these places */
static const struct refusal malformed = { 400, 400, "uuid", "invalid or nonexisting value", "value %" };
static const struct refusal no_patient = {
	.field = "puuid", .code = "Callback::INVALID_VALUE", .text = "Patient UUID is invalid"
};
static const struct refusal not_deleted = { .field = "UUID", .text = "invalid or nonexisting value" };

static const struct style all = { .ops = &dialect_standard, .envelope = ENV_OLD, .bad_row = &malformed };
static const struct style of_patient = { .ops = &dialect_standard, .envelope = ENV_OLD, .no_row = &value };
static const struct style one_of_patient = {
	.ops = &dialect_standard, .envelope = ENV_OLD, .shape = SHAPE_ARRAY, .no_row = &value
};
static const struct style write = { .ops = &dialect_standard, .envelope = ENV_OLD, .no_parent = &no_patient };
static const struct style gone = {
	.ops = &dialect_standard, .envelope = ENV_OLD, .no_row = &not_deleted, .deleted = "{\"uuid\":\"%\"}"
};

/* --- medications, surgeries, dental issues: bare ---------------------------------------------------------------------------------- */

static const struct field plain_fields[] = {
	COLUMNS(DIAGNOSIS_TEXT, REACTION_TEXT),
};
/* clang-format off */
static const struct field plain_inputs[] = {
	{ "title", K_TEXT, "l.title", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "begdate", K_TEXT, "l.begdate", F_WRITE | R_DATE | R_DATETIME },
	{ "enddate", K_TEXT, "l.enddate", F_WRITE | R_DATE | R_DATETIME },
	{ "diagnosis", K_TEXT, "l.diagnosis", F_WRITE, .min = 2, .max = 255 },
};
/* clang-format on */
static const struct key plain_keys[] = {
	{ "mid", .uuid = "l.uuid", .number = "l.id" },
	{ "sid", .uuid = "l.uuid", .number = "l.id" },
	{ "did", .uuid = "l.uuid", .number = "l.id" },
};
static const struct style plain = {
	.ops = &dialect_standard, .envelope = ENV_BARE, .echo = "id", .deleted = "true", .gone_ok = true
};

/* --- the five kinds --------------------------------------------------------------------------------------------------------------- */

#define LIST(ident, title, stored, keys_, fields_, inputs_, answer_, label_, put_required)                             \
	static const struct source ident##_source = {                                                                  \
		.table = "lists",                                                                                      \
		.alias = "l",                                                                                          \
		.id = "l.id",                                                                                          \
		.uuid = "l.uuid",                                                                                      \
		.updated = "l.modifydate",                                                                             \
		.patient = "p.uuid",                                                                                   \
		.pid = "l.pid",                                                                                        \
		.where = "l.type = '" stored "'",                                                                      \
		.order = "-l.date",                                                                                    \
		.keys = keys_,                                                                                         \
		.n_keys = NITEMS(keys_),                                                                               \
		.joins = joins,                                                                                        \
		.n_joins = NITEMS(joins),                                                                              \
		.fields = fields_,                                                                                     \
		.n_fields = NITEMS(fields_),                                                                           \
	};                                                                                                             \
	static const struct server_set ident##_sets[] = {                                                              \
		{ "uuid", SV_UUID, NULL, SET_CREATE },                                                                 \
		{ "date", SV_NOW, NULL, SET_CREATE },                                                                  \
		{ "activity", SV_CONST, "1", SET_CREATE },                                                             \
		{ "type", SV_CONST, stored, SET_CREATE },                                                              \
		{ "pid", SV_PID, NULL, SET_CREATE },                                                                   \
	};                                                                                                             \
	static const struct write_rule ident##_write = {                                                               \
		.table = "lists",                                                                                      \
		.sets = ident##_sets,                                                                                  \
		.n_sets = NITEMS(ident##_sets),                                                                        \
		.inputs = inputs_,                                                                                     \
		.n_inputs = NITEMS(inputs_),                                                                           \
		.answer = answer_,                                                                                     \
		.uuid_label = label_,                                                                                  \
		.update_needs_required = put_required,                                                                 \
	};                                                                                                             \
	static const struct resource ident = {                                                                         \
		.name = title,                                                                                         \
		.compartment = COMPARTMENT_PATIENT,                                                                    \
		.sources = &ident##_source,                                                                            \
		.n_sources = 1,                                                                                        \
		.write = &ident##_write,                                                                               \
	}
LIST(problem, "medical_problem", "medical_problem", problem_keys, problem_fields, problem_inputs, "id uuid",
    "Condition UUID", false);
LIST(allergy, "allergy", "allergy", allergy_keys, allergy_fields, allergy_inputs, "id uuid", "Allergy UUID", false);
LIST(medication, "medication", "medication", plain_keys, plain_fields, plain_inputs, "id", NULL, true);
LIST(surgery, "surgery", "surgery", plain_keys, plain_fields, plain_inputs, "id", NULL, true);
LIST(dental_issue, "dental_issue", "dental", plain_keys, plain_fields, plain_inputs, "id", NULL, true);

/* clang-format off */
static const struct direct_route routes[] = {
	{ HTTP_GET,    "/api/medical_problem",                       &problem,      OP_LIST,   &all },
	{ HTTP_GET,    "/api/medical_problem/:muuid",                &problem,      OP_READ,   &all },
	{ HTTP_GET,    "/api/patient/:puuid/medical_problem",        &problem,      OP_LIST,   &of_patient },
	{ HTTP_GET,    "/api/patient/:puuid/medical_problem/:muuid", &problem,      OP_READ,   &one_of_patient },
	{ HTTP_POST,   "/api/patient/:puuid/medical_problem",        &problem,      OP_CREATE, &write },
	{ HTTP_PUT,    "/api/patient/:puuid/medical_problem/:muuid", &problem,      OP_UPDATE, &write },
	{ HTTP_DELETE, "/api/patient/:puuid/medical_problem/:muuid", &problem,      OP_DELETE, &gone },
	{ HTTP_GET,    "/api/allergy",                               &allergy,      OP_LIST,   &all },
	{ HTTP_GET,    "/api/allergy/:auuid",                        &allergy,      OP_READ,   &all },
	{ HTTP_GET,    "/api/patient/:puuid/allergy",                &allergy,      OP_LIST,   &of_patient },
	{ HTTP_GET,    "/api/patient/:puuid/allergy/:auuid",         &allergy,      OP_READ,   &one_of_patient },
	{ HTTP_POST,   "/api/patient/:puuid/allergy",                &allergy,      OP_CREATE, &write },
	{ HTTP_PUT,    "/api/patient/:puuid/allergy/:auuid",         &allergy,      OP_UPDATE, &write },
	{ HTTP_DELETE, "/api/patient/:puuid/allergy/:auuid",         &allergy,      OP_DELETE, &gone },
	{ HTTP_GET,    "/api/patient/:pid/medication",           &medication,   OP_LIST,   &plain },
	{ HTTP_GET,    "/api/patient/:pid/medication/:mid",      &medication,   OP_READ,   &plain },
	{ HTTP_POST,   "/api/patient/:pid/medication",           &medication,   OP_CREATE, &plain },
	{ HTTP_PUT,    "/api/patient/:pid/medication/:mid",      &medication,   OP_UPDATE, &plain },
	{ HTTP_DELETE, "/api/patient/:pid/medication/:mid",      &medication,   OP_DELETE, &plain },
	{ HTTP_GET,    "/api/patient/:pid/surgery",              &surgery,      OP_LIST,   &plain },
	{ HTTP_GET,    "/api/patient/:pid/surgery/:sid",         &surgery,      OP_READ,   &plain },
	{ HTTP_POST,   "/api/patient/:pid/surgery",              &surgery,      OP_CREATE, &plain },
	{ HTTP_PUT,    "/api/patient/:pid/surgery/:sid",         &surgery,      OP_UPDATE, &plain },
	{ HTTP_DELETE, "/api/patient/:pid/surgery/:sid",         &surgery,      OP_DELETE, &plain },
	{ HTTP_GET,    "/api/patient/:pid/dental_issue",         &dental_issue, OP_LIST,   &plain },
	{ HTTP_GET,    "/api/patient/:pid/dental_issue/:did",    &dental_issue, OP_READ,   &plain },
	{ HTTP_POST,   "/api/patient/:pid/dental_issue",         &dental_issue, OP_CREATE, &plain },
	{ HTTP_PUT,    "/api/patient/:pid/dental_issue/:did",    &dental_issue, OP_UPDATE, &plain },
	{ HTTP_DELETE, "/api/patient/:pid/dental_issue/:did",    &dental_issue, OP_DELETE, &plain },
};
/* clang-format on */
const struct direct_routes rest_lists = { routes, NITEMS(routes) };
