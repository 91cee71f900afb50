/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard API's routes and operations over the engine. Private to backends/direct. */
#ifndef BACKENDS_DIRECT_REST_REST_H
#define BACKENDS_DIRECT_REST_REST_H

#include "backends/sql/engine/plan.h"

enum rest_op { OP_LIST, OP_READ, OP_CREATE, OP_UPDATE, OP_VERSION, OP_PRODUCT };

struct rest_route {
	enum http_method method;
	struct str pattern;              /* as in scopes/ */
	const struct rest_resource *res; /* NULL: none */
	enum rest_op op;
	const char *param; /* name of the uuid in the pattern; NULL none */
};
extern const struct rest_route rest_routes[];
extern const size_t n_rest_routes;
extern const struct rest_resource rest_facility, rest_practitioner, rest_patient;

/* Runs one routed request; plan NULL where the row has no resource. */
enum step rest_handle(struct request *r, const struct rest_route *route, struct rest_plan *plan);

/* fixups.c */
void patient_fixup(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *const *children);

#endif
