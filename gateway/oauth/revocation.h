/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ending grants: every token of a family dies in Redis at once, hence on all workers with their next request, and OpenEMR's rows say so
 * too. Used by refresh reuse, code reuse, revoke, logout, manage. RFC 7009, RFC 9700 4.14.2, contract/oauth2.md 3.7, 14.   */
#ifndef GATEWAY_OAUTH_REVOCATION_H
#define GATEWAY_OAUTH_REVOCATION_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

/* {prefix}grants:{sub}: sorted set of "client SP family", score = end of the grant's last token (epoch seconds). What a person's apps
 * hold; members past their score are gone already.                                                                        */
struct str key_grants(struct arena *a, const struct site *site, struct str sub);

/* Frame of revoke_steps. Goes on (STEP_NEXT) when Redis has forgotten the tokens; replies itself (503) only when Redis is down. */
struct revoke {
	/* in */
	struct str sub, client; /* whose grants, to which client                                                     */
	struct str family;      /* one grant; .n 0: all of (sub, client)                                             */
	struct str keep;        /* Redis key that stays: the mark of a used refresh token; .n 0: none                 */
	bool trusted; /* delete the oauth_trusted_user row too: the person withdraws consent (logout, manage) */
	/* out */
	int64_t n_tokens; /* keys that were deleted */
	/* working state */
	struct redis_result *redis;
	struct db_result *db;
};
extern const struct step_table revoke_steps;

#endif
