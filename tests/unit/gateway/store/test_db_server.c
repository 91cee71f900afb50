/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database store against a server that behaves as each row says: statements to be prepared anew, connections that end at every point, refusals,
 * answers in the very turn in which their client leaves, cells of every type. The server speaks just enough of MariaDB's protocol; what a real one does is
 * in tests/integration and tests/e2e/test_stores_down.py.                                                                   */
#include "gateway/store/db.h"

#include "harness.h"

#include <mysql.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNS = 8, PACKET_MAX = 8192, TURNS_MAX = 4000, LATE_MS = 60, COLS_MAX = 4 };
enum { COM_QUIT_ = 1, COM_QUERY_ = 3, COM_PREPARE_ = 0x16, COM_EXECUTE_ = 0x17, COM_STMT_CLOSE_ = 0x19 };

/* --- the server ------------------------------------------------------------------------------------------------------------------ */

/* What is done to an EXECUTE. */
enum act { ANSWER, ERROR, CUT, CUT_WITHIN, HOLD };
struct col {
	unsigned type, flags, charset, decimals;
};
struct client {
	int fd;
	struct loop_io *io;
	uint8_t in[PACKET_MAX];
	size_t n;
	unsigned seq;
	bool greeted, in_tx;
	bool rows[256];              /* has the prepared statement of that number rows? */
	unsigned n_prepared, n_kept; /* kept: not closed */
};
static struct {
	struct loop *loop;
	struct loop_io *accepting;
	int fd;
	char dir[32], path[64];
	struct client clients[CONNS];
	unsigned connects, allowed; /* allowed: more are refused (max_connections) */
	unsigned kept, kept_max;    /* prepared statements of all clients; more are refused (max_prepared_stmt_count) */
	enum act acts[8];           /* of the EXECUTEs, in order; then ANSWER */
	unsigned executes, prepares, closes, rollbacks, commits, error;
	bool hold_begin;
	unsigned deaf; /* the first so many connections: their settings get no answer */
	struct client *held;
	bool last_in_tx; /* the last EXECUTE */
	unsigned width;  /* of columns, as announced */
	struct col cols[COLS_MAX];
	unsigned n_cols;
	uint8_t row[256];
	size_t row_n;
} db;

static void
client_drop(struct client *c)
{
	loop_io_free(&c->io);
	if (c->fd >= 0)
		(void)close(c->fd);
	db.kept -= c->n_kept;
	*c = (struct client){ .fd = -1 };
}

static void
packet(struct client *c, const void *bytes, size_t n)
{
	uint8_t head[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)c->seq++ };
	REQUIRE(send(c->fd, head, sizeof head, MSG_NOSIGNAL) == sizeof head);
	REQUIRE(send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static void
ok(struct client *c)
{
	packet(c, "\0\1\0\2\0\0\0", 7);
}

static void
eof(struct client *c)
{
	packet(c, "\376\0\0\2\0", 5);
}

static void
error(struct client *c, unsigned no)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%c%c%c#HY000no", 0xff, (int)(no & 0xff), (int)(no >> 8));
	packet(c, text, (size_t)n);
}

static void
columns(struct client *c)
{
	for (unsigned i = 0; i < db.n_cols; i++) {
		const struct col *d = &db.cols[i];
		uint8_t def[] = { 3, 'd', 'e', 'f', 0, 0, 0, 1, 'c', 0, 0x0c, (uint8_t)d->charset, 0, (uint8_t)db.width,
			(uint8_t)(db.width >> 8), 0, 0, (uint8_t)d->type, (uint8_t)d->flags, (uint8_t)(d->flags >> 8),
			(uint8_t)d->decimals, 0, 0 };
		packet(c, def, sizeof def);
	}
	eof(c);
}

static void
answer(struct client *c, unsigned id, bool whole)
{
	uint8_t n = (uint8_t)db.n_cols;
	if (!c->rows[id]) {
		ok(c);
		return;
	}
	packet(c, &n, 1);
	columns(c);
	if (!whole)
		return;
	if (db.row_n > 0)
		packet(c, db.row, db.row_n);
	eof(c);
}

static void
on_prepare(struct client *c, const char *sql)
{
	bool has_rows = strncmp(sql, "SELECT", 6) == 0;
	unsigned marks = 0, cols = has_rows ? db.n_cols : 0;
	if (db.kept >= db.kept_max) {
		error(c, 1461);
		return;
	}
	db.kept++;
	c->n_kept++;
	REQUIRE(++c->n_prepared < NITEMS(c->rows));
	c->rows[c->n_prepared] = has_rows;
	db.prepares++;
	for (const char *p = sql; *p != 0; p++)
		marks += *p == '?';
	uint8_t head[12] = { 0, (uint8_t)c->n_prepared, 0, 0, 0, (uint8_t)cols, 0, (uint8_t)marks, 0, 0, 0, 0 };
	packet(c, head, sizeof head);
	struct col none = { MYSQL_TYPE_VAR_STRING, 0, 45, 0 };
	for (unsigned i = 0; i < marks; i++) {
		uint8_t def[] = { 3, 'd', 'e', 'f', 0, 0, 0, 1, '?', 0, 0x0c, (uint8_t)none.charset, 0, 0, 1, 0, 0,
			(uint8_t)none.type, 0, 0, 0, 0, 0 };
		packet(c, def, sizeof def);
	}
	if (marks > 0)
		eof(c);
	if (cols > 0)
		columns(c);
}

static void
on_execute(struct client *c, unsigned id)
{
	REQUIRE(id <= c->n_prepared);
	enum act how = db.executes < NITEMS(db.acts) ? db.acts[db.executes] : ANSWER;
	db.executes++;
	db.last_in_tx = c->in_tx;
	switch (how) {
	case ANSWER:
		answer(c, id, true);
		break;
	case ERROR:
		error(c, db.error);
		break;
	case CUT_WITHIN:
		answer(c, id, false);
		client_drop(c);
		break;
	case CUT:
		client_drop(c);
		break;
	case HOLD:
		db.held = c;
		break;
	}
}

static void
on_query(struct client *c, const char *sql)
{
	if (strncmp(sql, "SET", 3) == 0 && db.deaf > 0) {
		db.deaf--;
		return;
	}
	if (strcmp(sql, "START TRANSACTION") == 0)
		c->in_tx = true;
	db.rollbacks += strcmp(sql, "ROLLBACK") == 0;
	db.commits += strcmp(sql, "COMMIT") == 0;
	if (strcmp(sql, "ROLLBACK") == 0 || strcmp(sql, "COMMIT") == 0)
		c->in_tx = false;
	if (db.hold_begin && strcmp(sql, "START TRANSACTION") == 0)
		db.held = c;
	else
		ok(c);
}

static void
on_command(struct client *c, const uint8_t *p, size_t n)
{
	static char text[PACKET_MAX];
	size_t len = MIN(n - 1, sizeof text - 1);
	memcpy(text, p + 1, len);
	text[len] = 0;
	if (!c->greeted) {
		c->greeted = true;
		ok(c);
	} else if (p[0] == COM_QUERY_) {
		on_query(c, text);
	} else if (p[0] == COM_PREPARE_) {
		on_prepare(c, text);
	} else if (p[0] == COM_EXECUTE_) {
		on_execute(c, p[1]);
	} else if (p[0] == COM_QUIT_) {
		client_drop(c);
	} else {
		REQUIRE(p[0] == COM_STMT_CLOSE_);
		db.closes++;
		c->n_kept--;
		db.kept--;
	}
}

static void
on_client(int fd, unsigned ready, void *arg)
{
	struct client *c = arg;
	ssize_t n = recv(fd, c->in + c->n, sizeof c->in - c->n, MSG_DONTWAIT);
	(void)ready;
	if (n <= 0) {
		client_drop(c);
		return;
	}
	c->n += (size_t)n;
	while (c->fd >= 0 && c->n >= 4) {
		size_t len = c->in[0] | (size_t)c->in[1] << 8 | (size_t)c->in[2] << 16;
		static uint8_t one[PACKET_MAX];
		if (c->n < 4 + len)
			return;
		c->seq = c->in[3] + 1u;
		memcpy(one, c->in + 4, len);
		memmove(c->in, c->in + 4 + len, c->n - 4 - len);
		c->n -= 4 + len;
		on_command(c, one, len);
	}
}

static void
on_accept(int fd, unsigned ready, void *arg)
{
	static const char greeting[] = "\x0a"
	                               "10.11.0-MariaDB\0"
	                               "\1\0\0\0"
	                               "abcdefgh\0"
	                               "\x0f\xa2"
	                               "\x2d\2\0"
	                               "\x0c\0"
	                               "\x15"
	                               "\0\0\0\0\0\0\0\0\0\0"
	                               "ijklmnopqrst\0"
	                               "mysql_native_password";
	size_t free_one = 0;
	(void)ready, (void)arg;
	while (free_one < CONNS && db.clients[free_one].fd >= 0)
		free_one++;
	REQUIRE(free_one < CONNS);
	struct client *c = &db.clients[free_one];
	c->fd = accept(fd, NULL, NULL);
	REQUIRE(c->fd >= 0);
	if (++db.connects > db.allowed) {
		error(c, 1040);
		client_drop(c);
		return;
	}
	c->io = loop_io_new(db.loop, c->fd, LOOP_READ, on_client, c);
	packet(c, greeting, sizeof greeting);
}

static const struct col col_text = { MYSQL_TYPE_VAR_STRING, 0, 45, 0 };

static void
server_start(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	memset(&db, 0, sizeof db);
	for (size_t i = 0; i < CONNS; i++)
		db.clients[i].fd = -1;
	db.loop = loop_new();
	memcpy(db.dir, "/tmp/db-XXXXXX", 15);
	REQUIRE(db.loop != NULL && mkdtemp(db.dir) != NULL);
	(void)snprintf(db.path, sizeof db.path, "%s/s", db.dir);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", db.path);
	db.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	REQUIRE(db.fd >= 0 && bind(db.fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(db.fd, 8) == 0);
	db.accepting = loop_io_new(db.loop, db.fd, LOOP_READ, on_accept, NULL);
	db.allowed = 1000;
	db.kept_max = 1000;
	db.cols[0] = col_text;
	db.n_cols = 1;
	db.width = 20;
	memcpy(db.row, "\0\0\3key", 6);
	db.row_n = 6;
}

static void
server_stop(void)
{
	for (size_t i = 0; i < CONNS; i++)
		client_drop(&db.clients[i]);
	loop_io_free(&db.accepting);
	(void)close(db.fd);
	(void)unlink(db.path);
	(void)rmdir(db.dir);
	loop_free(&db.loop);
}

/* --- who asks -------------------------------------------------------------------------------------------------------------------- */

static const struct db_stmt select_sql = { "select", "SELECT a FROM t WHERE b = ?", false };
static const struct db_stmt insert_sql = { "insert", "INSERT INTO t VALUES (?)", false };
static struct db_stmt brief_sql;    /* transient: memory of who asks, which leaves with it */
static struct db_stmt many_sql[24]; /* MANY: */
static unsigned many_next;
static const struct db_point point_sql = { "point", "SELECT a FROM t WHERE a IN (%s)", 0 };
static const struct db_point other_sql = { "other", "SELECT a FROM u WHERE a IN (%s)", 0 };

enum what {
	SELECT,
	INSERT,
	POINT,
	TWO /* reads under one wait */,
	TX_SELECT,
	TX_INSERT,
	TX_STUBBORN /* goes on after any trouble */,
	TOO_MANY,
	BRIEF,
	MANY
};
struct asker {
	struct task task;
	struct arena *arena;
	struct db_pool *pool;
	struct db_tx *tx;
	struct db_result *begun, *result, *second, *ended;
	enum what what;
	bool done;
};

static bool
in_tx(const struct asker *a)
{
	return a->what == TX_SELECT || a->what == TX_INSERT || a->what == TX_STUBBORN;
}

static enum step
begin(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	return in_tx(a) ? db_begin(t, a->pool, &a->tx, &a->begun) : STEP_NEXT;
}

static enum step
ask(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	const struct db_val v[2] = { DB_V_STR(arena_str(t->arena, STR("x"))), DB_V_STR(STR("y")) };
	const struct db_stmt *stmt = a->what == INSERT || a->what == TX_INSERT ? &insert_sql : &select_sql;
	if (a->what == BRIEF) {
		brief_sql = (struct db_stmt){ "brief", "SELECT a FROM t WHERE c = ?", true };
		stmt = &brief_sql;
	}
	if (a->what == MANY)
		stmt = &many_sql[many_next];
	if (a->what == POINT)
		return db_point_read(t, a->pool, &point_sql, STR("key"), &a->result);
	if (a->what == TWO) {
		const struct db_val key = DB_V_STR(STR("key"));
		const struct db_read reads[] = { { &point_sql, &key, 1, &a->result },
			{ &other_sql, &key, 1, &a->second } };
		return db_reads(t, a->pool, reads, NITEMS(reads));
	}
	if (in_tx(a))
		return db_tx_query(t, a->tx, stmt, v, 1, &a->result);
	return db_query(t, a->pool, stmt, v, a->what == TOO_MANY ? 2 : 1, &a->result);
}

static enum step
again(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	const struct db_val v = DB_V_STR(STR("x"));
	return a->what == TX_STUBBORN ? db_tx_query(t, a->tx, &insert_sql, &v, 1, &a->second) : STEP_NEXT;
}

static enum step
end(struct task *t)
{
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	return in_tx(a) ? db_commit(t, &a->tx, &a->ended) : STEP_NEXT;
}

static enum step
hear(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(steps, 0, { "begin", begin }, { "ask", ask }, { "again", again }, { "end", end }, { "hear", hear });

static void
done(struct task *t)
{
	CONTAINER_OF(t, struct asker, task)->done = true;
}

static void
asker_start(struct asker *a, struct db_pool *pool, enum what what)
{
	*a = (struct asker){ .pool = pool, .what = what, .arena = arena_new("test", 1 << 18) };
	REQUIRE(a->arena != NULL);
	task_init(&a->task, db.loop, a->arena, &steps, NULL, done);
	task_run(&a->task);
}

static void
asker_end(struct asker *a)
{
	for (int i = 0; !a->done && i < TURNS_MAX; i++)
		loop_run_once(db.loop, true);
	EXPECT(a->done && a->result != NULL);
}

static void
asker_free(struct asker *a)
{
	task_cancel(&a->task);
	arena_free(&a->arena);
}

static struct db_conf conf;
static int option_refused = -1;

/* In place of the library's own. */
int STDCALL
mysql_options(MYSQL *my, enum mysql_option option, const void *value)
{
	return (int)option == option_refused ? 1 : mysql_optionsv(my, option, value);
}

static struct db_pool *
pool_start(unsigned conns, uint32_t deadline_ms)
{
	conf = (struct db_conf){ .socket = str_of(db.path),
		.user = STR("u"),
		.database = STR("d"),
		.connections_max = conns,
		.queue_max = 8,
		.deadline_ms = deadline_ms,
		.batch_max = 16 };
	struct db_pool *pool = db_pool_new(db.loop, &conf, NULL);
	REQUIRE(pool != NULL);
	return pool;
}

static void
until_held(void)
{
	for (int i = 0; db.held == NULL && i < TURNS_MAX; i++)
		loop_run_once(db.loop, true);
	REQUIRE(db.held != NULL);
}

/* --- promises -------------------------------------------------------------------------------------------------------------------- */

/* What became of one statement, how often the server executed it, and over how many connections. */
static void
test_statement__against_a_server_that(void)
{
	static const struct {
		const char *name;
		enum what what;
		enum act acts[3];
		unsigned error;
		enum db_status status;
		unsigned executes, prepares, connects;
	} rows[] = {
		{ "answers", SELECT, { ANSWER }, 0, DB_OK, 1, 1, 1 },
		{ "wants it prepared anew", SELECT, { ERROR }, 1615, DB_OK, 2, 2, 1 },
		{ "wants a write prepared anew", INSERT, { ERROR }, 1615, DB_OK, 2, 2, 1 },
		{ "wants a batch prepared anew", POINT, { ERROR }, 1615, DB_OK, 2, 2, 1 },
		{ "wants a statement of a transaction prepared anew", TX_INSERT, { ERROR }, 1615, DB_OK, 2, 2, 1 },
		{ "always wants it prepared anew", SELECT, { ERROR, ERROR }, 1615, DB_REFUSED, 2, 2, 1 },
		{ "refuses it", SELECT, { ERROR }, 1146, DB_REFUSED, 1, 1, 1 },
		{ "refuses a batch", POINT, { ERROR }, 1146, DB_REFUSED, 1, 1, 1 },
		{ "was shut down", INSERT, { ERROR }, 1053, DB_DOWN, 1, 1, 1 },
		{ "takes too long", INSERT, { ERROR }, 1969, DB_TIMEOUT, 1, 1, 1 },
		{ "ends: a read goes out once more", SELECT, { CUT }, 0, DB_OK, 2, 2, 2 },
		{ "ends: a batch goes out once more", POINT, { CUT }, 0, DB_OK, 2, 2, 2 },
		{ "ends twice", SELECT, { CUT, CUT }, 0, DB_DOWN, 2, 2, 2 },
		{ "ends a batch twice", POINT, { CUT, CUT }, 0, DB_DOWN, 2, 2, 2 },
		{ "ends: a write is never sent twice", INSERT, { CUT }, 0, DB_DOWN, 1, 1, 1 },
		{ "ends within the result", SELECT, { CUT_WITHIN }, 0, DB_OK, 2, 2, 2 },
		{ "ends within the result, twice", SELECT, { CUT_WITHIN, CUT_WITHIN }, 0, DB_DOWN, 2, 2, 2 },
		{ "ends: a read of a transaction counts only there", TX_SELECT, { CUT }, 0, DB_DOWN, 1, 1, 1 },
		{ "gets more values than marks", TOO_MANY, { ANSWER }, 0, DB_REFUSED, 0, 1, 1 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		memcpy(db.acts, rows[i].acts, sizeof rows[i].acts);
		db.error = rows[i].error;
		struct db_pool *pool = pool_start(1, 5000);
		asker_start(&a, pool, rows[i].what);
		asker_end(&a);
		EXPECT_IDX(a.result->status == rows[i].status, i);
		EXPECT_IDX(db.executes == rows[i].executes && db.prepares == rows[i].prepares &&
		               db.connects == rows[i].connects,
		    i);
		EXPECT_IDX(!(a.result->status == DB_OK && rows[i].what == SELECT) || a.result->n_rows == 1, i);
		EXPECT_IDX(!in_tx(&a) || a.ended->status == (rows[i].status == DB_OK ? DB_OK : DB_DOWN), i);
		asker_free(&a);
		asker_start(&a, pool, SELECT); /* and the pool is well */
		asker_end(&a);
		EXPECT_IDX(a.result->status == DB_OK && a.result->n_rows == 1, i);
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

/* Two reads under one wait: who asked goes on when both are done, and each has its own outcome. */
static void
test_reads__under_one_wait__end_each_for_itself(void)
{
	static const struct {
		enum act acts[2];
		unsigned conns;
		enum db_status statuses[2]; /* in any order: they run beside each other */
		uint32_t deadline_ms;
	} rows[] = {
		{ { ANSWER, ANSWER }, 2, { DB_OK, DB_OK }, 5000 },
		{ { ANSWER, ANSWER }, 1, { DB_OK, DB_OK }, 5000 },
		{ { ANSWER, ERROR }, 2, { DB_OK, DB_REFUSED }, 5000 },
		{ { ERROR, ANSWER }, 1, { DB_REFUSED, DB_OK }, 5000 },
		{ { ANSWER, HOLD }, 2, { DB_OK, DB_TIMEOUT }, 1000 },
		{ { HOLD, ANSWER }, 2, { DB_TIMEOUT, DB_OK }, 1000 },
		{ { HOLD, HOLD }, 2, { DB_TIMEOUT, DB_TIMEOUT }, LATE_MS },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const enum db_status *want = rows[i].statuses;
		struct asker a;
		server_start();
		memcpy(db.acts, rows[i].acts, sizeof rows[i].acts);
		db.error = 1146;
		struct db_pool *pool = pool_start(rows[i].conns, rows[i].deadline_ms);
		asker_start(&a, pool, TWO);
		asker_end(&a);
		const struct db_result *got[] = { a.result, a.second };
		bool swapped = got[0]->status != want[0];
		for (size_t k = 0; k < NITEMS(got); k++) {
			EXPECT_IDX(got[k]->status == want[swapped ? 1 - k : k], i);
			EXPECT_IDX(got[k]->n_rows == (got[k]->status == DB_OK), i);
		}
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

static void
test_reads__of_a_client_that_left__are_not_touched(void)
{
	struct asker gone, next;
	server_start();
	db.acts[0] = ANSWER;
	db.acts[1] = HOLD;
	struct db_pool *pool = pool_start(2, 5000);
	asker_start(&gone, pool, TWO);
	until_held();
	EXPECT(!gone.done); /* one of them is still under way */
	answer(db.held, 1, true);
	asker_free(&gone); /* the server's answer stands in the socket */
	asker_start(&next, pool, TWO);
	asker_end(&next);
	EXPECT(next.result->status == DB_OK && next.second->status == DB_OK && next.second->n_rows == 1);
	asker_free(&next);
	db_pool_free(&pool);
	server_stop();
}

/* A client leaves in the turn in which the server's answer comes: its transaction is not left open for who comes next. */
static void
test_transaction__left_in_the_turn_of_its_answer__is_not_the_next_clients(void)
{
	for (size_t i = 0; i < 2; i++) { /* within BEGIN, within a statement */
		struct asker gone, next;
		server_start();
		db.hold_begin = i == 0;
		db.acts[0] = i == 1 ? HOLD : ANSWER;
		struct db_pool *pool = pool_start(1, 5000);
		asker_start(&gone, pool, TX_INSERT);
		until_held();
		ok(db.held); /* stands in the socket when the client leaves */
		asker_free(&gone);
		asker_start(&next, pool, INSERT);
		asker_end(&next);
		EXPECT_IDX(next.result->status == DB_OK && !db.last_in_tx && db.commits == 0, i);
		asker_free(&next);
		db_pool_free(&pool);
		server_stop();
	}
}

/* The values of a statement, and a transient statement itself, are memory of its task. A client that leaves takes them along: whatever the
 * server says then, they are not sent or looked at; the connection stays, except where a transaction was on it.            */
static void
test_statement__whose_client_left__is_not_touched(void)
{
	static const struct {
		enum what what;
		bool executing;                      /* when it leaves; else its statement has just been prepared */
		bool anew;                           /* then the server wants it prepared anew; else it answers */
		unsigned executes, prepares, closes; /* that the server saw of it */
		unsigned connects;                   /* with who comes next */
	} rows[] = {
		{ SELECT, false, false, 0, 1, 0, 1 },
		{ INSERT, false, false, 0, 1, 0, 1 },
		{ TX_INSERT, false, false, 0, 1, 0, 2 },
		{ BRIEF, false, false, 0, 1, 0, 2 },
		{ SELECT, true, true, 1, 1, 0, 1 },
		{ INSERT, true, true, 1, 1, 0, 1 },
		{ TX_INSERT, true, true, 1, 1, 0, 2 },
		{ BRIEF, true, true, 1, 1, 1, 1 },
		{ SELECT, true, false, 1, 1, 0, 1 },
		{ BRIEF, true, false, 1, 1, 1, 1 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker gone, next;
		server_start();
		db.acts[0] = rows[i].executing ? HOLD : ANSWER;
		struct db_pool *pool = pool_start(1, 5000);
		asker_start(&gone, pool, rows[i].what);
		for (int k = 0; !rows[i].executing && db.prepares == 0 && k < TURNS_MAX; k++)
			loop_run_once(db.loop, true);
		if (rows[i].executing)
			until_held();
		if (rows[i].executing && rows[i].anew)
			error(db.held, 1615);
		else if (rows[i].executing)
			answer(db.held, 1, true);
		asker_free(&gone); /* the server's answer stands in the socket */
		brief_sql = (struct db_stmt){ "gone", "gone", false };
		for (int k = 0; k < 20; k++)
			loop_run_once(db.loop, false);
		EXPECT_IDX(db.executes == rows[i].executes && db.prepares == rows[i].prepares, i);
		EXPECT_IDX(db.closes == rows[i].closes, i);
		db.acts[1] = ANSWER;
		asker_start(&next, pool, INSERT);
		asker_end(&next);
		EXPECT_IDX(next.result->status == DB_OK && db.executes == rows[i].executes + 1 && !db.last_in_tx, i);
		EXPECT_IDX(db.connects == rows[i].connects, i);
		asker_free(&next);
		db_pool_free(&pool);
		server_stop();
	}
}

/* A task that goes on with a transaction whose statement was late, or that the server has ended, gets nowhere; nothing runs outside of it. */
static void
test_transaction__after_trouble__is_dead(void)
{
	static const struct {
		enum act act;
		unsigned error;
		enum db_status status;
	} rows[] = { { HOLD, 0, DB_TIMEOUT }, { ERROR, 1213, DB_DEADLOCK }, { ERROR, 1205, DB_DEADLOCK },
		{ ERROR, 1969, DB_TIMEOUT }, { CUT, 0, DB_DOWN } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		db.acts[0] = rows[i].act;
		db.error = rows[i].error;
		struct db_pool *pool = pool_start(2, LATE_MS);
		asker_start(&a, pool, TX_STUBBORN);
		asker_end(&a);
		EXPECT_IDX(a.result->status == rows[i].status, i);
		EXPECT_IDX(a.second != NULL && a.second->status == DB_DOWN, i);
		EXPECT_IDX(a.ended != NULL && a.ended->status == DB_DOWN, i);
		EXPECT_IDX(db.executes == 1 && db.commits == 0, i);
		for (int k = 0; rows[i].act == ERROR && db.rollbacks == 0 && k < TURNS_MAX; k++)
			loop_run_once(db.loop, true);
		EXPECT_IDX(rows[i].act != ERROR || db.rollbacks == 1, i);
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

static void
test_connections__that_the_server_refuses__leave_the_others_at_work(void)
{
	struct asker a[4];
	struct db_pool_stats s;
	server_start();
	db.allowed = 1;
	struct db_pool *pool = pool_start(4, 5000);
	for (size_t i = 0; i < NITEMS(a); i++)
		asker_start(&a[i], pool, SELECT);
	for (size_t i = 0; i < NITEMS(a); i++) {
		asker_end(&a[i]);
		EXPECT_IDX(a[i].result->status == DB_OK, i);
		asker_free(&a[i]);
	}
	db_pool_stats(pool, &s);
	EXPECT(s.healthy && s.open == 1);
	db_pool_free(&pool);
	server_stop();
}

static void
test_connections__all_refused__answer_down_soon(void)
{
	struct asker a;
	struct db_pool_stats s;
	server_start();
	db.allowed = 0;
	struct db_pool *pool = pool_start(2, 5000);
	int64_t from = clock_mono_us(&clock_system);
	asker_start(&a, pool, SELECT);
	asker_end(&a);
	EXPECT(a.result->status == DB_DOWN && clock_mono_us(&clock_system) - from < 4000000);
	db_pool_stats(pool, &s);
	EXPECT(!s.healthy && s.open == 0);
	asker_free(&a);
	db_pool_free(&pool);
	server_stop();
}

/* It has let the connection in, and then says nothing: another is tried. Reads by keys wait in no queue that would ask for one more. */
static void
test_connection__whose_settings_get_no_answer__is_given_up(void)
{
	static const enum what rows[] = { SELECT, POINT };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		db.deaf = 1;
		struct db_pool *pool = pool_start(1, 8000);
		asker_start(&a, pool, rows[i]);
		asker_end(&a);
		EXPECT_IDX(a.result->status == DB_OK && db.connects == 2, i);
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

/* Memory ran out while the connection's options were kept: no connection without them. */
static void
test_connection__whose_options_cannot_be_kept__is_not_opened(void)
{
	static const int rows[] = { MYSQL_OPT_NONBLOCK, MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_SET_CHARSET_NAME,
		MYSQL_OPT_SSL_VERIFY_SERVER_CERT };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		db_pool_free(&(struct db_pool *){ pool_start(1, 2000) }); /* the settings */
		conf.tls_ca = STR("/nonexistent/ca.pem");
		struct db_pool *pool = db_pool_new(db.loop, &conf, NULL);
		REQUIRE(pool != NULL);
		option_refused = rows[i];
		asker_start(&a, pool, SELECT);
		asker_end(&a);
		option_refused = -1;
		EXPECT_IDX(a.result->status == DB_DOWN && db.connects == 0, i);
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

/* wait_timeout: the next statement does not notice. */
static void
test_connection__closed_by_the_server_while_idle__costs_nobody_an_answer(void)
{
	static const enum what rows[] = { SELECT, INSERT, POINT, TX_INSERT };
	for (size_t i = 0; i < NITEMS(rows); i++)
		for (int seen = 0; seen < 2; seen++) { /* the loop has seen it, or not yet */
			struct asker a;
			if (!seen && rows[i] != SELECT && rows[i] != POINT)
				continue; /* then nobody can know whether the server got it */
			server_start();
			struct db_pool *pool = pool_start(1, 5000);
			asker_start(&a, pool, SELECT);
			asker_end(&a);
			asker_free(&a);
			client_drop(&db.clients[0]);
			for (int k = 0; seen && k < 3; k++)
				loop_run_once(db.loop, false);
			asker_start(&a, pool, rows[i]);
			asker_end(&a);
			EXPECT_IDX(a.result->status == DB_OK && db.connects == 2, i);
			asker_free(&a);
			db_pool_free(&pool);
			server_stop();
		}
}

/* --- cells of rows -------------------------------------------------------------------------------------------------------------- */

#define TEXT_CHARSET 45, 0
#define BINARY       63, 0
static void
test_cells__of_each_type(void)
{
	static const struct {
		struct col col;
		const char *value; /* as the binary protocol has it */
		size_t n;
		struct db_cell cell;
	} rows[] = {
#define V(text) text, sizeof(text) - 1
		{ { MYSQL_TYPE_TINY, 0, BINARY }, V("\xff"), { .kind = DB_C_INT, .i = -1 } },
		{ { MYSQL_TYPE_TINY, UNSIGNED_FLAG, BINARY }, V("\xff"), { .kind = DB_C_INT, .i = 255 } },
		{ { MYSQL_TYPE_SHORT, 0, BINARY }, V("\x00\x80"), { .kind = DB_C_INT, .i = -32768 } },
		{ { MYSQL_TYPE_LONG, 0, BINARY }, V("\xff\xff\xff\x7f"), { .kind = DB_C_INT, .i = 2147483647 } },
		{ { MYSQL_TYPE_LONG, UNSIGNED_FLAG, BINARY }, V("\xff\xff\xff\xff"),
		    { .kind = DB_C_INT, .i = 4294967295 } },
		{ { MYSQL_TYPE_LONGLONG, 0, BINARY }, V("\0\0\0\0\0\0\0\x80"), { .kind = DB_C_INT, .i = INT64_MIN } },
		{ { MYSQL_TYPE_YEAR, UNSIGNED_FLAG, BINARY }, V("\xe6\x07"), { .kind = DB_C_INT, .i = 2022 } },
		{ { MYSQL_TYPE_DOUBLE, 0, 63, 31 }, V("\0\0\0\0\0\0\xf8\x3f"), { .kind = DB_C_FLOAT, .f = 1.5 } },
		{ { MYSQL_TYPE_FLOAT, 0, 63, 31 }, V("\x9a\x19\x5c\x43"), { .kind = DB_C_FLOAT, .f = 220.1 } },
		{ { MYSQL_TYPE_VAR_STRING, 0, TEXT_CHARSET }, V("\5hello"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("hello") } },
		{ { MYSQL_TYPE_VAR_STRING, 0, TEXT_CHARSET }, V("\0"), { .kind = DB_C_TEXT, .s = STR_INIT("") } },
		{ { MYSQL_TYPE_BLOB, 0, TEXT_CHARSET }, V("\2\xc3\xa9"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("\xc3\xa9") } },
		{ { MYSQL_TYPE_BLOB, BINARY_FLAG, BINARY }, V("\4a\0b\xff"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("a\0b\xff") } },
		{ { MYSQL_TYPE_STRING, BINARY_FLAG, BINARY }, V("\3\0\0\1"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("\0\0\1") } },
		{ { MYSQL_TYPE_NEWDECIMAL, 0, 63, 2 }, V("\6-12.50"), { .kind = DB_C_TEXT, .s = STR_INIT("-12.50") } },
		{ { MYSQL_TYPE_DATE, 0, BINARY }, V("\4\xe6\x07\1\2"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("2022-01-02") } },
		{ { MYSQL_TYPE_DATE, 0, BINARY }, V("\0"), { .kind = DB_C_TEXT, .s = STR_INIT("0000-00-00") } },
		{ { MYSQL_TYPE_DATETIME, 0, BINARY }, V("\7\xe6\x07\1\2\3\4\5"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("2022-01-02 03:04:05") } },
		{ { MYSQL_TYPE_DATETIME, 0, BINARY }, V("\4\xe6\x07\1\2"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("2022-01-02 00:00:00") } },
		{ { MYSQL_TYPE_DATETIME, 0, 63, 6 }, V("\x0b\xe6\x07\1\2\3\4\5\x40\xe2\1\0"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("2022-01-02 03:04:05.123456") } },
		{ { MYSQL_TYPE_DATE, 0, BINARY }, V("\4\xff\xff\xff\xff"),
		    { .kind = DB_C_TEXT, .s = STR_INIT("7295-55-55") } }, /* no date: nothing worse */
		{ { MYSQL_TYPE_VAR_STRING, 0, TEXT_CHARSET }, NULL, 0, { .kind = DB_C_NULL } },
		{ { MYSQL_TYPE_LONG, 0, BINARY }, NULL, 0, { .kind = DB_C_NULL } },
#undef V
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		db.cols[0] = rows[i].col;
		db.row_n = 2;
		db.row[0] = 0;
		db.row[1] = rows[i].value == NULL ? 1 << 2 : 0;
		if (rows[i].value != NULL)
			memcpy(db.row + db.row_n, rows[i].value, rows[i].n);
		db.row_n += rows[i].n;
		struct db_pool *pool = pool_start(1, 5000);
		asker_start(&a, pool, SELECT);
		asker_end(&a);
		EXPECT_IDX(a.result->status == DB_OK && a.result->n_rows == 1 && a.result->n_cols == 1, i);
		if (a.result->n_rows == 1) {
			const struct db_cell *is = db_cell(a.result, 0, 0), *want = &rows[i].cell;
			EXPECT_IDX(is->kind == want->kind, i);
			EXPECT_IDX(is->kind != DB_C_INT || is->i == want->i, i);
			EXPECT_IDX(is->kind != DB_C_FLOAT || (is->f <= want->f && is->f >= want->f), i);
			EXPECT_IDX(is->kind != DB_C_TEXT || str_eq(is->s, want->s), i);
			EXPECT_IDX(is->kind == DB_C_TEXT || is->s.p == NULL, i);
			EXPECT_IDX(is->kind != DB_C_TEXT || is->s.p[is->s.n] == 0, i);
			if (is->kind == DB_C_TEXT && !str_eq(is->s, want->s))
				printf("\n    %.*s", STR_ARG(is->s));
		}
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

static void
many_asked(struct db_pool *pool, unsigned which, enum db_status status, unsigned row)
{
	struct asker a;
	many_next = which;
	asker_start(&a, pool, MANY);
	asker_end(&a);
	EXPECT_IDX(a.result->status == status, row);
	asker_free(&a);
}

/* max_prepared_stmt_count is of all connections, sites and workers together: who finds no room makes some, and goes on with fewer. */
static void
test_statements__more_than_the_server_keeps__are_answered_all_the_same(void)
{
	static const struct {
		unsigned conns, kept_max, configured;
	} rows[] = { { 1, 5, 0 }, { 4, 9, 0 }, { 1, 100, 8 }, { 4, 100, 8 } };
	for (size_t i = 0; i < NITEMS(many_sql); i++)
		many_sql[i] = (struct db_stmt){ "many", "SELECT a FROM t WHERE b = ?", false };
	for (unsigned i = 0; i < NITEMS(rows); i++) {
		server_start();
		db.kept_max = rows[i].kept_max;
		struct db_pool *pool = pool_start(rows[i].conns, 5000);
		conf.statements_max = rows[i].configured;
		db_pool_free(&pool);
		pool = db_pool_new(db.loop, &conf, NULL);
		REQUIRE(pool != NULL);
		for (unsigned k = 0; k < 4 * NITEMS(many_sql); k++)
			many_asked(pool, k % NITEMS(many_sql), DB_OK, i);
		EXPECT_IDX(db.connects <= rows[i].conns && db.kept <= rows[i].kept_max, i);
		EXPECT_IDX(rows[i].configured == 0 || db.kept <= rows[i].configured * rows[i].conns, i);
		db_pool_free(&pool);
		server_stop();
	}
}

static void
test_statements__none_of_which_the_server_keeps__are_down_until_it_does(void)
{
	server_start();
	struct db_pool *pool = pool_start(2, 5000);
	for (unsigned i = 0; i < 6; i++) {
		db.kept_max = i % 2 == 0 ? 0 : 10;
		many_asked(pool, i, i % 2 == 0 ? DB_DOWN : DB_OK, i);
	}
	db_pool_free(&pool);
	server_stop();
}

/* A row that the library does not understand (a number wider than any): never the memory that stood in the buffer, nor "no such row". */
static void
test_cells__of_a_malformed_row__are_no_answer(void)
{
	static const enum what rows[] = { SELECT, POINT, TX_SELECT };
	bool takes = false;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct asker a;
		server_start();
		db.width = 256;
		db.cols[0] = (struct col){ MYSQL_TYPE_LONG, 0, BINARY };
		memcpy(db.row, "\0\0\1\2\3\4", 6);
		struct db_pool *pool = pool_start(1, 5000);
		asker_start(&a, pool, rows[i]);
		asker_end(&a);
		takes |= i == 0 && a.result->status == DB_OK; /* an older library reads the number */
		EXPECT_IDX(takes || a.result->status == DB_REFUSED, i);
		EXPECT_IDX(a.result->n_rows == 0 || db_cell(a.result, 0, 0)->i == 0x04030201, i);
		asker_free(&a);
		db_pool_free(&pool);
		server_stop();
	}
}

TESTS(T(test_statement__against_a_server_that), T(test_reads__under_one_wait__end_each_for_itself),
    T(test_reads__of_a_client_that_left__are_not_touched),
    T(test_transaction__left_in_the_turn_of_its_answer__is_not_the_next_clients),
    T(test_statement__whose_client_left__is_not_touched), T(test_transaction__after_trouble__is_dead),
    T(test_connections__that_the_server_refuses__leave_the_others_at_work),
    T(test_connections__all_refused__answer_down_soon), T(test_connection__whose_settings_get_no_answer__is_given_up),
    T(test_connection__whose_options_cannot_be_kept__is_not_opened),
    T(test_connection__closed_by_the_server_while_idle__costs_nobody_an_answer), T(test_cells__of_each_type),
    T(test_cells__of_a_malformed_row__are_no_answer),
    T(test_statements__more_than_the_server_keeps__are_answered_all_the_same),
    T(test_statements__none_of_which_the_server_keeps__are_down_until_it_does))
