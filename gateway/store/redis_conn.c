/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection to Redis: hiredis' protocol reader with the socket on our loop. What is sent in one turn leaves in one write; replies come
 * in the order of the commands; a connection that is lost is opened again after a pause. Not for who may send, and when: redis.c. */
#include "gateway/store/redis_private.h"

#include "gateway/base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	AGAIN_FIRST_MS = 20,
	AGAIN_MAX_MS = 1000,
	REPLY_DEPTH = 4,
	READ_BYTES = 4 << 10,
	OUT_FIRST_BYTES = 4 << 10,
	OUT_MAX_BYTES = 8 << 20,
	REPLY_MAX_BYTES =
	    16 << 20 /* no reply that anybody waits for is as large; hiredis itself would gather any number of bytes */
};

/* --- replies into arenas ---------------------------------------------------------------------------------------------------- */

static int
value_copy(struct arena *a, const redisReply *reply, struct redis_value *out, unsigned depth)
{
	struct redis_value *items;
	switch (reply->type) {
	case REDIS_REPLY_INTEGER:
		out->kind = REDIS_INT;
		out->i = reply->integer;
		return 0;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		out->kind = REDIS_STR;
		out->s = arena_str(a, (struct str){ reply->str, (size_t)reply->len });
		return out->s.p == NULL ? -1 : 0;
	case REDIS_REPLY_ARRAY:
		items = depth == 0 ? NULL : arena_array(a, reply->elements + 1, sizeof *items);
		if (items == NULL)
			return -1;
		out->kind = REDIS_ARRAY;
		out->items = items;
		out->n_items = reply->elements;
		for (size_t i = 0; i < reply->elements; i++)
			if (value_copy(a, reply->element[i], &items[i], depth - 1) != 0)
				return -1;
		return 0;
	default:
		out->kind = REDIS_NIL;
		return 0;
	}
}

static void
result_fill(struct call *call, const redisReply *reply)
{
	struct redis_result *res = call->result;
	if (reply == NULL) {
		res->status = REDIS_DOWN;
		(void)ERR(&call->task->err, E_UNAVAILABLE, "redis: connection lost");
	} else if (reply->type == REDIS_REPLY_ERROR) {
		res->status = REDIS_REFUSED;
		(void)ERR(&call->task->err, E_REDIS, "redis: %.64s", reply->str);
	} else if (value_copy(call->task->arena, reply, &res->value, REPLY_DEPTH) != 0) {
		res->status = REDIS_TOO_LARGE;
		res->value = (struct redis_value){ 0 };
		(void)ERR(&call->task->err, E_LIMIT, "redis: reply does not fit");
	} else {
		res->status = REDIS_OK;
	}
}

/* --- sending ------------------------------------------------------------------------------------------------------------------ */

static void
flush(void *arg)
{
	struct redis_conn *c = arg;
	while (c->out.n > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* full: go on when writable; broken: the read side finds out */
		buf_consume(&c->out, (size_t)n);
	}
	loop_io_interest(c->io, LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0u));
}

static int
command_put(struct buf *out, const struct str *argv, size_t argc)
{
	buf_char(out, '*');
	buf_u64(out, argc);
	for (size_t i = 0; i < argc; i++) {
		buf_lit(out, "\r\n$");
		buf_u64(out, argv[i].n);
		buf_lit(out, "\r\n");
		buf_str_put(out, argv[i]);
	}
	buf_lit(out, "\r\n");
	return buf_ok(out) ? 0 : -1;
}

int
redis_conn_send(struct redis_conn *c, struct call *call, const struct str *argv, size_t argc)
{
	size_t before = c->out.n;
	if (command_put(&c->out, argv, argc) != 0) {
		c->out.n = before;
		c->out.failed = false;
		return -1;
	}
	call->conn = c;
	call->sent_us = loop_now_us(c->redis->loop);
	list_add(&c->calls, &call->link);
	c->redis->stats.in_flight++;
	c->redis->stats.commands++;
	if (c->state == CONN_OPEN && !c->flush.pending)
		loop_defer(c->redis->loop, &c->flush, flush, c);
	return 0;
}

struct call *
redis_call_new(void)
{
	struct call *call = calloc(1, sizeof *call);
	if (call != NULL)
		call->magic = CALL_MAGIC;
	return call;
}

static void
call_end(struct call *call, const redisReply *reply)
{
	struct redis *r = call->conn->redis;
	list_del(&call->link);
	r->stats.in_flight--;
	if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
		r->stats.errors++;
	if (call->task != NULL) {
		result_fill(call, reply);
		wait_wake(call->task->wait);
	}
	if (call->housekeeping && reply != NULL && reply->type == REDIS_REPLY_ERROR)
		LOG(r->log, LOG_WARN, "redis.setup", F_STR("error", str_sub(str_of(reply->str), 0, 64)));
	call->magic = 0;
	free(call);
}

/* Housekeeping command on a fresh connection; its failure shows in the commands that follow. */
static void
conn_tell(struct redis_conn *c, const struct str *argv, size_t argc)
{
	struct call *call = redis_call_new();
	if (call == NULL)
		return;
	call->housekeeping = true;
	if (redis_conn_send(c, call, argv, argc) != 0)
		free(call);
}

/* --- connections ---------------------------------------------------------------------------------------------------------------- */

static void
conn_close(struct redis_conn *c)
{
	loop_io_free(&c->io);
	loop_defer_cancel(c->redis->loop, &c->flush);
	loop_defer_cancel(c->redis->loop, &c->fail);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	if (c->state == CONN_OPEN)
		c->redis->stats.connected--;
	c->state = CONN_CLOSED;
	if (c->reader != NULL)
		redisReaderFree(c->reader);
	c->reader = NULL;
	c->reply_bytes = 0;
	buf_clear(&c->out);
	while (!list_empty(&c->calls))
		call_end(LIST_FRONT(&c->calls, struct call, link), NULL);
}

/* Closed by trouble: the calls under way end as down, and a new try follows with jitter. */
static void
conn_fail(struct redis_conn *c, const char *why)
{
	uint32_t wait_ms = AGAIN_FIRST_MS;
	uint8_t jitter;
	struct redis *r = c->redis;
	if (c->state == CONN_OPEN)
		LOG(r->log, LOG_WARN, "redis.lost", F_STR("why", str_of(why)));
	redis_breaker_bad(r);
	conn_close(c);
	for (unsigned i = 0; i < c->failures && wait_ms < AGAIN_MAX_MS; i++)
		wait_ms *= 2;
	c->failures++;
	rng_bytes(&rng_system, &jitter, 1);
	loop_timer_set(c->again, MIN(wait_ms, (uint32_t)AGAIN_MAX_MS) + jitter % 32u);
}

static void
fail_now(void *arg)
{
	conn_fail(arg, "no answer before the deadline");
}

void
redis_conn_fail_later(struct redis_conn *c)
{
	if (!c->fail.pending)
		loop_defer(c->redis->loop, &c->fail, fail_now, c);
}

static void
conn_setup(struct redis_conn *c)
{
	struct redis *r = c->redis;
	const struct redis_conf *conf = r->conf;
	char db[12];
	if (conf->password.n > 0 && conf->user.n > 0)
		conn_tell(c, (const struct str[]){ STR("AUTH"), conf->user, conf->password }, 3);
	else if (conf->password.n > 0)
		conn_tell(c, (const struct str[]){ STR("AUTH"), conf->password }, 2);
	if (conf->database != 0) {
		(void)snprintf(db, sizeof db, "%u", conf->database);
		conn_tell(c, (const struct str[]){ STR("SELECT"), str_of(db) }, 2);
	}
	for (unsigned i = 0; i < r->n_scripts; i++)
		conn_tell(c, (const struct str[]){ STR("SCRIPT"), STR("LOAD"), str_of(r->scripts[i].script->lua) }, 3);
	if (c->calls.next == &c->calls) /* nothing to set up: prove that somebody answers */
		conn_tell(c, (const struct str[]){ STR("PING") }, 1);
}

static void
conn_connected(struct redis_conn *c)
{
	int why = 0;
	socklen_t n = sizeof why;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0) {
		conn_fail(c, "connect");
		return;
	}
	c->state = CONN_OPEN;
	c->redis->stats.connected++;
	c->last_read_us = loop_now_us(c->redis->loop);
	loop_io_interest(c->io, LOOP_READ);
	conn_setup(c);
}

/* NOSCRIPT (Redis restarted or failed over): the same command again as EVAL, on the same connection, within the same deadline. */
static bool
script_again(struct call *call, const redisReply *reply)
{
	if (call->script == NULL || call->task == NULL || reply->type != REDIS_REPLY_ERROR ||
	    !str_starts(str_of(reply->str), STR("NOSCRIPT")))
		return false;
	struct str argv[ARGS_MAX];
	memcpy(argv, call->argv, call->argc * sizeof argv[0]);
	argv[0] = STR("EVAL");
	argv[1] = str_of(call->script->lua);
	call->script = NULL;
	struct redis_conn *c = call->conn;
	list_del(&call->link);
	c->redis->stats.in_flight--;
	if (redis_conn_send(c, call, argv, call->argc) == 0)
		return true;
	list_add(&c->calls, &call->link);
	c->redis->stats.in_flight++;
	return false;
}

static void
conn_read(struct redis_conn *c)
{
	char bytes[READ_BYTES];
	for (;;) {
		ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			conn_fail(c, n == 0 ? "closed by the server" : "read");
			return;
		}
		c->last_read_us = loop_now_us(c->redis->loop);
		c->reply_bytes += (size_t)n;
		if (c->reply_bytes > REPLY_MAX_BYTES || redisReaderFeed(c->reader, bytes, (size_t)n) != 0) {
			conn_fail(c, c->reply_bytes > REPLY_MAX_BYTES ? "reply too large" : "protocol");
			return;
		}
		for (void *any = NULL;; any = NULL) {
			if (redisReaderGetReply(c->reader, &any) != 0 || (any != NULL && list_empty(&c->calls))) {
				if (any != NULL)
					freeReplyObject(any);
				conn_fail(c, "protocol");
				return;
			}
			if (any == NULL)
				break;
			struct call *call = LIST_FRONT(&c->calls, struct call, link);
			c->failures = 0;
			c->reply_bytes = 0;
			if (((redisReply *)any)->type != REDIS_REPLY_ERROR || !call->housekeeping)
				redis_breaker_good(c->redis);
			if (!script_again(call, any))
				call_end(call, any);
			freeReplyObject(any);
		}
		if ((size_t)n < sizeof bytes)
			return;
	}
}

static void
conn_ready(int fd, unsigned ready, void *arg)
{
	struct redis_conn *c = arg;
	(void)fd;
	if (c->state == CONN_CONNECTING) {
		conn_connected(c);
		return;
	}
	if (ready & LOOP_WRITE)
		flush(c);
	if (ready & LOOP_READ)
		conn_read(c);
}

/* A numeric address only: names would need a resolver, which blocks (config resolves nothing; docs/configure.md). */
static int
conn_socket(const struct redis_conf *conf)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} sa = { 0 };
	char host[64];
	socklen_t n;
	int on = 1;
	if (conf->socket.n > 0) {
		sa.un.sun_family = AF_UNIX;
		n = sizeof sa.un;
		if (str_cstr(conf->socket, sa.un.sun_path, sizeof sa.un.sun_path) != 0)
			return -1;
	} else {
		if (str_cstr(str_eq(conf->host, STR("localhost")) ? STR("127.0.0.1") : conf->host, host, sizeof host) !=
		    0)
			return -1;
		if (inet_pton(AF_INET, host, &sa.in.sin_addr) == 1) {
			sa.in.sin_family = AF_INET;
			sa.in.sin_port = htons((uint16_t)conf->port);
			n = sizeof sa.in;
		} else if (inet_pton(AF_INET6, host, &sa.in6.sin6_addr) == 1) {
			sa.in6.sin6_family = AF_INET6;
			sa.in6.sin6_port = htons((uint16_t)conf->port);
			n = sizeof sa.in6;
		} else {
			return -1;
		}
	}
	int fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (sa.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, &sa.any, n) != 0 && errno != EINPROGRESS && errno != EAGAIN) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void
conn_open(void *arg)
{
	struct redis_conn *c = arg;
	if (c->redis->closing || c->state != CONN_CLOSED)
		return;
	c->fd = conn_socket(c->redis->conf);
	c->reader = c->fd < 0 ? NULL : redisReaderCreate();
	c->io = c->reader == NULL ? NULL : loop_io_new(c->redis->loop, c->fd, LOOP_WRITE, conn_ready, c);
	if (c->io == NULL) {
		conn_fail(c, "connect");
		return;
	}
	c->state = CONN_CONNECTING;
	c->last_read_us = loop_now_us(c->redis->loop);
}

int
redis_conn_init(struct redis_conn *c, struct redis *r)
{
	c->redis = r;
	c->fd = -1;
	list_init(&c->calls);
	buf_init(&c->out, NULL, OUT_FIRST_BYTES, OUT_MAX_BYTES);
	c->again = loop_timer_new(r->loop, conn_open, c);
	if (c->again == NULL)
		return -1;
	conn_open(c);
	return 0;
}

void
redis_conn_done(struct redis_conn *c)
{
	conn_close(c);
	loop_timer_free(&c->again);
	buf_done(&c->out);
}

/* Commands that nobody waits for (housekeeping, probes) have no deadline of their own: a connection that leaves its oldest one without
 * any answer is replaced.                                                                                                  */
void
redis_conn_check(struct redis_conn *c)
{
	const struct call *oldest = LIST_FIRST(&c->calls, struct call, link);
	int64_t limit = loop_now_us(c->redis->loop) - (int64_t)c->redis->conf->deadline_ms * 1000;
	bool silent = oldest != NULL && oldest->sent_us < limit && c->last_read_us < limit;
	if (silent || (c->state == CONN_CONNECTING && c->last_read_us < limit))
		conn_fail(c, "no answer");
}
