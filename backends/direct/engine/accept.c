/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies through the same program that writes answers. */
#include "backends/direct/engine/accept.h"

#include "backends/direct/engine/validate.h"

#include <stdarg.h>
#include <stdio.h>

/* Room for one more. */
static bool
violations_grow(struct violations *to)
{
	unsigned size = to->size == 0 ? 8 : 2 * to->size;
	struct violation *v = to->n < to->size ? to->v : arena_array(to->arena, size, sizeof *v);
	if (v == NULL || v == to->v)
		return v != NULL;
	if (to->n > 0)
		memcpy(v, to->v, to->n * sizeof *v);
	to->v = v;
	to->size = size;
	return true;
}

void
violation_add(struct violations *to, struct str field, struct str code, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || !violations_grow(to)) /* of a full arena: accept_body has made room for the first ones */
		return;
	struct str message = arena_str(to->arena, (struct str){ text, MIN((size_t)n, sizeof text - 1) });
	to->v[to->n++] = (struct violation){ field, code, message };
}

void
violations_put(struct json_write *w, const struct violations *v)
{
	if (v->n == 0) {
		json_arr(w);
		json_arr_end(w);
		return;
	}
	json_obj(w);
	for (unsigned i = 0; i < v->n; i++) {
		bool seen = false;
		for (unsigned k = 0; k < i; k++)
			seen = seen || str_eq(v->v[k].field, v->v[i].field);
		if (seen)
			continue;
		json_key(w, v->v[i].field);
		if (v->v[i].code.n == 0) {
			if (v->v[i].code.p == NULL)
				json_arr(w);
			json_str(w, v->v[i].message);
			if (v->v[i].code.p == NULL)
				json_arr_end(w);
			continue;
		}
		json_obj(w);
		for (unsigned k = i; k < v->n; k++)
			if (str_eq(v->v[k].field, v->v[i].field))
				json_kv_str(w, v->v[k].code, v->v[k].message);
		json_obj_end(w);
	}
	json_obj_end(w);
}

/* --- values ------------------------------------------------------------------------------------------------------------------- */

struct sink {
	struct accept_sink base;
	const struct plan_op *op;
	const struct plan_write *w;
	struct accepted *out;
	struct violations *violations;
	const struct lists *lists;
	bool create;
};

/* OpenEMR's helpers: null, false and the words NULL, YYYY-MM-DD, MM/DD/YYYY count as empty. */
static bool
placeholder(struct str v)
{
	return v.n == 0 || str_eq(v, STR("NULL")) || str_eq(v, STR("YYYY-MM-DD")) || str_eq(v, STR("MM/DD/YYYY"));
}

/* Told by the rule's own text, if it has one. */
static bool
required_plainly(const struct plan_write *w, const struct field *f, struct violations *to)
{
	if (w->rule->required_text == NULL)
		return false;
	violation_add(to, str_of(f->name), STR(""), "%s", w->rule->required_text);
	return true;
}

static void
value_set(struct accept_sink *base, unsigned i, struct str text)
{
	struct sink *s = CONTAINER_OF(base, struct sink, base);
	CHECK(i < FIELD_COLS_MAX);
	if (s->op->write[i] == SLOT_NONE)
		return;
	const struct plan_column *pc = &s->w->cols[s->op->write[i]];
	const struct field *f = pc->f;
	struct accepted_value *v = &s->out->v[s->op->write[i]];
	bool client_null = text.p == NULL;
	if (placeholder(text)) {
		if ((f->flags & F_REQUIRED) && (s->create || !(f->flags & F_CLEARABLE))) {
			struct str label = field_label(f, s->base.arena);
			if (required_plainly(s->w, f, s->violations))
				return;
			violation_add(s->violations, str_of(f->name), STR("NotEmpty::EMPTY_VALUE"),
			    "%.*s must not be empty", STR_ARG(label));
			return;
		}
		if (client_null && !s->create && !pc->nullable_date)
			return; /* an update skips null */
		*v = (struct accepted_value){ .given = true, .null = pc->nullable_date, .text = STR("") };
	} else {
		validate_value(f, pc->rules, pc->column, s->lists, text, s->violations);
		*v = (struct accepted_value){ .given = true, .text = text };
	}
	if (pc->column == NULL && placeholder(text))
		v->given = false;
	s->out->n_given += v->given;
}

static const json_t *
member_of(const struct plan *p, const struct field *f, const json_t *body)
{
	const json_t *v = json_object_get(body, f->name);
	if (v == NULL && p->compat == COMPAT_CLASSIC && f->classic != NULL)
		v = json_object_get(body, f->classic);
	return v;
}

static void
field_accept(const struct plan *p, const struct plan_op *op, const json_t *body, struct sink *s)
{
	const struct field *f = op->f;
	bool update_only = (f->flags & F_UPDATE_ONLY) != 0;
	if (!(f->flags & F_WRITE) || ((f->flags & F_CREATE_ONLY) && !s->create) || (update_only && s->create))
		return;
	const json_t *v = member_of(p, f, body);
	if (v == NULL) {
		if ((s->create || update_only || s->w->rule->update_needs_required) && (f->flags & F_REQUIRED) &&
		    !required_plainly(s->w, f, s->violations))
			violation_add(s->violations, str_of(f->name), STR("Required::NON_EXISTENT_KEY"),
			    "%s must be provided, but does not exist", f->name);
		return;
	}
	CHECK(op->codec->get != NULL); /* rows: mapping_check */
	s->op = op;
	s->base.refused = false;
	op->codec->get(f, v, &s->base);
	if (s->base.refused) {
		struct str label = field_label(f, s->base.arena);
		violation_add(s->violations, str_of(f->name), STR("IsString::NOT_A_STRING"), "%.*s must be a string",
		    STR_ARG(label));
	}
}

/* Columns with rules of their own that a new row must have, and that the body's elements did not give. */
static void
required_check(const struct plan_write *w, const struct accepted *in, bool create, struct violations *to)
{
	for (unsigned i = 0; create && i < w->rule->n_rules; i++) {
		const struct field *f = &w->rule->rules[i];
		struct str cols = str_of(f->cols), column = str_skip(cols, str_find(cols, '.') + 1);
		bool told = false;
		for (unsigned k = 0; k < to->n; k++)
			told = told || str_eq(to->v[k].field, str_of(f->name));
		if ((f->flags & F_REQUIRED) && !told && accepted_text(w, in, column).n == 0)
			violation_add(to, str_of(f->name), STR("Required::NON_EXISTENT_KEY"),
			    "%s must be provided, but does not exist", f->name);
	}
}

static bool
in_words(const char *words, const char *name)
{
	struct str rest = str_of(words), word;
	while (words_next(&rest, &word))
		if (str_eq(word, str_of(name)))
			return true;
	return false;
}

int
accept_body(const struct plan *p, const json_t *body, bool create, const struct lists *lists, struct arena *a,
    struct accepted *out, struct violations *violations)
{
	const struct plan_write *ps = p->write;
	struct sink s = { .base = { .set = value_set, .arena = a },
		.w = p->write,
		.out = out,
		.violations = violations,
		.lists = lists,
		.create = create };
	struct str order = str_of(p->write->rule->rule_order), word;
	violations->arena = a;
	if (!violations_grow(violations))
		return -1;
	out->v = arena_array(a, p->write->n_cols + 1, sizeof *out->v);
	out->n_given = 0;
	if (out->v == NULL)
		return -1;
	memset(out->v, 0, (p->write->n_cols + 1) * sizeof *out->v);
	while (words_next(&order, &word))
		for (unsigned i = 0; i < ps->n_ops; i++)
			if (str_eq(word, str_of(ps->ops[i].f->name)))
				field_accept(p, &ps->ops[i], body, &s);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (ps->ops[i].f->name == NULL || !in_words(p->write->rule->rule_order, ps->ops[i].f->name))
			field_accept(p, &ps->ops[i], body, &s);
	required_check(p->write, out, create, violations);
	return 0;
}

/* --- binding ------------------------------------------------------------------------------------------------------------------ */

static bool
set_by_server(const struct plan_write *w, struct str column, unsigned when)
{
	for (unsigned i = 0; i < w->n_sets; i++)
		if (str_eq(str_of(w->sets[i]->col), column) && ((unsigned)w->sets[i]->when & when))
			return true;
	return false;
}

void
accepted_bind(const struct plan_write *w, const struct accepted *in, unsigned when, struct db_val *vals, size_t *n)
{
	for (unsigned i = 0; i < w->n_cols; i++) {
		const struct plan_column *pc = &w->cols[i];
		const struct accepted_value *v = &in->v[i];
		if (!pc->own || pc->column == NULL || set_by_server(w, pc->column->name, when))
			continue;
		if (pc->nullable_date) {
			vals[(*n)++] = DB_V_I64(v->given);
			vals[(*n)++] = v->given && !v->null ? DB_V_STR(v->text) : DB_V_NULL;
		} else {
			vals[(*n)++] = v->given ? DB_V_STR(v->text) : DB_V_NULL;
		}
	}
}

struct str
accepted_text(const struct plan_write *w, const struct accepted *in, struct str column)
{
	for (unsigned i = 0; i < w->n_cols; i++)
		if (w->cols[i].own && w->cols[i].column != NULL && str_eq(w->cols[i].column->name, column) &&
		    in->v[i].given)
			return in->v[i].text;
	return STR_NULL;
}

struct str
accepted_input(const struct plan_write *w, const struct accepted *in, const char *name)
{
	for (unsigned i = 0; i < w->n_cols; i++)
		if (strcmp(w->cols[i].input, name) == 0 && in->v[i].given)
			return in->v[i].text;
	return STR_NULL;
}

void
accepted_input_set(const struct plan_write *w, struct accepted *in, const char *name, struct str text)
{
	for (unsigned i = 0; i < w->n_cols; i++)
		if (strcmp(w->cols[i].input, name) == 0)
			in->v[i] = (struct accepted_value){ .given = text.p != NULL, .text = text };
}
