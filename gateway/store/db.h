/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MariaDB without blocking: a pool per site, prepared statements by name, typed NULL-aware results, transactions as steps, point
 * reads batched per loop turn. libmariadb's non-blocking API on the worker's loop. Not for SQL text from data: every
 * statement is a literal of a table (struct db_stmt) or made once by the direct engine's planner; values are only ever bound. */
#ifndef GATEWAY_STORE_DB_H
#define GATEWAY_STORE_DB_H

#include "gateway/base/log.h"
#include "gateway/base/zone.h"
#include "gateway/loop/step.h"

struct db_pool;

struct db_conf {
	struct str host; /* or .n 0 when socket is set                                     */
	unsigned port;
	struct str socket; /* unix socket path                                               */
	struct str user, password, database;
	struct str time_zone;                 /* of OpenEMR's dates; .n 0: what its setting says */
	struct str tls_ca, tls_cert, tls_key; /* .n 0: none; tls_ca set means TLS with verification    */
	unsigned connections_max;             /* per worker                                                     */
	unsigned queue_max;                   /* tasks that may wait for a connection; more: DB_DOWN at once     */
	uint32_t deadline_ms;                 /* per operation, waiting for a connection included                */
	uint32_t slow_ms;                     /* statements slower than this are logged by name, without values  */
	unsigned batch_max;                   /* keys per IN list of a batched point read, 1..64                 */
	unsigned statements_max;              /* prepared statements kept per connection, 1..256; 0: 256        */
};
/* Starts connecting lazily. conf outlives the pool; host is numeric (a resolver would block). log may be NULL. NULL when out of memory. Session: utf8mb4, sql_mode '',
 * time_zone '+00:00' until another is set. */
struct db_pool *db_pool_new(struct loop *l, const struct db_conf *conf, const struct log *log);
/* Before the first operation: sessions run in this zone, NOW() and DATETIME columns are its local time. .n 0: the zone of OpenEMR's setting
 * gbl_time_zone, read whenever a connection is opened (UTC when that is empty or not there). An unknown zone is logged and is UTC. */
void db_pool_zone_set(struct db_pool *p, struct str name);
/* What the setting says now: a pool that follows it changes, its connections one after the other. */
void db_pool_zone_told(struct db_pool *p, struct str name);
const struct zone *db_pool_zone(const struct db_pool *p); /* the present one; as long as the pool */
void db_pool_free(struct db_pool **p);                    /* operations under way end as DB_DOWN */

/* A statement: static name for logs and metrics, SQL with ? marks. Identity is the address: it must outlive the pool, unless it is
 * transient: then it is prepared for this one execution and forgotten (writes whose columns vary). */
struct db_stmt {
	const char *name;
	const char *sql;
	bool transient;
};

struct db_val {
	enum { DB_NULL, DB_I64, DB_F64, DB_STR, DB_BIN } kind;
	int64_t i;
	double f;
	struct str
	    s; /* the bytes must live until the operation ends: task arena or static; the array of values is copied */
};
#define DB_V_NULL        ((struct db_val){ .kind = DB_NULL })
#define DB_V_I64(v)      ((struct db_val){ .kind = DB_I64, .i = (v) })
#define DB_V_STR(v)      ((struct db_val){ .kind = DB_STR, .s = (v) })
#define DB_V_BIN(p, len) ((struct db_val){ .kind = DB_BIN, .s = { (const char *)(p), (len) } })

enum db_status {
	DB_OK,
	DB_DOWN,      /* no connection, queue full, server gone: 503                          */
	DB_TIMEOUT,   /* the operation's deadline: 503 (the connection is closed, the statement killed) */
	DB_DUPLICATE, /* ER_DUP_ENTRY                                                         */
	DB_DEADLOCK,  /* lock wait or deadlock: the transaction is gone, may be retried        */
	DB_REFUSED,   /* any other server error; text in task->err                             */
	DB_TOO_LARGE  /* the rows do not fit the task's arena                                  */
};
struct db_cell {
	struct str
	    s; /* text of strings, decimals, enums, dates ("YYYY-MM-DD HH:MM:SS"); bytes of binary; .p NULL for NULL and
			 * for numbers                                                                                          */
	union {
		int64_t i; /* integers (also bit, year)                                             */
		double f;  /* float, double                                                         */
	};
	enum { DB_C_NULL, DB_C_INT, DB_C_FLOAT, DB_C_TEXT } kind;
};
struct db_result {
	enum db_status status;
	size_t n_rows, n_cols;
	const struct db_cell *cells; /* row-major                                               */
	uint64_t affected, insert_id;
};
static inline const struct db_cell *
db_cell(const struct db_result *r, size_t row, size_t col)
{
	return &r->cells[row * r->n_cols + col];
}

/* Runs one statement outside a transaction. *out is arena memory of the task, filled when the next step runs, never NULL then.
 * Returns STEP_WAIT, or STEP_FAIL when the arena is full. Any other trouble is a status. On a DB_DOWN that comes from a connection
 * that died while idle the statement is retried once on a fresh one (reads only: retry applies when the server never got it). */
enum step db_query(struct task *t, struct db_pool *p, const struct db_stmt *stmt, const struct db_val *vals,
    size_t n_vals, struct db_result **out);

/* A batched read by keys: reads of the same db_point in one loop turn become one statement with IN (...). sql has one "%s" in place
 * of the key marks: "SELECT p.uuid, p.id, ... FROM patient_data p WHERE p.uuid IN (%s)"; the key is a column of the result. The result
 * has the rows of this read's keys only (0 or more), in the order of the statement. Extra fixed parameters are not possible: the row
 * filter of a plan compares columns of the result afterwards.                                                            */
enum { DB_POINT_KEYS_MAX = 16 /* of one read */ };
struct db_point {
	const char *name;
	const char *sql;
	unsigned key_column; /* of the result: an integer for keys of DB_I64, else text or binary */
};
/* Several such reads under one wait: the next step runs when all are done, each with a status of its own. They run beside each other, so that
 * each kind gathers the keys of as many requests as it would alone. n is 1..DB_READS_MAX.                                */
enum { DB_READS_MAX = 4 };
struct db_read {
	const struct db_point *point;
	const struct db_val
	    *keys; /* n_keys: 1..DB_POINT_KEYS_MAX, of DB_I64, DB_STR or DB_BIN, each once; copied with their bytes */
	size_t n_keys;
	struct db_result **out;
};
enum step db_reads(struct task *t, struct db_pool *p, const struct db_read *reads, size_t n);
/* One read. */
enum step db_points_read(struct task *t, struct db_pool *p, const struct db_point *point, const struct db_val *keys,
    size_t n_keys, struct db_result **out);
/* One key of bytes. */
enum step db_point_read(
    struct task *t, struct db_pool *p, const struct db_point *point, struct str key, struct db_result **out);

/* Transactions: begin gives a connection to the task until commit or rollback; if the task is cancelled or ends, it is rolled back.
 * Statuses as above; after DB_DOWN, DB_TIMEOUT or DB_DEADLOCK the transaction is gone and *tx is dead (rollback is harmless). */
struct db_tx;
enum step db_begin(struct task *t, struct db_pool *p, struct db_tx **tx, struct db_result **out);
enum step db_tx_query(struct task *t, struct db_tx *tx, const struct db_stmt *stmt, const struct db_val *vals,
    size_t n_vals, struct db_result **out);
enum step db_commit(struct task *t, struct db_tx **tx, struct db_result **out);
/* Gives the connection back after ROLLBACK in the background; immediate for the caller. *tx may be NULL. */
void db_rollback(struct db_tx **tx);

/* For readyz and metrics. */
struct db_pool_stats {
	unsigned open, busy, queued;
	uint64_t statements, errors, timeouts;
	bool healthy; /* the last connect or statement reached the server */
};
void db_pool_stats(const struct db_pool *p, struct db_pool_stats *out);
/* Sends the server "DO 1" in the background when nothing ran for idle_ms, so that healthy stays true or false by itself. */
void db_pool_probe(struct db_pool *p, uint32_t idle_ms);

#endif
