/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates: impossible ones are refused, the forms that are written are those of SQL, FHIR and HTTP. */
#include "gateway/base/date.h"

#include "harness.h"

static void
test_iso__is_read_and_written_alike(void)
{
	static const struct {
		const char *text;
		int64_t epoch_us;
		const char *written; /* NULL: as read */
	} rows[] = { { "1970", 0, NULL }, { "1970-02", 31 * 86400 * 1000000LL, NULL },
		{ "1970-01-02", 86400 * 1000000LL, NULL }, { "1970-01-01T00:00:01Z", 1000000, NULL },
		{ "1970-01-01T01:00:00+01:00", 0, NULL }, { "1969-12-31T23:59:59Z", -1000000, NULL },
		{ "1970-01-01T00:00:00.5Z", 500000, "1970-01-01T00:00:00.500000Z" }, { "1970-01-01T00:00Z", 0, NULL },
		{ "2024-02-29", 1709164800LL * 1000000, NULL },
		{ "1970-01-01T00:00:00-05:30", 19800LL * 1000000, NULL } };
	static const char *const bad[] = { "", "70", "1970-1-1", "1970-13", "1970-00", "2023-02-29", "1900-02-29",
		"1970-01-32", "1970-01-01T24:00:00Z", "1970-01-01T00:60Z", "1970-01-01T00:00:60Z",
		"1970-01-01T00:00:00+15:00", "1970-01-01 ", "1970-01-01T", "1970-01-01T00:00:00.Z", "-1970", "0000" };
	struct buf b;
	struct date d;
	buf_init(&b, NULL, 64, 64);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_clear(&b);
		bool ok = date_parse_iso(str_of(rows[i].text), &d) == 0;
		EXPECT_IDX(ok && date_epoch_us(&d) == rows[i].epoch_us, i);
		date_put_iso(&b, &d);
		EXPECT_IDX(str_eq(buf_str(&b), str_of(rows[i].written == NULL ? rows[i].text : rows[i].written)), i);
	}
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(date_parse_iso(str_of(bad[i]), &d) == -1, i);
	buf_done(&b);
}

static void
test_sql__zero_dates__are_known(void)
{
	static const struct {
		const char *text;
		bool ok, zero;
	} rows[] = { { "0000-00-00", true, true }, { "0000-00-00 00:00:00", true, true }, { "1990-02-28", true, false },
		{ "1990-02-28 23:59:59.123", true, false }, { "1990-00-28", true, true },
		{ "1990-02-30", false, false }, { "1990-02-28T00:00:00", false, false },
		{ "1990-02-28 24:00:00", false, false }, { "x", false, false } };
	struct date d;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		bool ok = date_parse_sql(str_of(rows[i].text), &d) == 0;
		EXPECT_IDX(ok == rows[i].ok && (!ok || date_is_zero(&d) == rows[i].zero), i);
	}
}

static void
test_days__are_their_own_inverse_over_400_years(void)
{
	struct date d;
	for (int64_t day = -141000; day < 141000; day += 7) {
		date_from_days(day, &d);
		EXPECT_IDX(date_valid(d.year, d.month, d.day) && date_days(d.year, d.month, d.day) == day,
		    (size_t)(day + 141000));
	}
}

static void
test_http_and_sql__are_written_in_full(void)
{
	struct buf b;
	struct date d;
	buf_init(&b, NULL, 64, 64);
	date_put_http(&b, 784111777);
	EXPECT(str_eq(buf_str(&b), STR("Sun, 06 Nov 1994 08:49:37 GMT"))); /* RFC 9110 5.6.7 */
	buf_clear(&b);
	REQUIRE(date_parse_iso(STR("1994-11-06"), &d) == 0);
	date_put_sql(&b, &d);
	EXPECT(str_eq(buf_str(&b), STR("1994-11-06 00:00:00")));
	buf_done(&b);
}

TESTS(T(test_iso__is_read_and_written_alike), T(test_sql__zero_dates__are_known),
    T(test_days__are_their_own_inverse_over_400_years), T(test_http_and_sql__are_written_in_full))
