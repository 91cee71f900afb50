/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grants of the token endpoint: password (RFC 6749 4.3, off unless the site allows it), client_credentials (SMART Backend Services),
 * refresh_token (rotation with reuse detection, RFC 9700 4.14.2). contract/oauth2.md 2.10.                                 */
#include "gateway/base/json_in.h"
#include "gateway/core/keys.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/revocation.h"
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

/* The second factor, where the person has one. RFC 9700 2.4, contract 6.3. */
static enum step
password_factor(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct login *l = &c->login;
	struct str code = form_get(&c->params, STR("mfa_token"), NULL);
	bool digits = code.n == 6;
	if (!l->ok) {
		r->audit.event = login_failure_event(l->locked);
		r->audit.actor = l->patient ? STR_NULL : str_sub(l->username, 0, 64);
		return oauth_refuse(r, OAUTH_GRA, STR("Failed Authentication"), l->reason);
	}
	r->audit.actor = l->canonical_name;
	if (!l->mfa_required)
		return code.n == 0 ? STEP_NEXT : oauth_refuse(r, OAUTH_MFA, STR_NULL, "no second factor is registered");
	if (code.n == 0)
		return oauth_refuse(r, OAUTH_MFA_TOKEN, STR_NULL, "second factor missing");
	for (size_t i = 0; i < code.n; i++)
		digits &= code.p[i] >= '0' && code.p[i] <= '9';
	if (!digits)
		return oauth_refuse_text(r, OAUTH_MFA_TOKEN, STR(""), "second factor is no code of six digits");
	c->factor.user_id = l->user_id;
	c->factor.code = code;
	return task_push(t, &second_factor_steps, &c->factor);
}

static enum step
password_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct login *l = &c->login;
	struct subject *who = &c->issue.who;
	if (l->mfa_required && !c->factor.ok) {
		r->audit.event = login_failure_event(c->factor.locked);
		return oauth_refuse(r, c->factor.unsupported ? OAUTH_MFA : OAUTH_MFA_TOKEN, STR_NULL, c->factor.reason);
	}
	if (login_subject(r, l, who) != 0)
		return STEP_FAIL;
	if (l->mfa_required)
		who->amr = STR("pwd otp mfa");
	c->issue.sub = who->sub;
	c->issue.role = who->role;
	c->issue.stamp = who->stamp;
	c->issue.scopes = c->scopes;
	c->issue.ttl_s = r->site->conf->oauth.access_ttl_s;
	c->issue.refresh = true;
	if (l->patient) {
		r->audit.has_patient = true;
		r->audit.patient = l->uuid;
	}
	return task_push(t, &issue_steps, &c->issue);
}

STEP_TABLE(grant_password_steps, 0, { "password_read", password_read }, { "password_factor", password_factor },
    { "password_issue", password_issue });

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

/* KEYS: the token, its sealed answer. Answers {record or false, sealed answer or false, is its session there (1, 0)}. */
static const struct redis_script load_script = { "refresh_load",
	"local r = redis.call('GET', KEYS[1]) "
	"if not r then return {false, false, 1} end "
	"local d = cjson.decode(r) "
	"local alive = 1 "
	"if d.session and redis.call('EXISTS', d.session) == 0 then alive = 0 end "
	"return {r, redis.call('GET', KEYS[2]), alive}" };

static enum step
refresh_load(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct str token = form_get(&c->params, STR("refresh_token"), NULL);
	if (token.n == 0)
		return oauth_missing(r, "refresh_token");
	c->refresh_key = key_refresh_token(t->arena, r->site, token);
	struct str keys[] = { c->refresh_key, key_successor(t->arena, r->site, token) };
	if (keys[0].p == NULL || keys[1].p == NULL)
		return STEP_FAIL;
	c->issue.used.token = token;
	c->issue.used.key = c->refresh_key;
	return redis_eval(t, r->worker->redis, &load_script, keys, 2, NULL, 0, &c->redis);
}

/* RFC 9449 5: a refresh token that is bound to a key is used with that key only. */
static bool
key_bound(const struct token_call *c)
{
	struct str jkt = json_in_str(c->refresh_record, "jkt");
	return jkt.n == 0 || str_eq(jkt, c->issue.jkt);
}

/* A rotated token that comes again: within the grace window its client gets the same answer (a lost answer, a second tab), else the token
 * has leaked and its whole grant ends. RFC 9700 4.14.2.                                                                    */
static enum step
refresh_again(struct request *r, struct token_call *c, const struct redis_value *sealed)
{
	c->issue.sub = json_in_str(c->refresh_record, "sub");
	if (sealed->kind == REDIS_STR)
		return issue_same_answer(r, &c->issue, sealed->s);
	c->revoke = ARENA_NEW(r->task.arena, struct revoke);
	if (c->revoke == NULL)
		return STEP_FAIL;
	c->revoke->sub = c->issue.sub;
	c->revoke->client = c->auth.client.id;
	c->revoke->family = json_in_str(c->refresh_record, "family");
	c->revoke->keep = c->refresh_key;
	return task_push(&r->task, &revoke_steps, c->revoke);
}

static enum step
refresh_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	const struct redis_value *v = &c->redis->value;
	struct err e = { 0 };
	if (c->redis->status != REDIS_OK || v->kind != REDIS_ARRAY || v->n_items != 3)
		return request_unavailable(r, "redis down: refresh token cannot be read");
	if (v->items[0].kind != REDIS_STR)
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token has been revoked"), "refresh token unknown, expired or revoked");
	c->refresh_record = json_in(v->items[0].s, 64 << 10, &e);
	if (c->refresh_record == NULL || json_keep(t->arena, c->refresh_record) != 0)
		return STEP_FAIL;
	if (!str_eq(json_in_str(c->refresh_record, "client"), c->auth.client.id))
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token is not linked to client"), "refresh token of another client");
	if (!key_bound(c))
		return oauth_refuse(r, OAUTH_DPOP, STR_NULL, "refresh token is bound to another key");
	if (json_is_true(json_object_get(c->refresh_record, "rotated")))
		return refresh_again(r, c, &v->items[1]);
	if (v->items[2].kind != REDIS_INT || v->items[2].i != 1)
		return oauth_refuse(r, OAUTH_RTK, STR("Token has been revoked"), "online_access: the session is over");
	return STEP_NEXT;
}

static enum role
role_of(struct str text)
{
	return str_eq(text, STR("users")) ? ROLE_USERS : str_eq(text, STR("patient")) ? ROLE_PATIENT : ROLE_NONE;
}

/* The person must still be active, with the password of then, and, where OpenEMR's rows are kept, neither the grant revoked nor the trust
 * withdrawn on its pages.                                                                                                  */
static const struct db_stmt subject_sql = { "refresh_subject",
	"SELECT LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16), NULL FROM users u LEFT JOIN users_secure s "
	"ON "
	"s.id = u.id WHERE u.uuid = ? AND u.active = 1 "
	"UNION ALL SELECT NULL, LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16) FROM patient_data p LEFT JOIN "
	"patient_access_onsite a ON a.pid = p.pid WHERE p.uuid = ? AND p.allow_patient_portal = 'YES'",
	false };
static const struct db_stmt subject_rows_sql = { "refresh_subject_rows",
	"SELECT LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16), NULL FROM users u LEFT JOIN users_secure s "
	"ON "
	"s.id = u.id WHERE u.uuid = ? AND u.active = 1 AND "
	"EXISTS (SELECT 1 FROM api_refresh_token f WHERE f.token = ? AND f.revoked = 0) AND "
	"EXISTS (SELECT 1 FROM oauth_trusted_user w WHERE w.client_id = ? AND w.user_id = ?) "
	"UNION ALL SELECT NULL, LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16) FROM patient_data p LEFT JOIN "
	"patient_access_onsite a ON a.pid = p.pid WHERE p.uuid = ? AND p.allow_patient_portal = 'YES' AND "
	"EXISTS (SELECT 1 FROM api_refresh_token f WHERE f.token = ? AND f.revoked = 0) AND "
	"EXISTS (SELECT 1 FROM oauth_trusted_user w WHERE w.client_id = ? AND w.user_id = ?)",
	false };

static enum step
refresh_subject(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, 8, sizeof *v);
	struct uuid *sub = ARENA_NEW(t->arena, struct uuid);
	const json_t *rec = c->refresh_record;
	if (c->revoke != NULL) {
		r->audit.event = AUDIT_EV_REUSED;
		r->who.sub = c->issue.sub;
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token has been revoked"), "refresh token reused: its grant is revoked");
	}
	if (v == NULL || sub == NULL || uuid_parse(json_in_str(rec, "sub"), sub) != 0)
		return STEP_FAIL;
	if (!json_is_true(json_object_get(rec, "rows"))) {
		v[0] = v[1] = DB_V_BIN(sub->b, sizeof sub->b);
		return db_query(t, r->site->db, &subject_sql, v, 2, &c->db);
	}
	v[0] = v[4] = DB_V_BIN(sub->b, sizeof sub->b);
	v[1] = v[5] = DB_V_STR(json_in_str(rec, "family"));
	v[2] = v[6] = DB_V_STR(json_in_str(rec, "client"));
	v[3] = v[7] = DB_V_STR(json_in_str(rec, "sub"));
	return db_query(t, r->site->db, &subject_rows_sql, v, 8, &c->db);
}

static bool
subject_good(const struct token_call *c)
{
	struct str stamp = json_in_str(c->refresh_record, "stamp");
	for (size_t i = 0; i < c->db->n_rows; i++)
		for (size_t k = 0; k < 2; k++)
			if (db_cell(c->db, i, k)->kind == DB_C_TEXT &&
			    (stamp.n == 0 || str_eq(db_cell(c->db, i, k)->s, stamp)))
				return true;
	return false;
}

/* Narrowing only (RFC 6749 6); what the client may hold is asked anew, so that a narrowed registration bites. */
static enum step
refresh_scopes(struct request *r, struct token_call *c, enum role role)
{
	struct arena *a = r->task.arena;
	struct str asked = str_trim(form_get(&c->params, STR("scope"), NULL));
	const struct scope_set *granted, *wanted, *registered;
	const struct scope *bad = NULL;
	struct err e = { 0 };
	if (scope_set_parse(a, json_in_str(c->refresh_record, "scope"), &granted, &e) != 0)
		return STEP_FAIL;
	if (asked.n > 0) {
		if (scope_set_parse(a, asked, &wanted, &e) != 0)
			return oauth_refuse(r, OAUTH_SCO, STR_NULL, "scope malformed");
		if (!scope_set_contains_all(granted, wanted, &bad))
			return oauth_refuse(r, OAUTH_SCO, arena_printf(a, "Check the `%.*s` scope", STR_ARG(bad->text)),
			    "scope wider than granted");
	} else {
		wanted = granted;
	}
	if (scope_set_parse(a, c->auth.client.scope, &registered, &e) != 0)
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "registered scope cannot be read");
	granted = scope_set_narrow(a, granted, registered);
	wanted = scope_set_narrow(a, wanted, registered);
	c->issue.scopes = wanted == NULL ? NULL : scope_set_for_role(a, wanted, role);
	if (r->site->compat == COMPAT_CLASSIC) /* the grant itself becomes less, as in OpenEMR (contract 2.10) */
		granted = wanted;
	c->issue.granted = granted == NULL ? NULL : scope_set_for_role(a, granted, role);
	return c->issue.granted == NULL || c->issue.scopes == NULL ? STEP_FAIL : STEP_NEXT;
}

static enum step
refresh_issue(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	const json_t *rec = c->refresh_record;
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (!subject_good(c))
		return oauth_refuse(r, OAUTH_RTK, STR("Token has been revoked"),
		    "user not active, password changed, or revoked in OpenEMR");
	c->issue.sub = json_in_str(rec, "sub");
	c->issue.role = role_of(json_in_str(rec, "role"));
	c->issue.family = json_in_str(rec, "family");
	launch_context_read(rec, &c->issue.launch);
	c->issue.session = json_in_str(rec, "session");
	c->issue.sid = json_in_str(rec, "sid");
	if (json_object_get(rec, "who") != NULL && subject_get(json_object_get(rec, "who"), &c->issue.who) != 0)
		return STEP_FAIL;
	c->issue.stamp = json_in_str(rec, "stamp");
	c->issue.grant_started_s = (int64_t)json_integer_value(json_object_get(rec, "started"));
	c->issue.used.access_key = json_in_str(rec, "access");
	c->issue.used.jti = json_in_str(rec, "jti");
	c->issue.ttl_s = r->site->conf->oauth.access_ttl_s;
	c->issue.refresh = true;
	if (c->issue.role == ROLE_NONE)
		return STEP_FAIL;
	enum step s = refresh_scopes(r, c, c->issue.role);
	return s == STEP_NEXT ? task_push(t, &issue_steps, &c->issue) : s;
}

STEP_TABLE(grant_refresh_steps, 0, { "refresh_load", refresh_load }, { "refresh_judge", refresh_judge },
    { "refresh_subject", refresh_subject }, { "refresh_issue", refresh_issue });
