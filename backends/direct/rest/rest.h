/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard API's resources and routes: rows only. A file per resource; routes.c joins them with paths.                  */
#ifndef BACKENDS_DIRECT_REST_REST_H
#define BACKENDS_DIRECT_REST_REST_H

#include "backends/direct/engine/mapping.h"

extern const struct resource rest_facility, rest_practitioner, rest_patient;

extern const struct direct_route rest_routes[];
extern const unsigned n_rest_routes;

#endif
