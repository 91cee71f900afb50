/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event loop over libevent's epoll backend. */
#include "gateway/loop/loop.h"

#include "gateway/base/list.h"
#include "gateway/loop/loop_private.h"
#include "gateway/loop/wheel.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>

enum { DRAIN_ROUNDS = 16, SIGNALS_MAX = 8 };

struct loop_signal_watch {
	struct event event;
	void (*fn)(int signo, void *arg);
	void *arg;
};
struct loop {
	unsigned magic;
#define LOOP_MAGIC 0x19d3f7a5u
	struct event_base *base;
	struct loop_defer deferred; /* head of a ring */
	int64_t now_us, real_us;
	bool stop, fresh; /* fresh: the clock was read in this turn */
	struct wheel *wheel;
	struct loop_signal_watch signals[SIGNALS_MAX];
	unsigned n_signals;
};

struct event_base *
loop_event_base(struct loop *l)
{
	CHECK_OBJ(l, LOOP_MAGIC);
	return l->base;
}

/* --- turns ---------------------------------------------------------------------------------------------------------------- */

static void
clock_read(struct loop *l)
{
	l->fresh = true;
	l->now_us = clock_mono_us(&clock_system);
	l->real_us = clock_real_us(&clock_system);
}

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof *l);
	struct event_config *cfg = l == NULL ? NULL : event_config_new();
	if (cfg == NULL) {
		free(l);
		return NULL;
	}
	(void)event_config_set_flag(
	    cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_IGNORE_ENV);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	l->magic = LOOP_MAGIC;
	l->deferred.next = l->deferred.prev = &l->deferred;
	clock_read(l);
	l->wheel = l->base == NULL ? NULL : wheel_new(l);
	if (l->wheel == NULL)
		loop_free(&l);
	return l;
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	CHECK_OBJ(l, LOOP_MAGIC);
	wheel_free(&l->wheel);
	for (unsigned i = 0; i < l->n_signals; i++)
		(void)event_del(&l->signals[i].event);
	if (l->base != NULL)
		event_base_free(l->base);
	l->magic = 0;
	free(l);
}

static void
deferred_run(struct loop *l)
{
	for (int round = 0; round < DRAIN_ROUNDS && l->deferred.next != &l->deferred; round++) {
		/* this round: what is there now; what it adds is the next round */
		struct loop_defer mark = { .prev = l->deferred.prev, .next = &l->deferred };
		l->deferred.prev->next = &mark;
		l->deferred.prev = &mark;
		while (l->deferred.next != &mark) {
			struct loop_defer *d = l->deferred.next;
			loop_defer_cancel(l, d);
			d->fn(d->arg);
		}
		mark.prev->next = mark.next;
		mark.next->prev = mark.prev;
	}
}

void
loop_run_once(struct loop *l, bool block)
{
	bool idle = l->deferred.next == &l->deferred;
	l->fresh = false;
	(void)event_base_loop(l->base, block && idle ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (!l->fresh)
		clock_read(l);
	deferred_run(l);
}

void
loop_run(struct loop *l)
{
	CHECK_OBJ(l, LOOP_MAGIC);
	l->stop = false;
	clock_read(l);
	deferred_run(l);
	while (!l->stop)
		loop_run_once(l, true);
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
	event_base_loopbreak(l->base);
}

int64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

int64_t
loop_real_us(const struct loop *l)
{
	return l->real_us;
}

struct wheel *
loop_wheel(const struct loop *l)
{
	return l->wheel;
}

/* --- deferred calls --------------------------------------------------------------------------------------------------------- */

void
loop_defer(struct loop *l, struct loop_defer *d, void (*fn)(void *), void *arg)
{
	CHECK(!d->pending);
	*d = (struct loop_defer){ fn, arg, &l->deferred, l->deferred.prev, true };
	l->deferred.prev->next = d;
	l->deferred.prev = d;
}

void
loop_defer_cancel(struct loop *l, struct loop_defer *d)
{
	(void)l;
	if (!d->pending)
		return;
	d->prev->next = d->next;
	d->next->prev = d->prev;
	d->pending = false;
}

/* --- descriptors -------------------------------------------------------------------------------------------------------------- */

struct loop_io {
	unsigned magic;
#define LOOP_IO_MAGIC 0x8b05e2c1u
	unsigned interest;
	struct loop *loop;
	loop_io_fn *fn;
	void *arg;
	struct event event;
};

/* The first callback of a turn reads the clock. */
static void
io_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	unsigned ready = (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u);
	if (!io->loop->fresh)
		clock_read(io->loop);
	io->fn((int)fd, ready, io->arg);
}

struct loop_io *
loop_io_new(struct loop *l, int fd, unsigned interest, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = calloc(1, sizeof *io);
	if (io == NULL)
		return NULL;
	io->magic = LOOP_IO_MAGIC;
	io->loop = l;
	io->fn = fn;
	io->arg = arg;
	(void)event_assign(&io->event, l->base, fd, EV_PERSIST, io_ready, io);
	loop_io_interest(io, interest);
	return io;
}

void
loop_io_interest(struct loop_io *io, unsigned interest)
{
	CHECK_OBJ(io, LOOP_IO_MAGIC);
	if (interest == io->interest)
		return;
	int fd = event_get_fd(&io->event);
	if (io->interest != 0)
		(void)event_del(&io->event);
	io->interest = interest;
	if (interest == 0)
		return;
	short what =
	    (short)((interest & LOOP_READ ? EV_READ : 0) | (interest & LOOP_WRITE ? EV_WRITE : 0) | EV_PERSIST);
	(void)event_assign(&io->event, io->loop->base, fd, what, io_ready, io);
	(void)event_add(&io->event, NULL);
}

void
loop_io_free(struct loop_io **iop)
{
	struct loop_io *io = *iop;
	*iop = NULL;
	if (io == NULL)
		return;
	loop_io_interest(io, 0);
	io->magic = 0;
	free(io);
}

/* --- timers ---------------------------------------------------------------------------------------------------------------------- */

struct loop_timer {
	struct event event;
	void (*fn)(void *arg);
	void *arg;
	struct loop *loop;
};

static void
timer_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;
	(void)fd;
	(void)what;
	if (!t->loop->fresh)
		clock_read(t->loop);
	t->fn(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	t->loop = l;
	(void)event_assign(&t->event, l->base, -1, 0, timer_ready, t);
	return t;
}

void
loop_timer_free(struct loop_timer **tp)
{
	struct loop_timer *t = *tp;
	*tp = NULL;
	if (t == NULL)
		return;
	(void)event_del(&t->event);
	free(t);
}

void
loop_timer_set(struct loop_timer *t, uint32_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };
	(void)event_add(&t->event, &tv);
}

void
loop_timer_clear(struct loop_timer *t)
{
	(void)event_del(&t->event);
}

/* --- signals ---------------------------------------------------------------------------------------------------------------------- */

static void
signal_ready(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal_watch *s = arg;
	(void)what;
	s->fn((int)signo, s->arg);
}

int
loop_signal(struct loop *l, int signo, void (*fn)(int signo, void *arg), void *arg)
{
	if (l->n_signals == SIGNALS_MAX)
		return -1;
	struct loop_signal_watch *s = &l->signals[l->n_signals++];
	s->fn = fn;
	s->arg = arg;
	(void)evsignal_assign(&s->event, l->base, signo, signal_ready, s);
	return event_add(&s->event, NULL);
}
