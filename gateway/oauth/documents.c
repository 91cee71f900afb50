/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discovery documents and the key set. Nothing is advertised that does not work. OIDC Discovery 3, RFC 8414 2, SMART App Launch 2.2
 * conformance. The members that a site's switches decide are asked of its configuration.                                  */
#include "gateway/base/json_write.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/endpoint.h"
#include "policy/policy.h"

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

static void
grants_member(struct json_write *w, const struct site *site)
{
	json_key(w, STR("grant_types_supported"));
	json_arr(w);
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
	static const char *const always[] = { "aud", "iat", "iss", "exp", "sub", "at_hash", "nonce", "api:oemr",
		"api:fhir", "api:port" };
	json_key(w, STR("claims_supported"));
	json_arr(w);
	for (size_t i = 0; i < NITEMS(always); i++)
		json_str(w, str_of(always[i]));
	claims_names_put(w);
	json_arr_end(w);
}

static enum step
document_reply(struct request *r)
{
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	return STEP_REPLY;
}

static void
endpoints_members(struct json_write *w, struct request *r)
{
	struct str base = r->site->issuer;
	struct arena *a = r->task.arena;
	url_member(w, a, "token_endpoint", base, "/token");
	url_member(w, a, "jwks_uri", base, "/jwk");
	if (!str_eq(r->site->conf->oauth.registration, STR("closed")))
		url_member(w, a, "registration_endpoint", base, "/registration");
	url_member(w, a, "introspection_endpoint", base, "/introspect");
	url_member(w, a, "userinfo_endpoint", base, "/userinfo");
	url_member(w, a, "revocation_endpoint", base, "/revoke");
}

enum step
discovery_endpoint(struct request *r, struct oauth_state *s)
{
	struct json_write w;
	bool es256 = str_eq(r->site->conf->oauth.signing_alg, STR("ES256"));
	(void)s;
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("issuer"), r->site->issuer);
	endpoints_members(&w, r);
	scopes_member(&w, r->site, r->site->policy->system_scopes);
	json_key(&w, STR("response_types_supported")); /* no authorization endpoint is served yet */
	json_arr(&w);
	json_arr_end(&w);
	grants_member(&w, r->site);
	LIST_MEMBER(&w, "subject_types_supported", "public");
	claims_member(&w);
	LIST_MEMBER(&w, "id_token_signing_alg_values_supported", es256 ? "ES256" : "RS256");
	LIST_MEMBER(&w, "token_endpoint_auth_methods_supported", "client_secret_post", "client_secret_basic",
	    "private_key_jwt", "none");
	LIST_MEMBER(&w, "token_endpoint_auth_signing_alg_values_supported", "RS384", "ES384");
	LIST_MEMBER(&w, "introspection_endpoint_auth_methods_supported", "client_secret_post", "client_secret_basic",
	    "private_key_jwt");
	LIST_MEMBER(&w, "introspection_endpoint_auth_signing_alg_values_supported", "RS384", "ES384");
	LIST_MEMBER(&w, "revocation_endpoint_auth_methods_supported", "client_secret_post", "client_secret_basic",
	    "private_key_jwt", "none");
	LIST_MEMBER(&w, "revocation_endpoint_auth_signing_alg_values_supported", "RS384", "ES384");
	json_obj_end(&w);
	return document_reply(r);
}

enum step
smart_configuration_endpoint(struct request *r, struct oauth_state *s)
{
	struct json_write w;
	(void)s;
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("issuer"), r->site->issuer);
	endpoints_members(&w, r);
	grants_member(&w, r->site);
	scopes_member(&w, r->site, r->site->policy->system_scopes);
	LIST_MEMBER(&w, "token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post",
	    "private_key_jwt");
	LIST_MEMBER(&w, "token_endpoint_auth_signing_alg_values_supported", "RS384", "ES384");
	LIST_MEMBER(&w, "capabilities", "client-confidential-symmetric", "client-confidential-asymmetric",
	    "permission-user", "permission-patient", "permission-offline", "permission-v1", "permission-v2");
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
