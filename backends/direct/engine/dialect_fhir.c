/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR R4: searchset Bundles whose links work, OperationOutcomes, conditional reads. Unknown search parameters are left out (and left out
 * of the self link) or refused, as Prefer: handling says (R4 search, "Handling Errors").                                    */
#include "backends/direct/engine/dialects.h"

#include "gateway/base/date.h"
#include "gateway/base/json_in.h"

enum { COUNT_DEFAULT = 100, COUNT_MAX = 200, FORM_PAIRS_MAX = 128 };

struct str
fhir_base(const struct request *r)
{
	return arena_printf(r->task.arena, "%.*s/fhir", STR_ARG(r->site->api_base));
}

static void
fhir_reply(struct request *r, unsigned status, struct json_write *w)
{
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("application/fhir+json");
	json_begin(w, &r->reply.body, JSON_PLAIN);
}

static void
issue_put(struct json_write *w, struct str code, struct str text, struct str expression)
{
	json_obj(w);
	json_kv_str(w, STR("severity"), STR("error"));
	json_kv_str(w, STR("code"), code);
	json_key(w, STR("details"));
	json_obj(w);
	json_kv_str(w, STR("text"), text);
	json_obj_end(w);
	if (expression.n > 0) {
		json_key(w, STR("expression"));
		json_arr(w);
		json_str(w, expression);
		json_arr_end(w);
	}
	json_obj_end(w);
}

static void
outcome_begin(struct request *r, unsigned status, struct json_write *w)
{
	fhir_reply(r, status, w);
	json_obj(w);
	json_kv_str(w, STR("resourceType"), STR("OperationOutcome"));
	json_key(w, STR("issue"));
	json_arr(w);
}

static void
outcome_end(struct json_write *w)
{
	json_arr_end(w);
	json_obj_end(w);
}

static void
outcome_put(struct request *r, unsigned status, struct str code, struct str text)
{
	struct json_write w;
	outcome_begin(r, status, &w);
	issue_put(&w, code, text, STR_NULL);
	outcome_end(&w);
}

/* --- search: parameters ----------------------------------------------------------------------------------------------------------- */

/* Query and, for POST _search, form body together. */
static int
parameters(struct call *c, struct form *out)
{
	struct form body = { 0 };
	struct request *r = c->r;
	if (r->route != NULL && r->route->method == HTTP_POST && r->body.n > 0 &&
	    form_parse(r->task.arena, r->body, FORM_PAIRS_MAX, &body, &r->task.err) != 0)
		return -1;
	out->pairs = arena_array(r->task.arena, r->query.n + body.n + 1, sizeof *out->pairs);
	if (out->pairs == NULL)
		return ERR(&r->task.err, E_LIMIT, "parameters");
	out->n = r->query.n + body.n;
	for (size_t i = 0; i < out->n; i++)
		out->pairs[i] = i < r->query.n ? r->query.pairs[i] : body.pairs[i - r->query.n];
	return 0;
}

static int
modifier_of(struct str name, struct str *plain, enum modifier *mod)
{
	static const struct {
		struct str text;
		enum modifier mod;
	} mods[] = { { STR_INIT("exact"), MOD_EXACT }, { STR_INIT("contains"), MOD_CONTAINS },
		{ STR_INIT("not"), MOD_NOT }, { STR_INIT("missing"), MOD_MISSING } };
	size_t colon = str_find(name, ':');
	*plain = str_sub(name, 0, colon);
	*mod = MOD_NONE;
	if (colon == name.n)
		return 0;
	for (size_t i = 0; i < NITEMS(mods); i++)
		if (str_eq(str_skip(name, colon + 1), mods[i].text)) {
			*mod = mods[i].mod;
			return 0;
		}
	return -1;
}

static bool
modifier_fits(const struct param *p, enum modifier mod, struct str value)
{
	switch (mod) {
	case MOD_NONE:
		return true;
	case MOD_MISSING:
		return str_eq(value, STR("true")) || str_eq(value, STR("false"));
	case MOD_EXACT:
	case MOD_CONTAINS:
		return p->match == M_STRING;
	case MOD_NOT:
		return p->match == M_TOKEN;
	}
	return false;
}

/* Splits at commas that have no backslash, and takes the backslashes out (R4 search 3.1.1.4.0.1). */
static int
values_split(struct call *c, struct filter *f, struct str value)
{
	char *p = arena_raw(c->r->task.arena, value.n + 1);
	size_t start = 0, n = 0;
	if (p == NULL)
		return -1;
	for (size_t i = 0; i <= value.n; i++) {
		if (i < value.n && value.p[i] == '\\' && i + 1 < value.n) {
			p[n++] = value.p[++i];
			continue;
		}
		if (i < value.n && value.p[i] != ',') {
			p[n++] = value.p[i];
			continue;
		}
		if (f->n_values == FILTER_VALUES_MAX)
			return -1;
		if (n > start)
			f->values[f->n_values++] = (struct str){ p + start, n - start };
		start = n;
	}
	return f->n_values == 0 ? -1 : 0;
}

static const struct param *
plan_param(const struct plan *p, struct str name)
{
	for (unsigned i = 0; i < p->n_sources; i++) {
		const struct param *found = param_find(p->sources[i].s, name);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* _sort: parameters of the type; each source sorts by the first column of its own. */
static int
sort_read(struct call *c, struct str value)
{
	struct str part;
	while (str_next(&value, ',', &part)) {
		bool down = part.n > 0 && part.p[0] == '-';
		struct str name = str_skip(part, down ? 1 : 0);
		const struct param *p = plan_param(c->plan, name);
		if (c->q->n_sorts == SORTS_MAX || p == NULL || p->match == M_UUID || p->match == M_REFERENCE)
			return -1;
		struct sort *s = &c->q->sorts[c->q->n_sorts++];
		s->down = down;
		for (unsigned i = 0; i < c->plan->n_sources; i++) {
			const struct param *own = param_find(c->plan->sources[i].s, name);
			s->column[i] = STR_NULL;
			if (own != NULL)
				s->column[i] = str_sub(str_of(own->cols), 0, str_find(str_of(own->cols), ' '));
		}
	}
	return 0;
}

/* Parameters of the search itself. -1: not one of them; else REPLY or NEXT. */
enum { RESULT_UNKNOWN, RESULT_TAKEN, RESULT_BAD };
static int
result_parameter(struct call *c, struct str name, struct str value, struct str *token)
{
	uint64_t n;
	if (str_eq(name, STR("_count"))) {
		if (str_to_u64(value, UINT32_MAX, &n) != 0)
			return RESULT_BAD;
		c->only_count = n == 0; /* R4: the same as _summary=count */
		c->q->limit = n == 0 ? COUNT_DEFAULT : (unsigned)MIN(n, (uint64_t)COUNT_MAX);
	} else if (str_eq(name, STR("_sort"))) {
		return sort_read(c, value) == 0 ? RESULT_TAKEN : RESULT_BAD;
	} else if (str_eq(name, STR("_total"))) {
		c->want_count = !str_eq(value, STR("none"));
	} else if (str_eq(name, STR("_summary"))) {
		c->only_count = c->only_count || str_eq(value, STR("count"));
		return str_eq(value, STR("count")) || str_eq(value, STR("false")) ? RESULT_TAKEN : RESULT_UNKNOWN;
	} else if (str_eq(name, STR("_page"))) {
		*token = value;
	} else if (!str_eq(name, STR("_format")) && !str_eq(name, STR("_pretty"))) {
		return RESULT_UNKNOWN;
	}
	return RESULT_TAKEN;
}

static bool
strict(const struct request *r)
{
	return r->x != NULL && http_list_has(http_field(r->x->head, HTTP_F_PREFER), STR("handling=strict"));
}

static enum step
bad_parameter(struct call *c, struct str name, const char *what)
{
	struct json_write w;
	struct str text = arena_printf(c->r->task.arena, "%.*s: %s", STR_ARG(name), what);
	outcome_begin(c->r, 400, &w);
	issue_put(&w, STR("invalid"), text, STR_NULL);
	outcome_end(&w);
	return STEP_REPLY;
}

/* One parameter into the query; used tells whether it belongs in the self link. */
static enum step
parameter_take(struct call *c, const struct form_pair *pair, struct str *token, bool *used)
{
	struct str name;
	enum modifier mod;
	int known = result_parameter(c, pair->name, pair->value, token);
	*used = known == RESULT_TAKEN;
	if (known == RESULT_BAD)
		return bad_parameter(c, pair->name, "not a value that this parameter takes");
	if (known == RESULT_TAKEN)
		return STEP_NEXT;
	bool readable = modifier_of(pair->name, &name, &mod) == 0;
	const struct param *p = plan_param(c->plan, name);
	if (p == NULL)
		return strict(c->r) ? bad_parameter(c, name, "not a search parameter of this type") : STEP_NEXT;
	if (!readable || !modifier_fits(p, mod, pair->value))
		return bad_parameter(c, pair->name, "a modifier that this parameter does not take");
	if (pair->value.n == 0)
		return STEP_NEXT; /* R4: an empty parameter is as if it were absent */
	struct filter *f = query_filter(c->q, name, mod);
	if (f == NULL || values_split(c, f, pair->value) != 0)
		return bad_parameter(c, name, "too many values");
	*used = true;
	return STEP_NEXT;
}

static enum step
fhir_query(struct call *c)
{
	struct form all = { 0 };
	struct str token = STR_NULL;
	if (parameters(c, &all) != 0)
		return bad_parameter(c, STR("_search"), "the form body cannot be read");
	c->q->limit = COUNT_DEFAULT;
	c->want_count = true;
	c->self.pairs = all.pairs;
	for (size_t i = 0; i < all.n; i++) {
		bool used = false;
		struct form_pair pair = all.pairs[i];
		enum step s = parameter_take(c, &pair, &token, &used);
		if (s != STEP_NEXT)
			return s;
		if (used)
			c->self.pairs[c->self.n++] = pair;
	}
	if (token.n > 0 && query_token_read(c->r->task.arena, c->q, token) != 0)
		return bad_parameter(c, STR("_page"), "not one of this server's links");
	c->want_count = c->want_count || c->only_count;
	return STEP_NEXT;
}

static void
fhir_query_refused(struct call *c)
{
	outcome_put(c->r, 400, STR("invalid"), str_of(c->r->task.err.text));
}

/* --- search: Bundle ----------------------------------------------------------------------------------------------------------------- */

/* The search as a URL, with token as the place where the page begins (.n 0: as asked). */
static void
link_put(struct call *c, struct json_write *w, struct str relation, struct str token)
{
	struct buf url;
	bool any = false;
	buf_init(&url, c->r->task.arena, 256, 32 << 10);
	buf_str_put(&url, c->render.base);
	buf_char(&url, '/');
	buf_str_put(&url, str_of(c->plan->res->name));
	for (size_t i = 0; i < c->self.n; i++) {
		const struct form_pair *p = &c->self.pairs[i];
		if (token.n > 0 && str_eq(p->name, STR("_page")))
			continue;
		buf_char(&url, any ? '&' : '?');
		any = true;
		percent_put(&url, p->name);
		buf_char(&url, '=');
		percent_put(&url, p->value);
	}
	if (token.n > 0) {
		buf_str_put(&url, any ? STR("&_page=") : STR("?_page="));
		buf_str_put(&url, token);
	}
	json_obj(w);
	json_kv_str(w, STR("relation"), relation);
	json_kv_str(w, STR("url"), buf_str(&url));
	json_obj_end(w);
}

static void
entry_put(struct call *c, struct json_write *w, const struct fetched *f)
{
	char text[UUID_TEXT + 1];
	struct uuid u;
	const struct db_cell *cell = &f->row[f->ps->uuid];
	if (cell->kind != DB_C_TEXT || cell->s.n != sizeof u.b)
		return;
	memcpy(u.b, cell->s.p, sizeof u.b);
	uuid_text(&u, text);
	json_obj(w);
	json_kv_str(w, STR("fullUrl"),
	    arena_printf(c->r->task.arena, "%.*s/%s/%s", STR_ARG(c->render.base), c->plan->res->name, text));
	json_key_raw(w, STR("\"resource\":"));
	render_row(w, &c->render, c->plan, f->ps, f->row, f->children);
	json_key_raw(w, STR("\"search\":"));
	json_raw(w, STR("{\"mode\":\"match\"}"));
	json_obj_end(w);
}

static int64_t
total_of(const struct call *c)
{
	int64_t n = -1;
	if (c->count != NULL)
		return cell_int(db_cell(c->count, 0, 0), &n) == 0 ? n : -1;
	return c->want_count ? (int64_t)c->page.n_rows : -1;
}

static void
now_put(struct call *c, struct json_write *w)
{
	char text[40];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	struct date d;
	date_from_epoch_us(clock_real_us(c->r->worker->clock) / 1000000 * 1000000, &d);
	buf_printf(&b, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day, d.hour, d.minute, d.second);
	json_kv_str(w, STR("lastUpdated"), buf_str(&b));
}

static void
fhir_page(struct call *c)
{
	struct json_write w;
	int64_t total = total_of(c);
	c->render.base = fhir_base(c->r);
	fhir_reply(c->r, 200, &w);
	json_obj(&w);
	json_kv_str(&w, STR("resourceType"), STR("Bundle"));
	json_key(&w, STR("meta"));
	json_obj(&w);
	now_put(c, &w);
	json_obj_end(&w);
	json_kv_str(&w, STR("type"), STR("searchset"));
	if (total >= 0)
		json_kv_i64(&w, STR("total"), total);
	json_key(&w, STR("link"));
	json_arr(&w);
	link_put(c, &w, STR("self"), STR_NULL);
	if (c->more)
		link_put(c, &w, STR("next"),
		    query_token(c->r->task.arena, c->q, query_key(c->q, c->plan, c->keys, c->q->limit - 1)));
	json_arr_end(&w);
	if (c->page.n_rows > 0) {
		json_key(&w, STR("entry"));
		json_arr(&w);
		for (size_t i = 0; i < c->page.n_rows; i++)
			entry_put(c, &w, &c->page.rows[i]);
		json_arr_end(&w);
	}
	json_obj_end(&w);
}

/* --- read --------------------------------------------------------------------------------------------------------------------------- */

/* Of the bytes: two answers with one tag are the same answer. FNV-1a over 8 bytes at a time. */
static uint64_t
body_hash(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325), lane;
	for (; s.n >= sizeof lane; s = str_skip(s, sizeof lane)) {
		memcpy(&lane, s.p, sizeof lane);
		h = (h ^ lane) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
	}
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static void
fhir_one(struct call *c)
{
	struct reply *rp = &c->r->reply;
	struct json_write w;
	char tag[40], date[40];
	struct buf b = { .p = tag, .cap = sizeof tag, .max = sizeof tag };
	struct buf when = { .p = date, .cap = sizeof date, .max = sizeof date };
	int64_t updated = render_updated_s(&c->render, c->one.row.ps, c->one.row.row);
	c->render.base = fhir_base(c->r);
	fhir_reply(c->r, 200, &w);
	render_row(&w, &c->render, c->plan, c->one.row.ps, c->one.row.row, c->one.row.children);
	buf_printf(&b, "W/\"%016llx\"", (unsigned long long)body_hash(buf_str(&rp->body)));
	struct str none = c->r->x == NULL ? STR_NULL : http_field(c->r->x->head, HTTP_F_IF_NONE_MATCH);
	if (c->h->row->op == OP_READ && none.n > 0 && (str_eq(none, STR("*")) || http_list_has(none, buf_str(&b)))) {
		reply_reset(rp);
		rp->status = 304;
	}
	reply_field(rp, STR("ETag"), buf_str(&b));
	if (updated >= 0) {
		date_put_http(&when, updated);
		reply_field(rp, STR("Last-Modified"), buf_str(&when));
	}
}

static void
fhir_missing(struct call *c)
{
	if (!c->id_valid)
		outcome_put(c->r, 400, STR("value"), STR("The id is not a uuid."));
	else
		outcome_put(c->r, 404, STR("not-found"), STR("No such resource."));
}

/* --- writes ------------------------------------------------------------------------------------------------------------------------- */

static bool
known_element(const struct call *c, const char *name)
{
	static const char common[] =
	    "resourceType id meta implicitRules language text contained extension modifierExtension";
	const char *const lists[] = { common, c->plan->write->rule->elements };
	for (size_t i = 0; i < NITEMS(lists); i++) {
		struct str rest = str_of(lists[i]), word;
		while (words_next(&rest, &word))
			if (str_eq(word, str_of(name[0] == '_' ? name + 1 : name)))
				return true;
	}
	return false;
}

/* A resource of the route's type, without elements that the type does not have. */
static bool
fhir_body(struct call *c, const json_t *doc)
{
	const char *name;
	const json_t *v;
	if (!json_is_object(doc)) {
		outcome_put(c->r, 400, STR("structure"), STR("The body is not a JSON resource."));
		return false;
	}
	if (!str_eq(json_in_str(doc, "resourceType"), str_of(c->plan->res->name))) {
		outcome_put(c->r, 400, STR("invalid"), STR("resourceType is not that of the address."));
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)doc, name, v)
	{
		if (!known_element(c, name)) {
			outcome_put(
			    c->r, 400, STR("structure"), STR("The body has an element that the type does not have."));
			return false;
		}
	}
	return true;
}

static void
fhir_invalid(struct call *c)
{
	struct json_write w;
	outcome_begin(c->r, 400, &w);
	for (unsigned i = 0; i < c->violations.n; i++) {
		const struct violation *v = &c->violations.v[i];
		struct str at = arena_printf(c->r->task.arena, "%s.%.*s", c->plan->res->name, STR_ARG(v->field));
		issue_put(&w, str_starts(v->code, STR("Required")) ? STR("required") : STR("value"), v->message, at);
	}
	outcome_end(&w);
}

/* OpenEMR's body, which its clients read, and the Location that FHIR asks for. */
static void
fhir_created(struct call *c)
{
	struct json_write w;
	char text[UUID_TEXT + 1];
	struct str rest = str_of(c->plan->write->rule->answer), word;
	uuid_text(&c->uuids[0], text);
	fhir_reply(c->r, 201, &w);
	c->r->reply.content_type = STR("application/json"); /* it is no resource */
	json_obj(&w);
	while (words_next(&rest, &word)) {
		if (str_eq(word, STR("uuid")))
			json_kv_str(&w, word, (struct str){ text, UUID_TEXT });
		else
			json_kv_i64(&w, word, str_eq(word, STR("id")) ? c->row_id : c->next);
	}
	json_obj_end(&w);
	reply_field(&c->r->reply, STR("Location"),
	    arena_printf(c->r->task.arena, "%.*s/%s/%s", STR_ARG(fhir_base(c->r)), c->plan->res->name, text));
}

static void
fhir_key_refused(struct call *c, unsigned status, const char *text)
{
	outcome_put(c->r, status, status == 409 ? STR("conflict") : STR("business-rule"), str_of(text));
}

const struct dialect_ops dialect_fhir = {
	.query = fhir_query,
	.one = fhir_one,
	.page = fhir_page,
	.missing = fhir_missing,
	.query_refused = fhir_query_refused,
	.body = fhir_body,
	.invalid = fhir_invalid,
	.created = fhir_created,
	.key_refused = fhir_key_refused,
};
