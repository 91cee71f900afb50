/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The means of OpenEMR's VitalsCalculatedService: of an encounter, of the last three days, of the last five readings. A row each per patient
 * (the first: per encounter), its two components (bps, bpd), and links to the readings that it was computed of. A mean of which there is
 * no reading stays as it is.
 * Other than OpenEMR: readings of deleted forms, and such that do not begin with a number, take no part; an encounter's are those of forms
 * of vital signs, not of any form with the same number.
 * The means are read by a plain SELECT, and rows written by their keys, so that writers of different patients hold no gaps between rows
 * against each other; those of one patient take turns (mapping.h).                                                         */
#include "backends/direct/rest/vital.h"

#include "backends/direct/engine/call.h"

static const char *const names[VITAL_MEANS] = { "bp-MeanEncounter", "bp-Mean3Day", "bp-MeanLast5" };

/* A number at the beginning; the rest is not looked at, as CAST does not. */
#define IS_READING(col) "v." col " REGEXP '^ *[0-9]'"
#define READING         IS_READING("bps") " AND " IS_READING("bpd")
#define OF_FORMS        "form_vitals v JOIN forms f ON f.form_id = v.id AND f.formdir = 'vitals' AND f.deleted = 0"
#define LAST_FIVE(col)                                                                                                 \
	"(SELECT DISTINCT v.id FROM " OF_FORMS " WHERE v.pid = ? AND " IS_READING(col) " ORDER BY v.id DESC LIMIT 5)"
/* (number of the mean, id of a reading): pid, encounter, pid, pid, pid */
#define READINGS                                                                                                       \
	"(SELECT 1 AS n, v.id AS id FROM " OF_FORMS " WHERE v.pid = ? AND f.encounter = ? AND " READING                \
	" UNION SELECT 2, v.id FROM " OF_FORMS                                                                         \
	" WHERE v.pid = ? AND v.date BETWEEN NOW() - INTERVAL 3 DAY AND NOW() AND " READING                            \
	" UNION SELECT 3, s.id FROM " LAST_FIVE("bps") " s JOIN " LAST_FIVE("bpd") " d ON d.id = s.id)"
#define NUMBER    "FIELD(c.calculation_id, 'bp-MeanEncounter', 'bp-Mean3Day', 'bp-MeanLast5')"
#define MEAN(col) "ROUND(AVG(CAST(v." col " AS DECIMAL(10,2))), 1)"

enum { COL_NUMBER, COL_ID, COL_UUID, COL_BPS, COL_BPD, COL_START, COL_END };
/* behind the readings' values: pid, encounter */
static const struct db_stmt read_means = { .name = "form_vitals",
	.sql = "SELECT r.n, k.id, c.uuid, " MEAN("bps") ", " MEAN(
	    "bpd") ", MIN(v.date), MAX(v.date) FROM " READINGS
	           " r JOIN form_vitals v ON v.id = r.id LEFT JOIN (SELECT " NUMBER
	           " AS n, MIN(c.id) AS id FROM form_vitals_calculation c WHERE c.pid = ? AND (c.encounter IS NULL OR "
	           "c.encounter = ?) AND c.uuid IS NOT NULL GROUP BY n) k ON k.n = r.n LEFT JOIN "
	           "form_vitals_calculation c ON "
	           "c.id = k.id GROUP BY r.n, k.id, c.uuid ORDER BY r.n" };
#define THREE(values) values ", " values ", " values
static const struct db_stmt write_rows = { .name = "form_vitals_calculation",
	.sql = "INSERT INTO form_vitals_calculation (id, uuid, encounter, pid, date_start, date_end, created_at, "
	       "updated_at, "
	       "created_by, updated_by, calculation_id) VALUES " THREE(
	           "(?, ?, ?, ?, ?, ?, NOW(), NOW(), ?, ?, ?)") " ON DUPLICATE KEY UPDATE date_start = "
	                                                        "VALUES(date_start), date_end = VALUES(date_end), "
	                                                        "updated_at = NOW(), "
	                                                        "updated_by = VALUES(updated_by)" };
static const struct db_stmt write_components = { .name = "form_vitals_calculation_components",
	.sql =
	    "INSERT INTO form_vitals_calculation_components (fvc_uuid, vitals_column, value, value_unit, "
	    "component_order) "
	    "VALUES " THREE(
	        "(?, 'bps', ?, 'mm[Hg]', 0), (?, 'bpd', ?, 'mm[Hg]', 1)") " ON DUPLICATE KEY UPDATE value = "
	                                                                  "VALUES(value), value_string = NULL, "
	                                                                  "value_unit = VALUES(value_unit), "
	                                                                  "component_order = VALUES(component_order)" };
static const struct db_stmt remove_links = { .name = "form_vitals_calculation_form_vitals",
	.sql = "DELETE FROM form_vitals_calculation_form_vitals WHERE fvc_uuid IN (?, ?, ?)" };
static const struct db_stmt write_links = { .name = "form_vitals_calculation_form_vitals",
	.sql = "INSERT INTO form_vitals_calculation_form_vitals (fvc_uuid, vitals_id) SELECT ELT(r.n, ?, ?, ?), r.id "
	       "FROM " READINGS " r" };
static const struct db_stmt write_registry = { .name = "uuid_registry",
	.sql =
	    "INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, "
	    "created) VALUES " THREE(
	        "(?, 'form_vitals_calculation', 'id', '', '', 0, 0, NOW())") " ON DUPLICATE KEY UPDATE uuid = "
	                                                                     "VALUES(uuid)" };

struct mean {
	const struct db_cell *row; /* of read_means */
	struct str uuid;
	bool is_new;
};
struct means {
	struct mean v[VITAL_MEANS];
	unsigned n;
};

static void
add(struct call *c, struct db_val v)
{
	c->vals[c->n_vals++] = v;
}

static void
add_readings(struct call *c)
{
	add(c, DB_V_I64(c->parent.pid));
	add(c, DB_V_I64(c->parent.encounter));
	for (unsigned i = 0; i < 3; i++)
		add(c, DB_V_I64(c->parent.pid));
}

static bool
given(const struct call *c, const char *field)
{
	return accepted_input(c->plan->write, &c->accepted, field).p != NULL;
}

static enum step
ask(struct call *c)
{
	if (!given(c, "bps") && !given(c, "bpd"))
		return STEP_NEXT;
	c->also = ARENA_NEW(c->r->task.arena, struct means);
	if (c->also == NULL)
		return STEP_FAIL;
	add_readings(c);
	add(c, DB_V_I64(c->parent.pid));
	add(c, DB_V_I64(c->parent.encounter));
	return transaction_query(c, &read_means);
}

static void
take(struct call *c, struct means *m)
{
	const struct uuid *fresh = transaction_uuids(c);
	m->n = 0;
	for (size_t i = 0; i < MIN(c->done->n_rows, (size_t)VITAL_MEANS); i++) {
		struct mean *x = &m->v[m->n++];
		x->row = db_cell(c->done, i, 0);
		x->is_new = x->row[COL_UUID].kind != DB_C_TEXT;
		x->uuid = x->is_new ? (struct str){ (const char *)fresh[i].b, sizeof fresh[i].b } : x->row[COL_UUID].s;
	}
}

static struct db_val
text_value(const struct db_cell *c)
{
	return c->kind == DB_C_TEXT ? DB_V_STR(c->s) : DB_V_NULL;
}

/* A statement has room for three rows: the last is repeated, and found by its key. */
static const struct mean *
nth(const struct means *m, unsigned i)
{
	return &m->v[MIN(i, m->n - 1)];
}

static enum step
rows(struct call *c, struct means *m)
{
	take(c, m);
	for (unsigned i = 0; m->n > 0 && i < VITAL_MEANS; i++) {
		const struct mean *x = nth(m, i);
		int64_t number = x->row[COL_NUMBER].i;
		CHECK(number >= 1 && number <= VITAL_MEANS); /* a constant of the statement */
		add(c, x->is_new ? DB_V_NULL : DB_V_I64(x->row[COL_ID].i));
		add(c, DB_V_BIN(x->uuid.p, x->uuid.n));
		add(c, number == 1 ? DB_V_I64(c->parent.encounter) : DB_V_NULL);
		add(c, DB_V_I64(c->parent.pid));
		add(c, text_value(&x->row[COL_START]));
		add(c, text_value(&x->row[COL_END]));
		add(c, DB_V_I64(c->r->who.user_id));
		add(c, DB_V_I64(c->r->who.user_id));
		add(c, DB_V_STR(str_of(names[number - 1])));
	}
	return m->n == 0 ? STEP_NEXT : transaction_query(c, &write_rows);
}

static enum step
components(struct call *c, const struct means *m)
{
	for (unsigned i = 0; i < VITAL_MEANS; i++)
		for (unsigned col = COL_BPS; col <= COL_BPD; col++) {
			add(c, DB_V_BIN(nth(m, i)->uuid.p, nth(m, i)->uuid.n));
			add(c, text_value(&nth(m, i)->row[col]));
		}
	return transaction_query(c, &write_components);
}

/* The uuids of the means that are new, or of those that are not; false: there are none. */
static bool
add_uuids(struct call *c, const struct means *m, bool are_new)
{
	unsigned n = 0;
	struct db_val last = DB_V_NULL;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->v[i].is_new != are_new)
			continue;
		last = DB_V_BIN(m->v[i].uuid.p, m->v[i].uuid.n);
		add(c, last);
		n++;
	}
	for (unsigned i = n; n > 0 && i < VITAL_MEANS; i++)
		add(c, last);
	return n > 0;
}

static enum step
links(struct call *c, const struct means *m)
{
	for (unsigned number = 1; number <= VITAL_MEANS; number++) {
		struct db_val uuid = DB_V_NULL;
		for (unsigned i = 0; i < m->n; i++)
			if (m->v[i].row[COL_NUMBER].i == number)
				uuid = DB_V_BIN(m->v[i].uuid.p, m->v[i].uuid.n);
		add(c, uuid);
	}
	add_readings(c);
	return transaction_query(c, &write_links);
}

enum step
vital_means(struct call *c, unsigned i)
{
	struct means *m = c->also;
	if (i == 0)
		return ask(c);
	if (m == NULL)
		return STEP_NEXT;
	if (i == 1)
		return rows(c, m);
	if (m->n == 0)
		return STEP_NEXT;
	switch (i) {
	case 2:
		return components(c, m);
	case 3:
		return add_uuids(c, m, false) ? transaction_query(c, &remove_links) : STEP_NEXT;
	case 4:
		return links(c, m);
	default:
		return add_uuids(c, m, true) ? transaction_query(c, &write_registry) : STEP_NEXT;
	}
}
