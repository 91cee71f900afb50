/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the site's database really has: table and column names, read from information_schema. Presence of a column decides, never the
 * version number (contract/schema/differences.md).                                                                         */
#ifndef BACKENDS_SQL_ENGINE_SCHEMA_H
#define BACKENDS_SQL_ENGINE_SCHEMA_H

#include "gateway/store/db.h"

struct schema;
extern const struct db_stmt schema_sql;
/* From the rows of schema_sql. NULL: out of memory. */
struct schema *schema_new(const struct db_result *rows);
void schema_free(struct schema **s);
bool schema_has_table(const struct schema *s, struct str table);
bool schema_has_column(const struct schema *s, struct str table, struct str column);
/* "table.column table.column": all there? */
bool schema_has_all(const struct schema *s, struct str list);

#endif
