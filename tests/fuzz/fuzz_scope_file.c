/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scope files: whatever stands in them is a table or a list of errors. fuzz-library: policy */
#include "policy/route_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 8 << 20);
	AUTO(arena) ra = arena_new("fuzz", 1 << 20);
	struct conf_reports reports = { 0 };
	if (a == NULL || ra == NULL)
		return 0;
	const struct route_table *t =
	    route_table_load_text(a, STR("f.yaml"), (struct str){ (const char *)p, n }, NULL, ra, &reports);
	CHECK((t == NULL) == (reports.errors > 0));
	for (size_t i = 0; t != NULL && i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i), *found = NULL;
		struct route_params params;
		enum route_tree tree = r->api == API_OAUTH ? ROUTE_TREE_OAUTH2 : ROUTE_TREE_APIS;
		CHECK(r->is_public || (r->scope != NULL && r->roles != 0));
		(void)route_match(t, tree, r->method, r->pattern, &found, &params);
	}
	return 0;
}
