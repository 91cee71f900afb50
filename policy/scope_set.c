/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of scopes: parsed scopes in order, one index by spelling, one by resource and operation with a bit set per context. */
#include "policy/scope_set.h"

#include "gateway/base/json_in.h"

#include <stdlib.h>

/* What the set holds for a resource, or for one operation of it. The names are those of a scope that has them: tokens are cached by the
 * thousand, so this is small. */
struct entry {
	uint32_t hash;
	uint16_t scope; /* index of the first scope of this key          */
	uint8_t is_operation;
	uint8_t contexts;                    /* bits: contexts that name the resource at all */
	uint8_t free[SCOPE_CONTEXT_N];       /* permissions without restriction               */
	uint8_t restricted[SCOPE_CONTEXT_N]; /* permissions for some categories               */
};
/* Open addressing; a value is a position + 1. */
struct index {
	uint16_t *slots;
	uint32_t mask;
};
struct scope_set {
	unsigned magic;
#define SCOPE_SET_MAGIC 0x3c9e51a7u
	size_t n, n_entries;
	struct scope *v;
	struct entry *entries;
	struct index by_name, by_key;
	unsigned contexts;
};

static int
index_new(struct arena *a, struct index *x, size_t items)
{
	uint32_t size = 4;
	while (size < 2 * items)
		size *= 2;
	x->slots = arena_array(a, size, sizeof *x->slots);
	x->mask = size - 1;
	return x->slots == NULL ? -1 : 0;
}

/* Where the key is, or where it would be put. */
static uint32_t
entry_slot(const struct scope_set *s, struct str resource, struct str operation, uint32_t hash)
{
	uint32_t at = hash & s->by_key.mask;
	for (; s->by_key.slots[at] != 0; at = (at + 1) & s->by_key.mask) {
		const struct entry *e = &s->entries[s->by_key.slots[at] - 1u];
		const struct scope *sc = &s->v[e->scope];
		if (e->hash == hash && e->is_operation == (operation.n > 0) && str_eq(sc->resource, resource) &&
		    (operation.n == 0 || str_eq(sc->operation, operation)))
			break;
	}
	return at;
}

static const struct entry *
entry_find(const struct scope_set *s, struct str resource, struct str operation, uint32_t hash)
{
	unsigned i = s->by_key.slots[entry_slot(s, resource, operation, hash)];
	return i == 0 ? NULL : &s->entries[i - 1];
}

/* The entry of the scope at index i: for its operation, or for its resource. */
static struct entry *
entry_get(struct scope_set *s, size_t i, bool operation)
{
	const struct scope *sc = &s->v[i];
	struct str name = operation ? sc->operation : STR("");
	uint32_t hash = scope_hash(sc->resource, name), at = entry_slot(s, sc->resource, name, hash);
	if (s->by_key.slots[at] == 0) {
		s->entries[s->n_entries++] =
		    (struct entry){ .hash = hash, .scope = (uint16_t)i, .is_operation = operation };
		s->by_key.slots[at] = (uint16_t)s->n_entries;
	}
	return &s->entries[s->by_key.slots[at] - 1u];
}

static const struct scope *
name_find(const struct scope_set *s, struct str text, uint32_t *slot)
{
	uint32_t at = scope_hash(text, STR("")) & s->by_name.mask;
	while (s->by_name.slots[at] != 0 && !str_eq(s->v[s->by_name.slots[at] - 1u].text, text))
		at = (at + 1) & s->by_name.mask;
	*slot = at;
	return s->by_name.slots[at] == 0 ? NULL : &s->v[s->by_name.slots[at] - 1u];
}

static void
set_add(struct scope_set *s, const struct scope *sc)
{
	uint32_t slot;
	if (name_find(s, sc->text, &slot) != NULL)
		return;
	s->v[s->n++] = *sc;
	s->by_name.slots[slot] = (uint16_t)s->n;
	s->contexts |= 1u << sc->context;
	if (sc->context == SCOPE_SPECIAL)
		return;
	entry_get(s, s->n - 1, false)->contexts |= (uint8_t)(1u << sc->context);
	struct entry *e = entry_get(s, s->n - 1, sc->operation.n > 0);
	uint8_t *bits = sc->category.n > 0 ? e->restricted : e->free;
	bits[sc->context] |= (uint8_t)sc->permissions;
}

static size_t
count_words(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] != ' ' && (i == 0 || text.p[i - 1] == ' ');
	return n;
}

static struct scope_set *
set_new(struct arena *a, size_t items)
{
	struct scope_set *s = ARENA_NEW(a, struct scope_set);
	if (s == NULL)
		return NULL;
	s->magic = SCOPE_SET_MAGIC;
	s->v = arena_array(a, MAX(items, 1), sizeof *s->v);
	s->entries = arena_array(a, MAX(2 * items, 1), sizeof *s->entries);
	if (s->v == NULL || s->entries == NULL || index_new(a, &s->by_name, items) != 0 ||
	    index_new(a, &s->by_key, 2 * items) != 0)
		return NULL;
	return s;
}

int
scope_set_parse(struct arena *a, struct str text, const struct scope_set **out, struct err *e)
{
	struct str word, rest = arena_str(a, text);
	size_t items = count_words(text);
	*out = NULL;
	if (text.n > SCOPE_SET_TEXT_MAX || items > SCOPE_SET_MAX)
		return ERR(e, E_LIMIT, "too many scopes");
	struct scope_set *s = set_new(a, items);
	if (rest.p == NULL || s == NULL)
		return ERR(e, E_MEMORY, "arena full");
	while (str_next(&rest, ' ', &word)) {
		struct scope sc;
		if (word.n == 0)
			continue;
		if (scope_parse(word, &sc, e) != 0)
			return -1;
		set_add(s, &sc);
	}
	*out = s;
	return 0;
}

int
scope_set_json(struct arena *a, const json_t *array, const struct scope_set **out, struct err *e)
{
	struct buf text;
	size_t i;
	json_t *item;
	*out = NULL;
	if (!json_is_array(array))
		return ERR(e, E_PARSE, "scopes: not an array");
	buf_init(&text, a, 1024, SCOPE_SET_TEXT_MAX);
	json_array_foreach(array, i, item)
	{
		struct str name = { json_string_value(item), json_string_length(item) };
		if (!json_is_string(item) || name.n == 0 || str_find(name, ' ') < name.n)
			return ERR(e, E_PARSE, "scopes: element %zu is not one scope", i);
		if (text.n > 0)
			buf_char(&text, ' ');
		buf_str_put(&text, name);
	}
	if (!buf_ok(&text))
		return ERR(e, E_LIMIT, "too many scopes");
	return scope_set_parse(a, buf_str(&text), out, e);
}

size_t
scope_set_count(const struct scope_set *s)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	return s->n;
}

const struct scope *
scope_set_at(const struct scope_set *s, size_t i)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	CHECK(i < s->n);
	return &s->v[i];
}

bool
scope_set_has(const struct scope_set *s, struct str name)
{
	uint32_t slot;
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	return name_find(s, name, &slot) != NULL;
}

bool
scope_set_has_context(const struct scope_set *s, enum scope_context c)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	return (s->contexts & 1u << c) != 0;
}

static bool
contains(const struct scope_set *s, const struct scope *b)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	for (size_t i = 0; i < s->n; i++)
		if (scope_contains(&s->v[i], b))
			return true;
	return false;
}

bool
scope_set_contains_all(const struct scope_set *s, const struct scope_set *b, const struct scope **first)
{
	CHECK_OBJ(b, SCOPE_SET_MAGIC);
	for (size_t i = 0; i < b->n; i++) {
		if (contains(s, &b->v[i]))
			continue;
		if (first != NULL)
			*first = &b->v[i];
		return false;
	}
	return true;
}

static const struct scope_set *
filtered(struct arena *a, const struct scope_set *s, bool (*keep)(void *ctx, const struct scope *sc), void *ctx)
{
	struct buf text;
	const struct scope_set *out = NULL;
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	buf_init(&text, a, 1024, SCOPE_SET_TEXT_MAX + 1);
	for (size_t i = 0; i < s->n; i++) {
		if (!keep(ctx, &s->v[i]))
			continue;
		if (text.n > 0)
			buf_char(&text, ' ');
		buf_str_put(&text, s->v[i].text);
	}
	if (!buf_ok(&text) || scope_set_parse(a, buf_str(&text), &out, NULL) != 0)
		return NULL; /* the names are good: only memory can lack */
	return out;
}

static bool
keep_contained(void *ctx, const struct scope *sc)
{
	const struct scope_set *const *by = ctx;
	return contains(*by, sc);
}

const struct scope_set *
scope_set_narrow(struct arena *a, const struct scope_set *s, const struct scope_set *by)
{
	CHECK_OBJ(by, SCOPE_SET_MAGIC);
	return filtered(a, s, keep_contained, &by);
}

static bool
keep_contexts(void *ctx, const struct scope *sc)
{
	const unsigned *contexts = ctx;
	return (*contexts & 1u << sc->context) != 0;
}

const struct scope_set *
scope_set_for_role(struct arena *a, const struct scope_set *s, enum role role)
{
	unsigned contexts = 1u << SCOPE_SPECIAL;
	if (role == ROLE_USERS)
		contexts |= 1u << SCOPE_USER | 1u << SCOPE_PATIENT;
	else if (role == ROLE_PATIENT)
		contexts |= 1u << SCOPE_PATIENT;
	else if (role == ROLE_SYSTEM)
		contexts |= 1u << SCOPE_SYSTEM;
	return filtered(a, s, keep_contexts, &contexts);
}

static int
canonical_cmp(const void *pa, const void *pb, void *set)
{
	const struct scope_set *s = set;
	const struct scope *a = &s->v[*(const uint16_t *)pa], *b = &s->v[*(const uint16_t *)pb];
	bool sa = a->context == SCOPE_SPECIAL, sb = b->context == SCOPE_SPECIAL;
	return sa != sb ? (sa ? -1 : 1) : str_cmp(a->text, b->text);
}

void
scope_set_put(const struct scope_set *s, unsigned flags, struct buf *out)
{
	uint16_t order[SCOPE_SET_MAX];
	bool first = true;
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	struct scope_set view = *s; /* qsort_r wants a context that is not const */
	for (size_t i = 0; i < s->n; i++)
		order[i] = (uint16_t)i;
	if (flags & SCOPE_TEXT_SORTED && s->n > 1)
		qsort_r(order, s->n, sizeof order[0], canonical_cmp, &view);
	for (size_t i = 0; i < s->n; i++) {
		struct str name = s->v[order[i]].text;
		if (flags & SCOPE_TEXT_NO_API && str_starts(name, STR("api:")))
			continue;
		if (!first)
			buf_char(out, ' ');
		buf_str_put(out, name);
		first = false;
	}
}

/* --- the resource side ------------------------------------------------------------------------------------------------ */

static const struct entry *
wildcard(const struct scope_set *s, const struct scope_need *need, struct str operation)
{
	if (!scope_wildcard_covers(need->resource) || str_eq(need->resource, STR("*")))
		return NULL; /* "*" itself is found under its own name */
	return entry_find(s, STR("*"), operation, scope_hash(STR("*"), operation));
}

enum scope_context
scope_set_strongest(const struct scope_set *s, const struct scope_need *need)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	const struct entry *own = entry_find(s, need->resource, STR(""), need->resource_hash);
	const struct entry *any = wildcard(s, need, STR(""));
	unsigned contexts = (own == NULL ? 0u : own->contexts) | (any == NULL ? 0u : any->contexts);
	for (enum scope_context c = SCOPE_SYSTEM; c > SCOPE_SPECIAL; c--)
		if (contexts & 1u << c)
			return c;
	return SCOPE_SPECIAL;
}

enum scope_held
scope_set_holds(const struct scope_set *s, const struct scope_need *need, enum scope_context c)
{
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	CHECK(c < SCOPE_CONTEXT_N);
	const struct entry *found[2] = { entry_find(s, need->resource, need->operation, need->key_hash),
		wildcard(s, need, need->operation) };
	enum scope_held held = SCOPE_NOT_HELD;
	for (size_t i = 0; i < NITEMS(found); i++) {
		if (found[i] == NULL)
			continue;
		if (found[i]->free[c] & need->permissions)
			return SCOPE_HELD;
		if (found[i]->restricted[c] & need->permissions)
			held = SCOPE_HELD_CATEGORIES;
	}
	return held;
}

static bool
grants_need(const struct scope *sc, const struct scope_need *need, enum scope_context c)
{
	return sc->context == c && (sc->permissions & need->permissions) != 0 &&
	       str_eq(sc->operation, need->operation) &&
	       (str_eq(sc->resource, need->resource) ||
	           (str_eq(sc->resource, STR("*")) && scope_wildcard_covers(need->resource)));
}

struct str
scope_set_categories(struct arena *a, const struct scope_set *s, const struct scope_need *need, enum scope_context c)
{
	struct buf b;
	CHECK_OBJ(s, SCOPE_SET_MAGIC);
	if (scope_set_holds(s, need, c) != SCOPE_HELD_CATEGORIES)
		return STR("");
	buf_init(&b, a, 256, SCOPE_SET_TEXT_MAX + SCOPE_SET_MAX);
	for (size_t i = 0; i < s->n; i++) {
		bool again = !grants_need(&s->v[i], need, c);
		for (size_t j = 0; j < i && !again; j++)
			again = grants_need(&s->v[j], need, c) && str_eq(s->v[i].category, s->v[j].category);
		if (again)
			continue;
		if (b.n > 0)
			buf_char(&b, ',');
		buf_str_put(&b, s->v[i].category);
	}
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}
