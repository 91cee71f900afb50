/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What OpenEMR's rows say of a token now: client enabled, user active, the password the one of the grant, neither token nor grant revoked
 * nor trust withdrawn on OpenEMR's admin page. Asked by the bearer check (which believes it for a while) and by introspection.
 * contract/oauth2.md 3.7, 6.5, 9.1, 14.                                                                                    */
#ifndef GATEWAY_CORE_LIVE_H
#define GATEWAY_CORE_LIVE_H

#include "gateway/core/principal.h"
#include "gateway/core/site.h"

enum { LIVE_STAMP = 17 };

struct live_ask {
	struct str client_id, sub;
	const struct uuid *sub_uuid; /* of sub */
	bool rows;                   /* OpenEMR's rows were written for the grant: they may revoke it */
	struct str jti, family;      /* with rows: the access token (.n 0: none) and the name of the grant's row */
};
struct live_entry {
	bool client_enabled, user_active;
	bool rows_good;
	char stamp[LIVE_STAMP]; /* of the person's credential now */
	enum role role;         /* of the subject */
	int64_t user_id, pid;
	char username[256];
	unsigned username_n;
};
enum step live_query(struct task *t, const struct site *site, const struct live_ask *ask, struct db_result **out);
/* Of a result that is DB_OK; without a row the client is unknown. */
void live_read(const struct db_result *res, struct live_entry *e);
/* Why a grant made with this stamp ("": not known) is no longer good; .n 0: it is. */
struct str live_judge(const struct live_entry *e, const char *stamp);

#endif
