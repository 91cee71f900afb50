/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection: libmariadb's non-blocking calls as a state machine on the loop. Each phase has a start and a cont call; when one asks to
 * wait, the loop brings us back into advance() with what is ready.                                                         */
#include "gateway/store/db_private.h"

#include "gateway/base/rng.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { AGAIN_FIRST_MS = 50, AGAIN_MAX_MS = 2000, CONNECT_S = 2, STMTS_REST_S = 60 };

static void advance(struct db_conn *c, int ready);

/* --- closing ------------------------------------------------------------------------------------------------------------------- */

static void
conn_close(struct db_conn *c)
{
	loop_io_free(&c->io);
	loop_timer_clear(c->timer);
	loop_defer_cancel(c->pool->loop, &c->fail);
	if (c->my != NULL) {
		int fd = (int)mysql_get_socket(c->my);
		if (fd >= 0)
			(void)shutdown(fd, SHUT_RDWR); /* so that COM_QUIT cannot block */
		for (unsigned i = 0; i < c->n_slots; i++) {
			if (c->slots[i].handle != NULL)
				(void)mysql_stmt_close(c->slots[i].handle);
			slot_free(&c->slots[i]);
		}
		mysql_close(c->my);
	}
	c->n_slots = 0;
	c->my = NULL;
	c->slot = NULL;
	if (c->tx != NULL) /* the server rolls it back */
		c->tx->conn = NULL;
	c->tx = NULL;
	list_del(&c->link);
	if (c->phase >= PH_IDLE)
		c->pool->stats.open--;
	c->phase = PH_CLOSED;
}

/* A union begins with a parenthesis. */
static bool
only_reads(const char *sql)
{
	return str_istarts(str_of(sql + (sql[0] == '(')), STR("SELECT"));
}

/* A read goes out once more over another connection; not one whose answer counts only within its transaction. */
static bool
may_repeat(const struct db_conn *c, const struct job *job)
{
	return !job->retried && c->tx == NULL && job->kind == JOB_QUERY && job->task != NULL &&
	       only_reads(job->stmt->sql);
}

/* Trouble: what ran ends with status, a transaction is gone, and a new try to connect follows when there is work. */
static void
conn_lost(struct db_conn *c, enum db_status status, const char *why)
{
	struct db_pool *p = c->pool;
	struct job *job = c->job;
	bool was_open = c->phase >= PH_IDLE, again = job != NULL && was_open && status == DB_DOWN && may_repeat(c, job);
	uint32_t wait_ms = AGAIN_FIRST_MS;
	uint8_t jitter;
	c->job = NULL;
	if (!p->closing && p->stats.healthy && c->failures == 0)
		LOG(p->log, LOG_WARN, "db.lost", F_STR("why", str_of(why)),
		    F_INT("error", c->my == NULL ? 0 : mysql_errno(c->my)));
	if (job != NULL && job->kind == JOB_BATCH)
		batch_done(job);
	conn_close(c);
	p->stats.healthy &= !was_open && p->stats.open > 0; /* one connection more was refused: the others serve */
	/* a connection that died while idle: the server never got the statement */
	if (job != NULL && job->kind == JOB_BATCH && was_open && status == DB_DOWN)
		batch_again(job);
	if (again) {
		job->retried = true;
		job->conn = NULL;
		list_add(p->queue.next, &job->link);
		p->n_queue++;
	} else if (job != NULL) {
		job_fail(job, status, why);
	}
	c->failures++;
	if (!was_open && p->stats.open == 0 && p->down_us == 0)
		p->down_us = loop_now_us(p->loop);
	if (pool_is_down(p))
		pool_refuse(p, why);
	for (unsigned i = 1; i < c->failures && wait_ms < AGAIN_MAX_MS; i++)
		wait_ms *= 2;
	rng_bytes(&rng_system, &jitter, 1);
	c->resting = true;
	loop_timer_set(c->timer, (c->failures <= 1 ? 1 : MIN(wait_ms, (uint32_t)AGAIN_MAX_MS)) + jitter % 16u);
	pool_pump_later(p);
}

/* The number is what an administrator can look up; the library's text may name users and hosts. */
static void
not_connected(struct db_conn *c)
{
	static const struct {
		unsigned error;
		const char *means;
	} known[] = { { ER_CON_COUNT_ERROR, ", too many connections" },
		{ ER_DBACCESS_DENIED_ERROR, ", user or database" }, { ER_ACCESS_DENIED_ERROR, ", user or password" },
		{ ER_BAD_DB_ERROR, ", no such database" }, { CR_CONNECTION_ERROR, ", not there" },
		{ CR_CONN_HOST_ERROR, ", not there" } };
	unsigned error = c->my == NULL ? 0 : mysql_errno(c->my);
	const char *means = "";
	for (size_t i = 0; i < NITEMS(known); i++)
		if (known[i].error == error)
			means = known[i].means;
	(void)snprintf(c->why, sizeof c->why, "cannot connect (error %u%s)", error, means);
	conn_lost(c, DB_DOWN, c->why);
}

static void
fail_now(void *arg)
{
	struct db_conn *c = arg;
	if (c->job != NULL) {
		conn_lost(c, DB_TIMEOUT, "no answer before the deadline");
		return;
	}
	conn_close(c); /* its job ended in this very turn; what it began (a transaction) may still be open */
	pool_pump_later(c->pool);
}

/* Has the client of a statement left, and taken its values along? */
static bool
ownerless(const struct job *job)
{
	return job->kind == JOB_QUERY && job->task == NULL;
}

/* From inside a cancel: the connection is closed at the end of the turn, and runs nothing until then. */
void
db_conn_fail_later(struct db_conn *c)
{
	if (!c->fail.pending)
		loop_defer(c->pool->loop, &c->fail, fail_now, c);
}

/* --- waiting -------------------------------------------------------------------------------------------------------------------- */

static void
io_ready(int fd, unsigned ready, void *arg)
{
	struct db_conn *c = arg;
	(void)fd;
	if (c->fail.pending) /* its client left in this turn: the values of its job may be gone */
		return;
	if (c->phase == PH_IDLE && c->job == NULL) { /* a server speaks unasked only to close */
		if (c->tx != NULL) {
			conn_lost(c, DB_DOWN, "closed by the server");
			return;
		}
		conn_close(c);
		pool_pump_later(c->pool);
		return;
	}
	advance(c, (ready & LOOP_READ ? MYSQL_WAIT_READ : 0) | (ready & LOOP_WRITE ? MYSQL_WAIT_WRITE : 0));
}

static void
timer_ready(void *arg)
{
	struct db_conn *c = arg;
	if (c->phase == PH_CLOSED) {
		c->resting = false;
		pool_pump(c->pool);
	} else if (c->phase == PH_CONNECT) {
		advance(c, MYSQL_WAIT_TIMEOUT);
	} else if (c->phase < PH_IDLE) {
		conn_lost(c, DB_DOWN, "no answer to the session's settings");
	}
}

/* Arms the loop for what the library waits for. */
static int
wait_for(struct db_conn *c, int waits)
{
	unsigned interest = (waits & MYSQL_WAIT_READ ? LOOP_READ : 0u) | (waits & MYSQL_WAIT_WRITE ? LOOP_WRITE : 0u);
	if (c->io == NULL)
		c->io = loop_io_new(c->pool->loop, (int)mysql_get_socket(c->my), 0, io_ready, c);
	if (c->io == NULL)
		return -1;
	loop_io_interest(c->io, interest);
	if (waits & MYSQL_WAIT_TIMEOUT && c->phase == PH_CONNECT)
		loop_timer_set(c->timer, mysql_get_timeout_value_ms(c->my));
	return 0;
}

/* --- statements --------------------------------------------------------------------------------------------------------------------- */

static struct stmt_slot *
slot_find(struct db_conn *c, const struct db_stmt *stmt)
{
	for (unsigned i = 0; i < c->n_slots; i++)
		if (c->slots[i].stmt == stmt)
			return &c->slots[i];
	return NULL;
}

static void
slot_close(struct db_conn *c, struct stmt_slot *s)
{
	if (s->handle != NULL)
		(void)mysql_stmt_close(s->handle); /* tells the server, which does not answer */
	slot_free(s);
	*s = c->slots[--c->n_slots];
	c->slots[c->n_slots] = (struct stmt_slot){ 0 };
}

/* The least recently used leave until at most n are kept. c runs none. */
static void
slots_trim(struct db_conn *c, unsigned n)
{
	while (c->n_slots > n) {
		struct stmt_slot *s = &c->slots[0];
		for (unsigned i = 1; i < c->n_slots; i++)
			if (c->slots[i].used < s->used)
				s = &c->slots[i];
		slot_close(c, s);
	}
}

/* The server holds no more prepared statements (max_prepared_stmt_count, of all its clients together): connections keep half as many as
 * the one that has most. */
static void
stmts_fewer(struct db_pool *p)
{
	unsigned most = 0;
	for (unsigned i = 0; i < p->n_conns; i++)
		most = MAX(most, p->conns[i].n_slots);
	p->stmts_max = MAX(MIN(p->stmts_max, most) / 2, 1u);
	p->stmts_us = loop_now_us(p->loop);
	LOG(p->log, LOG_WARN, "db.statements", F_INT("kept", p->stmts_max));
	for (unsigned i = 0; i < p->n_conns; i++)
		if (p->conns[i].phase == PH_IDLE && p->conns[i].job == NULL)
			slots_trim(&p->conns[i], p->stmts_max);
}

/* As many as configured again, step by step. */
static void
stmts_more(struct db_pool *p)
{
	unsigned most = stmts_most(p->conf);
	if (p->stmts_max == most || loop_now_us(p->loop) - p->stmts_us < (int64_t)STMTS_REST_S * 1000000)
		return;
	p->stmts_max = MIN(p->stmts_max * 2, most);
	p->stmts_us = loop_now_us(p->loop);
}

/* A place for a new statement. */
static struct stmt_slot *
slot_new(struct db_conn *c, const struct db_stmt *stmt)
{
	my_bool yes = 1;
	slots_trim(c, c->pool->stmts_max - 1);
	struct stmt_slot *s = &c->slots[c->n_slots++];
	*s = (struct stmt_slot){ .stmt = stmt, .handle = mysql_stmt_init(c->my) };
	if (s->handle != NULL)
		(void)mysql_stmt_attr_set(s->handle, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
	return s->handle == NULL ? NULL : s;
}

static int
params_bind(struct db_conn *c, const struct job *job)
{
	struct stmt_slot *s = c->slot;
	MYSQL_BIND *binds = c->params;
	if (job->n_vals > DB_VALS_MAX || mysql_stmt_param_count(s->handle) != job->n_vals)
		return -1;
	memset(binds, 0, job->n_vals * sizeof binds[0]);
	for (size_t i = 0; i < job->n_vals; i++) {
		const struct db_val *v = &job->vals[i];
		MYSQL_BIND *b = &binds[i];
		switch (v->kind) {
		case DB_NULL:
			b->buffer_type = MYSQL_TYPE_NULL;
			break;
		case DB_I64:
			b->buffer_type = MYSQL_TYPE_LONGLONG;
			b->buffer = (void *)(uintptr_t)&v->i;
			break;
		case DB_F64:
			b->buffer_type = MYSQL_TYPE_DOUBLE;
			b->buffer = (void *)(uintptr_t)&v->f;
			break;
		case DB_STR:
		case DB_BIN:
			b->buffer_type = v->kind == DB_STR ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
			b->buffer = (void *)(uintptr_t)(v->s.p == NULL ? "" : v->s.p);
			b->buffer_length = v->s.n;
			break;
		}
	}
	return job->n_vals == 0 || mysql_stmt_bind_param(s->handle, binds) == 0 ? 0 : -1;
}

/* --- the end of a job ---------------------------------------------------------------------------------------------------------------- */

static void
slow_log(struct db_conn *c, const struct job *job)
{
	int64_t took = loop_now_us(c->pool->loop) - job->started_us;
	if (c->pool->conf->slow_ms > 0 && took > (int64_t)c->pool->conf->slow_ms * 1000)
		LOG(c->pool->log, LOG_WARN, "db.slow", F_STR("statement", str_of(job->name)),
		    F_INT("duration_us", took));
}

static void
slot_drop(struct db_conn *c)
{
	slot_close(c, c->slot);
	c->slot = NULL;
}

static void
job_finished(struct db_conn *c, enum db_status status)
{
	struct job *job = c->job;
	struct db_pool *p = c->pool;
	if (c->slot != NULL && job->transient && c->slot->handle != NULL)
		slot_drop(c);
	c->job = NULL;
	c->slot = NULL;
	c->phase = PH_IDLE;
	c->failures = 0;
	p->stats.statements++;
	p->stats.healthy = true;
	p->last_us = loop_now_us(p->loop);
	slow_log(c, job);
	if (job->kind == JOB_BATCH)
		batch_done(job);
	if (status != DB_OK)
		p->stats.errors++;
	job_end(job, status);
	if (c->tx != NULL && (status == DB_DEADLOCK || status == DB_TIMEOUT)) {
		struct db_tx *tx =
		    c->tx; /* the server may have ended it already: nothing more may run as if it had not */
		db_rollback(&tx);
		return;
	}
	db_conn_idle(c);
}

/* The library reports an error: the server refused the statement, or the connection is gone. */
static void
job_error(struct db_conn *c, unsigned no)
{
	enum db_status status = status_of(no);
	/* the library's own errors: nobody knows what the socket holds */
	if (status == DB_DOWN || (no >= CR_MIN_ERROR && no <= CR_MAX_ERROR) || no >= CER_MIN_ERROR) {
		conn_lost(c, DB_DOWN, "connection lost");
		return;
	}
	if (c->job->task != NULL)
		(void)ERR(&c->job->task->err, status == DB_DUPLICATE ? E_CONFLICT : E_DB, "statement %s: error %u",
		    c->job->name, no);
	if (c->slot != NULL && c->phase == PH_PREPARE) { /* nothing was prepared: forget the slot */
		slot_drop(c);
	} else if (c->slot != NULL) {
		(void)mysql_stmt_free_result(c->slot->handle);
	}
	job_finished(c, status);
}

static void
stored(struct db_conn *c)
{
	struct job *job = c->job;
	struct stmt_slot *s = c->slot;
	enum db_status status = DB_OK;
	if (result_bind(s) != 0) {
		status = DB_REFUSED;
	} else if (job->kind == JOB_BATCH) {
		status = batch_read(s, job);
	} else if (job->task != NULL) {
		status = result_read(s, job->task, job->result);
		job->result->affected = (uint64_t)mysql_stmt_affected_rows(s->handle);
		job->result->insert_id = (uint64_t)mysql_stmt_insert_id(s->handle);
	}
	(void)mysql_stmt_free_result(s->handle); /* all rows are here: no traffic */
	job_finished(c, status);
}

/* --- phases ---------------------------------------------------------------------------------------------------------------------------- */

/* None may be missing: one that could not be kept would mean a call that blocks, other letters, or a server that nobody checked. */
static int
options_set(struct db_conn *c)
{
	char *const *text = c->pool->texts;
	unsigned seconds = CONNECT_S;
	my_bool yes = 1;
	if (mysql_options(c->my, MYSQL_OPT_NONBLOCK, NULL) != 0 ||
	    mysql_options(c->my, MYSQL_OPT_CONNECT_TIMEOUT, &seconds) != 0 ||
	    mysql_options(c->my, MYSQL_SET_CHARSET_NAME, "utf8mb4") != 0)
		return -1;
	if (text[TEXT_CA] == NULL)
		return 0;
	return mysql_ssl_set(c->my, text[TEXT_KEY], text[TEXT_CERT], text[TEXT_CA], NULL, NULL) == 0 &&
	               mysql_options(c->my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes) == 0
	           ? 0
	           : -1;
}

static int
connect_start(struct db_conn *c)
{
	char *const *text = c->pool->texts;
	MYSQL *ret = NULL;
	if (options_set(c) != 0)
		return -1;
	int waits = mysql_real_connect_start(&ret, c->my, text[TEXT_SOCKET] != NULL ? NULL : text[TEXT_HOST],
	    text[TEXT_USER], text[TEXT_PASSWORD], text[TEXT_DATABASE], c->pool->conf->port, text[TEXT_SOCKET],
	    CLIENT_REMEMBER_OPTIONS);
	c->connected = ret;
	return waits;
}

static int
setup_start(struct db_conn *c, int *error)
{
	setup_text(c);
	return mysql_real_query_start(error, c->my, c->setup, (unsigned long)strlen(c->setup));
}

/* Begins the phase after the one that ended well. Returns the bits to wait for, 0 when it ended at once; *error as the library says. */
static int
phase_start(struct db_conn *c, int *error)
{
	my_bool bad = 0;
	int waits = 0;
	switch (c->phase) {
	case PH_ZONE:
		return mysql_real_query_start(error, c->my, db_zone_sql, (unsigned long)strlen(db_zone_sql));
	case PH_ZONE_ROW:
		waits = mysql_store_result_start(&c->zone, c->my);
		*error = waits == 0 && c->zone == NULL;
		return waits;
	case PH_SETUP:
		return setup_start(c, error);
	case PH_TEXT:
		return mysql_real_query_start(
		    error, c->my, c->job->stmt->sql, (unsigned long)strlen(c->job->stmt->sql));
	case PH_PREPARE:
		return mysql_stmt_prepare_start(
		    error, c->slot->handle, c->job->stmt->sql, (unsigned long)strlen(c->job->stmt->sql));
	case PH_EXECUTE:
		c->slot->used = ++c->uses;
		c->unbound = params_bind(c, c->job) != 0;
		if (c->unbound) {
			*error = 1;
			return 0;
		}
		return mysql_stmt_execute_start(error, c->slot->handle);
	case PH_STORE:
		return mysql_stmt_store_result_start(error, c->slot->handle);
	case PH_CLOSED:
	case PH_CONNECT:
	case PH_IDLE:
		break;
	}
	*error = bad;
	return waits;
}

static int
phase_cont(struct db_conn *c, int ready, int *error)
{
	switch (c->phase) {
	case PH_CONNECT: {
		int waits = mysql_real_connect_cont(&c->connected, c->my, ready);
		*error = c->connected == NULL;
		return waits;
	}
	case PH_ZONE_ROW: {
		int waits = mysql_store_result_cont(&c->zone, c->my, ready);
		*error = waits == 0 && c->zone == NULL;
		return waits;
	}
	case PH_ZONE:
	case PH_SETUP:
	case PH_TEXT:
		return mysql_real_query_cont(error, c->my, ready);
	case PH_PREPARE:
		return mysql_stmt_prepare_cont(error, c->slot->handle, ready);
	case PH_EXECUTE:
		return mysql_stmt_execute_cont(error, c->slot->handle, ready);
	case PH_STORE:
		return mysql_stmt_store_result_cont(error, c->slot->handle, ready);
	case PH_CLOSED:
	case PH_IDLE:
		break;
	}
	return 0;
}

/* The phase ended without error: what is next? False: the connection is idle (or its job done). */
static bool
phase_next(struct db_conn *c)
{
	switch (c->phase) {
	case PH_CONNECT:
		loop_timer_set(c->timer, CONNECT_S * 1000); /* for the settings: no job's deadline ends them */
		c->phase = c->pool->zone_openemr ? PH_ZONE : PH_SETUP;
		return true;
	case PH_ZONE:
		c->phase = PH_ZONE_ROW;
		return true;
	case PH_ZONE_ROW:
		zone_read(c, c->zone);
		c->zone = NULL;
		c->phase = PH_SETUP;
		return true;
	case PH_SETUP:
		loop_timer_clear(c->timer);
		c->phase = PH_IDLE;
		c->failures = 0;
		c->pool->down_us = 0;
		c->pool->stats.open++;
		if (!c->pool->stats.healthy)
			LOG(c->pool->log, LOG_INFO, "db.connected");
		c->pool->stats.healthy = true;
		db_conn_idle(c);
		return false;
	case PH_TEXT:
		job_finished(c, DB_OK);
		return false;
	case PH_PREPARE:
		if (ownerless(c->job)) {
			job_finished(c, DB_OK);
			return false;
		}
		c->phase = PH_EXECUTE;
		return true;
	case PH_EXECUTE:
		c->phase = PH_STORE;
		if (mysql_stmt_field_count(c->slot->handle) > 0)
			return true;
		stored(c);
		return false;
	case PH_STORE:
		stored(c);
		return false;
	case PH_CLOSED:
	case PH_IDLE:
		break;
	}
	return false;
}

/* Nothing was executed, and a statement prepared anew may do better: the server's table cache turned over under it (a server with many sites'
 * tables), or it has room for another statement now. Once. Not for a client that left: the values are gone with it.        */
static bool
prepared_anew(struct db_conn *c, unsigned no)
{
	if (no == ER_MAX_PREPARED_STMT_COUNT_REACHED)
		stmts_fewer(c->pool);
	else if (no != ER_NEED_REPREPARE || c->phase != PH_EXECUTE)
		return false;
	if (c->job->retried || ownerless(c->job))
		return false;
	c->job->retried = true;
	slot_drop(c);
	c->slot = slot_new(c, c->job->stmt);
	if (c->slot == NULL) {
		conn_lost(c, DB_DOWN, "out of memory");
		return true;
	}
	c->phase = PH_PREPARE;
	advance(c, 0);
	return true;
}

static void
phase_failed(struct db_conn *c)
{
	if (c->phase == PH_ZONE && zone_refused(mysql_errno(c->my))) {
		zone_read(c, NULL);
		c->phase = PH_SETUP;
		advance(c, 0);
		return;
	}
	if (c->phase < PH_IDLE) {
		not_connected(c);
		return;
	}
	if (c->unbound) { /* too many values, or not as many as marks: the server got nothing */
		c->unbound = false;
		if (c->job->task != NULL)
			(void)ERR(
			    &c->job->task->err, E_INTERNAL, "statement %s: %zu values", c->job->name, c->job->n_vals);
		job_finished(c, DB_REFUSED);
		return;
	}
	unsigned no = c->slot != NULL ? mysql_stmt_errno(c->slot->handle) : 0;
	if (prepared_anew(c, no))
		return;
	job_error(c, no != 0 ? no : mysql_errno(c->my) != 0 ? mysql_errno(c->my) : CR_UNKNOWN_ERROR);
}

/* Runs phases until one waits or the connection has nothing to do. ready 0: start the present phase. */
static void
advance(struct db_conn *c, int ready)
{
	bool start = ready == 0;
	for (;;) {
		int error = 0;
		int waits = start ? phase_start(c, &error) : phase_cont(c, ready, &error);
		start = true;
		if (waits != 0) {
			if (wait_for(c, waits) != 0)
				conn_lost(c, DB_DOWN, "out of memory");
			return;
		}
		if (error != 0) {
			phase_failed(c);
			return;
		}
		if (!phase_next(c))
			return;
	}
}

/* --- for the pool ------------------------------------------------------------------------------------------------------------------------ */

int
db_conn_init(struct db_conn *c, struct db_pool *p)
{
	c->pool = p;
	list_init(&c->link);
	c->timer = loop_timer_new(p->loop, timer_ready, c);
	return c->timer == NULL ? -1 : 0;
}

void
db_conn_done(struct db_conn *c)
{
	struct job *job = c->job;
	c->job = NULL;
	if (c->timer == NULL)
		return;
	if (c->tx != NULL)
		c->tx->conn = NULL;
	conn_close(c);
	if (job != NULL && job->kind == JOB_BATCH)
		batch_done(job);
	if (job != NULL)
		job_fail(job, DB_DOWN, "the pool is closed");
	loop_timer_free(&c->timer);
}

void
db_conn_open(struct db_conn *c)
{
	int waits;
	c->my = mysql_init(NULL);
	c->phase = PH_CONNECT;
	waits = c->my == NULL ? -1 : connect_start(c);
	if (waits < 0 || (waits > 0 && wait_for(c, waits) != 0) || (waits == 0 && c->connected == NULL)) {
		not_connected(c);
		return;
	}
	if (waits == 0 && phase_next(c))
		advance(c, 0);
}

void
db_conn_run(struct db_conn *c, struct job *job)
{
	CHECK(c->phase == PH_IDLE && c->job == NULL);
	list_del(&c->link);
	c->job = job;
	job->conn = c;
	job->started_us = loop_now_us(c->pool->loop);
	c->slot = NULL;
	if (job->kind == JOB_TEXT) {
		c->phase = PH_TEXT;
		advance(c, 0);
		return;
	}
	stmts_more(c->pool);
	slots_trim(c, c->pool->stmts_max);
	c->slot = job->transient ? NULL : slot_find(c, job->stmt);
	c->phase = PH_EXECUTE;
	if (c->slot == NULL) {
		c->slot = slot_new(c, job->stmt);
		c->phase = PH_PREPARE;
	}
	if (c->slot == NULL)
		conn_lost(c, DB_DOWN, "out of memory");
	else
		advance(c, 0);
}
