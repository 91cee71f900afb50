/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets: parsing, narrowing, what they open, and that no operation widens. */
#include "policy/scope_set.h"

#include "gateway/base/json_in.h"
#include "harness.h"

static const struct scope_set *
set(struct arena *a, const char *text)
{
	const struct scope_set *s = NULL;
	REQUIRE(scope_set_parse(a, str_of(text), &s, NULL) == 0);
	return s;
}

static struct str
text_of(struct arena *a, const struct scope_set *s, unsigned flags)
{
	struct buf b;
	buf_init(&b, a, 64, SCOPE_SET_TEXT_MAX);
	if (s != NULL)
		scope_set_put(s, flags, &b);
	return buf_str(&b);
}

static struct scope_need
need_of(const char *text)
{
	struct scope s;
	REQUIRE(scope_parse(str_of(text), &s, NULL) == 0);
	return (struct scope_need){ .resource = s.resource,
		.operation = s.operation,
		.permissions = s.permissions,
		.resource_hash = scope_hash(s.resource, STR("")),
		.key_hash = scope_hash(s.resource, s.operation) };
}

static void
test_set__text__keeps_order_and_spelling_and_each_name_once(void)
{
	AUTO(arena) a = arena_new("test", 1 << 20);
	const struct scope_set *s =
	    set(a, " openid  user/patient.read api:oemr user/patient.rs openid patient/Patient.read ");
	EXPECT(scope_set_count(s) == 5);
	EXPECT(str_eq(text_of(a, s, 0), STR("openid user/patient.read api:oemr user/patient.rs patient/Patient.read")));
	EXPECT(str_eq(
	    text_of(a, s, SCOPE_TEXT_NO_API), STR("openid user/patient.read user/patient.rs patient/Patient.read")));
	EXPECT(str_eq(text_of(a, s, SCOPE_TEXT_SORTED),
	    STR("api:oemr openid patient/Patient.read user/patient.read user/patient.rs")));
	EXPECT(scope_set_has(s, STR("openid")) && scope_set_has(s, STR("user/patient.rs")));
	EXPECT(!scope_set_has(s, STR("offline_access")) && !scope_set_has(s, STR("user/patient.r")));
	EXPECT(scope_set_has_context(s, SCOPE_USER) && !scope_set_has_context(s, SCOPE_SYSTEM));
	EXPECT(scope_set_count(set(a, "")) == 0 && scope_set_count(set(a, "   ")) == 0);
}

static void
test_set__one_malformed_name__refuses_the_whole(void)
{
	AUTO(arena) a = arena_new("test", 1 << 20);
	static const char *const bad[] = { "openid user/Patient.sr", "openid\tprofile", "openid\nprofile", "patient/" };
	for (size_t i = 0; i < NITEMS(bad); i++) {
		const struct scope_set *s = NULL;
		struct err e = { 0 };
		EXPECT_IDX(scope_set_parse(a, str_of(bad[i]), &s, &e) == -1 && s == NULL && e.kind == E_PARSE, i);
	}
}

static void
test_set__too_many_names__is_refused(void)
{
	AUTO(arena) a = arena_new("test", 4 << 20);
	struct buf b;
	const struct scope_set *s = NULL;
	buf_init(&b, a, 1024, 1 << 20);
	for (int i = 0; i <= SCOPE_SET_MAX; i++)
		buf_printf(&b, "user/a%d.r ", i);
	EXPECT(scope_set_parse(a, buf_str(&b), &s, NULL) == -1);
	struct str fewer = str_sub(buf_str(&b), 0, b.n - STR("user/a1024.r ").n);
	REQUIRE(scope_set_parse(a, fewer, &s, NULL) == 0);
	EXPECT(scope_set_count(s) == SCOPE_SET_MAX);
	for (int i = 0; i < SCOPE_SET_MAX; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "user/a%d.r", i);
		struct scope_need need = need_of(name);
		EXPECT_IDX(scope_set_holds(s, &need, SCOPE_USER) == SCOPE_HELD, i);
	}
}

static void
test_set__small_arena__is_an_error_and_not_an_abort(void)
{
	static const struct str text =
	    STR_INIT("openid user/patient.read user/Observation.rs?category=http://a|b system/*.$export");
	for (size_t cap = 64; cap < 16384; cap += 64) {
		AUTO(arena) a = arena_new("small", cap);
		const struct scope_set *s = NULL;
		REQUIRE(a != NULL);
		if (scope_set_parse(a, text, &s, NULL) != 0)
			continue;
		EXPECT_IDX(scope_set_count(s) == 4, cap);
		(void)scope_set_for_role(a, s, ROLE_USERS);
	}
}

static void
test_set__json__takes_arrays_of_single_scopes_only(void)
{
	static const struct {
		const char *json;
		int rc;
	} rows[] = { { "[\"openid\",\"user/patient.read\"]", 0 }, { "[]", 0 }, { "[\"openid profile\"]", -1 },
		{ "[\"\"]", -1 }, { "[1]", -1 }, { "{}", -1 }, { "\"openid\"", -1 }, { "[\"patient/\"]", -1 } };
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct scope_set *s = NULL;
		json_t *j = json_in(str_of(rows[i].json), 1024, NULL);
		REQUIRE(j != NULL);
		EXPECT_IDX(scope_set_json(a, j, &s, NULL) == rows[i].rc, i);
		EXPECT_IDX((s != NULL) == (rows[i].rc == 0), i);
		json_decref(j);
	}
	EXPECT(scope_set_json(a, NULL, &(const struct scope_set *){ NULL }, NULL) == -1);
}

static void
test_set__narrowed__keeps_what_the_other_contains(void)
{
	static const struct {
		const char *asked, *by, *left;
	} rows[] = {
		{ "openid user/patient.rs user/patient.write", "openid user/patient.read", "openid user/patient.rs" },
		{ "user/patient.cruds", "user/patient.read user/patient.write", "" }, /* one scope must contain it */
		{ "patient/Observation.rs", "patient/*.read", "patient/Observation.rs" },
		{ "patient/*.rs", "patient/Observation.rs", "" },
		{ "offline_access openid", "openid", "openid" },
		{ "user/Observation.rs", "user/Observation.rs?category=http://a|b", "" },
		{ "user/Observation.r?category=http://a|b", "user/Observation.rs",
		    "user/Observation.r?category=http://a|b" },
		{ "", "openid", "" },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct scope_set *s = scope_set_narrow(a, set(a, rows[i].asked), set(a, rows[i].by));
		EXPECT_IDX(s != NULL && str_eq(text_of(a, s, 0), str_of(rows[i].left)), i);
	}
	const struct scope *first = NULL;
	EXPECT(!scope_set_contains_all(set(a, "openid"), set(a, "openid email"), &first));
	EXPECT(first != NULL && str_eq(first->text, STR("email")));
}

static void
test_set__by_role__keeps_what_the_grant_may_hold(void)
{
	static const struct {
		enum role role;
		const char *left;
	} rows[] = {
		{ ROLE_USERS, "openid patient/Patient.rs user/Patient.rs" },
		{ ROLE_PATIENT, "openid patient/Patient.rs" },
		{ ROLE_SYSTEM, "openid system/Patient.rs" },
		{ ROLE_NONE, "openid" },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	const struct scope_set *all = set(a, "openid patient/Patient.rs user/Patient.rs system/Patient.rs");
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(str_eq(text_of(a, scope_set_for_role(a, all, rows[i].role), 0), str_of(rows[i].left)), i);
}

static void
test_set__held__is_told_per_context_with_wildcards_and_categories(void)
{
	static const struct {
		const char *scopes, *need;
		enum scope_context context, strongest;
		enum scope_held held;
		const char *categories;
	} rows[] = {
		{ "user/patient.r", "user/patient.r", SCOPE_USER, SCOPE_USER, SCOPE_HELD, "" },
		{ "user/patient.r", "user/patient.s", SCOPE_USER, SCOPE_USER, SCOPE_NOT_HELD, "" },
		{ "user/patient.r", "user/patient.r", SCOPE_PATIENT, SCOPE_USER, SCOPE_NOT_HELD, "" },
		{ "user/patient.r", "user/facility.r", SCOPE_USER, SCOPE_SPECIAL, SCOPE_NOT_HELD, "" },
		{ "patient/X.r user/X.s system/X.c", "user/X.d", SCOPE_USER, SCOPE_SYSTEM, SCOPE_NOT_HELD, "" },
		{ "patient/*.rs", "user/Goal.s", SCOPE_PATIENT, SCOPE_PATIENT, SCOPE_HELD, "" },
		{ "patient/*.rs user/Goal.r", "user/Goal.s", SCOPE_USER, SCOPE_USER, SCOPE_NOT_HELD, "" },
		{ "user/*.cruds", "user/patient.r", SCOPE_USER, SCOPE_SPECIAL, SCOPE_NOT_HELD, "" },
		{ "system/*.$export", "system/*.$export", SCOPE_SYSTEM, SCOPE_SYSTEM, SCOPE_HELD, "" },
		{ "system/*.$export", "system/Patient.$export", SCOPE_SYSTEM, SCOPE_SYSTEM, SCOPE_HELD, "" },
		{ "system/Patient.$export", "system/*.$export", SCOPE_SYSTEM, SCOPE_SPECIAL, SCOPE_NOT_HELD, "" },
		{ "system/*.cruds", "system/*.$export", SCOPE_SYSTEM, SCOPE_SYSTEM, SCOPE_NOT_HELD, "" },
		{ "user/Obs.rs?category=http://a|b", "user/Obs.s", SCOPE_USER, SCOPE_USER, SCOPE_HELD_CATEGORIES,
		    "http://a|b" },
		{ "user/Obs.rs?category=http://a|b user/Obs.r?category=http://a|c user/Obs.r?category=http://a|b",
		    "user/Obs.r", SCOPE_USER, SCOPE_USER, SCOPE_HELD_CATEGORIES, "http://a|b,http://a|c" },
		{ "user/Obs.rs?category=http://a|b user/Obs.r", "user/Obs.r", SCOPE_USER, SCOPE_USER, SCOPE_HELD, "" },
		{ "user/Obs.rs?category=http://a|b user/Obs.r", "user/Obs.s", SCOPE_USER, SCOPE_USER,
		    SCOPE_HELD_CATEGORIES, "http://a|b" },
		{ "user/Obs.rs?category=http://a|b user/*.rs", "user/Obs.s", SCOPE_USER, SCOPE_USER, SCOPE_HELD, "" },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct scope_set *s = set(a, rows[i].scopes);
		struct scope_need need = need_of(rows[i].need);
		EXPECT_IDX(scope_set_strongest(s, &need) == rows[i].strongest, i);
		EXPECT_IDX(scope_set_holds(s, &need, rows[i].context) == rows[i].held, i);
		EXPECT_IDX(str_eq(scope_set_categories(a, s, &need, rows[i].context), str_of(rows[i].categories)), i);
	}
}

/* --- property: nothing widens ------------------------------------------------------------------------------------------ */

static uint64_t
rnd(uint64_t *state, uint64_t n) /* xorshift: the same sequence each run */
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

static size_t
random_name(uint64_t *state, char *out, size_t n)
{
	static const char *const contexts[] = { "patient", "user", "system" };
	static const char *const resources[] = { "*", "Patient", "Observation", "patient" };
	static const char *const permissions[] = { "read", "write", "c", "r", "s", "rs", "ud", "cruds", "$export" };
	static const char *const queries[] = { "", "", "?category=http://a|b", "?category=http://a|c" };
	static const char *const specials[] = { "openid", "launch/patient", "api:oemr" };
	if (rnd(state, 8) == 0)
		return (size_t)snprintf(out, n, "%s", specials[rnd(state, NITEMS(specials))]);
	size_t permission = rnd(state, NITEMS(permissions));
	return (size_t)snprintf(out, n, "%s/%s.%s%s", contexts[rnd(state, 3)], resources[rnd(state, 4)],
	    permissions[permission], permission == NITEMS(permissions) - 1 ? "" : queries[rnd(state, 4)]);
}

static const struct scope_set *
random_set(struct arena *a, uint64_t *state)
{
	char text[512];
	size_t n = 0, items = rnd(state, 6);
	for (size_t i = 0; i < items; i++) {
		if (n > 0)
			text[n++] = ' ';
		n += random_name(state, text + n, sizeof text - n);
	}
	const struct scope_set *s = NULL;
	REQUIRE(scope_set_parse(a, (struct str){ text, n }, &s, NULL) == 0);
	return s;
}

/* Rights that small holds and large does not: 0 for a narrowing. A right is (resource, one permission, context, whole or category). */
static size_t
rights_beyond(struct arena *a, const struct scope_set *small, const struct scope_set *large)
{
	static const char *const needs[] = { "user/*.r", "user/Patient.r", "user/Patient.s", "user/Patient.u",
		"user/Observation.s", "user/patient.c", "user/patient.r", "user/Patient.$export", "user/*.$export" };
	size_t wrong = 0;
	for (size_t i = 0; i < NITEMS(needs); i++) {
		struct scope_need need = need_of(needs[i]);
		for (enum scope_context c = SCOPE_PATIENT; c < SCOPE_CONTEXT_N; c++) {
			enum scope_held s = scope_set_holds(small, &need, c), l = scope_set_holds(large, &need, c);
			wrong += s > l;
			struct str one, rest = scope_set_categories(a, small, &need, c);
			struct str all = scope_set_categories(a, large, &need, c);
			while (l == SCOPE_HELD_CATEGORIES && str_next(&rest, ',', &one))
				wrong += str_find_str(all, one) == all.n;
		}
	}
	return wrong;
}

static void
test_set__narrowing__never_widens(void)
{
	AUTO(arena) a = arena_new("test", 4 << 20);
	uint64_t state = 88172645463325252ull;
	size_t wrong = 0;
	for (int i = 0; i < 100000; i++) {
		const struct scope_set *asked = random_set(a, &state), *by = random_set(a, &state);
		const struct scope_set *left = scope_set_narrow(a, asked, by);
		REQUIRE(left != NULL);
		wrong += !scope_set_contains_all(asked, left, NULL) || !scope_set_contains_all(by, left, NULL);
		if (i % 16 == 0) {
			const struct scope_set *role = scope_set_for_role(a, asked, (enum role)(i / 16 % 4));
			wrong +=
			    rights_beyond(a, left, asked) + rights_beyond(a, left, by) + rights_beyond(a, role, asked);
		}
		arena_reset(a);
	}
	EXPECT(wrong == 0);
}

TESTS(T(test_set__text__keeps_order_and_spelling_and_each_name_once),
    T(test_set__one_malformed_name__refuses_the_whole), T(test_set__too_many_names__is_refused),
    T(test_set__small_arena__is_an_error_and_not_an_abort), T(test_set__json__takes_arrays_of_single_scopes_only),
    T(test_set__narrowed__keeps_what_the_other_contains), T(test_set__by_role__keeps_what_the_grant_may_hold),
    T(test_set__held__is_told_per_context_with_wildcards_and_categories), T(test_set__narrowing__never_widens))
