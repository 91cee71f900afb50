/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of ACL_SQL as rules. */
#include "policy/acl_sql.h"

const struct acl_grants *
acl_grants_read(struct arena *a, struct arena *scratch, const struct db_result *res)
{
	struct acl_row *rows = arena_array(scratch, res->n_rows + 1, sizeof *rows);
	if (rows == NULL)
		return NULL;
	for (size_t i = 0; i < res->n_rows; i++)
		rows[i] = (struct acl_row){ .section = db_cell(res, i, ACL_COL_SECTION)->s,
			.value = db_cell(res, i, ACL_COL_VALUE)->s,
			.return_value = db_cell(res, i, ACL_COL_RETURN)->s,
			.allow = db_cell(res, i, ACL_COL_ALLOW)->i == 1 };
	return acl_grants_new(a, rows, res->n_rows);
}
