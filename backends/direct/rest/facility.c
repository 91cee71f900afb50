/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facilities of the Standard API: /api/facility. The members in OpenEMR's order; F_WRITE marks what bodies may set.          */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

static const struct field fields[] = {
	{ "id", K_INT, "f.id", F_NEEDED },
	{ "uuid", K_UUID, "f.uuid", F_NEEDED },
	{ "name", K_TEXT, "f.name", F_WRITE | F_REQUIRED | F_NEEDED, .min = 2, .max = 255 },
	{ "phone", K_TEXT, "f.phone", F_WRITE, .min = 3, .max = 30 },
	{ "fax", K_TEXT, "f.fax", F_WRITE, .min = 3, .max = 30 },
	{ "street", K_TEXT, "f.street", F_WRITE, .min = 2, .max = 255 },
	{ "city", K_TEXT, "f.city", F_WRITE, .min = 2, .max = 255 },
	{ "state", K_TEXT, "f.state", F_WRITE, .min = 2, .max = 50 },
	{ "postal_code", K_TEXT, "f.postal_code", F_WRITE, .min = 2, .max = 11 },
	{ "country_code", K_TEXT, "f.country_code", F_WRITE, .min = 2, .max = 30 },
	{ "federal_ein", K_TEXT, "f.federal_ein", F_WRITE, .min = 2, .max = 15 },
	{ "website", K_TEXT, "f.website", F_WRITE | R_URL },
	{ "email", K_TEXT, "f.email", F_WRITE | R_EMAIL_STRICT },
	{ "service_location", K_INT, "f.service_location", F_WRITE | R_NUMERIC },
	{ "billing_location", K_INT, "f.billing_location", F_WRITE | R_NUMERIC },
	{ "accepts_assignment", K_INT, "f.accepts_assignment", F_WRITE | R_NUMERIC },
	{ "pos_code", K_INT, "f.pos_code" },
	{ "x12_sender_id", K_TEXT, "f.x12_sender_id" },
	{ "attn", K_TEXT, "f.attn" },
	{ "domain_identifier", K_TEXT, "f.domain_identifier", F_WRITE | R_NUMERIC, .min = 2, .max = 60 },
	{ "facility_npi", K_TEXT, "f.facility_npi", F_WRITE | F_REQUIRED | R_NUMERIC, .min = 10, .max = 15 },
	{ "facility_taxonomy", K_TEXT, "f.facility_taxonomy", F_WRITE, .min = 2, .max = 15 },
	{ "tax_id_type", K_TEXT, "f.tax_id_type" },
	{ "color", K_TEXT, "f.color" },
	{ "primary_business_entity", K_INT, "f.primary_business_entity" },
	{ "facility_code", K_TEXT, "f.facility_code", F_WRITE, .min = 2, .max = 31 },
	{ "extra_validation", K_INT, "f.extra_validation" },
	{ "mail_street", K_TEXT, "f.mail_street" },
	{ "mail_street2", K_TEXT, "f.mail_street2" },
	{ "mail_city", K_TEXT, "f.mail_city" },
	{ "mail_state", K_TEXT, "f.mail_state" },
	{ "mail_zip", K_TEXT, "f.mail_zip" },
	{ "oid", K_TEXT, "f.oid", F_WRITE },
	{ "iban", K_TEXT, "f.iban" },
	{ "info", K_TEXT, "f.info" },
	{ "weno_id", K_TEXT, "f.weno_id" },
	{ "inactive", K_INT, "f.inactive" },
	{ "date_created", K_DATETIME, "f.date_created" },
	{ "last_updated", K_DATETIME, "f.last_updated" },
	{ "organization_type", K_TEXT, "f.organization_type" },
};
static const struct param params[] = {
	{ "name", M_EXACT, "f.name" },
	{ "facility_npi", M_EXACT, "f.facility_npi" },
	{ "phone", M_EXACT, "f.phone" },
	{ "fax", M_EXACT, "f.fax" },
	{ "street", M_EXACT, "f.street" },
	{ "city", M_EXACT, "f.city" },
	{ "state", M_EXACT, "f.state" },
	{ "postal_code", M_EXACT, "f.postal_code" },
	{ "country_code", M_EXACT, "f.country_code" },
	{ "federal_ein", M_EXACT, "f.federal_ein" },
	{ "website", M_EXACT, "f.website" },
	{ "email", M_EXACT, "f.email" },
	{ "domain_identifier", M_EXACT, "f.domain_identifier" },
	{ "facility_taxonomy", M_EXACT, "f.facility_taxonomy" },
	{ "facility_code", M_EXACT, "f.facility_code" },
	{ "billing_location", M_EXACT, "f.billing_location" },
	{ "accepts_assignment", M_EXACT, "f.accepts_assignment" },
	{ "oid", M_EXACT, "f.oid" },
	{ "service_location", M_EXACT, "f.service_location" },
};
static const struct source source = {
	.table = "facility",
	.alias = "f",
	.id = "f.id",
	.uuid = "f.uuid",
	.updated = "f.last_updated",
	.created = "f.date_created",
	.fields = fields,
	.n_fields = NITEMS(fields),
	.params = params,
	.n_params = NITEMS(params),
};
static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
};
static const struct write_rule write = {
	.table = "facility",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.answer = "id uuid",
	.rule_order =
	    "name facility_npi phone fax street city state postal_code country_code federal_ein website email "
	    "domain_identifier facility_taxonomy facility_code billing_location accepts_assignment oid "
	    "service_location",
	.uuid_label = "Facility UUID",
};
static const struct resource facility = {
	.name = "facility",
	.compartment = COMPARTMENT_OPEN,
	.sources = &source,
	.n_sources = 1,
	.write = &write,
};

static const struct refusal unknown = {
	.classic = 400, .v8 = 400, .field = "uuid", .code = "invalid or nonexisting value", .text = "value %"
};
static const struct style style = {
	.ops = &dialect_standard,
	.no_row = &unknown,
	.strings_unfiltered = true,
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/facility", &facility, OP_LIST, &style },
	{ HTTP_GET, "/api/facility/:fuuid", &facility, OP_READ, &style },
	{ HTTP_POST, "/api/facility", &facility, OP_CREATE, &style },
	{ HTTP_PUT, "/api/facility/:fuuid", &facility, OP_UPDATE, &style },
};
const struct direct_routes rest_facility = { routes, NITEMS(routes) };
