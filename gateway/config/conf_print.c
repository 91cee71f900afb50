/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walking a loaded configuration by the item table: to print it as commented YAML that loads again, and to find the boot-only
 * settings in which two differ.                                                                                           */
#include "gateway/base/json_write.h"
#include "gateway/base/map.h"
#include "gateway/config/conf_item.h"

/* --- the walk --------------------------------------------------------------------------------------------------------- */
static void walk_scope(const struct conf_walk *w, struct str scope, struct str path, const char *base);

static void
walk_group(const struct conf_walk *w, const struct conf_item *it, struct str path, const char *base)
{
	const char *array = *(const char *const *)(const void *)(base + it->offset);
	size_t n = *(const size_t *)(const void *)(base + it->n_offset);
	bool map = conf_item_is_map(it);
	if (w->group != NULL)
		w->group(w->ctx, it, path, n);
	for (size_t i = 0; i < n; i++) {
		const char *elem = array + i * it->elem_size;
		struct str name = map ? *(const struct str *)(const void *)elem : STR("");
		struct str at = map ? arena_printf(w->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(name))
		                    : arena_printf(w->arena, "%.*s[%zu]", STR_ARG(path), i);
		if (at.p == NULL)
			return;
		if (w->element != NULL)
			w->element(w->ctx, it, at, i);
		walk_scope(w, str_of(it->path), at, elem);
	}
}

static void
walk_scope(const struct conf_walk *w, struct str scope, struct str path, const char *base)
{
	for (size_t i = 0; i < conf_items_n; i++) {
		const struct conf_item *it = &conf_items[i];
		if (!str_eq(conf_item_scope(it), scope))
			continue;
		struct str below = scope.n == 0 ? str_of(it->path) : str_skip(str_of(it->path), scope.n + 1);
		if (it->type == C_GROUP)
			below.n -= 2; /* ".*" or "[]" */
		struct str at =
		    path.n == 0 ? below : arena_printf(w->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(below));
		if (at.p == NULL)
			return;
		if (it->type == C_GROUP)
			walk_group(w, it, at, base);
		else if (w->leaf != NULL)
			w->leaf(w->ctx, it, at, base + it->offset, base);
	}
}

void
conf_walk(const struct conf_walk *w, const struct conf *c)
{
	walk_scope(w, STR(""), STR(""), (const char *)c);
}

/* --- printing --------------------------------------------------------------------------------------------------------- */
struct printer {
	const struct conf *c;
	struct arena *arena;
	struct buf *out;
	bool dash; /* the next key of this list element gets the "- " */
};

/* Keys and dashes above this one: each is one step of two spaces. */
static unsigned
level_of(const struct conf_item *it)
{
	unsigned level = 0;
	for (const char *p = it->path; *p != '\0'; p++)
		level += *p == '.' || *p == '[';
	if (it->type == C_GROUP)
		level--; /* its own ".*" or "[]" */
	return level;
}

static void
indent(struct buf *b, unsigned level)
{
	for (unsigned i = 0; i < level; i++)
		buf_lit(b, "  ");
}

static struct str
key_of(const struct conf_item *it)
{
	struct str p = str_of(it->path);
	if (it->type == C_GROUP)
		p.n -= 2;
	size_t at = p.n;
	while (at > 0 && p.p[at - 1] != '.')
		at--;
	return str_skip(p, at);
}

/* Help in lines of at most 110 bytes, broken between words. */
static void
put_help(struct buf *b, unsigned level, struct str text)
{
	enum { WIDTH = 110 };
	while (text.n > 0) {
		size_t n = text.n;
		if (n > WIDTH)
			for (n = WIDTH; n > 1 && text.p[n] != ' ';)
				n--;
		indent(b, level);
		buf_lit(b, "# ");
		buf_put(b, text.p, n);
		buf_char(b, '\n');
		text = str_trim(str_skip(text, n));
	}
}

static void
put_item_help(struct printer *p, const struct conf_item *it)
{
	struct buf b;
	buf_init(&b, p->arena, 256, 2048);
	buf_str_put(&b, str_of(it->help));
	if (it->choices != NULL || it->min != NULL) {
		struct str expected = conf_value_expected(p->arena, it);
		size_t range = it->choices != NULL ? expected.n : str_find_str(expected, STR("from "));
		buf_lit(&b, " (");
		buf_str_put(&b, range == expected.n ? expected : str_skip(expected, range));
		buf_char(&b, ')');
	}
	if (it->flags & C_BOOT)
		buf_lit(&b, " Needs a restart.");
	put_help(p->out, level_of(it), buf_str(&b));
}

static bool
is_plain(struct str s)
{
	if (s.n == 0 || s.p[0] == '-' || str_eq(s, STR("null")))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
		            c == '.' || c == '/' || c == '-';
		if (!word && !(c == ':' && i > 0 && i + 1 < s.n))
			return false;
	}
	return true;
}

static void
put_scalar(struct buf *b, struct str s)
{
	if (is_plain(s)) {
		buf_str_put(b, s);
		return;
	}
	buf_char(b, '"'); /* a JSON string is a YAML double-quoted one */
	json_escape_put(b, s, JSON_PLAIN);
	buf_char(b, '"');
}

static bool
is_text(const struct conf_item *it)
{
	return it->size == sizeof(struct str) && it->type != C_SECTION && it->type != C_GROUP;
}

static void
put_one(const struct conf_item *it, const void *member, struct buf *out)
{
	if (is_text(it))
		put_scalar(out, *(const struct str *)member);
	else
		conf_value_put(it, member, out);
}

/* The value as YAML, or .n 0 when there is none. */
static struct str
value_text(struct printer *p, const struct conf_item *it, struct str path, const void *member, const char *base)
{
	struct buf b;
	buf_init(&b, p->arena, 64, 1 << 20);
	if (it->type == C_SECRET) {
		const struct conf_where *w = map_get(p->c->where, path);
		return w == NULL ? STR("") : w->source;
	}
	if (it->flags & C_MANY) {
		const struct str *v = *(const struct str *const *)member;
		size_t n = *(const size_t *)(const void *)(base + it->n_offset);
		for (size_t i = 0; i < n; i++) {
			buf_str_put(&b, i == 0 ? STR("[") : STR(", "));
			put_scalar(&b, v[i]);
		}
		if (n > 0)
			buf_char(&b, ']');
		else if (it->def != NULL)
			buf_lit(&b, "[]");
	} else if (!is_text(it) || ((const struct str *)member)->n > 0) {
		put_one(it, member, &b);
	}
	return buf_str(&b);
}

static void
print_leaf(void *ctx, const struct conf_item *it, struct str path, const void *member, const void *base)
{
	struct printer *p = ctx;
	unsigned level = level_of(it);
	struct str key = key_of(it);
	if (level <= 1 && it->type == C_SECTION)
		buf_char(p->out, '\n');
	put_item_help(p, it);
	struct str value = it->type == C_SECTION ? STR("") : value_text(p, it, path, member, base);
	bool absent = it->type != C_SECTION && value.n == 0;
	if (absent) {
		indent(p->out, level);
		buf_lit(p->out, "# ");
	} else if (p->dash) {
		indent(p->out, level - 1);
		buf_lit(p->out, "- ");
		p->dash = false;
	} else {
		indent(p->out, level);
	}
	buf_str_put(p->out, key);
	buf_char(p->out, ':');
	if (absent && it->example == NULL)
		value = it->type == C_SECRET ? STR("{file: /etc/gatehouse/secrets/NAME}") : STR("");
	else if (absent)
		value = str_of(it->example);
	if (value.n > 0)
		buf_char(p->out, ' ');
	buf_str_put(p->out, value);
	buf_char(p->out, '\n');
}

static void
print_group(void *ctx, const struct conf_item *it, struct str path, size_t n)
{
	struct printer *p = ctx;
	(void)path;
	if (level_of(it) == 0)
		buf_char(p->out, '\n');
	put_item_help(p, it);
	indent(p->out, level_of(it));
	buf_str_put(p->out, key_of(it));
	buf_str_put(p->out, n > 0 ? STR(":\n") : conf_item_is_map(it) ? STR(": {}\n") : STR(": []\n"));
}

static void
print_element(void *ctx, const struct conf_item *it, struct str path, size_t index)
{
	struct printer *p = ctx;
	(void)index;
	p->dash = !conf_item_is_map(it);
	if (p->dash)
		return;
	struct str name = path;
	struct str group = str_of(it->path); /* the name may hold dots: it is what stands behind the group's own path */
	size_t parents = 0;
	for (size_t i = 0; i + 2 < group.n; i++)
		parents += group.p[i] == '.';
	for (size_t skip = parents + 1; skip > 0; skip--)
		name = str_skip(name, str_find(name, '.') + 1);
	indent(p->out, level_of(it) + 1);
	put_scalar(p->out, name);
	buf_lit(p->out, ":\n");
}

int
conf_print(const struct conf *c, struct buf *out, struct err *e)
{
	AUTO(arena) arena = arena_new("conf print", 64 << 20);
	struct conf *example = NULL;
	if (arena == NULL)
		return ERR(e, E_MEMORY, "out of memory");
	if (c == NULL) {
		struct conf_reports reports;
		c = example = conf_load_text(STR("example"), str_of(conf_example), arena, &reports);
		if (c == NULL)
			return ERR(e, E_INTERNAL, "the built-in example does not load");
		buf_lit(out, "# SPDX-License-Identifier: GPL-3.0-or-later\n# Gatehouse: every setting with its "
		             "default. Only origin, listen, tls.certificates and a "
		             "site's database "
		             "must be given.\n"
		             "# Check with: gatehouse check --config FILE. Secrets are {file: PATH} or {env: NAME}. "
		             "Durations: 500ms, "
		             "10s, 5m, 1h, 90d; sizes: 64KiB, 1MiB.\n\n");
	}
	struct printer p = { .c = c, .arena = arena, .out = out };
	struct conf_walk w = { arena, &p, print_leaf, print_group, print_element };
	conf_walk(&w, c);
	conf_free(&example);
	return buf_ok(out) ? 0 : ERR(e, E_LIMIT, "the configuration is too large to print");
}

/* --- boot-only differences -------------------------------------------------------------------------------------------- */
struct boot_values {
	struct printer p;
	struct map *values; /* path -> struct str * */
	bool failed;
};

static void
boot_leaf(void *ctx, const struct conf_item *it, struct str path, const void *member, const void *base)
{
	struct boot_values *b = ctx;
	if (!(it->flags & C_BOOT) || it->type == C_SECTION)
		return;
	struct str *text = ARENA_NEW(b->p.arena, struct str);
	if (text == NULL || map_put(b->values, path, text, NULL) == -1)
		b->failed = true;
	else
		*text = value_text(&b->p, it, path, member, base);
}

size_t
conf_boot_changes(const struct conf *a, const struct conf *b, struct arena *arena, struct str **names)
{
	AUTO(map) before = map_new();
	AUTO(map) after = map_new();
	*names = arena_array(arena, conf_items_n, sizeof **names);
	if (before == NULL || after == NULL || *names == NULL)
		return 0;
	struct boot_values va = { { .c = a, .arena = arena }, before, false },
	                   vb = { { .c = b, .arena = arena }, after, false };
	conf_walk(&(struct conf_walk){ arena, &va, boot_leaf, NULL, NULL }, a);
	conf_walk(&(struct conf_walk){ arena, &vb, boot_leaf, NULL, NULL }, b);
	size_t n = 0, pos = 0;
	struct str path;
	void *value;
	while (map_next(before, &pos, &path, &value) && n < conf_items_n) {
		const struct str *now = map_del(after, path);
		if (now == NULL || !str_eq(*(const struct str *)value, *now))
			(*names)[n++] = arena_str(arena, path);
	}
	for (pos = 0; map_next(after, &pos, &path, &value) && n < conf_items_n;)
		(*names)[n++] = arena_str(arena, path);
	return n;
}
