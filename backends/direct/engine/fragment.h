/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fragments of SQL that rows hold (conditions, ONs, expressions, lists of columns): which alias.column they name, which table an alias
 * stands for, whether a site has it, and the FROM lists made of them. Fragments are literals of the program. Pure. Not for statements as a
 * whole (plan.h) nor for conditions of a search (query.h).                                                                 */
#ifndef BACKENDS_DIRECT_ENGINE_FRAGMENT_H
#define BACKENDS_DIRECT_ENGINE_FRAGMENT_H

#include "backends/direct/engine/mapping.h"
#include "backends/direct/engine/schema.h"

enum { JOINS_MAX = 32 };

/* --- names ------------------------------------------------------------------------------------------------------------------ */

/* "p.fname p.lname" word by word; false at the end. */
bool words_next(struct str *rest, struct str *word);
/* Does a fragment use alias.column? */
bool fragment_names(struct str fragment, struct str alias);
/* The next alias.column that a fragment names, quoted texts skipped; false at the end. */
bool fragment_next(struct str *rest, struct str *name);
/* Table of an alias among a source, its joins and a child's tables (either may be NULL); .n 0: unknown, as the aliases are that a
 * fragment's own subqueries give.                                                                                          */
struct str alias_table(const struct source *s, const struct child *c, struct str alias);
/* The key row of a path parameter, or NULL. */
const struct key *key_of(const struct source *s, struct str param);

/* --- what the site has ------------------------------------------------------------------------------------------------------ */

/* The column "p.fname" names, or NULL where the site lacks it. */
const struct schema_column *column_of(
    const struct schema *schema, const struct source *s, const struct child *c, struct str name);
/* The next alias.column that a fragment names and the site lacks; false at the end. */
bool fragment_lacks(
    struct str *rest, const struct schema *schema, const struct source *s, const struct child *c, struct str *name);
/* Does the site have every column that the fragment names? */
bool fragment_present(const struct schema *schema, const struct source *s, const struct child *c, const char *sql);
/* Does the site have the join's table and every column of its ON, and the joins that this names (they stand in front of it)? Else the
 * join's columns are missing too.                                                                                          */
bool join_present(const struct schema *schema, const struct source *s, const struct join *j);
bool child_present(const struct schema *schema, const struct child *c);

/* --- FROM ------------------------------------------------------------------------------------------------------------------- */

void column_put(struct buf *b, struct str name);     /* p.`fname` */
void table_put(struct buf *b, const struct join *t); /* `patient_data` p */
/* table alias LEFT JOIN ...: the joins of the set (bit i: joins[i]), as far as the site has them. */
void source_from_put(struct buf *b, const struct schema *schema, const struct source *s, uint32_t joins);
/* Adds the joins whose columns a fragment names, and those that their ONs name. */
void joins_add(uint32_t *joins, const struct source *s, struct str fragment);
/* The child's tables; tie: the first tied to the parent by WHERE. */
void child_from_put(struct buf *b, const struct child *c, bool tie);

#endif
