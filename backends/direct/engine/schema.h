/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the site's database has: tables and columns as information_schema tells them, so that one set of rows serves every generation
 * of OpenEMR. Presence decides, never a version number. Not for data.                                                      */
#ifndef BACKENDS_DIRECT_ENGINE_SCHEMA_H
#define BACKENDS_DIRECT_ENGINE_SCHEMA_H

#include "gateway/store/db.h"

enum column_type { COL_INT, COL_FLOAT, COL_DECIMAL, COL_TEXT, COL_DATE, COL_DATETIME, COL_BINARY };

struct schema_column {
	struct str table, name;
	enum column_type type;
	bool nullable;
	bool has_default;   /* a literal or NULL */
	bool default_now;   /* an expression such as current_timestamp() */
	bool indexed;       /* first column of some key */
	bool utf8mb3;       /* cannot hold characters beyond U+FFFF */
	bool automatic;     /* AUTO_INCREMENT */
	bool in_bytes;      /* max_chars counts bytes: TEXT and its like */
	uint64_t max_chars; /* of texts; 0: no limit of use */
	double least, most; /* of numbers; 0 and 0: no limit of use */
};
struct schema;

extern const struct db_stmt schema_sql; /* no values; the rows are schema_new's input */
/* Keeps what it needs of rows in memory of its own. NULL: out of memory, or no rows (e). */
struct schema *schema_new(const struct db_result *rows, struct err *e);
void schema_free(struct schema **s);
const struct schema_column *schema_column(const struct schema *s, struct str table, struct str column);
/* Can the column's charset hold the text (NUL, which PHP would store, we do not)? What it cannot hold is not compared with it either: the server refuses the statement. */
bool column_holds(const struct schema_column *c, struct str text);
bool schema_has_table(const struct schema *s, struct str table);
size_t schema_count(const struct schema *s);
const struct schema_column *schema_at(const struct schema *s, size_t i);

#endif
