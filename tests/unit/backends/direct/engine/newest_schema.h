/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newest generation's schema for unit tests, read from docker/schema/openemr-8.sql. Tables or columns can be left out, to stand for
 * an older site.                                                                                                           */
#ifndef TESTS_UNIT_BACKENDS_DIRECT_NEWEST_SCHEMA_H
#define TESTS_UNIT_BACKENDS_DIRECT_NEWEST_SCHEMA_H

#include "backends/direct/engine/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

enum { SCHEMA_ROWS_MAX = 4000, SCHEMA_COLS = 9 };

static inline struct db_cell
text_cell(struct str s)
{
	return s.p == NULL ? (struct db_cell){ .kind = DB_C_NULL } : (struct db_cell){ .kind = DB_C_TEXT, .s = s };
}

static inline struct str
between(struct str line, char from, char to, size_t start)
{
	size_t a = start + str_find(str_skip(line, start), from);
	size_t b = a + 1 + str_find(str_skip(line, a + 1), to);
	return b >= line.n ? STR_NULL : str_sub(line, a + 1, b);
}

/* One column line of a CREATE TABLE as a row of schema_sql. */
static inline void
schema_row(struct db_cell *row, struct str table, struct str line)
{
	struct str name = between(line, '`', '`', 0), rest = str_skip(line, name.n + 5);
	size_t end = 0;
	while (end < rest.n && rest.p[end] != ' ' && rest.p[end] != '(' && rest.p[end] != ',')
		end++;
	struct str size = end < rest.n && rest.p[end] == '(' ? between(rest, '(', ')', 0) : STR_NULL;
	uint64_t chars = 0;
	size_t preset = str_find_str(line, STR("DEFAULT "));
	row[0] = text_cell(table);
	row[1] = text_cell(name);
	row[2] = text_cell(str_sub(rest, 0, size.p == NULL ? end : end + size.n + 2));
	row[3] = text_cell(str_find_str(line, STR("NOT NULL")) < line.n ? STR("NO") : STR("YES"));
	row[4] = text_cell(preset < line.n ? str_skip(line, preset + 8) : STR_NULL);
	if (str_starts(row[2].s, STR("varchar")) && str_to_u64(size, 1u << 30, &chars) == 0)
		row[5] = (struct db_cell){ .kind = DB_C_INT, .i = (int64_t)chars };
	row[6] = text_cell(STR("utf8mb4"));
	row[7] = text_cell(STR("MUL"));
	row[8] = text_cell(str_find_str(line, STR("AUTO_INCREMENT")) < line.n ? STR("auto_increment") : STR(""));
}

/* Indexed as the KEY lines say; without: "table." or "table.column" names that this site lacks, NULL-ended. */
static inline struct schema *
newest_schema(const char *const *without)
{
	static char text[1 << 20];
	static struct db_cell cells[SCHEMA_ROWS_MAX * SCHEMA_COLS];
	struct str here = STR(__FILE__), all, line, table = STR_NULL;
	char path[512];
	size_t root = here.n - STR("tests/unit/backends/direct/engine/newest_schema.h").n;
	(void)snprintf(path, sizeof path, "%.*sdocker/schema/openemr-8.sql", (int)root, here.p);
	FILE *f = fopen(path, "r");
	REQUIRE(f != NULL);
	all = (struct str){ text, fread(text, 1, sizeof text, f) };
	(void)fclose(f);
	memset(cells, 0, sizeof cells);
	struct db_result rows = { .status = DB_OK, .n_cols = SCHEMA_COLS, .cells = cells };
	while (str_next(&all, '\n', &line)) {
		if (str_starts(line, STR("CREATE TABLE `")))
			table = between(line, '`', '`', 0);
		if (!str_starts(line, STR("  `")) || table.n == 0)
			continue;
		bool skip = false;
		for (size_t i = 0; without != NULL && without[i] != NULL; i++) {
			struct str w = str_of(without[i]), name = between(line, '`', '`', 0);
			size_t dot = str_find(w, '.');
			skip = skip || (str_eq(str_sub(w, 0, dot), table) &&
			                   (dot + 1 >= w.n || str_eq(str_skip(w, dot + 1), name)));
		}
		REQUIRE(rows.n_rows < SCHEMA_ROWS_MAX);
		if (!skip)
			schema_row(&cells[rows.n_rows++ * SCHEMA_COLS], table, line);
	}
	struct err e = { 0 };
	struct schema *s = schema_new(&rows, &e);
	REQUIRE(s != NULL);
	return s;
}

#endif
