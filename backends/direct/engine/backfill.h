/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that other programs wrote without a uuid get one, and their uuid_registry row: what OpenEMR's services do when they are made
 * (contract standard-api.md 5). Guarded by the uuid still missing, so that the first of two writers wins. In the background, at
 * start and with each reading of the lists, table by table; and a read that meets such a row gives it one before it answers.
 * At most 64 rows per transaction. Not for new rows of our own (write_tx.c).                                                 */
#ifndef BACKENDS_DIRECT_ENGINE_BACKFILL_H
#define BACKENDS_DIRECT_ENGINE_BACKFILL_H

#include "backends/direct/engine/plan.h"
#include "gateway/base/uuid.h"

enum { BACKFILL_ROWS = 64 };

/* Of a site: whether uuids may be given. */
struct uuids {
	struct site *site;
	const struct schema *schema;
	bool refused; /* the account may only read: not tried again */
	uint64_t given;
};
/* Has the row no uuid, though its table has the column? */
bool uuid_lacks(const struct plan_source *ps, const struct db_cell *row);

/* One transaction: rows of one source by id. */
struct uuid_piece {
	/* set by the caller; arena memory of the task */
	struct uuids *u;
	const struct plan_source *ps;
	int64_t ids[BACKFILL_ROWS];
	size_t n;
	/* the outcome; whatever it is, rows has (id, uuid) of the rows as they are now, unless it is NULL or not DB_OK itself */
	enum db_status status;
	struct db_result *rows;
	/* own */
	struct db_result *result;
	struct db_tx *tx;
	struct db_val *vals;
	struct db_stmt stmt;
};
/* Frame: struct uuid_piece. Fails the task only when its arena is full. */
extern const struct step_table uuid_piece_table;

struct backfill {
	/* set by the caller, kept from round to round; plan, source, done at 0 begin anew */
	struct uuids *u;
	struct plan *const *plans;
	unsigned n_plans;
	unsigned plan, source; /* being looked at */
	bool done;             /* nothing is left, or may not be given */
	/* of one round */
	const struct plan_source *ps;
	struct db_result *rows;
	struct uuid_piece *piece;
	struct db_stmt find;
};
/* One piece. Frame: struct backfill. Run again, on a fresh arena, until done. A statement that the server refuses ends the work with a
 * line in the log; DB_DOWN and the like fail the task.                                                                     */
extern const struct step_table backfill_table;

#endif
