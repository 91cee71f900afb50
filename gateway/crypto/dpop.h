/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPoP proofs: a JWT by a key of the client's own, made for one request. Everything but "was this jti seen" is checked here; that is the
 * caller's, who has the store. Pure. RFC 9449.                                                                             */
#ifndef GATEWAY_CRYPTO_DPOP_H
#define GATEWAY_CRYPTO_DPOP_H

#include "gateway/crypto/jwk.h"

enum { DPOP_AGE_S = 120, DPOP_AHEAD_S = 30 }; /* how old, how far ahead iat may be: a jti is kept for the sum */

struct dpop_ask {
	struct str proof;        /* the DPoP field's value */
	struct str method, url;  /* of the request; url without query and fragment */
	struct str access_token; /* .n 0: at the token endpoint */
	int64_t now_s;
};
struct dpop {
	struct str jkt; /* RFC 7638 thumbprint, base64url (43 characters) */
	struct str jti;
};
int dpop_check(struct arena *a, const struct dpop_ask *ask, struct dpop *out, struct err *e) MUSTUSE;

#endif
