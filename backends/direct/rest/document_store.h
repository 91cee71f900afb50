/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an upload writes: the site's settings that decide, the rows of a new document and their transaction. Private to the document
 * files. The file itself is there before; it goes again when the rows are not written.                                     */
#ifndef BACKENDS_DIRECT_REST_DOCUMENT_STORE_H
#define BACKENDS_DIRECT_REST_DOCUMENT_STORE_H

#include "backends/direct/rest/document.h"

/* Globals and the white list of types, in one statement. */
extern const struct db_stmt document_settings_sql;
struct document_settings {
	bool encrypt, couchdb, only_listed;
	const struct db_result *rows;
};
void document_settings_take(struct document_settings *s, const struct db_result *rows);
bool document_type_allowed(const struct document_settings *s, struct str type);

struct document_row {
	struct request *r;
	const struct direct *d;
	const struct schema *schema;
	struct document_file *file; /* res of its keep has size and digests */
	int64_t pid, category, encounter;
	uint64_t size;
	bool encrypted;
	struct str folder;    /* below the documents folder */
	struct str name;      /* as the client called it, made safe */
	struct str file_name; /* on disk */
	struct str type;
	struct uuid uuid, drive_uuid;
	/* the outcome */
	int64_t id;
	/* own */
	struct db_tx *tx;
	struct db_result *done;
	struct write_note note;
	bool lost, committing, committed, over_quota, tried, known;
};
/* The name on disk: a new drive_uuid, or in generations without one the file's own, as OpenEMR 5 spells it. */
void document_row_name(struct document_row *row, const struct schema *schema, struct request *r);
/* Another one, since that is taken. */
int document_row_rename(struct document_row *row, struct request *r) MUSTUSE;
/* Frame: struct document_row. Goes on when the rows are written; else the reply is there. */
extern const struct step_table document_store_table;

#endif
