/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an address one of the public Internet? For outbound calls to places that a stranger named (server-side request forgery). Pure. IANA
 * special-purpose registries (RFC 6890).                                                                                   */
#ifndef GATEWAY_NET_PUBLIC_ADDRESS_H
#define GATEWAY_NET_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* 16 bytes, v4 as v4-mapped. False for loopback, private, link-local, shared, documentation, multicast, tunnels to v4 (6to4, Teredo) ... */
bool address_is_public(const uint8_t addr[16]);

#endif
