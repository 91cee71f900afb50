/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schemas of what is answered, from rows; parameters. */
#include "backends/direct/engine/describe.h"

#include "backends/direct/engine/fixups.h"

/* --- values -------------------------------------------------------------------------------------------------------------------- */

/* What codec.c writes for a kind; a kind that is not here is of FHIR. */
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

/* The column that the field shows; NULL: an expression. */
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

/* A column of a joined table is null where nothing is joined; a uuid where none was given yet; an option where the list lacks it; a date
 * where the site stores something else. An expression may always be.                                                       */
static bool
may_be_null(const struct place *at, const struct field *f, const struct schema_column *c)
{
	struct str cols = str_of(f->cols), alias = str_sub(cols, 0, str_find(cols, '.'));
	bool joined = at->child == NULL && !str_eq(alias, str_of(at->ps->s->alias));
	bool plain = f->kind == K_INT || f->kind == K_FLOAT || f->kind == K_TEXT || f->kind == K_BOOL;
	bool date = f->kind == K_DATE || f->kind == K_DATETIME;
	return c == NULL || c->nullable || joined || !(plain || (date && date_column(c)));
}

static void
types_put(struct json_write *w, const struct place *at, const struct field *f, const struct schema_column *c)
{
	bool number = kinds[f->kind].number, null = may_be_null(at, f, c);
	bool text = number && (at->strings || c == NULL || !number_column(c));
	bool own = !number || c == NULL || number_column(c) || f->kind == K_INT; /* K_INT reads numbers from texts */
	bool several = own + text + null > 1;
	json_key(w, STR("type"));
	if (several)
		json_arr(w);
	if (own)
		json_str(w, str_of(kinds[f->kind].type));
	if (text)
		json_str(w, STR("string"));
	if (null)
		json_str(w, STR("null"));
	if (several)
		json_arr_end(w);
}

/* Of a kind with one column or one expression. */
static void
value_schema(struct json_write *w, const struct place *at, const struct plan_op *op)
{
	const struct field *f = op->f;
	const struct schema_column *c = f->sql != NULL ? NULL : column_at(at, f);
	struct str more = str_of(kinds[f->kind].more);
	json_obj(w);
	if (op->slot[0] == SLOT_NONE || f->kind == K_HIDDEN) { /* the site lacks it */
		json_kv_str(w, STR("type"), STR("null"));
		json_obj_end(w);
		return;
	}
	types_put(w, at, f, c);
	if (more.n > 0 && (f->kind == K_UUID || (c != NULL && date_column(c))))
		json_key_raw(w, more); /* "name":value as one piece */
	json_obj_end(w);
}

static void object_schema(
    struct json_write *w, const struct place *at, const struct plan_op *ops, unsigned n, struct str words);

static void
element_schema(struct json_write *w, const struct place *at, const struct plan_op *op)
{
	const struct field *f = op->f;
	if (f->kind == K_OBJECT) {
		object_schema(w, at, op->sub, op->n_sub, STR_NULL);
	} else if (f->kind == K_CHILDREN) {
		const struct plan_child *pc = &at->ps->children[f->arg_n];
		struct place in = { at->ps, pc->child, at->strings };
		bool plain = pc->n_ops == 1 && pc->ops[0].f->name == NULL;
		if (plain)
			element_schema(w, &in, &pc->ops[0]);
		else
			object_schema(w, &in, pc->ops, pc->n_ops, STR_NULL);
	} else if (f->kind == K_KEYED) {
		const struct plan_child *pc = &at->ps->children[f->arg_n];
		struct place in = { at->ps, pc->child, at->strings };
		json_obj(w);
		json_kv_str(w, STR("type"), STR("object"));
		json_key(w, STR("additionalProperties"));
		object_schema(w, &in, pc->ops, pc->n_ops, STR_NULL);
		json_obj_end(w);
	} else if (f->kind == K_CONST) {
		json_obj(w);
		json_key(w, STR("const"));
		json_raw(w, str_of(f->arg));
		json_obj_end(w);
	} else if (f->kind == K_FIXUP) {
		json_raw(w, fixup_schema(f->fixup));
	} else if (kinds[f->kind].type != NULL) {
		value_schema(w, at, op);
	} else { /* of FHIR */
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

/* Members that the answer to a creation names. */
static void
word_members(struct json_write *w, struct str words)
{
	struct str word;
	while (words_next(&words, &word)) {
		if (str_eq(word, STR("*")))
			continue;
		json_key(w, str_sub(word, 0, str_find(word, '=')));
		json_raw(w, str_ends(word, STR("uuid")) ? STR("{\"type\":\"string\",\"format\":\"uuid\"}")
		                                        : STR("{\"type\":\"integer\"}"));
	}
}

static void
required_members(struct json_write *w, const struct plan_op *ops, unsigned n, struct str words)
{
	struct str word;
	json_key(w, STR("required"));
	json_arr(w);
	for (const struct plan_op *op = ops; op < ops + n; op++)
		if (op->f->kind != K_KEYED && !(op->f->flags & F_SPARSE) &&
		    (op == ops || op->list_begin || !str_eq(op->key, (op - 1)->key)))
			json_raw(w, str_sub(op->key, 0, op->key.n - 1)); /* without its colon */
	while (words_next(&words, &word))
		if (!str_eq(word, STR("*")))
			json_str(w, str_sub(word, 0, str_find(word, '=')));
	json_arr_end(w);
}

/* Every member but an object of rows is always there: what is absent is null. words: further members. */
static void
object_schema(struct json_write *w, const struct place *at, const struct plan_op *ops, unsigned n, struct str words)
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
	word_members(w, words);
	json_obj_end(w);
	required_members(w, ops, n, words);
	json_kv_bool(w, STR("additionalProperties"), false);
	json_obj_end(w);
}

struct str
describe_name(struct openapi_operation *op, const struct plan *p, const char *suffix)
{
	return arena_printf(op->arena, "%s%s", p->res->name, suffix);
}

void
describe_rows(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool strings)
{
	struct str name = describe_name(op, p, strings ? "_listed" : "");
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
				object_schema(op->schemas, &at, ops, p->sources[i].n_ops, STR_NULL);
		}
		if (p->n_sources > 1) {
			json_arr_end(op->schemas);
			json_obj_end(op->schemas);
		}
	}
	openapi_ref_put(w, op, STR("schemas"), name);
}

void
describe_created(struct json_write *w, struct openapi_operation *op, const struct plan *p, struct str words)
{
	bool row = words.n > 0 && words.p[0] == '*';
	struct place at = { &p->sources[0], NULL, false };
	struct str name = describe_name(op, p, "_created");
	if (row && words.n == 1) {
		describe_rows(w, op, p, false);
		return;
	}
	if (openapi_schema(op, p->write, &name))
		object_schema(op->schemas, &at, at.ps->ops, row ? at.ps->n_ops : 0, words);
	openapi_ref_put(w, op, STR("schemas"), name);
}

/* --- routes with a function of their own -------------------------------------------------------------------------------------------- */

/* A plain object of fields, none of which is sure to have a value. */
static void
fields_schema(struct json_write *w, const struct field *fields, unsigned n, bool strings)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	for (unsigned i = 0; i < n; i++) {
		bool text = kinds[fields[i].kind].number && strings;
		json_key(w, str_of(fields[i].name));
		json_obj(w);
		json_key(w, STR("type"));
		json_arr(w);
		json_str(w, text ? STR("string") : str_of(kinds[fields[i].kind].type));
		json_str(w, STR("null"));
		json_arr_end(w);
		json_obj_end(w);
	}
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	for (unsigned i = 0; i < n; i++)
		json_str(w, str_of(fields[i].name));
	json_arr_end(w);
	json_kv_bool(w, STR("additionalProperties"), false);
	json_obj_end(w);
}

/* The media types of the rows of one status, which stand together. Behind the last. */
static const struct told_answer *
told_contents(struct json_write *w, const struct told_answer *a, const struct told_answer *end, unsigned left_out)
{
	unsigned status = a->status;
	bool any = false;
	for (; a < end && a->status == status; a++) {
		if (a->schema == NULL || (a->flags & left_out))
			continue;
		if (!any) {
			json_key(w, STR("content"));
			json_obj(w);
		}
		any = true;
		json_key(w, a->type == NULL ? STR("application/json") : str_of(a->type));
		json_obj(w);
		json_key(w, STR("schema"));
		json_raw(w, str_of(a->schema));
		json_obj_end(w);
	}
	if (any)
		json_obj_end(w);
	return a;
}

static void
told_answers(const struct told *t, enum compat compat, struct openapi_operation *op)
{
	unsigned left_out = compat == COMPAT_CLASSIC ? F_V8 : F_CLASSIC;
	const struct told_answer *a = t->answers, *end = t->answers + t->n_answers;
	while (a < end) {
		if (a->flags & left_out) {
			a++;
			continue;
		}
		op->told_400 = op->told_400 || a->status == 400;
		json_key(op->responses, arena_printf(op->arena, "%u", a->status));
		json_obj(op->responses);
		json_kv_str(op->responses, STR("description"), str_of(a->text));
		if (a->fields != NULL) {
			json_key(op->responses, STR("headers"));
			json_raw(op->responses, str_of(a->fields));
		}
		a = told_contents(op->responses, a, end, left_out);
		json_obj_end(op->responses);
	}
}

void
describe_key(struct openapi_operation *op)
{
	json_raw(op->parameters,
	    STR("{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"A request that is sent again "
	        "with the same key and body within 24 hours is answered as the first, and writes "
	        "nothing.\",\"schema\":{"
	        "\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}"));
}

void
describe_told(const struct handler *h, struct openapi_operation *op)
{
	const struct told *t = h->row->told;
	if (t == NULL)
		return;
	if (t->parameters != NULL)
		json_raw(op->parameters, str_of(t->parameters));
	if (t->takes_key)
		describe_key(op);
	if (t->body != NULL)
		json_raw(op->body, str_of(t->body));
	told_answers(t, h->d->site->compat, op);
	for (unsigned i = 0; i < NITEMS(op->path_forms) && t->numbers; i++)
		op->path_forms[i] = OPENAPI_NUMBER;
}

/* "A response": status, description, then content of one type whose schema the caller writes as a value; response_end(). */
static void
response_begin(struct openapi_operation *op, struct str status, struct str text, struct str type)
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

static void
response_end(struct openapi_operation *op)
{
	for (int i = 0; i < 3; i++)
		json_obj_end(op->responses);
}

/* A route that answers one object of fields. */
static void
object_describe(const struct direct *d, const struct direct_route *row, struct openapi_operation *op)
{
	response_begin(op, STR("200"), STR("The answer."), STR("application/json"));
	fields_schema(op->responses, row->answer, row->n_answer, d->site->compat == COMPAT_CLASSIC);
	response_end(op);
	response_begin(op, STR("404"), STR("The site's database does not have it."), STR("application/json"));
	openapi_ref_put(op->responses, op, STR("schemas"), STR("Error"));
	response_end(op);
}

/* --- parameters ----------------------------------------------------------------------------------------------------------------- */

void
describe_parameter(struct openapi_operation *op, struct str name, struct str schema, struct str text)
{
	json_obj(op->parameters);
	json_kv_str(op->parameters, STR("name"), name);
	json_kv_str(op->parameters, STR("in"), STR("query"));
	if (text.n > 0)
		json_kv_str(op->parameters, STR("description"), text);
	if (str_starts(schema, STR("{\"type\":\"array\""))) /* a,b,c */
		json_kv_bool(op->parameters, STR("explode"), false);
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

/* --- paths ---------------------------------------------------------------------------------------------------------------------- */

static unsigned
form_of(const struct plan_source *ps, const char *col, unsigned form)
{
	return col != NULL && column_of(ps->schema, ps->s, NULL, str_of(col)) != NULL ? form : 0;
}

/* What the engine compares the parameter with: the patient and the encounter by uuid and number, the row as its key says. */
static unsigned
forms_of(const struct plan_source *ps, struct str name, bool of_row)
{
	static const struct str parents[] = { STR_INIT("puuid"), STR_INIT("pid"), STR_INIT("euuid"), STR_INIT("eid") };
	const struct key *key = key_of(ps->s, name);
	for (size_t i = 0; i < NITEMS(parents) && !of_row; i++)
		if (str_eq(name, parents[i])) {
			struct str table = i < 2 ? STR("patient_data") : STR("form_encounter");
			bool uuids = schema_column(ps->schema, table, STR("uuid")) != NULL;
			return OPENAPI_NUMBER | (uuids ? OPENAPI_UUID : 0);
		}
	if (key == NULL)
		return of_row && ps->s->n_keys == 0 ? form_of(ps, ps->s->uuid, OPENAPI_UUID) : 0;
	if (key->text != NULL)
		return 0;
	return form_of(ps, key->uuid, OPENAPI_UUID) | form_of(ps, key->number, OPENAPI_NUMBER);
}

static void
path_describe(const struct handler *h, struct openapi_operation *op)
{
	struct str rest = str_of(h->row->pattern), segment;
	bool one = h->row->op == OP_READ || h->row->op == OP_UPDATE || h->row->op == OP_DELETE;
	struct str names[NITEMS(op->path_forms)];
	unsigned n = 0;
	while (n < NITEMS(names) && str_next(&rest, '/', &segment))
		if (str_starts(segment, STR(":")))
			names[n++] = str_skip(segment, 1);
	for (unsigned i = 0; i < n; i++)
		op->path_forms[i] = forms_of(&h->plan->sources[0], names[i], one && i + 1 == n);
}

enum openapi_told
describe_route(const struct direct *d, const struct handler *h, struct openapi_operation *op)
{
	if (!d->ready)
		return OPENAPI_LATER;
	if (h->row->special != NULL) {
		if (h->row->n_answer > 0)
			object_describe(d, h->row, op);
		describe_told(h, op);
		return OPENAPI_TOLD;
	}
	if (h->plan->state != PLAN_READY)
		return OPENAPI_LEFT_OUT;
	path_describe(h, op);
	if (h->row->style->ops->describe != NULL)
		h->row->style->ops->describe(h, op);
	return OPENAPI_TOLD;
}
