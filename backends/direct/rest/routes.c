/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the Standard and the Portal API: each has its resources and, at its end, its routes.                         */
#include "backends/direct/rest/rest.h"
#include "backends/direct/rest/special.h"

static const struct direct_route special[] = {
	{ HTTP_GET, "/api/version", .op = OP_SPECIAL, .special = special_version, .answer = version_fields,
	    .n_answer = VERSION_FIELDS },
	{ HTTP_GET, "/api/product", .op = OP_SPECIAL, .special = special_product, .answer = product_fields,
	    .n_answer = PRODUCT_FIELDS },
};
static const struct direct_routes rest_special = { special, NITEMS(special) };

const struct direct_routes *const rest_routes[] = {
	&rest_appointment,
	&rest_background_service,
	&rest_document,
	&rest_drug,
	&rest_employer,
	&rest_encounter,
	&rest_facility,
	&rest_immunization,
	&rest_insurance,
	&rest_insurance_company,
	&rest_list,
	&rest_lists,
	&rest_message,
	&rest_patient,
	&rest_practitioner,
	&rest_prescription,
	&rest_procedure,
	&rest_soap_note,
	&rest_special,
	&rest_transaction,
	&rest_vital,
};
const unsigned n_rest_routes = NITEMS(rest_routes);
