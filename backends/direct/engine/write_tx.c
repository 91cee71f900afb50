/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transaction of a write as a program: the row itself, further rows, what the rule has also, uuid_registry, uuid_mapping, and OpenEMR's
 * log row. Each statement is an operation that is due or not; one step runs the next one that is. A statement that fails ends the try. */
#include "backends/direct/engine/call.h"

enum { VALS_MAX = 256, UUIDS_MAX = 24 };

/* --- what the server sets ----------------------------------------------------------------------------------------------------- */

static struct db_val
text_or_null(struct str s)
{
	return s.p == NULL ? DB_V_NULL : DB_V_STR(s);
}

static struct db_val
username_value(struct call *c, const struct server_set *s)
{
	struct str text = accepted_text(c->plan->write, &c->accepted, str_of(s->col));
	char u[UUID_TEXT + 1];
	if (text.n > 0)
		return DB_V_STR(text);
	if (c->when != SET_CREATE && c->no_uuid)
		return DB_V_NULL;
	uuid_text(&c->uuids[0], u);
	return text_or_null(arena_str(c->r->task.arena, (struct str){ u, UUID_TEXT }));
}

static struct db_val
set_value(struct call *c, const struct server_set *s)
{
	const struct plan_write *w = c->plan->write;
	if (s->if_given != NULL && accepted_input(w, &c->accepted, s->if_given).n == 0)
		return DB_V_NULL;
	switch (s->what) {
	case SV_UUID:
		if (c->when != SET_CREATE && c->no_uuid)
			return DB_V_NULL;
		return DB_V_BIN(c->uuids[0].b, sizeof c->uuids[0].b);
	case SV_USER_ID:
		return DB_V_I64(c->r->who.user_id);
	case SV_USER:
		return DB_V_STR(c->r->who.username);
	case SV_GROUP:
		return text_or_null(c->group);
	case SV_NEXT:
	case SV_SEQUENCE:
	case SV_NUMBER:
		return DB_V_I64(c->next);
	case SV_COPY: { /* the client's value where it gave one, else the copied number */
		struct str given = accepted_text(w, &c->accepted, str_of(s->col));
		return given.n > 0 ? DB_V_STR(given) : DB_V_I64(c->next);
	}
	case SV_USERNAME:
		return username_value(c, s);
	case SV_CONST:
		return DB_V_STR(str_of(s->of));
	case SV_PATH:
		return text_or_null(route_param(&c->r->params, str_of(s->of)));
	case SV_PID:
		return DB_V_I64(c->parent.pid);
	case SV_ENCOUNTER:
		return DB_V_I64(c->parent.encounter);
	case SV_BODY:
		return text_or_null(accepted_input(w, &c->accepted, s->of));
	case SV_ROW_ID:
		return DB_V_I64(c->row_id);
	case SV_NOW:
	case SV_NONE:
		break;
	}
	return DB_V_NULL;
}

/* Marks that a set has in its statement. */
static bool
has_mark(const struct server_set *s)
{
	return s->sql != NULL ? strchr(s->sql, '?') != NULL : s->what != SV_NOW;
}

static void
sets_bind(struct call *c, const struct server_set *const *sets, unsigned n, unsigned when)
{
	for (unsigned i = 0; i < n; i++)
		if (((unsigned)sets[i]->when & when) && has_mark(sets[i]))
			c->vals[c->n_vals++] = set_value(c, sets[i]);
}

/* --- operations --------------------------------------------------------------------------------------------------------------- */

enum step
transaction_query(struct call *c, const struct db_stmt *stmt)
{
	return db_tx_query(&c->r->task, c->tx, stmt, c->vals, c->n_vals, &c->done);
}

static bool
logs(const struct call *c)
{
	return write_log_wanted(c->d, c->plan->write->log);
}

static enum step
op_group(struct call *c)
{
	if (!c->plan->write->wants_group && !logs(c))
		return STEP_NEXT;
	c->vals[c->n_vals++] = DB_V_STR(c->r->who.username);
	return transaction_query(c, &write_log_group_sql);
}

static void
took_group(struct call *c)
{
	c->group = write_log_group(c->done);
}

static enum step
op_lock(struct call *c)
{
	static const struct db_stmt patient = { .name = "patient_data",
		.sql = "SELECT p.pid FROM patient_data p WHERE p.pid = ? FOR UPDATE" };
	if (c->plan->write->has_also) {
		c->vals[c->n_vals++] = DB_V_I64(c->parent.pid);
		return transaction_query(c, &patient);
	}
	return c->when == SET_CREATE && c->plan->write->has_lock ? transaction_query(c, &c->plan->write->lock)
	                                                         : STEP_NEXT;
}

static enum step
op_next(struct call *c)
{
	return c->when == SET_CREATE && c->plan->write->next.sql[0] != 0 ? transaction_query(c, &c->plan->write->next)
	                                                                 : STEP_NEXT;
}

static void
took_next(struct call *c)
{
	if (c->done->n_rows == 1)
		(void)cell_int(db_cell(c->done, 0, 0), &c->next);
}

static enum step
op_sequence(struct call *c)
{
	return c->when == SET_CREATE && c->plan->write->sequence.sql[0] != 0
	           ? transaction_query(c, &c->plan->write->sequence)
	           : STEP_NEXT;
}

static void
took_sequence(struct call *c)
{
	c->next = (int64_t)c->done->insert_id - (int64_t)MAX(c->plan->write->rule->n_numbers, 1u) + 1;
}

static enum step
op_row(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	if (c->when != 0) {
		accepted_bind(w, &c->accepted, c->when, c->vals, &c->n_vals);
		sets_bind(c, w->sets, w->n_sets, c->when);
	}
	if (c->when != SET_CREATE)
		c->vals[c->n_vals++] = DB_V_I64(c->row_id);
	const struct db_stmt *stmt = c->when == SET_CREATE   ? &w->insert
	                             : c->when == SET_UPDATE ? &w->update
	                                                     : &w->remove;
	return stmt->sql[0] == 0 ? STEP_NEXT : transaction_query(c, stmt);
}

/* Tables that count by hand have no insert id. */
static void
took_row(struct call *c)
{
	if (c->when != SET_CREATE)
		return;
	c->row_id = c->done->insert_id != 0 ? (int64_t)c->done->insert_id : c->next;
}

static enum step
op_further(struct call *c, unsigned i)
{
	const struct plan_write *w = c->plan->write;
	const struct plan_further *pf = &w->further[i];
	if (i >= w->n_further || pf->f == NULL || !((unsigned)pf->f->when & c->when))
		return STEP_NEXT;
	if (pf->f->if_given != NULL && accepted_input(w, &c->accepted, pf->f->if_given).n == 0)
		return STEP_NEXT;
	if (c->when == SET_CREATE || pf->f->replace) {
		sets_bind(c, pf->sets, pf->n_sets, SET_ALWAYS);
		return transaction_query(c, &pf->insert);
	}
	sets_bind(c, pf->sets, pf->n_sets, SET_UPDATE);
	c->vals[c->n_vals++] = DB_V_I64(c->row_id);
	return transaction_query(c, &pf->update);
}

static enum step
op_also(struct call *c, unsigned i)
{
	const struct plan_write *w = c->plan->write;
	return w->has_also && i < w->rule->n_also && c->when != 0 ? w->rule->also(c, i) : STEP_NEXT;
}

/* Of the row and of its mappings. */
static unsigned
n_registered(const struct plan_write *w)
{
	return 1 + (w->has_mapping ? w->rule->n_mapped : 0);
}

const struct uuid *
transaction_uuids(const struct call *c)
{
	return c->uuids + n_registered(c->plan->write);
}

static enum step
op_registry(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	if (c->when != SET_CREATE || !w->has_registry)
		return STEP_NEXT;
	for (unsigned i = 0; i < n_registered(w); i++)
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[i].b, sizeof c->uuids[i].b);
	return transaction_query(c, &w->registry);
}

static enum step
op_mapping(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	if (c->when != SET_CREATE || !w->has_mapping)
		return STEP_NEXT;
	for (unsigned i = 0; i < w->rule->n_mapped; i++) {
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[1 + i].b, sizeof c->uuids[0].b);
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[0].b, sizeof c->uuids[0].b);
	}
	return transaction_query(c, &w->mapping);
}

/* --- OpenEMR's log (write_log.h): the row, and its checksum --------------------------------------------------------------------- */

static const char *
verb(const struct call *c)
{
	return c->when == SET_CREATE                                                ? "insert"
	       : c->when == SET_UPDATE || c->plan->write->rule->soft_delete != NULL ? "update"
	                                                                            : "delete";
}

static enum step
op_log(struct call *c)
{
	if (!logs(c))
		return STEP_NEXT;
	struct write_note n = { .r = c->r,
		.d = c->d,
		.class = c->plan->write->log,
		.verb = verb(c),
		.table = c->plan->write->rule->table,
		.id = c->row_id,
		.pid = c->parent.found ? &c->parent.pid : NULL,
		.group = c->group };
	if (write_note_bind(&n) != 0)
		return STEP_FAIL;
	memcpy(c->vals, n.vals, sizeof n.vals);
	c->n_vals = WRITE_LOG_VALS;
	c->log_checksum = n.checksum;
	return transaction_query(c, &c->d->log->row);
}

static void
took_log(struct call *c)
{
	c->log_id = (int64_t)c->done->insert_id;
}

static enum step
op_checksum(struct call *c)
{
	if (!logs(c) || c->d->log->checksum.sql == NULL)
		return STEP_NEXT;
	c->vals[c->n_vals++] = DB_V_I64(c->log_id);
	c->vals[c->n_vals++] = DB_V_STR(c->log_checksum);
	return transaction_query(c, &c->d->log->checksum);
}

/* --- the program -------------------------------------------------------------------------------------------------------------- */

/* In this order; further rows and what the rule has also stand between the row and uuid_registry. Nothing is read before the lock: a plain
 * SELECT fixes what the transaction sees, and MAX() would not see the row of the writer that was waited for. */
static const struct {
	enum step (*run)(struct call *c);
	void (*took)(struct call *c);
} before[] = { { op_lock, NULL }, { op_next, took_next }, { op_sequence, took_sequence }, { op_group, took_group },
	{ op_row, took_row } },
  behind[] = { { op_registry, NULL }, { op_mapping, NULL }, { op_log, took_log }, { op_checksum, NULL } };
/* numbers of the first operation of each part */
enum {
	FURTHER = NITEMS(before),
	ALSO = FURTHER + FURTHER_MAX,
	BEHIND = ALSO + ALSO_MAX,
	N_OPS = BEHIND + NITEMS(behind)
};

static enum step
op_run(struct call *c, unsigned op)
{
	c->n_vals = 0;
	if (op < FURTHER)
		return before[op].run(c);
	if (op < ALSO)
		return op_further(c, op - FURTHER);
	if (op < BEHIND)
		return op_also(c, op - ALSO);
	return behind[op - BEHIND].run(c);
}

static void
op_took(struct call *c, unsigned op)
{
	if (op < FURTHER && before[op].took != NULL)
		before[op].took(c);
	else if (op >= FURTHER && op < ALSO)
		c->further_id[op - FURTHER] = (int64_t)c->done->insert_id;
	else if (op >= BEHIND && behind[op - BEHIND].took != NULL)
		behind[op - BEHIND].took(c);
}

static enum step
tx_begin(struct task *t)
{
	struct call *c = task_frame(t);
	unsigned n = n_registered(c->plan->write) + c->plan->write->rule->n_uuids;
	CHECK(n <= UUIDS_MAX);
	c->uuids = arena_array(t->arena, n, sizeof *c->uuids);
	c->vals = arena_array(t->arena, VALS_MAX, sizeof *c->vals);
	if (c->uuids == NULL || c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	for (unsigned i = 0; i < n; i++)
		uuid_comb(&c->uuids[i], c->r->worker->clock, c->r->worker->rng);
	if (c->when != SET_CREATE)
		c->uuids[0] = c->one.uuid;
	c->op = 0;
	c->lost = c->committing = c->committed = c->op_running = false;
	c->also = NULL;
	c->tx = NULL;
	return db_begin(t, c->r->site->db, &c->tx, &c->done);
}

/* Takes in what the operation before brought, and runs the next that is due; at the end, once, the commit. */
static enum step
tx_step(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->lost || c->committing)
		return STEP_NEXT;
	if (c->done->status != DB_OK) {
		db_rollback(&c->tx);
		c->tx = NULL;
		c->lost = true;
		return STEP_NEXT;
	}
	if (c->op_running)
		op_took(c, c->op - 1);
	c->op_running = false;
	while (c->op < N_OPS) {
		enum step s = op_run(c, c->op++);
		if (s == STEP_NEXT)
			continue;
		c->op_running = true;
		return s;
	}
	c->committing = true;
	return db_commit(t, &c->tx, &c->done);
}

static enum step
tx_end(struct task *t)
{
	struct call *c = task_frame(t);
	c->committed = c->committing && c->done->status == DB_OK;
	return STEP_NEXT;
}

#define FOUR                                                                                                           \
	{ "write", tx_step }, { "write", tx_step }, { "write", tx_step },                                              \
	{                                                                                                              \
		"write", tx_step                                                                                       \
	}
STEP_TABLE(
    transaction_table, 0, { "begin", tx_begin }, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, { "end", tx_end });
_Static_assert(N_OPS + 1 <= 32, "as many rows above: an operation each, and the commit");
