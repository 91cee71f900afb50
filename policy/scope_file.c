/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections of a scope file: per API defaults and rows, and the scopes that the server offers. */
#include "policy/scope_file.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	struct str name;
	enum api api;
	enum route_tree tree;
} sections[] = {
	{ STR_INIT("oauth"), API_OAUTH, ROUTE_TREE_OAUTH2 },
	{ STR_INIT("standard"), API_STANDARD, ROUTE_TREE_APIS },
	{ STR_INIT("portal"), API_PORTAL, ROUTE_TREE_APIS },
	{ STR_INIT("fhir"), API_FHIR, ROUTE_TREE_APIS },
	{ STR_INIT("swagger"), API_SWAGGER, ROUTE_TREE_APIS },
};

void
scope_report(struct scope_reader *r, unsigned line, struct str path, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	struct conf_reports *all = r->reports;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	all->errors++; /* counted even when its text finds no memory */
	if (all->n >= r->reports_cap) {
		size_t cap = MAX(2 * all->n, 16);
		struct conf_report *v = arena_array(r->report_arena, cap, sizeof *v);
		if (v == NULL)
			return;
		if (all->n > 0)
			memcpy(v, all->v, all->n * sizeof *v);
		all->v = v;
		r->reports_cap = cap;
	}
	all->v[all->n++] = (struct conf_report){ .file = arena_str(r->report_arena, r->file),
		.line = line,
		.path = arena_str(r->report_arena, path),
		.text = arena_str(r->report_arena, str_of(text)) };
}

size_t
scope_file_rows(const struct ynode *root)
{
	size_t n = 0;
	for (size_t i = 0; i < NITEMS(sections); i++) {
		const struct ynode *routes = ynode_get(ynode_get(root, sections[i].name), STR("routes"));
		n += routes == NULL ? 0 : routes->n;
	}
	return n;
}

static void
row_read(struct scope_reader *r, size_t section, const struct ynode *item, const struct route_facts *defaults)
{
	struct route_table *t = r->table;
	const struct ynode *row = item->kind == YNODE_MAP ? item->first : NULL;
	const struct route *old = NULL;
	if (row == NULL || item->n != 1) {
		scope_report(r, item->line, sections[section].name, "a row is \"- METHOD /path: {...}\"");
		return;
	}
	struct route_facts f = *defaults;
	route_facts_read(r, row, FACTS_OF_ROW, str_sub(row->key, 0, 120), &f);
	CHECK(t->n < t->cap); /* counted before */
	struct route *route = &t->v[t->n];
	if (!route_build(r, sections[section].api, row->key, row->key_line, &f, route, &t->extra[t->n]))
		return;
	route->index = (unsigned)t->n;
	if (trie_add(r->arena, t->roots[sections[section].tree], route, &old) != 0)
		scope_report(r, row->key_line, sections[section].name, "out of memory");
	else if (old != NULL)
		scope_report(r, row->key_line, str_sub(row->key, 0, 120),
		    "the same method and path stand already at %.*s", STR_ARG(old->source));
	else
		t->n++;
}

static void
section_read(struct scope_reader *r, size_t section, const struct ynode *node)
{
	struct route_facts defaults = { .must_serve = false };
	const struct ynode *routes = ynode_get(node, STR("routes")), *def = ynode_get(node, STR("defaults"));
	if (node->kind != YNODE_MAP || routes == NULL || routes->kind != YNODE_LIST) {
		scope_report(
		    r, node->key_line, sections[section].name, "a map of defaults and routes (a list) is expected");
		return;
	}
	YNODE_FOREACH(n, node)
	{
		if (n != routes && n != def)
			scope_report(r, n->key_line, sections[section].name,
			    "unknown key \"%.*s\"; known here: defaults, routes", STR_ARG(str_sub(n->key, 0, 64)));
	}
	if (def != NULL)
		route_facts_read(r, def, FACTS_OF_DEFAULTS, sections[section].name, &defaults);
	YNODE_FOREACH(item, routes)
	row_read(r, section, item, &defaults);
}

static void
name_read(struct scope_reader *r, const struct ynode *item, bool advertised)
{
	static const struct str contexts[] = { STR_INIT("patient"), STR_INIT("user"), STR_INIT("system") };
	struct str name = ynode_str(item), any = STR("any/");
	struct err e = { 0 };
	if (!str_starts(name, any)) {
		if (scope_catalog_add(r->table->catalog, name, advertised, &e) != 0)
			scope_report(
			    r, item->line, STR("scopes"), "\"%.*s\": %s", STR_ARG(str_sub(name, 0, 100)), e.text);
		return;
	}
	for (size_t i = 0; i < NITEMS(contexts); i++) {
		struct str full =
		    arena_printf(r->scratch, "%.*s/%.*s", STR_ARG(contexts[i]), STR_ARG(str_skip(name, any.n)));
		if (scope_catalog_add(r->table->catalog, full, advertised, &e) != 0) {
			scope_report(
			    r, item->line, STR("scopes"), "\"%.*s\": %s", STR_ARG(str_sub(name, 0, 100)), e.text);
			return;
		}
	}
}

static void
scopes_read(struct scope_reader *r, const struct ynode *node)
{
	static const struct {
		struct str key;
		bool advertised;
	} lists[] = { { STR_INIT("advertised"), true }, { STR_INIT("accepted"), false } };
	if (node->kind != YNODE_MAP)
		scope_report(r, node->key_line, STR("scopes"), "a map of lists is expected: advertised, accepted");
	YNODE_FOREACH(n, node)
	{
		size_t i = 0;
		while (i < NITEMS(lists) && !str_eq(n->key, lists[i].key))
			i++;
		if (node->kind != YNODE_MAP)
			return;
		if (i == NITEMS(lists) || n->kind != YNODE_LIST) {
			scope_report(r, n->key_line, STR("scopes"), "lists are expected: advertised, accepted");
			continue;
		}
		YNODE_FOREACH(item, n)
		name_read(r, item, lists[i].advertised);
	}
}

void
scope_file_read(struct scope_reader *r, const struct ynode *root)
{
	if (root->kind != YNODE_MAP) {
		scope_report(r, root->line, STR(""), "a map is expected: oauth, standard, portal, fhir, scopes");
		return;
	}
	YNODE_FOREACH(n, root)
	{
		size_t i = 0;
		while (i < NITEMS(sections) && !str_eq(n->key, sections[i].name))
			i++;
		if (i < NITEMS(sections))
			section_read(r, i, n);
		else if (str_eq(n->key, STR("scopes")))
			scopes_read(r, n);
		else
			scope_report(r, n->key_line, str_sub(n->key, 0, 64),
			    "unknown section; known: oauth, standard, portal, fhir, scopes");
	}
}
