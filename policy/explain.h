/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What "gatehouse explain" prints: the route that a method and path find, its row, and each check of the policy in order with its outcome
 * and the rule that decided. The same code decides as for requests. Not for fetching users or grants (the CLI does).       */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "policy/policy.h"

struct explain {
	const struct policy *policy;
	struct str site;
	enum compat compat;
	struct str method, path;         /* path as sent: /apis/default/api/patient, or below the site: /api/patient */
	const struct principal *who;     /* scopes, role, username; role ROLE_NONE: nobody                     */
	const struct acl_grants *grants; /* NULL: not fetched                                                  */
	struct str backend;              /* name of the backend that answers; .n 0: not told                       */
};
/* The route of a method and path as given to explain; NULL: none (the reason is what explain_put() prints). For the CLI, to ask
 * policy_needs_acl() first. */
const struct route *explain_route(const struct explain *x, struct route_params *params);
/* Appends the explanation. True: the request would be allowed. a: scratch. */
bool explain_put(const struct explain *x, struct arena *a, struct buf *out);

#endif
