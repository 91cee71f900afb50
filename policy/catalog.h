/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scopes that the server offers and accepts: the "scopes" sections of the scope files (scopes/README.md). Not for what a client
 * registered or a token holds (scope_set.h).                                                                               */
#ifndef POLICY_CATALOG_H
#define POLICY_CATALOG_H

#include "policy/scope_set.h"

struct scope_catalog;

/* Names for discovery, in file order. with_system: also the system/ ones (a site that has them; never in SMART configuration).
 * Walk: *pos starts at 0; false at the end.                                                                                */
bool scope_catalog_next(const struct scope_catalog *c, bool with_system, size_t *pos, struct str *name);
size_t scope_catalog_count(const struct scope_catalog *c, bool with_system);
/* Is the scope offered, or accepted without being advertised, or contained in one with the same context and resource? with_system false:
 * no system/ scope is.                                                                                                     */
bool scope_catalog_accepts(const struct scope_catalog *c, bool with_system, const struct scope *s);
/* Is every scope of the set accepted? *bad (may be NULL): the first that is not. */
bool scope_catalog_accepts_all(
    const struct scope_catalog *c, bool with_system, const struct scope_set *s, const struct scope **bad);

/* For the reader of the scope files: takes names in order. advertised: offered in discovery. -1 with e: malformed, or arena full. A
 * name that is there already is not added twice. */
struct scope_catalog *scope_catalog_new(struct arena *a);
int scope_catalog_add(struct scope_catalog *c, struct str name, bool advertised, struct err *e) MUSTUSE;

#endif
