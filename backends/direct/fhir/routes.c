/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who answers which FHIR route. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/fhir/fhir.h"

static const struct style fhir = { .ops = &dialect_fhir };

const struct direct_route fhir_routes[] = {
	{ HTTP_GET, "/fhir/metadata", .op = OP_SPECIAL, .special = metadata },
	{ HTTP_GET, "/fhir/Patient", &fhir_patient, OP_LIST, &fhir },
	{ HTTP_POST, "/fhir/Patient/_search", &fhir_patient, OP_LIST, &fhir },
	{ HTTP_GET, "/fhir/Patient/:uuid", &fhir_patient, OP_READ, &fhir },
	{ HTTP_POST, "/fhir/Patient", &fhir_patient, OP_CREATE, &fhir },
	{ HTTP_PUT, "/fhir/Patient/:uuid", &fhir_patient, OP_UPDATE, &fhir },
	{ HTTP_GET, "/fhir/Practitioner", &fhir_practitioner, OP_LIST, &fhir },
	{ HTTP_POST, "/fhir/Practitioner/_search", &fhir_practitioner, OP_LIST, &fhir },
	{ HTTP_GET, "/fhir/Practitioner/:uuid", &fhir_practitioner, OP_READ, &fhir },
	{ HTTP_POST, "/fhir/Practitioner", &fhir_practitioner, OP_CREATE, &fhir },
	{ HTTP_PUT, "/fhir/Practitioner/:uuid", &fhir_practitioner, OP_UPDATE, &fhir },
	{ HTTP_GET, "/fhir/Organization", &fhir_organization, OP_LIST, &fhir },
	{ HTTP_POST, "/fhir/Organization/_search", &fhir_organization, OP_LIST, &fhir },
	{ HTTP_GET, "/fhir/Organization/:uuid", &fhir_organization, OP_READ, &fhir },
	{ HTTP_PUT, "/fhir/Organization/:uuid", &fhir_organization, OP_UPDATE, &fhir },
};
const unsigned n_fhir_routes = NITEMS(fhir_routes);
