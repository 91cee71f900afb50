/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which backend answers a row: the site's configuration against the shipped scope files. */
#include "gateway/process/binding.h"

#include "tests/unit/policy/shipped.h"

static const struct route *
named(const struct route_table *t, const char *name)
{
	for (size_t i = 0; i < route_table_count(t); i++)
		if (str_eq(route_table_at(t, i)->name, str_of(name)))
			return route_table_at(t, i);
	return NULL;
}

#define PATIENTS "GET /api/patient"
#define NONE                                                                                                           \
	{                                                                                                              \
		{                                                                                                      \
			.api = STR_INIT("")                                                                            \
		}                                                                                                      \
	}
#define ROW(scope, name, to) { .api = STR_INIT(scope), .route = STR_INIT(name), .backend = STR_INIT(to) }

static void
test_binding__the_narrowest_row_wins_whatever_its_place(void)
{
	static const struct {
		const char *dfault;
		struct conf_route_backend v[3];
		size_t n;
		const char *route, *backend;
	} rows[] = {
		{ "direct", NONE, 0, PATIENTS, "direct" },
		{ "proxy", NONE, 0, PATIENTS, "proxy" },
		{ "direct", { ROW("", "", "proxy") }, 1, PATIENTS, "proxy" },
		{ "direct", { ROW("api", "", "proxy") }, 1, PATIENTS, "proxy" },
		{ "direct", { ROW("standard", "", "proxy") }, 1, PATIENTS, "proxy" },
		{ "direct", { ROW("fhir", "", "proxy") }, 1, PATIENTS, "direct" },
		{ "direct", { ROW("fhir", "", "proxy") }, 1, "GET /fhir/Patient", "proxy" },
		{ "direct", { ROW("portal", "", "proxy") }, 1, "GET /portal/patient", "proxy" },
		{ "direct", { ROW("", "POST /api/patient", "proxy") }, 1, PATIENTS, "direct" },
		{ "proxy", { ROW("", PATIENTS, "direct"), ROW("api", "", "proxy") }, 2, PATIENTS, "direct" },
		{ "proxy", { ROW("api", "", "direct"), ROW("", "", "proxy") }, 2, PATIENTS, "direct" },
		{ "direct", /* the API and the route: narrower than the route alone */
		    { ROW("api", PATIENTS, "proxy"), ROW("", PATIENTS, "direct") }, 2, PATIENTS, "proxy" },
		{ "direct", /* a row of another API does not count, though it names the route */
		    { ROW("fhir", PATIENTS, "proxy") }, 1, PATIENTS, "direct" },
		{ "nosuch", NONE, 0, PATIENTS, NULL },
	};
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct conf_route_backend v[NITEMS(rows[i].v)];
		const struct route *r = named(t, rows[i].route);
		memcpy(v, rows[i].v, sizeof v);
		struct conf_site site = { .backend = str_of(rows[i].dfault), .routes = v, .n_routes = rows[i].n };
		EXPECT_IDX(r != NULL, i);
		const struct backend_ops *ops = r == NULL ? NULL : binding_of(&site, r);
		EXPECT_IDX(str_eq(str_of(ops == NULL ? NULL : ops->name), str_of(rows[i].backend)), i);
	}
}

/* The authorization server and Swagger UI are never handed to an upstream: its tokens would be somebody else's. */
static void
test_binding__own_routes_stay_ours_whatever_is_configured(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	struct conf_route_backend all = { .backend = STR("proxy") };
	struct conf_site site = { .backend = STR("proxy"), .routes = &all, .n_routes = 1 };
	size_t seen[API_N] = { 0 };
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i);
		const struct backend_ops *ops = binding_of(&site, r);
		seen[r->api]++;
		if (r->api == API_OAUTH || r->api == API_SWAGGER)
			EXPECT_IDX(ops == NULL || !str_eq(str_of(ops->name), STR("proxy")), i);
		else
			EXPECT_IDX(ops != NULL, i); /* the proxy takes every row of the three APIs */
	}
	EXPECT(seen[API_OAUTH] > 0 && seen[API_STANDARD] > 0 && seen[API_PORTAL] > 0 && seen[API_FHIR] > 0 &&
	       seen[API_SWAGGER] > 0);
}

static void
test_binding__a_row_that_must_be_served_is_served_by_a_default_site(void)
{
	AUTO(arena) a = arena_new("test", 16 << 20);
	const struct route_table *t = shipped_table(a);
	struct conf_site site = { .backend = STR("direct") };
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i);
		EXPECT_IDX(!route_must_be_served(t, r) || binding_of(&site, r) != NULL, i);
	}
}

static void
test_names__only_backends_that_the_site_orders(void)
{
	static const struct {
		const char *dfault, *row;
		bool direct, proxy;
	} rows[] = {
		{ "direct", NULL, true, false },
		{ "proxy", NULL, false, true },
		{ "direct", "proxy", true, true },
		{ "direct", "direct", true, false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct conf_route_backend row = { .backend = str_of(rows[i].row) };
		struct conf_site site = {
			.backend = str_of(rows[i].dfault), .routes = &row, .n_routes = rows[i].row != NULL
		};
		for (size_t k = 0; k < BACKENDS; k++) {
			struct str name = str_of(backends_known[k]->name);
			bool want = str_eq(name, STR("direct"))  ? rows[i].direct
			            : str_eq(name, STR("proxy")) ? rows[i].proxy
			                                         : true; /* ours: always there */
			EXPECT_IDX(binding_names(&site, backends_known[k]) == want, i * BACKENDS + k);
		}
	}
}

TESTS(T(test_binding__the_narrowest_row_wins_whatever_its_place),
    T(test_binding__own_routes_stay_ours_whatever_is_configured),
    T(test_binding__a_row_that_must_be_served_is_served_by_a_default_site),
    T(test_names__only_backends_that_the_site_orders))
