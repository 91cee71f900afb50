/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client's authentication: none, client_secret_basic, client_secret_post, private_key_jwt; the registered method is compulsory. RFC
 * 6749 2.3, RFC 7523, contract/oauth2.md 7. Rows are OpenEMR's oauth_clients; the method is Gatehouse's own record in Redis. */
#include "gateway/base/json_in.h"
#include "gateway/base/secret.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/crypto/jwk.h"
#include "gateway/crypto/openemr_crypt.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/jwks_uri.h"

enum { ASSERTION_MAX_AGE_S = 300, LEEWAY_S = 60, CLIENT_ID_MAX = 80, JWKS_CACHE_S = 3600 };

static const struct str method_names[AUTH_N] = {
	[AUTH_UNKNOWN] = STR_INIT(""),
	[AUTH_NONE] = STR_INIT("none"),
	[AUTH_SECRET_BASIC] = STR_INIT("client_secret_basic"),
	[AUTH_SECRET_POST] = STR_INIT("client_secret_post"),
	[AUTH_PRIVATE_KEY_JWT] = STR_INIT("private_key_jwt"),
};

static const struct db_stmt client_sql = { "client_by_id",
	"SELECT client_id, client_name, client_secret, redirect_uri, grant_types, scope, jwks, jwks_uri, "
	"is_confidential, is_enabled "
	"FROM oauth_clients WHERE client_id = ?",
	false };
enum {
	COL_ID,
	COL_NAME,
	COL_SECRET,
	COL_REDIRECT,
	COL_GRANTS,
	COL_SCOPE,
	COL_JWKS,
	COL_JWKS_URI,
	COL_CONFIDENTIAL,
	COL_ENABLED
};

enum auth_method
auth_method_of(struct str text)
{
	for (unsigned i = AUTH_NONE; i < AUTH_N; i++)
		if (str_eq(method_names[i], text))
			return (enum auth_method)i;
	return AUTH_UNKNOWN;
}

struct str
key_client(struct arena *a, const struct site *site, struct str client_id)
{
	return arena_printf(a, "%.*sclient:%.*s", STR_ARG(site->redis_prefix), STR_ARG(client_id));
}

static enum step
denied(struct request *r, const char *reason)
{
	return oauth_refuse(r, OAUTH_CLI, STR_NULL, reason);
}

/* --- what the caller sent ---------------------------------------------------------------------------------------------------- */

/* "Basic base64(id:secret)", both form-encoded (RFC 6749 2.3.1). OpenEMR's clients send them raw: its ids and secrets are base64url
 * text, which decodes to itself.                                                                                           */
static int
basic_read(struct request *r, struct client_auth *c)
{
	struct str value = http_field(r->x->head, HTTP_F_AUTHORIZATION), pair;
	struct buf b;
	if (str_ieq(value, STR("Basic")))
		return -1;
	if (!str_istarts(value, STR("Basic ")))
		return 0;
	buf_init(&b, r->task.arena, 256, 4096);
	if (base64_get(str_trim(str_skip(value, 6)), &b) != 0)
		return -1;
	pair = buf_str(&b);
	size_t colon = str_find(pair, ':');
	if (colon == pair.n || percent_get(r->task.arena, str_sub(pair, 0, colon), true, &c->given_id) != 0 ||
	    percent_get(r->task.arena, str_skip(pair, colon + 1), true, &c->given_secret) != 0)
		return -1;
	c->used = AUTH_SECRET_BASIC;
	return 0;
}

static enum step
assertion_read(struct request *r, struct client_auth *c)
{
	struct str sub;
	if (!str_eq(form_get(c->params, STR("client_assertion_type"), NULL),
	        STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")))
		return oauth_refuse(r, OAUTH_REQ, STR("assertion type is not supported"), "assertion type");
	c->jws = ARENA_NEW(r->task.arena, struct jws);
	if (c->jws == NULL)
		return STEP_FAIL;
	if (jws_parse(r->task.arena, c->assertion, c->jws, &r->task.err) != 0)
		return denied(r, "assertion cannot be parsed");
	if (json_keep(r->task.arena, c->jws->claims) != 0)
		return STEP_FAIL;
	sub = arena_str(r->task.arena, json_in_str(c->jws->claims, "sub"));
	if (sub.n == 0)
		return denied(r, "assertion without subject");
	c->given_id = sub;
	c->used = AUTH_PRIVATE_KEY_JWT;
	return STEP_NEXT;
}

static enum step
client_read(struct task *t)
{
	struct request *r = request_of(t);
	struct client_auth *c = task_frame(t);
	struct str body_id = form_get(c->params, STR("client_id"), NULL);
	struct str body_secret = form_get(c->params, STR("client_secret"), NULL);
	unsigned methods = 0;
	c->assertion = form_get(c->params, STR("client_assertion"), NULL);
	if (basic_read(r, c) != 0)
		return denied(r, "Authorization cannot be read");
	methods =
	    (unsigned)(c->used == AUTH_SECRET_BASIC) + (unsigned)(body_secret.n > 0) + (unsigned)(c->assertion.n > 0);
	if (methods > 1)
		return oauth_refuse(r, OAUTH_REQ, STR_NULL, "two ways of client authentication at once");
	if (c->assertion.n > 0) {
		enum step s = assertion_read(r, c);
		if (s != STEP_NEXT)
			return s;
	} else if (c->used != AUTH_SECRET_BASIC) {
		c->given_id = body_id;
		c->given_secret = body_secret;
		c->used = body_secret.n > 0 ? AUTH_SECRET_POST : AUTH_NONE;
	}
	if (body_id.n > 0 && !str_eq(body_id, c->given_id)) /* RFC 6749 2.3, RFC 7521 4.2 */
		return oauth_refuse(r, OAUTH_REQ, STR_NULL, "two client ids");
	if (c->given_id.n == 0)
		return oauth_missing(r, "client_id");
	r->who.client_id = c->given_id;
	if (c->given_id.n > CLIENT_ID_MAX)
		return denied(r, "client unknown");
	struct db_val *id = ARENA_NEW(t->arena, struct db_val);
	if (id == NULL)
		return STEP_FAIL;
	*id = DB_V_STR(c->given_id);
	return db_query(t, r->site->db, &client_sql, id, 1, &c->db);
}

/* --- the row and Gatehouse's own record ---------------------------------------------------------------------------------------- */

static enum step
client_row(struct task *t)
{
	struct request *r = request_of(t);
	struct client_auth *c = task_frame(t);
	struct str key = key_client(t->arena, r->site, c->given_id);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be looked up");
	/* client_id has a case-insensitive collation: only the exact text counts */
	if (c->db->n_rows == 0 || !str_eq(db_cell(c->db, 0, COL_ID)->s, c->given_id))
		return denied(r, "client unknown");
	struct oauth_client *k = &c->client;
	k->id = db_cell(c->db, 0, COL_ID)->s;
	k->name = db_cell(c->db, 0, COL_NAME)->s;
	k->secret = db_cell(c->db, 0, COL_SECRET)->s;
	k->redirect_uri = db_cell(c->db, 0, COL_REDIRECT)->s;
	k->grant_types = db_cell(c->db, 0, COL_GRANTS)->s;
	k->scope = db_cell(c->db, 0, COL_SCOPE)->s;
	k->jwks = db_cell(c->db, 0, COL_JWKS)->s;
	k->jwks_uri = db_cell(c->db, 0, COL_JWKS_URI)->s;
	k->confidential = db_cell(c->db, 0, COL_CONFIDENTIAL)->i == 1;
	k->enabled = db_cell(c->db, 0, COL_ENABLED)->i == 1;
	if (!k->enabled)
		return denied(r, "client disabled");
	if (key.p == NULL)
		return STEP_FAIL;
	return REDIS_CALL(t, r->worker->redis, &c->redis, STR("HMGET"), key, STR("token_endpoint_auth_method"),
	    STR("dpop_bound_access_tokens"));
}

/* What a client registered with OpenEMR itself may use: any of what its row can support. */
static bool
method_possible(const struct oauth_client *k, enum auth_method used)
{
	switch (used) {
	case AUTH_NONE:
		return !k->confidential;
	case AUTH_SECRET_BASIC:
	case AUTH_SECRET_POST:
		return k->secret.n > 0;
	case AUTH_PRIVATE_KEY_JWT:
		return k->jwks.n > 0 || k->jwks_uri.n > 0;
	case AUTH_UNKNOWN:
	case AUTH_N:
		break;
	}
	return false;
}

/* OpenEMR registers confidential clients that list client_secret_post and give a jwks: both are their registered ways. */
static bool
method_registered(const struct oauth_client *k, enum auth_method used)
{
	if (k->registered == AUTH_UNKNOWN)
		return method_possible(k, used);
	if (k->registered == used)
		return true;
	return used == AUTH_PRIVATE_KEY_JWT && (k->jwks.n > 0 || k->jwks_uri.n > 0);
}

static enum step
secret_check(struct request *r, struct client_auth *c)
{
	struct str clear = c->client.secret;
	struct err e = { 0 };
	/* Without OpenEMR's keys a secret that it encrypted cannot be checked; clear ones (database_encryption 0) can. */
	struct openemr_keys none = { 0 };
	if (openemr_decrypt(r->task.arena, r->site->crypt == NULL ? &none : r->site->crypt, clear, &clear, NULL, &e) !=
	    0) {
		r->task.err = e;
		if (e.kind == E_LIMIT)
			return STEP_FAIL;
		return denied(r, "stored client secret cannot be decrypted");
	}
	bool same = clear.n > 0 && secret_eq_str(clear, c->given_secret);
	return same ? STEP_NEXT : denied(r, "client secret wrong");
}

/* --- private_key_jwt ------------------------------------------------------------------------------------------------------------ */

static struct oauth_state *
oauth_state_of(const struct request *r)
{
	return r->site->bindings[r->route->index].backend->state;
}

static const struct jwk_set *
client_keys(struct request *r, struct client_auth *c, struct oauth_state *s)
{
	uint8_t hash[SHA256_LEN];
	struct str key = { (const char *)hash, sizeof hash };
	int64_t now = loop_now_us(r->task.loop);
	sha256(c->client.jwks, hash);
	struct jwk_set **found = cache_get(s->jwks, key, now);
	if (found != NULL)
		return *found;
	struct jwk_set *set = jwk_set_parse(c->client.jwks, &r->task.err);
	if (set != NULL && cache_put(s->jwks, key, &set, now + (int64_t)JWKS_CACHE_S * 1000000) == NULL)
		jwk_set_free(&set);
	return set;
}

/* The token endpoint, or the issuer as newer clients say (RFC 7523bis). */
static bool
assertion_audience(const struct request *r, const json_t *claims)
{
	struct str token = arena_printf(r->task.arena, "%.*s/token", STR_ARG(r->site->issuer));
	const json_t *aud = json_object_get(claims, "aud");
	size_t n = json_is_array(aud) ? json_array_size(aud) : 1;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_is_array(aud) ? json_array_get(aud, i) : aud;
		struct str text = { json_string_value(item), json_is_string(item) ? json_string_length(item) : 0 };
		if (text.n > 0 && (str_eq(text, token) || str_eq(text, r->site->issuer)))
			return true;
	}
	return false;
}

/* A claim that may be absent: then it is no reason to refuse. What is no number is INT64_MIN. */
static int64_t
time_or_now(const struct request *r, const json_t *claims, const char *name)
{
	return json_object_get(claims, name) == NULL ? clock_real_s(r->worker->clock)
	                                             : json_in_seconds(claims, name, INT64_MIN);
}

/* Claims in OpenEMR's order of checks (contract 7). */
static enum step
assertion_claims(struct request *r, struct client_auth *c, const struct jwk_set *keys)
{
	const json_t *claims = c->jws->claims;
	int64_t exp = json_in_seconds(claims, "exp", INT64_MAX), iat = time_or_now(r, claims, "iat"),
	        nbf = time_or_now(r, claims, "nbf");
	struct str iss = json_in_str(claims, "iss"), jti = json_in_str(claims, "jti");
	int64_t now = clock_real_s(r->worker->clock);
	if (!str_eq(iss, c->given_id))
		return oauth_refuse(r, OAUTH_REQ, STR("Invalid issuer claim"), "assertion issuer");
	if (exp > now + ASSERTION_MAX_AGE_S + LEEWAY_S)
		return oauth_refuse(
		    r, OAUTH_REQ, STR("Token expiration exceeds maximum allowed time"), "assertion exp");
	if (iat < now - ASSERTION_MAX_AGE_S)
		return oauth_refuse(r, OAUTH_REQ, STR("Token issued too far in the past"), "assertion iat");
	if (jti.n == 0)
		return oauth_refuse(r, OAUTH_REQ, STR("Missing jti claim"), "assertion without jti");
	if (exp <= now - LEEWAY_S || iat > now + LEEWAY_S || nbf == INT64_MIN || nbf > now + LEEWAY_S)
		return oauth_refuse(r, OAUTH_CLI_ASSERTION, STR_NULL, "assertion expired or not yet valid");
	if (jws_verify(c->jws, keys, JWS_RS384 | JWS_ES384, &r->task.err) != 0)
		return oauth_refuse(r, OAUTH_CLI_ASSERTION, STR_NULL, "assertion signature");
	if (!assertion_audience(r, claims))
		return oauth_refuse(r, OAUTH_CLI_ASSERTION, STR_NULL, "assertion audience");
	return STEP_NEXT;
}

/* The jti may be used once: SET NX with the assertion's life. jwks_uri wins over jwks (contract 7). */
static enum step
assertion_check(struct request *r, struct client_auth *c)
{
	struct oauth_state *s = oauth_state_of(r);
	const struct jwk_set *keys =
	    c->client.jwks_uri.n > 0 ? jwks_uri_keys(s->jwks_uris, c->client.jwks_uri) : client_keys(r, c, s);
	struct str key;
	if (keys == NULL)
		return c->client.jwks_uri.n > 0
		           ? oauth_refuse(r, OAUTH_CLI_ASSERTION, STR_NULL, "jwks_uri has no usable key")
		           : denied(r, "client has no usable inline jwks");
	enum step step = assertion_claims(r, c, keys);
	if (step != STEP_NEXT)
		return step;
	key = key_assertion(r->task.arena, r->site, c->given_id, json_in_str(c->jws->claims, "jti"));
	int64_t left = json_in_seconds(c->jws->claims, "exp", 0) - clock_real_s(r->worker->clock);
	struct str life = arena_printf(r->task.arena, "%lld", (long long)left + LEEWAY_S + 1);
	if (key.p == NULL || life.p == NULL)
		return STEP_FAIL;
	return REDIS_CALL(&r->task, r->worker->redis, &c->redis, STR("SET"), key, STR("1"), STR("NX"), STR("EX"), life);
}

static enum step
client_check(struct task *t)
{
	struct request *r = request_of(t);
	struct client_auth *c = task_frame(t);
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: client's method cannot be looked up");
	const struct redis_value *own = &c->redis->value;
	if (own->kind == REDIS_ARRAY && own->n_items == 2) {
		if (own->items[0].kind == REDIS_STR)
			c->client.registered = auth_method_of(own->items[0].s);
		c->client.dpop_bound = own->items[1].kind == REDIS_STR && str_eq(own->items[1].s, STR("1"));
	}
	c->redis = NULL;
	bool missing = c->used == AUTH_NONE && c->client.confidential;
	if (missing && c->lenient && c->client.registered != AUTH_PRIVATE_KEY_JWT)
		return STEP_NEXT; /* the documentation's examples send no secret; docs/oauth.md */
	if (!method_registered(&c->client, c->used))
		return denied(r, "not the registered authentication method");
	switch (c->used) {
	case AUTH_SECRET_BASIC:
	case AUTH_SECRET_POST:
		return secret_check(r, c);
	case AUTH_PRIVATE_KEY_JWT:
		return c->client.jwks_uri.n > 0
		           ? jwks_uri_want(t, oauth_state_of(r)->jwks_uris, c->client.jwks_uri, c->jws->kid)
		           : STEP_NEXT;
	case AUTH_NONE:
	case AUTH_UNKNOWN:
	case AUTH_N:
		break;
	}
	return STEP_NEXT;
}

static enum step
client_assertion(struct task *t)
{
	struct client_auth *c = task_frame(t);
	return c->used == AUTH_PRIVATE_KEY_JWT ? assertion_check(request_of(t), c) : STEP_NEXT;
}

static enum step
client_once(struct task *t)
{
	struct request *r = request_of(t);
	struct client_auth *c = task_frame(t);
	if (c->used != AUTH_PRIVATE_KEY_JWT)
		return STEP_NEXT;
	if (c->redis == NULL || c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: assertion cannot be checked for replay");
	if (c->redis->value.kind == REDIS_NIL)
		return oauth_refuse(r, OAUTH_CLI_ASSERTION, STR_NULL, "assertion replayed");
	return STEP_NEXT;
}

STEP_TABLE(client_auth_steps, 0, { "client_read", client_read }, { "client_row", client_row },
    { "client_check", client_check }, { "client_assertion", client_assertion }, { "client_once", client_once });

enum step
token_question_read(struct task *t, struct token_question *q)
{
	struct request *r = request_of(t);
	enum step s = oauth_params(r, &q->params);
	if (s != STEP_NEXT)
		return s;
	q->token = form_get(&q->params, STR("token"), NULL);
	if (q->token.n == 0)
		return oauth_missing(r, "token");
	q->auth.params = &q->params;
	return task_push(t, &client_auth_steps, &q->auth);
}
