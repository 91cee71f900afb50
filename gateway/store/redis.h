/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Redis without blocking: hiredis' protocol reader on the worker's loop; pipelined, few connections, a deadline per command, a breaker with a
 * half-open probe, reconnect with jitter, Lua by EVALSHA with EVAL after NOSCRIPT (restart, failover). Not for keys: who owns a
 * key names it (prefix per site).                                                                                          */
#ifndef GATEWAY_STORE_REDIS_H
#define GATEWAY_STORE_REDIS_H

#include "gateway/base/log.h"
#include "gateway/loop/step.h"

struct redis;

struct redis_conf {
	struct str host;
	unsigned port;
	struct str socket;         /* unix socket path; wins over host                               */
	struct str user, password; /* AUTH; .n 0: none                                               */
	unsigned database;
	unsigned connections;      /* per worker; one of them is used, the next when it is lost       */
	uint32_t deadline_ms;      /* per command                                                    */
	unsigned breaker_failures; /* failures in a row that open the breaker                        */
	uint32_t breaker_open_ms;  /* then one probe is let through                                  */
};
/* conf outlives the pool. Addresses are numeric (a resolver would block) or a unix socket. */
struct redis *redis_new(struct loop *l, const struct redis_conf *conf, const struct log *log);
void redis_free(struct redis **r); /* commands under way end as REDIS_DOWN */

enum redis_status {
	REDIS_OK,
	REDIS_DOWN,     /* not connected, connection lost, breaker open */
	REDIS_TIMEOUT,  /* deadline                                     */
	REDIS_REFUSED,  /* error reply (text in task->err)              */
	REDIS_TOO_LARGE /* reply does not fit the task's arena          */
};
struct redis_value {
	enum { REDIS_NIL, REDIS_INT, REDIS_STR, REDIS_ARRAY } kind;
	int64_t i;
	struct str s;
	const struct redis_value *items;
	size_t n_items;
};
struct redis_result {
	enum redis_status status;
	struct redis_value value; /* REDIS_NIL unless REDIS_OK */
};

/* One command. argv and its bytes are copied into the output buffer before the call returns. *out as in db.h. */
enum step redis_call(struct task *t, struct redis *r, const struct str *argv, size_t argc, struct redis_result **out);
#define REDIS_CALL(t, r, out, ...)                                                                                     \
	redis_call((t), (r), (const struct str[]){ __VA_ARGS__ },                                                      \
	    sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str), (out))

/* A Lua script: a literal of the program. Loaded with SCRIPT LOAD on each new connection; EVALSHA; on NOSCRIPT loaded and run again
 * within the same deadline. Identity is the address.                                                                       */
struct redis_script {
	const char *name;
	const char *lua;
};
enum step redis_eval(struct task *t, struct redis *r, const struct redis_script *script, const struct str *keys,
    size_t n_keys, const struct str *args, size_t n_args, struct redis_result **out);

/* Without a task: fire and forget (counters); the answer is dropped, failures count for the breaker. */
void redis_send(struct redis *r, const struct str *argv, size_t argc);

/* Replaces connections that answer nothing, and sends a PING when nothing was sent for idle_ms. Called a few times a second. */
void redis_probe(struct redis *r, uint32_t idle_ms);

/* Since the pool began, for readyz and metrics. errors: replies that are errors, and commands whose connection was lost. */
struct redis_stats {
	uint64_t commands, errors, timeouts;
	enum { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN } breaker;
	unsigned connected, in_flight;
};
void redis_stats(const struct redis *r, struct redis_stats *out);

#endif
