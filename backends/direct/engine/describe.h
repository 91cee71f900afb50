/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a route of this backend takes and answers, for the OpenAPI document: JSON Schema (2020-12) from the rows and the site's columns, so
 * that the document cannot say other than what is served. Envelopes are the dialects' (dialect_ops.describe). Pure.         */
#ifndef BACKENDS_DIRECT_ENGINE_DESCRIBE_H
#define BACKENDS_DIRECT_ENGINE_DESCRIBE_H

#include "backends/direct/engine/call.h"
#include "gateway/core/openapi.h"

/* backend_ops.describe: the general part. */
enum openapi_told describe_route(const struct direct *d, const struct handler *h, struct openapi_operation *op);

/* As a value of w: a reference to the schema of the resource's rows. strings: numbers may be texts in this answer. */
void describe_rows(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool strings);
/* The same for what a creation answers: words as in write_rule.answer. */
void describe_created(struct json_write *w, struct openapi_operation *op, const struct plan *p, struct str words);
/* The header Idempotency-Key. */
void describe_key(struct openapi_operation *op);
/* What the route's row tells of itself (direct_route.told); nothing where it has none. */
void describe_told(const struct handler *h, struct openapi_operation *op);
/* "facility_create": the name of a schema. */
struct str describe_name(struct openapi_operation *op, const struct plan *p, const char *suffix);
/* The body of a create or an update (describe_body.c). */
void describe_body(struct json_write *w, struct openapi_operation *op, const struct plan *p, bool create);
/* A body that the rules take, as a JSON object: what a new row must have. */
void describe_body_example(struct json_write *w, const struct plan *p);
/* Parameter Objects of the filters that the site's columns allow. */
void describe_filters(struct openapi_operation *op, const struct plan *p);
/* One query parameter. schema: JSON; of an array: its elements stand with commas between. */
void describe_parameter(struct openapi_operation *op, struct str name, struct str schema, struct str text);

#endif
