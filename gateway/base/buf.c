/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing buffers. */
#include "gateway/base/buf.h"

#include "gateway/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, struct arena *arena, size_t first, size_t max)
{
	*b = (struct buf){ .cap = 0, .max = max, .arena = arena, .first = first };
}

void
buf_done(struct buf *b)
{
	if (b->wipe && b->p != NULL)
		secret_wipe(b->p, b->n);
	if (b->arena == NULL)
		free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
	b->failed = false;
}

void
buf_clear(struct buf *b)
{
	if (b->wipe && b->p != NULL)
		secret_wipe(b->p, b->n);
	b->n = 0;
	b->failed = false;
}

static bool
buf_grow(struct buf *b, size_t want)
{
	size_t cap = b->cap == 0 ? MAX(b->first, (size_t)64) : b->cap * 2;
	if (want > b->max)
		return false;
	cap = MIN(MAX(cap, want), b->max);
	char *p = b->arena != NULL ? arena_raw(b->arena, cap) : malloc(cap);
	if (p == NULL)
		return false;
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	if (b->wipe && b->p != NULL)
		secret_wipe(b->p, b->n);
	if (b->arena == NULL)
		free(b->p);
	b->p = p;
	b->cap = cap;
	return true;
}

char *
buf_room(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (b->cap - b->n < n && (n > b->max || b->n > b->max - n || !buf_grow(b, b->n + n))) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->n;
}

void
buf_expect(struct buf *b, size_t n)
{
	if (!b->failed && b->cap - b->n < n && n <= b->max && b->n <= b->max - n)
		(void)buf_grow(b, b->n + n);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char text[STR_U64_MAX];
	buf_str_put(b, str_u64(v, text));
}

void
buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t left = b->failed || b->p == NULL ? 0 : b->cap - b->n; /* often it fits at once */
	int n = vsnprintf(left == 0 ? NULL : b->p + b->n, left, fmt, ap);
	bool fits = n >= 0 && (size_t)n < left;
	char *to = n < 0 || fits ? NULL : buf_room(b, (size_t)n + 1);
	if (fits || (to != NULL && vsnprintf(to, (size_t)n + 1, fmt, again) == n))
		b->n += (size_t)n;
	else
		b->failed = true;
	va_end(again);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t n)
{
	n = MIN(n, b->n);
	if (n > 0 && n < b->n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}
