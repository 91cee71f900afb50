/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cross-origin requests: an origin is allowed when it is the origin of a redirect URI of an enabled client of this site, or configured; every
 * one where the scope file says so (discovery documents: SMART App Launch 2.2, CORS). Preflight of every route is answered here. Never on
 * the authorize page (RFC 9700 2.6). Fetch standard, 3.2. */
#include "gateway/config/conf.h"
#include "gateway/pipeline/origins.h"
#include "gateway/pipeline/pipe.h"
#include "policy/route_table.h"

static bool
origin_configured(const struct conf_site *c, struct str origin)
{
	for (size_t i = 0; i < c->cors.n_origins; i++)
		if (str_eq(c->cors.origins[i], origin))
			return true;
	return false;
}

/* Documents are for whoever asks: an app reads them before it has registered. */
static bool
any_origin(const struct pipe *p)
{
	const struct route *route = NULL;
	struct route_params params;
	return route_match(p->r.site->routes, p->tree, HTTP_GET, p->r.path, &route, &params) == ROUTE_FOUND &&
	       route->any_origin;
}

enum step
cors_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct str origin = http_field(p->r.x->head, HTTP_F_ORIGIN);
	if (origin.n == 0 || p->r.site == NULL)
		return STEP_NEXT;
	p->origin_allowed = origin_configured(p->r.site->conf, origin) || any_origin(p);
	return p->origin_allowed ? STEP_NEXT : origins_want(t, p->r.site->origins, origin);
}

/* Without a list no other origin is allowed; the request itself goes on. */
enum step
cors_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct str origin = http_field(p->r.x->head, HTTP_F_ORIGIN);
	if (origin.n > 0 && p->r.site != NULL && !p->origin_allowed)
		p->origin_allowed = origins_has(p->r.site->origins, origin);
	return STEP_NEXT;
}

void
cors_fields(struct pipe *p)
{
	struct reply *rp = &p->r.reply;
	struct str origin = p->r.x == NULL ? STR_NULL : http_field(p->r.x->head, HTTP_F_ORIGIN);
	if (origin.n == 0 || p->r.dialect == DIALECT_PAGE)
		return;
	reply_field(rp, STR("Vary"), STR("Origin"));
	if (!p->origin_allowed)
		return;
	reply_field(rp, STR("Access-Control-Allow-Origin"), origin);
	reply_field(rp, STR("Access-Control-Expose-Headers"),
	    STR("ETag, Last-Modified, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
	        "X-Request-Id"));
}

/* A page's address is for people, not for scripts of other origins (RFC 9700 2.6). */
bool
path_is_page(const struct pipe *p)
{
	static const enum http_method methods[] = { HTTP_GET, HTTP_POST };
	const struct route *route = NULL;
	struct route_params params;
	for (size_t i = 0; i < NITEMS(methods); i++)
		if (route_match(p->r.site->routes, p->tree, methods[i], p->r.path, &route, &params) == ROUTE_FOUND &&
		    route->dialect == DIALECT_PAGE)
			return true;
	return false;
}

/* OPTIONS of a routed path: 204 with the methods that the path has. Needs no token. */
enum step
preflight_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct reply *rp = &p->r.reply;
	struct buf allow;
	if (!p->preflight)
		return STEP_NEXT;
	buf_init(&allow, t->arena, 64, 256);
	if (!route_table_methods(p->r.site->routes, p->tree, p->r.path, &allow))
		return request_refuse(&p->r, REPLY_NO_ROUTE);
	rp->status = 204;
	if (path_is_page(p))
		p->r.dialect = DIALECT_PAGE;
	reply_field(rp, STR("Allow"), buf_str(&allow));
	if (p->origin_allowed && p->r.dialect != DIALECT_PAGE) {
		reply_field(rp, STR("Access-Control-Allow-Methods"), buf_str(&allow));
		reply_field(rp, STR("Access-Control-Allow-Headers"),
		    STR("origin, authorization, accept, content-type, content-encoding, x-requested-with, prefer, "
		        "dpop, "
		        "if-match, "
		        "if-none-match, idempotency-key, x-request-id"));
		reply_field(rp, STR("Access-Control-Max-Age"), arena_u64(t->arena, p->r.site->conf->cors.max_age_s));
	}
	p->r.audit.allowed = true;
	p->r.audit.rule = STR("preflight");
	return STEP_REPLY;
}
