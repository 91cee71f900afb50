/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a new document: sequences, documents, categories_to_documents, uuid_registry and OpenEMR's log in one transaction.
 * contract/standard/document.json.                                                                                         */
#include "backends/direct/rest/document_store.h"

#include "gateway/base/text.h"
#include "gateway/config/conf.h"

enum { COLUMNS_MAX = 32, SQL_MAX = 2048, URL_MAX = 255, SHA3_TEXT = 128, ASK_AGAIN_MS = 1000 };

/* --- settings -------------------------------------------------------------------------------------------------------------------- */

const struct db_stmt document_settings_sql = {
	.name = "document_settings",
	.sql =
	    "SELECT 0, g.gl_name, g.gl_value FROM globals g WHERE g.gl_name IN ('drive_encryption', 'secure_upload', "
	    "'document_storage_method') UNION ALL SELECT 1, o.option_id, '' FROM list_options o WHERE o.list_id = "
	    "'files_white_list' AND o.activity = 1",
};

void
document_settings_take(struct document_settings *s, const struct db_result *rows)
{
	s->rows = rows;
	s->encrypt = s->only_listed = true; /* OpenEMR's defaults, where a row is missing */
	for (size_t i = 0; i < rows->n_rows; i++) {
		struct str name = db_cell(rows, i, 1)->s;
		bool on = str_eq(db_cell(rows, i, 2)->s, STR("1"));
		if (db_cell(rows, i, 0)->i != 0)
			continue;
		if (str_eq(name, STR("drive_encryption")))
			s->encrypt = on;
		else if (str_eq(name, STR("secure_upload")))
			s->only_listed = on;
		else
			s->couchdb = on;
	}
}

bool
document_type_allowed(const struct document_settings *s, struct str type)
{
	for (size_t i = 0; s->only_listed && i < s->rows->n_rows; i++)
		if (db_cell(s->rows, i, 0)->i == 1 && str_ieq(db_cell(s->rows, i, 1)->s, type))
			return true;
	return !s->only_listed;
}

/* --- names ------------------------------------------------------------------------------------------------------------------------- */

static bool
has(const struct schema *schema, const char *column)
{
	return schema_column(schema, STR("documents"), str_of(column)) != NULL;
}

/* OpenEMR 5: all but letters, digits, dot and underscore become underscores. */
static struct str
old_name(struct arena *a, struct str name)
{
	char *p = arena_raw(a, name.n + 1);
	for (size_t i = 0; p != NULL && i < name.n; i++) {
		char c = name.p[i];
		bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
		p[i] = keep ? c : '_';
	}
	return p == NULL ? STR_NULL : (struct str){ p, name.n };
}

void
document_row_name(struct document_row *row, const struct schema *schema, struct request *r)
{
	char text[UUID_TEXT + 1];
	row->schema = schema;
	uuid_comb(&row->uuid, r->worker->clock, r->worker->rng);
	uuid_comb(&row->drive_uuid, r->worker->clock, r->worker->rng);
	uuid_text(&row->drive_uuid, text);
	row->file_name = has(schema, "drive_uuid") ? arena_str(r->task.arena, (struct str){ text, UUID_TEXT })
	                                           : old_name(r->task.arena, row->name);
}

int
document_row_rename(struct document_row *row, struct request *r)
{
	struct uuid u;
	if (has(row->schema, "drive_uuid")) {
		document_row_name(row, row->schema, r);
		return row->file_name.p == NULL ? -1 : 0;
	}
	uuid_random(&u, r->worker->rng);
	struct str plain = old_name(r->task.arena, row->name);
	row->file_name =
	    arena_printf(r->task.arena, "%02x%02x%02x%02x_%.*s", u.b[0], u.b[1], u.b[2], u.b[3], STR_ARG(plain));
	return row->file_name.p == NULL ? -1 : 0;
}

/* What OpenEMR writes. It looks only at the last two parts when a file is there, so a folder whose name does not fit is left out. */
static struct str
url_make(const struct document_row *row)
{
	char dir[4096];
	struct arena *a = row->r->task.arena;
	bool known = conf_documents_dir(row->r->site->conf, dir, sizeof dir);
	struct str url =
	    arena_printf(a, "file://%s/%.*s/%.*s", known ? dir : "", STR_ARG(row->folder), STR_ARG(row->file_name));
	if (url.n <= URL_MAX)
		return url;
	return arena_printf(a, "file:///documents/%.*s/%.*s", STR_ARG(row->folder), STR_ARG(row->file_name));
}

/* --- the transaction ------------------------------------------------------------------------------------------------------------------ */

static const struct db_stmt sql_sequence = { .name = "sequences_next",
	.sql = "UPDATE sequences SET id = LAST_INSERT_ID(id + 1)" };
static const struct db_stmt sql_patient_bytes = { .name = "documents_patient_bytes",
	.sql =
	    "SELECT CAST(COALESCE(SUM(CAST(d.size AS SIGNED)), 0) AS SIGNED) FROM documents d WHERE d.foreign_id = ?" };
static const struct db_stmt sql_site_bytes = { .name = "documents_site_bytes",
	.sql = "SELECT CAST(COALESCE(SUM(CAST(d.size AS SIGNED)), 0) AS SIGNED) FROM documents d" };
static const struct db_stmt sql_category = { .name = "document_category",
	.sql = "REPLACE INTO categories_to_documents (category_id, document_id) VALUES (?, ?)" };
static const struct db_stmt sql_registry = { .name = "document_registry",
	.sql =
	    "INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, "
	    "created) VALUES (?, ?, ?, '', '', ?, 0, NOW())" };
static const struct db_stmt sql_written = { .name = "document_written",
	.sql = "SELECT 1 FROM documents d WHERE d.id = ? AND d.foreign_id = ? AND d.url = ?" };

/* After each statement: go on? One that failed ends the try; the rest of its steps do nothing. */
static bool
tx_good(struct document_row *row)
{
	if (!row->lost && row->done->status != DB_OK) {
		db_rollback(&row->tx);
		row->lost = true;
	}
	return !row->lost;
}

static enum step
tx_begin(struct task *t)
{
	struct document_row *row = task_frame(t);
	row->lost = row->committing = row->over_quota = false;
	row->tried = true;
	row->tx = NULL;
	return db_begin(t, row->r->site->db, &row->tx, &row->done);
}

/* The row stays locked until the end: two uploads of a patient cannot both pass the quota below. */
static enum step
tx_sequence(struct task *t)
{
	struct document_row *row = task_frame(t);
	return tx_good(row) ? db_tx_query(t, row->tx, &sql_sequence, NULL, 0, &row->done) : STEP_NEXT;
}

static enum step
tx_patient_bytes(struct task *t)
{
	struct document_row *row = task_frame(t);
	struct db_val v = DB_V_I64(row->pid);
	if (!tx_good(row))
		return STEP_NEXT;
	if (row->done->affected == 0) {
		(void)ERR(&t->err, E_DB, "table sequences is empty");
		return request_refuse(row->r, REPLY_INTERNAL);
	}
	row->id = (int64_t)row->done->insert_id;
	if (row->r->site->conf->documents.patient_max_bytes == 0)
		return STEP_NEXT;
	return db_tx_query(t, row->tx, &sql_patient_bytes, &v, 1, &row->done);
}

/* Reads the sum that was asked for; over the limit the try ends. */
static bool
quota_good(struct document_row *row, uint64_t max)
{
	if (row->lost || max == 0 || row->done->n_rows != 1)
		return !row->lost;
	uint64_t used = (uint64_t)MAX(db_cell(row->done, 0, 0)->i, (int64_t)0);
	if (used + row->size <= max)
		return true;
	row->over_quota = row->lost = true;
	db_rollback(&row->tx);
	return false;
}

static enum step
tx_site_bytes(struct task *t)
{
	struct document_row *row = task_frame(t);
	const struct conf_site *conf = row->r->site->conf;
	if (!tx_good(row) || !quota_good(row, conf->documents.patient_max_bytes) || conf->documents.site_max_bytes == 0)
		return STEP_NEXT;
	return db_tx_query(t, row->tx, &sql_site_bytes, NULL, 0, &row->done);
}

static struct str
hash_text(const struct document_row *row)
{
	const struct schema_column *c = schema_column(row->schema, STR("documents"), STR("hash"));
	bool narrow = c != NULL && c->max_chars > 0 && c->max_chars < SHA3_TEXT;
	struct buf b;
	buf_init(&b, row->r->task.arena, SHA3_TEXT, SHA3_TEXT);
	if (narrow)
		hex_put(&b, row->file->res.sha1, sizeof row->file->res.sha1);
	else
		hex_put(&b, row->file->res.sha3_512, sizeof row->file->res.sha3_512);
	return buf_str(&b);
}

/* The columns that this generation has; those without a value are the server's. */
static const struct db_stmt *
insert_make(const struct document_row *row, struct db_val vals[COLUMNS_MAX], size_t *n)
{
	const struct {
		const char *column, *expression;
		struct db_val value;
	} columns[] = {
		{ "id", "?", DB_V_I64(row->id) },
		{ "uuid", "?", DB_V_BIN(row->uuid.b, sizeof row->uuid.b) },
		{ "type", "'file_url'", DB_V_NULL },
		{ "size", "?", DB_V_I64((int64_t)row->size) },
		{ "date", "NOW()", DB_V_NULL },
		{ "url", "?", DB_V_STR(url_make(row)) },
		{ "mimetype", "?", DB_V_STR(row->type) },
		{ "owner", "?", DB_V_I64(row->r->who.user_id) },
		{ "revision", "NOW()", DB_V_NULL },
		{ "foreign_id", "?", DB_V_I64(row->pid) },
		{ "docdate", "CURDATE()", DB_V_NULL },
		{ "hash", "?", DB_V_STR(hash_text(row)) },
		{ "list_id", "0", DB_V_NULL },
		{ "name", "?", DB_V_STR(row->name) },
		{ "drive_uuid", "?", DB_V_BIN(row->drive_uuid.b, sizeof row->drive_uuid.b) },
		{ "storagemethod", "0", DB_V_NULL },
		{ "path_depth", "1", DB_V_NULL },
		{ "encounter_id", "?", DB_V_I64(row->encounter) },
		{ "encrypted", "?", DB_V_I64(row->encrypted) },
		{ "deleted", "0", DB_V_NULL },
	};
	struct arena *a = row->r->task.arena;
	struct buf sql, marks;
	bool first = true;
	buf_init(&sql, a, 512, SQL_MAX);
	buf_init(&marks, a, 256, SQL_MAX);
	*n = 0;
	buf_lit(&sql, "INSERT INTO documents (");
	for (size_t i = 0; i < NITEMS(columns); i++) {
		if (!has(row->schema, columns[i].column))
			continue;
		buf_printf(&sql, "%s`%s`", first ? "" : ", ", columns[i].column);
		buf_printf(&marks, "%s%s", first ? "" : ", ", columns[i].expression);
		if (columns[i].expression[0] == '?')
			vals[(*n)++] = columns[i].value;
		first = false;
	}
	buf_printf(&sql, ") VALUES (%.*s)", STR_ARG(buf_str(&marks)));
	buf_char(&sql, 0);
	struct db_stmt *stmt = ARENA_NEW(a, struct db_stmt);
	if (stmt == NULL || !buf_ok(&sql) || !buf_ok(&marks))
		return NULL;
	*stmt = (struct db_stmt){ .name = "document_insert", .sql = sql.p, .transient = true };
	return stmt;
}

static enum step
tx_insert(struct task *t)
{
	struct document_row *row = task_frame(t);
	struct db_val vals[COLUMNS_MAX];
	size_t n;
	if (!tx_good(row) || !quota_good(row, row->r->site->conf->documents.site_max_bytes))
		return STEP_NEXT;
	const struct db_stmt *stmt = insert_make(row, vals, &n);
	if (stmt == NULL)
		return request_refuse(row->r, REPLY_TOO_LARGE);
	return db_tx_query(t, row->tx, stmt, vals, n, &row->done);
}

static enum step
tx_category(struct task *t)
{
	struct document_row *row = task_frame(t);
	struct db_val v[2] = { DB_V_I64(row->category), DB_V_I64(row->id) };
	return tx_good(row) ? db_tx_query(t, row->tx, &sql_category, v, 2, &row->done) : STEP_NEXT;
}

static enum step
registry_put(struct task *t, struct document_row *row, const struct uuid *uuid, const char *column, bool drive)
{
	struct db_val v[4] = { DB_V_BIN(uuid->b, sizeof uuid->b), DB_V_STR(drive ? STR("") : STR("documents")),
		DB_V_STR(drive ? STR("") : STR("id")), DB_V_I64(drive) };
	if (!tx_good(row) || !has(row->schema, column) || !schema_has_table(row->schema, STR("uuid_registry")))
		return STEP_NEXT;
	return db_tx_query(t, row->tx, &sql_registry, v, 4, &row->done);
}

static enum step
tx_registry(struct task *t)
{
	struct document_row *row = task_frame(t);
	return registry_put(t, row, &row->uuid, "uuid", false);
}

static enum step
tx_registry_drive(struct task *t)
{
	struct document_row *row = task_frame(t);
	return registry_put(t, row, &row->drive_uuid, "drive_uuid", true);
}

static enum step
tx_log(struct task *t)
{
	struct document_row *row = task_frame(t);
	row->note = (struct write_note){ .r = row->r,
		.d = row->d,
		.class = "patient-record",
		.verb = "insert",
		.table = "documents",
		.id = row->id,
		.pid = &row->pid,
		.tx = row->tx };
	if (!tx_good(row) || !write_log_wanted(row->d, row->note.class))
		return STEP_NEXT;
	return task_push(t, &write_note_table, &row->note);
}

static enum step
tx_logged(struct task *t)
{
	struct document_row *row = task_frame(t);
	(void)t;
	if (row->note.done != NULL)
		row->done = row->note.done;
	return STEP_NEXT;
}

/* From here on the rows may be there whatever happens: the file stays until it is known that they are not. */
static enum step
tx_commit(struct task *t)
{
	struct document_row *row = task_frame(t);
	if (!tx_good(row))
		return STEP_NEXT;
	row->committing = true;
	row->file->undo = false;
	return db_commit(t, &row->tx, &row->done);
}

static enum step
tx_end(struct task *t)
{
	struct document_row *row = task_frame(t);
	row->committed = row->committing && row->done->status == DB_OK;
	(void)t;
	return STEP_NEXT;
}
static STEP_TABLE(transaction, 0, { "begin", tx_begin }, { "sequence", tx_sequence },
    { "patient bytes", tx_patient_bytes }, { "site bytes", tx_site_bytes }, { "insert", tx_insert },
    { "category", tx_category }, { "registry", tx_registry }, { "registry drive", tx_registry_drive },
    { "log", tx_log }, { "logged", tx_logged }, { "commit", tx_commit }, { "end", tx_end });

/* --- tries, and what a lost commit did --------------------------------------------------------------------------------------------------- */

/* The first try, and those after a race that was lost. A commit whose outcome is unknown is not repeated. */
static enum step
store_try(struct task *t)
{
	struct document_row *row = task_frame(t);
	bool raced = row->tried && (row->done->status == DB_DEADLOCK || row->done->status == DB_DUPLICATE);
	if (row->tried && (row->committing || row->over_quota || !raced))
		return STEP_NEXT;
	return task_push(t, &transaction, row);
}

static bool
unknown(const struct document_row *row)
{
	return row->committing && !row->committed && !row->known;
}

static enum step
lost_wait(struct task *t)
{
	return unknown(task_frame(t)) ? task_sleep(t, ASK_AGAIN_MS) : STEP_NEXT;
}

static enum step
lost_ask(struct task *t)
{
	struct document_row *row = task_frame(t);
	struct db_val v[3];
	if (!unknown(row))
		return STEP_NEXT;
	v[0] = DB_V_I64(row->id);
	v[1] = DB_V_I64(row->pid);
	v[2] = DB_V_STR(url_make(row));
	return db_query(t, row->r->site->db, &sql_written, v, 3, &row->done);
}

static enum step
lost_read(struct task *t)
{
	struct document_row *row = task_frame(t);
	(void)t;
	if (!unknown(row) || row->done->status != DB_OK)
		return STEP_NEXT;
	row->known = true;
	row->committing = row->committed = row->done->n_rows > 0;
	row->file->undo = !row->committed;
	return STEP_NEXT;
}

static enum step
store_end(struct task *t)
{
	struct document_row *row = task_frame(t);
	if (row->committed)
		return STEP_NEXT;
	if (row->over_quota) {
		row->r->audit.reason = STR("quota of documents");
		reply_error(
		    &row->r->reply, row->r->dialect, REPLY_TOO_LARGE, STR("The quota of documents is used up."));
		return STEP_REPLY;
	}
	if (unknown(row))
		LOG(row->r->worker->log, LOG_ERROR, "document.unknown", F_STR("site", row->r->site->name),
		    F_STR("folder", row->folder), F_STR("file", row->file_name));
	(void)t;
	return document_db_failed(row->r, row->done->status == DB_REFUSED ? DB_REFUSED : DB_DOWN);
}

STEP_TABLE(document_store_table, 0, { "try", store_try }, { "again", store_try }, { "again", store_try },
    { "again", store_try }, { "wait", lost_wait }, { "ask", lost_ask }, { "read", lost_read }, { "wait", lost_wait },
    { "ask", lost_ask }, { "read", lost_read }, { "wait", lost_wait }, { "ask", lost_ask }, { "read", lost_read },
    { "end", store_end });
