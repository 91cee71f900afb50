/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the document routes share, and the list. */
#include "backends/direct/rest/document.h"

#include "backends/direct/rest/rest.h"
#include "gateway/base/json_write.h"
#include "policy/acl.h"

/* --- answers ------------------------------------------------------------------------------------------------------------------- */

static void
body_begin(struct request *r, struct json_write *w, unsigned status)
{
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("application/json");
	json_begin(w, &r->reply.body, JSON_PHP_HEX);
}

static enum step
bare_404(struct request *r)
{
	reply_reset(&r->reply);
	r->reply.status = 404;
	r->reply.content_type = STR("text/html; charset=utf-8");
	return STEP_REPLY;
}

enum step
document_missing(struct request *r)
{
	struct json_write w;
	if (r->site->compat != COMPAT_CLASSIC)
		return bare_404(r);
	body_begin(r, &w, 404);
	json_nil(&w);
	return STEP_REPLY;
}

void
document_refused(struct request *r, unsigned status, const char *field, const char *message)
{
	struct json_write w;
	r->audit.reason = str_of(message);
	body_begin(r, &w, status);
	json_obj(&w);
	json_key(&w, str_of(field));
	json_obj(&w);
	json_kv_str(&w, STR("Callback::INVALID_VALUE"), str_of(message));
	json_obj_end(&w);
	json_obj_end(&w);
}

enum step
document_invalid(struct request *r, const char *field, const char *message)
{
	if (r->site->compat == COMPAT_CLASSIC) {
		document_refused(r, 400, field, message);
		return STEP_REPLY;
	}
	r->audit.reason = str_of(message);
	return bare_404(r);
}

enum step
document_db_failed(struct request *r, enum db_status status)
{
	if (status == DB_TOO_LARGE)
		return request_refuse(r, REPLY_TOO_LARGE);
	if (status == DB_REFUSED)
		return request_refuse(r, REPLY_INTERNAL);
	return request_unavailable(r, "database");
}

enum step
document_file_failed(struct request *r, enum filed_status status)
{
	static const char *const texts[FILED_STATUS_N] = {
		[FILED_TAMPERED] = "document cannot be decrypted",
		[FILED_FULL] = "no space for documents",
		[FILED_IO] = "documents folder",
		[FILED_BUSY] = "too many documents at once",
		[FILED_DOWN] = "filed does not answer",
	};
	return request_unavailable(r, texts[status] == NULL ? "documents folder" : texts[status]);
}

bool
document_aco_allowed(const struct request *r, struct str aco_spec)
{
	size_t bar = str_find(aco_spec, '|');
	if (r->grants == NULL || aco_spec.n == 0) /* a route without ACL, a category without one */
		return true;
	return acl_allowed(r->grants, str_sub(aco_spec, 0, bar), str_skip(aco_spec, bar + 1), NULL, 0);
}

struct str
document_param(const struct request *r, struct str name)
{
	struct str value = STR_NULL;
	for (size_t i = 0; i < r->query.n; i++)
		if (str_eq(r->query.pairs[i].name, name))
			value = r->query.pairs[i].value;
	return value;
}

/* --- the patient of the path ---------------------------------------------------------------------------------------------------- */

static const struct db_stmt sql_patient = { .name = "document_patient",
	.sql = "SELECT p.uuid FROM patient_data p WHERE p.pid = ?" };
static const struct db_stmt sql_patient_old = { .name = "document_patient_old",
	.sql = "SELECT NULL FROM patient_data p WHERE p.pid = ?" };

static enum step
patient_ask(struct task *t)
{
	struct document_patient *p = task_frame(t);
	uint64_t pid;
	struct db_val v;
	if (str_to_u64(route_param(&p->r->params, STR("pid")), INT64_MAX, &pid) != 0)
		return document_missing(p->r);
	p->pid = (int64_t)pid;
	v = DB_V_I64(p->pid);
	bool has_uuid = schema_column(p->d->schema, STR("patient_data"), STR("uuid")) != NULL;
	return db_query(t, p->r->site->db, has_uuid ? &sql_patient : &sql_patient_old, &v, 1, &p->rows);
}

static enum step
patient_read(struct task *t)
{
	struct document_patient *p = task_frame(t);
	struct request *r = p->r;
	if (p->rows->status != DB_OK)
		return document_db_failed(r, p->rows->status);
	if (p->rows->n_rows == 0)
		return document_missing(r);
	struct str uuid = db_cell(p->rows, 0, 0)->s;
	bool known = uuid.n == sizeof r->audit.patient.b;
	if (r->filter.by_patient && (!known || memcmp(uuid.p, r->filter.patient.b, uuid.n) != 0))
		return document_missing(r);
	if (known) {
		r->audit.has_patient = true;
		memcpy(r->audit.patient.b, uuid.p, uuid.n);
	}
	return STEP_NEXT;
}
STEP_TABLE(document_patient_table, 0, { "ask", patient_ask }, { "read", patient_read });

/* --- list ----------------------------------------------------------------------------------------------------------------------- */

struct listing {
	struct document_patient patient;
	struct db_result *rows;
};

static const struct db_stmt sql_list = { .name = "documents",
	.sql =
	    "SELECT d.id, d.url, d.name, d.hash, d.mimetype, d.docdate FROM documents d JOIN categories_to_documents l "
	    "ON l.document_id = d.id WHERE l.category_id = ? AND d.foreign_id = ? AND d.deleted = 0 ORDER BY d.id" };
/* before 6.0 a document's name was its file's, and deleting removed the row */
static const struct db_stmt sql_list_old = { .name = "documents_old",
	.sql =
	    "SELECT d.id, d.url, NULL, d.hash, d.mimetype, d.docdate FROM documents d JOIN categories_to_documents l "
	    "ON l.document_id = d.id WHERE l.category_id = ? AND d.foreign_id = ? ORDER BY d.id" };

static struct str
base_name(struct str url)
{
	size_t at = url.n;
	while (at > 0 && url.p[at - 1] != '/')
		at--;
	return str_skip(url, at);
}

static enum step
list_patient(struct task *t)
{
	struct listing *l = task_frame(t);
	return task_push(t, &document_patient_table, &l->patient);
}

static enum step
list_categories(struct task *t)
{
	struct listing *l = task_frame(t);
	return db_query(t, l->patient.r->site->db, &document_categories_sql, NULL, 0, &l->rows);
}

static enum step
list_ask(struct task *t)
{
	struct listing *l = task_frame(t);
	struct request *r = l->patient.r;
	struct document_category category;
	struct db_val v[2];
	if (l->rows->status != DB_OK)
		return document_db_failed(r, l->rows->status);
	if (!document_category_find(l->rows, document_param(r, STR("path")), &category))
		return document_missing(r);
	if (!document_aco_allowed(r, category.aco_spec))
		return request_refuse(r, REPLY_ACL);
	v[0] = DB_V_I64(category.id);
	v[1] = DB_V_I64(l->patient.pid);
	bool named = schema_column(l->patient.d->schema, STR("documents"), STR("deleted")) != NULL;
	return db_query(t, r->site->db, named ? &sql_list : &sql_list_old, v, 2, &l->rows);
}

static enum step
list_answer(struct task *t)
{
	struct listing *l = task_frame(t);
	struct request *r = l->patient.r;
	struct json_write w;
	if (l->rows->status != DB_OK)
		return document_db_failed(r, l->rows->status);
	if (l->rows->n_rows == 0)
		return document_missing(r);
	body_begin(r, &w, 200);
	json_arr(&w);
	for (size_t i = 0; i < l->rows->n_rows; i++) {
		struct str name = db_cell(l->rows, i, 2)->s;
		json_obj(&w);
		json_kv_str(&w, STR("filename"), name.n > 0 ? name : base_name(db_cell(l->rows, i, 1)->s));
		json_kv_str(&w, STR("hash"), db_cell(l->rows, i, 3)->s);
		json_kv_i64(&w, STR("id"), db_cell(l->rows, i, 0)->i);
		json_kv_str(&w, STR("mimetype"), db_cell(l->rows, i, 4)->s);
		json_kv_str(&w, STR("docdate"), db_cell(l->rows, i, 5)->s);
		json_obj_end(&w);
	}
	json_arr_end(&w);
	return STEP_REPLY;
}
static STEP_TABLE(list_steps, 0, { "patient", list_patient }, { "categories", list_categories }, { "ask", list_ask },
    { "answer", list_answer });

static enum step
document_list(struct request *r, struct direct *d)
{
	struct listing *l = ARENA_NEW(r->task.arena, struct listing);
	if (l == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	l->patient = (struct document_patient){ .r = r, .d = d };
	return task_push(&r->task, &list_steps, l);
}

static const struct direct_route routes[] = {
	{ HTTP_POST, "/api/patient/:pid/document", .op = OP_SPECIAL, .special = document_upload, .streams_body = true,
	    .told = &document_upload_told },
	{ HTTP_GET, "/api/patient/:pid/document", .op = OP_SPECIAL, .special = document_list,
	    .told = &document_list_told },
	{ HTTP_GET, "/api/patient/:pid/document/:did", .op = OP_SPECIAL, .special = document_download,
	    .told = &document_download_told },
};
const struct direct_routes rest_document = { routes, NITEMS(routes) };
