/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phpGACL over the grants that OpenEMR installs, and over denials that it does not. */
#include "stock_acl.h"

static void
test_acl__installed_groups__are_granted_what_openemr_grants(void)
{
	static const struct {
		const char *group, *section, *value, *returns; /* returns: '|' between, "" none */
		bool allowed;
	} rows[] = {
		{ "admin", "patients", "demo", "", true },
		{ "admin", "patients", "demo", "write", true },
		{ "admin", "patients", "demo", "addonly", true }, /* superuser: any object, any return value */
		{ "admin", "placeholder", "filler", "view", true },
		{ "admin", "no", "such", "", true },
		{ "admin", "admin", "super", "", true },
		{ "admin", "admin", "super", "write", true },
		{ "admin", "admin", "super", "addonly", false }, /* the superuser's own object is asked as it stands */
		{ "doc", "patients", "demo", "", true },
		{ "doc", "patients", "demo", "write", true },
		{ "doc", "patients", "demo", "addonly", false }, /* write implies nothing */
		{ "doc", "patients", "demo", "write|addonly", true },
		{ "doc", "patients", "pat_rep", "", true },
		{ "doc", "patients", "pat_rep", "write", false },
		{ "doc", "admin", "super", "", false },
		{ "doc", "admin", "users", "", false },
		{ "doc", "lists", "default", "", false },
		{ "clin", "patients", "demo", "", true }, /* addonly passes where no return value is asked */
		{ "clin", "patients", "demo", "write", false },
		{ "clin", "patients", "demo", "write|addonly", true },
		{ "clin", "encounters", "notes", "write", true },
		{ "clin", "encounters", "notes", "addonly", true },
		{ "clin", "encounters", "auth_a", "", false },
		{ "front", "patients", "demo", "write", true },
		{ "front", "patients", "med", "", false },
		{ "back", "acct", "bill", "write", true },
		{ "back", "encounters", "auth_a", "", true },
		{ "back", "encounters", "notes", "", false },
		{ "", "patients", "demo", "", false },
		{ "", "admin", "super", "", false },
		{ "clin", "PATIENTS", "Demo", "", true },         /* as the columns compare */
		{ "clin", "patients", "demo", "AddOnly", false }, /* as PHP compares */
		{ "clin", "patients", "dem", "", false },
		{ "clin", "patient", "sdemo", "", false },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str returns[4], one, rest = str_of(rows[i].returns);
		size_t n = 0;
		while (str_next(&rest, '|', &one))
			returns[n++] = one;
		const struct acl_grants *g = stock_grants(a, rows[i].group, "");
		EXPECT_IDX(
		    acl_allowed(g, str_of(rows[i].section), str_of(rows[i].value), returns, n) == rows[i].allowed, i);
	}
}

static void
test_acl__denials__win_over_grants_and_lose_to_the_superuser(void)
{
	static const struct {
		const char *group, *also, *section, *value, *returns;
		bool allowed;
	} rows[] = {
		{ "doc", "-patients/demo:", "patients", "demo", "", false },
		{ "doc", "-patients/demo:", "patients", "demo", "write", true }, /* only rules with the value count */
		{ "doc", "-patients/demo:write", "patients", "demo", "write", false },
		{ "clin", "-patients/demo:write", "patients", "demo", "addonly", true },
		{ "clin", "-patients/demo:write", "patients", "demo", "", false },
		{ "admin", "-patients/demo:write", "patients", "demo", "write", true },
		{ "admin", "-admin/super:view", "patients", "demo", "write",
		    true }, /* no superuser any more, but granted itself */
		{ "admin", "-admin/super:view", "placeholder", "filler", "", false }, /* not granted itself */
		{ "admin", "-admin/super:view", "admin", "super", "", false },
		{ "admin", "-admin/super:view", "admin", "super", "write", true },
		{ "", "+admin/super:view", "patients", "demo", "write",
		    true }, /* whatever return value makes a superuser */
		{ "", "+patients/demo:", "patients", "demo", "", true },
		{ "", "+patients/demo:", "patients", "demo", "write", false },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str returns = str_of(rows[i].returns);
		const struct acl_grants *g = stock_grants(a, rows[i].group, rows[i].also);
		EXPECT_IDX(acl_allowed(g, str_of(rows[i].section), str_of(rows[i].value), &returns, returns.n > 0) ==
		               rows[i].allowed,
		    i);
	}
}

static void
test_acl__rows_of_one_rule_twice__count_once(void)
{
	AUTO(arena) a = arena_new("test", 1 << 20);
	const struct acl_grants *g = stock_grants(a, "", "+a/b:x +a/b:x -a/b:y +a/c:x");
	EXPECT(acl_grants_count(g) == 3 && !acl_is_super(g));
	EXPECT(acl_is_super(stock_grants(a, "admin", "")));
}

static void
test_acl__too_many_rows_or_no_memory__is_refused(void)
{
	AUTO(arena) a = arena_new("test", 256);
	struct acl_row rows[16];
	for (size_t i = 0; i < NITEMS(rows); i++)
		rows[i] = (struct acl_row){ STR("a"), STR("b"), STR("c"), true };
	EXPECT(acl_grants_new(a, rows, NITEMS(rows)) == NULL);
	EXPECT(acl_grants_new(a, rows, ACL_ROWS_MAX + 1) == NULL);
}

TESTS(T(test_acl__installed_groups__are_granted_what_openemr_grants),
    T(test_acl__denials__win_over_grants_and_lose_to_the_superuser), T(test_acl__rows_of_one_rule_twice__count_once),
    T(test_acl__too_many_rows_or_no_memory__is_refused))
