/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the Redis store share: connections, commands, the pool. Private to gateway/store.                      */
#ifndef GATEWAY_STORE_REDIS_PRIVATE_H
#define GATEWAY_STORE_REDIS_PRIVATE_H

#include "gateway/base/buf.h"
#include "gateway/base/list.h"
#include "gateway/store/redis.h"

#include <hiredis/hiredis.h>
#include <openssl/sha.h>

enum { ARGS_MAX = 32, SCRIPTS_MAX = 32 };
enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_OPEN };

struct redis_conn {
	struct redis *redis;
	enum conn_state state;
	int fd;
	struct loop_io *io;
	struct loop_timer *again;
	struct loop_defer flush, fail;
	struct buf out;
	redisReader *reader;
	struct list calls;  /* sent, in order */
	size_t reply_bytes; /* of the reply under way */
	int64_t last_read_us;
	unsigned failures; /* to connect, in a row */
};
struct script_known {
	const struct redis_script *script;
	char sha[2 * SHA_DIGEST_LENGTH + 1];
};
struct redis {
	unsigned magic;
#define REDIS_MAGIC 0x7be1d926u
	struct loop *loop;
	const struct log *log;
	const struct redis_conf *conf;
	struct redis_conn *conns;
	unsigned n_conns, in_use, failures;
	struct redis_stats stats;
	int64_t open_until_us, last_sent_us;
	bool probing, closing;
	struct script_known scripts[SCRIPTS_MAX];
	unsigned n_scripts;
};
/* A command. It stays in its connection's list until its reply comes, also when nobody waits any more. */
struct call {
	unsigned magic;
#define CALL_MAGIC 0xc14a7e02u
	bool housekeeping; /* AUTH, SELECT, SCRIPT LOAD: not for a task */
	struct list link;
	struct redis_conn *conn;
	struct task *task; /* NULL: nobody waits */
	struct redis_result *result;
	int64_t sent_us;
	const struct redis_script *script;
	const struct str *argv; /* of an EVALSHA: to run again as EVAL; arena of the task */
	size_t argc;
};

/* redis_conn.c */
struct call *redis_call_new(void);                                  /* NULL: out of memory */
int redis_conn_init(struct redis_conn *c, struct redis *r) MUSTUSE; /* begins to connect */
void redis_conn_done(struct redis_conn *c);                         /* its commands end as REDIS_DOWN */
/* Puts a command behind those that wait to be sent; c owns call until its reply or c's end. -1: too much waits already, call is still the
 * caller's.                                                                                                                */
int redis_conn_send(struct redis_conn *c, struct call *call, const struct str *argv, size_t argc) MUSTUSE;
/* From inside a cancel: c is closed at the end of the turn, and opened anew. */
void redis_conn_fail_later(struct redis_conn *c);
void redis_conn_check(struct redis_conn *c); /* replaces one that answers nothing */
/* redis.c */
void redis_breaker_good(struct redis *r); /* an answer came */
void redis_breaker_bad(struct redis *r);  /* a connection or a deadline was lost */

#endif
