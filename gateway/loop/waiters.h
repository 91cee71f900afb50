/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks that wait together until one operation of another task's is over: single flight. Each has a deadline of its own.     */
#ifndef GATEWAY_LOOP_WAITERS_H
#define GATEWAY_LOOP_WAITERS_H

#include "gateway/base/list.h"
#include "gateway/loop/step.h"

struct waiters {
	struct list tasks;
};
void waiters_init(struct waiters *w);
/* The task goes on after waiters_wake(), or with WAIT_TIMEOUT. STEP_FAIL: out of memory. */
enum step waiters_join(struct task *t, struct waiters *w, uint32_t deadline_ms);
/* Wakes all; the list is empty then. w must outlive those who have joined. */
void waiters_wake(struct waiters *w);

#endif
