/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libyaml's events become nodes; the stack of open collections is explicit and bounded, so no input can exhaust the C stack. */
#include "gateway/config/yaml_tree.h"

#include "gateway/base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { DEPTH_HARD_MAX = 64 };
const struct yaml_tree_limits yaml_tree_limits_default = { .bytes_max = 1 << 20, .depth_max = 24, .nodes_max = 65536 };

struct builder {
	struct arena *arena;
	const struct yaml_tree_limits *limits;
	struct err *e;
	unsigned *line;
	unsigned nodes, depth;
	struct ynode *stack[DEPTH_HARD_MAX];
	bool have_key; /* the open map has read a key and waits for its value */
	struct str key;
	unsigned key_line;
	struct ynode *root;
	bool done;
};

static int
fail(struct builder *b, enum err_kind kind, unsigned line, const char *what)
{
	if (b->line != NULL)
		*b->line = line;
	return ERR(b->e, kind, "%s", what);
}

static int
check_duplicates(struct builder *b, const struct ynode *map)
{
	AUTO(map) seen = map_new();
	if (seen == NULL)
		return ERR(b->e, E_MEMORY, "out of memory");
	for (struct ynode *n = map->first; n != NULL; n = n->next) {
		struct ynode *first = map_get(seen, n->key);
		if (first == NULL) {
			if (map_put(seen, n->key, n, NULL) == -1)
				return ERR(b->e, E_MEMORY, "out of memory");
			continue;
		}
		n->duplicate = first;
		if (!b->limits->keep_duplicates) {
			if (b->line != NULL)
				*b->line = n->key_line;
			return ERR(b->e, E_CONFLICT, "key \"%.*s\" stands already in line %u",
			    STR_ARG(str_sub(n->key, 0, 64)), first->key_line);
		}
	}
	return 0;
}

/* Hangs a new node below the open collection, or makes it the root. */
static int
attach(struct builder *b, struct ynode *n)
{
	struct ynode *up = b->depth == 0 ? NULL : b->stack[b->depth - 1];
	if (up == NULL) {
		b->root = n;
		return 0;
	}
	if (up->kind == YNODE_MAP) {
		if (!b->have_key)
			return fail(b, E_PARSE, n->line, "a key must be a plain word, not a list or map");
		n->key = b->key;
		n->key_line = b->key_line;
		b->have_key = false;
	}
	if (up->last == NULL)
		up->first = n;
	else
		up->last->next = n;
	up->last = n;
	up->n++;
	return 0;
}

static struct ynode *
node_new(struct builder *b, enum ynode_kind kind, const yaml_event_t *ev)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;
	if (++b->nodes > b->limits->nodes_max) {
		(void)fail(b, E_LIMIT, line, "too many values");
		return NULL;
	}
	struct ynode *n = ARENA_NEW(b->arena, struct ynode);
	if (n == NULL) {
		(void)fail(b, E_LIMIT, line, "the text is too large");
		return NULL;
	}
	n->kind = kind;
	n->line = line;
	n->column = (unsigned)ev->start_mark.column + 1;
	return n;
}

static int
on_scalar(struct builder *b, const yaml_event_t *ev)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;
	struct str raw = { (const char *)ev->data.scalar.value, ev->data.scalar.length };
	if (str_find(raw, '\0') != raw.n)
		return fail(b, E_PARSE, line, "a value holds a NUL character");
	struct str text = arena_str(b->arena, raw);
	if (text.p == NULL)
		return fail(b, E_LIMIT, line, "the text is too large");
	struct ynode *up = b->depth == 0 ? NULL : b->stack[b->depth - 1];
	if (up != NULL && up->kind == YNODE_MAP && !b->have_key) {
		b->have_key = true;
		b->key = text;
		b->key_line = line;
		return 0;
	}
	struct ynode *n = node_new(b, YNODE_SCALAR, ev);
	if (n == NULL)
		return -1;
	n->text = text;
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return attach(b, n);
}

static int
on_open(struct builder *b, enum ynode_kind kind, const yaml_event_t *ev)
{
	struct ynode *n = node_new(b, kind, ev);
	if (n == NULL || attach(b, n) == -1)
		return -1;
	if (b->depth >= MIN(b->limits->depth_max, DEPTH_HARD_MAX))
		return fail(b, E_LIMIT, n->line, "nested too deeply");
	b->stack[b->depth++] = n;
	return 0;
}

static int
on_close(struct builder *b)
{
	const struct ynode *n = b->stack[--b->depth];
	return n->kind == YNODE_MAP ? check_duplicates(b, n) : 0;
}

/* An anchor or a tag on the event, whichever kind it is. */
static bool
is_decorated(const yaml_event_t *ev)
{
	if (ev->type == YAML_SCALAR_EVENT)
		return ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL;
	if (ev->type == YAML_SEQUENCE_START_EVENT)
		return ev->data.sequence_start.anchor != NULL || ev->data.sequence_start.tag != NULL;
	if (ev->type == YAML_MAPPING_START_EVENT)
		return ev->data.mapping_start.anchor != NULL || ev->data.mapping_start.tag != NULL;
	return false;
}

static int
on_event(struct builder *b, const yaml_event_t *ev)
{
	unsigned line = (unsigned)ev->start_mark.line + 1;
	if (is_decorated(ev))
		return fail(b, E_PARSE, line, "anchors (&) and tags (!) are not supported");
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, YNODE_LIST, ev);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, YNODE_MAP, ev);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b);
	case YAML_ALIAS_EVENT:
		return fail(b, E_PARSE, line, "aliases (*) are not supported");
	case YAML_DOCUMENT_START_EVENT:
		return b->root == NULL ? 0 : fail(b, E_PARSE, line, "only one document per file");
	case YAML_STREAM_END_EVENT:
		b->done = true;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int
syntax_error(struct builder *b, const yaml_parser_t *p)
{
	unsigned line = (unsigned)p->problem_mark.line + 1;
	if (p->error == YAML_READER_ERROR)
		return fail(b, E_PARSE, line, "not valid UTF-8, or control characters");
	return fail(b, E_PARSE, line, p->problem == NULL ? "not YAML" : p->problem);
}

struct ynode *
yaml_tree_parse(struct arena *a, struct str text, const struct yaml_tree_limits *limits, unsigned *line, struct err *e)
{
	struct builder b = { .arena = a, .limits = limits, .e = e, .line = line };
	if (line != NULL)
		*line = 0;
	if (text.n > limits->bytes_max)
		return (void)ERR(e, E_LIMIT, "the text is larger than %zu bytes", limits->bytes_max), NULL;
	yaml_parser_t p;
	if (!yaml_parser_initialize(&p))
		return (void)ERR(e, E_MEMORY, "out of memory"), NULL;
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.p == NULL ? "" : text.p), text.n);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	int rc = 0;
	while (rc == 0 && !b.done) {
		yaml_event_t ev;
		if (!yaml_parser_parse(&p, &ev)) {
			rc = syntax_error(&b, &p);
			break;
		}
		rc = on_event(&b, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&p);
	if (rc == -1)
		return NULL;
	if (b.root == NULL || ynode_is_null(b.root)) { /* an empty file says nothing: a map without members */
		b.root = ARENA_NEW(a, struct ynode);
		if (b.root == NULL)
			return (void)ERR(e, E_LIMIT, "the text is too large"), NULL;
		b.root->kind = YNODE_MAP;
		b.root->line = b.root->column = 1;
	}
	return b.root;
}

int
yaml_file_read(struct arena *a, const char *path, size_t bytes_max, struct str *out, struct err *e)
{
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	*out = STR_NULL;
	if (fd == -1)
		return ERR(e, E_IO, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)ERR(e, E_IO, "%s is not a regular file", path);
	} else if ((uint64_t)st.st_size > bytes_max) {
		(void)ERR(e, E_LIMIT, "%s is larger than %zu bytes", path, bytes_max);
	} else {
		size_t n = (size_t)st.st_size, got = 0;
		char *p = arena_raw(a, n + 1);
		ssize_t k = p == NULL ? -1 : 1;
		while (p != NULL && got < n && (k = read(fd, p + got, n - got)) > 0)
			got += (size_t)k;
		if (p == NULL || k == -1) {
			(void)ERR(e, E_IO, "cannot read %s: %s", path, p == NULL ? "too large" : strerror(errno));
		} else {
			p[got] = '\0';
			*out = (struct str){ p, got };
			rc = 0;
		}
	}
	(void)close(fd);
	return rc;
}

const struct ynode *
ynode_get(const struct ynode *n, struct str key)
{
	if (n == NULL || n->kind != YNODE_MAP)
		return NULL;
	YNODE_FOREACH(c, n)
	if (str_eq(c->key, key))
		return c;
	return NULL;
}

bool
ynode_is_null(const struct ynode *n)
{
	return n->kind == YNODE_SCALAR && !n->quoted &&
	       (n->text.n == 0 || str_eq(n->text, STR("~")) || str_eq(n->text, STR("null")));
}

int
ynode_bool(const struct ynode *n, bool *out)
{
	static const struct {
		struct str word;
		bool value;
	} words[] = {
		{ STR_INIT("true"), true },
		{ STR_INIT("false"), false },
		{ STR_INIT("yes"), true },
		{ STR_INIT("no"), false },
		{ STR_INIT("on"), true },
		{ STR_INIT("off"), false },
	};
	if (n == NULL || n->kind != YNODE_SCALAR || n->quoted)
		return -1;
	for (size_t i = 0; i < NITEMS(words); i++)
		if (str_eq(n->text, words[i].word)) {
			*out = words[i].value;
			return 0;
		}
	return -1;
}

struct str
ynode_str(const struct ynode *n)
{
	return n == NULL || n->kind != YNODE_SCALAR || ynode_is_null(n) ? STR_NULL : n->text;
}
