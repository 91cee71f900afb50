/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key sets by URI: fetched off the request's path, one flight per URI at a time, believed for an hour, the last good one kept while the
 * place does not answer; an unknown kid asks once again, not more often than the cooldown. SMART App Launch 2.2 (asymmetric
 * client authentication), contract/oauth2.md 7, 17.                                                                        */
#ifndef GATEWAY_OAUTH_JWKS_URI_H
#define GATEWAY_OAUTH_JWKS_URI_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

struct jwks_uris;
struct jwk_set;

/* Of one site; w outlives it. NULL: out of memory. */
struct jwks_uris *jwks_uris_new(struct worker *w);
void jwks_uris_free(struct jwks_uris **u);

/* Makes sure that what jwks_uri_keys() then answers is as good as it gets: STEP_NEXT (it is there already) or STEP_WAIT (a fetch runs). kid:
 * of the assertion; .n 0: none. STEP_FAIL: out of memory.                                                                  */
enum step jwks_uri_want(struct task *t, struct jwks_uris *u, struct str uri, struct str kid);
/* The keys; NULL: never fetched with success. Valid until the next wait. */
const struct jwk_set *jwks_uri_keys(struct jwks_uris *u, struct str uri);

/* --- the decision, for its test ---------------------------------------------------------------------------------------------- */
struct jwks_age {
	bool set, known; /* there is a set; it has the assertion's kid, or that has none */
	int64_t fetched_ago_us;
	bool tried;
	int64_t tried_ago_us; /* also tries that failed */
	bool under_way;
};
/* A set that nobody may believe any more: it goes first. */
bool jwks_too_old(const struct jwks_age *a);
/* With what there is; with it while a fetch runs; when the fetch is over. */
enum jwks_due { JWKS_SERVE, JWKS_FETCH, JWKS_WAIT };
enum jwks_due jwks_due(const struct jwks_age *a);

#endif
