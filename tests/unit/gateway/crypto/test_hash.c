/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A digest in pieces is that of the whole, however it is cut. Without memory a SHA-256 is as right as with it, since nobody asks whether there
 * is one; what needs memory says so.                                                                                       */
#include "gateway/crypto/hash.h"

#include "harness.h"

#include "gateway/base/text.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* --- OpenSSL's memory ---------------------------------------------------------------------------------------------------------- */

static bool no_memory;

static void *
memory_new(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return no_memory ? NULL : malloc(n);
}

static void *
memory_resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return no_memory ? NULL : realloc(p, n);
}

static void
memory_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Before OpenSSL takes any. */
__attribute__((constructor)) static void
memory_ours(void)
{
	if (CRYPTO_set_mem_functions(memory_new, memory_resize, memory_free) != 1)
		abort();
}

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

static void
test_digests__without_memory__are_right_or_say_so(void)
{
	struct str key = STR("key"), text = STR("abc");
	uint8_t with[SHA512_LEN], without[SHA512_LEN] = { 0 };
	for (int again = 0; again < 2; again++) {
		sha256(text, with);
		EXPECT_IDX(hmac_sha256(key, text, without) == 0, again);
		EXPECT_IDX(hmac_sha384(key, text, without) == 0, again);
		EXPECT_IDX(sha3_512(text, without) == 0, again);
		no_memory = true;
		sha256(text, without);
		EXPECT_IDX(memcmp(with, without, SHA256_LEN) == 0, again);
		EXPECT_IDX(hmac_sha256(key, text, without) == -1, again);
		EXPECT_IDX(hmac_sha384(key, text, without) == -1, again);
		EXPECT_IDX(sha3_512(text, without) == -1, again);
		no_memory = false;
	}
}

TESTS(T(test_sha256__in_pieces__is_that_of_the_whole), T(test_digests__without_memory__are_right_or_say_so))
