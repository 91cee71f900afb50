/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON bodies into checked columns: the documented members only, OpenEMR's rules and messages, all errors at once. */
#ifndef BACKENDS_DIRECT_ENGINE_ACCEPT_H
#define BACKENDS_DIRECT_ENGINE_ACCEPT_H

#include "backends/sql/engine/render.h"

struct accepted { /* what will be written, in the order of the resource's inputs */
	const struct input *input[FIELDS_MAX];
	struct db_val value[FIELDS_MAX];
	size_t n;
};
/* body: as received; not a JSON object counts as an empty one (OpenEMR). update: PUT: required becomes optional, but a present empty value of
 * a required member still fails; null and false are skipped, but a column named *date* becomes NULL. Values live in the request's arena.
 * Violations are added to v. -1: the arena is full.                                                                        */
int accept_body(
    struct request *r, const struct rest_plan *plan, bool update, struct accepted *out, struct violations *v) MUSTUSE;

#endif
