/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grammar and containment of one scope. Every byte is foreign: nothing here reaches a CHECK. */
#include "policy/scope.h"

static const struct {
	struct str text;
	enum scope_context context;
} contexts[] = {
	{ STR_INIT("patient"), SCOPE_PATIENT },
	{ STR_INIT("user"), SCOPE_USER },
	{ STR_INIT("system"), SCOPE_SYSTEM },
};

static const struct {
	char letter;
	unsigned bit;
} letters[] = { { 'c', SCOPE_C }, { 'r', SCOPE_R }, { 'u', SCOPE_U }, { 'd', SCOPE_D }, { 's', SCOPE_S } };

/* OpenEMR offers the left one and means the right one. Scopes keep the spelling they came with; categories are compared as the right one. */
static const struct {
	struct str spelt, meant;
} categories[] = {
	{ STR_INIT("http://terminology.hl7.org//CodeSystem-observation-category|social-history"),
	    STR_INIT("http://terminology.hl7.org/CodeSystem/observation-category|social-history") },
};

static bool
is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_name_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool
all_name_chars(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_name_char(s.p[i]))
			return false;
	return s.n > 0;
}

static int
malformed(struct err *e, const char *what)
{
	return ERR(e, E_PARSE, "malformed scope: %s", what); /* without its text: it is foreign */
}

static int
parse_letters(struct str s, unsigned *out)
{
	size_t at = 0;
	*out = 0;
	for (size_t l = 0; l < NITEMS(letters) && at < s.n; l++) {
		if (s.p[at] == letters[l].letter) {
			*out |= letters[l].bit;
			at++;
		}
	}
	return s.n > 0 && at == s.n ? 0 : -1;
}

static int
parse_permission(struct str s, struct scope *sc, struct err *e)
{
	if (str_eq(s, STR("read"))) {
		sc->permissions = SCOPE_R | SCOPE_S;
		return 0;
	}
	if (str_eq(s, STR("write"))) {
		sc->permissions = SCOPE_C | SCOPE_U | SCOPE_D;
		return 0;
	}
	if (s.n > 1 && s.p[0] == '$') {
		for (size_t i = 1; i < s.n; i++)
			if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
				return malformed(e, "operation name");
		sc->operation = s;
		sc->permissions = SCOPE_OPERATION;
		return 0;
	}
	if (parse_letters(s, &sc->permissions) != 0)
		return malformed(e, "permission is not read, write, letters of cruds in order, or $operation");
	return 0;
}

/* "category=system|code": one pair, a system that is a URI, a code. */
static int
parse_query(struct str query, struct scope *sc, struct err *e)
{
	struct str prefix = STR("category=");
	if (!str_starts(query, prefix))
		return malformed(e, "only ?category= is known");
	struct str value = str_skip(query, prefix.n);
	size_t bar = str_find(value, '|'), colon = str_find(value, ':');
	if (colon == 0 || colon >= bar || bar + 1 >= value.n ||
	    str_find(str_skip(value, bar + 1), '|') + bar + 1 != value.n)
		return malformed(e, "category is not system|code");
	for (size_t i = 0; i < value.n; i++) /* '&' would begin a second pair; ',' separates categories downstream */
		if (value.p[i] == '&' || value.p[i] == ',' || value.p[i] == '?' || value.p[i] == '#')
			return malformed(e, "character in category");
	sc->category = value;
	for (size_t i = 0; i < NITEMS(categories); i++)
		if (str_eq(value, categories[i].spelt))
			sc->category = categories[i].meant;
	return 0;
}

static int
parse_resource_scope(struct str rest, struct scope *sc, struct err *e)
{
	size_t mark = str_find(rest, '?'), dot = str_find(rest, '.');
	if (dot >= mark)
		return malformed(e, "no permission");
	sc->resource = str_sub(rest, 0, dot);
	if (!str_eq(sc->resource, STR("*")) && !all_name_chars(sc->resource))
		return malformed(e, "resource name");
	if (parse_permission(str_sub(rest, dot + 1, mark), sc, e) != 0)
		return -1;
	if (mark == rest.n)
		return 0;
	if (sc->permissions == SCOPE_OPERATION)
		return malformed(e, "an operation has no query");
	return parse_query(str_skip(rest, mark + 1), sc, e);
}

static int
parse_special(struct str text, size_t name_n, struct scope *sc, struct err *e)
{
	if (name_n < text.n && text.p[name_n] != '/' && text.p[name_n] != ':')
		return malformed(e, "character");
	if (name_n < text.n && !all_name_chars(str_skip(text, name_n + 1)))
		return malformed(e, "nothing readable behind the separator");
	sc->context = SCOPE_SPECIAL;
	return 0;
}

int
scope_parse(struct str text, struct scope *out, struct err *e)
{
	struct scope sc = { .text = text };
	size_t name_n = 0;
	*out = (struct scope){ 0 };
	if (text.n == 0 || text.n > SCOPE_TEXT_MAX)
		return malformed(e, "length");
	for (size_t i = 0; i < text.n; i++) { /* RFC 6749 3.3 scope-token */
		char c = text.p[i];
		if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
			return malformed(e, "byte outside scope-token");
	}
	while (name_n < text.n && (is_alpha(text.p[name_n]) || text.p[name_n] == '_'))
		name_n++;
	if (name_n == 0)
		return malformed(e, "no context");
	struct str name = str_sub(text, 0, name_n);
	int rc = -1;
	size_t i = 0;
	while (i < NITEMS(contexts) && !str_eq(name, contexts[i].text))
		i++;
	if (i == NITEMS(contexts)) {
		rc = parse_special(text, name_n, &sc, e);
	} else if (name_n == text.n || text.p[name_n] != '/') {
		rc = malformed(e, "no resource");
	} else {
		sc.context = contexts[i].context;
		rc = parse_resource_scope(str_skip(text, name_n + 1), &sc, e);
	}
	if (rc == 0)
		*out = sc;
	return rc;
}

bool
scope_wildcard_covers(struct str resource)
{
	return resource.n > 0 && ((resource.p[0] >= 'A' && resource.p[0] <= 'Z') || str_eq(resource, STR("*")));
}

bool
scope_contains(const struct scope *a, const struct scope *b)
{
	if (a->context != b->context)
		return false;
	if (a->context == SCOPE_SPECIAL)
		return str_eq(a->text, b->text);
	if (!str_eq(a->resource, b->resource) && !(str_eq(a->resource, STR("*")) && scope_wildcard_covers(b->resource)))
		return false;
	if (!str_eq(a->operation, b->operation) || (b->permissions & ~a->permissions) != 0)
		return false;
	return a->category.n == 0 || str_eq(a->category, b->category);
}

void
scope_letters(unsigned permissions, char text[6])
{
	size_t n = 0;
	for (size_t l = 0; l < NITEMS(letters); l++)
		if (permissions & letters[l].bit)
			text[n++] = letters[l].letter;
	text[n] = 0;
}

struct str
scope_context_text(enum scope_context c)
{
	for (size_t i = 0; i < NITEMS(contexts); i++)
		if (contexts[i].context == c)
			return contexts[i].text;
	return STR("");
}

/* FNV-1a. Not a defence against chosen collisions: a set has at most SCOPE_SET_MAX entries of one token, and its table is probed by
 * name. */
uint32_t
scope_hash(struct str resource, struct str operation)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < resource.n; i++)
		h = (h ^ (uint8_t)resource.p[i]) * 16777619u;
	h = (h ^ (uint8_t)'.') * 16777619u;
	for (size_t i = 0; i < operation.n; i++)
		h = (h ^ (uint8_t)operation.p[i]) * 16777619u;
	return h;
}
