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

TESTS(T(test_frames__not_permitted__end_the_connection),
    T(test_frames__in_single_bytes__are_answered_with_their_number),
    T(test_serve__a_peer_that_asks_much__holds_up_neither_itself_nor_others))
