/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing byte buffer with a maximum. Appending never fails in the caller's face: past the maximum (or out of memory) the
 * buffer turns failed, keeps what it had and ignores the rest; the one check is buf_ok() at the end.                        */
#ifndef GATEWAY_BASE_BUF_H
#define GATEWAY_BASE_BUF_H

#include "gateway/base/arena.h"

struct buf {
	char *p;
	size_t n, cap, max, first;
	struct arena *arena; /* NULL: malloc, and buf_done() frees */
	bool failed, wipe;
};

/* arena NULL: malloc. first: bytes allocated at the first append. max: hard limit, no default. */
void buf_init(struct buf *b, struct arena *arena, size_t first, size_t max);
/* Frees (malloc) or forgets (arena) the memory; b may be used again. */
void buf_done(struct buf *b);
static inline bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}
static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}
void buf_clear(struct buf *b); /* n = 0, failed = false; keeps the memory */
/* Room for n more bytes at b->p + b->n, or NULL (then failed). The caller adds what it wrote to b->n. */
char *buf_room(struct buf *b, size_t n);
/* More bytes will come, about n: makes room for them where max and memory allow, never fails. */
void buf_expect(struct buf *b, size_t n);
/* Inline: an answer and its audit record are made of hundreds of small pieces. */
static inline void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	char *to = !b->failed && b->cap - b->n >= n ? b->p + b->n : buf_room(b, n);
	if (to == NULL)
		return;
	memcpy(to, p, n);
	b->n += n;
}
static inline void
buf_str_put(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}
#define buf_lit(b, lit) buf_put((b), "" lit, sizeof(lit) - 1)
static inline void
buf_char(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes (memmove). */
void buf_consume(struct buf *b, size_t n);

#endif
