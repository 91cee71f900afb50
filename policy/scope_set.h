/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of scopes: what a client registered, a user granted or a token holds. Immutable, arena memory, each scope once, with the
 * spelling that was asked for. Compiled to bit sets per resource and context, so that a route's need is one lookup.
 * Sets only ever get narrower: no function here adds a right that the first argument did not hold.                        */
#ifndef POLICY_SCOPE_SET_H
#define POLICY_SCOPE_SET_H

#include "gateway/base/buf.h"
#include "gateway/core/principal.h"
#include "policy/scope.h"

enum { SCOPE_SET_MAX = 1024, SCOPE_SET_TEXT_MAX = 64 << 10 };

struct scope_set;
struct json_t; /* jansson.h: not included, since json_write.h shares its prefix */

/* Space-separated names; "" is the empty set. The text is copied. One malformed name refuses the whole: E_PARSE; too many or too
 * long: E_LIMIT; arena full: E_MEMORY. *out is NULL then.                                                                   */
int scope_set_parse(struct arena *a, struct str text, const struct scope_set **out, struct err *e) MUSTUSE;
/* A JSON array of strings (the scopes claim of OpenEMR's access tokens), each one scope. */
int scope_set_json(struct arena *a, const struct json_t *array, const struct scope_set **out, struct err *e) MUSTUSE;

/* The scopes in the order first named. */
size_t scope_set_count(const struct scope_set *s);
const struct scope *scope_set_at(const struct scope_set *s, size_t i);
/* Is this very name (special or not, the exact spelling) in the set? "openid", "offline_access", "api:oemr". */
bool scope_set_has(const struct scope_set *s, struct str name);
bool scope_set_has_context(const struct scope_set *s, enum scope_context c); /* any scope of the context */
/* Is every scope of b contained in s? *first (may be NULL): the first that is not. */
bool scope_set_contains_all(const struct scope_set *s, const struct scope_set *b, const struct scope **first);

/* The scopes of s that by contains; NULL when the arena is full. Requested narrowed by registered, refreshed by granted.   */
const struct scope_set *scope_set_narrow(struct arena *a, const struct scope_set *s, const struct scope_set *by);
/* The scopes that a grant for this role may hold: patients patient/, staff user/ and patient/, system system/; specials stay. NULL when
 * the arena is full.                                                                                                       */
const struct scope_set *scope_set_for_role(struct arena *a, const struct scope_set *s, enum role role);

enum { SCOPE_TEXT_NO_API = 1, SCOPE_TEXT_SORTED = 2 };
/* Appends the names, space separated, in the order first named. NO_API: without api:* (as token responses leave them out). SORTED:
 * canonical order (specials first, bytewise), equal for equal sets.                                                        */
void scope_set_put(const struct scope_set *s, unsigned flags, struct buf *out);

/* --- the resource side ------------------------------------------------------------------------------------------------ */
/* The strongest context (system > user > patient) in which s names the need's resource at all, wildcards included;
 * SCOPE_SPECIAL: none.                                                                                                     */
enum scope_context scope_set_strongest(const struct scope_set *s, const struct scope_need *need);
enum scope_held { SCOPE_NOT_HELD, SCOPE_HELD_CATEGORIES, SCOPE_HELD };
/* Is the need held in this context, without restriction or for some categories? O(1), no allocation. */
enum scope_held scope_set_holds(const struct scope_set *s, const struct scope_need *need, enum scope_context c);
/* The categories ("system|code", comma separated, right spelling) that scopes holding the need in this context name, in arena memory.
 * .n 0: unrestricted (or not held); .p NULL: arena full.                                                                   */
struct str scope_set_categories(
    struct arena *a, const struct scope_set *s, const struct scope_need *need, enum scope_context c);

#endif
