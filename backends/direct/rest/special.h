/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Public routes that are no resource: a few columns of one row.                                                             */
#ifndef BACKENDS_DIRECT_REST_SPECIAL_H
#define BACKENDS_DIRECT_REST_SPECIAL_H

#include "backends/direct/engine/call.h"

enum step special_version(struct request *r, struct direct *d); /* GET /api/version */
enum step special_product(struct request *r, struct direct *d); /* GET /api/product */

/* The members of their answers. */
enum { VERSION_FIELDS = 7, PRODUCT_FIELDS = 1 };
extern const struct field version_fields[VERSION_FIELDS], product_fields[PRODUCT_FIELDS];

#endif
