/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interface of everything that answers a routed request: direct, proxy, oauth, control documents. A backend's rows
 * say which routes it answers; at start each scope-file row is bound to one, and a row without its partner is a start
 * error.         */
#ifndef GATEWAY_CORE_BACKEND_H
#define GATEWAY_CORE_BACKEND_H

#include "gateway/core/openapi.h"
#include "gateway/core/request.h"
#include "gateway/core/site.h"

enum { BACKEND_STREAMS_BODY = 1 }; /* handle() reads the request body itself; else r->body is collected before it */

struct backend_ops {
	const char *name;
	unsigned flags;
	/* Makes the backend's state for a site (*state, freed by close). May begin background work on the site's loop
	 * (reading the schema); requests before it is ready answer 503. -1 with e: the configuration cannot work. */
	int (*open)(struct site *site, void **state, struct err *e);
	/* Has this backend an answer for the route? Pure; asked before open(), by gatehouse check too. */
	bool (*serves)(const struct route *route);
	/* Prepares a route that it serves; *handler is passed to handle(). -1: out of room. */
	int (*bind)(struct site *site, void *state, const struct route *route, void **handler);
	/* Runs as the pipeline's backend step: decides r->reply, or pushes a sub-table with task_push and returns its
	 * result. All checks of the policy are done; row filters (compartment, ownership) are the backend's duty:
	 * r->filter.                  */
	enum step (*handle)(struct request *r, void *state, void *handler);
	/* Tells what a bound route takes and answers, for the OpenAPI document. NULL: the backend does not know. */
	enum openapi_told (*describe)(
	    const struct site *site, const void *state, const void *handler, struct openapi_operation *op);
	/* Does this route read the request body itself, though the backend's others do not? NULL: none does. */
	bool (*streams_body)(const void *handler);
	bool (*healthy)(const struct site *site, const void *state);
	void (*close)(void **state);
};

#endif
