/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One HTTP exchange from first byte to audit line; owned by the pipeline, lives in the exchange's arena.                   */
#ifndef GATEWAY_CORE_REQUEST_H
#define GATEWAY_CORE_REQUEST_H

#include "gateway/base/text.h"
#include "gateway/core/audit_event.h"
#include "gateway/core/principal.h"
#include "gateway/core/reply.h"
#include "gateway/core/route.h"
#include "gateway/loop/step.h"
#include "gateway/net/exchange.h"

struct site;
struct acl_grants; /* policy/acl.h */
struct worker;

struct request {
	unsigned magic;
#define REQUEST_MAGIC 0x6b1f03d9u
	struct task task;   /* err, arena, loop, deadline are its members             */
	struct exchange *x; /* NULL once closed                                       */
	struct worker *worker;
	struct site *site;         /* NULL until routed                                      */
	const struct route *route; /* NULL until routed                                      */
	struct route_params params;
	struct str path; /* below /apis/{site} or /oauth2/{site}, raw               */
	enum dialect dialect;
	struct str request_id;     /* accepted from the client or made                        */
	struct str client_address; /* by the trusted-proxy rule                               */
	struct form query;         /* decoded query parameters                                */
	struct str body;           /* collected body; .p NULL until collected                 */
	struct principal who;
	struct {                 /* the row filter that policy orders: backends must apply it */
		bool by_patient; /* only rows of this patient                                */
		struct uuid patient;
		struct str scope_context; /* user, patient, system: the context that decided       */
		struct str categories;    /* granular scopes: comma list of system|code; .n 0: unrestricted */
	} filter;
	const struct acl_grants *grants; /* the user's, where the route asks for an ACL object; else NULL */
	struct reply reply;
	struct audit_facts audit; /* what the record will say                                */
	void *state;              /* pipeline's own                                          */
	int64_t started_us;
};

static inline struct request *
request_of(struct task *t)
{
	struct request *r = CONTAINER_OF(t, struct request, task);
	CHECK_OBJ(r, REQUEST_MAGIC);
	return r;
}
/* Decides the reply as an error in the request's dialect and returns STEP_REPLY. */
enum step request_refuse(struct request *r, enum reply_error which);
/* The same with the reason for log and audit in task.err (kept if one is there), for a store that is down: 503, Retry-After. */
enum step request_unavailable(struct request *r, const char *what);

#endif
