/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealing: AES-256-GCM under a 32-byte key, for values that only the holder of a secret may read again. Pure over OpenSSL. Not
 * OpenEMR's format (openemr_crypt.h).                                                                                      */
#ifndef GATEWAY_CRYPTO_SEAL_H
#define GATEWAY_CRYPTO_SEAL_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"
#include "gateway/base/rng.h"

enum { SEAL_KEY = 32 };

/* Nonce (12) | ciphertext | tag (16), as bytes in the arena; .p NULL when that is full. Fresh random nonce each time. NIST SP 800-38D. */
struct str seal(struct arena *a, struct rng *rng, const uint8_t key[SEAL_KEY], struct str plain);
/* -1: not sealed under this key, or changed. */
int unseal(struct arena *a, const uint8_t key[SEAL_KEY], struct str sealed, struct str *plain, struct err *e) MUSTUSE;

#endif
