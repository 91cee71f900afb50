/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sites of a worker. */
#include "gateway/process/site_open.h"

#include "gateway/base/map.h"
#include "gateway/config/conf.h"
#include "gateway/core/backend.h"
#include "gateway/crypto/jwk.h"
#include "gateway/crypto/keyd.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/process/binding.h"
#include "gateway/process/crypt_load.h"
#include "policy/policy.h"

#include <stdlib.h>

enum { SITE_ARENA = 64 << 20, REPORT_ARENA = 4 << 20 };

static int
backends_open(struct arena *a, struct site *s, struct err *e)
{
	s->backends = arena_array(a, BACKENDS, sizeof *s->backends);
	if (s->backends == NULL)
		return ERR(e, E_MEMORY, "backends");
	for (size_t i = 0; i < BACKENDS; i++) {
		struct site_backend *b = &s->backends[s->n_backends];
		if (!binding_names(s->conf, backends_known[i]))
			continue;
		b->ops = backends_known[i];
		if (b->ops->open(s, &b->state, e) != 0)
			return -1;
		s->n_backends++;
	}
	return 0;
}

static const struct site_backend *
opened(const struct site *s, const struct backend_ops *ops)
{
	for (unsigned i = 0; i < s->n_backends; i++)
		if (s->backends[i].ops == ops)
			return &s->backends[i];
	return NULL;
}

/* Binds each row. One that nobody answers is unserved: an error where the row says so, else an unknown path. */
static int
routes_bind(struct arena *a, struct site *s, struct err *e)
{
	size_t n = route_table_count(s->routes), unserved = 0;
	s->bindings = arena_array(a, n + 1, sizeof *s->bindings);
	if (s->bindings == NULL)
		return ERR(e, E_MEMORY, "routes");
	for (size_t i = 0; i < n; i++) {
		const struct route *r = route_table_at(s->routes, i);
		const struct backend_ops *ops = binding_of(s->conf, r);
		const struct site_backend *b = ops == NULL ? NULL : opened(s, ops);
		if (b != NULL && ops->bind(s, b->state, r, &s->bindings[i].handler) != 0)
			return ERR(e, E_LIMIT, "site %.*s: %.*s cannot be bound", STR_ARG(s->name), STR_ARG(r->name));
		s->bindings[i].backend = b;
		if (b == NULL && route_must_be_served(s->routes, r))
			return ERR(e, E_CONFIG, "site %.*s: no backend answers %.*s (%.*s)", STR_ARG(s->name),
			    STR_ARG(r->name), STR_ARG(r->source));
		unserved += b == NULL;
	}
	if (unserved > 0 && s->worker->number == 0)
		LOG(s->worker->log, LOG_INFO, "routes.unserved", F_STR("site", s->name), F_INT("routes", unserved));
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
	db_pool_zone_set(s->db, c->db.time_zone);
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
