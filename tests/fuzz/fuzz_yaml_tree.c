/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML as a tree: limits hold, children are linked as told, an error names its line. fuzz-library: gateway/config */
#include "gateway/config/yaml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct yaml_tree_limits limits = { .bytes_max = 32 << 10, .depth_max = 12, .nodes_max = 2000 };

static unsigned
walk(const struct ynode *node, unsigned depth)
{
	unsigned nodes = 1;
	size_t n = 0;
	CHECK(depth <= limits.depth_max && (node->kind != YNODE_SCALAR || node->n == 0));
	CHECK(node->kind != YNODE_SCALAR || str_find(node->text, 0) == node->text.n);
	YNODE_FOREACH(child, node)
	{
		n++;
		CHECK(child->next != NULL || child == node->last);
		CHECK(node->kind != YNODE_MAP || ynode_get(node, child->key) == child); /* names are unique */
		nodes += walk(child, depth + 1);
	}
	CHECK(n == node->n);
	return nodes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 8 << 20);
	struct err e = { 0 };
	unsigned line = 0;
	if (a == NULL)
		return 0;
	const struct ynode *root = yaml_tree_parse(a, (struct str){ (const char *)p, n }, &limits, &line, &e);
	CHECK((root == NULL) == (e.kind != E_NONE));
	if (root != NULL)
		CHECK(walk(root, 0) <= limits.nodes_max && n <= limits.bytes_max);
	return 0;
}
