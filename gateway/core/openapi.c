/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named schemas of the document. */
#include "gateway/core/openapi.h"

#include "gateway/base/map.h"

bool
openapi_schema(struct openapi_operation *op, const void *thing, struct str *name)
{
	struct str wanted = *name;
	const void *there = map_get(op->schema_names, *name);
	for (unsigned i = 2; there != NULL && there != thing; i++) {
		*name = arena_printf(op->arena, "%.*s_%u", STR_ARG(wanted), i);
		there = map_get(op->schema_names, *name);
	}
	if (there == thing)
		return false;
	if (name->p == NULL || map_put(op->schema_names, *name, (void *)(uintptr_t)thing, NULL) != 0) {
		op->schemas->out->failed = true; /* out of memory: the document is not made */
		return false;
	}
	json_key(op->schemas, *name);
	return true;
}

void
openapi_ref_put(struct json_write *w, struct openapi_operation *op, struct str kind, struct str name)
{
	json_obj(w);
	json_kv_str(w, STR("$ref"), arena_printf(op->arena, "#/components/%.*s/%.*s", STR_ARG(kind), STR_ARG(name)));
	json_obj_end(w);
}
