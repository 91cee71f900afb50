/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statement that fetches every phpGACL rule of one user: text only, for a struct db_stmt of the caller. Bind the username twice.
 * Columns: section_value, value, return_value, allow (0 or 1). A rule applies when it is enabled, names no AXO, and is mapped to the
 * user or to a group that is an ancestor-or-self of a group the user is in. User names compare by the column's collation.   */
#ifndef POLICY_ACL_SQL_H
#define POLICY_ACL_SQL_H

#include "gateway/core/site.h"
#include "policy/acl.h"

#define ACL_SQL_NAME "acl_grants"
#define ACL_SQL                                                                                                        \
	"SELECT o.section_value, o.value, COALESCE(a.return_value, ''), a.allow FROM gacl_acl a"                       \
	" JOIN gacl_aco_map o ON o.acl_id = a.id"                                                                      \
	" WHERE a.enabled = 1"                                                                                         \
	" AND NOT EXISTS (SELECT 1 FROM gacl_axo_map x WHERE x.acl_id = a.id)"                                         \
	" AND NOT EXISTS (SELECT 1 FROM gacl_axo_groups_map y WHERE y.acl_id = a.id)"                                  \
	" AND (a.id IN (SELECT m.acl_id FROM gacl_aro_map m WHERE m.section_value = 'users' AND m.value = ?)"          \
	" OR a.id IN (SELECT gm.acl_id FROM gacl_aro u"                                                                \
	" JOIN gacl_groups_aro_map ug ON ug.aro_id = u.id"                                                             \
	" JOIN gacl_aro_groups g ON g.id = ug.group_id"                                                                \
	" JOIN gacl_aro_groups p ON p.lft <= g.lft AND p.rgt >= g.rgt"                                                 \
	" JOIN gacl_aro_groups_map gm ON gm.group_id = p.id"                                                           \
	" WHERE u.section_value = 'users' AND u.value = ?))"
enum { ACL_COL_SECTION, ACL_COL_VALUE, ACL_COL_RETURN, ACL_COL_ALLOW, ACL_COLS };

/* That statement's rows, compiled into a; scratch: for the way there. NULL: no room. */
const struct acl_grants *acl_grants_read(struct arena *a, struct arena *scratch, const struct db_result *res);

#endif
