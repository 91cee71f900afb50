/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row to JSON: runs the plan's program, bytes straight from the row's cells. Not for envelopes and Bundles (dialects.h).   */
#ifndef BACKENDS_DIRECT_ENGINE_RENDER_H
#define BACKENDS_DIRECT_ENGINE_RENDER_H

#include "backends/direct/engine/plan.h"

/* The rows of a child table that belong to the parent being written: [from, to) of rows, which may be NULL (none). */
struct child_rows {
	const struct db_result *rows;
	size_t from, to;
};

/* The row as one object. children: CHILDREN_MAX entries. FHIR: id, meta and resourceType come from the plan. */
void render_row(struct json_write *w, const struct render *r, const struct plan *p, const struct plan_source *ps,
    const struct db_cell *row, const struct child_rows *children);
/* The same, left open for further members. */
void render_members(struct json_write *w, const struct render *r, const struct plan *p, const struct plan_source *ps,
    const struct db_cell *row, const struct child_rows *children);
/* When the row changed last, for Last-Modified and meta.lastUpdated: seconds since 1970, -1 when the site does not know. */
int64_t render_updated_s(const struct render *r, const struct plan_source *ps, const struct db_cell *row);

#endif
