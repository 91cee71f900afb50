/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The document: paths, parameters of paths, scopes and the pipeline's errors from the scope files' rows; the rest from the backends.
 * OpenAPI 3.1.1. No list of routes stands here.                                                                            */
#include "gateway/swagger/openapi.h"

#include "gateway/base/map.h"
#include "gateway/config/conf.h"
#include "gateway/core/backend.h"
#include "policy/policy.h"

enum { PART_FIRST = 4 << 10, PART_MAX = 256 << 10, SCHEMAS_FIRST = 64 << 10, SCHEMAS_MAX = 8 << 20, SCOPES_MAX = 512 };

/* Which APIs are told of, and what a token for them holds. */
static const struct {
	enum api api;
	struct str scope, text;
} apis[] = {
	{ API_STANDARD, STR_INIT("api:oemr"), STR_INIT("the Standard API, for staff") },
	{ API_PORTAL, STR_INIT("api:port"), STR_INIT("the Patient Portal API, for patients") },
};
struct scope_row {
	struct str name, text;
};
struct doc {
	const struct site *site;
	struct arena *a;
	struct json_write *w;
	struct buf schemas_text;
	struct json_write schemas;
	struct map *names;
	struct scope_row scopes[SCOPES_MAX];
	size_t n_scopes;
	enum openapi_told told;
};

/* --- paths -------------------------------------------------------------------------------------------------------------------- */

static bool
documented(const struct site *site, const struct route *r)
{
	for (size_t i = 0; i < NITEMS(apis); i++)
		if (apis[i].api == r->api)
			return policy_api_on(site->policy, r->api) && site->bindings[r->index].backend != NULL;
	return false;
}

/* OpenAPI has one path for patterns that differ in the names of their parameters only. */
static bool
same_path(struct str a, struct str b)
{
	struct str sa, sb;
	bool more_a = str_next(&a, '/', &sa), more_b = str_next(&b, '/', &sb);
	for (; more_a && more_b; more_a = str_next(&a, '/', &sa), more_b = str_next(&b, '/', &sb)) {
		bool param = str_starts(sa, STR(":"));
		if (param != str_starts(sb, STR(":")) || (!param && !str_eq(sa, sb)))
			return false;
	}
	return more_a == more_b;
}

/* "/api/patient/{puuid}" */
static struct str
path_text(struct arena *a, struct str pattern)
{
	struct buf b;
	struct str rest = str_skip(pattern, 1), segment;
	buf_init(&b, a, 128, PART_FIRST);
	while (str_next(&rest, '/', &segment)) {
		bool param = str_starts(segment, STR(":"));
		buf_char(&b, '/');
		buf_str_put(&b, param ? STR("{") : STR(""));
		buf_str_put(&b, str_skip(segment, param ? 1 : 0));
		buf_str_put(&b, param ? STR("}") : STR(""));
	}
	return buf_str(&b);
}

static void
path_parameter_put(struct json_write *w, struct str name, unsigned forms)
{
#define UUID "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
	static const struct {
		struct str schema, text;
	} rows[] = {
		[0] = { STR_INIT("{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_$:-]+$\"}"), STR_INIT("") },
		[OPENAPI_UUID] = { STR_INIT("{\"type\":\"string\",\"format\":\"uuid\"}"), STR_INIT("a uuid") },
		[OPENAPI_NUMBER] = { STR_INIT("{\"type\":\"integer\",\"minimum\":0}"), STR_INIT("a number") },
		[OPENAPI_UUID |
		    OPENAPI_NUMBER] = { STR_INIT("{\"type\":\"string\",\"pattern\":\"^([0-9]+|" UUID ")$\"}"),
		    STR_INIT("a uuid or a number") },
	};
#undef UUID
	CHECK(forms < NITEMS(rows));
	json_obj(w);
	json_kv_str(w, STR("name"), name);
	json_kv_str(w, STR("in"), STR("path"));
	json_kv_bool(w, STR("required"), true);
	if (rows[forms].text.n > 0)
		json_kv_str(w, STR("description"), rows[forms].text);
	json_key(w, STR("schema"));
	json_raw(w, rows[forms].schema);
	json_obj_end(w);
}

/* Those of the path, then the others. */
static void
parameters_put(struct json_write *w, struct str pattern, const unsigned *forms, struct str others)
{
	struct str rest = str_skip(pattern, 1), segment;
	unsigned n = 0;
	json_key(w, STR("parameters"));
	json_arr(w);
	while (str_next(&rest, '/', &segment))
		if (str_starts(segment, STR(":")))
			path_parameter_put(w, str_skip(segment, 1), forms[n++]);
	others = str_sub(others, 1, others.n - 1); /* what stands in the array */
	if (others.n > 0)
		json_raw(w, others);
	json_arr_end(w);
}

/* "$swap-insurance", "run" */
static bool
names_operation(struct str segment)
{
	return str_starts(segment, STR("$")) || str_eq(segment, STR("run"));
}

/* What a route is about: the last word of its pattern that is neither a parameter nor the name of an operation. */
static struct str
subject_of(const struct route *r)
{
	struct str rest = str_skip(r->pattern, 1), segment, subject = STR_NULL;
	while (str_next(&rest, '/', &segment))
		if (!str_starts(segment, STR(":")) && !names_operation(segment))
			subject = segment;
	return subject;
}

/* "List patient", "Read patient", "Run $swap-insurance" */
static struct str
summary_of(struct arena *a, const struct route *r)
{
	static const struct {
		enum http_method method;
		const char *all, *one;
	} words[] = { { HTTP_GET, "List", "Read" }, { HTTP_POST, "Create", "Create" }, { HTTP_PUT, "Update", "Update" },
		{ HTTP_PATCH, "Update", "Update" }, { HTTP_DELETE, "Delete", "Delete" } };
	struct str rest = str_skip(r->pattern, 1), segment, last = STR_NULL, subject = subject_of(r);
	size_t i = 0;
	while (str_next(&rest, '/', &segment))
		last = segment;
	if (names_operation(last))
		return arena_printf(a, "Run %.*s", STR_ARG(str_starts(last, STR("$")) ? last : subject));
	while (i + 1 < NITEMS(words) && words[i].method != r->method)
		i++;
	return arena_printf(a, "%s %.*s", str_starts(last, STR(":")) ? words[i].one : words[i].all, STR_ARG(subject));
}

/* "get_api_patient_puuid" */
static struct str
operation_id(struct arena *a, const struct route *r)
{
	struct buf b;
	buf_init(&b, a, 128, PART_FIRST);
	for (size_t i = 0; i < r->name.n; i++) {
		char c = r->name.p[i], l = (char)(c | 0x20);
		bool letter = (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
		if (letter)
			buf_char(&b, c >= 'A' && c <= 'Z' && i < str_find(r->name, ' ') ? l : c);
		else if (b.n > 0 && b.p[b.n - 1] != '_')
			buf_char(&b, '_');
	}
	return buf_str(&b);
}

/* --- scopes ------------------------------------------------------------------------------------------------------------------- */

static void
scope_note(struct doc *d, struct str name, struct str text)
{
	for (size_t i = 0; i < d->n_scopes; i++)
		if (str_eq(d->scopes[i].name, name))
			return;
	if (d->n_scopes < SCOPES_MAX)
		d->scopes[d->n_scopes++] = (struct scope_row){ name, text };
}

/* "read, search: patient" */
static struct str
scope_words(struct arena *a, const struct scope *sc)
{
	static const struct {
		unsigned bit;
		struct str word;
	} words[] = { { SCOPE_C, STR_INIT("create") }, { SCOPE_R, STR_INIT("read") }, { SCOPE_U, STR_INIT("update") },
		{ SCOPE_D, STR_INIT("delete") }, { SCOPE_S, STR_INIT("search") } };
	struct buf b;
	buf_init(&b, a, 64, PART_FIRST);
	for (size_t i = 0; i < NITEMS(words); i++)
		if (sc->permissions & words[i].bit) {
			buf_str_put(&b, b.n > 0 ? STR(", ") : STR(""));
			buf_str_put(&b, words[i].word);
		}
	buf_printf(&b, ": %.*s", STR_ARG(sc->resource));
	return buf_str(&b);
}

/* A scope that discovery names and that holds what the route asks for, in the weakest context that is meant for its role. */
static struct str
scope_for(struct doc *d, const struct route *r)
{
	static const enum scope_context order[] = { SCOPE_USER, SCOPE_PATIENT, SCOPE_SYSTEM };
	const struct scope_need *need = r->scope;
	for (size_t i = 0; i < NITEMS(order); i++) {
		size_t pos = 0;
		struct str name;
		struct scope sc;
		if ((need->contexts & 1u << order[i]) == 0)
			continue;
		while (scope_catalog_next(d->site->policy->catalog, true, &pos, &name)) {
			if (scope_parse(name, &sc, NULL) != 0 || sc.context != order[i] || sc.category.n > 0 ||
			    !str_eq(sc.resource, need->resource) || !str_eq(sc.operation, need->operation) ||
			    (need->permissions & ~sc.permissions) != 0)
				continue;
			scope_note(d, name, scope_words(d->a, &sc));
			return name;
		}
	}
	return STR_NULL;
}

static void
security_put(struct doc *d, const struct route *r)
{
	struct json_write *w = d->w;
	json_key(w, STR("security"));
	json_arr(w);
	if (!r->is_public) {
		struct str scope = scope_for(d, r);
		json_obj(w);
		json_key(w, STR("oauth2"));
		json_arr(w);
		if (r->api_scope.n > 0)
			json_str(w, r->api_scope);
		if (scope.n > 0)
			json_str(w, scope);
		json_arr_end(w);
		json_obj_end(w);
		json_raw(w, STR("{\"bearer\":[]}"));
	}
	json_arr_end(w);
}

/* --- an operation --------------------------------------------------------------------------------------------------------------- */

/* Answers that the pipeline gives by itself. */
static const struct {
	struct str status, name, text;
	bool of_token;   /* not on public routes */
	bool by_backend; /* left out where the backend tells its own */
	bool empty;      /* classic: also without a body (golden-7.0 195, 207) */
	struct str field;
} refusals[] = {
	{ .status = STR_INIT("400"),
	    .name = STR_INIT("BadRequest"),
	    .text = STR_INIT("The query or the body cannot be read."),
	    .by_backend = true },
	{ .status = STR_INIT("401"),
	    .name = STR_INIT("Unauthorized"),
	    .text = STR_INIT("No valid token, or it lacks the scope."),
	    .of_token = true,
	    .empty = true,
	    .field = STR_INIT("WWW-Authenticate") },
	{ .status = STR_INIT("403"),
	    .name = STR_INIT("Forbidden"),
	    .text = STR_INIT("The user's access rules, or the token's API, do not allow it."),
	    .of_token = true },
	{ .status = STR_INIT("413"),
	    .name = STR_INIT("TooLarge"),
	    .text = STR_INIT("The body is too large."),
	    .of_token = false },
	{ .status = STR_INIT("429"),
	    .name = STR_INIT("TooManyRequests"),
	    .text = STR_INIT("The rate limit is reached."),
	    .field = STR_INIT("Retry-After") },
	{ .status = STR_INIT("503"),
	    .name = STR_INIT("Unavailable"),
	    .text = STR_INIT("A store does not answer at the moment."),
	    .field = STR_INIT("Retry-After") },
};

struct parts {
	struct buf parameters, body, responses;
	struct json_write w_parameters, w_body, w_responses;
	struct openapi_operation op;
};

static void
parts_begin(struct parts *p, struct doc *d)
{
	struct arena *a = d->a;
	buf_init(&p->parameters, a, PART_FIRST, PART_MAX);
	buf_init(&p->body, a, PART_FIRST, PART_MAX);
	buf_init(&p->responses, a, PART_FIRST, PART_MAX);
	json_begin(&p->w_parameters, &p->parameters, JSON_PLAIN);
	json_begin(&p->w_body, &p->body, JSON_PLAIN);
	json_begin(&p->w_responses, &p->responses, JSON_PLAIN);
	json_arr(&p->w_parameters);
	json_obj(&p->w_responses);
	p->op = (struct openapi_operation){ .arena = a,
		.parameters = &p->w_parameters,
		.body = &p->w_body,
		.responses = &p->w_responses,
		.schemas = &d->schemas,
		.schema_names = d->names };
}

/* What stands for a route of which nobody tells more. */
static void
general_parts(const struct route *r, struct openapi_operation *op)
{
	json_key(op->responses, STR("default"));
	json_raw(op->responses, STR("{\"description\":\"As OpenEMR's API documentation says.\"}"));
	if (r->method == HTTP_POST || r->method == HTTP_PUT || r->method == HTTP_PATCH)
		json_raw(op->body, STR("{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\"}}}}"));
}

static void
operation_write(struct doc *d, const struct route *r, struct str path, struct parts *p)
{
	struct json_write *w = d->w;
	struct str method = str_sub(r->name, 0, str_find(r->name, ' ')), id = operation_id(d->a, r);
	char lower[16];
	for (size_t i = 0; i < method.n && i < sizeof lower; i++)
		lower[i] = (char)(method.p[i] | 0x20);
	json_key(w, (struct str){ lower, MIN(method.n, sizeof lower) });
	json_obj(w);
	json_kv_str(w, STR("operationId"), id);
	json_kv_str(w, STR("summary"), summary_of(d->a, r));
	json_key(w, STR("tags"));
	json_arr(w);
	json_str(w, r->api == API_PORTAL ? STR("portal") : subject_of(r)); /* the portal's stand together */
	json_arr_end(w);
	security_put(d, r);
	parameters_put(w, path, p->op.path_forms, buf_str(&p->parameters));
	if (p->body.n > 0) {
		json_key(w, STR("requestBody"));
		json_raw(w, buf_str(&p->body));
	}
	json_key(w, STR("responses"));
	json_raw(w, buf_str(&p->responses));
	json_obj_end(w);
}

/* OPENAPI_LEFT_OUT: nothing is written. path: the pattern that gave the path its names. */
static enum openapi_told
operation_put(struct doc *d, const struct route *r, struct str path, bool *open)
{
	const struct route_binding *b = &d->site->bindings[r->index];
	struct parts p;
	parts_begin(&p, d);
	if (b->backend->ops->describe != NULL) {
		enum openapi_told told = b->backend->ops->describe(d->site, b->backend->state, b->handler, &p.op);
		if (told != OPENAPI_TOLD)
			return told;
	} else {
		general_parts(r, &p.op);
	}
	for (size_t i = 0; i < NITEMS(refusals); i++)
		if (!(refusals[i].by_backend && p.op.told_400) && !(refusals[i].of_token && r->is_public)) {
			json_key(&p.w_responses, refusals[i].status);
			openapi_ref_put(&p.w_responses, &p.op, STR("responses"), refusals[i].name);
		}
	json_arr_end(&p.w_parameters);
	json_obj_end(&p.w_responses);
	if (!*open) {
		json_key(d->w, path_text(d->a, path));
		json_obj(d->w);
		*open = true;
	}
	operation_write(d, r, path, &p);
	if (!buf_ok(&p.parameters) || !buf_ok(&p.body) || !buf_ok(&p.responses))
		d->w->out->failed = true;
	return OPENAPI_TOLD;
}

static void
paths_put(struct doc *d)
{
	const struct route_table *t = d->site->routes;
	json_key(d->w, STR("paths"));
	json_obj(d->w);
	for (size_t i = 0; i < route_table_count(t); i++) {
		const struct route *r = route_table_at(t, i);
		bool open = false, before = false;
		for (size_t k = 0; k < i && !before; k++)
			before =
			    route_table_at(t, k)->api == r->api && same_path(route_table_at(t, k)->pattern, r->pattern);
		for (size_t k = i; !before && k < route_table_count(t); k++) {
			const struct route *other = route_table_at(t, k);
			if (!documented(d->site, other) || other->api != r->api ||
			    !same_path(other->pattern, r->pattern))
				continue;
			if (operation_put(d, other, r->pattern, &open) == OPENAPI_LATER)
				d->told = OPENAPI_LATER;
		}
		if (open)
			json_obj_end(d->w);
	}
	json_obj_end(d->w);
}

/* --- around the paths ----------------------------------------------------------------------------------------------------------- */

static bool
oauth_serves(const struct site *site, enum http_method method, struct str path)
{
	const struct route *route;
	struct route_params params;
	return route_match(site->routes, ROUTE_TREE_OAUTH2, method, path, &route, &params) == ROUTE_FOUND &&
	       site->bindings[route->index].backend != NULL;
}

static void
url_put(struct doc *d, struct str key, struct str path)
{
	json_kv_str(d->w, key, arena_printf(d->a, "%.*s%.*s", STR_ARG(d->site->issuer), STR_ARG(path)));
}

static void
flow_put(struct doc *d, struct str name, bool authorize)
{
	json_key(d->w, name);
	json_obj(d->w);
	if (authorize)
		url_put(d, STR("authorizationUrl"), STR("/authorize"));
	url_put(d, STR("tokenUrl"), STR("/token"));
	url_put(d, STR("refreshUrl"), STR("/token"));
	json_key(d->w, STR("scopes"));
	json_obj(d->w);
	for (size_t i = 0; i < d->n_scopes; i++)
		json_kv_str(d->w, d->scopes[i].name, d->scopes[i].text);
	json_obj_end(d->w);
	json_obj_end(d->w);
}

static void
security_schemes_put(struct doc *d)
{
	struct json_write *w = d->w;
	json_key(w, STR("securitySchemes"));
	json_obj(w);
	json_key(w, STR("bearer"));
	json_raw(w,
	    STR("{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\",\"description\":\"An access token "
	        "that was got elsewhere.\"}"));
	json_key(w, STR("oauth2"));
	json_obj(w);
	json_kv_str(w, STR("type"), STR("oauth2"));
	json_key(w, STR("flows"));
	json_obj(w);
	if (oauth_serves(d->site, HTTP_GET, STR("/authorize")))
		flow_put(d, STR("authorizationCode"), true);
	if (d->site->conf->oauth.password_users) /* the page sends user_role=users; patients need a third field */
		flow_put(d, STR("password"), false);
	json_obj_end(w);
	json_obj_end(w);
	json_obj_end(w);
}

static void
refusal_put(struct doc *d, size_t i)
{
	struct json_write *w = d->w;
	json_key(w, refusals[i].name);
	json_obj(w);
	json_kv_str(w, STR("description"), refusals[i].text);
	if (refusals[i].field.n > 0) {
		json_key(w, STR("headers"));
		json_obj(w);
		json_key(w, refusals[i].field);
		json_raw(w, STR("{\"schema\":{\"type\":\"string\"}}"));
		json_obj_end(w);
	}
	json_key(w, STR("content"));
	json_obj(w);
	json_key(w, STR("application/json"));
	json_raw(w, STR("{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}"));
	if (refusals[i].empty && d->site->compat == COMPAT_CLASSIC) {
		json_key(w, STR("text/html"));
		json_raw(w, STR("{\"schema\":{\"type\":\"string\",\"maxLength\":0}}"));
	}
	json_obj_end(w);
	json_obj_end(w);
}

static void
refusals_put(struct doc *d)
{
	json_key(d->w, STR("responses"));
	json_obj(d->w);
	for (size_t i = 0; i < NITEMS(refusals); i++)
		refusal_put(d, i);
	json_obj_end(d->w);
}

/* What reply_error() writes in both compat modes, and what the HTTP parser refuses before any route is known. */
#define ERROR_SCHEMA                                                                                                   \
	"{\"type\":\"object\",\"required\":[\"error\"],\"anyOf\":[{\"required\":[\"message\"]},{\"required\":["        \
	"\"error_description\"]}],\"properties\":{\"error\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},"  \
	"\"code\":{\"type\":\"integer\"},\"error_description\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\"}}," \
	"\"additionalProperties\":false}"

static void
components_put(struct doc *d)
{
	json_key(&d->schemas, STR("Error"));
	json_raw(&d->schemas, STR(ERROR_SCHEMA));
	json_obj_end(&d->schemas);
	json_key(d->w, STR("components"));
	json_obj(d->w);
	security_schemes_put(d);
	refusals_put(d);
	json_key(d->w, STR("schemas"));
	json_raw(d->w, buf_str(&d->schemas_text));
	json_obj_end(d->w);
	if (!buf_ok(&d->schemas_text))
		d->w->out->failed = true;
}

static void
head_put(struct doc *d)
{
	struct json_write *w = d->w;
	json_kv_str(w, STR("openapi"), STR("3.1.1"));
	json_key(w, STR("info"));
	json_obj(w);
	json_kv_str(w, STR("title"),
	    arena_printf(d->a, "OpenEMR Standard and Portal API: %.*s", STR_ARG(d->site->conf->display_name)));
	json_kv_str(w, STR("version"), d->site->compat == COMPAT_CLASSIC ? STR("7") : STR("8"));
	json_kv_str(w, STR("description"),
	    STR("The routes that this site answers, as its scope files and its database say. FHIR tells of itself in "
	        "its "
	        "CapabilityStatement. A request that HTTP itself forbids gets 408, 414 or 431 from every route."));
	json_obj_end(w);
	json_key(w, STR("servers"));
	json_arr(w);
	json_obj(w);
	json_kv_str(w, STR("url"), d->site->api_base);
	json_obj_end(w);
	json_arr_end(w);
}

void
openapi_first_scopes_put(const struct site *site, struct json_write *w)
{
	json_arr(w);
	json_str(w, STR("openid"));
	for (size_t i = 0; i < NITEMS(apis); i++)
		if (policy_api_on(site->policy, apis[i].api))
			json_str(w, apis[i].scope);
	json_arr_end(w);
}

int
openapi_make(const struct site *site, struct arena *a, struct buf *out, enum openapi_told *told)
{
	struct json_write w;
	struct doc *d = ARENA_NEW(a, struct doc);
	struct map *names = map_new();
	if (d == NULL || names == NULL) {
		map_free(&names);
		return -1;
	}
	*d = (struct doc){ .site = site, .a = a, .w = &w, .names = names };
	buf_init(&d->schemas_text, a, SCHEMAS_FIRST, SCHEMAS_MAX);
	json_begin(&d->schemas, &d->schemas_text, JSON_PLAIN);
	json_obj(&d->schemas);
	json_begin(&w, out, JSON_PLAIN);
	json_obj(&w);
	scope_note(d, STR("openid"), STR("sign in"));
	scope_note(d, STR("offline_access"), STR("a refresh token"));
	for (size_t i = 0; i < NITEMS(apis); i++)
		if (policy_api_on(site->policy, apis[i].api))
			scope_note(d, apis[i].scope, apis[i].text);
	head_put(d);
	paths_put(d);
	components_put(d);
	json_obj_end(&w);
	*told = d->told;
	map_free(&names);
	return buf_ok(out) ? 0 : -1;
}
