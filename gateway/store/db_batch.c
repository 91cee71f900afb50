/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Point reads of one loop turn as one statement with IN (...). One such statement runs at a time, and while it runs further keys gather:
 * the longer the server takes, the larger the next batch. One that is late does not hold the others: after a while the next
 * begins beside it. Sizes are powers of two, so that few statements are prepared.                                          */
#include "gateway/store/db_private.h"

#include <stdlib.h>

enum { BATCH_LATE_MS = 20, KEYS_MARKS = 2 * DB_BATCH_MAX };

static struct point_group *
group_of(struct db_pool *p, const struct db_point *point)
{
	for (unsigned i = 0; i < p->n_points; i++)
		if (p->points[i].point == point)
			return &p->points[i];
	CHECK(p->n_points < DB_POINTS_MAX); /* points are the planner's, made at start */
	struct point_group *g = &p->points[p->n_points++];
	g->point = point;
	list_init(&g->reads);
	return g;
}

/* The statement for at least n_keys marks; made when first used. NULL: out of memory. */
const struct db_stmt *
batch_stmt(struct point_group *g, unsigned n_keys, unsigned *padded)
{
	unsigned size = 0;
	while (1u << size < n_keys)
		size++;
	*padded = 1u << size;
	if (g->sql[size] != NULL)
		return &g->stmts[size];
	struct str text = str_of(g->point->sql);
	size_t at = str_find_str(text, STR("%s"));
	CHECK(at < text.n);
	char *sql = malloc(text.n + KEYS_MARKS + 1), *to = sql;
	if (sql == NULL)
		return NULL;
	memcpy(to, text.p, at);
	to += at;
	for (unsigned i = 0; i < *padded; i++) {
		if (i > 0)
			*to++ = ',';
		*to++ = '?';
	}
	memcpy(to, text.p + at + 2, text.n - at - 2);
	to[text.n - at - 2] = 0;
	g->sql[size] = sql;
	g->stmts[size] = (struct db_stmt){ g->point->name, sql, false };
	return &g->stmts[size];
}

static void
read_end(struct point_read *r, enum db_status status)
{
	list_del(&r->link);
	if (r->task == NULL) {
		free(r);
		return;
	}
	if (r->result->status == DB_OK)
		r->result->status = status;
	wait_wake(r->task->wait);
	free(r);
}

void
batch_fail(struct job *job, enum db_status status, const char *why)
{
	while (!list_empty(&job->reads)) {
		struct point_read *r = LIST_FRONT(&job->reads, struct point_read, link);
		if (r->task != NULL && status != DB_OK)
			(void)ERR(&r->task->err, status == DB_TIMEOUT ? E_TIMEOUT : E_UNAVAILABLE, "database: %s", why);
		read_end(r, status);
	}
}

/* May one more batch run? When not yet, the pool is asked again once the running one is late. */
static bool
batch_may_run(struct db_pool *p)
{
	if (p->n_batches_running == 0 || loop_now_us(p->loop) - p->batch_us >= (int64_t)BATCH_LATE_MS * 1000)
		return true;
	if (!p->batch_late_set)
		loop_timer_set(p->batch_late, BATCH_LATE_MS);
	p->batch_late_set = true;
	return false;
}

void
batch_late(void *arg)
{
	struct db_pool *p = arg;
	p->batch_late_set = false;
	pool_pump_later(p);
}

bool
batch_next(struct db_pool *p, struct db_conn *c)
{
	unsigned max = MIN(MAX(p->conf->batch_max, 1u), (unsigned)DB_BATCH_MAX);
	struct point_group *g = NULL;
	for (unsigned i = 0; i < p->n_points; i++)
		if (p->points[i].n_reads > 0 && (g == NULL || p->points[i].n_reads > g->n_reads))
			g = &p->points[i];
	struct job *job =
	    g == NULL || !batch_may_run(p) ? NULL : calloc(1, sizeof *job + sizeof(struct db_val) * DB_BATCH_MAX);
	if (job == NULL)
		return false;
	struct db_val *vals = (struct db_val *)(void *)(job + 1);
	job->kind = JOB_BATCH;
	job->pool = p;
	job->vals = vals;
	list_init(&job->link);
	list_init(&job->reads);
	while (job->n_reads < max && g->n_reads > 0) {
		struct point_read *r = LIST_FRONT(&g->reads, struct point_read, link);
		list_del(&r->link);
		g->n_reads--;
		vals[job->n_reads++] = DB_V_BIN(r->key.p, r->key.n);
		list_add(&job->reads, &r->link);
	}
	unsigned padded;
	job->stmt = batch_stmt(g, job->n_reads, &padded);
	for (unsigned i = job->n_reads; i < padded; i++)
		vals[i] = vals[job->n_reads - 1];
	job->n_vals = padded;
	p->stats.batches++;
	p->stats.batched_reads += job->n_reads;
	if (job->stmt == NULL) {
		job_fail(job, DB_DOWN, "out of memory");
		return true;
	}
	p->n_batches_running++;
	p->batch_us = loop_now_us(p->loop);
	db_conn_run(c, job);
	return true;
}

static void
read_cancel(void *op)
{
	struct point_read *r = op;
	if (r->task->wait != NULL) { /* the deadline, not a client that left */
		r->result->status = DB_TIMEOUT;
		(void)ERR(&r->task->err, E_TIMEOUT, "database: no answer in time");
		r->pool->stats.timeouts++;
	}
	r->task = NULL; /* its key may be part of a running batch: the batch drops its rows */
}
static const struct wait_ops read_ops = { "database read", read_cancel };

enum step
db_point_read(struct task *t, struct db_pool *p, const struct db_point *point, struct str key, struct db_result **out)
{
	CHECK_OBJ(p, DB_POOL_MAGIC);
	*out = ARENA_NEW(t->arena, struct db_result);
	struct point_read *r = *out == NULL ? NULL : calloc(1, sizeof *r + key.n);
	if (r == NULL) {
		(void)ERR(&t->err, E_LIMIT, "database: arena full");
		return STEP_FAIL;
	}
	/* the key is copied: a cancelled task's arena may be gone before the batch is sent */
	memcpy(r + 1, key.p, key.n);
	r->key = (struct str){ (const char *)(r + 1), key.n };
	r->task = t;
	r->result = *out;
	r->pool = p;
	list_init(&r->link);
	if (wait_begin(t, &read_ops, r, p->conf->deadline_ms) == NULL) {
		free(r);
		return STEP_FAIL;
	}
	struct point_group *g = group_of(p, point);
	if (pool_is_down(p) || g->n_reads >= MAX(p->conf->queue_max, 1u)) {
		(void)ERR(&t->err, E_UNAVAILABLE, "database: %s", pool_is_down(p) ? "down" : "queue full");
		(*out)->status = DB_DOWN;
		wait_wake(t->wait);
		free(r);
		return STEP_WAIT;
	}
	list_add(&g->reads, &r->link);
	g->n_reads++;
	pool_pump_later(p);
	return STEP_WAIT;
}
