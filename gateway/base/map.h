/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash map from byte strings to pointers. Keys are copied; values are the caller's. Seeded per process, so that foreign keys
 * cannot be chosen to collide. Not bounded: for bounded use cache.h.                                                       */
#ifndef GATEWAY_BASE_MAP_H
#define GATEWAY_BASE_MAP_H

#include "gateway/base/str.h"

struct map;
struct map *map_new(void); /* NULL: out of memory */
void map_free(struct map **m);
void *map_get(const struct map *m, struct str key); /* NULL when absent */
/* Sets or replaces; *old (may be NULL) gets the former value. -1 when out of memory. */
int map_put(struct map *m, struct str key, void *value, void **old) MUSTUSE;
void *map_del(struct map *m, struct str key); /* the value that was there */
size_t map_count(const struct map *m);
/* Walks in insertion order: *pos starts at 0; false at the end. */
bool map_next(const struct map *m, size_t *pos, struct str *key, void **value);
/* SipHash-1-3 of the bytes under this process's random seed. */
uint64_t map_hash(struct str key);

#endif
