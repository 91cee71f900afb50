/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rate classes, and the limiter's arithmetic (GCRA): pure. The same numbers go to the Lua script in Redis and, when Redis is gone and a
 * route says "local", to rate_gcra() over a worker's own cells. Not for storing cells.                                     */
#ifndef POLICY_RATE_H
#define POLICY_RATE_H

#include "gateway/config/conf.h"
#include "gateway/core/principal.h"

enum rate_by { RATE_BY_CLIENT, RATE_BY_USER, RATE_BY_SITE, RATE_BY_ADDRESS };
struct rate_class {
	struct str name;
	unsigned limit; /* per window; 0: unlimited                                                       */
	uint32_t window_ms;
	unsigned burst; /* requests that may come at once, at least 1                                     */
	enum rate_by by;
	int64_t interval_us; /* one request's share of the window: window / limit, at least 1; 0: unlimited    */
};
struct rate_classes;

/* The built-in classes (default, public, read, search, write, export, token, register) with the limits that conf sets for some
 * of them, and conf's further classes. conf may be NULL. NULL when the arena is full.                                      */
const struct rate_classes *rate_classes_new(struct arena *a, const struct conf_rate *conf, size_t n_conf);
const struct rate_class *rate_class_get(const struct rate_classes *c, struct str name); /* NULL: unknown */
size_t rate_classes_count(const struct rate_classes *c);
const struct rate_class *rate_classes_at(const struct rate_classes *c, size_t i);

/* Who is counted: the client id, the user's sub, "" of the site, or the address; where the request has no client or no user (public
 * routes), the address. Prefixed "c:", "u:", "s:", "a:" so that they never meet. Arena memory; .p NULL: arena full.      */
struct str rate_who(struct arena *a, const struct rate_class *c, const struct principal *who, struct str address);

struct rate_verdict {
	bool allowed;
	int64_t tat_us;   /* the cell's new value: store it (unchanged when refused)                            */
	int64_t left;     /* requests that could come now: RateLimit r                                          */
	int64_t reset_us; /* until the whole burst is there again: RateLimit t                                  */
	int64_t retry_us; /* refused: until one request passes: Retry-After                                     */
};
/* tat_us: the cell (theoretical arrival time), 0 when there is none. now_us: the same clock. Refused requests cost nothing. */
void rate_gcra(const struct rate_class *c, int64_t tat_us, int64_t now_us, struct rate_verdict *out);
unsigned rate_seconds(int64_t us); /* rounded up, for Retry-After and t */

#endif
