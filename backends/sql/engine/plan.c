/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans: SQL text from rows. Every byte of it is a literal of a row; values are bound by the callers. */
#include "backends/sql/engine/plan.h"

#include <stdlib.h>

enum { SQL_MAX = 64 << 10 };

/* The table behind an alias: the resource's own, or one of "JOIN table alias ON". */
static struct str
alias_table(const char *table, const char *alias, const char *joins, struct str want)
{
	struct str rest = str_of(joins), word, previous = STR_NULL;
	if (str_eq(want, str_of(alias)))
		return str_of(table);
	while (str_next(&rest, ' ', &word)) {
		if (str_eq(word, want) && previous.n > 0)
			return previous;
		previous = word;
	}
	return STR_NULL;
}

bool
column_exists(const struct schema *s, const char *table, const char *alias, const char *joins, const char *column)
{
	struct str name = str_of(column);
	size_t dot = str_find(name, '.');
	struct str owner = alias_table(table, alias, joins, str_sub(name, 0, dot));
	return owner.p != NULL && schema_has_column(s, owner, str_skip(name, dot + 1));
}

static void
select_put(struct buf *b, const struct rest_plan *p)
{
	const struct rest_resource *r = p->res;
	buf_printf(b, "SELECT %s.uuid", r->alias);
	for (size_t i = 0; i < r->n_fields; i++)
		buf_printf(b, ",%s", p->present[i] && r->fields[i].kind != F_NULL ? r->fields[i].column : "NULL");
	buf_printf(b, " FROM %s %s %s", r->table, r->alias, r->joins);
}

static const char *
sql_end(struct buf *b)
{
	buf_char(b, 0);
	return buf_ok(b) ? b->p : NULL;
}

static void
and_where(struct buf *b, const struct rest_resource *r)
{
	if (r->where[0] != 0)
		buf_printf(b, " AND (%s)", r->where);
}

static int
reads_make(struct rest_plan *p)
{
	const struct rest_resource *r = p->res;
	struct buf b;
	buf_init(&b, p->arena, 4096, SQL_MAX);
	select_put(&b, p);
	buf_printf(&b, " WHERE %s.uuid IN (%%s)", r->alias);
	and_where(&b, r);
	p->read = (struct db_point){ r->name, sql_end(&b) };
	buf_init(&b, p->arena, 256, SQL_MAX);
	buf_printf(&b, "SELECT 1 FROM %s %s WHERE %s.uuid = ?", r->table, r->alias, r->alias);
	p->exists = (struct db_stmt){ r->name, sql_end(&b), false };
	for (size_t i = 0; i < r->n_children; i++) {
		buf_init(&b, p->arena, 1024, SQL_MAX);
		buf_printf(&b, "SELECT %s FROM %s %s %s WHERE %s.uuid IN (%%s)", r->children[i].select, r->table,
		    r->alias, r->children[i].joins, r->alias);
		p->child_read[i] = (struct db_point){ r->name, sql_end(&b) };
		if (p->child_read[i].sql == NULL)
			return -1;
	}
	return p->read.sql == NULL || p->exists.sql == NULL ? -1 : 0;
}

struct rest_plan *
plan_rest(struct arena *a, const struct rest_resource *r, const struct schema *schema)
{
	struct rest_plan *p = ARENA_NEW(a, struct rest_plan);
	CHECK(r->n_fields <= FIELDS_MAX && r->n_children <= CHILDREN_MAX && r->n_filters <= 60);
	if (p == NULL)
		return NULL;
	p->res = r;
	p->schema = schema;
	p->arena = a;
	p->lists = arena_array(a, LISTS_MAX, sizeof *p->lists);
	p->table_missing = !schema_has_table(schema, str_of(r->table));
	p->usable = !p->table_missing && schema_has_column(schema, str_of(r->table), STR("uuid"));
	if (!p->usable)
		p->missing = p->table_missing ? str_of(r->table) : arena_printf(a, "%s.uuid", r->table);
	for (size_t i = 0; i < r->n_fields; i++)
		p->present[i] = r->fields[i].column != NULL &&
		                column_exists(schema, r->table, r->alias, r->joins, r->fields[i].column);
	for (size_t i = 0; i < r->n_children; i++)
		p->child_present[i] = schema_has_all(schema, str_of(r->children[i].needs));
	return p->lists == NULL || reads_make(p) != 0 ? NULL : p;
}

int
plan_field(const struct rest_plan *plan, struct str name)
{
	for (size_t i = 0; i < plan->res->n_fields; i++)
		if (str_eq(str_of(plan->res->fields[i].name), name))
			return (int)i;
	return -1;
}

/* --- lists -------------------------------------------------------------------------------------------------------------------- */

static void
list_where(struct buf *b, const struct rest_resource *r, uint64_t filters)
{
	buf_printf(b, " WHERE %s.uuid IS NOT NULL", r->alias);
	and_where(b, r);
	for (size_t i = 0; i < r->n_filters; i++) {
		if ((filters & 1ull << i) == 0)
			continue;
		if (r->filters[i].match == M_CONTAINS)
			buf_printf(b, " AND %s LIKE ?", r->filters[i].column);
		else /* the plain comparison may use an index, the binary one decides */
			buf_printf(b, " AND %s = ? AND BINARY %s = ?", r->filters[i].column, r->filters[i].column);
	}
}

static void
list_order(struct buf *b, const struct rest_resource *r, int sort, bool paged)
{
	if (sort != 0)
		buf_printf(
		    b, " ORDER BY %s%s, %s.uuid", r->fields[abs(sort) - 1].column, sort < 0 ? " DESC" : "", r->alias);
	else
		buf_printf(b, " ORDER BY %s", r->order);
	if (paged)
		buf_lit(b, " LIMIT ? OFFSET ?");
}

static int
list_make(struct rest_plan *p, struct list_statement *l)
{
	const struct rest_resource *r = p->res;
	struct buf b;
	buf_init(&b, p->arena, 4096, SQL_MAX);
	select_put(&b, p);
	list_where(&b, r, l->filters);
	list_order(&b, r, l->sort, l->paged);
	l->rows = (struct db_stmt){ r->name, sql_end(&b), false };
	for (size_t i = 0; i < r->n_children; i++) {
		buf_init(&b, p->arena, 1024, SQL_MAX);
		buf_printf(&b, "SELECT %s FROM (SELECT %s.* FROM %s %s %s", r->children[i].select, r->alias, r->table,
		    r->alias, r->joins);
		list_where(&b, r, l->filters);
		list_order(&b, r, l->sort, l->paged);
		buf_printf(&b, ") %s %s", r->alias, r->children[i].joins);
		l->children[i] = (struct db_stmt){ r->name, sql_end(&b), false };
		if (l->children[i].sql == NULL)
			return -1;
	}
	return l->rows.sql == NULL ? -1 : 0;
}

const struct list_statement *
plan_list(struct rest_plan *p, uint64_t filters, int sort, bool paged)
{
	for (size_t i = 0; i < p->n_lists; i++)
		if (p->lists[i].filters == filters && p->lists[i].sort == sort && p->lists[i].paged == paged)
			return &p->lists[i];
	if (p->n_lists == LISTS_MAX)
		return NULL;
	struct list_statement *l = &p->lists[p->n_lists];
	*l = (struct list_statement){ .filters = filters, .sort = sort, .paged = paged };
	if (list_make(p, l) != 0)
		return NULL;
	p->n_lists++;
	return l;
}
