/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the scope file, compiled: who may call a route and under which classes. policy/ reads the files and makes these; the
 * pipeline and the documents walk them. Who answers a route is the backend's row (backend.h).                              */
#ifndef GATEWAY_CORE_ROUTE_H
#define GATEWAY_CORE_ROUTE_H

#include "gateway/net/http_head.h"

enum api { API_OAUTH, API_STANDARD, API_PORTAL, API_FHIR, API_SWAGGER, API_N }; /* oauth2, api, portal, fhir, swagger */
enum audit_class { AUDIT_DURABLE, AUDIT_ASYNC, AUDIT_NONE };
enum on_failure { FAIL_CLOSED, FAIL_OPEN, FAIL_LOCAL }; /* when Redis does not answer              */
enum dialect {                                          /* of error bodies                         */
	DIALECT_OAUTH,                                  /* RFC 6749 5.2 JSON                       */
	DIALECT_OPENEMR,                                /* 8.x envelope (compat: v8)               */
	DIALECT_CLASSIC,                                /* 6.x and 7.x (compat: classic)           */
	DIALECT_FHIR,                                   /* OperationOutcome                        */
	DIALECT_PAGE,                                   /* a page for a person; never with CORS    */
	DIALECT_N
};

enum { ROUTE_PARAMS_MAX = 6, ROUTE_ACL_RETURNS_MAX = 3 };

struct rate_class; /* policy/rate.h */
struct scope_need; /* policy/scope.h: what a token must hold */

struct route {
	unsigned index; /* position in its table: for metrics and caches                */
	enum http_method method;
	struct str pattern; /* "/api/patient/:puuid" (below /apis/{site}) or "/token" (below /oauth2/{site}) */
	struct str name;    /* "GET /api/patient/:puuid": metrics, audit, explain           */
	enum api api;
	enum dialect dialect;
	bool is_public;                    /* no token needed                                              */
	bool any_origin;                   /* scripts of every origin may read it: a document          */
	unsigned roles;                    /* bits 1 << enum role                                          */
	const struct scope_need *scope;    /* NULL: none                                             */
	struct str api_scope;              /* "api:oemr", "api:port"; .n 0: none                           */
	struct str acl_section, acl_value; /* .n 0: no ACL                                         */
	struct str acl_returns[ROUTE_ACL_RETURNS_MAX];
	unsigned n_acl_returns;
	bool patient_skips_acl;        /* a patient request is limited by its compartment instead       */
	bool local_only;               /* reserved words such as operations never match ids             */
	const struct rate_class *rate; /* NULL: none                                              */
	enum audit_class audit;
	enum on_failure on_failure;
	struct str action; /* C R U D E of the audit record                                */
	struct str source; /* "openemr.yaml:37" for explain                                */
};
struct route_params {
	struct {
		struct str name, value;
	} v[ROUTE_PARAMS_MAX]; /* percent-decoded                 */
	unsigned n;
};
static inline struct str
route_param(const struct route_params *p, struct str name)
{
	for (unsigned i = 0; i < p->n; i++)
		if (str_eq(p->v[i].name, name))
			return p->v[i].value;
	return STR_NULL;
}

#endif
