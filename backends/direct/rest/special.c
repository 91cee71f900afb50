/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /api/version and /api/product. */
#include "backends/direct/rest/special.h"

struct special {
	struct request *r;
	struct db_result *rows;
};

static const struct db_stmt sql_version = {
	.name = "version",
	.sql = "SELECT v.v_major, v.v_minor, v.v_patch, v.v_realpatch, v.v_tag, v.v_database, v.v_acl FROM version v "
	       "LIMIT 1",
};
static const struct db_stmt sql_product = {
	.name = "product_registration",
	.sql = "SELECT p.email, p.opt_out FROM product_registration p LIMIT 1",
};

static void
reply_begin(struct request *r, struct json_write *w)
{
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	json_begin(w, &r->reply.body, JSON_PHP_HEX);
	json_obj(w);
}

static enum step
failed(struct special *s)
{
	return s->rows->status == DB_REFUSED ? request_refuse(s->r, REPLY_NO_ROUTE)
	                                     : request_unavailable(s->r, "database");
}

const struct field version_fields[VERSION_FIELDS] = { { "v_major", K_INT, NULL }, { "v_minor", K_INT, NULL },
	{ "v_patch", K_INT, NULL }, { "v_realpatch", K_INT, NULL }, { "v_tag", K_TEXT, NULL },
	{ "v_database", K_INT, NULL }, { "v_acl", K_INT, NULL } };
const struct field product_fields[PRODUCT_FIELDS] = { { "status", K_TEXT, NULL } };

/* 6.x and 7.x answer the numbers as strings (golden-7.0 109). */
static enum step
version_answer(struct task *t)
{
	struct special *s = task_frame(t);
	struct render render = { .strings = s->r->site->compat == COMPAT_CLASSIC };
	struct json_write w;
	if (s->rows->status != DB_OK)
		return failed(s);
	if (s->rows->n_rows == 0)
		return request_refuse(s->r, REPLY_NOT_FOUND);
	reply_begin(s->r, &w);
	for (size_t i = 0; i < VERSION_FIELDS; i++) {
		const struct db_cell *cell = db_cell(s->rows, 0, i);
		json_key(&w, str_of(version_fields[i].name));
		(void)codec_of(version_fields[i].kind)->put(&w, &render, &version_fields[i], &cell, 1);
	}
	json_obj_end(&w);
	return STEP_REPLY;
}

/* No row, or nobody decided: UNREGISTERED. */
static enum step
product_answer(struct task *t)
{
	struct special *s = task_frame(t);
	struct str status = STR("UNREGISTERED");
	struct json_write w;
	if (s->rows->status != DB_OK)
		return failed(s);
	if (s->rows->n_rows > 0 && db_cell(s->rows, 0, 1)->kind != DB_C_NULL) {
		if (db_cell(s->rows, 0, 1)->i == 1)
			status = STR("OPT_OUT");
		else if (!cell_empty(db_cell(s->rows, 0, 0)))
			status = STR("REGISTERED");
	}
	reply_begin(s->r, &w);
	json_kv_str(&w, STR("status"), status);
	json_obj_end(&w);
	return STEP_REPLY;
}

static enum step
version_ask(struct task *t)
{
	struct special *s = task_frame(t);
	return db_query(t, s->r->site->db, &sql_version, NULL, 0, &s->rows);
}

static enum step
product_ask(struct task *t)
{
	struct special *s = task_frame(t);
	return db_query(t, s->r->site->db, &sql_product, NULL, 0, &s->rows);
}

static STEP_TABLE(version_table, 0, { "ask", version_ask }, { "answer", version_answer });
static STEP_TABLE(product_table, 0, { "ask", product_ask }, { "answer", product_answer });

static enum step
push(struct request *r, const struct step_table *table)
{
	struct special *s = ARENA_NEW(r->task.arena, struct special);
	if (s == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	s->r = r;
	return task_push(&r->task, table, s);
}

enum step
special_version(struct request *r, struct direct *d)
{
	(void)d;
	return push(r, &version_table);
}

enum step
special_product(struct request *r, struct direct *d)
{
	(void)d;
	return push(r, &product_table);
}
