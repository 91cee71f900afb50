/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resource's rows joined with one site's schema: SELECT lists, column slots, statements, the program that writes JSON. Made once when
 * the schema is known, immutable afterwards. A plan without a row filter where one is due does not build.
 * Not for running anything (fetch.h, call.h) or for conditions of a search (query.h).                                                */
#ifndef BACKENDS_DIRECT_ENGINE_PLAN_H
#define BACKENDS_DIRECT_ENGINE_PLAN_H

#include "backends/direct/engine/codec.h"
#include "backends/direct/engine/fragment.h"
#include "gateway/core/site.h"

enum { SLOT_NONE = -1, HYDRATE_SIZES = 2, HYDRATE_MAX = 256, SOURCES_MAX = 3, CHILDREN_MAX = 3, REPORT_MAX = 16 };
enum { CODES_SIZES = 2, CODES_STATEMENT_MAX = 128 };
enum { SETS_MAX = 16, FURTHER_MAX = 16, ALSO_MAX = 6, EXISTS_MAX = 4 };
/* Marks of the IN lists of pages: 64, 256. Up to DB_POINT_KEYS_MAX keys are read together with those of other requests. */
extern const unsigned hydrate_sizes[HYDRATE_SIZES];

/* One field compiled. */
struct plan_op {
	const struct field *f;
	const struct codec *codec;
	struct str key; /* "\"fname\":" */
	unsigned n_cols;
	short slot[FIELD_COLS_MAX];  /* place in the row; SLOT_NONE: the site lacks the column */
	short write[FIELD_COLS_MAX]; /* place in plan_write.cols; SLOT_NONE: not written here  */
	const struct plan_op *sub;
	unsigned n_sub;
	bool list_begin, list_end; /* first, last element row of an array */
};
struct plan_child {
	const struct child *child;
	const struct plan_op *ops;
	unsigned n_ops;
	bool absent;                          /* the site lacks its tables */
	short flag;                           /* parent's slot: has the row any? */
	short within;                         /* slot of the column that says in which row of another child */
	struct db_point point;                /* by the parent's uuid */
	struct db_point few;                  /* as by_ids */
	struct db_stmt by_ids[HYDRATE_SIZES]; /* by parents' ids; column 0 is the parent's id, rows ordered by it */
};
struct plan_source {
	const struct source *s;
	const struct plan_op *ops;
	unsigned n_ops;
	const char *where;    /* rows outside it do not exist for the API; NULL: all do */
	const char *key_name; /* what lists are paged and hydrated by: clustered or id */
	short id, key, uuid, updated, created, patient, pid, visible; /* slots */
	short codes, codes_text;                 /* of the field with F_CODES: its column, the text of its first code */
	struct db_stmt codes_texts[CODES_SIZES]; /* by codes: theirs */
	struct str list;                         /* SELECT list */
	unsigned n_list;                         /* its columns */
	uint32_t joins;                          /* that stand in from */
	struct str
	    from; /* FROM tables WHERE, with the joins that the list, the keys and the order name: a condition follows */
	struct db_point point; /* by uuid; sql NULL: the site's rows have none */
	struct db_point few;   /* by key_name, as hydrate */
	struct db_stmt hydrate[HYDRATE_SIZES];
	struct plan_child children[CHILDREN_MAX];
	unsigned n_children;
	const struct schema *schema; /* what query.c asks for columns; lives as long as the plan */
};
/* A value that bodies may give. */
struct plan_column {
	const struct schema_column *column; /* NULL: the site lacks it */
	const struct field *f;              /* with the rules of the column */
	const char *input;                  /* the field's name */
	unsigned rules;                     /* R_ bits of this compat */
	bool own;                           /* a column of the resource's table: in its INSERT and UPDATE */
	bool nullable_date;                 /* an empty value becomes NULL: two marks in the statements */
};
/* A further row of a write. */
struct plan_further {
	const struct further *f; /* NULL: the site lacks its table */
	struct db_stmt insert, update;
	const struct server_set *sets[SETS_MAX]; /* those whose column exists */
	unsigned n_sets;
};
struct plan_write {
	const struct write_rule *rule;
	const struct plan_op *ops; /* the members of bodies */
	unsigned n_ops;
	struct plan_column *cols;
	unsigned n_cols;
	struct db_stmt insert, update, remove, lock, next, sequence, registry, mapping;
	bool has_lock, has_registry, has_mapping, has_path, has_also, wants_group;
	const struct server_set *sets[SETS_MAX]; /* those whose column exists */
	unsigned n_sets;
	struct plan_further further[FURTHER_MAX];
	unsigned n_further;
	struct {
		const struct field *f;
		const struct schema_column *column; /* NULL: the site lacks it */
		struct db_stmt stmt;
	} exists[EXISTS_MAX];
	unsigned n_exists;
	const char *log; /* class of the log row */
};
enum plan_state { PLAN_WAITING, PLAN_READY, PLAN_NO_TABLE, PLAN_INCOMPLETE };

struct plan {
	unsigned magic;
#define PLAN_MAGIC 0x29ce81f3u
	const struct resource *res;
	enum compat compat;
	bool fhir;
	enum plan_state state;
	struct plan_source sources[SOURCES_MAX]; /* those whose tables exist */
	unsigned n_sources;
	struct plan_write *write; /* NULL: read only */
};
struct plan_report {
	struct str missing[REPORT_MAX]; /* "patient_data.fname", "table contact" */
	unsigned n;
};

/* Memory of a, which lives as long as the site's pool. p->state says whether it can be used; report says what is missing. NULL: a is
 * full. A row that contradicts itself is a CHECK (mapping_check, run by the tests, says which).                            */
struct plan *plan_new(struct arena *a, const struct resource *res, bool fhir, enum compat compat,
    const struct schema *schema, struct plan_report *report);

#endif
