/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's side: a record out of the request, and the wait until it is durable. */
#include "gateway/audit/audit.h"

#include "gateway/audit/frame.h"
#include "gateway/base/date.h"
#include "gateway/base/json_write.h"
#include "gateway/base/list.h"
#include "gateway/core/request.h"
#include "gateway/core/site.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 4 << 10,
	OUT_MAX = 64 << 20,
	PATH_MAX_BYTES = 512,
	WAIT_MS = 5000,
	SICK_US = 1000000,
	DOWN_MS = 1000
};

struct write {
	struct list link;
	uint32_t id;
	struct task *task; /* NULL: nobody waits */
	bool *ok;
};
struct audit_client {
	struct loop *loop;
	int fd; /* -1: broken */
	struct loop_io *io;
	struct loop_defer flush;
	struct buf in, out;
	struct list writes; /* sent, in order: auditd answers in order */
	unsigned queue_max;
	struct audit_client_stats stats;
	uint32_t next_id;
	int64_t sick_until_us;
};

/* --- the socket -------------------------------------------------------------------------------------------------------------------- */

static void
write_end(struct audit_client *c, struct write *w, bool ok)
{
	list_del(&w->link);
	c->stats.waiting--;
	c->stats.records += ok;
	c->stats.failures += !ok;
	if (w->task != NULL) {
		*w->ok = ok;
		wait_wake(w->task->wait);
	}
	free(w);
}

static void
broken(struct audit_client *c)
{
	loop_defer_cancel(c->loop, &c->flush);
	loop_io_free(&c->io);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	buf_clear(&c->in);
	buf_clear(&c->out);
	while (!list_empty(&c->writes))
		write_end(c, LIST_FRONT(&c->writes, struct write, link), false);
}

static void
flush(void *arg)
{
	struct audit_client *c = arg;
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	loop_io_interest(c->io, LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0u));
}

static void
acks(struct audit_client *c)
{
	size_t at = 0;
	while (c->in.n - at >= AUDIT_ACK) {
		uint32_t id;
		memcpy(&id, c->in.p + at, sizeof id);
		bool ok = c->in.p[at + 4] == 1;
		at += AUDIT_ACK;
		if (!ok)
			c->sick_until_us = loop_now_us(c->loop) + SICK_US;
		for (struct list *l = c->writes.next; l != &c->writes; l = l->next) {
			struct write *w = CONTAINER_OF(l, struct write, link);
			if (w->id == id) {
				write_end(c, w, ok);
				break;
			}
		}
	}
	buf_consume(&c->in, at);
}

static void
ready(int fd, unsigned what, void *arg)
{
	struct audit_client *c = arg;
	if (what & LOOP_WRITE)
		flush(c);
	if (!(what & LOOP_READ))
		return;
	char *room = buf_room(&c->in, READ_BYTES);
	ssize_t n = room == NULL ? 0 : recv(fd, room, READ_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		broken(c);
		return;
	}
	c->in.n += (size_t)n;
	acks(c);
}

struct audit_client *
audit_client_new(struct loop *l, int fd, unsigned queue_max)
{
	struct audit_client *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->loop = l;
	c->fd = fd;
	c->queue_max = queue_max;
	list_init(&c->writes);
	buf_init(&c->in, NULL, READ_BYTES, 1 << 20);
	buf_init(&c->out, NULL, 64 << 10, OUT_MAX);
	c->io = loop_io_new(l, fd, LOOP_READ, ready, c);
	if (c->io == NULL)
		audit_client_free(&c);
	return c;
}

void
audit_client_free(struct audit_client **cp)
{
	struct audit_client *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	broken(c);
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

bool
audit_client_connected(const struct audit_client *c)
{
	return c->fd >= 0;
}

bool
audit_client_healthy(const struct audit_client *c)
{
	return c->fd >= 0 && loop_now_us(c->loop) >= c->sick_until_us;
}

void
audit_client_stats(const struct audit_client *c, struct audit_client_stats *out)
{
	*out = c->stats;
}

/* --- the record --------------------------------------------------------------------------------------------------------------------- */

static const struct str event_texts[] = {
#define X(id, text) [AUDIT_EV_##id] = STR_INIT(text),
	AUDIT_EVENTS(X)
#undef X
};

const char *
audit_event_text(enum audit_event event)
{
	return event_texts[event].p;
}

/* A member's key, ready to be copied: a record has some twenty. */
#define KEY(name) STR("\"" name "\":")

static void
opt(struct json_write *w, struct str key, struct str v)
{
	if (v.n > 0)
		json_member_raw(w, key, v);
}

static void
number(struct json_write *w, struct str key, int64_t v)
{
	json_key_raw(w, key);
	json_i64(w, v);
}

static void
time_put(struct json_write *w, const struct request *r)
{
	struct date d;
	char text[40]; /* a request that used up its memory has a time too */
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	date_from_epoch_us(clock_real_us(r->worker->clock), &d);
	date_put_iso(&b, &d);
	json_member_raw(w, KEY("time"), buf_str(&b));
}

/* Of the answer's body: sent, at the end of a stream; announced or complete in memory, before. */
static int64_t
record_bytes(const struct request *r, enum audit_event event)
{
	if (event == AUDIT_EV_STREAM_END && r->x != NULL)
		return (int64_t)r->x->bytes_out;
	return r->reply.source != NULL ? MAX(r->reply.source->length, (int64_t)0) : (int64_t)r->reply.body.n;
}

static void
record_put(struct buf *out, const struct request *r, enum audit_event event)
{
	struct json_write w;
	char id[UUID_TEXT + 1];
	json_begin(&w, out, JSON_PLAIN);
	json_obj(&w);
	time_put(&w, r);
	json_member_raw(&w, KEY("event"), event_texts[event]);
	opt(&w, KEY("site"), r->site == NULL ? STR_NULL : r->site->name);
	opt(&w, KEY("client"), str_sub(r->who.client_id, 0, 80));
	opt(&w, KEY("user"), r->who.sub);
	opt(&w, KEY("username"), r->audit.actor.n > 0 ? r->audit.actor : r->who.username);
	if (r->who.role != ROLE_NONE)
		json_member_raw(&w, KEY("role"), role_text(r->who.role));
	if (r->audit.has_patient) {
		uuid_text(&r->audit.patient, id);
		json_member_raw(&w, KEY("patient"), (struct str){ id, UUID_TEXT });
	}
	opt(&w, KEY("resource"), str_sub(r->audit.resource_id, 0, 80));
	if (r->x != NULL) {
		json_member_raw(&w, KEY("method"), str_sub(r->x->head->method_text, 0, 16));
		json_member_raw(&w, KEY("path"), str_sub(r->x->head->path, 0, PATH_MAX_BYTES));
	}
	opt(&w, KEY("route"), r->route == NULL ? STR_NULL : r->route->name);
	json_key_raw(&w, KEY("allowed"));
	json_bool(&w, r->audit.allowed);
	opt(&w, KEY("rule"), r->audit.rule);
	opt(&w, KEY("reason"), str_sub(r->audit.reason, 0, PATH_MAX_BYTES));
	number(&w, KEY("status"), r->reply.status);
	number(&w, KEY("bytes"), record_bytes(r, event));
	number(&w, KEY("duration_us"), loop_now_us(r->task.loop) - r->started_us);
	opt(&w, KEY("token"), str_of(r->who.token_hash));
	json_member_raw(&w, KEY("request_id"), r->request_id.p == NULL ? STR("") : r->request_id);
	opt(&w, KEY("address"), r->client_address);
	json_obj_end(&w);
}

/* Puts the frame into the output; 0: does not fit. Returns whether it is queued. */
static bool
frame_put(struct audit_client *c, const struct request *r, enum audit_event event, uint32_t id)
{
	size_t at = c->out.n;
	uint32_t len = 0;
	if (c->fd < 0 || c->stats.waiting >= c->queue_max)
		return false;
	buf_put(&c->out, &len, sizeof len);
	buf_put(&c->out, &id, sizeof id);
	record_put(&c->out, r, event);
	if (!buf_ok(&c->out) || c->out.n - at - AUDIT_FRAME_HEAD > AUDIT_FRAME_MAX) {
		c->out.n = at;
		c->out.failed = false;
		return false;
	}
	len = (uint32_t)(c->out.n - at - AUDIT_FRAME_HEAD);
	memcpy(c->out.p + at, &len, sizeof len);
	if (!c->flush.pending)
		loop_defer(c->loop, &c->flush, flush, c);
	return true;
}

static void
write_cancel(void *op)
{
	struct write *w = op;
	w->task = NULL; /* the record is written all the same */
}
static const struct wait_ops write_ops = { "audit", write_cancel };

static void
nothing_cancel(void *op)
{
	(void)op;
}
static const struct wait_ops down_ops = { "audit down", nothing_cancel };

enum step
audit_write(struct request *r, struct audit_client *c, bool *ok)
{
	struct task *t = &r->task;
	struct write *w = calloc(1, sizeof *w);
	*ok = false;
	t->deadline_us = 0; /* a request whose time is up is still recorded */
	if (w != NULL) {
		w->id = ++c->next_id == 0 ? ++c->next_id : c->next_id;
		w->task = t;
		w->ok = ok;
	}
	if (w == NULL || !frame_put(c, r, r->audit.event, w->id)) {
		free(w);
		c->stats.failures++;
		struct wait *down = wait_begin(t, &down_ops, NULL, DOWN_MS);
		if (down == NULL)
			return STEP_FAIL;
		wait_wake(down);
		return STEP_WAIT;
	}
	list_add(&c->writes, &w->link);
	c->stats.waiting++;
	if (wait_begin(t, &write_ops, w, WAIT_MS) == NULL) {
		w->task = NULL;
		return STEP_FAIL;
	}
	return STEP_WAIT;
}

void
audit_send(struct request *r, struct audit_client *c, enum audit_event event)
{
	if (!frame_put(c, r, event, 0))
		c->stats.failures++;
}
