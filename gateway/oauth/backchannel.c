/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One task per client to be told. */
#include "gateway/oauth/backchannel.h"

#include "gateway/base/json_write.h"
#include "gateway/base/text.h"
#include "gateway/config/conf.h"
#include "gateway/crypto/keyd.h"
#include "gateway/net/http_client.h"
#include "gateway/oauth/endpoint.h"

#include <stdlib.h>

enum {
	JOB_ARENA = 512 << 10,
	TOKEN_LIFE_S = 120,
	JTI_BYTES = 16,
	ANSWER_MAX = 4 << 10,
	AGAIN_MS = 2000,
	JOBS_MAX = 1000
};

struct job {
	struct task task;
	struct arena *arena;
	struct site *site;
	struct str client_id, sub, sid, uri;
	struct redis_result *redis;
	struct db_result *db;
	struct keyd_result *token;
	struct http_answer *answer;
};
static unsigned n_jobs; /* of this worker */

static const struct db_stmt enabled_sql = { "backchannel_client",
	"SELECT is_enabled FROM oauth_clients WHERE client_id = ?", false };

static struct job *
job_of(struct task *t)
{
	return CONTAINER_OF(t, struct job, task);
}

static enum step
job_find(struct task *t)
{
	struct job *j = job_of(t);
	struct str key = key_client(t->arena, j->site, j->client_id);
	return key.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, j->site->worker->redis, &j->redis, STR("HGET"), key, STR("backchannel_logout_uri"));
}

static enum step
job_enabled(struct task *t)
{
	struct job *j = job_of(t);
	struct db_val v = DB_V_STR(j->client_id);
	if (j->redis->status != REDIS_OK || j->redis->value.kind != REDIS_STR || j->redis->value.s.n == 0)
		return STEP_FAIL; /* none registered */
	j->uri = j->redis->value.s;
	return db_query(t, j->site->db, &enabled_sql, &v, 1, &j->db);
}

/* Back-Channel Logout 2.4: events, sid, and never a nonce. */
static struct str
logout_claims(struct job *j)
{
	struct worker *w = j->site->worker;
	uint8_t raw[JTI_BYTES];
	struct json_write jw;
	struct buf b, jti;
	int64_t now = clock_real_s(w->clock);
	rng_bytes(w->rng, raw, sizeof raw);
	buf_init(&jti, j->arena, 64, 64);
	hex_put(&jti, raw, sizeof raw);
	buf_init(&b, j->arena, 1024, 8 << 10);
	json_begin(&jw, &b, JSON_PLAIN);
	json_obj(&jw);
	json_kv_str(&jw, STR("iss"), j->site->issuer);
	json_kv_str(&jw, STR("sub"), j->sub);
	json_kv_str(&jw, STR("aud"), j->client_id);
	json_kv_i64(&jw, STR("iat"), now);
	json_kv_i64(&jw, STR("exp"), now + TOKEN_LIFE_S);
	json_kv_str(&jw, STR("jti"), buf_str(&jti));
	if (j->sid.n > 0)
		json_kv_str(&jw, STR("sid"), j->sid);
	json_key(&jw, STR("events"));
	json_raw(&jw, STR("{\"http://schemas.openid.net/event/backchannel-logout\":{}}"));
	json_obj_end(&jw);
	return buf_ok(&b) && buf_ok(&jti) ? buf_str(&b) : STR_NULL;
}

static enum step
job_sign(struct task *t)
{
	struct job *j = job_of(t);
	if (j->db->status != DB_OK || j->db->n_rows == 0 || db_cell(j->db, 0, 0)->i != 1)
		return STEP_FAIL;
	struct str claims = logout_claims(j);
	return claims.p == NULL
	           ? STEP_FAIL
	           : keyd_sign_jwt(t, j->site->worker->keyd, j->site->name, STR("logout+jwt"), claims, &j->token);
}

static enum step
job_post(struct task *t)
{
	struct job *j = job_of(t);
	const struct worker *w = j->site->worker;
	if (j->token->status != 0)
		return STEP_FAIL;
	if (j->answer != NULL && (j->answer->status == 200 || j->answer->status == 204))
		return STEP_NEXT;
	struct http_ask ask = { .url = j->uri,
		.content_type = STR("application/x-www-form-urlencoded"),
		.body = arena_printf(t->arena, "logout_token=%.*s", STR_ARG(j->token->jwt)),
		.answer_max = ANSWER_MAX,
		.deadline_ms = w->conf->outbound.timeout_ms };
	return ask.body.p == NULL ? STEP_FAIL : http_client_call(t, w->outbound, &ask, &j->answer);
}

static enum step
job_again(struct task *t)
{
	const struct job *j = job_of(t);
	/* a 400 is the client's last word: it did not accept the token (2.8) */
	bool settled = j->answer->status == 200 || j->answer->status == 204 || j->answer->status == 400;
	return settled ? STEP_REPLY : task_sleep(t, AGAIN_MS);
}

static enum step
job_tell(struct task *t)
{
	const struct job *j = job_of(t);
	const struct log *log = j->site->worker->log;
	if (j->answer == NULL)
		return STEP_NEXT;
	if (j->answer->status == 200 || j->answer->status == 204)
		LOG(log, LOG_INFO, "backchannel_logout.done", F_STR("site", j->site->name),
		    F_STR("client", j->client_id));
	else
		LOG(log, LOG_WARN, "backchannel_logout.failed", F_STR("site", j->site->name),
		    F_STR("client", j->client_id), F_INT("status", j->answer->status),
		    F_STR("why", j->answer->why == NULL ? STR("") : str_of(j->answer->why)));
	return STEP_NEXT;
}

static STEP_TABLE(job_steps, 6, { "job_find", job_find }, { "job_enabled", job_enabled }, { "job_sign", job_sign },
    { "job_post", job_post }, { "job_again", job_again }, { "job_post", job_post }, { "job_tell", job_tell });

static void
job_done(struct task *t)
{
	struct job *j = job_of(t);
	n_jobs--;
	arena_free(&j->arena);
	free(j);
}

void
backchannel_logout(struct site *site, struct str client_id, struct str sub, struct str sid)
{
	struct job *j = n_jobs >= JOBS_MAX ? NULL : calloc(1, sizeof *j);
	if (j != NULL)
		j->arena = arena_new("back-channel logout", JOB_ARENA);
	if (j == NULL || j->arena == NULL) {
		LOG(site->worker->log, LOG_ERROR, "backchannel_logout.lost", F_STR("site", site->name),
		    F_STR("client", client_id));
		free(j);
		return;
	}
	n_jobs++;
	j->site = site;
	j->client_id = arena_str(j->arena, client_id);
	j->sub = arena_str(j->arena, sub);
	j->sid = sid.n > 0 ? arena_str(j->arena, sid) : STR_NULL;
	task_init(&j->task, site->worker->loop, j->arena, &job_steps, NULL, job_done);
	task_run(&j->task);
}
