/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values at rest in OpenEMR's form: bytes made up are clear text or refused, never decrypted. fuzz-library: gateway/crypto */
#include "gateway/crypto/openemr_crypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new_flags("fuzz", 1 << 20, ARENA_WIPE);
	struct str s = { (const char *)p, n }, out;
	struct openemr_keys keys = { 0 };
	struct err e = { 0 };
	bool clear = false;
	for (size_t v = 0; v < NITEMS(keys.version); v++) {
		keys.version[v].present = v != 3;
		memset(keys.version[v].a, (int)v, sizeof keys.version[v].a);
		memset(keys.version[v].b, (int)(v + 8), sizeof keys.version[v].b);
	}
	if (a == NULL || openemr_decrypt(a, &keys, s, &out, &clear, &e) != 0)
		return 0;
	/* 001 has no MAC: its bytes decrypt to something now and then */
	CHECK(clear ? str_eq(out, s) : str_starts(s, STR("001")));
	return 0;
}
