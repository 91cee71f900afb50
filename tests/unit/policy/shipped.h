/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shipped scope files, found beside this source file, for tests that need real rows. Not for what a row says (scopes/). */
#ifndef TESTS_UNIT_POLICY_SHIPPED_H
#define TESTS_UNIT_POLICY_SHIPPED_H

#include "policy/route_table.h"

#include "harness.h"

/* tests/unit/policy/shipped.h -> the repository's root, then rel. */
static inline struct str
from_root(struct arena *a, const char *rel)
{
	struct str here = STR(__FILE__);
	return arena_printf(a, "%.*s%s", (int)(here.n - STR("tests/unit/policy/shipped.h").n), here.p, rel);
}

static inline const struct route_table *
shipped_table(struct arena *a)
{
	struct err e = { 0 };
	struct str folder = from_root(a, "scopes");
	const struct route_table *t = route_table_load(a, &folder, 1, NULL, &e);
	if (t == NULL)
		printf("\n    %s\n", e.text);
	REQUIRE(t != NULL);
	return t;
}

static inline const struct route *
route_of(
    const struct route_table *t, enum route_tree tree, const char *method, const char *path, struct route_params *p)
{
	const struct route *r = NULL;
	enum http_method m = HTTP_GET;
	while (m < HTTP_OTHER && !str_eq(http_method_text(m), str_of(method)))
		m++;
	(void)route_match(t, tree, m, str_of(path), &r, p);
	return r;
}

#endif
