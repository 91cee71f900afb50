/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A handful of names: a row each, searched one by one. */
#include "backends/direct/engine/globals.h"

#include <stdlib.h>

static const char *const names[] = { "enable_auditlog", "audit_events_patient-record", "audit_events_scheduling",
	"audit_events_order", "audit_events_security-administration", "audit_events_other", "units_of_measurement",
	"insurance_only_one", "state_list", "country_list", "gbl_time_zone" };

struct globals {
	struct arena *arena;
	struct str values[NITEMS(names)];
};

const struct db_stmt globals_sql = {
	.name = "globals",
	.sql = "SELECT g.gl_name, g.gl_value FROM globals g WHERE g.gl_index = 0 AND g.gl_name IN ('enable_auditlog', "
	       "'audit_events_patient-record', 'audit_events_scheduling', 'audit_events_order', "
	       "'audit_events_security-administration', 'audit_events_other', 'units_of_measurement', "
	       "'insurance_only_one', 'state_list', 'country_list', 'gbl_time_zone')",
};

struct globals *
globals_new(const struct db_result *rows)
{
	struct globals *g = calloc(1, sizeof *g);
	if (g == NULL)
		return NULL;
	g->arena = arena_new("globals", 64 << 10);
	if (g->arena == NULL) {
		globals_free(&g);
		return NULL;
	}
	for (size_t i = 0; i < rows->n_rows; i++)
		for (size_t k = 0; k < NITEMS(names); k++)
			if (str_eq(db_cell(rows, i, 0)->s, str_of(names[k])) && db_cell(rows, i, 1)->kind == DB_C_TEXT)
				g->values[k] = arena_str(g->arena, db_cell(rows, i, 1)->s);
	return g;
}

void
globals_free(struct globals **gp)
{
	if (*gp == NULL)
		return;
	arena_free(&(*gp)->arena);
	free(*gp);
	*gp = NULL;
}

struct str
globals_get(const struct globals *g, const char *name)
{
	size_t k = 0;
	while (k < NITEMS(names) && strcmp(names[k], name) != 0)
		k++;
	CHECK(k < NITEMS(names));
	return g == NULL ? STR_NULL : g->values[k];
}

bool
globals_on(const struct globals *g, const char *name)
{
	struct str v = globals_get(g, name);
	return v.n > 0 && !str_eq(v, STR("0"));
}
