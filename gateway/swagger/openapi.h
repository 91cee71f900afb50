/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes the OpenAPI 3.1 document of a site. Not for serving it. */
#ifndef GATEWAY_SWAGGER_OPENAPI_H
#define GATEWAY_SWAGGER_OPENAPI_H

#include "gateway/core/openapi.h"
#include "gateway/core/site.h"

/* Appends the document to out. a: for the time of making. OPENAPI_LATER: a backend does not know its routes yet. -1: no memory. */
int openapi_make(const struct site *site, struct arena *a, struct buf *out, enum openapi_told *told) MUSTUSE;
/* The scopes that the page asks for at first: openid and those of the APIs. As a JSON array of strings. */
void openapi_first_scopes_put(const struct site *site, struct json_write *w);

#endif
