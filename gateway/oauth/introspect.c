/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/introspect: is this token active, told only to the client that it was issued to. RFC 7662, contract/oauth2.md 2.11. */
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/endpoint.h"
#include "policy/scope_set.h"

struct introspection {
	struct form params;
	struct client_auth auth;
	struct str token;
	struct jws jws;
	const json_t *claims; /* of an access token with a good signature */
	const struct scope_set *scopes;
	json_t *refresh; /* record of a refresh token */
	struct launch_context launch;
	struct person person; /* for fhirUser */
	struct db_result *row;
	struct redis_result *redis;
	struct db_result *db;
	const char *status; /* active, expired, revoked, invalid_signature, failed_verification */
};

static enum step
introspect_client(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	enum step s = oauth_params(r, &c->params);
	if (s != STEP_NEXT)
		return s;
	c->token = form_get(&c->params, STR("token"), NULL);
	if (c->token.n == 0)
		return oauth_missing(r, "token");
	c->auth.params = &c->params;
	return task_push(t, &client_auth_steps, &c->auth);
}

/* Public clients may not ask: their id alone proves nothing (RFC 7662 2.1). */
static enum step
introspect_state(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct err e = { 0 };
	struct str key;
	if (c->auth.used == AUTH_NONE)
		return oauth_refuse(r, OAUTH_CLI, STR_NULL, "introspection without authentication");
	c->status = "failed_verification";
	if (jws_parse(t->arena, c->token, &c->jws, &e) == 0) {
		if (json_keep(t->arena, c->jws.claims) != 0)
			return STEP_FAIL;
		if (jws_verify(&c->jws, r->site->jwks, JWS_RS256 | JWS_ES256, &e) == 0)
			c->claims = c->jws.claims;
		else
			c->status = "invalid_signature";
	}
	key = c->claims != NULL ? key_access_token(t->arena, r->site, json_in_str(c->claims, "jti"))
	                        : key_refresh_token(t->arena, r->site, c->token);
	return key.p == NULL ? STEP_FAIL : REDIS_CALL(t, r->worker->redis, &c->redis, STR("GET"), key);
}

static struct str
owner(const struct introspection *c)
{
	if (c->claims != NULL)
		return json_in_str(c->claims, "client_id").n > 0 ? json_in_str(c->claims, "client_id")
		                                                 : json_in_str(c->claims, "aud");
	return json_in_str(c->refresh, "client");
}

/* The launch context of the token's state or record. */
static int
context_read(struct arena *a, struct introspection *c)
{
	struct err e = { 0 };
	json_t *state = c->claims == NULL ? json_incref(c->refresh) : json_in(c->redis->value.s, 64 << 10, &e);
	if (state == NULL || json_keep(a, state) != 0)
		return -1;
	launch_context_read(state, &c->launch);
	return 0;
}

/* The subject must still be active: the same row as the bearer check asks. */
static const struct db_stmt active_sql = { "introspect_active",
	"SELECT (SELECT COUNT(*) FROM users WHERE uuid = ? AND (active = 1 OR username = 'oe-system')), "
	"(SELECT COUNT(*) FROM patient_data WHERE uuid = ? AND allow_patient_portal = 'YES')",
	false };

static enum step
introspect_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct err e = { 0 };
	struct uuid sub;
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: token state cannot be read");
	if (c->claims == NULL && c->redis->value.kind == REDIS_STR) {
		c->refresh = json_in(c->redis->value.s, 64 << 10, &e);
		if (c->refresh == NULL || json_keep(t->arena, c->refresh) != 0)
			return STEP_FAIL;
	}
	if (c->redis->value.kind == REDIS_STR && context_read(t->arena, c) != 0)
		return STEP_FAIL;
	if (c->claims != NULL) {
		const json_t *exp = json_object_get(c->claims, "exp");
		bool expired = !json_is_integer(exp) || json_integer_value(exp) <= clock_real_s(r->worker->clock);
		bool ours =
		    str_eq(json_in_str(c->claims, "iss"), r->site->issuer) && json_in_str(c->claims, "jti").n > 0;
		c->status = !ours                               ? "failed_verification"
		            : expired                           ? "expired"
		            : c->redis->value.kind == REDIS_STR ? "active"
		                                                : "revoked";
	} else if (c->refresh != NULL) {
		c->status = json_is_true(json_object_get(c->refresh, "rotated")) ? "revoked" : "active";
	}
	struct str sub_text = json_in_str(c->claims != NULL ? c->claims : c->refresh, "sub");
	if (strcmp(c->status, "active") != 0 || uuid_parse(sub_text, &sub) != 0)
		return STEP_NEXT;
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	struct str bytes = arena_str(t->arena, (struct str){ (const char *)sub.b, sizeof sub.b });
	if (v == NULL || bytes.p == NULL)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_BIN(bytes.p, bytes.n);
	return db_query(t, r->site->db, &active_sql, v, 2, &c->db);
}

/* What the token's scopes open: their names, and the person for fhirUser. */
static enum step
introspect_person(struct task *t)
{
	struct request *r = request_of(t);
	struct introspection *c = task_frame(t);
	struct err e = { 0 };
	int rc = 0;
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (c->db != NULL && db_cell(c->db, 0, 0)->i + db_cell(c->db, 0, 1)->i == 0)
		c->status = "revoked";
	if (c->claims != NULL)
		rc = scope_set_json(t->arena, json_object_get(c->claims, "scopes"), &c->scopes, &e);
	else if (c->refresh != NULL)
		rc = scope_set_parse(t->arena, json_in_str(c->refresh, "scope"), &c->scopes, &e);
	if (rc != 0 || c->db == NULL || c->claims == NULL || !scope_set_has(c->scopes, STR("fhirUser")))
		return rc != 0 ? STEP_FAIL : STEP_NEXT;
	c->person.role = db_cell(c->db, 0, 1)->i > 0 ? ROLE_PATIENT : ROLE_USERS;
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
active_members(struct json_write *w, struct request *r, struct introspection *c)
{
	const json_t *claims = c->claims != NULL ? c->claims : c->refresh;
	json_kv_str(w, STR("status"), str_of(c->status));
	scope_member(w, r, c);
	if (c->claims != NULL)
		json_kv_i64(w, STR("exp"), json_integer_value(json_object_get(claims, "exp")));
	json_kv_str(w, STR("sub"), json_in_str(claims, "sub"));
	if (c->claims != NULL) {
		json_kv_str(w, STR("jti"), json_in_str(claims, "jti"));
		json_key(w, STR("aud"));
		json_arr(w);
		json_str(w, owner(c));
		json_arr_end(w);
		json_kv_str(w, STR("iss"), r->site->issuer);
		json_kv_str(w, STR("token_type"), STR("Bearer"));
	}
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
	bool known = (c->claims != NULL || c->refresh != NULL) && str_eq(owner(c), c->auth.client.id);
	if (c->row != NULL && c->row->status != DB_OK)
		return request_unavailable(r, "database down: fhirUser cannot be told");
	c->person.row = c->row;
	oauth_json_begin(r);
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_bool(&w, STR("active"), known && strcmp(c->status, "active") == 0);
	if (known)
		active_members(&w, r, c);
	json_obj_end(&w);
	r->audit.event = AUDIT_EV_INTROSPECTED;
	r->audit.rule = STR("client authentication");
	return STEP_REPLY;
}

static STEP_TABLE(introspect_steps, 0, { "introspect_client", introspect_client },
    { "introspect_state", introspect_state }, { "introspect_judge", introspect_judge },
    { "introspect_person", introspect_person }, { "introspect_reply", introspect_reply });

enum step
introspect_endpoint(struct request *r, struct oauth_state *s)
{
	struct introspection *c = ARENA_NEW(r->task.arena, struct introspection);
	(void)s;
	return c == NULL ? STEP_FAIL : task_push(&r->task, &introspect_steps, c);
}
