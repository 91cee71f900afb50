/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for writing: one INSERT and one UPDATE per resource, whatever members a body has. A column that the body does not give is
 * bound as NULL: COALESCE(?, DEFAULT(c)) on insert, COALESCE(?, c) on update, so two statements serve every body and no text
 * is ever made from a request. A column that may be set to NULL takes two marks: IF(?, ?, ...).                            */
#include "backends/direct/engine/plan_private.h"

enum { SQL_FIRST = 2048, SQL_MAX = 64 << 10, WRITE_COLS_MAX = 160 };

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

/* The further table that an alias of a body's field names, or NULL. */
static const char *
further_table(const struct write_rule *rule, struct str alias)
{
	for (unsigned i = 0; i < rule->n_further; i++)
		if (rule->further[i].alias != NULL && str_eq(alias, str_of(rule->further[i].alias)))
			return rule->further[i].table;
	return NULL;
}

static const struct schema_column *
input_column(struct build *b, const struct write_rule *rule, const struct field *f, struct str word)
{
	size_t dot = str_find(word, '.');
	const char *further = further_table(rule, str_sub(word, 0, dot));
	if (further != NULL)
		return schema_column(b->schema, str_of(further), str_skip(word, dot + 1));
	const struct schema_column *col = column_of(b->schema, b->source, NULL, word);
	if (col == NULL && f->was != NULL)
		col = column_of(b->schema, b->source, NULL, str_of(f->was));
	return col;
}

static unsigned
rules_bits(const struct build *b, const struct field *f)
{
	return b->compat == COMPAT_CLASSIC && f->classic_rules != 0 ? f->classic_rules : f->flags;
}

static short
column_add(struct plan_write *w, const struct plan_column *pc)
{
	unsigned k = pc->own && pc->column != NULL ? 0 : w->n_cols;
	while (k < w->n_cols && (w->cols[k].column != pc->column || !w->cols[k].own))
		k++;
	if (k == w->n_cols) {
		CHECK(w->n_cols < WRITE_COLS_MAX);
		w->cols[w->n_cols++] = *pc;
	}
	return (short)k;
}

/* What a field free of columns is checked against: nothing. */
static const struct schema_column any_text = { .type = COL_TEXT, .nullable = true };

/* Adds the values that one field gives. Columns of tables that the write does not touch are not written. */
static void
columns_add(struct build *b, struct plan_write *w, struct plan_op *op)
{
	struct str rest = str_of(op->f->cols), word;
	if (op->f->cols == NULL) {
		op->write[0] = column_add(
		    w, &(struct plan_column){
		           .column = &any_text, .f = op->f, .input = op->f->name, .rules = rules_bits(b, op->f) });
		return;
	}
	for (unsigned i = 0; words_next(&rest, &word); i++) {
		struct str alias = str_sub(word, 0, str_find(word, '.'));
		if (str_eq(word, STR("-")))
			continue;
		bool own = str_eq(alias, str_of(b->source->alias));
		if (!own && further_table(w->rule, alias) == NULL)
			continue;
		const struct schema_column *col = input_column(b, w->rule, op->f, word);
		const struct field *f = rules_of(w->rule, op->f, word);
		op->write[i] = column_add(w, &(struct plan_column){ .column = col,
		                                 .f = f,
		                                 .input = op->f->name,
		                                 .rules = rules_bits(b, f),
		                                 .own = own,
		                                 .nullable_date = col != NULL && col->nullable &&
		                                                  str_find_str(col->name, STR("date")) < col->name.n });
	}
}

/* The members of bodies: the answer's fields, or the rule's own. NULL: out of memory. */
static struct plan_op *
inputs_make(struct build *b, const struct write_rule *rule)
{
	struct plan_op *ops = arena_array(b->a, rule->n_inputs + 1, sizeof *ops);
	if (ops == NULL)
		return NULL;
	memset(ops, 0, (rule->n_inputs + 1) * sizeof *ops);
	for (unsigned i = 0; i < rule->n_inputs; i++) {
		ops[i].f = &rule->inputs[i];
		ops[i].codec = codec_of(rule->inputs[i].kind);
		ops[i].key = arena_printf(b->a, "\"%s\":", rule->inputs[i].name);
		if (ops[i].key.p == NULL)
			return NULL;
		for (unsigned k = 0; k < FIELD_COLS_MAX; k++)
			ops[i].slot[k] = ops[i].write[k] = SLOT_NONE;
	}
	return ops;
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
insert_value_put(struct buf *out, const struct plan_column *pc, bool no_defaults)
{
	const struct schema_column *c = pc->column;
	buf_str_put(out, pc->nullable_date ? STR("IF(?, ?, ") : STR("COALESCE(?, "));
	if (no_defaults && c->nullable)
		buf_lit(out, "NULL");
	else if (c->default_now)
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
	return pc->own && pc->column != NULL && set_of(w->rule, pc->column->name, when) == NULL;
}

/* An INSERT or the SET list of an UPDATE being put together. */
struct columns {
	struct build *b;
	const char *table;
	struct buf cols, vals; /* an UPDATE uses cols alone */
	struct str seen[SETS_MAX + WRITE_COLS_MAX];
	unsigned n;
};

static void
columns_begin(struct columns *c, struct build *b, const char *table, const char *begin)
{
	*c = (struct columns){ .b = b, .table = table };
	buf_init(&c->cols, b->a, SQL_FIRST, SQL_MAX);
	buf_init(&c->vals, b->a, SQL_FIRST, SQL_MAX);
	buf_str_put(&c->cols, str_of(begin));
	name_put(&c->cols, str_of(table));
}

static void
column_begin(struct columns *c, struct str name)
{
	bool any = c->n > 0, again = any;
	comma_put(&c->cols, &any);
	comma_put(&c->vals, &again);
	name_put(&c->cols, name);
	CHECK(c->n < NITEMS(c->seen));
	c->seen[c->n++] = name;
}

/* What stands for a set's value: ?, or its expression, or NOW(). A body's value keeps the default (column unchanged) when not given. */
static void
set_value_put(struct buf *out, const struct columns *c, const struct server_set *s, bool update)
{
	const struct schema_column *col = schema_column(c->b->schema, str_of(c->table), str_of(s->col));
	if (s->sql != NULL)
		buf_str_put(out, str_of(s->sql));
	else if (s->what == SV_NOW)
		buf_lit(out, "NOW()");
	else if ((s->what == SV_BODY || s->if_given != NULL) && update)
		buf_printf(out, "COALESCE(?, `%s`)", s->col);
	else if (s->what == SV_BODY && col != NULL)
		insert_value_put(out, &(struct plan_column){ .column = col }, false);
	else
		buf_char(out, '?');
}

static void
set_put(struct columns *c, const struct server_set *s, bool update)
{
	column_begin(c, str_of(s->col));
	if (update)
		buf_lit(&c->cols, " = ");
	set_value_put(update ? &c->cols : &c->vals, c, s, update);
}

/* Columns that neither a body nor the server gives and that have no default: '' or 0, as OpenEMR's relaxed sql_mode makes them. */
static const char *
insert_done(struct columns *c)
{
	for (size_t i = 0; i < schema_count(c->b->schema); i++) {
		const struct schema_column *col = schema_at(c->b->schema, i);
		bool named = false;
		if (!str_eq(col->table, str_of(c->table)) || col->nullable || col->has_default || col->default_now ||
		    col->automatic)
			continue;
		for (unsigned k = 0; k < c->n; k++)
			named = named || str_eq(c->seen[k], col->name);
		if (named)
			continue;
		column_begin(c, col->name);
		buf_str_put(&c->vals, is_text(col) ? STR("''") : STR("0"));
	}
	buf_lit(&c->cols, ") VALUES (");
	buf_str_put(&c->cols, buf_str(&c->vals));
	buf_char(&c->cols, ')');
	return buf_ok(&c->vals) ? sql_done(&c->cols) : NULL;
}

static const char *
insert_sql(struct build *b, const struct plan_write *w)
{
	struct columns c;
	columns_begin(&c, b, w->rule->table, "INSERT INTO ");
	buf_lit(&c.cols, " (");
	for (unsigned i = 0; i < w->n_cols; i++) {
		if (!body_column(w, &w->cols[i], SET_CREATE))
			continue;
		column_begin(&c, w->cols[i].column->name);
		insert_value_put(&c.vals, &w->cols[i], w->rule->no_defaults);
	}
	for (unsigned i = 0; i < w->n_sets; i++)
		if ((unsigned)w->sets[i]->when & SET_CREATE)
			set_put(&c, w->sets[i], false);
	return insert_done(&c);
}

/* --- UPDATE ------------------------------------------------------------------------------------------------------------------- */

static struct str
id_column(const struct build *b)
{
	struct str id = str_of(b->source->id);
	return str_skip(id, str_find(id, '.') + 1);
}

/* "" when an update has nothing to write. */
static const char *
update_sql(struct build *b, const struct plan_write *w)
{
	struct columns c;
	columns_begin(&c, b, w->rule->table, "UPDATE ");
	buf_lit(&c.cols, " SET ");
	for (unsigned i = 0; i < w->n_cols; i++) {
		if (!body_column(w, &w->cols[i], SET_UPDATE))
			continue;
		struct str name = w->cols[i].column->name;
		column_begin(&c, name);
		buf_str_put(&c.cols, w->cols[i].nullable_date ? STR(" = IF(?, ?, ") : STR(" = COALESCE(?, "));
		name_put(&c.cols, name);
		buf_char(&c.cols, ')');
	}
	for (unsigned i = 0; i < w->n_sets; i++)
		if ((unsigned)w->sets[i]->when & SET_UPDATE)
			set_put(&c, w->sets[i], true);
	if (c.n == 0)
		return "";
	buf_lit(&c.cols, " WHERE ");
	name_put(&c.cols, id_column(b));
	buf_lit(&c.cols, " = ?");
	return sql_done(&c.cols);
}

static const char *
remove_sql(struct build *b, const struct plan_write *w)
{
	struct buf out;
	buf_init(&out, b->a, 256, SQL_MAX);
	if (w->rule->soft_delete != NULL)
		buf_printf(&out, "UPDATE `%s` SET %s", w->rule->table, w->rule->soft_delete);
	else
		buf_printf(&out, "DELETE FROM `%s`", w->rule->table);
	buf_lit(&out, " WHERE ");
	name_put(&out, id_column(b));
	buf_lit(&out, " = ?");
	return sql_done(&out);
}

/* --- further rows --------------------------------------------------------------------------------------------------------------- */

static const char *
further_insert(struct build *b, const struct plan_further *pf)
{
	struct columns c;
	if (!(pf->f->when & SET_CREATE))
		return "";
	columns_begin(&c, b, pf->f->table, pf->f->replace ? "REPLACE INTO " : "INSERT INTO ");
	buf_lit(&c.cols, " (");
	for (unsigned i = 0; i < pf->n_sets; i++)
		set_put(&c, pf->sets[i], false);
	return insert_done(&c);
}

/* Sets of an update are those with SET_UPDATE. */
static const char *
further_update(struct build *b, const struct plan_further *pf)
{
	struct columns c;
	if (!(pf->f->when & SET_UPDATE) || pf->f->replace)
		return "";
	columns_begin(&c, b, pf->f->table, "UPDATE ");
	buf_lit(&c.cols, " SET ");
	for (unsigned i = 0; i < pf->n_sets; i++)
		if ((unsigned)pf->sets[i]->when & SET_UPDATE)
			set_put(&c, pf->sets[i], true);
	CHECK(pf->f->key != NULL && c.n > 0); /* rows: mapping_check */
	buf_printf(&c.cols, " WHERE `%s` = ?", pf->f->key);
	if (pf->f->where != NULL)
		buf_printf(&c.cols, " AND %s", pf->f->where);
	return sql_done(&c.cols);
}

static int
further_make(struct build *b, struct plan_write *w)
{
	CHECK(w->rule->n_further <= FURTHER_MAX);
	for (unsigned i = 0; i < w->rule->n_further; i++) {
		const struct further *f = &w->rule->further[i];
		struct plan_further *pf = &w->further[w->n_further++];
		if (!schema_has_table(b->schema, str_of(f->table)))
			continue;
		pf->f = f;
		for (unsigned k = 0; k < f->n_sets; k++) {
			CHECK(pf->n_sets < SETS_MAX);
			if (schema_column(b->schema, str_of(f->table), str_of(f->sets[k].col)) != NULL)
				pf->sets[pf->n_sets++] = &f->sets[k];
			w->wants_group = w->wants_group || f->sets[k].what == SV_GROUP;
		}
		pf->insert = (struct db_stmt){ .name = f->table, .sql = further_insert(b, pf) };
		pf->update = (struct db_stmt){ .name = f->table, .sql = further_update(b, pf) };
		if (pf->insert.sql == NULL || pf->update.sql == NULL)
			return -1;
	}
	return 0;
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

static int
exists_add(struct build *b, struct plan_write *w, const struct field *f)
{
	struct buf out;
	struct str in = str_of(f->exists_in);
	size_t dot = str_find(in, '.');
	CHECK(w->n_exists < EXISTS_MAX);
	buf_init(&out, b->a, 256, SQL_MAX);
	buf_lit(&out, "SELECT 1 FROM ");
	name_put(&out, str_sub(in, 0, dot));
	buf_lit(&out, " WHERE ");
	name_put(&out, str_skip(in, dot + 1));
	buf_lit(&out, " = ? LIMIT 1");
	w->exists[w->n_exists].f = f;
	w->exists[w->n_exists].column = schema_column(b->schema, str_sub(in, 0, dot), str_skip(in, dot + 1));
	w->exists[w->n_exists].stmt = (struct db_stmt){ .name = b->name, .sql = sql_done(&out) };
	return w->exists[w->n_exists++].stmt.sql == NULL ? -1 : 0;
}

static void
sets_find(struct build *b, struct plan_write *w)
{
	for (unsigned i = 0; i < w->rule->n_sets; i++) {
		CHECK(w->n_sets < NITEMS(w->sets));
		w->wants_group = w->wants_group || w->rule->sets[i].what == SV_GROUP;
		if (schema_column(b->schema, str_of(w->rule->table), str_of(w->rule->sets[i].col)) != NULL)
			w->sets[w->n_sets++] = &w->rule->sets[i];
	}
}

static bool
sets_have(const struct plan_write *w, enum server_value what)
{
	for (unsigned i = 0; i < w->n_sets; i++)
		if (w->sets[i]->what == what)
			return true;
	return false;
}

static bool
also_present(const struct build *b, const struct write_rule *rule)
{
	struct str rest = str_of(rule->also_tables), word;
	while (words_next(&rest, &word))
		if (!schema_has_table(b->schema, word))
			return false;
	return rule->also != NULL;
}

static int
inputs_take(struct build *b, struct plan_write *w, struct plan_source *ps)
{
	struct plan_op *ops = (struct plan_op *)(uintptr_t)ps->ops; /* ours until the plan is done */
	w->n_ops = ps->n_ops;
	if (w->rule->inputs != NULL) {
		ops = inputs_make(b, w->rule);
		w->n_ops = w->rule->n_inputs;
	}
	w->ops = ops;
	for (unsigned i = 0; ops != NULL && i < w->n_ops; i++) {
		if (ops[i].f->flags & F_WRITE)
			columns_add(b, w, &ops[i]);
		if ((ops[i].f->flags & R_EXISTS) && exists_add(b, w, ops[i].f) != 0)
			return -1;
	}
	return ops == NULL ? -1 : 0;
}

static bool
statements_make(struct build *b, struct plan_write *w, const char *name)
{
	w->insert = (struct db_stmt){ .name = name, .sql = insert_sql(b, w) };
	w->update = (struct db_stmt){ .name = name, .sql = update_sql(b, w) };
	w->remove = (struct db_stmt){ .name = name, .sql = remove_sql(b, w) };
	w->next = (struct db_stmt){ .name = name, .sql = next_sql(b, w) };
	w->lock = (struct db_stmt){ .name = "sequences", .sql = "SELECT s.id FROM sequences s FOR UPDATE" };
	w->sequence = (struct db_stmt){ .name = "sequences",
		.sql = !sets_have(w, SV_SEQUENCE)
		           ? ""
		           : arena_printf(b->a, "UPDATE sequences SET id = LAST_INSERT_ID(id + %u)%c",
		                 MAX(w->rule->n_numbers, 1u), 0)
		                 .p };
	w->has_lock = w->next.sql != NULL && w->next.sql[0] != 0 && schema_has_table(b->schema, STR("sequences"));
	w->registry = (struct db_stmt){ .name = "uuid_registry", .sql = registry_sql(b, w) };
	w->mapping = (struct db_stmt){ .name = "uuid_mapping", .sql = mapping_sql(b, w) };
	return w->insert.sql != NULL && w->update.sql != NULL && w->remove.sql != NULL && w->next.sql != NULL &&
	       w->registry.sql != NULL && w->mapping.sql != NULL;
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
	w->log = w->rule->log != NULL                         ? w->rule->log
	         : p->res->compartment == COMPARTMENT_PATIENT ? "patient-record"
	                                                      : "other";
	w->cols = arena_array(b->a, WRITE_COLS_MAX, sizeof *w->cols);
	if (w->cols == NULL)
		return NULL;
	sets_find(b, w);
	w->has_registry = sets_have(w, SV_UUID) && schema_has_table(b->schema, STR("uuid_registry"));
	w->has_mapping = w->has_registry && w->rule->n_mapped > 0 && schema_has_table(b->schema, STR("uuid_mapping"));
	w->has_also = also_present(b, w->rule);
	w->has_path = schema_column(b->schema, STR("uuid_mapping"), STR("resource_path")) != NULL;
	if (inputs_take(b, w, ps) != 0 || further_make(b, w) != 0 || !statements_make(b, w, p->res->name))
		return NULL;
	return w;
}
