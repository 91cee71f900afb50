/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes through an interface. rng_system is the kernel's (getrandom), for every secret; tests may bring one that repeats. */
#ifndef GATEWAY_BASE_RNG_H
#define GATEWAY_BASE_RNG_H

#include "gateway/base/macros.h"

struct rng {
	void (*fill)(struct rng *, void *p, size_t n); /* never fails: aborts when the kernel has no randomness */
};

extern struct rng rng_system;
static inline void
rng_bytes(struct rng *r, void *p, size_t n)
{
	r->fill(r, p, n);
}

#endif
