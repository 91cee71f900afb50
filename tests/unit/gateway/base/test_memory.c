/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arena, buffer, map, cache: their limits hold and are told, never an abort. */
#include "gateway/base/buf.h"
#include "gateway/base/cache.h"
#include "gateway/base/map.h"

#include "harness.h"

#include <stdio.h>

static int freed[4], n_freed;

static void
note(void *arg)
{
	freed[n_freed++] = *(int *)arg;
}

static void
test_arena__at_its_cap__gives_null_and_goes_on_after_reset(void)
{
	AUTO(arena) a = arena_new("test", 8192);
	size_t got = 0;
	while (arena_raw(a, 100) != NULL)
		got += 100;
	EXPECT(got > 6000 && got <= 8192 && arena_held(a) <= 8192);
	size_t huge = SIZE_MAX / 2;
	EXPECT(arena_array(a, huge, 16) == NULL);
	EXPECT(arena_str(a, (struct str){ "x", SIZE_MAX }).p == NULL);
	arena_reset(a);
	EXPECT(arena_used(a) == 0 && arena_raw(a, 100) != NULL);
}

static void
test_arena__deferred_calls__run_last_first_and_once(void)
{
	int one = 1, two = 2;
	struct arena *a = arena_new("test", 8192);
	n_freed = 0;
	REQUIRE(arena_defer(a, note, &one) == 0 && arena_defer(a, note, &two) == 0);
	arena_reset(a);
	arena_free(&a);
	EXPECT(n_freed == 2 && freed[0] == 2 && freed[1] == 1 && a == NULL);
	arena_free(&a);
}

static void
test_arena__joined_text__ends_with_nul(void)
{
	AUTO(arena) a = arena_new("test", 8192);
	EXPECT(str_eq(arena_join(a, STR("u:"), STR_NULL, STR("x")), STR("u:x")));
	EXPECT(arena_join(a, STR_NULL, STR_NULL, STR_NULL).n == 0);
	EXPECT(strcmp(arena_u64(a, UINT64_MAX).p, "18446744073709551615") == 0 && strcmp(arena_u64(a, 0).p, "0") == 0);
}

static void
test_buf__past_its_maximum__fails_once_and_keeps_what_it_had(void)
{
	struct buf b;
	buf_init(&b, NULL, 4, 10);
	buf_lit(&b, "0123456789");
	EXPECT(buf_ok(&b) && b.n == 10);
	buf_char(&b, 'x');
	buf_lit(&b, "");
	EXPECT(!buf_ok(&b) && str_eq(buf_str(&b), STR("0123456789")));
	buf_clear(&b);
	EXPECT(buf_ok(&b) && b.n == 0);
	buf_printf(&b, "%d-%s", 42, "abcdef"); /* nine and a NUL: just fits */
	EXPECT(buf_ok(&b) && str_eq(buf_str(&b), STR("42-abcdef")));
	buf_printf(&b, "%d", 1234);
	EXPECT(!buf_ok(&b) && str_eq(buf_str(&b), STR("42-abcdef")));
	buf_clear(&b);
	buf_i64(&b, -12345);
	buf_consume(&b, 2);
	EXPECT(str_eq(buf_str(&b), STR("2345")));
	buf_consume(&b, 100);
	EXPECT(b.n == 0);
	buf_done(&b);
}

static void
test_map__many_keys__are_found_in_order_and_go(void)
{
	enum { N = 2000 };
	static int values[N];
	struct map *m = map_new();
	char key[16];
	for (int i = 0; i < N; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		REQUIRE(map_put(m, str_of(key), &values[i], NULL) == 0);
	}
	for (int i = 0; i < N; i += 2) {
		(void)snprintf(key, sizeof key, "k%d", i);
		EXPECT_IDX(map_del(m, str_of(key)) == &values[i], (size_t)i);
	}
	EXPECT(map_count(m) == N / 2 && map_get(m, STR("k0")) == NULL && map_get(m, STR("k1")) == &values[1]);
	size_t pos = 0, seen = 0;
	struct str k;
	void *v;
	for (int *last = NULL; map_next(m, &pos, &k, &v); last = v, seen++)
		EXPECT_IDX(last == NULL || (int *)v > last, seen);
	EXPECT(seen == N / 2);
	void *old = NULL;
	REQUIRE(map_put(m, STR("k1"), &values[0], &old) == 0);
	EXPECT(old == &values[1] && map_count(m) == N / 2);
	map_free(&m);
}

static void
test_cache__full_or_late__forgets_the_least_recently_used(void)
{
	int one = 1, two = 2, three = 3;
	struct cache *c = cache_new(2, 8, sizeof(int), note);
	n_freed = 0;
	REQUIRE(cache_put(c, STR("a"), &one, 100) != NULL && cache_put(c, STR("b"), &two, 50) != NULL);
	EXPECT(cache_get(c, STR("a"), 10) != NULL);
	REQUIRE(cache_put(c, STR("c"), &three, 100) != NULL);
	EXPECT(n_freed == 1 && freed[0] == 2 && cache_count(c) == 2);
	EXPECT(cache_get(c, STR("b"), 10) == NULL && *(int *)cache_get(c, STR("a"), 99) == 1);
	EXPECT(cache_get(c, STR("a"), 100) == NULL); /* its end */
	EXPECT(cache_put(c, STR("longer than eight"), &one, 100) == NULL);
	cache_free(&c);
}

TESTS(T(test_arena__at_its_cap__gives_null_and_goes_on_after_reset),
    T(test_arena__deferred_calls__run_last_first_and_once), T(test_arena__joined_text__ends_with_nul),
    T(test_buf__past_its_maximum__fails_once_and_keeps_what_it_had), T(test_map__many_keys__are_found_in_order_and_go),
    T(test_cache__full_or_late__forgets_the_least_recently_used))
