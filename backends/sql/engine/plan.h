/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan: a resource's rows against one live schema, as SQL text and lists of columns. Made once per site and schema reading; immutable but
 * for the list statements, which are made when a combination of filters is first asked for (from the rows' literals only).  */
#ifndef BACKENDS_SQL_ENGINE_PLAN_H
#define BACKENDS_SQL_ENGINE_PLAN_H

#include "backends/sql/engine/mapping.h"
#include "backends/sql/engine/schema.h"

enum { FIELDS_MAX = 200, LISTS_MAX = 256, PAGE_MAX = 200 };

struct list_statement {   /* one combination of filters, order and paging */
	uint64_t filters; /* bits of rest_resource.filters */
	int sort;         /* index into fields + 1, negative: descending; 0: the resource's order */
	bool paged;
	struct db_stmt rows, children[CHILDREN_MAX];
};
struct rest_plan {
	const struct rest_resource *res;
	const struct schema *schema;
	struct arena *arena;
	bool usable;        /* false: a required column is missing (named in missing) */
	bool table_missing; /* its routes answer as unknown */
	struct str missing;
	bool present[FIELDS_MAX]; /* the field's column exists; else null is answered */
	bool child_present[CHILDREN_MAX];
	struct db_point read; /* by uuid */
	struct db_point child_read[CHILDREN_MAX];
	struct db_stmt exists;
	struct list_statement *lists;
	size_t n_lists;
};

/* Memory of a (which lives as long). NULL: the arena is full. */
struct rest_plan *plan_rest(struct arena *a, const struct rest_resource *res, const struct schema *schema);
/* The statement for these filters, this order; NULL: too many combinations, or the arena is full (503). */
const struct list_statement *plan_list(struct rest_plan *plan, uint64_t filters, int sort, bool paged);
/* Index of the field with that name, or -1. */
int plan_field(const struct rest_plan *plan, struct str name);
/* "p.uuid": does the table behind the alias (the resource's own or one of "JOIN table alias ON") have the column? */
bool column_exists(const struct schema *s, const char *table, const char *alias, const char *joins, const char *column);

#endif
