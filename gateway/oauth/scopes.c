/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which scopes a grant gets: known to the server, registered by the client, possible for the role. contract/oauth2.md 4.4.   */
#include "gateway/oauth/endpoint.h"
#include "policy/policy.h"

/* golden-7.0 197: 6.x and 7.x know the Standard and Portal API's scopes only together with their API's scope. */
static bool
classic_api_missing(const struct site *site, const struct scope_set *set, const struct scope *s)
{
	if (site->compat != COMPAT_CLASSIC || s->resource.n == 0 || s->resource.p[0] < 'a' || s->resource.p[0] > 'z')
		return false;
	return !scope_set_has(set, s->context == SCOPE_PATIENT ? STR("api:port") : STR("api:oemr"));
}

static int
scope_refused(struct request *r, struct str name)
{
	struct str hint = name.n == 0 ? STR_NULL : arena_printf(r->task.arena, "Check the `%.*s` scope", STR_ARG(name));
	(void)oauth_refuse(r, OAUTH_SCO, hint, "scope unknown or malformed");
	return -1;
}

int
oauth_scopes_registered(struct request *r, struct str requested, const struct oauth_client *client,
    const struct scope_set **out, struct str *bad_name)
{
	const struct policy *p = r->site->policy;
	const struct scope_set *asked, *registered;
	const struct scope *bad = NULL;
	struct err e = { 0 };
	struct arena *a = r->task.arena;
	*bad_name = STR_NULL;
	if (scope_set_parse(a, requested, &asked, &e) != 0)
		return -1;
	if (!scope_catalog_accepts_all(p->catalog, p->system_scopes, asked, &bad)) {
		*bad_name = bad->text;
		return -1;
	}
	for (size_t i = 0; i < scope_set_count(asked); i++)
		if (classic_api_missing(r->site, asked, scope_set_at(asked, i))) {
			*bad_name = scope_set_at(asked, i)->text;
			return -1;
		}
	/* a row that OpenEMR wrote may hold anything; what cannot be read grants nothing */
	if (scope_set_parse(a, client->scope, &registered, &e) != 0)
		return -1;
	*out = scope_set_narrow(a, asked, registered);
	return *out == NULL ? -1 : 0;
}

int
oauth_scopes(struct request *r, struct str requested, const struct oauth_client *client, enum role role,
    const struct scope_set **out)
{
	struct str bad;
	if (oauth_scopes_registered(r, requested, client, out, &bad) != 0)
		return scope_refused(r, bad);
	*out = scope_set_for_role(r->task.arena, *out, role);
	if (*out != NULL)
		return 0;
	reply_error(&r->reply, r->dialect, REPLY_UNAVAILABLE, STR_NULL);
	return -1;
}
