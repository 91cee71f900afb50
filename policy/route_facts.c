/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vocabulary of rows and defaults: one table of keys, kinds and words, walked for reading and for messages. */
#include "policy/scope_file.h"

enum kind { KIND_BOOL, KIND_TEXT, KIND_ROLES, KIND_AUDIT, KIND_ON_FAILURE, KIND_UNSERVED };
struct word {
	const char *text;
	unsigned value;
};
static const struct word words_bool[] = { { "true", 1 }, { "false", 0 }, { NULL, 0 } };
static const struct word words_roles[] = { { "users", 1u << ROLE_USERS }, { "patient", 1u << ROLE_PATIENT },
	{ "system", 1u << ROLE_SYSTEM }, { NULL, 0 } };
static const struct word words_audit[] = { { "durable", AUDIT_DURABLE }, { "async", AUDIT_ASYNC },
	{ "none", AUDIT_NONE }, { NULL, 0 } };
static const struct word words_on_failure[] = { { "closed", FAIL_CLOSED }, { "open", FAIL_OPEN },
	{ "local", FAIL_LOCAL }, { NULL, 0 } };
static const struct word words_unserved[] = { { "error", 1 }, { "not_found", 0 }, { NULL, 0 } };
static const struct word *const words[] = {
	[KIND_BOOL] = words_bool,
	[KIND_ROLES] = words_roles,
	[KIND_AUDIT] = words_audit,
	[KIND_ON_FAILURE] = words_on_failure,
	[KIND_UNSERVED] = words_unserved,
};

#define KEY(key, kind, of, member) { STR_INIT(key), kind, of, offsetof(struct route_facts, member) }
static const struct {
	struct str key;
	enum kind kind;
	int of; /* FACTS_OF_ROW: rows and defaults; FACTS_OF_DEFAULTS: defaults only */
	size_t offset;
} keys[] = {
	KEY("public", KIND_BOOL, FACTS_OF_ROW, is_public),
	KEY("scope", KIND_TEXT, FACTS_OF_ROW, scope),
	KEY("acl", KIND_TEXT, FACTS_OF_ROW, acl),
	KEY("roles", KIND_ROLES, FACTS_OF_ROW, roles),
	KEY("patient_skips_acl", KIND_BOOL, FACTS_OF_ROW, patient_skips_acl),
	KEY("rate", KIND_TEXT, FACTS_OF_ROW, rate),
	KEY("audit", KIND_AUDIT, FACTS_OF_ROW, audit),
	KEY("on_failure", KIND_ON_FAILURE, FACTS_OF_ROW, on_failure),
	KEY("action", KIND_TEXT, FACTS_OF_ROW, action),
	KEY("page", KIND_BOOL, FACTS_OF_ROW, is_page),
	KEY("any_origin", KIND_BOOL, FACTS_OF_ROW, any_origin),
	KEY("unserved", KIND_UNSERVED, FACTS_OF_ROW, must_serve),
	KEY("api_scope", KIND_TEXT, FACTS_OF_DEFAULTS, api_scope),
	KEY("api_roles", KIND_ROLES, FACTS_OF_DEFAULTS, api_roles),
	KEY("reserved", KIND_BOOL, FACTS_OF_DEFAULTS, reserved),
};

static struct str
expected_words(struct scope_reader *r, const struct word *w)
{
	struct buf b;
	buf_init(&b, r->report_arena, 64, 512);
	for (; w->text != NULL; w++) {
		if (b.n > 0)
			buf_lit(&b, ", ");
		buf_str_put(&b, str_of(w->text));
	}
	return buf_str(&b);
}

static struct str
expected_keys(struct scope_reader *r, int of)
{
	struct buf b;
	buf_init(&b, r->report_arena, 256, 512);
	for (size_t i = 0; i < NITEMS(keys); i++) {
		if (keys[i].of > of)
			continue;
		if (b.n > 0)
			buf_lit(&b, ", ");
		buf_str_put(&b, keys[i].key);
	}
	return buf_str(&b);
}

/* -1: reported. */
static int
word_value(struct scope_reader *r, const struct ynode *n, const struct word *list, struct str where, unsigned *out)
{
	struct str text = ynode_str(n);
	for (const struct word *w = list; w->text != NULL; w++) {
		if (text.n == 0 || !str_eq(text, str_of(w->text)))
			continue;
		*out = w->value;
		return 0;
	}
	struct str want = expected_words(r, list);
	scope_report(r, n->line, where, "\"%.*s\" is not one of: %.*s", STR_ARG(str_sub(text, 0, 64)), STR_ARG(want));
	return -1;
}

/* A word, or a list of words: bits. */
static int
word_bits(struct scope_reader *r, const struct ynode *n, const struct word *list, struct str where, unsigned *out)
{
	unsigned bit;
	if (n->kind != YNODE_LIST)
		return word_value(r, n, list, where, out);
	*out = 0;
	YNODE_FOREACH(item, n)
	{
		if (word_value(r, item, list, where, &bit) != 0)
			return -1;
		*out |= bit;
	}
	return 0;
}

static void
store(struct scope_reader *r, const struct ynode *n, size_t key, struct str where, struct route_facts *f)
{
	char *at = (char *)f + keys[key].offset;
	unsigned value = 0;
	enum kind kind = keys[key].kind;
	if (kind == KIND_TEXT) {
		struct str text = ynode_str(n);
		if (text.n == 0)
			scope_report(r, n->line, where, "a text is expected");
		text = arena_str(r->arena, text);
		memcpy(at, &text, sizeof text);
		return;
	}
	int rc = kind == KIND_ROLES ? word_bits(r, n, words[kind], where, &value)
	                            : word_value(r, n, words[kind], where, &value);
	if (rc != 0)
		return;
	switch (kind) {
	case KIND_BOOL:
	case KIND_UNSERVED:
		*at = value != 0;
		break;
	case KIND_ROLES:
		memcpy(at, &value, sizeof value);
		break;
	case KIND_AUDIT:
		f->audit = (enum audit_class)value;
		break;
	case KIND_ON_FAILURE:
		f->on_failure = (enum on_failure)value;
		break;
	case KIND_TEXT:
		break;
	}
}

void
route_facts_read(struct scope_reader *r, const struct ynode *map, int of, struct str where, struct route_facts *f)
{
	if (map->kind != YNODE_MAP) {
		scope_report(r, map->line, where, "a map like {scope: user/patient.r, acl: patients/demo} is expected");
		return;
	}
	YNODE_FOREACH(n, map)
	{
		size_t key = 0;
		while (key < NITEMS(keys) && !(keys[key].of <= of && str_eq(keys[key].key, n->key)))
			key++;
		struct str path =
		    arena_printf(r->report_arena, "%.*s.%.*s", STR_ARG(where), STR_ARG(str_sub(n->key, 0, 64)));
		if (key == NITEMS(keys)) {
			struct str want = expected_keys(r, of);
			scope_report(r, n->key_line, path, "unknown key; known here: %.*s", STR_ARG(want));
			continue;
		}
		store(r, n, key, path, f);
	}
}
