/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The patient and the encounter that a path names before its own id (/patient/:pid/encounter/:eid/...): found by uuid or number in one
 * statement. An encounter must be the patient's. Not for the row itself (fetch.h).                                         */
#ifndef BACKENDS_DIRECT_ENGINE_PARENT_H
#define BACKENDS_DIRECT_ENGINE_PARENT_H

#include "backends/direct/engine/schema.h"
#include "gateway/base/uuid.h"

struct parent {
	bool wanted;       /* the path has one */
	bool valid, found; /* valid false: a value that is neither a uuid nor a number */
	struct str text;   /* the value that names nothing */
	struct uuid patient;
	int64_t pid;
	bool has_encounter;
	int64_t encounter;
	struct str patient_text, encounter_text; /* as in the path */
	struct db_result *result;
};
/* Statements of a site; columns that it lacks read as NULL. */
struct parents {
	struct db_point patient_by_uuid, encounter_by_uuid, patient_by_number, encounter_by_number;
	struct db_stmt encounter_by_numbers; /* its own, and the patient's */
};
/* In a, which lives as long as the pool. NULL: out of memory. */
struct parents *parents_new(struct arena *a, const struct schema *schema);

#endif
