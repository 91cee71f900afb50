/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both tables are one step repeated: it takes in what the operation before it brought and starts the next one that is due. */
#include "backends/direct/engine/fetch.h"

/* --- rows without a uuid --------------------------------------------------------------------------------------------------------- */

/* The uuid that a row of the piece has by now, in its cells; the rows are this task's own. */
static void
uuid_take(const struct uuid_piece *piece, const struct plan_source *ps, const struct db_cell *row)
{
	const struct db_result *r = piece->rows;
	for (size_t i = 0; ps == piece->ps && r != NULL && r->status == DB_OK && i < r->n_rows; i++)
		if (db_cell(r, i, 0)->i == row[ps->id].i)
			((struct db_cell *)(uintptr_t)row)[ps->uuid] = *db_cell(r, i, 1);
}

static bool
uuid_due(const struct uuids *u, const struct plan_source *ps, const struct db_cell *row)
{
	return u != NULL && !u->refused && schema_has_table(u->schema, STR("uuid_registry")) && uuid_lacks(ps, row);
}

static struct uuid_piece *
piece_new(struct arena *a, struct uuids *u, const struct plan_source *ps)
{
	struct uuid_piece *p = ARENA_NEW(a, struct uuid_piece);
	if (p != NULL) {
		p->u = u;
		p->ps = ps;
	}
	return p;
}

/* --- one row ------------------------------------------------------------------------------------------------------------------ */

static bool
of_patient(const struct fetch_one *f, const struct plan_source *ps, const struct db_cell *row)
{
	if (!f->by_patient || f->plan->res->compartment == COMPARTMENT_OPEN)
		return true;
	if (ps->patient == SLOT_NONE)
		return false;
	const struct db_cell *c = &row[ps->patient];
	return c->kind == DB_C_TEXT && c->s.n == sizeof f->patient.b && memcmp(c->s.p, f->patient.b, c->s.n) == 0;
}

/* Of the patient that the path names. */
static bool
of_path(const struct fetch_one *f, const struct plan_source *ps, const struct db_cell *row)
{
	return !f->tied || (ps->pid != SLOT_NONE && row[ps->pid].kind == DB_C_INT && row[ps->pid].i == f->pid);
}

static void
one_source_take(struct fetch_one *f)
{
	const struct plan_source *ps = &f->plan->sources[f->source];
	f->status = f->result->status;
	if (f->status != DB_OK || f->result->n_rows == 0) {
		f->source++;
		return;
	}
	const struct db_cell *row = db_cell(f->result, 0, 0);
	bool hidden = ps->visible != SLOT_NONE && row[ps->visible].i == 0;
	f->found = !of_patient(f, ps, row) || !of_path(f, ps, row) ? FOUND_NOT : hidden ? FOUND_HIDDEN : FOUND;
	f->row.ps = ps;
	f->row.row = row;
	f->source = f->plan->n_sources;
}

static void
one_children_take(struct fetch_one *f)
{
	for (unsigned i = 0; i < f->row.ps->n_children; i++) {
		const struct db_result *r = f->children[i];
		if (r == NULL)
			continue;
		f->row.children[i] = (struct child_rows){ r, 0, r->n_rows };
		if (f->status == DB_OK)
			f->status = r->status;
	}
}

static bool
has_children(const struct fetched *row, unsigned child)
{
	const struct plan_child *pc = &row->ps->children[child];
	return !pc->absent && row->row[pc->flag].i != 0;
}

static enum step
source_read(struct task *t, struct fetch_one *f)
{
	struct str key = { (const char *)f->uuid.b, sizeof f->uuid.b };
	f->started = true;
	if (f->stmt != NULL && f->tx != NULL)
		return db_tx_query(t, f->tx, f->stmt, f->vals, f->n_vals, &f->result);
	if (f->stmt != NULL)
		return db_query(t, f->db, f->stmt, f->vals, f->n_vals, &f->result);
	return db_point_read(t, f->db, &f->plan->sources[f->source].point, key, &f->result);
}

/* Those that the row has, all at once. By the row's uuid where it has one: such reads of several requests become one. A row that others added gets
 * its own only behind its children (one_uuid).                                                                            */
static enum step
children_read(struct task *t, struct fetch_one *f)
{
	const struct plan_source *ps = f->row.ps;
	bool by_uuid = ps->uuid != SLOT_NONE && !uuid_lacks(ps, f->row.row);
	const struct db_val key =
	    by_uuid ? DB_V_BIN(f->row.row[ps->uuid].s.p, f->row.row[ps->uuid].s.n) : DB_V_I64(f->row.row[ps->id].i);
	struct db_read reads[CHILDREN_MAX];
	size_t n = 0;
	f->children_asked = true;
	for (unsigned i = 0; i < ps->n_children; i++) {
		const struct plan_child *pc = &ps->children[i];
		if (has_children(&f->row, i))
			reads[n++] = (struct db_read){ by_uuid ? &pc->point : &pc->few, &key, 1, &f->children[i] };
	}
	f->started = n > 0;
	return n == 0 ? STEP_NEXT : db_reads(t, f->db, reads, n);
}
_Static_assert(CHILDREN_MAX <= (int)DB_READS_MAX, "a row's children are read at once");

/* A source that reads may ask: not one for lists alone, and by uuid only where the rows have one. */
static bool
source_readable(const struct fetch_one *f)
{
	const struct plan_source *ps = &f->plan->sources[f->source];
	return !ps->s->list_only && (f->stmt != NULL ? f->source == 0 : ps->point.sql != NULL);
}

static enum step
one_step(struct task *t)
{
	struct fetch_one *f = task_frame(t);
	if (f->started) {
		if (f->row.row == NULL)
			one_source_take(f);
		else
			one_children_take(f);
		f->started = false;
	}
	if (f->status != DB_OK)
		return STEP_NEXT;
	while (f->row.row == NULL && f->source < f->plan->n_sources && !source_readable(f))
		f->source++;
	if (f->row.row == NULL && f->source < f->plan->n_sources)
		return source_read(t, f);
	if (f->found != FOUND || f->without_children || f->children_asked)
		return STEP_NEXT;
	return children_read(t, f);
}

static enum step
one_uuid(struct task *t)
{
	struct fetch_one *f = task_frame(t);
	if (f->status != DB_OK || f->found != FOUND || !uuid_due(f->uuids, f->row.ps, f->row.row))
		return STEP_NEXT;
	f->piece = piece_new(t->arena, f->uuids, f->row.ps);
	if (f->piece == NULL)
		return STEP_FAIL;
	f->piece->ids[f->piece->n++] = f->row.row[f->row.ps->id].i;
	return task_push(t, &uuid_piece_table, f->piece);
}

static enum step
one_codes(struct task *t)
{
	struct fetch_one *f = task_frame(t);
	if (f->piece != NULL)
		uuid_take(f->piece, f->row.ps, f->row.row);
	if (f->status != DB_OK || f->found != FOUND || f->without_children || !codes_several(f->row.ps, f->row.row))
		return STEP_NEXT;
	f->codes = ARENA_NEW(t->arena, struct codes);
	if (f->codes == NULL)
		return STEP_FAIL;
	*f->codes = (struct codes){ .db = f->db, .ps = f->row.ps, .rows = &f->row.row, .n_rows = 1 };
	return task_push(t, &codes_table, f->codes);
}

static enum step
one_done(struct task *t)
{
	struct fetch_one *f = task_frame(t);
	if (f->codes != NULL)
		f->status = f->codes->status;
	return STEP_NEXT;
}

/* One row per source that may be read, one for the children, and one that takes in the last. */
STEP_TABLE(fetch_one_table, 0, { "read", one_step }, { "read", one_step }, { "read", one_step },
    { "children", one_step }, { "taken", one_step }, { "uuid", one_uuid }, { "codes", one_codes },
    { "done", one_done });
_Static_assert(SOURCES_MAX == 3, "as many rows above");

/* --- a page ------------------------------------------------------------------------------------------------------------------- */

/* The ids of one source, or of its rows that have children of a kind. */
static size_t
page_ids(const struct fetch_page *f, struct db_val *ids)
{
	size_t n = 0;
	if (f->child == 0) {
		for (size_t i = 0; i < f->n_keys; i++)
			if (query_key(f->q, f->plan, f->keys, i)[0].i == f->source)
				ids[n++] = DB_V_I64(query_key(f->q, f->plan, f->keys, i)[1].i);
		return n;
	}
	const struct plan_source *ps = &f->plan->sources[f->source];
	const struct plan_child *pc = &ps->children[f->child - 1];
	const struct db_result *rows = f->sources[f->source];
	for (size_t i = 0; !pc->absent && rows != NULL && i < MIN(rows->n_rows, f->n_keys);
	    i++) /* not the one behind the page */
		if (db_cell(rows, i, (size_t)pc->flag)->i != 0)
			ids[n++] = DB_V_I64(db_cell(rows, i, (size_t)ps->id)->i);
	return n;
}

/* The smallest size with a statement for n ids; the largest where there is none. */
static unsigned
size_of(size_t n)
{
	unsigned size = 0;
	while (size + 1 < HYDRATE_SIZES && hydrate_sizes[size] < n)
		size++;
	return size;
}

/* A few rows are read with those of other requests; more by a statement of their own, padded with the last id to a size that has one. */
static enum step
page_start(struct task *t, struct fetch_page *f, struct db_val *ids, size_t n)
{
	const struct plan_source *ps = &f->plan->sources[f->source];
	const struct plan_child *pc = f->child == 0 ? NULL : &ps->children[f->child - 1];
	unsigned size = size_of(n);
	f->started = true;
	if (n <= DB_POINT_KEYS_MAX)
		return db_points_read(t, f->db, pc == NULL ? &ps->few : &pc->few, ids, n, &f->result);
	for (size_t i = n; i < hydrate_sizes[size]; i++)
		ids[i] = ids[n - 1];
	return db_query(
	    t, f->db, pc == NULL ? &ps->hydrate[size] : &pc->by_ids[size], ids, hydrate_sizes[size], &f->result);
}

static void
page_take(struct fetch_page *f)
{
	f->status = f->result->status;
	if (f->child == 0)
		f->sources[f->source] = f->result;
	else
		f->children[f->source][f->child - 1] = f->result;
	f->started = false;
}

static void
page_advance(struct fetch_page *f)
{
	if (f->child < f->plan->sources[f->source].n_children) {
		f->child++;
		return;
	}
	f->child = 0;
	f->source++;
}

static enum step
page_step(struct task *t)
{
	struct fetch_page *f = task_frame(t);
	if (f->started) {
		page_take(f);
		page_advance(f);
	}
	if (f->status != DB_OK || f->source >= f->plan->n_sources)
		return STEP_NEXT;
	if (f->q->rows && f->child == 0) {
		f->sources[0] = f->keys;
		page_advance(f);
	}
	size_t room = hydrate_sizes[size_of(f->n_keys)];
	struct db_val *ids = f->n_keys > HYDRATE_MAX ? NULL : arena_array(t->arena, room, sizeof *ids);
	if (ids == NULL) {
		f->status = DB_TOO_LARGE;
		return STEP_NEXT;
	}
	for (; f->source < f->plan->n_sources; page_advance(f)) {
		size_t n = page_ids(f, ids);
		if (n > 0)
			return page_start(t, f, ids, n);
	}
	return STEP_NEXT;
}

/* First row of a result that is ordered by its first column whose value is at least id. */
static size_t
lower_bound(const struct db_result *r, int64_t id)
{
	size_t from = 0, to = r->n_rows;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (db_cell(r, mid, 0)->i < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void
page_children(const struct fetch_page *f, unsigned source, int64_t id, struct fetched *out)
{
	for (unsigned i = 0; i < out->ps->n_children; i++) {
		const struct db_result *r = f->children[source][i];
		if (r == NULL)
			continue;
		size_t from = lower_bound(r, id), to = lower_bound(r, id + 1);
		out->children[i] = (struct child_rows){ r, from, to };
	}
}

/* The row of a key; rows mostly come in the order of the keys, so the search begins behind the last hit. */
static const struct db_cell *
page_row(const struct db_result *r, size_t key_slot, int64_t id, size_t *hint)
{
	for (size_t i = 0; r != NULL && i < r->n_rows; i++) {
		size_t at = (*hint + i) % r->n_rows;
		if (db_cell(r, at, key_slot)->i == id) {
			*hint = at + 1;
			return db_cell(r, at, 0);
		}
	}
	return NULL;
}

static enum step
page_done(struct task *t)
{
	struct fetch_page *f = task_frame(t);
	size_t hints[SOURCES_MAX] = { 0 };
	if (f->status != DB_OK)
		return STEP_NEXT;
	f->rows = arena_array(t->arena, f->n_keys + 1, sizeof *f->rows);
	if (f->rows == NULL) {
		f->status = DB_TOO_LARGE;
		return STEP_NEXT;
	}
	for (size_t i = 0; i < f->n_keys; i++) {
		const struct db_cell *key = query_key(f->q, f->plan, f->keys, i);
		int64_t source = key[0].i, id = key[1].i;
		if (source < 0 || source >= (int64_t)f->plan->n_sources)
			continue;
		const struct plan_source *ps = &f->plan->sources[source];
		const struct db_cell *row = page_row(f->sources[source], (size_t)ps->key, id, &hints[source]);
		if (row == NULL)
			continue;
		struct fetched *out = &f->rows[f->n_rows++];
		*out = (struct fetched){ .ps = ps, .row = row };
		page_children(f, (unsigned)source, row[ps->id].i, out);
	}
	return STEP_NEXT;
}

/* Up to so many rows of one source that have no uuid, from where the step before ended; it is repeated for the longest page. */
static enum step
page_uuids(struct task *t)
{
	struct fetch_page *f = task_frame(t);
	for (size_t i = 0; f->piece != NULL && i < f->uuid_at; i++)
		uuid_take(f->piece, f->rows[i].ps, f->rows[i].row);
	f->piece = NULL;
	for (; f->status == DB_OK && f->uuid_at < f->n_rows; f->uuid_at++) {
		const struct fetched *row = &f->rows[f->uuid_at];
		if (!uuid_due(f->uuids, row->ps, row->row))
			continue;
		if (f->piece != NULL && (f->piece->ps != row->ps || f->piece->n == BACKFILL_ROWS))
			break;
		if (f->piece == NULL && (f->piece = piece_new(t->arena, f->uuids, row->ps)) == NULL)
			return STEP_FAIL;
		f->piece->ids[f->piece->n++] = row->row[row->ps->id].i;
	}
	return f->piece == NULL ? STEP_NEXT : task_push(t, &uuid_piece_table, f->piece);
}
_Static_assert(HYDRATE_MAX == 4 * BACKFILL_ROWS, "as many rows below, and one that takes in the last");

/* The rows with several codes of one source. */
static struct codes *
page_codes_of(struct fetch_page *f, const struct plan_source *ps, struct arena *a)
{
	struct codes *c = NULL;
	const struct db_cell **rows = NULL;
	for (size_t i = 0; i < f->n_rows; i++) {
		if (f->rows[i].ps != ps || !codes_several(ps, f->rows[i].row))
			continue;
		if (c == NULL) {
			c = ARENA_NEW(a, struct codes);
			rows = arena_array(a, f->n_rows - i, sizeof *rows);
			if (c == NULL || rows == NULL) {
				f->status = DB_TOO_LARGE;
				return NULL;
			}
			*c = (struct codes){ .db = f->db, .ps = ps, .rows = rows };
		}
		rows[c->n_rows++] = f->rows[i].row;
	}
	return c;
}

static enum step
page_codes(struct task *t)
{
	struct fetch_page *f = task_frame(t);
	if (f->codes != NULL)
		f->status = f->codes->status;
	f->codes = NULL;
	while (f->status == DB_OK && f->codes == NULL && f->codes_of < f->plan->n_sources)
		f->codes = page_codes_of(f, &f->plan->sources[f->codes_of++], t->arena);
	return f->codes == NULL ? STEP_NEXT : task_push(t, &codes_table, f->codes);
}
_Static_assert(SOURCES_MAX == 3, "as many rows below, and one that takes in the last");

#define UUID_ROWS { "uuids", page_uuids }
#define SOURCE_ROWS                                                                                                    \
	{ "rows", page_step }, { "children", page_step }, { "children", page_step },                                   \
	{                                                                                                              \
		"children", page_step                                                                                  \
	}
STEP_TABLE(fetch_page_table, 0, SOURCE_ROWS, SOURCE_ROWS, SOURCE_ROWS, { "taken", page_step }, { "done", page_done },
    UUID_ROWS, UUID_ROWS, UUID_ROWS, UUID_ROWS, UUID_ROWS, { "codes", page_codes }, { "codes", page_codes },
    { "codes", page_codes }, { "codes", page_codes });
#undef SOURCE_ROWS
#undef UUID_ROWS
