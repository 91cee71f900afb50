/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows into the Standard API's JSON: members of a row, envelopes, validation errors. Writes straight from cells into the reply. */
#ifndef BACKENDS_DIRECT_ENGINE_RENDER_H
#define BACKENDS_DIRECT_ENGINE_RENDER_H

#include "backends/sql/engine/plan.h"

/* One record as an object. strings: numbers are written as strings (OpenEMR's text protocol). */
void render_row(struct json_write *w, const struct rest_plan *plan, const struct db_result *rows, size_t row,
    const struct db_result *const *children, bool strings);
/* {"validationErrors":[],"internalErrors":[],"data":  ...and its end, with links ([] or the member's JSON; .p NULL: no member). */
void envelope_begin(struct json_write *w);
void envelope_end(struct json_write *w, struct str links);

/* Messages of one request: {field: {code: text}}. */
struct violation {
	struct str field, code, text;
};
enum { VIOLATIONS_MAX = 64 };
struct violations {
	struct violation v[VIOLATIONS_MAX];
	size_t n;
};
void violation_add(struct violations *v, struct str field, struct str code, struct str text);
/* The whole reply: status 400, validationErrors, data []. links: also write "links":[]. */
void reply_violations(struct request *r, const struct violations *v, bool links);

#endif
