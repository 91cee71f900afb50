/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The row, its checksum, and both as steps for writes that are no resource's (write_tx.c runs the statements among its own). */
#include "backends/direct/engine/write_log.h"

#include "backends/direct/engine/call.h"
#include "gateway/base/date.h"
#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

enum { LOG_TEXT_MAX = 512 };

struct write_log *
write_log_new(struct arena *a, const struct schema *schema)
{
	struct write_log *l = ARENA_NEW(a, struct write_log);
	if (l == NULL || !schema_has_table(schema, STR("log")))
		return NULL;
	l->row = (struct db_stmt){ .name = "log",
		.sql = "INSERT INTO log (date, event, category, user, groupname, comments, user_notes, patient_id, "
		       "success, "
		       "crt_user, log_from) VALUES (?, ?, ?, ?, ?, ?, '', ?, 1, '', 'open-emr')" };
	if (schema_column(schema, STR("log_comment_encrypt"), STR("checksum_api")) != NULL)
		l->checksum = (struct db_stmt){ .name = "log_comment_encrypt",
			.sql = "INSERT INTO log_comment_encrypt (log_id, encrypt, checksum, checksum_api, version) "
			       "VALUES (?, 'No', "
			       "?, '', 4)" };
	return l;
}

bool
write_log_wanted(const struct direct *d, const char *class)
{
	char name[64];
	(void)snprintf(name, sizeof name, "audit_events_%s", class);
	return d->log != NULL && globals_on(d->globals, "enable_auditlog") && globals_on(d->globals, name);
}

const struct db_stmt write_log_group_sql = { .name = "groups",
	.sql = "SELECT g.name FROM `groups` g WHERE BINARY g.user = ? ORDER BY g.id LIMIT 1" };

struct str
write_log_group(const struct db_result *rows)
{
	return rows->n_rows > 0 && db_cell(rows, 0, 0)->kind == DB_C_TEXT ? db_cell(rows, 0, 0)->s : STR_NULL;
}

/* --- the values --------------------------------------------------------------------------------------------------------------- */

/* As the site's database tells the time: the checksum covers it. */
static struct str
now_text(struct request *r)
{
	struct date d;
	struct buf b;
	int64_t us = clock_real_us(r->worker->clock);
	date_from_epoch_us(us + (int64_t)zone_offset_s(db_pool_zone(r->site->db), us / 1000000) * 1000000, &d);
	buf_init(&b, r->task.arena, 24, 24);
	date_put_sql(&b, &d);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* What was written, by table and id: never a value of the body. */
static struct str
comments(const struct write_note *n)
{
	struct buf b;
	struct str text = arena_printf(n->r->task.arena, "%s %s id %lld (%.*s, Gatehouse)", n->verb, n->table,
	    (long long)n->id, STR_ARG(n->r->route->name));
	buf_init(&b, n->r->task.arena, LOG_TEXT_MAX, 4 * LOG_TEXT_MAX);
	base64_put(&b, text.p, text.n);
	return buf_ok(&b) && text.p != NULL ? buf_str(&b) : STR_NULL;
}

int
write_note_bind(struct write_note *n)
{
	struct arena *a = n->r->task.arena;
	uint8_t hash[SHA512_LEN];
	struct buf hex;
	struct str date = now_text(n->r), event = arena_printf(a, "%s-%s", n->class, n->verb), text = comments(n),
	           user = n->r->who.username;
	struct str pid = n->pid != NULL ? arena_printf(a, "%lld", (long long)*n->pid) : STR_NULL;
	struct str all = arena_printf(a, "%.*s%.*s%.*s%.*s%.*s%.*s%.*s1open-emr", STR_ARG(date), STR_ARG(event),
	    STR_ARG(event), STR_ARG(user), STR_ARG(n->group), STR_ARG(text), STR_ARG(pid));
	buf_init(&hex, a, 2 * SHA512_LEN + 1, 2 * SHA512_LEN + 1);
	if (sha3_512(all, hash) != 0)
		return -1;
	hex_put(&hex, hash, sizeof hash);
	n->checksum = buf_str(&hex);
	const struct db_val vals[WRITE_LOG_VALS] = { DB_V_STR(date), DB_V_STR(event), DB_V_STR(event), DB_V_STR(user),
		DB_V_STR(n->group.p == NULL ? STR("") : n->group), DB_V_STR(text),
		pid.p == NULL ? DB_V_NULL : DB_V_STR(pid) };
	memcpy(n->vals, vals, sizeof vals);
	return date.p == NULL || event.p == NULL || text.p == NULL || all.p == NULL || !buf_ok(&hex) ? -1 : 0;
}

/* --- both rows as steps --------------------------------------------------------------------------------------------------------- */

static enum step
note_group(struct task *t)
{
	struct write_note *n = task_frame(t);
	n->done = NULL;
	if (n->group.p != NULL)
		return STEP_NEXT;
	n->vals[0] = DB_V_STR(n->r->who.username);
	return db_tx_query(t, n->tx, &write_log_group_sql, n->vals, 1, &n->done);
}

static enum step
note_row(struct task *t)
{
	struct write_note *n = task_frame(t);
	if (n->done != NULL && n->done->status != DB_OK)
		return STEP_NEXT;
	if (n->done != NULL)
		n->group = write_log_group(n->done);
	if (write_note_bind(n) != 0)
		return STEP_FAIL;
	return db_tx_query(t, n->tx, &n->d->log->row, n->vals, WRITE_LOG_VALS, &n->done);
}

static enum step
note_checksum(struct task *t)
{
	struct write_note *n = task_frame(t);
	if (n->done->status != DB_OK || n->d->log->checksum.sql == NULL)
		return STEP_NEXT;
	n->vals[0] = DB_V_I64((int64_t)n->done->insert_id);
	n->vals[1] = DB_V_STR(n->checksum);
	return db_tx_query(t, n->tx, &n->d->log->checksum, n->vals, 2, &n->done);
}

static enum step
note_end(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
STEP_TABLE(write_note_table, 0, { "group", note_group }, { "row", note_row }, { "checksum", note_checksum },
    { "end", note_end });
