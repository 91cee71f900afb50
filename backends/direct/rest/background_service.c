/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's background services: which there are, and the wish that one runs. A service is PHP, which OpenEMR's own scheduler runs; here
 * none is run. What is asked to run is made due, so that the scheduler takes it next, and the answer says that it was
 * skipped. Not for changing services.                                                                                      */
#include "backends/direct/engine/call.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/engine/schema.h"
#include "backends/direct/rest/rest.h"
#include "gateway/base/json_in.h"

/* Locked until a time that is still to come (8.1 and later); before, the column running. */
#define LOCKED "b.lock_expires_at IS NOT NULL AND b.lock_expires_at > NOW()"

static const struct field fields[] = {
	{ "name", K_TEXT, "b.name", F_NEEDED },
	{ "title", K_TEXT, "b.title" },
	{ "active", K_BOOL, "b.active" },
	{ "running", K_FIXUP, "b.running", .fixup = fix_positive, .sql = LOCKED },
	{ "execute_interval", K_INT, "b.execute_interval" },
	{ "next_run", K_DATETIME, "b.next_run" },
};
static const struct key keys[] = { { "name", .text = "b.name" } };
static const struct source source = {
	.table = "background_services",
	.alias = "b",
	.order = "b.sort_order b.name",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource service = {
	.name = "background_service", .compartment = COMPARTMENT_OPEN, .sources = &source, .n_sources = 1
};

/* --- running ---------------------------------------------------------------------------------------------------------------------- */

enum { NAME, ACTIVE, RUNNING, WAITS, BODY_MAX = 1 << 16 };
#define SELECT(running, condition)                                                                                     \
	{ .name = "background_services",                                                                               \
		.sql = "SELECT b.name, b.active = 1, " running                                                         \
		       ", b.next_run > NOW() FROM background_services b WHERE " condition                              \
		       " ORDER BY b.sort_order, b.name" }
/* by whether the site has lock_expires_at, then by whether one or all are asked for */
static const struct db_stmt selects[2][2] = {
	{ SELECT("b.running > 0", "b.name = ?"), SELECT("b.running > 0", "b.execute_interval > 0") },
	{ SELECT(LOCKED, "b.name = ?"), SELECT(LOCKED, "b.execute_interval > 0") },
};
static const struct db_stmt make_due = { .name = "background_services",
	.sql = "UPDATE background_services SET next_run = NOW() WHERE name = ? AND active = 1" };

struct run {
	struct request *r;
	struct direct *d;
	struct str name; /* .n 0: all */
	bool force;
	struct db_val val;
	struct db_result *rows, *made;
};

static void
reply_begin(struct request *r, struct json_write *w, unsigned status)
{
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("application/json");
	json_begin(w, &r->reply.body, JSON_PHP_HEX);
	json_obj(w);
}

static enum step
refused(struct run *s, unsigned status, const char *text)
{
	struct json_write w;
	reply_begin(s->r, &w, status);
	json_kv_str(&w, STR("error"), str_of(text));
	json_obj_end(&w);
	return STEP_REPLY;
}

static enum step
run_ask(struct task *t)
{
	struct run *s = task_frame(t);
	struct err why = { 0 };
	json_t *body = s->r->body.n == 0 ? NULL : json_in(s->r->body, BODY_MAX, &why);
	if (body != NULL && json_keep(t->arena, body) != 0)
		return request_refuse(s->r, REPLY_TOO_LARGE);
	if (s->name.n > 0 && s->r->body.n > 0 && !json_is_object(body))
		return refused(s, 400, "Invalid JSON payload");
	s->force = json_is_true(json_object_get(body, "force"));
	bool locks = schema_column(s->d->schema, STR("background_services"), STR("lock_expires_at")) != NULL;
	s->val = DB_V_STR(s->name);
	return db_query(t, s->r->site->db, &selects[locks][s->name.n == 0], &s->val, s->name.n > 0, &s->rows);
}

static bool
is(const struct run *s, size_t row, unsigned column)
{
	int64_t v = 0;
	return cell_int(db_cell(s->rows, row, column), &v) == 0 && v != 0;
}

static struct str
status_of(const struct run *s, size_t row)
{
	if (!is(s, row, ACTIVE))
		return STR("skipped");
	if (is(s, row, RUNNING))
		return STR("already_running");
	return is(s, row, WAITS) && !s->force ? STR("not_due") : STR("skipped");
}

/* A service that may run and is not due yet was forced: it is made due. */
static enum step
run_make_due(struct task *t)
{
	struct run *s = task_frame(t);
	if (s->rows->status != DB_OK)
		return s->rows->status == DB_REFUSED ? request_refuse(s->r, REPLY_NO_ROUTE)
		                                     : request_unavailable(s->r, "database");
	if (s->name.n > 0 && s->rows->n_rows == 0)
		return refused(s, 404, "Service not found");
	if (s->name.n == 0 || !s->force || !is(s, 0, ACTIVE) || is(s, 0, RUNNING) || !is(s, 0, WAITS))
		return STEP_NEXT;
	return db_query(t, s->r->site->db, &make_due, &s->val, 1, &s->made);
}

static void
one_put(struct json_write *w, const struct run *s, size_t row, struct str member)
{
	json_kv_str(w, member, db_cell(s->rows, row, NAME)->s);
	json_kv_str(w, STR("status"), status_of(s, row));
}

static enum step
run_answer(struct task *t)
{
	struct run *s = task_frame(t);
	struct json_write w;
	if (s->made != NULL && s->made->status != DB_OK)
		return request_unavailable(s->r, "database");
	reply_begin(s->r, &w, s->name.n > 0 ? 409 : 200);
	if (s->name.n > 0) {
		one_put(&w, s, 0, STR("service"));
		json_obj_end(&w);
		return STEP_REPLY;
	}
	json_key(&w, STR("results"));
	json_arr(&w);
	for (size_t i = 0; i < s->rows->n_rows; i++) {
		json_obj(&w);
		one_put(&w, s, i, STR("name"));
		json_obj_end(&w);
	}
	json_arr_end(&w);
	json_obj_end(&w);
	return STEP_REPLY;
}

static STEP_TABLE(run_table, 0, { "ask", run_ask }, { "make due", run_make_due }, { "answer", run_answer });

static enum step
run(struct request *r, struct direct *d)
{
	struct run *s = ARENA_NEW(r->task.arena, struct run);
	if (s == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	*s = (struct run){ .r = r, .d = d, .name = r->params.n > 0 ? r->params.v[0].value : STR("") };
	return task_push(&r->task, &run_table, s);
}

/* --- routes ----------------------------------------------------------------------------------------------------------------------- */

#define ONE_ERROR                                                                                                      \
	"{\"anyOf\":[" TOLD_ERROR                                                                                      \
	",{\"type\":\"object\",\"properties\":{\"error\":{\"type\":\"string\"}},\"required\":["                        \
	"\"error\"],\"additionalProperties\":false}]}"
#define STATUS "{\"enum\":[\"skipped\",\"already_running\",\"not_due\"]}"
#define SERVICE(member)                                                                                                \
	"{\"type\":\"object\",\"properties\":{\"" member "\":{\"type\":\"string\"},\"status\":" STATUS                 \
	"},\"required\":[\"" member "\",\"status\"],\"additionalProperties\":false}"
#define BODY                                                                                                           \
	"{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{\"force\":{\"type\":"     \
	"\"boolean\",\"description\":\"also when it is not due yet\"}}}}}}"
static const struct told_answer run_answers[] = {
	{ 400, .text = "The body is no object.", .schema = ONE_ERROR },
	{ 404, .text = "There is no such service.", .schema = ONE_ERROR },
	{ 409, .text = "Nothing is run here; OpenEMR's scheduler takes it.", .schema = SERVICE("service") },
};
static const struct told_answer run_all_answers[] = {
	{ 200, .text = "The services.",
	    .schema = "{\"type\":\"object\",\"properties\":{\"results\":{\"type\":\"array\",\"items\":" SERVICE(
	        "name") "}},\"required\":[\"results\"],\"additionalProperties\":false}" },
	{ 404, .text = "The site's database does not have it.", .schema = TOLD_ERROR },
};
static const struct told run_told = { .body = BODY, .answers = run_answers, .n_answers = NITEMS(run_answers) };
static const struct told run_all_told = {
	.body = BODY, .answers = run_all_answers, .n_answers = NITEMS(run_all_answers)
};
static const struct refusal unknown = { 404, 404, .field = "error", .code = "", .text = "Service not found" };
static const struct style style = {
	.ops = &dialect_standard, .envelope = ENV_BARE, .empty_ok = true, .no_row = &unknown
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/background_service", &service, OP_LIST, &style },
	{ HTTP_GET, "/api/background_service/:name", &service, OP_READ, &style },
	{ HTTP_POST, "/api/background_service/:name/run", .op = OP_SPECIAL, .special = run, .told = &run_told },
	{ HTTP_POST, "/api/background_service/$run", .op = OP_SPECIAL, .special = run, .told = &run_all_told },
};
const struct direct_routes rest_background_service = { routes, NITEMS(routes) };
