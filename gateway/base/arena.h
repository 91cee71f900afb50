/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is freed at once: bump allocation in chunks, with a cap. A full arena is an input error (413, 503), never an
 * abort: every allocation may return NULL. Not thread safe; one owner.                                                     */
#ifndef GATEWAY_BASE_ARENA_H
#define GATEWAY_BASE_ARENA_H

#include "gateway/base/str.h"

struct arena;

enum { ARENA_WIPE = 1 }; /* chunks are wiped before they are freed or reused: for secrets */

/* name: static text for CHECK and metrics. cap_bytes: sum of all chunks. NULL only when malloc fails. */
struct arena *arena_new(const char *name, size_t cap_bytes);
struct arena *arena_new_flags(const char *name, size_t cap_bytes, unsigned flags);
void arena_free(struct arena **a);
/* Forgets everything, keeps the first chunk for reuse. */
void arena_reset(struct arena *a);
/* 16-byte aligned; zeroed; NULL when the cap is reached or malloc fails. n may be 0. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc, alloc_size(2))) MUSTUSE;
/* As arena_alloc, not zeroed. */
void *arena_raw(struct arena *a, size_t n) __attribute__((malloc, alloc_size(2))) MUSTUSE;
/* n items of size each; NULL also on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) MUSTUSE;
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
/* A copy with a NUL behind it (not counted in n); .p NULL when the arena is full. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* For keys that each request makes: the three texts one behind the other; v in decimal. */
struct str arena_join(struct arena *a, struct str x, struct str y, struct str z);
struct str arena_u64(struct arena *a, uint64_t v);
/* Calls fn(arg) when the arena is reset or freed, last added first: for what lives as long as the arena but has memory of its own.
 * -1 when the arena is full (fn is then not kept).                                                                         */
int arena_defer(struct arena *a, void (*fn)(void *arg), void *arg) MUSTUSE;
/* Bytes handed out since the last reset, and the sum of chunks held. */
size_t arena_used(const struct arena *a);
size_t arena_held(const struct arena *a);

#endif
