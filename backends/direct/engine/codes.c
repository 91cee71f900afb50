/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codes that differ are gathered once, asked for in pieces, and their texts put into the rows' cells. Codes and their types compare
 * without case, as the database's collation does.                                                                          */
#include "backends/direct/engine/codes.h"

enum { SQL_FIRST = 1024, SQL_MAX = 8 << 10, TEXTS_FIRST = 256, TEXTS_MAX = 256 << 10 };

static void
marks_put(struct buf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_str_put(out, i == 0 ? STR("?") : STR(",?"));
}

static const unsigned sizes[CODES_SIZES] = { 16, CODES_STATEMENT_MAX };

static const char *
texts_sql(struct arena *a, unsigned n)
{
	struct buf out;
	buf_init(&out, a, SQL_FIRST, SQL_MAX);
	buf_lit(&out,
	    "SELECT 'ICD10', d.formatted_dx_code, d.long_desc FROM icd10_dx_order_code d WHERE d.active = 1 AND "
	    "d.formatted_dx_code IN (");
	marks_put(&out, n);
	buf_lit(&out, ") UNION ALL SELECT t.ct_key, k.code, k.code_text FROM codes k JOIN code_types t ON t.ct_id = "
	              "k.code_type WHERE k.code IN (");
	marks_put(&out, n);
	buf_char(&out, ')');
	buf_char(&out, 0);
	return buf_ok(&out) ? out.p : NULL;
}

int
codes_statements(struct arena *a, struct db_stmt stmts[CODES_SIZES])
{
	for (unsigned i = 0; i < CODES_SIZES; i++) {
		stmts[i] = (struct db_stmt){ .name = "codes", .sql = texts_sql(a, sizes[i]) };
		if (stmts[i].sql == NULL)
			return -1;
	}
	return 0;
}

/* The list behind its first code; .n 0: there is none. */
static struct str
behind_first(const struct plan_source *ps, const struct db_cell *row)
{
	const struct db_cell *c = &row[ps->codes];
	struct str rest = c->kind == DB_C_TEXT ? c->s : STR(""), first;
	return str_next(&rest, ';', &first) ? rest : STR("");
}

bool
codes_several(const struct plan_source *ps, const struct db_cell *row)
{
	return ps->codes != SLOT_NONE && ps->codes_text != SLOT_NONE && behind_first(ps, row).n > 0;
}

/* --- gathering ---------------------------------------------------------------------------------------------------------------- */

static unsigned
place_of(struct codes *c, struct str part)
{
	size_t colon = str_find(part, ':');
	struct str type = colon < part.n ? str_sub(part, 0, colon) : STR(""),
	           code = colon < part.n ? str_skip(part, colon + 1) : part;
	size_t from = c->n_asked - c->n_asked % CODES_STATEMENT_MAX; /* of the piece that is being filled */
	for (size_t i = from; i < c->n_asked; i++)
		if (str_ieq(c->asked[i].code, code) && str_ieq(c->asked[i].type, type))
			return (unsigned)i;
	c->asked[c->n_asked] = (struct code_asked){ .type = type, .code = code };
	return (unsigned)c->n_asked++;
}

static size_t
parts(struct str list)
{
	size_t n = 0;
	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ';';
	return n + 1;
}

static enum step
gather(struct task *t)
{
	struct codes *c = task_frame(t);
	struct str rest, part;
	size_t n = 0;
	for (size_t i = 0; i < c->n_rows; i++)
		n += parts(behind_first(c->ps, c->rows[i]));
	c->asked = arena_array(t->arena, n, sizeof *c->asked);
	c->places = arena_array(t->arena, n, sizeof *c->places);
	c->vals = arena_array(t->arena, 2 * CODES_STATEMENT_MAX, sizeof *c->vals);
	if (c->asked == NULL || c->places == NULL || c->vals == NULL)
		return STEP_FAIL;
	for (size_t i = 0; i < c->n_rows; i++)
		for (rest = behind_first(c->ps, c->rows[i]); str_next(&rest, ';', &part);)
			c->places[c->n_places++] = place_of(c, part);
	return STEP_NEXT;
}

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

/* The first text of a code counts: ICD-10's own table stands in front. */
static void
take(struct codes *c, size_t from, size_t to)
{
	const struct db_result *r = c->result;
	for (size_t row = 0; row < r->n_rows; row++)
		for (size_t i = from; db_cell(r, row, 2)->kind == DB_C_TEXT && i < to; i++)
			if (c->asked[i].text.p == NULL && str_ieq(c->asked[i].code, db_cell(r, row, 1)->s) &&
			    str_ieq(c->asked[i].type, db_cell(r, row, 0)->s))
				c->asked[i].text = db_cell(r, row, 2)->s;
}

static enum step
ask(struct task *t)
{
	struct codes *c = task_frame(t);
	if (c->result != NULL) {
		c->status = c->result->status;
		if (c->status == DB_OK)
			take(c, c->from - CODES_STATEMENT_MAX, MIN(c->from, c->n_asked));
		c->result = NULL;
	}
	if (c->status != DB_OK || c->from >= MIN(c->n_asked, (size_t)CODES_STATEMENTS * CODES_STATEMENT_MAX))
		return STEP_NEXT;
	size_t n = MIN(c->n_asked - c->from, (size_t)CODES_STATEMENT_MAX);
	unsigned size = 0;
	while (size + 1 < CODES_SIZES && sizes[size] < n)
		size++;
	size_t marks = sizes[size];
	for (size_t i = 0; i < marks; i++)
		c->vals[i] = c->vals[marks + i] = DB_V_STR(c->asked[c->from + MIN(i, n - 1)].code);
	c->from += CODES_STATEMENT_MAX;
	return db_query(t, c->db, &c->ps->codes_texts[size], c->vals, 2 * marks, &c->result);
}

/* --- putting into the rows -------------------------------------------------------------------------------------------------------- */

static enum step
put(struct task *t)
{
	struct codes *c = task_frame(t);
	size_t at = 0;
	for (size_t i = 0; c->status == DB_OK && i < c->n_rows; i++) {
		struct str rest = behind_first(c->ps, c->rows[i]), part;
		struct db_cell *text = (struct db_cell *)(uintptr_t)&c->rows[i][c->ps->codes_text];
		struct buf out;
		buf_init(&out, t->arena, TEXTS_FIRST, TEXTS_MAX);
		if (text->kind == DB_C_TEXT)
			buf_str_put(&out, text->s);
		while (str_next(&rest, ';', &part)) {
			buf_char(&out, CODES_BETWEEN);
			buf_str_put(&out, c->asked[c->places[at++]].text);
		}
		if (!buf_ok(&out))
			return STEP_FAIL;
		*text = (struct db_cell){ .kind = DB_C_TEXT, .s = buf_str(&out) };
	}
	return STEP_NEXT;
}

#define FOUR                                                                                                           \
	{ "codes", ask }, { "codes", ask }, { "codes", ask },                                                          \
	{                                                                                                              \
		"codes", ask                                                                                           \
	}
STEP_TABLE(codes_table, 0, { "codes", gather }, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, { "codes taken", ask },
    { "codes told", put });
#undef FOUR
_Static_assert(CODES_STATEMENTS == 32, "as many rows above, and one that takes in the last");
