/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST /api/patient/:pid/document. The file part streams from the client through the parser to filed, a piece at a time; when it is whole
 * and allowed it is made durable, then its rows are written in one transaction. What fails takes the file with it.         */
#include "backends/direct/rest/document.h"

#include "backends/direct/rest/document_store.h"
#include "gateway/base/file_type.h"
#include "gateway/base/text.h"
#include "gateway/config/conf.h"
#include "gateway/crypto/hash.h"
#include "gateway/net/http_file.h"
#include "gateway/net/multipart.h"

enum { PARTS_MAX = 8, FORM_BYTES = 64 << 10, NAMES_TRIED = 4, BUFFER_MAX = 1 << 20 };

enum outcome { OUT_NONE, OUT_MALFORMED, OUT_TOO_LARGE, OUT_LATE, OUT_NO_FILE, OUT_MANY_FILES, OUT_MEMBER, OUT_MEMORY };

struct upload {
	struct document_patient patient;
	struct document_file file;
	struct document_row row;
	struct db_result *rows;
	struct document_settings settings;
	struct idempotency key;
	struct sha256_stream digest; /* with a key: of what the answer depends on */
	/* the body */
	struct multipart parser;
	struct file_type type;
	struct buf waiting; /* bytes of the file that filed has not taken yet */
	bool in_file, has_file, ended;
	enum outcome outcome;
	char name[FILE_NAME_MAX + 1];
	unsigned names_tried;
};

/* --- Idempotency-Key: what identifies the body is the file's name and content, and where it goes; a client's boundary differs each time --- */

static void
key_refused(void *owner, unsigned status, const char *text)
{
	struct upload *u = owner;
	document_refused(u->patient.r, status, "Idempotency-Key", text);
}

static enum step
key_ask(struct task *t)
{
	struct upload *u = task_frame(t);
	u->key = (struct idempotency){
		.r = u->patient.r, .refused = key_refused, .owner = u, .committing = &u->row.committing
	};
	return idempotency_ask(t, &u->key);
}

static enum step
key_known(struct task *t)
{
	struct upload *u = task_frame(t);
	return idempotency_known(t, &u->key);
}

static enum step
key_busy(struct task *t)
{
	struct upload *u = task_frame(t);
	return idempotency_busy(t, &u->key);
}

/* Each part with its length in front: no two bodies feed the same bytes. */
static void
digest_text(struct upload *u, struct str s)
{
	uint64_t n = s.n;
	sha256_feed(&u->digest, (struct str){ (const char *)&n, sizeof n });
	sha256_feed(&u->digest, s);
}

static int
digest_begin(struct upload *u)
{
	if (u->key.name.n == 0)
		return 0;
	if (sha256_begin(&u->digest) != 0)
		return -1;
	digest_text(u, document_param(u->patient.r, STR("path")));
	digest_text(u, document_param(u->patient.r, STR("eid")));
	return 0;
}

/* The body is whole: what it is, and the answer that it had before. */
static enum step
key_answer(struct task *t)
{
	struct upload *u = task_frame(t);
	uint8_t hash[SHA256_LEN];
	struct buf hex;
	if (u->key.name.n == 0)
		return STEP_NEXT;
	sha256_end(&u->digest, hash);
	buf_init(&hex, t->arena, BODY_HASH_CHARS + 1, BODY_HASH_CHARS + 1);
	hex_put(&hex, hash, sizeof hash);
	if (!buf_ok(&hex))
		return request_refuse(u->patient.r, REPLY_TOO_LARGE);
	u->key.body_hash = buf_str(&hex);
	return idempotency_answer(t, &u->key);
}

static enum step
key_remember(struct task *t)
{
	struct upload *u = task_frame(t);
	return idempotency_remember(t, &u->key);
}

/* --- before the body ----------------------------------------------------------------------------------------------------------------- */

static enum step
patient_step(struct task *t)
{
	struct upload *u = task_frame(t);
	return task_push(t, &document_patient_table, &u->patient);
}

static enum step
settings_ask(struct task *t)
{
	struct upload *u = task_frame(t);
	return db_query(t, u->patient.r->site->db, &document_settings_sql, NULL, 0, &u->rows);
}

static enum step
settings_read(struct task *t)
{
	struct upload *u = task_frame(t);
	if (u->rows->status != DB_OK)
		return document_db_failed(u->patient.r, u->rows->status);
	document_settings_take(&u->settings, u->rows);
	return db_query(t, u->patient.r->site->db, &document_categories_sql, NULL, 0, &u->rows);
}

static const struct db_stmt sql_encounter = { .name = "document_encounter",
	.sql = "SELECT 1 FROM form_encounter e WHERE e.pid = ? AND e.encounter = ? LIMIT 1" };

static enum step
category_read(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	struct document_category category;
	struct str eid = document_param(r, STR("eid"));
	struct db_val v[2];
	uint64_t encounter;
	if (u->rows->status != DB_OK)
		return document_db_failed(r, u->rows->status);
	if (!document_category_find(u->rows, document_param(r, STR("path")), &category))
		return document_missing(r);
	if (!document_aco_allowed(r, category.aco_spec))
		return request_refuse(r, REPLY_ACL);
	u->row.category = category.id;
	u->row.pid = u->patient.pid;
	u->rows = NULL;
	if (eid.n == 0)
		return STEP_NEXT;
	if (str_to_u64(eid, INT64_MAX, &encounter) != 0)
		return document_invalid(r, "eid", "eid is invalid");
	u->row.encounter = (int64_t)encounter;
	v[0] = DB_V_I64(u->row.pid);
	v[1] = DB_V_I64(u->row.encounter);
	return db_query(t, r->site->db, &sql_encounter, v, 2, &u->rows);
}

/* The newest pair of keys that OpenEMR made: it can read what is sealed with it. 0: none. */
static unsigned
newest_version(const struct openemr_keys *k)
{
	for (unsigned v = 7; k != NULL && v >= 4; v--)
		if (k->version[v].present)
			return v;
	return 0;
}

static enum step
file_create(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	char boundary[MULTIPART_BOUNDARY_MAX], dir[4096];
	struct str b;
	if (u->rows != NULL && u->rows->status != DB_OK)
		return document_db_failed(r, u->rows->status);
	if (u->rows != NULL && u->rows->n_rows == 0)
		return document_missing(r);
	if (u->settings.couchdb) {
		(void)ERR(&t->err, E_UNAVAILABLE, "documents are stored in CouchDB");
		return request_refuse(r, REPLY_NOT_IMPLEMENTED);
	}
	if (!conf_documents_dir(r->site->conf, dir, sizeof dir))
		return request_unavailable(r, "no documents folder is set");
	if (multipart_boundary(http_field(r->x->head, HTTP_F_CONTENT_TYPE), boundary, &b) != 0)
		return document_invalid(r, "document", "document must be sent as multipart/form-data");
	unsigned version = u->settings.encrypt ? newest_version(r->site->file_crypt) : 0;
	if (u->settings.encrypt && version == 0)
		return request_unavailable(r, "OpenEMR's keys for files are not there");
	multipart_begin(&u->parser, b, PARTS_MAX);
	if (digest_begin(u) != 0)
		return request_refuse(r, REPLY_TOO_LARGE);
	u->file.r = r;
	if (idempotency_repeated(&u->key)) /* read to be compared, not to be kept */
		return STEP_NEXT;
	u->row.encrypted = version != 0;
	u->row.folder = arena_printf(t->arena, "%lld", (long long)u->row.pid);
	if (u->row.folder.p == NULL || document_file_begin(&u->file, r) != 0)
		return request_refuse(r, REPLY_TOO_LARGE);
	return filed_create(t, r->worker->filed, r->site->index, u->file.number, u->row.folder, version,
	    r->site->file_crypt, &u->file.res);
}

/* --- the body: client -> parser -> filed ------------------------------------------------------------------------------------------------ */

static void write_next(struct upload *u);

static enum step
write_ask(struct task *t)
{
	struct document_file *f = task_frame(t);
	struct upload *u = CONTAINER_OF(f, struct upload, file);
	struct str piece = str_sub(buf_str(&u->waiting), 0, FILED_PIECE_MAX);
	enum step s = filed_write(t, f->r->worker->filed, f->number, piece, &f->res);
	buf_consume(&u->waiting, piece.n);
	return s;
}

static enum step
write_over(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(write_table, 1, { "write", write_ask }, { "over", write_over });

static void
written(struct document_file *f)
{
	write_next(CONTAINER_OF(f, struct upload, file));
}

/* Hands on what waits; then more is read from the client, or the request goes on. */
static void
write_next(struct upload *u)
{
	struct document_file *f = &u->file;
	bool stop = u->outcome != OUT_NONE || f->res.status != FILED_OK;
	if (f->io_running)
		return;
	if (stop || (u->ended && u->waiting.n == 0))
		document_file_wake(f);
	else if (u->waiting.n >= FILED_PIECE_MAX || u->ended)
		document_file_run(f, &write_table, written);
	else if (f->r->x != NULL)
		exchange_body_resume(f->r->x);
}

static void
part_begin(struct upload *u)
{
	const struct multipart *m = &u->parser;
	bool document = str_eq(m->name, STR("document"));
	u->in_file = document && m->filename.p != NULL;
	if (u->in_file && u->has_file)
		u->outcome = OUT_MANY_FILES;
	else if (!document && u->patient.r->site->compat == COMPAT_V8)
		u->outcome = OUT_MEMBER;
	if (u->in_file && !u->has_file)
		u->row.name = file_name_safe(m->filename, u->name);
	if (u->in_file && !u->has_file && u->digest.ctx != NULL)
		digest_text(u, u->row.name);
	u->has_file |= u->in_file;
}

static void
part_data(struct upload *u, struct str data)
{
	size_t max = u->patient.r->site->conf->documents.file_max_bytes;
	if (!u->in_file)
		return;
	u->row.size += data.n;
	if (u->row.size > max) {
		u->outcome = OUT_TOO_LARGE;
		return;
	}
	if (u->digest.ctx != NULL)
		sha256_feed(&u->digest, data);
	if (idempotency_repeated(&u->key))
		return;
	file_type_feed(&u->type, data);
	buf_str_put(&u->waiting, data);
	if (!buf_ok(&u->waiting))
		u->outcome = OUT_MEMORY;
}

static void
body_parse(struct upload *u, struct str piece)
{
	while (u->outcome == OUT_NONE) {
		struct str data;
		size_t used;
		enum multipart_event e = multipart_feed(&u->parser, piece, &used, &data);
		piece = str_skip(piece, used);
		switch (e) {
		case MULTIPART_MORE:
			return;
		case MULTIPART_PART:
			part_begin(u);
			break;
		case MULTIPART_DATA:
			part_data(u, data);
			break;
		case MULTIPART_PART_END:
		case MULTIPART_END:
			break;
		case MULTIPART_BAD:
		case MULTIPART_TOO_MUCH:
			(void)ERR(&u->patient.r->task.err, E_PARSE, "multipart: %s", u->parser.why);
			u->outcome = OUT_MALFORMED;
			break;
		}
	}
}

static void
body_piece(struct exchange *x, struct str piece, bool end, unsigned refused)
{
	struct request *r = x->user;
	struct upload *u = r == NULL ? NULL : r->state;
	if (u == NULL || !u->file.waiting || u->outcome != OUT_NONE)
		return; /* the answer is decided: what still comes is thrown away */
	if (refused != 0)
		u->outcome = refused == 413 ? OUT_TOO_LARGE : refused == 408 ? OUT_LATE : OUT_MALFORMED;
	else
		body_parse(u, piece);
	u->ended = end;
	if (end && u->outcome == OUT_NONE && !multipart_ended(&u->parser))
		u->outcome = OUT_MALFORMED;
	if (!end && u->outcome == OUT_NONE && u->waiting.n < FILED_PIECE_MAX)
		return;
	if (!end && u->outcome == OUT_NONE)
		exchange_body_pause(x);
	write_next(u);
}

static enum step
body_receive(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	if (u->file.res.status != FILED_OK)
		return document_file_failed(r, u->file.res.status);
	if (!exchange_has_body(r->x))
		return document_invalid(r, "document", "document is required");
	buf_init(&u->waiting, NULL, 2 * FILED_PIECE_MAX, BUFFER_MAX);
	u->waiting.wipe = true;
	t->deadline_us = 0; /* an upload may take long: the connection watches its pauses */
	r->state = u;
	exchange_body_stream(r->x, r->site->conf->documents.file_max_bytes + FORM_BYTES, body_piece);
	return document_file_wait(&u->file);
}

/* --- the whole file -------------------------------------------------------------------------------------------------------------------------- */

static enum step
refused(struct request *r, enum outcome o)
{
	switch (o) {
	case OUT_LATE:
		return request_refuse(r, REPLY_TIMEOUT);
	case OUT_TOO_LARGE:
		return request_refuse(r, REPLY_TOO_LARGE);
	case OUT_MEMORY:
		return request_unavailable(r, "memory for an upload");
	case OUT_MALFORMED:
		return request_refuse(r, REPLY_BAD_REQUEST);
	case OUT_MEMBER:
		return document_invalid(r, "document", "only document is accepted");
	case OUT_MANY_FILES:
		return document_invalid(r, "document", "document must be one file");
	case OUT_NO_FILE:
	case OUT_NONE:
		break;
	}
	return document_invalid(r, "document", "document is required");
}

static enum step
body_check(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	t->deadline_us = loop_now_us(t->loop) + (int64_t)r->worker->conf->request_ms * 1000;
	buf_done(&u->waiting);
	if (u->outcome != OUT_NONE)
		return refused(r, u->outcome);
	if (u->file.res.status != FILED_OK)
		return document_file_failed(r, u->file.res.status);
	if (!u->has_file)
		return refused(r, OUT_NO_FILE);
	if (u->row.size == 0)
		return document_invalid(r, "document", "document is empty");
	return STEP_NEXT;
}

static enum step
type_check(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	(void)t;
	u->row.type = file_type_of(&u->type);
	if (!document_type_allowed(&u->settings, u->row.type))
		return document_invalid(r, "document", "document is of a type that is not accepted");
	document_row_name(&u->row, u->patient.d->schema, r);
	return STEP_NEXT;
}

/* Generations that name files by their own names: a taken one gets a number in front. */
static enum step
file_keep(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	if (u->names_tried > 0 && u->file.res.status != FILED_EXISTS)
		return STEP_NEXT;
	if (u->names_tried++ > 0 && document_row_rename(&u->row, r) != 0)
		return request_refuse(r, REPLY_TOO_LARGE);
	u->file.undo = true;
	return filed_keep(t, r->worker->filed, u->file.number, u->row.file_name, &u->file.res);
}

static enum step
rows_write(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	if (u->file.res.status != FILED_OK)
		return document_file_failed(r, u->file.res.status);
	u->row.r = r;
	u->row.d = u->patient.d;
	u->row.schema = u->patient.d->schema;
	u->row.file = &u->file;
	return task_push(t, &document_store_table, &u->row);
}

static enum step
answer(struct task *t)
{
	struct upload *u = task_frame(t);
	struct request *r = u->patient.r;
	u->file.undo = false;
	r->audit.resource_id = arena_printf(t->arena, "%lld", (long long)u->row.id);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	buf_lit(&r->reply.body, "true");
	return STEP_NEXT;
}

static enum step
reply(struct task *t)
{
	(void)t;
	return STEP_REPLY;
}

_Static_assert(NAMES_TRIED == 4, "a row of the table per name");
static STEP_TABLE(upload_steps, 0, { "key", key_ask }, { "key known", key_known }, { "key busy", key_busy },
    { "patient", patient_step }, { "settings", settings_ask }, { "settings read", settings_read },
    { "category", category_read }, { "create", file_create }, { "receive", body_receive }, { "check", body_check },
    { "key's answer", key_answer }, { "type", type_check }, { "keep", file_keep }, { "keep", file_keep },
    { "keep", file_keep }, { "keep", file_keep }, { "rows", rows_write }, { "answer", answer },
    { "remember", key_remember }, { "reply", reply });

/* The client left in mid-upload: buffer and digest are the heap's. */
static void
upload_gone(void *arg)
{
	struct upload *u = arg;
	buf_done(&u->waiting);
	sha256_drop(&u->digest);
	u->patient.r->state = NULL;
}

enum step
document_upload(struct request *r, struct direct *d)
{
	struct upload *u = ARENA_NEW(r->task.arena, struct upload);
	if (u == NULL || arena_defer(r->task.arena, upload_gone, u) != 0)
		return request_refuse(r, REPLY_TOO_LARGE);
	u->patient = (struct document_patient){ .r = r, .d = d };
	return task_push(&r->task, &upload_steps, u);
}
