/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sites of a worker. */
#include "gateway/process/site_open.h"

#include "backends/direct/direct.h"
#include "backends/proxy/proxy.h"
#include "gateway/base/map.h"
#include "gateway/config/conf.h"
#include "gateway/core/backend.h"
#include "gateway/crypto/jwk.h"
#include "gateway/crypto/keyd.h"
#include "gateway/oauth/oauth.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/process/crypt_load.h"
#include "policy/policy.h"

#include <stdlib.h>

enum { SITE_ARENA = 64 << 20, REPORT_ARENA = 4 << 20 };

/* Backends in the order in which they are asked; oauth always, the others when the site's configuration names them. */
static const struct backend_ops *const known[] = { &backend_oauth, &backend_direct, &backend_proxy };

static bool
backend_named(const struct conf_site *c, struct str name)
{
	if (str_eq(name, STR("oauth")) || str_eq(c->backend, name))
		return true;
	for (size_t i = 0; i < c->n_routes; i++)
		if (str_eq(c->routes[i].backend, name))
			return true;
	return false;
}

static int
backends_open(struct arena *a, struct site *s, struct err *e)
{
	s->backends = arena_array(a, NITEMS(known), sizeof *s->backends);
	if (s->backends == NULL)
		return ERR(e, E_MEMORY, "backends");
	for (size_t i = 0; i < NITEMS(known); i++) {
		struct site_backend *b = &s->backends[s->n_backends];
		if (!backend_named(s->conf, str_of(known[i]->name)))
			continue;
		b->ops = known[i];
		if (b->ops->open(s, &b->state, e) != 0)
			return -1;
		s->n_backends++;
	}
	return 0;
}

static const struct site_backend *
backend_find(const struct site *s, struct str name)
{
	for (unsigned i = 0; i < s->n_backends; i++)
		if (str_eq(str_of(s->backends[i].ops->name), name))
			return &s->backends[i];
	return NULL;
}

/* The backend that the site's configuration orders for a route: a row for the route itself wins over one for its API, that over one
 * for all, that over the default.                                                                                          */
static struct str
backend_ordered(const struct conf_site *c, const struct route *r)
{
	struct str best = c->backend;
	unsigned best_rank = 0;
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct conf_route_backend *row = &c->routes[i];
		bool api = row->api.n == 0 || str_eq(row->api, route_api_text(r->api)) ||
		           (r->api == API_STANDARD && str_eq(row->api, STR("api")));
		bool route = row->route.n == 0 || str_eq(row->route, r->name);
		unsigned rank = 1 + (row->api.n > 0 ? 1u : 0u) + (row->route.n > 0 ? 2u : 0u);
		if (api && route && rank > best_rank) {
			best = row->backend;
			best_rank = rank;
		}
	}
	return best;
}

/* Binds each row. One that nobody answers is unserved: an error where the row says so, else an unknown path. */
static int
routes_bind(struct arena *a, struct site *s, struct err *e)
{
	size_t n = route_table_count(s->routes);
	s->bindings = arena_array(a, n + 1, sizeof *s->bindings);
	if (s->bindings == NULL)
		return ERR(e, E_MEMORY, "routes");
	for (size_t i = 0; i < n; i++) {
		const struct route *r = route_table_at(s->routes, i);
		const struct site_backend *ask[] = { backend_find(s, STR("oauth")),
			backend_find(s, backend_ordered(s->conf, r)) };
		for (size_t k = 0; k < NITEMS(ask) && s->bindings[i].backend == NULL; k++)
			if (ask[k] != NULL && ask[k]->ops->bind(s, ask[k]->state, r, &s->bindings[i].handler) == 0)
				s->bindings[i].backend = ask[k];
		if (s->bindings[i].backend == NULL && route_must_be_served(s->routes, r))
			return ERR(e, E_CONFIG, "site %.*s: no backend answers %.*s (%.*s)", STR_ARG(s->name),
			    STR_ARG(r->name), STR_ARG(r->source));
	}
	return 0;
}

static int
names_make(struct arena *a, struct site *s)
{
	const struct conf_site *c = s->conf;
	struct str origin = c->origin.n > 0 ? c->origin : s->worker->conf->origin;
	s->name = c->name;
	s->issuer = arena_printf(a, "%.*s/oauth2/%.*s", STR_ARG(origin), STR_ARG(c->name));
	s->api_base = arena_printf(a, "%.*s/apis/%.*s", STR_ARG(origin), STR_ARG(c->name));
	s->redis_prefix = c->redis_prefix.n > 0 ? c->redis_prefix : arena_printf(a, "gh:%.*s:", STR_ARG(c->name));
	s->compat = str_eq(c->compat, STR("v8")) ? COMPAT_V8 : COMPAT_CLASSIC;
	return s->issuer.p == NULL || s->api_base.p == NULL || s->redis_prefix.p == NULL ? -1 : 0;
}

static int
keys_fetch(struct arena *a, struct site *s, int keyd_fd, struct err *e)
{
	char *text = NULL;
	if (keyd_fetch_jwks(keyd_fd, s->name, &text, e) != 0)
		return -1;
	s->jwks_text = arena_str(a, str_of(text));
	free(text);
	s->jwks = s->jwks_text.p == NULL ? NULL : jwk_set_parse(s->jwks_text, e);
	return s->jwks == NULL ? -1 : 0;
}

static int
policy_fetch(struct arena *a, struct site *s, struct err *e)
{
	struct conf_reports reports = { 0 };
	AUTO(arena) ra = arena_new("policy reports", REPORT_ARENA);
	if (ra == NULL)
		return ERR(e, E_MEMORY, "policy");
	s->policy = policy_load(a, s->worker->conf, s->conf, ra, &reports);
	if (s->policy == NULL)
		return reports.n == 0 ? ERR(e, E_MEMORY, "policy")
		                      : ERR(e, E_CONFIG, "%.*s:%u: %.*s", STR_ARG(reports.v[0].file), reports.v[0].line,
		                            STR_ARG(reports.v[0].text));
	s->routes = s->policy->routes;
	return 0;
}

static int
site_open(struct worker *w, struct arena *a, const struct conf_site *c, unsigned index, int keyd_fd, struct err *e)
{
	struct site *s = ARENA_NEW(a, struct site);
	if (s == NULL)
		return ERR(e, E_MEMORY, "site");
	s->magic = SITE_MAGIC;
	s->conf = c;
	s->worker = w;
	s->index = index;
	if (names_make(a, s) != 0)
		return ERR(e, E_MEMORY, "site names");
	if (policy_fetch(a, s, e) != 0 || keys_fetch(a, s, keyd_fd, e) != 0)
		return -1;
	s->db = db_pool_new(w->loop, &c->db, w->log);
	if (s->db == NULL || pipeline_site_caches(s, w->conf->token_cache_items) != 0)
		return ERR(e, E_MEMORY, "site stores");
	if (crypt_load(s, a, e) != 0 || backends_open(a, s, e) != 0 || routes_bind(a, s, e) != 0)
		return -1;
	return map_put(w->sites, s->name, s, NULL) == 0 ? 0 : ERR(e, E_MEMORY, "site map");
}

int
sites_open(struct worker *w, int keyd_fd, struct err *e)
{
	struct arena *a =
	    arena_new("sites", (size_t)SITE_ARENA * MAX(w->conf->n_sites, 1)); /* lives as long as the worker */
	if (a == NULL)
		return ERR(e, E_MEMORY, "sites");
	for (size_t i = 0; i < w->conf->n_sites; i++)
		if (site_open(w, a, &w->conf->sites[i], (unsigned)i, keyd_fd, e) != 0)
			return -1;
	return 0;
}
