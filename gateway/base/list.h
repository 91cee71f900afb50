/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intrusive doubly linked list. A head is a link that points to itself when empty.                                         */
#ifndef GATEWAY_BASE_LIST_H
#define GATEWAY_BASE_LIST_H

#include "gateway/base/macros.h"

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}
/* Puts item before at: list_add(head, item) appends. */
static inline void
list_add(struct list *at, struct list *item)
{
	item->next = at;
	item->prev = at->prev;
	at->prev->next = item;
	at->prev = item;
}
/* Takes item out and leaves it pointing to itself; harmless when it is in no list. */
static inline void
list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}
/* First item; LIST_FRONT of a list known not to be empty, LIST_FIRST NULL when it is. */
#define LIST_FRONT(head, type, member) CONTAINER_OF((head)->next, type, member)
#define LIST_FIRST(head, type, member) (list_empty(head) ? NULL : CONTAINER_OF((head)->next, type, member))

#endif
