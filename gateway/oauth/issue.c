/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Issuing: access token (signed by keyd), id_token, refresh token; their state in Redis. Not for OpenEMR's rows (issue_rows.c).
 * RFC 6749 5.1, RFC 7519, OIDC Core 2 and 3.1.3.6, contract/oauth2.md 2.10, 3.                                            */
#include "gateway/oauth/issue.h"
#include "gateway/base/date.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/crypto/keyd.h"
#include "gateway/crypto/seal.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/revocation.h"
#include "policy/scope_set.h"

enum {
	JTI_BYTES = 40,
	REFRESH_BYTES = 48,
	FAMILY_BYTES = 18,
	CLAIMS_MAX = 32 << 10,
	RECORD_MAX = ISSUE_SCOPE_MAX + 4096
};

/* KEYS: access token, family, refresh token ('' none), refresh token used ('' none), its sealed answer, its access token, the person's
 * grants. ARGV: access state, access ttl, refresh record, refresh ttl, record of the used token, sealed answer, grace (s), member of the
 * grants, now. One step: a crash never leaves half a grant, and of parallel uses of a token one wins: the others get its answer.
 * KEYS[8]: the grant's code ('' none): used a second time before this, or gone with a grant that was withdrawn or signed out of, the grant
 * is over as soon as it is given (RFC 6749 4.1.2).
 * Answers 1, the winner's sealed answer, or 0: the token is gone.                                                          */
static const struct redis_script issue_script = { "issue",
	"if KEYS[8] ~= '' then "
	"  local mark = redis.call('GET', KEYS[8]) "
	"  if not mark or string.find(mark, '\"reused\":true', 1, true) then return 1 end "
	"end "
	"if KEYS[4] ~= '' then "
	"  local used = redis.call('GET', KEYS[4]) "
	"  if not used then return 0 end "
	"  if string.find(used, '\"rotated\":true', 1, true) then return redis.call('GET', KEYS[5]) or 0 end "
	"  redis.call('SET', KEYS[4], ARGV[5], 'EX', math.max(redis.call('TTL', KEYS[4]), 1)) "
	"  if tonumber(ARGV[7]) > 0 then redis.call('SET', KEYS[5], ARGV[6], 'EX', ARGV[7]) "
	"    redis.call('SADD', KEYS[2], KEYS[5]) end "
	"  redis.call('DEL', KEYS[6]) redis.call('SREM', KEYS[2], KEYS[6]) "
	"end "
	"redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) "
	"redis.call('SADD', KEYS[2], KEYS[1]) "
	"local life = tonumber(ARGV[2]) "
	"if KEYS[3] ~= '' then "
	"  redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4]) "
	"  redis.call('SADD', KEYS[2], KEYS[3]) "
	"  life = math.max(life, tonumber(ARGV[4])) "
	"end "
	"if redis.call('TTL', KEYS[2]) < life then redis.call('EXPIRE', KEYS[2], life) end "
	"redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', ARGV[9]) "
	"redis.call('ZADD', KEYS[7], tonumber(ARGV[9]) + life, ARGV[8]) "
	"if redis.call('TTL', KEYS[7]) < life then redis.call('EXPIRE', KEYS[7], life) end "
	"return 1" };

static struct str
scopes_text(struct request *r, const struct scope_set *scopes, unsigned flags)
{
	struct buf b;
	buf_init(&b, r->task.arena, 1024, ISSUE_SCOPE_MAX);
	scope_set_put(scopes, flags, &b);
	return buf_ok(&b) && b.n > 0 ? buf_str(&b) : STR("");
}

struct str
issue_scopes(struct request *r, const struct issue *i, unsigned flags)
{
	return scopes_text(r, i->scopes, flags);
}

/* A use that asks less gets an access token of less; what the next refresh token stands for is the caller's to say. */
static const struct scope_set *
granted(const struct issue *i)
{
	return i->granted != NULL ? i->granted : i->scopes;
}

/* --- claims ----------------------------------------------------------------------------------------------------------------- */

static struct str
hex_random(struct request *r, size_t bytes)
{
	uint8_t raw[64];
	struct buf b;
	CHECK(bytes <= sizeof raw);
	rng_bytes(r->worker->rng, raw, bytes);
	buf_init(&b, r->task.arena, 2 * bytes, 2 * bytes);
	hex_put(&b, raw, bytes);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* scopes is an array as in OpenEMR's tokens. The audience is the site's API (RFC 9068 2.2, RFC 8707), or, where PHP must read the token too,
 * what that takes: the client's id (contract 14). Both are accepted, whichever is set.                                      */
static struct str
access_claims(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 4096, CLAIMS_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("aud"), r->site->conf->oauth.openemr_rows ? i->client_id : r->site->api_base);
	json_kv_str(&w, STR("jti"), i->jti);
	json_kv_i64(&w, STR("iat"), i->now_s);
	json_kv_i64(&w, STR("nbf"), i->now_s);
	json_kv_i64(&w, STR("exp"), i->now_s + i->ttl_s);
	json_kv_str(&w, STR("sub"), i->sub);
	json_key(&w, STR("scopes"));
	json_arr(&w);
	for (size_t n = 0; n < scope_set_count(i->scopes); n++)
		json_str(&w, scope_set_at(i->scopes, n)->text);
	json_arr_end(&w);
	json_kv_str(&w, STR("iss"), r->site->issuer);
	json_kv_str(&w, STR("client_id"), i->client_id);
	if (i->jkt.n > 0) { /* RFC 9449 6.1 */
		json_key(&w, STR("cnf"));
		json_obj(&w);
		json_kv_str(&w, STR("jkt"), i->jkt);
		json_obj_end(&w);
	}
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* at_hash: left half of SHA-256 of the access token, base64url (OIDC Core 3.1.3.6; RS256 and ES256 both hash with SHA-256). */
static void
at_hash_member(struct json_write *w, struct request *r, struct str access)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(access, hash);
	buf_init(&b, r->task.arena, 32, 64);
	base64url_put(&b, hash, sizeof hash / 2);
	json_kv_str(w, STR("at_hash"), buf_str(&b));
}

/* When and how the person signed in: auth_time, amr (RFC 8176), acr ("1": one factor, "2": two), sid (Back-Channel Logout 2.1). */
static void
sign_in_members(struct json_write *w, const struct issue *i)
{
	struct str list = i->who.amr, one;
	if (list.n == 0)
		return;
	json_kv_i64(w, STR("auth_time"), i->who.auth_time_s);
	json_key(w, STR("amr"));
	json_arr(w);
	while (str_next(&list, ' ', &one))
		json_str(w, one);
	json_arr_end(w);
	json_kv_str(w, STR("acr"), str_ends(i->who.amr, STR("mfa")) ? STR("2") : STR("1"));
	if (i->sid.n > 0)
		json_kv_str(w, STR("sid"), i->sid);
}

static struct str
id_claims(struct request *r, const struct issue *i)
{
	static const struct str api[] = { STR_INIT("api:fhir"), STR_INIT("api:oemr"), STR_INIT("api:port") };
	struct person person = { .role = i->role, .sub = i->sub, .row = i->person };
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 1024, CLAIMS_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("aud"), i->client_id);
	json_kv_str(&w, STR("iss"), r->site->issuer);
	json_kv_i64(&w, STR("iat"), i->now_s);
	json_kv_i64(&w, STR("exp"), i->now_s + i->ttl_s);
	json_kv_str(&w, STR("sub"), i->sub);
	if (i->nonce.n > 0)
		json_kv_str(&w, STR("nonce"), i->nonce);
	at_hash_member(&w, r, i->access);
	sign_in_members(&w, i);
	claims_put(&w, r, &person, i->scopes);
	for (size_t n = 0; n < NITEMS(api); n++)
		if (scope_set_has(i->scopes, api[n]))
			json_kv_bool(&w, api[n], true);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* --- the person's credential ---------------------------------------------------------------------------------------------------- */

/* A change of the password ends the grants made before it: the stamp is compared by each bearer check (core/live.c has the same
 * expressions). Opaque, since OpenEMR writes these times in a zone of its own.                                            */
static const struct db_stmt stamp_sql = { "credential_stamp",
	"SELECT (SELECT LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16) FROM users u JOIN users_secure s ON "
	"s.id = u.id WHERE u.uuid = ?), "
	"(SELECT LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16) FROM patient_data p JOIN patient_access_onsite a ON "
	"a.pid = p.pid WHERE p.uuid = ?)",
	false };

static enum step
issue_stamp(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	struct uuid *sub = ARENA_NEW(t->arena, struct uuid);
	i->db = NULL;
	if (i->stamp.n > 0 || i->role == ROLE_SYSTEM)
		return STEP_NEXT;
	if (v == NULL || sub == NULL || uuid_parse(i->sub, sub) != 0)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_BIN(sub->b, sizeof sub->b);
	return db_query(t, r->site->db, &stamp_sql, v, 2, &i->db);
}

/* --- steps -------------------------------------------------------------------------------------------------------------------- */

/* 6.x and 7.x refuse launch/patient without a patient, 8.x gives no patient member (contract 8.3). */
static bool
patient_missing(const struct request *r, const struct issue *i)
{
	return i->launch.patient.n == 0 && r->site->compat == COMPAT_CLASSIC && i->role == ROLE_USERS &&
	       !str_eq(i->grant, STR("refresh_token")) && scope_set_has(i->scopes, STR("launch/patient"));
}

static enum step
issue_access(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct str claims;
	if (i->db != NULL && i->db->status != DB_OK)
		return request_unavailable(r, "database down: credential cannot be read");
	if (i->db != NULL && i->db->n_rows > 0)
		i->stamp = db_cell(i->db, 0, i->role == ROLE_PATIENT ? 1 : 0)->s;
	if (i->role == ROLE_PATIENT && !str_eq(i->launch.patient, i->sub))
		i->launch = (struct launch_context){ .patient = i->sub }; /* a patient's context is the patient */
	if (patient_missing(r, i))
		return oauth_refuse(r, OAUTH_PATIENT_CONTEXT, STR_NULL, "launch/patient without a patient");
	i->now_s = clock_real_s(r->worker->clock);
	if (i->grant_started_s == 0)
		i->grant_started_s = i->now_s;
	i->jti = hex_random(r, JTI_BYTES);
	if (i->family.n == 0)
		i->family = oauth_random(r, FAMILY_BYTES);
	if (i->jti.p == NULL || i->family.p == NULL)
		return STEP_FAIL;
	claims = access_claims(r, i);
	struct str typ = r->site->conf->oauth.openemr_rows ? STR("JWT") : STR("at+jwt"); /* RFC 9068 2.1 */
	return claims.p == NULL ? STEP_FAIL
	                        : keyd_sign_jwt(t, r->worker->keyd, r->site->name, typ, claims, &i->signed_access);
}

static enum step
issue_person(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	if (i->signed_access->status != 0)
		return request_unavailable(r, "keyd does not sign");
	i->access = i->signed_access->jwt;
	return scope_set_has(i->scopes, STR("openid")) ? person_read(t, i->role, i->sub, &i->person) : STEP_NEXT;
}

static enum step
issue_id(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct str claims;
	if (i->person == NULL)
		return STEP_NEXT;
	if (i->person->status != DB_OK)
		return request_unavailable(r, "database down: claims cannot be read");
	claims = id_claims(r, i);
	return claims.p == NULL ? STEP_FAIL
	                        : keyd_sign_jwt(t, r->worker->keyd, r->site->name, STR("JWT"), claims, &i->signed_id);
}

static struct str
access_state(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 256, 2048);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("jti"), i->jti); /* first: the revocation script reads it there */
	json_kv_str(&w, STR("family"), i->family);
	json_kv_i64(&w, STR("at"), i->now_s); /* for the manage page */
	if (i->stamp.n > 0)
		json_kv_str(&w, STR("stamp"), i->stamp);
	if (r->site->conf->oauth.openemr_rows)
		json_kv_bool(&w, STR("rows"), true);
	if (launch_binds_patient(&i->launch, i->scopes))
		json_kv_str(&w, STR("patient"), i->launch.patient);
	launch_context_put(&w, &i->launch);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* online_access without offline_access: the refresh token lives as long as the session at this server. SMART App Launch, scopes. */
static bool
online_only(const struct issue *i)
{
	return i->session.n > 0 && !scope_set_has(granted(i), STR("offline_access")) &&
	       scope_set_has(granted(i), STR("online_access"));
}

int64_t
issue_refresh_life_s(const struct request *r, const struct issue *i)
{
	int64_t absolute = i->grant_started_s + r->site->conf->oauth.refresh_ttl_s - i->now_s;
	if (r->site->conf->oauth.refresh_ttl_s == 0) /* no absolute end, as OpenEMR */
		return (int64_t)r->site->conf->oauth.refresh_idle_s;
	return MIN((int64_t)r->site->conf->oauth.refresh_idle_s, absolute);
}

/* The refresh token's record. It never holds the token: its key is the token's hash. */
static struct str
refresh_record(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 1024, RECORD_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client"), i->client_id);
	json_kv_str(&w, STR("sub"), i->sub);
	json_kv_str(&w, STR("role"), role_text(i->role));
	json_kv_str(&w, STR("family"), i->family);
	json_kv_str(&w, STR("access"), key_access_token(r->task.arena, r->site, i->jti));
	json_kv_str(&w, STR("jti"), i->jti);
	json_kv_i64(&w, STR("exp"), i->now_s + issue_refresh_life_s(r, i));
	json_kv_i64(&w, STR("started"), i->grant_started_s);
	json_kv_i64(&w, STR("at"), i->now_s);
	if (i->stamp.n > 0)
		json_kv_str(&w, STR("stamp"), i->stamp);
	if (i->bind_refresh && i->jkt.n > 0)
		json_kv_str(&w, STR("jkt"), i->jkt);
	if (online_only(i))
		json_kv_str(&w, STR("session"), i->session);
	if (i->who.amr.n > 0)
		subject_put(&w, STR("who"), &i->who);
	if (i->sid.n > 0)
		json_kv_str(&w, STR("sid"), i->sid);
	if (r->site->conf->oauth.openemr_rows)
		json_kv_bool(&w, STR("rows"), true);
	launch_context_put(&w, &i->launch);
	json_kv_str(&w, STR("scope"), scopes_text(r, granted(i), 0));
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* What stays of a used token until its family ends: whose it was, so that a second use is known as one. */
static struct str
rotated_record(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 256, 1024);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_bool(&w, STR("rotated"), true);
	json_kv_str(&w, STR("client"), i->client_id);
	json_kv_str(&w, STR("sub"), i->sub);
	json_kv_str(&w, STR("family"), i->family);
	if (i->bind_refresh && i->jkt.n > 0)
		json_kv_str(&w, STR("jkt"), i->jkt);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

struct str
key_successor(struct arena *a, const struct site *site, struct str token)
{
	struct str text = arena_printf(a, "successor %.*s", STR_ARG(token));
	return text.p == NULL ? STR_NULL : key_refresh_token(a, site, text);
}

static int
successor_secret(struct str token, uint8_t key[SEAL_KEY])
{
	return hmac_sha256(token, STR("gatehouse refresh successor"), key);
}

static struct str
answer_text(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 4096, 2 * CLAIMS_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	if (i->id_token.n > 0)
		json_kv_str(&w, STR("id_token"), i->id_token);
	launch_members_put(&w, r, &i->launch, i->scopes);
	json_key(&w, STR("scope")); /* without the api:* entries, as OpenEMR sends it */
	json_str(&w, issue_scopes(r, i, SCOPE_TEXT_NO_API));
	json_kv_str(&w, STR("token_type"), i->jkt.n > 0 ? STR("DPoP") : STR("Bearer"));
	json_kv_i64(&w, STR("expires_in"), i->ttl_s);
	json_kv_str(&w, STR("access_token"), i->access);
	if (i->refresh)
		json_kv_str(&w, STR("refresh_token"), i->refresh_token);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static struct str
answer_sealed(struct request *r, const struct issue *i)
{
	uint8_t key[SEAL_KEY];
	if (successor_secret(i->used.token, key) != 0)
		return STR_NULL;
	struct str sealed = seal(r->task.arena, r->worker->rng, key, i->answer);
	secret_wipe(key, sizeof key);
	return sealed;
}

static enum step
issue_store(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct arena *a = t->arena;
	int64_t life = issue_refresh_life_s(r, i);
	bool rotation = i->used.token.n > 0;
	if (i->signed_id != NULL) {
		if (i->signed_id->status != 0)
			return request_unavailable(r, "keyd does not sign");
		i->id_token = i->signed_id->jwt;
	}
	i->refresh = i->refresh && (scope_set_has(granted(i), STR("offline_access")) || online_only(i)) && life > 0;
	if (i->refresh)
		i->refresh_token = oauth_random(r, REFRESH_BYTES);
	i->answer = answer_text(r, i);
	if (i->answer.p == NULL)
		return STEP_FAIL;
	struct str keys[] = { key_access_token(a, r->site, i->jti), key_family(a, r->site, i->family),
		i->refresh ? key_refresh_token(a, r->site, i->refresh_token) : STR(""),
		rotation ? i->used.key : STR(""), rotation ? key_successor(a, r->site, i->used.token) : STR(""),
		rotation ? i->used.access_key : STR(""), key_grants(a, r->site, i->sub),
		i->code_key.n > 0 ? i->code_key : STR("") };
	struct str args[] = { access_state(r, i), arena_printf(a, "%u", i->ttl_s),
		i->refresh ? refresh_record(r, i) : STR(""), arena_printf(a, "%lld", (long long)MAX(life, 1)),
		rotation ? rotated_record(r, i) : STR(""), rotation ? answer_sealed(r, i) : STR(""),
		arena_printf(a, "%u", r->site->conf->oauth.refresh_grace_s),
		arena_printf(a, "%.*s %.*s", STR_ARG(i->client_id), STR_ARG(i->family)),
		arena_printf(a, "%lld", (long long)i->now_s) };
	for (size_t n = 0; n < NITEMS(keys); n++)
		if (keys[n].p == NULL)
			return STEP_FAIL;
	for (size_t n = 0; n < NITEMS(args); n++)
		if (args[n].p == NULL)
			return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &issue_script, keys, NITEMS(keys), args, NITEMS(args), &i->redis);
}

enum step
issue_same_answer(struct request *r, struct issue *i, struct str sealed)
{
	uint8_t key[SEAL_KEY];
	struct str answer;
	if (successor_secret(i->used.token, key) != 0)
		return STEP_FAIL;
	int rc = unseal(r->task.arena, key, sealed, &answer, &r->task.err);
	secret_wipe(key, sizeof key);
	if (rc != 0)
		return STEP_FAIL;
	oauth_json_begin(r);
	buf_str_put(&r->reply.body, answer);
	r->audit.event = AUDIT_EV_TOKEN_REFRESHED;
	r->audit.rule = STR("refresh grace window");
	r->who.client_id = i->client_id;
	r->who.sub = i->sub;
	return STEP_REPLY;
}

static enum step
issue_stored(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	if (i->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: token state cannot be kept");
	if (i->redis->value.kind == REDIS_STR) /* another use of the token was faster */
		return issue_same_answer(r, i, i->redis->value.s);
	if (i->redis->value.kind != REDIS_INT || i->redis->value.i != 1)
		return oauth_refuse(
		    r, OAUTH_RTK, STR("Token has been revoked"), "refresh token used or revoked meanwhile");
	return r->site->conf->oauth.openemr_rows ? task_push(t, &issue_rows_steps, i) : STEP_NEXT;
}

static enum step
issue_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	oauth_json_begin(r);
	buf_str_put(&r->reply.body, i->answer);
	r->audit.event = str_eq(i->grant, STR("refresh_token")) ? AUDIT_EV_TOKEN_REFRESHED : AUDIT_EV_TOKEN_ISSUED;
	r->who.client_id = i->client_id;
	r->who.sub = i->sub;
	r->who.role = i->role;
	return STEP_REPLY;
}

STEP_TABLE(issue_steps, 0, { "issue_stamp", issue_stamp }, { "issue_access", issue_access },
    { "issue_person", issue_person }, { "issue_id", issue_id }, { "issue_store", issue_store },
    { "issue_stored", issue_stored }, { "issue_reply", issue_reply });
