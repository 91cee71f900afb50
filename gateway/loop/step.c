/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running tasks, and the wait object. */
#include "gateway/loop/step.h"

#include "gateway/loop/wheel.h"

#include <stdlib.h>

enum { FREE_WAITS_MAX = 1024 };

struct wait {
	unsigned magic;
#define WAIT_MAGIC 0x64f2b80du
	bool woken;
	struct task *task;
	const struct wait_ops *ops;
	void *op;
	int64_t ends_us;
	struct wheel_item deadline;
	struct loop_defer wake;
	struct wait *next_free;
};
/* Waits are made and dropped several times per request; one process has one loop, so one list serves. */
static struct wait *free_waits;
static unsigned n_free_waits;

static struct wait *
wait_alloc(void)
{
	struct wait *w = free_waits;
	if (w == NULL)
		return calloc(1, sizeof *w);
	free_waits = w->next_free;
	n_free_waits--;
	*w = (struct wait){ 0 };
	return w;
}

static void
wait_drop(struct wait *w)
{
	w->magic = 0;
	if (n_free_waits == FREE_WAITS_MAX) {
		free(w);
		return;
	}
	w->next_free = free_waits;
	free_waits = w;
	n_free_waits++;
}

/* --- tasks -------------------------------------------------------------------------------------------------------------------- */

void
task_init(struct task *t, struct loop *loop, struct arena *arena, const struct step_table *table, void *frame,
    void (*done)(struct task *))
{
	t->magic = TASK_MAGIC;
	t->loop = loop;
	t->arena = arena;
	t->done = done;
	t->depth = 1;
	t->stack[0].table = table;
	t->stack[0].next = 0;
	t->stack[0].frame = frame;
}

/* REPLY and FAIL: leave all sub-tables, go on at the outermost finish row; once finishing, with the next row. */
static void
unwind(struct task *t)
{
	t->depth = 1;
	if (!t->finishing)
		t->stack[0].next = MAX(t->stack[0].next, t->stack[0].table->finish);
	t->finishing = true;
}

void
task_run(struct task *t)
{
	CHECK_OBJ(t, TASK_MAGIC);
	CHECK(t->wait == NULL);
	while (t->depth > 0) {
		if (t->stack[t->depth - 1].next >= t->stack[t->depth - 1].table->n) {
			t->depth--;
			continue;
		}
		if (++t->steps_run > TASK_STEPS_MAX && !t->finishing) {
			(void)ERR(&t->err, E_INTERNAL, "more than %d steps", TASK_STEPS_MAX);
			unwind(t);
			continue;
		}
		const struct step_table *table = t->stack[t->depth - 1].table;
		const struct step_def *step = &table->steps[t->stack[t->depth - 1].next++];
		switch (step->run(t)) {
		case STEP_NEXT:
			CHECK(t->wait == NULL);
			break;
		case STEP_WAIT:
			CHECK(t->wait != NULL);
			return;
		case STEP_REPLY:
		case STEP_FAIL:
			CHECK(t->wait == NULL);
			unwind(t);
			break;
		}
	}
	if (t->done != NULL)
		t->done(t); /* may free t */
}

enum step
task_push(struct task *t, const struct step_table *table, void *frame)
{
	if (t->depth == TASK_DEPTH) {
		(void)ERR(&t->err, E_INTERNAL, "sub-tables nested too deep at %s", table->name);
		return STEP_FAIL;
	}
	t->stack[t->depth].table = table;
	t->stack[t->depth].next = 0;
	t->stack[t->depth].frame = frame;
	t->depth++;
	return STEP_NEXT;
}

void *
task_frame(const struct task *t)
{
	return t->stack[t->depth - 1].frame;
}

const char *
task_step_name(const struct task *t)
{
	if (t->depth == 0 || t->stack[t->depth - 1].next == 0)
		return "none";
	return t->stack[t->depth - 1].table->steps[t->stack[t->depth - 1].next - 1].name;
}

/* --- waits -------------------------------------------------------------------------------------------------------------------- */

static void
wait_detach(struct wait *w)
{
	struct loop *l = w->task->loop;
	wheel_del(loop_wheel(l), &w->deadline);
	loop_defer_cancel(l, &w->wake);
	w->task->wait = NULL;
}

static void
wait_finish(struct wait *w, enum wait_status how)
{
	struct task *t = w->task;
	wait_detach(w);
	wait_drop(w);
	t->woke = how;
	task_run(t);
}

static void
woken_now(void *arg)
{
	struct wait *w = arg;
	CHECK_OBJ(w, WAIT_MAGIC);
	wait_finish(w, WAIT_OK);
}

static void
expired(struct wheel_item *item)
{
	struct wait *w = CONTAINER_OF(item, struct wait, deadline);
	CHECK_OBJ(w, WAIT_MAGIC);
	if (w->woken)
		return; /* the result came in this very turn */
	w->ops->cancel(w->op);
	wait_finish(w, WAIT_TIMEOUT);
}

static void
deadline_set(struct wait *w, uint32_t deadline_ms)
{
	const struct task *t = w->task;
	w->ends_us = loop_now_us(t->loop) + (int64_t)deadline_ms * 1000;
	if (t->deadline_us != 0 && t->deadline_us < w->ends_us)
		w->ends_us = t->deadline_us;
	wheel_add(loop_wheel(t->loop), &w->deadline, w->ends_us);
}

struct wait *
wait_begin(struct task *t, const struct wait_ops *ops, void *op, uint32_t deadline_ms)
{
	CHECK_OBJ(t, TASK_MAGIC);
	CHECK(t->wait == NULL);
	struct wait *w = wait_alloc();
	if (w == NULL) {
		(void)ERR(&t->err, E_MEMORY, "wait for %s", ops->name);
		return NULL;
	}
	w->magic = WAIT_MAGIC;
	w->task = t;
	w->ops = ops;
	w->op = op;
	w->deadline.fn = expired;
	list_init(&w->deadline.link);
	deadline_set(w, deadline_ms);
	t->wait = w;
	return w;
}

void
wait_wake(struct wait *w)
{
	CHECK_OBJ(w, WAIT_MAGIC);
	CHECK(!w->woken);
	w->woken = true;
	loop_defer(w->task->loop, &w->wake, woken_now, w);
}

void
wait_extend(struct wait *w, uint32_t deadline_ms)
{
	CHECK_OBJ(w, WAIT_MAGIC);
	if (w->woken)
		return;
	wheel_del(loop_wheel(w->task->loop), &w->deadline);
	deadline_set(w, deadline_ms);
}

uint32_t
wait_left_ms(const struct wait *w)
{
	int64_t left = (w->ends_us - loop_now_us(w->task->loop)) / 1000;
	return left < 1 ? 1 : (uint32_t)MIN(left, (int64_t)UINT32_MAX);
}

void
task_cancel(struct task *t)
{
	CHECK_OBJ(t, TASK_MAGIC);
	struct wait *w = t->wait;
	t->depth = 0;
	if (w == NULL)
		return;
	bool woken = w->woken;
	const struct wait_ops *ops = w->ops;
	void *op = w->op;
	wait_detach(w);
	wait_drop(w);
	if (!woken)
		ops->cancel(op);
}

/* --- sleep -------------------------------------------------------------------------------------------------------------------- */

static void
sleep_cancel(void *op)
{
	(void)op; /* the wait's own deadline is the operation */
}
static const struct wait_ops sleep_ops = { "sleep", sleep_cancel };

enum step
task_sleep(struct task *t, uint32_t ms)
{
	return wait_begin(t, &sleep_ops, NULL, ms) == NULL ? STEP_FAIL : STEP_WAIT;
}
