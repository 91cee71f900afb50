/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that other programs wrote without a uuid get one, and their uuid_registry row, before they are served: what OpenEMR's services do
 * when they are made. Guarded by the uuid still missing, so that the first of two writers wins. At start, in pieces of 64 rows
 * per transaction; rows that are written later are given theirs by OpenEMR's own background service.                       */
#ifndef BACKENDS_DIRECT_ENGINE_BACKFILL_H
#define BACKENDS_DIRECT_ENGINE_BACKFILL_H

#include "backends/direct/engine/plan.h"
#include "gateway/base/uuid.h"

enum { BACKFILL_ROWS = 64 };

struct backfill {
	/* set by the caller, kept from round to round */
	struct site *site;
	const struct schema *schema;
	struct plan *const *plans;
	unsigned n_plans;
	/* own */
	unsigned plan, source; /* being looked at */
	bool done;             /* nothing is left, or may not be given */
	uint64_t given;
	/* of one round */
	const struct plan_source *ps;
	struct db_result *rows, *result;
	struct db_tx *tx;
	struct db_val *vals;
	struct uuid *uuids;
	struct db_stmt find, give, registry;
	size_t n;
};
/* One piece. Frame: struct backfill. Run again, on a fresh arena, until done. A statement that the server refuses (an account that
 * may only read) ends the table's turn with a line in the log; DB_DOWN and the like fail the task.                        */
extern const struct step_table backfill_table;

#endif
