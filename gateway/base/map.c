/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash map: open addressing over an array of entries kept in insertion order. */
#include "gateway/base/map.h"

#include "gateway/base/rng.h"

#include <stdlib.h>

struct entry {
	char *key; /* NULL: deleted */
	size_t n;
	uint64_t hash;
	void *value;
};
struct map {
	struct entry *entries;
	uint32_t *slots; /* index + 1 into entries; 0: empty */
	size_t n_entries, cap_entries, n_slots, live;
};

static uint64_t seed[2];

static inline uint64_t
rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t
map_hash(struct str key)
{
	uint64_t v[4], m, last = (uint64_t)key.n << 56;
	size_t i = 0;
	if ((seed[0] | seed[1]) == 0)
		rng_bytes(&rng_system, seed, sizeof seed);
	v[0] = seed[0] ^ 0x736f6d6570736575u;
	v[1] = seed[1] ^ 0x646f72616e646f6du;
	v[2] = seed[0] ^ 0x6c7967656e657261u;
	v[3] = seed[1] ^ 0x7465646279746573u;
	for (; key.n - i >= 8; i += 8) {
		memcpy(&m, key.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	for (size_t k = 0; i + k < key.n; k++)
		last |= (uint64_t)(unsigned char)key.p[i + k] << (8 * k);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *
map_new(void)
{
	return calloc(1, sizeof(struct map));
}

void
map_free(struct map **mp)
{
	struct map *m = *mp;
	*mp = NULL;
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n_entries; i++)
		free(m->entries[i].key);
	free(m->entries);
	free(m->slots);
	free(m);
}

/* The slot of key, or the empty one where it would go. n_slots is a power of two with room. */
static size_t
slot_of(const struct map *m, struct str key, uint64_t hash)
{
	size_t at = hash & (m->n_slots - 1);
	while (m->slots[at] != 0) {
		const struct entry *e = &m->entries[m->slots[at] - 1];
		if (e->key != NULL && e->hash == hash && e->n == key.n && memcmp(e->key, key.p, key.n) == 0)
			break;
		at = (at + 1) & (m->n_slots - 1);
	}
	return at;
}

void *
map_get(const struct map *m, struct str key)
{
	if (m->n_slots == 0 || key.p == NULL)
		return NULL;
	size_t at = slot_of(m, key, map_hash(key));
	return m->slots[at] == 0 ? NULL : m->entries[m->slots[at] - 1].value;
}

static int
grow(struct map *m)
{
	size_t cap = MAX(m->live * 2, 16), n_slots = 32, n = 0;
	while (n_slots < cap * 2)
		n_slots *= 2;
	struct entry *entries = calloc(cap, sizeof *entries);
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	if (entries == NULL || slots == NULL) {
		free(entries);
		free(slots);
		return -1;
	}
	for (size_t i = 0; i < m->n_entries; i++) {
		if (m->entries[i].key == NULL)
			continue;
		size_t at = m->entries[i].hash & (n_slots - 1);
		while (slots[at] != 0)
			at = (at + 1) & (n_slots - 1);
		entries[n] = m->entries[i];
		slots[at] = (uint32_t)++n;
	}
	free(m->entries);
	free(m->slots);
	m->entries = entries;
	m->slots = slots;
	m->n_entries = n;
	m->cap_entries = cap;
	m->n_slots = n_slots;
	return 0;
}

int
map_put(struct map *m, struct str key, void *value, void **old)
{
	uint64_t hash = map_hash(key);
	if (old != NULL)
		*old = NULL;
	if (m->n_entries == m->cap_entries && grow(m) != 0)
		return -1;
	size_t at = slot_of(m, key, hash);
	if (m->slots[at] != 0) {
		struct entry *e = &m->entries[m->slots[at] - 1];
		if (old != NULL)
			*old = e->value;
		e->value = value;
		return 0;
	}
	char *copy = malloc(key.n + 1);
	if (copy == NULL)
		return -1;
	if (key.n > 0)
		memcpy(copy, key.p, key.n);
	copy[key.n] = 0;
	m->entries[m->n_entries] = (struct entry){ copy, key.n, hash, value };
	m->slots[at] = (uint32_t)++m->n_entries;
	m->live++;
	return 0;
}

void *
map_del(struct map *m, struct str key)
{
	if (m->n_slots == 0)
		return NULL;
	size_t at = slot_of(m, key, map_hash(key));
	if (m->slots[at] == 0)
		return NULL;
	struct entry *e =
	    &m->entries[m->slots[at] - 1]; /* the slot keeps pointing here, so that probing goes on past it */
	free(e->key);
	e->key = NULL;
	m->live--;
	return e->value;
}

size_t
map_count(const struct map *m)
{
	return m->live;
}

bool
map_next(const struct map *m, size_t *pos, struct str *key, void **value)
{
	while (*pos < m->n_entries) {
		const struct entry *e = &m->entries[(*pos)++];
		if (e->key == NULL)
			continue;
		*key = (struct str){ e->key, e->n };
		*value = e->value;
		return true;
	}
	return false;
}
