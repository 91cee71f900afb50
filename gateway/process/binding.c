/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which backend answers a route. */
#include "gateway/process/binding.h"

#include "backends/direct/direct.h"
#include "backends/proxy/proxy.h"
#include "gateway/oauth/oauth.h"
#include "gateway/swagger/swagger.h"
#include "policy/route_table.h"

const struct backend_ops *const backends_known[BACKENDS] = { &backend_oauth, &backend_swagger, &backend_direct,
	&backend_proxy };

bool
binding_names(const struct conf_site *c, const struct backend_ops *ops)
{
	struct str name = str_of(ops->name);
	if (ops == &backend_oauth || ops == &backend_swagger || str_eq(c->backend, name))
		return true;
	for (size_t i = 0; i < c->n_routes; i++)
		if (str_eq(c->routes[i].backend, name))
			return true;
	return false;
}

static struct str
ordered(const struct conf_site *c, const struct route *r)
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

const struct backend_ops *
binding_of(const struct conf_site *c, const struct route *r)
{
	struct str name = ordered(c, r);
	if (backend_oauth.serves(r))
		return &backend_oauth;
	if (backend_swagger.serves(r))
		return &backend_swagger;
	for (size_t i = 0; i < BACKENDS; i++)
		if (str_eq(str_of(backends_known[i]->name), name) && backends_known[i]->serves(r))
			return backends_known[i];
	return NULL;
}
