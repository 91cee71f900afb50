/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables and columns of a site's database, kept in one map by "table.column" and "table". */
#include "backends/direct/engine/schema.h"

#include "gateway/base/text.h"

#include "gateway/base/map.h"

#include <float.h>
#include <stdlib.h>

enum { SCHEMA_ARENA = 8 << 20, NAME_MAX_BYTES = 140 };

const struct db_stmt schema_sql = {
	.name = "schema",
	.sql = "SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, "
	       "c.CHARACTER_MAXIMUM_LENGTH, "
	       "c.CHARACTER_SET_NAME, c.COLUMN_KEY, c.EXTRA FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = "
	       "DATABASE() "
	       "ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION",
};
enum { S_TABLE, S_COLUMN, S_TYPE, S_NULLABLE, S_DEFAULT, S_CHARS, S_CHARSET, S_KEY, S_EXTRA, S_COLS };

struct schema {
	unsigned magic;
#define SCHEMA_MAGIC 0x1d7b30e9u
	struct arena *arena;
	struct map *names;
	struct schema_column *columns;
	size_t n;
};

static const struct type {
	const char *name;
	enum column_type type;
	unsigned bits; /* of whole numbers */
	double most;   /* of others that have an end of their own */
	bool in_bytes; /* of texts: what limits them               */
} types[] = {
	{ .name = "tinyint", .type = COL_INT, .bits = 8 },
	{ .name = "smallint", .type = COL_INT, .bits = 16 },
	{ .name = "mediumint", .type = COL_INT, .bits = 24 },
	{ .name = "int", .type = COL_INT, .bits = 32 },
	{ .name = "bigint", .type = COL_INT, .bits = 64 },
	{ .name = "bit", .type = COL_INT },
	{ .name = "year", .type = COL_INT },
	{ .name = "float", .type = COL_FLOAT, .most = FLT_MAX },
	{ .name = "double", .type = COL_FLOAT, .most = DBL_MAX },
	{ .name = "tinytext", .type = COL_TEXT, .in_bytes = true },
	{ .name = "text", .type = COL_TEXT, .in_bytes = true },
	{ .name = "mediumtext", .type = COL_TEXT, .in_bytes = true },
	{ .name = "longtext", .type = COL_TEXT, .in_bytes = true },
	{ .name = "decimal", .type = COL_DECIMAL },
	{ .name = "date", .type = COL_DATE },
	{ .name = "datetime", .type = COL_DATETIME },
	{ .name = "timestamp", .type = COL_DATETIME },
	{ .name = "binary", .type = COL_BINARY },
	{ .name = "varbinary", .type = COL_BINARY },
	{ .name = "tinyblob", .type = COL_BINARY },
	{ .name = "blob", .type = COL_BINARY },
	{ .name = "mediumblob", .type = COL_BINARY },
	{ .name = "longblob", .type = COL_BINARY },
};

static const struct type text_type = { .name = "", .type = COL_TEXT };

/* Of "decimal(12,6)", "int(10) unsigned". */
static const struct type *
type_of(struct str whole)
{
	struct str name = str_sub(whole, 0, MIN(str_find(whole, '('), str_find(whole, ' ')));
	for (size_t i = 0; i < NITEMS(types); i++)
		if (str_ieq(name, str_of(types[i].name)))
			return &types[i];
	return &text_type;
}

/* 12 and 6 of "decimal(12,6)". */
static bool
decimal_digits(struct str whole, uint64_t *all, uint64_t *behind)
{
	struct str size = str_skip(whole, MIN(str_find(whole, '(') + 1, whole.n)), part;
	size = str_sub(size, 0, str_find(size, ')'));
	*behind = 0;
	if (!str_next(&size, ',', &part) || str_to_u64(part, 65, all) != 0)
		return false;
	return !str_next(&size, ',', &part) || str_to_u64(part, *all, behind) == 0;
}

static double
ten_to(uint64_t n)
{
	double v = 1;
	while (n-- > 0)
		v *= 10;
	return v;
}

/* Beyond these numbers the relaxed sql_mode stores the nearest that fits. */
static void
bounds_read(struct schema_column *c, const struct type *t, struct str whole)
{
	bool is_unsigned = str_find_str(whole, STR("unsigned")) < whole.n;
	uint64_t all, behind;
	double half = t->bits == 0 ? 0 : (double)(UINT64_C(1) << (t->bits - 1));
	if (t->bits > 0)
		c->most = is_unsigned ? 2.0 * half - 1 : half - 1;
	else if (t->type == COL_DECIMAL && decimal_digits(whole, &all, &behind))
		c->most = ten_to(all - behind) - 1 / ten_to(behind);
	else
		c->most = t->most;
	c->least = is_unsigned ? 0 : t->bits > 0 ? -c->most - 1 : -c->most;
}

static int
column_read(struct schema *s, const struct db_cell *row, struct schema_column *c)
{
	struct str charset = row[S_CHARSET].s, preset = row[S_DEFAULT].s, extra = row[S_EXTRA].s;
	c->table = arena_str(s->arena, row[S_TABLE].s);
	c->name = arena_str(s->arena, row[S_COLUMN].s);
	const struct type *type = type_of(row[S_TYPE].s);
	c->type = type->type;
	c->in_bytes = type->in_bytes;
	bounds_read(c, type, row[S_TYPE].s);
	c->nullable = str_ieq(row[S_NULLABLE].s, STR("YES"));
	c->default_now = str_find(preset, '(') < preset.n || str_istarts(preset, STR("CURRENT_TIMESTAMP"));
	c->has_default = !c->default_now && (row[S_DEFAULT].kind != DB_C_NULL || c->nullable);
	c->automatic = str_find_str(extra, STR("auto_increment")) < extra.n;
	c->indexed = row[S_KEY].s.n > 0;
	c->utf8mb3 = str_ieq(charset, STR("utf8")) || str_ieq(charset, STR("utf8mb3"));
	if (row[S_CHARS].kind == DB_C_INT && row[S_CHARS].i > 0)
		c->max_chars = (uint64_t)row[S_CHARS].i;
	return c->table.p == NULL || c->name.p == NULL ? -1 : 0;
}

static struct str
column_key(char *dst, struct str table, struct str column)
{
	size_t n = 0;
	if (table.n + column.n + 1 > NAME_MAX_BYTES)
		return STR_NULL;
	memcpy(dst, table.p, table.n);
	n = table.n;
	dst[n++] = '.';
	if (column.n > 0)
		memcpy(dst + n, column.p, column.n);
	return (struct str){ dst, n + column.n };
}

static int
column_put(struct schema *s, struct schema_column *c)
{
	char key[NAME_MAX_BYTES];
	struct str name = column_key(key, c->table, c->name);
	if (name.p == NULL)
		return 0; /* no row of ours has such a name */
	return map_put(s->names, name, c, NULL) != 0 || map_put(s->names, c->table, c, NULL) != 0 ? -1 : 0;
}

struct schema *
schema_new(const struct db_result *rows, struct err *e)
{
	struct schema *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->magic = SCHEMA_MAGIC;
	s->arena = arena_new("schema", SCHEMA_ARENA);
	s->names = map_new();
	s->columns = s->arena == NULL ? NULL : arena_array(s->arena, rows->n_rows + 1, sizeof *s->columns);
	if (s->names == NULL || s->columns == NULL)
		goto memory;
	if (rows->n_rows == 0 || rows->n_cols != S_COLS) {
		(void)ERR(e, E_DB, "the database has no tables that this account may see");
		schema_free(&s);
		return NULL;
	}
	for (size_t i = 0; i < rows->n_rows; i++)
		if (column_read(s, db_cell(rows, i, 0), &s->columns[s->n]) != 0 ||
		    column_put(s, &s->columns[s->n]) != 0)
			goto memory;
		else
			s->n++;
	return s;
memory:
	(void)ERR(e, E_MEMORY, "schema");
	schema_free(&s);
	return NULL;
}

void
schema_free(struct schema **sp)
{
	struct schema *s = *sp;
	if (s == NULL)
		return;
	CHECK_OBJ(s, SCHEMA_MAGIC);
	s->magic = 0;
	map_free(&s->names);
	arena_free(&s->arena);
	free(s);
	*sp = NULL;
}

const struct schema_column *
schema_column(const struct schema *s, struct str table, struct str column)
{
	char key[NAME_MAX_BYTES];
	CHECK_OBJ(s, SCHEMA_MAGIC);
	struct str name = column_key(key, table, column);
	return name.p == NULL ? NULL : map_get(s->names, name);
}

bool
column_holds(const struct schema_column *c, struct str text)
{
	return utf8_valid(text) && str_find(text, 0) == text.n && !(c->utf8mb3 && utf8_has_astral(text));
}

bool
schema_has_table(const struct schema *s, struct str table)
{
	CHECK_OBJ(s, SCHEMA_MAGIC);
	return map_get(s->names, table) != NULL;
}

size_t
schema_count(const struct schema *s)
{
	CHECK_OBJ(s, SCHEMA_MAGIC);
	return s->n;
}

const struct schema_column *
schema_at(const struct schema *s, size_t i)
{
	CHECK_OBJ(s, SCHEMA_MAGIC);
	CHECK(i < s->n);
	return &s->columns[i];
}
