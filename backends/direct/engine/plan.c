/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for reading: SELECT lists with their slots, statements, JSON programs. Writing is in plan_write.c, what the rows' own SQL names in
 * fragment.c.                                                                                                              */
#include "backends/direct/engine/plan.h"
#include "backends/direct/engine/codes.h"

#include "backends/direct/engine/plan_private.h"

enum { SQL_FIRST = 4096, SQL_MAX = 64 << 10 };

const unsigned hydrate_sizes[HYDRATE_SIZES] = { 64, HYDRATE_MAX };

static void
report_missing(struct build *b, struct str table, struct str column)
{
	if (b->report->n == REPORT_MAX)
		return;
	struct str text = arena_printf(b->a, "%.*s.%.*s", STR_ARG(table), STR_ARG(column));
	b->report->missing[b->report->n++] = text;
}

/* --- SELECT lists ------------------------------------------------------------------------------------------------------------- */

/* The expressions of one SELECT; equal ones share a slot. */
struct select {
	struct str item[SELECT_MAX];
	unsigned n;
};

static short
select_add(struct select *sel, struct str expr)
{
	for (unsigned i = 0; i < sel->n; i++)
		if (str_eq(sel->item[i], expr))
			return (short)i;
	CHECK(sel->n < SELECT_MAX);
	sel->item[sel->n] = expr;
	return (short)sel->n++;
}

/* A column where the site has it, under its present or its older name. */
static short
select_column(struct build *b, struct select *sel, const struct field *f, struct str name)
{
	if (column_of(b->schema, b->source, b->child, name) == NULL) {
		struct str was = f == NULL ? STR_NULL : str_of(f->was);
		if (was.n == 0 || column_of(b->schema, b->source, b->child, was) == NULL)
			return SLOT_NONE;
		name = was;
	}
	struct buf text;
	buf_init(&text, b->a, 64, 256);
	column_put(&text, name);
	return buf_ok(&text) ? select_add(sel, buf_str(&text)) : SLOT_NONE;
}

/* A column that the engine itself needs; NULL rows have none. */
static short
select_key(struct build *b, struct select *sel, const char *name, bool needed)
{
	if (name == NULL)
		return SLOT_NONE;
	short slot = select_column(b, sel, NULL, str_of(name));
	if (slot == SLOT_NONE && needed) {
		size_t dot = str_find(str_of(name), '.');
		report_missing(b, alias_table(b->source, b->child, str_sub(str_of(name), 0, dot)),
		    str_skip(str_of(name), dot + 1));
		b->incomplete = true;
	}
	return slot;
}

static void
select_put(struct buf *out, const struct select *sel)
{
	buf_lit(out, "SELECT ");
	for (unsigned i = 0; i < sel->n; i++) {
		if (i > 0)
			buf_lit(out, ", ");
		buf_str_put(out, sel->item[i]);
	}
}

/* --- programs ----------------------------------------------------------------------------------------------------------------- */

static struct str
key_text(struct build *b, const struct field *f)
{
	const char *name = b->compat == COMPAT_CLASSIC && f->classic != NULL ? f->classic : f->name;
	return name == NULL ? STR("") : arena_printf(b->a, "\"%s\":", name);
}

/* The table that an expression's own subqueries give an alias: "FROM codes k", "JOIN codes k"; .n 0: none. */
static struct str
expression_alias(const char *sql, struct str alias)
{
	static const char *const before[] = { "FROM ", "JOIN " };
	for (size_t i = 0; i < NITEMS(before); i++)
		for (const char *p = sql; (p = strstr(p, before[i])) != NULL;) {
			p += strlen(before[i]);
			struct str table = { p, strcspn(p, " ") };
			const char *q = p + table.n + (p[table.n] == ' ');
			if (str_eq(alias, (struct str){ q, strcspn(q, " )") }))
				return table;
		}
	return STR_NULL;
}

/* Does the site have the tables and columns that an expression's own subqueries read? */
static bool
expression_tables(struct build *b, const char *sql)
{
	struct str rest = str_of(sql), name;
	while (fragment_next(&rest, &name)) {
		size_t dot = str_find(name, '.');
		struct str table = expression_alias(sql, str_sub(name, 0, dot));
		if (table.n > 0 && schema_column(b->schema, table, str_skip(name, dot + 1)) == NULL)
			return false;
	}
	return true;
}

static int
op_columns(struct build *b, struct select *sel, const struct field *f, struct plan_op *op)
{
	struct str rest = str_of(f->cols), word;
	for (unsigned i = 0; i < FIELD_COLS_MAX; i++)
		op->slot[i] = op->write[i] = SLOT_NONE;
	while (words_next(&rest, &word)) {
		CHECK(op->n_cols < op->codec->cols_max);
		if (str_eq(word, STR("-"))) {
			op->n_cols++;
			continue;
		}
		op->slot[op->n_cols] = select_column(b, sel, f, word);
		if (op->slot[op->n_cols] == SLOT_NONE && (f->flags & F_NEEDED)) {
			size_t dot = str_find(word, '.');
			report_missing(
			    b, alias_table(b->source, b->child, str_sub(word, 0, dot)), str_skip(word, dot + 1));
			b->incomplete = true;
		}
		op->n_cols++;
	}
	if (f->sql != NULL) {
		CHECK(op->n_cols < op->codec->cols_max);
		if (fragment_present(b->schema, b->source, b->child, f->sql) && expression_tables(b, f->sql))
			op->slot[op->n_cols] = select_add(sel, arena_printf(b->a, "(%s)", f->sql));
		op->n_cols++;
	}
	CHECK(op->n_cols >= op->codec->cols_min);
	return 0;
}

/* The fields that the compat has, in order. *n_ops: how many. */
static const struct plan_op *
ops_make(struct build *b, struct select *sel, const struct field *fields, unsigned n_fields, unsigned *n_ops)
{
	struct plan_op *ops = arena_array(b->a, n_fields + 1, sizeof *ops);
	const struct field **kept = arena_array(b->a, n_fields + 1, sizeof *kept);
	unsigned n = 0;
	if (ops == NULL || kept == NULL)
		return NULL;
	memset(ops, 0, (n_fields + 1) * sizeof *ops);
	for (unsigned i = 0; i < n_fields; i++)
		if (!(fields[i].flags & (b->compat == COMPAT_CLASSIC ? F_V8 : F_CLASSIC)))
			kept[n++] = &fields[i];
	*n_ops = n;
	for (unsigned i = 0; i < n; i++) {
		const struct field *f = kept[i];
		bool list = (f->flags & F_LIST) != 0;
		ops[i].f = f;
		ops[i].codec = codec_of(f->kind);
		ops[i].key = key_text(b, f);
		if (ops[i].key.p == NULL || op_columns(b, sel, f, &ops[i]) != 0)
			return NULL;
		ops[i].list_begin = list && (i == 0 || strcmp(kept[i - 1]->name, f->name) != 0);
		ops[i].list_end = list && (i + 1 == n || strcmp(kept[i + 1]->name, f->name) != 0);
		if (f->kind == K_OBJECT) {
			ops[i].sub = ops_make(b, sel, f->sub, f->n_sub, &ops[i].n_sub);
			if (ops[i].sub == NULL)
				return NULL;
		}
	}
	return ops;
}

/* --- statements --------------------------------------------------------------------------------------------------------------- */

/* n 0: the place of a point read's marks. */
static void
marks_put(struct buf *out, unsigned n)
{
	if (n == 0)
		buf_lit(out, "%s");
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_char(out, '?');
	}
}

const char *
sql_done(struct buf *out)
{
	buf_char(out, 0);
	return buf_ok(out) ? out->p : NULL;
}

/* Whether the parent may have rows of the child, as an item of its SELECT: asked of the child's first table alone, because the server
 * plans each further join anew at every execution. What the other tables leave out is a child's statement without rows.    */
static struct str
child_flag(struct build *b, const struct child *c)
{
	struct buf out;
	bool where = c->where != NULL;
	for (unsigned i = 1; where && i < c->n_tables; i++)
		where = !fragment_names(str_of(c->where), str_of(c->tables[i].alias));
	buf_init(&out, b->a, 256, SQL_MAX);
	buf_lit(&out, "EXISTS(SELECT 1 FROM ");
	table_put(&out, &c->tables[0]);
	buf_lit(&out, " WHERE ");
	buf_str_put(&out, str_of(c->tables[0].on));
	if (where) {
		buf_lit(&out, " AND ");
		buf_str_put(&out, str_of(c->where));
	}
	buf_char(&out, ')');
	return buf_ok(&out) ? buf_str(&out) : STR_NULL;
}

/* SELECT <list> FROM parent JOIN child ON tie [AND where]: what both forms of a child's statement begin with. */
static void
child_select_put(struct build *b, struct buf *out, const struct select *sel)
{
	select_put(out, sel);
	buf_lit(out, " FROM ");
	table_put(out, &(struct join){ b->source->table, b->source->alias, NULL });
	buf_lit(out, " JOIN (");
	child_from_put(out, b->child, false);
	buf_lit(out, ") ON ");
	buf_str_put(out, str_of(b->child->tables[0].on));
	if (b->child->where != NULL) {
		buf_lit(out, " AND ");
		buf_str_put(out, str_of(b->child->where));
	}
	buf_lit(out, " WHERE ");
}

/* A child's rows by parents' ids, which are column 0. */
static const char *
child_by_ids(struct build *b, const struct select *sel, unsigned marks)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	child_select_put(b, &out, sel);
	buf_str_put(&out, sel->item[0]);
	buf_lit(&out, " IN (");
	marks_put(&out, marks);
	buf_lit(&out, ") ORDER BY ");
	buf_str_put(&out, sel->item[0]);
	if (b->child->order != NULL) {
		buf_lit(&out, ", ");
		buf_str_put(&out, str_of(b->child->order));
	}
	return sql_done(&out);
}

static int
child_statements(struct build *b, struct plan_child *pc, const struct select *sel)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	child_select_put(b, &out, sel);
	column_put(&out, str_of(b->source->uuid != NULL ? b->source->uuid : b->source->id));
	buf_lit(&out, " IN (%s)");
	if (b->child->order != NULL) {
		buf_lit(&out, " ORDER BY ");
		buf_str_put(&out, str_of(b->child->order));
	}
	pc->point = (struct db_point){ b->child->name, sql_done(&out), 0 };
	struct select by_id = *sel;
	struct buf id;
	buf_init(&id, b->a, 64, 256);
	column_put(&id, str_of(b->source->id));
	by_id.item[0] = buf_str(&id);
	pc->few = (struct db_point){ b->child->name, child_by_ids(b, &by_id, 0), 0 };
	bool ok = pc->point.sql != NULL && pc->few.sql != NULL;
	for (unsigned i = 0; ok && i < HYDRATE_SIZES; i++) {
		pc->by_ids[i] =
		    (struct db_stmt){ .name = b->child->name, .sql = child_by_ids(b, &by_id, hydrate_sizes[i]) };
		ok = pc->by_ids[i].sql != NULL;
	}
	return ok ? 0 : -1;
}

static int
child_make(struct build *b, struct plan_child *pc, const struct child *c, struct select *parent)
{
	struct select *sel = ARENA_NEW(b->a, struct select);
	if (sel == NULL)
		return -1;
	pc->child = c;
	pc->flag = SLOT_NONE;
	pc->absent = !child_present(b->schema, c);
	if (pc->absent)
		return 0;
	struct str flag = child_flag(b, c);
	b->child = c;
	(void)select_key(b, sel, b->source->uuid != NULL ? b->source->uuid : b->source->id, true); /* column 0 */
	pc->within = select_key(b, sel, c->within, false);
	pc->ops = ops_make(b, sel, c->fields, c->n_fields, &pc->n_ops);
	int rc = pc->ops == NULL || flag.p == NULL ? -1 : child_statements(b, pc, sel);
	b->child = NULL;
	if (rc == 0)
		pc->flag = select_add(parent, flag);
	return rc;
}

/* The joins that reads and lists of a source need, whatever they ask for. A list in one statement (without id) may ask for all. */
static uint32_t
joins_used(const struct source *s, struct str list)
{
	uint32_t joins = 0;
	const char *const named[] = { s->id, s->uuid, s->pid, s->encounter, s->order };
	if (s->id == NULL)
		return UINT32_MAX;
	joins_add(&joins, s, list);
	for (size_t i = 0; i < NITEMS(named); i++)
		joins_add(&joins, s, str_of(named[i]));
	for (unsigned i = 0; i < s->n_keys; i++) {
		joins_add(&joins, s, str_of(s->keys[i].uuid));
		joins_add(&joins, s, str_of(s->keys[i].number));
		joins_add(&joins, s, str_of(s->keys[i].text));
	}
	return joins;
}

/* Rows by what lists are paged by. */
static const char *
source_by_keys(struct build *b, const struct plan_source *ps, unsigned marks)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	buf_str_put(&out, ps->list);
	buf_str_put(&out, ps->from);
	column_put(&out, str_of(ps->key_name));
	buf_lit(&out, " IN (");
	marks_put(&out, marks);
	buf_char(&out, ')');
	return sql_done(&out);
}

static int
source_statements(struct build *b, struct plan_source *ps, const struct select *sel)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	select_put(&out, sel);
	ps->list = arena_str(b->a, buf_str(&out));
	ps->n_list = sel->n;
	if (!buf_ok(&out) || ps->list.p == NULL)
		return -1;
	buf_lit(&out, " FROM ");
	ps->joins = joins_used(ps->s, ps->list);
	source_from_put(&out, b->schema, ps->s, ps->joins);
	buf_lit(&out, " WHERE ");
	ps->from = arena_str(b->a, str_skip(buf_str(&out), ps->list.n));
	if (!buf_ok(&out) || ps->from.p == NULL)
		return -1;
	if (ps->uuid != SLOT_NONE) {
		column_put(&out, str_of(ps->s->uuid));
		buf_lit(&out, " IN (%s)");
		ps->point = (struct db_point){ b->name, sql_done(&out), 0 };
		if (ps->point.sql == NULL)
			return -1;
	}
	if (ps->id == SLOT_NONE)
		return 0;
	ps->few = (struct db_point){ b->name, source_by_keys(b, ps, 0), (unsigned)ps->key };
	bool ok = ps->few.sql != NULL;
	for (unsigned i = 0; ok && i < HYDRATE_SIZES; i++) {
		ps->hydrate[i] = (struct db_stmt){ .name = b->name, .sql = source_by_keys(b, ps, hydrate_sizes[i]) };
		ok = ps->hydrate[i].sql != NULL;
	}
	return ok ? 0 : -1;
}

/* Tells the columns that the row's condition names and the site lacks. */
static bool
where_lacks(struct build *b, const struct source *s)
{
	struct str rest = str_of(s->where), name;
	bool any = false;
	while (fragment_lacks(&rest, b->schema, s, NULL, &name)) {
		size_t dot = str_find(name, '.');
		report_missing(b, alias_table(s, NULL, str_sub(name, 0, dot)), str_skip(name, dot + 1));
		any = true;
	}
	return any;
}

/* A site without uuids (5.0) can be read by numbers where a key has one. */
static bool
read_by_number(const struct source *s)
{
	bool any = false;
	for (unsigned i = 0; i < s->n_keys; i++)
		any = any || s->keys[i].number != NULL || s->keys[i].text != NULL;
	return any;
}

/* The row's condition, and the further one where the site has what it names. */
static int
source_where(struct build *b, struct plan_source *ps, const struct source *s)
{
	bool also = s->also != NULL && fragment_present(b->schema, s, NULL, s->also) && expression_tables(b, s->also);
	struct str text = STR("");
	if (s->where != NULL || also)
		text = arena_printf(b->a, "%s%s%s%c", s->where == NULL ? "" : s->where,
		    s->where != NULL && also ? " AND " : "", also ? s->also : "", 0);
	ps->where = text.n > 0 ? text.p : NULL;
	return text.p == NULL ? -1 : 0;
}

/* A field with several codes in its column. */
static int
codes_make(struct build *b, struct plan_source *ps)
{
	const struct plan_op *op = ps->ops, *end = op + ps->n_ops;
	while (op < end && !(op->f->flags & F_CODES))
		op++;
	if (op == end)
		return 0;
	ps->codes = op->slot[0];
	ps->codes_text = op->slot[1];
	return codes_statements(b->a, ps->codes_texts);
}

/* Column 0 is the uuid (the point read's key), then the engine's own columns, then the fields'. */
static int
source_make(struct build *b, struct plan_source *ps, const struct source *s)
{
	struct select *sel = ARENA_NEW(b->a, struct select);
	if (sel == NULL)
		return -1;
	b->source = s;
	ps->s = s;
	ps->schema = b->schema;
	ps->uuid = select_key(b, sel, s->uuid, !read_by_number(s));
	ps->id = select_key(b, sel, s->id, true);
	ps->key_name = s->clustered != NULL ? s->clustered : s->id;
	ps->key = select_key(b, sel, ps->key_name, true);
	ps->updated = select_key(b, sel, s->updated, false);
	ps->created = select_key(b, sel, s->created, false);
	ps->patient = select_key(b, sel, s->patient, s->pid == NULL);
	ps->pid = select_key(b, sel, s->pid, false);
	ps->visible = ps->codes = ps->codes_text = SLOT_NONE;
	b->incomplete = where_lacks(b, s) || b->incomplete;
	for (unsigned i = 0; i < s->n_joins; i++)
		if (schema_has_table(b->schema, str_of(s->joins[i].table)) && !join_present(b->schema, s, &s->joins[i]))
			report_missing(b, str_of(s->joins[i].table), STR("(of its ON)"));
	if (source_where(b, ps, s) != 0)
		return -1;
	if (ps->where != NULL)
		ps->visible = select_add(sel, arena_printf(b->a, "(%s)", ps->where));
	ps->ops = ops_make(b, sel, s->fields, s->n_fields, &ps->n_ops);
	if (ps->ops == NULL || codes_make(b, ps) != 0)
		return -1;
	CHECK(s->n_children <= CHILDREN_MAX);
	for (unsigned i = 0; i < s->n_children; i++)
		if (child_make(b, &ps->children[i], &s->children[i], sel) != 0)
			return -1;
	ps->n_children = s->n_children;
	return source_statements(b, ps, sel);
}

/* A compartment resource without the patient's column would answer anybody's rows. */
static bool
filter_due_missing(const struct resource *res)
{
	if (res->compartment == COMPARTMENT_UNSET)
		return true;
	for (unsigned i = 0; i < res->n_sources; i++)
		if (res->compartment == COMPARTMENT_PATIENT && res->sources[i].patient == NULL)
			return true;
	return false;
}

struct plan *
plan_new(struct arena *a, const struct resource *res, bool fhir, enum compat compat, const struct schema *schema,
    struct plan_report *report)
{
	struct plan *p = ARENA_NEW(a, struct plan);
	struct build b = { .a = a, .schema = schema, .compat = compat, .report = report, .name = res->name };
	CHECK(!filter_due_missing(res));
	CHECK(res->n_sources <= SOURCES_MAX);
	if (p == NULL)
		return NULL;
	p->magic = PLAN_MAGIC;
	p->res = res;
	p->fhir = fhir;
	p->compat = compat;
	for (unsigned i = 0; i < res->n_sources; i++) {
		if (!schema_has_table(schema, str_of(res->sources[i].table))) {
			report_missing(&b, str_of(res->sources[i].table), STR("*"));
			continue;
		}
		if (source_make(&b, &p->sources[p->n_sources], &res->sources[i]) != 0)
			return NULL;
		p->n_sources++;
	}
	if (p->n_sources > 0 && res->write != NULL && !b.incomplete && (p->write = plan_write_make(&b, p)) == NULL)
		return NULL;
	p->state = p->n_sources == 0 ? PLAN_NO_TABLE : b.incomplete ? PLAN_INCOMPLETE : PLAN_READY;
	return p;
}
