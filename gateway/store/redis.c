/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool of connections to Redis, its breaker, and the commands of tasks: a silent server is found by the command's deadline, and a late
 * answer finds no owner. What happens on one connection is redis_conn.c's.                                                 */
#include "gateway/store/redis_private.h"

#include <stdio.h>
#include <stdlib.h>

/* --- breaker -------------------------------------------------------------------------------------------------------------- */

void
redis_breaker_good(struct redis *r)
{
	if (r->stats.breaker != BREAKER_CLOSED)
		LOG(r->log, LOG_INFO, "redis.breaker_closed");
	r->failures = 0;
	r->probing = false;
	r->stats.breaker = BREAKER_CLOSED;
}

void
redis_breaker_bad(struct redis *r)
{
	r->failures++;
	r->probing = false;
	if (r->stats.breaker == BREAKER_CLOSED && r->failures < MAX(r->conf->breaker_failures, 1u))
		return;
	if (r->stats.breaker == BREAKER_CLOSED)
		LOG(r->log, LOG_WARN, "redis.breaker_open", F_INT("failures", r->failures));
	r->stats.breaker = BREAKER_OPEN;
	r->open_until_us = loop_now_us(r->loop) + (int64_t)r->conf->breaker_open_ms * 1000;
}

/* May a command go out now? Half open: one probe at a time. */
static bool
breaker_lets(struct redis *r)
{
	if (r->stats.breaker == BREAKER_CLOSED)
		return true;
	if ((r->stats.breaker == BREAKER_OPEN && loop_now_us(r->loop) < r->open_until_us) || r->probing)
		return false;
	r->stats.breaker = BREAKER_HALF_OPEN;
	r->probing = true;
	return true;
}

/* --- the pool --------------------------------------------------------------------------------------------------------------------- */

struct redis *
redis_new(struct loop *l, const struct redis_conf *conf, const struct log *log)
{
	struct redis *r = calloc(1, sizeof *r);
	unsigned n = MAX(conf->connections, 1u);
	if (r != NULL)
		r->conns = calloc(n, sizeof *r->conns);
	if (r == NULL || r->conns == NULL) {
		free(r);
		return NULL;
	}
	r->magic = REDIS_MAGIC;
	r->loop = l;
	r->log = log;
	r->conf = conf;
	for (; r->n_conns < n; r->n_conns++) {
		if (redis_conn_init(&r->conns[r->n_conns], r) != 0) {
			redis_free(&r);
			return NULL;
		}
	}
	return r;
}

void
redis_free(struct redis **rp)
{
	struct redis *r = *rp;
	*rp = NULL;
	if (r == NULL)
		return;
	CHECK_OBJ(r, REDIS_MAGIC);
	r->closing = true;
	for (unsigned i = 0; i < r->n_conns; i++)
		redis_conn_done(&r->conns[i]);
	free(r->conns);
	r->magic = 0;
	free(r);
}

/* The open connection that is in use; another one when it is lost. Redis has one thread: spread over several connections the commands of
 * a turn would not be answered earlier, and each connection's share costs a send and a receive. NULL: none is open.        */
static struct redis_conn *
conn_pick(struct redis *r)
{
	for (unsigned i = 0; i < r->n_conns; i++) {
		struct redis_conn *c = &r->conns[(r->in_use + i) % r->n_conns];
		if (c->state != CONN_OPEN)
			continue;
		r->in_use = (r->in_use + i) % r->n_conns;
		return c;
	}
	return NULL;
}

/* --- operations ------------------------------------------------------------------------------------------------------------------- */

/* task->wait is still set when the deadline passed, and gone when the task was cancelled. */
static void
call_cancel(void *op)
{
	struct call *call = op;
	CHECK_OBJ(call, CALL_MAGIC);
	struct redis_conn *c = call->conn;
	struct redis *r = c->redis;
	bool late = call->task->wait != NULL;
	if (late) {
		call->result->status = REDIS_TIMEOUT;
		(void)ERR(&call->task->err, E_TIMEOUT, "redis: no answer in time");
		r->stats.timeouts++;
		redis_breaker_bad(r);
		if (c->state == CONN_OPEN && c->last_read_us < call->sent_us)
			redis_conn_fail_later(c);
	}
	call->task = NULL;
}
static const struct wait_ops call_ops = { "redis", call_cancel };

static void
nothing_cancel(void *op)
{
	(void)op;
}
static const struct wait_ops down_ops = { "redis down", nothing_cancel };

static enum step
call_down(struct task *t, struct redis_result *res, const char *why)
{
	struct wait *w = wait_begin(t, &down_ops, NULL, 1000);
	if (w == NULL)
		return STEP_FAIL;
	res->status = REDIS_DOWN;
	(void)ERR(&t->err, E_UNAVAILABLE, "redis: %s", why);
	wait_wake(w);
	return STEP_WAIT;
}

static enum step
start(struct task *t, struct redis *r, const struct redis_script *script, const struct str *argv, size_t argc,
    struct redis_result **out)
{
	CHECK_OBJ(r, REDIS_MAGIC);
	*out = ARENA_NEW(t->arena, struct redis_result);
	struct call *call = *out == NULL ? NULL : redis_call_new();
	if (call == NULL) {
		(void)ERR(&t->err, E_LIMIT, "redis: arena full");
		return STEP_FAIL;
	}
	struct redis_conn *c = conn_pick(r);
	if (c == NULL || !breaker_lets(r)) {
		free(call);
		return call_down(t, *out, c == NULL ? "not connected" : "breaker open");
	}
	call->task = t;
	call->result = *out;
	call->script = script;
	call->argv = argv;
	call->argc = argc;
	if (redis_conn_send(c, call, argv, argc) != 0) {
		r->probing = false; /* it was none */
		free(call);
		return call_down(t, *out, "too much waits to be sent");
	}
	r->last_sent_us = loop_now_us(r->loop);
	if (wait_begin(t, &call_ops, call, r->conf->deadline_ms) == NULL) {
		call->task = NULL;
		return STEP_FAIL;
	}
	return STEP_WAIT;
}

enum step
redis_call(struct task *t, struct redis *r, const struct str *argv, size_t argc, struct redis_result **out)
{
	return start(t, r, NULL, argv, argc, out);
}

static const struct script_known *
script_known(struct redis *r, const struct redis_script *script)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	for (unsigned i = 0; i < r->n_scripts; i++)
		if (r->scripts[i].script == script)
			return &r->scripts[i];
	CHECK(r->n_scripts < SCRIPTS_MAX); /* scripts are literals of the program */
	struct script_known *k = &r->scripts[r->n_scripts++];
	k->script = script;
	(void)SHA1((const unsigned char *)script->lua, strlen(script->lua), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(k->sha + 2 * i, 3, "%02x", digest[i]);
	return k;
}

enum step
redis_eval(struct task *t, struct redis *r, const struct redis_script *script, const struct str *keys, size_t n_keys,
    const struct str *args, size_t n_args, struct redis_result **out)
{
	size_t argc = 3 + n_keys + n_args;
	struct str *argv = arena_array(t->arena, argc, sizeof *argv), count = arena_u64(t->arena, n_keys);
	CHECK(argc <= ARGS_MAX);
	if (argv == NULL || count.p == NULL) {
		(void)ERR(&t->err, E_LIMIT, "redis: arena full");
		return STEP_FAIL;
	}
	argv[0] = STR("EVALSHA");
	argv[1] = str_of(script_known(r, script)->sha);
	argv[2] = count;
	if (n_keys > 0)
		memcpy(argv + 3, keys, n_keys * sizeof *keys);
	if (n_args > 0)
		memcpy(argv + 3 + n_keys, args, n_args * sizeof *args);
	return start(t, r, script, argv, argc, out);
}

void
redis_send(struct redis *r, const struct str *argv, size_t argc)
{
	struct redis_conn *c = conn_pick(r);
	if (c == NULL || !breaker_lets(r))
		return;
	struct call *call = redis_call_new();
	if (call == NULL || redis_conn_send(c, call, argv, argc) != 0) {
		r->probing = false;
		free(call);
	}
}

void
redis_probe(struct redis *r, uint32_t idle_ms)
{
	for (unsigned i = 0; i < r->n_conns; i++)
		redis_conn_check(&r->conns[i]);
	if (loop_now_us(r->loop) - r->last_sent_us < (int64_t)idle_ms * 1000)
		return;
	r->last_sent_us = loop_now_us(r->loop);
	redis_send(r, (const struct str[]){ STR("PING") }, 1);
}

void
redis_stats(const struct redis *r, struct redis_stats *out)
{
	*out = r->stats;
}
