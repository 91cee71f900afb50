/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event loop: file descriptors, timers, signals, deferred calls. The only folder that sees libevent's event2/. One loop per
 * process; everything here runs in the process that owns the loop. Not for requests: step.h runs those on top.             */
#ifndef GATEWAY_LOOP_LOOP_H
#define GATEWAY_LOOP_LOOP_H

#include "gateway/base/clock.h"

#include <stdbool.h>

struct loop;

/* NULL when the kernel refuses (descriptors, memory). After fork the child makes its own loop. */
struct loop *loop_new(void);
void loop_free(struct loop **l);
/* Runs until loop_stop(). loop_run_once handles what is ready (block: waits for one event first): for tests. */
void loop_run(struct loop *l);
void loop_run_once(struct loop *l, bool block);
void loop_stop(struct loop *l);
/* Monotonic / real microseconds, read once per loop turn: cheap. */
int64_t loop_now_us(const struct loop *l);
int64_t loop_real_us(const struct loop *l);

/* Calls fn(arg) at the end of the present loop turn, after all ready events: what batching and wake-ups use. Cancel before arg
 * dies. The struct is the caller's; pending is true until it ran or was cancelled. Deferred calls made while deferred calls run
 * happen in the same drain, up to 16 rounds, then in the next turn.                                                        */
struct loop_defer {
	void (*fn)(void *arg);
	void *arg;
	struct loop_defer *next, *prev;
	bool pending;
};
void loop_defer(struct loop *l, struct loop_defer *d, void (*fn)(void *), void *arg);
void loop_defer_cancel(struct loop *l, struct loop_defer *d);

/* Watches a descriptor, level triggered. Interest changes are cheap (no system call when nothing changes). */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_io;
typedef void loop_io_fn(int fd, unsigned ready, void *arg);
/* NULL when out of memory. interest may be 0. Does not own fd. */
struct loop_io *loop_io_new(struct loop *l, int fd, unsigned interest, loop_io_fn *fn, void *arg);
void loop_io_free(struct loop_io **io); /* no callback after this; safe inside the callback */
void loop_io_interest(struct loop_io *io, unsigned interest);

/* One-shot timers; the struct is opaque, one allocation each; setting again moves it. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_free(struct loop_timer **t);
void loop_timer_set(struct loop_timer *t, uint32_t ms);
void loop_timer_clear(struct loop_timer *t);

/* Signals, delivered on the loop. Live until the loop is freed. */
int loop_signal(struct loop *l, int signo, void (*fn)(int signo, void *arg), void *arg) MUSTUSE;

#endif
