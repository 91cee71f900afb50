/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a resource with their children, as sub-tables of steps: one row by uuid (one batched point read; then one per kind of children
 * that the row has, all at once), or a page of keys or of rows (one statement per source that has keys and per child table: no N+1). Runs on any task.            */
#ifndef BACKENDS_DIRECT_ENGINE_FETCH_H
#define BACKENDS_DIRECT_ENGINE_FETCH_H

#include "backends/direct/engine/backfill.h"
#include "backends/direct/engine/codes.h"
#include "backends/direct/engine/query.h"
#include "backends/direct/engine/render.h"
#include "gateway/base/uuid.h"

struct fetched {
	const struct plan_source *ps;
	const struct db_cell *row;
	struct child_rows children[CHILDREN_MAX];
};

/* --- one row ------------------------------------------------------------------------------------------------------------------ */
enum found { FOUND_NOT, FOUND, FOUND_HIDDEN /* there, but the source's where keeps it from the API */ };
struct fetch_one {
	/* set by the caller */
	const struct plan *plan;
	struct db_pool *db;
	struct uuid uuid;
	const struct db_stmt *stmt; /* of the first source, instead of the point read by uuid */
	const struct db_val *vals;
	size_t n_vals;
	struct db_tx *tx; /* stmt runs in it (NULL: in none); then without_children, uuids NULL */
	bool by_patient;  /* the row filter: compared on the row */
	struct uuid patient;
	bool tied; /* the row must be this patient's: compared on the row, which the source's pid then stands in */
	int64_t pid;
	bool without_children;
	struct uuids *uuids; /* what gives rows a uuid that have none; NULL: they stay as they are */
	/* the outcome */
	enum db_status status;
	enum found found;
	struct fetched row;
	/* own */
	struct db_result *result, *children[CHILDREN_MAX];
	unsigned source;
	bool started, children_asked;
	struct uuid_piece *piece;
	struct codes *codes;
};
/* Frame: struct fetch_one. */
extern const struct step_table fetch_one_table;

/* --- a page ------------------------------------------------------------------------------------------------------------------- */
struct fetch_page {
	const struct plan *plan;
	struct db_pool *db;
	const struct query *q;
	struct db_result *keys; /* of query_page: source, id, or (q->rows) the rows with them */
	struct uuids *uuids;    /* as above */
	size_t n_keys;          /* at most HYDRATE_MAX       */
	/* the outcome: rows in the order of the keys; a row that went away meanwhile is left out */
	enum db_status status;
	struct fetched *rows;
	size_t n_rows;
	/* own */
	struct db_result *sources[SOURCES_MAX], *children[SOURCES_MAX][CHILDREN_MAX], *result;
	unsigned source, child; /* being read; child 0: the source itself */
	bool started;
	size_t uuid_at; /* rows before it have been looked at */
	struct uuid_piece *piece;
	unsigned codes_of; /* source whose codes are next */
	struct codes *codes;
};
/* Frame: struct fetch_page. */
extern const struct step_table fetch_page_table;

#endif
