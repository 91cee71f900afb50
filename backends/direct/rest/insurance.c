/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The insurance policies of a patient: read by uuid or, as 6.x does, by type; written; and two types exchanged. */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
#define POLICY \
	{ "id", K_INT, "i.id", F_NEEDED }, \
	{ "uuid", K_UUID, "i.uuid" }, \
	{ "type", K_TEXT, "i.type" }, \
	{ "provider", K_TEXT, "i.provider" }, \
	{ "plan_name", K_TEXT, "i.plan_name" }, \
	{ "policy_number", K_TEXT, "i.policy_number" }, \
	{ "group_number", K_TEXT, "i.group_number" }, \
	{ "subscriber_lname", K_TEXT, "i.subscriber_lname" }, \
	{ "subscriber_mname", K_TEXT, "i.subscriber_mname" }, \
	{ "subscriber_fname", K_TEXT, "i.subscriber_fname" }, \
	{ "subscriber_relationship", K_TEXT, "i.subscriber_relationship" }, \
	{ "subscriber_ss", K_TEXT, "i.subscriber_ss" }, \
	{ "subscriber_DOB", K_DATE, "i.subscriber_DOB" }, \
	{ "subscriber_street", K_TEXT, "i.subscriber_street" }, \
	{ "subscriber_postal_code", K_TEXT, "i.subscriber_postal_code" }, \
	{ "subscriber_city", K_TEXT, "i.subscriber_city" }, \
	{ "subscriber_state", K_TEXT, "i.subscriber_state" }, \
	{ "subscriber_country", K_TEXT, "i.subscriber_country" }, \
	{ "subscriber_phone", K_TEXT, "i.subscriber_phone" }, \
	{ "subscriber_employer", K_TEXT, "i.subscriber_employer" }, \
	{ "subscriber_employer_street", K_TEXT, "i.subscriber_employer_street" }, \
	{ "subscriber_employer_postal_code", K_TEXT, "i.subscriber_employer_postal_code" }, \
	{ "subscriber_employer_state", K_TEXT, "i.subscriber_employer_state" }, \
	{ "subscriber_employer_country", K_TEXT, "i.subscriber_employer_country" }, \
	{ "subscriber_employer_city", K_TEXT, "i.subscriber_employer_city" }, \
	{ "copay", K_TEXT, "i.copay" }, \
	{ "date", K_DATE, "i.date" }, \
	{ "pid", K_INT, "i.pid" }, \
	{ "subscriber_sex", K_TEXT, "i.subscriber_sex" }, \
	{ "accept_assignment", K_TEXT, "i.accept_assignment" }, \
	{ "policy_type", K_TEXT, "i.policy_type" }, \
	{ "subscriber_street_line_2", K_TEXT, "i.subscriber_street_line_2" }, \
	{ "subscriber_employer_street_line_2", K_TEXT, "i.subscriber_employer_street_line_2" }, \
	{ "date_end", K_DATE, "i.date_end" }
static const struct field policy_fields[] = { POLICY };
static const struct field fields[] = {
	POLICY,
	{ "puuid", K_UUID, "p.uuid" },
	{ "insureruuid", K_UUID, "c.uuid" },
};
#define TYPES "primary secondary tertiary"
#define INPUTS \
	{ "provider", K_TEXT, "i.provider", F_WRITE | F_REQUIRED | R_NUMERIC }, \
	{ "plan_name", K_TEXT, "i.plan_name", F_WRITE, .min = 2, .max = 255 }, \
	{ "policy_number", K_TEXT, "i.policy_number", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "group_number", K_TEXT, "i.group_number", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_lname", K_TEXT, "i.subscriber_lname", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_mname", K_TEXT, "i.subscriber_mname", F_WRITE, .min = 1, .max = 255 }, \
	{ "subscriber_fname", K_TEXT, "i.subscriber_fname", F_WRITE | F_REQUIRED, .min = 1, .max = 255 }, \
	{ "subscriber_relationship", K_TEXT, "i.subscriber_relationship", F_WRITE | F_REQUIRED, .option_of = "sub_relation" }, \
	{ "subscriber_ss", K_TEXT, "i.subscriber_ss", F_WRITE }, \
	{ "subscriber_DOB", K_TEXT, "i.subscriber_DOB", F_WRITE | F_REQUIRED | R_DATE }, \
	{ "subscriber_street", K_TEXT, "i.subscriber_street", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_postal_code", K_TEXT, "i.subscriber_postal_code", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_city", K_TEXT, "i.subscriber_city", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_state", K_TEXT, "i.subscriber_state", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_country", K_TEXT, "i.subscriber_country", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_phone", K_TEXT, "i.subscriber_phone", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer", K_TEXT, "i.subscriber_employer", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_street", K_TEXT, "i.subscriber_employer_street", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_postal_code", K_TEXT, "i.subscriber_employer_postal_code", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_state", K_TEXT, "i.subscriber_employer_state", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_country", K_TEXT, "i.subscriber_employer_country", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_city", K_TEXT, "i.subscriber_employer_city", F_WRITE, .min = 2, .max = 255 }, \
	{ "copay", K_TEXT, "i.copay", F_WRITE, .min = 2, .max = 255 }, \
	{ "date", K_TEXT, "i.date", F_WRITE | F_REQUIRED | R_DATE }, \
	{ "subscriber_sex", K_TEXT, "i.subscriber_sex", F_WRITE | F_REQUIRED, .option_of = "sex" }, \
	{ "accept_assignment", K_TEXT, "i.accept_assignment", F_WRITE | F_REQUIRED, .in = "TRUE FALSE" }, \
	{ "policy_type", K_TEXT, "i.policy_type", F_WRITE }, \
	{ "subscriber_street_line_2", K_TEXT, "i.subscriber_street_line_2", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_street_line_2", K_TEXT, "i.subscriber_employer_street_line_2", F_WRITE, .min = 2, .max = 255 }, \
	{ "date_end", K_TEXT, "i.date_end", F_WRITE | R_DATE }
static const struct field inputs[] = { { "type", K_TEXT, "i.type", F_WRITE, .in = TYPES }, INPUTS };
static const struct field typed_inputs[] = { INPUTS };
static const struct param params[] = {
	{ "uuid", M_UUID, "i.uuid" },
	{ "id", M_EXACT, "i.id" },
	{ "type", M_EXACT, "i.type" },
	{ "provider", M_EXACT, "i.provider" },
	{ "plan_name", M_EXACT, "i.plan_name" },
	{ "policy_number", M_EXACT, "i.policy_number" },
	{ "group_number", M_EXACT, "i.group_number" },
	{ "subscriber_lname", M_EXACT, "i.subscriber_lname" },
	{ "subscriber_mname", M_EXACT, "i.subscriber_mname" },
	{ "subscriber_fname", M_EXACT, "i.subscriber_fname" },
	{ "subscriber_relationship", M_EXACT, "i.subscriber_relationship" },
	{ "subscriber_ss", M_EXACT, "i.subscriber_ss" },
	{ "subscriber_DOB", M_EXACT, "i.subscriber_DOB" },
	{ "subscriber_street", M_EXACT, "i.subscriber_street" },
	{ "subscriber_postal_code", M_EXACT, "i.subscriber_postal_code" },
	{ "subscriber_city", M_EXACT, "i.subscriber_city" },
	{ "subscriber_state", M_EXACT, "i.subscriber_state" },
	{ "subscriber_country", M_EXACT, "i.subscriber_country" },
	{ "subscriber_phone", M_EXACT, "i.subscriber_phone" },
	{ "subscriber_employer", M_EXACT, "i.subscriber_employer" },
	{ "subscriber_employer_street", M_EXACT, "i.subscriber_employer_street" },
	{ "subscriber_employer_postal_code", M_EXACT, "i.subscriber_employer_postal_code" },
	{ "subscriber_employer_state", M_EXACT, "i.subscriber_employer_state" },
	{ "subscriber_employer_country", M_EXACT, "i.subscriber_employer_country" },
	{ "subscriber_employer_city", M_EXACT, "i.subscriber_employer_city" },
	{ "copay", M_EXACT, "i.copay" },
	{ "date", M_EXACT, "i.date" },
	{ "subscriber_sex", M_EXACT, "i.subscriber_sex" },
	{ "accept_assignment", M_EXACT, "i.accept_assignment" },
	{ "policy_type", M_EXACT, "i.policy_type" },
	{ "subscriber_street_line_2", M_EXACT, "i.subscriber_street_line_2" },
	{ "subscriber_employer_street_line_2", M_EXACT, "i.subscriber_employer_street_line_2" },
	{ "date_end", M_EXACT, "i.date_end" },
};
/* clang-format on */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = i.pid" },
	{ "insurance_companies", "c", "c.id = CAST(i.provider AS UNSIGNED)" },
};
/* 6.x reads and writes by the type, where a later policy hides an earlier one. */
static const struct key keys[] = {
	{ "uuid", .uuid = "i.uuid", .text = "i.type" },
	{ "insuranceUuid", .uuid = "i.uuid", .text = "i.type" },
};
#define SOURCE(ident, fields_, joins_)                                                                                 \
	static const struct source ident = {                                                                           \
		.table = "insurance_data",                                                                             \
		.alias = "i",                                                                                          \
		.id = "i.id",                                                                                          \
		.uuid = "i.uuid",                                                                                      \
		.patient = "p.uuid",                                                                                   \
		.pid = "i.pid",                                                                                        \
		.order = "i.type -i.date i.policy_number",                                                             \
		.keys = keys,                                                                                          \
		.n_keys = NITEMS(keys),                                                                                \
		.joins = joins,                                                                                        \
		.n_joins = joins_,                                                                                     \
		.fields = fields_,                                                                                     \
		.n_fields = NITEMS(fields_),                                                                           \
		.params = params,                                                                                      \
		.n_params = NITEMS(params),                                                                            \
	}
SOURCE(source, fields, 2);
SOURCE(policy_source, policy_fields, 1);

/* --- writing -------------------------------------------------------------------------------------------------------------------- */

static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "type", SV_BODY, "type", SET_CREATE, .sql = "COALESCE(?, 'primary')" },
};
static const struct server_set typed_sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "type", SV_PATH, "type", SET_CREATE },
};

static bool
word_of(const char *words, struct str value)
{
	struct str rest = str_of(words), word;
	while (words_next(&rest, &word))
		if (str_eq(word, value))
			return true;
	return false;
}

/* A policy does not begin behind its end; a site may know primary policies alone; 8.x knows the types of Medicare's secondary payers. */
static void
policy_prepare(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	struct str from = accepted_input(w, &c->accepted, "date"), to = accepted_input(w, &c->accepted, "date_end"),
	           type = accepted_input(w, &c->accepted, "type");
	if (from.n > 0 && to.n == from.n && memcmp(from.p, to.p, to.n) > 0)
		violation_add(
		    &c->violations, STR("date"), STR("Record::DATE_INVALID"), "date must not be after date_end");
	struct str kind = accepted_input(w, &c->accepted, "policy_type");
	if (c->plan->compat == COMPAT_V8 && kind.n > 0 && !word_of("12 13 14 15 16 41 42 43 47", kind))
		violation_add(&c->violations, STR("policy_type"), STR("InArray::NOT_IN_ARRAY"),
		    "policy type must be in the defined set of values");
	if (globals_on(c->d->globals, "insurance_only_one") && type.n > 0 && !str_eq(type, STR("primary")))
		violation_add(&c->violations, STR("type"), STR("InArray::NOT_IN_ARRAY"),
		    "type must be in the defined set of values");
}

static void
typed_prepare(struct call *c)
{
	if (!word_of(TYPES, c->id_text))
		violation_add(&c->violations, STR("type"), STR("InArray::NOT_IN_ARRAY"),
		    "type must be in the defined set of values");
	policy_prepare(c);
}

#define WRITE(ident, sets_, inputs_, prepare_)                                                                         \
	static const struct write_rule ident = {                                                                       \
		.table = "insurance_data",                                                                             \
		.sets = sets_,                                                                                         \
		.n_sets = NITEMS(sets_),                                                                               \
		.inputs = inputs_,                                                                                     \
		.n_inputs = NITEMS(inputs_),                                                                           \
		.answer = "*",                                                                                         \
		.uuid_label = "Coverage UUID",                                                                         \
		.duplicate_field = "date",                                                                             \
		.duplicate_code = "Record::DUPLICATE_RECORD",                                                          \
		.prepare = prepare_,                                                                                   \
	}
WRITE(write, sets, inputs, policy_prepare);
WRITE(typed_write, typed_sets, typed_inputs, typed_prepare);
static const struct resource insurance = {
	.name = "insurance", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1
};
static const struct resource policy = { .name = "insurance",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &policy_source,
	.n_sources = 1,
	.write = &write };
static const struct resource typed = { .name = "insurance",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &policy_source,
	.n_sources = 1,
	.write = &typed_write };

/* --- $swap-insurance: a policy takes another type, and the newest policy of that type takes the first one's ---------------- */

struct swap {
	struct call *c;
	struct str type;
	struct uuid uuid;
	struct db_tx *tx;
	struct db_result *done, *source, *target;
	struct db_val vals[4];
	struct write_note note;
	struct fetched rows[2];
};
enum { SWAP_SOURCE, SWAP_TARGET, SWAP_ID = 0, SWAP_TYPE, SWAP_DATE };
#define SWAP_COLUMNS "SELECT i.id, i.type, i.date FROM insurance_data i WHERE "
static const struct db_stmt source_sql = { "swap_source", SWAP_COLUMNS "i.uuid = ? AND i.pid = ? FOR UPDATE", false };
static const struct db_stmt target_sql = { "swap_target",
	SWAP_COLUMNS "i.pid = ? AND i.type = ? AND i.id <> ? ORDER BY i.date DESC, i.id DESC LIMIT 1 FOR UPDATE",
	false };
/* Type and date are unique together with the patient: the target's date steps aside meanwhile. */
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
	if (!word_of(TYPES, s->type))
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

/* A statement that failed ends the exchange: nothing stays half done. */
static bool
swap_good(struct swap *s, enum step *answer)
{
	struct call *c = s->c;
	if (s->done->status == DB_OK)
		return true;
	db_rollback(&s->tx);
	if (s->done->status == DB_DUPLICATE) {
		violation_add(
		    &c->violations, STR("date"), STR("Record::DUPLICATE_RECORD"), "A record with the same date exists");
		c->style->ops->invalid(c);
		*answer = STEP_REPLY;
	} else {
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
	if (s->source->n_rows == 0) {
		db_rollback(&s->tx);
		violation_add(&c->violations, STR("uuid"), STR("Callback::INVALID_VALUE"), "Coverage UUID is invalid");
		c->style->ops->invalid(c);
		return STEP_REPLY;
	}
	s->vals[0] = DB_V_I64(c->parent.pid);
	s->vals[1] = DB_V_STR(s->type);
	s->vals[2] = DB_V_I64(db_cell(s->source, 0, SWAP_ID)->i);
	return swap_run(s, &target_sql, 3);
}

static enum step
swap_aside(struct task *t)
{
	struct call *c = task_frame(t);
	struct swap *s = c->action;
	enum step answer;
	if (!swap_good(s, &answer))
		return answer;
	s->target = s->done;
	if (s->target->n_rows == 0)
		return STEP_NEXT;
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
    { "begin", swap_begin }, { "source", swap_source }, { "target", swap_target }, { "aside", swap_aside },
    { "type", swap_type }, { "back", swap_back }, { "log source", swap_note_source },
    { "log target", swap_note_target }, { "commit", swap_commit }, { "read source", swap_read_source },
    { "read target", swap_read_target }, { "answer", swap_answer }, { "remember", call_key_remember },
    { "reply", swap_reply });

static enum step
swap(struct call *c)
{
	return task_push(&c->r->task, &swap_table, c);
}

/* --- routes ---------------------------------------------------------------------------------------------------------------------- */

static const struct refusal no_patient = {
	.field = "puuid::INVALID_PUUID", .code = "", .text = "Patient uuid invalid"
};
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD };
static const struct style written = { .ops = &dialect_standard, .envelope = ENV_OLD, .no_parent = &no_patient };
static const struct style named = { .ops = &dialect_standard, .envelope = ENV_BARE, .created = "\"%\"" };
#define SWAP_TYPES "{\"enum\":[\"primary\",\"secondary\",\"tertiary\"]}"
#define SWAP_TOLD                                                                                                      \
	.rows = "src target", .parameters =                                                                            \
	                          "{\"name\":\"type\",\"in\":\"query\",\"required\":true,\"schema\":" SWAP_TYPES       \
	                          "},{\"name\":\"uuid\",\"in\":"                                                       \
	                          "\"query\",\"required\":true,\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}"
static const struct told swap_told = { SWAP_TOLD };
static const struct told swap_post_told = { SWAP_TOLD, .takes_key = true };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:puuid/insurance", &insurance, OP_LIST, &style },
	{ HTTP_GET, "/api/patient/:puuid/insurance/$swap-insurance", &policy, OP_SPECIAL, &written, .action = swap,
	    .told = &swap_told },
	{ HTTP_POST, "/api/patient/:puuid/insurance/$swap-insurance", &policy, OP_SPECIAL, &written, .action = swap,
	    .told = &swap_post_told },
	{ HTTP_GET, "/api/patient/:puuid/insurance/:uuid", &insurance, OP_READ, &style },
	{ HTTP_PUT, "/api/patient/:puuid/insurance/:insuranceUuid", &policy, OP_UPDATE, &written },
	{ HTTP_POST, "/api/patient/:puuid/insurance", &policy, OP_CREATE, &written },
	{ HTTP_POST, "/api/patient/:pid/insurance/:type", &typed, OP_CREATE, &named },
};
const struct direct_routes rest_insurance = { routes, NITEMS(routes) };
