/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who answers which route of the Standard API: rows. */
#include "backends/sql/rest/rest.h"

const struct rest_route rest_routes[] = {
	{ HTTP_GET, STR_INIT("/api/facility"), &rest_facility, OP_LIST, NULL },
	{ HTTP_GET, STR_INIT("/api/facility/:fuuid"), &rest_facility, OP_READ, "fuuid" },
	{ HTTP_POST, STR_INIT("/api/facility"), &rest_facility, OP_CREATE, NULL },
	{ HTTP_PUT, STR_INIT("/api/facility/:fuuid"), &rest_facility, OP_UPDATE, "fuuid" },
	{ HTTP_GET, STR_INIT("/api/practitioner"), &rest_practitioner, OP_LIST, NULL },
	{ HTTP_GET, STR_INIT("/api/practitioner/:pruuid"), &rest_practitioner, OP_READ, "pruuid" },
	{ HTTP_POST, STR_INIT("/api/practitioner"), &rest_practitioner, OP_CREATE, NULL },
	{ HTTP_PUT, STR_INIT("/api/practitioner/:pruuid"), &rest_practitioner, OP_UPDATE, "pruuid" },
	{ HTTP_GET, STR_INIT("/api/patient"), &rest_patient, OP_LIST, NULL },
	{ HTTP_GET, STR_INIT("/api/patient/:puuid"), &rest_patient, OP_READ, "puuid" },
	{ HTTP_POST, STR_INIT("/api/patient"), &rest_patient, OP_CREATE, NULL },
	{ HTTP_PUT, STR_INIT("/api/patient/:puuid"), &rest_patient, OP_UPDATE, "puuid" },
	{ HTTP_GET, STR_INIT("/api/version"), NULL, OP_VERSION, NULL },
	{ HTTP_GET, STR_INIT("/api/product"), NULL, OP_PRODUCT, NULL },
};
const size_t n_rest_routes = NITEMS(rest_routes);
