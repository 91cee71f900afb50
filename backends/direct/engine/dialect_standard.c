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

static void
envelope_begin(struct call *c, struct json_write *w, unsigned status, const struct violations *v)
{
	struct reply *rp = &c->r->reply;
	reply_reset(rp);
	rp->status = status;
	rp->content_type = STR("application/json");
	json_begin(w, &rp->body, JSON_PHP);
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
	if (!classic(c)) {
		json_key_raw(w, STR("\"links\":"));
		json_raw(w, links);
	}
	json_obj_end(w);
}

static void
empty_data(struct call *c, unsigned status, const struct violations *v)
{
	struct json_write w;
	envelope_begin(c, &w, status, v);
	json_arr(&w);
	json_arr_end(&w);
	envelope_end(c, &w, STR("[]"));
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
	empty_data(c, 400, v);
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
	json_begin(&w, &out, JSON_PHP);
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
standard_one(struct call *c)
{
	struct json_write w;
	envelope_begin(c, &w, 200, NULL);
	render_row(&w, &c->render, c->plan, c->one.row.ps, c->one.row.row, c->one.row.children);
	envelope_end(c, &w, STR("[]"));
}

/* A list that goes on as a stream is left open behind its last element. */
static void
standard_page(struct call *c)
{
	struct json_write w;
	bool open = c->more && c->q->limit == 0;
	envelope_begin(c, &w, 200, NULL);
	json_arr(&w);
	for (size_t i = 0; i < c->page.n_rows; i++)
		render_row(&w, &c->render, c->plan, c->page.rows[i].ps, c->page.rows[i].row, c->page.rows[i].children);
	struct str links = classic(c) ? STR("") : links_make(c);
	if (open) {
		c->stream_tail =
		    classic(c) ? STR("]}") : arena_printf(c->r->task.arena, "],\"links\":%.*s}", STR_ARG(links));
		return;
	}
	json_arr_end(&w);
	envelope_end(c, &w, links);
}

static void
standard_missing(struct call *c)
{
	struct violations *v = &c->violations;
	if (c->id_valid && c->one.found == FOUND_HIDDEN && c->style->hidden_404) {
		empty_data(c, 404, NULL);
		return;
	}
	v->arena = c->r->task.arena;
	violation_add(
	    v, STR("uuid"), STR("invalid or nonexisting value"), "%s%.*s", c->style->missing_text, STR_ARG(c->id_text));
	empty_data(c, 400, v);
}

static void
standard_invalid(struct call *c)
{
	empty_data(c, 400, &c->violations);
}

/* {"id":5,"uuid":"..."} or {"pid":2,"uuid":"..."}: the row's answer columns. */
static void
standard_created(struct call *c)
{
	struct str rest = str_of(c->plan->write->rule->answer), word;
	char text[UUID_TEXT + 1];
	struct json_write w;
	envelope_begin(c, &w, 201, NULL);
	json_obj(&w);
	while (words_next(&rest, &word)) {
		json_key(&w, word);
		if (str_eq(word, STR("uuid"))) {
			uuid_text(&c->uuids[0], text);
			json_str(&w, (struct str){ text, UUID_TEXT });
		} else {
			json_i64(&w, str_eq(word, STR("id")) ? (int64_t)c->inserted->insert_id : c->next);
		}
	}
	json_obj_end(&w);
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
	.stream = true,
	.describe = standard_describe,
};
