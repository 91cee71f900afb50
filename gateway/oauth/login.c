/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The login of staff and patients by password, with OpenEMR's rows, order of checks and lockout counters. contract/oauth2.md 6. Every failure
 * looks the same to the client and costs one hash; the reason goes to log and audit. Not for the second factor.           */
#include "gateway/base/text.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/crypto/ldap_bind.h"
#include "gateway/oauth/rehash.h"

enum limit { USER_MAX, USER_RESET_S, IP_MAX, IP_RESET_S, EXPIRE_DAYS, GRACE_DAYS, SIGNIN_EMAIL, LIMIT_N };

/* Globals that rule logins, with OpenEMR's defaults where a row is missing (contract 13). */
static const struct {
	struct str name;
	int64_t otherwise;
} limits[LIMIT_N] = {
	[USER_MAX] = { STR_INIT("password_max_failed_logins"), 20 },
	[USER_RESET_S] = { STR_INIT("time_reset_password_max_failed_logins"), 3600 },
	[IP_MAX] = { STR_INIT("ip_max_failed_logins"), 100 },
	[IP_RESET_S] = { STR_INIT("ip_time_reset_password_max_failed_logins"), 3600 },
	[EXPIRE_DAYS] = { STR_INIT("password_expiration_days"), 180 },
	[GRACE_DAYS] = { STR_INIT("password_grace_time"), 30 },
	[SIGNIN_EMAIL] = { STR_INIT("enforce_signin_email"), 1 },
};
_Static_assert(LIMIT_N <= NITEMS(((struct login *)0)->limits), "room for the limits");

static enum step
failed(struct login *l, const char *reason)
{
	if (l->reason == NULL)
		l->reason = reason;
	return STEP_NEXT;
}

/* ... because of too many failures before, or by an administrator's hand. */
static enum step
locked_out(struct login *l, const char *reason)
{
	l->locked |= l->reason == NULL;
	return failed(l, reason);
}

static int64_t
number(const struct db_cell *c, int64_t absent)
{
	int64_t v;
	if (c->kind == DB_C_INT)
		return c->i;
	return c->kind == DB_C_TEXT && str_to_i64(c->s, &v) == 0 ? v : absent;
}

/* Is a counter of this age still held against somebody? As OpenEMR: with 0 it never ends by itself, nor while its age is unknown. */
static bool
counter_held(int64_t age_s, int64_t reset_s)
{
	return reset_s <= 0 || age_s <= reset_s;
}

/* The age in SQL behind which a counter begins anew. */
static struct db_val
counter_life(int64_t reset_s)
{
	return DB_V_I64(reset_s <= 0 ? INT64_MAX : reset_s);
}

/* --- limits and the address ------------------------------------------------------------------------------------------------ */

static const struct db_stmt globals_sql = { "login_globals",
	"SELECT gl_name, gl_value FROM globals WHERE gl_index = 0 AND gl_name IN ('password_max_failed_logins', "
	"'time_reset_password_max_failed_logins', 'ip_max_failed_logins', 'ip_time_reset_password_max_failed_logins', "
	"'password_expiration_days', 'password_grace_time', 'enforce_signin_email', 'gbl_auth_hash_algo', "
	"'gbl_auth_bcrypt_hash_cost', 'gbl_auth_argon_hash_memory_cost', 'gbl_auth_argon_hash_time_cost', "
	"'gbl_auth_argon_hash_thread_cost', 'gbl_auth_sha512_rounds', 'gbl_ldap_enabled', 'gbl_ldap_host', "
	"'gbl_ldap_dn', "
	"'gbl_ldap_exclusions')",
	false };

static enum step
login_globals(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	return db_query(t, r->site->db, &globals_sql, NULL, 0, &l->db);
}

/* The directory's settings. contract 6.1.8, 13. */
static void
directory_read(struct login *l, struct str name, const struct db_cell *value)
{
	if (str_eq(name, STR("gbl_ldap_enabled")))
		l->ldap_on = number(value, 0) == 1;
	else if (str_eq(name, STR("gbl_ldap_host")))
		l->ldap_host = value->s;
	else if (str_eq(name, STR("gbl_ldap_dn")))
		l->ldap_dn = value->s;
	else if (str_eq(name, STR("gbl_ldap_exclusions")))
		l->ldap_exclusions = value->s;
}

/* Names in the exclusions keep their password in OpenEMR; of all others, and of names that nobody has, the directory is asked. */
static bool
in_directory(const struct login *l)
{
	struct str list = l->ldap_exclusions, one;
	if (!l->ldap_on || l->ldap_host.n == 0 || l->ldap_dn.n == 0)
		return false;
	while (str_next(&list, ',', &one))
		if (str_eq(str_trim(one), l->username))
			return false;
	return true;
}

static void
limits_read(struct login *l, const struct db_result *res)
{
	for (unsigned i = 0; i < LIMIT_N; i++)
		l->limits[i] = limits[i].otherwise;
	hash_params_begin(&l->hash_params);
	for (size_t row = 0; row < res->n_rows; row++)
		directory_read(l, db_cell(res, row, 0)->s, db_cell(res, row, 1));
	for (size_t row = 0; row < res->n_rows; row++)
		hash_params_global(&l->hash_params, db_cell(res, row, 0)->s, db_cell(res, row, 1)->s);
	for (size_t row = 0; row < res->n_rows; row++)
		for (unsigned i = 0; i < LIMIT_N; i++)
			if (str_eq(db_cell(res, row, 0)->s, limits[i].name))
				l->limits[i] = number(db_cell(res, row, 1), limits[i].otherwise);
}

static const struct db_stmt address_sql = { "login_address",
	"SELECT ip_force_block, ip_login_fail_counter, TIMESTAMPDIFF(SECOND, ip_last_login_fail, NOW()) FROM "
	"ip_tracking "
	"WHERE ip_string = ?",
	false };

static enum step
login_address(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (l->db->status != DB_OK)
		return request_unavailable(r, "database down: login rules cannot be read");
	limits_read(l, l->db);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(r->client_address);
	return db_query(t, r->site->db, &address_sql, v, 1, &l->db);
}

/* ip_tracking came with 7.0.2: where the table is missing (DB_REFUSED) addresses are not counted. */
static void
address_judge(struct login *l)
{
	if (l->db->status != DB_OK || l->db->n_rows == 0 || l->limits[IP_MAX] == 0)
		return;
	bool forced = number(db_cell(l->db, 0, 0), 0) == 1;
	bool full = number(db_cell(l->db, 0, 1), 0) >= l->limits[IP_MAX] &&
	            counter_held(number(db_cell(l->db, 0, 2), 0), l->limits[IP_RESET_S]);
	if (forced)
		(void)locked_out(l, "IP address has been manually blocked");
	else if (full)
		(void)locked_out(l, "IP address exceeded maximum number of failed logins");
}

static enum step
address_status(struct request *r, struct login *l)
{
	if (l->db->status == DB_DOWN || l->db->status == DB_TIMEOUT)
		return request_unavailable(r, "database down: address cannot be checked");
	r->task.err = (struct err){ 0 }; /* DB_REFUSED: no such table in this generation */
	address_judge(l);
	return STEP_NEXT;
}

/* --- staff ------------------------------------------------------------------------------------------------------------------- */

/* last_login_fail and the total came with 7.0.2: before it a counter that is full stays full until it is reset. */
#define STAFF_SQL(fail_age)                                                                                            \
	"SELECT u.id, u.uuid, u.username, u.active, s.password, s.login_fail_counter, " fail_age                       \
	", TIMESTAMPDIFF(DAY, s.last_update_password, NOW()), "                                                        \
	"EXISTS (SELECT 1 FROM `groups` g WHERE BINARY g.user = BINARY u.username), "                                  \
	"EXISTS (SELECT 1 FROM gacl_aro a JOIN gacl_groups_aro_map m ON m.aro_id = a.id "                              \
	"WHERE a.section_value = 'users' AND a.value = u.username), "                                                  \
	"EXISTS (SELECT 1 FROM login_mfa_registrations f WHERE f.user_id = u.id), "                                    \
	"LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16) "                                                   \
	"FROM users u LEFT JOIN users_secure s ON s.id = u.id WHERE u.username = ? AND BINARY u.username = BINARY ?"
static const struct db_stmt staff_sql = { "login_staff", STAFF_SQL("TIMESTAMPDIFF(SECOND, s.last_login_fail, NOW())"),
	false };
static const struct db_stmt staff_before_702_sql = { "login_staff_before_702", STAFF_SQL("0"), false };
enum { S_ID, S_UUID, S_NAME, S_ACTIVE, S_PASSWORD, S_FAILS, S_FAIL_AGE, S_AGE_DAYS, S_GROUP, S_ARO, S_MFA, S_STAMP };

static enum step
staff_find(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	enum step s = address_status(r, l);
	if (s != STEP_NEXT)
		return s;
	if (v == NULL)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_STR(l->username);
	return db_query(t, r->site->db, &staff_sql, v, 2, &l->db);
}

static enum step
staff_find_before_702(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	if (l->db->status != DB_REFUSED)
		return STEP_NEXT;
	if (v == NULL)
		return STEP_FAIL;
	t->err = (struct err){ 0 };
	l->before_702 = true;
	v[0] = v[1] = DB_V_STR(l->username);
	return db_query(t, r->site->db, &staff_before_702_sql, v, 2, &l->db);
}

static void
staff_row(struct login *l, const struct db_result *res)
{
	const struct db_cell *uuid = db_cell(res, 0, S_UUID);
	l->account_found = true;
	l->user_id = number(db_cell(res, 0, S_ID), 0);
	l->canonical_name = db_cell(res, 0, S_NAME)->s;
	l->fail_counter = number(db_cell(res, 0, S_FAILS), 0);
	l->fail_age_s = number(db_cell(res, 0, S_FAIL_AGE), 0);
	l->stamp = db_cell(res, 0, S_STAMP)->s;
	l->mfa_required = number(db_cell(res, 0, S_MFA), 0) == 1;
	l->stored = db_cell(res, 0, S_PASSWORD)->s;
	int64_t age = number(db_cell(res, 0, S_AGE_DAYS), 0);
	if (number(db_cell(res, 0, S_ACTIVE), 0) != 1)
		(void)failed(l, "user not active");
	if (number(db_cell(res, 0, S_GROUP), 0) != 1)
		(void)failed(l, "user not found in a group");
	if (number(db_cell(res, 0, S_ARO), 0) != 1)
		(void)failed(l, "user not in any phpGACL groups");
	if (l->stored.n == 0)
		(void)failed(l, "user credentials not found");
	if (uuid->kind != DB_C_TEXT || uuid->s.n != sizeof l->uuid.b)
		(void)failed(l, "user has no uuid");
	else
		memcpy(l->uuid.b, uuid->s.p, sizeof l->uuid.b);
	if (l->limits[USER_MAX] > 0 && l->fail_counter >= l->limits[USER_MAX] &&
	    counter_held(l->fail_age_s, l->limits[USER_RESET_S]))
		(void)locked_out(l, "user exceeded maximum number of failed logins");
	if (!l->ldap && l->limits[EXPIRE_DAYS] > 0 && age > l->limits[EXPIRE_DAYS] + l->limits[GRACE_DAYS])
		(void)failed(l, "user password is expired");
}

/* A name that nobody has, and a password of the typed one's length that nobody chose: so a login that has failed already takes the time of a
 * bind, counts against nobody there and tells the directory nothing. A byte 0 stays, it is refused without a bind (hashd). */
static int
nobody_make(struct task *t, const struct login *l, struct str *name, struct str *password)
{
	static const char digits[] = "0123456789abcdef";
	enum { NAME = 32 };
	size_t n = NAME + l->password.n;
	char *p = arena_raw(t->arena, n);
	if (p == NULL)
		return -1;
	rng_bytes(request_of(t)->worker->rng, p, n);
	for (size_t i = 0; i < n; i++)
		p[i] = i >= NAME && l->password.p[i - NAME] == 0 ? 0 : digits[(unsigned char)p[i] & 15];
	*name = (struct str){ p, NAME };
	*password = (struct str){ p + NAME, l->password.n };
	return 0;
}

/* A bind as the person, in hashd: StartTLS where OpenEMR's ldap-ca stands. */
static enum step
directory_check(struct task *t, struct login *l)
{
	struct str name = l->canonical_name, password = l->password;
	struct request *r = request_of(t);
	struct str dir = r->site->conf->openemr_sites_dir;
	struct str ca =
	    dir.n == 0 ? STR("") : arena_printf(t->arena, "%.*s/documents/certificates/ldap-ca", STR_ARG(dir));
	struct buf dn;
	buf_init(&dn, t->arena, 256, 2048);
	if (ca.p == NULL || (l->reason != NULL && nobody_make(t, l, &name, &password) != 0) ||
	    ldap_dn_put(&dn, l->ldap_dn, name) != 0)
		return STEP_FAIL;
	return hashd_ldap(t, r->worker->hashd, (struct secret){ password }, l->ldap_host, buf_str(&dn), ca, &l->hash);
}

/* One hash, or one bind, in every case: against the stored one, or a dummy where there is none or the login has failed already. */
static enum step
hash_check(struct task *t, struct login *l)
{
	struct request *r = request_of(t);
	struct str stored = l->reason == NULL ? l->stored : STR("");
	if (l->ldap)
		return directory_check(t, l);
	return hashd_verify(t, r->worker->hashd, (struct secret){ l->password }, stored, &l->hash_params, &l->hash);
}

static enum step
staff_hash(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	if (l->db->status == DB_REFUSED && utf8_has_astral(l->username)) {
		/* a column of utf8mb3 (5.0.2, and what grew from it) is not compared with such text: nobody has that name */
		t->err = (struct err){ 0 };
		l->db = ARENA_NEW(t->arena, struct db_result);
		if (l->db == NULL)
			return STEP_FAIL;
		*l->db = (struct db_result){ .status = DB_OK };
	}
	if (l->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be looked up");
	l->ldap = in_directory(l);
	if (l->db->n_rows == 0)
		(void)failed(l, "user not found");
	else
		staff_row(l, l->db);
	return hash_check(t, l);
}

static enum step
hash_judge(struct request *r, struct login *l)
{
	switch (l->hash->verdict) {
	case HASH_BUSY:
		return request_unavailable(r, "too many logins at once");
	case HASH_DOWN:
		return request_unavailable(
		    r, l->ldap ? "the directory or hashd does not answer" : "hashd does not answer");
	case HASH_INVALID:
		return failed(
		    l, l->patient ? "patient stored password hash is invalid" : "user stored password hash is invalid");
	case HASH_MISMATCH:
		return failed(l, l->patient ? "patient password incorrect"
		                 : l->ldap  ? "user failed ldap authentication"
		                            : "user password incorrect");
	case HASH_MATCH:
		break;
	}
	l->ok = l->reason == NULL;
	return STEP_NEXT;
}

/* OpenEMR's counters: a blocked try increments too; a success resets. */
static const struct db_stmt staff_failed_sql = { "login_staff_failed",
	"UPDATE users_secure SET total_login_fail_counter = total_login_fail_counter + 1, "
	"login_fail_counter = IF(? AND TIMESTAMPDIFF(SECOND, last_login_fail, NOW()) > ?, 1, login_fail_counter + 1), "
	"last_login_fail = NOW() WHERE id = ?",
	false };
static const struct db_stmt staff_good_sql = { "login_staff_good",
	"UPDATE users_secure SET login_fail_counter = 0, last_login_fail = NULL WHERE id = ? AND login_fail_counter > "
	"0",
	false };
static const struct db_stmt staff_failed_before_702_sql = { "login_staff_failed_before_702",
	"UPDATE users_secure SET login_fail_counter = login_fail_counter + 1 WHERE id = ?", false };
static const struct db_stmt staff_good_before_702_sql = { "login_staff_good_before_702",
	"UPDATE users_secure SET login_fail_counter = 0 WHERE id = ? AND login_fail_counter > 0", false };

static enum step
staff_count(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = arena_array(t->arena, 3, sizeof *v);
	enum step s = hash_judge(r, l);
	if (s != STEP_NEXT || !l->account_found)
		return s;
	if (v == NULL)
		return STEP_FAIL;
	if (l->ok || l->before_702) {
		const struct db_stmt *good = l->before_702 ? &staff_good_before_702_sql : &staff_good_sql;
		v[0] = DB_V_I64(l->user_id);
		return db_query(t, r->site->db, l->ok ? good : &staff_failed_before_702_sql, v, 1, &l->db);
	}
	v[0] = DB_V_I64(l->limits[USER_MAX] > 0);
	v[1] = counter_life(l->limits[USER_RESET_S]);
	v[2] = DB_V_I64(l->user_id);
	return db_query(t, r->site->db, &staff_failed_sql, v, 3, &l->db);
}

static const struct db_stmt address_failed_sql = { "login_address_failed",
	"INSERT INTO ip_tracking (ip_string, total_ip_login_fail_counter, ip_login_fail_counter, ip_last_login_fail) "
	"VALUES (?, 1, 1, NOW()) "
	"ON DUPLICATE KEY UPDATE total_ip_login_fail_counter = total_ip_login_fail_counter + 1, "
	"ip_login_fail_counter = IF(TIMESTAMPDIFF(SECOND, ip_last_login_fail, NOW()) > ?, 1, ip_login_fail_counter + "
	"1), "
	"ip_last_login_fail = NOW()",
	false };
static const struct db_stmt address_good_sql = { "login_address_good",
	"UPDATE ip_tracking SET ip_login_fail_counter = 0, ip_last_login_fail = NULL WHERE ip_string = ? AND "
	"ip_login_fail_counter > 0",
	false };

/* No guess goes uncounted: whose counter could not be written gets no answer, right or wrong. */
static enum step
address_count(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	if (l->db->status != DB_OK || (l->redis != NULL && l->redis->status != REDIS_OK))
		return request_unavailable(r, "failed logins cannot be counted");
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(r->client_address);
	v[1] = counter_life(l->limits[IP_RESET_S]);
	return db_query(t, r->site->db, l->ok ? &address_good_sql : &address_failed_sql, v, l->ok ? 1 : 2, &l->db);
}

static enum step
login_end(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	if (l->db->status == DB_DOWN || l->db->status == DB_TIMEOUT)
		return request_unavailable(r, "database down: failed logins cannot be counted");
	t->err = (struct err){ 0 }; /* a generation without ip_tracking */
	return l->ok && l->hash->outdated ? task_push(t, &rehash_steps, l) : STEP_NEXT;
}

STEP_TABLE(login_staff_steps, 0, { "login_globals", login_globals }, { "login_address", login_address },
    { "staff_find", staff_find }, { "staff_find_before_702", staff_find_before_702 }, { "staff_hash", staff_hash },
    { "staff_count", staff_count }, { "address_count", address_count }, { "login_end", login_end });

/* --- patients ------------------------------------------------------------------------------------------------------------------ */

static const struct db_stmt patient_sql = { "login_patient",
	"SELECT a.pid, p.uuid, a.portal_username, a.portal_login_username, a.portal_pwd, a.portal_pwd_status, "
	"a.portal_onetime, "
	"p.allow_patient_portal, p.email, LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16) FROM patient_access_onsite a "
	"LEFT JOIN patient_data p ON p.pid = a.pid "
	"WHERE BINARY a.portal_login_username = BINARY ?",
	false };
enum { P_PID, P_UUID, P_USERNAME, P_LOGIN, P_PASSWORD, P_STATUS, P_ONETIME, P_ALLOWED, P_EMAIL, P_STAMP };

static enum step
patient_find(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	enum step s = address_status(r, l);
	if (s != STEP_NEXT)
		return s;
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(l->username);
	return db_query(t, r->site->db, &patient_sql, v, 1, &l->db);
}

static void
patient_row(struct login *l, const struct db_result *res)
{
	const struct db_cell *uuid = db_cell(res, 0, P_UUID);
	struct str email = db_cell(res, 0, P_EMAIL)->s;
	l->account_found = true;
	l->pid = number(db_cell(res, 0, P_PID), 0);
	l->canonical_name = db_cell(res, 0, P_LOGIN)->s;
	l->stored = db_cell(res, 0, P_PASSWORD)->s;
	l->stamp = db_cell(res, 0, P_STAMP)->s;
	if (db_cell(res, 0, P_USERNAME)->s.n == 0 || l->stored.n == 0)
		(void)failed(l, "patient missing username, login username, or password");
	if (db_cell(res, 0, P_ONETIME)->s.n > 0)
		(void)failed(l, "patient account not yet verified (portal_onetime set)");
	if (number(db_cell(res, 0, P_STATUS), 0) != 1)
		(void)failed(l, "patient account not yet verified (portal_pwd_status is not 1)");
	if (uuid->kind != DB_C_TEXT || uuid->s.n != sizeof l->uuid.b)
		(void)failed(l, "patient not found");
	else
		memcpy(l->uuid.b, uuid->s.p, sizeof l->uuid.b);
	if (!str_eq(db_cell(res, 0, P_ALLOWED)->s, STR("YES")))
		(void)failed(l, "patient does not permit portal access");
	if (l->limits[SIGNIN_EMAIL] == 0)
		return;
	if (l->email.n == 0)
		(void)failed(l, "patient email was not included in credentials");
	else if (email.n == 0)
		(void)failed(l, "patient does not have an email in demographics");
	else if (!str_eq(email, l->email))
		(void)failed(l, "patient email not correct");
}

/* patient_access_onsite has no counters: Gatehouse keeps them in Redis, by login name, for as long as OpenEMR would keep those of staff; where
 * these never end, for the default time, since nobody has a page to end them.                                             */
static struct str
patient_counter(struct request *r, const struct login *l)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(l->username, hash);
	buf_init(&b, r->task.arena, 128, 512);
	buf_str_put(&b, r->site->redis_prefix);
	buf_lit(&b, "fails:");
	hex_put(&b, hash, sizeof hash);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static enum step
patient_fails(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct str key = patient_counter(r, l);
	if (l->db->status != DB_OK)
		return request_unavailable(r, "database down: patient cannot be looked up");
	if (l->db->n_rows != 1)
		(void)failed(l, "patient portal information not found");
	else
		patient_row(l, l->db);
	return key.p == NULL ? STEP_FAIL : REDIS_CALL(t, r->worker->redis, &l->redis, STR("GET"), key);
}

static enum step
patient_hash(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	if (l->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: failed logins cannot be counted");
	if (l->redis->value.kind == REDIS_STR && str_to_i64(l->redis->value.s, &l->fail_counter) == 0 &&
	    l->limits[USER_MAX] > 0 && l->fail_counter >= l->limits[USER_MAX])
		(void)locked_out(l, "patient exceeded maximum number of failed logins");
	return hash_check(t, l);
}

static const struct redis_script count_script = { "login_fails",
	"local n = redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[1]) return n" };

static enum step
patient_count(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct str key = patient_counter(r, l), life;
	enum step s = hash_judge(r, l);
	if (s != STEP_NEXT)
		return s;
	life = arena_printf(t->arena, "%lld",
	    (long long)(l->limits[USER_RESET_S] > 0 ? l->limits[USER_RESET_S] : limits[USER_RESET_S].otherwise));
	if (key.p == NULL || life.p == NULL)
		return STEP_FAIL;
	if (l->ok)
		return REDIS_CALL(t, r->worker->redis, &l->redis, STR("DEL"), key);
	return redis_eval(t, r->worker->redis, &count_script, &key, 1, &life, 1, &l->redis);
}

STEP_TABLE(login_patient_steps, 0, { "login_globals", login_globals }, { "login_address", login_address },
    { "patient_find", patient_find }, { "patient_fails", patient_fails }, { "patient_hash", patient_hash },
    { "patient_count", patient_count }, { "address_count", address_count }, { "login_end", login_end });

int
login_subject(struct request *r, const struct login *l, struct subject *who)
{
	char *sub = arena_raw(r->task.arena, UUID_TEXT + 1);
	if (sub == NULL)
		return -1;
	uuid_text(&l->uuid, sub);
	*who = (struct subject){ .role = l->patient ? ROLE_PATIENT : ROLE_USERS,
		.sub = { sub, UUID_TEXT },
		.username = l->canonical_name,
		.user_id = l->user_id,
		.pid = l->pid,
		.stamp = l->stamp,
		.auth_time_s = clock_real_s(r->worker->clock),
		.amr = STR("pwd") };
	return 0;
}
