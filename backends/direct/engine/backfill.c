/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table after the other; statements are made for one use, since the number of rows varies. */
#include "backends/direct/engine/backfill.h"

enum { SQL_MAX = 16 << 10 };

#define NO_UUID "(`uuid` IS NULL OR `uuid` = '' OR `uuid` = UNHEX('00000000000000000000000000000000'))"

static struct str
id_name(const struct backfill *b)
{
	struct str id = str_of(b->ps->s->id);
	return str_skip(id, str_find(id, '.') + 1);
}

static void
table_over(struct backfill *b)
{
	b->source++;
	while (b->plan < b->n_plans && b->source >= b->plans[b->plan]->n_sources) {
		b->plan++;
		b->source = 0;
	}
	b->done = b->plan >= b->n_plans;
}

static void
marks_put(struct buf *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_str_put(out, i == 0 ? STR("?") : STR(",?"));
}

static int
stmt_done(struct buf *out, struct db_stmt *stmt, const char *name)
{
	buf_char(out, 0);
	*stmt = (struct db_stmt){ .name = name, .sql = out->p, .transient = true };
	return buf_ok(out) ? 0 : -1;
}

static enum step
find(struct task *t)
{
	struct backfill *b = task_frame(t);
	struct buf out;
	b->n = 0;
	b->tx = NULL;
	if (b->n_plans == 0 || !schema_has_table(b->schema, STR("uuid_registry")))
		b->done = true;
	if (b->done)
		return STEP_NEXT;
	const struct plan *p = b->plans[b->plan];
	if (p->state != PLAN_READY || b->source >= p->n_sources || p->sources[b->source].uuid == SLOT_NONE ||
	    p->sources[b->source].id == SLOT_NONE) {
		if (p->state != PLAN_READY)
			b->source = p->n_sources;
		table_over(b);
		b->rows = NULL;
		return STEP_NEXT;
	}
	b->ps = &p->sources[b->source];
	buf_init(&out, t->arena, 512, SQL_MAX);
	buf_printf(&out, "SELECT `%.*s` FROM `%s` WHERE " NO_UUID " LIMIT %d", STR_ARG(id_name(b)), b->ps->s->table,
	    BACKFILL_ROWS);
	return stmt_done(&out, &b->find, "uuids find") != 0 ? STEP_FAIL
	                                                    : db_query(t, b->site->db, &b->find, NULL, 0, &b->rows);
}

/* A status that is not DB_OK: the table's turn is over where the server refuses, else the round has failed. */
static enum step
trouble(struct backfill *b, enum db_status status)
{
	db_rollback(&b->tx);
	b->tx = NULL;
	b->n = 0;
	if (status != DB_REFUSED)
		return STEP_FAIL;
	LOG(b->site->worker->log, LOG_WARN, "direct.uuids", F_STR("site", b->site->name),
	    F_STR("table", str_of(b->ps->s->table)), F_STR("problem", STR("rows without uuid, and none may be given")));
	table_over(b);
	return STEP_NEXT;
}

static enum step
begin(struct task *t)
{
	struct backfill *b = task_frame(t);
	if (b->done || b->rows == NULL)
		return STEP_NEXT;
	if (b->rows->status != DB_OK)
		return trouble(b, b->rows->status);
	if (b->rows->n_rows == 0) {
		table_over(b);
		return STEP_NEXT;
	}
	b->n = MIN(b->rows->n_rows, (size_t)BACKFILL_ROWS);
	b->vals = arena_array(t->arena, 3 * BACKFILL_ROWS, sizeof *b->vals);
	b->uuids = arena_array(t->arena, BACKFILL_ROWS, sizeof *b->uuids);
	if (b->vals == NULL || b->uuids == NULL)
		return STEP_FAIL;
	return db_begin(t, b->site->db, &b->tx, &b->result);
}

static enum step
give(struct task *t)
{
	struct backfill *b = task_frame(t);
	struct buf out;
	if (b->n == 0)
		return STEP_NEXT;
	if (b->result->status != DB_OK)
		return trouble(b, b->result->status);
	buf_init(&out, t->arena, 1024, SQL_MAX);
	buf_printf(&out, "UPDATE `%s` SET `uuid` = CASE `%.*s`", b->ps->s->table, STR_ARG(id_name(b)));
	for (size_t i = 0; i < b->n; i++) {
		buf_lit(&out, " WHEN ? THEN ?");
		uuid_comb(&b->uuids[i], b->site->worker->clock, b->site->worker->rng);
		b->vals[2 * i] = DB_V_I64(db_cell(b->rows, i, 0)->i);
		b->vals[2 * i + 1] = DB_V_BIN(b->uuids[i].b, sizeof b->uuids[i].b);
		b->vals[2 * b->n + i] = b->vals[2 * i];
	}
	buf_printf(&out, " END WHERE `%.*s` IN (", STR_ARG(id_name(b)));
	marks_put(&out, b->n);
	buf_lit(&out, ") AND " NO_UUID);
	return stmt_done(&out, &b->give, "uuids give") != 0
	           ? STEP_FAIL
	           : db_tx_query(t, b->tx, &b->give, b->vals, 3 * b->n, &b->result);
}

static enum step
registry(struct task *t)
{
	struct backfill *b = task_frame(t);
	struct buf out;
	if (b->n == 0)
		return STEP_NEXT;
	if (b->result->status != DB_OK)
		return trouble(b, b->result->status);
	b->given += b->result->affected;
	buf_init(&out, t->arena, 1024, SQL_MAX);
	buf_printf(&out,
	    "INSERT IGNORE INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, "
	    "mapped, "
	    "created) SELECT t.`uuid`, '%s', '%.*s', '', '', 0, 0, NOW() FROM `%s` t WHERE t.`%.*s` IN (",
	    b->ps->s->table, STR_ARG(id_name(b)), b->ps->s->table, STR_ARG(id_name(b)));
	marks_put(&out, b->n);
	buf_char(&out, ')');
	return stmt_done(&out, &b->registry, "uuids registry") != 0
	           ? STEP_FAIL
	           : db_tx_query(t, b->tx, &b->registry, b->vals + 2 * b->n, b->n, &b->result);
}

static enum step
commit(struct task *t)
{
	struct backfill *b = task_frame(t);
	if (b->n == 0)
		return STEP_NEXT;
	if (b->result->status != DB_OK)
		return trouble(b, b->result->status);
	return db_commit(t, &b->tx, &b->result);
}

static enum step
end(struct task *t)
{
	struct backfill *b = task_frame(t);
	return b->n > 0 && b->result->status != DB_OK ? trouble(b, b->result->status) : STEP_NEXT;
}

STEP_TABLE(backfill_table, 0, { "find", find }, { "begin", begin }, { "give", give }, { "registry", registry },
    { "commit", commit }, { "end", end });
