/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named exceptions. */
#include "backends/direct/engine/fixups.h"

#include "backends/direct/engine/codes.h"

#include <stdio.h>
#include <stdlib.h>

static size_t
find_without_case(struct str s, struct str what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (str_ieq(str_sub(s, i, i + what.n), what))
			return i;
	return s.n;
}

bool
fix_suffix(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	static const struct str suffixes[] = { STR_INIT("Jr."), STR_INIT(" Jr"), STR_INIT("Sr."), STR_INIT(" Sr"),
		STR_INIT("II"), STR_INIT("III"), STR_INIT("IV") };
	(void)r;
	if (!cell_empty(c[0])) {
		json_str(w, c[0]->s);
		return true;
	}
	for (size_t i = 0; c[1]->kind == DB_C_TEXT && i < NITEMS(suffixes); i++)
		if (find_without_case(c[1]->s, suffixes[i]) < c[1]->s.n) {
			json_str(w, suffixes[i]);
			return true;
		}
	return false;
}

bool
fix_joined(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	char text[2048];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	(void)r;
	for (unsigned i = 0; c[i] != NULL; i++) {
		if (cell_empty(c[i]) || c[i]->kind != DB_C_TEXT)
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, str_sub(c[i]->s, 0, 300));
	}
	json_str(w, buf_str(&b));
	return true;
}

bool
fix_text(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	(void)r;
	json_str(w, c[0]->kind == DB_C_TEXT ? c[0]->s : STR(""));
	return true;
}

bool
fix_deceased(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	(void)r;
	if (!cell_empty(c[0]))
		return false;
	json_bool(w, false);
	return true;
}

/* --- codes -------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *type, *uri, *oid;
} code_systems[] = {
	{ "ICD10", "http://hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.90" },
	{ "ICD9", "http://hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103" },
	{ "SNOMED-CT", "http://snomed.info/sct", "2.16.840.1.113883.6.96" },
	{ "SNOMED", "http://snomed.info/sct", "2.16.840.1.113883.6.96" },
	{ "RXCUI", "http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88" },
	{ "RXNORM", "http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88" },
	{ "LOINC", "http://loinc.org", "2.16.840.1.113883.6.1" },
	{ "CPT4", "http://www.ama-assn.org/go/cpt", "2.16.840.1.113883.6.12" },
	{ "CVX", "http://hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292" },
	{ "NDC", "http://hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69" },
};

static struct str
code_system(struct str type, enum compat compat)
{
	for (size_t i = 0; i < NITEMS(code_systems); i++)
		if (str_eq(type, str_of(code_systems[i].type)))
			return str_of(compat == COMPAT_CLASSIC ? code_systems[i].oid : code_systems[i].uri);
	return STR_NULL;
}

/* texts: of the codes, as far as there are some; .p NULL: the first has null. type_of_plain: of codes without "TYPE:". */
static void
codes_put(struct json_write *w, const struct render *r, struct str codes, struct str texts, struct str type_of_plain)
{
	struct str part, text;
	bool none = texts.p == NULL;
	json_obj(w);
	while (str_next(&codes, ';', &part)) {
		if (!str_next(&texts, CODES_BETWEEN, &text))
			text = STR("");
		size_t colon = str_find(part, ':');
		struct str type = colon < part.n ? str_sub(part, 0, colon) : type_of_plain,
		           code = colon < part.n ? str_skip(part, colon + 1) : part;
		if (code.n == 0)
			continue;
		json_key(w, code);
		json_obj(w);
		json_kv_str(w, STR("code"), code);
		json_key(w, STR("description"));
		if (none)
			json_nil(w);
		else
			json_str(w, text);
		none = false;
		json_kv_str(w, STR("code_type"), type);
		json_kv_str(w, STR("system"), code_system(type, r->compat));
		json_obj_end(w);
	}
	json_obj_end(w);
}

bool
fix_codes(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	if (c[0]->kind != DB_C_TEXT)
		return false;
	struct str text = c[1] != NULL && c[1]->kind == DB_C_TEXT ? c[1]->s : STR("");
	if (c[0]->s.n == 0)
		json_str(w, c[0]->s);
	else
		codes_put(w, r, c[0]->s, text, STR(""));
	return true;
}

bool
fix_reaction(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	if (c[0]->kind != DB_C_TEXT)
		return false;
	const struct list_option *o = lists_find(r->lists, STR("reaction"), c[0]->s);
	if (o == NULL || o->codes.n == 0)
		json_str(w, c[0]->s);
	else
		codes_put(w, r, o->codes, o->title, STR(""));
	return true;
}

bool
fix_drug_code(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	const struct db_cell *code = c[1] != NULL ? c[1] : c[0];
	if (cell_empty(code) || code->kind != DB_C_TEXT)
		return false;
	bool named = c[1] != NULL && c[0]->kind == DB_C_TEXT;
	codes_put(w, r, code->s, named ? c[0]->s : STR_NULL, STR("RXCUI"));
	return true;
}

/* --- immunizations, laboratory orders ----------------------------------------------------------------------------------------------- */

bool
fix_iso(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	char text[40];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	if (!cell_datetime(r, c[0], &b))
		return false;
	json_str(w, buf_str(&b));
	return true;
}

bool
fix_amount(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	(void)r;
	if (c[0]->kind != DB_C_FLOAT)
		json_i64(w, c[0]->kind == DB_C_INT ? c[0]->i : 0);
	else if (c[0]->f >= -1e15 && c[0]->f <= 1e15 && c[0]->f == (double)(int64_t)c[0]->f)
		json_i64(w, (int64_t)c[0]->f);
	else
		json_f64(w, c[0]->f);
	return true;
}

bool
fix_diagnoses(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	struct str rest = c[0]->kind == DB_C_TEXT ? c[0]->s : STR(""), code, part;
	(void)r;
	json_arr(w);
	while (str_next(&rest, ';', &code)) {
		if (code.n == 0)
			continue;
		json_arr(w);
		while (str_next(&code, ':', &part))
			json_str(w, part);
		json_arr_end(w);
	}
	json_arr_end(w);
	return true;
}

/* --- measures: form_vitals holds US units, a site may show others (units_of_measurement 2 and 4) ---------------------------------- */

struct measure {
	double factor, zero; /* (stored - zero) * factor */
	const char *us, *metric;
};
static const struct measure weight = { 0.45359237, 0, "lb", "kg" }, length = { 2.54, 0, "in", "cm" },
                            temperature = { 5.0 / 9, 32, "degF", "Cel" };

static bool
metric(const struct render *r)
{
	struct str units = globals_get(r->globals, "units_of_measurement");
	return str_eq(units, STR("2")) || str_eq(units, STR("4"));
}

/* Six digits behind the point; nothing measured (0) is null where it is converted. */
static bool
measure_put(struct json_write *w, const struct render *r, const struct db_cell *c, const struct measure *m)
{
	char number[24], text[40];
	struct str stored = cell_text(c, number);
	if (c->kind == DB_C_NULL)
		return false;
	if (!metric(r)) {
		json_str(w, stored);
		return true;
	}
	double value = 0;
	if (stored.n < sizeof number) {
		memmove(number, stored.p, stored.n);
		number[stored.n] = 0;
		value = strtod(number, NULL);
	}
	if (value == 0)
		return false;
	int n = snprintf(text, sizeof text, "%.6f", (value - m->zero) * m->factor);
	json_str(w, (struct str){ text, (size_t)n });
	return true;
}

#define MEASURE(name)                                                                                                  \
	bool fix_##name(struct json_write *w, const struct render *r, const struct db_cell *const *c)                  \
	{                                                                                                              \
		return measure_put(w, r, c[0], &(name));                                                               \
	}                                                                                                              \
	bool fix_##name##_unit(struct json_write *w, const struct render *r, const struct db_cell *const *c)           \
	{                                                                                                              \
		(void)c;                                                                                               \
		json_str(w, str_of(metric(r) ? (name).metric : (name).us));                                            \
		return true;                                                                                           \
	}
MEASURE(weight)
MEASURE(length)
MEASURE(temperature)

bool
fix_positive(struct json_write *w, const struct render *r, const struct db_cell *const *c)
{
	int64_t v = 0;
	(void)r;
	(void)cell_int(c[1]->kind != DB_C_NULL ? c[1] : c[0], &v);
	json_bool(w, v > 0);
	return true;
}

/* --- their schemas -------------------------------------------------------------------------------------------------------------- */

#define TEXT         STR_INIT("{\"type\":\"string\"}")
#define TEXT_OR_NULL STR_INIT("{\"type\":[\"string\",\"null\"]}")
#define CODES                                                                                                          \
	"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\",\"properties\":{\"code\":{\"type\":"       \
	"\"string\"},\"description\":{\"type\":[\"string\",\"null\"]},\"code_type\":{\"type\":\"string\"},\"system\":" \
	"{\"type\":[\"string\",\"null\"]}},\"required\":[\"code\",\"description\",\"code_type\",\"system\"],"          \
	"\"additionalProperties\":false}}"

struct str
fixup_schema(fixup_fn *fixup)
{
	static const struct {
		fixup_fn *fixup;
		struct str schema;
	} rows[] = {
		{ fix_suffix, TEXT_OR_NULL },
		{ fix_joined, TEXT },
		{ fix_text, TEXT },
		{ fix_deceased, STR_INIT("{\"enum\":[false,null]}") },
		{ fix_codes, STR_INIT("{\"anyOf\":[" CODES ",{\"enum\":[\"\",null]}]}") },
		{ fix_reaction, STR_INIT("{\"anyOf\":[" CODES ",{\"type\":[\"string\",\"null\"]}]}") },
		{ fix_drug_code, STR_INIT("{\"anyOf\":[" CODES ",{\"type\":\"null\"}]}") },
		{ fix_iso, STR_INIT("{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}"
		                    ":[0-9]{2}:[0-9]{2}\\\\+00:00$\"}") },
		{ fix_amount, STR_INIT("{\"type\":\"number\"}") },
		{ fix_diagnoses, STR_INIT("{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":"
		                          "\"string\"},\"minItems\":1}}") },
		{ fix_positive, STR_INIT("{\"type\":\"boolean\"}") },
		{ fix_weight, TEXT_OR_NULL },
		{ fix_length, TEXT_OR_NULL },
		{ fix_temperature, TEXT_OR_NULL },
		{ fix_weight_unit, STR_INIT("{\"enum\":[\"lb\",\"kg\"]}") },
		{ fix_length_unit, STR_INIT("{\"enum\":[\"in\",\"cm\"]}") },
		{ fix_temperature_unit, STR_INIT("{\"enum\":[\"degF\",\"Cel\"]}") },
	};
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (rows[i].fixup == fixup)
			return rows[i].schema;
	return STR("{}");
}
