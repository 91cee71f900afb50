/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of tasks, each with its wait. */
#include "gateway/loop/waiters.h"

#include <stdlib.h>

struct waiter {
	struct list link;
	struct task *task;
};

void
waiters_init(struct waiters *w)
{
	list_init(&w->tasks);
}

static void
waiter_cancel(void *op)
{
	struct waiter *w = op;
	list_del(&w->link);
	free(w);
}
static const struct wait_ops waiter_ops = { "another's operation", waiter_cancel };

enum step
waiters_join(struct task *t, struct waiters *all, uint32_t deadline_ms)
{
	struct waiter *w = calloc(1, sizeof *w);
	if (w == NULL || wait_begin(t, &waiter_ops, w, deadline_ms) == NULL) {
		free(w);
		return STEP_FAIL;
	}
	w->task = t;
	list_add(&all->tasks, &w->link);
	return STEP_WAIT;
}

void
waiters_wake(struct waiters *all)
{
	while (!list_empty(&all->tasks)) {
		struct waiter *w = LIST_FRONT(&all->tasks, struct waiter, link);
		list_del(&w->link);
		wait_wake(w->task->wait);
		free(w);
	}
}
