/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scope strings from registrations, authorize and token requests. fuzz-library: policy */
#include "policy/scope_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The first line is asked, the rest is granted. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 512 << 10);
	struct str asked = { (const char *)p, n }, granted;
	const struct scope_set *s, *by, *left;
	struct scope sc;
	struct buf out;
	if (a == NULL)
		return 0;
	if (scope_parse(asked, &sc, NULL) == 0)
		CHECK(sc.text.n == n && scope_contains(&sc, &sc));
	size_t line = str_find(asked, '\n');
	granted = str_skip(asked, line + 1);
	asked = str_sub(asked, 0, line);
	if (scope_set_parse(a, asked, &s, NULL) != 0 || scope_set_parse(a, granted, &by, NULL) != 0)
		return 0;
	left = scope_set_narrow(a, s, by);
	if (left == NULL)
		return 0;
	CHECK(scope_set_contains_all(s, left, NULL) && scope_set_contains_all(by, left, NULL));
	for (size_t i = 0; i < scope_set_count(left); i++) {
		const struct scope *g = scope_set_at(left, i);
		struct scope_need need = { .resource = g->resource,
			.operation = g->operation,
			.permissions = g->permissions,
			.resource_hash = scope_hash(g->resource, STR("")),
			.key_hash = scope_hash(g->resource, g->operation) };
		CHECK(g->context == SCOPE_SPECIAL || scope_set_holds(by, &need, g->context) != SCOPE_NOT_HELD);
		(void)scope_set_categories(a, left, &need, g->context);
	}
	buf_init(&out, a, 64, SCOPE_SET_TEXT_MAX);
	scope_set_put(left, SCOPE_TEXT_SORTED, &out);
	if (buf_ok(&out)) /* what is printed is read again */
		CHECK(scope_set_parse(a, buf_str(&out), &s, NULL) != 0 || scope_set_count(s) == scope_set_count(left));
	return 0;
}
