/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of those OpenEMR lists (list_options) that the rows name, in memory, so that a read needs no join per code. Read
 * again every minute: an edit in OpenEMR shows after that time at the latest. Not for lists that routes answer as such.    */
#ifndef BACKENDS_DIRECT_ENGINE_LISTS_H
#define BACKENDS_DIRECT_ENGINE_LISTS_H

#include "gateway/store/db.h"

enum { LISTS_REFRESH_MS = 60000, LISTS_MAX = 32, LISTS_NAMED_MAX = 4 };

struct list_option {
	struct str title, notes, codes;
};
struct lists;

extern const struct db_stmt lists_sql; /* LISTS_MAX values: names of lists, the last repeated */
/* rows: of lists_sql. NULL: out of memory. */
struct lists *lists_new(const struct db_result *rows);
void lists_free(struct lists **l);
/* The list that a setting names ("state_list": state). name: -1 out of memory; at most LISTS_NAMED_MAX. of_setting: STR_NULL unknown (or l NULL). */
int lists_name(struct lists *l, const char *setting, struct str list) MUSTUSE;
struct str lists_of_setting(const struct lists *l, const char *setting);
/* NULL when unknown (or l NULL). Options compare without case, as OpenEMR's joins do. */
const struct list_option *lists_find(const struct lists *l, struct str list, struct str option);

#endif
