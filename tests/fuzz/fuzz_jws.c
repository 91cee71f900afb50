/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bearer tokens and client assertions: of all texts only the one that was signed verifies. */
// fuzz-library: gateway/crypto
#include "gateway/crypto/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* RFC 7515 A.3: its public key, and the one text that this key signed. */
static const char keys_text[] =
    "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
static const char signed_text[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct jwk_set *keys;
	struct str text = { (const char *)p, n };
	struct err e = { 0 };
	struct jws j;
	AUTO(arena) a = arena_new("fuzz", 256 << 10);
	if (keys == NULL)
		keys = jwk_set_parse(str_of(keys_text), &e);
	CHECK(keys != NULL);
	if (a == NULL || jws_parse(a, text, &j, &e) != 0)
		return 0;
	CHECK(json_is_object(j.claims) && j.alg.n > 0 && j.signing_input.n < n);
	bool good = jws_verify(&j, keys, JWS_RS256 | JWS_RS384 | JWS_ES256 | JWS_ES384, &e) == 0;
	CHECK(good == str_eq(text, str_of(signed_text)));
	json_decref(j.claims);
	return 0;
}
