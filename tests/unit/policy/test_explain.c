/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What explain prints: the row, the checks in order, the rule that decided. */
#include "policy/explain.h"
#include "shipped.h"
#include "stock_acl.h"

static void
test_explain__shows_the_checks_in_order_and_the_deciding_rule(void)
{
	static const struct {
		const char *method, *path, *scopes;
		enum role role;
		bool has_patient, allowed;
		const char *lines[6]; /* in this order */
	} rows[] = {
		{ "GET", "/apis/default/api/patient", "api:oemr user/patient.read", ROLE_USERS, false, true,
		    { "route    GET /api/patient (openemr.yaml:",
		        "row      roles users; scope user/patient.s; api scope api:oemr; acl patients/demo; rate "
		        "search",
		        "ok     api scope  api:oemr", "ok     scope      scope user/patient.s",
		        "ok     acl        acl patients/demo", "decision allow: acl patients/demo (openemr.yaml:" } },
		{ "GET", "/api/patient?x=1", "api:oemr user/facility.read", ROLE_USERS, false, false,
		    { "ok     api role   users", "NO     scope      the token does not hold the scope",
		        "decision refuse: 401, scope user/patient.s (openemr.yaml:" } },
		{ "GET", "/apis/default/fhir/Patient", "patient/Patient.rs", ROLE_PATIENT, true, true,
		    { "acl patients/demo (a patient request skips it)",
		        "ok     patient    rows of the bound patient only", "ok     acl        skipped",
		        "decision allow: scope patient/Patient.s", "filter   rows of patient 96" } },
		{ "GET", "/fhir/Observation", "user/Observation.rs?category=http://a|b", ROLE_USERS, false, true,
		    { "decision allow: acl patients/med", "filter   categories http://a|b" } },
		{ "POST", "/oauth2/default/token", "", ROLE_NONE, false, true,
		    { "route    POST /token (oauth2.yaml:", "row      public; rate token", "decision allow: public" } },
		{ "GET", "/token", "", ROLE_NONE, false, false,
		    { "decision refuse: 405, the path has other methods: POST, OPTIONS" } },
		{ "DELETE", "/api/patient", "", ROLE_NONE, false, false,
		    { "decision refuse: 404, the path has other methods" } },
		{ "GET", "/api/nosuch", "", ROLE_NONE, false, false,
		    { "decision refuse: 404, no row of the scope files" } },
		{ "NOSUCH", "/api/patient", "", ROLE_NONE, false, false, { "decision refuse: 404" } },
		{ "GET", "", "", ROLE_NONE, false, false, { "decision refuse: 404" } },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	struct policy p = { .routes = t, .catalog = route_table_catalog(t), .api_on = { true, true, true, true } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct principal who = { .role = rows[i].role, .has_patient = rows[i].has_patient };
		struct buf out;
		struct route_params params;
		who.patient_uuid.b[0] = 0x96;
		REQUIRE(scope_set_parse(a, str_of(rows[i].scopes), &who.scopes, NULL) == 0);
		struct explain x = { .policy = &p,
			.site = STR("default"),
			.compat = COMPAT_V8,
			.method = str_of(rows[i].method),
			.path = str_of(rows[i].path),
			.who = &who,
			.grants = stock_grants(a, "doc", ""),
			.backend = STR("direct") };
		buf_init(&out, a, 1024, 64 << 10);
		EXPECT_IDX(explain_put(&x, a, &out) == rows[i].allowed && buf_ok(&out), i);
		EXPECT_IDX(!rows[i].allowed || explain_route(&x, &params) != NULL, i);
		struct str rest = buf_str(&out);
		for (size_t l = 0; l < NITEMS(rows[i].lines) && rows[i].lines[l] != NULL; l++) {
			size_t at = str_find_str(rest, str_of(rows[i].lines[l]));
			EXPECT_IDX(at < rest.n, i);
			if (at == rest.n)
				printf("    not there: %s\n%.*s", rows[i].lines[l], STR_ARG(buf_str(&out)));
			rest = str_skip(rest, at);
		}
	}
}

TESTS(T(test_explain__shows_the_checks_in_order_and_the_deciding_rule))
