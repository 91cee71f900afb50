/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's settings that the answers and writes depend on (table globals), in memory: read when the site opens and again with the
 * lists. Not for secrets: none is read.                                                                                    */
#ifndef BACKENDS_DIRECT_ENGINE_GLOBALS_H
#define BACKENDS_DIRECT_ENGINE_GLOBALS_H

#include "gateway/store/db.h"

struct globals;
extern const struct db_stmt globals_sql;                   /* no values */
struct globals *globals_new(const struct db_result *rows); /* NULL: out of memory */
void globals_free(struct globals **g);
/* The value of a setting, .n 0 when it is not set or not read (g may be NULL). A name that globals_sql does not read is a CHECK. */
struct str globals_get(const struct globals *g, const char *name);
bool globals_on(const struct globals *g, const char *name);

#endif
