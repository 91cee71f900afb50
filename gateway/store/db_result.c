/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a prepared statement into typed cells. Buffers belong to the statement and grow to the longest value seen. */
#include "gateway/store/db_private.h"

#include <errmsg.h>
#include <float.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>

enum { CELL_FIRST_BYTES = 64, DATETIME_BYTES = 19 };
_Static_assert(sizeof(MYSQL_TIME) <= CELL_FIRST_BYTES, "a time fits the first buffer");

enum db_status
status_of(unsigned server_errno)
{
	switch (server_errno) {
	case ER_DUP_ENTRY:
		return DB_DUPLICATE;
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
		return DB_DEADLOCK;
	case ER_STATEMENT_TIMEOUT:
	case ER_QUERY_INTERRUPTED:
		return DB_TIMEOUT;
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_CON_COUNT_ERROR:
	case ER_MAX_PREPARED_STMT_COUNT_REACHED: /* closing the connection frees some */
		return DB_DOWN;
	default:
		return DB_REFUSED;
	}
}

static bool
is_integer(const MYSQL_FIELD *f)
{
	return f->type == MYSQL_TYPE_TINY || f->type == MYSQL_TYPE_SHORT || f->type == MYSQL_TYPE_INT24 ||
	       f->type == MYSQL_TYPE_LONG || f->type == MYSQL_TYPE_LONGLONG || f->type == MYSQL_TYPE_YEAR;
}

static bool
is_float(const MYSQL_FIELD *f)
{
	return f->type == MYSQL_TYPE_FLOAT || f->type == MYSQL_TYPE_DOUBLE;
}

/* Without fractions: they are written here, the library's own way of doing it costs more than the rest of a row. */
static bool
is_date(const MYSQL_FIELD *f)
{
	return f->decimals == 0 &&
	       (f->type == MYSQL_TYPE_DATE || f->type == MYSQL_TYPE_DATETIME || f->type == MYSQL_TYPE_TIMESTAMP);
}

void
slot_free(struct stmt_slot *s)
{
	for (unsigned i = 0; s->buffers != NULL && i < s->n_cols; i++)
		free(s->buffers[i]);
	free(s->buffers);
	free(s->lengths);
	free(s->nulls);
	free(s->binds);
	*s = (struct stmt_slot){ 0 };
}

static int
slot_columns(struct stmt_slot *s, unsigned n)
{
	s->buffers = calloc(n, sizeof *s->buffers);
	s->lengths = calloc(n, sizeof *s->lengths);
	s->nulls = calloc(n, sizeof *s->nulls);
	s->binds = calloc(n, sizeof *s->binds);
	if (s->buffers == NULL || s->lengths == NULL || s->nulls == NULL || s->binds == NULL)
		return -1;
	s->n_cols = n;
	return 0;
}

/* Binds the columns, enlarging buffers to the longest value of this result. 0; -1 out of memory or refused by the library. */
int
result_bind(struct stmt_slot *s)
{
	unsigned n = mysql_stmt_field_count(s->handle);
	MYSQL_RES *meta = n == 0 ? NULL : mysql_stmt_result_metadata(s->handle);
	bool changed = false;
	int rc = -1;
	if (meta == NULL)
		return n == 0 ? 0 : -1;
	if (s->n_cols == 0) {
		if (slot_columns(s, n) != 0)
			goto out;
		changed = true;
	}
	if (s->n_cols != n)
		goto out;
	for (unsigned i = 0; i < n; i++) {
		const MYSQL_FIELD *f = mysql_fetch_field_direct(meta, i);
		MYSQL_BIND *b = &s->binds[i];
		bool number = is_integer(f) || is_float(f);
		size_t want = number ? 8 : MAX((size_t)f->max_length, (size_t)CELL_FIRST_BYTES);
		if (s->buffers[i] == NULL || b->buffer_length < want) {
			free(s->buffers[i]);
			s->buffers[i] = malloc(want);
			if (s->buffers[i] == NULL)
				goto out;
			*b = (MYSQL_BIND){ 0 };
			b->buffer = s->buffers[i];
			b->buffer_length = want;
			changed = true;
		}
		enum enum_field_types type = is_integer(f)               ? MYSQL_TYPE_LONGLONG
		                             : is_float(f) || is_date(f) ? f->type
		                             : f->charsetnr == 63 && f->type >= MYSQL_TYPE_TINY_BLOB
		                                 ? MYSQL_TYPE_BLOB
		                                 : MYSQL_TYPE_STRING;
		changed |= type != b->buffer_type; /* a table that was altered under the prepared statement */
		b->buffer_type = type;
		b->is_unsigned = (f->flags & UNSIGNED_FLAG) != 0;
		b->length = &s->lengths[i];
		b->is_null = &s->nulls[i];
	}
	rc = !changed || mysql_stmt_bind_result(s->handle, s->binds) == 0 ? 0 : -1;
out:
	mysql_free_result(meta);
	return rc;
}

/* The number that a FLOAT stands for: 220.1 and not 220.100006103516, as PHP's driver has it. */
static double
float_value(const void *bytes)
{
	float single;
	char text[32];
	memcpy(&single, bytes, sizeof single);
	(void)snprintf(text, sizeof text, "%.*g", FLT_DIG, (double)single);
	return strtod(text, NULL);
}

static char *
digits_put(char *to, unsigned v, unsigned n)
{
	for (unsigned i = n; i-- > 0; v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + n;
}

/* "YYYY-MM-DD", of a time with " HH:MM:SS" behind it; returns its end. */
static char *
date_text(char *to, const void *bytes, bool day)
{
	MYSQL_TIME t;
	memcpy(&t, bytes, sizeof t);
	to = digits_put(to, t.year, 4);
	*to++ = '-';
	to = digits_put(to, t.month, 2);
	*to++ = '-';
	to = digits_put(to, t.day, 2);
	if (day)
		return to;
	*to++ = ' ';
	to = digits_put(to, t.hour, 2);
	*to++ = ':';
	to = digits_put(to, t.minute, 2);
	*to++ = ':';
	return digits_put(to, t.second, 2);
}

/* Bytes of a text cell in its buffer. */
static size_t
text_bytes(const struct stmt_slot *s, unsigned i)
{
	return MIN((size_t)s->lengths[i], (size_t)s->binds[i].buffer_length);
}

/* The most bytes that the texts of a row take, with a NUL behind each that has some. */
static size_t
row_text_bytes(const struct stmt_slot *s)
{
	size_t n = 0;
	for (unsigned i = 0; i < s->n_cols; i++) {
		enum enum_field_types type = s->binds[i].buffer_type;
		if (s->nulls[i])
			continue;
		if (type == MYSQL_TYPE_STRING || type == MYSQL_TYPE_BLOB)
			n += text_bytes(s, i) + 1;
		else if (type != MYSQL_TYPE_LONGLONG)
			n += DATETIME_BYTES + 1;
	}
	return n;
}

/* text: room for the cell's text, moved behind it. */
static void
cell_copy(const struct stmt_slot *s, unsigned i, char **text, struct db_cell *out)
{
	const MYSQL_BIND *b = &s->binds[i];
	bool day = b->buffer_type == MYSQL_TYPE_DATE;
	if (s->nulls[i]) {
		*out = (struct db_cell){ .kind = DB_C_NULL };
		return;
	}
	if (b->buffer_type == MYSQL_TYPE_LONGLONG) {
		*out = (struct db_cell){ .kind = DB_C_INT };
		memcpy(&out->i, s->buffers[i], sizeof out->i);
		return;
	}
	if (b->buffer_type == MYSQL_TYPE_DOUBLE) {
		*out = (struct db_cell){ .kind = DB_C_FLOAT };
		memcpy(&out->f, s->buffers[i], sizeof out->f);
		return;
	}
	if (b->buffer_type == MYSQL_TYPE_FLOAT) {
		*out = (struct db_cell){ .kind = DB_C_FLOAT, .f = float_value(s->buffers[i]) };
		return;
	}
	char *end = *text;
	if (day || b->buffer_type == MYSQL_TYPE_DATETIME || b->buffer_type == MYSQL_TYPE_TIMESTAMP) {
		end = date_text(*text, s->buffers[i], day);
	} else if (text_bytes(s, i) > 0) {
		memcpy(*text, s->buffers[i], text_bytes(s, i));
		end += text_bytes(s, i);
	}
	*end = 0;
	*out = (struct db_cell){ .kind = DB_C_TEXT, .s = { *text, (size_t)(end - *text) } };
	*text = end + 1;
}

static int
row_copy(const struct stmt_slot *s, struct arena *a, struct db_cell *cells)
{
	char *text = arena_raw(a, row_text_bytes(s));
	if (text == NULL)
		return -1;
	for (unsigned i = 0; i < s->n_cols; i++)
		cell_copy(s, i, &text, &cells[i]);
	return 0;
}

enum db_status
result_read(struct stmt_slot *s, struct task *t, struct db_result *out)
{
	size_t n_rows = (size_t)mysql_stmt_num_rows(s->handle), row = 0;
	struct db_cell *cells;
	size_t bytes;
	if (s->n_cols == 0 || n_rows == 0) {
		out->n_cols = s->n_cols;
		return DB_OK;
	}
	cells = __builtin_mul_overflow(n_rows, s->n_cols * sizeof *cells, &bytes) ? NULL : arena_raw(t->arena, bytes);
	while (cells != NULL && row < n_rows) {
		int rc = mysql_stmt_fetch(s->handle);
		if (rc == MYSQL_NO_DATA)
			break;
		if (rc != 0 &&
		    rc !=
		        MYSQL_DATA_TRUNCATED) /* also MYSQL_DATA_MALFORMED: the buffers hold what stood there before */
			return DB_REFUSED;
		if (row_copy(s, t->arena, cells + row * s->n_cols) != 0)
			cells = NULL;
		row++;
	}
	if (cells == NULL)
		return DB_TOO_LARGE;
	out->cells = cells;
	out->n_rows = row;
	out->n_cols = s->n_cols;
	return DB_OK;
}

/* --- batches -------------------------------------------------------------------------------------------------------------------- */

/* One more row for a read: its cells are one block, doubled in the arena when a key has several rows. */
static void
read_row(const struct stmt_slot *s, struct point_read *r)
{
	struct db_result *res = r->result;
	size_t row_bytes = s->n_cols * sizeof(struct db_cell);
	if (r->task == NULL || res->status == DB_TOO_LARGE)
		return;
	if (res->n_rows == r->cap_rows) {
		size_t cap = MAX(r->cap_rows * 2, r->n_keys);
		struct db_cell *cells = arena_array(r->task->arena, cap, row_bytes);
		if (cells != NULL && res->n_rows > 0)
			memcpy(cells, res->cells, res->n_rows * row_bytes);
		res->cells = cells;
		r->cap_rows = cap;
	}
	struct db_cell *cells =
	    res->cells == NULL ? NULL : (struct db_cell *)(uintptr_t)res->cells + res->n_rows * s->n_cols;
	if (cells == NULL || row_copy(s, r->task->arena, cells) != 0) {
		res->status = DB_TOO_LARGE;
		return;
	}
	res->n_cols = s->n_cols;
	res->n_rows++;
}

/* Is the row that was fetched one of the read's? */
static bool
read_wants(const struct stmt_slot *s, unsigned column, const struct point_read *r)
{
	bool number = s->binds[column].buffer_type == MYSQL_TYPE_LONGLONG;
	struct str text = number ? STR_NULL : (struct str){ s->buffers[column], text_bytes(s, column) };
	int64_t id = 0;
	if (number)
		memcpy(&id, s->buffers[column], sizeof id);
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct db_val *key = &r->keys[i];
		if (number ? key->kind == DB_I64 && key->i == id : key->kind != DB_I64 && str_eq(key->s, text))
			return true;
	}
	return false;
}

enum db_status
batch_read(struct stmt_slot *s, struct job *job)
{
	unsigned column = job->group->point->key_column;
	while (column < s->n_cols) {
		int rc = mysql_stmt_fetch(s->handle);
		if (rc == MYSQL_NO_DATA)
			break;
		if (rc != 0 && rc != MYSQL_DATA_TRUNCATED) /* a row is missing: that is not "no such row" */
			return DB_REFUSED;
		if (s->nulls[column])
			continue;
		for (struct list *l = job->reads.next; l != &job->reads; l = l->next) {
			struct point_read *r = CONTAINER_OF(l, struct point_read, link);
			if (read_wants(s, column, r))
				read_row(s, r);
		}
	}
	return DB_OK;
}
