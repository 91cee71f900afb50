/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks and waits: order, unwinding, deadlines, cancelling. */
#include "gateway/loop/step.h"

#include "harness.h"

struct run {
	struct task task;
	struct loop *loop;
	struct arena *arena;
	struct wait *wait;
	char trace[64];
	size_t n;
	bool done, cancelled;
};

static struct run *
run_of(struct task *t)
{
	return CONTAINER_OF(t, struct run, task);
}

static void
note(struct task *t, char c)
{
	struct run *r = run_of(t);
	if (r->n < sizeof r->trace - 1)
		r->trace[r->n++] = c;
}

static void
op_cancel(void *op)
{
	((struct run *)op)->cancelled = true;
}
static const struct wait_ops ops = { "test", op_cancel };

static enum step
step_a(struct task *t)
{
	note(t, 'a');
	return STEP_NEXT;
}

static enum step
step_wait(struct task *t)
{
	struct run *r = run_of(t);
	note(t, 'w');
	r->wait = wait_begin(t, &ops, r, 30);
	return r->wait == NULL ? STEP_FAIL : STEP_WAIT;
}

static enum step
step_woken(struct task *t)
{
	note(t, t->woke == WAIT_OK ? 'o' : 't');
	return STEP_NEXT;
}

static enum step
step_reply(struct task *t)
{
	note(t, 'r');
	return STEP_REPLY;
}

static enum step
step_fail(struct task *t)
{
	note(t, 'f');
	return STEP_FAIL;
}

static enum step
step_end(struct task *t)
{
	note(t, 'e');
	return STEP_NEXT;
}
static STEP_TABLE(inner_reply, 0, { "a", step_a }, { "reply", step_reply }, { "never", step_a });
static STEP_TABLE(inner_plain, 0, { "a", step_a }, { "a", step_a });

static enum step
push_reply(struct task *t)
{
	note(t, 'p');
	return task_push(t, &inner_reply, NULL);
}

static enum step
push_plain(struct task *t)
{
	note(t, 'p');
	return task_push(t, &inner_plain, NULL);
}

static enum step push_itself(struct task *t);
static STEP_TABLE(endless, 0, { "self", push_itself });

static enum step
push_itself(struct task *t)
{
	note(t, 'p');
	return task_push(t, &endless, NULL);
}

static void
on_done(struct task *t)
{
	run_of(t)->done = true;
}

static void
begin(struct run *r, const struct step_table *table)
{
	*r = (struct run){ .loop = loop_new(), .arena = arena_new("test", 1 << 14) };
	REQUIRE(r->loop != NULL && r->arena != NULL);
	task_init(&r->task, r->loop, r->arena, table, NULL, on_done);
	task_run(&r->task);
}

static void
end(struct run *r)
{
	arena_free(&r->arena);
	loop_free(&r->loop);
}

static STEP_TABLE(plain, 3, { "a", step_a }, { "push", push_plain }, { "a", step_a }, { "end", step_end });
static STEP_TABLE(replies, 2, { "push", push_reply }, { "never", step_a }, { "end", step_end });
static STEP_TABLE(fails, 2, { "fail", step_fail }, { "never", step_a }, { "end", step_end });
static STEP_TABLE(fails_late, 1, { "a", step_a }, { "fail", step_fail }, { "end", step_end }, { "end", step_end });
static STEP_TABLE(too_deep, 1, { "push", push_itself }, { "end", step_end });

static void
test_tables__run_in_order_and_reply_goes_to_the_finish_row(void)
{
	static const struct {
		const struct step_table *table;
		const char *trace;
		enum err_kind err;
	} rows[] = { { &plain, "apaaae", E_NONE }, { &replies, "pare", E_NONE }, { &fails, "fe", E_NONE },
		{ &fails_late, "afee", E_NONE }, { &too_deep, "ppppp" /* TASK_DEPTH */ "e", E_INTERNAL } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct run r;
		begin(&r, rows[i].table);
		EXPECT_IDX(r.done && strcmp(r.trace, rows[i].trace) == 0 && r.task.err.kind == rows[i].err, i);
		end(&r);
	}
}

static STEP_TABLE(waits, 2, { "wait", step_wait }, { "woken", step_woken }, { "end", step_end });

static void
test_wait__woken__goes_on_at_the_end_of_the_turn(void)
{
	struct run r;
	begin(&r, &waits);
	EXPECT(!r.done && strcmp(r.trace, "w") == 0 && strcmp(task_step_name(&r.task), "wait") == 0);
	wait_wake(r.wait);
	EXPECT(!r.done && strcmp(r.trace, "w") == 0); /* never from inside the call */
	loop_run_once(r.loop, false);
	EXPECT(r.done && strcmp(r.trace, "woe") == 0 && !r.cancelled);
	end(&r);
}

static void
test_wait__not_woken__is_cancelled_at_its_deadline(void)
{
	struct run r;
	begin(&r, &waits);
	for (int turns = 0; !r.done && turns < 1000; turns++)
		loop_run_once(r.loop, true);
	EXPECT(r.done && strcmp(r.trace, "wte") == 0 && r.cancelled);
	end(&r);
}

static void
test_task__cancelled__never_runs_again(void)
{
	for (int woken = 0; woken < 2; woken++) {
		struct run r;
		begin(&r, &waits);
		if (woken)
			wait_wake(r.wait);
		task_cancel(&r.task);
		loop_run_once(r.loop, false);
		EXPECT_IDX(!r.done && strcmp(r.trace, "w") == 0, (size_t)woken);
		EXPECT_IDX(r.cancelled == (woken == 0), (size_t)woken); /* a woken operation is over already */
		end(&r);
	}
}

static void
test_wait__of_a_task_with_a_deadline__is_cut_to_it(void)
{
	struct run r = { .loop = loop_new(), .arena = arena_new("test", 1 << 14) };
	task_init(&r.task, r.loop, r.arena, &waits, NULL, on_done);
	r.task.deadline_us = loop_now_us(r.loop) + 5000;
	task_run(&r.task);
	EXPECT(wait_left_ms(r.wait) <= 5);
	wait_extend(r.wait, 60000);
	EXPECT(wait_left_ms(r.wait) <= 5);
	task_cancel(&r.task);
	end(&r);
}

TESTS(T(test_tables__run_in_order_and_reply_goes_to_the_finish_row),
    T(test_wait__woken__goes_on_at_the_end_of_the_turn), T(test_wait__not_woken__is_cancelled_at_its_deadline),
    T(test_task__cancelled__never_runs_again), T(test_wait__of_a_task_with_a_deadline__is_cut_to_it))
