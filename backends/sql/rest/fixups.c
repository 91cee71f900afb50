/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rows cannot say, as short named functions. */
#include "backends/sql/rest/rest.h"

/* --- patient: suffix hidden in the last name, previous names, addresses ------------------------------------------------------ */

static struct str
cell_text(const struct rest_plan *plan, const struct db_result *rows, size_t row, const char *field)
{
	int i = plan_field(plan, str_of(field));
	return i < 0 ? STR_NULL : db_cell(rows, row, (size_t)i + 1)->s;
}

static bool
same_owner(const struct db_result *rows, size_t row, const struct db_result *child, size_t i)
{
	return str_eq(db_cell(rows, row, 0)->s, db_cell(child, i, 0)->s);
}

static void
text_put(struct json_write *w, const char *name, struct str s)
{
	json_kv_str(w, str_of(name), s.p == NULL ? STR("") : s);
}

/* formatted_name: the non-empty parts joined by one space. */
static void
formatted_name(struct json_write *w, const struct db_result *names, size_t i)
{
	static const unsigned order[] = { 2, 1, 3, 4, 5, 6 }; /* prefix first middle last suffix enddate */
	struct buf b;
	buf_init(&b, NULL, 128, 4096);
	for (size_t k = 0; k < NITEMS(order); k++) {
		struct str part = db_cell(names, i, order[k])->s;
		if (part.n == 0)
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, part);
	}
	json_kv_str(w, STR("formatted_name"), b.n > 0 ? buf_str(&b) : STR(""));
	buf_done(&b);
}

static void
previous_names(struct json_write *w, const struct db_result *rows, size_t row, const struct db_result *names)
{
	static const char *const members[] = { "previous_name_first", "previous_name_prefix", "previous_name_middle",
		"previous_name_last", "previous_name_suffix", "previous_name_enddate" };
	json_key(w, STR("previous_names"));
	json_arr(w);
	for (size_t i = 0; names != NULL && i < names->n_rows; i++) {
		if (!same_owner(rows, row, names, i))
			continue;
		json_obj(w);
		for (size_t k = 0; k < NITEMS(members); k++)
			json_kv_str(w, str_of(members[k]), db_cell(names, i, k + 1)->s);
		formatted_name(w, names, i);
		json_obj_end(w);
	}
	json_arr_end(w);
}

/* Element 0 comes from patient_data itself. */
static void
own_address(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row)
{
	json_obj(w);
	json_kv_str(w, STR("id"), STR_NULL);
	json_kv_str(w, STR("contact_id"), STR_NULL);
	json_kv_str(w, STR("contact_address_id"), STR_NULL);
	json_kv_str(w, STR("period_start"), cell_text(plan, rows, row, "date"));
	json_kv_str(w, STR("period_end"), STR_NULL);
	json_kv_str(w, STR("type"), STR("both"));
	json_kv_str(w, STR("use"), STR("home"));
	json_kv_i64(w, STR("priority"), 0);
	text_put(w, "line1", cell_text(plan, rows, row, "street"));
	text_put(w, "line2", cell_text(plan, rows, row, "street_line_2"));
	text_put(w, "city", cell_text(plan, rows, row, "city"));
	text_put(w, "district", cell_text(plan, rows, row, "county"));
	text_put(w, "state", cell_text(plan, rows, row, "state"));
	text_put(w, "postal_code", cell_text(plan, rows, row, "postal_code"));
	text_put(w, "country_code", cell_text(plan, rows, row, "country_code"));
	json_obj_end(w);
}

static void
addresses(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *list)
{
	static const char *const texts[] = { "period_start", "period_end", "type", "use" };
	static const char *const places[] = { "line1", "line2", "city", "district", "state", "postal_code",
		"country_code" };
	json_key(w, STR("addresses"));
	json_arr(w);
	own_address(w, plan, rows, row);
	for (size_t i = 0; list != NULL && i < list->n_rows; i++) {
		if (!same_owner(rows, row, list, i))
			continue;
		json_obj(w);
		json_kv_i64(w, STR("id"), db_cell(list, i, 1)->i);
		json_kv_i64(w, STR("contact_id"), db_cell(list, i, 2)->i);
		json_kv_i64(w, STR("contact_address_id"), db_cell(list, i, 3)->i);
		for (size_t k = 0; k < NITEMS(texts); k++)
			json_kv_str(w, str_of(texts[k]), db_cell(list, i, 4 + k)->s);
		json_kv_i64(w, STR("priority"), 0);
		for (size_t k = 0; k < NITEMS(places); k++)
			text_put(w, places[k], db_cell(list, i, 8 + k)->s);
		json_obj_end(w);
	}
	json_arr_end(w);
}

void
patient_fixup(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *const *children)
{
	previous_names(w, rows, row, children[0]);
	addresses(w, plan, rows, row, children[1]);
}
