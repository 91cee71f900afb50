/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/introspect: is this token active, told only to the client that it was issued to. RFC 7662, contract/oauth2.md 2.11. */
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/core/keys.h"
#include "gateway/core/live.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/endpoint.h"
#include "policy/scope_set.h"

struct introspection {
	struct token_question asked;
	struct jws jws;
	const json_t *claims; /* of an access token with a good signature */
	const struct scope_set *scopes;
	json_t *refresh; /* record of a refresh token */
	json_t *state;   /* of an access token; NULL: revoked */
	struct uuid sub;
	struct launch_context launch;
	struct person person; /* for fhirUser */
	struct db_result *row;
	struct redis_result *redis;
	struct db_result *db;
	const char *status; /* active, expired, revoked, invalid_signature, failed_verification */
};

/* KEYS: the token's. Answers {value or false, is its session there}: a refresh token of online_access ends with its session. */
static const struct redis_script find_script = { "introspect",
	"local v = redis.call('GET', KEYS[1]) "
	"if not v then return {false, 1} end "
	"local d = cjson.decode(v) "
	"if d.session and redis.call('EXISTS', d.session) == 0 then return {v, 0} end "
	"return {v, 1}" };

static enum step
introspect_client(struct task *t)
{
	struct introspection *c = task_frame(t);
	return token_question_read(t, &c->asked);
}

/* Public clients may not ask: their id alone proves nothing (RFC 7662 2.1). */
static enum step
introspect_state(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct err e = { 0 };
	struct str key;
	if (c->asked.auth.used == AUTH_NONE)
		return oauth_refuse(r, OAUTH_CLI, STR_NULL, "introspection without authentication");
	c->status = "failed_verification";
	if (jws_parse(t->arena, c->asked.token, &c->jws, &e) == 0) {
		if (json_keep(t->arena, c->jws.claims) != 0)
			return STEP_FAIL;
		if (jws_verify(&c->jws, r->site->jwks, JWS_RS256 | JWS_ES256, &e) != 0)
			c->status = "invalid_signature";
		else if (json_is_array(
		             json_object_get(c->jws.claims, "scopes"))) /* else an id_token or a logout token */
			c->claims = c->jws.claims;
	}
	key = c->claims != NULL ? key_access_token(t->arena, r->site, json_in_str(c->claims, "jti"))
	                        : key_refresh_token(t->arena, r->site, c->asked.token);
	return key.p == NULL ? STEP_FAIL : redis_eval(t, r->worker->redis, &find_script, &key, 1, NULL, 0, &c->redis);
}

static struct str
owner(const struct introspection *c)
{
	if (c->claims != NULL)
		return json_in_str(c->claims, "client_id").n > 0 ? json_in_str(c->claims, "client_id")
		                                                 : json_in_str(c->claims, "aud");
	return json_in_str(c->refresh, "client");
}

static void
access_judge(struct request *r, struct introspection *c)
{
	const json_t *exp = json_object_get(c->claims, "exp");
	bool expired = !json_is_integer(exp) || json_integer_value(exp) <= clock_real_s(r->worker->clock);
	bool ours = str_eq(json_in_str(c->claims, "iss"), r->site->issuer) && json_in_str(c->claims, "jti").n > 0;
	c->status = !ours ? "failed_verification" : expired ? "expired" : c->state != NULL ? "active" : "revoked";
}

static enum step
introspect_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	const struct redis_value *v = &c->redis->value;
	struct err e = { 0 };
	if (c->redis->status != REDIS_OK || v->kind != REDIS_ARRAY || v->n_items != 2)
		return request_unavailable(r, "redis down: token state cannot be read");
	if (v->items[0].kind == REDIS_STR) {
		json_t *doc = json_in(v->items[0].s, 64 << 10, &e);
		if (doc == NULL || json_keep(t->arena, doc) != 0)
			return STEP_FAIL;
		*(c->claims != NULL ? &c->state : &c->refresh) = doc;
		launch_context_read(doc, &c->launch);
	}
	if (c->claims != NULL)
		access_judge(r, c);
	else if (c->refresh != NULL)
		c->status =
		    json_is_true(json_object_get(c->refresh, "rotated")) || v->items[1].i != 1 ? "revoked" : "active";
	struct str sub = json_in_str(c->claims != NULL ? c->claims : c->refresh, "sub");
	const json_t *own = c->claims != NULL ? c->state : c->refresh;
	if (strcmp(c->status, "active") != 0 || uuid_parse(sub, &c->sub) != 0)
		return STEP_NEXT;
	struct live_ask ask = { .client_id = owner(c),
		.sub = sub,
		.sub_uuid = &c->sub,
		.rows = json_is_true(json_object_get(own, "rows")),
		.jti = c->claims != NULL ? json_in_str(c->claims, "jti") : STR(""),
		.family = json_in_str(own, "family") };
	return live_query(t, r->site, &ask, &c->db);
}

static enum step
introspect_live(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct live_entry e = { 0 };
	char stamp[LIVE_STAMP];
	if (c->db == NULL)
		return STEP_NEXT;
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (c->db->n_rows > 0)
		live_read(c->db, &e);
	c->person.role = e.role;
	if (str_cstr(json_in_str(c->claims != NULL ? c->state : c->refresh, "stamp"), stamp, sizeof stamp) != 0 ||
	    live_judge(&e, stamp).n > 0)
		c->status = "revoked";
	return STEP_NEXT;
}

/* What the token's scopes open: their names, and the person for fhirUser. */
static enum step
introspect_person(struct task *t)
{
	struct introspection *c = task_frame(t);
	struct err e = { 0 };
	int rc = 0;
	if (c->claims != NULL)
		rc = scope_set_json(t->arena, json_object_get(c->claims, "scopes"), &c->scopes, &e);
	else if (c->refresh != NULL) /* a used one has no scope left */
		rc = scope_set_parse(t->arena,
		    json_in_str(c->refresh, "scope").n > 0 ? json_in_str(c->refresh, "scope") : STR(""), &c->scopes,
		    &e);
	if (rc != 0) { /* not of our making: PHP signs with the same key */
		c->status = "failed_verification";
		return scope_set_parse(t->arena, STR(""), &c->scopes, &e) == 0 ? STEP_NEXT : STEP_FAIL;
	}
	if (c->db == NULL || c->claims == NULL || !scope_set_has(c->scopes, STR("fhirUser")))
		return STEP_NEXT;
	c->person.sub = json_in_str(c->claims, "sub");
	return person_read(t, c->person.role, c->person.sub, &c->row);
}

static void
scope_member(struct json_write *w, struct request *r, const struct introspection *c)
{
	struct buf b;
	buf_init(&b, r->task.arena, 1024, 64 << 10);
	scope_set_put(c->scopes, 0, &b);
	json_kv_str(w, STR("scope"), b.n > 0 ? buf_str(&b) : STR(""));
}

static void
access_members(struct json_write *w, struct request *r, struct introspection *c)
{
	struct str jkt = json_in_str(json_object_get(c->claims, "cnf"), "jkt");
	scope_member(w, r, c);
	json_kv_i64(w, STR("exp"), json_integer_value(json_object_get(c->claims, "exp")));
	json_kv_i64(w, STR("iat"), json_integer_value(json_object_get(c->claims, "iat")));
	json_kv_str(w, STR("sub"), json_in_str(c->claims, "sub"));
	json_kv_str(w, STR("jti"), json_in_str(c->claims, "jti"));
	json_key(w, STR("aud"));
	json_arr(w);
	json_str(w, json_in_str(c->claims, "aud"));
	json_arr_end(w);
	json_kv_str(w, STR("iss"), r->site->issuer);
	json_kv_str(w, STR("token_type"), jkt.n > 0 ? STR("DPoP") : STR("Bearer"));
	if (jkt.n > 0) { /* RFC 9449 6.2 */
		json_key(w, STR("cnf"));
		json_obj(w);
		json_kv_str(w, STR("jkt"), jkt);
		json_obj_end(w);
	}
}

/* OpenEMR writes a refresh token's scope as an array; RFC 7662 2.2 says a string. compat classic keeps the array. */
static void
refresh_members(struct json_write *w, struct request *r, struct introspection *c)
{
	if (r->site->compat == COMPAT_CLASSIC) {
		json_key(w, STR("scope"));
		json_arr(w);
		for (size_t i = 0; i < scope_set_count(c->scopes); i++)
			json_str(w, scope_set_at(c->scopes, i)->text);
		json_arr_end(w);
	} else {
		scope_member(w, r, c);
	}
	if (json_is_integer(json_object_get(c->refresh, "exp")))
		json_kv_i64(w, STR("exp"), json_integer_value(json_object_get(c->refresh, "exp")));
	json_kv_str(w, STR("sub"), json_in_str(c->refresh, "sub"));
	json_kv_str(w, STR("jti"), json_in_str(c->refresh, "family"));
}

static void
token_members(struct json_write *w, struct request *r, struct introspection *c)
{
	json_kv_str(w, STR("status"), str_of(c->status));
	if (c->claims != NULL)
		access_members(w, r, c);
	else
		refresh_members(w, r, c);
	json_kv_str(w, STR("client_id"), owner(c));
	launch_members_put(w, r, &c->launch, c->scopes);
	if (c->row != NULL && c->row->n_rows > 0)
		json_kv_str(w, STR("fhirUser"), person_fhir_user(r, &c->person));
}

static enum step
introspect_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct json_write w;
	bool known = (c->claims != NULL || c->refresh != NULL) && str_eq(owner(c), c->asked.auth.client.id);
	if (c->row != NULL && c->row->status != DB_OK)
		return request_unavailable(r, "database down: fhirUser cannot be told");
	c->person.row = c->row;
	oauth_json_begin(r);
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_bool(&w, STR("active"), known && strcmp(c->status, "active") == 0);
	if (known)
		token_members(&w, r, c);
	json_obj_end(&w);
	r->audit.event = AUDIT_EV_INTROSPECTED;
	r->audit.rule = STR("client authentication");
	return STEP_REPLY;
}

static STEP_TABLE(introspect_steps, 0, { "introspect_client", introspect_client },
    { "introspect_state", introspect_state }, { "introspect_judge", introspect_judge },
    { "introspect_live", introspect_live }, { "introspect_person", introspect_person },
    { "introspect_reply", introspect_reply });

enum step
introspect_endpoint(struct request *r, struct oauth_state *s)
{
	struct introspection *c = ARENA_NEW(r->task.arena, struct introspection);
	(void)s;
	return c == NULL ? STEP_FAIL : task_push(&r->task, &introspect_steps, c);
}
