/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of issuing share: the tokens and their state (issue.c), OpenEMR's rows of them (issue_rows.c). Private to these. */
#ifndef GATEWAY_OAUTH_ISSUE_H
#define GATEWAY_OAUTH_ISSUE_H

#include "gateway/oauth/endpoint.h"

enum { ISSUE_SCOPE_MAX = 16 << 10 };

/* The granted scopes as one text, "" for none or too many; flags of scope_set_put(). */
struct str issue_scopes(struct request *r, const struct issue *i, unsigned flags);
/* How long the refresh token lives: the idle end, cut to the grant's absolute end; <= 0: it is over. */
int64_t issue_refresh_life_s(const struct request *r, const struct issue *i);
/* Frame struct issue, pushed once Redis has the state, where the site asks for rows. Goes on, or replies when the database is down. */
extern const struct step_table issue_rows_steps;

#endif
