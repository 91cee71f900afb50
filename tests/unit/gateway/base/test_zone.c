/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones: offsets at moments and at local times, through summer time; what is no zone is refused. */
#include "gateway/base/zone.h"

#include "gateway/base/date.h"
#include "harness.h"

#include <stdlib.h>

static int64_t
at(const char *text)
{
	struct date d;
	return date_parse_iso(str_of(text), &d) == 0 ? date_epoch_us(&d) / 1000000 : INT64_MIN;
}

static void
test_zones__moments_and_local_times__have_the_offset_of_their_day(void)
{
	static const struct {
		const char *zone, *time;
		int32_t of_moment, of_local;
	} rows[] = {
		{ "", "2024-07-01T12:00:00Z", 0, 0 },
		{ "UTC", "2024-07-01T12:00:00Z", 0, 0 },
		{ "-05:00", "2024-07-01T12:00:00Z", -18000, -18000 },
		{ "+05:45", "1910-07-01T12:00:00Z", 20700, 20700 },
		{ "America/New_York", "2024-01-15T12:00:00Z", -18000, -18000 },
		{ "America/New_York", "2024-07-15T12:00:00Z", -14400, -14400 },
		{ "America/New_York", "2024-03-10T06:59:59Z", -18000, -14400 }, /* the last second of winter */
		{ "America/New_York", "2024-03-10T07:00:00Z", -14400, -14400 },
		{ "America/New_York", "2024-03-10T01:59:59Z", -18000, -18000 },
		{ "America/New_York", "2024-03-10T02:30:00Z", -18000, -18000 }, /* local: does not exist */
		{ "America/New_York", "2024-03-10T03:00:00Z", -18000, -14400 },
		{ "America/New_York", "2024-11-03T01:30:00Z", -14400, -14400 }, /* local: twice, the earlier */
		{ "America/New_York", "2024-11-03T02:00:00Z", -14400, -18000 },
		{ "America/New_York", "2049-07-15T12:00:00Z", -14400, -14400 },
		{ "America/New_York", "2090-07-15T12:00:00Z", -18000,
		    -18000 }, /* behind what is known: the last offset */
		{ "Asia/Kolkata", "2024-07-15T12:00:00Z", 19800, 19800 },
		{ "Europe/Berlin", "1980-03-01T12:00:00Z", 3600, 3600 },
		{ "Australia/Lord_Howe", "2024-07-01T12:00:00Z", 37800, 37800 },
		{ "Pacific/Kiritimati", "2024-07-01T12:00:00Z", 50400, 50400 },
	};
	static struct zone z;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		EXPECT_IDX(zone_load(&z, str_of(rows[i].zone)) == 0, i);
		EXPECT_IDX(zone_offset_s(&z, at(rows[i].time)) == rows[i].of_moment, i);
		EXPECT_IDX(zone_offset_local_s(&z, at(rows[i].time)) == rows[i].of_local, i);
	}
}

static void
test_zones__no_zones__are_refused_and_utc(void)
{
	static const char *const bad[] = { "Nowhere/Town", "America", "../../../etc/passwd", "/etc/localtime", ":UTC",
		"EST5EDT,M3.2.0,M11.1.0", "+5:00", "+15:00", "-05:60", "-0500", "America/New_York\n", " UTC", "0",
		"America//../New_York",
		"Americaxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
	static struct zone z;
	for (size_t i = 0; i < NITEMS(bad); i++) {
		EXPECT_IDX(zone_load(&z, str_of(bad[i])) == -1, i);
		EXPECT_IDX(zone_offset_s(&z, 0) == 0 && zone_offset_local_s(&z, 0) == 0, i);
	}
}

static void
test_zones__tz_of_the_process__stays(void)
{
	static struct zone z;
	REQUIRE(setenv("TZ", "Asia/Tokyo", 1) == 0);
	EXPECT(zone_load(&z, STR("America/New_York")) == 0 && strcmp(getenv("TZ"), "Asia/Tokyo") == 0);
	REQUIRE(unsetenv("TZ") == 0);
	EXPECT(zone_load(&z, STR("America/New_York")) == 0 && getenv("TZ") == NULL);
}

TESTS(T(test_zones__moments_and_local_times__have_the_offset_of_their_day),
    T(test_zones__no_zones__are_refused_and_utc), T(test_zones__tz_of_the_process__stays))
