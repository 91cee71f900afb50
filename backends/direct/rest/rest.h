/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard API's resources and routes: rows only. A file per resource or family; a line here and one in routes.c make it known. */
#ifndef BACKENDS_DIRECT_REST_REST_H
#define BACKENDS_DIRECT_REST_REST_H

#include "backends/direct/engine/mapping.h"

struct direct_routes {
	const struct direct_route *rows;
	unsigned n;
};

extern const struct direct_routes rest_appointment;
extern const struct direct_routes rest_background_service;
extern const struct direct_routes rest_document;
extern const struct direct_routes rest_drug;
extern const struct direct_routes rest_employer;
extern const struct direct_routes rest_encounter;
extern const struct direct_routes rest_facility;
extern const struct direct_routes rest_immunization;
extern const struct direct_routes rest_insurance;
extern const struct direct_routes rest_insurance_company;
extern const struct direct_routes rest_list;
extern const struct direct_routes rest_lists;
extern const struct direct_routes rest_message;
extern const struct direct_routes rest_patient;
extern const struct direct_routes rest_practitioner;
extern const struct direct_routes rest_prescription;
extern const struct direct_routes rest_procedure;
extern const struct direct_routes rest_soap_note;
extern const struct direct_routes rest_transaction;
extern const struct direct_routes rest_vital;

extern const struct direct_routes *const rest_routes[];
extern const unsigned n_rest_routes;

#endif
