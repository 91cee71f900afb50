/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One statement on a site's database, or one command to Redis, waited for: commands use the same stores as the workers. */
#include "gateway/cli/cli.h"

#include <stdio.h>

struct query {
	struct task task;
	struct loop *loop;
	struct db_pool *pool;
	const struct db_stmt *stmt;
	const struct db_val *vals;
	size_t n_vals;
	struct db_result *result;
};

static enum step
query_run(struct task *t)
{
	struct query *q = CONTAINER_OF(t, struct query, task);
	return db_query(t, q->pool, q->stmt, q->vals, q->n_vals, &q->result);
}

static enum step
query_end(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(query_steps, 1, { "query", query_run }, { "end", query_end });

static void
query_done(struct task *t)
{
	struct query *q = CONTAINER_OF(t, struct query, task);
	loop_stop(q->loop);
}

struct db_result *
cli_query(
    struct cli *c, const struct conf_site *site, const struct db_stmt *stmt, const struct db_val *vals, size_t n_vals)
{
	struct query q = { .stmt = stmt, .vals = vals, .n_vals = n_vals };
	q.loop = loop_new();
	q.pool = q.loop == NULL ? NULL : db_pool_new(q.loop, &site->db, NULL);
	if (q.pool == NULL) {
		fputs("gatehouse: out of memory\n", stderr);
		return NULL;
	}
	db_pool_zone_set(q.pool, site->db.time_zone);
	task_init(&q.task, q.loop, c->arena, &query_steps, NULL, query_done);
	task_run(&q.task);
	if (q.task.wait != NULL)
		loop_run(q.loop);
	db_pool_free(&q.pool);
	loop_free(&q.loop);
	if (q.result != NULL && q.result->status == DB_OK)
		return q.result;
	fprintf(stderr, "gatehouse: site %.*s: %s\n", STR_ARG(site->name),
	    q.task.err.kind == E_NONE ? "database: not reachable" : q.task.err.text);
	return NULL;
}

/* --- Redis ----------------------------------------------------------------------------------------------------------------- */

enum { CONNECT_TURNS = 100, TURN_MS = 20 };

struct command {
	struct task task;
	struct loop *loop;
	struct redis *redis;
	const struct str *argv;
	size_t argc;
	struct redis_result *result;
};

static enum step
command_run(struct task *t)
{
	struct command *k = CONTAINER_OF(t, struct command, task);
	return redis_call(t, k->redis, k->argv, k->argc, &k->result);
}
static STEP_TABLE(command_steps, 1, { "command", command_run }, { "end", query_end });

static void
command_done(struct task *t)
{
	loop_stop(CONTAINER_OF(t, struct command, task)->loop);
}

static void
turn(void *arg)
{
	(void)arg; /* only ends a turn of the loop */
}

static void
connect_wait(struct command *k)
{
	struct loop_timer *timer = loop_timer_new(k->loop, turn, NULL);
	struct redis_stats s = { 0 };
	for (int i = 0; timer != NULL && i < CONNECT_TURNS && s.connected == 0; i++) {
		loop_timer_set(timer, TURN_MS);
		loop_run_once(k->loop, true);
		redis_stats(k->redis, &s);
	}
	loop_timer_free(&timer);
}

const struct redis_result *
cli_redis(struct cli *c, const struct conf *conf, const struct str *argv, size_t argc)
{
	struct command k = { .argv = argv, .argc = argc };
	k.loop = loop_new();
	k.redis = k.loop == NULL ? NULL : redis_new(k.loop, &conf->redis, NULL);
	if (k.redis != NULL) {
		connect_wait(&k);
		task_init(&k.task, k.loop, c->arena, &command_steps, NULL, command_done);
		task_run(&k.task);
		if (k.task.wait != NULL)
			loop_run(k.loop);
		redis_free(&k.redis);
	}
	loop_free(&k.loop);
	return k.result;
}
