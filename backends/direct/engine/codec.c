/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of kinds, and the plain kinds that both dialects use. */
#include "backends/direct/engine/codec.h"

#include "gateway/base/date.h"
#include "gateway/base/uuid.h"
#include "gateway/base/zone.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATE_CHARS = 10, DATETIME_CHARS = 19 };

const struct db_cell cell_null = { .kind = DB_C_NULL };

bool
cell_empty(const struct db_cell *c)
{
	if (c->kind == DB_C_NULL)
		return true;
	return c->kind == DB_C_TEXT && (c->s.n == 0 || str_starts(c->s, STR("0000-00-00")));
}

struct str
cell_text(const struct db_cell *c, char number[24])
{
	int n = 0;
	if (c->kind == DB_C_TEXT)
		return c->s;
	if (c->kind == DB_C_INT)
		n = snprintf(number, 24, "%lld", (long long)c->i);
	else if (c->kind == DB_C_FLOAT)
		n = snprintf(number, 24, "%.15g", c->f);
	return (struct str){ number, (size_t)n };
}

int
cell_int(const struct db_cell *c, int64_t *out)
{
	if (c->kind == DB_C_TEXT)
		return str_to_i64(c->s, out);
	if (c->kind != DB_C_INT)
		return -1;
	*out = c->i;
	return 0;
}

bool
cell_datetime(const struct render *r, const struct db_cell *c, struct buf *out)
{
	int32_t minutes = 0;
	struct date d;
	if (c->kind != DB_C_TEXT || date_parse_sql(c->s, &d) != 0 || date_is_zero(&d))
		return false;
	d.precision = DATE_SECOND;
	d.has_offset = false;
	if (r->zone != NULL)
		minutes = zone_offset_local_s(r->zone, date_epoch_us(&d) / 1000000) / 60;
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", d.year, d.month, d.day, d.hour, d.minute, d.second,
	    minutes < 0 ? '-' : '+', abs(minutes) / 60, abs(minutes) % 60);
	return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------ */

#define PUT(fn)                                                                                                        \
	static bool fn(struct json_write *w, const struct render *r, const struct field *f,                            \
	    const struct db_cell *const *c, unsigned n)

/* NULL in the Standard API, nothing in FHIR. */
static bool
absent(struct json_write *w, const struct render *r)
{
	if (r->fhir)
		return false;
	json_nil(w);
	return true;
}

/* A number by the type of the contract, whatever the site stores. */
PUT(put_int)
{
	char number[24];
	int64_t v;
	(void)f, (void)n;
	if (c[0]->kind == DB_C_NULL)
		return absent(w, r);
	if (!r->strings && cell_int(c[0], &v) == 0)
		json_i64(w, v);
	else
		json_str(w, cell_text(c[0], number));
	return true;
}

PUT(put_float)
{
	char number[24];
	(void)f, (void)n;
	if (c[0]->kind == DB_C_NULL)
		return absent(w, r);
	if (!r->strings && c[0]->kind == DB_C_FLOAT)
		json_f64(w, c[0]->f);
	else if (!r->strings && c[0]->kind == DB_C_INT)
		json_i64(w, c[0]->i);
	else
		json_str(w, cell_text(c[0], number));
	return true;
}

PUT(put_text)
{
	char number[24];
	(void)f, (void)n;
	if (c[0]->kind == DB_C_NULL || (r->fhir && cell_empty(c[0])))
		return absent(w, r);
	json_str(w, cell_text(c[0], number));
	return true;
}

PUT(put_date)
{
	(void)f, (void)n;
	if (c[0]->kind != DB_C_TEXT || (r->fhir && cell_empty(c[0])))
		return absent(w, r);
	json_str(w, str_sub(c[0]->s, 0, DATE_CHARS));
	return true;
}

PUT(put_datetime)
{
	char text[40];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	(void)f, (void)n;
	if (c[0]->kind != DB_C_TEXT)
		return absent(w, r);
	if (r->fhir) {
		if (!cell_datetime(r, c[0], &b))
			return false;
		json_str(w, buf_str(&b));
		return true;
	}
	if (c[0]->s.n == DATE_CHARS) { /* the site stores DATE where the contract has DATETIME */
		buf_str_put(&b, c[0]->s);
		buf_lit(&b, " 00:00:00");
		json_str(w, buf_str(&b));
	} else {
		json_str(w, str_sub(c[0]->s, 0, DATETIME_CHARS));
	}
	return true;
}

PUT(put_uuid)
{
	struct uuid u;
	char text[UUID_TEXT + 1];
	(void)f, (void)n;
	if (c[0]->kind != DB_C_TEXT || c[0]->s.n != sizeof u.b)
		return absent(w, r);
	memcpy(u.b, c[0]->s.p, sizeof u.b);
	uuid_text(&u, text);
	json_str(w, (struct str){ text, UUID_TEXT });
	return true;
}

PUT(put_bool)
{
	int64_t v = 0;
	(void)n;
	if (c[0]->kind == DB_C_NULL)
		return absent(w, r);
	if (cell_int(c[0], &v) != 0)
		v = !cell_empty(c[0]);
	json_bool(w, (v != 0) != (f->arg != NULL));
	return true;
}

PUT(put_const)
{
	(void)r, (void)c, (void)n;
	json_raw(w, str_of(f->arg));
	return true;
}

PUT(put_hidden)
{
	(void)f, (void)c, (void)n;
	return absent(w, r);
}

/* What the option in the column has there: title, codes, notes, or (LIST_ID) its own id. */
PUT(put_list)
{
	char number[24];
	struct str id = cell_text(c[0], number);
	const struct list_option *o = lists_find(r->lists, str_of(f->arg), id);
	(void)n;
	if (o == NULL)
		return absent(w, r);
	json_str(w, f->kind == K_LIST_TITLE   ? o->title
	            : f->kind == K_LIST_CODES ? o->codes
	            : f->kind == K_LIST_NOTES ? o->notes
	                                      : id);
	return true;
}

PUT(put_fixup)
{
	(void)n;
	return f->fixup(w, r, c) || absent(w, r);
}

/* --- reading ------------------------------------------------------------------------------------------------------------------ */

/* What PHP's bound parameters make of a JSON value: null and false become '', true 1, numbers their text. */
static void
get_plain(const struct field *f, const json_t *v, struct accept_sink *to)
{
	char number[40];
	int n = 0;
	(void)f;
	switch (json_typeof(v)) {
	case JSON_STRING:
		to->set(to, 0, (struct str){ json_string_value(v), json_string_length(v) });
		return;
	case JSON_INTEGER:
		n = snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		n = snprintf(number, sizeof number, "%.15g", json_real_value(v));
		break;
	case JSON_TRUE:
		n = snprintf(number, sizeof number, "1");
		break;
	case JSON_FALSE:
	case JSON_NULL:
		to->set(to, 0, STR_NULL);
		return;
	case JSON_OBJECT:
	case JSON_ARRAY:
		to->refused = true;
		return;
	}
	struct str text = arena_str(to->arena, (struct str){ number, (size_t)n });
	to->set(to, 0, text.p == NULL ? STR("") : text);
}

static void
get_bool(const struct field *f, const json_t *v, struct accept_sink *to)
{
	if (!json_is_boolean(v))
		to->refused = true;
	else
		to->set(to, 0, json_is_true(v) != (f->arg != NULL) ? STR("1") : STR("0"));
}

/* --- the table ---------------------------------------------------------------------------------------------------------------- */

static const struct codec codecs[K_N] = {
	[K_INT] = { "INT", 1, 1, put_int, get_plain },
	[K_FLOAT] = { "FLOAT", 1, 1, put_float, get_plain },
	[K_TEXT] = { "TEXT", 1, 1, put_text, get_plain },
	[K_DATE] = { "DATE", 1, 1, put_date, get_plain },
	[K_DATETIME] = { "DATETIME", 1, 1, put_datetime, get_plain },
	[K_UUID] = { "UUID", 1, 1, put_uuid, NULL },
	[K_BOOL] = { "BOOL", 1, 1, put_bool, get_bool },
	[K_CONST] = { "CONST", 0, 0, put_const, NULL },
	[K_HIDDEN] = { "HIDDEN", 1, 1, put_hidden, NULL },
	[K_LIST_TITLE] = { "LIST_TITLE", 1, 1, put_list, NULL },
	[K_LIST_CODES] = { "LIST_CODES", 1, 1, put_list, NULL },
	[K_LIST_NOTES] = { "LIST_NOTES", 1, 1, put_list, NULL },
	[K_LIST_ID] = { "LIST_ID", 1, 1, put_list, NULL },
	[K_OBJECT] = { "OBJECT", 0, 0, NULL, NULL },     /* render.c */
	[K_CHILDREN] = { "CHILDREN", 0, 1, NULL, NULL }, /* render.c */
	[K_KEYED] = { "KEYED", 0, 0, NULL, NULL },       /* render.c */
	[K_FIXUP] = { "FIXUP", 0, 8, put_fixup, get_plain },
	[K_CODE] = { "CODE", 1, 1, put_code, get_code },
	[K_NARRATIVE] = { "NARRATIVE", 1, 2, put_narrative, NULL },
	[K_NAME] = { "NAME", 5, 6, put_name, get_name },
	[K_ADDRESS] = { "ADDRESS", 8, FIELD_COLS_MAX, put_address, get_address },
	[K_TELECOM] = { "TELECOM", 1, 4, put_telecom, get_telecom },
	[K_IDENTIFIER] = { "IDENTIFIER", 1, 1, put_identifier, get_identifier },
	[K_REFERENCE] = { "REFERENCE", 1, 1, put_reference, NULL },
	[K_CONCEPT] = { "CONCEPT", 0, 0, put_concept, NULL },
	[K_LIST_CONCEPT] = { "LIST_CONCEPT", 1, 1, put_list_concept, NULL },
	[K_EXT_CODE] = { "EXT_CODE", 1, 1, put_ext_code, get_ext_code },
	[K_EXT_OMB] = { "EXT_OMB", 1, 1, put_ext_omb, NULL },
	[K_EXT_LIST] = { "EXT_LIST", 1, 1, put_ext_list, NULL },
};

const struct codec *
codec_of(enum kind k)
{
	CHECK(k < K_N);
	return &codecs[k];
}
