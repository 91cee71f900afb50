/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading all scope files into one table, and matching. */
#include "policy/route_table.h"

#include "policy/scope_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SCRATCH_MAX = 64 << 20, TREE_AT_MOST = SCOPE_FILES_MAX };

struct tree {
	struct str file;
	const struct ynode *root;
};
struct loading {
	struct scope_reader r;
	struct tree trees[TREE_AT_MOST];
	size_t n;
};

static const struct {
	struct str segment, text;
	enum dialect dialect;
} apis[API_N] = {
	[API_OAUTH] = { STR_INIT(""), STR_INIT("oauth"), DIALECT_OAUTH },
	[API_STANDARD] = { STR_INIT("api"), STR_INIT("standard"), DIALECT_OPENEMR },
	[API_PORTAL] = { STR_INIT("portal"), STR_INIT("portal"), DIALECT_OPENEMR },
	[API_FHIR] = { STR_INIT("fhir"), STR_INIT("fhir"), DIALECT_FHIR },
	[API_SWAGGER] = { STR_INIT("swagger"), STR_INIT("swagger"), DIALECT_OPENEMR },
};

static void
tree_add(struct loading *l, struct str name, struct str yaml)
{
	unsigned line = 0;
	struct err e = { 0 };
	l->r.file = name;
	if (l->n == TREE_AT_MOST) {
		scope_report(&l->r, 0, STR(""), "more than %d scope files", TREE_AT_MOST);
		return;
	}
	const struct ynode *root = yaml_tree_parse(l->r.scratch, yaml, &yaml_tree_limits_default, &line, &e);
	if (root == NULL)
		scope_report(&l->r, line, STR(""), "%s", e.text);
	else
		l->trees[l->n++] = (struct tree){ name, root };
}

static void
file_add(struct loading *l, const char *path)
{
	struct str text, name = arena_str(l->r.scratch, str_of(path));
	struct err e = { 0 };
	if (yaml_file_read(l->r.scratch, path, SCOPE_FILE_MAX_BYTES, &text, &e) == 0) {
		tree_add(l, name, text);
		return;
	}
	l->r.file = name;
	scope_report(&l->r, 0, STR(""), "%s", e.text);
}

static int
is_yaml(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(str_of(d->d_name), STR(".yaml"));
}

/* A folder stands for its *.yaml files, by name. */
static void
folder_add(struct loading *l, const char *path)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, is_yaml, alphasort);
	if (n <= 0) {
		l->r.file = arena_str(l->r.scratch, str_of(path));
		scope_report(&l->r, 0, STR(""), "a folder without readable *.yaml files");
	}
	for (int i = 0; i < n; i++) {
		struct str file = arena_printf(l->r.scratch, "%s/%s", path, list[i]->d_name);
		free(list[i]);
		if (file.p != NULL)
			file_add(l, file.p);
	}
	free(list);
}

static void
path_add(struct loading *l, struct str path)
{
	struct stat st;
	struct str z = arena_str(l->r.scratch, path);
	if (z.p == NULL)
		return;
	if (stat(z.p, &st) == 0 && S_ISDIR(st.st_mode))
		folder_add(l, z.p);
	else
		file_add(l, z.p);
}

static struct str
base_name(struct str path)
{
	size_t from = path.n;
	while (from > 0 && path.p[from - 1] != '/')
		from--;
	return str_skip(path, from);
}

static struct route_table *
table_new(struct arena *a, size_t rows, const struct conf *conf)
{
	struct route_table *t = ARENA_NEW(a, struct route_table);
	if (t == NULL)
		return NULL;
	t->magic = ROUTE_TABLE_MAGIC;
	t->cap = rows;
	t->v = arena_array(a, MAX(rows, 1), sizeof *t->v);
	t->extra = arena_array(a, MAX(rows, 1), sizeof *t->extra);
	t->roots[ROUTE_TREE_APIS] = trie_node_new(a);
	t->roots[ROUTE_TREE_OAUTH2] = trie_node_new(a);
	t->catalog = scope_catalog_new(a);
	t->rates = rate_classes_new(a, conf == NULL ? NULL : conf->rates, conf == NULL ? 0 : conf->n_rates);
	bool ok = t->v != NULL && t->extra != NULL && t->roots[0] != NULL && t->roots[1] != NULL &&
	          t->catalog != NULL && t->rates != NULL;
	return ok ? t : NULL;
}

/* All trees into one table; NULL: something was reported. */
static const struct route_table *
table_fill(struct loading *l, const struct conf *conf)
{
	struct scope_reader *r = &l->r;
	size_t rows = 0;
	for (size_t i = 0; i < l->n; i++)
		rows += scope_file_rows(l->trees[i].root);
	if (rows <= ROUTES_MAX)
		r->table = table_new(r->arena, rows, conf);
	if (r->table == NULL) {
		scope_report(r, 0, STR(""), rows > ROUTES_MAX ? "more than %d rows" : "out of memory (%d)", ROUTES_MAX);
		return NULL;
	}
	for (size_t i = 0; i < l->n; i++) {
		r->file = l->trees[i].file;
		r->source = base_name(r->file);
		scope_file_read(r, l->trees[i].root);
	}
	return r->reports->errors == r->reports_before ? r->table : NULL;
}

static bool
loading_begin(struct loading *l, struct arena *a, struct arena *report_arena, struct conf_reports *reports)
{
	*l = (struct loading){ .r = { .arena = a,
		                   .scratch = arena_new("scope files", SCRATCH_MAX),
		                   .report_arena = report_arena,
		                   .reports = reports,
		                   .reports_before = reports->errors } };
	if (l->r.scratch == NULL)
		reports->errors++;
	return l->r.scratch != NULL;
}

const struct route_table *
route_table_load_all(struct arena *a, const struct str *files, size_t n_files, const struct conf *conf,
    struct arena *report_arena, struct conf_reports *reports)
{
	struct loading l;
	if (!loading_begin(&l, a, report_arena, reports))
		return NULL;
	for (size_t i = 0; i < n_files; i++)
		path_add(&l, files[i]);
	const struct route_table *t = table_fill(&l, conf);
	arena_free(&l.r.scratch);
	return t;
}

const struct route_table *
route_table_load_text(struct arena *a, struct str name, struct str yaml, const struct conf *conf,
    struct arena *report_arena, struct conf_reports *reports)
{
	struct loading l;
	if (!loading_begin(&l, a, report_arena, reports))
		return NULL;
	tree_add(&l, name, yaml);
	const struct route_table *t = table_fill(&l, conf);
	arena_free(&l.r.scratch);
	return t;
}

const struct route_table *
route_table_load(struct arena *a, const struct str *files, size_t n_files, const struct conf *conf, struct err *e)
{
	struct conf_reports reports = { 0 };
	AUTO(arena) report_arena = arena_new("scope file errors", 1 << 20);
	if (report_arena == NULL) {
		(void)ERR(e, E_MEMORY, "out of memory");
		return NULL;
	}
	const struct route_table *t = route_table_load_all(a, files, n_files, conf, report_arena, &reports);
	if (t == NULL && reports.n > 0) {
		const struct conf_report *r = &reports.v[0];
		char line[16] = "", more[48] = "";
		if (r->line > 0)
			(void)snprintf(line, sizeof line, "%u:", r->line);
		if (reports.errors > 1)
			(void)snprintf(more, sizeof more, " (and %zu more)", reports.errors - 1);
		(void)ERR(e, E_CONFIG, "%.*s:%s %.*s%s%.*s%s", STR_ARG(base_name(r->file)), line, STR_ARG(r->path),
		    r->path.n == 0 ? "" : " ", STR_ARG(r->text), more);
	}
	if (t == NULL && reports.n == 0)
		(void)ERR(e, E_MEMORY, "out of memory");
	return t;
}

size_t
route_table_count(const struct route_table *t)
{
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	return t->n;
}

const struct route *
route_table_at(const struct route_table *t, size_t i)
{
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	CHECK(i < t->n);
	return &t->v[i];
}

const struct scope_catalog *
route_table_catalog(const struct route_table *t)
{
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	return t->catalog;
}

bool
route_must_be_served(const struct route_table *t, const struct route *r)
{
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	CHECK(r->index < t->n && &t->v[r->index] == r);
	return t->extra[r->index].must_serve;
}

enum route_found
route_match(const struct route_table *t, enum route_tree tree, enum http_method method, struct str path,
    const struct route **out, struct route_params *params)
{
	struct trie_values values;
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	const struct trie_node *n = trie_find(t->roots[tree], path, &values);
	*out = NULL;
	params->n = 0;
	if (n == NULL)
		return ROUTE_NOT_FOUND;
	if (method == HTTP_HEAD)
		method = HTTP_GET; /* no row names HEAD */
	const struct route *route = (int)method < TRIE_METHODS ? n->route[method] : NULL;
	if (route == NULL)
		return ROUTE_NO_METHOD;
	const struct route_extra *extra = &t->extra[route->index];
	for (unsigned i = 0; i < extra->n_params; i++) {
		params->v[i].name = extra->params[i];
		params->v[i].value = values.v[i];
	}
	params->n = extra->n_params;
	*out = route;
	return ROUTE_FOUND;
}

bool
route_served(const struct site *site, enum route_tree tree, enum http_method method, struct str path)
{
	const struct route *route;
	struct route_params params;
	return route_match(site->routes, tree, method, path, &route, &params) == ROUTE_FOUND &&
	       site->bindings[route->index].backend != NULL;
}

bool
route_table_methods(const struct route_table *t, enum route_tree tree, struct str path, struct buf *out)
{
	struct trie_values values;
	CHECK_OBJ(t, ROUTE_TABLE_MAGIC);
	const struct trie_node *n = trie_find(t->roots[tree], path, &values);
	if (n == NULL)
		return false;
	for (unsigned m = 0; m < TRIE_METHODS; m++) {
		if (n->route[m] == NULL)
			continue;
		buf_str_put(out, http_method_text((enum http_method)m));
		buf_lit(out, ", ");
		if (m == HTTP_GET)
			buf_lit(out, "HEAD, ");
	}
	buf_lit(out, "OPTIONS");
	return true;
}

enum api
route_api_of(enum route_tree tree, struct str path)
{
	struct str segment, rest = str_skip(path, 1);
	if (tree == ROUTE_TREE_OAUTH2)
		return API_OAUTH;
	if (str_next(&rest, '/', &segment))
		for (enum api api = API_STANDARD; api < API_N; api++)
			if (str_eq(segment, apis[api].segment))
				return api;
	return API_STANDARD; /* OpenEMR's own answer to any other path */
}

enum dialect
route_api_dialect(enum api api, enum compat compat)
{
	CHECK(api < API_N);
	enum dialect d = apis[api].dialect;
	return d == DIALECT_OPENEMR && compat == COMPAT_CLASSIC ? DIALECT_CLASSIC : d;
}

struct str
route_api_text(enum api api)
{
	CHECK(api < API_N);
	return apis[api].text;
}
