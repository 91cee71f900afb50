/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations of the Standard API: list, read, create, update; OpenEMR's answers and statuses. */
#include "backends/sql/rest/rest.h"

#include "backends/sql/engine/accept.h"
#include "gateway/base/date.h"
#include "gateway/core/site.h"

#include <stdlib.h>

enum { PAGE_OFFSET_MAX = 100000000, VALS_MAX = 160, INSERT_MAX = 16 << 10 };

struct rest_call {
	const struct rest_route *route;
	struct rest_plan *plan;
	struct uuid uuid;
	struct str uuid_text; /* as in the path */
	struct db_result *rows, *result;
	struct db_result *children[CHILDREN_MAX];
	const struct list_statement *list;
	struct db_val *vals;
	size_t n_vals, child;
	uint64_t limit, offset;
	bool paged, filtered;
	/* writes */
	struct accepted accepted;
	struct violations violations;
	struct db_tx *tx;
	struct db_stmt *stmt;
	int64_t pid;
	uint64_t new_id;
	struct uuid mapping_uuid;
};

static bool
classic(const struct request *r)
{
	return r->site->compat == COMPAT_CLASSIC;
}

/* "links":[] stands in every answer of 8.x; 6.x and 7.x have no such member (golden-7.0). */
static struct str
no_links(const struct request *r)
{
	return classic(r) ? STR_NULL : STR("[]");
}

static void
json_begin_reply(struct request *r, struct json_write *w, unsigned status)
{
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("application/json");
	json_begin(w, &r->reply.body, JSON_PHP);
}

static enum step
db_trouble(struct request *r, const struct db_result *res)
{
	if (res->status == DB_TOO_LARGE) {
		r->audit.reason = STR("more rows than fit");
		reply_error(
		    &r->reply, r->dialect, REPLY_BAD_REQUEST, STR("Too many records for one answer; use _limit."));
		return STEP_REPLY;
	}
	if (res->status == DB_REFUSED)
		return request_refuse(r, REPLY_INTERNAL);
	return request_unavailable(r, res->status == DB_TIMEOUT ? "database timeout" : "database down");
}

/* --- read ------------------------------------------------------------------------------------------------------------------------ */

static enum step
refuse_uuid(struct request *r, struct rest_call *c)
{
	struct violations v = { 0 };
	violation_add(&v, STR("uuid"), STR("invalid or nonexisting value"),
	    arena_printf(r->task.arena, "%svalue %.*s", c->plan->res->message_prefix, STR_ARG(c->uuid_text)));
	reply_violations(r, &v, !classic(r));
	r->audit.reason = STR("no such record");
	return STEP_REPLY;
}

static enum step
read_row(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	return db_point_read(
	    t, r->site->db, &c->plan->read, (struct str){ (const char *)c->uuid.b, sizeof c->uuid.b }, &c->rows);
}

/* The children of the one row, where the row's hidden counters say that there are some. */
static bool
child_due(const struct rest_call *c, size_t child)
{
	static const char *const counters[CHILDREN_MAX] = { "child_0", "child_1", "child_2" };
	int field = plan_field(c->plan, str_of(counters[child]));
	if (!c->plan->child_present[child] || c->rows->n_rows == 0)
		return false;
	return field < 0 || !c->plan->present[field] || db_cell(c->rows, 0, (size_t)field + 1)->i > 0;
}

static enum step
read_child(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->rows->status != DB_OK)
		return db_trouble(r, c->rows);
	for (; c->child < c->plan->res->n_children; c->child++) {
		size_t i = c->child;
		if (!child_due(c, i))
			continue;
		c->child++;
		return db_point_read(t, r->site->db, &c->plan->child_read[i],
		    (struct str){ (const char *)c->uuid.b, sizeof c->uuid.b }, &c->children[i]);
	}
	return STEP_NEXT;
}

static enum step
read_exists(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	for (size_t i = 0; i < c->plan->res->n_children; i++)
		if (c->children[i] != NULL && c->children[i]->status != DB_OK)
			return db_trouble(r, c->children[i]);
	if (c->rows->n_rows > 0 || c->plan->res->exists_where == NULL)
		return STEP_NEXT;
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_BIN(c->uuid.b, sizeof c->uuid.b);
	return db_query(t, r->site->db, &c->plan->exists, v, 1, &c->result);
}

static enum step
read_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct json_write w;
	bool exists = c->result != NULL && c->result->status == DB_OK && c->result->n_rows > 0;
	if (c->rows->n_rows == 0 && !exists)
		return refuse_uuid(r, c);
	json_begin_reply(r, &w, c->rows->n_rows == 0 ? 404 : 200);
	envelope_begin(&w);
	if (c->rows->n_rows == 0)
		json_raw(&w, STR("[]"));
	else
		render_row(&w, c->plan, c->rows, 0, (const struct db_result *const *)c->children, false);
	envelope_end(&w, no_links(r));
	return STEP_REPLY;
}

static STEP_TABLE(read_steps, 0, { "read_row", read_row }, { "read_child", read_child }, { "read_child", read_child },
    { "read_child", read_child }, { "read_exists", read_exists }, { "read_reply", read_reply });

/* The path's uuid; the audit record names it, and for patients whose record it is. */
static enum step
uuid_begin(struct request *r, struct rest_call *c)
{
	c->uuid_text = route_param(&r->params, str_of(c->route->param));
	r->audit.resource_id = c->uuid_text;
	if (uuid_parse(c->uuid_text, &c->uuid) != 0)
		return STEP_REPLY;
	if (c->plan->res == &rest_patient) {
		r->audit.has_patient = true;
		r->audit.patient = c->uuid;
	}
	return STEP_NEXT;
}

static enum step
op_read(struct request *r, struct rest_call *c)
{
	if (uuid_begin(r, c) != STEP_NEXT)
		return refuse_uuid(r, c);
	return task_push(&r->task, &read_steps, c);
}

/* --- list ------------------------------------------------------------------------------------------------------------------------ */

/* %v% with the metacharacters of LIKE as themselves. */
static struct str
like_text(struct arena *a, struct str v)
{
	struct buf b;
	buf_init(&b, a, v.n + 8, 2 * v.n + 8);
	buf_char(&b, '%');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '%' || v.p[i] == '_' || v.p[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, v.p[i]);
	}
	buf_char(&b, '%');
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static int
filters_read(struct request *r, struct rest_call *c, uint64_t *bits)
{
	const struct rest_resource *res = c->plan->res;
	c->vals = arena_array(r->task.arena, 2 * res->n_filters + 2, sizeof *c->vals);
	if (c->vals == NULL)
		return -1;
	for (size_t i = 0; i < res->n_filters; i++) {
		struct str v = form_get(&r->query, str_of(res->filters[i].name), NULL);
		if (v.p == NULL)
			continue;
		*bits |= 1ull << i;
		if (res->filters[i].match == M_CONTAINS) {
			struct str like = like_text(r->task.arena, v);
			if (like.p == NULL)
				return -1;
			c->vals[c->n_vals++] = DB_V_STR(like);
		} else {
			c->vals[c->n_vals++] = DB_V_STR(v);
			c->vals[c->n_vals++] = DB_V_STR(v);
		}
	}
	c->filtered = *bits != 0;
	return 0;
}

/* A column that the generation lacks cannot be filtered by: nothing matches. */
static bool
filters_possible(const struct rest_call *c, uint64_t bits)
{
	const struct rest_resource *res = c->plan->res;
	for (size_t i = 0; i < res->n_filters; i++)
		if ((bits & 1ull << i) != 0 &&
		    !column_exists(c->plan->schema, res->table, res->alias, res->joins, res->filters[i].column))
			return false;
	return true;
}

static bool
number_param(const struct request *r, const char *name, uint64_t max, uint64_t *out, bool *given)
{
	struct str v = form_get(&r->query, str_of(name), NULL);
	if (v.p == NULL)
		return true;
	*given = true;
	return str_to_u64(v, max, out) == 0;
}

static enum step
list_refuse(struct request *r, const char *field, const char *text)
{
	struct violations v = { 0 };
	violation_add(&v, str_of(field), STR("Callback::INVALID_VALUE"), str_of(text));
	reply_violations(r, &v, !classic(r));
	return STEP_REPLY;
}

static enum step
paging_read(struct request *r, struct rest_call *c, int *sort)
{
	struct str order = form_get(&r->query, STR("_sort"), NULL);
	bool limit = false, offset = false;
	if ((c->plan->res->flags & REST_PAGED) == 0)
		return STEP_NEXT;
	if (!number_param(r, "_limit", UINT32_MAX, &c->limit, &limit) ||
	    (!limit && !number_param(r, "_maxresults", UINT32_MAX, &c->limit, &limit)))
		return list_refuse(r, "_limit", "_limit is invalid");
	if (!number_param(r, "_offset", PAGE_OFFSET_MAX, &c->offset, &offset))
		return list_refuse(r, "_offset", "_offset is invalid");
	c->limit = MIN(c->limit, (uint64_t)PAGE_MAX);
	c->paged = limit && c->limit > 0;
	if (order.n > 0) {
		bool down = order.p[0] == '-';
		struct str name = str_sub(str_skip(order, down), 0, str_find(str_skip(order, down), ','));
		int field = plan_field(c->plan, name);
		if (field < 0 || !c->plan->present[field])
			return list_refuse(r, "_sort", "_sort is invalid");
		*sort = down ? -(field + 1) : field + 1;
	}
	return STEP_NEXT;
}

static enum step
list_rows(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	return db_query(t, r->site->db, &c->list->rows, c->vals, c->n_vals, &c->rows);
}

static enum step
list_child(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->rows->status != DB_OK)
		return db_trouble(r, c->rows);
	for (; c->child < c->plan->res->n_children; c->child++) {
		size_t i = c->child;
		if (!c->plan->child_present[i] || c->rows->n_rows == 0)
			continue;
		c->child++;
		return db_query(t, r->site->db, &c->list->children[i], c->vals, c->n_vals, &c->children[i]);
	}
	return STEP_NEXT;
}

/* {"first":..,"previous"?:..,"next"?:..} (contract standard-api.md 3): the query without paging, then _offset and _count. */
static struct str
links_make(struct request *r, struct rest_call *c)
{
	struct json_write w;
	struct buf b, base;
	struct arena *a = r->task.arena;
	uint64_t limit = c->rows->n_rows == 0 ? 0 : c->limit;
	if ((c->plan->res->flags & REST_PAGED) == 0 || (classic(r) && (c->plan->res->flags & REST_LINKS_CLASSIC) == 0))
		return no_links(r);
	buf_init(&base, a, 256, 16 << 10);
	buf_printf(&base, "%.*s%.*s?", STR_ARG(r->site->api_base), STR_ARG(r->path));
	for (size_t i = 0, n = 0; i < r->query.n; i++) {
		if (str_eq(r->query.pairs[i].name, STR("_limit")) || str_eq(r->query.pairs[i].name, STR("_offset")))
			continue;
		if (n++ > 0)
			buf_char(&base, '&');
		percent_put(&base, r->query.pairs[i].name);
		buf_char(&base, '=');
		percent_put(&base, r->query.pairs[i].value);
	}
	struct str url = buf_str(&base);
	buf_init(&b, a, 512, 64 << 10);
	json_begin(&w, &b, JSON_PHP);
	json_obj(&w);
	/* the next links carry _limit, which the endpoint reads; OpenEMR's carry _count alone and lose the page size */
	json_kv_str(
	    &w, STR("first"), arena_printf(a, "%.*s&_offset=0&_count=%llu", STR_ARG(url), (unsigned long long)limit));
	if (c->paged && c->offset > 0)
		json_kv_str(&w, STR("previous"),
		    arena_printf(a, "%.*s&_offset=%llu&_count=%llu&_limit=%llu", STR_ARG(url),
		        (unsigned long long)(c->offset > c->limit ? c->offset - c->limit : 0),
		        (unsigned long long)limit, (unsigned long long)c->limit));
	if (c->paged && c->rows->n_rows == c->limit)
		json_kv_str(&w, STR("next"),
		    arena_printf(a, "%.*s&_offset=%llu&_count=%llu&_limit=%llu", STR_ARG(url),
		        (unsigned long long)(c->offset + c->limit), (unsigned long long)limit,
		        (unsigned long long)c->limit));
	json_obj_end(&w);
	return buf_ok(&b) && buf_ok(&base) ? buf_str(&b) : no_links(r);
}

static enum step
list_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct json_write w;
	unsigned strings_flag = classic(r) ? REST_STRINGS_CLASSIC : REST_STRINGS_V8;
	bool strings = !c->filtered && (c->plan->res->flags & strings_flag) != 0;
	for (size_t i = 0; i < c->plan->res->n_children; i++)
		if (c->children[i] != NULL && c->children[i]->status != DB_OK)
			return db_trouble(r, c->children[i]);
	json_begin_reply(r, &w, 200);
	envelope_begin(&w);
	json_arr(&w);
	for (size_t row = 0; row < c->rows->n_rows; row++)
		render_row(&w, c->plan, c->rows, row, (const struct db_result *const *)c->children, strings);
	json_arr_end(&w);
	envelope_end(&w, links_make(r, c));
	return STEP_REPLY;
}

static STEP_TABLE(list_steps, 0, { "list_rows", list_rows }, { "list_child", list_child }, { "list_child", list_child },
    { "list_child", list_child }, { "list_reply", list_reply });

static enum step
op_list(struct request *r, struct rest_call *c)
{
	uint64_t bits = 0;
	int sort = 0;
	if (filters_read(r, c, &bits) != 0)
		return STEP_FAIL;
	enum step s = paging_read(r, c, &sort);
	if (s != STEP_NEXT)
		return s;
	if (!filters_possible(c, bits)) {
		c->rows = ARENA_NEW(r->task.arena, struct db_result);
		return c->rows == NULL ? STEP_FAIL : list_reply(&r->task);
	}
	c->list = plan_list(c->plan, bits, sort, c->paged);
	if (c->list == NULL)
		return request_unavailable(r, "too many different searches");
	if (c->paged) {
		c->vals[c->n_vals++] = DB_V_I64((int64_t)c->limit);
		c->vals[c->n_vals++] = DB_V_I64((int64_t)c->offset);
	}
	return task_push(&r->task, &list_steps, c);
}

/* --- writes: shared ------------------------------------------------------------------------------------------------------------------ */

static enum step
write_trouble(struct request *r, struct rest_call *c)
{
	enum step s = db_trouble(r, c->result);
	db_rollback(&c->tx);
	return s;
}

static struct str
now_text(struct request *r)
{
	struct date d;
	struct buf b;
	date_from_epoch_us(clock_real_us(r->worker->clock), &d);
	buf_init(&b, r->task.arena, 32, 64);
	date_put_sql(&b, &d);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* Does the client itself give a value for the column? */
static bool
accepted_has(const struct rest_call *c, const char *column)
{
	for (size_t i = 0; i < c->accepted.n; i++)
		if (str_eq(str_of(c->accepted.input[i]->name), str_of(column)) && c->accepted.value[i].s.n > 0)
			return true;
	return false;
}

static struct db_val
stamp_value(struct request *r, const struct rest_call *c, const struct stamp_row *s)
{
	switch (s->stamp) {
	case S_UUID:
		return DB_V_BIN(c->uuid.b, sizeof c->uuid.b);
	case S_NOW:
		return DB_V_STR(now_text(r));
	case S_USER:
		return DB_V_I64(r->who.user_id);
	case S_TEXT:
		return DB_V_STR(str_of(s->text));
	case S_NEXT_PID:
		return DB_V_I64(c->pid);
	case S_PUBPID:
		return DB_V_STR(arena_printf(r->task.arena, "%lld", (long long)c->pid));
	}
	return DB_V_NULL;
}

/* Columns that this write sets: accepted members, then stamps; the SQL is of the rows' names, the values are bound. */
static int
write_make(struct request *r, struct rest_call *c, bool update)
{
	const struct rest_resource *res = c->plan->res;
	struct buf b;
	buf_init(&b, r->task.arena, 2048, INSERT_MAX);
	c->vals = arena_array(r->task.arena, VALS_MAX, sizeof *c->vals);
	c->stmt = ARENA_NEW(r->task.arena, struct db_stmt);
	c->n_vals = 0;
	if (c->vals == NULL || c->stmt == NULL)
		return -1;
	buf_printf(&b, update ? "UPDATE %s SET " : "INSERT INTO %s SET ", res->table);
	for (size_t i = 0; i < c->accepted.n && c->n_vals < VALS_MAX - 1; i++) {
		bool stamped = false;
		for (size_t k = 0; k < res->n_stamps; k++)
			stamped |= strcmp(res->stamps[k].column, c->accepted.input[i]->name) == 0 &&
			           (res->stamps[k].stamp != S_PUBPID || !accepted_has(c, "pubpid")) &&
			           (!update || res->stamps[k].on_update);
		if (stamped)
			continue;
		buf_printf(&b, "%s%s=?", c->n_vals > 0 ? "," : "", c->accepted.input[i]->name);
		c->vals[c->n_vals++] = c->accepted.value[i];
	}
	for (size_t k = 0; k < res->n_stamps && c->n_vals < VALS_MAX - 1; k++) {
		const struct stamp_row *s = &res->stamps[k];
		if ((update && !s->on_update) || (s->stamp == S_PUBPID && accepted_has(c, "pubpid")) ||
		    !schema_has_column(c->plan->schema, str_of(res->table), str_of(s->column)))
			continue;
		buf_printf(&b, "%s%s=?", c->n_vals > 0 ? "," : "", s->column);
		c->vals[c->n_vals++] = stamp_value(r, c, s);
	}
	if (update) {
		buf_lit(&b, " WHERE uuid=?");
		c->vals[c->n_vals++] = DB_V_BIN(c->uuid.b, sizeof c->uuid.b);
	}
	buf_char(&b, 0);
	*c->stmt = (struct db_stmt){ res->name, b.p, .transient = true };
	return buf_ok(&b) && c->n_vals < VALS_MAX ? 0 : -1;
}

/* --- create --------------------------------------------------------------------------------------------------------------------------- */

static enum step
create_begin(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	return db_begin(t, r->site->db, &c->tx, &c->result);
}

/* The lock on the highest pid is held until commit: two creations never get the same number. */
static const struct db_stmt next_pid_sql = { "next_pid",
	"SELECT COALESCE(MAX(pid), 0) + 1 FROM patient_data FOR UPDATE", false };

static enum step
create_number(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	if (c->plan->res != &rest_patient)
		return STEP_NEXT;
	return db_tx_query(t, c->tx, &next_pid_sql, NULL, 0, &c->result);
}

static enum step
create_insert(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	if (c->plan->res == &rest_patient)
		c->pid = c->result->n_rows > 0 ? db_cell(c->result, 0, 0)->i : 1;
	if (write_make(r, c, false) != 0)
		return STEP_FAIL;
	return db_tx_query(t, c->tx, c->stmt, c->vals, c->n_vals, &c->result);
}

static const struct db_stmt registry_sql = { "uuid_registry",
	"INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, "
	"created) "
	"VALUES (?, ?, 'id', '', '', 0, ?, NOW())",
	false };
static const struct db_stmt mapping_sql = { "uuid_mapping",
	"INSERT INTO uuid_mapping (uuid, resource, resource_path, `table`, target_uuid, created) VALUES (?, "
	"'Observation', ?, ?, ?, NOW())",
	false };

static enum step
registry_insert(struct task *t, struct rest_call *c, const struct uuid *u, bool mapped)
{
	struct db_val *v = arena_array(t->arena, 3, sizeof *v);
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_BIN(u->b, sizeof u->b);
	v[1] = DB_V_STR(mapped ? STR("uuid_mapping") : str_of(c->plan->res->table));
	v[2] = DB_V_I64(mapped);
	return db_tx_query(t, c->tx, &registry_sql, v, 3, &c->result);
}

static enum step
create_registry(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	c->new_id = c->result->insert_id;
	return schema_has_table(c->plan->schema, STR("uuid_registry")) ? registry_insert(t, c, &c->uuid, false)
	                                                               : STEP_NEXT;
}

static bool
maps(const struct rest_call *c)
{
	return c->plan->res->mapping_path != NULL && schema_has_table(c->plan->schema, STR("uuid_mapping"));
}

static enum step
create_mapping(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, 4, sizeof *v);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	if (!maps(c))
		return STEP_NEXT;
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_BIN(c->mapping_uuid.b, sizeof c->mapping_uuid.b);
	v[1] = DB_V_STR(str_of(c->plan->res->mapping_path));
	v[2] = DB_V_STR(str_of(c->plan->res->table));
	v[3] = DB_V_BIN(c->uuid.b, sizeof c->uuid.b);
	return db_tx_query(t, c->tx, &mapping_sql, v, 4, &c->result);
}

static enum step
create_mapping_registry(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	return maps(c) ? registry_insert(t, c, &c->mapping_uuid, true) : STEP_NEXT;
}

static enum step
create_commit(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	return db_commit(t, &c->tx, &c->result);
}

static enum step
create_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct json_write w;
	char text[UUID_TEXT + 1];
	if (c->result->status != DB_OK)
		return write_trouble(r, c);
	uuid_text(&c->uuid, text);
	json_begin_reply(r, &w, 201);
	envelope_begin(&w);
	json_obj(&w);
	json_kv_i64(&w, str_of(c->plan->res->id_member), c->plan->res == &rest_patient ? c->pid : (int64_t)c->new_id);
	json_kv_str(&w, STR("uuid"), (struct str){ text, UUID_TEXT });
	json_obj_end(&w);
	envelope_end(&w, no_links(r));
	r->audit.resource_id = arena_str(t->arena, (struct str){ text, UUID_TEXT });
	if (c->plan->res == &rest_patient) {
		r->audit.has_patient = true;
		r->audit.patient = c->uuid;
	}
	return STEP_REPLY;
}

static STEP_TABLE(create_steps, 0, { "create_begin", create_begin }, { "create_number", create_number },
    { "create_insert", create_insert }, { "create_registry", create_registry }, { "create_mapping", create_mapping },
    { "create_mapping_registry", create_mapping_registry }, { "create_commit", create_commit },
    { "create_reply", create_reply });

static enum step
op_create(struct request *r, struct rest_call *c)
{
	if (accept_body(r, c->plan, false, &c->accepted, &c->violations) != 0)
		return STEP_FAIL;
	if (c->violations.n > 0) {
		reply_violations(r, &c->violations, !classic(r));
		return STEP_REPLY;
	}
	uuid_comb(&c->uuid, r->worker->clock, r->worker->rng);
	uuid_comb(&c->mapping_uuid, r->worker->clock, r->worker->rng);
	return task_push(&r->task, &create_steps, c);
}

/* --- update ------------------------------------------------------------------------------------------------------------------------------ */

static enum step
refuse_update(struct request *r, struct rest_call *c, bool malformed)
{
	struct violations v = { 0 };
	struct arena *a = r->task.arena;
	if (c->plan->res->flags & REST_UUID_CALLBACK) {
		violation_add(&v, STR("uuid"), STR("Callback::INVALID_VALUE"),
		    arena_printf(a, "%s is invalid", c->plan->res->uuid_label));
		if (malformed)
			violation_add(&v, STR("uuid"), STR("Uuid::INVALID_UUID"),
			    arena_printf(a, "%s must be a valid UUID (valid format)", c->plan->res->uuid_label));
	} else {
		violation_add(
		    &v, STR("uuid"), c->uuid_text, arena_printf(a, "UUID %.*s does not exist", STR_ARG(c->uuid_text)));
	}
	reply_violations(r, &v, !classic(r));
	r->audit.reason = STR("no such record");
	return STEP_REPLY;
}

static enum step
update_exists(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_BIN(c->uuid.b, sizeof c->uuid.b);
	return db_query(t, r->site->db, &c->plan->exists, v, 1, &c->result);
}

static enum step
update_write(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return db_trouble(r, c->result);
	if (c->result->n_rows == 0)
		return refuse_update(r, c, false);
	if (c->violations.n > 0) {
		reply_violations(r, &c->violations, !classic(r));
		return STEP_REPLY;
	}
	if (write_make(r, c, true) != 0)
		return STEP_FAIL;
	if (c->n_vals == 1) /* nothing to set: an empty body changes nothing */
		return STEP_NEXT;
	return db_query(t, r->site->db, c->stmt, c->vals, c->n_vals, &c->result);
}

static enum step
update_read(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	if (c->result->status != DB_OK)
		return db_trouble(r, c->result);
	c->result = NULL;
	return task_push(t, &read_steps, c);
}

static STEP_TABLE(update_steps, 0, { "update_exists", update_exists }, { "update_write", update_write },
    { "update_read", update_read });

static enum step
op_update(struct request *r, struct rest_call *c)
{
	if (uuid_begin(r, c) != STEP_NEXT)
		return refuse_update(r, c, true);
	if (accept_body(r, c->plan, true, &c->accepted, &c->violations) != 0)
		return STEP_FAIL;
	return task_push(&r->task, &update_steps, c);
}

/* --- version, product: public, one row ----------------------------------------------------------------------------------------------------- */

static const struct db_stmt version_sql = { "version",
	"SELECT v_major, v_minor, v_patch, v_realpatch, v_tag, v_database, v_acl FROM version LIMIT 1", false };
static const struct db_stmt product_sql = { "product",
	"SELECT email, opt_out FROM product_registration ORDER BY 1 LIMIT 1", false };

static enum step
single_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	return db_query(t, r->site->db, c->route->op == OP_VERSION ? &version_sql : &product_sql, NULL, 0, &c->rows);
}

static enum step
single_reply(struct task *t)
{
	static const char *const version[] = { "v_major", "v_minor", "v_patch", "v_realpatch", "v_tag", "v_database",
		"v_acl" };
	struct request *r = request_of(t);
	struct rest_call *c = task_frame(t);
	struct json_write w;
	if (c->rows->status != DB_OK)
		return db_trouble(r, c->rows);
	json_begin_reply(r, &w, 200);
	json_obj(&w);
	if (c->route->op == OP_VERSION && c->rows->n_rows > 0) {
		for (size_t i = 0; i < NITEMS(version); i++) {
			const struct db_cell *cell = db_cell(c->rows, 0, i);
			json_key(&w, str_of(version[i]));
			json_str(&w, cell->kind == DB_C_INT ? arena_printf(t->arena, "%lld", (long long)cell->i)
			             : cell->s.p == NULL    ? STR("")
			                                    : cell->s);
		}
	} else if (c->route->op == OP_PRODUCT) {
		const struct db_cell *email = c->rows->n_rows > 0 ? db_cell(c->rows, 0, 0) : NULL;
		bool out = c->rows->n_rows > 0 && db_cell(c->rows, 0, 1)->i == 1;
		bool registered = email != NULL && email->s.n > 0;
		json_kv_str(&w, STR("statusAsString"),
		    registered ? STR("REGISTERED")
		    : out      ? STR("OPT_OUT")
		               : STR("UNREGISTERED"));
		json_kv_str(&w, STR("email"), registered ? email->s : STR_NULL);
	}
	json_obj_end(&w);
	return STEP_REPLY;
}

static STEP_TABLE(single_steps, 0, { "single_ask", single_ask }, { "single_reply", single_reply });

/* --- the entry --------------------------------------------------------------------------------------------------------------------------------- */

enum step
rest_handle(struct request *r, const struct rest_route *route, struct rest_plan *plan)
{
	struct rest_call *c = ARENA_NEW(r->task.arena, struct rest_call);
	if (c == NULL)
		return STEP_FAIL;
	c->route = route;
	c->plan = plan;
	switch (route->op) {
	case OP_LIST:
		return op_list(r, c);
	case OP_READ:
		return op_read(r, c);
	case OP_CREATE:
		return op_create(r, c);
	case OP_UPDATE:
		return op_update(r, c);
	case OP_VERSION:
	case OP_PRODUCT:
		return task_push(&r->task, &single_steps, c);
	}
	return STEP_FAIL;
}
