/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECDSA signatures between DER (OpenSSL) and raw r||s (RFC 7518 3.4). Private to gateway/crypto. */
#ifndef GATEWAY_CRYPTO_EC_SIG_H
#define GATEWAY_CRYPTO_EC_SIG_H

#include "gateway/base/str.h"

/* raw gets 2*size bytes. */
int ec_sig_to_raw(struct str der, unsigned char *raw, size_t size) MUSTUSE;
/* r and s must be in 1..2^(8*size)-1; der has room for 160 bytes; *n gets its length. */
int ec_sig_to_der(struct str raw, size_t size, unsigned char der[160], size_t *n) MUSTUSE;

#endif
