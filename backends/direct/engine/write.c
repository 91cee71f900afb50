/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Creating, updating, deleting: body, checks, the transaction (write_tx.c), answer. When another writer takes the same number or the
 * server breaks a deadlock, the transaction is tried again.                                                                */
#include "backends/direct/engine/call.h"

#include "gateway/base/json_in.h"

enum { BODY_MAX = 4 << 20 };

/* --- bodies ------------------------------------------------------------------------------------------------------------------- */

/* Reads and checks the body. STEP_NEXT: c->accepted and c->violations are there. */
static enum step
body_take(struct call *c, bool create)
{
	struct err why = { 0 };
	bool strict = c->style->ops->body != NULL;
	json_t *doc = c->r->body.n == 0 ? NULL
	              : strict          ? json_in(c->r->body, BODY_MAX, &why)
	                                : json_in_php(c->r->body, BODY_MAX, &why);
	if (doc == NULL && !strict && why.kind == E_LIMIT)
		return request_refuse(c->r, REPLY_BAD_REQUEST);
	if (doc != NULL && json_keep(c->r->task.arena, doc) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	if (c->style->ops->body != NULL && !c->style->ops->body(c, doc))
		return STEP_REPLY;
	if (accept_body(c->plan, json_is_object(doc) ? doc : NULL, create, c->d->lists, c->r->task.arena, &c->accepted,
	        &c->violations) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return STEP_NEXT;
}

static void
exists_not(struct call *c, const struct field *f)
{
	if (f->exists_text != NULL) {
		violation_add(&c->violations, str_of(f->name), str_of(f->name), "%s", f->exists_text);
		return;
	}
	violation_add(&c->violations, str_of(f->name), STR("Callback::INVALID_VALUE"), "%s is invalid",
	    f->label == NULL ? f->name : f->label);
}

/* Asks whether the rows that fields refer to exist, one after the other; a table of rows of this step asks for each. */
static enum step
exists_step(struct task *t)
{
	struct call *c = task_frame(t);
	const struct plan_write *w = c->plan->write;
	if (c->done != NULL) {
		if (c->done->status != DB_OK)
			return call_db_failed(c, c->done->status);
		if (c->done->n_rows == 0)
			exists_not(c, w->exists[c->n_exists - 1].f);
		c->done = NULL;
	}
	while (c->n_exists < w->n_exists) {
		struct str value = accepted_input(w, &c->accepted, w->exists[c->n_exists++].f->name);
		const struct schema_column *column = w->exists[c->n_exists - 1].column;
		if (value.n > 0 && column != NULL && !column_holds(column, value)) {
			exists_not(c, w->exists[c->n_exists - 1].f);
			continue;
		}
		if (value.n == 0)
			continue;
		c->vals = arena_array(t->arena, 1, sizeof *c->vals);
		if (c->vals == NULL)
			return request_refuse(c->r, REPLY_TOO_LARGE);
		c->vals[0] = DB_V_STR(value);
		return db_query(t, c->r->site->db, &w->exists[c->n_exists - 1].stmt, c->vals, 1, &c->done);
	}
	return STEP_NEXT;
}
#define EXISTS_STEPS                                                                                                   \
	{ "exists", exists_step }, { "exists", exists_step }, { "exists", exists_step }, { "exists", exists_step },    \
	{                                                                                                              \
		"exists", exists_step                                                                                  \
	}
_Static_assert(EXISTS_MAX == 4, "as many rows above, and one");

/* What prepare compares the body with. */
static enum step
compare_step(struct task *t)
{
	struct call *c = task_frame(t);
	const struct write_rule *rule = c->plan->write->rule;
	if (rule->compare == NULL || (c->parent.wanted && !c->parent.found))
		return STEP_NEXT;
	c->n_vals = 0;
	c->vals = arena_array(t->arena, COMPARE_VALS_MAX, sizeof *c->vals);
	if (c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	const struct db_stmt *stmt = rule->compare(c);
	return stmt == NULL ? STEP_NEXT : db_query(t, c->r->site->db, stmt, c->vals, c->n_vals, &c->compared);
}

static void
prepare(struct call *c)
{
	if (c->plan->write->rule->prepare != NULL)
		c->plan->write->rule->prepare(c);
}

static enum db_status
failure(const struct call *c)
{
	return c->done->status == DB_REFUSED || c->done->status == DB_TOO_LARGE ? c->done->status : DB_DOWN;
}

/* The database refused a second row of one unique key: told as an error of the body where the rule has one. */
static bool
duplicate_told(struct call *c)
{
	const struct write_rule *rule = c->plan->write->rule;
	if (c->done->status != DB_DUPLICATE || rule->duplicate_field == NULL)
		return false;
	violation_add(
	    &c->violations, str_of(rule->duplicate_field), str_of(rule->duplicate_code), "%s", rule->duplicate_text);
	c->style->ops->invalid(c);
	return true;
}

/* --- create ------------------------------------------------------------------------------------------------------------------- */

static enum step
create_body(struct task *t)
{
	return body_take(task_frame(t), true);
}

static enum step
create_check(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->compared != NULL && c->compared->status != DB_OK)
		return call_db_failed(c, c->compared->status);
	if (c->parent.wanted && !c->parent.found && !c->style->ops->parent_violation(c))
		return STEP_REPLY;
	prepare(c);
	if (c->violations.n == 0)
		return STEP_NEXT;
	c->style->ops->invalid(c);
	return STEP_REPLY;
}

/* The first try, and those after a race that was lost. A commit whose outcome is unknown is not repeated. */
static enum step
create_try(struct task *t)
{
	struct call *c = task_frame(t);
	bool raced =
	    c->done != NULL && (c->done->status == DB_DEADLOCK ||
	                           (c->done->status == DB_DUPLICATE && c->plan->write->rule->duplicate_field == NULL));
	if (c->uuids != NULL && (c->committed || c->committing || !raced))
		return STEP_NEXT;
	c->when = SET_CREATE;
	return task_push(t, &transaction_table, c);
}

static const char *
creation_answer(const struct call *c)
{
	const struct write_rule *rule = c->plan->write->rule;
	return c->plan->compat == COMPAT_V8 && rule->answer_v8 != NULL ? rule->answer_v8 : rule->answer;
}

static enum step
create_read(struct task *t)
{
	struct call *c = task_frame(t);
	char text[UUID_TEXT + 1];
	if (!c->committed)
		return duplicate_told(c) ? STEP_REPLY : call_db_failed(c, failure(c));
	if (c->plan->write->has_registry || c->plan->sources[0].uuid != SLOT_NONE) {
		uuid_text(&c->uuids[0], text);
		c->r->audit.resource_id = arena_str(t->arena, (struct str){ text, UUID_TEXT });
	} else {
		c->r->audit.resource_id = arena_printf(t->arena, "%lld", (long long)c->row_id);
	}
	if (c->plan->sources[0].patient == c->plan->sources[0].uuid && c->plan->sources[0].uuid != SLOT_NONE &&
	    c->plan->res->compartment == COMPARTMENT_PATIENT) { /* the row is the patient */
		c->r->audit.has_patient = true;
		c->r->audit.patient = c->uuids[0];
	}
	if (creation_answer(c)[0] != '*')
		return STEP_NEXT;
	call_one_by_id(c, c->row_id);
	return c->one.status != DB_OK ? STEP_NEXT : task_push(t, &fetch_one_table, &c->one);
}

static enum step
create_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	c->render.lists = c->d->lists;
	c->render.globals = c->d->globals;
	c->style->ops->created(c);
	return STEP_NEXT;
}

static enum step
create_reply(struct task *t)
{
	(void)t;
	return STEP_REPLY;
}

STEP_TABLE(create_table, 0, { "key", call_key_ask }, { "key known", call_key_known },
    { "key's answer", call_key_answer }, { "parent", parent_ask }, { "of the path", parent_read },
    { "body", create_body }, EXISTS_STEPS, { "compare", compare_step }, { "check", create_check },
    { "try", create_try }, { "again", create_try }, { "again", create_try }, { "again", create_try },
    { "read back", create_read }, { "answer", create_answer }, { "remember", call_key_remember },
    { "reply", create_reply });

/* --- update ------------------------------------------------------------------------------------------------------------------- */

static enum step
update_body(struct task *t)
{
	return body_take(task_frame(t), false);
}

static enum step
update_find(struct task *t)
{
	struct call *c = task_frame(t);
	c->r->audit.resource_id = c->id_text;
	c->id_valid = call_one_by_path(c);
	c->one.without_children = true;
	if (!c->id_valid || (c->parent.wanted && !c->parent.found) || c->one.status != DB_OK)
		return STEP_NEXT;
	return task_push(t, &fetch_one_table, &c->one);
}

/* An id that names nothing is one more violation, in OpenEMR's words. */
static void
id_violation(struct call *c)
{
	const struct write_rule *rule = c->plan->write->rule;
	const char *label = rule->uuid_label;
	struct str field = rule->uuid_field == NULL ? STR("uuid") : str_of(rule->uuid_field);
	if (label == NULL) {
		violation_add(&c->violations, field, c->id_text, "UUID %.*s does not exist", STR_ARG(c->id_text));
		return;
	}
	violation_add(&c->violations, field, STR("Callback::INVALID_VALUE"), "%s is invalid", label);
	if (!c->id_valid)
		violation_add(
		    &c->violations, field, STR("Uuid::INVALID_UUID"), "%s must be a valid UUID (valid format)", label);
}

static bool
row_to_update(const struct call *c)
{
	bool there = c->one.found == FOUND || (c->one.found == FOUND_HIDDEN && c->plan->write->rule->updates_hidden);
	return there && c->one.row.ps == &c->plan->sources[0];
}

static enum step
update_check(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	if (c->compared != NULL && c->compared->status != DB_OK)
		return call_db_failed(c, c->compared->status);
	/* only rows of the first source can be written */
	if (!row_to_update(c)) {
		if (c->style->envelope == ENV_BARE && !c->plan->fhir && c->violations.n == 0) {
			c->style->ops->missing(c);
			return STEP_REPLY;
		}
		if (c->parent.wanted && !c->parent.found && c->style->no_parent != NULL)
			(void)c->style->ops->parent_violation(c);
		else if (c->style->envelope != ENV_BARE || c->plan->fhir)
			id_violation(c);
	} else {
		prepare(c);
	}
	if (c->violations.n > 0) {
		c->style->ops->invalid(c);
		return STEP_REPLY;
	}
	call_audit_row(c, c->one.row.ps, c->one.row.row);
	return STEP_NEXT;
}

/* The row's number and uuid, for the statements. What is in one.uuid may be of the path, or nothing at all: a row that has none (the site
 * cannot give it one, or its table has no such column) is written as one without.                                            */
static void
row_take(struct call *c)
{
	const struct plan_source *ps = c->one.row.ps;
	c->row_id = c->one.row.row[ps->id].i;
	c->no_uuid = ps->uuid == SLOT_NONE || c->one.row.row[ps->uuid].s.n != sizeof c->one.uuid.b;
	if (!c->no_uuid)
		memcpy(c->one.uuid.b, c->one.row.row[ps->uuid].s.p, sizeof c->one.uuid.b);
}

/* The first try, and those after a deadlock with another writer. */
static enum step
update_write(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->uuids != NULL && (c->committed || c->committing || c->done->status != DB_DEADLOCK))
		return STEP_NEXT;
	row_take(c);
	c->when = SET_UPDATE;
	return task_push(t, &transaction_table, c);
}

static enum step
update_read(struct task *t)
{
	struct call *c = task_frame(t);
	if (!c->committed)
		return duplicate_told(c) ? STEP_REPLY : call_db_failed(c, failure(c));
	if (c->style->echo != NULL)
		return STEP_NEXT;
	call_one_by_id(c, c->row_id);
	return c->one.status != DB_OK ? STEP_NEXT : task_push(t, &fetch_one_table, &c->one);
}

static enum step
update_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	c->render.lists = c->d->lists;
	c->render.globals = c->d->globals;
	if (c->one.row.row == NULL)
		c->style->ops->missing(c);
	else
		c->style->ops->one(c);
	return STEP_REPLY;
}

STEP_TABLE(update_table, 0, { "parent", parent_ask }, { "of the path", parent_read }, { "body", update_body },
    EXISTS_STEPS, { "find", update_find }, { "compare", compare_step }, { "check", update_check },
    { "write", update_write }, { "again", update_write }, { "again", update_write }, { "read back", update_read },
    { "answer", update_answer });

/* --- delete ------------------------------------------------------------------------------------------------------------------- */

static enum step
remove_find(struct task *t)
{
	struct call *c = task_frame(t);
	c->r->audit.resource_id = c->id_text;
	c->id_valid = call_one_by_path(c);
	c->one.without_children = true;
	return !c->id_valid || c->one.status != DB_OK ? STEP_NEXT : task_push(t, &fetch_one_table, &c->one);
}

static enum step
remove_write(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	if (c->one.found != FOUND || c->one.row.ps != &c->plan->sources[0]) {
		c->style->ops->missing(c);
		return STEP_REPLY;
	}
	call_audit_row(c, c->one.row.ps, c->one.row.row);
	row_take(c);
	c->when = 0;
	return task_push(t, &transaction_table, c);
}

static enum step
remove_answer(struct task *t)
{
	struct call *c = task_frame(t);
	if (!c->committed)
		return call_db_failed(c, failure(c));
	c->style->ops->removed(c);
	return STEP_REPLY;
}

STEP_TABLE(remove_table, 0, { "parent", parent_ask }, { "of the path", parent_read }, { "find", remove_find },
    { "write", remove_write }, { "answer", remove_answer });
