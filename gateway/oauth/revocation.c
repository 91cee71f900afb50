/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ending grants in Redis and in OpenEMR's rows. */
#include "gateway/oauth/revocation.h"

#include "gateway/config/conf.h"
#include "gateway/core/keys.h"

enum { JTIS_MAX = 16 };

struct str
key_grants(struct arena *a, const struct site *site, struct str sub)
{
	return arena_printf(a, "%.*sgrants:%.*s", STR_ARG(site->redis_prefix), STR_ARG(sub));
}

/* KEYS: the person's grants. ARGV: client, family ('' all of the client), prefix of family sets, key that stays ('' none). Deletes the tokens
 * of each grant; answers {keys deleted, jti, jti ...}.                                                                     */
static const struct redis_script revoke_script = { "revoke",
	LUA_FAMILY_END "local n, out = 0, {} "
	               "if ARGV[2] ~= '' then n = family_end(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], out) "
	               "else "
	               "  local own = ARGV[1] .. ' ' "
	               "  for _, m in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
	               "    if string.sub(m, 1, #own) == own then "
	               "      n = n + family_end(KEYS[1], ARGV[1], string.sub(m, #own + 1), ARGV[3], ARGV[4], out) end "
	               "  end "
	               "end "
	               "table.insert(out, 1, tostring(n)) "
	               "return out" };

static enum step
revoke_redis(struct task *t)
{
	struct request *r = request_of(t);
	struct revoke *v = task_frame(t);
	struct str key = key_grants(t->arena, r->site, v->sub), prefix = key_family(t->arena, r->site, STR(""));
	struct str args[] = { v->client, v->family.n > 0 ? v->family : STR(""), prefix,
		v->keep.n > 0 ? v->keep : STR("") };
	if (key.p == NULL || prefix.p == NULL)
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &revoke_script, &key, 1, args, NITEMS(args), &v->redis);
}

/* Rows by their unique token: a grant has one live access token, a person's app a few. */
static const struct db_stmt tokens_sql = { "revoke_api_tokens",
	"UPDATE api_token SET revoked = 1 WHERE token IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", false };
static const struct db_stmt refresh_sql = { "revoke_api_refresh",
	"UPDATE api_refresh_token SET revoked = 1 WHERE revoked = 0 AND client_id = ? AND user_id = ? AND (? = '' OR "
	"token = ?)",
	false };
static const struct db_stmt trusted_sql = { "revoke_trusted_user",
	"DELETE FROM oauth_trusted_user WHERE client_id = ? AND user_id = ?", false };

enum step
revoke_rows(struct task *t, struct request *r, const struct redis_value *jtis, size_t n, struct db_result **out)
{
	struct db_val *vals = arena_array(t->arena, JTIS_MAX, sizeof *vals);
	*out = NULL;
	if (!r->site->conf->oauth.openemr_rows || n == 0)
		return STEP_NEXT;
	if (vals == NULL)
		return STEP_FAIL;
	for (size_t i = 0; i < JTIS_MAX; i++)
		vals[i] = DB_V_STR(i < n ? jtis[i].s : STR(""));
	return db_query(t, r->site->db, &tokens_sql, vals, JTIS_MAX, out);
}

static enum step
revoke_tokens(struct task *t)
{
	struct request *r = request_of(t);
	struct revoke *v = task_frame(t);
	const struct redis_value *all = &v->redis->value;
	v->db = NULL;
	if (v->redis->status != REDIS_OK || all->kind != REDIS_ARRAY || all->n_items < 1)
		return request_unavailable(r, "redis down: tokens cannot be revoked");
	if (str_to_i64(all->items[0].s, &v->n_tokens) != 0)
		v->n_tokens = 0;
	return revoke_rows(t, r, all->items + 1, all->n_items - 1, &v->db);
}

static enum step
revoke_refresh(struct task *t)
{
	struct request *r = request_of(t);
	struct revoke *v = task_frame(t);
	struct db_val *vals = arena_array(t->arena, 4, sizeof *vals);
	if (!r->site->conf->oauth.openemr_rows)
		return STEP_NEXT;
	if (vals == NULL)
		return STEP_FAIL;
	vals[0] = DB_V_STR(v->client);
	vals[1] = DB_V_STR(v->sub);
	vals[2] = vals[3] = DB_V_STR(v->family.n > 0 ? v->family : STR(""));
	return db_query(t, r->site->db, &refresh_sql, vals, 4, &v->db);
}

static enum step
revoke_trusted(struct task *t)
{
	struct request *r = request_of(t);
	struct revoke *v = task_frame(t);
	struct db_val *vals = arena_array(t->arena, 2, sizeof *vals);
	if (!v->trusted)
		return STEP_NEXT;
	if (vals == NULL)
		return STEP_FAIL;
	vals[0] = DB_V_STR(v->client);
	vals[1] = DB_V_STR(v->sub);
	return db_query(t, r->site->db, &trusted_sql, vals, 2, &v->db);
}

/* The tokens are dead in Redis already: a database that is down delays only what OpenEMR's page shows. */
static enum step
revoke_end(struct task *t)
{
	struct request *r = request_of(t);
	struct revoke *v = task_frame(t);
	if (v->db != NULL && v->db->status != DB_OK)
		LOG(r->worker->log, LOG_WARN, "revoke.rows", F_STR("site", r->site->name), F_ERR(&t->err));
	t->err = (struct err){ 0 };
	return STEP_NEXT;
}

STEP_TABLE(revoke_steps, 0, { "revoke_redis", revoke_redis }, { "revoke_tokens", revoke_tokens },
    { "revoke_refresh", revoke_refresh }, { "revoke_trusted", revoke_trusted }, { "revoke_end", revoke_end });
