/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The direct backend: OpenEMR's own MariaDB tables, without PHP. Resources are rows (rest/, fhir/) over one engine (engine/).
 * docs/add-a-resource.md shows how one is added.                                                                           */
#ifndef BACKENDS_DIRECT_DIRECT_H
#define BACKENDS_DIRECT_DIRECT_H

#include "gateway/core/backend.h"

extern const struct backend_ops backend_direct;

#endif
