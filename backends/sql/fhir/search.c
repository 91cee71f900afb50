/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Search parameters into WHERE: comma is OR, repetition is AND, values are bound. FHIR R4 search 3.1.1; contract/fhir-api.md 8. */
#include "backends/sql/fhir/fhir.h"
#include "gateway/base/date.h"

enum { VALS_MAX = 128, WHERE_MAX = 32 << 10, COUNT_DEFAULT = 50, COUNT_MAX = 200, VALUES_MAX = 32 };

static const struct search_param *
param_find(const struct fhir_resource *res, struct str name)
{
	for (size_t i = 0; i < res->n_params; i++)
		if (str_eq(str_of(res->params[i].name), name))
			return &res->params[i];
	return NULL;
}

static bool
bind_value(struct search *s, struct db_val v)
{
	if (s->n_vals == VALS_MAX)
		return false;
	s->vals[s->n_vals++] = v;
	return true;
}

static struct str
escaped(struct arena *a, struct str v, bool contains)
{
	struct buf b;
	buf_init(&b, a, v.n + 8, 2 * v.n + 8);
	if (contains)
		buf_char(&b, '%');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '%' || v.p[i] == '_' || v.p[i] == '\\')
			buf_char(&b, '\\');
		buf_char(&b, v.p[i]);
	}
	buf_char(&b, '%');
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* One comma-separated value with \, \| \$ \\ unescaped. *rest moves on. */
static bool
value_next(struct arena *a, struct str *rest, struct str *out)
{
	struct buf b;
	size_t i = 0;
	if (rest->p == NULL)
		return false;
	buf_init(&b, a, rest->n + 1, rest->n + 1);
	for (; i < rest->n && rest->p[i] != ','; i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		buf_char(&b, rest->p[i]);
	}
	*out = b.n == 0 ? STR("") : buf_str(&b);
	*rest = i < rest->n ? str_skip(*rest, i + 1) : STR_NULL;
	return buf_ok(&b);
}

/* --- conditions: each appends one parenthesised condition; -1: the value is not acceptable ---------------------------------- */

static int
cond_string(struct arena *a, struct search *s, const struct search_param *p, struct str modifier, struct str v)
{
	bool exact = str_eq(modifier, STR("exact")), contains = str_eq(modifier, STR("contains"));
	if (modifier.n > 0 && !exact && !contains)
		return -1;
	struct str like = exact ? v : escaped(a, v, contains);
	if (like.p == NULL)
		return -1;
	for (size_t i = 0; i < NITEMS(p->cols) && p->cols[i] != NULL; i++) {
		buf_printf(&s->where, exact ? "%sBINARY %s = ?" : "%s%s LIKE ?", i > 0 ? " OR " : "", p->cols[i]);
		if (!bind_value(s, DB_V_STR(like)))
			return -1;
	}
	return 0;
}

static int
cond_token(struct search *s, const struct search_param *p, struct str v)
{
	size_t bar = str_find(v, '|');
	struct str code = bar < v.n ? str_skip(v, bar + 1) : v;
	for (size_t i = 0; i < NITEMS(p->cols) && p->cols[i] != NULL; i++) {
		buf_printf(&s->where, "%s%s = ?", i > 0 ? " OR " : "", p->cols[i]);
		if (!bind_value(s, DB_V_STR(code)))
			return -1;
	}
	return 0;
}

/* system|value looks in the column of that system only. */
static int
cond_identifier(struct search *s, const struct search_param *p, struct str v)
{
	size_t bar = str_find(v, '|'), n = 0;
	struct str system = bar < v.n ? str_sub(v, 0, bar) : STR_NULL, code = bar < v.n ? str_skip(v, bar + 1) : v;
	struct str rest = str_of(p->arg), one;
	for (size_t i = 0; i < NITEMS(p->cols) && p->cols[i] != NULL && str_next(&rest, ' ', &one); i++) {
		if (system.n > 0 && !str_eq(system, one))
			continue;
		buf_printf(&s->where, "%s%s = ?", n++ > 0 ? " OR " : "", p->cols[i]);
		if (!bind_value(s, DB_V_STR(code)))
			return -1;
	}
	if (n == 0)
		buf_lit(&s->where, "FALSE");
	return 0;
}

static int
cond_gender(struct search *s, const struct search_param *p, struct str v)
{
	static const char other[] = "%s NOT IN ('', 'male', 'female', 'unk', 'unknown')";
	size_t bar = str_find(v, '|');
	struct str code = bar < v.n ? str_skip(v, bar + 1) : v;
	if (str_eq(code, STR("other")))
		buf_printf(&s->where, other, p->cols[0]);
	else if (str_eq(code, STR("unknown")))
		buf_printf(&s->where, "%s IN ('unk', 'unknown')", p->cols[0]);
	else if (str_eq(code, STR("male")) || str_eq(code, STR("female")))
		buf_printf(&s->where, "%s = '%s'", p->cols[0], code.n == 4 ? "male" : "female");
	else
		return -1;
	return 0;
}

static int
cond_boolean(struct search *s, const struct search_param *p, struct str v)
{
	if (!str_eq(v, STR("true")) && !str_eq(v, STR("false")))
		return -1;
	buf_printf(&s->where, "%s = %d", p->cols[0], str_eq(v, STR("true")));
	return 0;
}

static int
cond_id(struct arena *a, struct search *s, const struct search_param *p, struct str v)
{
	struct uuid u;
	if (uuid_parse(v, &u) != 0) { /* no resource has such an id */
		buf_lit(&s->where, "FALSE");
		return 0;
	}
	struct str bytes = arena_str(a, (struct str){ (const char *)u.b, sizeof u.b });
	buf_printf(&s->where, "%s = ?", p->cols[0]);
	return bytes.p != NULL && bind_value(s, DB_V_BIN(bytes.p, bytes.n)) ? 0 : -1;
}

/* The end of the value's precision, exclusive. */
static int64_t
upper_us(const struct date *d)
{
	struct date e = *d;
	static const int64_t add[] = {
		[DATE_DAY] = 86400000000, [DATE_MINUTE] = 60000000, [DATE_SECOND] = 1000000, [DATE_FRACTION] = 1
	};
	if (d->precision == DATE_YEAR) {
		e.year++;
		return date_epoch_us(&e);
	}
	if (d->precision == DATE_MONTH) {
		e.year += e.month == 12;
		e.month = e.month % 12 + 1;
		return date_epoch_us(&e);
	}
	return date_epoch_us(d) + add[d->precision];
}

static struct db_val
sql_time(struct arena *a, int64_t us)
{
	struct date d;
	struct buf b;
	date_from_epoch_us(us, &d);
	buf_init(&b, a, 32, 64);
	date_put_sql(&b, &d);
	return DB_V_STR(buf_str(&b));
}

static int
cond_date(struct arena *a, struct search *s, const struct search_param *p, struct str v)
{
	static const struct {
		struct str prefix;
		const char *sql; /* lower bound, then exclusive upper bound, as far as they are used */
		bool low, high;
	} prefixes[] = { { STR_INIT("ne"), "(%s < ? OR %s >= ?)", true, true },
		{ STR_INIT("gt"), "%s >= ?", false, true }, { STR_INIT("sa"), "%s >= ?", false, true },
		{ STR_INIT("lt"), "%s < ?", true, false }, { STR_INIT("eb"), "%s < ?", true, false },
		{ STR_INIT("ge"), "%s >= ?", true, false }, { STR_INIT("le"), "%s < ?", false, true },
		{ STR_INIT("eq"), "(%s >= ? AND %s < ?)", true, true } };
	struct date d;
	size_t i = NITEMS(prefixes) - 1;
	for (size_t k = 0; k < NITEMS(prefixes); k++)
		if (str_starts(v, prefixes[k].prefix)) {
			i = k;
			v = str_skip(v, 2);
			break;
		}
	if (date_parse_iso(v, &d) != 0)
		return -1;
	buf_printf(&s->where, "(%s <> 0 AND ", p->cols[0]); /* zero dates are no dates */
	const char *sql = prefixes[i].sql;
	for (; *sql != 0; sql++) {
		if (sql[0] == '%' && sql[1] == 's') {
			buf_str_put(&s->where, str_of(p->cols[0]));
			sql++;
		} else {
			buf_char(&s->where, *sql);
		}
	}
	buf_char(&s->where, ')');
	if (prefixes[i].low && !bind_value(s, sql_time(a, date_epoch_us(&d))))
		return -1;
	return !prefixes[i].high || bind_value(s, sql_time(a, upper_us(&d))) ? 0 : -1;
}

static int
condition(struct arena *a, struct search *s, const struct search_param *p, struct str modifier, struct str v)
{
	if (v.n == 0 || (modifier.n > 0 && p->kind != P_STRING))
		return -1;
	switch (p->kind) {
	case P_ID:
		return cond_id(a, s, p, v);
	case P_STRING:
		return cond_string(a, s, p, modifier, v);
	case P_TOKEN:
		return cond_token(s, p, v);
	case P_IDENTIFIER:
		return cond_identifier(s, p, v);
	case P_GENDER:
		return cond_gender(s, p, v);
	case P_BOOLEAN:
		return cond_boolean(s, p, v);
	case P_DATE:
	case P_DATETIME:
		return cond_date(a, s, p, v);
	}
	return -1;
}

/* --- the whole query ------------------------------------------------------------------------------------------------------------ */

static void
self_add(struct search *s, struct form_pair pair)
{
	if (s->self.n > 0)
		buf_char(&s->self, '&');
	percent_put(&s->self, pair.name);
	buf_char(&s->self, '=');
	percent_put(&s->self, pair.value);
}

/* Columns that the generation lacks never match. */
static bool
columns_there(const struct fhir_plan *plan, const struct search_param *p)
{
	for (size_t i = 0; i < NITEMS(p->cols) && p->cols[i] != NULL; i++)
		if (!column_exists(plan->schema, plan->res->table, plan->res->alias, plan->res->joins, p->cols[i]))
			return false;
	return true;
}

static enum step
param_apply(struct request *r, const struct fhir_plan *plan, struct search *s, struct form_pair pair)
{
	struct arena *a = r->task.arena;
	size_t colon = str_find(pair.name, ':');
	const struct search_param *p = param_find(plan->res, str_sub(pair.name, 0, colon));
	struct str modifier = str_skip(pair.name, colon + 1), rest = pair.value, v;
	unsigned n = 0;
	if (p == NULL) {
		if (s->strict)
			return fhir_refuse(r, 400, "not-supported",
			    arena_printf(a, "Unknown search parameter '%.*s'.", STR_ARG(str_sub(pair.name, 0, 64))));
		return STEP_NEXT; /* lenient: left out, and out of the self link, so that the client can see it */
	}
	buf_lit(&s->where, " AND (");
	while (columns_there(plan, p) && value_next(a, &rest, &v)) {
		if (n++ > 0)
			buf_lit(&s->where, " OR ");
		if (n > VALUES_MAX || condition(a, s, p, modifier, v) != 0)
			return fhir_refuse(r, 400, "invalid",
			    arena_printf(
			        a, "Search parameter '%s' has a value or modifier that cannot be used.", p->name));
	}
	if (n == 0)
		buf_lit(&s->where, "FALSE");
	buf_char(&s->where, ')');
	self_add(s, pair);
	return STEP_NEXT;
}

/* Result parameters; true: the pair was one. */
static bool
result_param(struct search *s, struct form_pair pair, bool *bad)
{
	if (str_eq(pair.name, STR("_count"))) {
		*bad = str_to_u64(pair.value, UINT32_MAX, &s->count) != 0;
		s->count = MIN(s->count, (uint64_t)COUNT_MAX);
	} else if (str_eq(pair.name, STR("_page"))) {
		*bad = uuid_parse(pair.value, &s->after) != 0;
		s->has_after = true;
		return true; /* not part of the links' common query */
	} else if (str_eq(pair.name, STR("_total"))) {
		s->want_total = str_eq(pair.value, STR("accurate"));
		*bad = !s->want_total && !str_eq(pair.value, STR("none")) && !str_eq(pair.value, STR("estimate"));
	} else if (str_eq(pair.name, STR("_format"))) {
		*bad = str_find_str(pair.value, STR("json")) == pair.value.n;
	} else {
		return false;
	}
	self_add(s, pair);
	return true;
}

enum step
search_parse(struct request *r, const struct fhir_plan *plan, const struct form *params, struct search *s)
{
	struct arena *a = r->task.arena;
	s->vals = arena_array(a, VALS_MAX + 2, sizeof *s->vals);
	s->count = COUNT_DEFAULT;
	s->strict = http_list_has(http_field(r->x->head, HTTP_F_PREFER), STR("handling=strict"));
	buf_init(&s->where, a, 512, WHERE_MAX);
	buf_init(&s->self, a, 256, WHERE_MAX);
	if (s->vals == NULL)
		return STEP_FAIL;
	buf_printf(&s->where, " WHERE %s.uuid IS NOT NULL", plan->res->alias);
	if (plan->res->where[0] != 0)
		buf_printf(&s->where, " AND (%s)", plan->res->where);
	if (r->filter.by_patient && plan->res->patient != NULL) {
		buf_printf(&s->where, " AND %s = ?", plan->res->patient);
		(void)bind_value(s, DB_V_BIN(r->filter.patient.b, sizeof r->filter.patient.b));
	}
	for (size_t i = 0; i < params->n; i++) {
		bool bad = false;
		if (result_param(s, params->pairs[i], &bad)) {
			if (bad)
				return fhir_refuse(r, 400, "invalid",
				    arena_printf(
				        a, "'%.*s' has a value that cannot be used.", STR_ARG(params->pairs[i].name)));
			continue;
		}
		enum step step = param_apply(r, plan, s, params->pairs[i]);
		if (step != STEP_NEXT)
			return step;
	}
	return buf_ok(&s->where) && buf_ok(&s->self) ? STEP_NEXT : STEP_FAIL;
}
