/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key sets that clients register or publish: a set with usable keys, or an error; never both. fuzz-library: gateway/crypto */
#include "gateway/crypto/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = { 0 };
	struct jwk_set *keys = jwk_set_parse((struct str){ (const char *)p, n }, &e);
	CHECK((keys == NULL) == (e.kind != E_NONE));
	if (keys != NULL)
		CHECK(jwk_set_count(keys) >= 1 && jwk_set_count(keys) <= 32);
	jwk_set_free(&keys);
	return 0;
}
