/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialects that a style may name: OpenEMR's Standard and Portal API, FHIR R4.                                          */
#ifndef BACKENDS_DIRECT_ENGINE_DIALECTS_H
#define BACKENDS_DIRECT_ENGINE_DIALECTS_H

#include "backends/direct/engine/call.h"

extern const struct dialect_ops dialect_standard; /* envelopes and statuses by the style */
extern const struct dialect_ops dialect_fhir;
/* The status of an outcome by the route's envelope and the site's compat. */
enum outcome { DONE, CREATED, INVALID, MISSING };
unsigned style_status(const struct style *s, bool is_classic, enum outcome o);
/* What dialect_standard answers, for the OpenAPI document. */
void standard_describe(const struct handler *h, struct openapi_operation *op);

/* 200 with data {name: row, ...}; a row without ps is null. names: n of them. */
void standard_named(struct call *c, const char *const *names, const struct fetched *rows, unsigned n);

enum json_escape style_escape(const struct style *s); /* of the Standard API */

/* https://host/apis/{site}/fhir */
struct str fhir_base(const struct request *r);

#endif
