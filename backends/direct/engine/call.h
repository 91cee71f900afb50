/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request in the direct backend: its state, the operations over it, and what a dialect has to answer. The operations know
 * tables, the dialects know envelopes; neither knows a resource.                                                           */
#ifndef BACKENDS_DIRECT_ENGINE_CALL_H
#define BACKENDS_DIRECT_ENGINE_CALL_H

#include "backends/direct/engine/accept.h"
#include "backends/direct/engine/fetch.h"
#include "backends/direct/engine/parent.h"
#include "backends/direct/engine/query.h"
#include "gateway/core/request.h"

#include "backends/direct/engine/globals.h"
#include "backends/direct/engine/idempotency.h"
#include "backends/direct/engine/write_log.h"

/* A site's state of the backend (direct.c). */
struct direct {
	unsigned magic;
#define DIRECT_MAGIC 0x4ad09c35u
	struct site *site;
	struct arena *arena; /* plans and statements */
	struct schema *schema;
	struct uuids uuids;
	struct lists *lists;
	struct query_forms *forms;
	const struct parents *parents; /* made with the plans */
	struct globals *globals;       /* NULL until read */
	struct write_log *log;         /* NULL: the site has no log */
	bool ready;                    /* plans are there */
	struct opening *opening;
};
struct handler { /* a bound route */
	const struct direct_route *row;
	struct direct *d;
	struct plan *plan; /* NULL until ready, and without a resource */
};

struct openapi_operation;

enum { COMPARE_VALS_MAX = 12 };
struct call {
	struct request *r;
	struct direct *d;
	const struct handler *h;
	const struct plan *plan;
	const struct style *style;
	struct render render;
	/* the patient and the encounter of the path */
	struct parent parent;
	/* read, update, delete */
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
	unsigned n_exists;          /* references asked for */
	struct db_result *compared; /* rows of the rule's compare; NULL: it asked for none */
	struct db_tx *tx;
	struct db_result *done;
	unsigned when;  /* SET_CREATE, SET_UPDATE, 0: the row goes */
	int64_t next;   /* SV_NEXT, SV_SEQUENCE */
	int64_t row_id; /* of the row that is written */
	int64_t further_id[FURTHER_MAX];
	bool no_uuid;       /* the row that is changed has none */
	struct uuid *uuids; /* of the row, then of its mappings, then those for also */
	void *also;         /* what the rule's also keeps from statement to statement of one try */
	struct str group;   /* the caller's, of OpenEMR's groups */
	int64_t log_id;
	struct str log_checksum;
	unsigned op; /* of the transaction: the next one */
	bool op_running, lost, committing, committed;
	struct idempotency idempotency;
	void *action; /* state of an action of the resource's own */
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
	void (*removed)(struct call *c);
	/* The patient or encounter of the path is not there, or malformed. On create: as violations, true when there is one to add. */
	void (*no_parent)(struct call *c);
	bool (*parent_violation)(struct call *c);
	/* An Idempotency-Key that cannot be used: status 409 or 422. */
	void (*key_refused)(struct call *c, unsigned status, const char *text);
	bool stream; /* pages without limit go on as a stream */
	/* The route's parameters, body and answers for the OpenAPI document; NULL: not told. */
	void (*describe)(const struct handler *h, struct openapi_operation *op);
};
/* The state of a call in the request's arena, or NULL (full). */
struct call *call_new(struct request *r, const struct handler *h);
/* The operation of the route: pushes its table. */
enum step call_run(struct call *c);
extern const struct step_table read_table, list_table, create_table, update_table, remove_table;
extern const struct step_table transaction_table; /* frame: the call; c->when says what is written (write_tx.c) */
/* A statement of the transaction with c->vals, for the rule's also. */
enum step transaction_query(struct call *c, const struct db_stmt *stmt);
/* The uuids that are for also. */
const struct uuid *transaction_uuids(const struct call *c);

/* A status that is not DB_OK as the reply: 503, or 413 for an answer that does not fit. */
enum step call_db_failed(struct call *c, enum db_status status);
/* Looks the row of the path up: its key, and whose it must be. False: the key is malformed, or the arena is full (c->one.status). */
bool call_one_by_path(struct call *c);
/* The row with this id of the first source (after a creation). */
void call_one_by_id(struct call *c, int64_t id);
/* The patient and encounter of the path, as the first rows of an operation: ask, then read. c->parent. */
enum step parent_ask(struct task *t);
enum step parent_read(struct task *t);
/* The text of a field of the row in c->one; "" when it has none. buf: for numbers. */
struct str call_cell(const struct call *c, const char *field, char number[24]);
/* Tells the audit record whom the row is about. */
void call_audit_row(struct call *c, const struct plan_source *ps, const struct db_cell *row);

#endif
