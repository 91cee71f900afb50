/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decision. One function walks the checks in the contract's order; explain listens to the same walk. */
#include "policy/policy.h"

struct judging {
	const struct policy *p;
	const struct route *route;
	const struct scope_need *need;
	const struct principal *who;
	const struct policy_trace *trace;
	struct decision *d;
	enum scope_context context;
	bool patient_request;
};

static void
tell(const struct judging *j, const char *check, bool ok, struct str text)
{
	if (j->trace != NULL)
		j->trace->tell(j->trace->ctx, check, ok, text);
}

static bool
pass(const struct judging *j, const char *check, struct str rule)
{
	tell(j, check, true, rule);
	return true;
}

static bool
refuse(struct judging *j, const char *check, enum reply_error which, struct str rule, const char *reason)
{
	j->d->allowed = false;
	j->d->refusal = which;
	j->d->rule = rule;
	j->d->reason = str_of(reason);
	tell(j, check, false, j->d->reason);
	return false;
}

bool
policy_api_on(const struct policy *p, enum api api)
{
	CHECK(api < API_N);
	return p->api_on[api];
}

static bool
check_api(struct judging *j)
{
	if (!policy_api_on(j->p, j->route->api))
		return refuse(j, "api", REPLY_API_OFF, STR("api switched off"), "this API is switched off on the site");
	return pass(j, "api", STR("switched on"));
}

/* oauth2.md 9.1, steps 9 and 10: the API as a whole. */
static bool
check_audience(struct judging *j)
{
	const struct principal *who = j->who;
	struct str api_scope = j->route->api_scope;
	if (who->role == ROLE_NONE || who->scopes == NULL)
		return refuse(j, "token", REPLY_UNAUTHENTICATED, STR("bearer"), "no verified token");
	if (api_scope.n > 0 && !scope_set_has(who->scopes, api_scope))
		return refuse(j, "api scope", REPLY_ROLE, j->need->rule_api, "the token does not hold the API's scope");
	if (api_scope.n > 0)
		(void)pass(j, "api scope", api_scope);
	if ((j->need->api_roles & 1u << who->role) == 0)
		return refuse(j, "api role", REPLY_ROLE, j->need->rule_role, "this API is not for this role");
	return pass(j, "api role", role_text(who->role));
}

static bool
check_role(struct judging *j)
{
	enum role role = j->who->role;
	if ((j->route->roles & 1u << role) == 0)
		return refuse(j, "role", REPLY_SCOPE, j->need->rule_role, "this route is not for this role");
	if (role == ROLE_SYSTEM && !j->p->system_scopes)
		return refuse(j, "role", REPLY_SCOPE, STR("system scopes switched off"),
		    "system scopes are switched off on the site");
	return pass(j, "role", role_text(role));
}

static const enum scope_context context_of_role[] = {
	[ROLE_NONE] = SCOPE_SPECIAL,
	[ROLE_USERS] = SCOPE_USER,
	[ROLE_PATIENT] = SCOPE_PATIENT,
	[ROLE_SYSTEM] = SCOPE_SYSTEM,
};

/* A scope that belongs to no resource (userinfo: openid). */
static bool
check_special(struct judging *j)
{
	struct str rule = j->need->rule_scope[SCOPE_SPECIAL];
	j->context = SCOPE_SPECIAL;
	if (!scope_set_has(j->who->scopes, j->need->special))
		return refuse(j, "scope", REPLY_SCOPE, rule, "the token does not hold the scope");
	j->d->allowed = true;
	j->d->rule = rule;
	return pass(j, "scope", rule);
}

/* oauth2.md 9.2: which context counts, the scope in it, the bound patient. */
static bool
check_scope(struct judging *j)
{
	const struct principal *who = j->who;
	const struct scope_need *need = j->need;
	if (need->special.n > 0)
		return check_special(j);
	j->patient_request = who->role == ROLE_PATIENT || scope_set_strongest(who->scopes, need) == SCOPE_PATIENT;
	j->context = j->patient_request ? SCOPE_PATIENT : context_of_role[who->role];
	struct str rule = need->rule_scope[j->context];
	if ((need->contexts & 1u << j->context) == 0)
		return refuse(j, "scope", REPLY_SCOPE, need->rule_scope[SCOPE_USER],
		    "the token's context for this resource is not one that the route takes");
	if (scope_set_holds(who->scopes, need, j->context) == SCOPE_NOT_HELD)
		return refuse(j, "scope", REPLY_SCOPE, rule, "the token does not hold the scope");
	(void)pass(j, "scope", rule);
	if (j->patient_request && !who->has_patient)
		return refuse(
		    j, "patient", REPLY_SCOPE, need->rule_patient, "a patient request without a bound patient");
	if (j->patient_request)
		(void)pass(j, "patient", STR("rows of the bound patient only"));
	j->d->allowed = true;
	j->d->rule = rule;
	j->d->by_patient = j->patient_request;
	if (j->patient_request)
		j->d->patient = who->patient_uuid;
	j->d->scope_context = scope_context_text(j->context);
	return true;
}

/* Does the ACL still have a say? oe-system has no ACL (a role of its own); patients have none to be asked. */
static bool
acl_counts(const struct judging *j)
{
	return j->route->acl_section.n > 0 && j->who->role != ROLE_SYSTEM &&
	       !(j->patient_request && j->route->patient_skips_acl);
}

static bool
check_acl(struct judging *j, const struct acl_grants *grants)
{
	const struct route *r = j->route;
	struct str rule = j->need->rule_acl;
	if (!acl_counts(j))
		return pass(j, "acl",
		    r->acl_section.n == 0         ? STR("none on this route")
		    : j->who->role == ROLE_SYSTEM ? STR("not asked for the system role")
		                                  : STR("skipped: the compartment limits a patient request"));
	if (j->who->role != ROLE_USERS)
		return refuse(j, "acl", REPLY_ACL, rule, "patients have no ACL and the route does not skip it");
	if (grants == NULL)
		return refuse(j, "acl", REPLY_ACL, rule, "the user's ACL is not known");
	if (!acl_allowed(grants, r->acl_section, r->acl_value, r->acl_returns, r->n_acl_returns))
		return refuse(j, "acl", REPLY_ACL, rule, "the user's ACL does not grant it");
	j->d->rule = rule;
	return pass(j, "acl", rule);
}

/* All checks before the ACL. False: refused. True on a public route: nothing is left to ask. */
static bool
judge(struct judging *j)
{
	*j->d = (struct decision){ .refusal = REPLY_SCOPE };
	if (!check_api(j))
		return false;
	if (j->route->is_public) {
		j->d->allowed = true;
		j->d->rule = STR("public");
		return pass(j, "public", STR("no token needed"));
	}
	j->need = j->route->scope;
	CHECK(j->need != NULL); /* route_build() lets no other row through */
	return check_audience(j) && check_role(j) && check_scope(j);
}

bool
policy_needs_acl(const struct policy *p, const struct route *route, const struct principal *who)
{
	struct decision d;
	struct judging j = { .p = p, .route = route, .who = who, .d = &d };
	return judge(&j) && !route->is_public && who->role == ROLE_USERS && acl_counts(&j);
}

void
policy_decide(const struct policy *p, const struct route *route, const struct principal *who,
    const struct acl_grants *grants, struct arena *a, const struct policy_trace *trace, struct decision *out)
{
	struct judging j = { .p = p, .route = route, .who = who, .trace = trace, .d = out };
	if (!judge(&j) || route->is_public || !check_acl(&j, grants))
		return;
	out->categories = scope_set_categories(a, who->scopes, j.need, j.context);
	if (out->categories.p == NULL)
		(void)refuse(&j, "categories", REPLY_INTERNAL, out->rule, "out of request memory");
}

const struct policy *
policy_load(struct arena *a, const struct conf *conf, const struct conf_site *site, struct arena *report_arena,
    struct conf_reports *reports)
{
	struct policy *p = ARENA_NEW(a, struct policy);
	bool own = site->n_scope_files > 0;
	if (p == NULL) {
		reports->errors++;
		return NULL;
	}
	p->routes = route_table_load_all(a, own ? site->scope_files : conf->scope_files,
	    own ? site->n_scope_files : conf->n_scope_files, conf, report_arena, reports);
	if (p->routes == NULL)
		return NULL;
	p->catalog = route_table_catalog(p->routes);
	p->api_on[API_STANDARD] = site->apis.standard;
	p->api_on[API_PORTAL] = site->apis.portal;
	p->api_on[API_FHIR] = site->apis.fhir;
	p->api_on[API_OAUTH] = site->apis.standard || site->apis.portal || site->apis.fhir;
	p->api_on[API_SWAGGER] = site->apis.standard || site->apis.portal;
	p->system_scopes = site->apis.system_scopes;
	return p;
}
