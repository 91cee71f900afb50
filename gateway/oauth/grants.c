/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grants of the token endpoint: password (RFC 6749 4.3, off unless the site allows it), client_credentials (SMART Backend Services),
 * refresh_token (rotation with reuse detection, RFC 9700 4.14.2). contract/oauth2.md 2.10.                                 */
#include "gateway/base/json_in.h"
#include "gateway/core/keys.h"
#include "gateway/oauth/endpoint.h"
#include "policy/scope_set.h"

/* --- password ---------------------------------------------------------------------------------------------------------------- */

static bool
password_grant_registered(const struct request *r, const struct oauth_client *k)
{
	struct str list = k->grant_types, one;
	if (str_eq(r->site->conf->oauth.client_auth, STR("documented")))
		return true; /* the documentation's registration names no grant types and uses this grant */
	while (str_next(&list, '|', &one))
		if (str_eq(one, STR("password")))
			return true;
	return false;
}

static enum step
password_read(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct login *l = &c->login;
	struct str role = form_get(&c->params, STR("user_role"), NULL);
	bool staff = str_eq(role, STR("users")), patient = str_eq(role, STR("patient"));
	if (!password_grant_registered(r, &c->auth.client))
		return oauth_refuse(r, OAUTH_UNA, STR_NULL, "client did not register the password grant");
	if (oauth_scopes(r, form_get(&c->params, STR("scope"), NULL), &c->auth.client,
	        patient ? ROLE_PATIENT : ROLE_USERS, &c->scopes) != 0)
		return STEP_REPLY;
	l->username = form_get(&c->params, STR("username"), NULL);
	l->password = form_get(&c->params, STR("password"), NULL);
	l->email = form_get(&c->params, STR("email"), NULL);
	if (l->username.n == 0)
		return oauth_missing(r, "username");
	if (l->password.n == 0)
		return oauth_missing(r, "password");
	if (role.n == 0)
		return oauth_missing(r, "user_role");
	if (patient && l->email.n == 0)
		return oauth_missing(r, "email");
	l->patient = patient;
	bool on = staff ? r->site->conf->oauth.password_users : patient && r->site->conf->oauth.password_patients;
	if (!on)
		return oauth_refuse(r, OAUTH_GRA, STR("Failed Authentication"), "user_role unknown or off");
	return task_push(t, patient ? &login_patient_steps : &login_staff_steps, l);
}

static enum step
password_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct login *l = &c->login;
	char *sub;
	if (!l->ok) {
		r->audit.event = AUDIT_EV_LOGIN_FAILED;
		r->audit.actor = l->patient ? STR_NULL : str_sub(l->username, 0, 64);
		return oauth_refuse(r, OAUTH_GRA, STR("Failed Authentication"), l->reason);
	}
	r->audit.actor = l->canonical_name;
	if (l->mfa_required) /* the second factor is not served by this grant yet: nobody passes without it */
		return oauth_refuse(r, OAUTH_MFA, STR_NULL, "user has a second factor");
	sub = arena_raw(t->arena, UUID_TEXT + 1);
	if (sub == NULL)
		return STEP_FAIL;
	uuid_text(&l->uuid, sub);
	c->issue.sub = (struct str){ sub, UUID_TEXT };
	c->issue.role = l->patient ? ROLE_PATIENT : ROLE_USERS;
	c->issue.scopes = c->scopes;
	c->issue.ttl_s = r->site->conf->oauth.access_ttl_s;
	c->issue.refresh = true;
	if (l->patient) {
		r->audit.has_patient = true;
		r->audit.patient = l->uuid;
	}
	return task_push(t, &issue_steps, &c->issue);
}

STEP_TABLE(grant_password_steps, 0, { "password_read", password_read }, { "password_issue", password_issue });

/* --- client_credentials ---------------------------------------------------------------------------------------------------------- */

static const struct db_stmt system_user_sql = { "system_user",
	"SELECT "
	"LOWER(CONCAT(HEX(SUBSTR(uuid,1,4)),'-',HEX(SUBSTR(uuid,5,2)),'-',HEX(SUBSTR(uuid,7,2)),'-',HEX(SUBSTR(uuid,9,"
	"2)),'-',"
	"HEX(SUBSTR(uuid,11,6)))) FROM users WHERE username = 'oe-system' AND uuid IS NOT NULL",
	false };

static enum step
credentials_read(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct str scope = form_get(&c->params, STR("scope"), NULL);
	if (c->auth.used != AUTH_PRIVATE_KEY_JWT || !c->auth.client.confidential)
		return oauth_refuse(
		    r, OAUTH_CLI, STR_NULL, "client_credentials needs private_key_jwt of a confidential client");
	if (oauth_scopes(r, scope, &c->auth.client, ROLE_SYSTEM, &c->scopes) != 0)
		return STEP_REPLY;
	if (scope.n > 0 &&
	    !scope_set_has_context(c->scopes, SCOPE_SYSTEM)) /* SMART Backend Services: a scope is needed */
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "no system scope left");
	return db_query(t, r->site->db, &system_user_sql, NULL, 0, &c->db);
}

static enum step
credentials_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	if (c->db->status != DB_OK || c->db->n_rows == 0)
		return request_unavailable(r, "user oe-system cannot be read");
	c->issue.sub = db_cell(c->db, 0, 0)->s;
	c->issue.role = ROLE_SYSTEM;
	c->issue.scopes = c->scopes;
	c->issue.ttl_s = r->site->conf->oauth.system_ttl_s;
	return task_push(t, &issue_steps, &c->issue);
}

STEP_TABLE(
    grant_credentials_steps, 0, { "credentials_read", credentials_read }, { "credentials_issue", credentials_issue });

/* --- refresh_token ------------------------------------------------------------------------------------------------------------------ */

/* KEYS: the token. Marks it rotated and returns the record it had: of parallel uses exactly one gets a live record. */
static const struct redis_script take_script = { "refresh_take",
	"local r = redis.call('GET', KEYS[1]) "
	"if r and not string.find(r, '\"rotated\":true', 1, true) then "
	"  local d = cjson.decode(r) "
	"  if d.client ~= ARGV[1] then return r end "
	"  local left = redis.call('TTL', KEYS[1]) "
	"  redis.call('SET', KEYS[1], cjson.encode({rotated = true, client = d.client, family = d.family}), 'EX', "
	"math.max(left, 1)) "
	"end "
	"return r" };
/* KEYS: the family's set, the token that was reused. Deletes every key of the grant but the mark. */
static const struct redis_script revoke_script = { "family_revoke",
	"local n = 0 "
	"for _, k in ipairs(redis.call('SMEMBERS', KEYS[1])) do if k ~= KEYS[2] then n = n + redis.call('DEL', k) end "
	"end "
	"redis.call('DEL', KEYS[1]) "
	"return n" };

static enum step
refresh_take(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct str token = form_get(&c->params, STR("refresh_token"), NULL);
	if (token.n == 0)
		return oauth_missing(r, "refresh_token");
	c->refresh_key = key_refresh_token(t->arena, r->site, token);
	if (c->refresh_key.p == NULL)
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &take_script, &c->refresh_key, 1, &c->auth.client.id, 1, &c->redis);
}

static enum step
refresh_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct err e = { 0 };
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: refresh token cannot be read");
	if (c->redis->value.kind != REDIS_STR)
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token has been revoked"), "refresh token unknown, expired or revoked");
	c->refresh_record = json_in(c->redis->value.s, 64 << 10, &e);
	if (c->refresh_record == NULL || json_keep(t->arena, c->refresh_record) != 0)
		return STEP_FAIL;
	if (!str_eq(json_in_str(c->refresh_record, "client"), c->auth.client.id))
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token is not linked to client"), "refresh token of another client");
	if (!json_is_true(json_object_get(c->refresh_record, "rotated"))) {
		/* the access token that came with it ends with it (contract 2.10) */
		return REDIS_CALL(t, r->worker->redis, &c->redis, STR("DEL"), json_in_str(c->refresh_record, "access"));
	}
	struct str keys[] = { key_family(t->arena, r->site, json_in_str(c->refresh_record, "family")), c->refresh_key };
	return keys[0].p == NULL ? STEP_FAIL
	                         : redis_eval(t, r->worker->redis, &revoke_script, keys, 2, NULL, 0, &c->redis);
}

static enum role
role_of(struct str text)
{
	return str_eq(text, STR("users")) ? ROLE_USERS : str_eq(text, STR("patient")) ? ROLE_PATIENT : ROLE_NONE;
}

/* The subject must still exist and be active; the same row as the bearer check asks. */
static const struct db_stmt subject_sql = { "refresh_subject",
	"SELECT (SELECT COUNT(*) FROM users u WHERE u.uuid = ? AND u.active = 1) + "
	"(SELECT COUNT(*) FROM patient_data p WHERE p.uuid = ? AND p.allow_patient_portal = 'YES')",
	false };

static enum step
refresh_subject(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	struct uuid *sub = ARENA_NEW(t->arena, struct uuid);
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: old tokens cannot be revoked");
	if (json_is_true(json_object_get(c->refresh_record, "rotated"))) {
		r->audit.event = AUDIT_EV_REVOKED;
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token has been revoked"), "refresh token reused: its grant is revoked");
	}
	if (v == NULL || sub == NULL || uuid_parse(json_in_str(c->refresh_record, "sub"), sub) != 0)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_BIN(sub->b, sizeof sub->b);
	return db_query(t, r->site->db, &subject_sql, v, 2, &c->db);
}

static enum step
refresh_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	const json_t *rec = c->refresh_record;
	struct str asked = form_get(&c->params, STR("scope"), NULL);
	const struct scope_set *granted, *wanted;
	const struct scope *bad = NULL;
	struct err e = { 0 };
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (db_cell(c->db, 0, 0)->i == 0)
		return oauth_refuse(r, OAUTH_RTK, STR("Token has been revoked"), "user not active");
	if (scope_set_parse(t->arena, json_in_str(rec, "scope"), &granted, &e) != 0)
		return STEP_FAIL;
	if (asked.n > 0) { /* narrowing only */
		if (scope_set_parse(t->arena, asked, &wanted, &e) != 0)
			return oauth_refuse(r, OAUTH_SCO, STR_NULL, "scope malformed");
		if (!scope_set_contains_all(granted, wanted, &bad))
			return oauth_refuse(r, OAUTH_SCO,
			    arena_printf(t->arena, "Check the `%.*s` scope", STR_ARG(bad->text)),
			    "scope wider than granted");
		granted = wanted;
	}
	c->issue.sub = json_in_str(rec, "sub");
	c->issue.role = role_of(json_in_str(rec, "role"));
	c->issue.family = json_in_str(rec, "family");
	launch_context_read(rec, &c->issue.launch);
	c->issue.grant_started_s = (int64_t)json_integer_value(json_object_get(rec, "started"));
	c->issue.scopes = granted;
	c->issue.ttl_s = r->site->conf->oauth.access_ttl_s;
	c->issue.refresh = true;
	return c->issue.role == ROLE_NONE ? STEP_FAIL : task_push(t, &issue_steps, &c->issue);
}

STEP_TABLE(grant_refresh_steps, 0, { "refresh_take", refresh_take }, { "refresh_judge", refresh_judge },
    { "refresh_subject", refresh_subject }, { "refresh_issue", refresh_issue });
