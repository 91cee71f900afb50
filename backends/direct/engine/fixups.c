/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named exceptions. */
#include "backends/direct/engine/fixups.h"

static size_t
find_without_case(struct str s, struct str what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (str_ieq(str_sub(s, i, i + what.n), what))
			return i;
	return s.n;
}

bool
fix_suffix(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	static const struct str suffixes[] = { STR_INIT("Jr."), STR_INIT(" Jr"), STR_INIT("Sr."), STR_INIT(" Sr"),
		STR_INIT("II"), STR_INIT("III"), STR_INIT("IV") };
	(void)r;
	if (!cell_empty(c[0])) {
		json_str(w, c[0]->s);
		return true;
	}
	for (size_t i = 0; c[1]->kind == DB_C_TEXT && i < NITEMS(suffixes); i++)
		if (find_without_case(c[1]->s, suffixes[i]) < c[1]->s.n) {
			json_str(w, suffixes[i]);
			return true;
		}
	return false;
}

bool
fix_joined(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	char text[2048];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	(void)r;
	for (unsigned i = 0; c[i] != NULL; i++) {
		if (cell_empty(c[i]) || c[i]->kind != DB_C_TEXT)
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, str_sub(c[i]->s, 0, 300));
	}
	json_str(w, buf_str(&b));
	return true;
}

bool
fix_text(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	(void)r;
	json_str(w, c[0]->kind == DB_C_TEXT ? c[0]->s : STR(""));
	return true;
}

bool
fix_deceased(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	(void)r;
	if (!cell_empty(c[0]))
		return false;
	json_bool(w, false);
	return true;
}
