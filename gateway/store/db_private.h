/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the database store share: jobs, connections, the pool. Private to gateway/store.
 *
 * A job is one statement (or BEGIN, COMMIT, ROLLBACK, or a batch of point reads). It waits in the pool's queue, or belongs to a
 * transaction's connection. A connection runs one job at a time:
 *   closed -> connecting -> (time zone ->) setup -> idle -> preparing -> executing -> storing -> idle ... ; any trouble -> closed          */
#ifndef GATEWAY_STORE_DB_PRIVATE_H
#define GATEWAY_STORE_DB_PRIVATE_H

#include "gateway/base/list.h"
#include "gateway/base/zone.h"
#include "gateway/store/db.h"

#define list_add mariadb_list_add /* the library's header has a list_add of its own */
#include <mysql.h>
#undef list_add

enum {
	DB_BATCH_MAX = 64,
	DB_BATCH_SIZES = 7 /* 1, 2, 4 ... 64 */,
	DB_STMTS_MAX = 256,
	DB_VALS_MAX = 256,
	SETUP_BYTES = 192
};
_Static_assert(DB_POINT_KEYS_MAX <= (int)DB_BATCH_MAX, "one read fits a statement");
/* What a connection is opened with, as C strings that live as long as the pool: the library keeps the pointers while it waits. */
enum db_text {
	TEXT_HOST,
	TEXT_USER,
	TEXT_PASSWORD,
	TEXT_DATABASE,
	TEXT_SOCKET,
	TEXT_CA,
	TEXT_CERT,
	TEXT_KEY,
	DB_TEXTS
};

enum job_kind { JOB_QUERY, JOB_TEXT /* BEGIN, COMMIT, ROLLBACK */, JOB_BATCH };

struct point_group;

/* One read by keys that waits for, or is part of, a batch. */
struct point_read {
	struct list link;
	struct list mate;    /* in mates: the reads of its task's wait that are not done */
	struct list *mates;  /* in the task's arena */
	struct task *task;   /* NULL: cancelled */
	struct db_val *keys; /* behind the struct, as their bytes are */
	size_t n_keys;
	struct db_result *result;
	size_t cap_rows;
	struct db_pool *pool;
	bool retried; /* its first statement went to a connection that had died */
};
struct job {
	enum job_kind kind;
	struct list link;     /* in the pool's queue */
	struct task *task;    /* NULL: cancelled, or a batch, or a background rollback */
	struct db_conn *conn; /* running on */
	struct db_pool *pool;
	const struct db_stmt *stmt; /* JOB_TEXT: sql is sent as text; a transient one is the task's memory */
	const char *name;           /* of stmt, and */
	bool transient;             /* the same: known also when the task is gone */
	const struct db_val *vals;
	size_t n_vals;
	struct db_result *result;
	struct db_tx *tx;          /* JOB_TEXT "begin": gets the connection */
	struct point_group *group; /* JOB_BATCH */
	struct list reads;         /* JOB_BATCH: struct point_read */
	bool retried;
	int64_t started_us;
};
static inline void
job_stmt_set(struct job *job, const struct db_stmt *stmt)
{
	job->stmt = stmt;
	job->name = stmt == NULL ? "" : stmt->name;
	job->transient = stmt != NULL && stmt->transient;
}
struct stmt_slot {
	const struct db_stmt *stmt;
	MYSQL_STMT *handle;
	unsigned long *lengths; /* per column */
	my_bool *nulls;
	MYSQL_BIND *binds;
	char **buffers;
	unsigned n_cols;
	uint64_t used; /* for least recently used */
};
enum conn_phase {
	PH_CLOSED,
	PH_CONNECT,
	PH_ZONE,
	PH_ZONE_ROW,
	PH_SETUP,
	PH_IDLE,
	PH_TEXT,
	PH_PREPARE,
	PH_EXECUTE,
	PH_STORE
};

struct db_conn {
	struct db_pool *pool;
	struct list link; /* in the pool's list of idle connections, or alone */
	MYSQL *my;
	struct loop_io *io;
	struct loop_timer *timer; /* MYSQL_WAIT_TIMEOUT while connecting; the settings' deadline; retry pause */
	struct loop_defer fail;
	enum conn_phase phase;
	MYSQL *connected; /* what connecting gave; NULL: failed */
	struct job *job;
	struct stmt_slot *slot; /* of the running job */
	struct stmt_slot slots[DB_STMTS_MAX];
	MYSQL_BIND params[DB_VALS_MAX]; /* of the statement being started */
	unsigned n_slots;
	uint64_t uses;
	unsigned failures;       /* to connect, in a row */
	struct db_tx *tx;        /* reserved for */
	bool resting;            /* waits before the next try to connect */
	bool unbound;            /* its job's values do not fit the statement */
	MYSQL_RES *zone;         /* PH_ZONE_ROW: what OpenEMR's setting says */
	int32_t offset_s;        /* of its session from UTC */
	char why[64];            /* it did not connect */
	char setup[SETUP_BYTES]; /* the session's settings: the library keeps the pointer while it waits */
};
struct db_tx {
	unsigned magic;
#define DB_TX_MAGIC 0xe83a51c4u
	struct db_pool *pool;
	struct db_conn *conn; /* NULL: gone */
};
struct point_group {
	const struct db_point *point;
	struct list link; /* in the pool's list of groups whose reads wait, or alone */
	struct list reads;
	unsigned n_reads;
	unsigned n_running; /* batches */
	int64_t started_us; /* the last of them */
	char *sql[DB_BATCH_SIZES];
	struct db_stmt stmts[DB_BATCH_SIZES];
};
struct db_pool {
	unsigned magic;
#define DB_POOL_MAGIC 0x3fd2986bu
	struct loop *loop;
	const struct log *log;
	const struct db_conf *conf;
	char *texts[DB_TEXTS];
	struct db_conn *conns;
	unsigned n_conns;
	int64_t down_us;  /* since when no connection could be opened; 0: not so */
	struct list idle; /* open and free */
	struct list queue;
	unsigned n_queue;
	struct loop_timer *batch_late;
	bool batch_late_set;
	struct point_group **points; /* hashed by the address of their db_point; cap_points is a power of two */
	unsigned n_points, cap_points;
	struct list waiting; /* groups whose reads wait */
	struct loop_defer pump;
	struct db_pool_stats stats;
	int64_t last_us;    /* a statement last ended */
	unsigned stmts_max; /* kept per connection: fewer than configured while the server can hold no more */
	int64_t stmts_us;   /* when that last changed */
	struct zone zone;   /* of OpenEMR's dates */
	char zone_asked[ZONE_NAME_BYTES];
	bool zone_openemr; /* ask for its setting when a connection is opened */
	int32_t offset_s;  /* that new connections get */
	int64_t zone_us;   /* when that was last looked at */
	bool closing;
};

static inline unsigned
stmts_most(const struct db_conf *conf)
{
	unsigned n = conf->statements_max;
	return n == 0 ? DB_STMTS_MAX : MIN(n, (unsigned)DB_STMTS_MAX);
}

/* db_conn.c */
int db_conn_init(struct db_conn *c, struct db_pool *p);
void db_conn_done(struct db_conn *c);
void db_conn_open(struct db_conn *c);
void db_conn_run(struct db_conn *c, struct job *job); /* c is idle */
void db_conn_fail_later(struct db_conn *c);
/* db_result.c: rows of a stored statement into results. */
int result_bind(struct stmt_slot *slot);
void slot_free(struct stmt_slot *slot);
enum db_status result_read(struct stmt_slot *slot, struct task *t, struct db_result *out);
enum db_status batch_read(struct stmt_slot *slot, struct job *job);
enum db_status status_of(unsigned server_errno);
/* db.c */
void pool_pump(struct db_pool *p); /* gives idle connections work, now */
void pool_pump_later(struct db_pool *p);
void db_conn_idle(struct db_conn *c); /* c is free: back to the pool, kept for its transaction, or about to be closed */
void job_end(struct job *job, enum db_status status); /* wakes whoever waits, frees the job */
void job_fail(struct job *job, enum db_status status, const char *why);
bool pool_is_down(const struct db_pool *p);           /* nothing can be had from it: tell callers at once */
void pool_refuse(struct db_pool *p, const char *why); /* ends all that waits */
/* db_zone.c */
extern const char db_zone_sql[];
void zone_follow(struct db_pool *p);                /* the zone's offset may have changed: now and then */
void zone_read(struct db_conn *c, MYSQL_RES *rows); /* frees rows */
bool zone_refused(unsigned server_errno);           /* a database without that setting: UTC */
void setup_text(struct db_conn *c);                 /* c->setup, by the pool's offset */
/* db_batch.c */
bool batch_next(struct db_pool *p, struct db_conn *c); /* starts a batch on c; false: nothing waits */
void batch_done(struct job *job);                      /* its statement no longer runs */
void batch_again(struct job *job); /* its connection had died: reads that were not tried again wait once more */
void points_free(struct db_pool *p);
void batch_late(void *pool); /* of the timer of that name */
const struct db_stmt *batch_stmt(struct point_group *g, unsigned n_keys, unsigned *padded);
void batch_fail(struct job *job, enum db_status status, const char *why);

#endif
