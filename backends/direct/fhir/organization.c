/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR Organization from three tables: facilities, insurance companies, laboratories. A source without a parameter has no rows
 * that fulfil it.                                                                                                          */
#include "backends/direct/fhir/fhir.h"

#define ORGANIZATION_TYPE "http://terminology.hl7.org/CodeSystem/organization-type"
#define US_NPI            "http://hl7.org/fhir/sid/us-npi"

/* --- facilities ----------------------------------------------------------------------------------------------------------------- */
static const struct field facility_fields[] = {
	{ "text", K_NARRATIVE, "f.name" },
	{ "identifier", K_IDENTIFIER, "f.facility_npi", F_LIST | F_WRITE, .arg = US_NPI },
	{ "identifier", K_IDENTIFIER, "f.domain_identifier", F_LIST | F_WRITE, .arg = "urn:oid:2.16.840.1.113883.4.7" },
	{ "active", K_CONST, NULL, .arg = "true" },
	{ "type", K_CONCEPT, NULL, F_LIST, .arg = ORGANIZATION_TYPE, .arg2 = "prov Healthcare Provider" },
	{ "name", K_TEXT, "f.name", F_NEEDED | F_WRITE, .min = 2, .max = 255 },
	{ "telecom", K_TELECOM, "f.phone", F_LIST | F_WRITE, .arg = "phone", .arg2 = "work" },
	{ "telecom", K_TELECOM, "f.email", F_LIST | F_WRITE, .arg = "email", .arg2 = "work" },
	{ "telecom", K_TELECOM, "f.fax", F_LIST | F_WRITE, .arg = "fax", .arg2 = "work" },
	{ "address", K_ADDRESS, "f.street - f.city - f.state f.postal_code f.country_code -", F_LIST | F_WRITE },
};
static const struct param facility_params[] = {
	{ "_id", M_UUID, "f.uuid" },
	{ "_lastUpdated", M_DATE, "f.last_updated" },
	{ "identifier", M_TOKEN, "f.facility_npi f.domain_identifier" },
	{ "name", M_STRING, "f.name" },
	{ "email", M_TOKEN, "f.email" },
	{ "phone", M_TOKEN, "f.phone" },
	{ "telecom", M_TOKEN, "f.email f.phone f.fax" },
	{ "address", M_STRING, "f.street f.postal_code f.city f.state f.country_code" },
	{ "address-city", M_STRING, "f.city" },
	{ "address-postalcode", M_STRING, "f.postal_code" },
	{ "address-state", M_STRING, "f.state" },
};

/* --- insurance companies -------------------------------------------------------------------------------------------------------- */
static const struct join insurer_joins[] = {
	{ "addresses", "a",
	    "a.foreign_id = i.id AND a.id = (SELECT MIN(a2.id) FROM addresses a2 WHERE a2.foreign_id = i.id)" },
	{ "phone_numbers", "w",
	    "w.id = (SELECT MIN(w2.id) FROM phone_numbers w2 WHERE w2.foreign_id = i.id AND w2.type = 2)" },
	{ "phone_numbers", "x",
	    "x.id = (SELECT MIN(x2.id) FROM phone_numbers x2 WHERE x2.foreign_id = i.id AND x2.type = 5)" },
};
static const struct field insurer_fields[] = {
	{ "text", K_NARRATIVE, "i.name" },
	{ "identifier", K_IDENTIFIER, "i.cms_id", F_LIST, .arg = "http://hl7.org/fhir/v2/0203" },
	{ "identifier", K_IDENTIFIER, "i.alt_cms_id", F_LIST, .arg = "http://hl7.org/fhir/v2/0203" },
	{ "active", K_BOOL, "i.inactive", .arg = "not" },
	{ "type", K_CONCEPT, NULL, F_LIST, .arg = ORGANIZATION_TYPE, .arg2 = "ins Insurance Company" },
	{ "name", K_TEXT, "i.name", F_NEEDED },
	{ "telecom", K_TELECOM, "w.country_code w.area_code w.prefix w.number", F_LIST, .arg = "phone",
	    .arg2 = "work" },
	{ "telecom", K_TELECOM, "x.country_code x.area_code x.prefix x.number", F_LIST, .arg = "fax", .arg2 = "work" },
	{ "address", K_ADDRESS, "a.line1 a.line2 a.city a.district a.state a.zip a.country -", F_LIST },
};
static const struct param insurer_params[] = {
	{ "_id", M_UUID, "i.uuid" },
	{ "_lastUpdated", M_DATE, "i.last_updated" },
	{ "identifier", M_TOKEN, "i.cms_id i.alt_cms_id" },
	{ "name", M_STRING, "i.name" },
	{ "address", M_STRING, "a.line1 a.line2 a.zip a.city a.state a.country" },
	{ "address-city", M_STRING, "a.city" },
	{ "address-postalcode", M_STRING, "a.zip" },
	{ "address-state", M_STRING, "a.state" },
};

/* --- laboratories ------------------------------------------------------------------------------------------------------------------ */
static const struct field lab_fields[] = {
	{ "text", K_NARRATIVE, "l.name" },
	{ "identifier", K_IDENTIFIER, "l.npi", F_LIST, .arg = US_NPI },
	{ "active", K_BOOL, "l.active" },
	{ "type", K_CONCEPT, NULL, F_LIST, .arg = ORGANIZATION_TYPE, .arg2 = "prov Healthcare Provider" },
	{ "name", K_TEXT, "l.name", F_NEEDED },
};
static const struct param lab_params[] = {
	{ "_id", M_UUID, "l.uuid" },
	{ "_lastUpdated", M_DATE, "l.last_updated" },
	{ "identifier", M_TOKEN, "l.npi" },
	{ "name", M_STRING, "l.name" },
};

static const struct source sources[] = {
	{ .table = "facility",
	    .alias = "f",
	    .id = "f.id",
	    .uuid = "f.uuid",
	    .updated = "f.last_updated",
	    .where = "f.uuid IS NOT NULL AND (COALESCE(f.name, '') <> '' OR COALESCE(f.domain_identifier, '') <> '' OR "
	             "COALESCE(f.facility_npi, '') <> '')",
	    .fields = facility_fields,
	    .n_fields = NITEMS(facility_fields),
	    .params = facility_params,
	    .n_params = NITEMS(facility_params) },
	{ .table = "insurance_companies",
	    .alias = "i",
	    .id = "i.id",
	    .uuid = "i.uuid",
	    .updated = "i.last_updated",
	    .where = "i.uuid IS NOT NULL AND (COALESCE(i.name, '') <> '' OR COALESCE(i.cms_id, '') <> '' OR "
	             "COALESCE(i.alt_cms_id, '') <> '')",
	    .joins = insurer_joins,
	    .n_joins = NITEMS(insurer_joins),
	    .fields = insurer_fields,
	    .n_fields = NITEMS(insurer_fields),
	    .params = insurer_params,
	    .n_params = NITEMS(insurer_params) },
	{ .table = "procedure_providers",
	    .alias = "l",
	    .id = "l.ppid",
	    .uuid = "l.uuid",
	    .updated = "l.last_updated",
	    .where = "l.uuid IS NOT NULL",
	    .fields = lab_fields,
	    .n_fields = NITEMS(lab_fields),
	    .params = lab_params,
	    .n_params = NITEMS(lab_params) },
};
static const char *const profiles[] = { "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization", NULL };
/* Only facilities are written; another kind of organization is told apart by its table. */
static const struct field rules[] = {
	{ "identifier", K_TEXT, "f.facility_npi", R_NUMERIC, .min = 10, .max = 15, .label = "NPI" },
	{ "telecom", K_TEXT, "f.email", R_EMAIL_STRICT, .label = "Email" },
};
static const struct write_rule write = {
	.table = "facility",
	.rules = rules,
	.n_rules = NITEMS(rules),
	.elements = "identifier active type name alias telecom address partOf contact endpoint",
	.answer = "id uuid",
	.updates_hidden = true,
};
const struct resource fhir_organization = {
	.name = "Organization",
	.compartment = COMPARTMENT_OPEN,
	.sources = sources,
	.n_sources = NITEMS(sources),
	.write = &write,
	.profiles = profiles,
};
