/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON from outside, through Jansson with limits: size, depth, duplicate names refused, valid UTF-8, no NUL in strings.   */
#ifndef GATEWAY_BASE_JSON_IN_H
#define GATEWAY_BASE_JSON_IN_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"

#include <jansson.h>

/* The document (any JSON value) or NULL with e (E_PARSE with line and column, never the text). Caller owns: json_decref().
 * Nesting deeper than 64 or more than max_bytes is E_LIMIT.                                                                */
json_t *json_in(struct str text, size_t max_bytes, struct err *e) MUSTUSE;
/* As PHP's json_decode() reads a body: the last of a repeated name counts, whole numbers beyond 64 bits are floating (those beside them too),
 * strings may hold NUL. E_LIMIT: JSON that PHP reads and we do not take; E_PARSE: no JSON.                                  */
json_t *json_in_php(struct str text, size_t max_bytes, struct err *e) MUSTUSE;
/* Gives the document to the arena, which frees it (also when this fails). -1 when the arena is full. */
int json_keep(struct arena *a, json_t *doc) MUSTUSE;
/* Member of an object as str; .p NULL when absent or not a string. Borrowed from o. */
struct str json_in_str(const json_t *o, const char *name);
/* NumericDate of a JWT in whole seconds; a fraction is cut off (RFC 7519 2 permits it, PHP writes it). absent: not there, or no number. */
int64_t json_in_seconds(const json_t *o, const char *name, int64_t absent);

#endif
