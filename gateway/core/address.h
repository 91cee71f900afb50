/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network addresses: CIDR lists and the trusted-proxy rule that tells the client's address. Pure. OWASP ASVS 2.2, RFC
 * 7239. */
#ifndef GATEWAY_CORE_ADDRESS_H
#define GATEWAY_CORE_ADDRESS_H

#include "gateway/base/err.h"
#include "gateway/net/exchange.h"

struct cidr {
	uint8_t addr[16]; /* v4 as v4-mapped */
	unsigned bits;    /* 0..128 */
};
/* "10.0.0.0/8", "::1", "192.0.2.7". Host bits beyond the prefix must be zero. */
int cidr_parse(struct str s, struct cidr *out, struct err *e) MUSTUSE;
bool cidr_match(const struct cidr *list, size_t n, const uint8_t addr[16]);
/* An address literal (v4, v6, [v6], optional :port behind v4 or [v6]) as 16 bytes; -1: not one. */
int address_parse(struct str s, uint8_t out[16]) MUSTUSE;
/* The client's address: the peer, unless the peer is a listed proxy: then the right-most X-Forwarded-For (or Forwarded
 * for=) entry that is not itself a listed proxy. A malformed entry ends the walk: the last good address counts. Text in
 * arena; .p NULL when the arena is full. */
struct str client_address(struct arena *a, const struct peer *peer, const struct http_head *head,
    const struct cidr *trusted, size_t n_trusted, bool *peer_trusted);

#endif
