/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A JWK set from inside. Private to gateway/crypto. */
#ifndef GATEWAY_CRYPTO_JWK_PRIVATE_H
#define GATEWAY_CRYPTO_JWK_PRIVATE_H

#include "gateway/crypto/jwk.h"

#include <openssl/evp.h>

enum { JWK_MAX = 32, KID_MAX = 256 };

struct jwk {
	EVP_PKEY *pkey;
	unsigned algs; /* bits of enum jws_alg that fit its type and its own "alg" */
	size_t kid_n;
	char kid[KID_MAX];
};
struct jwk_set {
	size_t n;
	struct jwk keys[JWK_MAX];
};
unsigned jws_alg_of(struct str name); /* 0: unknown, "none", symmetric */

#endif
