/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A digest in pieces is that of the whole, however it is cut. */
#include "gateway/crypto/hash.h"

#include "harness.h"

#include "gateway/base/text.h"

static void
test_sha256__in_pieces__is_that_of_the_whole(void)
{
	static const char *const pieces[][4] = { { "abc" }, { "a", "bc" }, { "", "a", "", "bc" },
		{ "a", "b", "c", "" } };
	/* FIPS 180-2 B.1 */
	struct str want = STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	for (size_t i = 0; i < NITEMS(pieces); i++) {
		AUTO(arena) a = arena_new("test", 1 << 16);
		struct sha256_stream s = { 0 };
		uint8_t hash[SHA256_LEN];
		struct buf hex;
		REQUIRE(sha256_begin(&s) == 0);
		for (size_t k = 0; k < 4 && pieces[i][k] != NULL; k++)
			sha256_feed(&s, str_of(pieces[i][k]));
		sha256_end(&s, hash);
		buf_init(&hex, a, 2 * SHA256_LEN, 2 * SHA256_LEN + 1);
		hex_put(&hex, hash, sizeof hash);
		EXPECT_IDX(str_eq(buf_str(&hex), want), i);
		EXPECT_IDX(s.ctx == NULL, i);
		sha256_drop(&s);
	}
}

TESTS(T(test_sha256__in_pieces__is_that_of_the_whole))
