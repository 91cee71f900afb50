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

/* --- answers -------------------------------------------------------------------------------------------------------------------- */

/* 8.x sends refusals of its older services with 200: the schema of such an answer is the row's or the refusal's. */
static bool
refused_with_200(const struct handler *h)
{
	return !classic(h) && h->row->style->envelope != ENV_NEW;
}

static void
refused_put(struct json_write *w, const struct handler *h, struct openapi_operation *op)
{
	struct str name = bare(h) ? STR("RefusedBare") : STR("Refused");
	if (openapi_schema(op, name)) {
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

/* An answer's status and schema; answer_end() adds the refusal where it has the same status. */
static void
answer_begin(const struct handler *h, struct openapi_operation *op, struct str status, struct str text)
{
	describe_response(op, status, text, STR("application/json"));
	if (!refused_with_200(h) || !str_eq(status, STR("200")))
		return;
	json_obj(op->responses);
	json_key(op->responses, STR("anyOf"));
	json_arr(op->responses);
}

static void
answer_end(const struct handler *h, struct openapi_operation *op, struct str status)
{
	if (refused_with_200(h) && str_eq(status, STR("200"))) {
		refused_put(op->responses, h, op);
		json_arr_end(op->responses);
		json_obj_end(op->responses);
	}
	describe_response_end(op);
}

/* The envelope of a refusal, or the pipeline's error object. */
static void
refusal(const struct handler *h, struct openapi_operation *op, struct str status, struct str text)
{
	describe_response(op, status, text, STR("application/json"));
	json_obj(op->responses);
	json_key(op->responses, STR("anyOf"));
	json_arr(op->responses);
	refused_put(op->responses, h, op);
	openapi_ref_put(op->responses, op, STR("schemas"), STR("Error"));
	json_arr_end(op->responses);
	json_obj_end(op->responses);
	describe_response_end(op);
}

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

static void
paging_put(const struct handler *h, struct openapi_operation *op)
{
	static const struct {
		struct str name, schema, text;
	} rows[] = {
		{ STR_INIT("_limit"), STR_INIT("{\"type\":\"integer\",\"minimum\":0}"),
		    STR_INIT("rows of a page, at most 200; 0 or none: all") },
		{ STR_INIT("_offset"), STR_INIT("{\"type\":\"integer\",\"minimum\":0}"),
		    STR_INIT("rows before the page; counts only with _limit") },
		{ STR_INIT("_sort"), STR_INIT("{\"type\":\"string\"}"),
		    STR_INIT("members to sort by, with commas between them; - before one: downwards") },
	};
	for (size_t i = 0; h->row->style->paging && i < NITEMS(rows); i++)
		describe_parameter(op, rows[i].name, rows[i].schema, rows[i].text);
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
list_describe(const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	bool strings = s->strings_unfiltered || (classic(h) && s->strings_unfiltered_classic);
	describe_filters(op, h->plan);
	paging_put(h, op);
	answer_begin(h, op, STR("200"), STR("The rows that fit."));
	struct wrapped e = envelope_begin(op->responses, h, STR(NOTHING));
	if (s->shape == SHAPE_KEYED)
		rows_keyed(e.w, h, op, strings);
	else
		rows_in_arrays(e.w, h, op, s->shape == SHAPE_NESTED ? 2 : 1, strings);
	envelope_end(&e, STR(LINKS_OR_NOTHING));
	answer_end(h, op, STR("200"));
}

/* {"id":"3"} */
static void
echo_put(struct json_write *w, const char *name)
{
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	json_key(w, str_of(name));
	json_raw(w, STR("{\"type\":\"string\"}"));
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	json_str(w, str_of(name));
	json_arr_end(w);
	json_obj_end(w);
}

static void
one_describe(const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	bool update = h->row->op == OP_UPDATE;
	answer_begin(h, op, STR("200"), STR("The row."));
	struct wrapped e = envelope_begin(op->responses, h, STR(NOTHING));
	if (update && s->echo != NULL)
		echo_put(e.w, s->echo);
	else
		rows_in_arrays(e.w, h, op, s->shape == SHAPE_ARRAY && !update, false);
	envelope_end(&e, STR(LINKS_OR_NOTHING));
	answer_end(h, op, STR("200"));
}

static struct str
member_name(struct str word)
{
	return str_sub(word, 0, str_find(word, '='));
}

/* {"pid":2,"uuid":"..."} */
static void
words_put(struct json_write *w, struct str words)
{
	struct str rest = words, word;
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	while (words_next(&rest, &word)) {
		json_key(w, member_name(word));
		json_raw(w, str_ends(word, STR("uuid")) ? STR("{\"type\":\"string\",\"format\":\"uuid\"}")
		                                        : STR("{\"type\":\"integer\"}"));
	}
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	rest = words;
	while (words_next(&rest, &word))
		json_str(w, member_name(word));
	json_arr_end(w);
	json_obj_end(w);
}

static void
created_describe(const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	const struct write_rule *rule = h->plan->write->rule;
	struct str words = str_of(!classic(h) && rule->answer_v8 != NULL ? rule->answer_v8 : rule->answer);
	unsigned status = classic(h) ? s->created_classic : s->created_v8;
	bool old = !classic(h) && s->envelope == ENV_OLD;
	struct str text = status == 200 || (status == 0 && old) ? STR("200") : STR("201");
	answer_begin(h, op, text, STR("The row was made."));
	struct wrapped e = envelope_begin(op->responses, h, STR(NOTHING));
	if (words.n > 0 && words.p[0] == '*') /* the row, and members that the words add */
		json_raw(e.w, STR("{\"type\":\"object\"}"));
	else if (s->shape == SHAPE_ARRAY)
		json_raw(e.w, STR("{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"));
	else
		words_put(e.w, words);
	envelope_end(&e, STR(NOTHING));
	answer_end(h, op, text);
}

static void
removed_describe(const struct handler *h, struct openapi_operation *op)
{
	answer_begin(h, op, STR("200"), STR("The row is gone."));
	struct wrapped e = envelope_begin(op->responses, h, STR(NOTHING));
	json_raw(e.w, h->row->style->deleted != NULL && h->row->style->deleted[0] == '{' ? STR("{\"type\":\"object\"}")
	                                                                                 : STR("{\"const\":true}"));
	envelope_end(&e, STR(NOTHING));
	answer_end(h, op, STR("200"));
}

/* An Error Object without content: bare answers have an empty body where nothing is found. */
static void
not_found(const struct handler *h, struct openapi_operation *op)
{
	if (!bare(h)) {
		refusal(h, op, STR("404"), STR("There is no such row."));
		return;
	}
	json_key(op->responses, STR("404"));
	json_obj(op->responses);
	json_kv_str(op->responses, STR("description"), STR("There is no such row, or no row."));
	json_obj_end(op->responses);
}

void
standard_describe(const struct handler *h, struct openapi_operation *op)
{
	switch (h->row->op) {
	case OP_LIST:
		list_describe(h, op);
		break;
	case OP_CREATE:
		body_put(h, op, true);
		created_describe(h, op);
		break;
	case OP_UPDATE:
		body_put(h, op, false);
		one_describe(h, op);
		break;
	case OP_READ:
		one_describe(h, op);
		break;
	case OP_DELETE:
		removed_describe(h, op);
		break;
	case OP_SPECIAL:
		return;
	}
	bool found_by_path = h->row->op == OP_READ || h->row->op == OP_UPDATE || h->row->op == OP_DELETE || bare(h);
	if (found_by_path || strchr(h->row->pattern, ':') != NULL)
		not_found(h, op);
	refusal(h, op, STR("400"), STR("The request does not follow the rules."));
}
