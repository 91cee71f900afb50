/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages and counts over the sources of a plan. */
#include "backends/direct/engine/query.h"

#include "backends/direct/engine/query_private.h"
#include "gateway/base/map.h"

#include <stdlib.h>

enum { SQL_FIRST = 1024, SQL_MAX = 64 << 10, TOKEN_MAX = 1024 };

struct query_forms {
	struct arena *arena;
	struct map *stmts; /* text -> struct db_stmt, in the arena */
};

struct query_forms *
query_forms_new(struct arena *site_arena)
{
	struct query_forms *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->arena = site_arena;
	f->stmts = map_new();
	if (f->stmts == NULL)
		query_forms_free(&f);
	return f;
}

void
query_forms_free(struct query_forms **fp)
{
	if (*fp == NULL)
		return;
	map_free(&(*fp)->stmts);
	free(*fp);
	*fp = NULL;
}

/* The statement of a text: one that was made before, a new one to keep, or (when enough are kept) one for this use only. */
const struct db_stmt *
query_form(struct query_forms *forms, struct arena *a, const char *name, struct str sql)
{
	const struct db_stmt *known = map_get(forms->stmts, sql);
	if (known != NULL)
		return known;
	bool keep = map_count(forms->stmts) < QUERY_FORMS_MAX;
	struct arena *where = keep ? forms->arena : a;
	struct db_stmt *stmt = ARENA_NEW(where, struct db_stmt);
	struct str text = arena_str(where, sql);
	if (stmt == NULL || text.p == NULL)
		return NULL;
	*stmt = (struct db_stmt){ .name = name, .sql = text.p, .transient = !keep };
	if (keep && map_put(forms->stmts, sql, stmt, NULL) != 0)
		return NULL;
	return stmt;
}

struct query *
query_new(struct arena *a)
{
	struct query *q = ARENA_NEW(a, struct query);
	if (q != NULL)
		q->filters = arena_array(a, FILTERS_MAX, sizeof *q->filters);
	return q == NULL || q->filters == NULL ? NULL : q;
}

struct filter *
query_filter(struct query *q, struct str name, enum modifier mod)
{
	if (q->n_filters == FILTERS_MAX)
		return NULL;
	struct filter *f = &q->filters[q->n_filters++];
	f->name = name;
	f->mod = mod;
	f->n_values = 0;
	return f;
}

const struct param *
param_find(const struct source *s, struct str name)
{
	for (unsigned i = 0; i < s->n_params; i++)
		if (str_eq(name, str_of(s->params[i].name)))
			return &s->params[i];
	return NULL;
}

bool
plan_has_param(const struct plan *p, struct str name)
{
	for (unsigned i = 0; i < p->n_sources; i++)
		if (param_find(p->sources[i].s, name) != NULL)
			return true;
	return false;
}

/* --- WHERE -------------------------------------------------------------------------------------------------------------------- */

/* A source that lacks a parameter has no row that fulfils it. */
static bool
source_takes_part(const struct query *q, const struct plan_source *ps)
{
	if (ps->s->no_list)
		return false;
	for (unsigned i = 0; i < q->n_filters; i++)
		if (param_find(ps->s, q->filters[i].name) == NULL)
			return false;
	return true;
}

/* Joined tables stand in the FROM only when a condition or a sort names them. */
static uint32_t
joins_needed(const struct query *q, const struct plan_source *ps)
{
	uint32_t joins = 0;
	for (unsigned i = 0; i < q->n_filters; i++) {
		const struct param *p = param_find(ps->s, q->filters[i].name);
		if (p != NULL)
			joins_add(&joins, ps->s, str_of(p->cols));
		if (p != NULL)
			joins_add(&joins, ps->s, str_of(p->sql));
		if (p != NULL && p->child_cols != NULL) /* the tie of the child's tables */
			joins_add(&joins, ps->s, str_of(ps->s->children[p->child_n].tables[0].on));
	}
	for (unsigned i = 0; i < q->n_fixed; i++)
		joins_add(&joins, ps->s, q->fixed[i].column);
	for (unsigned i = 0; i < q->n_sorts; i++)
		for (unsigned k = 0; k < SOURCES_MAX; k++)
			joins_add(&joins, ps->s, q->sorts[i].column[k]);
	joins_add(&joins, ps->s, str_of(ps->where));
	if (q->by_patient)
		joins_add(&joins, ps->s, str_of(ps->s->patient));
	return joins;
}

static void
where_put(struct cond *c, const struct query *q, const struct plan *p)
{
	buf_str_put(&c->sql, c->ps->where == NULL ? STR("1 = 1") : str_of(c->ps->where));
	if (q->by_patient && p->res->compartment == COMPARTMENT_PATIENT) {
		buf_lit(&c->sql, " AND ");
		if (c->ps->patient == SLOT_NONE) {
			buf_lit(&c->sql, "1 = 0"); /* the site cannot tell whose the rows are */
		} else {
			column_put(&c->sql, str_of(c->ps->s->patient));
			buf_lit(&c->sql, " = ?");
			cond_val(c, DB_V_BIN(q->patient.b, sizeof q->patient.b));
		}
	}
	for (unsigned i = 0; i < q->n_fixed; i++) {
		buf_lit(&c->sql, " AND ");
		column_put(&c->sql, q->fixed[i].column);
		buf_lit(&c->sql, " = ?");
		cond_val(c, q->fixed[i].value);
	}
	for (unsigned i = 0; i < q->n_filters; i++) {
		buf_lit(&c->sql, " AND ");
		cond_filter(c, &q->filters[i]);
	}
}

static void
from_where(struct cond *c, const struct query *q, const struct plan *p)
{
	buf_lit(&c->sql, " FROM ");
	source_from_put(&c->sql, c->ps->schema, c->ps->s, joins_needed(q, c->ps));
	buf_lit(&c->sql, " WHERE ");
	where_put(c, q, p);
}

/* --- keys --------------------------------------------------------------------------------------------------------------------- */

/* The value by which a source's rows are sorted; NULLs sort as '' or 0. */
static void
sort_column_put(struct cond *c, const struct query *q, unsigned sort, unsigned source)
{
	struct str col = q->sorts[sort].column[source];
	if (col.n == 0 || column_of(c->ps->schema, c->ps->s, NULL, col) == NULL) {
		buf_lit(&c->sql, "''");
		return;
	}
	const struct schema_column *column = column_of(c->ps->schema, c->ps->s, NULL, col);
	if (q->sorts[sort].current) {
		buf_lit(&c->sql, "(COALESCE(");
		column_put(&c->sql, col);
		buf_lit(&c->sql, ", 0) NOT IN (0, '0000-00-00') AND ");
		column_put(&c->sql, col);
		buf_lit(&c->sql, " <= CURDATE())");
		return;
	}
	if (!column->nullable) {
		column_put(&c->sql, col);
		return;
	}
	bool number = column->type == COL_INT || column->type == COL_FLOAT || column->type == COL_DECIMAL;
	buf_lit(&c->sql, "COALESCE(");
	column_put(&c->sql, col);
	buf_str_put(&c->sql, number ? STR(", 0)") : STR(", '')"));
}

/* Behind the last row of the page before: lexicographic over the sorts, then source and id. */
static void
after_put(struct cond *c, const struct query *q, unsigned source)
{
	buf_lit(&c->sql, " AND (");
	for (unsigned i = 0; i < q->n_sorts; i++) {
		sort_column_put(c, q, i, source);
		buf_str_put(&c->sql, q->sorts[i].down ? STR(" < ? OR (") : STR(" > ? OR ("));
		cond_val(c, DB_V_STR(q->after_sort[i]));
		sort_column_put(c, q, i, source);
		buf_lit(&c->sql, " = ? AND (");
		cond_val(c, DB_V_STR(q->after_sort[i]));
	}
	if (source == q->after_source) {
		column_put(&c->sql, str_of(c->ps->key_name));
		buf_lit(&c->sql, " > ?");
		cond_val(c, DB_V_I64(q->after_id));
	} else {
		buf_str_put(&c->sql, source > q->after_source ? STR("1 = 1") : STR("1 = 0"));
	}
	for (unsigned i = 0; i < q->n_sorts; i++)
		buf_lit(&c->sql, "))");
	buf_char(&c->sql, ')');
}

static void
order_put(struct cond *c, const struct query *q)
{
	buf_lit(&c->sql, " ORDER BY ");
	for (unsigned i = 0; i < q->n_sorts; i++)
		buf_printf(&c->sql, "key_s%u%s, ", i, q->sorts[i].down ? " DESC" : "");
	buf_lit(&c->sql, "key_src, key_id LIMIT ?");
}

static void
arm_put(struct cond *c, const struct query *q, const struct plan *p, unsigned source)
{
	if (q->rows) {
		buf_str_put(&c->sql, c->ps->list);
		buf_lit(&c->sql, ", 0 AS key_src, ");
	} else {
		buf_printf(&c->sql, "SELECT %u AS key_src, ", source);
	}
	column_put(&c->sql, str_of(c->ps->key_name));
	buf_lit(&c->sql, " AS key_id");
	for (unsigned i = 0; i < q->n_sorts; i++) {
		buf_lit(&c->sql, ", ");
		sort_column_put(c, q, i, source);
		buf_printf(&c->sql, " AS key_s%u", i);
	}
	if (q->rows) {
		buf_str_put(&c->sql, c->ps->from);
		where_put(c, q, p);
	} else {
		from_where(c, q, p);
	}
	if (q->has_after)
		after_put(c, q, source);
	order_put(c, q);
}

static void
cond_start(struct cond *c, const struct query *q, struct arena *a, struct db_val *vals, struct err *e)
{
	*c = (struct cond){ .vals = vals, .a = a, .e = e, .zone = q->zone };
	buf_init(&c->sql, a, SQL_FIRST, SQL_MAX);
}

static int
cond_done(struct cond *c, struct query_forms *forms, const struct plan *p, const struct db_stmt **stmt, size_t *n_vals)
{
	if (c->failed || !buf_ok(&c->sql))
		return ERR(c->e, E_LIMIT, "the search is too large");
	*stmt = query_form(forms, c->a, p->res->name, buf_str(&c->sql));
	*n_vals = c->n_vals;
	return *stmt == NULL ? ERR(c->e, E_MEMORY, "search") : 0;
}

/* Arms of a union: each cut to the page by itself, so that an index can end it early. */
int
query_page(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a, unsigned page_rows,
    const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e)
{
	struct cond c;
	unsigned n = 0, arms = 0;
	int64_t arm_rows = (int64_t)page_rows + 1 + (int64_t)q->offset;
	cond_start(&c, q, a, vals, e);
	for (unsigned i = 0; i < p->n_sources; i++)
		arms += source_takes_part(q, &p->sources[i]);
	for (unsigned i = 0; i < p->n_sources; i++) {
		c.ps = &p->sources[i];
		if (!source_takes_part(q, c.ps))
			continue;
		buf_str_put(&c.sql, n++ > 0 ? STR(" UNION ALL (") : arms > 1 ? STR("(") : STR(""));
		arm_put(&c, q, p, i);
		cond_val(&c, DB_V_I64(arms > 1 || q->offset == 0 ? arm_rows : (int64_t)page_rows + 1));
		if (arms > 1)
			buf_char(&c.sql, ')');
	}
	if (arms == 0)
		buf_lit(&c.sql, "SELECT 0 AS key_src, 0 AS key_id FROM DUAL WHERE 1 = 0");
	if (arms > 1) {
		order_put(&c, q);
		cond_val(&c, DB_V_I64((int64_t)page_rows + 1));
	}
	if (arms > 0 && q->offset > 0) {
		buf_lit(&c.sql, " OFFSET ?");
		cond_val(&c, DB_V_I64((int64_t)q->offset));
	}
	return cond_done(&c, forms, p, stmt, n_vals);
}

void
query_rows(struct query *q, const struct plan *p)
{
	const struct plan_source *ps = &p->sources[0];
	bool few = q->n_fixed > 0 || (q->n_filters == 0 && q->n_sorts == 0);
	q->rows = p->n_sources == 1 && ps->s->id != NULL && source_takes_part(q, ps) && few && q->offset == 0 &&
	          ps->joins == 0 && joins_needed(q, ps) == 0;
}

const struct db_cell *
query_key(const struct query *q, const struct plan *p, const struct db_result *page, size_t i)
{
	return db_cell(page, i, q->rows ? p->sources[0].n_list : 0);
}

int
query_count(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a,
    const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e)
{
	struct cond c;
	cond_start(&c, q, a, vals, e);
	buf_lit(&c.sql, "SELECT 0");
	for (unsigned i = 0; i < p->n_sources; i++) {
		c.ps = &p->sources[i];
		if (!source_takes_part(q, c.ps))
			continue;
		buf_lit(&c.sql, " + (SELECT COUNT(*)");
		from_where(&c, q, p);
		buf_char(&c.sql, ')');
	}
	return cond_done(&c, forms, p, stmt, n_vals);
}

int
query_whole(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a, unsigned max,
    const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e)
{
	struct cond c;
	cond_start(&c, q, a, vals, e);
	c.ps = &p->sources[0];
	buf_str_put(&c.sql, c.ps->list);
	buf_str_put(&c.sql, c.ps->from);
	where_put(&c, q, p);
	for (unsigned i = 0; i < q->n_sorts; i++) {
		buf_str_put(&c.sql, i == 0 ? STR(" ORDER BY ") : STR(", "));
		sort_column_put(&c, q, i, 0);
		buf_str_put(&c.sql, q->sorts[i].down ? STR(" DESC") : STR(""));
	}
	buf_lit(&c.sql, " LIMIT ?");
	cond_val(&c, DB_V_I64(max));
	return cond_done(&c, forms, p, stmt, n_vals);
}

void
query_order(struct query *q, const struct plan *p)
{
	if (q->n_sorts > 0)
		return;
	for (unsigned s = 0; s < p->n_sources; s++) {
		struct str rest = str_of(p->sources[s].s->order), word;
		for (unsigned n = 0; n < SORTS_MAX && words_next(&rest, &word); n++) {
			q->sorts[n].down = word.p[0] == '-';
			q->sorts[n].current = word.p[0] == '~';
			q->sorts[n].column[s] = str_skip(word, q->sorts[n].down || q->sorts[n].current);
			q->n_sorts = MAX(q->n_sorts, n + 1);
		}
	}
}

/* --- where a page ended ------------------------------------------------------------------------------------------------------- */

/* base64url of "source:id" and, per sort, NUL and the value: it only ever becomes bound values. */
struct str
query_token(struct arena *a, const struct query *q, const struct db_cell *row)
{
	struct buf plain, out;
	char number[24];
	buf_init(&plain, a, 64, TOKEN_MAX);
	buf_init(&out, a, 96, 2 * TOKEN_MAX);
	buf_i64(&plain, row[0].i);
	buf_char(&plain, ':');
	buf_i64(&plain, row[1].i);
	for (unsigned i = 0; i < q->n_sorts; i++) {
		buf_char(&plain, 0);
		buf_str_put(&plain, cell_text(&row[2 + i], number));
	}
	base64url_put(&out, plain.p, plain.n);
	return buf_ok(&plain) && buf_ok(&out) ? buf_str(&out) : STR_NULL;
}

int
query_token_read(struct arena *a, struct query *q, struct str token)
{
	struct buf plain;
	uint64_t source;
	buf_init(&plain, a, 64, TOKEN_MAX);
	if (token.n > 2 * TOKEN_MAX || base64url_get(token, &plain) != 0)
		return -1;
	struct str rest = buf_str(&plain);
	size_t end = str_find(rest, 0), colon = str_find(rest, ':');
	if (colon >= end || str_to_u64(str_sub(rest, 0, colon), SOURCES_MAX, &source) != 0 ||
	    str_to_i64(str_sub(rest, colon + 1, end), &q->after_id) != 0)
		return -1;
	rest = str_skip(rest, end);
	for (unsigned i = 0; i < q->n_sorts; i++) {
		if (rest.n == 0)
			return -1;
		rest = str_skip(rest, 1);
		q->after_sort[i] = str_sub(rest, 0, str_find(rest, 0));
		if (!utf8_valid(q->after_sort[i]))
			return -1;
		rest = str_skip(rest, q->after_sort[i].n);
	}
	q->after_source = (unsigned)source;
	q->has_after = true;
	return rest.n == 0 ? 0 : -1;
}
