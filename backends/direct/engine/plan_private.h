/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What plan.c and plan_write.c share while a plan is made. Private to the engine.                                          */
#ifndef BACKENDS_DIRECT_ENGINE_PLAN_PRIVATE_H
#define BACKENDS_DIRECT_ENGINE_PLAN_PRIVATE_H

#include "backends/direct/engine/plan.h"

enum { SELECT_MAX = 192 };

struct build {
	struct arena *a;
	const struct schema *schema;
	enum compat compat;
	struct plan_report *report;
	const char *name;
	const struct source *source; /* being made */
	const struct child *child;
	bool incomplete; /* a column that the resource cannot be without is missing */
};
const char *sql_done(struct buf *out); /* NUL-ended; NULL when the buffer failed */
/* Write columns of source 0 and the statements; sets plan_op.write of its program. NULL: out of memory. */
struct plan_write *plan_write_make(struct build *b, struct plan *p);

#endif
