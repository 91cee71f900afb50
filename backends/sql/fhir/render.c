/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements into JSON, straight from the cells of a row; absent elements are left out, arrays are opened by their first item. */
#include "backends/sql/fhir/fhir.h"
#include "gateway/base/date.h"
#include "gateway/base/text.h"

enum { TEXT_MAX = 4096 };

struct out {
	struct json_write *w;
	const struct request *r;
	const struct db_result *rows;
	size_t row;
	unsigned first; /* column of the element's first text */
	const struct element *el;
	const char *open; /* array that is open; NULL none */
};

static const struct db_cell *
cell(const struct out *o, unsigned i)
{
	return db_cell(o->rows, o->row, o->first + i);
}

static struct str
text(const struct out *o, unsigned i)
{
	return cell(o, i)->s;
}

/* The element's key: for arrays once, before the first item. */
static void
begin(struct out *o)
{
	if (!o->el->array) {
		json_key(o->w, str_of(o->el->name));
		return;
	}
	if (o->open != NULL)
		return;
	json_key(o->w, str_of(o->el->name));
	json_arr(o->w);
	o->open = o->el->name;
}

static struct str
arg_part(const struct out *o, unsigned i)
{
	struct str rest = str_of(o->el->arg), part;
	for (; rest.p != NULL; i--) {
		size_t n = str_find(rest, '|');
		part = str_sub(rest, 0, n);
		if (i == 0)
			return part;
		if (n == rest.n)
			break;
		rest = str_skip(rest, n + 1);
	}
	return STR_NULL;
}

static void
opt(struct json_write *w, const char *name, struct str v)
{
	if (v.n > 0)
		json_kv_str(w, str_of(name), v);
}

static void
coding(struct json_write *w, struct str system, struct str code, struct str display)
{
	json_obj(w);
	opt(w, "system", system);
	opt(w, "code", code);
	opt(w, "display", display);
	json_obj_end(w);
}

static void
put_narrative(struct out *o)
{
	struct buf b;
	if (text(o, 0).n == 0 && text(o, 1).n == 0)
		return;
	begin(o);
	buf_init(&b, o->r->task.arena, 256, TEXT_MAX);
	buf_lit(&b, "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>");
	html_put(&b, text(o, 0));
	if (text(o, 0).n > 0 && text(o, 1).n > 0)
		buf_char(&b, ' ');
	html_put(&b, text(o, 1));
	buf_lit(&b, "</p></div>");
	json_obj(o->w);
	json_kv_str(o->w, STR("status"), STR("generated"));
	json_kv_str(o->w, STR("div"), buf_str(&b));
	json_obj_end(o->w);
}

static void
put_identifier(struct out *o)
{
	struct json_write *w = o->w;
	if (text(o, 0).n == 0)
		return;
	begin(o);
	json_obj(w);
	opt(w, "use", arg_part(o, 1));
	if (arg_part(o, 2).n > 0) {
		json_key(w, STR("type"));
		json_obj(w);
		json_key(w, STR("coding"));
		json_arr(w);
		coding(w, STR("http://terminology.hl7.org/CodeSystem/v2-0203"), arg_part(o, 2), STR_NULL);
		json_arr_end(w);
		json_obj_end(w);
	}
	opt(w, "system", arg_part(o, 0));
	json_kv_str(w, STR("value"), text(o, 0));
	json_obj_end(w);
}

static void
texts_array(struct json_write *w, const char *name, struct str one, struct str two)
{
	if (one.n == 0 && two.n == 0)
		return;
	json_key(w, str_of(name));
	json_arr(w);
	if (one.n > 0)
		json_str(w, one);
	if (two.n > 0)
		json_str(w, two);
	json_arr_end(w);
}

static void
put_name(struct out *o)
{
	struct json_write *w = o->w;
	if (text(o, 1).n == 0 && text(o, 3).n == 0)
		return;
	begin(o);
	json_obj(w);
	opt(w, "use", arg_part(o, 0));
	opt(w, "family", text(o, 3));
	texts_array(w, "given", text(o, 1), text(o, 2));
	texts_array(w, "prefix", text(o, 0), STR_NULL);
	texts_array(w, "suffix", text(o, 4), STR_NULL);
	json_obj_end(w);
}

static void
put_telecom(struct out *o)
{
	if (text(o, 0).n == 0)
		return;
	begin(o);
	json_obj(o->w);
	json_kv_str(o->w, STR("system"), arg_part(o, 0));
	json_kv_str(o->w, STR("value"), text(o, 0));
	json_kv_str(o->w, STR("use"), arg_part(o, 1));
	json_obj_end(o->w);
}

static void
put_address(struct out *o)
{
	static const char *const members[] = { "city", "district", "state", "postalCode", "country" };
	struct json_write *w = o->w;
	bool any = false;
	for (unsigned i = 0; i < 6; i++) /* a country alone is no address */
		any |= text(o, i).n > 0;
	if (!any)
		return;
	begin(o);
	json_obj(w);
	opt(w, "use", arg_part(o, 0));
	texts_array(w, "line", text(o, 0), text(o, 1));
	for (unsigned i = 0; i < NITEMS(members); i++)
		opt(w, members[i], text(o, i + 2));
	json_obj_end(w);
}

static void
put_org_type(struct out *o)
{
	begin(o);
	json_obj(o->w);
	json_key(o->w, STR("coding"));
	json_arr(o->w);
	coding(o->w, STR("http://terminology.hl7.org/CodeSystem/organization-type"), arg_part(o, 0), arg_part(o, 1));
	json_arr_end(o->w);
	json_obj_end(o->w);
}

static void
put_date(struct out *o)
{
	struct date d;
	struct buf b;
	if (date_parse_sql(text(o, 0), &d) != 0 || date_is_zero(&d))
		return;
	begin(o);
	buf_init(&b, o->r->task.arena, 16, 32);
	buf_printf(&b, "%04d-%02d-%02d", d.year, d.month, d.day);
	json_str(o->w, buf_str(&b));
}

static struct str
instant(struct arena *a, struct str sql)
{
	struct date d;
	struct buf b;
	if (date_parse_sql(sql, &d) != 0 || date_is_zero(&d))
		return STR_NULL;
	d.has_offset = true;
	d.precision = DATE_SECOND;
	buf_init(&b, a, 32, 64);
	date_put_iso(&b, &d);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static void
put_deceased(struct out *o)
{
	struct str when = instant(o->r->task.arena, text(o, 0));
	if (when.p != NULL)
		json_kv_str(o->w, STR("deceasedDateTime"), when);
	else
		json_kv_bool(o->w, STR("deceasedBoolean"), false);
}

static void
put_gender(struct out *o)
{
	struct str sex = text(o, 0);
	if (sex.n == 0)
		return;
	begin(o);
	json_str(o->w, str_ieq(sex, STR("male"))                                  ? STR("male")
	               : str_ieq(sex, STR("female"))                              ? STR("female")
	               : str_ieq(sex, STR("unk")) || str_ieq(sex, STR("unknown")) ? STR("unknown")
	                                                                          : STR("other"));
}

static void
put_birthsex(struct out *o)
{
	struct str sex = text(o, 0);
	if (sex.n == 0)
		return;
	begin(o);
	json_obj(o->w);
	json_kv_str(o->w, STR("url"), str_of(o->el->arg));
	json_kv_str(o->w, STR("valueCode"),
	    str_ieq(sex, STR("male"))     ? STR("M")
	    : str_ieq(sex, STR("female")) ? STR("F")
	                                  : STR("UNK"));
	json_obj_end(o->w);
}

/* US Core race and ethnicity: ombCategory from the list's code, text from its title. An option of the site's own has no code. */
static void
put_omb(struct out *o)
{
	struct json_write *w = o->w;
	if (text(o, 1).n == 0)
		return;
	begin(o);
	json_obj(w);
	json_kv_str(w, STR("url"), str_of(o->el->arg));
	json_key(w, STR("extension"));
	json_arr(w);
	if (text(o, 2).n > 0) {
		json_obj(w);
		json_kv_str(w, STR("url"), STR("ombCategory"));
		json_key(w, STR("valueCoding"));
		coding(w, STR("urn:oid:2.16.840.1.113883.6.238"), text(o, 2), text(o, 1));
		json_obj_end(w);
	}
	json_obj(w);
	json_kv_str(w, STR("url"), STR("text"));
	json_kv_str(w, STR("valueString"), text(o, 1));
	json_obj_end(w);
	json_arr_end(w);
	json_obj_end(w);
}

static void
put_language(struct out *o)
{
	struct json_write *w = o->w;
	if (text(o, 1).n == 0)
		return;
	begin(o);
	json_obj(w);
	json_key(w, STR("language"));
	json_obj(w);
	if (text(o, 2).n > 0) {
		json_key(w, STR("coding"));
		json_arr(w);
		coding(w, STR("urn:ietf:bcp:47"), text(o, 2), text(o, 1));
		json_arr_end(w);
	}
	json_kv_str(w, STR("text"), text(o, 1));
	json_obj_end(w);
	json_obj_end(w);
}

static void
put_reference(struct out *o)
{
	struct uuid u;
	char id[UUID_TEXT + 1];
	if (text(o, 0).n != sizeof u.b)
		return;
	memcpy(u.b, text(o, 0).p, sizeof u.b);
	uuid_text(&u, id);
	begin(o);
	json_obj(o->w);
	json_kv_str(o->w, STR("reference"), arena_printf(o->r->task.arena, "%s/%s", o->el->arg, id));
	json_obj_end(o->w);
}

static void
put_string(struct out *o)
{
	if (text(o, 0).n == 0)
		return;
	begin(o);
	json_str(o->w, text(o, 0));
}

static void
put_true(struct out *o)
{
	begin(o);
	json_bool(o->w, true);
}

static void
put_active(struct out *o)
{
	if (cell(o, 0)->kind == DB_C_NULL)
		return;
	begin(o);
	json_bool(o->w, cell(o, 0)->i == 1);
}

static void (*const writers[])(struct out *) = {
	[E_TEXT_NAME] = put_narrative,
	[E_TRUE] = put_true,
	[E_ACTIVE] = put_active,
	[E_STRING] = put_string,
	[E_DATE] = put_date,
	[E_DECEASED] = put_deceased,
	[E_GENDER] = put_gender,
	[E_IDENTIFIER] = put_identifier,
	[E_HUMAN_NAME] = put_name,
	[E_TELECOM] = put_telecom,
	[E_ADDRESS] = put_address,
	[E_ORG_TYPE] = put_org_type,
	[E_BIRTHSEX] = put_birthsex,
	[E_OMB] = put_omb,
	[E_LANGUAGE] = put_language,
	[E_REFERENCE] = put_reference,
};

/* Columns 0 and 1 of a row are its uuid and lastUpdated. */
void
fhir_render(struct json_write *w, const struct request *r, const struct fhir_plan *plan, const struct db_result *rows,
    size_t row)
{
	struct out o = { .w = w, .r = r, .rows = rows, .row = row };
	struct uuid u = { { 0 } };
	char id[UUID_TEXT + 1];
	struct str key = db_cell(rows, row, 0)->s, updated = instant(r->task.arena, db_cell(rows, row, 1)->s);
	memcpy(u.b, key.p, MIN(key.n, sizeof u.b));
	uuid_text(&u, id);
	json_obj(w);
	json_kv_str(w, STR("resourceType"), str_of(plan->res->name));
	json_kv_str(w, STR("id"), (struct str){ id, UUID_TEXT });
	json_key(w, STR("meta"));
	json_obj(w);
	json_kv_str(w, STR("versionId"), STR("1"));
	opt(w, "lastUpdated", updated);
	json_key(w, STR("profile"));
	json_arr(w);
	json_str(w, str_of(plan->res->profile));
	json_arr_end(w);
	json_obj_end(w);
	for (size_t i = 0; i < plan->res->n_elements; i++) {
		o.el = &plan->res->elements[i];
		o.first = plan->first[i];
		if (o.open != NULL && strcmp(o.open, o.el->name) != 0) {
			json_arr_end(w);
			o.open = NULL;
		}
		writers[o.el->kind](&o);
	}
	if (o.open != NULL)
		json_arr_end(w);
	json_obj_end(w);
}
