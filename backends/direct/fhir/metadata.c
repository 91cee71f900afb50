/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CapabilityStatement, from the site's route table (what is answered at all) and the resource rows (how it can be searched). A
 * type that the site's database cannot serve is not in it.                                                                 */
#include "backends/direct/direct.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/fhir/fhir.h"
#include "gateway/base/date.h"
#include "gateway/config/conf.h"
#include "policy/route_table.h"

enum { TYPES_MAX = 64 };

#define SMART_URIS "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

enum { CAN_SEARCH = 1, CAN_READ = 2, CAN_CREATE = 4, CAN_UPDATE = 8, CAN_DELETE = 16 };
struct type {
	struct str name;
	unsigned can;
	const struct resource *res; /* NULL: another backend answers the type */
};

/* --- which types, and what can be done with them ------------------------------------------------------------------------------- */

static unsigned
interaction_of(const struct route *route, struct str rest)
{
	bool one = str_starts(rest, STR("/:"));
	if (str_find(str_skip(rest, 1), '/') < rest.n - MIN(rest.n, (size_t)1) || str_find(rest, '$') < rest.n)
		return 0;
	switch (route->method) {
	case HTTP_GET:
		return rest.n == 0 ? CAN_SEARCH : one ? CAN_READ : 0;
	case HTTP_POST:
		return rest.n == 0 ? CAN_CREATE : 0;
	case HTTP_PUT:
		return one ? CAN_UPDATE : 0;
	case HTTP_DELETE:
		return one ? CAN_DELETE : 0;
	case HTTP_HEAD:
	case HTTP_PATCH:
	case HTTP_OPTIONS:
	case HTTP_OTHER:
		break;
	}
	return 0;
}

static struct type *
type_of(struct type *types, unsigned *n, struct str name)
{
	for (unsigned i = 0; i < *n; i++)
		if (str_eq(types[i].name, name))
			return &types[i];
	if (*n == TYPES_MAX)
		return NULL;
	types[*n] = (struct type){ .name = name };
	return &types[(*n)++];
}

static unsigned
types_find(const struct site *site, struct type *types)
{
	unsigned n = 0;
	for (size_t i = 0; i < route_table_count(site->routes); i++) {
		const struct route *route = route_table_at(site->routes, i);
		const struct route_binding *b = &site->bindings[route->index];
		struct str rest = str_skip(route->pattern, STR("/fhir/").n), name;
		if (b->backend == NULL || !str_starts(route->pattern, STR("/fhir/")) || rest.n == 0 ||
		    rest.p[0] < 'A' || rest.p[0] > 'Z')
			continue;
		const struct handler *h = b->backend->ops == &backend_direct ? b->handler : NULL;
		name = str_sub(rest, 0, str_find(rest, '/'));
		unsigned can = interaction_of(route, str_skip(rest, name.n));
		struct type *t = can == 0 ? NULL : type_of(types, &n, name);
		if (t == NULL)
			continue;
		if (h != NULL && (h->plan == NULL || h->plan->state != PLAN_READY))
			continue;
		t->can |= can;
		if (h != NULL)
			t->res = h->row->res;
	}
	return n;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------- */

static struct str
param_type(enum match m)
{
	switch (m) {
	case M_STRING:
	case M_EXACT:
	case M_CONTAINS:
		return STR("string");
	case M_DATE:
		return STR("date");
	case M_REFERENCE:
		return STR("reference");
	case M_UUID:
	case M_TOKEN:
		break;
	}
	return STR("token");
}

static bool
named_before(const struct resource *res, unsigned source, const char *name)
{
	for (unsigned i = 0; i < source; i++)
		if (param_find(&res->sources[i], str_of(name)) != NULL)
			return true;
	return false;
}

static void
params_put(struct json_write *w, const struct resource *res)
{
	json_key(w, STR("searchParam"));
	json_arr(w);
	for (unsigned i = 0; i < res->n_sources; i++)
		for (unsigned k = 0; k < res->sources[i].n_params; k++) {
			const struct param *p = &res->sources[i].params[k];
			if (named_before(res, i, p->name))
				continue;
			json_obj(w);
			json_kv_str(w, STR("name"), str_of(p->name));
			json_kv_str(w, STR("type"), param_type(p->match));
			json_obj_end(w);
		}
	json_arr_end(w);
}

static void
strings_put(struct json_write *w, struct str key, const char *const *list)
{
	json_key(w, key);
	json_arr(w);
	for (; *list != NULL; list++)
		json_str(w, str_of(*list));
	json_arr_end(w);
}

static void
type_put(struct json_write *w, struct arena *a, const struct type *t)
{
	static const struct {
		unsigned can;
		struct str code;
	} interactions[] = { { CAN_READ, STR_INIT("read") }, { CAN_SEARCH, STR_INIT("search-type") },
		{ CAN_CREATE, STR_INIT("create") }, { CAN_UPDATE, STR_INIT("update") },
		{ CAN_DELETE, STR_INIT("delete") } };
	json_obj(w);
	json_kv_str(w, STR("type"), t->name);
	json_kv_str(
	    w, STR("profile"), arena_printf(a, "http://hl7.org/fhir/StructureDefinition/%.*s", STR_ARG(t->name)));
	if (t->res != NULL && t->res->profiles != NULL)
		strings_put(w, STR("supportedProfile"), t->res->profiles);
	json_key(w, STR("interaction"));
	json_arr(w);
	for (size_t i = 0; i < NITEMS(interactions); i++)
		if (t->can & interactions[i].can) {
			json_obj(w);
			json_kv_str(w, STR("code"), interactions[i].code);
			json_obj_end(w);
		}
	json_arr_end(w);
	json_kv_str(w, STR("versioning"), STR("no-version"));
	json_kv_bool(w, STR("conditionalCreate"), false);
	json_kv_bool(w, STR("conditionalUpdate"), false);
	json_kv_bool(w, STR("updateCreate"), false);
	if (t->res != NULL && (t->can & CAN_SEARCH))
		params_put(w, t->res);
	json_obj_end(w);
}

static void
uri_put(struct json_write *w, struct arena *a, const char *name, struct str issuer, const char *path)
{
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(name));
	json_kv_str(w, STR("valueUri"), arena_printf(a, "%.*s/%s", STR_ARG(issuer), path));
	json_obj_end(w);
}

static void
security_put(struct json_write *w, struct request *r)
{
	static const struct {
		const char *name, *path;
		enum http_method method;
	} uris[] = { { "token", "token", HTTP_POST }, { "authorize", "authorize", HTTP_GET },
		{ "register", "registration", HTTP_POST }, { "introspect", "introspect", HTTP_POST },
		{ "revoke", "revoke", HTTP_POST }, { "manage", "manage", HTTP_GET } };
	bool any = false, closed = str_eq(r->site->conf->oauth.registration, STR("closed"));
	json_key(w, STR("security"));
	json_obj(w);
	for (size_t i = 0; i < NITEMS(uris); i++) {
		struct str path = arena_printf(r->task.arena, "/%s", uris[i].path);
		bool off = closed && str_eq(path, STR("/registration"));
		if (path.p == NULL || off || !route_served(r->site, ROUTE_TREE_OAUTH2, uris[i].method, path))
			continue;
		if (!any) {
			json_key(w, STR("extension"));
			json_arr(w);
			json_obj(w);
			json_kv_str(w, STR("url"), STR(SMART_URIS));
			json_key(w, STR("extension"));
			json_arr(w);
			any = true;
		}
		uri_put(w, r->task.arena, uris[i].name, r->site->issuer, uris[i].path);
	}
	if (any) {
		json_arr_end(w);
		json_obj_end(w);
		json_arr_end(w);
	}
	json_key(w, STR("service"));
	json_raw(w,
	    STR("[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/restful-security-service\",\"code\":"
	        "\"SMART-on-FHIR\"}],\"text\":\"OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit."
	        "org)\"}]"));
	json_obj_end(w);
}

static void
date_member(struct json_write *w, const struct clock *clock)
{
	char text[16];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	struct date d;
	date_from_epoch_us(clock_real_us(clock), &d);
	buf_printf(&b, "%04d-%02d-%02d", d.year, d.month, d.day);
	json_kv_str(w, STR("date"), buf_str(&b));
}

static void
head_put(struct json_write *w, struct request *r)
{
	json_kv_str(w, STR("resourceType"), STR("CapabilityStatement"));
	json_kv_str(w, STR("status"), STR("active"));
	date_member(w, r->worker->clock);
	json_kv_str(w, STR("kind"), STR("instance"));
	json_key(w, STR("instantiates"));
	json_raw(w, STR("[\"http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server\"]"));
	json_key(w, STR("software"));
	json_raw(w, STR("{\"name\":\"Gatehouse\"}"));
	json_key(w, STR("implementation"));
	json_obj(w);
	json_kv_str(w, STR("description"), STR("OpenEMR FHIR API"));
	json_kv_str(w, STR("url"), fhir_base(r));
	json_obj_end(w);
	json_kv_str(w, STR("fhirVersion"), STR("4.0.1"));
	json_key(w, STR("format"));
	json_raw(w, STR("[\"application/fhir+json\",\"json\"]"));
}

enum step
metadata(struct request *r, struct direct *d)
{
	struct json_write w;
	struct type *types = arena_array(r->task.arena, TYPES_MAX, sizeof *types);
	(void)d;
	if (types == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	unsigned n = types_find(r->site, types);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/fhir+json");
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	head_put(&w, r);
	json_key(&w, STR("rest"));
	json_arr(&w);
	json_obj(&w);
	json_kv_str(&w, STR("mode"), STR("server"));
	security_put(&w, r);
	json_key(&w, STR("resource"));
	json_arr(&w);
	for (unsigned i = 0; i < n; i++)
		if (types[i].can != 0)
			type_put(&w, r->task.arena, &types[i]);
	json_arr_end(&w);
	json_obj_end(&w);
	json_arr_end(&w);
	json_obj_end(&w);
	return STEP_REPLY;
}
