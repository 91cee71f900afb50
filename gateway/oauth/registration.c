/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/registration: dynamic registration into OpenEMR's oauth_clients. RFC 7591, contract/oauth2.md 5. What a client may say of
 * itself is registration_check.c's.                                                                                        */
#include "gateway/oauth/registration.h"
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/crypto/openemr_crypt.h"

#include <stdlib.h>

enum { ID_BYTES = 32, SECRET_BYTES = 64, TOKEN_BYTES = 32, PATH_BYTES = 16, OPENEMR_CRYPT = 7 };

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
	metadata_name(g);
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
	struct str type = json_in_str(g->doc, "application_type");
	return key.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, r->worker->redis, &g->redis, STR("HSET"), key, STR("token_endpoint_auth_method"),
	                 g->method, STR("dpop_bound_access_tokens"), dpop ? STR("1") : STR("0"),
	                 STR("backchannel_logout_uri"), back.n > 0 ? back : STR(""),
	                 STR("backchannel_logout_session_required"), sid ? STR("1") : STR("0"), STR("logo_uri"),
	                 logo.n > 0 ? logo : STR(""), STR("application_type"), type.n > 0 ? type : STR(""));
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
	struct str grants = g->joined[REGISTRATION_GRANTS];
	v[0] = DB_V_STR(json_in_str(g->doc, "client_name"));
	v[1] = text_or_empty(g->joined[REGISTRATION_CONTACTS]);
	v[2] = DB_V_STR(g->joined[REGISTRATION_REDIRECTS]);
	v[3] = DB_V_STR(grants.n > 0 ? grants : STR("authorization_code"));
	v[4] = DB_V_STR(g->scope);
	v[5] = text_or_empty(g->joined[REGISTRATION_LOGOUTS]);
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
