/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cross-origin requests: an origin is allowed when it is the origin of a redirect URI of an enabled client of this site,
 * or configured. Preflight of every route is answered here. Never on the authorize page (RFC 9700 2.6). Fetch standard, 3.2.                        */
#include "gateway/base/uri.h"
#include "gateway/config/conf.h"
#include "gateway/pipeline/pipe.h"
#include "policy/route_table.h"

#include <stdlib.h>

enum { ORIGINS_MAX = 1 << 20 };

static const struct db_stmt origins_sql = { "cors_origins",
	"SELECT redirect_uri FROM oauth_clients WHERE is_enabled = 1 AND redirect_uri IS NOT NULL", false };

/* "|origin|origin|": one text, searched as a whole. Malloc memory: it outlives the request. */
static char *
origins_text(struct arena *a, const struct db_result *res)
{
	struct buf b;
	buf_init(&b, NULL, 1024, ORIGINS_MAX);
	buf_char(&b, '|');
	for (size_t i = 0; i < res->n_rows; i++) {
		struct str list = db_cell(res, i, 0)->s, uri;
		while (str_next(&list, '|', &uri)) {
			struct str origin = uri_origin(a, uri);
			if (origin.p == NULL)
				continue;
			buf_str_put(&b, origin);
			buf_char(&b, '|');
		}
	}
	buf_char(&b, 0);
	if (!buf_ok(&b))
		buf_done(&b);
	return b.p;
}

static bool
origin_listed(struct arena *a, const char *list, struct str origin)
{
	struct str want = arena_printf(a, "|%.*s|", STR_ARG(origin)), all = str_of(list);
	return want.p != NULL && str_find(origin, '|') == origin.n && str_find_str(all, want) < all.n;
}

static bool
origin_configured(const struct conf_site *c, struct str origin)
{
	for (size_t i = 0; i < c->cors.n_origins; i++)
		if (str_eq(c->cors.origins[i], origin))
			return true;
	return false;
}

enum step
cors_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct str origin = http_field(p->r.x->head, HTTP_F_ORIGIN);
	char **list;
	p->db = NULL;
	if (origin.n == 0 || p->r.site == NULL)
		return STEP_NEXT;
	p->origin_allowed = origin_configured(p->r.site->conf, origin);
	if (p->origin_allowed)
		return STEP_NEXT;
	list = cache_get(p->r.site->origins, STR("origins"), loop_now_us(t->loop));
	if (list == NULL)
		return db_query(t, p->r.site->db, &origins_sql, NULL, 0, &p->db);
	p->origin_allowed = origin_listed(t->arena, *list, origin);
	return STEP_NEXT;
}

enum step
cors_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	char *list;
	if (p->db == NULL || p->db->status != DB_OK)
		return STEP_NEXT; /* without the list no origin is allowed; the request itself goes on */
	list = origins_text(t->arena, p->db);
	if (list == NULL)
		return STEP_NEXT;
	p->origin_allowed = origin_listed(t->arena, list, http_field(p->r.x->head, HTTP_F_ORIGIN));
	if (cache_put(p->r.site->origins, STR("origins"), &list,
	        loop_now_us(t->loop) + (int64_t)p->r.worker->conf->live_check_ms * 1000) == NULL)
		free(list);
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
