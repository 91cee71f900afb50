/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All routes of a site: read from the scope files, checked whole, matched by method and path. Reading is blocking (start and reload);
 * matching is pure, allocates nothing and costs a hash per path segment. Not for who answers (core/backend.h). A row that no backend of
 * a site answers is "unserved": the site refuses to start when route_must_be_served(), else the row answers as an unknown path.  */
#ifndef POLICY_ROUTE_TABLE_H
#define POLICY_ROUTE_TABLE_H

#include "gateway/base/buf.h"
#include "gateway/config/conf.h"
#include "gateway/core/route.h"
#include "gateway/core/site.h"

struct route_table;
struct scope_catalog;

/* Reads the files in order into one table and its catalog; memory of a, which must live as long. conf: rate classes (NULL: the built-in
 * ones). All errors, with file and line, go to reports (memory of report_arena); NULL when there is one.                   */
const struct route_table *route_table_load_all(struct arena *a, const struct str *files, size_t n_files,
    const struct conf *conf, struct arena *report_arena, struct conf_reports *reports);
/* The same with the first error in e ("file:line: text (and N more)"). */
const struct route_table *route_table_load(
    struct arena *a, const struct str *files, size_t n_files, const struct conf *conf, struct err *e);
/* One file's text instead of files; name stands for it in messages. For tests. */
const struct route_table *route_table_load_text(struct arena *a, struct str name, struct str yaml,
    const struct conf *conf, struct arena *report_arena, struct conf_reports *reports);

size_t route_table_count(const struct route_table *t);
const struct route *route_table_at(const struct route_table *t, size_t i); /* i is route.index; file order */
const struct scope_catalog *route_table_catalog(const struct route_table *t);
/* Rows with "unserved: error": no backend is a start error. Others ("unserved: not_found") may be left without. */
bool route_must_be_served(const struct route_table *t, const struct route *r);

enum route_tree { ROUTE_TREE_APIS, ROUTE_TREE_OAUTH2 }; /* below /apis/{site}, below /oauth2/{site} */
enum route_found { ROUTE_FOUND, ROUTE_NO_METHOD, ROUTE_NOT_FOUND };
/* path: below the tree, percent-decoded (percent_get) where it held '%'; a remaining '%' matches nothing. A pattern that ends in
 * "/" is a path of its own. A static segment hides a
 * :param; a :param takes [A-Za-z0-9_$:-]+ that does not begin with '$', nor with '_' in rows with "reserved: true" (FHIR).
 * HEAD finds the GET row. params (values borrow from path) is filled on ROUTE_FOUND. ROUTE_NO_METHOD: the path has other methods.  */
enum route_found route_match(const struct route_table *t, enum route_tree tree, enum http_method method,
    struct str path, const struct route **out, struct route_params *params);
/* Is there such a row, and does a backend of the site answer it? What documents may name. */
bool route_served(const struct site *site, enum route_tree tree, enum http_method method, struct str path);
/* Appends the path's methods, "GET, HEAD, POST, OPTIONS": for Allow and preflights. False: no such path. */
bool route_table_methods(const struct route_table *t, enum route_tree tree, struct str path, struct buf *out);

/* The dialect of a route's errors on a site: the Standard and Portal API follow the site's compat. */
static inline enum dialect
route_dialect(const struct route *r, enum compat compat)
{
	return r->dialect == DIALECT_OPENEMR && compat == COMPAT_CLASSIC ? DIALECT_CLASSIC : r->dialect;
}
/* The API, and so the dialect, that a path which has no route belongs to: by its first segment. */
enum api route_api_of(enum route_tree tree, struct str path);
enum dialect route_api_dialect(enum api api, enum compat compat);

struct str route_api_text(enum api api); /* "oauth", "standard", "portal", "fhir", "swagger" */

#endif
