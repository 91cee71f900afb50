/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segment trie. A static segment hides a param beside it, so the walk never turns back. */
#include "policy/route_trie.h"

/* What a :param may hold (contract of OpenEMR's router): [A-Za-z0-9\-_$:]+ */
static inline bool
param_char(char c)
{
	char l = (char)(c | 0x20);
	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '$' || c == ':';
}

static inline uint32_t
hash_step(uint32_t h, char c)
{
	return (h ^ (uint8_t)c) * 16777619u;
}
enum { HASH_START = 0x11c9dc5 };

static uint32_t
segment_hash(struct str s)
{
	uint32_t h = HASH_START;
	for (size_t i = 0; i < s.n; i++)
		h = hash_step(h, s.p[i]);
	return h;
}

static struct trie_edge *
edge_slot(struct trie_edge *edges, uint32_t mask, struct str segment, uint32_t hash)
{
	uint32_t at = hash & mask;
	while (edges[at].to != NULL && !(edges[at].hash == hash && str_eq(edges[at].segment, segment)))
		at = (at + 1) & mask;
	return &edges[at];
}

struct trie_node *
trie_node_new(struct arena *a)
{
	return ARENA_NEW(a, struct trie_node);
}

/* At least half of the slots stay free, so that a search always ends. */
static int
edges_grow(struct arena *a, struct trie_node *n)
{
	uint32_t size = n->edges == NULL ? 4 : 2 * (n->mask + 1);
	if (n->edges != NULL && 2 * (n->n_edges + 1) <= n->mask + 1)
		return 0;
	struct trie_edge *edges = arena_array(a, size, sizeof *edges);
	if (edges == NULL)
		return -1;
	for (uint32_t i = 0; n->edges != NULL && i <= n->mask; i++)
		if (n->edges[i].to != NULL)
			*edge_slot(edges, size - 1, n->edges[i].segment, n->edges[i].hash) = n->edges[i];
	n->edges = edges;
	n->mask = size - 1;
	return 0;
}

static struct trie_node *
child_get(struct arena *a, struct trie_node *n, struct str segment)
{
	if (segment.n > 0 && segment.p[0] == ':') {
		if (n->param == NULL)
			n->param = trie_node_new(a);
		return n->param;
	}
	if (edges_grow(a, n) != 0)
		return NULL;
	uint32_t hash = segment_hash(segment);
	struct trie_edge *e = edge_slot(n->edges, n->mask, segment, hash);
	if (e->to == NULL) {
		struct trie_node *to = trie_node_new(a);
		if (to == NULL)
			return NULL;
		*e = (struct trie_edge){ .hash = hash, .segment = segment, .to = to };
		n->n_edges++;
	}
	return e->to;
}

int
trie_add(struct arena *a, struct trie_node *root, const struct route *route, const struct route **old)
{
	struct str segment, rest = str_skip(route->pattern, 1);
	struct trie_node *n = root;
	CHECK((int)route->method < TRIE_METHODS);
	while (str_next(&rest, '/', &segment)) {
		if (route->local_only && segment.n > 0 && segment.p[0] == ':')
			n->reserved = true;
		n = child_get(a, n, segment);
		if (n == NULL)
			return -1;
	}
	if (str_ends(route->pattern, STR("/")) && (n = child_get(a, n, STR(""))) == NULL)
		return -1;
	*old = n->route[route->method];
	if (*old == NULL) {
		n->route[route->method] = route;
		n->methods |= 1u << route->method;
	}
	return 0;
}

const struct trie_node *
trie_find(const struct trie_node *root, struct str path, struct trie_values *values)
{
	const struct trie_node *n = root;
	size_t at = 0;
	values->n = 0;
	while (at < path.n) {
		if (path.p[at] != '/')
			return NULL;
		size_t from = ++at;
		uint32_t hash = HASH_START;
		bool all = true;
		for (; at < path.n && path.p[at] != '/'; at++) {
			hash = hash_step(hash, path.p[at]);
			all &= param_char(path.p[at]);
		}
		struct str segment = { path.p + from, at - from };
		const struct trie_edge *e = n->edges == NULL ? NULL : edge_slot(n->edges, n->mask, segment, hash);
		if (e != NULL && e->to != NULL) {
			n = e->to;
			continue;
		}
		if (segment.n == 0)
			return NULL; /* "//", or a slash behind a pattern that has none */
		if (n->param == NULL || !all || segment.p[0] == '$' || (segment.p[0] == '_' && n->reserved) ||
		    values->n == ROUTE_PARAMS_MAX)
			return NULL;
		values->v[values->n++] = segment;
		n = n->param;
	}
	return n == root || n->methods == 0 ? NULL : n;
}
