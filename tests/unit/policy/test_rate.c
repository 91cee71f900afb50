/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rate classes and the arithmetic of the limiter, with a clock moved by hand. */
#include "policy/rate.h"

#include "harness.h"

static const struct rate_class *
class_of(struct arena *a, unsigned limit, uint32_t window_ms, unsigned burst)
{
	struct conf_rate conf = {
		.name = STR_INIT("t"), .limit = limit, .window_ms = window_ms, .burst = burst, .by = STR_INIT("user")
	};
	const struct rate_classes *c = rate_classes_new(a, &conf, 1);
	REQUIRE(c != NULL);
	return rate_class_get(c, STR("t"));
}

static void
test_classes__of_the_configuration__replace_and_add(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct conf_rate conf[] = {
		{ .name = STR_INIT("read"), .limit = 7, .window_ms = 1000, .burst = 0, .by = STR_INIT("address") },
		{ .name = STR_INIT("mine"), .limit = 0, .window_ms = 1000, .burst = 5, .by = STR_INIT("site") },
	};
	const struct rate_classes *built_in = rate_classes_new(a, NULL, 0),
	                          *c = rate_classes_new(a, conf, NITEMS(conf));
	REQUIRE(built_in != NULL && c != NULL);
	EXPECT(rate_classes_count(c) == rate_classes_count(built_in) + 1);
	const struct rate_class *read = rate_class_get(c, STR("read")), *mine = rate_class_get(c, STR("mine"));
	EXPECT(read->limit == 7 && read->burst == 1 && read->by == RATE_BY_ADDRESS && read->interval_us == 142857);
	EXPECT(mine->interval_us == 0 && mine->by == RATE_BY_SITE);
	EXPECT(rate_class_get(c, STR("nosuch")) == NULL);
	for (size_t i = 0; i < rate_classes_count(built_in); i++) {
		const struct rate_class *r = rate_classes_at(built_in, i);
		EXPECT_IDX(r->limit > 0 && r->burst > 0 && r->interval_us > 0 && r->window_ms >= 1000, i);
	}
}

static void
test_gcra__a_burst__passes_and_then_the_rate(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	const struct rate_class *c = class_of(a, 10, 1000, 3); /* one per 100 ms, three at once */
	struct rate_verdict v;
	int64_t tat = 0, now = 1000000000;
	static const struct {
		int64_t after_us;
		bool allowed;
		int64_t left, retry_us, reset_us;
	} rows[] = {
		{ 0, true, 2, 0, 100000 },
		{ 0, true, 1, 0, 200000 },
		{ 0, true, 0, 0, 300000 },
		{ 0, false, 0, 100000, 300000 },
		{ 40000, false, 0, 60000, 260000 },
		{ 60000, true, 0, 0, 300000 },
		{ 0, false, 0, 100000, 300000 },
		{ 1000000, true, 2, 0, 100000 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		now += rows[i].after_us;
		rate_gcra(c, tat, now, &v);
		EXPECT_IDX(v.allowed == rows[i].allowed && v.left == rows[i].left, i);
		EXPECT_IDX(v.retry_us == rows[i].retry_us && v.reset_us == rows[i].reset_us, i);
		tat = v.tat_us;
	}
}

static void
test_gcra__over_a_window__lets_limit_and_burst_through(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	const struct rate_class *c = class_of(a, 100, 1000, 10);
	struct rate_verdict v;
	int64_t tat = 0, passed = 0, now = 5;
	for (; now < 10000005; now += 1000) {
		rate_gcra(c, tat, now, &v);
		tat = v.tat_us;
		passed += v.allowed;
		if (!v.allowed) { /* a true Retry-After */
			struct rate_verdict then;
			rate_gcra(c, tat, now + v.retry_us, &then);
			EXPECT(then.allowed);
			rate_gcra(c, tat, now + v.retry_us - 1, &then);
			EXPECT(!then.allowed);
		}
	}
	EXPECT(passed >= 1000 && passed <= 1010);
}

static void
test_gcra__odd_cells__heal(void)
{
	static const struct {
		int64_t tat, now;
	} rows[] = { { INT64_MAX, 1000 }, { INT64_MIN, 1000 }, { -1, 0 }, { 1000000000000, 1000 } };
	AUTO(arena) a = arena_new("test", 1 << 16);
	const struct rate_class *c = class_of(a, 10, 1000, 3), *unlimited = class_of(a, 0, 1000, 1);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct rate_verdict v;
		rate_gcra(c, rows[i].tat, rows[i].now, &v);
		EXPECT_IDX(
		    v.left >= 0 && v.left <= 2 && v.retry_us >= 0 && v.retry_us <= 100000 && v.reset_us <= 300000, i);
		rate_gcra(unlimited, rows[i].tat, rows[i].now, &v);
		EXPECT_IDX(v.allowed && v.left > 0, i);
	}
}

static void
test_who__is_counted__by_class_and_never_mixed(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct principal known = { .client_id = STR_INIT("c1"), .sub = STR_INIT("u1") }, nobody = { 0 };
	static const struct {
		enum rate_by by;
		const char *known, *nobody;
	} rows[] = { { RATE_BY_CLIENT, "c:c1", "a:10.0.0.1" }, { RATE_BY_USER, "u:u1", "a:10.0.0.1" },
		{ RATE_BY_SITE, "s:", "s:" }, { RATE_BY_ADDRESS, "a:10.0.0.1", "a:10.0.0.1" } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct rate_class c = { .by = rows[i].by };
		EXPECT_IDX(str_eq(rate_who(a, &c, &known, STR("10.0.0.1")), str_of(rows[i].known)), i);
		EXPECT_IDX(str_eq(rate_who(a, &c, &nobody, STR("10.0.0.1")), str_of(rows[i].nobody)), i);
	}
}

static void
test_seconds__are_rounded_up(void)
{
	static const struct {
		int64_t us;
		unsigned s;
	} rows[] = { { -5, 0 }, { 0, 0 }, { 1, 1 }, { 1000000, 1 }, { 1000001, 2 }, { INT64_MAX - 999999, INT32_MAX } };
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(rate_seconds(rows[i].us) == rows[i].s, i);
}

TESTS(T(test_classes__of_the_configuration__replace_and_add), T(test_gcra__a_burst__passes_and_then_the_rate),
    T(test_gcra__over_a_window__lets_limit_and_burst_through), T(test_gcra__odd_cells__heal),
    T(test_who__is_counted__by_class_and_never_mixed), T(test_seconds__are_rounded_up))
