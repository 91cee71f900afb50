/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rendering for the Standard API. */
#include "backends/sql/engine/render.h"

static void
number_text(struct json_write *w, const struct db_cell *c)
{
	char text[32];
	struct buf b;
	buf_init(&b, NULL, sizeof text, sizeof text);
	buf_i64(&b, c->i);
	json_str(w, buf_str(&b));
	buf_done(&b);
}

static void
cell_put(struct json_write *w, const struct db_cell *c, enum field_kind kind, bool strings)
{
	struct uuid u;
	char text[UUID_TEXT + 1];
	if (c->kind == DB_C_NULL || kind == F_NULL) {
		json_nil(w);
	} else if (kind == F_UUID && c->s.n == sizeof u.b) {
		memcpy(u.b, c->s.p, sizeof u.b);
		uuid_text(&u, text);
		json_str(w, (struct str){ text, UUID_TEXT });
	} else if (c->kind == DB_C_INT && strings) {
		number_text(w, c);
	} else if (c->kind == DB_C_INT) {
		json_i64(w, c->i);
	} else if (c->kind == DB_C_FLOAT) {
		json_f64(w, c->f);
	} else {
		json_str(w, c->s);
	}
}

void
render_row(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *const *children, bool strings)
{
	const struct rest_resource *r = plan->res;
	json_obj(w);
	for (size_t i = 0; i < r->n_fields; i++) {
		if (r->fields[i].kind == F_HIDDEN)
			continue;
		json_key(w, str_of(r->fields[i].name));
		cell_put(w, db_cell(rows, row, i + 1), r->fields[i].kind, strings); /* column 0 is the key */
	}
	if (r->fixup != NULL)
		r->fixup(w, plan, rows, row, children);
	json_obj_end(w);
}

void
envelope_begin(struct json_write *w)
{
	json_obj(w);
	json_key(w, STR("validationErrors"));
	json_raw(w, STR("[]"));
	json_key(w, STR("internalErrors"));
	json_raw(w, STR("[]"));
	json_key(w, STR("data"));
}

void
envelope_end(struct json_write *w, struct str links)
{
	if (links.p != NULL) {
		json_key(w, STR("links"));
		json_raw(w, links);
	}
	json_obj_end(w);
}

void
violation_add(struct violations *v, struct str field, struct str code, struct str text)
{
	if (v->n < VIOLATIONS_MAX && text.p != NULL)
		v->v[v->n++] = (struct violation){ field, code, text };
}

void
reply_violations(struct request *r, const struct violations *v, bool links)
{
	struct json_write w;
	reply_reset(&r->reply);
	r->reply.status = 400;
	r->reply.content_type = STR("application/json");
	json_begin(&w, &r->reply.body, JSON_PHP);
	json_obj(&w);
	json_key(&w, STR("validationErrors"));
	json_obj(&w);
	for (size_t i = 0; i < v->n; i++) {
		bool first = i == 0 || !str_eq(v->v[i].field, v->v[i - 1].field);
		bool last = i + 1 == v->n || !str_eq(v->v[i].field, v->v[i + 1].field);
		if (first) {
			json_key(&w, v->v[i].field);
			json_obj(&w);
		}
		json_kv_str(&w, v->v[i].code, v->v[i].text);
		if (last)
			json_obj_end(&w);
	}
	json_obj_end(&w);
	json_key(&w, STR("internalErrors"));
	json_raw(&w, STR("[]"));
	json_key(&w, STR("data"));
	json_raw(&w, STR("[]"));
	if (links) {
		json_key(&w, STR("links"));
		json_raw(&w, STR("[]"));
	}
	json_obj_end(&w);
	r->audit.reason = STR("validation");
}
