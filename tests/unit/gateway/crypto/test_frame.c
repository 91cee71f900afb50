/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to keyd and hashd: HELLO first and once, only rows of the table, within their caps. */
#include "gateway/crypto/frame.h"

#include "harness.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned n_ran;

static void
echo(void *ctx, struct str payload, struct buf *reply)
{
	(void)ctx;
	n_ran++;
	buf_str_put(reply, payload);
}

static void
put(struct buf *b, uint32_t len, uint32_t id, uint8_t type, struct str payload)
{
	buf_put(b, &len, sizeof len);
	buf_put(b, &id, sizeof id);
	buf_put(b, &type, 1);
	buf_str_put(b, payload);
}

/* All whole frames of in: 0 when more bytes are needed, -1 when the connection ends. */
static int
feed_all(const struct frame_row *rows, size_t n_rows, unsigned *seen, struct buf *in, struct buf *out)
{
	int fed;
	do
		fed = frame_feed(rows, n_rows, NULL, seen, in, out);
	while (fed == 1);
	return fed;
}

static void
test_frames__not_permitted__end_the_connection(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_ONCE | FRAME_PERMITS, echo }, { 1, 8, 0, echo } };
	static const struct {
		struct {
			bool there;
			uint8_t type;
			uint32_t len;
		} q[3];
		int result;
		unsigned ran;
	} cases[] = {
		{ { { true, 0, 0 }, { true, 1, 3 }, { true, 1, 8 } }, 0, 3 },
		{ { { true, 1, 3 } }, -1, 0 },                 /* no HELLO */
		{ { { true, 0, 0 }, { true, 0, 0 } }, -1, 1 }, /* a second HELLO */
		{ { { true, 0, 0 }, { true, 2, 0 } }, -1, 1 }, /* not in the table */
		{ { { true, 0, 0 }, { true, 1, 9 } }, -1, 1 }, /* over its cap */
		{ { { true, 0, 0 }, { true, 255, 0 } }, -1, 1 },
		{ { { true, 0, 0 }, { true, 1, 0xffffffffu } }, -1, 1 },
	};
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct buf in, out;
		unsigned seen = 0;
		n_ran = 0;
		buf_init(&in, NULL, 64, 4096);
		buf_init(&out, NULL, 64, 4096);
		for (size_t k = 0; k < 3 && cases[i].q[k].there; k++)
			put(&in, cases[i].q[k].len, (uint32_t)k + 7, cases[i].q[k].type,
			    str_sub(STR("123456789"), 0, cases[i].q[k].len));
		EXPECT_IDX(
		    feed_all(rows, NITEMS(rows), &seen, &in, &out) == cases[i].result && n_ran == cases[i].ran, i);
		buf_done(&in);
		buf_done(&out);
	}
}

static void
test_frames__in_single_bytes__are_answered_with_their_number(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_ONCE | FRAME_PERMITS, echo }, { 1, 8, 0, echo } };
	struct buf all, in, out;
	unsigned seen = 0;
	uint32_t id;
	buf_init(&all, NULL, 64, 4096);
	buf_init(&in, NULL, 64, 4096);
	buf_init(&out, NULL, 64, 4096);
	put(&all, 0, 1, 0, STR(""));
	put(&all, 3, 0xabcd, 1, STR("xyz"));
	for (size_t i = 0; i < all.n; i++) {
		buf_char(&in, all.p[i]);
		EXPECT_IDX(feed_all(rows, NITEMS(rows), &seen, &in, &out) == 0, i);
	}
	REQUIRE(out.n == FRAME_HEAD + FRAME_HEAD + 3 && in.n == 0);
	memcpy(&id, out.p + FRAME_HEAD + 4, sizeof id);
	EXPECT(id == 0xabcd && memcmp(out.p + 2 * FRAME_HEAD, "xyz", 3) == 0);
	buf_done(&all);
	buf_done(&in);
	buf_done(&out);
}

/* Runs when the other side says so: a byte in its pipe. The answer is how many ran before. */
static void
when_told(void *ctx, struct str payload, struct buf *reply)
{
	char c;
	(void)payload;
	if (read(*(const int *)ctx, &c, 1) == 1)
		buf_char(reply, (char)n_ran++);
}

/* A whole answer of one byte within 10 s, or -1. */
static int
answer(int fd)
{
	char frame[FRAME_HEAD + 1];
	struct pollfd p = { fd, POLLIN, 0 };
	return poll(&p, 1, 10000) == 1 && recv(fd, frame, sizeof frame, MSG_WAITALL) == (ssize_t)sizeof frame
	           ? frame[FRAME_HEAD]
	           : -1;
}

static void
test_serve__a_peer_that_asks_much__holds_up_neither_itself_nor_others(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_PERMITS, when_told } };
	enum { BUSY = 40 };
	int busy[2], other[2], turns[2];
	struct buf q;
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, busy) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0 &&
	        pipe(turns) == 0);
	buf_init(&q, NULL, 64, 4096);
	for (uint32_t i = 0; i < BUSY; i++)
		put(&q, 0, i, 0, STR(""));
	REQUIRE(write(busy[0], q.p, q.n) == (ssize_t)q.n && write(other[0], q.p, FRAME_HEAD) == FRAME_HEAD);
	n_ran = 0;
	pid_t pid = fork();
	if (pid == 0) {
		int peers[] = { busy[1], other[1] };
		(void)close(busy[0]);
		(void)close(other[0]);
		(void)close(turns[1]);
		_exit(frame_serve(rows, NITEMS(rows), &turns[0], peers, NITEMS(peers), -1, NULL));
	}
	(void)close(busy[1]);
	(void)close(other[1]);
	(void)close(turns[0]);
	REQUIRE(write(turns[1], "12", 2) ==
	        2); /* two of 41 may run: one of each peer, answered while the third waits for its turn */
	int first = answer(busy[0]), second = answer(other[0]);
	EXPECT((first == 0 && second == 1) || (first == 1 && second == 0));
	(void)close(turns[1]);
	(void)close(busy[0]);
	(void)close(other[0]);
	EXPECT(waitpid(pid, NULL, 0) == pid);
	buf_done(&q);
}

/* --- the asking side ----------------------------------------------------------------------------------------------------------- */

struct asker {
	struct task task;
	struct frame_client *client;
	size_t bytes;
	enum frame_outcome how;
	bool done;
};

static void
heard(void *result, struct task *t, enum frame_outcome how, struct str payload)
{
	(void)t, (void)payload;
	*(enum frame_outcome *)result = how;
}

static enum step
ask_step(struct task *t)
{
	static const char text[64];
	struct asker *a = CONTAINER_OF(t, struct asker, task);
	const struct str parts[] = { { text, a->bytes / 2 }, { text, a->bytes - a->bytes / 2 } };
	return frame_ask(t, a->client, 1, parts, NITEMS(parts), 5000, heard, &a->how);
}
static enum step
hear_step(struct task *t)
{
	CONTAINER_OF(t, struct asker, task)->done = true;
	return STEP_NEXT;
}
static STEP_TABLE(ask_table, 0, { "ask", ask_step }, { "hear", hear_step });

/* A question over the other side's cap would end the connection, for this worker's other requests too: it is not sent. */
static void
test_ask__over_the_cap__is_refused_and_the_connection_stays(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_ONCE | FRAME_PERMITS, echo }, { 1, 32, 0, echo } };
	static const struct {
		size_t bytes;
		enum frame_outcome how;
	} cases[] = { { 32, FRAME_ANSWERED }, { 33, FRAME_TOO_LARGE }, { 64, FRAME_TOO_LARGE }, { 1, FRAME_ANSWERED } };
	int fds[2];
	unsigned seen = 0;
	struct buf in, out;
	struct loop *l = loop_new();
	REQUIRE(l != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	struct frame_client *c = frame_client_new(l, fds[0], 0, rows, NITEMS(rows));
	REQUIRE(c != NULL);
	buf_init(&in, NULL, 64, 4096);
	buf_init(&out, NULL, 64, 4096);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		AUTO(arena) arena = arena_new("test", 1 << 14);
		struct asker a = { .client = c, .bytes = cases[i].bytes, .how = FRAME_LATE };
		task_init(&a.task, l, arena, &ask_table, NULL, NULL);
		task_run(&a.task);
		for (int turn = 0; !a.done && turn < 1000; turn++) {
			char *room = buf_room(&in, 1024);
			ssize_t n = recv(fds[1], room, 1024, MSG_DONTWAIT);
			in.n += n > 0 ? (size_t)n : 0;
			EXPECT_IDX(feed_all(rows, NITEMS(rows), &seen, &in, &out) == 0, i);
			if (out.n > 0 && send(fds[1], out.p, out.n, MSG_NOSIGNAL) == (ssize_t)out.n)
				buf_clear(&out);
			loop_run_once(l, false);
		}
		EXPECT_IDX(a.done && a.how == cases[i].how && frame_client_healthy(c), i);
	}
	buf_done(&in);
	buf_done(&out);
	frame_client_free(&c);
	(void)close(fds[1]);
	loop_free(&l);
}

TESTS(T(test_ask__over_the_cap__is_refused_and_the_connection_stays), T(test_frames__not_permitted__end_the_connection),
    T(test_frames__in_single_bytes__are_answered_with_their_number),
    T(test_serve__a_peer_that_asks_much__holds_up_neither_itself_nor_others))
