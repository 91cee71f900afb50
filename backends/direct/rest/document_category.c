/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Category paths. The tree has some dozen rows; they are read whole with each request. */
#include "backends/direct/rest/document.h"

const struct db_stmt document_categories_sql = {
	.name = "document_categories",
	.sql = "SELECT c.id, c.parent, c.name, c.aco_spec FROM categories c ORDER BY c.lft, c.id",
};

static unsigned char
fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Equal without case, blanks and underscores. */
static bool
name_matches(struct str name, struct str part)
{
	size_t i = 0, j = 0;
	for (;;) {
		while (i < name.n && (name.p[i] == ' ' || name.p[i] == '_'))
			i++;
		while (j < part.n && (part.p[j] == ' ' || part.p[j] == '_'))
			j++;
		if (i == name.n || j == part.n)
			return i == name.n && j == part.n;
		if (fold((unsigned char)name.p[i++]) != fold((unsigned char)part.p[j++]))
			return false;
	}
}

enum { DEPTH_MAX = 16 };

/* The first row under parent (any: parent -1) that matches the first part and has the rest below it. */
static bool
find_below(const struct db_result *rows, int64_t parent, struct str path, unsigned depth, struct document_category *out)
{
	struct str part;
	if (depth == DEPTH_MAX || !str_next(&path, '/', &part) || part.n == 0)
		return false;
	for (size_t i = 0; i < rows->n_rows; i++) {
		const struct db_cell *id = db_cell(rows, i, 0);
		if ((parent != -1 && db_cell(rows, i, 1)->i != parent) || !name_matches(db_cell(rows, i, 2)->s, part))
			continue;
		if (path.n == 0) {
			*out = (struct document_category){ id->i, db_cell(rows, i, 3)->s };
			return true;
		}
		if (find_below(rows, id->i, path, depth + 1, out))
			return true;
	}
	return false;
}

bool
document_category_find(const struct db_result *rows, struct str path, struct document_category *out)
{
	size_t slash = str_find(path, '/');
	if (slash == path.n || str_ends(path, STR("/")))
		return false;
	return find_below(rows, -1, str_skip(path, slash + 1), 0, out);
}
