/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's rows of what was issued, so that PHP beside Gatehouse accepts, shows and revokes it: api_token, api_refresh_token (one row per
 * grant), oauth_trusted_user. No token, code or secret of ours stands in them. contract/oauth2.md 3.5, 3.6, 14.            */
#include "gateway/base/json_write.h"
#include "gateway/core/keys.h"
#include "gateway/oauth/issue.h"
#include "policy/scope_set.h"

/* --- the texts ------------------------------------------------------------------------------------------------------------------ */

static struct str
scope_array_text(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 1024, ISSUE_SCOPE_MAX);
	json_begin(&w, &b, JSON_PHP);
	json_arr(&w);
	for (size_t n = 0; n < scope_set_count(i->scopes); n++)
		json_str(&w, scope_set_at(i->scopes, n)->text);
	json_arr_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* api_token.context: the launch members as OpenEMR keeps them; "[]" for none. */
static struct str
context_text(struct request *r, const struct issue *i)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 256, 2048);
	json_begin(&w, &b, JSON_PHP);
	json_obj(&w);
	launch_members_put(&w, r, &i->launch, i->scopes);
	json_obj_end(&w);
	return !buf_ok(&b) ? STR_NULL : b.n > 2 ? buf_str(&b) : STR("[]");
}

/* --- the tokens ------------------------------------------------------------------------------------------------------------------ */

static const struct db_stmt token_sql = { "api_token_insert",
	"INSERT INTO api_token (user_id, token, expiry, client_id, scope, revoked, context) "
	"VALUES (?, ?, FROM_UNIXTIME(?), ?, ?, 0, ?)",
	false };
static const struct db_stmt token_over_sql = { "api_token_over", "UPDATE api_token SET revoked = 1 WHERE token = ?",
	false };
/* One row per grant, named by its family: each rotation moves its end. OpenEMR's page revokes the grant by it. */
static const struct db_stmt refresh_sql = { "api_refresh_token_put",
	"INSERT INTO api_refresh_token (user_id, client_id, token, expiry, revoked) VALUES (?, ?, ?, FROM_UNIXTIME(?), "
	"0) "
	"ON DUPLICATE KEY UPDATE expiry = VALUES(expiry)",
	false };

static enum step
row_token(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = arena_array(t->arena, 6, sizeof *v);
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(i->sub);
	v[1] = DB_V_STR(i->jti);
	v[2] = DB_V_I64(i->now_s + i->ttl_s);
	v[3] = DB_V_STR(i->client_id);
	v[4] = DB_V_STR(scope_array_text(r, i));
	v[5] = DB_V_STR(context_text(r, i));
	return db_query(t, r->site->db, &token_sql, v, 6, &i->db);
}

static enum step
token_over(struct task *t, struct str jti)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(jti);
	return db_query(t, r->site->db, &token_over_sql, v, 1, &i->db);
}

/* The access token that the used refresh token came with is over: OpenEMR's page shows it so. */
static enum step
row_used_over(struct task *t)
{
	const struct issue *i = task_frame(t);
	if (i->db->status != DB_OK)
		return request_unavailable(request_of(t), "database down: api_token row");
	return i->used.jti.n == 0 ? STEP_NEXT : token_over(t, i->used.jti);
}

static enum step
row_refresh(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = arena_array(t->arena, 4, sizeof *v);
	if (i->db->status != DB_OK)
		return request_unavailable(r, "database down: api_token row");
	if (!i->refresh)
		return STEP_NEXT;
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(i->sub);
	v[1] = DB_V_STR(i->client_id);
	v[2] = DB_V_STR(i->family);
	v[3] = DB_V_I64(i->now_s + issue_refresh_life_s(r, i));
	return db_query(t, r->site->db, &refresh_sql, v, 4, &i->db);
}

/* --- the person's trust ------------------------------------------------------------------------------------------------------------ */

static const struct db_stmt trusted_find_sql = { "trusted_user_find",
	"SELECT id FROM oauth_trusted_user WHERE client_id = ? AND user_id = ? LIMIT 1", false };
static const struct db_stmt trusted_insert_sql = { "trusted_user_insert",
	"INSERT INTO oauth_trusted_user (user_id, client_id, scope, persist_login, `time`, session_cache, grant_type) "
	"VALUES (?, ?, ?, 0, NOW(), '{}', ?)",
	false };
/* The last grant is what OpenEMR's page shows. */
static const struct db_stmt trusted_update_sql = { "trusted_user_update",
	"UPDATE oauth_trusted_user SET scope = ?, `time` = NOW(), grant_type = ?, code = NULL WHERE id = ?", false };

static enum step
row_trusted_find(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	if (i->db->status != DB_OK)
		return request_unavailable(r, "database down: api_refresh_token row");
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(i->client_id);
	v[1] = DB_V_STR(i->sub);
	return db_query(t, r->site->db, &trusted_find_sql, v, 2, &i->db);
}

static enum step
row_trusted(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct db_val *v = arena_array(t->arena, 4, sizeof *v);
	if (i->db->status != DB_OK)
		return request_unavailable(r, "database down: oauth_trusted_user row");
	if (v == NULL)
		return STEP_FAIL;
	if (i->db->n_rows > 0) {
		if (str_eq(i->grant, STR("refresh_token")))
			return STEP_NEXT;
		v[0] = DB_V_STR(issue_scopes(r, i, 0));
		v[1] = DB_V_STR(i->grant);
		v[2] = DB_V_I64(db_cell(i->db, 0, 0)->i);
		return db_query(t, r->site->db, &trusted_update_sql, v, 3, &i->db);
	}
	v[0] = DB_V_STR(i->sub);
	v[1] = DB_V_STR(i->client_id);
	v[2] = DB_V_STR(issue_scopes(r, i, 0));
	v[3] = DB_V_STR(i->grant);
	return db_query(t, r->site->db, &trusted_insert_sql, v, 4, &i->db);
}

/* --- revoked meanwhile --------------------------------------------------------------------------------------------------------------- */

/* Whoever revokes deletes the token in Redis and then marks its row. A row that came between the two, or of a grant whose code was used again
 * while it was issued, would stay good for PHP: so the row is looked after once it is there.                               */
static enum step
row_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct issue *i = task_frame(t);
	struct str key = key_access_token(t->arena, r->site, i->jti);
	if (i->db->status != DB_OK)
		return request_unavailable(r, "database down: oauth_trusted_user row");
	return key.p == NULL ? STEP_FAIL : REDIS_CALL(t, r->worker->redis, &i->redis, STR("EXISTS"), key);
}

static enum step
row_judge(struct task *t)
{
	struct request *r = request_of(t);
	const struct issue *i = task_frame(t);
	if (i->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: token state cannot be read");
	return i->redis->value.i == 1 ? STEP_NEXT : token_over(t, i->jti);
}

static enum step
row_end(struct task *t)
{
	const struct issue *i = task_frame(t);
	return i->db->status == DB_OK ? STEP_NEXT : request_unavailable(request_of(t), "database down: api_token row");
}

STEP_TABLE(issue_rows_steps, 0, { "row_token", row_token }, { "row_used_over", row_used_over },
    { "row_refresh", row_refresh }, { "row_trusted_find", row_trusted_find }, { "row_trusted", row_trusted },
    { "row_ask", row_ask }, { "row_judge", row_judge }, { "row_end", row_end });
