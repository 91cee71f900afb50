/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: deferred calls, descriptors, timers; descriptors that travel between processes. */
#include "gateway/loop/fdpass.h"
#include "gateway/loop/loop.h"

#include "harness.h"

#include <sys/socket.h>
#include <unistd.h>

static char trace[32];
static size_t n_trace;

static void
note(void *arg)
{
	trace[n_trace++] = *(const char *)arg;
}

static void
test_deferred__run_in_order_once_and_not_when_cancelled(void)
{
	struct loop *l = loop_new();
	struct loop_defer a = { 0 }, b = { 0 }, c = { 0 };
	n_trace = 0;
	loop_defer(l, &a, note, (void *)(uintptr_t)"a");
	loop_defer(l, &b, note, (void *)(uintptr_t)"b");
	loop_defer(l, &c, note, (void *)(uintptr_t)"c");
	loop_defer_cancel(l, &b);
	EXPECT(a.pending && !b.pending);
	loop_run_once(l, true); /* does not block: something is due */
	loop_run_once(l, false);
	EXPECT(n_trace == 2 && memcmp(trace, "ac", 2) == 0 && !a.pending);
	loop_free(&l);
}

struct again {
	struct loop *loop;
	struct loop_defer d;
	unsigned runs;
};

static void
run_again(void *arg)
{
	struct again *a = arg;
	a->runs++;
	loop_defer(a->loop, &a->d, run_again, a);
}

static void
test_deferred__that_never_ends__lets_other_events_in(void)
{
	struct again a = { .loop = loop_new() };
	run_again(&a);
	loop_run_once(a.loop, false); /* returns */
	EXPECT(a.runs > 1 && a.runs < 100);
	loop_defer_cancel(a.loop, &a.d);
	loop_free(&a.loop);
}

static unsigned seen;

static void
on_ready(int fd, unsigned ready, void *arg)
{
	char c;
	(void)arg;
	seen |= ready;
	if (ready & LOOP_READ)
		(void)!read(fd, &c, 1);
}

static void
test_descriptor__is_watched_as_asked(void)
{
	struct loop *l = loop_new();
	int fds[2];
	struct err e = { 0 };
	REQUIRE(fdpass_pair(fds, &e) == 0);
	struct loop_io *io = loop_io_new(l, fds[0], LOOP_READ, on_ready, NULL);
	seen = 0;
	loop_run_once(l, false);
	EXPECT(seen == 0);
	REQUIRE(write(fds[1], "xy", 2) == 2);
	loop_run_once(l, true);
	EXPECT(seen == LOOP_READ);
	loop_io_interest(io, 0);
	seen = 0;
	loop_run_once(l, false);
	EXPECT(seen == 0); /* the second byte waits */
	loop_io_interest(io, LOOP_WRITE | LOOP_READ);
	loop_run_once(l, true);
	EXPECT(seen == (LOOP_READ | LOOP_WRITE));
	loop_io_free(&io);
	loop_free(&l);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
test_timer__fires_once_and_not_when_cleared(void)
{
	struct loop *l = loop_new();
	struct loop_timer *t = loop_timer_new(l, note, (void *)(uintptr_t)"t"),
	                  *u = loop_timer_new(l, note, (void *)(uintptr_t)"u");
	n_trace = 0;
	loop_timer_set(t, 5);
	loop_timer_set(u, 1);
	loop_timer_clear(u);
	for (int turns = 0; n_trace == 0 && turns < 100; turns++)
		loop_run_once(l, true);
	loop_run_once(l, false);
	EXPECT(n_trace == 1 && trace[0] == 't');
	loop_timer_free(&t);
	loop_timer_free(&u);
	loop_free(&l);
}

static void
test_fdpass__moves_a_descriptor_and_tells_the_end(void)
{
	int pair[2], inner[2];
	char c = 0;
	struct err e = { 0 };
	REQUIRE(fdpass_pair(pair, &e) == 0 && fdpass_pair(inner, &e) == 0);
	EXPECT(fdpass_receive(pair[1]) == -1);
	REQUIRE(write(pair[0], "no descriptor", 13) == 13 && fdpass_send(pair[0], inner[0], &e) == 0);
	int got = -1;
	for (int i = 0; i < 20 && got < 0; i++)
		got = fdpass_receive(pair[1]);
	REQUIRE(got >= 0 && got != inner[0]);
	REQUIRE(write(got, "z", 1) == 1 && read(inner[1], &c, 1) == 1);
	EXPECT(c == 'z');
	(void)close(pair[0]);
	EXPECT(fdpass_receive(pair[1]) == -2);
	(void)close(pair[1]);
	(void)close(got);
	(void)close(inner[0]);
	(void)close(inner[1]);
}

TESTS(T(test_deferred__run_in_order_once_and_not_when_cancelled),
    T(test_deferred__that_never_ends__lets_other_events_in), T(test_descriptor__is_watched_as_asked),
    T(test_timer__fires_once_and_not_when_cleared), T(test_fdpass__moves_a_descriptor_and_tells_the_end))
