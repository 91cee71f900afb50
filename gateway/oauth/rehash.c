/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Password hashes follow the site's settings: after a right password whose hash has another algorithm or cost, a new one is made and stored,
 * unless the row has changed meanwhile. It never fails the login. contract/oauth2.md 6.1.9, 6.4.                           */
#include "gateway/oauth/rehash.h"

#include "gateway/crypto/hash.h"

static const struct hash_params defaults = { HASH_BCRYPT, 10, 65536, 4, 1, 100000 };

static const struct {
	struct str name;
	enum hash_algo algo;
} algorithms[] = {
	{ STR_INIT("BCRYPT"), HASH_BCRYPT },
	{ STR_INIT("ARGON2I"), HASH_ARGON2I },
	{ STR_INIT("ARGON2ID"), HASH_ARGON2ID },
	{ STR_INIT("SHA512HASH"), HASH_SHA512 },
};
/* Numbers, within what a login may cost; "DEFAULT" and the rest keep PHP's. */
static const struct {
	struct str name;
	size_t offset;
	uint64_t min, max;
} costs[] = {
	{ STR_INIT("gbl_auth_bcrypt_hash_cost"), offsetof(struct hash_params, bcrypt_cost), 4, 16 },
	{ STR_INIT("gbl_auth_argon_hash_memory_cost"), offsetof(struct hash_params, argon_memory_kib), 8, 1 << 20 },
	{ STR_INIT("gbl_auth_argon_hash_time_cost"), offsetof(struct hash_params, argon_time), 1, 64 },
	{ STR_INIT("gbl_auth_argon_hash_thread_cost"), offsetof(struct hash_params, argon_threads), 1, 16 },
	{ STR_INIT("gbl_auth_sha512_rounds"), offsetof(struct hash_params, sha512_rounds), 1000, 10000000 },
};

void
hash_params_begin(struct hash_params *p)
{
	*p = defaults;
}

void
hash_params_global(struct hash_params *p, struct str name, struct str value)
{
	uint64_t n;
	if (str_eq(name, STR("gbl_auth_hash_algo")))
		for (size_t i = 0; i < NITEMS(algorithms); i++)
			if (str_eq(value, algorithms[i].name))
				p->algo = algorithms[i].algo;
	for (size_t i = 0; i < NITEMS(costs); i++)
		if (str_eq(name, costs[i].name) && str_to_u64(value, costs[i].max, &n) == 0 && n >= costs[i].min)
			*(unsigned *)(void *)((char *)p + costs[i].offset) = (unsigned)n;
}

/* --- steps ---------------------------------------------------------------------------------------------------------------------------- */

static enum step
rehash_make(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	return hashd_make(t, r->worker->hashd, (struct secret){ l->password }, &l->hash_params, &l->hash);
}

/* Before 6.0 PHP compares with a salt of another column: it could not read a hash of ours. */
#define NO_COLUMN(table, column)                                                                                       \
	"NOT EXISTS (SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = "       \
	"'" table "' AND COLUMN_NAME = '" column "')"
static const struct db_stmt staff_sql = { "rehash_staff",
	"UPDATE users_secure SET password = ? WHERE id = ? AND BINARY password = BINARY ? AND " NO_COLUMN(
	    "users_secure", "salt"),
	false };
/* The column was shorter once: a cut hash would lock the patient out. */
static const struct db_stmt patient_sql = { "rehash_patient",
	"UPDATE patient_access_onsite SET portal_pwd = ? WHERE pid = ? AND BINARY portal_pwd = BINARY ? AND "
	"(SELECT CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND "
	"TABLE_NAME = 'patient_access_onsite' AND COLUMN_NAME = 'portal_pwd') >= ? AND " NO_COLUMN(
	    "patient_access_onsite", "portal_salt"),
	false };

static enum step
rehash_store(struct task *t)
{
	struct request *r = request_of(t);
	struct login *l = task_frame(t);
	struct db_val *v = arena_array(t->arena, 4, sizeof *v);
	l->db = NULL;
	if (l->hash->verdict != HASH_MATCH || l->hash->hash.n == 0)
		return STEP_NEXT; /* another time */
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(l->hash->hash);
	v[1] = DB_V_I64(l->patient ? l->pid : l->user_id);
	v[2] = DB_V_STR(l->stored);
	v[3] = DB_V_I64((int64_t)l->hash->hash.n);
	return db_query(t, r->site->db, l->patient ? &patient_sql : &staff_sql, v, l->patient ? 4 : 3, &l->db);
}

/* A patient's stamp is of the hash itself: the session that begins now knows the new one. */
static enum step
rehash_end(struct task *t)
{
	struct login *l = task_frame(t);
	uint8_t hash[SHA256_LEN];
	struct buf b;
	t->err = (struct err){ 0 };
	if (l->db == NULL || l->db->status != DB_OK || l->db->affected != 1 || !l->patient)
		return STEP_NEXT;
	sha256(l->hash->hash, hash);
	buf_init(&b, t->arena, 16, 16);
	hex_put(&b, hash, 8);
	l->stamp = buf_str(&b);
	return STEP_NEXT;
}

STEP_TABLE(
    rehash_steps, 0, { "rehash_make", rehash_make }, { "rehash_store", rehash_store }, { "rehash_end", rehash_end });
