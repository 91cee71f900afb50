/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML text as a small tree with line numbers, through libyaml. The subset that people configure with: maps with scalar keys,
 * lists, scalars. Anchors, aliases, tags and a second document are refused, so that what stands in the file is what is meant and
 * no input grows. Used for the configuration and the scope files. Not for meaning: types are the reader's.                  */
#ifndef GATEWAY_CONFIG_YAML_TREE_H
#define GATEWAY_CONFIG_YAML_TREE_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"

enum ynode_kind { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };
struct ynode {
	enum ynode_kind kind;
	bool quoted;                   /* scalar in quotes or as a block: text whatever it looks like */
	unsigned line, column;         /* from 1, where the value begins                              */
	unsigned key_line;             /* of a map member                                             */
	struct str key;                /* of a map member; .n 0 in lists and at the root              */
	struct str text;               /* scalar; never holds NUL; a NUL stands behind it             */
	size_t n;                      /* children                                                    */
	struct ynode *first, *last;    /* children                                                    */
	struct ynode *next;            /* sibling, in file order                                      */
	const struct ynode *duplicate; /* an earlier member of the same map with the same key, or NULL */
};
#define YNODE_FOREACH(child, parent)                                                                                   \
	for (const struct ynode *child = (parent)->first; child != NULL; child = child->next)

struct yaml_tree_limits {
	size_t bytes_max;
	unsigned depth_max, nodes_max;
	bool keep_duplicates; /* leave repeated keys to the caller (ynode.duplicate); else the first is E_CONFLICT */
};
extern const struct yaml_tree_limits yaml_tree_limits_default; /* 1 MiB, depth 24, 65536 nodes */

/* The root node, arena memory (text is copied); an empty document is a map without members. NULL with e: E_PARSE, E_LIMIT, E_CONFLICT;
 * the text of e begins with "line N: ", and *line (may be NULL) gets N (0: none).                                          */
struct ynode *yaml_tree_parse(
    struct arena *a, struct str text, const struct yaml_tree_limits *limits, unsigned *line, struct err *e) MUSTUSE;
/* Reads a regular file of at most bytes_max into arena memory. Blocking. */
int yaml_file_read(struct arena *a, const char *path, size_t bytes_max, struct str *out, struct err *e) MUSTUSE;

/* Member of a map, or NULL (also when n is NULL or no map). */
const struct ynode *ynode_get(const struct ynode *n, struct str key);
/* Unquoted nothing, "~" or "null". */
bool ynode_is_null(const struct ynode *n);
/* Scalar true/false/yes/no/on/off without quotes; -1 otherwise. */
int ynode_bool(const struct ynode *n, bool *out) MUSTUSE;
/* Text of a scalar, STR_NULL when n is NULL, null or no scalar. */
struct str ynode_str(const struct ynode *n);

#endif
