/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend's rows and what all endpoints share: errors, parameters. */
#include "gateway/oauth/oauth.h"

#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/context.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/flow.h"
#include "gateway/oauth/jwks_uri.h"
#include "gateway/oauth/launch_token.h"
#include "gateway/oauth/pages/page.h"

#include <stdlib.h>

enum { PARAMS_MAX = 64, JSON_BODY_MAX = 64 << 10, JWKS_CACHED = 256, SHA256_KEY = 32 };

struct endpoint {
	enum http_method method;
	struct str pattern; /* as in scopes/ */
	enum step (*run)(struct request *r, struct oauth_state *s);
};
static const struct endpoint endpoints[] = {
	{ HTTP_GET, STR_INIT("/.well-known/openid-configuration"), discovery_endpoint },
	{ HTTP_GET, STR_INIT("/.well-known/oauth-authorization-server"), discovery_endpoint },
	{ HTTP_GET, STR_INIT("/fhir/.well-known/smart-configuration"), smart_configuration_endpoint },
	{ HTTP_GET, STR_INIT("/jwk"), jwk_endpoint },
	{ HTTP_GET, STR_INIT("/pages/style.css"), style_endpoint },
	{ HTTP_GET, STR_INIT("/pages/icon.svg"), icon_endpoint },
	{ HTTP_GET, STR_INIT("/authorize"), authorize_endpoint },
	{ HTTP_POST, STR_INIT("/authorize"), authorize_endpoint },
	{ HTTP_GET, STR_INIT("/provider/account"), account_page_endpoint },
	{ HTTP_POST, STR_INIT("/account"), account_endpoint },
	{ HTTP_GET, STR_INIT("/provider/login"), login_page_endpoint },
	{ HTTP_POST, STR_INIT("/login"), login_endpoint },
	{ HTTP_GET, STR_INIT("/provider/second-factor"), factor_page_endpoint },
	{ HTTP_POST, STR_INIT("/second-factor"), factor_endpoint },
	{ HTTP_GET, STR_INIT("/scope-authorize-confirm"), consent_page_endpoint },
	{ HTTP_POST, STR_INIT("/device/code"), consent_endpoint },
	{ HTTP_POST, STR_INIT("/registration"), registration_endpoint },
	{ HTTP_POST, STR_INIT("/token"), token_endpoint },
	{ HTTP_POST, STR_INIT("/introspect"), introspect_endpoint },
	{ HTTP_GET, STR_INIT("/userinfo"), userinfo_endpoint },
	{ HTTP_POST, STR_INIT("/userinfo"), userinfo_endpoint },
	{ HTTP_POST, STR_INIT("/revoke"), revoke_endpoint },
	{ HTTP_GET, STR_INIT("/logout"), logout_endpoint },
	{ HTTP_POST, STR_INIT("/logout"), logout_endpoint },
	{ HTTP_GET, STR_INIT("/client/:path"), client_read_endpoint },
	{ HTTP_PUT, STR_INIT("/client/:path"), client_update_endpoint },
	{ HTTP_DELETE, STR_INIT("/client/:path"), client_delete_endpoint },
	{ HTTP_POST, STR_INIT("/smart/launch"), launch_create_endpoint },
	{ HTTP_GET, STR_INIT("/smart/smart-style"), style_document_endpoint },
	{ HTTP_GET, STR_INIT("/smart/patient-select"), patient_select_endpoint },
	{ HTTP_GET, STR_INIT("/manage"), manage_page_endpoint },
	{ HTTP_POST, STR_INIT("/manage"), manage_endpoint },
	{ HTTP_POST, STR_INIT("/smart/patient-select-confirm"), patient_confirm_endpoint },
	{ HTTP_GET, STR_INIT("/interface/smart/register-app.php"), register_page_endpoint },
	{ HTTP_POST, STR_INIT("/interface/smart/register-app.php"), register_page_post },
};

/* --- errors ----------------------------------------------------------------------------------------------------------------- */

static const struct {
	unsigned status;
	struct str error, text;
} oauth_errors[] = {
#define X(id, status, error, text) [OAUTH_##id] = { status, STR_INIT(error), STR_INIT(text) },
	OAUTH_ERRORS(X)
#undef X
};
_Static_assert(NITEMS(oauth_errors) == OAUTH_N, "one row per OAuth error");

static enum step
refuse(struct request *r, enum oauth_error which, struct str description, struct str hint, const char *reason)
{
	struct str tried = http_field(r->x->head, HTTP_F_AUTHORIZATION);
	struct reply *rp = &r->reply;
	struct json_write w;
	reply_reset(rp);
	rp->status = oauth_errors[which].status;
	rp->content_type = STR("application/json");
	if (which == OAUTH_TOKEN) /* RFC 6750 3 */
		reply_field(rp, STR("WWW-Authenticate"),
		    tried.n > 0 ? STR("Bearer realm=\"OAuth\", error=\"invalid_token\"")
		                : STR("Bearer realm=\"OAuth\""));
	else if (rp->status == 401 && tried.n > 0)
		reply_field(rp, STR("WWW-Authenticate"),
		    str_istarts(tried, STR("Bearer")) ? STR("Bearer realm=\"OAuth\"") : STR("Basic realm=\"OAuth\""));
	json_begin(&w, &rp->body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("error"), oauth_errors[which].error);
	json_kv_str(&w, STR("error_description"), description);
	if (hint.n > 0)
		json_kv_str(&w, STR("hint"), hint);
	json_kv_str(&w, STR("message"), description);
	json_obj_end(&w);
	r->audit.reason = str_of(reason);
	r->audit.allowed = false;
	return STEP_REPLY;
}

enum step
oauth_refuse(struct request *r, enum oauth_error which, struct str hint, const char *reason)
{
	if (which == OAUTH_RTK && r->site->compat != COMPAT_CLASSIC)
		which = OAUTH_GRA; /* RFC 6749 5.2 */
	return refuse(r, which, oauth_errors[which].text, hint, reason);
}

enum step
oauth_refuse_text(struct request *r, enum oauth_error which, struct str description, const char *reason)
{
	return refuse(r, which, description, STR_NULL, reason);
}

enum step
oauth_missing(struct request *r, const char *name)
{
	return oauth_refuse(r, OAUTH_REQ, arena_printf(r->task.arena, "Check the `%s` parameter", name),
	    "missing or repeated parameter");
}

/* --- parameters ------------------------------------------------------------------------------------------------------------- */

/* A JSON object of strings, as OpenEMR's token endpoint also takes. */
static int
json_params(struct request *r, struct form *f)
{
	json_t *o = json_in(r->body, JSON_BODY_MAX, &r->task.err), *v;
	const char *name;
	int rc = -1;
	if (json_is_object(o) && json_object_size(o) <= PARAMS_MAX) {
		f->pairs = arena_array(r->task.arena, json_object_size(o) + 1, sizeof *f->pairs);
		rc = f->pairs == NULL ? -1 : 0;
		json_object_foreach(o, name, v)
		{
			if (rc != 0 || !json_is_string(v)) {
				rc = -1;
				break;
			}
			f->pairs[f->n].name = arena_str(r->task.arena, str_of(name));
			f->pairs[f->n].value =
			    arena_str(r->task.arena, (struct str){ json_string_value(v), json_string_length(v) });
			rc = f->pairs[f->n].name.p == NULL || f->pairs[f->n].value.p == NULL ? -1 : 0;
			f->n++;
		}
	}
	json_decref(o);
	return rc;
}

/* The media type without its parameters; a client that names none sends a form. */
static bool
body_is(struct str field, struct str type)
{
	return str_ieq(str_trim(str_sub(field, 0, str_find(field, ';'))), type);
}

enum step
oauth_params(struct request *r, struct form *f)
{
	struct str type = http_field(r->x->head, HTTP_F_CONTENT_TYPE);
	bool json = body_is(type, STR("application/json"));
	if (!json && type.n > 0 && !body_is(type, STR("application/x-www-form-urlencoded")))
		return oauth_refuse(r, OAUTH_REQ, STR_NULL, "body is neither a form nor JSON");
	int rc = json ? json_params(r, f) : form_parse(r->task.arena, r->body, PARAMS_MAX, f, &r->task.err);
	if (rc != 0)
		return oauth_refuse(r, OAUTH_REQ, STR_NULL, "body cannot be read");
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = i + 1; k < f->n; k++)
			if (str_eq(f->pairs[i].name, f->pairs[k].name))
				return oauth_refuse(r, OAUTH_REQ, STR_NULL, "a parameter stands twice");
	return STEP_NEXT;
}

/* --- small things ------------------------------------------------------------------------------------------------------------- */

struct str
oauth_random(struct request *r, size_t bytes)
{
	uint8_t raw[64];
	struct buf b;
	CHECK(bytes <= sizeof raw);
	rng_bytes(r->worker->rng, raw, bytes);
	buf_init(&b, r->task.arena, 2 * bytes, 4 * bytes);
	base64url_put(&b, raw, bytes);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

void
oauth_json_begin(struct request *r)
{
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/json; charset=UTF-8");
	reply_field(
	    &r->reply, STR("Pragma"), STR("no-cache")); /* RFC 6749 5.1; Cache-Control: no-store is on every answer */
	r->audit.allowed = true;
}

/* --- the backend -------------------------------------------------------------------------------------------------------------- */

static void
drop_jwks(void *value)
{
	jwk_set_free(value);
}

static void
oauth_close(void **state)
{
	struct oauth_state *s = *state;
	*state = NULL;
	if (s == NULL)
		return;
	cache_free(&s->jwks);
	jwks_uris_free(&s->jwks_uris);
	free(s);
}

static int
oauth_open(struct site *site, void **state, struct err *e)
{
	struct oauth_state *s = calloc(1, sizeof *s);
	if (s != NULL)
		s->jwks_uris = jwks_uris_new(site->worker);
	if (s != NULL)
		s->jwks = cache_new(JWKS_CACHED, SHA256_KEY, sizeof(struct jwk_set *), drop_jwks);
	if (s == NULL || s->jwks == NULL || s->jwks_uris == NULL) {
		void *half = s;
		oauth_close(&half);
		return ERR(e, E_MEMORY, "oauth");
	}
	*state = s;
	return 0;
}

/* SMART's document stands below the FHIR base. */
static enum api
api_of(const struct endpoint *e)
{
	return str_starts(e->pattern, STR("/fhir/")) ? API_FHIR : API_OAUTH;
}

/* Number of the endpoint + 1; 0: none. */
static uintptr_t
endpoint_of(const struct route *route)
{
	for (size_t i = 0; i < NITEMS(endpoints); i++)
		if (route->api == api_of(&endpoints[i]) && route->method == endpoints[i].method &&
		    str_eq(route->pattern, endpoints[i].pattern))
			return i + 1;
	return 0;
}

static bool
oauth_serves(const struct route *route)
{
	return endpoint_of(route) > 0;
}

static int
oauth_bind(struct site *site, void *state, const struct route *route, void **handler)
{
	(void)site;
	(void)state;
	*handler = (void *)endpoint_of(route);
	return 0;
}

static enum step
oauth_handle(struct request *r, void *state, void *handler)
{
	return endpoints[(uintptr_t)handler - 1].run(r, state);
}

static bool
oauth_healthy(const struct site *site, const void *state)
{
	(void)state;
	(void)site;
	return true;
}

const struct backend_ops backend_oauth = { .name = "oauth",
	.open = oauth_open,
	.serves = oauth_serves,
	.bind = oauth_bind,
	.handle = oauth_handle,
	.healthy = oauth_healthy,
	.close = oauth_close };
