/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Redis client against a server that answers as each row says: whole, in pieces, wrongly, late, never. The real server's part is
 * tests/e2e/test_stores_down.py.                                                                                           */
#include "gateway/store/redis.h"

#include "harness.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEADLINE_MS = 60, TURNS_MAX = 2000, WAIT_US = 5000000 };

/* --- a server on the same loop ------------------------------------------------------------------------------------------------ */

static struct loop *loop;
static char folder[] = "/tmp/redis-XXXXXX", path[64];
static int listening = -1, client = -1;
static struct loop_io *accepting, *reading;
static const char *answer; /* to GET; NULL: none, "": cut */
static bool by_bytes, scripts_known, dead, asked;
static unsigned evals;

static void
client_drop(void)
{
	loop_io_free(&reading);
	if (client >= 0)
		(void)close(client);
	client = -1;
}

static void
say(const char *text)
{
	size_t n = strlen(text);
	for (size_t at = 0, step = by_bytes ? 1 : n; at < n; at += step)
		(void)!send(client, text + at, step, MSG_NOSIGNAL); /* the client may have left */
}

static void
on_command(struct str name)
{
	if (str_eq(name, STR("GET"))) {
		asked = true;
		if (answer != NULL && answer[0] != 0)
			say(answer);
		else if (answer != NULL)
			client_drop();
	} else if (str_eq(name, STR("EVALSHA"))) {
		say(scripts_known ? ":1\r\n" : "-NOSCRIPT No matching script\r\n");
	} else if (str_eq(name, STR("EVAL"))) {
		evals++;
		say(":2\r\n");
	} else {
		say("+OK\r\n");
	}
}

/* Commands come whole: the client writes them in one piece. */
static void
on_client(int fd, unsigned ready, void *arg)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
	(void)ready, (void)arg;
	if (n <= 0) {
		client_drop();
		return;
	}
	struct str rest = { text, (size_t)n };
	while (client >= 0 && rest.n > 0) {
		uint64_t parts = 0, bytes = 0;
		REQUIRE(rest.p[0] == '*' && str_to_u64(str_sub(rest, 1, str_find(rest, '\r')), 64, &parts) == 0);
		rest = str_skip(rest, str_find(rest, '\n') + 1);
		struct str name = STR_NULL;
		for (uint64_t i = 0; i < parts; i++) {
			REQUIRE(str_to_u64(str_sub(rest, 1, str_find(rest, '\r')), sizeof text, &bytes) == 0);
			rest = str_skip(rest, str_find(rest, '\n') + 1);
			if (i == 0)
				name = str_sub(rest, 0, bytes);
			rest = str_skip(rest, bytes + 2);
		}
		on_command(name);
	}
}

static void
on_accept(int fd, unsigned ready, void *arg)
{
	(void)ready, (void)arg;
	int got = accept(fd, NULL, NULL);
	if (got < 0)
		return;
	if (dead) {
		(void)close(got);
		return;
	}
	client_drop();
	client = got;
	reading = loop_io_new(loop, client, LOOP_READ, on_client, NULL);
}

static void
server_start(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	loop = loop_new();
	memcpy(folder, "/tmp/redis-XXXXXX", sizeof folder);
	REQUIRE(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/s", folder);
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	REQUIRE(listening >= 0 && bind(listening, (struct sockaddr *)&at, sizeof at) == 0 && listen(listening, 8) == 0);
	accepting = loop_io_new(loop, listening, LOOP_READ, on_accept, NULL);
	answer = NULL;
	by_bytes = scripts_known = dead = asked = false;
	evals = 0;
}

static void
server_stop(void)
{
	client_drop();
	loop_io_free(&accepting);
	(void)close(listening);
	(void)unlink(path);
	(void)rmdir(folder);
	loop_free(&loop);
}

/* --- asking -------------------------------------------------------------------------------------------------------------------- */

static const struct redis_script script = { "test", "return 1" };
struct ask {
	struct task task;
	struct arena *arena;
	struct redis *redis;
	struct redis_result *result;
	bool eval, done;
};

static enum step
ask_step(struct task *t)
{
	struct ask *a = CONTAINER_OF(t, struct ask, task);
	if (a->eval)
		return redis_eval(t, a->redis, &script, &STR("k"), 1, NULL, 0, &a->result);
	return REDIS_CALL(t, a->redis, &a->result, STR("GET"), STR("k"));
}

static enum step
read_step(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(ask_table, 1, { "ask", ask_step }, { "read", read_step });

static void
ask_done(struct task *t)
{
	CONTAINER_OF(t, struct ask, task)->done = true;
}

static void
ask_begin(struct ask *a, struct redis *r, bool eval, size_t arena_bytes)
{
	*a = (struct ask){ .redis = r, .eval = eval, .arena = arena_new("test", arena_bytes) };
	task_init(&a->task, loop, a->arena, &ask_table, NULL, ask_done);
	task_run(&a->task);
}

static void
ask_end(struct ask *a)
{
	for (int i = 0; !a->done && i < TURNS_MAX; i++)
		loop_run_once(loop, true);
	EXPECT(a->done && a->result != NULL);
}

static struct redis *
client_start(struct redis_conf *conf)
{
	*conf = (struct redis_conf){ .socket = str_of(path),
		.connections = 1,
		.deadline_ms = DEADLINE_MS,
		.breaker_failures = 3,
		.breaker_open_ms = 40 };
	struct redis *r = redis_new(loop, conf, NULL);
	struct redis_stats s = { 0 };
	REQUIRE(r != NULL);
	for (int i = 0; s.connected == 0 && i < TURNS_MAX; i++) {
		loop_run_once(loop, true);
		redis_stats(r, &s);
	}
	return r;
}

/* --- promises -------------------------------------------------------------------------------------------------------------------- */

static void
test_answers__of_each_kind__become_values_or_a_status(void)
{
	static const struct {
		const char *text;
		size_t arena_bytes;
		enum redis_status status;
		int kind;
		const char *s;
	} rows[] = {
		{ "$5\r\nhello\r\n", 1 << 14, REDIS_OK, REDIS_STR, "hello" },
		{ "$-1\r\n", 1 << 14, REDIS_OK, REDIS_NIL, NULL }, { ":42\r\n", 1 << 14, REDIS_OK, REDIS_INT, NULL },
		{ "*2\r\n:1\r\n$1\r\nx\r\n", 1 << 14, REDIS_OK, REDIS_ARRAY, NULL },
		{ "-WRONGTYPE Operation\r\n", 1 << 14, REDIS_REFUSED, REDIS_NIL, NULL },
		{ "nonsense\r\n", 1 << 14, REDIS_DOWN, REDIS_NIL, NULL },
		{ "", 1 << 14, REDIS_DOWN, REDIS_NIL, NULL },      /* cut */
		{ NULL, 1 << 14, REDIS_TIMEOUT, REDIS_NIL, NULL }, /* silent */
	};
	for (size_t i = 0; i < NITEMS(rows); i++)
		for (int pieces = 0; pieces < 2; pieces++) {
			struct redis_conf conf;
			struct ask a;
			server_start();
			struct redis *r = client_start(&conf);
			answer = rows[i].text;
			by_bytes = pieces == 1;
			ask_begin(&a, r, false, rows[i].arena_bytes);
			ask_end(&a);
			EXPECT_IDX(a.result->status == rows[i].status && (int)a.result->value.kind == rows[i].kind, i);
			EXPECT_IDX(rows[i].s == NULL || str_eq(a.result->value.s, str_of(rows[i].s)), i);
			arena_free(&a.arena);
			redis_free(&r);
			server_stop();
		}
}

/* A reply of any size would fill the worker's memory: the connection ends instead, and the next is well. */
static void
test_answer__too_large__ends_the_connection(void)
{
	static const char *const heads[] = { "$1000000000\r\n", "*1000000\r\n$1000000\r\n" };
	static char piece[256 << 10];
	memset(piece, 'x', sizeof piece);
	for (size_t i = 0; i < NITEMS(heads); i++) {
		struct redis_conf conf;
		struct redis_stats s;
		struct ask a;
		size_t sent = 0;
		server_start();
		struct redis *r = client_start(&conf);
		conf.deadline_ms = 10000;
		answer = heads[i];
		ask_begin(&a, r, false, 1 << 14);
		while (!asked)
			loop_run_once(loop, true);
		for (int turn = 0; !a.done && turn < TURNS_MAX * 10; turn++) {
			ssize_t n = client < 0 ? -1 : send(client, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
			loop_run_once(loop, false);
		}
		EXPECT_IDX(a.done && a.result->status == REDIS_DOWN && sent < (size_t)20 << 20, i);
		arena_free(&a.arena);
		answer = "$2\r\nok\r\n";
		while (redis_stats(r, &s), s.connected == 0)
			loop_run_once(loop, true); /* its timer to connect again */
		ask_begin(&a, r, false, 1 << 14);
		ask_end(&a);
		EXPECT_IDX(a.result->status == REDIS_OK, i);
		arena_free(&a.arena);
		redis_free(&r);
		server_stop();
	}
}

static void
test_script__after_a_restart__runs_as_eval_within_the_same_call(void)
{
	struct redis_conf conf;
	struct ask a;
	server_start();
	struct redis *r = client_start(&conf);
	for (int known = 0; known < 2; known++) {
		scripts_known = known == 1;
		ask_begin(&a, r, true, 1 << 14);
		ask_end(&a);
		EXPECT_IDX(a.result->status == REDIS_OK && a.result->value.i == 2 - known, (size_t)known);
		arena_free(&a.arena);
	}
	EXPECT(evals == 1);
	redis_free(&r);
	server_stop();
}

static void
test_breaker__opens_answers_at_once_and_closes_by_a_probe(void)
{
	struct redis_conf conf;
	struct redis_stats s;
	struct ask a;
	server_start();
	struct redis *r = client_start(&conf);
	dead = true;
	client_drop();
	int64_t end = clock_mono_us(&clock_system) + WAIT_US;
	for (size_t i = 0; redis_stats(r, &s), s.breaker != BREAKER_OPEN && clock_mono_us(&clock_system) < end; i++) {
		ask_begin(&a, r, false, 1 << 14);
		ask_end(&a);
		EXPECT_IDX(a.result->status == REDIS_DOWN || a.result->status == REDIS_TIMEOUT, i);
		arena_free(&a.arena);
		loop_run_once(loop, true); /* the next try to connect */
	}
	EXPECT(s.breaker == BREAKER_OPEN);
	int64_t begin = clock_mono_us(&clock_system);
	ask_begin(&a, r, false, 1 << 14);
	ask_end(&a);
	EXPECT(a.result->status == REDIS_DOWN && clock_mono_us(&clock_system) - begin < DEADLINE_MS * 1000);
	arena_free(&a.arena);
	dead = false;
	answer = "$2\r\nok\r\n";
	enum redis_status last = REDIS_DOWN;
	end = clock_mono_us(&clock_system) + WAIT_US;
	while (last != REDIS_OK && clock_mono_us(&clock_system) < end) {
		ask_begin(&a, r, false, 1 << 14);
		ask_end(&a);
		last = a.result->status;
		arena_free(&a.arena);
		loop_run_once(loop, false);
	}
	redis_stats(r, &s);
	EXPECT(last == REDIS_OK && s.breaker == BREAKER_CLOSED);
	redis_free(&r);
	server_stop();
}

static void
test_task__cancelled__its_late_answer_reaches_nobody_and_the_next_gets_its_own(void)
{
	struct redis_conf conf;
	struct ask gone, next;
	server_start();
	struct redis *r = client_start(&conf);
	answer = "$5\r\nfirst\r\n";
	ask_begin(&gone, r, false, 1 << 14);
	task_cancel(&gone.task);
	arena_free(&gone.arena);
	ask_begin(&next, r, false, 1 << 14);
	ask_end(&next);
	EXPECT(!gone.done && next.result->status == REDIS_OK && str_eq(next.result->value.s, STR("first")));
	arena_free(&next.arena);
	redis_free(&r);
	server_stop();
}

static void
test_free__with_a_call_under_way__ends_it_as_down(void)
{
	struct redis_conf conf;
	struct ask a;
	server_start();
	struct redis *r = client_start(&conf);
	ask_begin(&a, r, false, 1 << 14);
	redis_free(&r);
	ask_end(&a);
	EXPECT(a.result->status == REDIS_DOWN);
	arena_free(&a.arena);
	server_stop();
}

TESTS(T(test_answers__of_each_kind__become_values_or_a_status), T(test_answer__too_large__ends_the_connection),
    T(test_script__after_a_restart__runs_as_eval_within_the_same_call),
    T(test_breaker__opens_answers_at_once_and_closes_by_a_probe),
    T(test_task__cancelled__its_late_answer_reaches_nobody_and_the_next_gets_its_own),
    T(test_free__with_a_call_under_way__ends_it_as_down))
