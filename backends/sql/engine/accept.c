/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accepting bodies. The rules are those of OpenEMR's validators (contract/standard/index.json, validation_messages). */
#include "backends/sql/engine/accept.h"

#include "gateway/base/date.h"
#include "gateway/base/json_in.h"
#include "gateway/base/uri.h"

#include <stdio.h>

enum { BODY_MAX = 4 << 20 };

static struct str
label_of(struct arena *a, const struct input *in)
{
	struct str copy = arena_str(a, str_of(in->label != NULL ? in->label : in->name));
	for (size_t i = 0; in->label == NULL && i < copy.n; i++)
		if (copy.p[i] == '_')
			((char *)(uintptr_t)copy.p)[i] = ' '; /* our own copy */
	return copy;
}

/* PHP's is_numeric for what a JSON member may hold: optional sign, digits with a point, exponent; spaces around. */
static bool
is_numeric(struct str s)
{
	size_t i = 0, digits = 0;
	s = str_trim(s);
	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
		i++;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		digits++;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			digits++;
	if (digits > 0 && i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		size_t from;
		i++;
		i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
		for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			continue;
		if (i == from)
			return false;
	}
	return digits > 0 && i == s.n;
}

static bool
is_date(struct str s)
{
	struct date d;
	return s.n == 10 && date_parse_sql(s, &d) == 0 && !date_is_zero(&d);
}

static bool
is_email(struct str s)
{
	size_t at = str_find(s, '@');
	struct str host = str_skip(s, at + 1);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return at > 0 && host.n > 2 && str_find(host, '@') == host.n && str_find(host, '.') > 0 &&
	       str_find(host, '.') < host.n - 1;
}

static void
rules_check(struct arena *a, const struct input *in, struct str value, struct violations *v)
{
	struct str field = str_of(in->name), label = label_of(a, in);
	if (in->rule == R_NUMERIC && !is_numeric(value))
		violation_add(
		    v, field, STR("Numeric::NOT_NUMERIC"), arena_printf(a, "%.*s must be numeric", STR_ARG(label)));
	if ((in->rule == R_LENGTH || in->rule == R_NUMERIC) && value.n < in->min)
		violation_add(v, field, STR("LengthBetween::TOO_SHORT"),
		    arena_printf(a, "%.*s must be %u characters or longer", STR_ARG(label), in->min));
	if ((in->rule == R_LENGTH || in->rule == R_NUMERIC) && value.n > in->max)
		violation_add(v, field, STR("LengthBetween::TOO_LONG"),
		    arena_printf(a, "%.*s must be %u characters or shorter", STR_ARG(label), in->max));
	if (in->rule == R_DATE && !is_date(value))
		violation_add(v, field, STR("DateTime::INVALID_VALUE"),
		    arena_printf(a, "%.*s must be a valid date", STR_ARG(label)));
	struct uri uri;
	if (in->rule == R_URL && uri_parse(value, &uri, NULL) != 0)
		violation_add(
		    v, field, STR("Url::INVALID_URL"), arena_printf(a, "%.*s must be a valid URL", STR_ARG(label)));
	if (in->rule == R_EMAIL && !is_email(value))
		violation_add(v, field, STR("Email::INVALID_VALUE"),
		    arena_printf(a, "%.*s must be a valid email address", STR_ARG(label)));
}

/* A scalar as the text that PHP would bind; false: not a scalar. */
static bool
scalar_text(struct arena *a, const json_t *j, struct str *out)
{
	switch (json_typeof(j)) {
	case JSON_STRING:
		*out = arena_str(a, (struct str){ json_string_value(j), json_string_length(j) });
		return true;
	case JSON_INTEGER:
		*out = arena_printf(a, "%lld", (long long)json_integer_value(j));
		return true;
	case JSON_REAL:
		*out = arena_printf(a, "%.15g", json_real_value(j));
		return true;
	case JSON_TRUE:
		*out = STR("1");
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		*out = STR("");
		return true;
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return false;
}

/* What is stored: OpenEMR's insert and update helpers (contract standard-api.md 7). */
static struct db_val
stored_value(const struct input *in, struct str text)
{
	bool date = str_find_str(str_of(in->name), STR("date")) < strlen(in->name) || in->rule == R_DATE;
	if (date && text.n == 0)
		return DB_V_NULL;
	if (str_eq(text, STR("NULL")) || str_eq(text, STR("YYYY-MM-DD")) || str_eq(text, STR("MM/DD/YYYY")))
		return DB_V_STR(STR(""));
	return DB_V_STR(text.p == NULL ? STR("") : text);
}

static void
member_accept(
    struct arena *a, const struct input *in, const json_t *j, bool update, struct accepted *out, struct violations *v)
{
	struct str text, field = str_of(in->name);
	bool nothing = json_is_null(j) || json_is_false(j);
	if (!scalar_text(a, j, &text)) {
		violation_add(v, field, STR("IsString::NOT_A_STRING"),
		    arena_printf(a, "%.*s must be a string", STR_ARG(label_of(a, in))));
		return;
	}
	if (text.n == 0 && (in->flags & IN_REQUIRED)) {
		violation_add(v, field, STR("NotEmpty::EMPTY_VALUE"),
		    arena_printf(a, "%.*s must not be empty", STR_ARG(label_of(a, in))));
		return;
	}
	if (text.n > 0)
		rules_check(a, in, text, v);
	bool date = str_find_str(field, STR("date")) < field.n;
	if (update && nothing && !date)
		return;
	out->input[out->n] = in;
	out->value[out->n++] = stored_value(in, text);
}

/* A documented member whose column this generation lacks is refused, never silently dropped (schema/differences.md 2). */
static bool
column_there(const struct rest_plan *plan, const struct input *in, struct violations *v)
{
	if (schema_has_column(plan->schema, str_of(plan->res->table), str_of(in->name)))
		return true;
	violation_add(v, str_of(in->name), STR("Callback::INVALID_VALUE"), STR("this OpenEMR has no such column"));
	return false;
}

int
accept_body(struct request *r, const struct rest_plan *plan, bool update, struct accepted *out, struct violations *v)
{
	struct arena *a = r->task.arena;
	struct err e = { 0 };
	json_t *doc = json_in(r->body, BODY_MAX, &e);
	if (doc != NULL && json_keep(a, doc) != 0)
		return -1;
	for (size_t i = 0; i < plan->res->n_inputs; i++) {
		const struct input *in = &plan->res->inputs[i];
		const json_t *j = json_object_get(doc, in->name);
		if (j != NULL && column_there(plan, in, v))
			member_accept(a, in, j, update, out, v);
		else if (j == NULL && !update && (in->flags & IN_REQUIRED))
			violation_add(v, str_of(in->name), STR("Required::NON_EXISTENT_KEY"),
			    arena_printf(a, "%s must be provided, but does not exist", in->name));
	}
	return 0;
}
