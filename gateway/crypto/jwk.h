/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON Web Keys and signed tokens: parsed public keys kept for cheap verification. RFC 7517, RFC 7515, RFC 7518, RFC 8725.
 * Verification is our own over EVP (a hot path); private keys live in keyd.                                                */
#ifndef GATEWAY_CRYPTO_JWK_H
#define GATEWAY_CRYPTO_JWK_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"

#include <jansson.h>

struct jwk_set;

enum jws_alg { JWS_RS256 = 1 << 0, JWS_RS384 = 1 << 1, JWS_ES256 = 1 << 2, JWS_ES384 = 1 << 3 };

/* Parses a JWK Set ({"keys":[...]}, at most 64 KiB, at most 32 keys). Keys of unknown kty, with use other than sig or too small
 * (RSA < 2048 or > 8192 bits) are left out; a set without a usable key is an error. Symmetric keys are never usable.       */
struct jwk_set *jwk_set_parse(struct str text, struct err *e);
void jwk_set_free(struct jwk_set **s);
size_t jwk_set_count(const struct jwk_set *s);
/* Bits of jws_alg that some key of the set fits. */
unsigned jwk_set_algs(const struct jwk_set *s);
bool jwk_set_has(const struct jwk_set *s, struct str kid);

struct jws { /* the parts of a compact serialization, decoded into the arena */
	struct str alg, kid, typ;
	struct str header, payload; /* JSON text */
	struct str signing_input;
	struct str signature;
	json_t *claims; /* object; the caller json_decref()s it */
};
/* Splits and decodes; header and payload must be JSON objects; "crit", "b64", "jku", "x5u", embedded "jwk" refused or ignored as
 * RFC 8725 says; at most 16 KiB. No signature check.                                                                       */
int jws_parse(struct arena *a, struct str compact, struct jws *out, struct err *e) MUSTUSE;
/* Verifies with a key of the set: alg must be in allowed (bits of jws_alg) and fit the key's type (and its "alg", when given); kid
 * selects, without kid each fitting key is tried (at most 4). -1 with E_CRYPTO.                                            */
int jws_verify(const struct jws *j, const struct jwk_set *keys, unsigned allowed, struct err *e) MUSTUSE;

#endif
