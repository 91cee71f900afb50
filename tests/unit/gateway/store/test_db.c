/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database store without a server: texts of batched reads, what the server's errors mean, and what callers are told
 * when nothing can be had. Statements that run and cells of rows: test_db_server.c.                                         */
#include "gateway/store/db_private.h"

#include "harness.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdlib.h>

static void
test_batch__has_as_many_marks_as_the_next_power_of_two(void)
{
	static const struct {
		unsigned keys, marks;
	} rows[] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 5, 8 }, { 9, 16 }, { 33, 64 }, { 64, 64 } };
	static const struct db_point point = { "read", "SELECT uuid, id FROM t WHERE uuid IN (%s) AND x = 1", 0 };
	struct point_group g = { .point = &point };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		unsigned padded = 0, marks = 0;
		const struct db_stmt *s = batch_stmt(&g, rows[i].keys, &padded);
		REQUIRE(s != NULL);
		for (const char *p = s->sql; *p != 0; p++)
			marks += *p == '?';
		EXPECT_IDX(padded == rows[i].marks && marks == rows[i].marks, i);
		EXPECT_IDX(strncmp(s->sql, "SELECT uuid, id FROM t WHERE uuid IN (?", 39) == 0, i);
		EXPECT_IDX(str_ends(str_of(s->sql), STR("?) AND x = 1")), i);
		EXPECT_IDX(strcmp(s->name, "read") == 0 && !s->transient, i);
		EXPECT_IDX(batch_stmt(&g, rows[i].keys, &padded) == s, i); /* the same one: prepared once */
	}
	for (size_t i = 0; i < DB_BATCH_SIZES; i++)
		free(g.sql[i]);
}

static void
test_status__says_what_the_caller_may_do(void)
{
	static const struct {
		unsigned server_errno;
		enum db_status status;
	} rows[] = {
		{ ER_DUP_ENTRY, DB_DUPLICATE },
		{ ER_LOCK_DEADLOCK, DB_DEADLOCK },
		{ ER_LOCK_WAIT_TIMEOUT, DB_DEADLOCK },
		{ ER_STATEMENT_TIMEOUT, DB_TIMEOUT },
		{ ER_QUERY_INTERRUPTED, DB_TIMEOUT },
		{ CR_SERVER_GONE_ERROR, DB_DOWN },
		{ CR_SERVER_LOST, DB_DOWN },
		{ ER_SERVER_SHUTDOWN, DB_DOWN },
		{ ER_CON_COUNT_ERROR, DB_DOWN },
		{ ER_PARSE_ERROR, DB_REFUSED },
		{ ER_NO_SUCH_TABLE, DB_REFUSED },
		{ ER_ACCESS_DENIED_ERROR, DB_REFUSED },
		{ 0, DB_REFUSED },
		{ 4294967295u, DB_REFUSED },
	};
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(status_of(rows[i].server_errno) == rows[i].status, i);
}

/* --- tasks of a pool whose server is not there ------------------------------------------------------------------------------------ */

struct asker {
	struct task task;
	struct db_pool *pool;
	struct db_result *result;
	bool point, done;
};
static const struct db_stmt one_sql = { "one", "SELECT 1", false };
static const struct db_point point_sql = { "point", "SELECT uuid FROM t WHERE uuid IN (%s)", 0 };

static enum step
ask(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	return a->point ? db_point_read(t, a->pool, &point_sql, STR("0123456789abcdef"), &a->result)
	                : db_query(t, a->pool, &one_sql, NULL, 0, &a->result);
}
static enum step
hear(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(steps, 0, { "ask", ask }, { "hear", hear });

static void
done(struct task *t)
{
	CONTAINER_OF(t, struct asker, task)->done = true;
}

static void
test_pool__without_a_server_answers_down_in_time(void)
{
	struct db_conf conf = { .socket = STR("/nonexistent/mysqld.sock"),
		.user = STR("u"),
		.password = STR("s3cr3t"),
		.database = STR("d"),
		.connections_max = 2,
		.queue_max = 8,
		.deadline_ms = 5000,
		.batch_max = 16 };
	struct loop *l = loop_new();
	REQUIRE(l != NULL);
	struct db_pool *pool = db_pool_new(l, &conf, NULL);
	REQUIRE(pool != NULL);
	for (size_t i = 0; i < 4;
	    i++) { /* queries and point reads, the first tries and those that find the pool down */
		struct arena *a = arena_new("test", 1 << 16);
		struct asker who = { .pool = pool, .point = i % 2 == 1 };
		int64_t end = clock_mono_us(&clock_system) + 10000000;
		REQUIRE(a != NULL);
		task_init(&who.task, l, a, &steps, NULL, done);
		task_run(&who.task);
		while (!who.done && clock_mono_us(&clock_system) < end)
			loop_run_once(l, true);
		EXPECT_IDX(
		    who.done && who.result != NULL && who.result->status == DB_DOWN && who.result->n_rows == 0, i);
		EXPECT_IDX(who.task.err.kind == E_UNAVAILABLE && strstr(who.task.err.text, "s3cr3t") == NULL, i);
		arena_free(&a);
	}
	struct db_pool_stats stats;
	db_pool_stats(pool, &stats);
	EXPECT(!stats.healthy && stats.open == 0 && stats.busy == 0 && stats.queued == 0);
	db_pool_free(&pool);
	loop_free(&l);
}

/* A client that leaves takes its read with it; the pool goes on. */
static void
test_pool__a_cancelled_read_leaves_nothing_behind(void)
{
	struct db_conf conf = { .socket = STR("/nonexistent/mysqld.sock"),
		.user = STR("u"),
		.database = STR("d"),
		.connections_max = 1,
		.queue_max = 8,
		.deadline_ms = 5000,
		.batch_max = 16 };
	for (size_t i = 0; i < 2; i++) {
		struct loop *l = loop_new();
		struct db_pool *pool = l == NULL ? NULL : db_pool_new(l, &conf, NULL);
		struct arena *a = arena_new("test", 1 << 16);
		struct asker who = { .pool = pool, .point = i == 1 };
		REQUIRE(pool != NULL && a != NULL);
		task_init(&who.task, l, a, &steps, NULL, done);
		task_run(&who.task);
		EXPECT_IDX(!who.done, i);
		task_cancel(&who.task);
		arena_free(&a);
		for (int turn = 0; turn < 20; turn++)
			loop_run_once(l, false);
		db_pool_free(&pool);
		loop_free(&l);
	}
}

TESTS(T(test_batch__has_as_many_marks_as_the_next_power_of_two), T(test_status__says_what_the_caller_may_do),
    T(test_pool__without_a_server_answers_down_in_time), T(test_pool__a_cancelled_read_leaves_nothing_behind))
