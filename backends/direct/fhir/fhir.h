/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR R4 types and routes: rows, and the CapabilityStatement made from them.                                               */
#ifndef BACKENDS_DIRECT_FHIR_FHIR_H
#define BACKENDS_DIRECT_FHIR_FHIR_H

#include "backends/direct/engine/mapping.h"

extern const struct resource fhir_patient, fhir_practitioner, fhir_organization;

extern const struct direct_route fhir_routes[];
extern const unsigned n_fhir_routes;

/* GET /fhir/metadata: what this site's routes answer now, by whichever backend. */
enum step metadata(struct request *r, struct direct *d);

#endif
