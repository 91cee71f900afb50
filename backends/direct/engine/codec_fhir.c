/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR R4 data types from columns, and back: HumanName, Address, ContactPoint, Identifier, codes, US Core extensions. Empty parts are
 * left out; an element without parts is absent.                                                                           */
#include "backends/direct/engine/codec.h"

#include "gateway/base/text.h"
#include "gateway/base/uuid.h"

#define SYSTEM_V2_0203     "http://terminology.hl7.org/CodeSystem/v2-0203"
#define SYSTEM_NULL_FLAVOR "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
#define SYSTEM_OMB         "urn:oid:2.16.840.1.113883.6.238"
#define SYSTEM_ABSENT      "http://terminology.hl7.org/CodeSystem/data-absent-reason"

#define PUT(fn)                                                                                                        \
	bool fn(struct json_write *w, const struct render *r, const struct field *f, const struct db_cell *const *c,   \
	    unsigned n)

static bool
member(struct json_write *w, struct str key, const struct db_cell *c)
{
	char number[24];
	if (cell_empty(c))
		return false;
	json_kv_str(w, key, cell_text(c, number));
	return true;
}

/* An array of the cells that are not empty. */
static bool
members(struct json_write *w, struct str key, const struct db_cell *const *c, unsigned n)
{
	char number[24];
	bool any = false;
	for (unsigned i = 0; i < n; i++) {
		if (cell_empty(c[i]))
			continue;
		if (!any) {
			json_key(w, key);
			json_arr(w);
			any = true;
		}
		json_str(w, cell_text(c[i], number));
	}
	if (any)
		json_arr_end(w);
	return any;
}

static void
datetime_member(struct json_write *w, const struct render *r, struct str key, const struct db_cell *c)
{
	char text[40];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	if (cell_datetime(r, c, &b))
		json_kv_str(w, key, buf_str(&b));
}

static void
coding(struct json_write *w, struct str system, struct str code, struct str display)
{
	json_obj(w);
	if (system.n > 0)
		json_kv_str(w, STR("system"), system);
	json_kv_str(w, STR("code"), code);
	if (display.n > 0)
		json_kv_str(w, STR("display"), display);
	json_obj_end(w);
}

/* --- codes -------------------------------------------------------------------------------------------------------------------- */

static const char *
map_code(const struct codemap *m, struct str stored)
{
	while (m->stored != NULL && !str_ieq(stored, str_of(m->stored)))
		m++;
	return m->code;
}

PUT(put_code)
{
	char number[24];
	(void)r, (void)n;
	if (cell_empty(c[0]))
		return false;
	const char *code = map_code(f->map, cell_text(c[0], number));
	if (code == NULL)
		return false;
	json_str(w, str_of(code));
	return true;
}

void
get_code(const struct field *f, const json_t *v, struct accept_sink *to)
{
	if (!json_is_string(v)) {
		to->refused = true;
		return;
	}
	struct str code = { json_string_value(v), json_string_length(v) };
	for (const struct codemap *m = f->map; m->stored != NULL; m++)
		if (m->code != NULL && str_eq(code, str_of(m->code))) {
			to->set(to, 0, str_of(m->stored));
			return;
		}
	to->set(to, 0, code); /* validation tells whether it may stand */
}

PUT(put_ext_code)
{
	char number[24];
	(void)r, (void)n;
	const char *code = cell_empty(c[0]) ? NULL : map_code(f->map, cell_text(c[0], number));
	if (code == NULL)
		return false;
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(f->arg));
	json_kv_str(w, STR("valueCode"), str_of(code));
	json_obj_end(w);
	return true;
}

void
get_ext_code(const struct field *f, const json_t *v, struct accept_sink *to)
{
	size_t i;
	const json_t *e;
	json_array_foreach(v, i, e)
	{
		const json_t *code = json_object_get(e, "valueCode");
		const char *url = json_string_value(json_object_get(e, "url"));
		if (url != NULL && str_eq(str_of(url), str_of(f->arg)) && json_is_string(code))
			get_code(f, code, to);
	}
}

/* --- people ------------------------------------------------------------------------------------------------------------------- */

PUT(put_narrative)
{
	char number[24];
	bool any = false;
	(void)r, (void)f;
	for (unsigned i = 0; i < n; i++)
		any = any || !cell_empty(c[i]);
	if (!any)
		return false;
	json_obj(w);
	json_kv_str(w, STR("status"), STR("generated"));
	json_key(w, STR("div"));
	/* escaped twice: as HTML for the narrative, as JSON for the member */
	char text[2048];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	buf_lit(&b, "<div xmlns=\"http://www.w3.org/1999/xhtml\"> <p>");
	bool first = true;
	for (unsigned i = 0; i < n; i++) {
		struct str part = cell_empty(c[i]) ? STR("") : cell_text(c[i], number);
		if (part.n > 0 && !first)
			buf_char(&b, ' ');
		html_put(&b, str_sub(part, 0, 160)); /* a narrative is a label, not the data */
		first = first && part.n == 0;
	}
	buf_lit(&b, "</p></div>");
	json_str(w, buf_str(&b));
	json_obj_end(w);
	return true;
}

enum { NAME_PREFIX, NAME_FIRST, NAME_MIDDLE, NAME_FAMILY, NAME_SUFFIX, NAME_END };

PUT(put_name)
{
	(void)r;
	if (cell_empty(c[NAME_FIRST]) && cell_empty(c[NAME_MIDDLE]) && cell_empty(c[NAME_FAMILY]))
		return false;
	json_obj(w);
	json_kv_str(w, STR("use"), str_of(f->arg));
	(void)member(w, STR("family"), c[NAME_FAMILY]);
	(void)members(w, STR("given"), &c[NAME_FIRST], 2);
	(void)members(w, STR("prefix"), &c[NAME_PREFIX], 1);
	(void)members(w, STR("suffix"), &c[NAME_SUFFIX], 1);
	if (n > NAME_END && !cell_empty(c[NAME_END])) {
		json_key(w, STR("period"));
		json_obj(w);
		json_kv_str(w, STR("end"), str_sub(c[NAME_END]->s, 0, 10));
		json_obj_end(w);
	}
	json_obj_end(w);
	return true;
}

static struct str
text_of(const json_t *v)
{
	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR_NULL;
}

static void
set_text(struct accept_sink *to, unsigned i, const json_t *v)
{
	if (json_is_string(v))
		to->set(to, i, text_of(v));
	else if (v != NULL)
		to->refused = true;
}

/* The first element of list whose member says value, or without that member. */
static const json_t *
element_with(const json_t *list, const char *name, const char *value)
{
	size_t i;
	const json_t *e;
	json_array_foreach(list, i, e)
	{
		const json_t *m = json_object_get(e, name);
		if (json_is_object(e) && (m == NULL || str_eq(text_of(m), str_of(value))))
			return e;
	}
	return NULL;
}

void
get_name(const struct field *f, const json_t *v, struct accept_sink *to)
{
	const json_t *e = element_with(v, "use", f->arg);
	if (!json_is_array(v)) {
		to->refused = true;
		return;
	}
	if (e == NULL)
		return;
	const json_t *given = json_object_get(e, "given");
	set_text(to, NAME_FAMILY, json_object_get(e, "family"));
	set_text(to, NAME_FIRST, json_array_get(given, 0));
	set_text(to, NAME_MIDDLE, json_array_get(given, 1));
	set_text(to, NAME_PREFIX, json_array_get(json_object_get(e, "prefix"), 0));
	set_text(to, NAME_SUFFIX, json_array_get(json_object_get(e, "suffix"), 0));
}

enum { AD_LINE1, AD_LINE2, AD_CITY, AD_DISTRICT, AD_STATE, AD_ZIP, AD_COUNTRY, AD_START, AD_END, AD_USE, AD_TYPE };

static void
use_and_type(struct json_write *w, const struct field *f, const struct db_cell *const *c, unsigned n)
{
	char a[24], b[24];
	struct str use = n > AD_USE && !cell_empty(c[AD_USE]) ? cell_text(c[AD_USE], a) : str_of(f->arg);
	struct str type = n > AD_TYPE && !cell_empty(c[AD_TYPE]) ? cell_text(c[AD_TYPE], b) : str_of(f->arg2);
	if (n > AD_END && !cell_empty(c[AD_END]))
		use = STR("old");
	if (use.n > 0)
		json_kv_str(w, STR("use"), use);
	if (type.n > 0)
		json_kv_str(w, STR("type"), type);
}

PUT(put_address)
{
	(void)r;
	if (cell_empty(c[AD_LINE1]) && cell_empty(c[AD_LINE2]) && cell_empty(c[AD_CITY]) && cell_empty(c[AD_STATE]) &&
	    cell_empty(c[AD_ZIP]))
		return false;
	json_obj(w);
	use_and_type(w, f, c, n);
	(void)members(w, STR("line"), &c[AD_LINE1], 2);
	(void)member(w, STR("city"), c[AD_CITY]);
	(void)member(w, STR("district"), c[AD_DISTRICT]);
	(void)member(w, STR("state"), c[AD_STATE]);
	(void)member(w, STR("postalCode"), c[AD_ZIP]);
	(void)member(w, STR("country"), c[AD_COUNTRY]);
	if (!cell_empty(c[AD_START]) || (n > AD_END && !cell_empty(c[AD_END]))) {
		json_key(w, STR("period"));
		json_obj(w);
		datetime_member(w, r, STR("start"), c[AD_START]);
		if (n > AD_END)
			datetime_member(w, r, STR("end"), c[AD_END]);
		json_obj_end(w);
	}
	json_obj_end(w);
	return true;
}

/* The last address that has not ended. */
void
get_address(const struct field *f, const json_t *v, struct accept_sink *to)
{
	const json_t *best = NULL, *e;
	size_t i;
	(void)f;
	if (!json_is_array(v)) {
		to->refused = true;
		return;
	}
	json_array_foreach(v, i, e)
	{
		if (json_object_get(json_object_get(e, "period"), "end") == NULL)
			best = e;
	}
	if (best == NULL)
		return;
	const json_t *line = json_object_get(best, "line");
	set_text(to, AD_LINE1, json_array_get(line, 0));
	set_text(to, AD_LINE2, json_array_get(line, 1));
	set_text(to, AD_CITY, json_object_get(best, "city"));
	set_text(to, AD_DISTRICT, json_object_get(best, "district"));
	set_text(to, AD_STATE, json_object_get(best, "state"));
	set_text(to, AD_ZIP, json_object_get(best, "postalCode"));
	set_text(to, AD_COUNTRY, json_object_get(best, "country"));
}

PUT(put_telecom)
{
	char number[24];
	bool any = false;
	(void)r;
	for (unsigned i = 0; i < n; i++)
		any = any || !cell_empty(c[i]);
	if (!any)
		return false;
	char text[512];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	for (unsigned i = 0; i < n; i++)
		buf_str_put(&b, cell_empty(c[i]) ? STR("") : cell_text(c[i], number));
	json_obj(w);
	json_kv_str(w, STR("system"), str_of(f->arg));
	json_kv_str(w, STR("value"), buf_str(&b));
	json_kv_str(w, STR("use"), str_of(f->arg2));
	json_obj_end(w);
	return true;
}

void
get_telecom(const struct field *f, const json_t *v, struct accept_sink *to)
{
	size_t i;
	const json_t *e;
	if (!json_is_array(v)) {
		to->refused = true;
		return;
	}
	json_array_foreach(v, i, e)
	{
		struct str use = text_of(json_object_get(e, "use"));
		if (str_eq(text_of(json_object_get(e, "system")), str_of(f->arg)) &&
		    (use.n == 0 || str_eq(use, str_of(f->arg2)))) {
			set_text(to, 0, json_object_get(e, "value"));
			return;
		}
	}
}

PUT(put_identifier)
{
	char number[24];
	(void)r, (void)n;
	if (cell_empty(c[0]))
		return false;
	json_obj(w);
	if (f->flags & F_OFFICIAL)
		json_kv_str(w, STR("use"), STR("official"));
	if (f->arg2 != NULL) {
		json_key(w, STR("type"));
		json_obj(w);
		json_key(w, STR("coding"));
		json_arr(w);
		coding(w, STR(SYSTEM_V2_0203), str_of(f->arg2), STR_NULL);
		json_arr_end(w);
		json_obj_end(w);
	}
	json_kv_str(w, STR("system"), str_of(f->arg));
	json_kv_str(w, STR("value"), cell_text(c[0], number));
	json_obj_end(w);
	return true;
}

/* By type code where the row has one, else by system. */
void
get_identifier(const struct field *f, const json_t *v, struct accept_sink *to)
{
	size_t i;
	const json_t *e;
	if (!json_is_array(v)) {
		to->refused = true;
		return;
	}
	json_array_foreach(v, i, e)
	{
		const json_t *type = json_array_get(json_object_get(json_object_get(e, "type"), "coding"), 0);
		struct str code = text_of(json_object_get(type, "code"));
		bool match = f->arg2 != NULL ? str_eq(code, str_of(f->arg2))
		                             : str_eq(text_of(json_object_get(e, "system")), str_of(f->arg));
		if (match) {
			set_text(to, 0, json_object_get(e, "value"));
			return;
		}
	}
}

PUT(put_reference)
{
	struct uuid u;
	char text[UUID_TEXT + 1], value[128];
	struct buf b = { .p = value, .cap = sizeof value, .max = sizeof value };
	(void)r, (void)n;
	if (c[0]->kind != DB_C_TEXT || c[0]->s.n != sizeof u.b)
		return false;
	memcpy(u.b, c[0]->s.p, sizeof u.b);
	uuid_text(&u, text);
	buf_str_put(&b, str_of(f->arg));
	buf_char(&b, '/');
	buf_put(&b, text, UUID_TEXT);
	json_obj(w);
	json_kv_str(w, STR("reference"), buf_str(&b));
	json_kv_str(w, STR("type"), str_of(f->arg));
	json_obj_end(w);
	return true;
}

/* --- concepts ----------------------------------------------------------------------------------------------------------------- */

PUT(put_concept)
{
	struct str code = str_of(f->arg2), rest = code;
	size_t space = str_find(code, ' ');
	(void)r, (void)c, (void)n;
	rest = str_skip(code, space + 1);
	json_obj(w);
	json_key(w, STR("coding"));
	json_arr(w);
	coding(w, str_of(f->arg), str_sub(code, 0, space), rest);
	json_arr_end(w);
	json_obj_end(w);
	return true;
}

/* {"language": CodeableConcept}: an option of a list, or "unknown" where there is none. */
PUT(put_list_concept)
{
	char number[24];
	const struct list_option *o =
	    cell_empty(c[0]) ? NULL : lists_find(r->lists, str_of(f->arg), cell_text(c[0], number));
	(void)n;
	json_obj(w);
	json_key(w, str_of(f->arg2));
	json_obj(w);
	json_key(w, STR("coding"));
	json_arr(w);
	if (o != NULL && o->notes.n > 0)
		coding(w, str_of(f->arg3), o->notes, o->title);
	else
		coding(w, STR(SYSTEM_ABSENT), STR("unknown"), STR("Unknown"));
	json_arr_end(w);
	if (o != NULL)
		json_kv_str(w, STR("text"), o->title);
	json_obj_end(w);
	json_obj_end(w);
	return true;
}

static void
omb_parts(struct json_write *w, struct str system, struct str code, struct str display)
{
	json_obj(w);
	json_kv_str(w, STR("url"), STR("ombCategory"));
	json_key(w, STR("valueCoding"));
	coding(w, system, code, display);
	json_obj_end(w);
}

/* US Core race and ethnicity: arg url, arg2 list. Race (arg3 "always") says unknown where nothing is stored. */
PUT(put_ext_omb)
{
	char number[24];
	struct str stored = cell_empty(c[0]) ? STR("") : cell_text(c[0], number);
	const struct list_option *o = lists_find(r->lists, str_of(f->arg2), stored);
	bool declined = str_starts(stored, STR("decline_to_spec")) || str_starts(stored, STR("declne_to_spec"));
	struct str text = declined ? STR("Asked but no answer") : o != NULL ? o->title : STR("Unknown");
	(void)n;
	if (f->arg3 == NULL && (stored.n == 0 || o == NULL))
		return false;
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(f->arg));
	json_key(w, STR("extension"));
	json_arr(w);
	if (declined)
		omb_parts(w, STR(SYSTEM_NULL_FLAVOR), STR("ASKU"), text);
	else if (o != NULL && o->notes.n > 0)
		omb_parts(w, STR(SYSTEM_OMB), o->notes, o->title);
	else if (f->arg3 != NULL)
		omb_parts(w, STR(SYSTEM_NULL_FLAVOR), STR("UNK"), STR("Unknown"));
	json_obj(w);
	json_kv_str(w, STR("url"), STR("text"));
	json_kv_str(w, STR("valueString"), text);
	json_obj_end(w);
	json_arr_end(w);
	json_obj_end(w);
	return true;
}

/* "SNOMED-CT:123" as a coding; the system of OpenEMR's code types that the lists use. */
static void
typed_coding(struct json_write *w, struct str codes, struct str title)
{
	static const struct {
		const char *type, *system;
	} systems[] = { { "SNOMED-CT", "http://snomed.info/sct" }, { "SNOMED", "http://snomed.info/sct" },
		{ "LOINC", "http://loinc.org" }, { "HL7", SYSTEM_NULL_FLAVOR }, { "NullFlavor", SYSTEM_NULL_FLAVOR },
		{ "DataAbsentReason", SYSTEM_ABSENT } };
	struct str one = str_sub(codes, 0, str_find(codes, ';')), system = STR_NULL;
	size_t colon = str_find(one, ':');
	struct str type = str_sub(one, 0, colon), code = colon < one.n ? str_skip(one, colon + 1) : one;
	for (size_t i = 0; colon < one.n && i < NITEMS(systems); i++)
		if (str_ieq(type, str_of(systems[i].type)))
			system = str_of(systems[i].system);
	if (code.n == 0)
		coding(w, STR(SYSTEM_NULL_FLAVOR), STR("UNK"), title);
	else
		coding(w, system, code, title);
}

PUT(put_ext_list)
{
	char number[24];
	struct str stored = cell_empty(c[0]) ? STR("") : cell_text(c[0], number);
	const struct list_option *o = lists_find(r->lists, str_of(f->arg2), stored);
	bool concept = str_eq(str_of(f->arg3), STR("valueCodeableConcept"));
	(void)n;
	if (o == NULL)
		return false;
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(f->arg));
	json_key(w, str_of(f->arg3));
	if (concept) {
		json_obj(w);
		json_key(w, STR("coding"));
		json_arr(w);
	}
	typed_coding(w, o->codes, o->title);
	if (concept) {
		json_arr_end(w);
		json_kv_str(w, STR("text"), o->title);
		json_obj_end(w);
	}
	json_obj_end(w);
	return true;
}
