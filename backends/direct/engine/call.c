/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and lists. Writes are in write.c. */
#include "backends/direct/engine/call.h"

#include "backends/direct/engine/stream.h"

enum { WHOLE_MAX = 20000 };

struct call *
call_new(struct request *r, const struct handler *h)
{
	struct call *c = ARENA_NEW(r->task.arena, struct call);
	if (c == NULL)
		return NULL;
	c->r = r;
	c->d = h->d;
	c->h = h;
	c->plan = h->plan;
	c->style = h->row->style;
	c->render = (struct render){ .lists = h->d->lists,
		.fhir = h->plan->fhir,
		.compat = r->site->compat,
		.zone = db_pool_zone(r->site->db) };
	c->parent.valid = true;
	if (r->params.n > 0)
		c->id_text = r->params.v[r->params.n - 1].value;
	return c;
}

enum step
call_db_failed(struct call *c, enum db_status status)
{
	if (status == DB_TOO_LARGE)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	if (status == DB_REFUSED)
		return request_refuse(c->r, REPLY_INTERNAL);
	return request_unavailable(c->r, "database");
}

static void
one_prepare(struct call *c, const struct uuid *uuid)
{
	c->one = (struct fetch_one){ .plan = c->plan,
		.db = c->r->site->db,
		.uuid = *uuid,
		.uuids = &c->d->uuids,
		.by_patient = c->r->filter.by_patient,
		.patient = c->r->filter.patient };
}

void
call_audit_row(struct call *c, const struct plan_source *ps, const struct db_cell *row)
{
	if (ps->patient == SLOT_NONE || row[ps->patient].kind != DB_C_TEXT ||
	    row[ps->patient].s.n != sizeof c->r->audit.patient.b)
		return;
	c->r->audit.has_patient = true;
	memcpy(c->r->audit.patient.b, row[ps->patient].s.p, sizeof c->r->audit.patient.b);
}

struct str
call_cell(const struct call *c, const char *field, char number[24])
{
	const struct plan_source *ps = c->one.row.ps;
	for (unsigned i = 0; ps != NULL && i < ps->n_ops; i++)
		if (ps->ops[i].f->name != NULL && strcmp(ps->ops[i].f->name, field) == 0 &&
		    ps->ops[i].slot[0] != SLOT_NONE)
			return cell_text(&c->one.row.row[ps->ops[i].slot[0]], number);
	return STR("");
}

/* --- the row of the path -------------------------------------------------------------------------------------------------------- */

/* The column that a value is compared with, by the value's form; .n 0: malformed. */
static struct str
key_column(const struct key *k, struct str value, struct db_val *v, struct arena *a)
{
	struct uuid u;
	int64_t number;
	if (k->uuid != NULL && uuid_parse(value, &u) == 0) {
		struct str bytes = arena_str(a, (struct str){ (const char *)u.b, sizeof u.b });
		*v = DB_V_BIN(bytes.p, bytes.n);
		return bytes.p == NULL ? STR_NULL : str_of(k->uuid);
	}
	if (k->number != NULL && value.n < 19 && value.n > 0 && value.p[0] != '-' && str_to_i64(value, &number) == 0) {
		*v = DB_V_I64(number);
		return str_of(k->number);
	}
	*v = DB_V_STR(value);
	return k->text != NULL ? str_of(k->text) : STR_NULL;
}

/* A number in a column of text (pc_pid) is compared as text, as OpenEMR does: an index on it then serves. */
static struct db_val
tie_value(const struct call *c, const struct plan_source *ps, const char *name, int64_t number)
{
	const struct schema_column *column = column_of(ps->schema, ps->s, NULL, str_of(name));
	struct str text = column != NULL && column->type == COL_TEXT
	                      ? arena_printf(c->r->task.arena, "%lld", (long long)number)
	                      : STR_NULL;
	return text.p != NULL ? DB_V_STR(text) : DB_V_I64(number);
}

/* The columns that tie a source's rows to the patient and the encounter of the path. */
static unsigned
ties(const struct call *c, const struct plan_source *ps, struct fixed out[2])
{
	const struct source *s = ps->s;
	unsigned n = 0;
	if (c->parent.wanted && c->parent.has_encounter && s->encounter != NULL)
		out[n++] = (struct fixed){ str_of(s->encounter), tie_value(c, ps, s->encounter, c->parent.encounter) };
	if (c->parent.wanted && s->pid != NULL)
		out[n++] = (struct fixed){ str_of(s->pid), tie_value(c, ps, s->pid, c->parent.pid) };
	return n;
}

static void
read_by(struct call *c, const struct fixed *conditions, unsigned n)
{
	struct buf sql;
	struct db_val *vals = arena_array(c->r->task.arena, n, sizeof *vals);
	buf_init(&sql, c->r->task.arena, 2048, 128 << 10);
	buf_str_put(&sql, c->plan->sources[0].list);
	buf_str_put(&sql, c->plan->sources[0].from);
	for (unsigned i = 0; vals != NULL && i < n; i++) {
		buf_str_put(&sql, i > 0 ? STR(" AND ") : STR(""));
		column_put(&sql, conditions[i].column);
		buf_lit(&sql, " = ?");
		vals[i] = conditions[i].value;
	}
	c->one.stmt = vals == NULL || !buf_ok(&sql)
	                  ? NULL
	                  : query_form(c->d->forms, c->r->task.arena, c->plan->res->name, buf_str(&sql));
	c->one.vals = vals;
	c->one.n_vals = n;
	if (c->one.stmt == NULL)
		c->one.status = DB_TOO_LARGE;
}

/* Can the row be read by its uuid alone, together with those of other requests, and be compared with the path's patient afterwards? */
static bool
tied_by_row(const struct call *c, const struct plan_source *ps)
{
	const struct schema_column *pid =
	    ps->s->pid == NULL ? NULL : column_of(ps->schema, ps->s, NULL, str_of(ps->s->pid));
	return c->plan->n_sources == 1 && ps->point.sql != NULL && ps->pid != SLOT_NONE && pid != NULL &&
	       pid->type == COL_INT && !(c->parent.has_encounter && ps->s->encounter != NULL);
}

bool
call_one_by_path(struct call *c)
{
	const struct plan_source *ps = &c->plan->sources[0];
	struct uuid uuid = { 0 };
	struct str name = c->r->params.n == 0 ? STR("") : c->r->params.v[c->r->params.n - 1].name;
	const struct key *k = key_of(ps->s, name);
	struct fixed conditions[3];
	unsigned n = 0;
	if (c->r->params.n == 0 && c->r->filter.by_patient) { /* /portal/patient: who signed in */
		one_prepare(c, &c->r->filter.patient);
		return true;
	}
	bool is_uuid = uuid_parse(c->id_text, &uuid) == 0;
	one_prepare(c, &uuid);
	bool by_uuid = is_uuid && (k == NULL || (k->uuid != NULL && strcmp(k->uuid, ps->s->uuid) == 0));
	if (by_uuid && (!c->parent.wanted || tied_by_row(c, ps))) {
		c->one.tied = c->parent.wanted;
		c->one.pid = c->parent.pid;
		return true; /* batched with others of this moment */
	}
	if (k == NULL && !is_uuid)
		return false;
	const struct key own = { .uuid = ps->s->uuid };
	conditions[0].column = key_column(k == NULL ? &own : k, c->id_text, &conditions[0].value, c->r->task.arena);
	if (conditions[0].column.n == 0)
		return false;
	if (column_of(ps->schema, ps->s, NULL, conditions[0].column) == NULL)
		return false; /* a site without uuids */
	n = 1 + ties(c, ps, conditions + 1);
	read_by(c, conditions, n);
	return true;
}

void
call_one_by_id(struct call *c, int64_t id)
{
	const struct uuid none = { 0 };
	one_prepare(c, &none);
	read_by(c, &(struct fixed){ str_of(c->plan->sources[0].s->id), DB_V_I64(id) }, 1);
}

/* --- read --------------------------------------------------------------------------------------------------------------------- */

static enum step
read_start(struct task *t)
{
	struct call *c = task_frame(t);
	c->r->audit.resource_id = c->id_text;
	c->id_valid = call_one_by_path(c);
	if (!c->id_valid) {
		c->style->ops->missing(c);
		return STEP_REPLY;
	}
	return task_push(t, &fetch_one_table, &c->one);
}

static enum step
read_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	c->render.lists = c->d->lists; /* may have been read again meanwhile */
	c->render.globals = c->d->globals;
	if (c->one.found == FOUND) {
		call_audit_row(c, c->one.row.ps, c->one.row.row);
		c->style->ops->one(c);
	} else {
		c->style->ops->missing(c);
	}
	return STEP_REPLY;
}

STEP_TABLE(read_table, 0, { "parent", parent_ask }, { "of the path", parent_read }, { "read", read_start },
    { "answer", read_answer });

/* --- list --------------------------------------------------------------------------------------------------------------------- */

static enum step
refused_query(struct call *c)
{
	if (c->r->task.err.kind != E_INVALID && c->r->task.err.kind != E_LIMIT)
		return request_refuse(c->r, REPLY_INTERNAL);
	c->style->ops->query_refused(c);
	return STEP_REPLY;
}

static unsigned
page_size(const struct call *c)
{
	return c->q->limit == 0 || c->q->limit > HYDRATE_MAX ? HYDRATE_MAX : c->q->limit;
}

/* A source without an id is read in one statement. */
static bool
whole(const struct call *c)
{
	return c->plan->sources[0].s->id == NULL;
}

/* Conditions that the path makes. False: a value of the path is malformed. */
static bool
list_ties(struct call *c)
{
	const struct plan_source *ps = &c->plan->sources[0];
	c->q->n_fixed = ties(c, ps, c->q->fixed);
	for (unsigned i = 0; i < c->r->params.n; i++) {
		const struct key *k = key_of(ps->s, c->r->params.v[i].name);
		if (k == NULL || c->q->n_fixed == FIXED_MAX)
			continue;
		struct fixed *f = &c->q->fixed[c->q->n_fixed++];
		c->id_text = c->r->params.v[i].value;
		f->column = key_column(k, c->id_text, &f->value, c->r->task.arena);
		if (f->column.n == 0)
			return false;
	}
	return true;
}

static enum step
list_keys(struct task *t)
{
	struct call *c = task_frame(t);
	const struct db_stmt *stmt;
	c->q = query_new(t->arena);
	c->vals = arena_array(t->arena, QUERY_VALS_MAX, sizeof *c->vals);
	if (c->q == NULL || c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	c->q->zone = c->render.zone;
	c->q->by_patient = c->r->filter.by_patient;
	c->q->patient = c->r->filter.patient;
	enum step s = c->style->ops->query(c);
	if (s != STEP_NEXT)
		return s;
	if (!list_ties(c)) {
		c->style->ops->missing(c);
		return STEP_REPLY;
	}
	if (c->q->by_patient && c->plan->res->compartment == COMPARTMENT_PATIENT) {
		c->r->audit.has_patient = true;
		c->r->audit.patient = c->q->patient;
	}
	if (c->only_count)
		return STEP_NEXT;
	if (whole(c)) {
		if (query_whole(
		        c->q, c->plan, c->d->forms, t->arena, WHOLE_MAX + 1, &stmt, c->vals, &c->n_vals, &t->err) != 0)
			return refused_query(c);
		return db_query(t, c->r->site->db, stmt, c->vals, c->n_vals, &c->keys);
	}
	query_rows(c->q, c->plan);
	if (query_page(c->q, c->plan, c->d->forms, t->arena, page_size(c), &stmt, c->vals, &c->n_vals, &t->err) != 0)
		return refused_query(c);
	return db_query(t, c->r->site->db, stmt, c->vals, c->n_vals, &c->keys);
}

static enum step
list_count(struct task *t)
{
	struct call *c = task_frame(t);
	const struct db_stmt *stmt;
	if (c->keys != NULL && c->keys->status != DB_OK)
		return call_db_failed(c, c->keys->status);
	if (whole(c)) {
		if (c->keys->n_rows > WHOLE_MAX)
			return request_refuse(c->r, REPLY_TOO_LARGE);
		return STEP_NEXT;
	}
	c->more = c->keys != NULL && c->keys->n_rows > page_size(c);
	bool known = c->keys != NULL && !c->more && !c->q->has_after; /* the page is all there is */
	if (!c->want_count || known)
		return STEP_NEXT;
	if (query_count(c->q, c->plan, c->d->forms, t->arena, &stmt, c->vals, &c->n_vals, &t->err) != 0)
		return refused_query(c);
	return db_query(t, c->r->site->db, stmt, c->vals, c->n_vals, &c->count);
}

static enum step
whole_rows(struct call *c)
{
	c->page = (struct fetch_page){ .plan = c->plan, .n_rows = c->keys->n_rows };
	c->page.rows = arena_array(c->r->task.arena, c->keys->n_rows + 1, sizeof *c->page.rows);
	if (c->page.rows == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	for (size_t i = 0; i < c->keys->n_rows; i++)
		c->page.rows[i] = (struct fetched){ .ps = &c->plan->sources[0], .row = db_cell(c->keys, i, 0) };
	return STEP_NEXT;
}

static enum step
list_rows(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->count != NULL && (c->count->status != DB_OK || c->count->n_rows != 1))
		return call_db_failed(c, c->count->status == DB_OK ? DB_REFUSED : c->count->status);
	if (c->keys == NULL)
		return STEP_NEXT;
	if (whole(c))
		return whole_rows(c);
	c->page = (struct fetch_page){ .plan = c->plan,
		.db = c->r->site->db,
		.q = c->q,
		.keys = c->keys,
		.uuids = &c->d->uuids,
		.n_keys = MIN(c->keys->n_rows, (size_t)page_size(c)) };
	return task_push(t, &fetch_page_table, &c->page);
}

static enum step
list_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->page.status != DB_OK)
		return call_db_failed(c, c->page.status);
	c->render.lists = c->d->lists;
	c->render.globals = c->d->globals;
	c->style->ops->page(c);
	if (c->more && c->q->limit == 0 && c->style->ops->stream && stream_continue(c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return STEP_REPLY;
}

STEP_TABLE(list_table, 0, { "parent", parent_ask }, { "of the path", parent_read }, { "keys", list_keys },
    { "count", list_count }, { "rows", list_rows }, { "answer", list_answer });

enum step
call_run(struct call *c)
{
	static const struct step_table *const tables[] = {
		[OP_LIST] = &list_table,
		[OP_READ] = &read_table,
		[OP_CREATE] = &create_table,
		[OP_UPDATE] = &update_table,
		[OP_DELETE] = &remove_table,
	};
	CHECK((size_t)c->h->row->op < NITEMS(tables));
	return task_push(&c->r->task, tables[c->h->row->op], c);
}
