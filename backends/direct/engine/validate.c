/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's rules and messages (contract: validation_messages), as a table of rule bit, test, code and text. */
#include "backends/direct/engine/validate.h"

#include "gateway/base/date.h"
#include "gateway/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(struct str s, size_t i)
{
	while (i < s.n && digit(s.p[i]))
		i++;
	return i;
}

bool
is_numeric(struct str s)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0, start = i;
	i = digits(s, i);
	size_t whole = i - start, fraction = 0;
	if (i < s.n && s.p[i] == '.') {
		start = ++i;
		i = digits(s, i);
		fraction = i - start;
	}
	if (whole + fraction == 0)
		return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		start = i;
		i = digits(s, i);
		if (i == start)
			return false;
	}
	return i == s.n;
}

static bool
word_char(char c, const char *more)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) || (unsigned char)c >= 0x80 ||
	       (c != 0 && strchr(more, c) != NULL);
}

static bool
host_name(struct str host, bool dotted)
{
	struct str rest = host, label;
	unsigned labels = 0;
	if (host.n == 0 || host.n > 253 || host.p[host.n - 1] == '.')
		return false;
	while (str_next(&rest, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!word_char(label.p[i], "-"))
				return false;
		labels++;
	}
	return labels >= (dotted ? 2u : 1u);
}

bool
is_email(struct str s)
{
	size_t at = s.n;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '@')
			at = i;
	if (at == 0 || at > 64 || at >= s.n || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < at; i++) {
		bool edge = i == 0 || i + 1 == at || s.p[i - 1] == '.';
		if (!word_char(s.p[i], "!#$%&'*+/=?^_`{|}~-.") || (s.p[i] == '.' && edge))
			return false;
	}
	return host_name(str_skip(s, at + 1), true);
}

bool
is_url(struct str s)
{
	size_t colon = str_find_str(s, STR("://"));
	if (colon == 0 || colon >= s.n)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!word_char(s.p[i], "+-.") || (unsigned char)s.p[i] >= 0x80)
			return false;
	struct str rest = str_skip(s, colon + 3);
	size_t end = 0;
	while (end < rest.n && strchr("/?#", rest.p[end]) == NULL)
		end++;
	struct str host = str_sub(rest, 0, end);
	size_t at = str_find(host, '@');
	if (at < host.n)
		host = str_skip(host, at + 1);
	host = str_sub(host, 0, str_find(host, ':'));
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ')
			return false;
	return host_name(host, false);
}

bool
is_date(struct str s)
{
	struct date d;
	return s.n == 10 && date_parse_sql(s, &d) == 0 && !date_is_zero(&d) && date_valid(d.year, d.month, d.day);
}

/* Exactly YYYY-MM-DD HH:MM:SS. */
static bool
is_date_and_time(struct str s)
{
	struct date d;
	return s.n == 19 && date_parse_sql(s, &d) == 0 && !date_is_zero(&d) && date_valid(d.year, d.month, d.day);
}

static bool
is_datetime(struct str s)
{
	struct date d;
	if (date_parse_sql(s, &d) == 0)
		return date_is_zero(&d) || date_valid(d.year, d.month, d.day);
	return date_parse_iso(s, &d) == 0 && d.precision >= DATE_DAY;
}

struct str
field_label(const struct field *f, struct arena *a)
{
	if (f->label != NULL)
		return str_of(f->label);
	char *p = arena_raw(a, strlen(f->name) + 1);
	if (p == NULL)
		return str_of(f->name);
	size_t n = strlen(f->name);
	for (size_t i = 0; i < n; i++)
		p[i] = f->name[i] == '_' ? ' ' : f->name[i];
	return (struct str){ p, n };
}

/* --- rules -------------------------------------------------------------------------------------------------------------------- */

static const struct {
	unsigned bit;
	bool (*holds)(struct str);
	const char *code; /* NULL: the field's name */
	const char *text;
} rules[] = {
	{ R_NUMERIC, is_numeric, "Numeric::NOT_NUMERIC", "must be numeric" },
	{ R_EMAIL, is_email, NULL, "is not a valid email" },
	{ R_EMAIL_STRICT, is_email, "Email::INVALID_VALUE", "must be a valid email address" },
	{ R_URL, is_url, "Url::INVALID_URL", "must be a valid URL" },
	{ R_DATE, is_date, "DateTime::INVALID_VALUE", "must be a valid date" },
	{ R_DATETIME, is_date_and_time, "DateTime::INVALID_VALUE", "must be a valid date" },
};

static void
length_rules(
    const struct field *f, const struct schema_column *column, struct str v, struct str label, struct violations *to)
{
	uint64_t max = f->max;
	bool too_long = max > 0 && v.n > max;
	if (column->type == COL_TEXT && column->max_chars > 0 && (max == 0 || column->max_chars < max) &&
	    (column->in_bytes ? v.n : utf8_count(v)) > column->max_chars) {
		max = column->max_chars;
		too_long = true;
	}
	if (f->min > 0 && v.n < f->min)
		violation_add(to, str_of(f->name), STR("LengthBetween::TOO_SHORT"),
		    "%.*s must be %u characters or longer", STR_ARG(label), f->min);
	if (too_long)
		violation_add(to, str_of(f->name), STR("LengthBetween::TOO_LONG"),
		    "%.*s must be %llu characters or shorter", STR_ARG(label), (unsigned long long)max);
}

/* A numeric text; one that is too long to be read is beyond every number. */
static double
number_of(struct str v)
{
	char text[512];
	(void)snprintf(text, sizeof text, "%.*s", STR_ARG(v));
	return v.n < sizeof text ? strtod(text, NULL) : v.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
}

static void
bound_rules(
    const struct field *f, const struct schema_column *column, struct str v, struct str label, struct violations *to)
{
	double number = number_of(v);
	if (number > column->most)
		violation_add(to, str_of(f->name), STR("Between::TOO_BIG"), "%.*s must be less than or equal to %.15g",
		    STR_ARG(label), column->most);
	else if (number < column->least)
		violation_add(to, str_of(f->name), STR("Between::TOO_SMALL"),
		    "%.*s must be greater than or equal to %.15g", STR_ARG(label), column->least);
}

/* What the relaxed sql_mode would store as 0, another number, a zero date or a cut text is refused instead. */
static void
column_rules(const struct field *f, unsigned bits, const struct schema_column *column, struct str v, struct str label,
    struct violations *to)
{
	bool number = column->type == COL_INT || column->type == COL_FLOAT || column->type == COL_DECIMAL;
	if (number && !(bits & R_NUMERIC) && !is_numeric(v))
		violation_add(to, str_of(f->name), STR("Numeric::NOT_NUMERIC"), "%.*s must be numeric", STR_ARG(label));
	if (number && column->most > 0 && is_numeric(v))
		bound_rules(f, column, v, label, to);
	if ((column->type == COL_DATE || column->type == COL_DATETIME) && !(bits & (R_DATE | R_DATETIME)) &&
	    !is_datetime(v))
		violation_add(
		    to, str_of(f->name), STR("DateTime::INVALID_VALUE"), "%.*s must be a valid date", STR_ARG(label));
	if (!column_holds(column, v))
		violation_add(to, str_of(f->name), STR("Charset::INVALID_VALUE"),
		    "%.*s has characters that the database cannot hold", STR_ARG(label));
}

/* Sets of allowed values: the row's own, and the options of a list. */
static void
set_rules(const struct field *f, const struct lists *lists, struct str v, struct str label, struct violations *to)
{
	struct str rest = str_of(f->in), word;
	bool found = f->in == NULL;
	while (words_next(&rest, &word))
		found = found || str_eq(word, v);
	if (!found)
		violation_add(to, str_of(f->name), STR("InArray::NOT_IN_ARRAY"),
		    "%.*s must be in the defined set of values", STR_ARG(label));
	struct str list = f->option_setting != NULL ? lists_of_setting(lists, f->option_setting) : str_of(f->option_of);
	bool wanted = f->option_of != NULL || f->option_setting != NULL;
	if (wanted && (lists == NULL || lists_find(lists, list, v) == NULL))
		violation_add(to, str_of(f->name), STR("ListOptionRule::INVALID_LIST_OPTION"),
		    "%.*s does not have an option_id of \"%s\"", STR_ARG(list), f->name);
}

void
validate_value(const struct field *f, unsigned bits, const struct schema_column *column, const struct lists *lists,
    struct str v, struct violations *to)
{
	struct str label = field_label(f, to->arena);
	if (column == NULL) {
		violation_add(to, str_of(f->name), STR("Column::NOT_AVAILABLE"),
		    "%.*s is not available in the database of this site", STR_ARG(label));
		return;
	}
	if ((bits & R_DATE) && (bits & R_DATETIME)) /* one of the two: the other need not hold */
		bits &= ~(unsigned)(is_date(v) ? R_DATETIME : R_DATE);
	for (size_t i = 0; i < NITEMS(rules); i++)
		if ((bits & rules[i].bit) && !rules[i].holds(v))
			violation_add(to, str_of(f->name), str_of(rules[i].code == NULL ? f->name : rules[i].code),
			    "%.*s %s", STR_ARG(label), rules[i].text);
	length_rules(f, column, v, label, to);
	column_rules(f, bits, column, v, label, to);
	set_rules(f, lists, v, label, to);
}
