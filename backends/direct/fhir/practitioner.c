/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR Practitioner from users with an NPI.                                                                                 */
#include "backends/direct/fhir/fhir.h"

static const struct codemap active[] = {
	{ "1", "true" },
	{ "0", "false" },
	{ NULL, NULL },
};
static const struct field fields[] = {
	{ "text", K_NARRATIVE, "u.fname u.lname" },
	{ "identifier", K_IDENTIFIER, "u.npi", F_LIST | F_WRITE, .arg = "http://hl7.org/fhir/sid/us-npi" },
	{ "active", K_BOOL, "u.active" },
	{ "name", K_NAME, "u.title u.fname u.mname u.lname u.suffix", F_LIST | F_WRITE | F_NEEDED, .arg = "official" },
	{ "telecom", K_TELECOM, "u.phone", F_LIST | F_WRITE, .arg = "phone", .arg2 = "home" },
	{ "telecom", K_TELECOM, "u.phonew1", F_LIST | F_WRITE, .arg = "phone", .arg2 = "work" },
	{ "telecom", K_TELECOM, "u.phonecell", F_LIST | F_WRITE, .arg = "phone", .arg2 = "mobile" },
	{ "telecom", K_TELECOM, "u.email", F_LIST | F_WRITE, .arg = "email", .arg2 = "home" },
	{ "address", K_ADDRESS, "u.street u.streetb u.city - u.state u.zip u.country_code -", F_LIST | F_WRITE },
};
static const struct param params[] = {
	{ "_id", M_UUID, "u.uuid" },
	{ "_lastUpdated", M_DATE, "u.last_updated" },
	{ "identifier", M_TOKEN, "u.npi" },
	{ "active", M_TOKEN, "u.active", .map = active },
	{ "name", M_STRING, "u.lname u.fname u.mname u.title" },
	{ "family", M_STRING, "u.lname" },
	{ "given", M_STRING, "u.fname u.mname" },
	{ "email", M_TOKEN, "u.email" },
	{ "phone", M_TOKEN, "u.phonew1 u.phone u.phonecell" },
	{ "telecom", M_TOKEN, "u.email u.phone u.phonew1 u.phonecell" },
	{ "address", M_STRING, "u.street u.streetb u.zip u.city u.state" },
	{ "address-city", M_STRING, "u.city" },
	{ "address-postalcode", M_STRING, "u.zip" },
	{ "address-state", M_STRING, "u.state" },
};
static const struct source source = {
	.table = "users",
	.alias = "u",
	.id = "u.id",
	.uuid = "u.uuid",
	.updated = "u.last_updated",
	.where = "COALESCE(u.npi, '') <> '' AND (COALESCE(u.username, '') <> '' OR u.abook_type IN ('ord_lab', 'spe', "
	         "'external_provider'))",
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params,
	.n_params = NITEMS(params),
};
static const char *const profiles[] = { "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner", NULL };
static const struct field rules[] = {
	{ "name", K_TEXT, "u.fname", F_REQUIRED, .min = 2, .max = 255, .label = "Given name" },
	{ "name", K_TEXT, "u.lname", F_REQUIRED, .min = 2, .max = 255, .label = "Family name" },
	{ "identifier", K_TEXT, "u.npi", F_REQUIRED | R_NUMERIC, .min = 10, .max = 15, .label = "NPI" },
	{ "telecom", K_TEXT, "u.email", R_EMAIL_STRICT, .label = "Email" },
};
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "username", SV_USERNAME, NULL,
	    SET_CREATE }, /* a name of their own, so that they are seen; they cannot log in */
};
static const struct write_rule write = {
	.table = "users",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.rules = rules,
	.n_rules = NITEMS(rules),
	.elements = "identifier active name telecom address gender birthDate photo qualification communication",
	.answer = "id uuid",
	.updates_hidden = true,
};
const struct resource fhir_practitioner = {
	.name = "Practitioner",
	.compartment = COMPARTMENT_OPEN,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
	.profiles = profiles,
};
