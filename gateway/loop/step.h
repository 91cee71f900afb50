/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks: a table of named steps run by one small loop, and the one wait object a task may have. A request embeds a task.
 *
 * A step decides (NEXT, REPLY, FAIL) or starts exactly one operation and returns WAIT; the next row of the table reads the
 * result. An operation never completes inside the call that started it: it calls wait_wake() later, from the loop, exactly once,
 * unless wait_cancel() came first. Sub-tables are pushed with task_push(); REPLY and FAIL unwind all of them and go on at the
 * outermost table's finish row, so that answering and auditing always run.
 *
 * States of a wait:  begun --wake--> woken (task runs at the end of the loop turn)
 *                    begun --deadline--> expired: ops->cancel(op), then the task runs with wait status WAIT_TIMEOUT
 *                    begun --wait_cancel--> gone: ops->cancel(op), the task does not run                                    */
#ifndef GATEWAY_LOOP_STEP_H
#define GATEWAY_LOOP_STEP_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"
#include "gateway/loop/loop.h"

enum step { STEP_NEXT, STEP_WAIT, STEP_REPLY, STEP_FAIL }; /* closed set; -Wswitch-enum guards it */

struct task;
struct step_def {
	const char *name;
	enum step (*run)(struct task *t);
};
struct step_table {
	const char *name;
	const struct step_def *steps;
	unsigned n;
	unsigned finish; /* outermost table only: row at which REPLY and FAIL continue */
};
#define STEP_TABLE(ident, finish_row, ...)                                                                             \
	const struct step_table ident = { #ident, (const struct step_def[]){ __VA_ARGS__ },                            \
		sizeof((const struct step_def[]){ __VA_ARGS__ }) / sizeof(struct step_def), (finish_row) }

enum { TASK_DEPTH = 5, TASK_STEPS_MAX = 512 };

enum wait_status { WAIT_NONE, WAIT_OK, WAIT_TIMEOUT };

struct wait;
struct task {
	unsigned magic;
#define TASK_MAGIC 0x51a7c3e9u
	struct loop *loop;
	struct arena *arena;   /* memory of everything the task's operations return      */
	struct wait *wait;     /* the one pending operation, or NULL                     */
	enum wait_status woke; /* how the last wait ended                               */
	struct err err;        /* first error wins; for the log                          */
	int64_t deadline_us;   /* monotonic end of the whole task; waits are cut to it; 0: none */
	unsigned depth;
	unsigned steps_run;
	bool finishing; /* REPLY or FAIL was seen: later ones go on with the next row */
	struct {
		const struct step_table *table;
		unsigned next;
		void *frame; /* the sub-table's own state                          */
	} stack[TASK_DEPTH];
	void (*done)(struct task *t); /* after the last row of the outermost table      */
};

/* Fills a zeroed task. The caller keeps loop and arena alive until done(). */
void task_init(struct task *t, struct loop *loop, struct arena *arena, const struct step_table *table, void *frame,
    void (*done)(struct task *));
/* Runs steps until one waits or the table ends. Called once by the owner, then only by wake-ups. */
void task_run(struct task *t);
/* Pushes a sub-table: its first row runs next, and the row behind the present one after its last. Returns STEP_NEXT, or STEP_FAIL
 * (E_INTERNAL) when too deep. Use: return task_push(t, &grant_refresh, frame);                                            */
enum step task_push(struct task *t, const struct step_table *table, void *frame);
/* The frame of the running table. */
void *task_frame(const struct task *t);
/* Name of the running step, for the log. */
const char *task_step_name(const struct task *t);
/* Cancels what the task waits for, if anything; the task will not run again. The owner then frees it. */
void task_cancel(struct task *t);

/* --- for those who implement operations ------------------------------------------------------------------------------ */
struct wait_ops {
	const char *name;
	void (*cancel)(void *op); /* stop or disown the operation; no wake may follow; frees op if it owns it */
};
/* Attaches a wait to the task (CHECK: it has none). deadline_ms from now, cut to the task's own; on expiry ops->cancel(op) runs and
 * the task goes on with t->woke == WAIT_TIMEOUT. NULL only when out of memory: the operation must then return STEP_FAIL.  */
struct wait *wait_begin(struct task *t, const struct wait_ops *ops, void *op, uint32_t deadline_ms);
/* The operation has its result in place. The task runs at the end of this loop turn. After this w belongs to the loop: the
 * operation drops its pointer.                                                                                             */
void wait_wake(struct wait *w);
/* The operation moves on: its deadline is deadline_ms from now, cut to the task's own. Nothing once it was woken. */
void wait_extend(struct wait *w, uint32_t deadline_ms);
/* Milliseconds left of the wait (at least 1). */
uint32_t wait_left_ms(const struct wait *w);

/* Waits ms milliseconds as an operation (back-off, tests). */
enum step task_sleep(struct task *t, uint32_t ms);

#endif
