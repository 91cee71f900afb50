/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which backend answers a route of a site, by the configuration alone: asked by the worker that opens the site, and by gatehouse check. */
#ifndef GATEWAY_PROCESS_BINDING_H
#define GATEWAY_PROCESS_BINDING_H

#include "gateway/config/conf.h"
#include "gateway/core/backend.h"

enum { BACKENDS = 4 };
extern const struct backend_ops *const backends_known[BACKENDS];

/* The backend for r on a site: the authorization server and Swagger UI for their own routes, else the one that the site's configuration orders (a row
 * for the route wins over one for its API, that over one for all, that over the site's default) when it serves r. NULL: unserved. */
const struct backend_ops *binding_of(const struct conf_site *c, const struct route *r);
/* Does the configuration of the site name the backend at all? */
bool binding_names(const struct conf_site *c, const struct backend_ops *ops);

#endif
