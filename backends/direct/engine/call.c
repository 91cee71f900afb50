/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and lists. Writes are in write.c. */
#include "backends/direct/engine/call.h"

#include "backends/direct/engine/stream.h"

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
	c->render = (struct render){ .lists = h->d->lists, .fhir = h->plan->fhir, .compat = r->site->compat };
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

void
call_one_prepare(struct call *c, const struct uuid *uuid)
{
	c->one = (struct fetch_one){ .plan = c->plan,
		.db = c->r->site->db,
		.uuid = *uuid,
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

/* --- read --------------------------------------------------------------------------------------------------------------------- */

static enum step
read_start(struct task *t)
{
	struct call *c = task_frame(t);
	struct uuid uuid;
	c->r->audit.resource_id = c->id_text;
	c->id_valid = uuid_parse(c->id_text, &uuid) == 0;
	if (!c->id_valid) {
		c->style->ops->missing(c);
		return STEP_REPLY;
	}
	call_one_prepare(c, &uuid);
	return task_push(t, &fetch_one_table, &c->one);
}

static enum step
read_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	c->render.lists = c->d->lists; /* may have been read again meanwhile */
	if (c->one.found == FOUND) {
		call_audit_row(c, c->one.row.ps, c->one.row.row);
		c->style->ops->one(c);
	} else {
		c->style->ops->missing(c);
	}
	return STEP_REPLY;
}

STEP_TABLE(read_table, 0, { "read", read_start }, { "answer", read_answer });

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

static enum step
list_keys(struct task *t)
{
	struct call *c = task_frame(t);
	const struct db_stmt *stmt;
	c->q = query_new(t->arena);
	c->vals = arena_array(t->arena, QUERY_VALS_MAX, sizeof *c->vals);
	if (c->q == NULL || c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	c->q->by_patient = c->r->filter.by_patient;
	c->q->patient = c->r->filter.patient;
	enum step s = c->style->ops->query(c);
	if (s != STEP_NEXT)
		return s;
	if (c->q->by_patient && c->plan->res->compartment == COMPARTMENT_PATIENT) {
		c->r->audit.has_patient = true;
		c->r->audit.patient = c->q->patient;
	}
	if (c->only_count)
		return STEP_NEXT;
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
	c->more = c->keys != NULL && c->keys->n_rows > page_size(c);
	bool known = c->keys != NULL && !c->more && !c->q->has_after; /* the page is all there is */
	if (!c->want_count || known)
		return STEP_NEXT;
	if (query_count(c->q, c->plan, c->d->forms, t->arena, &stmt, c->vals, &c->n_vals, &t->err) != 0)
		return refused_query(c);
	return db_query(t, c->r->site->db, stmt, c->vals, c->n_vals, &c->count);
}

static enum step
list_rows(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->count != NULL && (c->count->status != DB_OK || c->count->n_rows != 1))
		return call_db_failed(c, c->count->status == DB_OK ? DB_REFUSED : c->count->status);
	if (c->keys == NULL)
		return STEP_NEXT;
	c->page = (struct fetch_page){ .plan = c->plan,
		.db = c->r->site->db,
		.keys = c->keys,
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
	c->style->ops->page(c);
	if (c->more && c->q->limit == 0 && c->style->ops->stream && stream_continue(c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return STEP_REPLY;
}

STEP_TABLE(
    list_table, 0, { "keys", list_keys }, { "count", list_count }, { "rows", list_rows }, { "answer", list_answer });

enum step
call_run(struct call *c)
{
	static const struct step_table *const tables[] = {
		[OP_LIST] = &list_table,
		[OP_READ] = &read_table,
		[OP_CREATE] = &create_table,
		[OP_UPDATE] = &update_table,
	};
	CHECK((size_t)c->h->row->op < NITEMS(tables));
	return task_push(&c->r->task, tables[c->h->row->op], c);
}
