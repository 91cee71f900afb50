/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proves the rows of the resource tables: what plan.c and accept.c rely on without asking again. Run by the tests over every route against
 * the newest generation's schema; not at start (the plans tell there what a site's own schema lacks).                      */
#ifndef BACKENDS_DIRECT_ENGINE_MAPPING_CHECK_H
#define BACKENDS_DIRECT_ENGINE_MAPPING_CHECK_H

#include "backends/direct/engine/plan.h"

/* Calls tell once per mistake, with a text that names the row. Returns how many there were. */
unsigned mapping_check(const struct direct_route *rows, unsigned n, const struct schema *schema,
    void (*tell)(void *arg, const char *text), void *arg);

#endif
