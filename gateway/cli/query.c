/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One statement on a site's database, waited for: commands use the same store as the workers. */
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
	task_init(&q.task, q.loop, c->arena, &query_steps, NULL, query_done);
	task_run(&q.task);
	if (q.task.wait != NULL)
		loop_run(q.loop);
	db_pool_free(&q.pool);
	loop_free(&q.loop);
	if (q.result != NULL && q.result->status == DB_OK)
		return q.result;
	fprintf(stderr, "gatehouse: database of site %.*s: %s\n", STR_ARG(site->name),
	    q.task.err.kind == E_NONE ? "not reachable" : q.task.err.text);
	return NULL;
}
