/* SPDX-License-Identifier: GPL-3.0-or-later */
/* $swap-insurance: a policy takes another type, and the newest policy of that type takes the first one's. Both must be fit to be written, as
 * by an update; both change in one transaction, with their log rows.                                                       */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/insurance.h"
#include "gateway/base/json_in.h"

struct swap {
	struct call *c;
	struct str type;
	struct uuid uuid;
	struct db_tx *tx;
	struct db_result *done, *source, *target;
	unsigned checked; /* SWAP_TARGET first, then SWAP_SOURCE */
	struct db_val vals[4];
	struct write_note note;
	struct fetched rows[2];
	const char *conflict, *conflict_text; /* what a date that is taken means now */
};
enum { SWAP_SOURCE, SWAP_TARGET, SWAP_ID = 0, SWAP_TYPE, SWAP_DATE };
#define SWAP_COLUMNS "SELECT i.id, i.type, i.date FROM insurance_data i WHERE "
/* Two exchanges of one patient's policies wait for each other here, not crosswise. */
static const struct db_stmt lock_sql = { "swap_lock", "SELECT p.pid FROM patient_data p WHERE p.pid = ? FOR UPDATE",
	false };
static const struct db_stmt source_sql = { "swap_source", SWAP_COLUMNS "i.uuid = ? AND i.pid = ? FOR UPDATE", false };
static const struct db_stmt target_sql = { "swap_target",
	SWAP_COLUMNS "i.pid = ? AND i.type = ? AND i.id <> ? ORDER BY i.date DESC, i.id DESC LIMIT 1 FOR UPDATE",
	false };
/* Type and date are unique together with the patient: where the two have one date, the target's steps aside meanwhile. */
static const struct db_stmt aside_sql = { "swap_aside", "UPDATE insurance_data SET date = '9999-12-31' WHERE id = ?",
	false };
static const struct db_stmt type_sql = { "swap_type", "UPDATE insurance_data SET type = ? WHERE id = ?", false };
static const struct db_stmt back_sql = { "swap_back", "UPDATE insurance_data SET type = ?, date = ? WHERE id = ?",
	false };

/* A POST may have an Idempotency-Key, as a creation; what it asks for stands in its query. */
static enum step
swap_key(struct task *t)
{
	struct call *c = task_frame(t);
	if (c->h->row->method != HTTP_POST)
		return STEP_NEXT;
	struct str asked = arena_printf(t->arena, "%.*s\n%.*s", STR_ARG(form_get(&c->r->query, STR("type"), NULL)),
	    STR_ARG(form_get(&c->r->query, STR("uuid"), NULL)));
	return asked.p == NULL ? request_refuse(c->r, REPLY_TOO_LARGE) : call_key_begin(c, asked);
}

static enum step
swap_begin(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = ARENA_NEW(t->arena, struct swap);
	if (s == NULL)
		return STEP_FAIL;
	c->action = s;
	s->c = c;
	c->violations.arena = t->arena;
	s->type = form_get(&c->r->query, STR("type"), NULL);
	if (!c->parent.found) {
		c->style->ops->no_parent(c);
		return STEP_REPLY;
	}
	if (!insurance_word(INSURANCE_TYPES, s->type))
		violation_add(&c->violations, STR("type"), STR("InArray::NOT_IN_ARRAY"),
		    "Coverage Type must be in the defined set of values");
	if (uuid_parse(form_get(&c->r->query, STR("uuid"), NULL), &s->uuid) != 0)
		violation_add(&c->violations, STR("uuid"), STR("Callback::INVALID_VALUE"), "Coverage UUID is invalid");
	if (c->violations.n > 0) {
		c->style->ops->invalid(c);
		return STEP_REPLY;
	}
	return db_begin(t, c->r->site->db, &s->tx, &s->done);
}

/* The exchange is refused: nothing stays half done. */
static enum step
swap_refuse(struct swap *s, const char *field, const char *code, const char *text)
{
	struct call *c = s->c;
	db_rollback(&s->tx);
	c->violations.n = 0;
	violation_add(&c->violations, str_of(field), str_of(code), "%s", text);
	c->style->ops->invalid(c);
	return STEP_REPLY;
}

/* A statement that failed ends it too. */
static bool
swap_good(struct swap *s, enum step *answer)
{
	struct call *c = s->c;
	if (s->done->status == DB_OK)
		return true;
	if (s->done->status == DB_DUPLICATE && s->conflict != NULL) {
		*answer = swap_refuse(s, "type", s->conflict, s->conflict_text);
	} else {
		db_rollback(&s->tx);
		*answer = call_db_failed(c, s->done->status == DB_REFUSED ? DB_REFUSED : DB_DOWN);
	}
	return false;
}

static enum step
swap_run(struct swap *s, const struct db_stmt *stmt, size_t n)
{
	return db_tx_query(&s->c->r->task, s->tx, stmt, s->vals, n, &s->done);
}

static enum step
swap_lock(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->vals[0] = DB_V_I64(c->parent.pid);
	return swap_run(s, &lock_sql, 1);
}

static enum step
swap_source(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->vals[0] = DB_V_BIN(s->uuid.b, sizeof s->uuid.b);
	s->vals[1] = DB_V_I64(c->parent.pid);
	return swap_run(s, &source_sql, 2);
}

static enum step
swap_target(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->source = s->done;
	if (s->source->n_rows == 0)
		return swap_refuse(s, "uuid", "Callback::INVALID_VALUE", "Coverage UUID is invalid");
	s->vals[0] = DB_V_I64(c->parent.pid);
	s->vals[1] = DB_V_STR(s->type);
	s->vals[2] = DB_V_I64(db_cell(s->source, 0, SWAP_ID)->i);
	return swap_run(s, &target_sql, 3);
}

/* --- are both fit to be written? The stored row is taken as the body of an update. All is read in the transaction: who held its connection
 * and waited for one more would wait for itself where the others wait for its lock. ----------------------------------------------- */

static const struct {
	const char *code, *text;
} unfit[] = {
	[SWAP_SOURCE] = { "Record::SOURCE_INSURANCE_UPDATE_PROHIBITED",
	    "Source insurance could not be saved as it was missing data required for database updates" },
	[SWAP_TARGET] = { "Record::TARGET_INSURANCE_UPDATE_PROHIBITED",
	    "Target insurance could not be saved as it was missing data required for database updates" },
};

static const struct db_result *
whole(const struct swap *s)
{
	return s->checked == SWAP_TARGET ? s->target : s->source;
}

static enum step
target_take(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->target = s->done;
	s->checked = SWAP_TARGET;
	return STEP_NEXT;
}

static enum step
whole_read(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	const struct db_result *row = whole(s);
	if (row->n_rows == 0)
		return STEP_NEXT;
	call_one_by_id(c, db_cell(row, 0, SWAP_ID)->i);
	c->one.tx = s->tx;
	c->one.uuids = NULL;
	c->one.without_children = true;
	return c->one.status != DB_OK ? call_db_failed(c, c->one.status)
	                              : task_push(&c->r->task, &fetch_one_table, &c->one);
}

/* The members of the row in c->one; what is not there is empty. NULL: out of memory. */
static json_t *
whole_body(const struct call *c)
{
	const struct write_rule *rule = c->plan->write->rule;
	json_t *body = json_object();
	char number[24];
	for (unsigned i = 0; body != NULL && i < rule->n_inputs; i++) {
		const struct field *f = &rule->inputs[i];
		struct str text = call_cell(c, f->name, number);
		if (f->flags & R_DATE)
			text = str_sub(text, 0, str_find(text, ' '));
		if (str_eq(text, STR("0000-00-00")))
			text = STR("");
		if (json_object_set_new(body, f->name, json_stringn(text.n == 0 ? "" : text.p, text.n)) != 0) {
			json_decref(body);
			return NULL;
		}
	}
	return body;
}

/* c->accepted and c->violations of the row that was read, and what the rule compares it with. */
static enum step
whole_accept(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	const struct write_rule *rule = c->plan->write->rule;
	c->compared = NULL;
	if (whole(s)->n_rows == 0)
		return STEP_NEXT;
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	json_t *body = c->one.found == FOUND_NOT ? NULL : whole_body(c);
	if (body == NULL || json_keep(c->r->task.arena, body) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	if (accept_body(c->plan, body, false, c->d->lists, c->r->task.arena, &c->accepted, &c->violations) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	c->n_vals = 0;
	c->vals = arena_array(c->r->task.arena, COMPARE_VALS_MAX, sizeof *c->vals);
	if (c->vals == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	const struct db_stmt *stmt = rule->compare(c);
	return stmt == NULL ? STEP_NEXT : db_tx_query(&c->r->task, s->tx, stmt, c->vals, c->n_vals, &c->compared);
}

static enum step
whole_check(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	unsigned side = s->checked;
	bool there = whole(s)->n_rows > 0;
	s->checked = SWAP_SOURCE;
	if (!there)
		return STEP_NEXT;
	if (c->compared != NULL && c->compared->status != DB_OK)
		return call_db_failed(c, c->compared->status);
	c->plan->write->rule->prepare(c);
	if (c->violations.n > 0)
		return swap_refuse(s, "type", unfit[side].code, unfit[side].text);
	c->one = (struct fetch_one){ 0 };
	return STEP_NEXT;
}

#define TARGET_DATE "Record::INVALID_TARGET_POLICY_DATE"
#define TARGET_DATE_TEXT                                                                                               \
	"Target coverage type already has a policy with an effective date that conflicts with the source policy "      \
	"effective date"

/* --- the exchange ------------------------------------------------------------------------------------------------------------------- */

static enum step
swap_aside(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	if (s->target->n_rows == 0 || !str_eq(db_cell(s->source, 0, SWAP_DATE)->s, db_cell(s->target, 0, SWAP_DATE)->s))
		return STEP_NEXT;
	s->conflict = TARGET_DATE;
	s->conflict_text = TARGET_DATE_TEXT;
	s->vals[0] = DB_V_I64(db_cell(s->target, 0, SWAP_ID)->i);
	return swap_run(s, &aside_sql, 1);
}

static enum step
swap_type(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->conflict = TARGET_DATE;
	s->conflict_text = TARGET_DATE_TEXT;
	s->vals[0] = DB_V_STR(s->type);
	s->vals[1] = DB_V_I64(db_cell(s->source, 0, SWAP_ID)->i);
	return swap_run(s, &type_sql, 2);
}

static enum step
swap_back(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	if (s->target->n_rows == 0)
		return STEP_NEXT;
	s->conflict = "Record::INVALID_SOURCE_POLICY_DATE";
	s->conflict_text = "Source coverage type already has a policy with an effective date that conflicts with the "
	                   "target policy effective date";
	const struct db_cell *date = db_cell(s->target, 0, SWAP_DATE);
	s->vals[0] = DB_V_STR(db_cell(s->source, 0, SWAP_TYPE)->s);
	s->vals[1] = date->kind == DB_C_NULL ? DB_V_NULL : DB_V_STR(date->s);
	s->vals[2] = DB_V_I64(db_cell(s->target, 0, SWAP_ID)->i);
	return swap_run(s, &back_sql, 3);
}

/* OpenEMR's log row of a policy that was changed. */
static enum step
swap_note(struct swap *s, const struct db_result *row)
{
	struct call *c = s->c;
	s->note = (struct write_note){ .r = c->r,
		.d = c->d,
		.class = c->plan->write->log,
		.verb = "update",
		.table = "insurance_data",
		.id = db_cell(row, 0, SWAP_ID)->i,
		.pid = &c->parent.pid,
		.group = c->group,
		.tx = s->tx };
	return write_log_wanted(c->d, s->note.class) ? task_push(&c->r->task, &write_note_table, &s->note) : STEP_NEXT;
}

static void
swap_noted(struct swap *s)
{
	if (s->note.done != NULL)
		s->done = s->note.done;
	s->c->group = s->note.group;
}

static enum step
swap_note_source(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	return swap_good(s, &answer) ? swap_note(s, s->source) : answer;
}

static enum step
swap_note_target(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	swap_noted(s);
	if (!swap_good(s, &answer))
		return answer;
	return s->target->n_rows > 0 ? swap_note(s, s->target) : STEP_NEXT;
}

static enum step
swap_commit(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	swap_noted(s);
	if (!swap_good(s, &answer))
		return answer;
	c->committing = true;
	return db_commit(t, &s->tx, &s->done);
}

static enum step
swap_read_source(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	call_one_by_id(c, db_cell(s->source, 0, SWAP_ID)->i);
	return c->one.status != DB_OK ? call_db_failed(c, c->one.status) : task_push(t, &fetch_one_table, &c->one);
}

static enum step
swap_read_target(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	s->rows[SWAP_SOURCE] = c->one.row;
	if (s->target->n_rows == 0)
		return STEP_NEXT;
	call_one_by_id(c, db_cell(s->target, 0, SWAP_ID)->i);
	return c->one.status != DB_OK ? call_db_failed(c, c->one.status) : task_push(t, &fetch_one_table, &c->one);
}

static enum step
swap_answer(struct task *t)
{
	static const char *const names[] = { "src", "target" };
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	if (c->one.status != DB_OK)
		return call_db_failed(c, c->one.status);
	if (s->target->n_rows > 0)
		s->rows[SWAP_TARGET] = c->one.row;
	c->render.lists = c->d->lists;
	standard_named(c, names, s->rows, NITEMS(names));
	return STEP_NEXT;
}

static enum step
swap_reply(struct task *t)
{
	(void)t;
	return STEP_REPLY;
}

static STEP_TABLE(swap_table, 0, { "key", swap_key }, { "key known", call_key_known },
    { "key's answer", call_key_answer }, { "parent", parent_ask }, { "of the path", parent_read },
    { "begin", swap_begin }, { "lock", swap_lock }, { "source", swap_source }, { "target", swap_target },
    { "target taken", target_take }, { "read target", whole_read }, { "is it fit", whole_accept },
    { "fit", whole_check }, { "read source", whole_read }, { "is it fit", whole_accept }, { "fit", whole_check },
    { "aside", swap_aside }, { "type", swap_type }, { "back", swap_back }, { "log source", swap_note_source },
    { "log target", swap_note_target }, { "commit", swap_commit }, { "read source", swap_read_source },
    { "read target", swap_read_target }, { "answer", swap_answer }, { "remember", call_key_remember },
    { "reply", swap_reply });

enum step
insurance_swap(struct call *c)
{
	return task_push(&c->r->task, &swap_table, c);
}
