/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One proxied request: connect, send the head, stream the body there and the answer back. Which fields pass is head.c's.    */
#include "backends/proxy/proxy.h"

#include "backends/proxy/head.h"
#include "backends/proxy/reroute.h"
#include "gateway/net/http_body.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_HEAD = 24 };

struct proxy {
	struct upstream *upstream;
	const struct conf_upstream *conf;
};
struct call {
	struct upstream_user user; /* first: callbacks get it */
	struct request *r;
	struct proxy *proxy;
	struct exchange *x;
	struct body_source source;
	struct http_head head; /* of the answer */
	struct http_body body;
	struct buf raw_head; /* a copy of the answer's head: its strings borrow from here */
	size_t tried;        /* bytes of the head that were parsed in vain */
	void (*done)(void *arg);
	void *done_arg;
	struct loop_timer *timer; /* pauses while streaming */
	struct reroute form;      /* in the request's body, when PHP reads its names */
	bool is_form, rerouted;
	bool waiting, head_sent, chunked_out, body_begun, body_sent, head_done, streaming, finished, failed_connect,
	    bad_answer;
};

/* --- ends ---------------------------------------------------------------------------------------------------------------------------- */

static void
wake(struct call *c)
{
	if (!c->waiting)
		return;
	c->waiting = false;
	wait_wake(c->r->task.wait);
}

/* Streaming is over: the connection goes back when both bodies are complete and nothing was closed. */
static void
stream_end(struct call *c, bool complete)
{
	if (c->finished)
		return;
	c->finished = true;
	c->source.cut = !complete;
	loop_timer_free(&c->timer);
	upstream_put(&c->user, complete && c->body_sent && c->head.keep_alive && c->body.kind != HTTP_BODY_UNTIL_CLOSE);
	if (complete)
		exchange_reply_end(c->x);
	else
		exchange_abort(c->x);
	c->done(c->done_arg);
}

/* --- the request's body ----------------------------------------------------------------------------------------------------------------- */

/* The pipeline's exchanges carry their request; it carries the backend's state. */
static struct call *
call_at(struct exchange *x)
{
	struct request *r = x->user;
	if (r == NULL)
		return NULL;
	CHECK_OBJ(r, REQUEST_MAGIC);
	return r->state;
}

static void
body_piece(struct exchange *x, struct str piece, bool end, unsigned refused)
{
	struct call *c = call_at(x);
	char head[CHUNK_HEAD];
	if (c == NULL || c->user.pool == NULL)
		return;
	if (refused != 0 && c->streaming) { /* the answer had begun before the body was complete */
		stream_end(c, false);
		return;
	}
	c->rerouted = c->is_form && reroute_feed(&c->form, piece);
	if (c->rerouted && c->streaming) {
		stream_end(c, false);
		return;
	}
	if (refused != 0 || c->rerouted) {
		c->bad_answer = true;
		c->body_sent = false;
		upstream_put(&c->user, false);
		wake(c);
		return;
	}
	size_t waits = 0;
	if (c->waiting) /* the upstream owes its head when it has the body: body_timeout watches the client until then */
		wait_extend(c->r->task.wait, c->proxy->conf->header_ms);
	if (c->chunked_out && piece.n > 0) {
		int n = snprintf(head, sizeof head, "%zx\r\n", piece.n);
		(void)upstream_write(&c->user, (struct str){ head, (size_t)n });
	}
	waits = upstream_write(&c->user, piece);
	if (c->chunked_out && piece.n > 0)
		waits = upstream_write(&c->user, STR("\r\n"));
	if (end && c->chunked_out)
		(void)upstream_write(&c->user, STR("0\r\n\r\n"));
	c->body_sent |= end;
	if (!end && waits > UPSTREAM_HIGH_WATER)
		exchange_body_pause(x);
}

/* --- callbacks of the connection ----------------------------------------------------------------------------------------------------------- */

static struct call *
call_of(struct upstream_user *user)
{
	return CONTAINER_OF(user, struct call, user);
}

static void
up_ready(struct upstream_user *user, struct upstream_conn *conn)
{
	struct call *c = call_of(user);
	struct str head = head_make(c->r, c->proxy->upstream, c->proxy->conf->path_prefix);
	(void)conn;
	if (head.p == NULL) {
		c->bad_answer = true;
		upstream_put(&c->user, false);
		wake(c);
		return;
	}
	c->head_sent = true;
	c->chunked_out = c->x->head->chunked;
	(void)upstream_write(user, head);
	c->body_sent = !exchange_has_body(c->x);
	if (!c->body_sent && !c->body_begun) {
		c->body_begun = true;
		exchange_body_stream(c->x, 0, body_piece);
	}
}

static void
up_drained(struct upstream_user *user)
{
	struct call *c = call_of(user);
	if (c->waiting)
		wait_extend(c->r->task.wait, c->proxy->conf->header_ms);
	if (!c->body_sent && c->x != NULL)
		exchange_body_resume(c->x);
}

static void
up_broken(struct upstream_user *user, enum upstream_end how)
{
	struct call *c = call_of(user);
	if (c->streaming) { /* only a clean end is the end of a body that says nothing of its length */
		stream_end(c, c->body.kind == HTTP_BODY_UNTIL_CLOSE && how == UPSTREAM_CLOSED);
		return;
	}
	c->failed_connect = how == UPSTREAM_UNREACHED;
	c->bad_answer = true;
	wake(c);
}

/* Body bytes of the answer to the client. Returns how many were used. */
static size_t
stream_bytes(struct call *c, struct str bytes)
{
	size_t total = 0;
	while (!c->finished) {
		struct str piece = STR_NULL;
		size_t used = 0;
		enum http_body_result how = http_body_feed(&c->body, str_skip(bytes, total), &used, &piece);
		total += used;
		if (how == HTTP_BODY_DATA) {
			if (exchange_reply_write(c->x, piece) > EXCHANGE_HIGH_WATER) {
				upstream_read_pause(&c->user, true);
				if (c->timer != NULL)
					loop_timer_clear(
					    c->timer); /* now the client is slow, and watched by its connection */
				break;
			}
			continue;
		}
		if (how == HTTP_BODY_END)
			stream_end(c, true);
		else if (how == HTTP_BODY_BAD)
			stream_end(c, false);
		break;
	}
	return total;
}

/* The answer is nothing that could be passed on. */
static void
answer_bad(struct call *c)
{
	c->bad_answer = true;
	upstream_put(&c->user, false);
	wake(c);
}

/* Parsing again is worth it when the head may have ended: an upstream that sends single bytes must not make us parse them thousands of times. */
static bool
worth_parsing(const struct call *c, struct str bytes)
{
	struct str fresh = str_skip(bytes, c->tried > 3 ? c->tried - 3 : 0);
	return c->tried == 0 || bytes.n >= HEAD_MAX || str_find_str(fresh, STR("\n\r\n")) < fresh.n ||
	       str_find_str(fresh, STR("\n\n")) < fresh.n;
}

static void
head_read(struct call *c, struct str bytes, size_t *used)
{
	struct http_limits limits = { HEAD_MAX, 8192, 200 };
	struct http_refusal why = { 0 };
	bool to_head = c->x->head->method == HTTP_HEAD;
	if (!worth_parsing(c, bytes))
		return;
	buf_clear(&c->raw_head);
	buf_put(&c->raw_head, bytes.p, MIN(bytes.n, (size_t)HEAD_MAX));
	switch (http_response_parse(c->r->task.arena, buf_str(&c->raw_head), &limits, to_head, &c->head, &why)) {
	case HTTP_NEED_MORE:
		c->tried = bytes.n;
		if (bytes.n < HEAD_MAX && buf_ok(&c->raw_head))
			return;
		break;
	case HTTP_PARSED:
		if (c->head.status == 101) /* nobody asked for another protocol */
			break;
		*used = c->head.bytes;
		c->tried = 0;
		if (c->head.status < 200) /* interim: the final one follows */
			return;
		c->head_done = true;
		upstream_read_pause(&c->user, true); /* until the audit record is durable */
		wake(c);
		return;
	case HTTP_REFUSED:
		break;
	}
	answer_bad(c);
}

static void
up_readable(struct upstream_user *user, struct str bytes, size_t *used)
{
	struct call *c = call_of(user);
	if (c->streaming) {
		if (c->timer != NULL)
			loop_timer_set(c->timer, c->proxy->conf->read_ms);
		*used = stream_bytes(c, bytes);
	} else if (!c->head_sent) { /* an answer to nothing: not of this request */
		answer_bad(c);
	} else if (!c->head_done) {
		head_read(c, bytes, used);
	}
}

/* --- the answer's body as a source ------------------------------------------------------------------------------------------------------- */

static void
drain(struct exchange *x)
{
	struct call *c = call_at(x);
	if (c == NULL || !c->streaming || c->finished)
		return;
	if (c->timer != NULL)
		loop_timer_set(c->timer, c->proxy->conf->read_ms);
	upstream_read_pause(&c->user, false);
}

static void
stream_late(void *arg)
{
	stream_end(arg, false);
}

static bool
bodyless(const struct call *c)
{
	return c->x->head->method == HTTP_HEAD || c->head.status == 204 || c->head.status == 304;
}

/* What the answer's head announces; -1: not known. To HEAD it is what GET would have had. */
static int64_t
announced(const struct call *c)
{
	uint64_t length;
	const struct http_field *f = c->head.known[HTTP_F_CONTENT_LENGTH];
	if (c->x->head->method == HTTP_HEAD)
		return f != NULL && str_to_u64(f->value, INT64_MAX, &length) == 0 ? (int64_t)length : -1;
	return c->head.has_length ? (int64_t)c->head.content_length : -1;
}

static void
source_start(struct body_source *s, struct exchange *x, struct str fields, void (*done)(void *arg), void *arg)
{
	struct call *c = s->state;
	c->done = done;
	c->done_arg = arg;
	if (c->head.chunked)
		http_body_chunked(&c->body);
	else if (c->head.has_length)
		http_body_length(&c->body, c->head.content_length);
	else
		http_body_until_close(&c->body);
	if (bodyless(c))
		http_body_length(&c->body, 0);
	exchange_on_drain(x, drain);
	exchange_reply_begin(x, c->head.status, fields, announced(c));
	c->streaming = true;
	if (c->user.conn == NULL || http_body_ended(&c->body)) {
		stream_end(c, http_body_ended(&c->body));
		return;
	}
	upstream_read_pause(&c->user, false); /* a short body is there already: it needs no timer */
	if (c->finished)
		return;
	c->timer = loop_timer_new(x->loop, stream_late, c);
	if (c->timer == NULL)
		stream_end(c, false);
	else
		loop_timer_set(c->timer, c->proxy->conf->read_ms);
}

static void
source_cancel(struct body_source *s)
{
	struct call *c = s->state;
	c->finished = true;
	loop_timer_free(&c->timer);
	upstream_put(&c->user, false);
}

/* --- steps ---------------------------------------------------------------------------------------------------------------------------------- */

static void
call_cancel(void *op)
{
	struct call *c = op;
	c->waiting = false;
	upstream_put(&c->user, false);
}
static const struct wait_ops call_ops = { "upstream", call_cancel };

/* The arena goes: nothing of the call may stay in the pool. */
static void
call_gone(void *arg)
{
	struct call *c = arg;
	loop_timer_free(&c->timer);
	upstream_put(&c->user, false);
}

static enum step
call_begin(struct task *t, struct call *c, bool fresh)
{
	c->bad_answer = c->failed_connect = c->head_sent = false;
	if (wait_begin(t, &call_ops, c, c->proxy->conf->header_ms) == NULL)
		return STEP_FAIL;
	c->waiting = true;
	if (upstream_get(c->proxy->upstream, &c->user, fresh) != 0) {
		c->bad_answer = c->failed_connect = true;
		wake(c);
	}
	return STEP_WAIT;
}

static enum step
proxy_send(struct task *t)
{
	return call_begin(t, task_frame(t), false);
}

/* A kept connection that died before anything of the answer came: another one is tried, once (there is one such step). Where the request had gone out
 * already, only when it may be repeated (RFC 9110 9.2.2) and had no body.                                                     */
static bool
may_retry(const struct call *c)
{
	enum http_method m = c->x->head->method;
	bool safe = m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS;
	return c->bad_answer && c->user.reused && !c->failed_connect && !c->head_done && c->raw_head.n == 0 &&
	       (!c->head_sent || (safe && !c->body_begun));
}

static enum step
proxy_again(struct task *t)
{
	struct call *c = task_frame(t);
	return t->woke == WAIT_TIMEOUT || !may_retry(c) ? STEP_NEXT : call_begin(t, c, true);
}

static enum step
reroute_refuse(struct request *r)
{
	(void)ERR(&r->task.err, E_INVALID, "a parameter names another route");
	r->audit.reason = STR("a parameter names another route");
	return request_refuse(r, REPLY_BAD_REQUEST);
}

static enum step
proxy_answer(struct task *t)
{
	struct call *c = task_frame(t);
	struct request *r = c->r;
	if (c->rerouted)
		return reroute_refuse(r);
	if (!c->head_done) {
		bool late = t->woke == WAIT_TIMEOUT;
		(void)ERR(&t->err, late ? E_TIMEOUT : E_UNAVAILABLE,
		    late ? "upstream: no answer in time" : "upstream: no usable answer");
		r->audit.reason = late ? STR("upstream timeout") : STR("upstream failed");
		return request_refuse(r, late ? REPLY_UPSTREAM_TIMEOUT : REPLY_BAD_GATEWAY);
	}
	reply_reset(&r->reply);
	r->reply.status = c->head.status;
	for (size_t i = 0; i < c->head.n_fields; i++) {
		const struct http_field *f = &c->head.fields[i];
		if (!head_answer_passes(&c->head, f))
			continue;
		r->reply.cache_control_set |= str_ieq(f->name, STR("cache-control"));
		http_field_copy(&r->reply.fields, f);
	}
	c->source = (struct body_source){ .start = source_start, .cancel = source_cancel, .state = c };
	c->source.length = bodyless(c) ? 0 : c->head.has_length ? (int64_t)c->head.content_length : -1;
	r->reply.source = &c->source;
	return STEP_REPLY;
}

static STEP_TABLE(
    proxy_steps, 0, { "proxy_send", proxy_send }, { "proxy_again", proxy_again }, { "proxy_answer", proxy_answer });

/* --- the backend ------------------------------------------------------------------------------------------------------------------------------- */

static int
proxy_open(struct site *site, void **state, struct err *e)
{
	struct proxy *p = calloc(1, sizeof *p);
	if (p == NULL)
		return ERR(e, E_MEMORY, "proxy");
	p->conf = &site->conf->upstream;
	p->upstream = upstream_new(site->worker->loop, p->conf, e);
	if (p->upstream == NULL) {
		free(p);
		return -1;
	}
	*state = p;
	return 0;
}

static bool
proxy_serves(const struct route *route)
{
	return route->api != API_OAUTH && route->api != API_SWAGGER; /* these are ours */
}

static int
proxy_bind(struct site *site, void *state, const struct route *route, void **handler)
{
	(void)site;
	(void)state;
	(void)route;
	(void)handler;
	return 0;
}

/* PHP takes cookies for parameters too, where its request_order is not set. */
static bool
cookie_reroutes(const struct http_head *h)
{
	bool found = false;
	for (size_t i = 0; i < h->n_fields; i++)
		found |= h->fields[i].id == HTTP_F_COOKIE && reroute_in(h->fields[i].value);
	return found;
}

static enum step
proxy_handle(struct request *r, void *state, void *handler)
{
	struct call *c = ARENA_NEW(r->task.arena, struct call);
	struct str type = http_field(r->x->head, HTTP_F_CONTENT_TYPE);
	(void)handler;
	if (reroute_in(r->x->head->query) || cookie_reroutes(r->x->head))
		return reroute_refuse(r);
	if (c == NULL || arena_defer(r->task.arena, call_gone, c) != 0)
		return STEP_FAIL;
	c->r = r;
	c->x = r->x;
	c->proxy = state;
	c->is_form =
	    str_istarts(type, STR("application/x-www-form-urlencoded")) || str_istarts(type, STR("multipart/"));
	reroute_begin(&c->form, !str_istarts(type, STR("multipart/")));
	c->user.ready = up_ready;
	c->user.readable = up_readable;
	c->user.drained = up_drained;
	c->user.broken = up_broken;
	list_init(&c->user.link);
	buf_init(&c->raw_head, r->task.arena, 1024, HEAD_MAX);
	r->state = c;
	r->task.deadline_us = 0; /* a stream may take long: connect, head and pauses have their own deadlines */
	return task_push(&r->task, &proxy_steps, c);
}

static bool
proxy_healthy(const struct site *site, const void *state)
{
	const struct proxy *p = state;
	(void)site;
	return upstream_healthy(p->upstream);
}

static void
proxy_close(void **state)
{
	struct proxy *p = *state;
	*state = NULL;
	if (p == NULL)
		return;
	upstream_free(&p->upstream);
	free(p);
}

const struct backend_ops backend_proxy = { .name = "proxy",
	.flags = BACKEND_STREAMS_BODY,
	.open = proxy_open,
	.serves = proxy_serves,
	.bind = proxy_bind,
	.handle = proxy_handle,
	.healthy = proxy_healthy,
	.close = proxy_close };
