/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The direct backend: answers from OpenEMR's own MariaDB tables, no PHP. Resources are rows (rest/, fhir/) over one engine
 * (engine/); docs/add-a-resource.md shows one from first row to answer.
 * open() begins reading the site's schema in the background, and again while the database is down; until the plans are made requests
 * get 503. What the schema lacks is logged by name as direct.missing.                                                      */
#ifndef BACKENDS_DIRECT_DIRECT_H
#define BACKENDS_DIRECT_DIRECT_H

#include "gateway/core/backend.h"

extern const struct backend_ops backend_direct;

/* Begins at once what else comes every minute: lists and settings are read, rows without uuid looked for. How often that was done so
 * far. For tests.                                                                                                          */
unsigned direct_refresh(void *state);

#endif
