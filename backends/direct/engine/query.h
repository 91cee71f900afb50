/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A search: filters and paging as the caller's dialect spells them, then one statement for a page of keys over all sources and one
 * for the count. Values are bound; the text comes from the rows alone. Texts that were made are kept, so that one search form is
 * prepared once per connection. Not for fetching the rows (fetch.h).                                                     */
#ifndef BACKENDS_DIRECT_ENGINE_QUERY_H
#define BACKENDS_DIRECT_ENGINE_QUERY_H

#include "backends/direct/engine/plan.h"
#include "gateway/base/text.h"
#include "gateway/base/uuid.h"

enum {
	FILTERS_MAX = 24,
	FILTER_VALUES_MAX = 32,
	SORTS_MAX = 6,
	FIXED_MAX = 4,
	QUERY_VALS_MAX = 240,
	QUERY_FORMS_MAX = 1024
};

enum modifier { MOD_NONE, MOD_EXACT, MOD_CONTAINS, MOD_NOT, MOD_MISSING };
struct filter {          /* ORed values; filters are ANDed */
	struct str name; /* of the parameter */
	enum modifier mod;
	struct str values[FILTER_VALUES_MAX];
	unsigned n_values;
};
/* A column of the plan's first source that must have a value: the patient of the path, the name of a list. */
struct fixed {
	struct str column;
	struct db_val value;
};
struct sort {
	struct str column[SOURCES_MAX]; /* per source of the plan; .n 0: none (its rows sort as empty) */
	bool down;
	bool current; /* by whether the column's date is past: rows without one, or with one to come, are first */
};
struct query {
	struct filter *filters; /* FILTERS_MAX */
	unsigned n_filters;
	struct sort sorts[SORTS_MAX];
	unsigned n_sorts;
	struct fixed fixed[FIXED_MAX];
	unsigned n_fixed;
	unsigned limit; /* rows of a page; 0: all */
	uint64_t offset;
	bool by_patient; /* the row filter */
	struct uuid patient;
	const struct zone *zone; /* of the site's dates; NULL: UTC */
	bool rows;               /* the page's statement brings the rows themselves (query_rows) */
	/* where the page before ended; has_after false: first page */
	bool has_after;
	unsigned after_source;
	int64_t after_id;
	struct str after_sort[SORTS_MAX];
};
struct query_forms; /* statements made so far, of one site */

/* site_arena holds the statements and outlives them. NULL: out of memory. */
struct query_forms *query_forms_new(struct arena *site_arena);
void query_forms_free(struct query_forms **f);

/* A query in arena a; NULL: a is full. */
struct query *query_new(struct arena *a);
/* Adds a filter; NULL when there are too many. The caller fills values. */
struct filter *query_filter(struct query *q, struct str name, enum modifier mod);
/* The parameter of that name in a source, or NULL. */
const struct param *param_find(const struct source *s, struct str name);
bool plan_has_param(const struct plan *p, struct str name);

/* Sets q->rows where one statement is the cheaper way: a plan of one source without joins, of which the page's statement reads few rows
 * (those of a patient) or the first ones in the order of the key. Elsewhere keys are searched and sorted in one table, and rows
 * read by key: to sort joined rows MariaDB writes them to a temporary table on disk, which costs more than the second statement (and
 * ends 10.11.19 with a signal in ha_maria::drop_table under load).                                                        */
void query_rows(struct query *q, const struct plan *p);
/* The statement of a page: rows are (source index, id, sort values...), behind the source's list where q->rows, at most limit + 1 (the last says that there is more), in the
 * order of the sorts, then source and id. page_rows: rows wanted. vals: QUERY_VALS_MAX, arena memory. E_INVALID with a text
 * that names the parameter (never its value) when a value is not of the parameter's type.                                  */
int query_page(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a,
    unsigned page_rows, const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e) MUSTUSE;
/* Row i of a page: source index, id, sort values. */
const struct db_cell *query_key(const struct query *q, const struct plan *p, const struct db_result *page, size_t i);
/* The statement of the count: one row, one column. */
int query_count(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a,
    const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e) MUSTUSE;
/* The statement of a whole list of a source without id: the fields themselves, in the source's order, at most max rows. */
int query_whole(const struct query *q, const struct plan *p, struct query_forms *forms, struct arena *a, unsigned max,
    const struct db_stmt **stmt, struct db_val *vals, size_t *n_vals, struct err *e) MUSTUSE;
/* The order of the source's row, where the query has none of its own. */
void query_order(struct query *q, const struct plan *p);
/* A statement for a text that the rows and the schema make: kept for the next use. NULL: out of memory. */
const struct db_stmt *query_form(struct query_forms *forms, struct arena *a, const char *name, struct str sql);
/* The position behind a row of query_key, as an opaque text; and back (-1: not one of ours). */
struct str query_token(struct arena *a, const struct query *q, const struct db_cell *row);
int query_token_read(struct arena *a, struct query *q, struct str token) MUSTUSE;

#endif
