/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of patients: POST, GET list, GET download of /api/patient/:pid/document. contract/standard/document.json. The rows are in the
 * database, the bytes in the site's documents folder, which only filed touches; both ways they stream in constant memory.  */
#ifndef BACKENDS_DIRECT_REST_DOCUMENT_H
#define BACKENDS_DIRECT_REST_DOCUMENT_H

#include "backends/direct/engine/call.h"
#include "gateway/crypto/filed.h"

/* Specials of the routes: begin the steps, which always reply. */
enum step document_upload(struct request *r, struct direct *d);
enum step document_download(struct request *r, struct direct *d);

/* What they take and answer, for the OpenAPI document (document_told.c). */
extern const struct told document_upload_told, document_list_told, document_download_told;

/* --- what the three share (document.c) ----------------------------------------------------------------------------------------- */

/* Nothing there: 404; classic: null (golden-7.0 121), 8.x: no body. */
enum step document_missing(struct request *r);
/* What was sent is not accepted: classic 400 with {field: {code: message}}, 8.x 404 without a body. */
enum step document_invalid(struct request *r, const char *field, const char *message);
/* {field: {code: message}} with this status, in both. */
void document_refused(struct request *r, unsigned status, const char *field, const char *message);
/* A database that does not answer. */
enum step document_db_failed(struct request *r, enum db_status status);
/* A file that cannot be had: 503, or 413 when no more are taken. */
enum step document_file_failed(struct request *r, enum filed_status status);

/* The patient of the path; frame of document_patient_table. Refuses a patient that is not there or not the caller's. */
struct document_patient {
	struct request *r;
	struct direct *d;
	int64_t pid;
	struct db_result *rows;
};
extern const struct step_table document_patient_table;

/* The last query parameter of that name, as PHP takes it. */
struct str document_param(const struct request *r, struct str name);
/* May the user see what has this aco_spec ("patients|docs"; "" anybody)? */
bool document_aco_allowed(const struct request *r, struct str aco_spec);

/* --- categories (document_category.c) ------------------------------------------------------------------------------------------ */
extern const struct db_stmt document_categories_sql; /* id, parent, name, aco_spec; roots first */
struct document_category {
	int64_t id;
	struct str aco_spec;
};
/* The category that path ("/a/b") names among rows: what stands before the first slash does not count; blanks, "_" and case do not
 * either; each part must be a child of the one before it, the first may stand anywhere. false: none.                       */
bool document_category_find(const struct db_result *rows, struct str path, struct document_category *out);

/* --- one file at filed (document_file.c) --------------------------------------------------------------------------------------- */
/* Calls to filed run as small tasks beside the request's own, so that a file of any size takes no more steps of it. */
struct document_file {
	struct request *r;
	unsigned number; /* 0: not begun */
	struct task io;
	bool io_running;
	struct filed_result res;
	const struct step_table *table; /* of io; its frame is this */
	void (*done)(struct document_file *f);
	bool undo;    /* what is kept goes again with the request */
	bool waiting; /* the request's task waits for document_file_wake() */
};
/* Binds f to the request: whatever happens to it, the file is ended with it. -1: out of memory. */
int document_file_begin(struct document_file *f, struct request *r) MUSTUSE;
/* Runs table once; then done(f), from the loop. */
void document_file_run(struct document_file *f, const struct step_table *table, void (*done)(struct document_file *f));
/* The request waits until document_file_wake(); without a deadline but its own. */
enum step document_file_wait(struct document_file *f);
void document_file_wake(struct document_file *f);

#endif
