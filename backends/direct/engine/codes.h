/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts of a list of codes ("ICD10:I10;SNOMED-CT:38341003"): that of the first comes with the row, and a row with one code, as most
 * have, costs nothing here. Those of the others are asked for together, behind the rows of a page: a statement per 128 codes that
 * differ, up to 4,096 of a page (what is beyond has ""). Not for writing them (fixups.h).                                   */
#ifndef BACKENDS_DIRECT_ENGINE_CODES_H
#define BACKENDS_DIRECT_ENGINE_CODES_H

#include "backends/direct/engine/plan.h"

enum { CODES_STATEMENTS = 32 };
#define CODES_BETWEEN '\037' /* stands between the texts */

struct code_asked { /* one that differs from the others of its statement */
	struct str type, code, text;
};
struct codes {
	/* set by the caller; arena memory of the task */
	struct db_pool *db;
	const struct plan_source *ps;
	/* of ps, the task's own: the cell of the first code's text becomes the texts of all */
	const struct db_cell *const *rows;
	size_t n_rows;
	/* the outcome */
	enum db_status status;
	/* own */
	struct code_asked *asked;
	unsigned *places; /* of each code behind a first, in the order of the rows: where in asked */
	size_t n_asked, n_places, from;
	struct db_val *vals;
	struct db_result *result;
};
/* Has the row several codes in a field with F_CODES, with texts to look up? */
bool codes_several(const struct plan_source *ps, const struct db_cell *row);
/* Frame: struct codes. */
extern const struct step_table codes_table;

/* The statements for as many codes: their marks, twice; rows are type, code, text. -1: out of memory. */
int codes_statements(struct arena *a, struct db_stmt stmts[CODES_SIZES]) MUSTUSE;

#endif
