/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sealed value opens under its key, whole, and never otherwise; a directory's name stays one value of its DN. */
#include "gateway/crypto/seal.h"

#include "gateway/crypto/ldap_bind.h"

#include "harness.h"

static void
test_seal__any_length__opens_under_its_key_only(void)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 5000 };
	struct arena *a = arena_new("test", 1 << 20);
	uint8_t key[SEAL_KEY] = { 1 }, other[SEAL_KEY] = { 2 };
	char text[5000];
	struct err e = { 0 };
	REQUIRE(a != NULL);
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < NITEMS(lengths); i++) {
		struct str plain = { text, lengths[i] }, back;
		struct str one = seal(a, &rng_system, key, plain), two = seal(a, &rng_system, key, plain);
		REQUIRE(one.p != NULL && two.p != NULL);
		EXPECT_IDX(unseal(a, key, one, &back, &e) == 0 && str_eq(back, plain), i);
		EXPECT_IDX(!str_eq(one, two), i);
		EXPECT_IDX(unseal(a, other, one, &back, &e) == -1, i);
	}
	arena_free(&a);
}

static void
test_seal__changed_or_cut_anywhere__does_not_open(void)
{
	struct arena *a = arena_new("test", 1 << 20);
	uint8_t key[SEAL_KEY] = { 7 };
	char copy[64];
	struct err e = { 0 };
	struct str back, sealed;
	REQUIRE(a != NULL);
	sealed = seal(a, &rng_system, key, STR("a refresh answer"));
	REQUIRE(sealed.p != NULL && sealed.n <= sizeof copy);
	for (size_t i = 0; i < sealed.n; i++) {
		memcpy(copy, sealed.p, sealed.n);
		copy[i] = (char)(copy[i] ^ 1);
		EXPECT_IDX(unseal(a, key, (struct str){ copy, sealed.n }, &back, &e) == -1, i);
		EXPECT_IDX(unseal(a, key, str_sub(sealed, 0, i), &back, &e) == -1, i);
	}
	arena_free(&a);
}

static void
test_dn__name_with_special_characters__stays_one_value(void)
{
	static const struct {
		struct str pattern, login, want;
	} rows[] = {
		{ STR_INIT("uid={login},dc=x"), STR_INIT("ada.king-1@x_y"), STR_INIT("uid=ada.king-1@x_y,dc=x") },
		{ STR_INIT("uid={login},dc=x"), STR_INIT("a,ou=b"), STR_INIT("uid=a\\2cou\\3db,dc=x") },
		{ STR_INIT("{login}+{login}"), STR_INIT("a b"), STR_INIT("a\\20b+a\\20b") },
		{ STR_INIT("uid=fixed"), STR_INIT("a"), STR_INIT("uid=fixed") },
		{ STR_INIT("uid={login}"), STR_INIT("\xc3\xa9\"\\<>;#"),
		    STR_INIT("uid=\\c3\\a9\\22\\5c\\3c\\3e\\3b\\23") },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct buf b;
		buf_init(&b, NULL, 64, 256);
		EXPECT_IDX(
		    ldap_dn_put(&b, rows[i].pattern, rows[i].login) == 0 && str_eq(buf_str(&b), rows[i].want), i);
		buf_done(&b);
	}
}

TESTS(T(test_seal__any_length__opens_under_its_key_only), T(test_seal__changed_or_cut_anywhere__does_not_open),
    T(test_dn__name_with_special_characters__stays_one_value))
