/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The served FHIR types: rows only. contract/fhir/Patient.json, Practitioner.json, Organization.json; US Core. */
#include "backends/sql/fhir/fhir.h"

#define CORE "http://hl7.org/fhir/us/core/StructureDefinition/"

/* clang-format off */
/* --- Patient: patient_data ------------------------------------------------------------------------------------------------ */
static const struct element patient_elements[] = {
	{ "text",       E_TEXT_NAME,  { "p.fname", "p.lname" }, NULL, false },
	{ "extension",  E_OMB,        { "p.race", "lr.title", "lr.notes" }, CORE "us-core-race", true },
	{ "extension",  E_OMB,        { "p.ethnicity", "le.title", "le.notes" }, CORE "us-core-ethnicity", true },
	{ "extension",  E_BIRTHSEX,   { "p.sex" }, CORE "us-core-birthsex", true },
	{ "identifier", E_IDENTIFIER, { "p.ss" }, "http://hl7.org/fhir/sid/us-ssn|official|SS", true },
	{ "identifier", E_IDENTIFIER, { "p.pubpid" }, "http://terminology.hl7.org/CodeSystem/v2-0203|official|PT", true },
	{ "active",     E_TRUE,       { NULL }, NULL, false },
	{ "name",       E_HUMAN_NAME, { "p.title", "p.fname", "p.mname", "p.lname", "p.suffix" }, "official", true },
	{ "telecom",    E_TELECOM,    { "p.phone_home" }, "phone|home", true },
	{ "telecom",    E_TELECOM,    { "p.phone_biz" }, "phone|work", true },
	{ "telecom",    E_TELECOM,    { "p.phone_cell" }, "phone|mobile", true },
	{ "telecom",    E_TELECOM,    { "p.email" }, "email|home", true },
	{ "gender",     E_GENDER,     { "p.sex" }, NULL, false },
	{ "birthDate",  E_DATE,       { "p.DOB" }, NULL, false },
	{ "deceased",   E_DECEASED,   { "p.deceased_date" }, NULL, false },
	{ "address",    E_ADDRESS,    { "p.street", "p.street_line_2", "p.city", "p.county", "p.state", "p.postal_code", "p.country_code" }, "home", true },
	{ "communication", E_LANGUAGE, { "p.language", "ll.title", "ll.notes" }, NULL, true },
	{ "generalPractitioner", E_REFERENCE, { "gp.uuid" }, "Practitioner", true },
};
static const struct search_param patient_params[] = {
	{ "_id",                P_ID,         { "p.uuid" }, NULL },
	{ "identifier",         P_IDENTIFIER, { "p.ss", "p.pubpid" }, "http://hl7.org/fhir/sid/us-ssn http://terminology.hl7.org/CodeSystem/v2-0203" },
	{ "name",               P_STRING,     { "p.fname", "p.mname", "p.lname", "p.title" }, NULL },
	{ "family",             P_STRING,     { "p.lname" }, NULL },
	{ "given",              P_STRING,     { "p.fname", "p.mname" }, NULL },
	{ "birthdate",          P_DATE,       { "p.DOB" }, NULL },
	{ "gender",             P_GENDER,     { "p.sex" }, NULL },
	{ "death-date",         P_DATETIME,   { "p.deceased_date" }, NULL },
	{ "address",            P_STRING,     { "p.street", "p.postal_code", "p.city", "p.state" }, NULL },
	{ "address-city",       P_STRING,     { "p.city" }, NULL },
	{ "address-postalcode", P_STRING,     { "p.postal_code" }, NULL },
	{ "address-state",      P_STRING,     { "p.state" }, NULL },
	{ "email",              P_TOKEN,      { "p.email", "p.email_direct" }, NULL },
	{ "phone",              P_TOKEN,      { "p.phone_home", "p.phone_biz", "p.phone_cell" }, NULL },
	{ "telecom",            P_TOKEN,      { "p.email", "p.phone_home", "p.phone_biz", "p.phone_cell" }, NULL },
	{ "_lastUpdated",       P_DATETIME,   { "p.last_updated" }, NULL },
};
const struct fhir_resource fhir_patient = { "Patient", CORE "us-core-patient", "patient_data", "p",
	"LEFT JOIN users gp ON gp.id = p.providerID "
	"LEFT JOIN list_options lr ON lr.list_id = 'race' AND lr.option_id = p.race "
	"LEFT JOIN list_options le ON le.list_id = 'ethnicity' AND le.option_id = p.ethnicity "
	"LEFT JOIN list_options ll ON ll.list_id = 'language' AND ll.option_id = p.language",
	"", "p.last_updated", "p.uuid", patient_elements, NITEMS(patient_elements), patient_params, NITEMS(patient_params) };

/* --- Practitioner: users with an NPI --------------------------------------------------------------------------------------- */
static const struct element practitioner_elements[] = {
	{ "text",       E_TEXT_NAME,  { "u.fname", "u.lname" }, NULL, false },
	{ "identifier", E_IDENTIFIER, { "u.npi" }, "http://hl7.org/fhir/sid/us-npi||", true },
	{ "active",     E_ACTIVE,     { "u.active" }, NULL, false },
	{ "name",       E_HUMAN_NAME, { "u.title", "u.fname", "u.mname", "u.lname", "u.suffix" }, "official", true },
	{ "telecom",    E_TELECOM,    { "u.phone" }, "phone|home", true },
	{ "telecom",    E_TELECOM,    { "u.phonew1" }, "phone|work", true },
	{ "telecom",    E_TELECOM,    { "u.phonecell" }, "phone|mobile", true },
	{ "telecom",    E_TELECOM,    { "u.email" }, "email|home", true },
	{ "address",    E_ADDRESS,    { "u.street", "u.streetb", "u.city", NULL, "u.state", "u.zip", "u.country_code" }, "work", true },
};
static const struct search_param practitioner_params[] = {
	{ "_id",                P_ID,         { "u.uuid" }, NULL },
	{ "identifier",         P_IDENTIFIER, { "u.npi" }, "http://hl7.org/fhir/sid/us-npi" },
	{ "active",             P_BOOLEAN,    { "u.active" }, NULL },
	{ "name",               P_STRING,     { "u.title", "u.fname", "u.mname", "u.lname" }, NULL },
	{ "family",             P_STRING,     { "u.lname" }, NULL },
	{ "given",              P_STRING,     { "u.fname", "u.mname" }, NULL },
	{ "email",              P_TOKEN,      { "u.email" }, NULL },
	{ "phone",              P_TOKEN,      { "u.phonew1", "u.phone", "u.phonecell" }, NULL },
	{ "telecom",            P_TOKEN,      { "u.email", "u.phone", "u.phonew1", "u.phonecell" }, NULL },
	{ "address",            P_STRING,     { "u.street", "u.streetb", "u.zip", "u.city", "u.state" }, NULL },
	{ "address-city",       P_STRING,     { "u.city" }, NULL },
	{ "address-postalcode", P_STRING,     { "u.zip" }, NULL },
	{ "address-state",      P_STRING,     { "u.state" }, NULL },
	{ "_lastUpdated",       P_DATETIME,   { "u.last_updated" }, NULL },
};
const struct fhir_resource fhir_practitioner = { "Practitioner", CORE "us-core-practitioner", "users", "u", "",
	"u.npi IS NOT NULL AND u.npi <> '' AND (u.username <> '' OR u.abook_type IN ('ord_lab', 'spe', 'external_provider'))",
	"u.last_updated", NULL, practitioner_elements, NITEMS(practitioner_elements), practitioner_params, NITEMS(practitioner_params) };

/* --- Organization: facility ------------------------------------------------------------------------------------------------- */
static const struct element organization_elements[] = {
	{ "text",       E_TEXT_NAME,  { "f.name" }, NULL, false },
	{ "identifier", E_IDENTIFIER, { "f.facility_npi" }, "http://hl7.org/fhir/sid/us-npi||", true },
	{ "identifier", E_IDENTIFIER, { "f.domain_identifier" }, "urn:oid:2.16.840.1.113883.4.7||", true },
	{ "active",     E_TRUE,       { NULL }, NULL, false },
	{ "type",       E_ORG_TYPE,   { NULL }, "prov|Healthcare Provider", true },
	{ "name",       E_STRING,     { "f.name" }, NULL, false },
	{ "telecom",    E_TELECOM,    { "f.phone" }, "phone|work", true },
	{ "telecom",    E_TELECOM,    { "f.email" }, "email|work", true },
	{ "telecom",    E_TELECOM,    { "f.fax" }, "fax|work", true },
	{ "address",    E_ADDRESS,    { "f.street", NULL, "f.city", NULL, "f.state", "f.postal_code", "f.country_code" }, NULL, true },
};
static const struct search_param organization_params[] = {
	{ "_id",                P_ID,         { "f.uuid" }, NULL },
	{ "identifier",         P_IDENTIFIER, { "f.facility_npi", "f.domain_identifier" }, "http://hl7.org/fhir/sid/us-npi urn:oid:2.16.840.1.113883.4.7" },
	{ "name",               P_STRING,     { "f.name" }, NULL },
	{ "email",              P_TOKEN,      { "f.email" }, NULL },
	{ "phone",              P_TOKEN,      { "f.phone" }, NULL },
	{ "telecom",            P_TOKEN,      { "f.email", "f.phone" }, NULL },
	{ "address",            P_STRING,     { "f.street", "f.postal_code", "f.city", "f.state", "f.country_code" }, NULL },
	{ "address-city",       P_STRING,     { "f.city" }, NULL },
	{ "address-postalcode", P_STRING,     { "f.postal_code" }, NULL },
	{ "address-state",      P_STRING,     { "f.state" }, NULL },
	{ "_lastUpdated",       P_DATETIME,   { "f.last_updated" }, NULL },
};
const struct fhir_resource fhir_organization = { "Organization", CORE "us-core-organization", "facility", "f", "",
	"f.name <> '' OR f.domain_identifier <> '' OR f.facility_npi <> ''", "f.last_updated", NULL, organization_elements,
	NITEMS(organization_elements), organization_params, NITEMS(organization_params) };
/* clang-format on */

const struct fhir_resource *const fhir_resources[] = { &fhir_patient, &fhir_practitioner, &fhir_organization };
const size_t n_fhir_resources = NITEMS(fhir_resources);
