/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions: one parameter's values against its columns. One function per kind of match. */
#include "backends/direct/engine/query_private.h"

#include "gateway/base/date.h"
#include "gateway/base/zone.h"

void
cond_val(struct cond *c, struct db_val v)
{
	if (c->n_vals == QUERY_VALS_MAX) {
		(void)ERR(c->e, E_LIMIT, "too many values in one search");
		c->failed = true;
		return;
	}
	c->vals[c->n_vals++] = v;
}

static void
cond_text(struct cond *c, struct str v)
{
	cond_val(c, v.n == 0 ? DB_V_STR(STR("")) : DB_V_STR(v));
}

static void
bad_value(struct cond *c, const char *what)
{
	(void)ERR(c->e, E_INVALID, "%.*s: %s", STR_ARG(c->f->name), what);
	c->failed = true;
}

/* col LIKE ? with the client's % and _ as plain characters. */
static void
like(struct cond *c, struct str col, struct str v, bool contains)
{
	struct buf b;
	buf_init(&b, c->a, v.n + 16, 2 * v.n + 16);
	if (contains)
		buf_char(&b, '%');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '%' || v.p[i] == '_' || v.p[i] == '!')
			buf_char(&b, '!');
		buf_char(&b, v.p[i]);
	}
	buf_char(&b, '%');
	column_put(&c->sql, col);
	buf_lit(&c->sql, " LIKE ? ESCAPE '!'");
	cond_text(c, buf_str(&b));
	c->failed = c->failed || !buf_ok(&b);
}

/* Equal by the column's collation, so that an index serves, and byte for byte. */
static void
exact(struct cond *c, struct str col, struct str v)
{
	buf_char(&c->sql, '(');
	column_put(&c->sql, col);
	buf_lit(&c->sql, " = ? AND BINARY ");
	column_put(&c->sql, col);
	buf_lit(&c->sql, " = ?)");
	cond_text(c, v);
	cond_text(c, v);
}

static void
string(struct cond *c, struct str col, struct str v)
{
	if (c->f->mod == MOD_EXACT)
		exact(c, col, v);
	else
		like(c, col, v, c->f->mod == MOD_CONTAINS);
}

/* A code of the client to the stored values; the map's last row stands for every value that no other row names. */
static void
mapped_token(struct cond *c, struct str col, struct str code)
{
	const struct codemap *m;
	bool any = false;
	buf_char(&c->sql, '(');
	for (m = c->p->map; m->stored != NULL; m++) {
		if (m->code == NULL || !str_ieq(code, str_of(m->code)))
			continue;
		buf_str_put(&c->sql, any ? STR(" OR ") : STR(""));
		column_put(&c->sql, col);
		buf_lit(&c->sql, " = ?");
		cond_text(c, str_of(m->stored));
		any = true;
	}
	if (m->code != NULL && str_ieq(code, str_of(m->code))) {
		buf_str_put(&c->sql, any ? STR(" OR (") : STR("("));
		column_put(&c->sql, col);
		buf_lit(&c->sql, " <> ''");
		for (m = c->p->map; m->stored != NULL; m++) {
			buf_lit(&c->sql, " AND ");
			column_put(&c->sql, col);
			buf_lit(&c->sql, " <> ?");
			cond_text(c, str_of(m->stored));
		}
		buf_char(&c->sql, ')');
		any = true;
	}
	buf_str_put(&c->sql, any ? STR(")") : STR("1 = 0)"));
}

static void
token(struct cond *c, struct str col, struct str v)
{
	size_t bar = v.n;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '|')
			bar = i;
	struct str code = bar == v.n ? v : str_skip(v, bar + 1);
	if (c->p->map != NULL) {
		mapped_token(c, col, code);
		return;
	}
	column_put(&c->sql, col);
	buf_lit(&c->sql, " = ?");
	cond_text(c, code);
}

static void
uuid_value(struct cond *c, struct str col, struct str v)
{
	struct uuid u;
	if (uuid_parse(v, &u) != 0) {
		bad_value(c, "not a uuid");
		return;
	}
	struct str bytes = arena_str(c->a, (struct str){ (const char *)u.b, sizeof u.b });
	c->failed = c->failed || bytes.p == NULL;
	column_put(&c->sql, col);
	buf_lit(&c->sql, " = ?");
	cond_val(c, DB_V_BIN(bytes.p, bytes.n));
}

static void
reference(struct cond *c, struct str col, struct str v)
{
	size_t slash = str_find(v, '/');
	if (slash < v.n) {
		if (!str_eq(str_sub(v, 0, slash), str_of(c->p->arg))) {
			buf_lit(&c->sql, "1 = 0");
			return;
		}
		v = str_skip(v, slash + 1);
	}
	uuid_value(c, col, v);
}

/* --- dates -------------------------------------------------------------------------------------------------------------------- */

/* First instant behind the period that d names, by its precision. */
static int64_t
date_after_us(const struct date *d)
{
	struct date next = *d;
	switch (d->precision) {
	case DATE_YEAR:
		next.year++;
		return date_epoch_us(&next);
	case DATE_MONTH:
		next.month = d->month == 12 ? 1 : d->month + 1;
		next.year += d->month == 12;
		return date_epoch_us(&next);
	case DATE_DAY:
		return date_epoch_us(d) + INT64_C(86400000000);
	case DATE_MINUTE:
		return date_epoch_us(d) + 60000000;
	case DATE_SECOND:
		return date_epoch_us(d) + 1000000;
	case DATE_FRACTION:
		return date_epoch_us(d) + 1;
	}
	return date_epoch_us(d);
}

/* The local time, in which the columns are, of a moment that was given with its offset; a time without one is local. */
static int64_t
local_us(const struct cond *c, const struct date *d, int64_t us)
{
	if (!d->has_offset || c->zone == NULL)
		return us;
	return us + (int64_t)zone_offset_s(c->zone, us / 1000000) * 1000000;
}

/* Days for a DATE column: the period is widened to whole days. */
static struct str
bound_text(struct cond *c, int64_t us, bool day, bool up)
{
	struct date d;
	if (day && up)
		us += INT64_C(86399999999);
	date_from_epoch_us(us, &d);
	if (day)
		return arena_printf(c->a, "%04d-%02d-%02d", d.year, d.month, d.day);
	return arena_printf(
	    c->a, "%04d-%02d-%02d %02d:%02d:%02d.%06d", d.year, d.month, d.day, d.hour, d.minute, d.second, d.micro);
}

/* Comparisons of a point column with [lower, upper): contract fhir-api.md 8.5. */
static const struct {
	const char *prefix, *first, *second; /* operators; L lower, U upper */
} date_prefixes[] = {
	{ "eq", ">= L", "< U" },
	{ "ne", "< L", "OR >= U" },
	{ "gt", ">= U", NULL },
	{ "sa", ">= U", NULL },
	{ "lt", "< L", NULL },
	{ "eb", "< L", NULL },
	{ "ge", ">= L", NULL },
	{ "le", "< U", NULL },
};

static void
date_bound(struct cond *c, struct str col, const char *op, struct str lower, struct str upper)
{
	struct str text = str_of(op), sign;
	bool is_or = str_starts(text, STR("OR "));
	if (is_or)
		text = str_skip(text, 3);
	sign = str_sub(text, 0, text.n - 1);
	column_put(&c->sql, col);
	buf_char(&c->sql, ' ');
	buf_str_put(&c->sql, sign);
	buf_char(&c->sql, '?');
	cond_text(c, text.p[text.n - 1] == 'L' ? lower : upper);
}

static void
date(struct cond *c, struct str col, struct str v)
{
	size_t row = 0;
	struct date d;
	if (v.n > 2 && v.p[0] >= 'a' && v.p[0] <= 'z') {
		while (row < NITEMS(date_prefixes) && !str_eq(str_sub(v, 0, 2), str_of(date_prefixes[row].prefix)))
			row++;
		v = str_skip(v, 2);
	}
	if (row == NITEMS(date_prefixes) || date_parse_iso(v, &d) != 0) {
		bad_value(c, "not a date");
		return;
	}
	const struct schema_column *column = column_of(c->ps->schema, c->ps->s, NULL, col);
	bool day = column != NULL && column->type == COL_DATE;
	struct str lower = bound_text(c, local_us(c, &d, date_epoch_us(&d)), day, false),
	           upper = bound_text(c, local_us(c, &d, date_after_us(&d)), day, true);
	c->failed = c->failed || lower.p == NULL || upper.p == NULL;
	buf_char(&c->sql, '(');
	date_bound(c, col, date_prefixes[row].first, lower, upper);
	if (date_prefixes[row].second != NULL) {
		buf_str_put(&c->sql, date_prefixes[row].second[0] == 'O' ? STR(" OR ") : STR(" AND "));
		date_bound(c, col, date_prefixes[row].second, lower, upper);
	} else { /* zero dates are no dates */
		buf_lit(&c->sql, " AND ");
		column_put(&c->sql, col);
		buf_lit(&c->sql, " > '0000-00-00'");
	}
	buf_char(&c->sql, ')');
}

/* --- one filter --------------------------------------------------------------------------------------------------------------- */

static void (*const matches[])(struct cond *c, struct str col, struct str v) = {
	[M_EXACT] = exact,
	[M_CONTAINS] = string,
	[M_UUID] = uuid_value,
	[M_TOKEN] = token,
	[M_STRING] = string,
	[M_DATE] = date,
	[M_REFERENCE] = reference,
};

static void
missing(struct cond *c, struct str col)
{
	const struct schema_column *column = column_of(c->ps->schema, c->ps->s, c->child, col);
	column_put(&c->sql, col);
	buf_lit(&c->sql, " IS NULL");
	if (column != NULL && column->type == COL_TEXT) {
		buf_lit(&c->sql, " OR ");
		column_put(&c->sql, col);
		buf_lit(&c->sql, " = ''");
	}
}

/* The columns that the site has, each against each value, ORed (missing: ANDed). False: none was there. */
static bool
columns_put(struct cond *c, const char *cols)
{
	struct str rest = str_of(cols), col;
	bool any = false;
	while (words_next(&rest, &col)) {
		const struct schema_column *column = column_of(c->ps->schema, c->ps->s, c->child, col);
		if (column == NULL)
			continue;
		for (unsigned i = 0; i < (c->f->mod == MOD_MISSING ? 1 : c->f->n_values); i++) {
			if (any)
				buf_str_put(&c->sql, c->f->mod == MOD_MISSING ? STR(") AND (") : STR(" OR "));
			any = true;
			if (c->f->mod == MOD_MISSING)
				missing(c, col);
			else if (!column_holds(column, c->f->values[i]))
				buf_lit(&c->sql, "1 = 0");
			else
				matches[c->p->match](c, col, c->f->values[i]);
		}
	}
	return any;
}

static void
child_columns_put(struct cond *c, bool any)
{
	CHECK(c->p->child_n < c->ps->n_children);
	const struct plan_child *pc = &c->ps->children[c->p->child_n];
	if (pc->absent || c->f->mod == MOD_MISSING)
		return;
	c->child = pc->child;
	buf_str_put(&c->sql, any ? STR(" OR EXISTS(SELECT 1 FROM ") : STR("EXISTS(SELECT 1 FROM "));
	child_from_put(&c->sql, pc->child, true);
	buf_lit(&c->sql, " AND (");
	if (!columns_put(c, c->p->child_cols))
		buf_lit(&c->sql, "1 = 0");
	buf_lit(&c->sql, "))");
	c->child = NULL;
}

/* An expression of the row's own; on a site that lacks its columns it has no value. */
static void
expression_put(struct cond *c, bool any)
{
	if (c->f->mod != MOD_NONE || !fragment_present(c->ps->schema, c->ps->s, NULL, c->p->sql))
		return;
	for (unsigned i = 0; i < c->f->n_values; i++) {
		buf_str_put(&c->sql, any || i > 0 ? STR(" OR BINARY (") : STR("BINARY ("));
		buf_str_put(&c->sql, str_of(c->p->sql));
		buf_lit(&c->sql, ") = ?");
		cond_text(c, c->f->values[i]);
	}
}

void
cond_filter(struct cond *c, const struct filter *f)
{
	bool negated = f->mod == MOD_NOT || (f->mod == MOD_MISSING && str_eq(f->values[0], STR("false")));
	c->f = f;
	c->p = param_find(c->ps->s, f->name);
	CHECK(c->p != NULL);
	buf_str_put(&c->sql, negated ? STR("NOT ((") : STR("(("));
	size_t at = c->sql.n;
	bool any = columns_put(c, c->p->cols);
	if (c->p->child_cols != NULL)
		child_columns_put(c, any);
	if (c->p->sql != NULL)
		expression_put(c, any);
	if (c->sql.n == at) /* the site has none of the columns */
		buf_str_put(&c->sql, f->mod == MOD_MISSING ? STR("1 = 1") : STR("1 = 0"));
	buf_lit(&c->sql, "))");
}
