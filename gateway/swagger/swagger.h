/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend of /apis/{site}/swagger (and OpenEMR's /swagger): Swagger UI's files, what the page asks of the site, and the OpenAPI
 * document, which is made from the site's route table and what the backends tell of their routes.                          */
#ifndef GATEWAY_SWAGGER_SWAGGER_H
#define GATEWAY_SWAGGER_SWAGGER_H

#include "gateway/core/backend.h"

extern const struct backend_ops backend_swagger;

#endif
