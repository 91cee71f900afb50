/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request in the direct backend: its state, the operations over it, and what a dialect has to answer. The operations know
 * tables, the dialects know envelopes; neither knows a resource.                                                           */
#ifndef BACKENDS_DIRECT_ENGINE_CALL_H
#define BACKENDS_DIRECT_ENGINE_CALL_H

#include "backends/direct/engine/accept.h"
#include "backends/direct/engine/fetch.h"
#include "backends/direct/engine/query.h"
#include "gateway/core/request.h"

/* A site's state of the backend (direct.c). */
struct direct {
	unsigned magic;
#define DIRECT_MAGIC 0x4ad09c35u
	struct site *site;
	struct arena *arena; /* plans and statements */
	struct schema *schema;
	struct lists *lists;
	struct query_forms *forms;
	bool ready; /* plans are there */
	struct opening *opening;
};
struct handler { /* a bound route */
	const struct direct_route *row;
	struct direct *d;
	struct plan *plan; /* NULL until ready, and for OP_SPECIAL */
};

struct openapi_operation;

struct call {
	struct request *r;
	struct direct *d;
	const struct handler *h;
	const struct plan *plan;
	const struct style *style;
	struct render render;
	/* read, update */
	struct str id_text; /* as in the path */
	bool id_valid;
	struct fetch_one one;
	/* list */
	struct query *q;
	struct form self; /* FHIR: the parameters that were used */
	bool want_count, only_count;
	struct db_result *keys, *count;
	struct db_val *vals;
	size_t n_vals;
	struct fetch_page page;
	bool more;              /* rows behind this page */
	struct str stream_tail; /* what closes the envelope when the page is left open for a stream */
	/* write */
	struct accepted accepted;
	struct violations violations;
	struct db_tx *tx;
	struct db_result *done, *inserted;
	int64_t next;       /* SV_NEXT */
	struct uuid *uuids; /* of the row, then of its mappings */
	bool lost, committing, committed;
};

/* How answers look; each writes the whole reply. */
struct dialect_ops {
	/* Filters and paging of r->query into c->q. STEP_NEXT, or STEP_REPLY with the refusal. */
	enum step (*query)(struct call *c);
	void (*one)(struct call *c);           /* c->one.row */
	void (*page)(struct call *c);          /* c->page, c->more, c->count */
	void (*missing)(struct call *c);       /* c->one: not found or hidden, or the id is malformed */
	void (*query_refused)(struct call *c); /* c->r->task.err names the parameter */
	/* May the body be taken? false: refused, the reply is there. NULL: what is no object counts as an empty one. */
	bool (*body)(struct call *c, const json_t *doc);
	void (*invalid)(struct call *c); /* c->violations */
	void (*created)(struct call *c);
	bool stream; /* pages without limit go on as a stream */
	/* The route's parameters, body and answers for the OpenAPI document; NULL: not told. */
	void (*describe)(const struct handler *h, struct openapi_operation *op);
};
struct style {
	const struct dialect_ops *ops;
	const char *missing_text; /* Standard: what stands before the id: "value ", " value " */
	bool hidden_404;          /* a hidden row is 404 with empty data, an unknown one 400 */
	bool strings_unfiltered;  /* a list without filter has numbers as strings */
	bool strings_unfiltered_classic;
	bool paging;       /* _limit, _offset, _sort */
	const char *sorts; /* columns of _sort */
};

/* The state of a call in the request's arena, or NULL (full). */
struct call *call_new(struct request *r, const struct handler *h);
/* The operation of the route: pushes its table. */
enum step call_run(struct call *c);
extern const struct step_table read_table, list_table, create_table, update_table;

/* A status that is not DB_OK as the reply: 503, or 413 for an answer that does not fit. */
enum step call_db_failed(struct call *c, enum db_status status);
/* Row filter, database and key of c->one. */
void call_one_prepare(struct call *c, const struct uuid *uuid);
/* Tells the audit record whom the row is about. */
void call_audit_row(struct call *c, const struct plan_source *ps, const struct db_cell *row);

#endif
