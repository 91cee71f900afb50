/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schemas of what a create or an update takes, from the rows that check it. */
#include "backends/direct/engine/describe.h"

enum { SAMPLE_MAX = 64, LENGTH_TOLD_MAX = 65535 };

/* The column that a writable field sets, with the field of its rules; NULL: none on this site. */
static const struct plan_column *
written_column(const struct plan *p, const struct plan_op *op)
{
	if (!(op->f->flags & F_WRITE) || op->write[0] == SLOT_NONE)
		return NULL;
	const struct plan_column *pc = &p->write->cols[op->write[0]];
	return pc->column == NULL ? NULL : pc;
}

static void
body_types(struct json_write *w, const struct field *f, const struct schema_column *c, bool required)
{
	json_key(w, STR("type"));
	if (f->kind == K_BOOL) {
		json_str(w, STR("boolean"));
		return;
	}
	json_arr(w);
	if (c->type == COL_INT)
		json_str(w, STR("integer"));
	else if (c->type == COL_FLOAT || c->type == COL_DECIMAL)
		json_str(w, STR("number"));
	json_str(w, STR("string"));
	if (!required)
		json_str(w, STR("null"));
	json_arr_end(w);
}

static void
allowed_put(struct json_write *w, const char *in, bool required)
{
	struct str rest = str_of(in), word;
	json_key(w, STR("enum"));
	json_arr(w);
	while (words_next(&rest, &word))
		json_str(w, word);
	if (!required)
		json_nil(w);
	json_arr_end(w);
}

/* What the rules and the column say of the form of a text. */
static void
form_put(struct json_write *w, const struct plan_column *pc)
{
#define DATE "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define TIME "[0-9]{2}:[0-9]{2}:[0-9]{2}"
	enum { FORM_DATE = 1 << 30, FORM_DATETIME = 1 << 29, FORM_NUMBER = 1 << 28 };
	static const struct {
		unsigned bits; /* all of them */
		const char *member, *value;
	} forms[] = {
		{ R_DATE | R_DATETIME, "pattern", "^" DATE "( " TIME ")?$" },
		{ R_DATE, "format", "date" },
		{ R_DATETIME, "pattern", "^" DATE " " TIME "$" },
		{ R_EMAIL, "format", "email" },
		{ R_EMAIL_STRICT, "format", "email" },
		{ R_URL, "format", "uri" },
		{ R_NUMERIC, "pattern", "^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$" },
		{ FORM_NUMBER, "pattern", "^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$" },
		{ FORM_DATE, "description", "YYYY-MM-DD" },
		{ FORM_DATETIME, "description", "YYYY-MM-DD HH:MM:SS" },
	};
#undef DATE
#undef TIME
	enum column_type type = pc->column->type;
	bool number = type == COL_INT || type == COL_FLOAT || type == COL_DECIMAL;
	unsigned bits = pc->rules | (number                    ? FORM_NUMBER
	                                : type == COL_DATE     ? FORM_DATE
	                                : type == COL_DATETIME ? FORM_DATETIME
	                                                       : 0);
	for (size_t i = 0; i < NITEMS(forms); i++)
		if ((bits & forms[i].bits) == forms[i].bits) {
			json_kv_str(w, str_of(forms[i].member), str_of(forms[i].value));
			return;
		}
}

static void
body_member(struct json_write *w, struct arena *a, const struct plan_column *pc, const struct field *field)
{
	const struct field *f = pc->f;
	bool required = (f->flags & F_REQUIRED) != 0;
	uint64_t min = f->min > 0 ? f->min : required && f->kind != K_BOOL, max = f->max > 0 ? f->max
	                                                                          : pc->column->type == COL_TEXT
	                                                                              ? pc->column->max_chars
	                                                                              : 0;
	json_obj(w);
	body_types(w, field, pc->column, required);
	form_put(w, pc);
	if (f->in != NULL)
		allowed_put(w, f->in, required);
	if (f->exists_in != NULL)
		json_kv_str(w, STR("description"), arena_printf(a, "one of %s", f->exists_in));
	if (f->option_setting != NULL)
		json_kv_str(w, STR("description"),
		    arena_printf(a, "an option of the list that OpenEMR's setting %s names", f->option_setting));
	if (f->option_of != NULL)
		json_kv_str(w, STR("description"), arena_printf(a, "an option of the list %s", f->option_of));
	if (min > 0)
		json_kv_i64(w, STR("minLength"), (int64_t)min);
	if (max > 0 && max <= LENGTH_TOLD_MAX)
		json_kv_i64(w, STR("maxLength"), (int64_t)max);
	json_obj_end(w);
}

static bool
in_body(const struct plan *p, const struct plan_op *op, bool create)
{
	return written_column(p, op) != NULL && !(op->f->flags & (create ? F_UPDATE_ONLY : F_CREATE_ONLY));
}

static void
body_schema(struct json_write *w, struct arena *a, const struct plan *p, bool create)
{
	const struct plan_write *ps = p->write;
	json_obj(w);
	json_kv_str(w, STR("type"), STR("object"));
	json_key(w, STR("properties"));
	json_obj(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], create)) {
			json_key_raw(w, ps->ops[i].key);
			body_member(w, a, written_column(p, &ps->ops[i]), ps->ops[i].f);
		}
	json_obj_end(w);
	json_key(w, STR("required"));
	json_arr(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], create) && (ps->ops[i].f->flags & F_REQUIRED) &&
		    (create || ps->rule->update_needs_required || (ps->ops[i].f->flags & F_UPDATE_ONLY)))
			json_str(w, str_of(ps->ops[i].f->name));
	json_arr_end(w);
	json_obj_end(w);
}

void
describe_body(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool create)
{
	struct str name = describe_name(op, p, create ? "_create" : "_update");
	if (openapi_schema(op, p, &name))
		body_schema(op->schemas, op->arena, p, create);
	openapi_ref_put(w, op, STR("schemas"), name);
}

/* A value that a field's rules take. */
static struct str
sample_of(const struct plan_column *pc, char text[SAMPLE_MAX])
{
	const struct field *f = pc->f;
	struct str allowed = str_of(f->in), word;
	if (words_next(&allowed, &word))
		return word;
	if ((pc->rules & R_DATE) || pc->column->type == COL_DATE)
		return STR("1990-02-28");
	if ((pc->rules & R_DATETIME) || pc->column->type == COL_DATETIME)
		return STR("2026-01-31 10:30:00");
	if (f->flags & (R_EMAIL | R_EMAIL_STRICT))
		return STR("name@example.org");
	if (f->flags & R_URL)
		return STR("https://example.org");
	bool digits = (f->flags & (R_NUMERIC | R_EXISTS)) || pc->column->type != COL_TEXT;
	size_t n = digits ? 1 : STR("Sample").n;
	n = MIN(MAX(n, (size_t)f->min), (size_t)(f->max > 0 ? MIN(f->max, SAMPLE_MAX) : SAMPLE_MAX));
	for (size_t i = 0; i < n; i++)
		text[i] = digits ? '1' : "Sample"[i % STR("Sample").n];
	return (struct str){ text, n };
}

void
describe_body_example(struct json_write *w, const struct plan *p)
{
	const struct plan_write *ps = p->write;
	char text[SAMPLE_MAX];
	json_obj(w);
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (in_body(p, &ps->ops[i], true) && (ps->ops[i].f->flags & F_REQUIRED)) {
			json_key_raw(w, ps->ops[i].key);
			json_str(w, sample_of(written_column(p, &ps->ops[i]), text));
		}
	json_obj_end(w);
}
