/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discovery documents and the key set. Nothing is advertised that does not work. OIDC Discovery 3, RFC 8414 2, SMART App Launch 2.2
 * conformance. The members that a site's switches decide are asked of its configuration.                                  */
#include "gateway/base/json_write.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/endpoint.h"
#include "policy/policy.h"

enum { DOCUMENT_AGE_S = 300 };

static void
url_member(struct json_write *w, struct arena *a, const char *name, struct str base, const char *path)
{
	json_key(w, str_of(name));
	json_str(w, arena_printf(a, "%.*s%s", STR_ARG(base), path));
}

static void
list_member(struct json_write *w, const char *name, const char *const *items, size_t n)
{
	json_key(w, str_of(name));
	json_arr(w);
	for (size_t i = 0; i < n; i++)
		json_str(w, str_of(items[i]));
	json_arr_end(w);
}
#define LIST_MEMBER(w, name, ...)                                                                                      \
	list_member((w), (name), (const char *const[]){ __VA_ARGS__ }, NITEMS(((const char *const[]){ __VA_ARGS__ })))

static bool
password_on(const struct site *site)
{
	return site->conf->oauth.password_users || site->conf->oauth.password_patients;
}

static void
scopes_member(struct json_write *w, const struct site *site, bool with_system)
{
	size_t pos = 0;
	struct str name;
	json_key(w, STR("scopes_supported"));
	json_arr(w);
	while (scope_catalog_next(site->policy->catalog, with_system, &pos, &name))
		json_str(w, name);
	json_arr_end(w);
}

static bool
scope_offered(const struct site *site, struct str wanted)
{
	size_t pos = 0;
	struct str name;
	while (scope_catalog_next(site->policy->catalog, false, &pos, &name))
		if (str_eq(name, wanted))
			return true;
	return false;
}

static void
grants_member(struct json_write *w, const struct site *site)
{
	json_key(w, STR("grant_types_supported"));
	json_arr(w);
	if (route_served(site, ROUTE_TREE_OAUTH2, HTTP_GET, STR("/authorize")))
		json_str(w, STR("authorization_code"));
	if (site->conf->apis.system_scopes)
		json_str(w, STR("client_credentials"));
	json_str(w, STR("refresh_token"));
	if (password_on(site))
		json_str(w, STR("password"));
	json_arr_end(w);
}

static void
claims_member(struct json_write *w)
{
	static const char *const always[] = { "aud", "iat", "iss", "exp", "sub", "at_hash", "nonce", "auth_time", "amr",
		"acr", "sid", "api:oemr", "api:fhir", "api:port" };
	json_key(w, STR("claims_supported"));
	json_arr(w);
	for (size_t i = 0; i < NITEMS(always); i++)
		json_str(w, str_of(always[i]));
	claims_names_put(w);
	json_arr_end(w);
}

/* The same for everybody: kept by clients for some minutes, but never so long that a new key signs before they have seen it. */
static enum step
document_reply(struct request *r)
{
	uint32_t age_s = MIN((uint32_t)DOCUMENT_AGE_S, r->site->conf->oauth.key_publish_s / 2);
	struct str text = arena_printf(r->task.arena, "public, max-age=%u", age_s);
	if (text.p == NULL)
		return STEP_FAIL;
	reply_field(&r->reply, STR("Cache-Control"), text);
	r->reply.cache_control_set = true;
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	return STEP_REPLY;
}

enum document { IN_DISCOVERY = 1, IN_SMART = 2, IN_BOTH = 3 };

static bool
served(const struct site *site, enum http_method method, struct str path)
{
	return route_served(site, ROUTE_TREE_OAUTH2, method, path);
}

/* A member for each endpoint that is answered. */
static void
endpoints_members(struct json_write *w, struct request *r, enum document in)
{
	static const struct {
		const char *member;
		enum http_method method;
		struct str path;
		enum document in;
	} endpoints[] = {
		{ "authorization_endpoint", HTTP_GET, STR_INIT("/authorize"), IN_BOTH },
		{ "token_endpoint", HTTP_POST, STR_INIT("/token"), IN_BOTH },
		{ "jwks_uri", HTTP_GET, STR_INIT("/jwk"), IN_BOTH },
		{ "userinfo_endpoint", HTTP_GET, STR_INIT("/userinfo"), IN_DISCOVERY },
		{ "registration_endpoint", HTTP_POST, STR_INIT("/registration"), IN_BOTH },
		{ "introspection_endpoint", HTTP_POST, STR_INIT("/introspect"), IN_BOTH },
		{ "revocation_endpoint", HTTP_POST, STR_INIT("/revoke"), IN_BOTH },
		{ "end_session_endpoint", HTTP_GET, STR_INIT("/logout"), IN_DISCOVERY },
		{ "management_endpoint", HTTP_GET, STR_INIT("/manage"), IN_SMART },
	};
	bool closed = str_eq(r->site->conf->oauth.registration, STR("closed"));
	for (size_t i = 0; i < NITEMS(endpoints); i++) {
		bool off = closed && str_eq(endpoints[i].path, STR("/registration"));
		if (off || (endpoints[i].in & in) == 0 || !served(r->site, endpoints[i].method, endpoints[i].path))
			continue;
		url_member(w, r->task.arena, endpoints[i].member, r->site->issuer, endpoints[i].path.p);
	}
}

/* How clients authenticate, at each endpoint that asks them. Public clients may not introspect. */
static void
client_auth_members(struct json_write *w, struct request *r, enum document in)
{
	static const struct {
		struct str endpoint;
		bool with_none;
	} at[] = { { STR_INIT("token"), true }, { STR_INIT("introspection"), false },
		{ STR_INIT("revocation"), true } };
	static const char *const methods[] = { "client_secret_basic", "client_secret_post", "private_key_jwt", "none" };
	static const char *const algorithms[] = { "RS384", "ES384" };
	for (size_t i = 0; i < NITEMS(at); i++) {
		bool token = i == 0;
		if (!token && (in == IN_SMART || (str_eq(at[i].endpoint, STR("revocation")) &&
		                                     !served(r->site, HTTP_POST, STR("/revoke")))))
			continue;
		struct str name =
		    arena_printf(r->task.arena, "%.*s_endpoint_auth_methods_supported", STR_ARG(at[i].endpoint));
		struct str algs = arena_printf(
		    r->task.arena, "%.*s_endpoint_auth_signing_alg_values_supported", STR_ARG(at[i].endpoint));
		if (name.p == NULL || algs.p == NULL)
			return;
		list_member(w, name.p, methods, NITEMS(methods) - !at[i].with_none);
		list_member(w, algs.p, algorithms, NITEMS(algorithms));
	}
}

static void
code_flow_members(struct json_write *w, const struct site *site)
{
	bool code = served(site, HTTP_GET, STR("/authorize"));
	list_member(w, "response_types_supported", (const char *const[]){ "code" }, code);
	if (!code)
		return;
	LIST_MEMBER(w, "response_modes_supported", "query");
	LIST_MEMBER(w, "code_challenge_methods_supported", "S256");
	LIST_MEMBER(w, "prompt_values_supported", "none", "login", "consent", "select_account");
	LIST_MEMBER(w, "acr_values_supported", "1", "2");
	LIST_MEMBER(w, "ui_locales_supported", "en");
	json_kv_bool(w, STR("claims_parameter_supported"), false);
	json_kv_bool(w, STR("request_parameter_supported"), false);
	json_kv_bool(w, STR("request_uri_parameter_supported"), false); /* OIDC Discovery 3: true unless said */
	json_kv_bool(w, STR("authorization_response_iss_parameter_supported"), true); /* RFC 9207 3 */
}

struct str
id_token_alg(const struct site *site)
{
	unsigned algs = jwk_set_algs(site->jwks) & (JWS_RS256 | JWS_ES256);
	if (algs == (JWS_RS256 | JWS_ES256))
		return site->conf->oauth.signing_alg;
	return algs == JWS_ES256 ? STR("ES256") : STR("RS256");
}

enum step
discovery_endpoint(struct request *r, struct oauth_state *s)
{
	struct json_write w;
	unsigned algs = jwk_set_algs(r->site->jwks) & (JWS_RS256 | JWS_ES256);
	(void)s;
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("issuer"), r->site->issuer);
	endpoints_members(&w, r, IN_DISCOVERY);
	scopes_member(&w, r->site, r->site->policy->system_scopes);
	code_flow_members(&w, r->site);
	LIST_MEMBER(&w, "dpop_signing_alg_values_supported", "ES256", "ES384", "RS256", "RS384"); /* RFC 9449 5.1 */
	json_kv_bool(&w, STR("backchannel_logout_supported"), true);
	json_kv_bool(&w, STR("backchannel_logout_session_supported"), true);
	grants_member(&w, r->site);
	LIST_MEMBER(&w, "subject_types_supported", "public");
	claims_member(&w);
	if (algs == (JWS_RS256 | JWS_ES256)) /* while one kind of key takes over from the other */
		LIST_MEMBER(&w, "id_token_signing_alg_values_supported", "RS256", "ES256");
	else
		LIST_MEMBER(&w, "id_token_signing_alg_values_supported", algs == JWS_ES256 ? "ES256" : "RS256");
	client_auth_members(&w, r, IN_DISCOVERY);
	json_obj_end(&w);
	return document_reply(r);
}

/* Capabilities of SMART App Launch 2.2, each with the route and the scope that it stands on. */
static void
capabilities_member(struct json_write *w, const struct site *site)
{
	static const struct {
		struct str name, path, scope; /* path GET; .n 0: always */
	} rows[] = {
		{ STR_INIT("launch-ehr"), STR_INIT("/smart/patient-select"), STR_INIT("launch") },
		{ STR_INIT("launch-standalone"), STR_INIT("/smart/patient-select"), STR_INIT("launch/patient") },
		{ STR_INIT("authorize-post"), STR_INIT("/authorize"), STR_INIT("") },
		{ STR_INIT("client-public"), STR_INIT("/authorize"), STR_INIT("") },
		{ STR_INIT("client-confidential-symmetric"), STR_INIT(""), STR_INIT("") },
		{ STR_INIT("client-confidential-asymmetric"), STR_INIT(""), STR_INIT("") },
		{ STR_INIT("sso-openid-connect"), STR_INIT("/authorize"), STR_INIT("openid") },
		{ STR_INIT("context-banner"), STR_INIT("/smart/patient-select"), STR_INIT("") },
		{ STR_INIT("context-style"), STR_INIT("/smart/smart-style"), STR_INIT("") },
		{ STR_INIT("context-ehr-patient"), STR_INIT("/smart/patient-select"), STR_INIT("launch") },
		{ STR_INIT("context-ehr-encounter"), STR_INIT("/smart/patient-select"), STR_INIT("launch") },
		{ STR_INIT("context-standalone-patient"), STR_INIT("/smart/patient-select"),
		    STR_INIT("launch/patient") },
		{ STR_INIT("context-standalone-encounter"), STR_INIT("/smart/patient-select"),
		    STR_INIT("launch/encounter") },
		{ STR_INIT("permission-offline"), STR_INIT(""), STR_INIT("offline_access") },
		{ STR_INIT("permission-online"), STR_INIT(""), STR_INIT("online_access") },
		{ STR_INIT("permission-patient"), STR_INIT(""), STR_INIT("") },
		{ STR_INIT("permission-user"), STR_INIT(""), STR_INIT("") },
		{ STR_INIT("permission-v1"), STR_INIT(""), STR_INIT("patient/Patient.read") },
		{ STR_INIT("permission-v2"), STR_INIT(""), STR_INIT("patient/Patient.rs") },
	};
	json_key(w, STR("capabilities"));
	json_arr(w);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		bool route = rows[i].path.n == 0 || served(site, HTTP_GET, rows[i].path);
		bool scope = rows[i].scope.n == 0 || scope_offered(site, rows[i].scope);
		if (route && scope)
			json_str(w, rows[i].name);
	}
	json_arr_end(w);
}

enum step
smart_configuration_endpoint(struct request *r, struct oauth_state *s)
{
	struct json_write w;
	(void)s;
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("issuer"), r->site->issuer);
	endpoints_members(&w, r, IN_SMART);
	grants_member(&w, r->site);
	scopes_member(&w, r->site, r->site->policy->system_scopes);
	code_flow_members(&w, r->site);
	client_auth_members(&w, r, IN_SMART);
	capabilities_member(&w, r->site);
	json_obj_end(&w);
	return document_reply(r);
}

enum step
jwk_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	buf_str_put(&r->reply.body, r->site->jwks_text);
	return document_reply(r);
}
