/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pair of functions per kind of field: columns to JSON, JSON to columns. Pure. Not for whole rows (render.h, accept.h).   */
#ifndef BACKENDS_DIRECT_ENGINE_CODEC_H
#define BACKENDS_DIRECT_ENGINE_CODEC_H

#include "backends/direct/engine/globals.h"
#include "backends/direct/engine/lists.h"
#include "backends/direct/engine/mapping.h"
#include "gateway/base/json_write.h"
#include "gateway/core/site.h"

#include <jansson.h>

/* How values are written in this answer. */
struct render {
	const struct lists *lists;
	const struct globals *globals;
	bool fhir;    /* absent members instead of null */
	bool strings; /* numbers as strings             */
	enum compat compat;
	struct str base;         /* FHIR base URL; .n 0: Standard API */
	const struct zone *zone; /* of OpenEMR's dates; NULL: UTC */
};
/* Where codec_get leaves a value: text for column number i of the field. text.p NULL: the client's null. */
struct accept_sink {
	void (*set)(struct accept_sink *to, unsigned i, struct str text);
	struct arena *arena;
	bool refused; /* the element does not have the form that the kind demands */
};
struct codec {
	const char *name;
	unsigned cols_min, cols_max;
	/* Writes the value and returns true, or writes nothing and returns false (absent). c: n cells, a NULL cell for a column that the site
	 * lacks. */
	bool (*put)(struct json_write *w, const struct render *r, const struct field *f, const struct db_cell *const *c,
	    unsigned n);
	/* v: the member's (FHIR: the element's) value. NULL: the kind is read only. */
	void (*get)(const struct field *f, const json_t *v, struct accept_sink *to);
};
const struct codec *codec_of(enum kind k);

extern const struct db_cell cell_null;
bool cell_empty(const struct db_cell *c);                       /* NULL, '' or a zero date */
struct str cell_text(const struct db_cell *c, char number[24]); /* text, or the number as text */
int cell_int(const struct db_cell *c, int64_t *out);            /* -1: not an integer */
/* A DATE, DATETIME or text cell, local time of the site, as ISO 8601 with the offset of that time; false: NULL or a zero date. */
bool cell_datetime(const struct render *r, const struct db_cell *c, struct buf *out);

/* Kinds of FHIR elements (codec_fhir.c). */
#define FHIR_PUT(fn)                                                                                                   \
	bool fn(struct json_write *w, const struct render *r, const struct field *f, const struct db_cell *const *c,   \
	    unsigned n)
FHIR_PUT(put_code);
FHIR_PUT(put_narrative);
FHIR_PUT(put_name);
FHIR_PUT(put_address);
FHIR_PUT(put_telecom);
FHIR_PUT(put_identifier);
FHIR_PUT(put_reference);
FHIR_PUT(put_concept);
FHIR_PUT(put_list_concept);
FHIR_PUT(put_ext_code);
FHIR_PUT(put_ext_omb);
FHIR_PUT(put_ext_list);
#undef FHIR_PUT
void get_code(const struct field *f, const json_t *v, struct accept_sink *to);
void get_name(const struct field *f, const json_t *v, struct accept_sink *to);
void get_address(const struct field *f, const json_t *v, struct accept_sink *to);
void get_telecom(const struct field *f, const json_t *v, struct accept_sink *to);
void get_identifier(const struct field *f, const json_t *v, struct accept_sink *to);
void get_ext_code(const struct field *f, const json_t *v, struct accept_sink *to);

#endif
