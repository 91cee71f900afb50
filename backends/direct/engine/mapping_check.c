/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One function per kind of row. */
#include "backends/direct/engine/mapping_check.h"

#include <stdarg.h>
#include <stdio.h>

struct check {
	const struct schema *schema;
	void (*tell)(void *, const char *);
	void *arg;
	unsigned n;
	const struct resource *res;
	const struct source *s;
	const struct child *c;
};

PRINTF_LIKE(2, 3)
static void
tell(struct check *k, const char *fmt, ...)
{
	char text[400], what[300];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	(void)snprintf(text, sizeof text, "%s%s%s: %s", k->res == NULL ? "routes" : k->res->name,
	    k->s == NULL ? "" : " from ", k->s == NULL ? "" : k->s->table, what);
	k->tell(k->arg, text);
	k->n++;
}

/* --- columns -------------------------------------------------------------------------------------------------------------------- */

static const struct schema_column *
column_check(struct check *k, const char *where, struct str name)
{
	size_t dot = str_find(name, '.');
	struct str table = alias_table(k->s, k->c, str_sub(name, 0, dot));
	if (dot >= name.n || table.n == 0) {
		tell(k, "%s: %.*s has no known alias", where, STR_ARG(name));
		return NULL;
	}
	const struct schema_column *c = schema_column(k->schema, table, str_skip(name, dot + 1));
	if (c == NULL)
		tell(k, "%s: no column %.*s.%.*s", where, STR_ARG(table), STR_ARG(str_skip(name, dot + 1)));
	return c;
}

static unsigned
columns_check(struct check *k, const char *where, const char *cols)
{
	struct str rest = str_of(cols), word;
	unsigned n = 0;
	for (; words_next(&rest, &word); n++)
		if (!str_eq(word, STR("-")))
			(void)column_check(k, where, word);
	return n;
}

static void
key_check(struct check *k, const char *where, const char *name, bool indexed)
{
	if (name == NULL) {
		tell(k, "%s is missing", where);
		return;
	}
	const struct schema_column *c = column_check(k, where, str_of(name));
	if (c != NULL && indexed && !c->indexed)
		tell(k, "%s: %s has no index", where, name);
}

/* What the engine reads as a cell's integer: of another type's cell that is no number, or the bits of a float. */
static void
number_check(struct check *k, const char *where, const char *name)
{
	struct str word = str_of(name);
	size_t dot = str_find(word, '.');
	key_check(k, where, name, true);
	const struct schema_column *c =
	    schema_column(k->schema, alias_table(k->s, NULL, str_sub(word, 0, dot)), str_skip(word, dot + 1));
	if (c != NULL && c->type != COL_INT)
		tell(k, "%s: %s is no integer", where, name);
}

static void
fragment_check(struct check *k, const char *where, const char *sql)
{
	struct str rest = str_of(sql), name;
	while (fragment_next(&rest, &name))
		if (alias_table(k->s, k->c, str_sub(name, 0, str_find(name, '.'))).n > 0)
			(void)column_check(k, where, name);
}

/* --- fields --------------------------------------------------------------------------------------------------------------------- */

static void
field_check(struct check *k, const struct field *f)
{
	const struct codec *codec = codec_of(f->kind);
	const char *name = f->name == NULL ? "element" : f->name;
	unsigned n = columns_check(k, name, f->cols) + (f->sql != NULL);
	fragment_check(k, name, f->sql);
	if (n < codec->cols_min || n > codec->cols_max)
		tell(
		    k, "%s: %s takes %u to %u columns, not %u", name, codec->name, codec->cols_min, codec->cols_max, n);
	if ((f->flags & F_WRITE) && codec->get == NULL)
		tell(k, "%s: %s cannot be written", name, codec->name);
	if ((f->flags & F_REQUIRED) && !(f->flags & F_WRITE))
		tell(k, "%s: required, but not written", name);
	if (((f->flags & R_EXISTS) != 0) != (f->exists_in != NULL))
		tell(k, "%s: R_EXISTS and exists_in belong together", name);
	if ((f->flags & F_CODES) && (n != 2 || f->sql == NULL))
		tell(k, "%s: one column of codes, and the text of the first", name);
	if (f->kind == K_FIXUP && f->fixup == NULL)
		tell(k, "%s: no fixup", name);
	if ((f->kind == K_CODE || f->kind == K_EXT_CODE) && f->map == NULL)
		tell(k, "%s: no map", name);
	if (f->kind == K_KEYED && f->arg == NULL)
		tell(k, "%s: under which member?", name);
	if ((f->kind == K_CHILDREN || f->kind == K_KEYED) && (k->s == NULL || f->arg_n >= k->s->n_children))
		tell(k, "%s: no child %u", name, f->arg_n);
	if (f->kind == K_CONST && f->arg == NULL)
		tell(k, "%s: no constant", name);
	if (f->min > 0 && f->max > 0 && f->min > f->max)
		tell(k, "%s: min over max", name);
}

static bool
same_name(const struct field *a, const struct field *b)
{
	return a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0;
}

static void
fields_check(struct check *k, const struct field *fields, unsigned n)
{
	if (n == 0)
		tell(k, "no fields");
	for (unsigned i = 0; i < n; i++) {
		field_check(k, &fields[i]);
		if (fields[i].kind == K_OBJECT)
			fields_check(k, fields[i].sub, fields[i].n_sub);
		for (unsigned j = i + 1; j < n; j++) {
			bool list = (fields[i].flags & fields[j].flags & F_LIST) != 0;
			unsigned both = fields[i].flags | fields[j].flags;
			bool apart = (both & F_V8) && (both & F_CLASSIC) &&
			             !(fields[i].flags & fields[j].flags & (F_V8 | F_CLASSIC));
			if (same_name(&fields[i], &fields[j]) && !apart &&
			    (!list || !same_name(&fields[j - 1], &fields[j])))
				tell(k, "%s: twice, and not as rows of one list", fields[i].name);
		}
	}
}

/* --- sources -------------------------------------------------------------------------------------------------------------------- */

static void
params_check(struct check *k)
{
	for (unsigned i = 0; i < k->s->n_params; i++) {
		const struct param *p = &k->s->params[i];
		if (columns_check(k, p->name, p->cols) == 0 && p->sql == NULL)
			tell(k, "parameter %s: no columns", p->name);
		if (p->match == M_REFERENCE && p->arg == NULL)
			tell(k, "parameter %s: reference to what?", p->name);
		if (p->child_cols != NULL && p->child_n < k->s->n_children) {
			k->c = &k->s->children[p->child_n];
			(void)columns_check(k, p->name, p->child_cols);
			k->c = NULL;
		} else if (p->child_cols != NULL) {
			tell(k, "parameter %s: no child %u", p->name, p->child_n);
		}
		for (unsigned j = i + 1; j < k->s->n_params; j++)
			if (strcmp(p->name, k->s->params[j].name) == 0)
				tell(k, "parameter %s: twice", p->name);
	}
}

static void
child_check(struct check *k, const struct child *c)
{
	k->c = c;
	if (c->n_tables == 0 || c->tables[0].on == NULL)
		tell(k, "child %s: not tied to its parent", c->name);
	for (unsigned i = 0; i < c->n_tables; i++)
		if (!schema_has_table(k->schema, str_of(c->tables[i].table)))
			tell(k, "child %s: no table %s", c->name, c->tables[i].table);
	if (c->order == NULL)
		tell(k, "child %s: no order", c->name);
	fields_check(k, c->fields, c->n_fields);
	fragment_check(k, "where", c->where);
	fragment_check(k, "order", c->order);
	for (unsigned i = 0; i < c->n_tables; i++)
		fragment_check(k, "on", c->tables[i].on);
	k->c = NULL;
}

/* Columns of the keys, of the ties to the path, and of the order. */
static void
keys_check(struct check *k, const struct source *s)
{
	for (unsigned i = 0; i < s->n_keys; i++) {
		const struct key *key = &s->keys[i];
		const char *const cols[] = { key->uuid, key->number, key->text };
		unsigned n = 0;
		for (size_t j = 0; j < NITEMS(cols); j++)
			if (cols[j] != NULL)
				n += columns_check(k, key->param, cols[j]);
		if (n == 0)
			tell(k, "key %s: no column", key->param);
	}
	if (s->n_keys == 0 && s->uuid == NULL && s->id != NULL && !s->list_only)
		tell(k, "no uuid and no keys: nothing can be read");
	if (s->pid != NULL)
		key_check(k, "pid", s->pid, false);
	if (s->encounter != NULL)
		key_check(k, "encounter", s->encounter, false);
	struct str rest = str_of(s->order), word;
	while (words_next(&rest, &word))
		(void)column_check(k, "order", str_skip(word, word.p[0] == '-' || word.p[0] == '~'));
	if (s->no_list && (s->list_only || s->id == NULL))
		tell(k, "neither in lists nor by reads, or a list in one statement");
	if (s->id == NULL && s->n_children > 0)
		tell(k, "children without an id");
}

static void
source_check(struct check *k, const struct source *s)
{
	k->s = s;
	if (!schema_has_table(k->schema, str_of(s->table)))
		tell(k, "no table");
	if (s->id != NULL)
		number_check(k, "id", s->id);
	if (s->clustered != NULL)
		number_check(k, "clustered", s->clustered);
	if (s->uuid != NULL)
		key_check(k, "uuid", s->uuid, true);
	keys_check(k, s);
	if (s->updated != NULL)
		key_check(k, "updated", s->updated, false);
	if (s->created != NULL)
		key_check(k, "created", s->created, false);
	if (k->res->compartment == COMPARTMENT_PATIENT)
		key_check(k, "patient (the row filter)", s->patient, false);
	for (unsigned i = 0; i < s->n_joins; i++)
		if (!schema_has_table(k->schema, str_of(s->joins[i].table)) || s->joins[i].on == NULL)
			tell(k, "join %s: no such table, or no ON", s->joins[i].alias);
		else
			fragment_check(k, "on", s->joins[i].on);
	fragment_check(k, "where", s->where);
	fragment_check(k, "also", s->also);
	if (s->n_children > CHILDREN_MAX)
		tell(k, "more than %d children", CHILDREN_MAX);
	for (unsigned i = 0; i < s->n_children && i < CHILDREN_MAX; i++)
		child_check(k, &s->children[i]);
	fields_check(k, s->fields, s->n_fields);
	params_check(k);
	k->s = NULL;
}

static const struct field *
input_of(const struct check *k, const struct write_rule *w, struct str name)
{
	const struct field *fields = w->inputs != NULL ? w->inputs : k->s->fields;
	unsigned n = w->inputs != NULL ? w->n_inputs : k->s->n_fields;
	for (unsigned i = 0; i < n; i++)
		if (fields[i].name != NULL && str_eq(name, str_of(fields[i].name)))
			return &fields[i];
	return NULL;
}

static void
sets_check(struct check *k, const struct write_rule *w, const char *table, const struct server_set *sets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (schema_column(k->schema, str_of(table), str_of(sets[i].col)) == NULL)
			tell(k, "sets %s.%s: no such column", table, sets[i].col);
		if (sets[i].what == SV_NONE && sets[i].sql == NULL)
			tell(k, "sets %s.%s: to what?", table, sets[i].col);
		if (sets[i].what == SV_BODY && (sets[i].of == NULL || input_of(k, w, str_of(sets[i].of)) == NULL))
			tell(k, "sets %s.%s: bodies have no such field", table, sets[i].col);
		if (sets[i].if_given != NULL && input_of(k, w, str_of(sets[i].if_given)) == NULL)
			tell(k, "sets %s.%s: bodies have no field %s", table, sets[i].col, sets[i].if_given);
		if ((sets[i].what == SV_CONST || sets[i].what == SV_PATH) && sets[i].of == NULL)
			tell(k, "sets %s.%s: of is missing", table, sets[i].col);
	}
}

static void
further_check(struct check *k, const struct write_rule *w)
{
	if (w->n_further > FURTHER_MAX)
		tell(k, "more than %d further rows", FURTHER_MAX);
	for (unsigned i = 0; i < w->n_further; i++) {
		const struct further *f = &w->further[i];
		if (!schema_has_table(k->schema, str_of(f->table)))
			tell(k, "further row: no table %s", f->table);
		if (f->when == 0 || ((f->when & SET_UPDATE) && f->key == NULL && !f->replace))
			tell(k, "further row of %s: when, and on update the key", f->table);
		if (f->if_given != NULL && input_of(k, w, str_of(f->if_given)) == NULL)
			tell(k, "further row of %s: no field %s", f->table, f->if_given);
		if (f->n_sets > SETS_MAX)
			tell(k, "further row of %s: more than %d sets", f->table, SETS_MAX);
		sets_check(k, w, f->table, f->sets, f->n_sets);
	}
}

static void
also_check(struct check *k, const struct write_rule *w)
{
	struct str rest = str_of(w->also_tables), word;
	if ((w->also == NULL) != (w->n_also == 0) || w->n_also > ALSO_MAX)
		tell(k, "also has %u statements, of at most %d", w->n_also, ALSO_MAX);
	if (w->also != NULL && k->s->pid == NULL)
		tell(k, "also: whose rows? writers of one patient take turns");
	for (unsigned i = 0; w->also != NULL && i < w->n_sets; i++)
		if (w->sets[i].what == SV_NEXT)
			tell(k, "also: there is one lock, and SV_NEXT has it");
	while (words_next(&rest, &word))
		if (!schema_has_table(k->schema, word))
			tell(k, "also: no table %.*s", STR_ARG(word));
}

static void
inputs_check(struct check *k, const struct write_rule *w)
{
	for (unsigned i = 0; i < w->n_inputs; i++) {
		const struct field *f = &w->inputs[i];
		if (!(f->flags & F_WRITE))
			tell(k, "input %s: not written", f->name);
		if (codec_of(f->kind)->get == NULL)
			tell(k, "input %s: %s cannot be written", f->name, codec_of(f->kind)->name);
		struct str rest = str_of(f->cols), word;
		while (words_next(&rest, &word)) {
			struct str alias = str_sub(word, 0, str_find(word, '.'));
			bool further = false;
			for (unsigned j = 0; j < w->n_further; j++)
				further = further ||
				          (w->further[j].alias != NULL && str_eq(alias, str_of(w->further[j].alias)));
			if (!further)
				(void)column_check(k, f->name, word);
		}
	}
}

static void
write_check(struct check *k, const struct write_rule *w)
{
	k->s = &k->res->sources[0];
	if (w == NULL)
		return;
	if (strcmp(w->table, k->s->table) != 0)
		tell(k, "writes %s", w->table);
	if (k->s->id == NULL)
		tell(k, "writes without an id");
	if (w->n_sets > SETS_MAX)
		tell(k, "more than %d sets", SETS_MAX);
	sets_check(k, w, w->table, w->sets, w->n_sets);
	further_check(k, w);
	also_check(k, w);
	inputs_check(k, w);
	struct str soft = str_of(w->soft_delete);
	if (soft.n > 0 && schema_column(k->schema, str_of(w->table), str_sub(soft, 0, str_find(soft, ' '))) == NULL)
		tell(k, "soft delete: no column for %s", w->soft_delete);
	struct str rest = str_of(w->rule_order), word;
	while (words_next(&rest, &word))
		if (input_of(k, w, word) == NULL)
			tell(k, "rule order: no field %.*s", STR_ARG(word));
	if (w->answer == NULL)
		tell(k, "no creation answer");
	if (w->duplicate_field != NULL && (w->duplicate_code == NULL || w->duplicate_text == NULL))
		tell(k, "a duplicate without code and text");
	k->s = NULL;
}

static void
resource_check(struct check *k, const struct resource *res)
{
	k->res = res;
	if (res->compartment == COMPARTMENT_UNSET)
		tell(k, "whose data are its rows? compartment is not set");
	if (res->n_sources == 0 || res->n_sources > SOURCES_MAX)
		tell(k, "%u sources", res->n_sources);
	for (unsigned i = 0; i < res->n_sources && i < SOURCES_MAX; i++)
		source_check(k, &res->sources[i]);
	write_check(k, res->write);
	k->res = NULL;
	k->s = NULL;
}

/* A path that names a patient or an encounter in front of the row needs a source that is tied to them. */
static void
path_check(struct check *k, const struct direct_route *row)
{
	const char *last = strrchr(row->pattern, ':');
	if (row->res == NULL || row->op == OP_SPECIAL)
		return;
	for (const char *p = strchr(row->pattern, ':'); p != NULL; p = strchr(p + 1, ':')) {
		struct str name = { p + 1, strcspn(p + 1, "/") };
		const struct source *s = &row->res->sources[0];
		bool own = p == last && (row->op == OP_READ || row->op == OP_UPDATE || row->op == OP_DELETE);
		bool patient = str_eq(name, STR("puuid")) || str_eq(name, STR("pid"));
		bool encounter = str_eq(name, STR("euuid")) || str_eq(name, STR("eid"));
		if (!own && patient && s->pid == NULL)
			tell(k, "%s: rows are not tied to the patient (pid)", row->pattern);
		if (!own && encounter && s->encounter == NULL)
			tell(k, "%s: rows are not tied to the encounter", row->pattern);
	}
}

unsigned
mapping_check(const struct direct_route *rows, unsigned n, const struct schema *schema,
    void (*tell_fn)(void *arg, const char *text), void *arg)
{
	struct check k = { .schema = schema, .tell = tell_fn, .arg = arg };
	for (unsigned i = 0; i < n; i++) {
		bool seen = false;
		for (unsigned j = 0; j < i; j++) {
			if (rows[j].method == rows[i].method && strcmp(rows[j].pattern, rows[i].pattern) == 0)
				tell(&k, "%s: twice", rows[i].pattern);
			seen = seen || rows[j].res == rows[i].res;
		}
		path_check(&k, &rows[i]);
		if (rows[i].op == OP_SPECIAL ? (rows[i].special == NULL) == (rows[i].action == NULL)
		                             : rows[i].res == NULL || rows[i].style == NULL)
			tell(&k, "%s: nobody answers", rows[i].pattern);
		else if (rows[i].op != OP_SPECIAL && !seen)
			resource_check(&k, rows[i].res);
		if ((rows[i].op == OP_CREATE || rows[i].op == OP_UPDATE || rows[i].op == OP_DELETE) &&
		    rows[i].res != NULL && rows[i].res->write == NULL)
			tell(&k, "%s: a write without a write rule", rows[i].pattern);
	}
	return k.n;
}
