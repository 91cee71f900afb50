/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON in, through Jansson. */
#include "gateway/base/json_in.h"

enum { DEPTH_MAX = 64 };

/* Jansson's own depth limit is 2048; ours is counted over the text, strings skipped. */
static bool
too_deep(struct str text)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

static json_t *
load(struct str text, size_t max_bytes, size_t flags, enum json_error_code *code, struct err *e)
{
	json_error_t why;
	*code = json_error_unknown;
	if (text.n > max_bytes || too_deep(text)) {
		(void)ERR(e, E_LIMIT, "JSON larger or deeper than allowed");
		return NULL;
	}
	json_t *doc = text.n == 0 ? NULL : json_loadb(text.p, text.n, flags | JSON_DECODE_ANY, &why);
	if (doc == NULL)
		(void)ERR(e, E_PARSE, "not JSON (line %d, column %d)", text.n == 0 ? 0 : why.line,
		    text.n == 0 ? 0 : why.column);
	if (doc == NULL && text.n > 0)
		*code = json_error_code(&why);
	return doc;
}

json_t *
json_in(struct str text, size_t max_bytes, struct err *e)
{
	enum json_error_code code;
	return load(text, max_bytes, JSON_REJECT_DUPLICATES, &code, e);
}

json_t *
json_in_php(struct str text, size_t max_bytes, struct err *e)
{
	enum json_error_code code;
	json_t *doc = load(text, max_bytes, JSON_ALLOW_NUL, &code, e);
	if (code == json_error_numeric_overflow)
		doc = load(text, max_bytes, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &code, e);
	if (doc != NULL || code == json_error_numeric_overflow || code == json_error_null_byte_in_key)
		*e = (struct err){ 0 };
	if (doc == NULL && e->kind == E_NONE)
		(void)ERR(e, E_LIMIT, "a number or a name in the JSON is not accepted");
	return doc;
}

struct str
json_in_str(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR_NULL;
}

static void
doc_free(void *arg)
{
	json_decref(arg);
}

int
json_keep(struct arena *a, json_t *doc)
{
	if (arena_defer(a, doc_free, doc) == 0)
		return 0;
	json_decref(doc);
	return -1;
}

int64_t
json_in_seconds(const json_t *o, const char *name, int64_t absent)
{
	const json_t *v = json_object_get(o, name);
	if (json_is_integer(v))
		return (int64_t)json_integer_value(v);
	if (json_is_real(v)) {
		double d = json_real_value(v);
		return d > -1e15 && d < 1e15 ? (int64_t)d : absent;
	}
	return absent;
}
