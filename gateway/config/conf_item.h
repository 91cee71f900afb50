/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to gateway/config: the item table and the types of its rows. Loader, printer, reload check and manual walk the same
 * rows. A path pattern names the place: "sites.*" is a map of named elements, "listen[]" a list; rows below such a group are
 * offsets into one element, the others into struct conf.                                                                  */
#ifndef GATEWAY_CONFIG_CONF_ITEM_H
#define GATEWAY_CONFIG_CONF_ITEM_H

#include "gateway/config/conf.h"
#include "gateway/config/yaml_tree.h"

enum conf_type {
	C_SECTION, /* only help: a map that has no struct of its own             */
	C_GROUP,   /* array of elements; path ends in ".*" or "[]"               */
	C_STR,
	C_WORD, /* [A-Za-z0-9_.-]+                                            */
	C_NAME, /* host name, or *.name for all with one label more      */
	C_PATH, /* relative ones are below the folder of the file that names them */
	C_BOOL,
	C_UINT, /* unsigned, uint32_t or size_t, by item size                 */
	C_US,
	C_MS,
	C_SECONDS,
	C_BYTES,
	C_CHOICE,  /* struct str; one of item.choices                            */
	C_INDEX,   /* bool or enum: the position in item.choices                 */
	C_SECRET,  /* {file: PATH} or {env: NAME}                                */
	C_ORIGIN,  /* https://host[:port]                                        */
	C_URL,     /* http://, https:// without path, or unix:/path              */
	C_ADDRESS, /* host:port, [v6]:port, unix:/path                           */
	C_CIDR,
	C_ROUTE, /* METHOD /pattern                                            */
	C_TYPES
};
enum {
	C_BOOT = 1,     /* a change needs a restart                              */
	C_REQUIRED = 2, /* no default: an empty value is an error                */
	C_MANY = 4      /* a list of values of this type: struct str * and count */
};
struct conf_item {
	const char *path;
	enum conf_type type;
	unsigned flags;
	size_t offset, size;        /* of the member                              */
	size_t n_offset, elem_size; /* C_GROUP and C_MANY: count; C_GROUP: element */
	const char *def;            /* as a user would write it; NULL: empty. {site} is the element's name */
	const char *min, *max;      /* numbers                                    */
	const char *choices;        /* "a|b|c"                                    */
	const char *example;        /* shown when there is no value               */
	const char *help;
};
extern const struct conf_item conf_items[];
extern const size_t conf_items_n;
extern const char conf_example[]; /* YAML: what the printed defaults stand around */

/* Where a value was written; kept for messages and, for secrets, for printing. */
struct conf_where {
	struct str file;
	unsigned line;
	struct str source; /* secrets: "{file: ...}" */
};

/* The group pattern an item belongs to: "sites.*.routes[]" of "sites.*.routes[].api", "" at the root. */
struct str conf_item_scope(const struct conf_item *it);
bool conf_item_is_map(const struct conf_item *it); /* a C_GROUP whose pattern ends in ".*" */
/* Scalar text -> member at dst; NULL, or what was expected (static or arena text). dir: for relative paths, .n 0: left as is. */
const char *conf_value_parse(struct arena *a, const struct conf_item *it, struct str text, struct str dir, void *dst);
/* The one value at dst as a user would write it (unquoted). Not for secrets. */
void conf_value_put(const struct conf_item *it, const void *dst, struct buf *out);
/* "a duration such as 10s, from 1s to 60s": for messages and comments. */
struct str conf_value_expected(struct arena *a, const struct conf_item *it);

/* Calls leaf() for each value and element() for each element of a group, in table order. path is complete ("sites.default.compat")
 * and valid during the call. Either may be NULL.                                                                          */
struct conf_walk {
	struct arena *arena;
	void *ctx;
	void (*leaf)(void *ctx, const struct conf_item *it, struct str path, const void *member, const void *base);
	void (*group)(void *ctx, const struct conf_item *it, struct str path, size_t n);
	void (*element)(void *ctx, const struct conf_item *it, struct str path, size_t index);
};
void conf_walk(const struct conf_walk *w, const struct conf *c);

/* Loading (conf.c), reading (conf_read.c) and checking across fields (conf_check.c). */
struct conf_loader {
	struct conf *c;
	struct arena *report_arena;
	struct conf_reports *reports;
	size_t reports_cap;
	struct arena *scratch;
	struct str file, dir; /* of the text being read; dir .n 0: unknown   */
};
void conf_report(struct conf_loader *l, bool warning, unsigned line, struct str path, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* As conf_report at the place where path (or its nearest parent) was written. */
void conf_report_at(struct conf_loader *l, bool warning, struct str path, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A whole file: the defaults, what stands below root, what is required and missing. */
void conf_read_root(struct conf_loader *l, const struct ynode *root);
/* Adds the sites of a further file, a map of them. */
void conf_read_sites(struct conf_loader *l, const struct ynode *root);
void conf_check(struct conf_loader *l);

#endif
