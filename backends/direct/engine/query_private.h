/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What query.c and query_cond.c share. Private to the engine.                                                              */
#ifndef BACKENDS_DIRECT_ENGINE_QUERY_PRIVATE_H
#define BACKENDS_DIRECT_ENGINE_QUERY_PRIVATE_H

#include "backends/direct/engine/query.h"

/* A statement being written: text, its values, and what the next piece is about. */
struct cond {
	struct buf sql;
	struct db_val *vals;
	size_t n_vals;
	struct arena *a;
	struct err *e;
	bool failed;
	const struct plan_source *ps;
	const struct filter *f;
	const struct param *p;
	const struct child *child; /* the columns are in its tables */
	const struct zone *zone;   /* of the site's dates; NULL: UTC */
};
void cond_val(struct cond *c, struct db_val v);
/* Appends one filter's condition for the source c->ps, which has the parameter. */
void cond_filter(struct cond *c, const struct filter *f);

#endif
