/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to policy: paths as a trie of segments. Matching walks the path once, hashes each segment, allocates nothing. */
#ifndef POLICY_ROUTE_TRIE_H
#define POLICY_ROUTE_TRIE_H

#include "gateway/core/route.h"

enum { TRIE_METHODS = HTTP_OTHER };
struct trie_node;
struct trie_edge {
	uint32_t hash;
	struct str segment;
	struct trie_node *to; /* NULL: free slot */
};
struct trie_node {
	struct trie_edge *edges; /* open addressing, mask + 1 slots; NULL: no static child */
	uint32_t mask, n_edges;
	struct trie_node *param;
	bool reserved; /* the param takes no word that begins with '_' */
	const struct route *route[TRIE_METHODS];
	unsigned methods; /* bits 1 << enum http_method                   */
};
struct trie_values {
	struct str v[ROUTE_PARAMS_MAX];
	unsigned n;
};

struct trie_node *trie_node_new(struct arena *a);
/* Adds the route's pattern (checked by the caller: "/seg/:param", at most ROUTE_PARAMS_MAX params). *old gets the route that has the same
 * shape and method already (then nothing is added), or NULL. -1: arena full. */
int trie_add(struct arena *a, struct trie_node *root, const struct route *route, const struct route **old) MUSTUSE;
/* The node where the path ends, or NULL. */
const struct trie_node *trie_find(const struct trie_node *root, struct str path, struct trie_values *values);

#endif
