/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The accepted scopes, by context and resource. A list: it is walked for discovery, and searched when a client registers or asks. */
#include "policy/catalog.h"

enum { CATALOG_MAX = 2048 };

struct item {
	struct scope scope;
	bool advertised;
};
struct scope_catalog {
	unsigned magic;
#define CATALOG_MAGIC 0x51e7d20bu
	struct arena *arena;
	struct item *v;
	size_t n;
};

struct scope_catalog *
scope_catalog_new(struct arena *a)
{
	struct scope_catalog *c = ARENA_NEW(a, struct scope_catalog);
	if (c == NULL)
		return NULL;
	c->magic = CATALOG_MAGIC;
	c->arena = a;
	c->v = arena_array(a, CATALOG_MAX, sizeof *c->v);
	return c->v == NULL ? NULL : c;
}

int
scope_catalog_add(struct scope_catalog *c, struct str name, bool advertised, struct err *e)
{
	struct scope sc;
	CHECK_OBJ(c, CATALOG_MAGIC);
	struct str text = arena_str(c->arena, name);
	if (text.p == NULL)
		return ERR(e, E_MEMORY, "arena full");
	if (scope_parse(text, &sc, e) != 0)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		if (!str_eq(c->v[i].scope.text, text))
			continue;
		c->v[i].advertised |= advertised;
		return 0;
	}
	if (c->n == CATALOG_MAX)
		return ERR(e, E_LIMIT, "more than %d scopes", CATALOG_MAX);
	c->v[c->n++] = (struct item){ sc, advertised };
	return 0;
}

bool
scope_catalog_next(const struct scope_catalog *c, bool with_system, size_t *pos, struct str *name)
{
	CHECK_OBJ(c, CATALOG_MAGIC);
	while (*pos < c->n) {
		const struct item *it = &c->v[(*pos)++];
		if (!it->advertised || (it->scope.context == SCOPE_SYSTEM && !with_system))
			continue;
		*name = it->scope.text;
		return true;
	}
	return false;
}

size_t
scope_catalog_count(const struct scope_catalog *c, bool with_system)
{
	size_t pos = 0, n = 0;
	struct str name;
	while (scope_catalog_next(c, with_system, &pos, &name))
		n++;
	return n;
}

bool
scope_catalog_accepts(const struct scope_catalog *c, bool with_system, const struct scope *s)
{
	CHECK_OBJ(c, CATALOG_MAGIC);
	if (s->context == SCOPE_SYSTEM && !with_system)
		return false;
	for (size_t i = 0; i < c->n; i++) /* the same resource: an offered wildcard does not offer every name */
		if (str_eq(c->v[i].scope.resource, s->resource) && scope_contains(&c->v[i].scope, s))
			return true;
	return false;
}

bool
scope_catalog_accepts_all(
    const struct scope_catalog *c, bool with_system, const struct scope_set *s, const struct scope **bad)
{
	for (size_t i = 0, n = scope_set_count(s); i < n; i++) {
		const struct scope *sc = scope_set_at(s, i);
		if (scope_catalog_accepts(c, with_system, sc))
			continue;
		if (bad != NULL)
			*bad = sc;
		return false;
	}
	return true;
}
