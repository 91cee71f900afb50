/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which site and which route: the path below /apis/{site} or /oauth2/{site}; OpenEMR's other paths name it by
 * ?site=. contract/standard-api.md 1, oauth2.md 1, 5.4. */
#include "gateway/base/map.h"
#include "gateway/pipeline/pipe.h"
#include "policy/route_table.h"

/* site.n > 0: OpenEMR's path without a site in it; it is whole a path of the site that the query names, or of this one. */
static const struct {
	struct str prefix;
	enum route_tree tree;
	struct str site;
} trees[] = {
	{ STR_INIT("/apis/"), ROUTE_TREE_APIS, STR_INIT("") },
	{ STR_INIT("/oauth2/"), ROUTE_TREE_OAUTH2, STR_INIT("") },
	{ STR_INIT("/swagger"), ROUTE_TREE_APIS, STR_INIT("default") },
	{ STR_INIT("/interface"), ROUTE_TREE_OAUTH2, STR_INIT("default") },
};

/* RFC 8414 3.1: the document's path stands before the issuer's: of {origin}/oauth2/{site} it is this and {site}. */
#define WELL_KNOWN "/.well-known/oauth-authorization-server"

/* The site's name and the path behind it; false: not below a tree. */
static bool
path_split(struct pipe *p, struct str *site)
{
	struct str path = p->r.x->head->path;
	if (str_starts(path, STR(WELL_KNOWN "/oauth2/"))) {
		p->tree = ROUTE_TREE_OAUTH2;
		*site = str_skip(path, sizeof WELL_KNOWN "/oauth2/" - 1);
		p->r.path = str_sub(path, 0, sizeof WELL_KNOWN - 1);
		return str_find(*site, '/') == site->n;
	}
	for (size_t i = 0; i < NITEMS(trees); i++) {
		if (!str_starts(path, trees[i].prefix))
			continue;
		struct str rest = str_skip(path, trees[i].prefix.n);
		size_t slash = str_find(rest, '/');
		p->tree = trees[i].tree;
		if (trees[i].site.n > 0) {
			struct str named = form_get(&p->r.query, STR("site"), NULL);
			*site = named.n > 0 ? named : trees[i].site;
			p->r.path = path;
			return slash == 0 || rest.n == 0;
		}
		*site = str_sub(rest, 0, slash);
		p->r.path = str_skip(rest, slash);
		return true;
	}
	return false;
}

enum step
site_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct str name;
	if (!path_split(p, &name)) {
		r->audit.rule = STR("route");
		r->audit.reason = STR("no such path");
		return request_refuse(r, REPLY_NO_ROUTE);
	}
	r->site = map_get(r->worker->sites, name);
	if (r->site == NULL) {
		r->audit.rule = STR("site");
		r->audit.reason = STR("unknown site");
		return request_refuse(r, REPLY_BAD_SITE);
	}
	if (str_find(r->path, '%') < r->path.n && percent_get(t->arena, r->path, false, &r->path) != 0)
		p->route_error = REPLY_BAD_REQUEST;
	p->api = route_api_of(p->tree, r->path);
	r->dialect = route_api_dialect(p->api, r->site->compat);
	p->preflight = r->x->head->method == HTTP_OPTIONS;
	return STEP_NEXT;
}

/* The row is found before the bearer check (public routes need none), but its absence is told after it, as OpenEMR does. */
enum step
route_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	if (!policy_api_on(r->site->policy, p->api)) {
		r->audit.rule = STR("api switch");
		r->audit.reason = STR("API switched off");
		return request_refuse(r, REPLY_API_OFF);
	}
	if (p->route_error != REPLY_ERROR_N) {
		r->audit.rule = STR("request");
		r->audit.reason = STR("query or path cannot be read");
		return request_refuse(r, p->route_error);
	}
	switch (route_match(r->site->routes, p->tree, r->x->head->method, r->path, &r->route, &r->params)) {
	case ROUTE_FOUND:
		break;
	case ROUTE_NO_METHOD:
		p->route_error = REPLY_METHOD;
		if (path_is_page(p))
			r->dialect = DIALECT_PAGE;
		break;
	case ROUTE_NOT_FOUND:
		p->route_error = REPLY_NO_ROUTE;
		break;
	}
	if (r->route != NULL && r->site->bindings[r->route->index].backend == NULL) {
		r->route = NULL; /* a row that no backend of this site answers */
		p->route_error = REPLY_NO_ROUTE;
	}
	if (r->route != NULL)
		r->dialect = route_dialect(r->route, r->site->compat);
	p->wants_token = r->route != NULL ? !r->route->is_public : p->api != API_OAUTH && p->api != API_SWAGGER;
	p->rate = r->route == NULL ? NULL : r->route->rate;
	return STEP_NEXT;
}

/* After the bearer check: what was found wrong with the route. */
enum step
route_told_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct buf allow;
	if (p->route_error == REPLY_ERROR_N)
		return STEP_NEXT;
	r->audit.rule = STR("route");
	r->audit.reason = p->route_error == REPLY_METHOD ? STR("no such method here") : STR("no such route");
	enum step s = request_refuse(r, p->route_error);
	buf_init(&allow, t->arena, 64, 256);
	if (r->reply.status == 405 && route_table_methods(r->site->routes, p->tree, r->path, &allow))
		reply_field(&r->reply, STR("Allow"), buf_str(&allow));
	return s;
}
