/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole vocabulary in which a resource is described: rows that name columns, never code. The engine (plan, render, accept) walks
 * them; a resource file is rows only; what rows cannot say is a named function in fixups.c.                                */
#ifndef BACKENDS_SQL_ENGINE_MAPPING_H
#define BACKENDS_SQL_ENGINE_MAPPING_H

#include "gateway/base/json_write.h"
#include "gateway/core/request.h"
#include "gateway/store/db.h"

/* One member of the answer, in order. column: "alias.column" of the resource's FROM. */
enum field_kind {
	F_PLAIN,  /* by the column's type: integers and floats are numbers, all else text, NULL null */
	F_UUID,   /* 16 bytes as text                                                                 */
	F_HIDDEN, /* read for fixups, not written                                                     */
	F_NULL    /* always null: what OpenEMR shows and Gatehouse never does (passwords)             */
};
struct field {
	const char *name;
	const char *column;
	enum field_kind kind;
};
/* A documented query parameter. */
enum match { M_EXACT /* BINARY = */, M_CONTAINS /* LIKE %v%, metacharacters escaped */ };
struct filter {
	const char *name;
	const char *column;
	enum match match;
};
/* A documented body member: column of the table, rule, label of its messages. */
enum rule { R_ANY, R_LENGTH, R_NUMERIC, R_DATE, R_EMAIL, R_URL };
enum { IN_REQUIRED = 1 };
struct input {
	const char *name;
	const char *label; /* NULL: the name with spaces for _ */
	enum rule rule;
	unsigned min, max; /* bytes; R_LENGTH, R_NUMERIC */
	unsigned flags;
};
/* A value that the server sets itself on insert or update. */
enum stamp {
	S_UUID,
	S_NOW,
	S_USER,
	S_TEXT,
	S_NEXT_PID /* MAX(pid)+1 under lock */,
	S_PUBPID /* the pid, when empty */
};
struct stamp_row {
	const char *column;
	enum stamp stamp;
	const char *text; /* S_TEXT */
	bool on_update;   /* also set by PUT */
};
struct rest_plan;
/* Writes what rows cannot say behind the last member of a row; children as fetched. */
typedef void fixup_fn(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *const *children);
struct child {
	const char *select; /* columns, the owner's uuid first */
	const char *joins;  /* to the owner's alias            */
	const char *needs;  /* "table.column table.column": without these the child is empty */
};
enum { CHILDREN_MAX = 3 };
enum rest_flags {
	REST_PAGED = 1,           /* _limit, _offset, _sort are read                        */
	REST_STRINGS_CLASSIC = 2, /* unfiltered lists: numbers as strings in compat classic */
	REST_STRINGS_V8 = 4,      /* the same in compat v8                                  */
	REST_LINKS_CLASSIC = 8,   /* links also in compat classic                           */
	REST_UUID_CALLBACK = 16   /* PUT of an unknown uuid: "{label} is invalid"           */
};
struct rest_resource {
	const char *name;
	const char *table, *alias, *joins, *where, *order;
	const char *message_prefix; /* of "value <uuid>": "" or " " */
	const char *uuid_label;
	const struct field *fields;
	size_t n_fields;
	const struct filter *filters;
	size_t n_filters;
	const struct input *inputs;
	size_t n_inputs;
	const struct stamp_row *stamps;
	size_t n_stamps;
	const char *id_member;    /* of the creation answer: "id" or "pid" */
	const char *mapping_path; /* uuid_mapping row of a new record; NULL none */
	const char *exists_where; /* reads answer 404 instead of 400 when the uuid exists; NULL */
	const struct child *children;
	size_t n_children;
	fixup_fn *fixup;
	unsigned flags;
};

#endif
