/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard and Portal API's envelopes as schemas: what dialect_standard.c writes.                                       */
#include "backends/direct/engine/describe.h"
#include "backends/direct/engine/dialects.h"

#define NOTHING "{\"type\":\"array\",\"maxItems\":0}"
/* {field: {code: message}}; some routes tell a field's message alone, or in an array */
#define ERRORS                                                                                                         \
	"{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"anyOf\":[{\"type\":\"object\","          \
	"\"additionalProperties\":{\"type\":\"string\"}},{\"type\":\"string\"},{\"type\":\"array\",\"items\":{"        \
	"\"type\":\"string\"}}]}}"
#define REFUSED "{\"anyOf\":[" ERRORS "," NOTHING "]}"
#define LINK    "{\"type\":\"string\",\"format\":\"uri\"}"
#define LINKS                                                                                                          \
	"{\"type\":\"object\",\"properties\":{\"first\":" LINK ",\"previous\":" LINK ",\"next\":" LINK                 \
	"},\"required\":[\"first\"],\"additionalProperties\":false}"

#define LINKS_OR_NOTHING "{\"anyOf\":[" LINKS "," NOTHING "]}"

struct wrapped {
	struct json_write *w;
	bool classic, bare;
};

static bool
bare(const struct handler *h)
{
	return h->row->style->envelope == ENV_BARE;
}

static bool
classic(const struct handler *h)
{
	return h->d->site->compat == COMPAT_CLASSIC;
}

/* The caller writes the schema of "data"; of the whole body where the envelope is bare. */
static struct wrapped
envelope_begin(struct json_write *w, const struct handler *h, struct str errors)
{
	struct wrapped e = { w, classic(h), bare(h) };
	if (e.bare)
		return e;
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	json_key(w, STR("validationErrors"));
	json_raw(w, errors);
	json_key(w, STR("internalErrors"));
	json_raw(w, STR(NOTHING));
	json_key(w, STR("data"));
	return e;
}

static void
envelope_end(const struct wrapped *e, struct str links)
{
	if (e->bare)
		return;
	if (!e->classic) {
		json_key(e->w, STR("links"));
		json_raw(e->w, links);
	}
	json_obj_end(e->w);
	json_key(e->w, STR("required"));
	json_raw(e->w, e->classic ? STR("[\"validationErrors\",\"internalErrors\",\"data\"]")
	                          : STR("[\"validationErrors\",\"internalErrors\",\"data\",\"links\"]"));
	json_kv_bool(e->w, STR("additionalProperties"), false);
	json_obj_end(e->w);
}

/* --- answers: which forms come with which status ------------------------------------------------------------------------------ */

enum reply_form {
	FORM_DONE,    /* what the operation is for                  */
	FORM_REFUSED, /* errors in the route's envelope             */
	FORM_NOTHING, /* bare: null (classic) or no body; else the envelope without data */
	FORM_ERROR,   /* the pipeline's own error object            */
	FORMS
};
enum { ANSWERS_MAX = 12 };
struct answers {
	const struct handler *h;
	struct openapi_operation *op;
	void (*done)(struct json_write *w, const struct handler *h, struct openapi_operation *op);
	struct {
		unsigned status, forms;
	} v[ANSWERS_MAX]; /* in the order of statuses */
	unsigned n;
};

static void
answer_add(struct answers *a, unsigned status, enum reply_form form)
{
	unsigned i = 0;
	while (i < a->n && a->v[i].status < status)
		i++;
	if (i == a->n || a->v[i].status != status) {
		CHECK(a->n < ANSWERS_MAX);
		memmove(&a->v[i + 1], &a->v[i], (a->n - i) * sizeof a->v[0]);
		a->v[i].status = status;
		a->v[i].forms = 0;
		a->n++;
	}
	if (form == FORM_NOTHING && !bare(a->h))
		form = FORM_REFUSED; /* the same members, with no error */
	a->v[i].forms |= 1u << form;
}

/* What a path that names nothing is answered. */
static void
refusal_add(struct answers *a, const struct refusal *f)
{
	const struct style *s = a->h->row->style;
	unsigned status = f == NULL ? 0 : classic(a->h) ? f->classic : f->v8;
	bool told = f != NULL && f->field != NULL;
	enum outcome o = told ? INVALID : MISSING;
	answer_add(a, status != 0 ? status : style_status(s, classic(a->h), o), told ? FORM_REFUSED : FORM_NOTHING);
}

static void
refusals_add(struct answers *a)
{
	const struct style *s = a->h->row->style;
	bool create = a->h->row->op == OP_CREATE, list = a->h->row->op == OP_LIST;
	const struct refusal *no_parent = s->no_parent != NULL ? s->no_parent : s->no_row;
	answer_add(a, 400, FORM_ERROR);
	answer_add(a, 400, FORM_REFUSED); /* a parameter of the query */
	if (strchr(a->h->row->pattern, ':') != NULL) {
		answer_add(a, 404, FORM_ERROR); /* a value that the router does not take */
		refusal_add(a, no_parent);
		if (s->bad_parent != NULL)
			refusal_add(a, s->bad_parent);
	}
	if (!create && !list) {
		refusal_add(a, s->no_row);
		if (s->bad_row != NULL)
			refusal_add(a, s->bad_row);
		if (s->hidden_404)
			answer_add(a, 404, FORM_NOTHING);
	}
	if (list && bare(a->h) && !s->empty_ok)
		answer_add(a, style_status(s, classic(a->h), MISSING), FORM_NOTHING);
	if (create || a->h->row->op == OP_UPDATE || a->h->row->op == OP_SPECIAL)
		answer_add(a, style_status(s, classic(a->h), INVALID), FORM_REFUSED);
	if (create || (a->h->row->told != NULL && a->h->row->told->takes_key)) {
		answer_add(a, 409, FORM_REFUSED);
		answer_add(a, 422, FORM_REFUSED);
	}
}

static void
refused_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	struct str name = bare(h) ? STR("RefusedBare") : STR("Refused");
	if (openapi_schema(op, &dialect_standard, &name)) {
		if (bare(h)) {
			json_raw(op->schemas, STR(ERRORS));
		} else {
			struct wrapped e = envelope_begin(op->schemas, h, STR(REFUSED));
			json_raw(op->schemas, STR(NOTHING));
			envelope_end(&e, STR(LINKS_OR_NOTHING));
		}
	}
	openapi_ref_put(w, op, STR("schemas"), name);
}

static void
form_put(const struct answers *a, enum reply_form form)
{
	struct json_write *w = a->op->responses;
	switch (form) {
	case FORM_DONE:
		a->done(w, a->h, a->op);
		break;
	case FORM_REFUSED:
		refused_put(w, a->h, a->op);
		break;
	case FORM_ERROR:
		openapi_ref_put(w, a->op, STR("schemas"), STR("Error"));
		break;
	case FORM_NOTHING:
		json_raw(w, STR("{\"type\":\"null\"}"));
		break;
	case FORMS:
		break;
	}
}

static void
json_content(const struct answers *a, unsigned forms)
{
	struct json_write *w = a->op->responses;
	bool several = (forms & (forms - 1)) != 0;
	json_key(w, STR("application/json"));
	json_obj(w);
	json_key(w, STR("schema"));
	if (several) {
		json_obj(w);
		json_key(w, STR("anyOf"));
		json_arr(w);
	}
	for (enum reply_form f = 0; f < FORMS; f++)
		if (forms & 1u << f)
			form_put(a, f);
	if (several) {
		json_arr_end(w);
		json_obj_end(w);
	}
	json_obj_end(w);
}

static void
answers_put(struct answers *a, const char *done_text)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = { { 400, "The request does not follow the rules." }, { 404, "There is nothing at this path." },
		{ 409, "A request with this Idempotency-Key is running." },
		{ 422, "The Idempotency-Key was used with another body." } };
	struct json_write *w = a->op->responses;
	for (unsigned i = 0; i < a->n; i++) {
		unsigned forms = a->v[i].forms;
		const char *text = (forms & 1u << FORM_DONE) != 0 ? done_text : "The request is refused.";
		for (size_t k = 0; k < NITEMS(texts); k++)
			if (texts[k].status == a->v[i].status)
				text = texts[k].text;
		json_key(w, arena_printf(a->op->arena, "%u", a->v[i].status));
		json_obj(w);
		json_kv_str(w, STR("description"), str_of(text));
		json_key(w, STR("content"));
		json_obj(w);
		bool empty = (forms & 1u << FORM_NOTHING) != 0 && !classic(a->h); /* classic: null */
		if (empty)
			forms &= ~(1u << FORM_NOTHING);
		if (forms != 0)
			json_content(a, forms);
		if (empty) {
			json_key(w, STR("text/html"));
			json_raw(w, STR("{\"schema\":{\"type\":\"string\",\"maxLength\":0}}"));
		}
		json_obj_end(w);
		json_obj_end(w);
	}
	a->op->told_400 = true;
}

/* --- parameters and bodies ------------------------------------------------------------------------------------------------------ */

static void
body_put(const struct handler *h, struct openapi_operation *op, bool create)
{
	json_obj(op->body);
	json_kv_bool(op->body, STR("required"), true);
	json_key(op->body, STR("content"));
	json_obj(op->body);
	json_key(op->body, STR("application/json"));
	json_obj(op->body);
	json_key(op->body, STR("schema"));
	describe_body(op->body, op, h->plan, create);
	json_key(op->body, STR("example"));
	describe_body_example(op->body, h->plan);
	for (int i = 0; i < 3; i++)
		json_obj_end(op->body);
}

/* The members that _sort takes, upwards and downwards. */
static struct str
sorts_schema(const struct style *s, struct arena *a)
{
	struct str rest = str_of(s->sorts), col;
	struct buf b;
	buf_init(&b, a, 512, 16 << 10);
	buf_lit(&b, "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[");
	for (bool first = true; words_next(&rest, &col); first = false) {
		struct str name = str_skip(col, str_find(col, '.') + 1);
		buf_printf(&b, "%s\"%.*s\",\"-%.*s\"", first ? "" : ",", STR_ARG(name), STR_ARG(name));
	}
	buf_lit(&b, "]}}");
	return buf_str(&b);
}

static void
paging_put(const struct handler *h, struct openapi_operation *op)
{
	static const struct {
		struct str name, text;
	} rows[] = {
		{ STR_INIT("_limit"), STR_INIT("rows of a page, at most 200; 0 or none: all") },
		{ STR_INIT("_offset"), STR_INIT("rows before the page; counts only with _limit") },
	};
	const struct style *s = h->row->style;
	if (!s->paging)
		return;
	for (size_t i = 0; i < NITEMS(rows); i++)
		describe_parameter(op, rows[i].name, STR("{\"type\":\"integer\",\"minimum\":0}"), rows[i].text);
	if (s->sorts != NULL)
		describe_parameter(op, STR("_sort"), sorts_schema(s, op->arena),
		    STR("members to sort by, with commas between them; - before one: downwards"));
}

/* depth arrays around the rows' schema. */
static void
rows_in_arrays(
    struct json_write *w, const struct handler *h, struct openapi_operation *op, unsigned depth, bool strings)
{
	for (unsigned i = 0; i < depth; i++) {
		json_obj(w);
		json_kv_str(w, STR("type"), STR("array"));
		json_key(w, STR("items"));
	}
	describe_rows(w, op, h->plan, strings);
	for (unsigned i = 0; i < depth; i++)
		json_obj_end(w);
}

static void
rows_keyed(struct json_write *w, const struct handler *h, struct openapi_operation *op, bool strings)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("additionalProperties"));
	describe_rows(w, op, h->plan, strings);
	json_obj_end(w);
}

static void
list_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	bool strings = s->strings_unfiltered || (classic(h) && s->strings_unfiltered_classic);
	struct wrapped e = envelope_begin(w, h, STR(NOTHING));
	if (s->shape == SHAPE_KEYED)
		rows_keyed(e.w, h, op, strings);
	else
		rows_in_arrays(e.w, h, op, s->shape == SHAPE_NESTED ? 2 : 1, strings);
	envelope_end(&e, STR(LINKS_OR_NOTHING));
}

/* {"id":"3"}: an object with one member, the value of the path. */
static void
echo_put(struct json_write *w, struct str name)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	json_key(w, name);
	json_raw(w, STR("{\"type\":\"string\"}"));
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	json_str(w, name);
	json_arr_end(w);
	json_kv_bool(w, STR("additionalProperties"), false);
	json_obj_end(w);
}

/* A text of a style, in which % is the value of the path: {"uuid":"%"} or "%". */
static void
text_put(struct json_write *w, struct openapi_operation *op, const char *text)
{
	struct str all = str_of(text), name = str_sub(str_skip(all, 2), 0, str_find(str_skip(all, 2), '"'));
	if (str_find(all, '%') == all.n)
		json_raw(w, arena_printf(op->arena, "{\"const\":%s}", text));
	else if (str_starts(all, STR("{\"")))
		echo_put(w, name);
	else
		json_raw(w, STR("{\"type\":\"string\"}"));
}

static void
one_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	bool update = h->row->op == OP_UPDATE;
	struct wrapped e = envelope_begin(w, h, STR(NOTHING));
	if (update && s->echo != NULL)
		echo_put(e.w, str_of(s->echo));
	else
		rows_in_arrays(e.w, h, op, s->shape == SHAPE_ARRAY, false);
	envelope_end(&e, STR(LINKS_OR_NOTHING));
}

static void
created_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	const struct write_rule *rule = h->plan->write->rule;
	struct str words = str_of(!classic(h) && rule->answer_v8 != NULL ? rule->answer_v8 : rule->answer);
	struct wrapped e = envelope_begin(w, h, STR(NOTHING));
	if (s->created != NULL) {
		text_put(e.w, op, s->created);
	} else if (s->shape == SHAPE_ARRAY) {
		json_obj(e.w);
		json_kv_str(e.w, STR("type"), STR("array"));
		json_kv_i64(e.w, STR("minItems"), 1);
		json_key(e.w, STR("items"));
		describe_created(e.w, op, h->plan, words);
		json_obj_end(e.w);
	} else {
		describe_created(e.w, op, h->plan, words);
	}
	envelope_end(&e, STR(NOTHING));
}

static void
removed_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	const char *text = h->row->style->deleted;
	struct wrapped e = envelope_begin(w, h, STR(NOTHING));
	text_put(e.w, op, text == NULL ? "true" : text);
	envelope_end(&e, STR(NOTHING));
}

/* Rows by name, as the action makes them. */
static void
action_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	struct wrapped e = envelope_begin(w, h, STR(NOTHING));
	struct str names = h->row->told == NULL ? STR("") : str_of(h->row->told->rows), rest = names, name;
	json_obj(e.w);
	json_kv_str(e.w, STR("type"), STR("object"));
	json_key(e.w, STR("properties"));
	json_obj(e.w);
	while (words_next(&rest, &name)) {
		json_key(e.w, name);
		json_obj(e.w);
		json_key(e.w, STR("anyOf"));
		json_arr(e.w);
		describe_rows(e.w, op, h->plan, false);
		json_raw(e.w, STR("{\"type\":\"null\"}"));
		json_arr_end(e.w);
		json_obj_end(e.w);
	}
	json_obj_end(e.w);
	json_key(e.w, STR("required"));
	json_arr(e.w);
	while (words_next(&names, &name))
		json_str(e.w, name);
	json_arr_end(e.w);
	json_kv_bool(e.w, STR("additionalProperties"), false);
	json_obj_end(e.w);
	envelope_end(&e, STR(NOTHING));
}

void
standard_describe(const struct handler *h, struct openapi_operation *op)
{
	static const struct {
		void (*done)(struct json_write *w, const struct handler *h, struct openapi_operation *op);
		enum outcome outcome;
		const char *text;
	} ops[] = {
		[OP_LIST] = { list_put, DONE, "The rows that fit." },
		[OP_READ] = { one_put, DONE, "The row." },
		[OP_CREATE] = { created_put, CREATED, "The row was made." },
		[OP_UPDATE] = { one_put, DONE, "The row was changed." },
		[OP_DELETE] = { removed_put, DONE, "The row is gone." },
		[OP_SPECIAL] = { action_put, DONE, "It is done." },
	};
	enum op what = h->row->op;
	CHECK(what < NITEMS(ops)); /* the others have no style */
	struct answers a = { .h = h, .op = op, .done = ops[what].done };
	describe_told(h, op);
	if (what == OP_LIST) {
		describe_filters(op, h->plan);
		paging_put(h, op);
	}
	if (what == OP_CREATE)
		describe_key(op);
	if (what == OP_CREATE || what == OP_UPDATE)
		body_put(h, op, what == OP_CREATE);
	/* a list, a read and an answered change send 200 whatever the envelope says of other outcomes */
	unsigned status = what == OP_LIST || what == OP_READ || what == OP_UPDATE
	                      ? 200
	                      : style_status(h->row->style, classic(h), ops[what].outcome);
	answer_add(&a, status, FORM_DONE);
	refusals_add(&a);
	answers_put(&a, ops[what].text);
}
