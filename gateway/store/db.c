/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool of a site: its queue, its connections, and the operations that tasks start. */
#include "gateway/base/secret.h"
#include "gateway/store/db_private.h"

#include <stdio.h>
#include <stdlib.h>

/* --- jobs ---------------------------------------------------------------------------------------------------------------------------- */

void
job_end(struct job *job, enum db_status status)
{
	if (job->kind == JOB_BATCH) {
		batch_fail(job, status, "batched read failed");
	} else if (job->task != NULL) {
		job->result->status = status;
		wait_wake(job->task->wait);
	}
	if (job->tx != NULL && status == DB_OK &&
	    job->task != NULL) { /* BEGIN: the connection is the transaction's now */
		job->tx->conn = job->conn;
		job->conn->tx = job->tx;
	}
	free(job);
}

void
job_fail(struct job *job, enum db_status status, const char *why)
{
	list_del(&job->link);
	if (job->kind != JOB_BATCH && job->task != NULL)
		(void)ERR(&job->task->err, status == DB_TIMEOUT ? E_TIMEOUT : E_UNAVAILABLE, "database: %s", why);
	job->pool->stats.errors++;
	job->tx = NULL;
	job_end(job, status);
}

static const struct db_stmt begin_stmt = { "begin", "START TRANSACTION", false };
static const struct db_stmt commit_stmt = { "commit", "COMMIT", false };
static const struct db_stmt rollback_stmt = { "rollback", "ROLLBACK", false };

/* A running job whose client left goes on without an owner when it no longer needs the task's memory; a COMMIT is always finished. What is
 * being prepared serves the next who asks the same; it is not executed.                                                    */
static bool
may_finish(const struct job *job)
{
	if (job->kind == JOB_TEXT)
		return job->stmt == &commit_stmt;
	return job->conn->phase >= PH_EXECUTE || (job->conn->phase == PH_PREPARE && !job->transient);
}

static void
job_cancel(void *op)
{
	struct job *job = op;
	struct db_pool *p = job->pool;
	bool late = job->task->wait != NULL; /* the deadline; else the client left */
	if (late) {
		job->result->status = DB_TIMEOUT;
		(void)ERR(&job->task->err, E_TIMEOUT, "database: no answer in time");
		p->stats.timeouts++;
	}
	job->task = NULL;
	if (job->conn == NULL) { /* still queued */
		list_del(&job->link);
		p->n_queue--;
		free(job);
	} else if (late || !may_finish(job)) {
		db_conn_fail_later(job->conn);
	}
}
static const struct wait_ops job_ops = { "database", job_cancel };

static struct job *
job_new(struct task *t, struct db_pool *p, enum job_kind kind, const struct db_stmt *stmt, const struct db_val *vals,
    size_t n_vals, struct db_result **out)
{
	*out = ARENA_NEW(t->arena, struct db_result);
	struct job *job = *out == NULL ? NULL : calloc(1, sizeof *job + n_vals * sizeof *vals);
	if (job == NULL) {
		(void)ERR(&t->err, E_LIMIT, "database: arena full");
		return NULL;
	}
	struct db_val *own = (struct db_val *)(void *)(job + 1); /* callers keep theirs on the stack */
	if (n_vals > 0)
		memcpy(own, vals, n_vals * sizeof *vals);
	job->vals = own;
	job->n_vals = n_vals;
	job->kind = kind;
	job->pool = p;
	job->task = t;
	job_stmt_set(job, stmt);
	job->result = *out;
	list_init(&job->link);
	list_init(&job->reads);
	if (wait_begin(t, &job_ops, job, p->conf->deadline_ms) == NULL) {
		free(job);
		return NULL;
	}
	return job;
}

/* --- the pool ------------------------------------------------------------------------------------------------------------------------ */

static bool
work_waits(const struct db_pool *p)
{
	return p->n_queue > 0 || !list_empty(&p->waiting);
}

static unsigned
conns_coming(const struct db_pool *p)
{
	unsigned coming = 0;
	for (unsigned i = 0; i < p->n_conns; i++)
		coming += p->conns[i].phase > PH_CLOSED && p->conns[i].phase < PH_IDLE;
	return coming;
}

/* Opens one more connection when there is work that no idle one takes. */
static void
pool_grow(struct db_pool *p)
{
	unsigned coming = conns_coming(p);
	for (unsigned i = 0; i < p->n_conns && coming < MIN(p->n_queue + 1, p->n_conns); i++)
		if (p->conns[i].phase == PH_CLOSED && !p->conns[i].resting) {
			coming++;
			db_conn_open(&p->conns[i]);
		}
}

void
pool_pump(struct db_pool *p)
{
	if (p->closing)
		return;
	zone_follow(p);
	while (!list_empty(&p->idle)) {
		struct db_conn *c = LIST_FRONT(&p->idle, struct db_conn, link);
		if (p->n_queue > 0) {
			struct job *job = LIST_FRONT(&p->queue, struct job, link);
			list_del(&job->link);
			p->n_queue--;
			db_conn_run(c, job);
		} else if (!batch_next(p, c)) {
			break;
		}
	}
	/* a database that is down refuses work, so nothing waits: one connection at a time goes on trying */
	if (list_empty(&p->idle) && (work_waits(p) || (p->down_us != 0 && conns_coming(p) == 0)))
		pool_grow(p);
}

static void
pump_now(void *arg)
{
	pool_pump(arg);
}

void
pool_pump_later(struct db_pool *p)
{
	if (!p->pump.pending && !p->closing)
		loop_defer(p->loop, &p->pump, pump_now, p);
}

void
db_conn_idle(struct db_conn *c)
{
	if (c->tx != NULL || c->fail.pending)
		return;
	if (c->offset_s != c->pool->offset_s) {
		db_conn_fail_later(c);
		return;
	}
	list_add(&c->pool->idle, &c->link);
	pool_pump_later(c->pool);
}

/* Longer than a server's restart takes to be noticed, shorter than a deadline: after it callers are told at once instead of waiting. */
enum { DOWN_AFTER_MS = 500 };

bool
pool_is_down(const struct db_pool *p)
{
	return p->closing || (p->down_us != 0 && loop_now_us(p->loop) - p->down_us > (int64_t)DOWN_AFTER_MS * 1000);
}

static void
points_refuse(struct point_group *g, struct db_pool *p, const char *why)
{
	struct job all = { .kind = JOB_BATCH, .pool = p };
	list_init(&all.reads);
	while (!list_empty(&g->reads)) {
		struct list *l = g->reads.next;
		list_del(l);
		list_add(&all.reads, l);
	}
	g->n_reads = 0;
	list_del(&g->link);
	batch_fail(&all, DB_DOWN, why);
}

void
pool_refuse(struct db_pool *p, const char *why)
{
	while (!list_empty(&p->queue)) {
		p->n_queue--;
		job_fail(LIST_FRONT(&p->queue, struct job, link), DB_DOWN, why);
	}
	while (!list_empty(&p->waiting))
		points_refuse(LIST_FRONT(&p->waiting, struct point_group, link), p, why);
}

static void
texts_free(struct db_pool *p)
{
	for (unsigned i = 0; i < DB_TEXTS; i++) {
		if (p->texts[i] != NULL)
			secret_wipe(p->texts[i], strlen(p->texts[i]));
		free(p->texts[i]);
	}
}

static int
texts_make(struct db_pool *p, const struct db_conf *conf)
{
	const struct str from[] = { [TEXT_HOST] = conf->host,
		[TEXT_USER] = conf->user,
		[TEXT_PASSWORD] = conf->password,
		[TEXT_DATABASE] = conf->database,
		[TEXT_SOCKET] = conf->socket,
		[TEXT_CA] = conf->tls_ca,
		[TEXT_CERT] = conf->tls_cert,
		[TEXT_KEY] = conf->tls_key };
	for (unsigned i = 0; i < NITEMS(from); i++)
		if (from[i].n > 0 && (p->texts[i] = strndup(from[i].p, from[i].n)) == NULL)
			return -1;
	return 0;
}

struct db_pool *
db_pool_new(struct loop *l, const struct db_conf *conf, const struct log *log)
{
	struct db_pool *p = calloc(1, sizeof *p);
	unsigned n = MAX(conf->connections_max, 1u);
	if (p != NULL)
		p->conns = calloc(n, sizeof *p->conns);
	if (p == NULL || p->conns == NULL || texts_make(p, conf) != 0) {
		if (p != NULL) {
			texts_free(p);
			free(p->conns);
		}
		free(p);
		return NULL;
	}
	p->magic = DB_POOL_MAGIC;
	p->loop = l;
	p->conf = conf;
	p->stmts_max = stmts_most(conf);
	p->log = log;
	list_init(&p->idle);
	list_init(&p->queue);
	list_init(&p->waiting);
	p->batch_late = loop_timer_new(l, batch_late, p);
	if (p->batch_late == NULL)
		db_pool_free(&p);
	for (; p != NULL && p->n_conns < n; p->n_conns++)
		if (db_conn_init(&p->conns[p->n_conns], p) != 0) {
			db_pool_free(&p);
			return NULL;
		}
	return p;
}

void
db_pool_free(struct db_pool **pp)
{
	struct db_pool *p = *pp;
	*pp = NULL;
	if (p == NULL)
		return;
	CHECK_OBJ(p, DB_POOL_MAGIC);
	p->closing = true;
	loop_defer_cancel(p->loop, &p->pump);
	loop_timer_free(&p->batch_late);
	for (unsigned i = 0; i < p->n_conns; i++)
		db_conn_done(&p->conns[i]);
	pool_refuse(p, "the pool is closed");
	points_free(p);
	texts_free(p);
	free(p->conns);
	p->magic = 0;
	free(p);
}

/* --- operations ------------------------------------------------------------------------------------------------------------------------- */

enum step
db_query(struct task *t, struct db_pool *p, const struct db_stmt *stmt, const struct db_val *vals, size_t n_vals,
    struct db_result **out)
{
	CHECK_OBJ(p, DB_POOL_MAGIC);
	struct job *job = job_new(t, p, JOB_QUERY, stmt, vals, n_vals, out);
	if (job == NULL)
		return STEP_FAIL;
	if (pool_is_down(p) || p->n_queue >= MAX(p->conf->queue_max, 1u)) {
		job_fail(job, DB_DOWN, pool_is_down(p) ? "down" : "queue full");
		return STEP_WAIT;
	}
	list_add(&p->queue, &job->link);
	p->n_queue++;
	pool_pump_later(p);
	return STEP_WAIT;
}

static void
tx_end(void *arg)
{
	struct db_tx *tx = arg;
	db_rollback(&tx);
}

enum step
db_begin(struct task *t, struct db_pool *p, struct db_tx **tx, struct db_result **out)
{
	struct db_tx *mine = ARENA_NEW(t->arena, struct db_tx);
	*tx = mine;
	struct job *job = mine == NULL ? NULL : job_new(t, p, JOB_TEXT, &begin_stmt, NULL, 0, out);
	if (job == NULL)
		return STEP_FAIL;
	mine->magic = DB_TX_MAGIC;
	mine->pool = p;
	job->tx = mine;
	if (pool_is_down(p) || p->n_queue >= MAX(p->conf->queue_max, 1u) || arena_defer(t->arena, tx_end, mine) != 0) {
		job_fail(job, DB_DOWN, "queue full");
		return STEP_WAIT;
	}
	list_add(&p->queue, &job->link);
	p->n_queue++;
	pool_pump_later(p);
	return STEP_WAIT;
}

/* A job on the transaction's own connection; a transaction that is gone answers DB_DOWN. */
static enum step
tx_job(struct task *t, struct db_tx *tx, enum job_kind kind, const struct db_stmt *stmt, const struct db_val *vals,
    size_t n_vals, struct db_result **out)
{
	CHECK_OBJ(tx, DB_TX_MAGIC);
	struct job *job = job_new(t, tx->pool, kind, stmt, vals, n_vals, out);
	if (job == NULL)
		return STEP_FAIL;
	struct db_conn *c = tx->conn;
	if (c != NULL && c->job == NULL && !c->fail.pending) {
		db_conn_run(c, job);
		return STEP_WAIT;
	}
	if (c != NULL) /* a statement of it was late: it still runs, and the connection is given up */
		db_conn_fail_later(c);
	job_fail(job, DB_DOWN, "the transaction is gone");
	return STEP_WAIT;
}

enum step
db_tx_query(struct task *t, struct db_tx *tx, const struct db_stmt *stmt, const struct db_val *vals, size_t n_vals,
    struct db_result **out)
{
	return tx_job(t, tx, JOB_QUERY, stmt, vals, n_vals, out);
}

enum step
db_commit(struct task *t, struct db_tx **tx, struct db_result **out)
{
	struct db_tx *mine = *tx;
	struct db_conn *c = mine->conn;
	*tx = NULL;
	if (c != NULL)
		c->tx = NULL; /* free again when COMMIT has answered */
	enum step s = tx_job(t, mine, JOB_TEXT, &commit_stmt, NULL, 0, out);
	mine->conn = NULL;
	return s;
}

void
db_rollback(struct db_tx **txp)
{
	struct db_tx *tx = *txp;
	*txp = NULL;
	if (tx == NULL || tx->conn == NULL)
		return;
	CHECK_OBJ(tx, DB_TX_MAGIC);
	struct db_conn *c = tx->conn;
	tx->conn = NULL;
	c->tx = NULL;
	struct job *job = c->job != NULL || c->fail.pending ? NULL : calloc(1, sizeof *job);
	if (job == NULL) { /* a statement of it still runs, or no memory: closing rolls back */
		db_conn_fail_later(c);
		return;
	}
	job->kind = JOB_TEXT;
	job->pool = tx->pool;
	job_stmt_set(job, &rollback_stmt);
	list_init(&job->link);
	list_init(&job->reads);
	db_conn_run(c, job);
}

/* --- health --------------------------------------------------------------------------------------------------------------------------- */

static const struct db_stmt probe_stmt = { "probe", "DO 1", false };

void
db_pool_probe(struct db_pool *p, uint32_t idle_ms)
{
	if (p->closing)
		return;
	for (unsigned i = 0; i < p->n_conns;
	    i++) { /* jobs without an owner (batches, probes) have no deadline of their own */
		struct job *job = p->conns[i].job;
		if (job != NULL && job->task == NULL &&
		    loop_now_us(p->loop) - job->started_us > (int64_t)p->conf->deadline_ms * 1000)
			db_conn_fail_later(&p->conns[i]);
	}
	if (loop_now_us(p->loop) - p->last_us < (int64_t)idle_ms * 1000)
		return;
	struct job *job = list_empty(&p->idle) ? NULL : calloc(1, sizeof *job);
	if (job == NULL) {
		if (p->stats.open == 0)
			pool_grow(p);
		return;
	}
	job->kind = JOB_TEXT;
	job->pool = p;
	job_stmt_set(job, &probe_stmt);
	list_init(&job->link);
	list_init(&job->reads);
	p->last_us = loop_now_us(p->loop);
	db_conn_run(LIST_FRONT(&p->idle, struct db_conn, link), job);
}

void
db_pool_stats(const struct db_pool *p, struct db_pool_stats *out)
{
	*out = p->stats;
	out->queued = p->n_queue;
	out->busy = 0;
	for (unsigned i = 0; i < p->n_conns; i++)
		out->busy += p->conns[i].job != NULL;
}
