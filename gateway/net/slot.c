/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of requests: a slot is borrowed from the listener's small pool at the first byte of a request and given back when the
 * connection falls idle. Used bytes are wiped: heads and bodies hold tokens and passwords.                                 */
#include "gateway/net/conn.h"

#include <openssl/crypto.h>
#include <stdlib.h>

void
slot_drop(struct slot *s)
{
	arena_free(&s->x.arena);
	buf_done(&s->out);
	free(s->in.p);
	free(s);
}

struct slot *
slot_get(struct listener *l)
{
	struct slot *s = LIST_FIRST(&l->free_slots, struct slot, link);
	if (s != NULL) {
		list_del(&s->link);
		l->n_free_slots--;
		return s;
	}
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	list_init(&s->link);
	buf_init(&s->out, NULL, SLOT_OUT_BYTES, (size_t)1 << 31);
	s->in.p = malloc(SLOT_IN_BYTES);
	s->in.cap = SLOT_IN_BYTES;
	s->x.arena = arena_new("exchange", l->conf->request_arena_bytes);
	if (s->in.p == NULL || s->x.arena == NULL) {
		slot_drop(s);
		return NULL;
	}
	return s;
}

/* The unread bytes go to the front of one buffer of the usual size; everything else of the request's input is wiped. */
void
slot_next(struct slot *s)
{
	struct inbuf *in = &s->in;
	size_t left = in->n - in->pos;
	memmove(in->p, in->p + in->pos, left);
	memset(in->p + left, 0, in->n - left); /* the buffer lives on, so this is no dead store */
	if (s->head_mem != NULL) {
		OPENSSL_cleanse(s->head_mem, s->head.bytes);
		free(s->head_mem);
		s->head_mem = NULL;
	}
	in->base = in->pos = 0;
	in->n = left;
	s->tried = 0;
	if (in->cap > SLOT_IN_BYTES && left <= SLOT_IN_BYTES) {
		char *p = realloc(in->p, SLOT_IN_BYTES);
		if (p != NULL) {
			in->p = p;
			in->cap = SLOT_IN_BYTES;
		}
	}
}

void
slot_put(struct listener *l, struct slot **sp)
{
	struct slot *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	s->in.pos = s->in.n;
	slot_next(s);
	buf_clear(&s->out);
	s->out_pos = 0;
	if (s->out.cap > (size_t)SLOT_OUT_BYTES * 2)
		buf_done(&s->out);
	s->conn = NULL;
	if (l->n_free_slots >= SLOTS_KEPT) {
		slot_drop(s);
		return;
	}
	list_add(l->free_slots.next, &s->link); /* in front: the warmest is taken first */
	l->n_free_slots++;
}

int
slot_head_room(struct slot *s, size_t max)
{
	size_t cap = MIN(s->in.cap * 2, MAX(max, (size_t)SLOT_IN_BYTES));
	if (s->in.n < s->in.cap)
		return 0;
	char *p = cap <= s->in.cap ? NULL : realloc(s->in.p, cap);
	if (p == NULL)
		return -1;
	s->in.p = p;
	s->in.cap = cap;
	return 0;
}

int
slot_head_done(struct slot *s, size_t n)
{
	s->in.base = s->in.pos = n;
	if (s->in.cap - n >= SLOT_TAIL_MIN)
		return 0;
	size_t left = s->in.n - n, cap = MAX(left, (size_t)SLOT_IN_BYTES);
	char *tail = malloc(cap);
	if (tail == NULL)
		return -1;
	memcpy(tail, s->in.p + n, left);
	s->head_mem = s->in.p;
	s->in = (struct inbuf){ .p = tail, .cap = cap, .n = left };
	return 0;
}

size_t
slot_room(struct slot *s)
{
	struct inbuf *in = &s->in;
	if (in->pos == in->n) {
		in->pos = in->n = in->base;
	} else if (in->n == in->cap && in->pos > in->base) {
		memmove(in->p + in->base, in->p + in->pos, in->n - in->pos);
		in->n -= in->pos - in->base;
		in->pos = in->base;
	}
	return in->cap - in->n;
}
