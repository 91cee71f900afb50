/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bump allocation in chunks. */
#include "gateway/base/arena.h"

#include "gateway/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGN = 16, CHUNK_FIRST = 4096 - 64, CHUNK_MAX = 256 << 10 };

struct chunk {
	struct chunk *next; /* older */
	size_t size, used;
	_Alignas(ALIGN) char bytes[];
};
struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
};
struct arena {
	unsigned magic;
#define ARENA_MAGIC 0x3c90ae17u
	unsigned flags;
	const char *name;
	struct chunk *chunk; /* newest */
	struct deferred *deferred;
	size_t cap, held, used;
};

struct arena *
arena_new_flags(const char *name, size_t cap_bytes, unsigned flags)
{
	struct arena *a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->magic = ARENA_MAGIC;
	a->flags = flags;
	a->name = name;
	a->cap = cap_bytes;
	return a;
}

struct arena *
arena_new(const char *name, size_t cap_bytes)
{
	return arena_new_flags(name, cap_bytes, 0);
}

static void
chunk_free(struct arena *a, struct chunk *c)
{
	if (a->flags & ARENA_WIPE)
		secret_wipe(c->bytes, c->used);
	a->held -= c->size;
	free(c);
}

static void
deferred_run(struct arena *a)
{
	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;
		a->deferred = d->next;
		d->fn(d->arg);
	}
}

void
arena_reset(struct arena *a)
{
	CHECK_OBJ(a, ARENA_MAGIC);
	deferred_run(a);
	while (a->chunk != NULL && a->chunk->next != NULL) {
		struct chunk *c = a->chunk;
		a->chunk = c->next;
		chunk_free(a, c);
	}
	if (a->chunk != NULL) {
		if (a->flags & ARENA_WIPE)
			secret_wipe(a->chunk->bytes, a->chunk->used);
		a->chunk->used = 0;
	}
	a->used = 0;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;
	*ap = NULL;
	if (a == NULL)
		return;
	arena_reset(a);
	if (a->chunk != NULL)
		chunk_free(a, a->chunk);
	a->magic = 0;
	free(a);
}

static struct chunk *
chunk_add(struct arena *a, size_t n)
{
	size_t grown = a->chunk == NULL ? CHUNK_FIRST : MIN(a->chunk->size * 2, (size_t)CHUNK_MAX);
	size_t size = MAX(grown, n);
	if (a->held + size > a->cap)
		size = n; /* the last bit of room */
	if (size > a->cap || a->held > a->cap - size)
		return NULL;
	struct chunk *c = malloc(sizeof *c + size);
	if (c == NULL)
		return NULL;
	c->size = size;
	c->used = 0;
	c->next = a->chunk;
	a->chunk = c;
	a->held += size;
	return c;
}

void *
arena_raw(struct arena *a, size_t n)
{
	CHECK_OBJ(a, ARENA_MAGIC);
	struct chunk *c = a->chunk;
	if (n > SIZE_MAX / 2)
		return NULL;
	n = n == 0 ? ALIGN : (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (c == NULL || c->size - c->used < n) {
		c = chunk_add(a, n);
		if (c == NULL)
			return NULL;
	}
	void *p = c->bytes + c->used;
	c->used += n;
	a->used += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p = arena_raw(a, n);
	if (p != NULL)
		memset(p, 0, n);
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = s.n == SIZE_MAX ? NULL : arena_raw(a, s.n + 1);
	if (p == NULL)
		return STR_NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return (struct str){ p, s.n };
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[256];
	va_list ap, again;
	struct str out = STR_NULL;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	if (n >= 0 && (size_t)n < sizeof small) {
		out = arena_str(a, (struct str){ small, (size_t)n });
	} else if (n >= 0) {
		char *p = arena_raw(a, (size_t)n + 1);
		if (p != NULL && vsnprintf(p, (size_t)n + 1, fmt, again) == n)
			out = (struct str){ p, (size_t)n };
	}
	va_end(again);
	va_end(ap);
	return out;
}

struct str
arena_join(struct arena *a, struct str x, struct str y, struct str z)
{
	const struct str parts[] = { x, y, z };
	char *p = arena_raw(a, x.n + y.n + z.n + 1);
	size_t at = 0;
	if (p == NULL)
		return STR_NULL;
	for (size_t i = 0; i < NITEMS(parts); i++) {
		if (parts[i].n > 0)
			memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	p[at] = 0;
	return (struct str){ p, at };
}

struct str
arena_u64(struct arena *a, uint64_t v)
{
	char text[STR_U64_MAX];
	return arena_str(a, str_u64(v, text));
}

int
arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct deferred *d = ARENA_NEW(a, struct deferred);
	if (d == NULL)
		return -1;
	d->fn = fn;
	d->arg = arg;
	d->next = a->deferred;
	a->deferred = d;
	return 0;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

size_t
arena_held(const struct arena *a)
{
	return a->held;
}
