/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR operations: read, search, metadata. Answers are FHIR's (searchset Bundles, OperationOutcome), not OpenEMR's quirks. */
#include "backends/sql/fhir/fhir.h"

#include "gateway/base/date.h"
#include "gateway/base/uri.h"

enum { SQL_MAX = 64 << 10, FORM_PAIRS = 64 };

/* --- plans ------------------------------------------------------------------------------------------------------------------------ */

static const char *
column_or_null(const struct fhir_resource *res, const struct schema *schema, const char *column)
{
	return column != NULL && column_exists(schema, res->table, res->alias, res->joins, column) ? column : "NULL";
}

struct fhir_plan *
fhir_plan_new(struct arena *a, const struct fhir_resource *res, const struct schema *schema)
{
	struct fhir_plan *p = ARENA_NEW(a, struct fhir_plan);
	struct buf b, read;
	unsigned column = 2;
	CHECK(res->n_elements <= NITEMS(p->first));
	if (p == NULL)
		return NULL;
	p->res = res;
	p->schema = schema;
	p->table_missing = !schema_has_table(schema, str_of(res->table));
	p->usable = !p->table_missing && schema_has_column(schema, str_of(res->table), STR("uuid"));
	p->missing = p->table_missing ? str_of(res->table) : arena_printf(a, "%s.uuid", res->table);
	buf_init(&b, a, 4096, SQL_MAX);
	buf_printf(&b, "SELECT %s.uuid,%s", res->alias, column_or_null(res, schema, res->updated));
	for (size_t i = 0; i < res->n_elements; i++) {
		p->first[i] = column;
		for (size_t k = 0; k < ELEMENT_COLS; k++)
			buf_printf(&b, ",%s", column_or_null(res, schema, res->elements[i].cols[k]));
		column += ELEMENT_COLS;
	}
	buf_printf(&b, " FROM %s %s %s", res->table, res->alias, res->joins);
	buf_char(&b, 0);
	buf_init(&read, a, 4096, SQL_MAX);
	buf_printf(&read, "%s WHERE %s.uuid IN (%%s)", b.p == NULL ? "" : b.p, res->alias);
	if (res->where[0] != 0)
		buf_printf(&read, " AND (%s)", res->where);
	buf_char(&read, 0);
	p->select = b.p;
	p->read = (struct db_point){ res->name, read.p };
	return buf_ok(&b) && buf_ok(&read) ? p : NULL;
}

/* --- which operation ---------------------------------------------------------------------------------------------------------------- */

enum fhir_op { FHIR_SEARCH, FHIR_SEARCH_POST, FHIR_READ, FHIR_OPS, FHIR_METADATA = 900 };

int
fhir_route_find(const struct route *route)
{
	struct str rest = route->pattern;
	if (str_eq(rest, STR("/fhir/metadata")))
		return FHIR_METADATA;
	if (!str_starts(rest, STR("/fhir/")))
		return -1;
	rest = str_skip(rest, 6);
	size_t slash = str_find(rest, '/');
	struct str tail = str_skip(rest, slash);
	for (size_t i = 0; i < n_fhir_resources; i++) {
		if (!str_eq(str_of(fhir_resources[i]->name), str_sub(rest, 0, slash)))
			continue;
		if (route->method == HTTP_GET && tail.n == 0)
			return (int)i * FHIR_OPS + FHIR_SEARCH;
		if (route->method == HTTP_POST && str_eq(tail, STR("/_search")))
			return (int)i * FHIR_OPS + FHIR_SEARCH_POST;
		if (route->method == HTTP_GET && tail.n > 2 && tail.p[1] == ':' &&
		    str_find(str_skip(tail, 1), '/') == tail.n - 1)
			return (int)i * FHIR_OPS + FHIR_READ;
	}
	return -1;
}

/* --- replies -------------------------------------------------------------------------------------------------------------------------- */

enum step
fhir_refuse(struct request *r, unsigned status, const char *code, struct str text)
{
	struct json_write w;
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("application/fhir+json");
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("resourceType"), STR("OperationOutcome"));
	json_key(&w, STR("issue"));
	json_arr(&w);
	json_obj(&w);
	json_kv_str(&w, STR("severity"), STR("error"));
	json_kv_str(&w, STR("code"), str_of(code));
	json_key(&w, STR("details"));
	json_obj(&w);
	json_kv_str(&w, STR("text"), text);
	json_obj_end(&w);
	json_obj_end(&w);
	json_arr_end(&w);
	json_obj_end(&w);
	r->audit.reason = str_of(code);
	return STEP_REPLY;
}

static enum step
db_trouble(struct request *r, const struct db_result *res)
{
	if (res->status == DB_TOO_LARGE)
		return fhir_refuse(r, 400, "too-costly", STR("The answer is too large; use a smaller _count."));
	if (res->status == DB_REFUSED)
		return request_refuse(r, REPLY_INTERNAL);
	return request_unavailable(r, res->status == DB_TIMEOUT ? "database timeout" : "database down");
}

struct fhir_call {
	struct fhir_plan *plan;
	struct uuid uuid;
	struct db_result *rows, *total;
	struct search search;
	struct db_stmt *stmt;
};

/* --- read ------------------------------------------------------------------------------------------------------------------------------ */

static enum step
read_ask(struct task *t)
{
	struct fhir_call *c = task_frame(t);
	return db_point_read(t, request_of(t)->site->db, &c->plan->read,
	    (struct str){ (const char *)c->uuid.b, sizeof c->uuid.b }, &c->rows);
}

static struct str
http_time(struct arena *a, struct str sql)
{
	struct date d;
	struct buf b;
	if (date_parse_sql(sql, &d) != 0 || date_is_zero(&d))
		return STR_NULL;
	buf_init(&b, a, 32, 64);
	date_put_http(&b, date_epoch_us(&d) / 1000000);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static enum step
read_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct fhir_call *c = task_frame(t);
	struct json_write w;
	if (c->rows->status != DB_OK)
		return db_trouble(r, c->rows);
	if (c->rows->n_rows == 0)
		return fhir_refuse(r, 404, "not-found", STR("No such resource."));
	struct str modified = http_time(t->arena, db_cell(c->rows, 0, 1)->s);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/fhir+json");
	if (modified.p != NULL) {
		reply_field(&r->reply, STR("Last-Modified"), modified);
		if (str_eq(http_field(r->x->head, HTTP_F_IF_MODIFIED_SINCE), modified)) {
			r->reply.status = 304;
			r->reply.content_type = STR_NULL;
			return STEP_REPLY;
		}
	}
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	fhir_render(&w, r, c->plan, c->rows, 0);
	return STEP_REPLY;
}

static STEP_TABLE(fhir_read_steps, 0, { "fhir_read", read_ask }, { "fhir_read_reply", read_reply });

static enum step
op_read(struct request *r, struct fhir_call *c)
{
	struct str id = r->params.n > 0 ? r->params.v[0].value : STR_NULL;
	r->audit.resource_id = id;
	if (uuid_parse(id, &c->uuid) != 0)
		return fhir_refuse(r, 404, "not-found", STR("No such resource."));
	if (c->plan->res == &fhir_patient) {
		r->audit.has_patient = true;
		r->audit.patient = c->uuid;
		if (r->filter.by_patient && memcmp(c->uuid.b, r->filter.patient.b, sizeof c->uuid.b) != 0) {
			r->audit.reason = STR("other patient");
			return fhir_refuse(r, 404, "not-found", STR("No such resource."));
		}
	}
	return task_push(&r->task, &fhir_read_steps, c);
}

/* --- search --------------------------------------------------------------------------------------------------------------------------- */

static struct db_stmt *
stmt_make(struct task *t, const char *name, struct buf *sql)
{
	struct db_stmt *s = ARENA_NEW(t->arena, struct db_stmt);
	buf_char(sql, 0);
	if (s == NULL || !buf_ok(sql))
		return NULL;
	*s = (struct db_stmt){ name, sql->p, .transient = true };
	return s;
}

/* One more than a page tells whether there is a next one. Keyset by uuid: its first bytes are the time of creation. */
static enum step
search_ask(struct task *t)
{
	struct fhir_call *c = task_frame(t);
	struct search *s = &c->search;
	struct buf sql;
	size_t n = s->n_vals;
	buf_init(&sql, t->arena, 4096, SQL_MAX);
	buf_str_put(&sql, str_of(c->plan->select));
	buf_str_put(&sql, buf_str(&s->where));
	if (s->has_after) {
		buf_printf(&sql, " AND %s.uuid > ?", c->plan->res->alias);
		s->vals[n++] = DB_V_BIN(s->after.b, sizeof s->after.b);
	}
	buf_printf(&sql, " ORDER BY %s.uuid LIMIT %llu", c->plan->res->alias, (unsigned long long)s->count + 1);
	c->stmt = stmt_make(t, c->plan->res->name, &sql);
	return c->stmt == NULL ? STEP_FAIL : db_query(t, request_of(t)->site->db, c->stmt, s->vals, n, &c->rows);
}

static enum step
search_total(struct task *t)
{
	struct fhir_call *c = task_frame(t);
	struct search *s = &c->search;
	struct buf sql;
	if (c->rows->status != DB_OK)
		return db_trouble(request_of(t), c->rows);
	if (!s->want_total)
		return STEP_NEXT;
	buf_init(&sql, t->arena, 1024, SQL_MAX);
	buf_printf(
	    &sql, "SELECT COUNT(*) FROM %s %s %s", c->plan->res->table, c->plan->res->alias, c->plan->res->joins);
	buf_str_put(&sql, buf_str(&s->where));
	c->stmt = stmt_make(t, c->plan->res->name, &sql);
	return c->stmt == NULL ? STEP_FAIL
	                       : db_query(t, request_of(t)->site->db, c->stmt, s->vals, s->n_vals, &c->total);
}

static void
link_put(struct json_write *w, const char *relation, struct str url)
{
	json_obj(w);
	json_kv_str(w, STR("relation"), str_of(relation));
	json_kv_str(w, STR("url"), url);
	json_obj_end(w);
}

static void
links_put(struct json_write *w, struct request *r, const struct fhir_call *c, size_t shown)
{
	struct arena *a = r->task.arena;
	const struct search *s = &c->search;
	struct str base = arena_printf(a, "%.*s/fhir/%s", STR_ARG(r->site->api_base), c->plan->res->name);
	struct str query = buf_str(&s->self);
	char id[UUID_TEXT + 1];
	json_key(w, STR("link"));
	json_arr(w);
	if (s->has_after) {
		uuid_text(&s->after, id);
		link_put(w, "self",
		    arena_printf(a, "%.*s?%.*s%s_page=%s", STR_ARG(base), STR_ARG(query), query.n > 0 ? "&" : "", id));
	} else {
		link_put(
		    w, "self", arena_printf(a, "%.*s%s%.*s", STR_ARG(base), query.n > 0 ? "?" : "", STR_ARG(query)));
	}
	if (c->rows->n_rows > shown && shown > 0) {
		struct uuid last;
		memcpy(last.b, db_cell(c->rows, shown - 1, 0)->s.p, sizeof last.b);
		uuid_text(&last, id);
		link_put(w, "next",
		    arena_printf(a, "%.*s?%.*s%s_page=%s", STR_ARG(base), STR_ARG(query), query.n > 0 ? "&" : "", id));
	}
	json_arr_end(w);
}

static void
entry_put(struct json_write *w, struct request *r, const struct fhir_call *c, size_t row)
{
	struct uuid u = { { 0 } };
	char id[UUID_TEXT + 1];
	struct str key = db_cell(c->rows, row, 0)->s;
	memcpy(u.b, key.p, MIN(key.n, sizeof u.b));
	uuid_text(&u, id);
	json_obj(w);
	json_kv_str(w, STR("fullUrl"),
	    arena_printf(r->task.arena, "%.*s/fhir/%s/%s", STR_ARG(r->site->api_base), c->plan->res->name, id));
	json_key(w, STR("resource"));
	fhir_render(w, r, c->plan, c->rows, row);
	json_key(w, STR("search"));
	json_obj(w);
	json_kv_str(w, STR("mode"), STR("match"));
	json_obj_end(w);
	json_obj_end(w);
}

static enum step
search_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct fhir_call *c = task_frame(t);
	struct json_write w;
	size_t shown = MIN(c->rows->n_rows, (size_t)c->search.count);
	bool whole = !c->search.has_after && c->rows->n_rows <= shown;
	if (c->total != NULL && c->total->status != DB_OK)
		return db_trouble(r, c->total);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/fhir+json");
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("resourceType"), STR("Bundle"));
	json_kv_str(&w, STR("type"), STR("searchset"));
	if (c->total != NULL)
		json_kv_i64(&w, STR("total"), db_cell(c->total, 0, 0)->i);
	else if (whole) /* known without counting */
		json_kv_i64(&w, STR("total"), (int64_t)shown);
	links_put(&w, r, c, shown);
	if (shown > 0) {
		json_key(&w, STR("entry"));
		json_arr(&w);
		for (size_t i = 0; i < shown; i++)
			entry_put(&w, r, c, i);
		json_arr_end(&w);
	}
	json_obj_end(&w);
	return STEP_REPLY;
}

static STEP_TABLE(fhir_search_steps, 0, { "fhir_search", search_ask }, { "fhir_total", search_total },
    { "fhir_search_reply", search_reply });

static enum step
op_search(struct request *r, struct fhir_call *c, bool post)
{
	struct form all = r->query, body;
	if (post) {
		struct str type = http_field(r->x->head, HTTP_F_CONTENT_TYPE);
		if (r->body.n > 0 && !str_istarts(type, STR("application/x-www-form-urlencoded")))
			return fhir_refuse(
			    r, 415, "not-supported", STR("_search takes application/x-www-form-urlencoded."));
		if (form_parse(r->task.arena, r->body, FORM_PAIRS, &body, &r->task.err) != 0)
			return fhir_refuse(r, 400, "invalid", STR("The form body cannot be read."));
		all.pairs = arena_array(r->task.arena, r->query.n + body.n + 1, sizeof *all.pairs);
		if (all.pairs == NULL)
			return STEP_FAIL;
		for (size_t i = 0; i < r->query.n; i++)
			all.pairs[i] = r->query.pairs[i];
		for (size_t i = 0; i < body.n; i++)
			all.pairs[r->query.n + i] = body.pairs[i];
		all.n = r->query.n + body.n;
	}
	enum step s = search_parse(r, c->plan, &all, &c->search);
	return s == STEP_NEXT ? task_push(&r->task, &fhir_search_steps, c) : s;
}

/* --- the entry ---------------------------------------------------------------------------------------------------------------------------- */

enum step
fhir_handle(struct request *r, int operation, struct fhir_plan *const *plans)
{
	if (operation == FHIR_METADATA)
		return metadata_reply(r);
	if (plans == NULL)
		return request_unavailable(r, "database schema not read yet");
	struct fhir_call *c = ARENA_NEW(r->task.arena, struct fhir_call);
	if (c == NULL)
		return STEP_FAIL;
	c->plan = plans[operation / FHIR_OPS];
	if (c->plan->table_missing)
		return request_refuse(r, REPLY_NO_ROUTE);
	if (!c->plan->usable)
		return request_unavailable(r, "a required column is missing");
	return operation % FHIR_OPS == FHIR_READ ? op_read(r, c)
	                                         : op_search(r, c, operation % FHIR_OPS == FHIR_SEARCH_POST);
}
