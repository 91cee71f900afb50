/* SPDX-License-Identifier: GPL-3.0-or-later */
/* May this principal do this? A pure function of the scope file's row, the site's switches, the token and the user's ACL grants. It
 * decides and names the rule that decided; it does not authenticate, count or fetch. Order of the checks and their answers:
 *
 *   before the bearer check  api switched off               API_OFF      policy_api_on()
 *   1 api scope (api:oemr, api:port) and role of the API     ROLE
 *   2 role of the row, scope in the context that counts, bound patient of a patient request   SCOPE
 *   3 ACL of staff, unless a patient request skips it         ACL
 *
 * The context: users -> user, patients -> patient, system -> system; when the strongest context in which the token names the resource is
 * patient, or a patient has signed in, the request is a patient request, limited to the bound patient's rows.               */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "gateway/core/reply.h"
#include "policy/acl.h"
#include "policy/catalog.h"
#include "policy/rate.h"
#include "policy/route_table.h"

/* A site's policy, compiled. Made by policy_load(); tests may fill it by hand. */
struct policy {
	const struct route_table *routes;
	const struct scope_catalog *catalog;
	bool api_on[API_N]; /* S20; API_OAUTH: any of the others; API_SWAGGER: Standard or Portal            */
	bool system_scopes;
};
/* Scope files of the site (or of conf), its switches. NULL with every error in reports. Blocking; memory of a. */
const struct policy *policy_load(struct arena *a, const struct conf *conf, const struct conf_site *site,
    struct arena *report_arena, struct conf_reports *reports);

struct decision {
	bool allowed;
	enum reply_error refusal; /* when not allowed                                                       */
	struct str rule;          /* what decided: "scope user/patient.r (openemr.yaml:37)"; lives with the table */
	struct str reason;        /* static text, for log and audit                                        */
	bool by_patient;          /* row filter: this patient only                                         */
	struct uuid patient;
	struct str scope_context; /* "user", "patient", "system"; .n 0 on public routes                    */
	struct str categories;    /* row filter: comma list of system|code; .n 0: unrestricted             */
};
/* Tells each check in order, for explain: name, outcome, words. */
struct policy_trace {
	void (*tell)(void *ctx, const char *check, bool ok, struct str text);
	void *ctx;
};

/* Does the site serve this API at all? */
bool policy_api_on(const struct policy *p, enum api api);
/* True when only the ACL is left to decide: then the caller fetches the user's grants (acl_sql.h). False: policy_decide() needs none
 * (public, refused before, or ACL skipped). No allocation.                                                                 */
bool policy_needs_acl(const struct policy *p, const struct route *route, const struct principal *who);
/* grants: the user's; NULL where policy_needs_acl() was false (a needed one that is missing refuses). a: for the categories only; full:
 * refused with INTERNAL. trace may be NULL.                                                                                */
void policy_decide(const struct policy *p, const struct route *route, const struct principal *who,
    const struct acl_grants *grants, struct arena *a, const struct policy_trace *trace, struct decision *out);

#endif
