/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wheel of deadlines: slots by tick; an item further away than one turn of the wheel stays in its slot for another round. */
#include "gateway/loop/wheel.h"

#include <stdlib.h>

enum { TICK_US = 16384, SLOTS = 512 };

struct wheel {
	struct loop *loop;
	struct loop_timer *timer;
	int64_t tick; /* all ticks up to this one are done */
	size_t count;
	bool armed;
	struct list slots[SLOTS];
};

static void
arm(struct wheel *w)
{
	if (w->armed || w->count == 0)
		return;
	w->armed = true;
	loop_timer_set(w->timer, TICK_US / 1000);
}

static void
slot_run(struct wheel *w, struct list *slot, int64_t now_us)
{
	struct list due;
	list_init(&due);
	for (struct list *i = slot->next; i != slot;) {
		struct wheel_item *item = CONTAINER_OF(i, struct wheel_item, link);
		i = i->next;
		if (item->ends_us > now_us)
			continue;
		list_del(&item->link);
		list_add(&due, &item->link);
	}
	while (!list_empty(&due)) { /* a callback may take other items out of due */
		struct wheel_item *item = LIST_FRONT(&due, struct wheel_item, link);
		list_del(&item->link);
		w->count--;
		item->fn(item);
	}
}

static void
turn(void *arg)
{
	struct wheel *w = arg;
	int64_t now = clock_mono_us(&clock_system), to = now / TICK_US;
	w->armed = false;
	if (to - w->tick > SLOTS)
		w->tick = to - SLOTS;
	while (w->tick < to) {
		w->tick++;
		slot_run(w, &w->slots[w->tick % SLOTS], now);
	}
	arm(w);
}

struct wheel *
wheel_new(struct loop *l)
{
	struct wheel *w = calloc(1, sizeof *w);
	if (w == NULL)
		return NULL;
	w->loop = l;
	w->timer = loop_timer_new(l, turn, w);
	w->tick = loop_now_us(l) / TICK_US;
	for (size_t i = 0; i < SLOTS; i++)
		list_init(&w->slots[i]);
	if (w->timer == NULL)
		wheel_free(&w);
	return w;
}

void
wheel_free(struct wheel **wp)
{
	struct wheel *w = *wp;
	*wp = NULL;
	if (w == NULL)
		return;
	loop_timer_free(&w->timer);
	free(w);
}

void
wheel_add(struct wheel *w, struct wheel_item *item, int64_t ends_us)
{
	if (w->count == 0)
		w->tick = MAX(w->tick, loop_now_us(w->loop) / TICK_US);
	int64_t tick = MAX(ends_us / TICK_US + 1, w->tick + 1);
	item->ends_us = ends_us;
	list_add(&w->slots[tick % SLOTS], &item->link);
	w->count++;
	arm(w);
}

void
wheel_del(struct wheel *w, struct wheel_item *item)
{
	if (list_empty(&item->link))
		return;
	list_del(&item->link);
	w->count--;
}
