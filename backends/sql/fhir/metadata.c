/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CapabilityStatement, from the rows and from what this site binds: nothing is listed that is not served. */
#include "backends/sql/fhir/fhir.h"
#include "gateway/base/date.h"
#include "gateway/core/backend.h"
#include "policy/route_table.h"

static const char *const param_types[] = { [P_ID] = "token",
	[P_STRING] = "string",
	[P_TOKEN] = "token",
	[P_IDENTIFIER] = "token",
	[P_GENDER] = "token",
	[P_BOOLEAN] = "token",
	[P_DATE] = "date",
	[P_DATETIME] = "date" };

/* Does the site serve this method and path, by us or by the proxy? */
static bool
served(const struct site *site, enum http_method method, struct str path)
{
	struct route_params params;
	const struct route *route = NULL;
	return route_match(site->routes, ROUTE_TREE_APIS, method, path, &route, &params) == ROUTE_FOUND &&
	       site->bindings[route->index].backend != NULL;
}

static void
interaction(struct json_write *w, const char *code)
{
	json_obj(w);
	json_kv_str(w, STR("code"), str_of(code));
	json_obj_end(w);
}

static void
resource_put(struct json_write *w, struct request *r, const struct fhir_resource *res)
{
	struct str type = arena_printf(r->task.arena, "/fhir/%s", res->name);
	struct str one = arena_printf(r->task.arena, "/fhir/%s/00000000-0000-4000-8000-000000000000", res->name);
	json_obj(w);
	json_kv_str(w, STR("type"), str_of(res->name));
	json_key(w, STR("supportedProfile"));
	json_arr(w);
	json_str(w, str_of(res->profile));
	json_arr_end(w);
	json_key(w, STR("interaction"));
	json_arr(w);
	if (served(r->site, HTTP_GET, one))
		interaction(w, "read");
	if (served(r->site, HTTP_GET, type))
		interaction(w, "search-type");
	if (served(r->site, HTTP_POST, type))
		interaction(w, "create");
	if (served(r->site, HTTP_PUT, one))
		interaction(w, "update");
	json_arr_end(w);
	json_kv_str(w, STR("versioning"), STR("no-version"));
	json_key(w, STR("searchParam"));
	json_arr(w);
	for (size_t i = 0; i < res->n_params; i++) {
		json_obj(w);
		json_kv_str(w, STR("name"), str_of(res->params[i].name));
		json_kv_str(w, STR("type"), str_of(param_types[res->params[i].kind]));
		json_obj_end(w);
	}
	json_arr_end(w);
	json_obj_end(w);
}

static void
uri_extension(struct json_write *w, struct request *r, const char *name, const char *path)
{
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(name));
	json_kv_str(w, STR("valueUri"), arena_printf(r->task.arena, "%.*s%s", STR_ARG(r->site->issuer), path));
	json_obj_end(w);
}

static void
security_put(struct json_write *w, struct request *r)
{
	json_key(w, STR("security"));
	json_obj(w);
	json_kv_bool(w, STR("cors"), true);
	json_key(w, STR("extension"));
	json_arr(w);
	json_obj(w);
	json_kv_str(w, STR("url"), STR("http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"));
	json_key(w, STR("extension"));
	json_arr(w);
	uri_extension(w, r, "token", "/token");
	uri_extension(w, r, "register", "/registration");
	uri_extension(w, r, "introspect", "/introspect");
	json_arr_end(w);
	json_obj_end(w);
	json_arr_end(w);
	json_key(w, STR("service"));
	json_raw(w, STR("[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
	                "restful-security-service\",\"code\":\"SMART-on-FHIR\"}],"
	                "\"text\":\"OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)\"}]"));
	json_obj_end(w);
}

enum step
metadata_reply(struct request *r)
{
	struct json_write w;
	struct buf date;
	struct date d;
	date_from_epoch_us(clock_real_us(r->worker->clock), &d);
	d.precision = DATE_DAY;
	buf_init(&date, r->task.arena, 16, 32);
	date_put_iso(&date, &d);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/fhir+json");
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("resourceType"), STR("CapabilityStatement"));
	json_kv_str(&w, STR("status"), STR("active"));
	json_kv_str(&w, STR("date"), buf_str(&date));
	json_kv_str(&w, STR("kind"), STR("instance"));
	json_key(&w, STR("instantiates"));
	json_raw(&w, STR("[\"http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server\"]"));
	json_key(&w, STR("software"));
	json_raw(&w, STR("{\"name\":\"Gatehouse\"}"));
	json_key(&w, STR("implementation"));
	json_obj(&w);
	json_kv_str(&w, STR("description"), STR("OpenEMR behind Gatehouse"));
	json_kv_str(&w, STR("url"), arena_printf(r->task.arena, "%.*s/fhir", STR_ARG(r->site->api_base)));
	json_obj_end(&w);
	json_kv_str(&w, STR("fhirVersion"), STR("4.0.1"));
	json_key(&w, STR("format"));
	json_raw(&w, STR("[\"application/fhir+json\",\"json\"]"));
	json_key(&w, STR("rest"));
	json_arr(&w);
	json_obj(&w);
	json_kv_str(&w, STR("mode"), STR("server"));
	security_put(&w, r);
	json_key(&w, STR("resource"));
	json_arr(&w);
	for (size_t i = 0; i < n_fhir_resources; i++)
		resource_put(&w, r, fhir_resources[i]);
	json_arr_end(&w);
	json_obj_end(&w);
	json_arr_end(&w);
	json_obj_end(&w);
	return STEP_REPLY;
}
