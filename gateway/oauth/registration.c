/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/registration: dynamic registration into OpenEMR's oauth_clients. RFC 7591, contract/oauth2.md 5. */
#include "gateway/oauth/registration.h"
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/base/uri.h"
#include "gateway/crypto/jwk.h"
#include "gateway/crypto/openemr_crypt.h"
#include "policy/policy.h"

#include <stdlib.h>

enum {
	BODY_MAX = 64 << 10,
	NAME_MAX_CHARS = 80,
	ID_BYTES = 32,
	SECRET_BYTES = 64,
	TOKEN_BYTES = 32,
	PATH_BYTES = 16,
	URI_MAX = 2048,
	LIST_MAX = 20,
	GRANTS_MAX = 80,
	OPENEMR_CRYPT = 7
};

/* --- reading ------------------------------------------------------------------------------------------------------------------ */

/* A member that is an array of strings, joined with "|" as OpenEMR stores it; .p NULL when it is not one. */
static struct str
list_join(struct arena *a, const json_t *list, size_t max_bytes)
{
	struct buf b;
	size_t i;
	json_t *v;
	buf_init(&b, a, 256, max_bytes);
	if (!json_is_array(list) || json_array_size(list) > LIST_MAX)
		return STR_NULL;
	json_array_foreach(list, i, v)
	{
		struct str s = { json_is_string(v) ? json_string_value(v) : NULL,
			json_is_string(v) ? json_string_length(v) : 0 };
		if (s.p == NULL || str_find(s, '|') < s.n)
			return STR_NULL;
		if (b.n > 0)
			buf_char(&b, '|');
		buf_str_put(&b, s);
	}
	return !buf_ok(&b) ? STR_NULL : b.n == 0 ? STR("") : buf_str(&b);
}

static bool
scheme_listed(const struct conf_site *c, struct str word)
{
	for (size_t i = 0; i < c->oauth.n_redirect_schemes; i++)
		if (str_ieq(c->oauth.redirect_schemes[i], word))
			return true;
	return false;
}

/* One of the kinds that the site takes: https, http on the loopback address (RFC 8252 7.3), a reversed domain name (7.1), a scheme that
 * the site names.                                                                                                          */
static bool
scheme_taken(const struct conf_site *c, const struct uri *u)
{
	bool all = c->oauth.n_redirect_schemes == 0;
	if (str_ieq(u->scheme, STR("https")))
		return all || scheme_listed(c, STR("https"));
	if (str_ieq(u->scheme, STR("http")))
		return (all || scheme_listed(c, STR("loopback"))) &&
		       (str_eq(u->host, STR("127.0.0.1")) || str_eq(u->host, STR("::1")) ||
		           str_ieq(u->host, STR("localhost")));
	if (str_find(u->scheme, '.') < u->scheme.n && (all || scheme_listed(c, STR("private-use"))))
		return true;
	return scheme_listed(c, u->scheme);
}

/* Kinds of the site's; no fragment, no user info (RFC 8252 7, RFC 9700 2.1). */
static bool
redirect_ok(const struct conf_site *c, const json_t *list, struct err *e)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		struct uri u;
		if (!json_is_string(v) || json_string_length(v) > URI_MAX ||
		    uri_parse((struct str){ json_string_value(v), json_string_length(v) }, &u, e) != 0)
			return false;
		if (u.fragment.p != NULL || u.userinfo.p != NULL || !scheme_taken(c, &u))
			return false;
	}
	return true;
}

static bool
scope_text_has(struct str scopes, struct str part)
{
	return str_find_str(scopes, part) < scopes.n;
}

/* Is it one of those that begin so, or a wildcard that holds some of them? */
static bool
asks_for(const struct scope *s, struct str beginning)
{
	struct str context = scope_context_text(s->context);
	bool same =
	    context.n > 0 && str_starts(beginning, context) && str_starts(str_skip(beginning, context.n), STR("/"));
	return str_starts(s->text, beginning) || (str_eq(s->resource, STR("*")) && same);
}

/* Who waits for an administrator: contract 5.3, unless the site names the scopes itself. */
static bool
waits(const struct request *r, const struct registration *g, const struct scope_set *set)
{
	const struct conf_site *c = r->site->conf;
	if (str_eq(c->oauth.approval, STR("all")))
		return true;
	if (!g->confidential && scope_set_has(set, STR("launch")))
		return true;
	if (c->oauth.n_approval_scopes == 0)
		return g->confidential &&
		       (scope_text_has(g->scope, STR("user/")) || scope_text_has(g->scope, STR("system/")));
	for (size_t i = 0; i < scope_set_count(set); i++)
		for (size_t k = 0; k < c->oauth.n_approval_scopes; k++)
			if (asks_for(scope_set_at(set, i), c->oauth.approval_scopes[k]))
				return true;
	return false;
}

/* Scopes that the server knows; the first unknown one is named. */
static enum step
scope_read(struct request *r, struct registration *g)
{
	const struct scope_set *set;
	const struct scope *bad = NULL;
	struct err e = { 0 };
	g->scope = json_in_str(g->doc, "scope");
	if (g->scope.n == 0)
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "no scope");
	if (scope_set_parse(r->task.arena, g->scope, &set, &e) != 0) {
		r->task.err = e;
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "scope malformed");
	}
	if (!scope_catalog_accepts_all(r->site->policy->catalog, r->site->policy->system_scopes, set, &bad))
		return oauth_refuse(r, OAUTH_SCO,
		    arena_printf(r->task.arena, "Check the `%.*s` scope", STR_ARG(bad->text)), "scope unknown");
	if (!g->confidential && (scope_text_has(g->scope, STR("system/")) || scope_text_has(g->scope, STR("user/"))))
		return oauth_refuse_text(r, OAUTH_METADATA,
		    STR("system and user scopes are only allowed for confidential clients"),
		    "public client asks too much");
	g->enabled = !waits(r, g, set);
	return STEP_NEXT;
}

static enum step
keys_read(struct request *r, struct registration *g)
{
	json_t *jwks = json_object_get(g->doc, "jwks");
	struct str uri = json_in_str(g->doc, "jwks_uri");
	struct uri u;
	if (json_is_object(jwks)) {
		char *text = json_dumps(jwks, JSON_COMPACT);
		g->jwks = text == NULL ? STR_NULL : arena_str(r->task.arena, str_of(text));
		free(text);
	} else if (json_is_string(jwks)) {
		g->jwks = json_in_str(g->doc, "jwks");
	}
	if (jwks != NULL) {
		struct jwk_set *set = g->jwks.n == 0 ? NULL : jwk_set_parse(g->jwks, &r->task.err);
		if (set == NULL)
			return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks is invalid"), "jwks");
		jwk_set_free(&set);
	}
	if (uri.n > 0 && (uri_parse(uri, &u, &r->task.err) != 0 || !str_ieq(u.scheme, STR("https")) ||
	                     u.userinfo.p != NULL || u.fragment.p != NULL))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks_uri is invalid"), "jwks_uri");
	bool needs =
	    (g->confidential && scope_text_has(g->scope, STR("system/"))) || str_eq(g->method, STR("private_key_jwt"));
	if (needs && g->jwks.n == 0 && uri.n == 0)
		return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks is invalid"), "no keys");
	return STEP_NEXT;
}

static enum step
method_read(struct request *r, struct registration *g)
{
	g->method = json_in_str(g->doc, "token_endpoint_auth_method");
	if (g->method.n == 0)
		g->method = g->confidential ? STR("client_secret_basic") : STR("none"); /* RFC 7591 2 */
	enum auth_method m = auth_method_of(g->method);
	if (m == AUTH_UNKNOWN || (m == AUTH_NONE && g->confidential))
		return oauth_refuse_text(r, OAUTH_METADATA,
		    arena_printf(r->task.arena, "Unsupported token_endpoint_auth_method value : %.*s",
		        STR_ARG(str_sub(g->method, 0, 64))),
		    "auth method");
	return STEP_NEXT;
}

static enum step
lists_read(struct request *r, struct registration *g)
{
	static const struct {
		const char *member;
		size_t max;
	} lists[] = { { "contacts", 4096 }, { "redirect_uris", 32 << 10 }, { "post_logout_redirect_uris", 32 << 10 },
		{ "grant_types", GRANTS_MAX } };
	for (size_t i = 0; i < NITEMS(lists); i++) {
		const json_t *v = json_object_get(g->doc, lists[i].member);
		if (v == NULL && i != 1)
			continue;
		g->joined[i] = list_join(r->task.arena, v, lists[i].max);
		bool uris = i == 1 || i == 2;
		if (g->joined[i].p != NULL && (i != 1 || json_array_size(v) > 0) &&
		    (!uris || redirect_ok(r->site->conf, v, &r->task.err)))
			continue;
		if (i == 1)
			return oauth_refuse(r, OAUTH_REDIRECT_URI, STR_NULL, "redirect_uris");
		return oauth_refuse_text(
		    r, OAUTH_METADATA, arena_printf(r->task.arena, "%s is invalid", lists[i].member), "list member");
	}
	return STEP_NEXT;
}

/* Addresses that pages link to or that are called: http or https, the latter where Gatehouse calls (RFC 7591 2, OIDC Back-Channel 2.2). */
static enum step
links_read(struct request *r, struct registration *g)
{
	static const struct {
		const char *member;
		bool https;
	} links[] = { { "backchannel_logout_uri", true }, { "initiate_login_uri", false }, { "policy_uri", false },
		{ "tos_uri", false }, { "logo_uri", false }, { "client_uri", false } };
	for (size_t i = 0; i < NITEMS(links); i++) {
		struct str text = json_in_str(g->doc, links[i].member);
		struct uri u;
		struct err e = { 0 };
		if (text.n == 0)
			continue;
		if (text.n > URI_MAX || uri_parse(text, &u, &e) != 0 || u.fragment.p != NULL || u.userinfo.p != NULL ||
		    !(str_ieq(u.scheme, STR("https")) || (!links[i].https && str_ieq(u.scheme, STR("http")))))
			return oauth_refuse_text(r, OAUTH_METADATA,
			    arena_printf(r->task.arena, "%s is invalid", links[i].member), "address member");
	}
	return STEP_NEXT;
}

static enum step
name_read(struct request *r, struct registration *g)
{
	struct str name = json_in_str(g->doc, "client_name");
	if (!utf8_is_label(name) || utf8_count(name) > NAME_MAX_CHARS)
		return oauth_refuse_text(r, OAUTH_METADATA, STR("client_name is invalid"), "client_name");
	return STEP_NEXT;
}

/* --- who may register ----------------------------------------------------------------------------------------------------------- */

static struct str
initial_token(const struct request *r, const struct registration *g)
{
	struct str auth = http_field(r->x->head, HTTP_F_AUTHORIZATION);
	if (g->given_token.n > 0)
		return g->given_token;
	return str_istarts(auth, STR("Bearer ")) ? str_trim(str_skip(auth, 7)) : STR("");
}

static enum step
registration_allowed(struct request *r, struct registration *g)
{
	struct str how = r->site->conf->oauth.registration;
	if (str_eq(how, STR("closed")))
		return oauth_refuse(r, OAUTH_CLOSED, STR_NULL, "registration closed");
	if (str_eq(how, STR("token")) && !secret_eq_str(initial_token(r, g), r->site->conf->oauth.registration_token))
		return oauth_refuse(r, OAUTH_TOKEN, STR_NULL, "initial access token");
	return STEP_NEXT;
}

/* --- steps ------------------------------------------------------------------------------------------------------------------------ */

static enum step
document_read(struct request *r, struct registration *g)
{
	if (g->doc != NULL) /* a page's */
		return STEP_NEXT;
	if (!str_istarts(http_field(r->x->head, HTTP_F_CONTENT_TYPE), STR("application/json")))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("Unexpected content type"), "content type");
	g->doc = json_in(r->body, BODY_MAX, &r->task.err);
	if (g->doc == NULL || json_keep(r->task.arena, g->doc) != 0 || !json_is_object(g->doc))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("Invalid JSON"), "body is no JSON object");
	return STEP_NEXT;
}

/* OpenEMR's words say who is confidential: private, anything else is not (its documentation's public apps say web). In those of OIDC, native
 * or none, and web unless compat classic, the method does (RFC 7591 2).                                                     */
static enum step
type_read(struct request *r, struct registration *g)
{
	struct str type = json_in_str(g->doc, "application_type"),
	           method = json_in_str(g->doc, "token_endpoint_auth_method");
	bool classic = r->site->compat == COMPAT_CLASSIC;
	bool standard = type.n == 0 || str_eq(type, STR("native")) || (str_eq(type, STR("web")) && !classic);
	g->confidential = standard ? method.n > 0 && !str_eq(method, STR("none")) : str_eq(type, STR("private"));
	g->as_openemr = !standard && classic;
	return STEP_NEXT;
}

enum step
registration_check(struct request *r, struct registration *g)
{
	static enum step (*const parts[])(struct request *, struct registration *) = { document_read, type_read,
		lists_read, method_read, scope_read, keys_read, links_read, name_read };
	for (size_t i = 0; i < NITEMS(parts); i++) {
		enum step s = parts[i](r, g);
		if (s != STEP_NEXT)
			return s;
	}
	return STEP_NEXT;
}

/* OpenEMR's own switch (contract 5.3). */
static const struct db_stmt manual_sql = { "registration_manual",
	"SELECT 1 FROM globals WHERE gl_name = 'oauth_app_manual_approval' AND gl_index = 0 AND gl_value = '1'",
	false };

enum step
registration_manual(struct task *t, struct db_result **out)
{
	return db_query(t, request_of(t)->site->db, &manual_sql, NULL, 0, out);
}

static enum step
registration_read(struct task *t)
{
	struct request *r = request_of(t);
	struct registration *g = task_frame(t);
	enum step s = registration_allowed(r, g);
	if (s == STEP_NEXT)
		s = registration_check(r, g);
	if (s != STEP_NEXT)
		return s == STEP_REPLY && g->refused != NULL ? g->refused(r, g) : s;
	return registration_manual(t, &g->db);
}

static enum step
registration_make(struct task *t)
{
	struct request *r = request_of(t);
	struct registration *g = task_frame(t);
	if (g->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be registered");
	if (g->db->n_rows > 0)
		g->enabled = false;
	do /* commands take it as a word: not one that looks like an option */
		g->id = oauth_random(r, ID_BYTES);
	while (g->id.n > 0 && g->id.p[0] == '-');
	g->token = oauth_random(r, TOKEN_BYTES);
	g->path = oauth_random(r, PATH_BYTES);
	g->secret = g->confidential ? oauth_random(r, SECRET_BYTES) : STR("");
	g->issued_s = clock_real_s(r->worker->clock);
	if (g->id.p == NULL || g->token.p == NULL || g->path.p == NULL || g->secret.p == NULL)
		return STEP_FAIL;
	if (g->confidential) {
		if (r->site->crypt == NULL)
			return request_unavailable(
			    r, "OpenEMR's drive keys are not readable: a secret cannot be stored");
		if (openemr_encrypt(t->arena, r->site->crypt, OPENEMR_CRYPT, r->worker->rng, g->secret,
		        &g->stored_secret, &t->err) != 0)
			return STEP_FAIL;
	}
	/* Gatehouse's own record first: a row without it would accept any method */
	return registration_own_put(t, g);
}

enum step
registration_own_put(struct task *t, struct registration *g)
{
	struct request *r = request_of(t);
	struct str key = key_client(t->arena, r->site, g->id);
	struct str back = json_in_str(g->doc, "backchannel_logout_uri"), logo = json_in_str(g->doc, "logo_uri");
	bool sid = json_is_true(json_object_get(g->doc, "backchannel_logout_session_required"));
	bool dpop = json_is_true(json_object_get(g->doc, "dpop_bound_access_tokens"));
	return key.p == NULL ? STEP_FAIL
	                     : REDIS_CALL(t, r->worker->redis, &g->redis, STR("HSET"), key,
	                           STR("token_endpoint_auth_method"), g->method, STR("dpop_bound_access_tokens"),
	                           dpop ? STR("1") : STR("0"), STR("backchannel_logout_uri"),
	                           back.n > 0 ? back : STR(""), STR("backchannel_logout_session_required"),
	                           sid ? STR("1") : STR("0"), STR("logo_uri"), logo.n > 0 ? logo : STR(""));
}

static const struct db_stmt insert_sql = { "client_insert",
	"INSERT INTO oauth_clients (client_name, contacts, redirect_uri, grant_types, scope, logout_redirect_uris, "
	"jwks_uri, jwks, initiate_login_uri, policy_uri, tos_uri, is_enabled, client_id, client_role, client_secret, "
	"registration_token, registration_uri_path, site_id, is_confidential, register_date) "
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NOW())",
	false };

static struct db_val
text_or_null(struct str s)
{
	return s.n == 0 ? DB_V_NULL : DB_V_STR(s);
}

static struct db_val
text_or_empty(struct str s)
{
	return DB_V_STR(s.n > 0 ? s : STR(""));
}

void
registration_values(const struct registration *g, struct db_val *v)
{
	v[0] = DB_V_STR(json_in_str(g->doc, "client_name"));
	v[1] = text_or_empty(g->joined[0]);
	v[2] = DB_V_STR(g->joined[1]);
	v[3] = DB_V_STR(g->joined[3].n > 0 ? g->joined[3] : STR("authorization_code"));
	v[4] = DB_V_STR(g->scope);
	v[5] = text_or_empty(g->joined[2]);
	v[6] = text_or_null(json_in_str(g->doc, "jwks_uri"));
	v[7] = text_or_null(g->jwks);
	v[8] = text_or_null(json_in_str(g->doc, "initiate_login_uri"));
	v[9] = text_or_null(json_in_str(g->doc, "policy_uri"));
	v[10] = text_or_null(json_in_str(g->doc, "tos_uri"));
	v[11] = DB_V_I64(g->enabled);
}

static enum step
registration_insert(struct task *t)
{
	struct request *r = request_of(t);
	struct registration *g = task_frame(t);
	struct db_val *v = arena_array(t->arena, REGISTRATION_VALUES + 7, sizeof *v);
	size_t n = REGISTRATION_VALUES;
	if (g->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: client cannot be registered");
	if (v == NULL)
		return STEP_FAIL;
	registration_values(g, v);
	v[n++] = DB_V_STR(g->id);
	v[n++] = DB_V_STR(g->confidential ? STR("user") : STR("patient"));
	v[n++] = text_or_null(g->stored_secret);
	v[n++] = DB_V_STR(g->token);
	v[n++] = DB_V_STR(g->path);
	v[n++] = DB_V_STR(r->site->name);
	v[n++] = DB_V_I64(g->confidential);
	return db_query(t, r->site->db, &insert_sql, v, n, &g->db);
}

/* Members that are sent back as they came, in OpenEMR's order. */
static void
echo_members(struct json_write *w, const struct registration *g)
{
	static const char *const names[] = { "contacts", "application_type", "client_name", "logo_uri", "redirect_uris",
		"post_logout_redirect_uris", "token_endpoint_auth_method", "policy_uri", "tos_uri", "jwks_uri", "jwks",
		"sector_identifier_uri", "subject_type", "default_max_age", "require_auth_time", "default_acr_values",
		"initiate_login_uri", "request_uris", "response_types", "grant_types", "scope",
		"backchannel_logout_uri", "backchannel_logout_session_required", "dpop_bound_access_tokens" };
	for (size_t i = 0; i < NITEMS(names); i++) {
		const json_t *v = json_object_get(g->doc, names[i]);
		char *text = v == NULL ? NULL : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text == NULL)
			continue;
		json_key(w, str_of(names[i]));
		json_raw(w, str_of(text));
		free(text);
	}
	if (json_object_get(g->doc, "token_endpoint_auth_method") == NULL)
		json_kv_str(w, STR("token_endpoint_auth_method"), g->method);
}

static enum step
registration_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct registration *g = task_frame(t);
	struct json_write w;
	if (g->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be registered");
	r->audit.event = AUDIT_EV_CLIENT_REGISTERED;
	r->audit.resource_id = g->id;
	r->audit.allowed = true;
	r->who.client_id = g->id;
	if (g->answer != NULL)
		return g->answer(r, g);
	oauth_json_begin(r);
	r->reply.status = g->as_openemr ? 200 : 201; /* RFC 7591 3.2.1 */
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client_id"), g->id);
	if (g->secret.n > 0 || g->as_openemr)
		json_kv_str(&w, STR("client_secret"), g->secret);
	json_kv_str(&w, STR("registration_access_token"), g->token);
	json_kv_str(&w, STR("registration_client_uri"),
	    arena_printf(t->arena, "%.*s/client/%.*s", STR_ARG(r->site->issuer), STR_ARG(g->path)));
	json_kv_i64(&w, STR("client_id_issued_at"), g->issued_s);
	json_kv_i64(&w, STR("client_secret_expires_at"), 0);
	json_kv_str(&w, STR("client_role"), g->confidential ? STR("user") : STR("patient"));
	echo_members(&w, g);
	if (!g->as_openemr) /* OIDC Registration 2: RS256 unless it says otherwise */
		json_kv_str(&w, STR("id_token_signed_response_alg"), id_token_alg(r->site));
	json_obj_end(&w);
	return STEP_REPLY;
}

STEP_TABLE(registration_steps, 0, { "registration_read", registration_read },
    { "registration_make", registration_make }, { "registration_insert", registration_insert },
    { "registration_reply", registration_reply });

enum step
registration_endpoint(struct request *r, struct oauth_state *s)
{
	struct registration *g = ARENA_NEW(r->task.arena, struct registration);
	(void)s;
	r->audit.rule = STR("registration policy");
	return g == NULL ? STEP_FAIL : task_push(&r->task, &registration_steps, g);
}
