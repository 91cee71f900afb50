/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR Patient from patient_data, its former names and its further addresses. US Core.                                      */
#include "backends/direct/engine/fixups.h"
#include "backends/direct/fhir/fhir.h"

#define US_CORE "http://hl7.org/fhir/us/core/StructureDefinition/"

static const struct codemap gender[] = {
	{ "Male", "male" },
	{ "Female", "female" },
	{ "UNK", "unknown" },
	{ NULL, "other" },
};
static const struct codemap birthsex[] = {
	{ "Male", "M" },
	{ "Female", "F" },
	{ "oth", "OTH" },
	{ "asku", "ASKU" },
	{ NULL, "UNK" },
};

static const struct field old_name[] = {
	{ NULL, K_NAME,
	    "h.previous_name_prefix h.previous_name_first h.previous_name_middle h.previous_name_last "
	    "h.previous_name_suffix h.previous_name_enddate",
	    .arg = "old" },
};
static const struct field more_address[] = {
	{ NULL, K_ADDRESS,
	    "a.line1 a.line2 a.city a.district a.state a.zip a.country ca.period_start ca.period_end ca.use ca.type",
	    .arg = "home", .arg2 = "both" },
};
static const struct join name_tables[] = {
	{ "patient_history", "h", "h.pid = p.pid" },
};
static const struct join address_tables[] = {
	{ "contact", "k", "k.foreign_id = p.pid AND k.foreign_table_name = 'patient_data'" },
	{ "contact_address", "ca", "ca.contact_id = k.id" },
	{ "addresses", "a", "a.id = ca.address_id" },
};
enum { CHILD_NAMES, CHILD_ADDRESSES };
static const struct child children[] = {
	[CHILD_NAMES] = { .name = "Patient names",
	    .tables = name_tables,
	    .n_tables = NITEMS(name_tables),
	    .where = "h.history_type_key = 'name_history'",
	    .order = "h.id",
	    .fields = old_name,
	    .n_fields = NITEMS(old_name) },
	[CHILD_ADDRESSES] = { .name = "Patient addresses",
	    .tables = address_tables,
	    .n_tables = NITEMS(address_tables),
	    .where = "ca.status = 'A'",
	    .order = "ca.id",
	    .fields = more_address,
	    .n_fields = NITEMS(more_address) },
};

static const struct field fields[] = {
	{ "text", K_NARRATIVE, "p.fname p.lname" },
	{ "extension", K_EXT_CODE, "p.sex", F_LIST | F_WRITE, .arg = US_CORE "us-core-birthsex", .map = birthsex },
	{ "extension", K_EXT_OMB, "p.race", F_LIST, .arg = US_CORE "us-core-race", .arg2 = "race", .arg3 = "always" },
	{ "extension", K_EXT_OMB, "p.ethnicity", F_LIST, .arg = US_CORE "us-core-ethnicity", .arg2 = "ethnicity" },
	{ "extension", K_EXT_LIST, "p.gender_identity", F_LIST, .arg = US_CORE "us-core-genderIdentity",
	    .arg2 = "gender", .arg3 = "valueCodeableConcept" },
	{ "extension", K_EXT_LIST, "p.sex_identified", F_LIST, .arg = US_CORE "us-core-individual-sex",
	    .arg2 = "administrative_sex", .arg3 = "valueCoding" },
	{ "extension", K_EXT_LIST, "p.interpreter_needed", F_LIST, .arg = US_CORE "us-core-interpreter-needed",
	    .arg2 = "yes_no_unknown", .arg3 = "valueCoding" },
	{ "identifier", K_IDENTIFIER, "p.ss", F_LIST | F_WRITE | F_OFFICIAL, .arg = "http://hl7.org/fhir/sid/us-ssn",
	    .arg2 = "SS" },
	{ "identifier", K_IDENTIFIER, "p.pubpid", F_LIST | F_WRITE | F_OFFICIAL,
	    .arg = "http://terminology.hl7.org/CodeSystem/v2-0203", .arg2 = "PT" },
	{ "active", K_CONST, NULL, .arg = "true" },
	{ "name", K_NAME, "p.title p.fname p.mname p.lname p.suffix", F_LIST | F_WRITE | F_NEEDED, .arg = "official" },
	{ "name", K_CHILDREN, NULL, F_LIST, .arg_n = CHILD_NAMES },
	{ "telecom", K_TELECOM, "p.phone_home", F_LIST | F_WRITE, .arg = "phone", .arg2 = "home" },
	{ "telecom", K_TELECOM, "p.phone_biz", F_LIST | F_WRITE, .arg = "phone", .arg2 = "work" },
	{ "telecom", K_TELECOM, "p.phone_cell", F_LIST | F_WRITE, .arg = "phone", .arg2 = "mobile" },
	{ "telecom", K_TELECOM, "p.email", F_LIST | F_WRITE, .arg = "email", .arg2 = "home" },
	{ "telecom", K_TELECOM, "p.email_direct", F_LIST | F_WRITE, .arg = "email", .arg2 = "mobile" },
	{ "gender", K_CODE, "p.sex", F_WRITE, .map = gender },
	{ "birthDate", K_DATE, "p.DOB", F_WRITE },
	{ "deceasedDateTime", K_DATETIME, "p.deceased_date" },
	{ "deceasedBoolean", K_FIXUP, "p.deceased_date", .fixup = fix_deceased },
	{ "address", K_ADDRESS, "p.street p.street_line_2 p.city p.county p.state p.postal_code p.country_code p.date",
	    F_LIST | F_WRITE, .arg = "home", .arg2 = "both" },
	{ "address", K_CHILDREN, NULL, F_LIST, .arg_n = CHILD_ADDRESSES },
	{ "communication", K_LIST_CONCEPT, "p.language", F_LIST, .arg = "language", .arg2 = "language",
	    .arg3 = "urn:ietf:bcp:47" },
	{ "generalPractitioner", K_REFERENCE, "gp.uuid", F_LIST, .arg = "Practitioner" },
};

static const struct param params[] = {
	{ "_id", M_UUID, "p.uuid" }, { "_lastUpdated", M_DATE, "p.last_updated" },
	{ "identifier", M_TOKEN, "p.pubpid p.ss" }, { "name", M_STRING, "p.lname p.fname p.mname p.title" },
	{ "family", M_STRING, "p.lname" }, { "given", M_STRING, "p.fname p.mname" }, { "birthdate", M_DATE, "p.DOB" },
	{ "gender", M_TOKEN, "p.sex", .map = gender }, { "phone", M_TOKEN, "p.phone_home p.phone_biz p.phone_cell" },
	{ "email", M_TOKEN, "p.email p.email_direct" },
	{ "telecom", M_TOKEN, "p.email p.email_direct p.phone_home p.phone_biz p.phone_cell" },
	{ "address", M_STRING, "p.street p.street_line_2 p.postal_code p.city p.state", .child_n = CHILD_ADDRESSES,
	    .child_cols = "a.line1 a.line2 a.zip a.city a.state a.district" },
	{ "address-city", M_STRING, "p.city", .child_n = CHILD_ADDRESSES, .child_cols = "a.city" },
	{ "address-postalcode", M_STRING, "p.postal_code", .child_n = CHILD_ADDRESSES, .child_cols = "a.zip" },
	{ "address-state", M_STRING, "p.state", .child_n = CHILD_ADDRESSES, .child_cols = "a.state" },
	{ "general-practitioner", M_REFERENCE, "gp.uuid", .arg = "Practitioner" },
	{ "generalPractitioner", M_REFERENCE, "gp.uuid", .arg = "Practitioner" }, /* OpenEMR's spelling */
};
static const struct join joins[] = {
	{ "users", "gp", "gp.id = p.providerID" },
};
static const struct source source = {
	.table = "patient_data",
	.alias = "p",
	.id = "p.id",
	.clustered = "p.pid",
	.uuid = "p.uuid",
	.updated = "p.last_updated",
	.created = "p.date",
	.patient = "p.uuid",
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params,
	.n_params = NITEMS(params),
	.children = children,
	.n_children = NITEMS(children),
};
static const char *const profiles[] = { US_CORE "us-core-patient", NULL };
static const struct field rules[] = {
	{ "name", K_TEXT, "p.fname", F_REQUIRED, .min = 1, .max = 255, .label = "Given name" },
	{ "name", K_TEXT, "p.lname", F_REQUIRED, .min = 2, .max = 255, .label = "Family name" },
	{ "gender", K_TEXT, "p.sex", F_REQUIRED, .max = 30, .label = "Gender" },
	{ "birthDate", K_DATE, "p.DOB", F_REQUIRED | R_DATE, .label = "Birth date" },
	{ "telecom", K_TEXT, "p.email", R_EMAIL_STRICT, .label = "Email" },
	{ "telecom", K_TEXT, "p.email_direct", R_EMAIL_STRICT, .label = "Email" },
};
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pid", SV_NEXT, NULL, SET_CREATE },
	{ "pubpid", SV_COPY, "pid", SET_CREATE },
	{ "date", SV_NOW, NULL, SET_ALWAYS },
	{ "regdate", SV_NOW, NULL, SET_CREATE },
	{ "created_by", SV_USER_ID, NULL, SET_CREATE },
	{ "updated_by", SV_USER_ID, NULL, SET_ALWAYS },
};
static const struct mapped mapped[] = {
	{ "Observation", "category=social-history&code=76690-7" },
};
static const struct write_rule write = {
	.table = "patient_data",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.mapped = mapped,
	.n_mapped = NITEMS(mapped),
	.rules = rules,
	.n_rules = NITEMS(rules),
	.elements =
	    "identifier active name telecom gender birthDate deceasedBoolean deceasedDateTime address maritalStatus "
	    "multipleBirthBoolean multipleBirthInteger photo contact communication generalPractitioner "
	    "managingOrganization link",
	.answer = "pid uuid",
};
const struct resource fhir_patient = {
	.name = "Patient",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
	.profiles = profiles,
	.meta = profiles,
};
