/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading: the file, then those of sites_dir, each parsed, read and checked as a whole; every trouble becomes a report. What stands in
 * them is conf_read.c's, checks across fields are conf_check.c's.                                                          */
#include "gateway/base/map.h"
#include "gateway/config/conf_item.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CONF_ARENA = 64 << 20,
	SCRATCH_ARENA = 64 << 20,
	CONF_FILE_MAX = 1 << 20,
	SITES_FILES_MAX = 4096,
	REPORTS_MAX = 10000
};

/* --- reports ---------------------------------------------------------------------------------------------------------- */
static void
report_add(struct conf_loader *l, struct conf_report r)
{
	struct conf_reports *rs = l->reports;
	if (!r.warning)
		rs->errors++;
	if (rs->n == l->reports_cap) {
		size_t cap = l->reports_cap == 0 ? 16 : l->reports_cap * 2;
		struct conf_report *v = cap > REPORTS_MAX ? NULL : arena_array(l->report_arena, cap, sizeof *v);
		if (v == NULL)
			return; /* counted, so the configuration is refused all the same */
		if (rs->n > 0)
			memcpy(v, rs->v, rs->n * sizeof *v);
		rs->v = v;
		l->reports_cap = cap;
	}
	rs->v[rs->n++] = r;
}

PRINTF_LIKE(2, 0)
static struct str
vformat(struct arena *a, const char *fmt, va_list ap)
{
	char text[512];
	int n = vsnprintf(text, sizeof text, fmt, ap);
	return arena_str(a, (struct str){ text, n < 0 ? 0 : MIN((size_t)n, sizeof text - 1) });
}

void
conf_report(struct conf_loader *l, bool warning, unsigned line, struct str path, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_add(l, (struct conf_report){ .file = arena_str(l->report_arena, l->file),
	                  .line = line,
	                  .path = arena_str(l->report_arena, path),
	                  .text = vformat(l->report_arena, fmt, ap),
	                  .warning = warning });
	va_end(ap);
}

/* path, or the nearest parent of it that was written. */
static const struct conf_where *
where_of(const struct conf *c, struct str path)
{
	for (struct str p = path; p.n > 0; p.n--) {
		if (p.n < path.n && path.p[p.n] != '.' && path.p[p.n] != '[')
			continue;
		const struct conf_where *w = map_get(c->where, p);
		if (w != NULL)
			return w;
	}
	return NULL;
}

void
conf_report_at(struct conf_loader *l, bool warning, struct str path, const char *fmt, ...)
{
	const struct conf_where *w = where_of(l->c, path);
	va_list ap;
	va_start(ap, fmt);
	report_add(l, (struct conf_report){ .file = arena_str(l->report_arena, w == NULL ? l->c->file : w->file),
	                  .line = w == NULL ? 0 : w->line,
	                  .path = arena_str(l->report_arena, path),
	                  .text = vformat(l->report_arena, fmt, ap),
	                  .warning = warning });
	va_end(ap);
}

/* --- whole files ------------------------------------------------------------------------------------------------------ */
static struct ynode *
parse_text(struct conf_loader *l, struct str text)
{
	struct yaml_tree_limits limits = yaml_tree_limits_default;
	limits.keep_duplicates = true; /* told with all the others */
	struct err e = { 0 };
	unsigned line = 0;
	struct ynode *root = yaml_tree_parse(l->scratch, text, &limits, &line, &e);
	if (root == NULL)
		conf_report(l, false, line, STR(""), "%s", e.text);
	else if (root->kind != YNODE_MAP) {
		conf_report(l, false, root->line, STR(""), "expected settings (name: value)");
		root = NULL;
	}
	return root;
}

static struct str
dir_of(struct conf_loader *l, const char *file)
{
	char *real = realpath(file, NULL);
	if (real == NULL)
		return STR("");
	char *slash = strrchr(real, '/');
	struct str dir = arena_str(l->scratch, (struct str){ real, slash == real ? 1 : (size_t)(slash - real) });
	free(real);
	return dir;
}

static void
read_sites_file(struct conf_loader *l, const char *name)
{
	struct str path = arena_printf(l->scratch, "%.*s/%s", STR_ARG(l->c->sites_dir), name), text;
	struct err e = { 0 };
	l->file = path;
	l->dir = l->c->sites_dir;
	if (yaml_file_read(l->scratch, path.p, CONF_FILE_MAX, &text, &e) == -1) {
		conf_report(l, false, 0, STR("sites_dir"), "%s", e.text);
		return;
	}
	const struct ynode *root = parse_text(l, text);
	if (root != NULL)
		conf_read_sites(l, root);
}

static int
is_yaml(const struct dirent *d)
{
	struct str name = { d->d_name, strlen(d->d_name) };
	return name.p[0] != '.' && str_ends(name, STR(".yaml"));
}

static void
read_sites_dir(struct conf_loader *l)
{
	struct dirent **files = NULL;
	int n = scandir(l->c->sites_dir.p, &files, is_yaml, alphasort);
	if (n == -1) {
		conf_report_at(
		    l, false, STR("sites_dir"), "cannot read %.*s: %s", STR_ARG(l->c->sites_dir), strerror(errno));
		return;
	}
	bool fits = n <= SITES_FILES_MAX;
	if (!fits)
		conf_report_at(l, false, STR("sites_dir"), "%d files; expected %d at most", n, SITES_FILES_MAX);
	for (int i = 0; i < n; i++) {
		if (fits)
			read_sites_file(l, files[i]->d_name);
		free(files[i]);
	}
	free(files);
}

static struct conf *
load(struct conf_loader *l, const char *file, struct str text)
{
	struct arena *arena = arena_new_flags("conf", CONF_ARENA, ARENA_WIPE);
	l->scratch = arena_new("conf scratch", SCRATCH_ARENA);
	l->c = arena == NULL || l->scratch == NULL ? NULL : ARENA_NEW(arena, struct conf);
	if (l->c == NULL || (l->c->where = map_new()) == NULL) {
		l->reports->errors++;
		arena_free(&arena);
		arena_free(&l->scratch);
		return l->c = NULL;
	}
	l->c->arena = arena;
	l->c->file = arena_str(arena, l->file);
	struct err e = { 0 };
	const struct ynode *root = NULL;
	if (file != NULL) {
		l->dir = dir_of(l, file);
		if (yaml_file_read(l->scratch, file, CONF_FILE_MAX, &text, &e) == -1)
			conf_report(l, false, 0, STR(""), "%s", e.text);
	}
	if (l->reports->errors == 0)
		root = parse_text(l, text);
	if (root != NULL) {
		conf_read_root(l, root);
		if (l->c->sites_dir.n > 0)
			read_sites_dir(l);
		l->file = l->c->file;
		conf_check(l);
	}
	arena_free(&l->scratch);
	if (l->reports->errors > 0)
		conf_free(&l->c);
	return l->c;
}

struct conf *
conf_load(const char *file, struct arena *report_arena, struct conf_reports *reports)
{
	struct conf_loader l = { .report_arena = report_arena, .reports = reports, .file = str_of(file) };
	*reports = (struct conf_reports){ 0 };
	return load(&l, file, STR_NULL);
}

struct conf *
conf_load_text(struct str name, struct str yaml, struct arena *report_arena, struct conf_reports *reports)
{
	struct conf_loader l = { .report_arena = report_arena, .reports = reports, .file = name };
	*reports = (struct conf_reports){ 0 };
	return load(&l, NULL, yaml);
}

void
conf_free(struct conf **c)
{
	if (c == NULL || *c == NULL)
		return;
	struct arena *arena = (*c)->arena; /* the struct itself lives in it */
	map_free(&(*c)->where);
	*c = NULL;
	arena_free(&arena);
}

const struct conf_site *
conf_site(const struct conf *c, struct str name)
{
	for (size_t i = 0; i < c->n_sites; i++)
		if (str_eq(c->sites[i].name, name))
			return &c->sites[i];
	return NULL;
}

bool
conf_documents_dir(const struct conf_site *s, char *to, size_t n)
{
	static const char below[] = "/documents";
	if (s->documents.dir.n > 0)
		return str_cstr(s->documents.dir, to, n) == 0;
	if (s->openemr_sites_dir.n == 0 || n < sizeof below ||
	    str_cstr(s->openemr_sites_dir, to, n - (sizeof below - 1)) != 0)
		return false;
	memcpy(to + s->openemr_sites_dir.n, below, sizeof below);
	return true;
}
