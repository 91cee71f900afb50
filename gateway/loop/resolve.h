/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host names to addresses without blocking the loop (libevent's evdns: /etc/hosts, then the servers of /etc/resolv.conf, both read
 * once). For outbound calls only; stores and upstreams have numeric addresses.                                            */
#ifndef GATEWAY_LOOP_RESOLVE_H
#define GATEWAY_LOOP_RESOLVE_H

#include "gateway/loop/loop.h"

struct resolver;
struct resolve;

enum { RESOLVE_MAX = 8, RESOLVE_ADDR = 16 };
/* n addresses, v4 as v4-mapped; n 0: none, or no answer in time. Called from the loop, never from inside resolve_begin(), once. */
typedef void resolve_fn(void *arg, const uint8_t (*addrs)[RESOLVE_ADDR], size_t n);

/* Reads the two files (blocking: at start). NULL when out of memory. */
struct resolver *resolver_new(struct loop *l);
void resolver_free(struct resolver **r);
/* NULL when out of memory. The caller has the deadline: it cancels. */
struct resolve *resolve_begin(struct resolver *r, const char *host, resolve_fn *fn, void *arg);
/* No callback after this. NULL is fine; *q is NULL afterwards. Not after the callback came. */
void resolve_cancel(struct resolve **q);

#endif
