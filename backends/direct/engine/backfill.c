/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table after the other; statements are made for one use, since the number of rows varies. */
#include "backends/direct/engine/backfill.h"

enum { SQL_MAX = 16 << 10 };

/* Three values of the column's unique index, so that looking for such rows among many costs nothing. */
#define NO_UUID "(`uuid` IS NULL OR `uuid` = '' OR `uuid` = UNHEX('00000000000000000000000000000000'))"

static struct str
id_name(const struct plan_source *ps)
{
	struct str id = str_of(ps->s->id);
	return str_skip(id, str_find(id, '.') + 1);
}

static bool
may_give(const struct uuids *u, const struct plan_source *ps)
{
	return u != NULL && !u->refused && ps->uuid != SLOT_NONE && ps->id != SLOT_NONE &&
	       schema_has_table(u->schema, STR("uuid_registry"));
}

bool
uuid_lacks(const struct plan_source *ps, const struct db_cell *row)
{
	static const char zero[16];
	if (ps->uuid == SLOT_NONE || ps->id == SLOT_NONE)
		return false;
	const struct db_cell *c = &row[ps->uuid];
	return c->kind == DB_C_NULL ||
	       (c->kind == DB_C_TEXT && (c->s.n == 0 || (c->s.n == sizeof zero && memcmp(c->s.p, zero, c->s.n) == 0)));
}

static int
stmt_done(struct buf *out, struct db_stmt *stmt, const char *name)
{
	buf_char(out, 0);
	*stmt = (struct db_stmt){ .name = name, .sql = out->p, .transient = true };
	return buf_ok(out) ? 0 : -1;
}

/* --- one transaction ------------------------------------------------------------------------------------------------------------ */

/* WHERE id IN (?, ...), whose values are the last n of vals. */
static void
ids_put(struct buf *out, const struct uuid_piece *p)
{
	buf_printf(out, " WHERE `%.*s` IN (", STR_ARG(id_name(p->ps)));
	for (size_t i = 0; i < p->n; i++)
		buf_str_put(out, i == 0 ? STR("?") : STR(",?"));
	buf_char(out, ')');
}

/* Is the last operation's status DB_OK? Else the transaction is over, and what is there is read. */
static bool
well(struct uuid_piece *p)
{
	if (p->status == DB_OK && p->result->status != DB_OK) {
		p->status = p->result->status;
		db_rollback(&p->tx);
		p->tx = NULL;
		p->u->refused = p->u->refused || p->status == DB_REFUSED;
	}
	return p->status == DB_OK;
}

static enum step
piece_begin(struct task *t)
{
	struct uuid_piece *p = task_frame(t);
	p->vals = arena_array(t->arena, 3 * BACKFILL_ROWS, sizeof *p->vals);
	if (p->vals == NULL)
		return STEP_FAIL;
	return db_begin(t, p->u->site->db, &p->tx, &p->result);
}

static struct str
alias_of(const char *column)
{
	struct str s = str_of(column);
	return str_sub(s, 0, str_find(s, '.'));
}

static enum step
piece_give(struct task *t)
{
	struct uuid_piece *p = task_frame(t);
	const struct worker *worker = p->u->site->worker;
	struct uuid *uuids = arena_array(t->arena, p->n, sizeof *uuids);
	struct buf out;
	if (uuids == NULL)
		return STEP_FAIL;
	buf_init(&out, t->arena, 1024, SQL_MAX);
	buf_printf(&out, "UPDATE `%s` SET `uuid` = CASE `%.*s`", p->ps->s->table, STR_ARG(id_name(p->ps)));
	for (size_t i = 0; i < p->n; i++) {
		buf_lit(&out, " WHEN ? THEN ?");
		uuid_comb(&uuids[i], worker->clock, worker->rng);
		p->vals[2 * i] = DB_V_I64(p->ids[i]);
		p->vals[2 * i + 1] = DB_V_BIN(uuids[i].b, sizeof uuids[i].b);
		p->vals[2 * p->n + i] = p->vals[2 * i];
	}
	buf_lit(&out, " END");
	if (p->ps->updated != SLOT_NONE && str_eq(alias_of(p->ps->s->updated), str_of(p->ps->s->alias))) {
		/* the row was not changed: a column with ON UPDATE keeps its value */
		struct str updated = str_of(p->ps->s->updated);
		updated = str_skip(updated, str_find(updated, '.') + 1);
		buf_printf(&out, ", `%.*s` = `%.*s`", STR_ARG(updated), STR_ARG(updated));
	}
	ids_put(&out, p);
	buf_lit(&out, " AND " NO_UUID);
	if (!well(p))
		return STEP_NEXT;
	return stmt_done(&out, &p->stmt, "uuids give") != 0
	           ? STEP_FAIL
	           : db_tx_query(t, p->tx, &p->stmt, p->vals, 3 * p->n, &p->result);
}

static enum step
piece_registry(struct task *t)
{
	struct uuid_piece *p = task_frame(t);
	struct buf out;
	if (!well(p))
		return STEP_NEXT;
	p->u->given += p->result->affected;
	buf_init(&out, t->arena, 1024, SQL_MAX);
	buf_printf(&out,
	    "INSERT IGNORE INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, "
	    "mapped, created) SELECT `uuid`, '%s', '%.*s', '', '', 0, 0, NOW() FROM `%s`",
	    p->ps->s->table, STR_ARG(id_name(p->ps)), p->ps->s->table);
	ids_put(&out, p);
	return stmt_done(&out, &p->stmt, "uuids registry") != 0
	           ? STEP_FAIL
	           : db_tx_query(t, p->tx, &p->stmt, p->vals + 2 * p->n, p->n, &p->result);
}

static enum step
piece_commit(struct task *t)
{
	struct uuid_piece *p = task_frame(t);
	return well(p) ? db_commit(t, &p->tx, &p->result) : STEP_NEXT;
}

static enum step
piece_read(struct task *t)
{
	struct uuid_piece *p = task_frame(t);
	struct buf out;
	(void)well(p);
	buf_init(&out, t->arena, 1024, SQL_MAX);
	buf_printf(&out, "SELECT `%.*s`, `uuid` FROM `%s`", STR_ARG(id_name(p->ps)), p->ps->s->table);
	ids_put(&out, p);
	return stmt_done(&out, &p->stmt, "uuids read") != 0
	           ? STEP_FAIL
	           : db_query(t, p->u->site->db, &p->stmt, p->vals + 2 * p->n, p->n, &p->rows);
}

static enum step
over(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

STEP_TABLE(uuid_piece_table, 0, { "begin", piece_begin }, { "give", piece_give }, { "registry", piece_registry },
    { "commit", piece_commit }, { "read", piece_read }, { "over", over });

/* --- in the background ------------------------------------------------------------------------------------------------------------ */

/* Was the table seen in an earlier source? Several resources share one. */
static bool
seen(const struct backfill *b, const char *table)
{
	for (unsigned i = 0; i <= b->plan; i++)
		for (unsigned k = 0; k < (i < b->plan ? b->plans[i]->n_sources : b->source); k++)
			if (b->plans[i]->state == PLAN_READY && b->plans[i]->sources[k].uuid != SLOT_NONE &&
			    b->plans[i]->sources[k].id != SLOT_NONE &&
			    strcmp(b->plans[i]->sources[k].s->table, table) == 0)
				return true;
	return false;
}

/* The next table to look at; false: there is none. */
static bool
table_next(struct backfill *b, bool advance)
{
	if (advance)
		b->source++;
	for (; b->plan < b->n_plans; b->plan++, b->source = 0)
		for (const struct plan *p = b->plans[b->plan]; p->state == PLAN_READY && b->source < p->n_sources;
		    b->source++) {
			b->ps = &p->sources[b->source];
			if (may_give(b->u, b->ps) && !seen(b, b->ps->s->table))
				return true;
		}
	b->done = true;
	return false;
}

static enum step
find(struct task *t)
{
	struct backfill *b = task_frame(t);
	struct buf out;
	b->piece = NULL;
	if (b->done || !table_next(b, false))
		return STEP_NEXT;
	buf_init(&out, t->arena, 512, SQL_MAX);
	buf_printf(&out, "SELECT `%.*s` FROM `%s` WHERE " NO_UUID " LIMIT %d", STR_ARG(id_name(b->ps)), b->ps->s->table,
	    BACKFILL_ROWS);
	return stmt_done(&out, &b->find, "uuids find") != 0 ? STEP_FAIL
	                                                    : db_query(t, b->u->site->db, &b->find, NULL, 0, &b->rows);
}

static enum step
give(struct task *t)
{
	struct backfill *b = task_frame(t);
	if (b->done)
		return STEP_NEXT;
	if (b->rows->status != DB_OK)
		return STEP_FAIL;
	if (b->rows->n_rows == 0) {
		(void)table_next(b, true);
		return STEP_NEXT;
	}
	b->piece = ARENA_NEW(t->arena, struct uuid_piece);
	if (b->piece == NULL)
		return STEP_FAIL;
	b->piece->u = b->u;
	b->piece->ps = b->ps;
	for (size_t i = 0; i < b->rows->n_rows; i++)
		b->piece->ids[b->piece->n++] = db_cell(b->rows, i, 0)->i;
	return task_push(t, &uuid_piece_table, b->piece);
}

static enum step
end(struct task *t)
{
	struct backfill *b = task_frame(t);
	if (b->piece == NULL || b->piece->status == DB_OK)
		return STEP_NEXT;
	if (!b->u->refused)
		return STEP_FAIL;
	LOG(b->u->site->worker->log, LOG_WARN, "direct.uuids", F_STR("site", b->u->site->name),
	    F_STR("table", str_of(b->ps->s->table)), F_STR("problem", STR("rows without uuid, and none may be given")));
	b->done = true;
	return STEP_NEXT;
}

STEP_TABLE(backfill_table, 0, { "find", find }, { "give", give }, { "end", end });
