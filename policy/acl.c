/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A user's phpGACL rules as a sorted array of (object, return value), each with what the rules say together. */
#include "policy/acl.h"

#include <stdlib.h>

struct grant {
	struct str section, value;
	struct str returns;
	bool allow, deny;
};
struct acl_grants {
	unsigned magic;
#define ACL_GRANTS_MAGIC 0x2f60b8c9u
	struct grant *v;
	size_t n;
	bool super;
};

/* As the columns' collation does for these ASCII names. */
static int
name_cmp(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];
		x += x >= 'A' && x <= 'Z' ? 'a' - 'A' : 0;
		y += y >= 'A' && y <= 'Z' ? 'a' - 'A' : 0;
		if (x != y)
			return x - y;
	}
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static int
object_cmp(const struct grant *a, const struct grant *b)
{
	int d = name_cmp(a->section, b->section);
	return d != 0 ? d : name_cmp(a->value, b->value);
}

static int
grant_cmp(const void *pa, const void *pb)
{
	const struct grant *a = pa, *b = pb;
	int d = object_cmp(a, b);
	return d != 0 ? d : str_cmp(a->returns, b->returns);
}

/* Index of the first grant of the object, or n. */
static size_t
object_first(const struct acl_grants *g, const struct grant *key)
{
	size_t lo = 0, hi = g->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (object_cmp(&g->v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
object_allowed(const struct acl_grants *g, const struct grant *key, const struct str *returns, size_t n_returns)
{
	bool allow = false, deny = false;
	for (size_t i = object_first(g, key); i < g->n && object_cmp(&g->v[i], key) == 0; i++) {
		bool counts = n_returns == 0;
		for (size_t r = 0; r < n_returns && !counts; r++)
			counts = str_eq(g->v[i].returns, returns[r]);
		allow |= counts && g->v[i].allow;
		deny |= counts && g->v[i].deny;
	}
	return allow && !deny;
}

static const struct grant admin_super = { .section = STR_INIT("admin"), .value = STR_INIT("super") };

/* Sorts, and joins the rows of one object and return value into one grant. */
static void
compile(struct acl_grants *g)
{
	size_t n = 0;
	if (g->n > 1)
		qsort(g->v, g->n, sizeof g->v[0], grant_cmp);
	for (size_t i = 0; i < g->n; i++) {
		if (n > 0 && grant_cmp(&g->v[n - 1], &g->v[i]) == 0) {
			g->v[n - 1].allow |= g->v[i].allow;
			g->v[n - 1].deny |= g->v[i].deny;
		} else {
			g->v[n++] = g->v[i];
		}
	}
	g->n = n;
	g->super = object_allowed(g, &admin_super, NULL, 0);
}

const struct acl_grants *
acl_grants_new(struct arena *a, const struct acl_row *rows, size_t n)
{
	struct acl_grants *g = ARENA_NEW(a, struct acl_grants);
	if (g == NULL || n > ACL_ROWS_MAX)
		return NULL;
	g->magic = ACL_GRANTS_MAGIC;
	g->v = arena_array(a, MAX(n, 1), sizeof *g->v);
	if (g->v == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct grant *v = &g->v[g->n++];
		v->section = arena_str(a, rows[i].section);
		v->value = arena_str(a, rows[i].value);
		v->returns = arena_str(a, rows[i].return_value);
		v->allow = rows[i].allow;
		v->deny = !rows[i].allow;
		if (v->section.p == NULL || v->value.p == NULL || v->returns.p == NULL)
			return NULL;
	}
	compile(g);
	return g;
}

bool
acl_allowed(
    const struct acl_grants *g, struct str section, struct str value, const struct str *returns, size_t n_returns)
{
	CHECK_OBJ(g, ACL_GRANTS_MAGIC);
	struct grant key = { .section = section, .value = value };
	if (g->super && !(str_ieq(section, admin_super.section) && str_ieq(value, admin_super.value)))
		return true;
	return object_allowed(g, &key, returns, n_returns);
}

bool
acl_is_super(const struct acl_grants *g)
{
	CHECK_OBJ(g, ACL_GRANTS_MAGIC);
	return g->super;
}

size_t
acl_grants_count(const struct acl_grants *g)
{
	CHECK_OBJ(g, ACL_GRANTS_MAGIC);
	return g->n;
}
