/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schemas from rows. */
#include "backends/direct/engine/describe.h"

enum { SAMPLE_MAX = 64, LENGTH_TOLD_MAX = 65535 };

/* --- values -------------------------------------------------------------------------------------------------------------------- */

/* What codec.c writes for a kind; a kind that is not here may be anything. */
static const struct {
	const char *type, *more; /* more: further members of the schema */
	bool number;             /* a text where numbers are texts, or where the site stores one */
} kinds[K_N] = {
	[K_INT] = { "integer", NULL, true },
	[K_FLOAT] = { "number", NULL, true },
	[K_TEXT] = { "string", NULL, false },
	[K_DATE] = { "string", "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\"", false },
	[K_DATETIME] = { "string", "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$\"", false },
	[K_UUID] = { "string", "\"format\":\"uuid\"", false },
	[K_BOOL] = { "boolean", NULL, false },
	[K_HIDDEN] = { "null", NULL, false },
	[K_LIST_TITLE] = { "string", NULL, false },
	[K_LIST_CODES] = { "string", NULL, false },
	[K_LIST_NOTES] = { "string", NULL, false },
	[K_LIST_ID] = { "string", NULL, false },
};

/* The place of a row: what column_of() needs. */
struct place {
	const struct plan_source *ps;
	const struct child *child;
	bool strings;
};

static const struct schema_column *
column_at(const struct place *at, const struct field *f)
{
	struct str rest = str_of(f->cols), word;
	const struct schema_column *c = NULL;
	if (words_next(&rest, &word))
		c = column_of(at->ps->schema, at->ps->s, at->child, word);
	if (c == NULL && f->was != NULL)
		c = column_of(at->ps->schema, at->ps->s, at->child, str_of(f->was));
	return c;
}

static bool
number_column(const struct schema_column *c)
{
	return c->type == COL_INT || c->type == COL_FLOAT;
}

static bool
date_column(const struct schema_column *c)
{
	return c->type == COL_DATE || c->type == COL_DATETIME;
}

/* A column of a joined table is null where nothing is joined; a uuid where none was given yet. */
static bool
may_be_null(const struct place *at, const struct field *f, const struct schema_column *c)
{
	struct str cols = str_of(f->cols), alias = str_sub(cols, 0, str_find(cols, '.'));
	bool joined = at->child == NULL && !str_eq(alias, str_of(at->ps->s->alias));
	return c->nullable || joined || (f->kind != K_INT && f->kind != K_FLOAT && f->kind != K_TEXT);
}

static void
column_value(struct json_write *w, const struct place *at, const struct field *f)
{
	const struct schema_column *c = column_at(at, f);
	struct str more = str_of(kinds[f->kind].more);
	json_obj(w);
	json_key(w, STR("type"));
	if (c == NULL || f->kind == K_HIDDEN) { /* the site lacks it */
		json_str(w, STR("null"));
		json_obj_end(w);
		return;
	}
	bool text = kinds[f->kind].number && (at->strings || !number_column(c)), null = may_be_null(at, f, c);
	if (text || null)
		json_arr(w);
	json_str(w, str_of(kinds[f->kind].type));
	if (text)
		json_str(w, STR("string"));
	if (null)
		json_str(w, STR("null"));
	if (text || null)
		json_arr_end(w);
	if (more.n > 0 && (date_column(c) || f->kind == K_UUID))
		json_key_raw(w, more); /* "name":value as one piece */
	json_obj_end(w);
}

static void object_schema(struct json_write *w, const struct place *at, const struct plan_op *ops, unsigned n);

static void
element_schema(struct json_write *w, const struct place *at, const struct plan_op *op)
{
	const struct field *f = op->f;
	if (f->kind == K_OBJECT) {
		object_schema(w, at, op->sub, op->n_sub);
	} else if (f->kind == K_CHILDREN) {
		const struct plan_child *pc = &at->ps->children[f->arg_n];
		struct place in = { at->ps, pc->child, at->strings };
		bool plain = pc->n_ops == 1 && pc->ops[0].f->name == NULL;
		if (plain)
			element_schema(w, &in, &pc->ops[0]);
		else
			object_schema(w, &in, pc->ops, pc->n_ops);
	} else if (f->kind == K_KEYED) {
		const struct plan_child *pc = &at->ps->children[f->arg_n];
		struct place in = { at->ps, pc->child, at->strings };
		json_obj(w);
		json_kv_str(w, STR("type"), STR("object"));
		json_key(w, STR("additionalProperties"));
		object_schema(w, &in, pc->ops, pc->n_ops);
		json_obj_end(w);
	} else if (f->kind == K_CONST) {
		json_obj(w);
		json_key(w, STR("const"));
		json_raw(w, str_of(f->arg));
		json_obj_end(w);
	} else if (kinds[f->kind].type != NULL && f->sql == NULL) {
		column_value(w, at, f);
	} else {
		json_raw(w, STR("{}"));
	}
}

/* Rows of one name from list_begin to list_end: the elements of an array. */
static const struct plan_op *
list_schema(struct json_write *w, const struct place *at, const struct plan_op *op)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("array"));
	json_key(w, STR("items"));
	json_obj(w);
	json_key(w, STR("anyOf"));
	json_arr(w);
	for (;; op++) {
		element_schema(w, at, op);
		if (op->list_end)
			break;
	}
	json_arr_end(w);
	json_obj_end(w);
	json_obj_end(w);
	return op;
}

/* Every member but an object of rows is always there: what is absent is null. */
static void
object_schema(struct json_write *w, const struct place *at, const struct plan_op *ops, unsigned n)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	for (const struct plan_op *op = ops; op < ops + n; op++) {
		json_key_raw(w, op->key);
		if (op->list_begin)
			op = list_schema(w, at, op);
		else
			element_schema(w, at, op);
	}
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	for (const struct plan_op *op = ops; op < ops + n; op++)
		if (op->f->kind != K_KEYED && !(op->f->flags & F_SPARSE) &&
		    (op == ops || op->list_begin || !str_eq(op->key, (op - 1)->key)))
			json_raw(w, str_sub(op->key, 0, op->key.n - 1)); /* without its colon */
	json_arr_end(w);
	json_kv_bool(w, STR("additionalProperties"), false);
	json_obj_end(w);
}

static struct str
schema_name(struct openapi_operation *op, const struct plan *p, const char *suffix)
{
	return arena_printf(op->arena, "%s%s", p->res->name, suffix);
}

void
describe_rows(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool strings)
{
	struct str name = schema_name(op, p, strings ? "_listed" : "");
	if (openapi_schema(op, p, &name)) {
		if (p->n_sources > 1) {
			json_obj(op->schemas);
			json_key(op->schemas, STR("anyOf"));
			json_arr(op->schemas);
		}
		for (unsigned i = 0; i < p->n_sources; i++) {
			struct place at = { &p->sources[i], NULL, strings };
			const struct plan_op *ops = p->sources[i].ops;
			if (p->sources[i].n_ops == 1 && ops[0].f->name == NULL) /* rows that are one value */
				element_schema(op->schemas, &at, &ops[0]);
			else
				object_schema(op->schemas, &at, ops, p->sources[i].n_ops);
		}
		if (p->n_sources > 1) {
			json_arr_end(op->schemas);
			json_obj_end(op->schemas);
		}
	}
	openapi_ref_put(w, op, STR("schemas"), name);
}

/* --- bodies --------------------------------------------------------------------------------------------------------------------- */

/* The column that a writable field sets, with the field of its rules; NULL: none on this site. */
static const struct plan_column *
written_column(const struct plan *p, const struct plan_op *op)
{
	if (!(op->f->flags & F_WRITE) || op->write[0] == SLOT_NONE)
		return NULL;
	const struct plan_column *pc = &p->write->cols[op->write[0]];
	return pc->column == NULL ? NULL : pc;
}

static void
body_types(struct json_write *w, const struct field *f, const struct schema_column *c, bool required)
{
	json_key(w, STR("type"));
	if (f->kind == K_BOOL) {
		json_str(w, STR("boolean"));
		return;
	}
	json_arr(w);
	if (c->type == COL_INT)
		json_str(w, STR("integer"));
	else if (c->type == COL_FLOAT || c->type == COL_DECIMAL)
		json_str(w, STR("number"));
	json_str(w, STR("string"));
	if (!required)
		json_str(w, STR("null"));
	json_arr_end(w);
}

static void
allowed_put(struct json_write *w, const char *in)
{
	struct str rest = str_of(in), word;
	json_key(w, STR("enum"));
	json_arr(w);
	while (words_next(&rest, &word))
		json_str(w, word);
	json_nil(w);
	json_arr_end(w);
}

static void
body_member(struct json_write *w, const struct plan_column *pc, const struct field *field)
{
	static const struct {
		unsigned bit;
		const char *member, *value;
	} rules[] = { { R_EMAIL | R_EMAIL_STRICT, "format", "email" }, { R_URL, "format", "uri" },
		{ R_DATE, "format", "date" }, { R_NUMERIC, "pattern", "^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$" } };
	const struct field *f = pc->f;
	uint64_t max = f->max > 0 ? f->max : pc->column->type == COL_TEXT ? pc->column->max_chars : 0;
	json_obj(w);
	body_types(w, field, pc->column, (f->flags & F_REQUIRED) != 0);
	for (size_t i = 0; i < NITEMS(rules); i++)
		if (pc->rules & rules[i].bit)
			json_kv_str(w, str_of(rules[i].member), str_of(rules[i].value));
	if (!(pc->rules & R_DATE) && date_column(pc->column))
		json_kv_str(w, STR("description"),
		    pc->column->type == COL_DATE ? STR("YYYY-MM-DD") : STR("YYYY-MM-DD HH:MM:SS"));
	if (f->in != NULL)
		allowed_put(w, f->in);
	if (f->min > 0)
		json_kv_i64(w, STR("minLength"), f->min);
	if (max > 0 && max <= LENGTH_TOLD_MAX)
		json_kv_i64(w, STR("maxLength"), (int64_t)max);
	json_obj_end(w);
}

static bool
in_body(const struct plan *p, const struct plan_op *op, bool create)
{
	return written_column(p, op) != NULL && !(op->f->flags & (create ? F_UPDATE_ONLY : F_CREATE_ONLY));
}

static void
body_schema(struct json_write *w, const struct plan *p, bool create)
{
	const struct plan_write *ps = p->write;
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], create)) {
			json_key_raw(w, ps->ops[i].key);
			body_member(w, written_column(p, &ps->ops[i]), ps->ops[i].f);
		}
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], create) && (ps->ops[i].f->flags & F_REQUIRED) &&
		    (create || ps->rule->update_needs_required || (ps->ops[i].f->flags & F_UPDATE_ONLY)))
			json_str(w, str_of(ps->ops[i].f->name));
	json_arr_end(w);
	json_obj_end(w);
}

void
describe_body(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool create)
{
	struct str name = schema_name(op, p, create ? "_create" : "_update");
	if (openapi_schema(op, p, &name))
		body_schema(op->schemas, p, create);
	openapi_ref_put(w, op, STR("schemas"), name);
}

/* A value that a field's rules take. */
static struct str
sample_of(const struct plan_column *pc, char text[SAMPLE_MAX])
{
	const struct field *f = pc->f;
	struct str allowed = str_of(f->in), word;
	if (words_next(&allowed, &word))
		return word;
	if ((pc->rules & R_DATE) || pc->column->type == COL_DATE)
		return STR("1990-02-28");
	if ((pc->rules & R_DATETIME) || pc->column->type == COL_DATETIME)
		return STR("2026-01-31 10:30:00");
	if (f->flags & (R_EMAIL | R_EMAIL_STRICT))
		return STR("name@example.org");
	if (f->flags & R_URL)
		return STR("https://example.org");
	bool digits = (f->flags & (R_NUMERIC | R_EXISTS)) || pc->column->type != COL_TEXT;
	size_t n = digits ? 1 : STR("Sample").n;
	n = MIN(MAX(n, (size_t)f->min), (size_t)(f->max > 0 ? MIN(f->max, SAMPLE_MAX) : SAMPLE_MAX));
	for (size_t i = 0; i < n; i++)
		text[i] = digits ? '1' : "Sample"[i % STR("Sample").n];
	return (struct str){ text, n };
}

void
describe_body_example(struct json_write *w, const struct plan *p)
{
	const struct plan_write *ps = p->write;
	char text[SAMPLE_MAX];
	json_obj(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], true) && (ps->ops[i].f->flags & F_REQUIRED)) {
			json_key_raw(w, ps->ops[i].key);
			json_str(w, sample_of(written_column(p, &ps->ops[i]), text));
		}
	json_obj_end(w);
}

/* --- parameters and responses --------------------------------------------------------------------------------------------------- */

void
describe_parameter(struct openapi_operation *op, struct str name, struct str schema, struct str text)
{
	json_obj(op->parameters);
	json_kv_str(op->parameters, STR("name"), name);
	json_kv_str(op->parameters, STR("in"), STR("query"));
	if (text.n > 0)
		json_kv_str(op->parameters, STR("description"), text);
	json_key(op->parameters, STR("schema"));
	json_raw(op->parameters, schema);
	json_obj_end(op->parameters);
}

void
describe_filters(struct openapi_operation *op, const struct plan *p)
{
	static const struct {
		enum match match;
		const char *text;
	} texts[] = { { M_EXACT, "equal" }, { M_CONTAINS, "contained" }, { M_UUID, "a uuid" },
		{ M_STRING, "begin of a text" }, { M_DATE, "a date; eq, ne, gt, lt, ge, le, sa or eb before it" } };
	for (unsigned s = 0; s < p->n_sources; s++)
		for (unsigned i = 0; i < p->sources[s].s->n_params; i++) {
			const struct param *row = &p->sources[s].s->params[i];
			struct str name = str_of(row->name), text = STR_NULL;
			bool before = false;
			for (unsigned k = 0; k < s; k++)
				before = before || param_find(p->sources[k].s, name) != NULL;
			for (size_t k = 0; k < NITEMS(texts); k++)
				if (texts[k].match == row->match)
					text = str_of(texts[k].text);
			if (!before && plan_has_param(p, name))
				describe_parameter(op, name, STR("{\"type\":\"string\"}"), text);
		}
}

void
describe_response(struct openapi_operation *op, struct str status, struct str text, struct str type)
{
	op->told_400 = op->told_400 || str_eq(status, STR("400"));
	json_key(op->responses, status);
	json_obj(op->responses);
	json_kv_str(op->responses, STR("description"), text);
	json_key(op->responses, STR("content"));
	json_obj(op->responses);
	json_key(op->responses, type);
	json_obj(op->responses);
	json_key(op->responses, STR("schema"));
}

void
describe_response_end(struct openapi_operation *op)
{
	for (int i = 0; i < 3; i++)
		json_obj_end(op->responses);
}

/* A route with a function of its own answers a plain object, whose members its row may name. */
static void
special_describe(const struct direct *d, const struct direct_route *row, struct openapi_operation *op)
{
	bool strings = d->site->compat == COMPAT_CLASSIC;
	describe_response(op, STR("200"), STR("The answer."), STR("application/json"));
	json_obj(op->responses);
	json_kv_str(op->responses, STR("type"), STR("object"));
	json_key(op->responses, STR("properties"));
	json_obj(op->responses);
	for (unsigned i = 0; i < row->n_answer; i++) {
		struct str type = str_of(kinds[row->answer[i].kind].type);
		json_key(op->responses, str_of(row->answer[i].name));
		json_obj(op->responses);
		json_key(op->responses, STR("type"));
		json_arr(op->responses);
		json_str(op->responses, kinds[row->answer[i].kind].number && strings ? STR("string") : type);
		json_str(op->responses, STR("null"));
		json_arr_end(op->responses);
		json_obj_end(op->responses);
	}
	json_obj_end(op->responses);
	json_obj_end(op->responses);
	describe_response_end(op);
	describe_response(op, STR("404"), STR("The site's database does not have it."), STR("application/json"));
	openapi_ref_put(op->responses, op, STR("schemas"), STR("Error"));
	describe_response_end(op);
}

enum openapi_told
describe_route(const struct direct *d, const struct handler *h, struct openapi_operation *op)
{
	if (!d->ready)
		return OPENAPI_LATER;
	if (h->row->special != NULL) {
		if (h->row->n_answer > 0)
			special_describe(d, h->row, op);
		return OPENAPI_TOLD;
	}
	if (h->plan->state != PLAN_READY)
		return OPENAPI_LEFT_OUT;
	if (h->row->style->ops->describe != NULL)
		h->row->style->ops->describe(h, op);
	return OPENAPI_TOLD;
}
