/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard and Portal API's envelopes as schemas: what dialect_standard.c writes.                                       */
#include "backends/direct/engine/describe.h"
#include "backends/direct/engine/dialects.h"

#define NOTHING "{\"type\":\"array\",\"maxItems\":0}"
/* {field: {code: message}}, [] when there are none */
#define REFUSED                                                                                                        \
	"{\"anyOf\":[{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"type\":\"object\","          \
	"\"additionalProperties\":{\"type\":\"string\"}}}," NOTHING "]}"
#define LINK "{\"type\":\"string\",\"format\":\"uri\"}"
#define LINKS                                                                                                          \
	"{\"type\":\"object\",\"properties\":{\"first\":" LINK ",\"previous\":" LINK ",\"next\":" LINK                 \
	"},\"required\":[\"first\"],\"additionalProperties\":false}"

struct envelope {
	struct json_write *w;
	bool classic;
};

/* The caller writes the schema of "data". */
static struct envelope
envelope_begin(struct json_write *w, const struct handler *h, struct str errors)
{
	struct envelope e = { w, h->d->site->compat == COMPAT_CLASSIC };
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
envelope_end(const struct envelope *e, struct str links)
{
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

/* The envelope of a refusal, or the pipeline's error object. */
static void
refusal(const struct handler *h, struct openapi_operation *op, struct str status, struct str text)
{
	if (openapi_schema(op, STR("Refused"))) {
		struct envelope e = envelope_begin(op->schemas, h, STR(REFUSED));
		json_raw(op->schemas, STR(NOTHING));
		envelope_end(&e, STR(NOTHING));
	}
	describe_response(op, status, text, STR("application/json"));
	json_obj(op->responses);
	json_key(op->responses, STR("anyOf"));
	json_arr(op->responses);
	openapi_ref_put(op->responses, op, STR("schemas"), STR("Refused"));
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

static void
list_describe(const struct handler *h, struct openapi_operation *op)
{
	const struct style *s = h->row->style;
	bool classic = h->d->site->compat == COMPAT_CLASSIC;
	bool strings = s->strings_unfiltered || (classic && s->strings_unfiltered_classic);
	describe_filters(op, h->plan);
	paging_put(h, op);
	describe_response(op, STR("200"), STR("The rows that fit."), STR("application/json"));
	struct envelope e = envelope_begin(op->responses, h, STR(NOTHING));
	json_obj(e.w);
	json_kv_str(e.w, STR("type"), STR("array"));
	json_key(e.w, STR("items"));
	describe_rows(e.w, op, h->plan, strings);
	json_obj_end(e.w);
	envelope_end(&e, STR(LINKS));
	describe_response_end(op);
}

static void
one_describe(const struct handler *h, struct openapi_operation *op)
{
	describe_response(op, STR("200"), STR("The row."), STR("application/json"));
	struct envelope e = envelope_begin(op->responses, h, STR(NOTHING));
	describe_rows(e.w, op, h->plan, false);
	envelope_end(&e, STR(NOTHING));
	describe_response_end(op);
	refusal(h, op, STR("404"), STR("There is no such row."));
}

/* {"pid":2,"uuid":"..."} */
static void
created_describe(const struct handler *h, struct openapi_operation *op)
{
	struct str rest = str_of(h->plan->write->rule->answer), word;
	describe_response(op, STR("201"), STR("The row was made."), STR("application/json"));
	struct envelope e = envelope_begin(op->responses, h, STR(NOTHING));
	json_obj(e.w);
	json_kv_str(e.w, STR("type"), STR("object"));
	json_key(e.w, STR("properties"));
	json_obj(e.w);
	while (words_next(&rest, &word)) {
		json_key(e.w, word);
		json_raw(e.w, str_eq(word, STR("uuid")) ? STR("{\"type\":\"string\",\"format\":\"uuid\"}")
		                                        : STR("{\"type\":\"integer\"}"));
	}
	json_obj_end(e.w);
	json_key(e.w, STR("required"));
	json_arr(e.w);
	rest = str_of(h->plan->write->rule->answer);
	while (words_next(&rest, &word))
		json_str(e.w, word);
	json_arr_end(e.w);
	json_obj_end(e.w);
	envelope_end(&e, STR(NOTHING));
	describe_response_end(op);
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
	case OP_SPECIAL:
		return;
	}
	refusal(h, op, STR("400"), STR("The request does not follow the rules."));
}
