/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges, entity tags and file names. RFC 9110 13, 14; RFC 6266, RFC 8187. */
#include "gateway/net/http_file.h"

#include "harness.h"

static void
test_ranges(void)
{
	static const struct {
		const char *value;
		uint64_t size;
		enum http_range_kind kind;
		uint64_t first, n;
	} rows[] = {
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=2-", 10, RANGE_PART, 2, 8 },
		{ "bytes=-3", 10, RANGE_PART, 7, 3 },
		{ "bytes=-30", 10, RANGE_PART, 0, 10 },
		{ "BYTES=5-50", 10, RANGE_PART, 5, 5 },
		{ "bytes= 1-2", 10, RANGE_PART, 1, 2 },
		{ "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10 },
		{ "bytes=10-", 10, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-0", 10, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-1", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=0-0", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=18446744073709551615-", 10, RANGE_OUTSIDE, 0, 0 },
		{ "", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=-", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=1", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=3-2", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=+1-2", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=1-2x", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 10 },
		{ "lines=0-1", 10, RANGE_WHOLE, 0, 10 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct http_range r;
		EXPECT_IDX(http_range_parse(str_of(rows[i].value), rows[i].size, &r) == rows[i].kind, i);
		EXPECT_IDX(rows[i].kind == RANGE_OUTSIDE || (r.first == rows[i].first && r.n == rows[i].n), i);
	}
}

static void
test_etags(void)
{
	static const struct {
		const char *list;
		bool listed;
	} rows[] = { { "\"a\"", true }, { "W/\"a\"", true }, { "\"b\" , \"a\"", true }, { "*", true },
		{ "\"b\"", false }, { "a", false }, { "", false }, { "\"a", false } };
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(http_etag_listed(str_of(rows[i].list), STR("\"a\"")) == rows[i].listed, i);
	EXPECT(!http_etag_listed(STR(""), STR_NULL));
}

static void
test_names(void)
{
	static const struct {
		struct str name;
		const char *safe, *field;
	} rows[] = {
		{ STR_INIT("a.pdf"), "a.pdf", "attachment; filename=\"a.pdf\"" },
		{ STR_INIT("../../x"), "x", "attachment; filename=\"x\"" },
		{ STR_INIT("C:\\d\\x"), "x", "attachment; filename=\"x\"" },
		{ STR_INIT("a\r\nSet-Cookie: x\0"), "aSet-Cookie: x", "attachment; filename=\"aSet-Cookie: x\"" },
		{ STR_INIT("a\"b"), "a\"b", "attachment; filename=\"a\\\"b\"" },
		{ STR_INIT("100%"), "100%", "attachment; filename=\"100%\"; filename*=UTF-8''100%25" },
		{ STR_INIT("Zo\xc3\xab"), "Zo\xc3\xab", "attachment; filename=\"Zo_\"; filename*=UTF-8''Zo%C3%AB" },
		{ STR_INIT("\xf0\x9f\x92\x89x"), "\xf0\x9f\x92\x89x",
		    "attachment; filename=\"_x\"; filename*=UTF-8''%F0%9F%92%89x" },
		{ STR_INIT("a\xff\xc3"), "a", "attachment; filename=\"a\"" },
		{ STR_INIT("a\xc2\x85"
		           "b"),
		    "ab", "attachment; filename=\"ab\"" },
		{ STR_INIT(" .. a . "), "a", "attachment; filename=\"a\"" },
		{ STR_INIT(""), "document", "attachment; filename=\"document\"" },
		{ STR_INIT("/"), "document", "attachment; filename=\"document\"" },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		char to[FILE_NAME_MAX + 1];
		struct buf b;
		buf_init(&b, NULL, 256, 4096);
		EXPECT_IDX(str_eq(file_name_safe(rows[i].name, to), str_of(rows[i].safe)), i);
		http_attachment_put(&b, rows[i].name);
		EXPECT_IDX(str_eq(buf_str(&b), str_of(rows[i].field)), i);
		buf_done(&b);
	}
}

static void
test_a_long_name__ends_between_characters(void)
{
	char name[3 * FILE_NAME_MAX], to[FILE_NAME_MAX + 1];
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = "\xe2\x82\xac"[i % 3];
	EXPECT(file_name_safe((struct str){ name, sizeof name }, to).n == FILE_NAME_MAX / 3 * 3);
}

TESTS(T(test_ranges), T(test_etags), T(test_names), T(test_a_long_name__ends_between_characters))
