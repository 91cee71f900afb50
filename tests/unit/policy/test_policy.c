/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decision on the shipped rows: who, with which scopes and ACL, gets which answer by which rule. */
#include "policy/policy.h"
#include "shipped.h"
#include "stock_acl.h"

/* Scope strings of the rows below. */
#define STAFF "api:oemr api:fhir user/patient.rs user/Patient.rs user/Patient.write user/Group.read user/Observation.rs"
#define PORTAL                                                                                                         \
	"api:port api:fhir patient/patient.s patient/encounter.rs patient/Patient.rs patient/Group.read "              \
	"patient/Location.read"

static struct policy
all_on(struct arena *a)
{
	const struct route_table *t = shipped_table(a);
	return (struct policy){ .routes = t,
		.catalog = route_table_catalog(t),
		.api_on = { true, true, true, true },
		.system_scopes = true };
}

static struct principal
principal_of(struct arena *a, enum role role, const char *scopes, bool has_patient)
{
	struct principal who = {
		.role = role, .client_id = STR_INIT("c1"), .sub = STR_INIT("s1"), .has_patient = has_patient
	};
	if (role == ROLE_USERS)
		who.username = STR("someone");
	who.patient_uuid.b[0] = has_patient ? 0x96 : 0;
	REQUIRE(scope_set_parse(a, str_of(scopes), &who.scopes, NULL) == 0);
	return who;
}

struct row {
	const char *method, *path;
	enum role role;
	const char *scopes;
	bool has_patient;
	const char *group; /* ACL of which stock group */
	int refusal;       /* enum reply_error, or -1: allowed */
	const char *rule;  /* how the rule begins */
	const char *context;
	bool by_patient;
};

static const struct row rows[] = {
	/* the Standard API */
	{ "GET", "/api/patient", ROLE_USERS, STAFF, false, "doc", -1, "acl patients/demo (openemr.yaml:", "user",
	    false },
	{ "GET", "/api/patient", ROLE_USERS, STAFF, false, "", REPLY_ACL, "acl patients/demo (openemr.yaml:", "",
	    false },
	{ "GET", "/api/facility", ROLE_USERS, STAFF, false, "admin", REPLY_SCOPE,
	    "scope user/facility.s (openemr.yaml:", "", false },
	{ "POST", "/api/patient", ROLE_USERS, STAFF, false, "admin", REPLY_SCOPE,
	    "scope user/patient.c (openemr.yaml:", "", false },
	{ "GET", "/api/patient", ROLE_USERS, "user/patient.rs", false, "admin", REPLY_ROLE, "api scope api:oemr", "",
	    false },
	{ "GET", "/api/patient", ROLE_PATIENT, "api:oemr user/patient.rs", true, "admin", REPLY_ROLE,
	    "role (openemr.yaml:", "", false },
	{ "GET", "/api/patient", ROLE_SYSTEM, "api:oemr user/patient.rs", false, "admin", REPLY_ROLE,
	    "role (openemr.yaml:", "", false },
	{ "GET", "/api/patient", ROLE_NONE, STAFF, false, "admin", REPLY_UNAUTHENTICATED, "bearer", "", false },
	{ "GET", "/api/patient", ROLE_USERS, "api:oemr patient/patient.s", true, "admin", REPLY_SCOPE, "scope", "",
	    false },
	{ "GET", "/api/patient", ROLE_USERS, "api:oemr patient/patient.s user/patient.s", true, "doc", -1,
	    "acl patients/demo", "user", false },
	{ "POST", "/api/patient/1/document", ROLE_USERS, "api:oemr user/document.crs", false, "clin", -1,
	    "acl patients/docs:write|addonly", "user", false },
	{ "POST", "/api/insurance_company", ROLE_USERS, "api:oemr user/insurance_company.crus", false, "back", -1,
	    "acl acct/bill:write", "user", false },
	{ "PUT", "/api/patient/1/insurance/2", ROLE_USERS, "api:oemr user/insurance.crus", false, "clin", REPLY_ACL,
	    "acl patients/demo:write", "", false },
	{ "GET", "/api/version", ROLE_NONE, "", false, "", -1, "public", "", false },
	/* the portal */
	{ "GET", "/portal/patient", ROLE_PATIENT, PORTAL, true, "", -1,
	    "scope patient/patient.s (openemr.yaml:", "patient", true },
	{ "GET", "/portal/patient", ROLE_PATIENT, PORTAL, false, "", REPLY_SCOPE, "bound patient", "", false },
	{ "GET", "/portal/patient", ROLE_USERS, "api:port patient/patient.s", true, "admin", REPLY_ROLE, "role", "",
	    false },
	{ "GET", "/portal/patient", ROLE_PATIENT, "patient/patient.s", true, "", REPLY_ROLE, "api scope api:port", "",
	    false },
	{ "GET", "/portal/patient/appointment", ROLE_PATIENT, PORTAL, true, "", REPLY_SCOPE,
	    "scope patient/appointment.s", "", false },
	/* FHIR */
	{ "GET", "/fhir/Patient", ROLE_USERS, STAFF, false, "doc", -1, "acl patients/demo (fhir.yaml:", "user", false },
	{ "GET", "/fhir/Patient", ROLE_PATIENT, PORTAL, true, "", -1, "scope patient/Patient.s (fhir.yaml:", "patient",
	    true },
	{ "POST", "/fhir/Patient/_search", ROLE_PATIENT, PORTAL, true, "", -1,
	    "scope patient/Patient.s (fhir.yaml:", "patient", true },
	{ "GET", "/fhir/Patient", ROLE_USERS, "patient/Patient.rs", true, "", -1, "scope patient/Patient.s", "patient",
	    true },
	{ "GET", "/fhir/Patient", ROLE_USERS, "patient/Patient.rs", false, "admin", REPLY_SCOPE, "bound patient", "",
	    false },
	{ "GET", "/fhir/Patient", ROLE_USERS, "patient/Patient.rs user/Patient.r", true, "admin", REPLY_SCOPE,
	    "scope user/Patient.s", "", false },
	{ "GET", "/fhir/Patient", ROLE_PATIENT, "user/Patient.rs", true, "admin", REPLY_SCOPE,
	    "scope patient/Patient.s", "", false },
	{ "GET", "/fhir/Patient", ROLE_SYSTEM, "system/Patient.read", false, "", -1, "scope system/Patient.s", "system",
	    false },
	{ "GET", "/fhir/Patient", ROLE_SYSTEM, "user/Patient.read", false, "", REPLY_SCOPE, "scope system/Patient.s",
	    "", false },
	{ "GET", "/fhir/Patient", ROLE_SYSTEM, "patient/Patient.read", false, "", REPLY_SCOPE, "bound patient", "",
	    false },
	{ "GET", "/fhir/Goal", ROLE_SYSTEM, "system/*.rs", false, "", -1, "scope system/Goal.s", "system", false },
	{ "POST", "/fhir/Patient", ROLE_USERS, STAFF, false, "front", -1, "acl patients/demo", "user", false },
	{ "POST", "/fhir/Patient", ROLE_PATIENT, "patient/Patient.cruds", true, "", REPLY_SCOPE, "role (fhir.yaml:", "",
	    false },
	{ "PUT", "/fhir/Patient/1", ROLE_SYSTEM, "system/Patient.cruds", false, "", REPLY_SCOPE, "role (fhir.yaml:", "",
	    false },
	{ "POST", "/fhir/Patient", ROLE_USERS, "patient/Patient.cruds", true, "admin", REPLY_SCOPE, "scope", "",
	    false },
	{ "GET", "/fhir/Group", ROLE_PATIENT, PORTAL, true, "", REPLY_ACL, "acl admin/users", "", false },
	{ "GET", "/fhir/Group", ROLE_USERS, STAFF, false, "admin", -1, "acl admin/users", "user", false },
	{ "GET", "/fhir/Location", ROLE_PATIENT, PORTAL, true, "", -1, "scope patient/Location.s", "patient", true },
	{ "GET", "/fhir/$export", ROLE_SYSTEM, "system/*.$export", false, "", -1, "scope system/*.$export", "system",
	    false },
	{ "GET", "/fhir/$export", ROLE_SYSTEM, "system/*.read", false, "", REPLY_SCOPE, "scope system/*.$export", "",
	    false },
	{ "GET", "/fhir/$export", ROLE_PATIENT, "patient/*.$export", true, "", REPLY_SCOPE, "role", "", false },
	{ "GET", "/fhir/OperationDefinition/$export", ROLE_USERS, "user/OperationDefinition.read", false, "",
	    REPLY_NO_ROUTE, "", "", false },
	{ "GET", "/fhir/OperationDefinition/export", ROLE_USERS, "user/OperationDefinition.read", false, "", -1,
	    "scope user/OperationDefinition.r", "user", false },
	{ "GET", "/fhir/metadata", ROLE_NONE, "", false, "", -1, "public", "", false },
};

static void
test_decision__on_the_shipped_rows__is_the_contracts(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	struct policy p = all_on(a);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct row *w = &rows[i];
		struct route_params params;
		struct decision d;
		const struct route *r = route_of(p.routes, ROUTE_TREE_APIS, w->method, w->path, &params);
		struct principal who = principal_of(a, w->role, w->scopes, w->has_patient);
		EXPECT_IDX((r == NULL) == (w->refusal == REPLY_NO_ROUTE), i);
		if (r == NULL)
			continue;
		bool asks = policy_needs_acl(&p, r, &who);
		policy_decide(&p, r, &who, asks ? stock_grants(a, w->group, "") : NULL, a, NULL, &d);
		EXPECT_IDX(d.allowed == (w->refusal == -1), i);
		EXPECT_IDX(d.allowed || (int)d.refusal == w->refusal, i);
		EXPECT_IDX(str_starts(d.rule, str_of(w->rule)), i);
		EXPECT_IDX(d.allowed || d.reason.n > 0, i);
		if (!str_starts(d.rule, str_of(w->rule)))
			printf("    rule: %.*s\n", STR_ARG(d.rule));
		if (!d.allowed)
			continue;
		EXPECT_IDX(str_eq(d.scope_context, str_of(w->context)) && d.by_patient == w->by_patient, i);
		EXPECT_IDX(!d.by_patient || d.patient.b[0] == 0x96, i);
	}
}

/* Whoever must be asked for an ACL is refused without one; nobody else is asked. */
static void
test_decision__without_the_grants_it_needs__refuses(void)
{
	AUTO(arena) a = arena_new("test", 64 << 20);
	struct policy p = all_on(a);
	size_t asked = 0;
	for (size_t i = 0; i < route_table_count(p.routes); i++) {
		const struct route *r = route_table_at(p.routes, i);
		if (r->is_public)
			continue;
		char scope[128], letters[6];
		scope_letters(r->scope->permissions, letters);
		(void)snprintf(scope, sizeof scope, "api:oemr user/%.*s.%.*s", STR_ARG(r->scope->resource),
		    STR_ARG(r->scope->operation.n > 0 ? r->scope->operation : str_of(letters)));
		if (r->scope->special.n > 0)
			(void)snprintf(scope, sizeof scope, "%.*s", STR_ARG(r->scope->special));
		struct principal who = principal_of(a, ROLE_USERS, scope, false);
		struct decision d;
		bool asks = policy_needs_acl(&p, r, &who);
		asked += asks;
		policy_decide(&p, r, &who, NULL, a, NULL, &d);
		EXPECT_IDX(!asks || (!d.allowed && d.refusal == REPLY_ACL), i);
		EXPECT_IDX(d.allowed == (!asks && r->acl_section.n == 0 && (r->roles & 1u << ROLE_USERS) != 0), i);
		policy_decide(&p, r, &who, stock_grants(a, "", ""), a, NULL, &d);
		EXPECT_IDX(!asks || (!d.allowed && d.refusal == REPLY_ACL), i);
		policy_decide(&p, r, &who, stock_grants(a, "admin", ""), a, NULL, &d);
		EXPECT_IDX(d.allowed == ((r->roles & 1u << ROLE_USERS) != 0), i);
	}
	EXPECT(asked > 200);
}

/* No row that needs a token is opened by a token without scopes, by the wrong role or by another row's scope alone. */
static void
test_decision__every_row__is_closed_without_its_scope(void)
{
	static const enum role roles[] = { ROLE_NONE, ROLE_USERS, ROLE_PATIENT, ROLE_SYSTEM };
	static const char *const scopes[] = { "", "openid api:oemr api:fhir api:port offline_access launch/patient",
		"api:oemr api:port user/nosuch.cruds patient/Nosuch.cruds system/Nosuch.cruds" };
	AUTO(arena) a = arena_new("test", 64 << 20);
	struct policy p = all_on(a);
	const struct acl_grants *super = stock_grants(a, "admin", "");
	for (size_t i = 0; i < route_table_count(p.routes); i++) {
		const struct route *r = route_table_at(p.routes, i);
		for (size_t k = 0; k < NITEMS(roles) * NITEMS(scopes) && !r->is_public; k++) {
			struct principal who =
			    principal_of(a, roles[k / NITEMS(scopes)], scopes[k % NITEMS(scopes)], true);
			struct decision d;
			policy_decide(&p, r, &who, super, a, NULL, &d);
			if (r->scope->special.n > 0 && who.role != ROLE_NONE &&
			    scope_set_has(who.scopes, r->scope->special)) {
				EXPECT_IDX(d.allowed && !d.by_patient && !policy_needs_acl(&p, r, &who), i);
				continue;
			}
			EXPECT_IDX(!d.allowed && !policy_needs_acl(&p, r, &who), i);
		}
	}
}

static void
test_decision__categories__are_united_and_lifted_by_an_unrestricted_scope(void)
{
	static const struct {
		const char *scopes, *categories;
	} cases[] = {
		{ "user/Observation.rs?category=http://a|b", "http://a|b" },
		{ "user/Observation.rs?category=http://a|b user/Observation.s?category=http://a|c",
		    "http://a|b,http://a|c" },
		{ "user/Observation.rs?category=http://a|b user/Observation.r?category=http://a|c", "http://a|b" },
		{ "user/Observation.rs?category=http://a|b user/Observation.rs", "" },
		{ "user/Observation.rs?category=http://terminology.hl7.org//"
		  "CodeSystem-observation-category|social-history",
		    "http://terminology.hl7.org/CodeSystem/observation-category|social-history" },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	struct policy p = all_on(a);
	struct route_params params;
	const struct route *r = route_of(p.routes, ROUTE_TREE_APIS, "GET", "/fhir/Observation", &params);
	REQUIRE(r != NULL);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct principal who = principal_of(a, ROLE_USERS, cases[i].scopes, false);
		struct decision d;
		policy_decide(&p, r, &who, stock_grants(a, "doc", ""), a, NULL, &d);
		EXPECT_IDX(d.allowed && str_eq(d.categories, str_of(cases[i].categories)), i);
	}
	AUTO(arena) tiny = arena_new("tiny", 16);
	struct principal who = principal_of(a, ROLE_USERS, cases[0].scopes, false);
	struct decision d;
	policy_decide(&p, r, &who, stock_grants(a, "doc", ""), tiny, NULL, &d);
	EXPECT(!d.allowed && d.refusal == REPLY_INTERNAL);
}

static void
test_switches__off__close_their_api(void)
{
	static const struct {
		const char *path;
		enum role role;
		enum api off;
		bool system_off;
		int refusal;
	} cases[] = {
		{ "/api/patient", ROLE_USERS, API_STANDARD, false, REPLY_API_OFF },
		{ "/api/version", ROLE_NONE, API_STANDARD, false, REPLY_API_OFF },
		{ "/api/patient", ROLE_USERS, API_FHIR, false, -1 },
		{ "/portal/patient", ROLE_PATIENT, API_PORTAL, false, REPLY_API_OFF },
		{ "/fhir/metadata", ROLE_NONE, API_FHIR, false, REPLY_API_OFF },
		{ "/fhir/Patient", ROLE_SYSTEM, API_PORTAL, true, REPLY_SCOPE },
		{ "/fhir/Patient", ROLE_USERS, API_PORTAL, true, -1 },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct policy p = all_on(a);
		struct route_params params;
		struct decision d;
		p.api_on[cases[i].off] = false;
		p.system_scopes = !cases[i].system_off;
		const struct route *r = route_of(p.routes, ROUTE_TREE_APIS, "GET", cases[i].path, &params);
		struct principal who =
		    principal_of(a, cases[i].role, STAFF " api:port patient/patient.s system/Patient.rs", true);
		if (cases[i].role == ROLE_PATIENT)
			who = principal_of(a, ROLE_PATIENT, PORTAL, true);
		REQUIRE(r != NULL);
		policy_decide(&p, r, &who, stock_grants(a, "admin", ""), a, NULL, &d);
		EXPECT_IDX(
		    d.allowed == (cases[i].refusal == -1) && (d.allowed || (int)d.refusal == cases[i].refusal), i);
		EXPECT_IDX(policy_api_on(&p, r->api) == (cases[i].refusal != REPLY_API_OFF), i);
	}
}

static void
test_load__takes_the_sites_files_and_switches(void)
{
	AUTO(arena) a = arena_new("test", 32 << 20);
	struct conf_reports reports = { 0 };
	struct str folder = from_root(a, "scopes"), nowhere = STR("nosuch.yaml"), two[] = { folder, nowhere };
	struct conf conf = { .scope_files = &folder, .n_scope_files = 1 };
	struct conf_site site = { .apis = { .fhir = true, .system_scopes = true } };
	const struct policy *p = policy_load(a, &conf, &site, a, &reports);
	REQUIRE(p != NULL && reports.errors == 0);
	EXPECT(p->api_on[API_FHIR] && p->api_on[API_OAUTH] && !p->api_on[API_STANDARD] && !p->api_on[API_PORTAL] &&
	       p->system_scopes);
	EXPECT(route_table_count(p->routes) > 200 && scope_catalog_count(p->catalog, true) == 294);
	site.scope_files = two;
	site.n_scope_files = 2;
	EXPECT(policy_load(a, &conf, &site, a, &reports) == NULL && reports.errors == 1 && reports.n == 1);
	site.apis.fhir = false;
	site.n_scope_files = 1;
	p = policy_load(a, &conf, &site, a, &(struct conf_reports){ 0 });
	EXPECT(p != NULL && !p->api_on[API_OAUTH]);
}

TESTS(T(test_decision__on_the_shipped_rows__is_the_contracts), T(test_decision__without_the_grants_it_needs__refuses),
    T(test_decision__every_row__is_closed_without_its_scope),
    T(test_decision__categories__are_united_and_lifted_by_an_unrestricted_scope),
    T(test_switches__off__close_their_api), T(test_load__takes_the_sites_files_and_switches))
