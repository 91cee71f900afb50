/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time through an interface, so that tests hold the clock. Not for timers (gateway/loop/timer.h).                          */
#ifndef GATEWAY_BASE_CLOCK_H
#define GATEWAY_BASE_CLOCK_H

#include "gateway/base/macros.h"

struct clock {
	int64_t (*real_us)(const struct clock *); /* microseconds since 1970-01-01T00:00:00Z     */
	int64_t (*mono_us)(const struct clock *); /* microseconds that never go back             */
	int64_t fake_us;                          /* both, for clock_fake()                      */
};

extern const struct clock clock_system;
/* A clock that stands at us until the test moves c->fake_us. */
void clock_fake(struct clock *c, int64_t us);
static inline int64_t
clock_real_us(const struct clock *c)
{
	return c->real_us(c);
}
static inline int64_t
clock_real_s(const struct clock *c)
{
	return c->real_us(c) / 1000000;
}
static inline int64_t
clock_mono_us(const struct clock *c)
{
	return c->mono_us(c);
}

#endif
