/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bounded cache: copies of fixed-size values under byte-string keys, each with an end; the least recently used goes first.
 * One owner, no locks. Time is given by the caller (microseconds, monotonic).                                              */
#ifndef GATEWAY_BASE_CACHE_H
#define GATEWAY_BASE_CACHE_H

#include "gateway/base/str.h"

struct cache;
/* max_items of value_size bytes each; keys up to key_max bytes (longer keys are never found and not stored). on_drop (may be NULL)
 * is called for each value that leaves, so that it can release what it points to.                                          */
struct cache *cache_new(size_t max_items, size_t key_max, size_t value_size, void (*on_drop)(void *value));
void cache_free(struct cache **c);
/* Pointer into the cache, valid until the next cache call; NULL when absent or past its end. */
void *cache_get(struct cache *c, struct str key, int64_t now_us);
/* Copies value in; returns where it lies, or NULL when it could not be stored. */
void *cache_put(struct cache *c, struct str key, const void *value, int64_t ends_us);
void cache_clear(struct cache *c);
size_t cache_count(const struct cache *c);

#endif
