/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of gatehouse explain. */
#include "policy/explain.h"

#include "gateway/base/text.h"

struct target {
	enum route_tree tree;
	struct str path; /* below the tree, query cut off */
};

/* "/apis/{site}/api/..." and "/oauth2/{site}/...", or the path below the site. */
static struct target
target_of(const struct explain *x)
{
	static const struct {
		struct str prefix;
		enum route_tree tree;
	} trees[] = { { STR_INIT("/apis/"), ROUTE_TREE_APIS }, { STR_INIT("/oauth2/"), ROUTE_TREE_OAUTH2 } };
	struct str path = str_sub(x->path, 0, str_find(x->path, '?'));
	for (size_t i = 0; i < NITEMS(trees); i++) {
		if (!str_starts(path, trees[i].prefix))
			continue;
		struct str rest = str_skip(path, trees[i].prefix.n);
		return (struct target){ trees[i].tree, str_skip(rest, str_find(rest, '/')) };
	}
	bool api = str_starts(path, STR("/api/")) || str_starts(path, STR("/fhir")) || str_starts(path, STR("/portal"));
	return (struct target){ api ? ROUTE_TREE_APIS : ROUTE_TREE_OAUTH2, path };
}

static enum http_method
method_of(struct str text)
{
	for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++)
		if (str_eq(http_method_text(m), text))
			return m;
	return HTTP_OTHER;
}

static enum route_found
find(const struct explain *x, const struct target *t, const struct route **route, struct route_params *params)
{
	return route_match(x->policy->routes, t->tree, method_of(x->method), t->path, route, params);
}

const struct route *
explain_route(const struct explain *x, struct route_params *params)
{
	const struct route *route = NULL;
	struct target t = target_of(x);
	(void)find(x, &t, &route, params);
	return route;
}

static void
put_roles(struct buf *out, unsigned roles)
{
	const char *sep = "";
	for (enum role r = ROLE_USERS; r <= ROLE_SYSTEM; r++) {
		if ((roles & 1u << r) == 0)
			continue;
		buf_printf(out, "%s%.*s", sep, STR_ARG(role_text(r)));
		sep = ", ";
	}
}

static void
put_contexts(struct buf *out, const struct scope_need *need)
{
	const char *sep = "";
	char letters[6];
	for (enum scope_context c = SCOPE_PATIENT; c < SCOPE_CONTEXT_N; c++) {
		if ((need->contexts & 1u << c) == 0)
			continue;
		buf_printf(out, "%s%.*s", sep, STR_ARG(scope_context_text(c)));
		sep = "|";
	}
	scope_letters(need->permissions, letters);
	struct str perm = need->operation.n > 0 ? need->operation : str_of(letters);
	buf_printf(out, "/%.*s.%.*s", STR_ARG(need->resource), STR_ARG(perm));
}

static void
put_row(struct buf *out, const struct route *r)
{
	static const char *const audits[] = {
		[AUDIT_DURABLE] = "durable", [AUDIT_ASYNC] = "async", [AUDIT_NONE] = "none"
	};
	static const char *const failures[] = {
		[FAIL_CLOSED] = "closed", [FAIL_OPEN] = "open", [FAIL_LOCAL] = "local"
	};
	static const char *const bys[] = { [RATE_BY_CLIENT] = "client",
		[RATE_BY_USER] = "user",
		[RATE_BY_SITE] = "site",
		[RATE_BY_ADDRESS] = "address" };
	buf_lit(out, "row      ");
	if (r->is_public) {
		buf_lit(out, "public");
	} else {
		buf_lit(out, "roles ");
		put_roles(out, r->roles);
		buf_lit(out, "; scope ");
		put_contexts(out, r->scope);
		buf_printf(out, "; api scope %.*s", STR_ARG(r->api_scope.n > 0 ? r->api_scope : STR("none")));
		buf_printf(out, "; acl %.*s%s%.*s", STR_ARG(r->acl_section.n > 0 ? r->acl_section : STR("none")),
		    r->acl_section.n > 0 ? "/" : "", STR_ARG(r->acl_value));
		for (unsigned i = 0; i < r->n_acl_returns; i++)
			buf_printf(out, "%c%.*s", i == 0 ? ':' : '|', STR_ARG(r->acl_returns[i]));
		if (r->patient_skips_acl && r->acl_section.n > 0)
			buf_lit(out, " (a patient request skips it)");
	}
	if (r->rate != NULL)
		buf_printf(out, "; rate %.*s (%u in %u s, %u at once, by %s)", STR_ARG(r->rate->name), r->rate->limit,
		    r->rate->window_ms / 1000, r->rate->burst, bys[r->rate->by]);
	buf_printf(out, "; audit %s; redis down %s; action %.*s\n", audits[r->audit], failures[r->on_failure],
	    STR_ARG(r->action));
}

static void
put_who(struct buf *out, const struct principal *who)
{
	char uuid[UUID_TEXT + 1] = "none";
	if (who->has_patient)
		uuid_text(&who->patient_uuid, uuid);
	buf_printf(out, "who      role %.*s; user %.*s; client %.*s; bound patient %s\n", STR_ARG(role_text(who->role)),
	    STR_ARG(who->username.n > 0 ? who->username : STR("none")),
	    STR_ARG(who->client_id.n > 0 ? who->client_id : STR("none")), uuid);
	buf_lit(out, "scopes   ");
	if (who->scopes != NULL)
		scope_set_put(who->scopes, SCOPE_TEXT_SORTED, out);
	buf_char(out, '\n');
}

static void
put_check(void *ctx, const char *check, bool ok, struct str text)
{
	buf_printf(ctx, "  %-6s %-10s %.*s\n", ok ? "ok" : "NO", check, STR_ARG(text));
}

/* The status that a client would see, from the same rows as the answer itself. */
static unsigned
status_of(struct arena *a, enum dialect d, enum reply_error which)
{
	struct reply rp;
	reply_init(&rp, a, 4096);
	reply_error(&rp, d, which, STR_NULL);
	return rp.status;
}

static void
put_decision(struct arena *a, struct buf *out, enum dialect dialect, const struct decision *d)
{
	char uuid[UUID_TEXT + 1];
	if (!d->allowed) {
		buf_printf(out, "decision refuse: %u, %.*s: %.*s\n", status_of(a, dialect, d->refusal),
		    STR_ARG(d->rule), STR_ARG(d->reason));
		return;
	}
	buf_printf(out, "decision allow: %.*s\n", STR_ARG(d->rule));
	if (d->by_patient) {
		uuid_text(&d->patient, uuid);
		buf_printf(out, "filter   rows of patient %s\n", uuid);
	}
	if (d->categories.n > 0)
		buf_printf(out, "filter   categories %.*s\n", STR_ARG(d->categories));
}

static bool
put_no_route(const struct explain *x, const struct target *t, enum route_found found, struct arena *a, struct buf *out)
{
	enum dialect d = route_api_dialect(route_api_of(t->tree, t->path), x->compat);
	enum reply_error which = found == ROUTE_NO_METHOD ? REPLY_METHOD : REPLY_NO_ROUTE;
	buf_printf(out, "decision refuse: %u, ", status_of(a, d, which));
	if (found == ROUTE_NO_METHOD) {
		buf_lit(out, "the path has other methods: ");
		(void)route_table_methods(x->policy->routes, t->tree, t->path, out);
		buf_char(out, '\n');
	} else {
		buf_lit(out, "no row of the scope files has this path\n");
	}
	return false;
}

bool
explain_put(const struct explain *x, struct arena *a, struct buf *out)
{
	const struct route *route = NULL;
	struct route_params params;
	struct decision d;
	struct policy_trace trace = { put_check, out };
	struct target t = target_of(x);
	buf_printf(out, "request  %.*s %.*s on site %.*s\n", STR_ARG(x->method), STR_ARG(t.path), STR_ARG(x->site));
	enum route_found found = find(x, &t, &route, &params);
	if (found != ROUTE_FOUND)
		return put_no_route(x, &t, found, a, out);
	buf_printf(out, "route    %.*s (%.*s), %.*s API", STR_ARG(route->name), STR_ARG(route->source),
	    STR_ARG(route_api_text(route->api)));
	if (x->backend.n > 0)
		buf_printf(out, ", answered by %.*s", STR_ARG(x->backend));
	buf_char(out, '\n');
	put_row(out, route);
	if (!route->is_public)
		put_who(out, x->who);
	buf_lit(out, "checks\n");
	policy_decide(x->policy, route, x->who, x->grants, a, &trace, &d);
	put_decision(a, out, route_dialect(route, x->compat), &d);
	return d.allowed;
}
