/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row's facts become a struct route: pattern, need, ACL, classes; each is checked. A row that is not public and names no scope, no role or
 * no ACL (or "none") is an error: nothing is open by omission. */
#include "policy/scope_file.h"

/* What an API is, whatever the files say: where its paths begin and how its errors look. */
static const struct {
	struct str prefix;
	enum dialect dialect;
} apis[API_N] = {
	[API_OAUTH] = { STR_INIT("/"), DIALECT_OAUTH },
	[API_STANDARD] = { STR_INIT("/api/"), DIALECT_OPENEMR },
	[API_PORTAL] = { STR_INIT("/portal/"), DIALECT_OPENEMR },
	[API_FHIR] = { STR_INIT("/fhir/"), DIALECT_FHIR },
	[API_SWAGGER] = { STR_INIT("/swagger"), DIALECT_OPENEMR },
};

/* Letters of the audit record and default rate class, by what the need's permission is. */
static const struct {
	unsigned permission;
	struct str action, rate;
} kinds[] = {
	{ SCOPE_C, STR_INIT("C"), STR_INIT("write") },
	{ SCOPE_R, STR_INIT("R"), STR_INIT("read") },
	{ SCOPE_U, STR_INIT("U"), STR_INIT("write") },
	{ SCOPE_D, STR_INIT("D"), STR_INIT("write") },
	{ SCOPE_S, STR_INIT("R"), STR_INIT("search") },
	{ SCOPE_OPERATION, STR_INIT("E"), STR_INIT("export") },
	{ 0, STR_INIT("E"), STR_INIT("public") },
};
static const struct {
	enum http_method method;
	struct str text, action;
} methods[] = {
	{ HTTP_GET, STR_INIT("GET"), STR_INIT("R") },
	{ HTTP_POST, STR_INIT("POST"), STR_INIT("E") },
	{ HTTP_PUT, STR_INIT("PUT"), STR_INIT("U") },
	{ HTTP_DELETE, STR_INIT("DELETE"), STR_INIT("D") },
	{ HTTP_PATCH, STR_INIT("PATCH"), STR_INIT("U") },
};

struct building {
	struct scope_reader *r;
	enum api api;
	unsigned line;
	struct str where;
	const struct route_facts *f;
	struct route *route;
	struct route_extra *extra;
	struct scope_need *need;
};

static bool
segment_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], l = (char)(c | 0x20);
		if (!((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '$' || c == '.'))
			return false;
	}
	return s.n > 0 && !str_eq(s, STR(".")) && !str_eq(s, STR(".."));
}

static bool
pattern_read(struct building *b, struct str pattern)
{
	struct str segment, rest = str_skip(pattern, 1), prefix = apis[b->api].prefix;
	unsigned n = 0;
	if (!str_starts(pattern, prefix) || (pattern.n == prefix.n && str_ends(prefix, STR("/")))) {
		scope_report(b->r, b->line, b->where, "the path must begin with %.*s", STR_ARG(prefix));
		return false;
	}
	while (str_next(&rest, '/', &segment)) {
		bool param = segment.n > 0 && segment.p[0] == ':';
		if (++n > ROUTE_SEGMENTS_MAX || !segment_ok(param ? str_skip(segment, 1) : segment)) {
			scope_report(b->r, b->line, b->where, "not a path of /names and /:params");
			return false;
		}
		if (!param)
			continue;
		if (b->extra->n_params == ROUTE_PARAMS_MAX) {
			scope_report(b->r, b->line, b->where, "more than %d :params", ROUTE_PARAMS_MAX);
			return false;
		}
		b->extra->params[b->extra->n_params++] = str_skip(segment, 1);
	}
	return true;
}

/* "GET    /api/patient/:puuid": any number of spaces between. */
static bool
key_read(struct building *b, struct str key)
{
	struct route *route = b->route;
	size_t space = str_find(key, ' ');
	struct str method = str_sub(key, 0, space), pattern = str_trim(str_skip(key, space));
	for (size_t i = 0; i < NITEMS(methods); i++) {
		if (!str_eq(method, methods[i].text))
			continue;
		route->method = methods[i].method;
		route->action = methods[i].action;
		route->pattern = arena_str(b->r->arena, pattern);
		route->name = arena_printf(b->r->arena, "%.*s %.*s", STR_ARG(method), STR_ARG(pattern));
		return pattern_read(b, route->pattern);
	}
	scope_report(b->r, b->line, b->where, "a row is \"METHOD /path\": GET, POST, PUT, DELETE or PATCH");
	return false;
}

static bool
scope_read(struct building *b)
{
	struct str text = b->f->scope, any = STR("any/");
	struct scope sc;
	struct scope_need *need = b->need;
	bool all = str_starts(text, any);
	if (all) /* shorthand: patient/, user/ and system/ */
		text = arena_printf(b->r->arena, "user/%.*s", STR_ARG(str_skip(text, any.n)));
	bool parsed = scope_parse(text, &sc, NULL) == 0;
	bool special = parsed && sc.context == SCOPE_SPECIAL && b->api == API_OAUTH;
	if (!parsed || (sc.context == SCOPE_SPECIAL && !special) || sc.category.n > 0 ||
	    (sc.permissions & (sc.permissions - 1)) != 0) {
		scope_report(b->r, b->line, b->where,
		    "scope: one of patient/, user/, system/ or any/, a resource, and one letter of cruds or one "
		    "$operation");
		return false;
	}
	need->special = special ? sc.text : STR_NULL;
	need->resource = sc.resource;
	need->operation = sc.operation;
	need->permissions = sc.permissions;
	need->contexts = all ? 1u << SCOPE_PATIENT | 1u << SCOPE_USER | 1u << SCOPE_SYSTEM : 1u << sc.context;
	need->resource_hash = scope_hash(sc.resource, STR(""));
	need->key_hash = scope_hash(sc.resource, sc.operation);
	return true;
}

/* "section/value" or "section/value:write|addonly". */
static bool
acl_read(struct building *b)
{
	struct route *route = b->route;
	struct str acl = b->f->acl, one;
	size_t slash = str_find(acl, '/'), colon = str_find(acl, ':');
	struct str returns = colon < acl.n ? str_skip(acl, colon + 1) : STR_NULL;
	bool ok = slash > 0 && slash + 1 < colon && segment_ok(str_sub(acl, 0, slash)) &&
	          segment_ok(str_sub(acl, slash + 1, colon)) && (colon == acl.n || returns.n > 0);
	while (ok && str_next(&returns, '|', &one)) {
		ok = segment_ok(one) && route->n_acl_returns < ROUTE_ACL_RETURNS_MAX;
		if (ok)
			route->acl_returns[route->n_acl_returns++] = one;
	}
	if (!ok) {
		scope_report(
		    b->r, b->line, b->where, "acl: \"section/value\", \"section/value:write|addonly\" or \"none\"");
		return false;
	}
	route->acl_section = str_sub(acl, 0, slash);
	route->acl_value = str_sub(acl, slash + 1, colon);
	return true;
}

static bool
rules_write(struct building *b)
{
	struct arena *a = b->r->arena;
	struct scope_need *n = b->need;
	struct str source = b->route->source;
	char letters[6];
	scope_letters(n->permissions & ~(unsigned)SCOPE_OPERATION, letters);
	struct str perm = n->operation.n > 0 ? n->operation : str_of(letters);
	bool ok = true;
	for (enum scope_context c = SCOPE_PATIENT; c < SCOPE_CONTEXT_N; c++) {
		n->rule_scope[c] = arena_printf(a, "scope %.*s/%.*s.%.*s (%.*s)", STR_ARG(scope_context_text(c)),
		    STR_ARG(n->resource), STR_ARG(perm), STR_ARG(source));
		ok = ok && n->rule_scope[c].p != NULL;
	}
	n->rule_scope[SCOPE_SPECIAL] = n->special.n == 0
	                                   ? n->rule_scope[SCOPE_USER]
	                                   : arena_printf(a, "scope %.*s (%.*s)", STR_ARG(n->special), STR_ARG(source));
	ok = ok && n->rule_scope[SCOPE_SPECIAL].p != NULL;
	n->rule_api = arena_printf(a, "api scope %.*s (%.*s)", STR_ARG(b->f->api_scope), STR_ARG(source));
	n->rule_role = arena_printf(a, "role (%.*s)", STR_ARG(source));
	n->rule_patient = arena_printf(a, "bound patient (%.*s)", STR_ARG(source));
	n->rule_acl = arena_printf(a, "acl %.*s (%.*s)", STR_ARG(b->f->acl), STR_ARG(source));
	return ok && n->rule_api.p != NULL && n->rule_role.p != NULL && n->rule_patient.p != NULL &&
	       n->rule_acl.p != NULL;
}

static bool
guards_read(struct building *b)
{
	const struct route_facts *f = b->f;
	struct route *route = b->route;
	if (f->is_public) {
		if (f->scope.n > 0 || f->acl.n > 0)
			scope_report(b->r, b->line, b->where, "a public row has no scope and no acl");
		return f->scope.n == 0 && f->acl.n == 0;
	}
	if (f->scope.n == 0 || f->roles == 0 || f->api_roles == 0) {
		scope_report(b->r, b->line, b->where,
		    "a row that is not public needs scope, roles and, in the defaults, api_roles");
		return false;
	}
	if (f->acl.n == 0 && (f->roles & 1u << ROLE_USERS) != 0) {
		scope_report(b->r, b->line, b->where, "acl is missing (write \"acl: none\" if staff need no ACL)");
		return false;
	}
	if ((f->roles & ~f->api_roles) != 0) {
		scope_report(b->r, b->line, b->where, "roles has a role that api_roles does not admit");
		return false;
	}
	b->need = ARENA_NEW(b->r->arena, struct scope_need);
	if (b->need == NULL || !scope_read(b))
		return false;
	if (f->acl.n > 0 && !str_eq(f->acl, STR("none")) && !acl_read(b))
		return false;
	b->need->api_roles = f->api_roles;
	route->scope = b->need;
	route->roles = f->roles;
	route->api_scope = f->api_scope;
	route->patient_skips_acl = f->patient_skips_acl;
	return rules_write(b);
}

static bool
classes_read(struct building *b)
{
	const struct route_facts *f = b->f;
	struct route *route = b->route;
	unsigned permission = b->need == NULL ? 0 : b->need->permissions;
	size_t k = 0;
	while (kinds[k].permission != permission)
		k++;
	struct str rate = f->rate.n > 0 ? f->rate : kinds[k].rate;
	if (!str_eq(rate, STR("none"))) {
		route->rate = rate_class_get(b->r->table->rates, rate);
		if (route->rate == NULL) {
			scope_report(b->r, b->line, b->where,
			    "rate class \"%.*s\" is neither built in nor in rate.classes of the configuration",
			    STR_ARG(str_sub(rate, 0, 64)));
			return false;
		}
	}
	if (b->need != NULL)
		route->action = kinds[k].action;
	if (f->action.n > 0)
		route->action = f->action;
	if (route->action.n != 1 || str_find(STR("CRUDE"), route->action.p[0]) == 5) {
		scope_report(b->r, b->line, b->where, "action: C, R, U, D or E");
		return false;
	}
	return true;
}

bool
route_build(struct scope_reader *r, enum api api, struct str key, unsigned line, const struct route_facts *f,
    struct route *route, struct route_extra *extra)
{
	struct building b = { .r = r, .api = api, .line = line, .f = f, .route = route, .extra = extra };
	b.where = str_sub(key, 0, 120);
	*route = (struct route){ .api = api,
		.dialect = f->is_page ? DIALECT_PAGE : apis[api].dialect,
		.is_public = f->is_public,
		.any_origin = f->any_origin,
		.audit = f->audit,
		.on_failure = f->on_failure,
		.local_only = f->reserved };
	*extra = (struct route_extra){ .must_serve = f->must_serve };
	route->source = arena_printf(r->arena, "%.*s:%u", STR_ARG(r->source), line);
	if (!key_read(&b, key) || !guards_read(&b) || !classes_read(&b))
		return false;
	return route->source.p != NULL && route->name.p != NULL && route->pattern.p != NULL;
}
