/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the decision to the last byte: the body is collected, the backend answers, the record is made durable, the answer leaves.
 * No answer of a durable class leaves before its record is on disk.                                                        */
#include "gateway/audit/audit.h"
#include "gateway/config/conf.h"
#include "gateway/metrics/metrics.h"
#include "gateway/pipeline/pipe.h"

enum { RETRY_AFTER_S = 2 };

const struct str bare_fields = STR_INIT("Retry-After: 2\r\nCache-Control: no-store\r\n");

/* --- the request's body ----------------------------------------------------------------------------------------------- */

static void
body_cancel(void *op)
{
	(void)op; /* the exchange delivers to body_arrived, which finds no wait and drops it */
}
static const struct wait_ops body_ops = { "request body", body_cancel };

static void
body_arrived(struct exchange *x, struct str body, unsigned refused_status)
{
	struct pipe *p = x->user;
	if (p == NULL || p->r.task.wait == NULL || !p->body_waits)
		return;
	p->body_waits = false;
	p->r.body = body.p == NULL ? STR("") : body;
	p->body_refused = refused_status;
	wait_wake(p->r.task.wait);
}

enum step
body_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	const struct route_binding *b = &r->site->bindings[r->route->index];
	if (r->route->audit == AUDIT_DURABLE && !audit_client_healthy(r->worker->audit))
		return request_unavailable(r, "audit journal down"); /* before anything is changed */
	const struct backend_ops *ops = b->backend->ops;
	if ((ops->flags & BACKEND_STREAMS_BODY) != 0 || (ops->streams_body != NULL && ops->streams_body(b->handler)))
		return STEP_NEXT;
	if (!exchange_has_body(r->x)) {
		r->body = STR("");
		return STEP_NEXT;
	}
	if (wait_begin(t, &body_ops, p, r->worker->conf->request_ms) == NULL)
		return STEP_FAIL;
	p->body_waits = true;
	exchange_body_collect(r->x, r->worker->conf->body_max_bytes, body_arrived);
	return STEP_WAIT;
}

enum step
body_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	bool late = p->body_waits; /* the wait ended by its deadline */
	p->body_waits = false;
	switch (late ? 408u : p->body_refused) {
	case 0:
		return STEP_NEXT;
	case 408:
		return request_refuse(&p->r, REPLY_TIMEOUT);
	case 413:
		return request_refuse(&p->r, REPLY_TOO_LARGE);
	default:
		return request_refuse(&p->r, REPLY_BAD_REQUEST);
	}
}

/* --- backend ----------------------------------------------------------------------------------------------------------- */

enum step
backend_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	const struct route_binding *b = &p->r.site->bindings[p->r.route->index];
	return b->backend->ops->handle(&p->r, b->backend->state, b->handler);
}

/* --- the answer's common fields ------------------------------------------------------------------------------------------ */

static void
rate_fields(struct pipe *p)
{
	struct buf *b = &p->r.reply.fields;
	if (p->rate == NULL || !p->rate_known)
		return;
	buf_lit(b, "RateLimit-Policy: \"");
	buf_str_put(b, p->rate->name);
	buf_lit(b, "\";q=");
	buf_u64(b, p->rate->limit);
	buf_lit(b, ";w=");
	buf_u64(b, p->rate->window_ms / 1000);
	buf_lit(b, "\r\nRateLimit: \"");
	buf_str_put(b, p->rate->name);
	buf_lit(b, "\";r=");
	buf_i64(b, p->rate_left);
	buf_lit(b, ";t=");
	buf_u64(b, rate_seconds(p->rate_reset_us));
	buf_lit(b, "\r\n");
}

/* The outermost table continues here after NEXT, REPLY and FAIL alike. */
enum step
answer_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct reply *rp = &p->r.reply;
	if (rp->status == 0 && rp->source == NULL) { /* FAIL, or a backend that forgot to decide */
		bool full = t->err.kind == E_LIMIT || t->err.kind == E_MEMORY;
		if (t->err.kind == E_NONE)
			(void)ERR(&t->err, E_INTERNAL, "step gave no answer");
		reply_error(rp, p->r.dialect, full ? REPLY_UNAVAILABLE : REPLY_INTERNAL, STR_NULL);
		if (full)
			reply_retry_after(rp, RETRY_AFTER_S);
	}
	if (!reply_whole(rp)) {
		(void)ERR(&t->err, E_LIMIT, "answer larger than reply_max");
		reply_error(rp, p->r.dialect, REPLY_INTERNAL, STR_NULL);
	}
	if (rp->content_type.n > 0)
		reply_field(rp, STR("Content-Type"), rp->content_type);
	reply_field(rp, STR("X-Request-Id"), p->r.request_id);
	buf_lit(&rp->fields, "X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=31536000\r\n");
	if (!rp->cache_control_set)
		buf_lit(&rp->fields, "Cache-Control: no-store\r\n");
	rate_fields(p);
	cors_fields(p);
	if (!reply_whole(rp)) {
		rp->source = NULL;
		rp->status = BARE_STATUS;
	}
	return STEP_NEXT;
}

/* --- audit ---------------------------------------------------------------------------------------------------------------- */

enum audit_class
audit_class_of(const struct request *r)
{
	return r->route == NULL ? AUDIT_DURABLE : r->route->audit;
}

enum step
audit_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	p->durable_ok = true;
	if (r->audit.rule.n == 0)
		r->audit.rule = STR("none");
	p->recorded = true;
	for (unsigned e = 0; e < AUDIT_EV_N; e++)
		if ((r->audit.also & (uint32_t)1 << e) != 0)
			audit_send(r, r->worker->audit, (enum audit_event)e);
	switch (audit_class_of(r)) {
	case AUDIT_DURABLE:
		p->durable_ok = false;
		return audit_write(r, r->worker->audit, &p->durable_ok);
	case AUDIT_ASYNC:
		audit_send(r, r->worker->audit, r->audit.event);
		break;
	case AUDIT_NONE:
		break;
	}
	return STEP_NEXT;
}

enum step
audit_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	if (p->durable_ok)
		return STEP_NEXT;
	struct str id = p->r.request_id;
	(void)ERR(&t->err, E_UNAVAILABLE, "audit record not durable");
	p->r.reply.source = NULL;
	if (p->streaming != NULL)
		p->streaming->cancel(p->streaming);
	p->streaming = NULL;
	reply_error(&p->r.reply, p->r.dialect, REPLY_UNAVAILABLE, STR_NULL);
	reply_field(&p->r.reply, STR("Content-Type"), p->r.reply.content_type);
	reply_field(&p->r.reply, STR("X-Request-Id"), id);
	reply_retry_after(&p->r.reply, RETRY_AFTER_S);
	return STEP_NEXT;
}

/* --- respond -------------------------------------------------------------------------------------------------------------- */

static void
stream_cancel(void *op)
{
	struct pipe *p = op;
	if (p->streaming != NULL)
		p->streaming->cancel(p->streaming);
	p->streaming = NULL;
	if (p->r.x != NULL && !p->answered)
		exchange_abort(p->r.x);
}
static const struct wait_ops stream_ops = { "streamed answer", stream_cancel };

static void
stream_done(void *arg)
{
	struct pipe *p = arg;
	p->streaming = NULL;
	p->answered = true;
	if (p->r.task.wait != NULL)
		wait_wake(p->r.task.wait);
}

enum step
respond_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct reply *rp = &r->reply;
	if (r->worker->draining)
		exchange_close_after(r->x);
	if (rp->source == NULL) {
		p->answered = true;
		if (reply_whole(rp))
			exchange_reply(r->x, rp->status, buf_str(&rp->fields), buf_str(&rp->body));
		else
			exchange_reply(r->x, BARE_STATUS, bare_fields, STR(""));
		return STEP_NEXT;
	}
	t->deadline_us = 0; /* a stream has the deadlines of its two sides */
	p->streaming = rp->source;
	if (wait_begin(t, &stream_ops, p, UINT32_MAX) == NULL)
		return STEP_FAIL;
	rp->source->start(rp->source, r->x, buf_str(&rp->fields), stream_done, p);
	return STEP_WAIT;
}

bool
stream_recorded(const struct pipe *p)
{
	const struct body_source *s = p->r.reply.source;
	return s != NULL && (s->length < 0 || s->cut);
}

enum step
streamed_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	if (stream_recorded(p) && audit_class_of(&p->r) != AUDIT_NONE)
		audit_send(&p->r, p->r.worker->audit, AUDIT_EV_STREAM_END);
	return STEP_NEXT;
}
