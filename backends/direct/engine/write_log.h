/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's log row of a write and its checksum in log_comment_encrypt (contract oauth2.md 12.1), inside the write's own transaction: by
 * table and id, never with a value. Not the rows of requests (pipeline/openemr_log.h).                                      */
#ifndef BACKENDS_DIRECT_ENGINE_WRITE_LOG_H
#define BACKENDS_DIRECT_ENGINE_WRITE_LOG_H

#include "backends/direct/engine/schema.h"
#include "gateway/loop/step.h"
#include "gateway/store/db.h"

struct direct;
struct request;

/* Statements of a site. checksum.sql NULL: it has no such table. In a; NULL: the site has no log, or out of memory. */
struct write_log {
	struct db_stmt row, checksum;
};
struct write_log *write_log_new(struct arena *a, const struct schema *schema);

/* Does the site's OpenEMR log writes of this class ("patient-record")? */
bool write_log_wanted(const struct direct *d, const char *class);
/* The group that OpenEMR knows the user by; one value: the user's name. The text of its answer, STR_NULL without one. */
extern const struct db_stmt write_log_group_sql;
struct str write_log_group(const struct db_result *rows);

enum { WRITE_LOG_VALS = 7 };
struct write_note { /* what is told of one row */
	struct request *r;
	const struct direct *d;
	const char *class, *verb, *table; /* "patient-record", "insert", "documents" */
	int64_t id;
	const int64_t *pid; /* NULL: no patient's */
	struct str group;   /* found by write_note_table when .p is NULL */
	/* own, but for done: of the last statement, when the table is over */
	struct db_tx *tx;
	struct db_result *done;
	struct db_val vals[WRITE_LOG_VALS];
	struct str checksum;
};
/* The values of the log row, and the checksum over them. -1: the arena is full. */
int write_note_bind(struct write_note *n) MUSTUSE;

/* Writes both rows in n->tx. Frame: struct write_note. When it is over n->done says how it went; it does not end the transaction. */
extern const struct step_table write_note_table;

#endif
