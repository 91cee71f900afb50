/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's phpGACL, evaluated over one user's rules. The rows come from one statement (acl_sql.h); compiled they are a small immutable
 * value that callers may cache for a few seconds. Pure. Not for documents' category ACLs (they are rows' own).             */
#ifndef POLICY_ACL_H
#define POLICY_ACL_H

#include "gateway/base/arena.h"

/* One rule that applies to the user, with one object that it is mapped to. */
struct acl_row {
	struct str section, value; /* "patients", "demo"                                                     */
	struct str return_value;   /* "write", "addonly", "view", "wsome", ""                                */
	bool allow;
};
struct acl_grants;

enum { ACL_ROWS_MAX = 20000 };
/* Copies rows. NULL when the arena is full or there are too many rows. n 0: nothing is granted. */
const struct acl_grants *acl_grants_new(struct arena *a, const struct acl_row *rows, size_t n);
/* Granted? Without returns: some rule allows and none denies. With returns: only rules with one of these return values count, exactly
 * (write does not imply addonly or view); any denial wins. A user granted admin/super (whatever return value) is granted every other
 * object. Objects compare without case, as the columns do.                                                                 */
bool acl_allowed(
    const struct acl_grants *g, struct str section, struct str value, const struct str *returns, size_t n_returns);
bool acl_is_super(const struct acl_grants *g);
size_t acl_grants_count(const struct acl_grants *g);

#endif
