/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The source of a long list. One task per page with an arena of its own, which is reset when the page has been handed to the
 * connection. A database that fails in the middle breaks the connection: an answer that ends early must not look whole.   */
#include "backends/direct/engine/stream.h"

#include "backends/direct/engine/dialects.h"
#include "gateway/net/exchange.h"

enum { PAGE_ARENA = 32 << 20, BODY_MAX = 32 << 20 };

struct stream {
	unsigned magic;
#define STREAM_MAGIC 0x3b8e5d61u
	struct body_source source;
	struct task task;
	struct arena *arena; /* of the page under way */
	struct call *c;      /* lives as long as the exchange */
	struct exchange *x;
	struct str tail; /* what closes the envelope */
	void (*done)(void *);
	void *done_arg;
	struct db_result *keys;
	struct db_val *vals;
	struct fetch_page page;
	bool more, running;
};

static void page_next(struct stream *s);

/* The exchange's memory goes: nothing of a page may stay under way. */
static void
stream_gone(void *arg)
{
	struct stream *s = arg;
	if (s->running)
		task_cancel(&s->task);
	s->running = false;
	arena_free(&s->arena);
}

/* --- a page ------------------------------------------------------------------------------------------------------------------- */

static enum step
page_keys(struct task *t)
{
	struct stream *s = task_frame(t);
	const struct db_stmt *stmt;
	size_t n = 0;
	s->vals = arena_array(t->arena, QUERY_VALS_MAX, sizeof *s->vals);
	if (s->vals == NULL ||
	    query_page(s->c->q, s->c->plan, s->c->d->forms, t->arena, HYDRATE_MAX, &stmt, s->vals, &n, &t->err) != 0)
		return STEP_FAIL;
	return db_query(t, s->c->r->site->db, stmt, s->vals, n, &s->keys);
}

static enum step
page_rows(struct task *t)
{
	struct stream *s = task_frame(t);
	if (s->keys->status != DB_OK)
		return STEP_FAIL;
	s->page = (struct fetch_page){ .plan = s->c->plan,
		.db = s->c->r->site->db,
		.q = s->c->q,
		.keys = s->keys,
		.uuids = &s->c->d->uuids,
		.n_keys = MIN(s->keys->n_rows, (size_t)HYDRATE_MAX) };
	return task_push(t, &fetch_page_table, &s->page);
}

/* Where the next page begins. The sort values must outlive this page's arena. */
static int
position_take(struct stream *s, const struct db_cell *last)
{
	struct query *q = s->c->q;
	char number[24];
	q->has_after = true;
	q->offset = 0;
	q->after_source = (unsigned)last[0].i;
	q->after_id = last[1].i;
	for (unsigned i = 0; i < q->n_sorts; i++) {
		q->after_sort[i] = arena_str(s->c->r->task.arena, cell_text(&last[2 + i], number));
		if (q->after_sort[i].p == NULL)
			return -1;
	}
	return 0;
}

static enum step
page_write(struct task *t)
{
	struct stream *s = task_frame(t);
	struct buf out;
	struct json_write w;
	if (s->page.status != DB_OK)
		return STEP_FAIL;
	s->more = s->keys->n_rows > HYDRATE_MAX;
	s->c->render.lists = s->c->d->lists;
	buf_init(&out, t->arena, 1 << 20, BODY_MAX);
	for (size_t i = 0; i < s->page.n_rows; i++) {
		buf_char(&out, ',');
		json_begin(&w, &out, style_escape(s->c->style));
		render_row(
		    &w, &s->c->render, s->c->plan, s->page.rows[i].ps, s->page.rows[i].row, s->page.rows[i].children);
	}
	if (!buf_ok(&out) ||
	    (s->more && position_take(s, query_key(s->c->q, s->c->plan, s->keys, HYDRATE_MAX - 1)) != 0))
		return STEP_FAIL;
	s->running = false;
	if (exchange_reply_write(s->x, buf_str(&out)) <= EXCHANGE_HIGH_WATER)
		s->running = true; /* go on at once */
	return STEP_NEXT;
}

static enum step
page_over(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(
    page_table, 3, { "keys", page_keys }, { "rows", page_rows }, { "write", page_write }, { "over", page_over });

/* --- the source --------------------------------------------------------------------------------------------------------------- */

static void
stream_end(struct stream *s)
{
	(void)exchange_reply_write(s->x, s->tail);
	exchange_on_drain(s->x, NULL);
	exchange_reply_end(s->x);
	s->done(s->done_arg);
}

static void
drained(struct exchange *x)
{
	struct request *r = x->user;
	struct stream *s = CONTAINER_OF(r->reply.source, struct stream, source);
	CHECK_OBJ(s, STREAM_MAGIC);
	if (s->running)
		return;
	if (s->more)
		page_next(s);
	else
		stream_end(s);
}

static void
page_done(struct task *t)
{
	struct stream *s = CONTAINER_OF(t, struct stream, task);
	CHECK_OBJ(s, STREAM_MAGIC);
	if (t->finishing) { /* a step failed */
		s->running = false;
		exchange_abort(s->x);
		return; /* cancel() follows when the exchange is closed */
	}
	if (!s->running)
		return; /* drained() goes on */
	if (s->more)
		page_next(s);
	else
		stream_end(s);
}

static void
page_next(struct stream *s)
{
	arena_reset(s->arena);
	s->task = (struct task){ 0 };
	s->running = true;
	task_init(&s->task, s->c->r->task.loop, s->arena, &page_table, s, page_done);
	task_run(&s->task);
}

static void
stream_start(struct body_source *b, struct exchange *x, struct str fields, void (*done)(void *), void *arg)
{
	struct stream *s = CONTAINER_OF(b, struct stream, source);
	CHECK_OBJ(s, STREAM_MAGIC);
	s->x = x;
	s->done = done;
	s->done_arg = arg;
	exchange_reply_begin(x, s->c->r->reply.status, fields, -1);
	exchange_on_drain(x, drained);
	(void)exchange_reply_write(x, buf_str(&s->c->r->reply.body));
	page_next(s);
}

static void
stream_cancel(struct body_source *b)
{
	struct stream *s = CONTAINER_OF(b, struct stream, source);
	CHECK_OBJ(s, STREAM_MAGIC);
	stream_gone(s);
}

int
stream_continue(struct call *c)
{
	struct stream *s = ARENA_NEW(c->r->task.arena, struct stream);
	if (s == NULL || arena_defer(c->r->task.arena, stream_gone, s) != 0)
		return -1;
	s->arena = arena_new("stream", PAGE_ARENA);
	if (s->arena == NULL)
		return -1;
	s->magic = STREAM_MAGIC;
	s->c = c;
	s->source = (struct body_source){ .start = stream_start, .cancel = stream_cancel, .state = s, .length = -1 };
	s->tail = c->stream_tail;
	if (position_take(s, query_key(c->q, c->plan, c->keys, HYDRATE_MAX - 1)) != 0)
		return -1;
	c->r->reply.source = &s->source;
	return 0;
}
