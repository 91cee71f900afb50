/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Creating and updating. A new row, its uuid_registry row and its uuid_mapping rows are one transaction; when another writer takes
 * the same number or the server breaks a deadlock, the whole is tried again. An update is one statement.                   */
#include "backends/direct/engine/call.h"

#include "gateway/base/json_in.h"

enum { BODY_MAX = 4 << 20, VALS_MAX = 256, MAPPED_MAX = 16 };

/* --- bodies ------------------------------------------------------------------------------------------------------------------- */

/* Reads and checks the body. STEP_NEXT: c->accepted and c->violations are there. */
static enum step
body_take(struct call *c, bool create)
{
	struct err why = { 0 };
	json_t *doc = c->r->body.n == 0 ? NULL : json_in(c->r->body, BODY_MAX, &why);
	if (doc != NULL && json_keep(c->r->task.arena, doc) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	if (c->style->ops->body != NULL && !c->style->ops->body(c, doc))
		return STEP_REPLY;
	if (accept_body(
	        c->plan, json_is_object(doc) ? doc : NULL, create, c->r->task.arena, &c->accepted, &c->violations) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return STEP_NEXT;
}

/* Asks whether the row that a field refers to exists, when the body names one. */
static enum step
exists_ask(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	if (w->exists_field == NULL || c->violations.n > 0)
		return STEP_NEXT;
	struct str cols = str_of(w->exists_field->cols);
	struct str value = accepted_text(w, &c->accepted, str_skip(cols, str_find(cols, '.') + 1));
	if (value.n == 0)
		return STEP_NEXT;
	c->vals = arena_array(c->r->task.arena, 1, sizeof *c->vals);
	if (c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	c->vals[0] = DB_V_STR(value);
	return db_query(&c->r->task, c->r->site->db, &w->exists, c->vals, 1, &c->done);
}

static enum step
exists_read(struct call *c)
{
	const struct field *f = c->plan->write->exists_field;
	if (c->done == NULL)
		return STEP_NEXT;
	if (c->done->status != DB_OK)
		return call_db_failed(c, c->done->status);
	if (c->done->n_rows == 0)
		violation_add(&c->violations, str_of(f->name), STR("Callback::INVALID_VALUE"), "%s is invalid",
		    f->label == NULL ? f->name : f->label);
	c->done = NULL;
	return STEP_NEXT;
}

/* --- what the server sets ----------------------------------------------------------------------------------------------------- */

static struct db_val
set_value(struct call *c, const struct server_set *s)
{
	switch (s->what) {
	case SV_UUID:
		return DB_V_BIN(c->uuids[0].b, sizeof c->uuids[0].b);
	case SV_USER_ID:
		return DB_V_I64(c->r->who.user_id);
	case SV_NEXT:
		return DB_V_I64(c->next);
	case SV_COPY: { /* the client's value where it gave one, else the copied number */
		struct str given = accepted_text(c->plan->write, &c->accepted, str_of(s->col));
		return given.n > 0 ? DB_V_STR(given) : DB_V_I64(c->next);
	}
	case SV_USERNAME: {
		struct str text = accepted_text(c->plan->write, &c->accepted, str_of(s->col));
		char u[UUID_TEXT + 1];
		if (text.n > 0)
			return DB_V_STR(text);
		uuid_text(&c->uuids[0], u);
		text = arena_str(c->r->task.arena, (struct str){ u, UUID_TEXT });
		return DB_V_STR(text);
	}
	case SV_NOW:
	case SV_NONE:
		break;
	}
	return DB_V_NULL;
}

static void
sets_bind(struct call *c, unsigned when, struct db_val *vals, size_t *n)
{
	const struct plan_write *w = c->plan->write;
	for (unsigned i = 0; i < w->n_sets; i++)
		if (((unsigned)w->sets[i]->when & when) && w->sets[i]->what != SV_NOW)
			vals[(*n)++] = set_value(c, w->sets[i]);
}

static int
vals_make(struct call *c)
{
	c->vals = arena_array(c->r->task.arena, VALS_MAX, sizeof *c->vals);
	c->n_vals = 0;
	return c->vals == NULL ? -1 : 0;
}

/* --- create: the transaction ---------------------------------------------------------------------------------------------------- */

static enum step
tx_begin(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	unsigned n = 1 + (w->has_mapping ? w->rule->n_mapped : 0);
	CHECK(n <= MAPPED_MAX);
	c->uuids = arena_array(t->arena, n, sizeof *c->uuids);
	if (c->uuids == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	for (unsigned i = 0; i < n; i++)
		uuid_comb(&c->uuids[i], c->r->worker->clock, c->r->worker->rng);
	c->lost = c->committing = false;
	c->inserted = NULL;
	c->tx = NULL;
	return db_begin(t, c->r->site->db, &c->tx, &c->done);
}

/* After each statement: go on? A statement that failed ends the try; the rest of its steps do nothing. */
static bool
tx_good(struct call *c)
{
	if (!c->lost && c->done->status != DB_OK) {
		db_rollback(&c->tx);
		c->tx = NULL;
		c->lost = true;
	}
	return !c->lost;
}

static enum step
tx_lock(struct task *t)
{
	struct call *c = task_frame(t);
	if (!tx_good(c) || !c->plan->write->has_lock)
		return STEP_NEXT;
	return db_tx_query(t, c->tx, &c->plan->write->lock, NULL, 0, &c->done);
}

static enum step
tx_next(struct task *t)
{
	struct call *c = task_frame(t);
	if (!tx_good(c) || c->plan->write->next.sql[0] == 0)
		return STEP_NEXT;
	return db_tx_query(t, c->tx, &c->plan->write->next, NULL, 0, &c->done);
}

static enum step
tx_insert(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	if (!tx_good(c))
		return STEP_NEXT;
	if (w->next.sql[0] != 0 && (c->done->n_rows != 1 || cell_int(db_cell(c->done, 0, 0), &c->next) != 0))
		return request_refuse(c->r, REPLY_INTERNAL);
	if (vals_make(c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	accepted_bind(w, &c->accepted, SET_CREATE, c->vals, &c->n_vals);
	sets_bind(c, SET_CREATE, c->vals, &c->n_vals);
	return db_tx_query(t, c->tx, &w->insert, c->vals, c->n_vals, &c->done);
}

static enum step
tx_registry(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	if (!tx_good(c))
		return STEP_NEXT;
	c->inserted = c->done;
	if (!w->has_registry)
		return STEP_NEXT;
	if (vals_make(c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	for (unsigned i = 0; i < 1 + (w->has_mapping ? w->rule->n_mapped : 0); i++)
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[i].b, sizeof c->uuids[i].b);
	return db_tx_query(t, c->tx, &w->registry, c->vals, c->n_vals, &c->done);
}

static enum step
tx_mapping(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	if (!tx_good(c) || !w->has_mapping)
		return STEP_NEXT;
	if (vals_make(c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	for (unsigned i = 0; i < w->rule->n_mapped; i++) {
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[1 + i].b, sizeof c->uuids[0].b);
		c->vals[c->n_vals++] = DB_V_BIN(c->uuids[0].b, sizeof c->uuids[0].b);
	}
	return db_tx_query(t, c->tx, &w->mapping, c->vals, c->n_vals, &c->done);
}

static enum step
tx_commit(struct task *t)
{
	struct call *c = task_frame(t);
	if (!tx_good(c))
		return STEP_NEXT;
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
static STEP_TABLE(transaction, 0, { "begin", tx_begin }, { "lock", tx_lock }, { "next", tx_next },
    { "insert", tx_insert }, { "registry", tx_registry }, { "mapping", tx_mapping }, { "commit", tx_commit },
    { "end", tx_end });

/* --- create ------------------------------------------------------------------------------------------------------------------- */

static enum step
create_body(struct task *t)
{
	struct call *c = task_frame(t);
	enum step s = body_take(c, true);
	return s != STEP_NEXT ? s : exists_ask(c);
}

static enum step
create_check(struct task *t)
{
	struct call *c = task_frame(t);
	enum step s = exists_read(c);
	if (s == STEP_NEXT && c->violations.n > 0) {
		c->style->ops->invalid(c);
		return STEP_REPLY;
	}
	return s;
}

/* The first try, and those after a race that was lost. A commit whose outcome is unknown is not repeated. */
static enum step
create_try(struct task *t)
{
	struct call *c = task_frame(t);
	bool raced = c->done != NULL && (c->done->status == DB_DEADLOCK || c->done->status == DB_DUPLICATE);
	if (c->uuids != NULL && (c->committed || c->committing || !raced))
		return STEP_NEXT;
	return task_push(t, &transaction, c);
}

static enum step
create_answer(struct task *t)
{
	struct call *c = task_frame(t);
	char text[UUID_TEXT + 1];
	if (!c->committed)
		return call_db_failed(
		    c, c->done->status == DB_REFUSED || c->done->status == DB_TOO_LARGE ? c->done->status : DB_DOWN);
	uuid_text(&c->uuids[0], text);
	c->r->audit.resource_id = arena_str(t->arena, (struct str){ text, UUID_TEXT });
	if (c->plan->sources[0].patient == c->plan->sources[0].uuid) { /* the row is the patient */
		c->r->audit.has_patient = true;
		c->r->audit.patient = c->uuids[0];
	}
	c->style->ops->created(c);
	return STEP_REPLY;
}

STEP_TABLE(create_table, 0, { "body", create_body }, { "check", create_check }, { "try", create_try },
    { "again", create_try }, { "again", create_try }, { "again", create_try }, { "answer", create_answer });

/* --- update ------------------------------------------------------------------------------------------------------------------- */

static enum step
update_body(struct task *t)
{
	struct call *c = task_frame(t);
	struct uuid uuid = { 0 };
	c->r->audit.resource_id = c->id_text;
	c->id_valid = uuid_parse(c->id_text, &uuid) == 0;
	call_one_prepare(c, &uuid);
	enum step s = body_take(c, false);
	return s != STEP_NEXT ? s : exists_ask(c);
}

static enum step
update_find(struct task *t)
{
	struct call *c = task_frame(t);
	enum step s = exists_read(c);
	if (s != STEP_NEXT || !c->id_valid)
		return s;
	c->one.without_children = true;
	return task_push(t, &fetch_one_table, &c->one);
}

/* An id that names nothing is one more violation, in OpenEMR's words. */
static void
id_violation(struct call *c)
{
	const char *label = c->plan->write->rule->uuid_label;
	if (label == NULL) {
		violation_add(&c->violations, STR("uuid"), c->id_text, "UUID %.*s does not exist", STR_ARG(c->id_text));
		return;
	}
	violation_add(&c->violations, STR("uuid"), STR("Callback::INVALID_VALUE"), "%s is invalid", label);
	if (!c->id_valid)
		violation_add(&c->violations, STR("uuid"), STR("Uuid::INVALID_UUID"),
		    "%s must be a valid UUID (valid format)", label);
}

static enum step
update_write(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	if (c->id_valid && c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	/* only rows of the first source can be written; a hidden row may be changed, as in OpenEMR */
	if (c->one.found == FOUND_NOT || c->one.row.ps != &c->plan->sources[0])
		id_violation(c);
	if (c->violations.n > 0) {
		c->style->ops->invalid(c);
		return STEP_REPLY;
	}
	call_audit_row(c, c->one.row.ps, c->one.row.row);
	c->uuids = ARENA_NEW(t->arena, struct uuid);
	if (vals_make(c) != 0 || c->uuids == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	c->uuids[0] = c->one.uuid;
	accepted_bind(w, &c->accepted, SET_UPDATE, c->vals, &c->n_vals);
	sets_bind(c, SET_UPDATE, c->vals, &c->n_vals);
	c->vals[c->n_vals++] = DB_V_BIN(c->uuids[0].b, sizeof c->uuids[0].b);
	return db_query(t, c->r->site->db, &w->update, c->vals, c->n_vals, &c->done);
}

static enum step
update_read(struct task *t)
{
	struct call *c = task_frame(t);
	struct uuid uuid = c->one.uuid;
	if (c->done->status != DB_OK)
		return call_db_failed(
		    c, c->done->status == DB_REFUSED || c->done->status == DB_TOO_LARGE ? c->done->status : DB_DOWN);
	call_one_prepare(c, &uuid);
	return task_push(t, &fetch_one_table, &c->one);
}

static enum step
update_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	c->render.lists = c->d->lists;
	if (c->one.row.row == NULL)
		c->style->ops->missing(c);
	else
		c->style->ops->one(c);
	return STEP_REPLY;
}

STEP_TABLE(update_table, 0, { "body", update_body }, { "find", update_find }, { "write", update_write },
    { "read back", update_read }, { "answer", update_answer });
