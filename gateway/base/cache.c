/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bounded cache: chained hash over a slab of items, least recently used first out. */
#include "gateway/base/cache.h"

#include "gateway/base/list.h"
#include "gateway/base/map.h"

#include <stdlib.h>

struct item {
	struct list lru;
	uint32_t next; /* in its chain: index + 1 */
	uint32_t key_n;
	uint64_t hash;
	int64_t ends_us;
	_Alignas(16) char bytes[]; /* value, then key */
};
struct cache {
	size_t max, key_max, value_size /* rounded up */, copy /* as given */, stride, count, used;
	void (*on_drop)(void *value);
	uint32_t *heads;
	size_t n_heads;
	char **blocks; /* of BLOCK items each, made when first needed: an empty cache costs nothing */
	uint32_t free; /* index + 1 */
	struct list lru;
};
enum { BLOCK = 64 };

static struct item *
item_at(const struct cache *c, uint32_t index)
{
	return (struct item *)(void *)(c->blocks[index / BLOCK] + (size_t)(index % BLOCK) * c->stride);
}

struct cache *
cache_new(size_t max_items, size_t key_max, size_t value_size, void (*on_drop)(void *value))
{
	struct cache *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->max = MAX(max_items, 1);
	c->key_max = key_max;
	c->copy = value_size;
	c->value_size = (value_size + 7) & ~(size_t)7;
	c->stride = (sizeof(struct item) + c->value_size + key_max + 15) & ~(size_t)15;
	c->on_drop = on_drop;
	c->n_heads = 16;
	while (c->n_heads < c->max)
		c->n_heads *= 2;
	c->heads = calloc(c->n_heads, sizeof *c->heads);
	c->blocks = calloc(c->max / BLOCK + 1, sizeof *c->blocks);
	list_init(&c->lru);
	if (c->heads == NULL || c->blocks == NULL)
		cache_free(&c);
	return c;
}

static uint32_t *
link_of(struct cache *c, struct str key, uint64_t hash)
{
	uint32_t *link = &c->heads[hash & (c->n_heads - 1)];
	while (*link != 0) {
		struct item *it = item_at(c, *link - 1);
		if (it->hash == hash && it->key_n == key.n && memcmp(it->bytes + c->value_size, key.p, key.n) == 0)
			return link;
		link = &it->next;
	}
	return NULL;
}

static void
drop(struct cache *c, uint32_t *link)
{
	uint32_t index = *link;
	struct item *it = item_at(c, index - 1);
	*link = it->next;
	list_del(&it->lru);
	if (c->on_drop != NULL)
		c->on_drop(it->bytes);
	it->next = c->free;
	c->free = index;
	c->count--;
}

static uint32_t *
link_to(struct cache *c, const struct item *it)
{
	uint32_t *link = &c->heads[it->hash & (c->n_heads - 1)];
	while (item_at(c, *link - 1) != it)
		link = &item_at(c, *link - 1)->next;
	return link;
}

void *
cache_get(struct cache *c, struct str key, int64_t now_us)
{
	if (key.n > c->key_max || key.n == 0)
		return NULL;
	uint32_t *link = link_of(c, key, map_hash(key));
	if (link == NULL)
		return NULL;
	struct item *it = item_at(c, *link - 1);
	if (it->ends_us <= now_us) {
		drop(c, link);
		return NULL;
	}
	list_del(&it->lru);
	list_add(&c->lru, &it->lru);
	return it->bytes;
}

/* An index + 1 that is free; 0 when memory is out. */
static uint32_t
take_free(struct cache *c)
{
	if (c->free == 0 && c->used < c->max) {
		size_t block = c->used / BLOCK;
		if (c->blocks[block] == NULL)
			c->blocks[block] = calloc(BLOCK, c->stride);
		return c->blocks[block] == NULL ? 0 : (uint32_t)++c->used;
	}
	if (c->free == 0) {
		struct item *oldest = LIST_FRONT(&c->lru, struct item, lru);
		drop(c, link_to(c, oldest));
	}
	uint32_t index = c->free;
	c->free = item_at(c, index - 1)->next;
	return index;
}

void *
cache_put(struct cache *c, struct str key, const void *value, int64_t ends_us)
{
	if (key.n > c->key_max || key.n == 0)
		return NULL;
	uint64_t hash = map_hash(key);
	uint32_t *old = link_of(c, key, hash);
	if (old != NULL)
		drop(c, old);
	uint32_t index = take_free(c);
	if (index == 0)
		return NULL;
	struct item *it = item_at(c, index - 1);
	uint32_t *head = &c->heads[hash & (c->n_heads - 1)];
	it->hash = hash;
	it->key_n = (uint32_t)key.n;
	it->ends_us = ends_us;
	it->next = *head;
	*head = index;
	memcpy(it->bytes, value, c->copy);
	memcpy(it->bytes + c->value_size, key.p, key.n);
	list_add(&c->lru, &it->lru);
	c->count++;
	return it->bytes;
}

void
cache_clear(struct cache *c)
{
	while (!list_empty(&c->lru))
		drop(c, link_to(c, LIST_FRONT(&c->lru, struct item, lru)));
}

void
cache_free(struct cache **cp)
{
	struct cache *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	if (c->heads != NULL && c->blocks != NULL)
		cache_clear(c);
	for (size_t i = 0; c->blocks != NULL && i <= c->max / BLOCK; i++)
		free(c->blocks[i]);
	free(c->blocks);
	free(c->heads);
	free(c);
}

size_t
cache_count(const struct cache *c)
{
	return c->count;
}
