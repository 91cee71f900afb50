/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for writing: one INSERT and one UPDATE per resource, whatever members a body has. A column that the body does not give is
 * bound as NULL: COALESCE(?, DEFAULT(c)) on insert, COALESCE(?, c) on update, so two statements serve every body and no text
 * is ever made from a request. A column that may be set to NULL takes two marks: IF(?, ?, ...).                            */
#include "backends/direct/engine/plan_private.h"

enum { SQL_FIRST = 4096, SQL_MAX = 64 << 10, WRITE_COLS_MAX = 160 };

static const struct server_set *
set_of(const struct write_rule *rule, struct str column, unsigned when)
{
	for (unsigned i = 0; i < rule->n_sets; i++)
		if (str_eq(str_of(rule->sets[i].col), column) && ((unsigned)rule->sets[i].when & when))
			return &rule->sets[i];
	return NULL;
}

/* The row with the rules of a column: one of the write rule's own, else the field itself. */
static const struct field *
rules_of(const struct write_rule *rule, const struct field *f, struct str column)
{
	for (unsigned i = 0; i < rule->n_rules; i++)
		if (str_eq(str_of(rule->rules[i].cols), column))
			return &rule->rules[i];
	return f;
}

/* Adds the base table's columns of one field to the write columns. */
static void
columns_add(struct build *b, struct plan_write *w, struct plan_op *op)
{
	struct str rest = str_of(op->f->cols), word;
	for (unsigned i = 0; words_next(&rest, &word); i++) {
		struct str alias = str_sub(word, 0, str_find(word, '.'));
		if (str_eq(word, STR("-")))
			continue;
		const struct schema_column *col = column_of(b->schema, b->source, NULL, word);
		if (col == NULL && op->f->was != NULL)
			col = column_of(b->schema, b->source, NULL, str_of(op->f->was));
		if (!str_eq(alias, str_of(b->source->alias)))
			continue;
		unsigned k = 0;
		while (k < w->n_cols && (col == NULL || w->cols[k].column != col))
			k++;
		if (k == w->n_cols) {
			CHECK(w->n_cols < WRITE_COLS_MAX);
			w->cols[w->n_cols++] = (struct plan_column){ .column = col,
				.f = rules_of(w->rule, op->f, word),
				.nullable_date = col != NULL && col->nullable &&
				                 str_find_str(col->name, STR("date")) < col->name.n };
		}
		op->write[i] = (short)k;
	}
}

/* --- INSERT ------------------------------------------------------------------------------------------------------------------- */

static void
comma_put(struct buf *out, bool *any)
{
	if (*any)
		buf_lit(out, ", ");
	*any = true;
}

static void
name_put(struct buf *out, struct str column)
{
	buf_char(out, '`');
	buf_str_put(out, column);
	buf_char(out, '`');
}

static bool
is_text(const struct schema_column *c)
{
	return c->type == COL_TEXT || c->type == COL_BINARY;
}

static void
insert_value_put(struct buf *out, const struct plan_column *pc)
{
	const struct schema_column *c = pc->column;
	buf_str_put(out, pc->nullable_date ? STR("IF(?, ?, ") : STR("COALESCE(?, "));
	if (c->default_now)
		buf_lit(out, "NOW()");
	else if (!c->has_default)
		buf_str_put(out, is_text(c) ? STR("''") : STR("0"));
	else {
		buf_lit(out, "DEFAULT(");
		name_put(out, c->name);
		buf_char(out, ')');
	}
	buf_char(out, ')');
}

static bool
body_column(const struct plan_write *w, const struct plan_column *pc, unsigned when)
{
	return pc->column != NULL && set_of(w->rule, pc->column->name, when) == NULL;
}

static bool
named(const struct plan_write *w, const struct schema_column *c)
{
	for (unsigned i = 0; i < w->n_cols; i++)
		if (w->cols[i].column == c)
			return true;
	return set_of(w->rule, c->name, SET_CREATE | SET_IF_EMPTY) != NULL;
}

/* Columns that neither a body nor the server gives and that have no default: '' or 0, as OpenEMR's relaxed sql_mode makes them. */
static void
insert_rest(struct build *b, const struct plan_write *w, struct buf *cols, struct buf *vals, bool *any)
{
	for (size_t i = 0; i < schema_count(b->schema); i++) {
		const struct schema_column *c = schema_at(b->schema, i);
		if (!str_eq(c->table, str_of(w->rule->table)) || c->nullable || c->has_default || c->default_now ||
		    c->automatic || named(w, c))
			continue;
		bool again = *any;
		comma_put(cols, any);
		comma_put(vals, &again);
		name_put(cols, c->name);
		buf_str_put(vals, is_text(c) ? STR("''") : STR("0"));
	}
}

static const char *
insert_sql(struct build *b, const struct plan_write *w)
{
	struct buf cols, vals;
	bool any = false;
	buf_init(&cols, b->a, SQL_FIRST, SQL_MAX);
	buf_init(&vals, b->a, SQL_FIRST, SQL_MAX);
	buf_lit(&cols, "INSERT INTO ");
	name_put(&cols, str_of(w->rule->table));
	buf_lit(&cols, " (");
	for (unsigned i = 0; i < w->n_cols; i++) {
		if (!body_column(w, &w->cols[i], SET_CREATE))
			continue;
		bool again = any;
		comma_put(&cols, &any);
		comma_put(&vals, &again);
		name_put(&cols, w->cols[i].column->name);
		insert_value_put(&vals, &w->cols[i]);
	}
	for (unsigned i = 0; i < w->n_sets; i++) {
		if (!((unsigned)w->sets[i]->when & SET_CREATE))
			continue;
		bool again = any;
		comma_put(&cols, &any);
		comma_put(&vals, &again);
		name_put(&cols, str_of(w->sets[i]->col));
		buf_str_put(&vals, w->sets[i]->what == SV_NOW ? STR("NOW()") : STR("?"));
	}
	insert_rest(b, w, &cols, &vals, &any);
	buf_lit(&cols, ") VALUES (");
	buf_str_put(&cols, buf_str(&vals));
	buf_char(&cols, ')');
	return sql_done(&cols);
}

/* --- UPDATE ------------------------------------------------------------------------------------------------------------------- */

static const char *
update_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	bool any = false;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	buf_lit(&out, "UPDATE ");
	name_put(&out, str_of(w->rule->table));
	buf_lit(&out, " SET ");
	for (unsigned i = 0; i < w->n_cols; i++) {
		if (!body_column(w, &w->cols[i], SET_UPDATE))
			continue;
		comma_put(&out, &any);
		name_put(&out, w->cols[i].column->name);
		buf_str_put(&out, w->cols[i].nullable_date ? STR(" = IF(?, ?, ") : STR(" = COALESCE(?, "));
		name_put(&out, w->cols[i].column->name);
		buf_char(&out, ')');
	}
	for (unsigned i = 0; i < w->n_sets; i++) {
		if (!((unsigned)w->sets[i]->when & SET_UPDATE))
			continue;
		comma_put(&out, &any);
		name_put(&out, str_of(w->sets[i]->col));
		buf_str_put(&out, w->sets[i]->what == SV_NOW ? STR(" = NOW()") : STR(" = ?"));
	}
	buf_lit(&out, " WHERE `uuid` = ?");
	return sql_done(&out);
}

/* --- side effects ------------------------------------------------------------------------------------------------------------- */

/* uuid_registry: the row's own uuid, then those of its mappings. */
static const char *
registry_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	buf_lit(&out, "INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, "
	              "mapped, created) VALUES (?, '");
	buf_str_put(&out, str_of(w->rule->table));
	buf_lit(&out, "', 'id', '', '', 0, 0, NOW())");
	for (unsigned i = 0; w->has_mapping && i < w->rule->n_mapped; i++)
		buf_lit(&out, ", (?, 'uuid_mapping', 'id', '', '', 0, 1, NOW())");
	return sql_done(&out);
}

static const char *
mapping_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	buf_init(&out, b->a, SQL_FIRST, SQL_MAX);
	buf_str_put(&out,
	    w->has_path ? STR("INSERT INTO uuid_mapping (uuid, resource, resource_path, `table`, target_uuid, "
	                      "created) VALUES ")
	                : STR("INSERT INTO uuid_mapping (uuid, resource, `table`, target_uuid, created) VALUES "));
	for (unsigned i = 0; i < w->rule->n_mapped; i++) {
		const struct mapped *m = &w->rule->mapped[i];
		buf_printf(&out, "%s(?, '%s', ", i == 0 ? "" : ", ", m->resource);
		if (w->has_path)
			buf_printf(&out, "'%s', ", m->path);
		buf_printf(&out, "'%s', ?, NOW())", w->rule->table);
	}
	return sql_done(&out);
}

/* The next number of a table that counts by hand. Writers queue at the row of sequences, which is locked first: a lock on the end of the
 * table itself would be shared by two who wait for each other. PHP does not queue; losing to it is a duplicate, and tried again. */
static const char *
next_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	const char *column = NULL;
	for (unsigned i = 0; i < w->n_sets; i++)
		if (w->sets[i]->what == SV_NEXT)
			column = w->sets[i]->col;
	if (column == NULL)
		return "";
	buf_init(&out, b->a, 256, SQL_MAX);
	buf_printf(&out, "SELECT COALESCE(MAX(`%s`), 0) + 1 FROM `%s`", column, w->rule->table);
	return sql_done(&out);
}

static const char *
exists_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	if (w->exists_field == NULL)
		return "";
	struct str in = str_of(w->exists_field->exists_in);
	size_t dot = str_find(in, '.');
	buf_init(&out, b->a, 256, SQL_MAX);
	buf_lit(&out, "SELECT 1 FROM ");
	name_put(&out, str_sub(in, 0, dot));
	buf_lit(&out, " WHERE ");
	name_put(&out, str_skip(in, dot + 1));
	buf_lit(&out, " = ?");
	return sql_done(&out);
}

static void
sets_find(struct build *b, struct plan_write *w)
{
	for (unsigned i = 0; i < w->rule->n_sets; i++) {
		CHECK(w->n_sets < NITEMS(w->sets));
		if (schema_column(b->schema, str_of(w->rule->table), str_of(w->rule->sets[i].col)) != NULL)
			w->sets[w->n_sets++] = &w->rule->sets[i];
	}
}

struct plan_write *
plan_write_make(struct build *b, struct plan *p)
{
	struct plan_write *w = ARENA_NEW(b->a, struct plan_write);
	struct plan_source *ps = &p->sources[0];
	if (w == NULL)
		return NULL;
	b->source = ps->s;
	w->rule = p->res->write;
	w->cols = arena_array(b->a, WRITE_COLS_MAX, sizeof *w->cols);
	if (w->cols == NULL)
		return NULL;
	w->has_registry = schema_has_table(b->schema, STR("uuid_registry"));
	w->has_mapping = w->has_registry && w->rule->n_mapped > 0 && schema_has_table(b->schema, STR("uuid_mapping"));
	w->has_path = schema_column(b->schema, STR("uuid_mapping"), STR("resource_path")) != NULL;
	for (unsigned i = 0; i < ps->n_ops; i++) {
		struct plan_op *op = (struct plan_op *)(uintptr_t)&ps->ops[i]; /* ours until the plan is done */
		if (op->f->flags & F_WRITE)
			columns_add(b, w, op);
		if (op->f->flags & R_EXISTS)
			w->exists_field = op->f;
	}
	sets_find(b, w);
	const char *name = p->res->name;
	w->insert = (struct db_stmt){ .name = name, .sql = insert_sql(b, w) };
	w->update = (struct db_stmt){ .name = name, .sql = update_sql(b, w) };
	w->next = (struct db_stmt){ .name = name, .sql = next_sql(b, w) };
	w->lock = (struct db_stmt){ .name = "sequences", .sql = "SELECT s.id FROM sequences s FOR UPDATE" };
	w->has_lock = w->next.sql != NULL && w->next.sql[0] != 0 && schema_has_table(b->schema, STR("sequences"));
	w->registry = (struct db_stmt){ .name = "uuid_registry", .sql = registry_sql(b, w) };
	w->mapping = (struct db_stmt){ .name = "uuid_mapping", .sql = mapping_sql(b, w) };
	w->exists = (struct db_stmt){ .name = name, .sql = exists_sql(b, w) };
	bool ok = w->insert.sql != NULL && w->update.sql != NULL && w->next.sql != NULL && w->registry.sql != NULL &&
	          w->mapping.sql != NULL && w->exists.sql != NULL;
	return ok ? w : NULL;
}
