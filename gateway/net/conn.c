/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection's state machine: one function per state, run until one has to wait; then interest and deadline are set from the
 * state alone. Not the handler's calls (exchange.c), not OpenSSL (tls.c).                                                  */
#include "gateway/net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum move { MOVE_ON, MOVE_WAIT };

static void
on_io(int fd, unsigned ready, void *arg)
{
	struct conn *c = arg;
	(void)fd;
	if (ready & c->io_wants)
		c->readable = true;
	if (ready & c->write_wants)
		c->write_wants = 0;
	conn_run(c);
}

static void
peer_fill(struct peer *p, const struct sockaddr_storage *from)
{
	p->addr.sin6_family = AF_INET6;
	if (from->ss_family == AF_INET6) {
		memcpy(&p->addr, from, sizeof p->addr);
	} else if (from->ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof in);
		p->addr.sin6_port = in.sin_port;
		p->addr.sin6_addr.s6_addr[10] = p->addr.sin6_addr.s6_addr[11] = 0xff;
		memcpy(&p->addr.sin6_addr.s6_addr[12], &in.sin_addr, 4);
	} else {
		memset(&p->addr, 0, sizeof p->addr);
		memcpy(p->text, "unix", sizeof "unix");
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&p->addr.sin6_addr))
		(void)inet_ntop(AF_INET, &p->addr.sin6_addr.s6_addr[12], p->text, sizeof p->text);
	else
		(void)inet_ntop(AF_INET6, &p->addr.sin6_addr, p->text, sizeof p->text);
}

int
conn_new(struct listener *l, int fd, const struct sockaddr_storage *from, struct addr_count *addr)
{
	struct conn *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -1;
	c->magic = CONN_MAGIC;
	c->fd = fd;
	c->listener = l;
	c->addr = addr;
	c->io_wants = LOOP_READ;
	c->state = l->tls == NULL ? CONN_HEAD : CONN_HANDSHAKE;
	list_init(&c->watch);
	c->io = loop_io_new(l->loop, fd, LOOP_READ, on_io, c);
	if (c->io == NULL) {
		free(c);
		return -1;
	}
	peer_fill(&c->peer, from);
	if (from->ss_family != AF_UNIX) {
		int on = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
	listener_watch(l, c, l->tls == NULL ? WATCH_HEAD : WATCH_HANDSHAKE);
	return 0;
}

static void
conn_destroy(struct conn *c)
{
	struct listener *l = c->listener;
	loop_defer_cancel(l->loop, &c->again);
	slot_put(l, &c->slot);
	listener_watch(l, c, WATCH_NONE);
	list_del(&c->watch);
	l->n_watch[WATCH_NONE]--;
	loop_io_free(&c->io);
	if (c->reset) {
		/* What was sent is not the whole answer: a clean close would make it look so. */
		struct linger now = { .l_onoff = 1, .l_linger = 0 };
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	}
	SSL_free(c->ssl);
	(void)close(c->fd);
	listener_conn_gone(l, c);
	c->magic = 0;
	free(c);
}

void
conn_kill(struct conn *c)
{
	CHECK_OBJ(c, CONN_MAGIC);
	CHECK(!c->running);
	c->reset = c->state == CONN_EXCHANGE;
	if (c->state == CONN_EXCHANGE)
		exchange_finish(c, false);
	conn_destroy(c);
}

void
conn_flush(struct conn *c)
{
	struct slot *s = c->slot;
	size_t n;
	while (!c->broken && c->write_wants == 0 && (n = slot_queued(s)) > 0) {
		ssize_t r = tls_write(c, s->out.p + s->out_pos, n);
		if (r > 0) {
			s->out_pos += (size_t)r;
			s->x.bytes_out += (size_t)r;
			c->touched = true;
		} else if (r != IO_BLOCKED) {
			c->broken = true;
		}
	}
	if (s == NULL || s->out_pos == 0)
		return;
	if (s->out_pos == s->out.n) {
		buf_clear(&s->out);
		s->out_pos = 0;
	} else if (s->out_pos >= EXCHANGE_LOW_WATER) {
		buf_consume(&s->out, s->out_pos);
		s->out_pos = 0;
	}
}

/* The connection ends in order. Where bytes of the client may still be under way, closing at once would send a reset that
 * can destroy the answer in the client's buffer: then it lingers.                                                          */
static void
conn_end(struct conn *c, bool linger)
{
	if (linger) {
		c->state = CONN_LINGER;
		return;
	}
	tls_shutdown(c);
	c->state = CONN_DEAD;
}

/* The answers that the connection gives by itself. */
static const struct {
	unsigned status;
	const char *error, *text;
} refusals[] = {
	{ 400, "invalid_request", "The request is malformed" },
	{ 408, "invalid_request", "The request did not arrive in time" },
	{ 414, "invalid_request", "The request target is too long" },
	{ 417, "invalid_request", "The expectation cannot be met" },
	{ 431, "invalid_request", "The request head is too large" },
	{ 501, "invalid_request", "The method or transfer coding is not supported" },
	{ 505, "invalid_request", "The HTTP version is not supported" },
};

static void
refusal_put(struct conn *c, struct buf *b, unsigned status)
{
	size_t row = 0;
	for (size_t i = 0; i < NITEMS(refusals); i++)
		if (refusals[i].status == status)
			row = i;
	char body[160];
	int n = snprintf(body, sizeof body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", refusals[row].error,
	    refusals[row].text);
	http_status_put(b, status);
	buf_str_put(b, listener_date_line(c->listener));
	buf_printf(b,
	    "Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n"
	    "Connection: close\r\n\r\n%s",
	    n, body);
}

static void
conn_refuse(struct conn *c, unsigned status)
{
	struct slot *s = c->slot;
	refusal_put(c, &s->out, status);
	s->in.pos = s->in.n;
	conn_end(c, true);
}

static enum move
step_handshake(struct conn *c)
{
	struct listener *l = c->listener;
	if (!c->readable)
		return MOVE_WAIT;
	int r = tls_handshake(c);
	if (r == 1) {
		c->state = CONN_HEAD;
		return MOVE_ON;
	}
	c->readable = c->readable && r != IO_BLOCKED;
	if (r == IO_BLOCKED)
		return MOVE_WAIT;
	l->stats.tls_failures++;
	c->state = CONN_DEAD;
	if (r == IO_EOF && (c->slot = slot_get(l)) != NULL) {
		/* Plain HTTP on the TLS port: say so in clear. */
		SSL_free(c->ssl);
		c->ssl = NULL;
		conn_refuse(c, 400);
	}
	return MOVE_ON;
}

/* Reads behind what is unread. MOVE_ON: something came, or the connection's flags changed. */
static enum move
conn_read(struct conn *c, size_t room)
{
	struct slot *s = c->slot;
	ssize_t r = tls_read(c, s->in.p + s->in.n, room);
	if (r == IO_BLOCKED)
		return MOVE_WAIT;
	if (r > 0)
		s->in.n += (size_t)r;
	else if (r == IO_EOF)
		c->eof = true;
	else
		c->broken = true;
	return MOVE_ON;
}

/* Trying again is worth it at a line's end or after many bytes: a client that sends single bytes must not make us parse the
 * same head thousands of times.                                                                                            */
static bool
head_worth_parsing(const struct slot *s, size_t head_max)
{
	size_t fresh = s->in.n - s->tried;
	return fresh > 0 && (s->tried == 0 || s->in.n > head_max /* nothing more is read: the parser says so */ ||
	                        fresh >= 1024 || memchr(s->in.p + s->tried, '\n', fresh) != NULL);
}

static enum move
head_parse(struct conn *c)
{
	struct slot *s = c->slot;
	struct http_refusal why;
	if (s->tried > 0)
		arena_reset(s->x.arena);
	switch (http_request_parse(
	    s->x.arena, (struct str){ s->in.p, s->in.n }, &c->listener->conf->limits, &s->head, &why)) {
	case HTTP_NEED_MORE:
		s->tried = s->in.n;
		return MOVE_WAIT;
	case HTTP_REFUSED:
		c->listener->stats.parse_refusals++;
		conn_refuse(c, why.status);
		return MOVE_ON;
	case HTTP_PARSED:
		break;
	}
	if (slot_head_done(s, s->head.bytes) != 0) {
		c->state = CONN_DEAD;
		return MOVE_ON;
	}
	exchange_begin(c);
	return MOVE_ON;
}

static enum move
step_head(struct conn *c)
{
	struct listener *l = c->listener;
	if (c->slot != NULL && head_worth_parsing(c->slot, l->conf->limits.head_max_bytes) && head_parse(c) == MOVE_ON)
		return MOVE_ON;
	if (c->eof) {
		conn_end(c, false);
		return MOVE_ON;
	}
	if (c->broken || (c->slot == NULL && c->readable && (c->slot = slot_get(l)) == NULL)) {
		c->state = CONN_DEAD;
		return MOVE_ON;
	}
	if (!c->readable)
		return MOVE_WAIT;
	struct slot *s = c->slot;
	if (slot_head_room(s, l->conf->limits.head_max_bytes + 1) != 0) {
		c->state = CONN_DEAD;
		return MOVE_ON;
	}
	return conn_read(c, s->in.cap - s->in.n);
}

/* The whole answer has left. */
static void
exchange_done(struct conn *c)
{
	struct slot *s = c->slot;
	bool keep = s->answer.keep && !c->close_after, body_read = http_body_ended(&s->body.coding);
	bool unread = !body_read || slot_unread(s) > 0;
	exchange_finish(c, true);
	c->touched = true;
	if (!keep) {
		s->in.pos = s->in.n;
		conn_end(c, !c->eof && (unread || !c->client_closes));
	} else if (!body_read) {
		c->state = CONN_SKIP;
	} else {
		slot_next(s);
		c->state = CONN_HEAD;
	}
}

static enum move
step_exchange(struct conn *c)
{
	struct slot *s = c->slot;
	if (!c->broken && !s->answer.aborted) {
		exchange_body_pump(s);
		conn_flush(c);
	}
	if (c->broken || s->answer.aborted) {
		s->x.client_gone = c->broken;
		c->reset = true;
		exchange_finish(c, false);
		c->state = CONN_DEAD;
		return MOVE_ON;
	}
	if (s->answer.drain_due && slot_queued(s) < EXCHANGE_LOW_WATER && s->answer.drain != NULL) {
		s->answer.drain_due = false;
		s->answer.drain(&s->x);
		return MOVE_ON;
	}
	if (s->answer.ended && slot_queued(s) == 0) {
		exchange_done(c);
		return MOVE_ON;
	}
	size_t room;
	if (!c->readable || c->eof || (room = slot_room(s)) == 0)
		return MOVE_WAIT;
	if (exchange_body_waits(s))
		c->touched = true;
	return conn_read(c, room);
}

/* The rest of a body that nobody wanted, for the sake of keep-alive. */
static enum move
step_skip(struct conn *c)
{
	struct slot *s = c->slot;
	struct str piece;
	size_t used;
	enum http_body_result r;
	do {
		r = http_body_feed(&s->body.coding, (struct str){ s->in.p + s->in.pos, slot_unread(s) }, &used, &piece);
		s->in.pos += used;
		s->body.skipped += piece.n;
	} while (r == HTTP_BODY_DATA);
	if (r == HTTP_BODY_END) {
		slot_next(s);
		c->state = CONN_HEAD;
	} else if (r == HTTP_BODY_BAD || s->body.skipped > SKIP_BYTES) {
		conn_end(c, true);
	} else if (c->eof || c->broken) {
		c->state = CONN_DEAD;
	} else if (!c->readable) {
		return MOVE_WAIT;
	} else {
		c->touched = true;
		return conn_read(c, slot_room(s));
	}
	return MOVE_ON;
}

static enum move
step_linger(struct conn *c)
{
	if (c->slot != NULL) {
		conn_flush(c);
		if (!c->broken && slot_queued(c->slot) > 0)
			return MOVE_WAIT;
		slot_put(c->listener, &c->slot);
	}
	if (!c->shut) {
		tls_shutdown(c);
		(void)shutdown(c->fd, SHUT_WR);
		c->shut = c->readable = true;
	}
	if (c->eof || c->broken) {
		c->state = CONN_DEAD;
		return MOVE_ON;
	}
	char drop[4096];
	ssize_t r = recv(c->fd, drop, sizeof drop, 0);
	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return MOVE_WAIT;
	c->lingered += r > 0 ? (uint32_t)r : 0;
	if (r <= 0 || c->lingered > LINGER_BYTES)
		c->state = CONN_DEAD;
	return MOVE_ON;
}

static enum conn_list
conn_watch_list(const struct conn *c)
{
	const struct slot *s = c->slot;
	switch ((enum conn_state)c->state) {
	case CONN_HANDSHAKE:
		return WATCH_HANDSHAKE;
	case CONN_HEAD:
		return slot_unread(s) > 0 || c->requests == 0 ? WATCH_HEAD : WATCH_IDLE;
	case CONN_EXCHANGE:
		return slot_queued(s) > 0 ? WATCH_WRITE : exchange_body_waits(s) ? WATCH_BODY : WATCH_NONE;
	case CONN_SKIP:
		return WATCH_BODY;
	case CONN_LINGER:
		return WATCH_LINGER;
	case CONN_DEAD:
		break;
	}
	return WATCH_NONE;
}

static unsigned
conn_interest(struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_EXCHANGE:
		return (c->eof || slot_room(c->slot) == 0 ? 0u : c->io_wants) | c->write_wants;
	case CONN_LINGER:
		return slot_queued(c->slot) > 0 ? c->write_wants : (unsigned)LOOP_READ;
	case CONN_HANDSHAKE:
	case CONN_HEAD:
	case CONN_SKIP:
	case CONN_DEAD:
		break;
	}
	return c->io_wants;
}

static enum move (*const steps[])(struct conn *c) = {
	[CONN_HANDSHAKE] = step_handshake,
	[CONN_HEAD] = step_head,
	[CONN_EXCHANGE] = step_exchange,
	[CONN_SKIP] = step_skip,
	[CONN_LINGER] = step_linger,
};

void
conn_run(struct conn *c)
{
	CHECK_OBJ(c, CONN_MAGIC);
	CHECK(!c->running);
	c->running = true;
	unsigned budget = RUN_BUDGET;
	while (c->state != CONN_DEAD && budget > 0 && steps[c->state](c) == MOVE_ON)
		budget--;
	c->running = false;
	if (c->state == CONN_DEAD) {
		conn_destroy(c);
		return;
	}
	if (budget == 0)
		conn_wake(c);
	if (c->state == CONN_HEAD && c->slot != NULL && slot_unread(c->slot) == 0)
		slot_put(c->listener, &c->slot);
	enum conn_list on = conn_watch_list(c);
	if (on != c->on || c->touched)
		listener_watch(c->listener, c, on);
	c->touched = false;
	loop_io_interest(c->io, conn_interest(c));
}

static void
run_again(void *arg)
{
	conn_run(arg);
}

void
conn_wake(struct conn *c)
{
	if (!c->running && !c->again.pending)
		loop_defer(c->listener->loop, &c->again, run_again, c);
}

void
conn_timeout(struct conn *c)
{
	CHECK_OBJ(c, CONN_MAGIC);
	struct listener *l = c->listener;
	l->stats.timeouts += c->on != WATCH_LINGER && c->on != WATCH_IDLE;
	switch ((enum conn_list)c->on) {
	case WATCH_HEAD:
		if (slot_unread(c->slot) > 0)
			conn_refuse(c, 408);
		else
			conn_end(c, false);
		break;
	case WATCH_BODY:
		if (c->state != CONN_EXCHANGE)
			c->state = CONN_DEAD;
		else if (exchange_body_waits(c->slot)) /* not when paused since */
			c->slot->body.status = 408;
		break;
	case WATCH_IDLE:
		conn_end(c, false);
		break;
	case WATCH_WRITE:
		c->broken = true;
		break;
	case WATCH_HANDSHAKE:
		l->stats.tls_failures++;
		c->state = CONN_DEAD;
		break;
	case WATCH_LINGER:
		c->state = CONN_DEAD;
		break;
	case WATCH_NONE:
	case WATCH_N:
		return;
	}
	conn_run(c);
}
