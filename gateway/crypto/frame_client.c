/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The asking side of frames. */
#include "gateway/crypto/frame.h"

#include "gateway/base/list.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, IN_MAX = 256 << 10, OUT_MAX = 8 << 20, BLOCKING_MS = 5000, DOWN_MS = 1000 };

struct ask {
	struct list link;
	uint32_t id;
	struct task *task; /* NULL: nobody waits */
	frame_done *done;
	void *result;
};
struct frame_client {
	unsigned magic;
#define FRAME_CLIENT_MAGIC 0x5a90e3b7u
	struct loop *loop;
	int fd; /* -1: broken */
	struct loop_io *io;
	struct buf in, out;
	struct list asks;
	unsigned n_asks, queue_max;
	uint32_t next_id;
	const struct frame_row *rows;
	size_t n_rows;
};

static void
frame_put(struct buf *b, uint32_t id, uint8_t type, const struct str *parts, size_t n_parts)
{
	uint32_t len = 0;
	for (size_t i = 0; i < n_parts; i++)
		len += (uint32_t)parts[i].n;
	buf_put(b, &len, sizeof len);
	buf_put(b, &id, sizeof id);
	buf_put(b, &type, 1);
	for (size_t i = 0; i < n_parts; i++)
		buf_str_put(b, parts[i]);
}

static void
ask_end(struct frame_client *c, struct ask *a, enum frame_outcome how, struct str payload)
{
	list_del(&a->link);
	c->n_asks--;
	if (a->task != NULL) {
		a->done(a->result, a->task, how, payload);
		wait_wake(a->task->wait);
	}
	free(a);
}

static void
client_broken(struct frame_client *c)
{
	loop_io_free(&c->io);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	while (!list_empty(&c->asks))
		ask_end(c, LIST_FRONT(&c->asks, struct ask, link), FRAME_DOWN, STR_NULL);
}

static void
flush(struct frame_client *c)
{
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* full, or broken: reading finds that out */
		buf_consume(&c->out, (size_t)n);
	}
	loop_io_interest(c->io, LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0u));
}

static void
answers(struct frame_client *c)
{
	while (c->in.n >= FRAME_HEAD) {
		uint32_t len, id;
		memcpy(&len, c->in.p, sizeof len);
		memcpy(&id, c->in.p + 4, sizeof id);
		if (len > FRAME_REPLY_MAX) {
			client_broken(c);
			return;
		}
		if (c->in.n < FRAME_HEAD + (size_t)len)
			return;
		for (struct list *l = c->asks.next; l != &c->asks; l = l->next) {
			struct ask *a = CONTAINER_OF(l, struct ask, link);
			if (a->id == id) {
				ask_end(c, a, FRAME_ANSWERED, (struct str){ c->in.p + FRAME_HEAD, len });
				break;
			}
		}
		buf_consume(&c->in, FRAME_HEAD + (size_t)len);
	}
}

static void
ready(int fd, unsigned what, void *arg)
{
	struct frame_client *c = arg;
	if (what & LOOP_WRITE)
		flush(c);
	if (!(what & LOOP_READ))
		return;
	char *room = buf_room(&c->in, READ_BYTES);
	ssize_t n = room == NULL ? 0 : recv(fd, room, READ_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_broken(c);
		return;
	}
	c->in.n += (size_t)n;
	answers(c);
}

struct frame_client *
frame_client_new(struct loop *l, int fd, unsigned queue_max, const struct frame_row *rows, size_t n_rows)
{
	struct frame_client *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->magic = FRAME_CLIENT_MAGIC;
	c->loop = l;
	c->fd = fd;
	c->queue_max = queue_max;
	c->rows = rows;
	c->n_rows = n_rows;
	list_init(&c->asks);
	buf_init(&c->in, NULL, READ_BYTES, IN_MAX);
	buf_init(&c->out, NULL, READ_BYTES, OUT_MAX);
	c->in.wipe = c->out.wipe = true;
	c->io = loop_io_new(l, fd, LOOP_READ, ready, c);
	if (c->io == NULL) {
		frame_client_free(&c);
		return NULL;
	}
	frame_put(&c->out, c->next_id++, 0, NULL, 0);
	flush(c);
	return c;
}

void
frame_client_free(struct frame_client **cp)
{
	struct frame_client *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	CHECK_OBJ(c, FRAME_CLIENT_MAGIC);
	client_broken(c);
	buf_done(&c->in);
	buf_done(&c->out);
	c->magic = 0;
	free(c);
}

bool
frame_client_healthy(const struct frame_client *c)
{
	return c->fd >= 0;
}

static void
ask_cancel(void *op)
{
	struct ask *a = op;
	if (a->task->wait != NULL) /* its deadline; else the task is gone */
		a->done(a->result, a->task, FRAME_LATE, STR_NULL);
	a->task = NULL;
}
static const struct wait_ops ask_ops = { "helper process", ask_cancel };

static void
nothing_cancel(void *op)
{
	(void)op;
}
static const struct wait_ops down_ops = { "helper process down", nothing_cancel };

static enum step
ask_refused(struct task *t, frame_done *done, void *result, enum frame_outcome how)
{
	struct wait *w = wait_begin(t, &down_ops, NULL, DOWN_MS);
	if (w == NULL)
		return STEP_FAIL;
	done(result, t, how, STR_NULL);
	wait_wake(w);
	return STEP_WAIT;
}

/* Would the other side take it? */
static bool
fits(const struct frame_client *c, uint8_t type, const struct str *parts, size_t n_parts)
{
	size_t n = 0;
	for (size_t i = 0; i < n_parts; i++)
		if (__builtin_add_overflow(n, parts[i].n, &n))
			return false;
	for (size_t i = 0; i < c->n_rows; i++)
		if (c->rows[i].type == type)
			return n <= c->rows[i].max_bytes;
	return false;
}

enum step
frame_ask(struct task *t, struct frame_client *c, uint8_t type, const struct str *parts, size_t n_parts,
    uint32_t deadline_ms, frame_done *done, void *result)
{
	CHECK_OBJ(c, FRAME_CLIENT_MAGIC);
	if (!fits(c, type, parts, n_parts))
		return ask_refused(t, done, result, FRAME_TOO_LARGE);
	if (c->fd < 0)
		return ask_refused(t, done, result, FRAME_DOWN);
	if (c->queue_max > 0 && c->n_asks >= c->queue_max)
		return ask_refused(t, done, result, FRAME_BUSY);
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return ask_refused(t, done, result, FRAME_BUSY);
	a->id = c->next_id++;
	a->task = t;
	a->done = done;
	a->result = result;
	size_t before = c->out.n;
	frame_put(&c->out, a->id, type, parts, n_parts);
	if (!buf_ok(&c->out) || wait_begin(t, &ask_ops, a, deadline_ms) == NULL) {
		c->out.n = before;
		c->out.failed = false;
		free(a);
		return ask_refused(t, done, result, FRAME_BUSY);
	}
	list_add(&c->asks, &a->link);
	c->n_asks++;
	flush(c);
	return STEP_WAIT;
}

void
frame_tell(struct frame_client *c, uint8_t type, struct str payload)
{
	CHECK_OBJ(c, FRAME_CLIENT_MAGIC);
	size_t before = c->out.n;
	if (c->fd < 0 || !fits(c, type, &payload, 1))
		return;
	frame_put(&c->out, c->next_id++, type, &payload, 1);
	if (!buf_ok(&c->out)) {
		c->out.n = before;
		c->out.failed = false;
		return;
	}
	flush(c);
}

/* --- before the loop runs -------------------------------------------------------------------------------------------------------- */

static int
move_all(int fd, char *p, size_t n, bool out)
{
	while (n > 0) {
		struct pollfd pfd = { fd, out ? POLLOUT : POLLIN, 0 };
		if (poll(&pfd, 1, BLOCKING_MS) <= 0)
			return -1;
		ssize_t moved = out ? send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(fd, p, n, MSG_DONTWAIT);
		if (moved == 0 || (moved < 0 && errno != EAGAIN && errno != EINTR))
			return -1;
		if (moved > 0) {
			p += moved;
			n -= (size_t)moved;
		}
	}
	return 0;
}

int
frame_ask_blocking(int fd, uint8_t type, struct str payload, struct buf *out, struct err *e)
{
	struct buf ask;
	char head[FRAME_HEAD];
	uint32_t len = UINT32_MAX;
	int rc = -1;
	buf_init(&ask, NULL, 256, FRAME_REPLY_MAX);
	frame_put(&ask, 0, type, &payload, 1);
	if (buf_ok(&ask) && move_all(fd, ask.p, ask.n, true) == 0 && move_all(fd, head, sizeof head, false) == 0)
		memcpy(&len, head, sizeof len);
	char *room = len > FRAME_REPLY_MAX ? NULL : buf_room(out, len);
	if (room != NULL && move_all(fd, room, len, false) == 0) {
		out->n += len;
		rc = 0;
	}
	buf_done(&ask);
	return rc == 0 ? 0 : ERR(e, E_UNAVAILABLE, "helper process does not answer");
}
