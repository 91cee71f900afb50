/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Standard and Portal API: OpenEMR's envelopes, statuses, paging and links. 8.x answers have "links"; 6.x and 7.x (compat: classic)
 * have no such member (golden-7.0).                                                                                        */
#include "backends/direct/engine/dialects.h"

enum { LIMIT_MAX = 200, OFFSET_MAX = 100000000 };

static bool
classic(const struct call *c)
{
	return c->r->site->compat == COMPAT_CLASSIC;
}

/* --- statuses ----------------------------------------------------------------------------------------------------------------- */

unsigned
style_status(const struct style *s, bool is_classic, enum outcome o)
{
	static const unsigned short effective[] = { [DONE] = 200, [CREATED] = 201, [INVALID] = 400, [MISSING] = 404 };
	if (o == CREATED && (is_classic ? s->created_classic : s->created_v8) != 0)
		return is_classic ? s->created_classic : s->created_v8;
	if (!is_classic && s->envelope == ENV_OLD)
		return 200;
	if (!is_classic && s->envelope == ENV_BARE && o == INVALID)
		return 200;
	return effective[o];
}

static unsigned
status_of(const struct call *c, enum outcome o)
{
	return style_status(c->style, classic(c), o);
}

/* --- envelopes ---------------------------------------------------------------------------------------------------------------- */

static bool
bare(const struct call *c)
{
	return c->style->envelope == ENV_BARE;
}

enum json_escape
style_escape(const struct style *s)
{
	return s->envelope == ENV_NEW ? JSON_PHP : JSON_PHP_HEX;
}

/* Up to the value of "data"; bare: nothing, the value is the body. */
static void
envelope_begin(struct call *c, struct json_write *w, unsigned status, const struct violations *v)
{
	struct reply *rp = &c->r->reply;
	reply_reset(rp);
	rp->status = status;
	rp->content_type = STR("application/json");
	json_begin(w, &rp->body, style_escape(c->style));
	if (bare(c))
		return;
	json_obj(w);
	json_key_raw(w, STR("\"validationErrors\":"));
	if (v != NULL) {
		violations_put(w, v);
	} else {
		json_arr(w);
		json_arr_end(w);
	}
	json_key_raw(w, STR("\"internalErrors\":"));
	json_raw(w, STR("[]"));
	json_key_raw(w, STR("\"data\":"));
}

static void
envelope_end(struct call *c, struct json_write *w, struct str links)
{
	if (bare(c))
		return;
	if (!classic(c)) {
		json_key_raw(w, STR("\"links\":"));
		json_raw(w, links);
	}
	json_obj_end(w);
}

/* Errors without data; bare: the errors are the body. */
static void
errors_put(struct call *c, unsigned status, const struct violations *v)
{
	struct json_write w;
	envelope_begin(c, &w, status, v);
	if (bare(c)) {
		violations_put(&w, v);
		return;
	}
	json_arr(&w);
	json_arr_end(&w);
	envelope_end(c, &w, STR("[]"));
}

/* Nothing there: empty data; bare: null before 8.x, no body since. */
static void
nothing_put(struct call *c, unsigned status)
{
	if (!bare(c)) {
		errors_put(c, status, NULL);
		return;
	}
	if (classic(c)) {
		struct json_write w;
		envelope_begin(c, &w, status, NULL);
		json_nil(&w);
		return;
	}
	reply_reset(&c->r->reply);
	c->r->reply.status = status;
	c->r->reply.content_type = STR("text/html; charset=utf-8");
}

/* --- refusals ----------------------------------------------------------------------------------------------------------------- */

/* A text of the rows with the value of the path in place of its %. */
static struct str
with_value(struct call *c, const char *text, struct str value)
{
	struct str all = str_of(text);
	size_t at = str_find(all, '%');
	if (at == all.n)
		return all;
	return arena_printf(
	    c->r->task.arena, "%.*s%.*s%.*s", (int)at, all.p, STR_ARG(value), STR_ARG(str_skip(all, at + 1)));
}

static void
refusal_add(struct call *c, const struct refusal *f, struct str value)
{
	struct violations *v = &c->violations;
	v->arena = c->r->task.arena;
	struct str text = with_value(c, f->text, value);
	violation_add(v, str_of(f->field), f->code == NULL ? STR_NULL : (struct str){ f->code, strlen(f->code) },
	    "%.*s", STR_ARG(text));
	if (f->code2 == NULL)
		return;
	text = with_value(c, f->text2, value);
	violation_add(v, str_of(f->field), str_of(f->code2), "%.*s", STR_ARG(text));
}

static void
refusal_put(struct call *c, const struct refusal *f, struct str value)
{
	unsigned status = f == NULL ? 0 : classic(c) ? f->classic : f->v8;
	if (f == NULL || f->field == NULL) {
		nothing_put(c, status != 0 ? status : status_of(c, MISSING));
		return;
	}
	refusal_add(c, f, value);
	errors_put(c, status != 0 ? status : status_of(c, INVALID), &c->violations);
}

static const struct refusal *
parent_refusal(const struct call *c)
{
	const struct style *s = c->style;
	const struct refusal *unknown = s->no_parent != NULL ? s->no_parent : s->no_row;
	return !c->parent.valid && s->bad_parent != NULL ? s->bad_parent : unknown;
}

static void standard_removed(struct call *c);

static bool
counts_as_gone(struct call *c)
{
	if (c->h->row->op != OP_DELETE || !c->style->gone_ok)
		return false;
	standard_removed(c);
	return true;
}

static void
standard_no_parent(struct call *c)
{
	if (!counts_as_gone(c))
		refusal_put(c, parent_refusal(c), c->parent.text);
}

static bool
standard_parent_violation(struct call *c)
{
	const struct refusal *f = parent_refusal(c);
	if (f == NULL || f->field == NULL) {
		refusal_put(c, f, c->parent.text);
		return false;
	}
	refusal_add(c, f, c->parent.text);
	return true;
}

static void
standard_key_refused(struct call *c, unsigned status, const char *text)
{
	struct violations *v = &c->violations;
	v->arena = c->r->task.arena;
	violation_add(v, STR("Idempotency-Key"), STR("Callback::INVALID_VALUE"), "%s", text);
	errors_put(c, status, v);
}

/* --- filters and paging --------------------------------------------------------------------------------------------------------- */

/* PHP keeps the last of a repeated parameter. */
static const struct form_pair *
last_of(const struct form *q, struct str name)
{
	for (size_t i = q->n; i > 0; i--)
		if (str_eq(q->pairs[i - 1].name, name))
			return &q->pairs[i - 1];
	return NULL;
}

static int
number_of(struct call *c, struct str name, uint64_t max, uint64_t *out)
{
	const struct form_pair *p = last_of(&c->r->query, name);
	if (p == NULL || p->value.n == 0)
		return 0;
	if (str_to_u64(p->value, UINT64_MAX, out) != 0)
		return ERR(&c->r->task.err, E_INVALID, "%.*s: not a number of 0 or more", STR_ARG(name));
	*out = MIN(*out, max);
	return 0;
}

/* The column of the plan's first source that a member of _sort names; others are dropped, as in OpenEMR. */
static void
sorts_read(struct call *c)
{
	const struct form_pair *p = last_of(&c->r->query, STR("_sort"));
	struct str rest = p == NULL ? STR("") : p->value, part;
	while (c->q->n_sorts < SORTS_MAX && str_next(&rest, ',', &part)) {
		bool down = part.n > 0 && part.p[0] == '-';
		struct str name = str_skip(part, down ? 1 : 0), all = str_of(c->style->sorts), col;
		while (words_next(&all, &col)) {
			if (!str_eq(str_skip(col, str_find(col, '.') + 1), name))
				continue;
			struct sort *s = &c->q->sorts[c->q->n_sorts++];
			s->down = down;
			s->column[0] = col;
			break;
		}
	}
}

static int
paging_read(struct call *c)
{
	static const struct str names[] = { STR_INIT("_count"), STR_INIT("_limit"), STR_INIT("_maxresults") };
	uint64_t limit = 0, offset = 0;
	if (!c->style->paging)
		return 0;
	/* _count is what the links of 8.x carry: read too, so that following them keeps the page size */
	for (size_t i = 0; i < NITEMS(names); i++)
		if (number_of(c, names[i], LIMIT_MAX, &limit) != 0)
			return -1;
	if (number_of(c, STR("_offset"), OFFSET_MAX, &offset) != 0)
		return -1;
	c->q->limit = (unsigned)limit;
	c->q->offset = limit == 0 ? 0 : offset; /* OpenEMR: an offset counts only with a limit */
	sorts_read(c);
	return 0;
}

static enum step
standard_query(struct call *c)
{
	const struct form *query = &c->r->query;
	for (size_t i = 0; i < query->n; i++) {
		const struct form_pair *p = &query->pairs[i];
		if (!plan_has_param(c->plan, p->name) || p != last_of(query, p->name))
			continue; /* only documented filters; the last of a name */
		const struct param *row = param_find(c->plan->sources[0].s, p->name);
		struct filter *f =
		    query_filter(c->q, p->name, row != NULL && row->match == M_CONTAINS ? MOD_CONTAINS : MOD_NONE);
		if (f == NULL) {
			c->style->ops->query_refused(c);
			return STEP_REPLY;
		}
		f->values[f->n_values++] = p->value;
	}
	if (paging_read(c) != 0) {
		c->style->ops->query_refused(c);
		return STEP_REPLY;
	}
	query_order(c->q, c->plan);
	c->render.strings = c->q->n_filters == 0 &&
	                    (c->style->strings_unfiltered || (classic(c) && c->style->strings_unfiltered_classic));
	return STEP_NEXT;
}

static void
standard_query_refused(struct call *c)
{
	struct violations *v = &c->violations;
	struct str text = str_of(c->r->task.err.text);
	v->arena = c->r->task.arena;
	size_t colon = str_find(text, ':');
	struct str name = arena_str(v->arena, str_sub(text, 0, colon));
	if (colon < text.n)
		violation_add(v, name, STR("Callback::INVALID_VALUE"), "%.*s is invalid", STR_ARG(name));
	else
		violation_add(v, STR("query"), STR("Callback::INVALID_VALUE"), "query is invalid");
	errors_put(c, 400, v);
}

/* --- links ---------------------------------------------------------------------------------------------------------------------- */

static void
link_put(struct call *c, struct json_write *w, struct str relation, uint64_t offset)
{
	static const struct str own[] = { STR_INIT("_limit"), STR_INIT("_offset"), STR_INIT("_count"),
		STR_INIT("_maxresults") };
	struct buf url;
	bool any = false;
	buf_init(&url, c->r->task.arena, 256, 16 << 10);
	buf_str_put(&url, c->r->site->api_base);
	buf_str_put(&url, c->r->path);
	buf_char(&url, '?');
	if (c->style->envelope == ENV_OLD) {
		buf_lit(&url, "site=");
		buf_str_put(&url, c->r->site->name);
		any = true;
	}
	for (size_t i = 0; i < c->r->query.n; i++) {
		const struct form_pair *p = &c->r->query.pairs[i];
		bool paging = false;
		for (size_t k = 0; k < NITEMS(own); k++)
			paging = paging || str_eq(p->name, own[k]);
		if (paging)
			continue;
		buf_str_put(&url, any ? STR("&") : STR(""));
		any = true;
		percent_put(&url, p->name);
		buf_char(&url, '=');
		percent_put(&url, p->value);
	}
	buf_printf(&url, "&_offset=%llu&_count=%u", (unsigned long long)offset, c->q->limit);
	json_kv_str(w, relation, buf_str(&url));
}

static struct str
links_make(struct call *c)
{
	struct buf out;
	struct json_write w;
	buf_init(&out, c->r->task.arena, 512, 64 << 10);
	json_begin(&w, &out, style_escape(c->style));
	json_obj(&w);
	link_put(c, &w, STR("first"), 0);
	if (c->q->offset > 0)
		link_put(c, &w, STR("previous"), c->q->offset > c->q->limit ? c->q->offset - c->q->limit : 0);
	if (c->more && c->q->limit > 0)
		link_put(c, &w, STR("next"), c->q->offset + c->q->limit);
	json_obj_end(&w);
	return buf_ok(&out) ? buf_str(&out) : STR("[]");
}

/* --- answers -------------------------------------------------------------------------------------------------------------------- */

static void
row_put(struct call *c, struct json_write *w, const struct fetched *f)
{
	render_row(w, &c->render, c->plan, f->ps, f->row, f->children);
}

static struct str
list_links(struct call *c, size_t n_rows)
{
	return classic(c) || bare(c) || (n_rows == 0 && c->style->no_links_when_empty) ? STR("[]") : links_make(c);
}

/* The query of a read that answers an array has links as a list has. */
static struct str
one_links(struct call *c)
{
	if (c->style->shape != SHAPE_ARRAY || classic(c))
		return STR("[]");
	if (c->q == NULL && (c->q = query_new(c->r->task.arena)) == NULL)
		return STR("[]");
	return links_make(c);
}

static void
standard_one(struct call *c)
{
	struct json_write w;
	bool update = c->h->row->op == OP_UPDATE;
	envelope_begin(c, &w, 200, NULL);
	if (update && c->style->echo != NULL) {
		json_obj(&w);
		json_kv_str(&w, str_of(c->style->echo), c->id_text);
		json_obj_end(&w);
		envelope_end(c, &w, STR("[]"));
		return;
	}
	bool array = c->style->shape == SHAPE_ARRAY;
	if (array)
		json_arr(&w);
	row_put(c, &w, &c->one.row);
	if (array)
		json_arr_end(&w);
	envelope_end(c, &w, array && !update ? one_links(c) : STR("[]"));
}

void
standard_named(struct call *c, const char *const *names, const struct fetched *rows, unsigned n)
{
	struct json_write w;
	envelope_begin(c, &w, 200, NULL);
	json_obj(&w);
	for (unsigned i = 0; i < n; i++) {
		json_key(&w, str_of(names[i]));
		if (rows[i].ps == NULL)
			json_nil(&w);
		else
			row_put(c, &w, &rows[i]);
	}
	json_obj_end(&w);
	envelope_end(c, &w, STR("[]"));
}

static void
list_open(struct call *c, struct json_write *w)
{
	if (c->style->shape == SHAPE_KEYED) {
		json_obj(w);
		return;
	}
	json_arr(w);
	if (c->style->shape == SHAPE_NESTED)
		json_arr(w);
}

static void
list_close(struct call *c, struct json_write *w)
{
	if (c->style->shape == SHAPE_KEYED) {
		json_obj_end(w);
		return;
	}
	if (c->style->shape == SHAPE_NESTED)
		json_arr_end(w);
	json_arr_end(w);
}

/* What closes a list that goes on as a stream. */
static struct str
stream_tail(struct call *c, struct str links)
{
	const char *close = c->style->shape == SHAPE_NESTED ? "]]" : "]";
	if (bare(c))
		return str_of(close);
	if (classic(c))
		return arena_printf(c->r->task.arena, "%s}", close);
	return arena_printf(c->r->task.arena, "%s,\"links\":%.*s}", close, STR_ARG(links));
}

/* A list that goes on as a stream is left open behind its last element. */
static void
standard_page(struct call *c)
{
	struct json_write w;
	struct str links = list_links(c, c->page.n_rows);
	if (bare(c) && c->page.n_rows == 0 && !c->style->empty_ok) {
		nothing_put(c, status_of(c, MISSING));
		return;
	}
	envelope_begin(c, &w, 200, NULL);
	if (c->page.n_rows == 0 && c->style->shape == SHAPE_NESTED) {
		json_arr(&w);
		json_arr_end(&w);
		envelope_end(c, &w, links);
		return;
	}
	list_open(c, &w);
	for (size_t i = 0; i < c->page.n_rows; i++) {
		if (c->style->shape == SHAPE_KEYED)
			json_key(&w, arena_printf(c->r->task.arena, "%zu", i + 1));
		size_t before = w.out->n;
		row_put(c, &w, &c->page.rows[i]);
		if (i == 0) /* the others are about as long: room for all at once */
			buf_expect(w.out, (c->page.n_rows - 1) * (w.out->n - before) / 16 * 17);
	}
	if (c->more && c->q->limit == 0) {
		c->stream_tail = stream_tail(c, links);
		return;
	}
	list_close(c, &w);
	envelope_end(c, &w, links);
}

static void
standard_missing(struct call *c)
{
	const struct style *s = c->style;
	if (c->id_valid && c->one.found == FOUND_HIDDEN && s->hidden_404)
		nothing_put(c, 404);
	else if (!counts_as_gone(c))
		refusal_put(c, !c->id_valid && s->bad_row != NULL ? s->bad_row : s->no_row, c->id_text);
}

static void
standard_invalid(struct call *c)
{
	errors_put(c, status_of(c, INVALID), &c->violations);
}

/* A number that a creation answers: the row's, one of the further rows', or the one that was counted. */
static int64_t
created_number(const struct call *c, struct str what)
{
	const struct plan_write *w = c->plan->write;
	if (str_eq(what, STR("id")))
		return c->row_id;
	for (unsigned i = 0; i < w->n_further; i++)
		if (str_eq(what, str_of(w->rule->further[i].table)))
			return c->further_id[i];
	return c->next;
}

static void
created_member(struct call *c, struct json_write *w, struct str word)
{
	size_t at = str_find(word, '=');
	struct str what = at < word.n ? str_skip(word, at + 1) : word;
	char text[UUID_TEXT + 1];
	json_key(w, str_sub(word, 0, at));
	if (!str_eq(what, STR("uuid"))) {
		json_i64(w, created_number(c, what));
		return;
	}
	uuid_text(&c->uuids[0], text);
	json_str(w, (struct str){ text, UUID_TEXT });
}

/* {"id":5,"uuid":"..."} or {"pid":2,"uuid":"..."}: the words of the write rule; * is the row as it reads. */
static void
standard_created(struct call *c)
{
	const struct write_rule *rule = c->plan->write->rule;
	struct str rest = str_of(!classic(c) && rule->answer_v8 != NULL ? rule->answer_v8 : rule->answer), word;
	struct json_write w;
	envelope_begin(c, &w, status_of(c, CREATED), NULL);
	if (c->style->created != NULL) {
		json_raw(&w, with_value(c, c->style->created, c->id_text));
		envelope_end(c, &w, STR("[]"));
		return;
	}
	bool array = c->style->shape == SHAPE_ARRAY;
	if (array)
		json_arr(&w);
	bool row = rest.n > 0 && rest.p[0] == '*' && c->one.row.row != NULL;
	if (row)
		render_members(&w, &c->render, c->plan, c->one.row.ps, c->one.row.row, c->one.row.children);
	else
		json_obj(&w);
	while (words_next(&rest, &word))
		if (!str_eq(word, STR("*")))
			created_member(c, &w, word);
	json_obj_end(&w);
	if (array)
		json_arr_end(&w);
	envelope_end(c, &w, STR("[]"));
}

static void
standard_removed(struct call *c)
{
	struct json_write w;
	struct buf id;
	const char *deleted = c->style->deleted == NULL ? "true" : c->style->deleted;
	buf_init(&id, c->r->task.arena, 64, 64 << 10);
	json_escape_put(&id, c->id_text, style_escape(c->style));
	envelope_begin(c, &w, status_of(c, DONE), NULL);
	json_raw(&w, with_value(c, deleted, buf_str(&id)));
	envelope_end(c, &w, STR("[]"));
}

const struct dialect_ops dialect_standard = {
	.query = standard_query,
	.one = standard_one,
	.page = standard_page,
	.missing = standard_missing,
	.query_refused = standard_query_refused,
	.invalid = standard_invalid,
	.created = standard_created,
	.removed = standard_removed,
	.no_parent = standard_no_parent,
	.parent_violation = standard_parent_violation,
	.key_refused = standard_key_refused,
	.stream = true,
	.describe = standard_describe,
};
