/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A JSON body into checked columns: documented fields only, each through its kind's codec, then OpenEMR's rules with OpenEMR's messages,
 * all errors at once. Pure. Not for writing to the database (write.c).                                                      */
#ifndef BACKENDS_DIRECT_ENGINE_ACCEPT_H
#define BACKENDS_DIRECT_ENGINE_ACCEPT_H

#include "backends/direct/engine/plan.h"

/* {field: {code: message}}; code.p NULL: {field: [message]}; code "": {field: message} */
struct violation {
	struct str field, code, message;
};
struct violations {
	struct violation *v;
	unsigned n, size;    /* it grows */
	struct arena *arena; /* before the first one is added */
};
void violation_add(struct violations *to, struct str field, struct str code, const char *fmt, ...) PRINTF_LIKE(4, 5);
void violations_put(struct json_write *w, const struct violations *v); /* the object; [] when there are none */

struct accepted_value {
	bool given;
	bool null; /* becomes NULL in a column that may hold it (dates) */
	struct str text;
};
struct accepted {
	struct accepted_value *v; /* by place in plan_write.cols */
	unsigned n_given;
};

/* body: the parsed object; NULL counts as an empty one, as OpenEMR reads anything else. create: required fields must be there; on update they may
 * be left out but not emptied. -1: the arena is full (nothing else is an error: violations tells).                         */
int accept_body(const struct plan *p, const json_t *body, bool create, const struct lists *lists, struct arena *a,
    struct accepted *out, struct violations *violations) MUSTUSE;
/* The values in the order of the statement's marks, server-set columns excluded. when: SET_CREATE or SET_UPDATE. */
void accepted_bind(
    const struct plan_write *w, const struct accepted *in, unsigned when, struct db_val *vals, size_t *n);
/* The text accepted for a column, STR_NULL when not given. */
struct str accepted_text(const struct plan_write *w, const struct accepted *in, struct str column);
/* The text that the body's member of that name gave, STR_NULL when not given; and another in its place
 * (STR_NULL: as if it had given none). */
struct str accepted_input(const struct plan_write *w, const struct accepted *in, const char *name);
void accepted_input_set(const struct plan_write *w, struct accepted *in, const char *name, struct str text);

#endif
