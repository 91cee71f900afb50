/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second factor's steps. Wrong codes count per user for an hour, whoever tries them: 10 of 10^6 codes. A right code is marked as
 * used before it counts.                                                                                                   */
#include "gateway/oauth/second_factor.h"

#include "gateway/crypto/totp.h"

enum { TRIES_MAX = 10, TRIES_S = 3600, USED_S = 120 };

static const struct db_stmt registrations_sql = { "mfa_registrations",
	"SELECT method, var1 FROM login_mfa_registrations WHERE user_id = ?", false };

/* KEYS: failures, code used. ARGV: right (1, 0), tries, their life, life of the mark. 1: accepted, 0: wrong, -1: too many, -2: used. */
static const struct redis_script judge_script = { "second_factor",
	"if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[2]) then return -1 end "
	"if ARGV[1] == '1' and redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[4]) then "
	"  redis.call('DEL', KEYS[1]) return 1 end "
	"redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[3]) "
	"if ARGV[1] == '1' then return -2 end "
	"return 0" };

enum step
second_factor_read(struct task *t, struct request *r, int64_t user_id, struct db_result **out)
{
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_I64(user_id);
	return db_query(t, r->site->db, &registrations_sql, v, 1, out);
}

bool
second_factor_served(const struct db_result *registrations)
{
	for (size_t i = 0; i < registrations->n_rows; i++)
		if (str_eq(db_cell(registrations, i, 0)->s, STR("TOTP")))
			return true;
	return false;
}

static enum step
factor_find(struct task *t)
{
	struct second_factor *f = task_frame(t);
	f->ok = f->unsupported = false;
	f->reason = NULL;
	f->locked = false;
	return second_factor_read(t, request_of(t), f->user_id, &f->db);
}

static enum step
factor_check(struct task *t)
{
	struct request *r = request_of(t);
	struct second_factor *f = task_frame(t);
	struct arena *a = t->arena;
	bool readable = false;
	if (f->db->status != DB_OK)
		return request_unavailable(r, "database down: second factor cannot be read");
	f->step = -1;
	for (size_t i = 0; i < f->db->n_rows; i++) {
		struct str secret;
		if (!str_eq(db_cell(f->db, i, 0)->s, STR("TOTP")))
			continue;
		if (totp_secret(a, r->site->crypt, db_cell(f->db, i, 1)->s, &secret, &t->err) != 0)
			continue;
		readable = true;
		int64_t step = totp_check(secret, f->code, clock_real_s(r->worker->clock));
		f->step = step >= 0 ? step : f->step;
	}
	f->unsupported = !readable;
	struct str keys[] = { arena_printf(
		                  a, "%.*smfafails:%lld", STR_ARG(r->site->redis_prefix), (long long)f->user_id),
		arena_printf(a, "%.*stotp:%lld:%lld", STR_ARG(r->site->redis_prefix), (long long)f->user_id,
		    (long long)f->step) };
	struct str args[] = { f->step >= 0 ? STR("1") : STR("0"), arena_printf(a, "%d", TRIES_MAX),
		arena_printf(a, "%d", TRIES_S), arena_printf(a, "%d", USED_S) };
	if (keys[0].p == NULL || keys[1].p == NULL || args[1].p == NULL || args[2].p == NULL || args[3].p == NULL)
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &judge_script, keys, NITEMS(keys), args, NITEMS(args), &f->redis);
}

static enum step
factor_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct second_factor *f = task_frame(t);
	if (f->redis->status != REDIS_OK || f->redis->value.kind != REDIS_INT)
		return request_unavailable(r, "redis down: second factor cannot be judged");
	switch (f->redis->value.i) {
	case 1:
		f->ok = true;
		break;
	case -1:
		f->reason = "second factor: too many wrong codes";
		f->locked = true;
		break;
	case -2:
		f->reason = "second factor: code used before";
		break;
	default:
		f->reason = f->unsupported ? "second factor: no TOTP registration that can be read"
		                           : "OAuth2 MFA (TOTP) code incorrect";
	}
	return STEP_NEXT;
}

STEP_TABLE(second_factor_steps, 0, { "factor_find", factor_find }, { "factor_check", factor_check },
    { "factor_judge", factor_judge });
