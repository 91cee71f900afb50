/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grammar and containment of single scopes. */
#include "policy/scope.h"

#include "harness.h"

#define RIGHT_HISTORY   "http://terminology.hl7.org/CodeSystem/observation-category|social-history"
#define OPENEMR_HISTORY "http://terminology.hl7.org//CodeSystem-observation-category|social-history"

static void
test_scope__well_formed__is_read_into_its_parts(void)
{
	static const struct {
		const char *text;
		enum scope_context context;
		const char *resource, *operation, *category;
		unsigned permissions;
	} rows[] = {
		{ "openid", SCOPE_SPECIAL, "", "", "", 0 },
		{ "launch/patient", SCOPE_SPECIAL, "", "", "", 0 },
		{ "api:oemr", SCOPE_SPECIAL, "", "", "", 0 },
		{ "email_verified", SCOPE_SPECIAL, "", "", "", 0 },
		{ "patient/Patient.read", SCOPE_PATIENT, "Patient", "", "", SCOPE_R | SCOPE_S },
		{ "user/soap_note.write", SCOPE_USER, "soap_note", "", "", SCOPE_C | SCOPE_U | SCOPE_D },
		{ "system/*.rs", SCOPE_SYSTEM, "*", "", "", SCOPE_R | SCOPE_S },
		{ "user/allergy.cruds", SCOPE_USER, "allergy", "", "", 31 },
		{ "user/message.cud", SCOPE_USER, "message", "", "", SCOPE_C | SCOPE_U | SCOPE_D },
		{ "user/insurance.$swap-insurance", SCOPE_USER, "insurance", "$swap-insurance", "", SCOPE_OPERATION },
		{ "system/*.$bulkdata-status", SCOPE_SYSTEM, "*", "$bulkdata-status", "", SCOPE_OPERATION },
		{ "patient/Observation.rs?category=http://x.org/c|a-b", SCOPE_PATIENT, "Observation", "",
		    "http://x.org/c|a-b", SCOPE_R | SCOPE_S },
		{ "user/Observation.rs?category=" OPENEMR_HISTORY, SCOPE_USER, "Observation", "", RIGHT_HISTORY,
		    SCOPE_R | SCOPE_S },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct scope s;
		EXPECT_IDX(scope_parse(str_of(rows[i].text), &s, NULL) == 0, i);
		EXPECT_IDX(s.context == rows[i].context && s.permissions == rows[i].permissions, i);
		EXPECT_IDX(
		    str_eq(s.resource, str_of(rows[i].resource)) && str_eq(s.operation, str_of(rows[i].operation)), i);
		EXPECT_IDX(str_eq(s.category, str_of(rows[i].category)) && str_eq(s.text, str_of(rows[i].text)), i);
	}
}

static void
test_scope__malformed__is_refused_whole(void)
{
	static const char *const bad[] = { "", "patient", "patient/", "patient/.rs", "patient/Patient",
		"patient/Patient.", "patient/*.rw", "user/Patient.read extra", "user/Patient.read\x01",
		"system/*.dustrr", "user/Patient.sr", "user/Patient.rr", "user/Patient.READ", "user/Patient.read.rs",
		"User/Patient.rs", "patient:Patient.rs", "patient//Patient.rs", "patient/Pat ient.rs", "patient/**.rs",
		"patient/P*.rs", "1abc", "launch/", "launch//patient", "launch/patient?x=1", "api:", "openid?",
		"open\"id", "open\\id", "user/X.$", "user/X.$Export", "user/X.$a_b",
		"user/X.$export?category=http://a|b", "user/X.rs?", "user/X.rs?status=active",
		"user/X.rs?category=", "user/X.rs?category=a|b", "user/X.rs?category=|b", "user/X.rs?category=http://a",
		"user/X.rs?category=http://a|", "user/X.rs?category=http://a|b|c",
		"user/X.rs?category=http://a|b&category=http://a|c", "user/X.rs?category=http://a|b,http://a|c",
		"\xc3\xa9" };
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct scope s = { .permissions = 31 };
		struct err e = { 0 };
		EXPECT_IDX(scope_parse(str_of(bad[i]), &s, &e) == -1, i);
		EXPECT_IDX(e.kind == E_PARSE && s.permissions == 0 && s.text.n == 0, i);
	}
}

static void
test_scope__longer_than_the_limit__is_refused(void)
{
	char text[SCOPE_TEXT_MAX + 1];
	struct scope s;
	memset(text, 'a', sizeof text);
	EXPECT(scope_parse((struct str){ text, SCOPE_TEXT_MAX }, &s, NULL) == 0);
	EXPECT(scope_parse((struct str){ text, SCOPE_TEXT_MAX + 1 }, &s, NULL) == -1);
}

static void
test_scope__containment__is_subset_of_letters_with_equal_or_absent_query(void)
{
	static const struct {
		const char *a, *b;
		bool contains;
	} rows[] = {
		{ "user/patient.read", "user/patient.rs", true },
		{ "user/patient.rs", "user/patient.read", true },
		{ "user/patient.read", "user/patient.r", true },
		{ "user/patient.r", "user/patient.read", false },
		{ "user/patient.cruds", "user/patient.write", true },
		{ "user/patient.crus", "user/patient.write", false },
		{ "user/patient.read", "patient/patient.read", false },
		{ "user/patient.read", "user/Patient.read", false },
		{ "patient/*.rs", "patient/Observation.s", true },
		{ "patient/*.rs", "patient/*.r", true },
		{ "patient/Observation.rs", "patient/*.rs", false },
		{ "user/*.cruds", "user/patient.r", false }, /* the Standard API is not FHIR */
		{ "system/*.$export", "system/Patient.$export", true },
		{ "system/Patient.$export", "system/*.$export", false },
		{ "system/*.$export", "system/*.$bulkdata-status", false },
		{ "system/*.cruds", "system/Patient.$export", false },
		{ "system/*.$export", "system/Patient.rs", false },
		{ "user/Observation.rs", "user/Observation.rs?category=http://a|b", true },
		{ "user/Observation.rs?category=http://a|b", "user/Observation.rs", false },
		{ "user/Observation.rs?category=http://a|b", "user/Observation.r?category=http://a|b", true },
		{ "user/Observation.rs?category=http://a|b", "user/Observation.r?category=http://a|c", false },
		{ "user/Observation.rs?category=" OPENEMR_HISTORY, "user/Observation.rs?category=" RIGHT_HISTORY,
		    true },
		{ "user/Observation.rs?category=" RIGHT_HISTORY, "user/Observation.rs?category=" OPENEMR_HISTORY,
		    true },
		{ "openid", "openid", true },
		{ "openid", "profile", false },
		{ "launch", "launch/patient", false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct scope a, b;
		REQUIRE(scope_parse(str_of(rows[i].a), &a, NULL) == 0 && scope_parse(str_of(rows[i].b), &b, NULL) == 0);
		EXPECT_IDX(scope_contains(&a, &b) == rows[i].contains, i);
	}
}

/* Every scope over small sets of contexts, resources, permissions and categories: all pairs, and triples of one context. */
enum { ALL_MAX = 512 };
static size_t
all_scopes(char (*text)[96], struct scope *out)
{
	static const char *const resources[] = { "*", "Patient", "patient" };
	static const char *const permissions[] = { "read", "write", "c", "r", "s", "rs", "cu", "cruds", "$export" };
	static const char *const queries[] = { "", "?category=http://a|b", ("?category=" RIGHT_HISTORY) };
	size_t n = 0;
	for (size_t c = SCOPE_PATIENT; c <= SCOPE_USER; c++)
		for (size_t r = 0; r < NITEMS(resources); r++)
			for (size_t p = 0; p < NITEMS(permissions); p++)
				for (size_t q = 0; q < NITEMS(queries); q++) {
					struct str context = scope_context_text((enum scope_context)c);
					(void)snprintf(text[n], sizeof text[n], "%.*s/%s.%s%s", STR_ARG(context),
					    resources[r], permissions[p], queries[q]);
					if (scope_parse(str_of(text[n]), &out[n], NULL) == 0)
						n++;
				}
	return n;
}

static void
test_scope__containment__is_a_partial_order(void)
{
	static char text[ALL_MAX][96];
	static struct scope s[ALL_MAX];
	size_t n = all_scopes(text, s), wrong = 0;
	REQUIRE(n > 100);
	for (size_t a = 0; a < n; a++) {
		wrong += !scope_contains(&s[a], &s[a]); /* reflexive */
		for (size_t b = 0; b < n; b++) {
			if (!scope_contains(&s[a], &s[b]))
				continue;
			if (scope_contains(&s[b], &s[a])) /* antisymmetric, up to spelling */
				wrong += s[a].permissions != s[b].permissions ||
				         !str_eq(s[a].resource, s[b].resource) || !str_eq(s[a].category, s[b].category);
			for (size_t c = 0; c < n; c++) /* transitive */
				wrong += scope_contains(&s[b], &s[c]) && !scope_contains(&s[a], &s[c]);
		}
	}
	EXPECT(wrong == 0);
}

TESTS(T(test_scope__well_formed__is_read_into_its_parts), T(test_scope__malformed__is_refused_whole),
    T(test_scope__longer_than_the_limit__is_refused),
    T(test_scope__containment__is_subset_of_letters_with_equal_or_absent_query),
    T(test_scope__containment__is_a_partial_order))
