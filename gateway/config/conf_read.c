/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading: a YAML tree is walked against the item table, every value goes to its member or becomes a report. Not for files (conf.c), nor
 * for the text of one value (conf_value.c).                                                                                */
#include "gateway/base/json_write.h"
#include "gateway/base/map.h"
#include "gateway/base/text.h"
#include "gateway/config/conf_item.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { SECRET_MAX = 4096, NAME_MAX_BYTES = 64 };

static void
full(struct conf_loader *l)
{
	conf_report(l, false, 0, STR(""), "the configuration is too large");
}

/* What a user wrote, safe to show: short and printable, or nothing. */
static struct str
shown(struct str text)
{
	if (str_find(text, '@') < text.n && str_find_str(text, STR("://")) < text.n)
		return STR("(a URL with credentials)");
	if (text.n > 60 || !utf8_valid(text))
		return STR("(a long or unprintable value)");
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return STR("(a long or unprintable value)");
	return text;
}

static struct str
path_join(struct conf_loader *l, struct str path, struct str key)
{
	struct str s = path.n == 0 ? arena_str(l->scratch, key)
	                           : arena_printf(l->scratch, "%.*s.%.*s", STR_ARG(path), STR_ARG(key));
	if (s.p == NULL)
		full(l);
	return s.p == NULL ? STR("") : s;
}

static void
remember(struct conf_loader *l, struct str path, unsigned line, struct str source)
{
	struct conf_where *w = ARENA_NEW(l->c->arena, struct conf_where);
	if (w == NULL || map_put(l->c->where, path, w, NULL) == -1) {
		full(l);
		return;
	}
	w->file = arena_str(l->c->arena, l->file);
	w->line = line;
	w->source = source.p == NULL ? STR_NULL : arena_str(l->c->arena, source);
}

/* --- unknown keys ----------------------------------------------------------------------------------------------------- */
/* Optimal string alignment distance, up to names of NAME_MAX_BYTES. */
static unsigned
edit_distance(struct str a, struct str b)
{
	unsigned row[3][NAME_MAX_BYTES + 1];
	if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (unsigned j = 0; j <= b.n; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *older = row[(i + 1) % 3];
		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned change = before[j - 1] + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);
			now[j] = MIN(change, MIN(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				now[j] = MIN(now[j], older[j - 2] + 1);
		}
	}
	return row[a.n % 3][b.n];
}

/* The next component of an item's pattern behind prefix ("" or "http"), .n 0 when it is not below it. */
static struct str
component_below(const struct conf_item *it, struct str prefix)
{
	struct str p = str_of(it->path);
	if (prefix.n > 0) {
		if (!str_starts(p, prefix) || p.n <= prefix.n || p.p[prefix.n] != '.')
			return STR("");
		p = str_skip(p, prefix.n + 1);
	}
	p = str_sub(p, 0, str_find(p, '.'));
	return str_sub(p, 0, str_find(p, '['));
}

static void
report_unknown(struct conf_loader *l, const struct ynode *n, struct str prefix, struct str path)
{
	struct str best = STR("");
	unsigned least = NAME_MAX_BYTES;
	for (size_t i = 0; i < conf_items_n; i++) {
		struct str name = component_below(&conf_items[i], prefix);
		unsigned d = name.n == 0 || str_eq(name, STR("*")) ? NAME_MAX_BYTES : edit_distance(n->key, name);
		if (d < least) {
			least = d;
			best = name;
		}
	}
	if (least <= 1 + n->key.n / 3)
		conf_report(l, false, n->key_line, path, "unknown setting; did you mean \"%.*s\"?", STR_ARG(best));
	else
		conf_report(l, false, n->key_line, path, "unknown setting");
}

/* --- values ----------------------------------------------------------------------------------------------------------- */
static void
read_secret(struct conf_loader *l, const struct conf_item *it, const struct ynode *n, struct str path, struct str *dst)
{
	struct str expected = conf_value_expected(l->scratch, it);
	struct str file = ynode_str(ynode_get(n, STR("file"))), env = ynode_str(ynode_get(n, STR("env")));
	if (n->kind != YNODE_MAP || n->n != 1 || (file.n == 0 && env.n == 0)) {
		conf_report(l, false, n->line, path, "expected %.*s", STR_ARG(expected));
		return;
	}
	struct str value;
	if (env.n > 0) {
		const char *v = getenv(env.p);
		if (v == NULL || *v == '\0') {
			conf_report(
			    l, false, n->line, path, "environment variable %.*s is not set", STR_ARG(shown(env)));
			return;
		}
		value = arena_str(l->c->arena, (struct str){ v, strlen(v) });
	} else {
		struct conf_item as_path = { .type = C_PATH };
		struct str full_path;
		struct err e = { 0 };
		if (conf_value_parse(l->scratch, &as_path, file, l->dir, &full_path) != NULL) {
			conf_report(l, false, n->line, path, "expected %.*s", STR_ARG(expected));
			return;
		}
		if (yaml_file_read(l->c->arena, full_path.p, SECRET_MAX, &value, &e) == -1) {
			conf_report(l, false, n->line, path, "%s", e.text);
			return;
		}
		struct stat st;
		if (stat(full_path.p, &st) == 0 && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
			conf_report(l, true, n->line, path, "%.*s is open to other users; expected mode 0600 or 0640",
			    STR_ARG(full_path));
		file = full_path;
		while (value.n > 0 && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
			value.n--;
		if (value.n == 0) {
			conf_report(l, false, n->line, path, "%.*s is empty", STR_ARG(full_path));
			return;
		}
	}
	if (value.p == NULL || str_find(value, '\0') != value.n) {
		conf_report(l, false, n->line, path, "the secret holds a NUL or is too large");
		return;
	}
	*dst = value;
	struct buf b;
	buf_init(&b, l->scratch, 128, 8192);
	buf_str_put(&b, env.n > 0 ? STR("{env: \"") : STR("{file: \""));
	json_escape_put(&b, env.n > 0 ? env : file, JSON_PLAIN);
	buf_lit(&b, "\"}");
	remember(l, path, n->line, buf_str(&b));
}

static void
read_scalar(struct conf_loader *l, const struct conf_item *it, const struct ynode *n, struct str path, void *dst)
{
	if (n->kind != YNODE_SCALAR || ynode_is_null(n)) {
		struct str expected = conf_value_expected(l->scratch, it);
		conf_report(l, false, n->line, path, "%s: expected %.*s%s",
		    n->kind == YNODE_SCALAR ? "no value" : "not a single value", STR_ARG(expected),
		    n->kind == YNODE_SCALAR ? ", or leave the line out" : "");
		return;
	}
	bool wants_word = it->type == C_BOOL && n->quoted; /* "true" in quotes is text */
	const char *expected =
	    wants_word ? "true or false without quotes" : conf_value_parse(l->c->arena, it, n->text, l->dir, dst);
	if (expected != NULL)
		conf_report(l, false, n->line, path, "\"%.*s\": expected %s", STR_ARG(shown(n->text)), expected);
}

static void
read_many(struct conf_loader *l, const struct conf_item *it, const struct ynode *n, struct str path, char *base)
{
	if (n->kind != YNODE_LIST) {
		struct str expected = conf_value_expected(l->scratch, it);
		conf_report(l, false, n->line, path, "expected a list [...] of: %.*s", STR_ARG(expected));
		return;
	}
	struct str *v = arena_array(l->c->arena, n->n, sizeof *v);
	size_t i = 0;
	if (v == NULL) {
		full(l);
		return;
	}
	YNODE_FOREACH(child, n)
	{
		struct str at = arena_printf(l->scratch, "%.*s[%zu]", STR_ARG(path), i);
		read_scalar(l, it, child, at, &v[i++]);
	}
	*(struct str **)(void *)(base + it->offset) = v;
	*(size_t *)(void *)(base + it->n_offset) = i;
}

static void
read_item(struct conf_loader *l, const struct conf_item *it, const struct ynode *n, struct str path, char *base)
{
	remember(l, path, n->line, STR_NULL);
	if (it->type == C_SECRET)
		read_secret(l, it, n, path, (struct str *)(void *)(base + it->offset));
	else if (it->flags & C_MANY)
		read_many(l, it, n, path, base);
	else
		read_scalar(l, it, n, path, base + it->offset);
}

/* --- defaults --------------------------------------------------------------------------------------------------------- */
/* A default with {site} replaced. */
static struct str
default_text(struct conf_loader *l, const struct conf_item *it, struct str name)
{
	struct str def = str_of(it->def), mark = STR("{site}");
	size_t at = str_find_str(def, mark);
	if (at == def.n)
		return def;
	return arena_printf(
	    l->scratch, "%.*s%.*s%.*s", (int)at, def.p, STR_ARG(name), STR_ARG(str_skip(def, at + mark.n)));
}

static void
set_defaults(struct conf_loader *l, struct str scope, struct str name, char *base)
{
	for (size_t i = 0; i < conf_items_n; i++) {
		const struct conf_item *it = &conf_items[i];
		if (it->def == NULL || !str_eq(conf_item_scope(it), scope))
			continue;
		struct str text = default_text(l, it, name), one;
		void *dst = base + it->offset;
		if (it->flags & C_MANY) {
			struct str *v = arena_array(l->c->arena, 8, sizeof *v);
			size_t n = 0;
			*(struct str **)dst = v;
			while (v != NULL && n < 8 && str_next(&text, ',', &one))
				v[n++] = one;
			*(size_t *)(void *)(base + it->n_offset) = n;
			continue;
		}
		const char *wrong = conf_value_parse(l->c->arena, it, text, STR(""), dst);
		if (wrong != NULL)
			full(l); /* the table's own defaults fit (a test proves it): only the arena can be the reason */
	}
}

static void
check_required(struct conf_loader *l, struct str scope, struct str path, const char *base)
{
	for (size_t i = 0; i < conf_items_n; i++) {
		const struct conf_item *it = &conf_items[i];
		if (!(it->flags & C_REQUIRED) || !str_eq(conf_item_scope(it), scope) ||
		    ((const struct str *)(const void *)(base + it->offset))->n > 0)
			continue;
		struct str below = scope.n == 0 ? str_of(it->path) : str_skip(str_of(it->path), scope.n + 1);
		struct str at = path_join(l, path, below);
		if (map_get(l->c->where, at) != NULL)
			continue; /* it stands there with a wrong value, and that is told already */
		struct str expected = conf_value_expected(l->scratch, it);
		conf_report_at(l, false, at, "missing: expected %.*s", STR_ARG(expected));
	}
}

/* --- maps, lists, groups ---------------------------------------------------------------------------------------------- */
static void read_map(struct conf_loader *l, const struct ynode *n, struct str pattern, struct str path, char *base);

static bool
name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (i == 0 || (c != '.' && c != '-' && c != '_')))
			return false;
	}
	return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

/* Site names are stricter: they stand in URLs and issuers. */
static bool
element_name_valid(const struct conf_item *group, struct str s)
{
	bool site = group->elem_size == sizeof(struct conf_site);
	return name_valid(s) && !(site && str_find(s, '_') < s.n);
}

static bool
name_taken(const struct conf_item *group, const char *array, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) /* the name is the first member of a named element */
		if (str_eq(*(const struct str *)(const void *)(array + i * group->elem_size), name))
			return true;
	return false;
}

static void
read_element(struct conf_loader *l, const struct conf_item *group, const struct ynode *n, struct str path, char *elem)
{
	struct str pattern = str_of(group->path), name = n->key;
	if (conf_item_is_map(group)) {
		name = arena_str(l->c->arena, n->key);
		*(struct str *)(void *)elem = name;
	}
	set_defaults(l, pattern, name, elem);
	remember(l, path, n->key.n > 0 ? n->key_line : n->line, STR_NULL);
	if (n->kind == YNODE_MAP)
		read_map(l, n, pattern, path, elem);
	else if (!ynode_is_null(n))
		conf_report(l, false, n->line, path, "expected settings (name: value) below it");
	check_required(l, pattern, path, elem);
}

/* Appends the children of n to the array: sites come from several files. */
static void
read_group(struct conf_loader *l, const struct conf_item *group, const struct ynode *n, struct str path, char *base)
{
	bool map = conf_item_is_map(group);
	if (ynode_is_null(n))
		return;
	if (n->kind != (map ? YNODE_MAP : YNODE_LIST)) {
		conf_report(l, false, n->line, path, "expected %s",
		    map ? "a map of names" : "a list (lines that begin with \"- \")");
		return;
	}
	char **array = (char **)(void *)(base + group->offset);
	size_t *count = (size_t *)(void *)(base + group->n_offset), i = 0;
	char *grown = arena_array(l->c->arena, *count + n->n, group->elem_size);
	if (grown == NULL) {
		full(l);
		return;
	}
	if (*count > 0)
		memcpy(grown, *array, *count * group->elem_size);
	*array = grown;
	YNODE_FOREACH(child, n)
	{
		struct str at =
		    map ? path_join(l, path, child->key) : arena_printf(l->scratch, "%.*s[%zu]", STR_ARG(path), i++);
		if (map && !element_name_valid(group, child->key)) {
			conf_report(l, false, child->key_line, at,
			    "a name is 1 to 64 letters, digits, \"-\" and \".\", beginning with a letter or digit");
			continue;
		}
		if (child->duplicate != NULL) {
			conf_report(
			    l, false, child->key_line, at, "stands already in line %u", child->duplicate->key_line);
			continue;
		}
		if (map && name_taken(group, grown, *count, child->key)) {
			const struct conf_where *w = map_get(l->c->where, at);
			conf_report(l, false, child->key_line, at, "stands already in %.*s line %u",
			    STR_ARG(w == NULL ? l->file : w->file), w == NULL ? 0 : w->line);
			continue;
		}
		read_element(l, group, child, at, grown + *count * group->elem_size);
		++*count;
	}
}

/* The item whose pattern is prefix.key + suffix. */
static const struct conf_item *
find_item(struct str pattern, struct str suffix)
{
	for (size_t i = 0; i < conf_items_n; i++) {
		struct str p = str_of(conf_items[i].path);
		if (p.n == pattern.n + suffix.n && str_starts(p, pattern) && str_ends(p, suffix))
			return &conf_items[i];
	}
	return NULL;
}

static bool
has_items_below(struct str pattern)
{
	for (size_t i = 0; i < conf_items_n; i++) {
		struct str p = str_of(conf_items[i].path);
		if (p.n > pattern.n && str_starts(p, pattern) && p.p[pattern.n] == '.')
			return true;
	}
	return false;
}

static void
read_member(struct conf_loader *l, const struct ynode *n, struct str prefix, struct str path, char *base)
{
	struct str pattern = path_join(l, prefix, n->key);
	const struct conf_item *it = find_item(pattern, STR("")), *group = find_item(pattern, STR("[]"));
	if (group == NULL)
		group = find_item(pattern, STR(".*"));
	/* a key with a dot, '*' or '[' in it would read as something else */
	bool plain =
	    str_find(n->key, '.') == n->key.n && str_find(n->key, '*') == n->key.n && str_find(n->key, '[') == n->key.n;
	if (n->duplicate != NULL)
		conf_report(l, false, n->key_line, path, "stands already in line %u", n->duplicate->key_line);
	else if (!plain || n->key.n == 0)
		report_unknown(l, n, prefix, path);
	else if (it != NULL && it->type != C_SECTION)
		read_item(l, it, n, path, base);
	else if (group != NULL)
		read_group(l, group, n, path, base);
	else if (!has_items_below(pattern))
		report_unknown(l, n, prefix, path);
	else if (n->kind == YNODE_MAP)
		read_map(l, n, pattern, path, base);
	else if (!ynode_is_null(n))
		conf_report(l, false, n->line, path, "expected settings (name: value) below it");
}

static void
read_map(struct conf_loader *l, const struct ynode *n, struct str pattern, struct str path, char *base)
{
	YNODE_FOREACH(child, n)
	read_member(l, child, pattern, path_join(l, path, child->key), base);
}

void
conf_read_root(struct conf_loader *l, const struct ynode *root)
{
	set_defaults(l, STR(""), STR(""), (char *)l->c);
	read_map(l, root, STR(""), STR(""), (char *)l->c);
	check_required(l, STR(""), STR(""), (const char *)l->c);
}

void
conf_read_sites(struct conf_loader *l, const struct ynode *root)
{
	read_group(l, find_item(STR("sites"), STR(".*")), root, STR("sites"), (char *)l->c);
}
