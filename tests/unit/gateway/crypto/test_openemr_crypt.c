/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's values at rest: what we write it reads, and every changed byte is refused. */
#include "gateway/crypto/openemr_crypt.h"

#include "harness.h"

static void
keys_fill(struct openemr_keys *k)
{
	*k = (struct openemr_keys){ 0 };
	for (unsigned v = 6; v <= 7; v++) {
		k->version[v].present = true;
		memset(k->version[v].a, (int)v, 32);
		memset(k->version[v].b, (int)v + 64, 32);
	}
}

static void
test_block__written__is_read_and_no_other(void)
{
	static const char *const plains[] = { "", "x", "sixteen bytes 16",
		"a client secret that is longer than one block of AES" };
	struct openemr_keys k;
	keys_fill(&k);
	for (size_t i = 0; i < NITEMS(plains); i++)
		for (int version = 6; version <= 7; version++) {
			AUTO(arena) a = arena_new_flags("test", 1 << 20, ARENA_WIPE);
			struct err e = { 0 };
			struct str block, back;
			bool clear = true;
			REQUIRE(openemr_encrypt(a, &k, version, &rng_system, str_of(plains[i]), &block, &e) == 0);
			EXPECT_IDX(openemr_decrypt(a, &k, block, &back, &clear, &e) == 0 && !clear &&
			               str_eq(back, str_of(plains[i])),
			    i);
			for (size_t at = 3; at < block.n; at++) {
				struct str touched = arena_str(a, block);
				char *p = (char *)(uintptr_t)touched.p;
				p[at] = p[at] == 'A' ? 'B' : 'A';
				EXPECT_IDX(openemr_decrypt(a, &k, touched, &back, &clear, &(struct err){ 0 }) == -1, i);
			}
		}
}

static void
test_text__without_a_version__is_clear_and_unknown_keys_are_refused(void)
{
	AUTO(arena) a = arena_new_flags("test", 1 << 20, ARENA_WIPE);
	static const char *const clear_texts[] = { "", "plain", "12", "00", "abc123", "999999" };
	struct openemr_keys k, none = { 0 };
	struct err e = { 0 };
	struct str out, block;
	bool clear;
	keys_fill(&k);
	for (size_t i = 0; i < NITEMS(clear_texts); i++) {
		clear = false;
		EXPECT_IDX(
		    openemr_decrypt(a, &k, str_of(clear_texts[i]), &out, &clear, &(struct err){ 0 }) == 0 && clear, i);
	}
	REQUIRE(openemr_encrypt(a, &k, 7, &rng_system, STR("x"), &block, &e) == 0);
	EXPECT(openemr_decrypt(a, &none, block, &out, &clear, &e) == -1);
	struct str text = str_of(e.text);
	EXPECT(str_find_str(text, block) == text.n);
}

TESTS(T(test_block__written__is_read_and_no_other),
    T(test_text__without_a_version__is_clear_and_unknown_keys_are_refused))
