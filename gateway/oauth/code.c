/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codes: given at the end of the flow, consumed at the token endpoint. contract/oauth2.md 2.10. */
#include "gateway/oauth/code.h"

#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/revocation.h"
#include "policy/scope_set.h"

enum {
	CODE_BYTES = 32,
	FAMILY_BYTES = 18,
	CODE_S = 60,
	USED_S = 3600,
	DAY_S = 86400,
	RECORD_MAX = 64 << 10,
	CODE_TEXT_MAX = 256,
	VERIFIER_MIN = 43,
	VERIFIER_MAX = 128
};

static struct str
key_code(struct arena *a, const struct site *site, struct str code)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(code, hash);
	buf_init(&b, a, 128, 512);
	buf_str_put(&b, site->redis_prefix);
	buf_lit(&b, "code:");
	hex_put(&b, hash, sizeof hash);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

struct str
key_consents(struct arena *a, const struct site *site, struct str sub)
{
	return arena_printf(a, "%.*sconsents:%.*s", STR_ARG(site->redis_prefix), STR_ARG(sub));
}

static struct str
scopes_text(struct request *r, const struct scope_set *s)
{
	struct buf b;
	buf_init(&b, r->task.arena, 512, RECORD_MAX);
	scope_set_put(s, 0, &b);
	return !buf_ok(&b) ? STR_NULL : b.n == 0 ? STR("") : buf_str(&b);
}

/* --- scopes and consent ------------------------------------------------------------------------------------------------------------- */

int
flow_scopes(struct request *r, struct flow_call *c)
{
	const struct scope_set *asked;
	struct err e = { 0 };
	if (scope_set_parse(r->task.arena, c->flow.scope, &asked, &e) != 0)
		return -1;
	c->scopes = scope_set_for_role(r->task.arena, asked, c->session->who.role);
	return c->scopes == NULL ? -1 : 0;
}

/* An app that proves nothing of itself, at an address of the device that another app may listen at: it may be another than the person
 * allowed. RFC 6749 10.2, RFC 8252 8.6.                                                                                    */
static bool
may_be_another(const struct flow *f)
{
	return f->public && !str_istarts(f->redirect_uri, STR("https://"));
}

bool
consent_remembered(struct request *r, const struct flow_call *c)
{
	const struct scope_set *agreed;
	struct err e = { 0 };
	if (may_be_another(&c->flow) || c->redis == NULL || c->redis->value.kind != REDIS_STR)
		return false;
	json_t *o = json_in(c->redis->value.s, RECORD_MAX, &e);
	if (o == NULL || json_keep(r->task.arena, o) != 0)
		return false;
	if (json_integer_value(json_object_get(o, "until")) <= clock_real_s(r->worker->clock))
		return false;
	return scope_set_parse(r->task.arena, json_in_str(o, "scope"), &agreed, &e) == 0 &&
	       scope_set_contains_all(agreed, c->scopes, NULL);
}

static struct str
consent_record(struct request *r, const struct flow_call *c, struct str scope)
{
	int64_t now = clock_real_s(r->worker->clock), days = r->site->conf->oauth.consent_days;
	struct json_write w;
	struct buf b;
	if (!c->consented)
		return STR("");
	buf_init(&b, r->task.arena, 512, RECORD_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("scope"), scope);
	json_kv_i64(&w, STR("granted"), now);
	json_kv_i64(&w, STR("until"), days == 0 ? 0 : now + days * DAY_S);
	json_kv_str(&w, STR("name"), c->flow.client_name);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* --- the person ----------------------------------------------------------------------------------------------------------------------- */

/* Active, the password of the login (the same expressions as the bearer check's, core/live.c), and is a second factor registered? */
static const struct db_stmt subject_sql = { "subject_live",
	"SELECT LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16), "
	"EXISTS (SELECT 1 FROM login_mfa_registrations f WHERE f.user_id = u.id) "
	"FROM users u JOIN users_secure s ON s.id = u.id WHERE u.uuid = ? AND u.active = 1 "
	"UNION ALL SELECT LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16), 0 FROM patient_data p JOIN "
	"patient_access_onsite a "
	"ON a.pid = p.pid WHERE p.uuid = ? AND p.allow_patient_portal = 'YES'",
	false };

enum step
subject_read(struct task *t, struct request *r, const struct subject *who, struct db_result **out)
{
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	struct uuid *sub = ARENA_NEW(t->arena, struct uuid);
	if (v == NULL || sub == NULL || uuid_parse(who->sub, sub) != 0)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_BIN(sub->b, sizeof sub->b);
	return db_query(t, r->site->db, &subject_sql, v, 2, out);
}

/* A sign-in with the password alone ends when a second factor is registered. */
bool
subject_good(const struct db_result *res, const struct subject *who)
{
	if (res->n_rows == 1 && db_cell(res, 0, 1)->i != 0 && !str_ends(who->amr, STR("mfa")))
		return false;
	return res->n_rows == 1 && db_cell(res, 0, 0)->kind == DB_C_TEXT &&
	       (who->stamp.n == 0 || str_eq(db_cell(res, 0, 0)->s, who->stamp));
}

/* --- giving --------------------------------------------------------------------------------------------------------------------------- */

static struct str
code_record(struct request *r, const struct flow_call *c, struct str scope, struct str family)
{
	const struct flow *f = &c->flow;
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 1024, RECORD_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client"), f->client_id);
	json_kv_str(&w, STR("family"), family);
	json_kv_str(&w, STR("sid"), c->session->sid);
	json_kv_str(&w, STR("redirect_uri"), f->redirect_uri);
	json_kv_bool(&w, STR("redirect_given"), f->redirect_given);
	json_kv_str(&w, STR("challenge"), f->challenge.n > 0 ? f->challenge : STR(""));
	if (f->dpop_jkt.n > 0)
		json_kv_str(&w, STR("dpop_jkt"), f->dpop_jkt);
	if (f->nonce.n > 0)
		json_kv_str(&w, STR("nonce"), f->nonce);
	json_kv_str(&w, STR("scope"), scope);
	subject_put(&w, STR("who"), &c->session->who);
	launch_context_put(&w, &f->launch);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* KEYS: session, code, consents, family, the person's grants. ARGV: field of the request, request as it was, code's record, its life, family,
 * client, consent ('' none), life of the consents, now. The request ends, the code begins, both or neither. The code is of its family
 * already: who withdraws the grant, or signs out of it, ends the code too.                                                 */
static const struct redis_script give_script = { "code_give",
	"if redis.call('EXISTS', KEYS[1]) == 0 or (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return "
	"0 end "
	"redis.call('HDEL', KEYS[1], ARGV[1]) "
	"redis.call('HSET', KEYS[1], 'c:' .. ARGV[5], ARGV[6]) "
	"redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4]) "
	"redis.call('SADD', KEYS[4], KEYS[2]) redis.call('EXPIRE', KEYS[4], ARGV[4]) "
	"redis.call('ZADD', KEYS[5], tonumber(ARGV[9]) + tonumber(ARGV[4]), ARGV[6] .. ' ' .. ARGV[5]) "
	"if redis.call('TTL', KEYS[5]) < tonumber(ARGV[4]) then redis.call('EXPIRE', KEYS[5], ARGV[4]) end "
	"if ARGV[7] ~= '' then redis.call('HSET', KEYS[3], ARGV[6], ARGV[7]) redis.call('EXPIRE', KEYS[3], ARGV[8]) "
	"end "
	"return 1" };

static enum step
give_store(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct arena *a = t->arena;
	struct str scope = scopes_text(r, c->scopes), family = oauth_random(r, FAMILY_BYTES), was = c->flow.text;
	if (flow_move(&c->flow, FLOW_CODE) != 0)
		return flow_step_refused(r, 400, "step out of order");
	c->code = oauth_random(r, CODE_BYTES);
	if (scope.p == NULL || family.p == NULL || c->code.p == NULL)
		return STEP_FAIL;
	struct str keys[] = { c->session->key, key_code(a, r->site, c->code),
		key_consents(a, r->site, c->session->who.sub), key_family(a, r->site, family),
		key_grants(a, r->site, c->session->who.sub) };
	struct str args[] = { arena_printf(a, "f:%.*s", STR_ARG(c->flow.id)), was.n == 0 ? STR("") : was,
		code_record(r, c, scope, family), arena_printf(a, "%d", CODE_S), family, c->flow.client_id,
		consent_record(r, c, scope), arena_printf(a, "%lld", 400LL * DAY_S),
		arena_printf(a, "%lld", (long long)clock_real_s(r->worker->clock)) };
	for (size_t i = 0; i < NITEMS(keys); i++)
		if (keys[i].p == NULL)
			return STEP_FAIL;
	for (size_t i = 0; i < NITEMS(args); i++)
		if (args[i].p == NULL)
			return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &give_script, keys, NITEMS(keys), args, NITEMS(args), &c->redis);
}

static enum step
give_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: code cannot be kept");
	if (c->redis->value.kind != REDIS_INT || c->redis->value.i != 1)
		return flow_step_refused(r, 400, "request under way changed meanwhile");
	struct form_pair pairs[] = { { STR("code"), c->code }, { STR("state"), c->flow.state_param },
		{ STR("iss"), r->site->issuer } };
	struct str to = flow_redirect(r, &c->flow, &(struct form){ pairs, NITEMS(pairs) });
	if (to.p == NULL)
		return STEP_FAIL;
	r->who.client_id = c->flow.client_id;
	r->who.sub = c->session->who.sub;
	r->who.role = c->session->who.role;
	r->audit.actor = c->session->who.username;
	if (c->consented)
		r->audit.also |= 1u << AUDIT_EV_CONSENT;
	if (r->audit.event == AUDIT_EV_LOGIN)
		r->audit.also |= 1u << AUDIT_EV_LOGIN;
	r->audit.event = AUDIT_EV_CODE_ISSUED;
	r->audit.allowed = true;
	(void)page_see_other(r, to);
	if (c->renewed.session != NULL)
		session_cookie(r, &c->renewed);
	return STEP_REPLY;
}

STEP_TABLE(code_give_steps, 0, { "give_store", give_store }, { "give_reply", give_reply });

/* --- the grant ------------------------------------------------------------------------------------------------------------------------ */

/* KEYS: code. ARGV: client, life of the mark. The record as it was; of the right client it is marked as used in the same step: of parallel
 * uses one gets it unused. A second use leaves its mark too, for the issuing that may be under way (issue.c).              */
static const struct redis_script take_script = { "code_take",
	"local r = redis.call('GET', KEYS[1]) "
	"if not r then return false end "
	"local d = cjson.decode(r) "
	"if not d.used and d.client ~= ARGV[1] then return r end "
	"redis.call('SET', KEYS[1], cjson.encode({used = true, reused = d.used, client = d.client, family = d.family, "
	"sub = d.sub or d.who.sub}), 'EX', ARGV[2]) "
	"return r" };

static enum step
code_take(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct str code = form_get(&c->params, STR("code"), NULL), key, life = arena_printf(t->arena, "%d", USED_S);
	if (!client_grant_registered(&c->auth.client, STR("authorization_code")))
		return oauth_refuse(r, OAUTH_UNA, STR_NULL, "client did not register the authorization_code grant");
	if (code.n == 0)
		return oauth_missing(r, "code");
	if (code.n > CODE_TEXT_MAX)
		return oauth_refuse(r, OAUTH_GRA, STR_NULL, "code unknown");
	key = c->issue.code_key = key_code(t->arena, r->site, code);
	if (key.p == NULL || life.p == NULL)
		return STEP_FAIL;
	struct str args[] = { c->auth.client.id, life };
	return redis_eval(t, r->worker->redis, &take_script, &key, 1, args, NITEMS(args), &c->redis);
}

static enum step
code_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct err e = { 0 };
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: code cannot be read");
	if (c->redis->value.kind != REDIS_STR)
		return oauth_refuse(r, OAUTH_GRA, STR("Authorization code has expired"), "code unknown or expired");
	c->record = json_in(c->redis->value.s, RECORD_MAX, &e);
	if (c->record == NULL || json_keep(t->arena, c->record) != 0)
		return STEP_FAIL;
	if (json_is_true(json_object_get(c->record, "used"))) {
		c->revoke = ARENA_NEW(t->arena, struct revoke);
		if (c->revoke == NULL)
			return STEP_FAIL;
		c->revoke->sub = json_in_str(c->record, "sub");
		c->revoke->client = json_in_str(c->record, "client");
		c->revoke->family = json_in_str(c->record, "family");
		c->revoke->keep = c->issue.code_key; /* whoever issues for it at this moment must find the mark */
		return task_push(t, &revoke_steps, c->revoke);
	}
	if (!str_eq(json_in_str(c->record, "client"), c->auth.client.id))
		return oauth_refuse(
		    r, OAUTH_GRA, STR("Authorization code was not issued to this client"), "code of another client");
	return STEP_NEXT;
}

static bool
verifier_sound(struct str s)
{
	static const struct str set = STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
	for (size_t i = 0; i < s.n; i++)
		if (str_find(set, s.p[i]) == set.n)
			return false;
	return s.n >= VERIFIER_MIN && s.n <= VERIFIER_MAX;
}

/* RFC 7636 4.6. */
static enum step
pkce_check(struct request *r, struct str challenge, struct str verifier)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	if (challenge.n == 0)
		return verifier.n == 0
		           ? STEP_NEXT
		           : oauth_refuse(r, OAUTH_GRA, STR("code_verifier received when no code_challenge is present"),
		                 "verifier without challenge");
	if (verifier.n == 0)
		return oauth_missing(r, "code_verifier");
	if (!verifier_sound(verifier))
		return oauth_refuse(r, OAUTH_GRA, STR("Code Verifier must follow the specifications of RFC-7636."),
		    "verifier malformed");
	sha256(verifier, hash);
	buf_init(&b, r->task.arena, 64, 128);
	base64url_put(&b, hash, sizeof hash);
	return secret_eq_str(buf_str(&b), challenge)
	           ? STEP_NEXT
	           : oauth_refuse(r, OAUTH_GRA, STR("Failed to verify `code_verifier`."), "verifier wrong");
}

/* The address of the request, and still one of the client's: it may have been taken from it since. */
static enum step
redirect_check(struct request *r, const json_t *rec, const struct form *params, struct str registered)
{
	struct str given = form_get(params, STR("redirect_uri"), NULL);
	if (!redirect_registered(registered, json_in_str(rec, "redirect_uri")))
		return oauth_refuse(r, OAUTH_GRA, STR("Invalid redirect URI"), "redirect_uri is registered no more");
	if (given.n == 0)
		return json_is_true(json_object_get(rec, "redirect_given")) ? oauth_missing(r, "redirect_uri")
		                                                            : STEP_NEXT;
	return str_eq(given, json_in_str(rec, "redirect_uri")) ? STEP_NEXT
	                                                       : oauth_refuse(r, OAUTH_GRA, STR("Invalid redirect URI"),
	                                                             "redirect_uri differs from the authorization's");
}

/* A code that was asked for one key is of no use with another, nor without (RFC 9449 10). */
static enum step
key_check(struct request *r, struct str bound, struct str proved)
{
	return bound.n == 0 || str_eq(bound, proved)
	           ? STEP_NEXT
	           : oauth_refuse(r, OAUTH_GRA, STR_NULL, "code is bound to another DPoP key");
}

static enum step
code_check(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	if (c->revoke != NULL) {
		r->audit.event = AUDIT_EV_REUSED;
		r->who.sub = c->revoke->sub;
		return oauth_refuse(
		    r, OAUTH_GRA, STR("Authorization code has been revoked"), "code reused: its grant is revoked");
	}
	enum step s = redirect_check(r, c->record, &c->params, c->auth.client.redirect_uri);
	if (s == STEP_NEXT)
		s = pkce_check(
		    r, json_in_str(c->record, "challenge"), form_get(&c->params, STR("code_verifier"), NULL));
	if (s == STEP_NEXT)
		s = key_check(r, json_in_str(c->record, "dpop_jkt"), c->issue.jkt);
	if (s != STEP_NEXT)
		return s;
	if (subject_get(json_object_get(c->record, "who"), &c->issue.who) != 0)
		return STEP_FAIL;
	return subject_read(t, r, &c->issue.who, &c->db);
}

static enum step
code_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	const struct scope_set *given, *registered;
	struct err e = { 0 };
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (!subject_good(c->db, &c->issue.who))
		return oauth_refuse(r, OAUTH_GRA, STR_NULL, "user not active, or password changed");
	if (scope_set_parse(t->arena, json_in_str(c->record, "scope"), &given, &e) != 0)
		return STEP_FAIL;
	/* what the client may hold is asked anew: its registration may have been narrowed since */
	if (scope_set_parse(t->arena, c->auth.client.scope, &registered, &e) != 0)
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "registered scope cannot be read");
	c->scopes = scope_set_narrow(t->arena, given, registered);
	if (c->scopes == NULL)
		return STEP_FAIL;
	r->audit.actor = c->issue.who.username;
	c->issue.sub = c->issue.who.sub;
	c->issue.role = c->issue.who.role;
	c->issue.stamp =
	    c->issue.who.stamp; /* not one that is read later: a password changed meanwhile ends the grant */
	c->issue.family = json_in_str(c->record, "family");
	c->issue.sid = json_in_str(c->record, "sid");
	c->issue.session = key_session(t->arena, r->site, c->issue.sid);
	c->issue.nonce = json_in_str(c->record, "nonce");
	launch_context_read(c->record, &c->issue.launch);
	c->issue.scopes = c->scopes;
	c->issue.ttl_s = r->site->conf->oauth.access_ttl_s;
	c->issue.refresh = true;
	return task_push(t, &issue_steps, &c->issue);
}

STEP_TABLE(grant_code_steps, 0, { "code_take", code_take }, { "code_judge", code_judge }, { "code_check", code_check },
    { "code_issue", code_issue });
