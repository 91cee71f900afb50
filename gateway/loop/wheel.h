/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deadlines of waits: a wheel of 16 ms ticks with one libevent timer, so that thousands of waits a second cost two list operations
 * each. Private to gateway/loop; step.c is its one user. Late by up to one tick, never early.                              */
#ifndef GATEWAY_LOOP_WHEEL_H
#define GATEWAY_LOOP_WHEEL_H

#include "gateway/base/list.h"
#include "gateway/loop/loop.h"

struct wheel;
struct wheel_item {
	struct list link;
	int64_t ends_us;
	void (*fn)(struct wheel_item *item);
};
struct wheel *wheel_new(struct loop *l);
void wheel_free(struct wheel **w);
/* item must not be in the wheel. */
void wheel_add(struct wheel *w, struct wheel_item *item, int64_t ends_us);
void wheel_del(struct wheel *w, struct wheel_item *item);
struct wheel *loop_wheel(const struct loop *l);

#endif
