/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scope files: reading, errors, matching; and the shipped files against the contract where it lies beside the repository. */
#include "policy/catalog.h"
#include "policy/rate.h"
#include "policy/scope.h"
#include "shipped.h"

#include <jansson.h>

static void
test_shipped_files__every_row__is_found_by_its_own_path(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	EXPECT(route_table_count(t) > 220);
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i), *found = NULL;
		struct route_params p;
		struct buf path;
		struct str segment, rest = str_skip(r->pattern, 1);
		unsigned params = 0;
		buf_init(&path, a, 64, 512);
		while (str_next(&rest, '/', &segment)) {
			buf_char(&path, '/');
			if (segment.p[0] == ':')
				buf_printf(&path, "v%u-A_:$", params++);
			else
				buf_str_put(&path, segment);
		}
		if (str_ends(r->pattern, STR("/")))
			buf_char(&path, '/');
		enum route_tree tree = r->api == API_OAUTH ? ROUTE_TREE_OAUTH2 : ROUTE_TREE_APIS;
		EXPECT_IDX(route_match(t, tree, r->method, buf_str(&path), &found, &p) == ROUTE_FOUND && found == r, i);
		EXPECT_IDX(r->index == i && p.n == params, i);
		for (unsigned v = 0; v < p.n; v++)
			EXPECT_IDX(p.v[v].value.p[1] == (char)('0' + v) && p.v[v].name.n > 0, i);
		EXPECT_IDX(route_match(t, tree == ROUTE_TREE_APIS ? ROUTE_TREE_OAUTH2 : ROUTE_TREE_APIS, r->method,
		               buf_str(&path), &found, &p) == ROUTE_NOT_FOUND,
		    i);
	}
}

static void
test_shipped_files__every_row__denies_by_default(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i);
		EXPECT_IDX(r->rate != NULL && r->source.n > 0 && r->name.n > 0 && r->action.n == 1, i);
		EXPECT_IDX(r->is_public == (r->scope == NULL), i);
		if (r->is_public)
			continue;
		EXPECT_IDX(r->roles != 0 && (r->roles & ~r->scope->api_roles) == 0, i);
		EXPECT_IDX(r->audit == AUDIT_DURABLE && r->on_failure == FAIL_CLOSED, i);
		bool staff = (r->roles & 1u << ROLE_USERS) != 0;
		bool document = str_eq(r->pattern, STR("/fhir/OperationDefinition/:operation"));
		bool own = r->scope->special.n > 0; /* about the caller's own grant */
		EXPECT_IDX(!staff || r->acl_section.n > 0 || document || own, i);
		/* patients write nothing */
		bool write = (r->scope->permissions & (SCOPE_C | SCOPE_U | SCOPE_D)) != 0;
		EXPECT_IDX(!write || (r->roles & 1u << ROLE_PATIENT) == 0, i);
	}
}

static void
test_match__paths__find_routes_methods_or_nothing(void)
{
	static const struct {
		enum route_tree tree;
		const char *method, *path;
		enum route_found found;
		const char *name;
	} rows[] = {
		{ ROUTE_TREE_APIS, "GET", "/api/patient", ROUTE_FOUND, "GET /api/patient" },
		{ ROUTE_TREE_APIS, "HEAD", "/api/patient", ROUTE_FOUND, "GET /api/patient" },
		{ ROUTE_TREE_APIS, "DELETE", "/api/patient", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_APIS, "PATCH", "/api/patient/1", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api//patient", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "api/patient", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/nosuch", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/API/patient", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/1/medical_problem", ROUTE_FOUND,
		    "GET /api/patient/:puuid/medical_problem" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/a%2Fb", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/a.b", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/..", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/1/insurance/$swap-insurance", ROUTE_FOUND,
		    "GET /api/patient/:puuid/insurance/$swap-insurance" },
		{ ROUTE_TREE_APIS, "POST", "/api/patient/1/insurance/primary", ROUTE_FOUND,
		    "POST /api/patient/:pid/insurance/:type" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/1/insurance/primary", ROUTE_FOUND,
		    "GET /api/patient/:puuid/insurance/:uuid" },
		{ ROUTE_TREE_APIS, "GET", "/api/patient/$export", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "POST", "/api/background_service/$run", ROUTE_FOUND,
		    "POST /api/background_service/$run" },
		{ ROUTE_TREE_APIS, "POST", "/api/background_service/x/run", ROUTE_FOUND,
		    "POST /api/background_service/:name/run" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/Patient/$export", ROUTE_FOUND, "GET /fhir/Patient/$export" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/Patient/_search", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_APIS, "POST", "/fhir/Patient/_search", ROUTE_FOUND, "POST /fhir/Patient/_search" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/Patient/_history", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/Group/$export", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/DocumentReference/$docref", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_APIS, "GET", "/fhir/.well-known/smart-configuration", ROUTE_FOUND,
		    "GET /fhir/.well-known/smart-configuration" },
		{ ROUTE_TREE_APIS, "GET", "/swagger", ROUTE_FOUND, "GET /swagger" },
		{ ROUTE_TREE_APIS, "GET", "/swagger/", ROUTE_FOUND, "GET /swagger/" },
		{ ROUTE_TREE_APIS, "GET", "/swagger//", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/swagger/index.html/", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "GET", "/swagger/../index.html", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_APIS, "POST", "/swagger/", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_APIS, "GET", "/token", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_OAUTH2, "POST", "/token", ROUTE_FOUND, "POST /token" },
		{ ROUTE_TREE_OAUTH2, "GET", "/token", ROUTE_NO_METHOD, "" },
		{ ROUTE_TREE_OAUTH2, "GET", "/api/patient", ROUTE_NOT_FOUND, "" },
		{ ROUTE_TREE_OAUTH2, "GET", "/.well-known/openid-configuration", ROUTE_FOUND,
		    "GET /.well-known/openid-configuration" },
		{ ROUTE_TREE_APIS, "GET", "/portal/patient/encounter", ROUTE_FOUND, "GET /portal/patient/encounter" },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct route *r = NULL;
		struct route_params p;
		enum http_method m = HTTP_GET;
		while (m < HTTP_OTHER && !str_eq(http_method_text(m), str_of(rows[i].method)))
			m++;
		EXPECT_IDX(route_match(t, rows[i].tree, m, str_of(rows[i].path), &r, &p) == rows[i].found, i);
		EXPECT_IDX(
		    (r == NULL && rows[i].name[0] == 0) || (r != NULL && str_eq(r->name, str_of(rows[i].name))), i);
	}
}

static void
test_match__methods_of_a_path__are_listed_for_allow(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	struct buf b;
	buf_init(&b, a, 64, 256);
	EXPECT(route_table_methods(t, ROUTE_TREE_APIS, STR("/api/patient/7"), &b));
	EXPECT(str_eq(buf_str(&b), STR("GET, HEAD, PUT, OPTIONS")));
	buf_clear(&b);
	EXPECT(
	    route_table_methods(t, ROUTE_TREE_OAUTH2, STR("/token"), &b) && str_eq(buf_str(&b), STR("POST, OPTIONS")));
	EXPECT(!route_table_methods(t, ROUTE_TREE_APIS, STR("/api/nosuch"), &b));
}

static void
test_api__of_unknown_paths__gives_the_dialect(void)
{
	static const struct {
		enum route_tree tree;
		const char *path;
		enum api api;
		enum dialect v8, classic;
	} rows[] = {
		{ ROUTE_TREE_APIS, "/fhir/Nosuch", API_FHIR, DIALECT_FHIR, DIALECT_FHIR },
		{ ROUTE_TREE_APIS, "/portal/x", API_PORTAL, DIALECT_OPENEMR, DIALECT_CLASSIC },
		{ ROUTE_TREE_APIS, "/api/x", API_STANDARD, DIALECT_OPENEMR, DIALECT_CLASSIC },
		{ ROUTE_TREE_APIS, "/else", API_STANDARD, DIALECT_OPENEMR, DIALECT_CLASSIC },
		{ ROUTE_TREE_APIS, "", API_STANDARD, DIALECT_OPENEMR, DIALECT_CLASSIC },
		{ ROUTE_TREE_OAUTH2, "/api/x", API_OAUTH, DIALECT_OAUTH, DIALECT_OAUTH },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		enum api api = route_api_of(rows[i].tree, str_of(rows[i].path));
		EXPECT_IDX(api == rows[i].api && route_api_dialect(api, COMPAT_V8) == rows[i].v8 &&
		               route_api_dialect(api, COMPAT_CLASSIC) == rows[i].classic,
		    i);
	}
}

static void
test_file__with_mistakes__reports_each_with_its_line(void)
{
	static const struct {
		const char *yaml;
		unsigned line;
		const char *text; /* part of the report */
	} rows[] = {
		{ "standard:\n  routes:\n    - GET /api/x: {scope: user/x.r, acl: none}\n", 3, "api_roles" },
		{ "nosuch: {}\n", 1, "unknown section" },
		{ "- a\n", 1, "a map is expected" },
		{ "fhir: [1]\n", 1, "a list" },
		{ "fhir: {routes: [], extra: 1}\n", 1, "known here: defaults, routes" },
		{ "oauth:\n  routes:\n    - POST /token: {public: true, nosuch: 1}\n", 3,
		    "known here: public, scope, acl" },
		{ "oauth:\n  routes:\n    - POST /token: {public: maybe}\n", 3, "true, false" },
		{ "oauth:\n  routes:\n    - POST /token: {public: true, audit: sometimes}\n", 3,
		    "durable, async, none" },
		{ "oauth:\n  routes:\n    - POST /token: {public: true, rate: nosuch}\n", 3, "neither built in nor" },
		{ "oauth:\n  routes:\n    - POST /token: {public: true, action: X}\n", 3, "C, R, U, D or E" },
		{ "oauth:\n  routes:\n    - POST /token: {public: true, scope: user/x.r}\n", 3, "no scope and no acl" },
		{ "oauth:\n  routes:\n    - POST /token\n", 3, "a row is" },
		{ "oauth:\n  routes:\n    - POST /token: 1\n", 3, "a map like" },
		{ "oauth:\n  routes:\n    - FETCH /token: {public: true}\n", 3, "GET, POST, PUT" },
		{ "oauth:\n  routes:\n    - POST token: {public: true}\n", 3, "must begin with /" },
		{ "oauth:\n  routes:\n    - POST /to%20ken: {public: true}\n", 3, "not a path" },
		{ "oauth:\n  routes:\n    - POST /a/../b: {public: true}\n", 3, "not a path" },
		{ "oauth:\n  routes:\n    - POST /a//b: {public: true}\n", 3, "not a path" },
		{ "oauth:\n  routes:\n    - GET /:a/:b/:c/:d/:e/:f/:g: {public: true}\n", 3, ":params" },
		{ "oauth:\n  routes:\n    - GET /a/:b: {public: true}\n    - GET /a/:c: {public: true}\n", 4,
		    "stand already at f.yaml:3" },
		{ "fhir:\n  routes:\n    - GET /api/x: {public: true}\n", 3, "must begin with /fhir/" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: [users]}\n  routes:\n    - GET /fhir/X: {scope: "
		  "any/X.s}\n",
		    4, "acl is missing" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: [patient]}\n  routes:\n    - GET /fhir/X: {scope: "
		  "any/X.s, acl: none}\n",
		    4, "does not admit" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: users}\n  routes:\n    - GET /fhir/X: {scope: "
		  "any/X.rs, acl: none}\n",
		    4, "one letter of cruds" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: users}\n  routes:\n    - GET /fhir/X: {scope: "
		  "openid, acl: none}\n",
		    4, "one letter of cruds" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: users}\n  routes:\n    - GET /fhir/X: {scope: "
		  "any/X.s, acl: demo}\n",
		    4, "section/value" },
		{ "fhir:\n  defaults: {roles: [users], api_roles: users}\n  routes:\n    - GET /fhir/X: {scope: "
		  "any/X.s, acl: 'a/b:'}\n",
		    4, "section/value" },
		{ "fhir:\n  defaults: {roles: [nobody]}\n  routes: []\n", 2, "users, patient, system" },
		{ "fhir:\n  defaults: {api_roles: [users]}\n  routes:\n    - GET /fhir/X: {api_scope: x}\n", 4,
		    "unknown key" },
		{ "scopes: [openid]\n", 1, "advertised, accepted" },
		{ "scopes: {offered: [openid]}\n", 1, "advertised, accepted" },
		{ "scopes:\n  advertised:\n    - openid\n    - any/Patient.sr\n", 4, "malformed scope" },
		{ "scopes:\n  advertised:\n    - 'a b'\n", 3, "malformed scope" },
		{ "scopes: {advertised: [[openid]]}\n", 1, "malformed scope" },
		{ "a: b: c\n", 1, "not allowed" },
	};
	AUTO(arena) a = arena_new("test", 64 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct conf_reports reports = { 0 };
		const struct route_table *t =
		    route_table_load_text(a, STR("dir/f.yaml"), str_of(rows[i].yaml), NULL, a, &reports);
		EXPECT_IDX(t == NULL && reports.errors >= 1 && reports.n >= 1, i);
		if (reports.n == 0)
			continue;
		EXPECT_IDX(reports.v[0].line == rows[i].line && str_eq(reports.v[0].file, STR("dir/f.yaml")), i);
		bool said = str_find_str(reports.v[0].text, str_of(rows[i].text)) < reports.v[0].text.n;
		EXPECT_IDX(said, i);
		if (!said)
			printf("    got: %.*s\n", STR_ARG(reports.v[0].text));
	}
}

static void
test_file__many_mistakes__are_reported_at_once(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	struct conf_reports reports = { 0 };
	struct err e = { 0 };
	struct buf b;
	buf_init(&b, a, 1024, 1 << 20);
	buf_lit(&b, "oauth:\n  routes:\n");
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "    - POST /r%d: {public: true, rate: none%d}\n", i, i);
	EXPECT(route_table_load_text(a, STR("f.yaml"), buf_str(&b), NULL, a, &reports) == NULL);
	EXPECT(reports.n == 100 && reports.errors == 100 && reports.v[99].line == 102);
	struct str missing = STR("nosuch/scopes.yaml");
	EXPECT(route_table_load(a, &missing, 1, NULL, &e) == NULL && e.kind == E_CONFIG);
}

static void
test_file__rate_classes_of_the_configuration__may_be_named(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	struct conf_reports reports = { 0 };
	struct conf_rate rates[] = {
		{ .name = STR_INIT("own"), .limit = 5, .window_ms = 1000, .burst = 2, .by = STR_INIT("site") }
	};
	struct conf conf = { .rates = rates, .n_rates = 1 };
	const struct route_table *t = route_table_load_text(a, STR("f.yaml"),
	    STR("oauth: {routes: [GET /a: {public: true, rate: own}, GET /b: {public: true, rate: none, audit: none, "
	        "on_failure: "
	        "local}]}\n"),
	    &conf, a, &reports);
	REQUIRE(t != NULL && route_table_count(t) == 2);
	EXPECT(route_table_at(t, 0)->rate->limit == 5 && route_table_at(t, 0)->rate->by == RATE_BY_SITE);
	EXPECT(route_table_at(t, 1)->rate == NULL && route_table_at(t, 1)->audit == AUDIT_NONE);
	EXPECT(route_table_at(t, 1)->on_failure == FAIL_LOCAL);
	EXPECT(!route_must_be_served(t, route_table_at(t, 0)));
}

/* --- the contract, where it lies beside the repository ------------------------------------------------------------------ */

static json_t *
contract(struct arena *a)
{
	json_t *j = json_load_file(from_root(a, "../shared/contract/scopes.json").p, 0, NULL);
	if (j == NULL)
		printf("(no contract here) ");
	return j;
}

static struct str
member(const json_t *o, const char *name)
{
	return str_of(json_string_value(json_object_get(o, name)));
}

static struct str
acl_text(struct arena *a, const struct route *r)
{
	struct buf b;
	buf_init(&b, a, 64, 256);
	buf_printf(&b, "%.*s|%.*s", STR_ARG(r->acl_section), STR_ARG(r->acl_value));
	for (unsigned i = 0; i < r->n_acl_returns; i++)
		buf_printf(&b, "%c%.*s", i == 0 ? '|' : ',', STR_ARG(r->acl_returns[i]));
	return buf_str(&b);
}

static void
test_contract__every_route__has_a_row_with_its_letter_and_acl(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	json_t *doc = contract(a), *item;
	size_t i;
	json_array_foreach(json_object_get(doc, "routes"), i, item)
	{
		const struct json_t *acl = json_array_get(json_object_get(item, "acl"), 0);
		struct str permission = member(item, "permission");
		const struct route *r = NULL;
		for (size_t n = 0; n < route_table_count(t) && r == NULL; n++) {
			const struct route *at = route_table_at(t, n);
			if (str_eq(at->pattern, member(item, "path")) &&
			    str_eq(http_method_text(at->method), member(item, "method")))
				r = at;
		}
		EXPECT_IDX(r != NULL, i);
		if (r == NULL)
			continue;
		EXPECT_IDX(r->is_public == json_is_true(json_object_get(item, "no_token")), i);
		if (r->is_public)
			continue;
		char letters[6];
		scope_letters(r->scope->permissions, letters);
		EXPECT_IDX(str_eq(r->scope->resource, member(item, "resource")), i);
		EXPECT_IDX(str_eq(r->scope->operation.n > 0 ? r->scope->operation : str_of(letters), permission), i);
		if (acl != NULL) /* where OpenEMR asks none, the row may ask one */
			EXPECT_IDX(str_eq(acl_text(a, r), str_of(json_string_value(acl))), i);
		EXPECT_IDX(
		    str_eq(member(item, "api"), STR("api:fhir")) || str_eq(r->api_scope, member(item, "api")), i);
	}
	json_decref(doc);
}

static void
test_contract__every_scope__is_offered_and_no_other(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct scope_catalog *c = route_table_catalog(shipped_table(a));
	json_t *doc = contract(a), *item;
	size_t i, offered = 0, plain = 0, pos = 0;
	struct str name;
	/* and launch/encounter, which OpenEMR does not know (SMART App Launch 2.2) */
	EXPECT(scope_catalog_count(c, true) == 294 && scope_catalog_count(c, false) == 227);
	json_array_foreach(json_object_get(doc, "scopes"), i, item)
	{
		struct scope s;
		bool in_8x = json_is_true(json_object_get(item, "in_8x")), found = false;
		EXPECT_IDX(scope_parse(member(item, "scope"), &s, NULL) == 0, i);
		EXPECT_IDX(scope_catalog_accepts(c, true, &s), i);
		EXPECT_IDX(scope_catalog_accepts(c, false, &s) == (s.context != SCOPE_SYSTEM), i);
		for (pos = 0; scope_catalog_next(c, true, &pos, &name);)
			found |= str_eq(name, s.text);
		EXPECT_IDX(found == in_8x, i);
		offered += in_8x;
		plain += in_8x && s.context != SCOPE_SYSTEM;
	}
	EXPECT(doc == NULL || (offered == 293 && plain == 226));
	json_decref(doc);
}

static void
test_catalog__accepts__what_an_offered_scope_contains(void)
{
	static const struct {
		const char *scope;
		bool accepted;
	} rows[] = {
		{ "user/patient.r", true },
		{ "user/allergy.cruds", true },
		{ "user/employer.r", true } /* .read */,
		{ "user/employer.crus", false },
		{ "patient/Patient.cruds", false },
		{ "patient/Patient.r", true },
		{ "patient/*.rs", true },
		{ "patient/*.s", true },
		{ "patient/*.cruds", false },
		{ "patient/Nosuch.rs", false },
		{ "user/patient.rs?category=http://a|b", true } /* narrower than offered */,
		{ "user/nosuch.r", false },
		{ "user/background_service.s", false },
		{ "system/*.$export", true },
		{ "user/*.$export", false },
		{ "user/Observation.rs?category=http://terminology.hl7.org/CodeSystem/"
		  "observation-category|social-history",
		    true },
		{ "nonce", false },
		{ "openid", true },
		{ "launch/encounter", true },
		{ "launch/practitioner", false },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct scope_catalog *c = route_table_catalog(shipped_table(a));
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct scope s;
		REQUIRE(scope_parse(str_of(rows[i].scope), &s, NULL) == 0);
		EXPECT_IDX(scope_catalog_accepts(c, true, &s) == rows[i].accepted, i);
	}
	const struct scope_set *set = NULL;
	const struct scope *bad = NULL;
	REQUIRE(scope_set_parse(a, STR("openid user/nosuch.r"), &set, NULL) == 0);
	EXPECT(
	    !scope_catalog_accepts_all(c, true, set, &bad) && bad != NULL && str_eq(bad->text, STR("user/nosuch.r")));
}

TESTS(T(test_shipped_files__every_row__is_found_by_its_own_path), T(test_shipped_files__every_row__denies_by_default),
    T(test_match__paths__find_routes_methods_or_nothing), T(test_match__methods_of_a_path__are_listed_for_allow),
    T(test_api__of_unknown_paths__gives_the_dialect), T(test_file__with_mistakes__reports_each_with_its_line),
    T(test_file__many_mistakes__are_reported_at_once), T(test_file__rate_classes_of_the_configuration__may_be_named),
    T(test_contract__every_route__has_a_row_with_its_letter_and_acl),
    T(test_contract__every_scope__is_offered_and_no_other), T(test_catalog__accepts__what_an_offered_scope_contains))
