/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to policy: reads scope files (scopes/README.md) into routes, needs and the catalog. Every error is reported with file and line,
 * all at once. */
#ifndef POLICY_SCOPE_FILE_H
#define POLICY_SCOPE_FILE_H

#include "gateway/config/yaml_tree.h"
#include "policy/catalog.h"
#include "policy/rate.h"
#include "policy/route_table.h"
#include "policy/route_trie.h"

enum { SCOPE_FILE_MAX_BYTES = 1 << 20, SCOPE_FILES_MAX = 64, ROUTES_MAX = 4096, ROUTE_SEGMENTS_MAX = 16 };

/* What a row says beyond struct route. */
struct route_extra {
	struct str params[ROUTE_PARAMS_MAX];
	unsigned n_params;
	bool must_serve;
};
struct route_table {
	unsigned magic;
#define ROUTE_TABLE_MAGIC 0x40c2fa16u
	struct route *v;
	struct route_extra *extra;
	size_t n, cap;
	struct trie_node *roots[2]; /* by enum route_tree */
	struct scope_catalog *catalog;
	const struct rate_classes *rates;
};
struct scope_reader {
	struct arena *arena;   /* what stays                              */
	struct arena *scratch; /* the trees                               */
	struct arena *report_arena;
	struct conf_reports *reports;
	size_t reports_cap, reports_before;
	struct str file;   /* shown in messages: the path             */
	struct str source; /* shown in rules: the base name           */
	struct route_table *table;
};

void scope_report(struct scope_reader *r, unsigned line, struct str path, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Number of rows that the tree holds, at most: for the allocation. */
size_t scope_file_rows(const struct ynode *root);
void scope_file_read(struct scope_reader *r, const struct ynode *root);

/* route_facts.c: what defaults and rows may say, as one table of keys. */
struct route_facts {
	bool is_public, patient_skips_acl, reserved, must_serve, is_page, any_origin;
	unsigned roles, api_roles;
	struct str scope, api_scope, acl, rate, action;
	enum audit_class audit;
	enum on_failure on_failure;
};
enum { FACTS_OF_ROW, FACTS_OF_DEFAULTS };
/* Reads a flow map into *f over what stands there. where: for messages. */
void route_facts_read(struct scope_reader *r, const struct ynode *map, int of, struct str where, struct route_facts *f);
/* route_build.c: the row's facts become a route. False: reported. */
bool route_build(struct scope_reader *r, enum api api, struct str key, unsigned line, const struct route_facts *f,
    struct route *route, struct route_extra *extra);

#endif
