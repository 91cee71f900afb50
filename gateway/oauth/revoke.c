/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/revoke: a client gives a token back. An access token ends alone; a refresh token ends its whole grant. What is no token of
 * the client is answered 200 and changes nothing. RFC 7009.                                                               */
#include "gateway/base/json_in.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/revocation.h"

struct revocation {
	struct token_question asked;
	struct str access_key, jti;
	struct revoke revoke;
	struct redis_result *redis;
	struct db_result *db;
	bool done;
};

static enum step
revoke_client(struct task *t)
{
	struct revocation *c = task_frame(t);
	return token_question_read(t, &c->asked);
}

/* An access token of this client, by its own signature; token_type_hint only says where to look first (RFC 7009 2.1). */
static bool
access_token_read(struct request *r, struct revocation *c)
{
	struct jws jws = { 0 };
	struct err e = { 0 };
	if (jws_parse(r->task.arena, c->asked.token, &jws, &e) != 0 || json_keep(r->task.arena, jws.claims) != 0 ||
	    jws_verify(&jws, r->site->jwks, JWS_RS256 | JWS_ES256, &e) != 0)
		return false;
	struct str client = json_in_str(jws.claims, "client_id");
	if (client.n == 0)
		client = json_in_str(jws.claims, "aud");
	c->jti = json_in_str(jws.claims, "jti");
	return str_eq(json_in_str(jws.claims, "iss"), r->site->issuer) && str_eq(client, c->asked.auth.client.id) &&
	       c->jti.n > 0;
}

static enum step
revoke_find(struct task *t)
{
	struct request *r = request_of(t);
	struct revocation *c = task_frame(t);
	struct str key;
	if (access_token_read(r, c)) {
		c->access_key = key_access_token(t->arena, r->site, c->jti);
		return c->access_key.p == NULL ? STEP_FAIL
		                               : REDIS_CALL(t, r->worker->redis, &c->redis, STR("DEL"), c->access_key);
	}
	key = key_refresh_token(t->arena, r->site, c->asked.token);
	return key.p == NULL ? STEP_FAIL : REDIS_CALL(t, r->worker->redis, &c->redis, STR("GET"), key);
}

static const struct db_stmt token_sql = { "revoke_token", "UPDATE api_token SET revoked = 1 WHERE token = ?", false };

static enum step
revoke_act(struct task *t)
{
	struct request *r = request_of(t);
	struct revocation *c = task_frame(t);
	struct err e = { 0 };
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: token cannot be revoked");
	if (c->access_key.n > 0) {
		struct db_val *v = ARENA_NEW(t->arena, struct db_val);
		c->done = c->redis->value.i > 0;
		if (!r->site->conf->oauth.openemr_rows)
			return STEP_NEXT;
		if (v == NULL)
			return STEP_FAIL;
		*v = DB_V_STR(c->jti);
		return db_query(t, r->site->db, &token_sql, v, 1, &c->db);
	}
	if (c->redis->value.kind != REDIS_STR)
		return STEP_NEXT;
	json_t *rec = json_in(c->redis->value.s, 64 << 10, &e);
	if (rec == NULL || json_keep(t->arena, rec) != 0)
		return STEP_FAIL;
	if (!str_eq(json_in_str(rec, "client"), c->asked.auth.client.id))
		return STEP_NEXT;
	c->done = true;
	c->revoke.client = c->asked.auth.client.id;
	c->revoke.sub = json_in_str(rec, "sub");
	c->revoke.family = json_in_str(rec, "family");
	r->who.sub = c->revoke.sub;
	return task_push(t, &revoke_steps, &c->revoke);
}

static enum step
revoke_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct revocation *c = task_frame(t);
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: api_token row");
	oauth_json_begin(r);
	buf_lit(&r->reply.body, "{}");
	r->audit.event = AUDIT_EV_REVOKED;
	r->audit.rule = STR("client authentication");
	if (!c->done)
		r->audit.reason = STR("no live token of this client");
	return STEP_REPLY;
}

static STEP_TABLE(revoke_call_steps, 0, { "revoke_client", revoke_client }, { "revoke_find", revoke_find },
    { "revoke_act", revoke_act }, { "revoke_reply", revoke_reply });

enum step
revoke_endpoint(struct request *r, struct oauth_state *s)
{
	struct revocation *c = ARENA_NEW(r->task.arena, struct revocation);
	(void)s;
	return c == NULL ? STEP_FAIL : task_push(&r->task, &revoke_call_steps, c);
}
