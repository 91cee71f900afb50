/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads by keys of one loop turn as one statement with IN (...). Of each kind (a struct db_point) one such statement runs at a time, and
 * while it runs further keys gather: the longer the server takes, the larger the next batch. One that is late does not hold the
 * others: after a while the next begins beside it. Sizes are powers of two, so that few statements are prepared.           */
#include "gateway/store/db_private.h"

#include <stdlib.h>

enum { BATCH_LATE_MS = 20, KEYS_MARKS = 2 * DB_BATCH_MAX, POINTS_FIRST = 64 };

/* --- groups --------------------------------------------------------------------------------------------------------------------- */

/* The place of a point's group, or where it would stand. */
static struct point_group **
group_place(struct point_group **groups, unsigned cap, const struct db_point *point)
{
	unsigned at = (unsigned)(((uint64_t)(uintptr_t)point * 0x9e3779b97f4a7c15u) >> 40);
	while (groups[at & (cap - 1)] != NULL && groups[at & (cap - 1)]->point != point)
		at++;
	return &groups[at & (cap - 1)];
}

/* Twice the places. -1: out of memory. */
static int
groups_grow(struct db_pool *p)
{
	unsigned cap = MAX(p->cap_points * 2, (unsigned)POINTS_FIRST);
	struct point_group **groups = calloc(cap, sizeof(struct point_group *));
	if (groups == NULL)
		return -1;
	for (unsigned i = 0; i < p->cap_points; i++)
		if (p->points[i] != NULL)
			*group_place(groups, cap, p->points[i]->point) = p->points[i];
	free((void *)p->points);
	p->points = groups;
	p->cap_points = cap;
	return 0;
}

/* NULL: out of memory. */
static struct point_group *
group_of(struct db_pool *p, const struct db_point *point)
{
	if (p->n_points * 2 >= p->cap_points && groups_grow(p) != 0)
		return NULL;
	struct point_group **place = group_place(p->points, p->cap_points, point), *g = *place;
	if (g != NULL)
		return g;
	g = calloc(1, sizeof *g);
	if (g == NULL)
		return NULL;
	g->point = point;
	list_init(&g->link);
	list_init(&g->reads);
	*place = g;
	p->n_points++;
	return g;
}

void
points_free(struct db_pool *p)
{
	for (unsigned i = 0; i < p->cap_points; i++) {
		for (unsigned k = 0; p->points[i] != NULL && k < DB_BATCH_SIZES; k++)
			free(p->points[i]->sql[k]);
		free(p->points[i]);
	}
	free((void *)p->points);
	p->points = NULL;
	p->n_points = p->cap_points = 0;
}

/* --- batches -------------------------------------------------------------------------------------------------------------------- */

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
	if (r->task != NULL) {
		if (r->result->status == DB_OK)
			r->result->status = status;
		list_del(&r->mate);
		if (list_empty(r->mates))
			wait_wake(r->task->wait);
	}
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

void
batch_done(struct job *job)
{
	job->group->n_running--;
}

static void
group_wait(struct db_pool *p, struct point_group *g, struct point_read *r)
{
	if (list_empty(&g->link))
		list_add(&p->waiting, &g->link);
	list_add(&g->reads, &r->link);
	g->n_reads++;
}

void
batch_again(struct job *job)
{
	for (struct list *l = job->reads.next, *next; l != &job->reads; l = next) {
		struct point_read *r = CONTAINER_OF(l, struct point_read, link);
		next = l->next;
		if (r->retried || r->task == NULL)
			continue;
		list_del(&r->link);
		r->retried = true;
		group_wait(job->pool, job->group, r);
	}
}

/* The group with the most reads of those that may run. When one may not yet, the pool is asked again once its running batch is late. */
static struct point_group *
group_next(struct db_pool *p)
{
	struct point_group *most = NULL;
	bool later = false;
	for (struct list *l = p->waiting.next; l != &p->waiting; l = l->next) {
		struct point_group *g = CONTAINER_OF(l, struct point_group, link);
		bool may = g->n_running == 0 || loop_now_us(p->loop) - g->started_us >= (int64_t)BATCH_LATE_MS * 1000;
		later = later || !may;
		if (may && (most == NULL || g->n_reads > most->n_reads))
			most = g;
	}
	if (most == NULL && later && !p->batch_late_set) {
		loop_timer_set(p->batch_late, BATCH_LATE_MS);
		p->batch_late_set = true;
	}
	return most;
}

void
batch_late(void *arg)
{
	struct db_pool *p = arg;
	p->batch_late_set = false;
	pool_pump_later(p);
}

/* Moves reads of g into the job, as many as fit; returns the number of their keys. */
static unsigned
batch_fill(struct job *job, struct point_group *g, struct db_val *vals)
{
	unsigned max = MIN(MAX(job->pool->conf->batch_max, 1u), (unsigned)DB_BATCH_MAX), n = 0;
	while (g->n_reads > 0) {
		struct point_read *r = LIST_FRONT(&g->reads, struct point_read, link);
		if (n > 0 && n + r->n_keys > max) /* one read alone may have more */
			break;
		list_del(&r->link);
		g->n_reads--;
		memcpy(vals + n, r->keys, r->n_keys * sizeof *vals);
		n += (unsigned)r->n_keys;
		list_add(&job->reads, &r->link);
	}
	if (g->n_reads == 0)
		list_del(&g->link);
	return n;
}

bool
batch_next(struct db_pool *p, struct db_conn *c)
{
	struct point_group *g = group_next(p);
	struct job *job = g == NULL ? NULL : calloc(1, sizeof *job + sizeof(struct db_val) * DB_BATCH_MAX);
	if (job == NULL)
		return false;
	struct db_val *vals = (struct db_val *)(void *)(job + 1);
	job->kind = JOB_BATCH;
	job->pool = p;
	job->group = g;
	job->vals = vals;
	list_init(&job->link);
	list_init(&job->reads);
	unsigned n = batch_fill(job, g, vals), padded;
	job_stmt_set(job, batch_stmt(g, n, &padded));
	for (unsigned i = n; i < padded; i++)
		vals[i] = vals[n - 1];
	job->n_vals = padded;
	if (job->stmt == NULL) {
		job_fail(job, DB_DOWN, "out of memory");
		return true;
	}
	g->n_running++;
	g->started_us = loop_now_us(p->loop);
	db_conn_run(c, job);
	return true;
}

/* --- the operation -------------------------------------------------------------------------------------------------------------- */

static void
read_cancel(void *op)
{
	struct list *mates = op;
	while (!list_empty(mates)) {
		struct point_read *r = LIST_FRONT(mates, struct point_read, mate);
		list_del(&r->mate);
		if (r->task->wait != NULL) { /* the deadline, not a client that left */
			r->result->status = DB_TIMEOUT;
			(void)ERR(&r->task->err, E_TIMEOUT, "database: no answer in time");
			r->pool->stats.timeouts++;
		}
		r->task = NULL; /* its key may be part of a running batch: the batch drops its rows */
	}
}
static const struct wait_ops read_ops = { "database read", read_cancel };

/* Keys and their bytes are copied: a cancelled task's arena may be gone before the batch is sent. */
static struct point_read *
read_new(struct task *t, struct db_pool *p, const struct db_read *read, struct list *mates)
{
	const struct db_val *keys = read->keys;
	size_t n_keys = read->n_keys;
	size_t bytes = 0;
	for (size_t i = 0; i < n_keys; i++)
		bytes += keys[i].kind == DB_I64 ? 0 : keys[i].s.n;
	struct point_read *r = calloc(1, sizeof *r + n_keys * sizeof *keys + bytes);
	if (r == NULL)
		return NULL;
	r->keys = (struct db_val *)(void *)(r + 1);
	char *to = (char *)(r->keys + n_keys);
	memcpy(r->keys, keys, n_keys * sizeof *keys);
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].kind == DB_I64)
			continue;
		if (keys[i].s.n > 0)
			memcpy(to, keys[i].s.p, keys[i].s.n);
		r->keys[i].s.p = to;
		to += keys[i].s.n;
	}
	r->n_keys = n_keys;
	r->task = t;
	r->result = *read->out;
	r->pool = p;
	r->mates = mates;
	list_init(&r->link);
	list_add(mates, &r->mate);
	return r;
}

/* Reads that were made and will not be sent. */
static void
reads_drop(struct list *mates)
{
	while (!list_empty(mates)) {
		struct point_read *r = LIST_FRONT(mates, struct point_read, mate);
		list_del(&r->mate);
		free(r);
	}
}

/* -1: the arena is full, or no memory; then there is none. */
static int
reads_new(struct task *t, struct db_pool *p, const struct db_read *reads, size_t n, struct list *mates)
{
	for (size_t i = 0; i < n; i++) {
		CHECK(reads[i].n_keys > 0 && reads[i].n_keys <= DB_POINT_KEYS_MAX);
		*reads[i].out = ARENA_NEW(t->arena, struct db_result);
		if (*reads[i].out == NULL || group_of(p, reads[i].point) == NULL ||
		    read_new(t, p, &reads[i], mates) == NULL) {
			reads_drop(mates);
			return -1;
		}
	}
	return 0;
}

/* Why the pool takes none of them; NULL: it does. */
static const char *
reads_refused(struct db_pool *p, const struct db_read *reads, size_t n)
{
	if (pool_is_down(p))
		return "down";
	for (size_t i = 0; i < n; i++)
		if (group_of(p, reads[i].point)->n_reads >= MAX(p->conf->queue_max, 1u))
			return "queue full";
	return NULL;
}

enum step
db_reads(struct task *t, struct db_pool *p, const struct db_read *reads, size_t n)
{
	CHECK_OBJ(p, DB_POOL_MAGIC);
	CHECK(n > 0 && n <= DB_READS_MAX);
	struct list *mates = ARENA_NEW(t->arena, struct list);
	if (mates != NULL)
		list_init(mates);
	if (mates == NULL || reads_new(t, p, reads, n, mates) != 0) {
		(void)ERR(&t->err, E_LIMIT, "database: arena full");
		return STEP_FAIL;
	}
	if (wait_begin(t, &read_ops, mates, p->conf->deadline_ms) == NULL) {
		reads_drop(mates);
		return STEP_FAIL;
	}
	const char *why = reads_refused(p, reads, n);
	if (why != NULL) {
		(void)ERR(&t->err, E_UNAVAILABLE, "database: %s", why);
		for (size_t i = 0; i < n; i++)
			(*reads[i].out)->status = DB_DOWN;
		reads_drop(mates);
		wait_wake(t->wait);
		return STEP_WAIT;
	}
	size_t i = 0;
	for (struct list *l = mates->next; l != mates; l = l->next)
		group_wait(p, group_of(p, reads[i++].point), CONTAINER_OF(l, struct point_read, mate));
	pool_pump_later(p);
	return STEP_WAIT;
}

enum step
db_points_read(struct task *t, struct db_pool *p, const struct db_point *point, const struct db_val *keys,
    size_t n_keys, struct db_result **out)
{
	return db_reads(t, p, &(struct db_read){ point, keys, n_keys, out }, 1);
}

enum step
db_point_read(struct task *t, struct db_pool *p, const struct db_point *point, struct str key, struct db_result **out)
{
	return db_points_read(t, p, point, &DB_V_BIN(key.p, key.n), 1, out);
}
