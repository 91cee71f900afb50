/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second factor of staff: a TOTP code against OpenEMR's registrations, each code once, tries limited per user. Used by the login
 * pages and by the password grant. contract/oauth2.md 6.3. Not for U2F: a user who has only that is told so (unsupported). */
#ifndef GATEWAY_OAUTH_SECOND_FACTOR_H
#define GATEWAY_OAUTH_SECOND_FACTOR_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

/* Frame of second_factor_steps. Goes on (STEP_NEXT) with ok set or not; replies itself only when a store is down. */
struct second_factor {
	/* in */
	int64_t user_id; /* users.id */
	struct str code; /* as typed; anything but six digits is wrong */
	/* out */
	bool ok;
	bool unsupported;   /* the user has registrations, but no TOTP one that can be read */
	const char *reason; /* of a failure, for log and audit */
	bool locked;        /* the failure is a lockout */
	/* working state */
	struct db_result *db;
	struct redis_result *redis;
	int64_t step;
};
extern const struct step_table second_factor_steps;

/* The user's registrations, and whether one of them is of a kind that is served here. */
enum step second_factor_read(struct task *t, struct request *r, int64_t user_id, struct db_result **out);
bool second_factor_served(const struct db_result *registrations);

#endif
