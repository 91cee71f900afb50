/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The moves of an authorization request, and the words of scopes. */
#include "gateway/oauth/flow.h"

#include "gateway/oauth/pages/words.h"
#include "tests/unit/harness.h"

static void
test_move__only_forward_and_to_a_new_sign_in__is_legal(void)
{
	/* a row: from; a column: to. '+' legal */
	static const char *const legal[FLOW_N] = {
		[FLOW_NEW] = ".++.+++",
		[FLOW_ACCOUNT] = ".++.+++",
		[FLOW_LOGIN] = "..+++++",
		[FLOW_FACTOR] = "..+.+++",
		[FLOW_CONTEXT] = "..+.+++",
		[FLOW_CONSENT] = "..+..++",
		[FLOW_CODE] = ".......",
	};
	for (unsigned from = 0; from < FLOW_N; from++)
		for (unsigned to = 0; to < FLOW_N; to++) {
			struct flow f = { .state = (enum flow_state)from };
			bool want = legal[from][to] == '+';
			EXPECT_IDX((flow_move(&f, (enum flow_state)to) == 0) == want, from * 10 + to);
			EXPECT_IDX(f.state == (want ? to : from), from * 10 + to);
		}
}

static void
test_words__scopes__are_told_plainly(void)
{
	static const struct {
		struct str scope, words;
	} rows[] = {
		{ STR_INIT("patient/AllergyIntolerance.read"), STR_INIT("see allergies and intolerances") },
		{ STR_INIT("user/allergy.write"), STR_INIT("add, change and delete allergies and intolerances") },
		{ STR_INIT("user/Encounter.rs"), STR_INIT("see visits") },
		{ STR_INIT("user/Encounter.cru"), STR_INIT("see, add and change visits") },
		{ STR_INIT("user/Encounter.d"), STR_INIT("delete visits") },
		{ STR_INIT("patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/"
		           "observation-category|laboratory"),
		    STR_INIT("see measurements, lab results and observations (only laboratory results)") },
		{ STR_INIT("system/Patient.$export"),
		    STR_INIT("export patient details such as name, birth date and address in bulk") },
		{ STR_INIT("user/new_thing.read"), STR_INIT("see new thing") },
		{ STR_INIT("email"), STR_INIT("see your email address") },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct scope s;
		struct buf b;
		buf_init(&b, a, 64, 4096);
		struct html h = { &b, LANG_EN };
		REQUIRE(scope_parse(rows[i].scope, &s, NULL) == 0);
		words_scope(&h, a, &s);
		EXPECT_IDX(str_eq(buf_str(&b), rows[i].words), i);
	}
}

static void
test_cookie__twice_or_malformed__is_none(void)
{
	static const struct {
		struct str field, value;
	} rows[] = {
		{ STR_INIT("a=1"), STR_INIT("1") },
		{ STR_INIT("b=2; a=1;c=3"), STR_INIT("1") },
		{ STR_INIT("a=1; a=2"), { NULL, 0 } },
		{ STR_INIT("aa=1; A=2"), { NULL, 0 } },
		{ STR_INIT("a"), { NULL, 0 } },
		{ STR_INIT(";;=;"), { NULL, 0 } },
		{ STR_INIT("a="), STR_INIT("") },
		{ STR_INIT("a=b=c"), STR_INIT("b=c") },
		{ { NULL, 0 }, { NULL, 0 } },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str got = cookie_get(rows[i].field, STR("a"));
		EXPECT_IDX((got.p == NULL) == (rows[i].value.p == NULL) && str_eq(got, rows[i].value), i);
	}
}

TESTS(T(test_move__only_forward_and_to_a_new_sign_in__is_legal), T(test_words__scopes__are_told_plainly),
    T(test_cookie__twice_or_malformed__is_none))
