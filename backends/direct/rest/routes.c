/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who answers which route of the Standard API, and how its answers look.                                                    */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"
#include "backends/direct/rest/special.h"

static const struct style facility = {
	.ops = &dialect_standard,
	.missing_text = "value ",
	.strings_unfiltered = true,
};
static const struct style practitioner = {
	.ops = &dialect_standard,
	.missing_text = " value ",
	.hidden_404 = true,
	.strings_unfiltered_classic = true,
};
static const struct style patient = {
	.ops = &dialect_standard,
	.missing_text = " value ",
	.paging = true,
	.sorts =
	    "p.id p.pid p.pubpid p.title p.fname p.lname p.mname p.DOB p.sex p.street p.city p.state p.postal_code "
	    "p.country_code p.phone_home p.phone_cell p.phone_biz p.email p.status p.date p.regdate p.last_updated",
};

const struct direct_route rest_routes[] = {
	{ HTTP_GET, "/api/facility", &rest_facility, OP_LIST, &facility },
	{ HTTP_GET, "/api/facility/:fuuid", &rest_facility, OP_READ, &facility },
	{ HTTP_POST, "/api/facility", &rest_facility, OP_CREATE, &facility },
	{ HTTP_PUT, "/api/facility/:fuuid", &rest_facility, OP_UPDATE, &facility },
	{ HTTP_GET, "/api/practitioner", &rest_practitioner, OP_LIST, &practitioner },
	{ HTTP_GET, "/api/practitioner/:pruuid", &rest_practitioner, OP_READ, &practitioner },
	{ HTTP_POST, "/api/practitioner", &rest_practitioner, OP_CREATE, &practitioner },
	{ HTTP_PUT, "/api/practitioner/:pruuid", &rest_practitioner, OP_UPDATE, &practitioner },
	{ HTTP_GET, "/api/patient", &rest_patient, OP_LIST, &patient },
	{ HTTP_GET, "/api/patient/:puuid", &rest_patient, OP_READ, &patient },
	{ HTTP_POST, "/api/patient", &rest_patient, OP_CREATE, &patient },
	{ HTTP_PUT, "/api/patient/:puuid", &rest_patient, OP_UPDATE, &patient },
	{ HTTP_GET, "/api/version", .op = OP_SPECIAL, .special = special_version, .answer = version_fields,
	    .n_answer = VERSION_FIELDS },
	{ HTTP_GET, "/api/product", .op = OP_SPECIAL, .special = special_product, .answer = product_fields,
	    .n_answer = PRODUCT_FIELDS },
};
const unsigned n_rest_routes = NITEMS(rest_routes);
