/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPoP proofs from clients: any bytes; what is accepted has a thumbprint and a jti. fuzz-library: gateway/crypto */
#include "gateway/crypto/dpop.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 512 << 10);
	struct dpop out;
	struct dpop_ask ask = { .proof = { (const char *)p, n },
		.method = STR("POST"),
		.url = STR("https://localhost:9300/oauth2/default/token"),
		.now_s = 1764000000 };
	if (a != NULL && dpop_check(a, &ask, &out, NULL) == 0)
		CHECK(out.jkt.n == 43 && out.jti.n > 0);
	return 0;
}
