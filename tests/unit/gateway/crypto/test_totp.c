/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One-time passwords: RFC 6238 appendix B (its last six digits), the window, and what is no code. */
#include "gateway/crypto/totp.h"

#include "harness.h"

#define RFC_SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static const struct {
	int64_t at_s;
	const char *code;
} vectors[] = { { 59, "287082" }, { 1111111109, "081804" }, { 1111111111, "050471" }, { 1234567890, "005924" },
	{ 2000000000, "279037" }, { 20000000000, "353130" } };

static void
test_code__of_rfc_6238__is_accepted_in_its_step(void)
{
	for (size_t i = 0; i < NITEMS(vectors); i++)
		EXPECT_IDX(totp_check(STR(RFC_SECRET), str_of(vectors[i].code), vectors[i].at_s) ==
		               vectors[i].at_s / TOTP_STEP_S,
		    i);
}

static void
test_code__one_step_early_or_late__is_accepted_and_two_are_not(void)
{
	for (size_t i = 0; i < NITEMS(vectors); i++) {
		int64_t step = vectors[i].at_s / TOTP_STEP_S;
		for (int64_t d = step < 3 ? 0 : -3; d <= 3; d++) {
			int64_t got = totp_check(
			    STR(RFC_SECRET), str_of(vectors[i].code), (step + d) * TOTP_STEP_S + TOTP_STEP_S - 1);
			EXPECT_IDX(got == (d >= -1 && d <= 1 ? step : -1), i);
		}
	}
}

static void
test_code__malformed__is_wrong(void)
{
	static const char *const bad[] = { "", "2", "28708", "2870820", "28708a", "287083", " 87082" };
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(totp_check(STR(RFC_SECRET), str_of(bad[i]), 59) == -1, i);
}

static void
test_secret__other_spellings__are_the_same_key(void)
{
	static const char *const same[] = { "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
		"GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", RFC_SECRET "====" };
	static const char *const bad[] = { "", "A", "GEZ1", "GEZD=A", "\x01", "GEZDGNBV-" };
	for (size_t i = 0; i < NITEMS(same); i++)
		EXPECT_IDX(totp_check(str_of(same[i]), STR("287082"), 59) == 1, i);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(totp_check(str_of(bad[i]), STR("287082"), 59) == -1, i);
}

static void
test_stored_secret__clear__is_read_without_keys_and_a_block_is_not(void)
{
	struct arena *a = arena_new("test", 1 << 16);
	struct str out;
	struct err e = { 0 };
	REQUIRE(a != NULL);
	EXPECT(totp_secret(a, NULL, STR(RFC_SECRET), &out, &e) == 0 && str_eq(out, STR(RFC_SECRET)));
	EXPECT(totp_secret(a, NULL, STR(""), &out, &e) == -1);
	EXPECT(totp_secret(a, NULL, STR("007AAAA"), &out, &e) == -1);
	arena_free(&a);
}

TESTS(T(test_code__of_rfc_6238__is_accepted_in_its_step),
    T(test_code__one_step_early_or_late__is_accepted_and_two_are_not), T(test_code__malformed__is_wrong),
    T(test_secret__other_spellings__are_the_same_key),
    T(test_stored_secret__clear__is_read_without_keys_and_a_block_is_not))
