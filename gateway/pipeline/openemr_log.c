/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job per request: up to three rows of log, one of api_log. */
#include "gateway/pipeline/openemr_log.h"

#include "gateway/base/date.h"
#include "gateway/config/conf.h"
#include "gateway/crypto/hash.h"
#include "gateway/pipeline/pipe.h"

#include <stdlib.h>

enum { JOB_ARENA = 128 << 10, JOBS_MAX = 10000, TRIES_MAX = 30, AGAIN_MS = 2000, ROWS_MAX = 3, TEXT_MAX = 1024 };

struct log_row {
	struct str event, user, text; /* text: before base64 */
	bool success, end;            /* end: of the request; api_log follows */
};
struct log_job {
	struct task task;
	struct arena *kept, *arena; /* what is to be written; memory of one try */
	struct site *site;
	struct log_row rows[ROWS_MAX];
	size_t n_rows, row;
	struct str date, address, method, resource, url, username, group, comments, checksum;
	int64_t user_id, pid, log_id;
	unsigned tries;
	bool written, hopeless;
	struct db_tx *tx;
	struct db_result *db;
};
static unsigned n_jobs; /* of this worker */

/* --- what is written ------------------------------------------------------------------------------------------------------------------ */

static struct str
sha3_hex(struct arena *a, struct str text)
{
	uint8_t hash[SHA512_LEN];
	struct buf b;
	if (sha3_512(text, hash) != 0)
		return STR_NULL;
	buf_init(&b, a, 2 * SHA512_LEN, 2 * SHA512_LEN);
	hex_put(&b, hash, sizeof hash);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static struct str
pid_text(const struct log_job *j)
{
	return j->pid > 0 ? arena_printf(j->arena, "%lld", (long long)j->pid) : STR("");
}

static const struct db_stmt group_sql = { "log_group", "SELECT name FROM `groups` WHERE BINARY user = BINARY ? LIMIT 1",
	false };
static const struct db_stmt log_sql = { "log_insert",
	"INSERT INTO log (date, event, category, user, groupname, comments, user_notes, patient_id, success, crt_user, "
	"log_from) VALUES (?, ?, ?, ?, ?, ?, '', NULLIF(?, ''), ?, '', 'open-emr')",
	false };
static const struct db_stmt checksum_sql = { "log_checksum_insert",
	"INSERT INTO log_comment_encrypt (log_id, encrypt, checksum, checksum_api, version) VALUES (?, 'No', ?, ?, 4)",
	false };
static const struct db_stmt api_sql = { "api_log_insert",
	"INSERT INTO api_log (log_id, user_id, patient_id, ip_address, method, request, request_url, request_body, "
	"response, "
	"created_time) VALUES (?, ?, ?, ?, ?, ?, ?, '', '', ?)",
	false };

static struct log_job *
job_of(struct task *t)
{
	return CONTAINER_OF(t, struct log_job, task);
}

static enum step
log_begin(struct task *t)
{
	struct log_job *j = job_of(t);
	j->row = 0;
	return db_begin(t, j->site->db, &j->tx, &j->db);
}

static enum step
log_group(struct task *t)
{
	struct log_job *j = job_of(t);
	struct db_val v = DB_V_STR(j->username);
	if (j->db->status != DB_OK)
		return STEP_FAIL;
	return db_tx_query(t, j->tx, &group_sql, &v, 1, &j->db);
}

static enum step
log_insert(struct task *t)
{
	struct log_job *j = job_of(t);
	struct arena *a = t->arena;
	if (j->db->status != DB_OK)
		return STEP_FAIL;
	if (j->row == 0)
		j->group = j->db->n_rows > 0 ? db_cell(j->db, 0, 0)->s : STR("");
	if (j->row >= j->n_rows)
		return STEP_NEXT;
	const struct log_row *row = &j->rows[j->row];
	struct str group = row->user.n > 0 ? j->group : STR("");
	struct buf b;
	buf_init(&b, a, TEXT_MAX, 2 * TEXT_MAX);
	base64_put(&b, row->text.p, row->text.n);
	j->comments = buf_str(&b);
	struct str pid = row->end ? pid_text(j) : STR("");
	struct str all = arena_printf(a, "%.*s%.*s%.*s%.*s%.*s%.*s%.*s%dopen-emr", STR_ARG(j->date),
	    STR_ARG(row->event), STR_ARG(row->event), STR_ARG(row->user), STR_ARG(group), STR_ARG(j->comments),
	    STR_ARG(pid), row->success);
	j->checksum = all.p == NULL ? STR_NULL : sha3_hex(a, all);
	if (!buf_ok(&b) || pid.p == NULL || j->checksum.p == NULL)
		return STEP_FAIL;
	const struct db_val v[] = { DB_V_STR(j->date), DB_V_STR(row->event), DB_V_STR(row->event), DB_V_STR(row->user),
		DB_V_STR(group), DB_V_STR(j->comments), DB_V_STR(pid), DB_V_I64(row->success) };
	return db_tx_query(t, j->tx, &log_sql, v, NITEMS(v), &j->db);
}

static enum step
log_checksum(struct task *t)
{
	struct log_job *j = job_of(t);
	struct arena *a = t->arena;
	struct str api = STR("");
	if (j->row >= j->n_rows)
		return STEP_NEXT;
	if (j->db->status != DB_OK)
		return STEP_FAIL;
	j->log_id = (int64_t)j->db->insert_id;
	if (j->rows[j->row].end) {
		struct str all = arena_printf(a, "%lld%lld%lld%.*s%.*s%.*s%.*s%.*s", (long long)j->log_id,
		    (long long)j->user_id, (long long)j->pid, STR_ARG(j->address), STR_ARG(j->method),
		    STR_ARG(j->resource), STR_ARG(j->url), STR_ARG(j->date));
		api = all.p == NULL ? STR_NULL : sha3_hex(a, all);
	}
	if (api.p == NULL)
		return STEP_FAIL;
	const struct db_val v[] = { DB_V_I64(j->log_id), DB_V_STR(j->checksum), DB_V_STR(api) };
	return db_tx_query(t, j->tx, &checksum_sql, v, NITEMS(v), &j->db);
}

static enum step
log_api(struct task *t)
{
	struct log_job *j = job_of(t);
	if (j->row >= j->n_rows)
		return STEP_NEXT;
	if (j->db->status != DB_OK)
		return STEP_FAIL;
	if (!j->rows[j->row++].end)
		return STEP_NEXT;
	const struct db_val v[] = { DB_V_I64(j->log_id), DB_V_I64(j->user_id), DB_V_I64(j->pid), DB_V_STR(j->address),
		DB_V_STR(j->method), DB_V_STR(j->resource), DB_V_STR(j->url), DB_V_STR(j->date) };
	return db_tx_query(t, j->tx, &api_sql, v, NITEMS(v), &j->db);
}

static enum step
log_commit(struct task *t)
{
	struct log_job *j = job_of(t);
	return j->db->status == DB_OK ? db_commit(t, &j->tx, &j->db) : STEP_FAIL;
}

static enum step
log_committed(struct task *t)
{
	struct log_job *j = job_of(t);
	j->written = j->db->status == DB_OK;
	return STEP_REPLY;
}

/* A refused statement (an older schema) is refused again; a database that is down comes back. */
static enum step
log_wait(struct task *t)
{
	struct log_job *j = job_of(t);
	if (j->written)
		return STEP_NEXT;
	db_rollback(&j->tx);
	j->hopeless = j->db == NULL || j->db->status == DB_REFUSED || ++j->tries >= TRIES_MAX;
	return j->hopeless ? STEP_NEXT : task_sleep(t, AGAIN_MS);
}

static STEP_TABLE(log_steps, 13, { "begin", log_begin }, { "group", log_group }, { "insert", log_insert },
    { "checksum", log_checksum }, { "api", log_api }, { "insert", log_insert }, { "checksum", log_checksum },
    { "api", log_api }, { "insert", log_insert }, { "checksum", log_checksum }, { "api", log_api },
    { "commit", log_commit }, { "committed", log_committed }, { "wait", log_wait });

static void log_done(struct task *t);

static void
log_try(struct log_job *j)
{
	arena_reset(j->arena);
	j->db = NULL;
	j->task = (struct task){ 0 };
	task_init(&j->task, j->site->worker->loop, j->arena, &log_steps, NULL, log_done);
	task_run(&j->task);
}

static void
log_done(struct task *t)
{
	struct log_job *j = job_of(t);
	if (!j->written && !j->hopeless) {
		log_try(j);
		return;
	}
	if (!j->written)
		LOG(j->site->worker->log, LOG_ERROR, "openemr_log.lost", F_STR("site", j->site->name), F_ERR(&t->err));
	n_jobs--;
	arena_free(&j->arena);
	arena_free(&j->kept);
	free(j);
}

/* --- out of the request ---------------------------------------------------------------------------------------------------------------- */

static void
row_add(struct log_job *j, const char *event, struct str user, bool success, bool end, struct str text)
{
	if (text.p == NULL || j->n_rows == ROWS_MAX)
		return;
	j->rows[j->n_rows++] = (struct log_row){ .event = str_of(event),
		.user = user.n > 0 ? arena_str(j->kept, user) : STR(""),
		.text = text,
		.success = success,
		.end = end };
}

/* contract 12.2, by situation. */
static void
rows_make(struct log_job *j, const struct pipe *p)
{
	const struct request *r = &p->r;
	struct arena *a = j->kept;
	static const struct {
		const char *event, *text;
	} failures[] = { { "portalapi", "Portal API failure" }, { "api", "API failure" }, { "mfa", "failure" } };
	bool factor =
	    str_starts(r->audit.reason, STR("OAuth2 MFA")) || str_starts(r->audit.reason, STR("second factor"));
	size_t kind = factor ? 2 : r->audit.actor.n > 0; /* a patient's name is not told */
	if (r->audit.event == AUDIT_EV_LOGIN_FAILED || r->audit.event == AUDIT_EV_LOCKOUT)
		row_add(j, failures[kind].event, r->audit.actor, false, false,
		    arena_printf(a, "%s: %.*s. %.*s", failures[kind].text, STR_ARG(r->client_address),
		        STR_ARG(str_sub(r->audit.reason, 0, 200))));
	if (p->token != NULL && r->who.role != ROLE_NONE)
		row_add(j, "api", STR(""), true, false,
		    arena_printf(a, "API success: %.*s. Token successfully used for client[%.*s] and user %.*s.",
		        STR_ARG(r->client_address), STR_ARG(r->who.client_id), STR_ARG(r->who.sub)));
	row_add(j, "api", r->who.username, true, true, STR("api log"));
}

/* The segment behind /api, /fhir or /portal; "" for OAuth. */
static struct str
resource_of(const struct pipe *p)
{
	struct str path = p->r.route == NULL || p->api == API_OAUTH ? STR("") : p->r.route->pattern, one,
	           last = STR("");
	for (unsigned i = 0; i < 3 && str_next(&path, '/', &one); i++)
		last = one;
	return last;
}

void
openemr_log(struct pipe *p)
{
	const struct request *r = &p->r;
	struct date d;
	struct buf b;
	if (r->site == NULL || !r->site->conf->openemr_log || r->route == NULL || r->x == NULL ||
	    r->route->audit == AUDIT_NONE)
		return;
	struct log_job *j = n_jobs >= JOBS_MAX ? NULL : calloc(1, sizeof *j);
	if (j != NULL) {
		j->kept = arena_new("openemr log", JOB_ARENA);
		j->arena = arena_new("openemr log try", JOB_ARENA);
	}
	if (j == NULL || j->kept == NULL || j->arena == NULL) {
		LOG(r->worker->log, LOG_ERROR, "openemr_log.lost", F_STR("site", r->site->name),
		    F_STR("request_id", r->request_id));
		if (j != NULL)
			arena_free(&j->kept);
		free(j);
		return;
	}
	n_jobs++;
	j->site = p->r.site;
	int64_t now_us = clock_real_us(r->worker->clock); /* told in OpenEMR's time */
	date_from_epoch_us(now_us + (int64_t)zone_offset_s(db_pool_zone(j->site->db), now_us / 1000000) * 1000000, &d);
	buf_init(&b, j->kept, 32, 32);
	date_put_sql(&b, &d);
	j->date = buf_str(&b);
	j->address = arena_str(j->kept, r->client_address);
	j->method = arena_str(j->kept, str_sub(r->x->head->method_text, 0, 16));
	j->resource = arena_str(j->kept, resource_of(p));
	j->url = arena_printf(j->kept, "%s%.*s", p->api == API_OAUTH ? "/oauth2/authorize.php" : "/apis/dispatch.php",
	    STR_ARG(
	        str_sub(str_skip(r->x->head->path, str_find(str_skip(r->x->head->path, 1), '/') + 1), 0, TEXT_MAX)));
	j->username = r->who.username.n > 0 ? arena_str(j->kept, r->who.username) : STR("");
	j->user_id = r->who.user_id;
	j->pid = r->who.pid;
	rows_make(j, p);
	log_try(j);
}
