/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON program. An element that turns out empty leaves no trace: the writer and the buffer are put back. */
#include "backends/direct/engine/render.h"

#include "gateway/base/date.h"
#include "gateway/base/zone.h"

struct pass {
	struct json_write *w;
	const struct render *r;
	const struct plan_source *ps;
	const struct db_cell *row;
	const struct child_rows *children;
};
struct mark {
	struct json_write w;
	size_t n;
};

static struct mark
mark_set(const struct json_write *w)
{
	return (struct mark){ *w, w->out->n };
}

static void
mark_back(struct json_write *w, const struct mark *m)
{
	*w = m->w;
	if (buf_ok(w->out))
		w->out->n = m->n;
}

static bool members(struct pass *p, const struct plan_op *ops, unsigned n, const struct db_cell *row);

static bool
value_put(struct pass *p, const struct plan_op *op, const struct db_cell *row)
{
	if (op->n_cols <= 1) { /* most are */
		const struct db_cell *one[] = { op->n_cols == 0            ? NULL
			                        : op->slot[0] == SLOT_NONE ? &cell_null
			                                                   : &row[op->slot[0]],
			NULL };
		return op->codec->put(p->w, p->r, op->f, one, op->n_cols);
	}
	const struct db_cell *cells[FIELD_COLS_MAX + 1]; /* NULL behind the last */
	for (unsigned i = 0; i < op->n_cols; i++)
		cells[i] = op->slot[i] == SLOT_NONE ? &cell_null : &row[op->slot[i]];
	cells[op->n_cols] = NULL;
	if ((op->f->flags & F_SPARSE) && cells[op->n_cols - 1]->kind == DB_C_NULL)
		return false;
	return op->codec->put(p->w, p->r, op->f, cells, op->n_cols);
}

static bool
object_put(struct pass *p, const struct plan_op *ops, unsigned n, const struct db_cell *row)
{
	struct mark before = mark_set(p->w);
	json_obj(p->w);
	if (!members(p, ops, n, row) && p->r->fhir) {
		mark_back(p->w, &before);
		return false;
	}
	json_obj_end(p->w);
	return true;
}

static bool
same_cell(const struct db_cell *a, const struct db_cell *b)
{
	return a->kind == b->kind && (a->kind == DB_C_INT ? a->i == b->i : a->kind == DB_C_TEXT && str_eq(a->s, b->s));
}

/* Elements of the array that is open: one per row of the child's table; in the row of another child, those that are within it. */
static bool
children_put(struct pass *p, const struct plan_op *op, const struct db_cell *in)
{
	CHECK(op->f->arg_n < p->ps->n_children);
	const struct plan_child *pc = &p->ps->children[op->f->arg_n];
	const struct child_rows *c = &p->children[op->f->arg_n];
	bool any = false;
	for (size_t i = c->from; c->rows != NULL && i < c->to; i++) {
		const struct db_cell *row = db_cell(c->rows, i, 0);
		if (op->n_cols > 0 && (op->slot[0] == SLOT_NONE || pc->within == SLOT_NONE ||
		                          !same_cell(&in[op->slot[0]], &row[pc->within])))
			continue;
		bool plain = pc->n_ops == 1 && pc->ops[0].f->name == NULL;
		bool wrote = plain ? value_put(p, &pc->ops[0], row) : object_put(p, pc->ops, pc->n_ops, row);
		any = any || wrote;
	}
	return any;
}

/* An object of the child's rows, each under its member arg. */
static bool
keyed_put(struct pass *p, const struct plan_op *op)
{
	CHECK(op->f->arg_n < p->ps->n_children);
	const struct plan_child *pc = &p->ps->children[op->f->arg_n];
	const struct child_rows *c = &p->children[op->f->arg_n];
	char number[24];
	unsigned k = 0;
	while (k < pc->n_ops && strcmp(pc->ops[k].f->name, op->f->arg) != 0)
		k++;
	if (c->rows == NULL || c->from >= c->to || k == pc->n_ops || pc->ops[k].slot[0] == SLOT_NONE)
		return false;
	json_obj(p->w);
	for (size_t i = c->from; i < c->to; i++) {
		const struct db_cell *row = db_cell(c->rows, i, 0);
		json_key(p->w, cell_text(&row[pc->ops[k].slot[0]], number));
		(void)object_put(p, pc->ops, pc->n_ops, row);
	}
	json_obj_end(p->w);
	return true;
}

static bool
element_put(struct pass *p, const struct plan_op *op, const struct db_cell *row)
{
	if (op->f->kind == K_OBJECT)
		return object_put(p, op->sub, op->n_sub, row);
	if (op->f->kind == K_CHILDREN)
		return children_put(p, op, row);
	if (op->f->kind == K_KEYED)
		return keyed_put(p, op);
	return value_put(p, op, row);
}

/* The rows of one array, from its first to its last; *next is the op behind. */
static bool
list_put(struct pass *p, const struct plan_op *op, const struct db_cell *row, const struct plan_op **next)
{
	struct mark before = mark_set(p->w);
	bool any = false;
	json_key_raw(p->w, op->key);
	json_arr(p->w);
	for (;; op++) {
		any = element_put(p, op, row) || any;
		if (op->list_end)
			break;
	}
	json_arr_end(p->w);
	*next = op + 1;
	if (any || !p->r->fhir)
		return true;
	mark_back(p->w, &before);
	return false;
}

/* A text as the Standard API has it, NULL as null, with its key: most members of most lists. False: another way is due. */
static bool
text_member_put(const struct pass *p, const struct plan_op *op, const struct db_cell *row)
{
	if (op->f->kind != K_TEXT || p->r->fhir || op->n_cols != 1)
		return false;
	const struct db_cell *c = op->slot[0] == SLOT_NONE ? &cell_null : &row[op->slot[0]];
	if (c->kind != DB_C_TEXT && c->kind != DB_C_NULL)
		return false;
	json_member_raw(p->w, op->key, c->s);
	return true;
}

static bool
members(struct pass *p, const struct plan_op *ops, unsigned n, const struct db_cell *row)
{
	const struct plan_op *op = ops, *end = ops + n;
	bool any = false;
	while (op < end) {
		if (op->list_begin) {
			any = list_put(p, op, row, &op) || any;
			continue;
		}
		if (text_member_put(p, op, row)) {
			any = true;
			op++;
			continue;
		}
		struct mark before = mark_set(p->w);
		json_key_raw(p->w, op->key);
		if (element_put(p, op, row))
			any = true;
		else
			mark_back(p->w, &before);
		op++;
	}
	return any;
}

/* --- FHIR: what every resource begins with -------------------------------------------------------------------------------------- */

static const struct db_cell *
updated_cell(const struct plan_source *ps, const struct db_cell *row)
{
	if (ps->updated != SLOT_NONE && !cell_empty(&row[ps->updated]))
		return &row[ps->updated];
	if (ps->created != SLOT_NONE && !cell_empty(&row[ps->created]))
		return &row[ps->created];
	return NULL;
}

int64_t
render_updated_s(const struct render *r, const struct plan_source *ps, const struct db_cell *row)
{
	const struct db_cell *c = updated_cell(ps, row);
	struct date d;
	if (c == NULL || c->kind != DB_C_TEXT || date_parse_sql(c->s, &d) != 0 || date_is_zero(&d))
		return -1;
	int64_t local_s = date_epoch_us(&d) / 1000000;
	return r->zone == NULL ? local_s : local_s - zone_offset_local_s(r->zone, local_s);
}

static void
head_put(struct pass *p, const struct plan *plan)
{
	static const struct field id = { .name = "id" };
	char text[40];
	struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
	const struct db_cell *updated = updated_cell(p->ps, p->row), *uuid = &p->row[p->ps->uuid];
	json_key_raw(p->w, STR("\"id\":"));
	if (!codec_of(K_UUID)->put(p->w, p->r, &id, &uuid, 1))
		json_str(p->w, STR("")); /* rows without a uuid are not found by the reads that come here */
	json_key_raw(p->w, STR("\"meta\":"));
	json_obj(p->w);
	json_kv_str(p->w, STR("versionId"), STR("1"));
	if (updated != NULL && cell_datetime(p->r, updated, &b))
		json_kv_str(p->w, STR("lastUpdated"), buf_str(&b));
	if (plan->res->meta != NULL) {
		json_key(p->w, STR("profile"));
		json_arr(p->w);
		for (const char *const *m = plan->res->meta; *m != NULL; m++)
			json_str(p->w, str_of(*m));
		json_arr_end(p->w);
	}
	json_obj_end(p->w);
	json_kv_str(p->w, STR("resourceType"), str_of(plan->res->name));
}

void
render_members(struct json_write *w, const struct render *r, const struct plan *plan, const struct plan_source *ps,
    const struct db_cell *row, const struct child_rows *children)
{
	struct pass p = { w, r, ps, row, children };
	json_obj(w);
	if (plan->fhir)
		head_put(&p, plan);
	(void)members(&p, ps->ops, ps->n_ops, row);
}

void
render_row(struct json_write *w, const struct render *r, const struct plan *plan, const struct plan_source *ps,
    const struct db_cell *row, const struct child_rows *children)
{
	struct pass p = { w, r, ps, row, children };
	if (ps->n_ops == 1 && ps->ops[0].f->name == NULL) { /* rows that are one value */
		(void)value_put(&p, &ps->ops[0], row);
		return;
	}
	render_members(w, r, plan, ps, row, children);
	json_obj_end(w);
}
