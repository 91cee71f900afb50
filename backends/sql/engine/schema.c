/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live schema. */
#include "backends/sql/engine/schema.h"

#include "gateway/base/map.h"

#include <stdio.h>
#include <stdlib.h>

const struct db_stmt schema_sql = { "schema",
	"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()", false };

enum { NAME_BYTES = 160 };

struct schema {
	struct map *names; /* "table" and "table.column" */
};

struct schema *
schema_new(const struct db_result *rows)
{
	struct schema *s = calloc(1, sizeof *s);
	char name[NAME_BYTES];
	if (s == NULL || (s->names = map_new()) == NULL) {
		schema_free(&s);
		return NULL;
	}
	for (size_t i = 0; i < rows->n_rows; i++) {
		struct str table = db_cell(rows, i, 0)->s, column = db_cell(rows, i, 1)->s;
		(void)snprintf(name, sizeof name, "%.*s.%.*s", STR_ARG(table), STR_ARG(column));
		if (map_put(s->names, table, s, NULL) != 0 || map_put(s->names, str_of(name), s, NULL) != 0) {
			schema_free(&s);
			return NULL;
		}
	}
	return s;
}

void
schema_free(struct schema **sp)
{
	struct schema *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	map_free(&s->names);
	free(s);
}

bool
schema_has_table(const struct schema *s, struct str table)
{
	return map_get(s->names, table) != NULL;
}

bool
schema_has_column(const struct schema *s, struct str table, struct str column)
{
	char name[NAME_BYTES];
	int n = snprintf(name, sizeof name, "%.*s.%.*s", STR_ARG(table), STR_ARG(column));
	return n > 0 && (size_t)n < sizeof name && map_get(s->names, (struct str){ name, (size_t)n }) != NULL;
}

bool
schema_has_all(const struct schema *s, struct str list)
{
	struct str one;
	while (str_next(&list, ' ', &one))
		if (one.n > 0 && map_get(s->names, one) == NULL)
			return false;
	return true;
}
