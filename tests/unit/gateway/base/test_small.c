/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings, errors, randomness, UUIDs, the log. */
#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/base/uuid.h"

#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

static void
test_numbers__not_strictly_decimal__are_refused(void)
{
	static const char *const bad[] = { "", "+1", "-1", " 1", "1 ", "0x1", "1.0", "18446744073709551616", "101" };
	uint64_t v;
	int64_t i;
	for (size_t n = 0; n < NITEMS(bad); n++)
		EXPECT_IDX(str_to_u64(str_of(bad[n]), 100, &v) == -1, n);
	EXPECT(str_to_u64(STR("100"), 100, &v) == 0 && v == 100);
	EXPECT(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v) == 0 && v == UINT64_MAX);
	EXPECT(str_to_i64(STR("-9223372036854775808"), &i) == 0 && i == INT64_MIN);
	EXPECT(str_to_i64(STR("9223372036854775808"), &i) == -1 && str_to_i64(STR("-"), &i) == -1);
}

static void
test_strings__parts(void)
{
	struct str rest = STR(",a,,b,"), part;
	static const char *const want[] = { "", "a", "", "b" };
	size_t n = 0;
	for (; str_next(&rest, ',', &part); n++)
		EXPECT_IDX(n < NITEMS(want) && str_eq(part, str_of(want[n])), n);
	EXPECT(n == NITEMS(want));
	EXPECT(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")) && str_find_str(STR("aab"), STR("ab")) == 1);
	EXPECT(str_find_str(STR("aab"), STR("x")) == 3 && str_sub(STR("abc"), 2, 1).n == 0 &&
	       str_skip(STR("ab"), 9).n == 0);
	char small[3];
	EXPECT(str_cstr(STR("ab"), small, 3) == 0 && str_cstr(STR("abc"), small, 3) == -1 &&
	       str_cstr(STR("\0"), small, 3) == -1);
	EXPECT(str_istarts(STR("X-Forwarded-For"), STR("x-forwarded-")) && !str_ieq(STR("[a"), STR("{a")));
	EXPECT(secret_eq_str(STR("ab"), STR("ab")) && !secret_eq_str(STR("ab"), STR("ac")) &&
	       !secret_eq_str(STR("a"), STR("ab")));
}

static void
test_error__the_first__wins(void)
{
	struct err e = { 0 };
	EXPECT(ERR(&e, E_PARSE, "first %d", 1) == -1 && ERR(&e, E_IO, "second") == -1);
	EXPECT(e.kind == E_PARSE && strcmp(e.text, "first 1") == 0 && ERR(NULL, E_IO, "x") == -1);
}

/* Two processes must not draw the same bytes from a pool that was filled before the fork. */
static void
test_random__after_fork__is_different(void)
{
	struct uuid mine, theirs;
	int ends[2];
	uuid_random(&mine, &rng_system); /* fills the pool */
	REQUIRE(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		uuid_random(&mine, &rng_system);
		_exit(write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
	}
	REQUIRE(pid > 0 && read(ends[0], &theirs, sizeof theirs) == sizeof theirs);
	uuid_random(&mine, &rng_system);
	EXPECT(memcmp(&mine, &theirs, sizeof mine) != 0);
	(void)waitpid(pid, NULL, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
test_random__draws__do_not_repeat(void)
{
	static struct uuid ids[2000];
	uint8_t large[200], other[200];
	for (size_t i = 0; i < NITEMS(ids); i++) {
		uuid_random(&ids[i], &rng_system);
		EXPECT_IDX((ids[i].b[6] & 0xf0) == 0x40 && (ids[i].b[8] & 0xc0) == 0x80, i);
		for (size_t k = i < 50 ? 0 : i - 50; k < i; k++)
			EXPECT_IDX(memcmp(&ids[i], &ids[k], sizeof ids[i]) != 0, i);
	}
	rng_bytes(&rng_system, large, sizeof large);
	rng_bytes(&rng_system, other, sizeof other);
	EXPECT(memcmp(large, other, sizeof large) != 0);
}

static void
test_uuid__text__is_strict(void)
{
	static const char *const bad[] = { "", "9a9d359c-a010-4a95-9317-4bdb17caf8f",
		"9a9d359ca0104a9593174bdb17caf8f6", "9a9d359c-a010-4a95-9317-4bdb17caf8f6 ",
		"9a9d359c-a010-4a95-9317-4bdb17caf8fg", "{9a9d359c-a010-4a95-9317-4bdb17caf8f}" };
	struct uuid u, later;
	struct clock c;
	char text[UUID_TEXT + 1];
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(uuid_parse(str_of(bad[i]), &u) == -1, i);
	REQUIRE(uuid_parse(STR("9A9D359C-a010-4a95-9317-4bdb17caf8f6"), &u) == 0);
	uuid_text(&u, text);
	EXPECT(strcmp(text, "9a9d359c-a010-4a95-9317-4bdb17caf8f6") == 0);
	clock_fake(&c, 1000000);
	uuid_comb(&u, &c, &rng_system);
	c.fake_us += 10;
	uuid_comb(&later, &c, &rng_system);
	EXPECT(memcmp(&u, &later, 6) < 0); /* in order of time */
}

static void
test_log__a_hostile_value__stays_within_its_line(void)
{
	int ends[2];
	char text[4096];
	struct clock c;
	REQUIRE(pipe(ends) == 0);
	clock_fake(&c, 0);
	for (int json = 0; json < 2; json++) {
		struct log log = {
			.fd = ends[1], .json = json != 0, .least = LOG_INFO, .clock = &c, .process = "test"
		};
		LOG(&log, LOG_DEBUG, "not.seen", F_INT("n", 1));
		LOG(&log, LOG_WARN, "seen", F_STR("value", STR("a\nlevel=error \"x\"\x1b[0m\xff\r")), F_INT("n", -1));
		ssize_t n = read(ends[0], text, sizeof text - 1);
		REQUIRE(n > 0);
		text[n] = 0;
		EXPECT_IDX(
		    strchr(text, '\n') == text + n - 1 && strchr(text, '\r') == NULL && strchr(text, 0x1b) == NULL,
		    (size_t)json);
		EXPECT_IDX(strstr(text, "not.seen") == NULL && strstr(text, "seen") != NULL, (size_t)json);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

TESTS(T(test_numbers__not_strictly_decimal__are_refused), T(test_strings__parts), T(test_error__the_first__wins),
    T(test_random__after_fork__is_different), T(test_random__draws__do_not_repeat), T(test_uuid__text__is_strict),
    T(test_log__a_hostile_value__stays_within_its_line))
