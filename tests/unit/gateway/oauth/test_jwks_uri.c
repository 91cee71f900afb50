/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When keys by URI are served, fetched beside, or waited for. Fetching itself: tests/e2e/test_oauth_clients.py. */
#include "gateway/oauth/jwks_uri.h"

#include "tests/unit/harness.h"

#define S(s) ((int64_t)(s) * 1000000)
enum { DAY = 24 * 3600 };

static void
test_keys__are_served_fetched_or_waited_for_by_their_age(void)
{
	static const struct {
		struct jwks_age age;
		bool too_old;
		enum jwks_due due; /* once a set that is too old has gone */
	} rows[] = {
		{ { .set = false }, false, JWKS_WAIT },
		{ { .set = false, .under_way = true, .tried = true, .tried_ago_us = S(1) }, false, JWKS_WAIT },
		{ { .set = false, .tried = true, .tried_ago_us = S(29) }, false, JWKS_SERVE },
		{ { .set = false, .tried = true, .tried_ago_us = S(31) }, false, JWKS_WAIT },
		{ { .set = true, .known = true, .fetched_ago_us = S(3599), .tried = true, .tried_ago_us = S(3599) },
		    false, JWKS_SERVE },
		{ { .set = true, .known = true, .fetched_ago_us = S(3601), .tried = true, .tried_ago_us = S(3601) },
		    false, JWKS_FETCH },
		{ { .set = true, .known = true, .fetched_ago_us = S(3601), .tried = true, .tried_ago_us = S(1) }, false,
		    JWKS_SERVE },
		{ { .set = true,
		      .known = true,
		      .fetched_ago_us = S(3601),
		      .tried = true,
		      .tried_ago_us = S(1),
		      .under_way = true },
		    false, JWKS_FETCH },
		{ { .set = true, .known = false, .fetched_ago_us = S(10), .tried = true, .tried_ago_us = S(10) }, false,
		    JWKS_SERVE }, /* resting */
		{ { .set = true, .known = false, .fetched_ago_us = S(40), .tried = true, .tried_ago_us = S(40) }, false,
		    JWKS_WAIT },
		{ { .set = true, .known = true, .fetched_ago_us = S(DAY - 1), .tried = true, .tried_ago_us = S(60) },
		    false, JWKS_FETCH },
		/* a client that comes once a week: its keys are fetched, and it waits for them */
		{ { .set = true,
		      .known = true,
		      .fetched_ago_us = S(7 * DAY),
		      .tried = true,
		      .tried_ago_us = S(7 * DAY) },
		    true, JWKS_WAIT },
		{ { .set = true, .known = true, .fetched_ago_us = S(DAY + 1), .tried = true, .tried_ago_us = S(1) },
		    true, JWKS_SERVE }, /* with nothing */
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct jwks_age age = rows[i].age;
		EXPECT_IDX(jwks_too_old(&age) == rows[i].too_old, i);
		if (jwks_too_old(&age))
			age.set = age.known = false;
		EXPECT_IDX(jwks_due(&age) == rows[i].due, i);
	}
}

TESTS(T(test_keys__are_served_fetched_or_waited_for_by_their_age))
