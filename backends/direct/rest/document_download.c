/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/patient/:pid/document/:did: the file, decrypted, as attachment. A sealed file is checked whole before its first byte leaves.
 * RFC 9110 13 (conditions), 14 (ranges).                                                                                   */
#include "backends/direct/rest/document.h"

#include "gateway/base/text.h"
#include "gateway/config/conf.h"
#include "gateway/net/http_file.h"

enum { PATHS = 2, PATH_DEPTH_MAX = 14 };

struct download {
	struct document_patient patient;
	struct document_file file;
	struct body_source source;
	struct db_result *rows;
	struct str paths[PATHS]; /* where the file may be, below the documents folder */
	unsigned n_paths, path;
	bool sealed;
	struct http_range range;
	struct buf piece;
	struct exchange *x;
	void (*done)(void *arg);
	void *done_arg;
};
enum { C_URL, C_NAME, C_MIME, C_HASH, C_ENCRYPTED, C_STORAGE, C_DEPTH, C_TYPE, C_EXPIRED, C_ACO, C_SIZE };

static const struct db_stmt sql_read = { .name = "document",
	.sql = "SELECT d.url, d.name, d.mimetype, d.hash, d.encrypted, d.storagemethod, d.path_depth, d.type, "
	       "d.date_expires IS NOT NULL AND d.date_expires <= NOW(), c.aco_spec, CAST(d.size AS SIGNED) FROM "
	       "documents d LEFT JOIN "
	       "categories_to_documents l ON l.document_id = d.id LEFT JOIN categories c ON c.id = l.category_id WHERE "
	       "d.id = ? AND d.foreign_id = ? AND d.deleted = 0" };
static const struct db_stmt sql_read_old = { .name = "document_old",
	.sql = "SELECT d.url, NULL, d.mimetype, d.hash, d.encrypted, d.storagemethod, d.path_depth, d.type, 0, "
	       "c.aco_spec, "
	       "CAST(d.size AS SIGNED) FROM documents d LEFT JOIN categories_to_documents l ON l.document_id = d.id "
	       "LEFT JOIN categories c ON "
	       "c.id = l.category_id WHERE d.id = ? AND d.foreign_id = ?" };

/* A document that is not there: 400 without a body, in every generation. */
static enum step
no_document(struct request *r)
{
	reply_reset(&r->reply);
	r->reply.status = 400;
	r->reply.content_type = STR("text/html; charset=utf-8");
	return STEP_REPLY;
}

/* --- the row -------------------------------------------------------------------------------------------------------------------- */

static enum step
row_patient(struct task *t)
{
	struct download *d = task_frame(t);
	return task_push(t, &document_patient_table, &d->patient);
}

static enum step
row_ask(struct task *t)
{
	struct download *d = task_frame(t);
	struct request *r = d->patient.r;
	struct db_val v[2];
	uint64_t id;
	r->audit.resource_id = route_param(&r->params, STR("did"));
	if (str_to_u64(r->audit.resource_id, INT32_MAX, &id) != 0)
		return no_document(r);
	v[0] = DB_V_I64((int64_t)id);
	v[1] = DB_V_I64(d->patient.pid);
	bool newer = schema_column(d->patient.d->schema, STR("documents"), STR("date_expires")) != NULL;
	return db_query(t, r->site->db, newer ? &sql_read : &sql_read_old, v, 2, &d->rows);
}

/* The last depth folders of url and its name: OpenEMR looks there, whatever stands before. */
static struct str
path_below(struct str url, int64_t depth)
{
	size_t at = url.n;
	for (int64_t i = 0; i <= MIN(MAX(depth, (int64_t)0), (int64_t)PATH_DEPTH_MAX) && at > 0; i++) {
		at -= i > 0;
		while (at > 0 && url.p[at - 1] != '/')
			at--;
	}
	return str_skip(url, at);
}

static void
paths_make(struct download *d)
{
	struct str url = db_cell(d->rows, 0, C_URL)->s, scheme = STR("://"), documents = STR("/documents/");
	size_t at = str_find_str(url, scheme);
	if (at < url.n)
		url = str_skip(url, at + scheme.n);
	d->paths[d->n_paths++] = path_below(url, db_cell(d->rows, 0, C_DEPTH)->i);
	at = str_find_str(url, documents);
	if (at < url.n && !str_eq(str_skip(url, at + documents.n), d->paths[0]))
		d->paths[d->n_paths++] = str_skip(url, at + documents.n);
}

static enum step
row_read(struct task *t)
{
	struct download *d = task_frame(t);
	struct request *r = d->patient.r;
	char dir[4096];
	if (d->rows->status != DB_OK)
		return document_db_failed(r, d->rows->status);
	if (d->rows->n_rows == 0 || db_cell(d->rows, 0, C_EXPIRED)->i != 0)
		return no_document(r);
	for (size_t i = 0; i < d->rows->n_rows; i++)
		if (!document_aco_allowed(r, db_cell(d->rows, i, C_ACO)->s))
			return request_refuse(r, REPLY_ACL);
	if (db_cell(d->rows, 0, C_STORAGE)->i == 1) {
		(void)ERR(&t->err, E_UNAVAILABLE, "document is in CouchDB");
		return request_refuse(r, REPLY_NOT_IMPLEMENTED);
	}
	if (!str_eq(db_cell(d->rows, 0, C_TYPE)->s, STR("file_url")))
		return no_document(r);
	if (!conf_documents_dir(r->site->conf, dir, sizeof dir))
		return request_unavailable(r, "no documents folder is set");
	d->sealed = db_cell(d->rows, 0, C_ENCRYPTED)->i != 0;
	paths_make(d);
	return document_file_begin(&d->file, r) == 0 ? STEP_NEXT : request_refuse(r, REPLY_TOO_LARGE);
}

/* --- the file: opened, and checked when it is sealed ---------------------------------------------------------------------------------- */

static enum step
open_ask(struct task *t)
{
	struct download *d = task_frame(t);
	struct request *r = d->patient.r;
	if (d->path > 0 && (d->file.res.status != FILED_NOT_FOUND || d->path == d->n_paths))
		return STEP_NEXT;
	return filed_open(t, r->worker->filed, r->site->index, d->file.number, d->paths[d->path++], d->sealed,
	    r->site->file_crypt, r->site->crypt, &d->file.res);
}

static enum step
check_ask(struct task *t)
{
	struct document_file *f = task_frame(t);
	return filed_check(t, f->r->worker->filed, f->number, &f->res);
}

static enum step
io_over(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(check_table, 1, { "check", check_ask }, { "over", io_over });

static void
checked(struct document_file *f)
{
	if (f->res.status == FILED_OK && !f->res.done)
		document_file_run(f, &check_table, checked);
	else
		document_file_wake(f);
}

static enum step
check_all(struct task *t)
{
	struct download *d = task_frame(t);
	struct request *r = d->patient.r;
	if (d->file.res.status == FILED_NOT_FOUND) {
		LOG(r->worker->log, LOG_WARN, "document.gone", F_STR("site", r->site->name),
		    F_STR("document", r->audit.resource_id));
		r->audit.reason = STR("the document's file is not there");
		return no_document(r);
	}
	if (d->file.res.status != FILED_OK)
		return document_file_failed(r, d->file.res.status);
	if (!d->sealed)
		return STEP_NEXT;
	t->deadline_us = 0; /* each call to filed has its own; a client that leaves cancels */
	document_file_run(&d->file, &check_table, checked);
	return document_file_wait(&d->file);
}

/* --- is it the file that the row means? --------------------------------------------------------------------------------------------- */

/* A row without a size (or with 0: OpenEMR 5 left it so for some) tells nothing. */
static bool
size_fits(const struct download *d)
{
	const struct db_cell *size = db_cell(d->rows, 0, C_SIZE);
	return size->kind != DB_C_INT || size->i <= 0 || (uint64_t)size->i == d->file.res.size;
}

/* The digests of a file without a MAC and the row's, in the form that the row has; a row without one tells nothing. */
static bool
digest_fits(const struct download *d)
{
	static const uint8_t none[sizeof d->file.res.sha3_512];
	const struct filed_result *res = &d->file.res;
	struct str hash = db_cell(d->rows, 0, C_HASH)->s;
	bool sha1 = hash.n == 2 * sizeof res->sha1, sha3 = hash.n == 2 * sizeof res->sha3_512;
	struct buf b;
	if ((!sha1 && !sha3) || memcmp(res->sha3_512, none, sizeof none) == 0)
		return true;
	buf_init(&b, d->patient.r->task.arena, 2 * sizeof none, 2 * sizeof none + 1);
	if (sha1)
		hex_put(&b, res->sha1, sizeof res->sha1);
	else
		hex_put(&b, res->sha3_512, sizeof res->sha3_512);
	return str_ieq(buf_str(&b), hash);
}

/* --- the bytes as a source ---------------------------------------------------------------------------------------------------------- */

static void read_next(struct download *d);

static enum step
read_ask(struct task *t)
{
	struct document_file *f = task_frame(t);
	struct download *d = CONTAINER_OF(f, struct download, file);
	buf_clear(&d->piece);
	f->res.data = &d->piece;
	return filed_read(t, f->r->worker->filed, f->number, d->range.first,
	    (size_t)MIN(d->range.n, (uint64_t)FILED_PIECE_MAX), &f->res);
}
static STEP_TABLE(piece_table, 1, { "read", read_ask }, { "over", io_over });

static void
read_done(struct document_file *f)
{
	struct download *d = CONTAINER_OF(f, struct download, file);
	if (f->res.status != FILED_OK || !buf_ok(&d->piece) || d->piece.n == 0 || d->piece.n > d->range.n) {
		exchange_abort(d->x); /* an answer that ends early must not look whole */
		return;
	}
	d->range.first += d->piece.n;
	d->range.n -= d->piece.n;
	if (exchange_reply_write(d->x, buf_str(&d->piece)) <= EXCHANGE_HIGH_WATER)
		read_next(d);
}

static void
read_next(struct download *d)
{
	if (d->range.n > 0) {
		document_file_run(&d->file, &piece_table, read_done);
		return;
	}
	exchange_on_drain(d->x, NULL);
	exchange_reply_end(d->x);
	d->done(d->done_arg);
}

static void
drained(struct exchange *x)
{
	const struct request *r = x->user;
	struct download *d = r->reply.source->state;
	if (!d->file.io_running)
		read_next(d);
}

static void
source_start(struct body_source *s, struct exchange *x, struct str fields, void (*done)(void *arg), void *arg)
{
	struct download *d = s->state;
	d->x = x;
	d->done = done;
	d->done_arg = arg;
	exchange_reply_begin(x, d->patient.r->reply.status, fields, (int64_t)d->range.n);
	exchange_on_drain(x, drained);
	read_next(d);
}

static void
source_cancel(struct body_source *s)
{
	struct download *d = s->state;
	if (d->file.io_running)
		task_cancel(&d->file.io);
	d->file.io_running = false;
}

/* --- the answer ---------------------------------------------------------------------------------------------------------------------- */

static bool
type_ok(struct str s)
{
	size_t slash = str_find(s, '/');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
		          str_find(STR("!#$&^_.+-"), c) < 9;
		if (!ok)
			return false;
	}
	return slash > 0 && slash + 1 < s.n && str_find(str_skip(s, slash + 1), '/') == s.n - slash - 1;
}

static struct str
base_name(struct str path)
{
	struct str part = STR_NULL;
	while (str_next(&path, '/', &part))
		;
	return part;
}

static void
fields_put(struct download *d, struct str etag)
{
	struct request *r = d->patient.r;
	struct str name = db_cell(d->rows, 0, C_NAME)->s, mime = db_cell(d->rows, 0, C_MIME)->s;
	struct buf b;
	reply_reset(&r->reply);
	r->reply.cache_control_set = true;
	reply_field(&r->reply, STR("Cache-Control"), STR("private, max-age=0, must-revalidate"));
	reply_field(&r->reply, STR("Accept-Ranges"), STR("bytes"));
	if (etag.n > 0)
		reply_field(&r->reply, STR("ETag"), etag);
	buf_init(&b, r->task.arena, 256, 2048);
	http_attachment_put(&b, name.n > 0 ? name : base_name(d->paths[0]));
	reply_field(&r->reply, STR("Content-Disposition"), buf_str(&b));
	mime = type_ok(mime) ? arena_str(r->task.arena, mime) : STR_NULL;
	r->reply.content_type = mime.p != NULL ? mime : STR("application/octet-stream");
}

/* A strong tag: the content's digest. .n 0: the row has none. */
static struct str
etag_make(const struct download *d)
{
	struct str hash = db_cell(d->rows, 0, C_HASH)->s;
	for (size_t i = 0; i < hash.n; i++)
		if (!((hash.p[i] >= '0' && hash.p[i] <= '9') || (hash.p[i] >= 'a' && hash.p[i] <= 'f')))
			return STR_NULL;
	return hash.n < 32 ? STR_NULL : arena_printf(d->patient.r->task.arena, "\"%.*s\"", STR_ARG(hash));
}

static enum step
answer(struct task *t)
{
	struct download *d = task_frame(t);
	struct request *r = d->patient.r;
	const struct http_head *h = r->x->head;
	struct str etag = etag_make(d), wanted = http_field(h, HTTP_F_RANGE),
	           if_range = http_field_named(h, STR("if-range"));
	uint64_t size = d->file.res.size;
	if (d->file.res.status != FILED_OK)
		return document_file_failed(r, d->file.res.status);
	if (!size_fits(d) || !digest_fits(d)) {
		LOG(r->worker->log, LOG_ERROR, "document.changed", F_STR("site", r->site->name),
		    F_STR("document", r->audit.resource_id));
		return request_unavailable(r, "a document's file is not the one that its row means");
	}
	fields_put(d, etag);
	if (http_etag_listed(http_field(h, HTTP_F_IF_NONE_MATCH), etag)) {
		r->reply.status = 304;
		r->reply.content_type = STR_NULL;
		return STEP_REPLY;
	}
	if (if_range.n > 0 && (etag.n == 0 || !str_eq(if_range, etag)))
		wanted = STR_NULL;
	enum http_range_kind kind = http_range_parse(wanted, size, &d->range);
	if (kind == RANGE_OUTSIDE) {
		r->reply.status = 416;
		r->reply.content_type = STR_NULL;
		reply_field(
		    &r->reply, STR("Content-Range"), arena_printf(t->arena, "bytes */%llu", (unsigned long long)size));
		return STEP_REPLY;
	}
	r->reply.status = kind == RANGE_PART ? 206 : 200;
	if (kind == RANGE_PART)
		reply_field(&r->reply, STR("Content-Range"),
		    arena_printf(t->arena, "bytes %llu-%llu/%llu", (unsigned long long)d->range.first,
		        (unsigned long long)(d->range.first + d->range.n - 1), (unsigned long long)size));
	buf_init(&d->piece, t->arena, FILED_PIECE_MAX, FILED_PIECE_MAX);
	d->source = (struct body_source){ .start = source_start, .cancel = source_cancel, .state = d };
	r->reply.source = &d->source;
	return STEP_REPLY;
}

static STEP_TABLE(download_steps, 0, { "patient", row_patient }, { "ask", row_ask }, { "row", row_read },
    { "open", open_ask }, { "elsewhere", open_ask }, { "check", check_all }, { "answer", answer });

enum step
document_download(struct request *r, struct direct *d)
{
	struct download *dl = ARENA_NEW(r->task.arena, struct download);
	if (dl == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	dl->patient = (struct document_patient){ .r = r, .d = d };
	return task_push(&r->task, &download_steps, dl);
}
