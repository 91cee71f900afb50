/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a backend tells about its routes for the OpenAPI 3.1 document: the parts that only it knows. The rest (paths, scopes, errors of the
 * pipeline) comes from the site's route table (gateway/swagger). Not for answering anything.                               */
#ifndef GATEWAY_CORE_OPENAPI_H
#define GATEWAY_CORE_OPENAPI_H

#include "gateway/base/json_write.h"
#include "gateway/core/route.h"

enum openapi_told {
	OPENAPI_TOLD,
	OPENAPI_LEFT_OUT, /* this site cannot answer the route: not in the document   */
	OPENAPI_LATER     /* not known yet: the document cannot be made at the moment */
};

/* Forms of a parameter of the path. */
enum { OPENAPI_UUID = 1, OPENAPI_NUMBER = 2 };

/* One operation. Each writer stands where its part goes; what is not written is filled in by general parts. */
struct openapi_operation {
	struct arena *arena;           /* lives until the document is made                                      */
	struct json_write *parameters; /* an open array: Parameter Objects of the query and the header          */
	struct json_write *body;       /* nothing written yet: one Request Body Object                          */
	struct json_write *responses;  /* an open object: Response Objects by status. Statuses of the pipeline   *
	                                * (401, 403, 413, 429, 503) are added by the document, all others here  */
	struct json_write *schemas;    /* the open object components/schemas; see openapi_schema()              */
	struct map *schema_names;      /* those that are written: name -> thing                                 */
	unsigned path_forms[ROUTE_PARAMS_MAX]; /* of the path's parameters in their order; 0: any */
	bool told_400; /* the backend's responses have 400: the general one is left out         */
};

/* The schema of a thing (told by its address), under the name that is wanted, or that with _2, _3 ... where another thing has it. True: it is
 * still to be written; its key is, and a value must follow in op->schemas. name: arena or static memory.                   */
bool openapi_schema(struct openapi_operation *op, const void *thing, struct str *name);
/* {"$ref":"#/components/schemas/NAME"} */
void openapi_ref_put(struct json_write *w, struct openapi_operation *op, struct str kind, struct str name);

#endif
