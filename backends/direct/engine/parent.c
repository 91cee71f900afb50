/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements, and the two steps. */
#include "backends/direct/engine/parent.h"

#include "backends/direct/engine/call.h"

enum { NUMBER_DIGITS = 18 };

/* --- statements --------------------------------------------------------------------------------------------------------------- */

static const char *
column(const struct schema *schema, const char *table, const char *name, const char *sql)
{
	return schema_column(schema, str_of(table), str_of(name)) != NULL ? sql : "NULL";
}

#define ENCOUNTER_SELECT                                                                                               \
	"SELECT %s, p.pid, %s, e.encounter FROM form_encounter e JOIN patient_data p ON p.pid = e.pid WHERE "

/* Column 0 is the key: its own column, so that one statement serves several requests. */
static const char *
sql_of(struct arena *a, const struct schema *schema, bool encounter, bool by_uuid)
{
	const char *puuid = column(schema, "patient_data", "uuid", "p.uuid");
	const char *euuid = column(schema, "form_encounter", "uuid", "e.uuid");
	struct str sql;
	if (by_uuid && strcmp(encounter ? euuid : puuid, "NULL") == 0)
		return ""; /* the site has no uuids: no such value names anything */
	if (encounter)
		sql = arena_printf(a, ENCOUNTER_SELECT "%s", by_uuid ? "e.uuid" : "e.encounter", puuid,
		    by_uuid ? "e.uuid IN (%s)" : "e.encounter IN (%s)");
	else
		sql = arena_printf(a, "SELECT %s, p.pid, %s, NULL FROM patient_data p WHERE %s",
		    by_uuid ? "p.uuid" : "p.pid", puuid, by_uuid ? "p.uuid IN (%s)" : "p.pid IN (%s)");
	return sql.p;
}

struct parents *
parents_new(struct arena *a, const struct schema *schema)
{
	struct parents *p = ARENA_NEW(a, struct parents);
	if (p == NULL)
		return NULL;
	p->patient_by_uuid = (struct db_point){ "patient of the path", sql_of(a, schema, false, true), 0 };
	p->encounter_by_uuid = (struct db_point){ "encounter of the path", sql_of(a, schema, true, true), 0 };
	p->patient_by_number = (struct db_point){ "patient of the path", sql_of(a, schema, false, false), 0 };
	p->encounter_by_number = (struct db_point){ "encounter of the path", sql_of(a, schema, true, false), 0 };
	bool ok = p->patient_by_uuid.sql != NULL && p->encounter_by_uuid.sql != NULL &&
	          p->patient_by_number.sql != NULL && p->encounter_by_number.sql != NULL;
	if (!ok)
		return NULL;
	/* the index of form_encounter begins with the patient */
	p->encounter_by_numbers = (struct db_stmt){ .name = "encounter of the path",
		.sql = arena_printf(a, ENCOUNTER_SELECT "e.encounter = ? AND e.pid = ?", "e.encounter",
		    column(schema, "patient_data", "uuid", "p.uuid"))
		    .p };
	return p->encounter_by_numbers.sql != NULL ? p : NULL;
}

/* --- the path ----------------------------------------------------------------------------------------------------------------- */

static int
number_of(struct str s, int64_t *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
	return s.n == 0 || s.n > NUMBER_DIGITS ? -1 : str_to_i64(s, out);
}

static bool
is_key(struct str value)
{
	struct uuid u;
	int64_t n;
	return uuid_parse(value, &u) == 0 || number_of(value, &n) == 0;
}

/* The last parameter of a read, an update or a delete is the row's own. */
static void
path_read(struct call *c)
{
	enum op op = c->h->row->op;
	const struct route_params *v = &c->r->params;
	unsigned n = v->n - (v->n > 0 && (op == OP_READ || op == OP_UPDATE || op == OP_DELETE));
	c->parent.valid = true;
	for (unsigned i = 0; i < n; i++) {
		struct str name = v->v[i].name, *to = NULL;
		if (str_eq(name, STR("puuid")) || str_eq(name, STR("pid")))
			to = &c->parent.patient_text;
		else if (str_eq(name, STR("euuid")) || str_eq(name, STR("eid")))
			to = &c->parent.encounter_text;
		if (to == NULL)
			continue;
		*to = v->v[i].value;
		c->parent.wanted = true;
		if (c->parent.valid && !is_key(*to)) {
			c->parent.valid = false;
			c->parent.text = *to;
		}
	}
}

enum step
parent_ask(struct task *t)
{
	struct call *c = task_frame(t);
	const struct parents *p = c->d->parents;
	struct uuid u;
	int64_t number = 0;
	path_read(c);
	if (c->parent.wanted && !c->parent.valid && p->patient_by_uuid.sql[0] == 0)
		return request_refuse(c->r, REPLY_NO_ROUTE); /* as below */
	if (!c->parent.wanted || !c->parent.valid)
		return STEP_NEXT;
	bool encounter = c->parent.encounter_text.n > 0;
	struct str value = encounter ? c->parent.encounter_text : c->parent.patient_text;
	c->parent.text = value;
	if (uuid_parse(value, &u) != 0) {
		int64_t pid = 0;
		if (number_of(value, &number) != 0)
			return request_refuse(c->r, REPLY_TOO_LARGE);
		if (!encounter || number_of(c->parent.patient_text, &pid) != 0)
			return db_points_read(t, c->r->site->db,
			    encounter ? &p->encounter_by_number : &p->patient_by_number, &DB_V_I64(number), 1,
			    &c->parent.result);
		const struct db_val both[] = { DB_V_I64(number), DB_V_I64(pid) };
		return db_query(t, c->r->site->db, &p->encounter_by_numbers, both, 2, &c->parent.result);
	}
	const struct db_point *point = encounter ? &p->encounter_by_uuid : &p->patient_by_uuid;
	struct str key = arena_str(t->arena, (struct str){ (const char *)u.b, sizeof u.b });
	if (key.p == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	if (point->sql[0] == 0) /* 5.0 has no uuids, and no such route */
		return request_refuse(c->r, REPLY_NO_ROUTE);
	return db_point_read(t, c->r->site->db, point, key, &c->parent.result);
}

/* Is the encounter's patient the one that the path names beside it? */
static bool
same_patient(const struct parent *p, const struct db_cell *row)
{
	struct uuid u;
	int64_t number;
	if (p->patient_text.n == 0)
		return true;
	if (uuid_parse(p->patient_text, &u) == 0)
		return row[2].kind == DB_C_TEXT && row[2].s.n == sizeof u.b && memcmp(row[2].s.p, u.b, sizeof u.b) == 0;
	return number_of(p->patient_text, &number) == 0 && number == row[1].i;
}

static bool
allowed(const struct call *c, const struct db_cell *row)
{
	if (!c->r->filter.by_patient)
		return true;
	return row[2].kind == DB_C_TEXT && row[2].s.n == sizeof c->r->filter.patient.b &&
	       memcmp(row[2].s.p, c->r->filter.patient.b, row[2].s.n) == 0;
}

static void
row_take(struct call *c, const struct db_cell *row)
{
	struct parent *p = &c->parent;
	p->found = true;
	p->pid = row[1].i;
	if (row[2].kind == DB_C_TEXT && row[2].s.n == sizeof p->patient.b) {
		memcpy(p->patient.b, row[2].s.p, sizeof p->patient.b);
		c->r->audit.has_patient = true;
		c->r->audit.patient = p->patient;
	}
	p->has_encounter = row[3].kind == DB_C_INT;
	p->encounter = row[3].i;
}

enum step
parent_read(struct task *t)
{
	struct call *c = task_frame(t);
	const struct db_result *rows = c->parent.result;
	if (rows != NULL && rows->status != DB_OK)
		return call_db_failed(c, rows->status);
	if (rows != NULL && rows->n_rows > 0 && same_patient(&c->parent, db_cell(rows, 0, 0)) &&
	    allowed(c, db_cell(rows, 0, 0)))
		row_take(c, db_cell(rows, 0, 0));
	if (!c->parent.wanted || c->parent.found || c->style->ops->no_parent == NULL)
		return STEP_NEXT;
	enum op op = c->h->row->op;
	if (op == OP_UPDATE || (op == OP_CREATE && c->style->envelope != ENV_BARE))
		return STEP_NEXT; /* told with the errors of the body */
	c->style->ops->no_parent(c);
	return STEP_REPLY;
}
