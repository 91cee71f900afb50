/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options by "list NUL option", lower case. */
#include "backends/direct/engine/lists.h"

#include "gateway/base/map.h"

#include <stdlib.h>

enum { LISTS_ARENA = 16 << 20, OPTION_KEY_MAX = 256 };

#define EIGHT "?,?,?,?,?,?,?,?"
const struct db_stmt lists_sql = {
	.name = "lists",
	.sql = "SELECT o.list_id, o.option_id, o.title, o.notes, o.codes FROM list_options o WHERE o.list_id IN (" EIGHT
	       "," EIGHT "," EIGHT "," EIGHT ")",
};
#undef EIGHT

struct lists {
	unsigned magic;
#define LISTS_MAGIC 0x5c2e6b17u
	struct arena *arena;
	struct map *options;
	struct {
		const char *setting;
		struct str list;
	} named[LISTS_NAMED_MAX];
	unsigned n_named;
};

static struct str
option_key(char *dst, struct str list, struct str option)
{
	size_t n = 0;
	if (list.n + option.n + 1 > OPTION_KEY_MAX)
		return STR_NULL;
	for (size_t i = 0; i < list.n; i++)
		dst[n++] = list.p[i];
	dst[n++] = 0;
	for (size_t i = 0; i < option.n; i++)
		dst[n++] = option.p[i] >= 'A' && option.p[i] <= 'Z' ? (char)(option.p[i] + 32) : option.p[i];
	return (struct str){ dst, n };
}

static int
option_put(struct lists *l, const struct db_cell *row)
{
	char text[OPTION_KEY_MAX];
	struct str key = option_key(text, row[0].s, row[1].s);
	struct list_option *o = ARENA_NEW(l->arena, struct list_option);
	if (key.p == NULL)
		return 0;
	if (o == NULL)
		return -1;
	o->title = arena_str(l->arena, row[2].s);
	o->notes = arena_str(l->arena, row[3].s);
	o->codes = arena_str(l->arena, row[4].s);
	if (o->title.p == NULL || o->notes.p == NULL || o->codes.p == NULL)
		return -1;
	return map_put(l->options, key, o, NULL);
}

struct lists *
lists_new(const struct db_result *rows)
{
	struct lists *l = calloc(1, sizeof *l);
	if (l == NULL)
		return NULL;
	l->magic = LISTS_MAGIC;
	l->arena = arena_new("lists", LISTS_ARENA);
	l->options = map_new();
	bool ok = l->arena != NULL && l->options != NULL;
	for (size_t i = 0; ok && i < rows->n_rows; i++)
		ok = option_put(l, db_cell(rows, i, 0)) == 0;
	if (!ok)
		lists_free(&l);
	return l;
}

void
lists_free(struct lists **lp)
{
	struct lists *l = *lp;
	if (l == NULL)
		return;
	CHECK_OBJ(l, LISTS_MAGIC);
	l->magic = 0;
	map_free(&l->options);
	arena_free(&l->arena);
	free(l);
	*lp = NULL;
}

int
lists_name(struct lists *l, const char *setting, struct str list)
{
	CHECK(l->n_named < LISTS_NAMED_MAX);
	l->named[l->n_named].setting = setting;
	l->named[l->n_named].list = arena_str(l->arena, list);
	return l->named[l->n_named++].list.p == NULL ? -1 : 0;
}

struct str
lists_of_setting(const struct lists *l, const char *setting)
{
	for (unsigned i = 0; l != NULL && i < l->n_named; i++)
		if (strcmp(l->named[i].setting, setting) == 0)
			return l->named[i].list;
	return STR_NULL;
}

const struct list_option *
lists_find(const struct lists *l, struct str list, struct str option)
{
	char text[OPTION_KEY_MAX];
	if (l == NULL || option.n == 0)
		return NULL;
	CHECK_OBJ(l, LISTS_MAGIC);
	struct str key = option_key(text, list, option);
	return key.p == NULL ? NULL : map_get(l->options, key);
}
