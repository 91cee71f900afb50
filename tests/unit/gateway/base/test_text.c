/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodings: what is accepted has one form, everything else is refused. */
#include "gateway/base/text.h"

#include "harness.h"

static void
test_utf8__malformed__is_told(void)
{
	static const struct {
		struct str s;
		bool ok, astral;
	} rows[] = { { STR_INIT(""), true, false }, { STR_INIT("a\xc3\xa4\xe2\x82\xac"), true, false },
		{ STR_INIT("\xf0\x9f\x98\x80"), true, true }, { STR_INIT("\xc0\x80"), false, false } /* overlong */,
		{ STR_INIT("\xed\xa0\x80"), false, false } /* surrogate */,
		{ STR_INIT("\xf4\x90\x80\x80"), false, false }, { STR_INIT("\xc3"), false, false },
		{ STR_INIT("\x80"), false, false }, { STR_INIT("\xff"), false, false } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		EXPECT_IDX(utf8_valid(rows[i].s) == rows[i].ok, i);
		if (rows[i].ok)
			EXPECT_IDX(utf8_has_astral(rows[i].s) == rows[i].astral, i);
	}
	EXPECT(utf8_count(STR("a\xc3\xa4\xf0\x9f\x98\x80")) == 3);
}

static void
test_label__what_deceives__is_refused(void)
{
	static const char *const good[] = { "Growth Chart",
		("Gr\xc3\xb6\xc3\x9f"
		 "e"),
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac" /* joined */, "<b>" };
	static const char *const bad[] = { "", " ", "\xc2\xa0\xe2\x80\x83", "\xe2\x80\x8d", "a\n", "\x1b[31m",
		"a\xc2\x85"
		"b",
		"\xe2\x80\xae"
		"x",
		"x\xe2\x81\xa6",
		"\xef\xbb\xbf"
		"x",
		"\xe2\x80\xa8", "a\xf3\xa0\x81\x81", "\xff" };
	for (size_t i = 0; i < NITEMS(good); i++)
		EXPECT_IDX(utf8_is_label(str_of(good[i])), i);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(!utf8_is_label(str_of(bad[i])), i);
	EXPECT(!utf8_is_label(STR("a\0b")));
}

static void
test_base64__not_canonical__is_refused(void)
{
	static const struct {
		struct str url, std, bytes;
	} good[] = { { STR_INIT(""), STR_INIT(""), STR_INIT("") }, { STR_INIT("Zg"), STR_INIT("Zg=="), STR_INIT("f") },
		{ STR_INIT("Zm8"), STR_INIT("Zm8="), STR_INIT("fo") },
		{ STR_INIT("Zm9v"), STR_INIT("Zm9v"), STR_INIT("foo") },
		{ STR_INIT("-_8"), STR_INIT("+/8="), STR_INIT("\xfb\xff") } }; /* RFC 4648 10 */
	static const char *const bad_std[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zg==\n", " Zg==", "Z=g=", "-_8=" };
	static const char *const bad_url[] = { "Z", "Zg==", "Zh", "Zm8=", "+/8", "Zg ", "Zm9v\n" };
	struct buf b;
	buf_init(&b, NULL, 16, 64);
	for (size_t i = 0; i < NITEMS(good); i++) {
		buf_clear(&b);
		EXPECT_IDX(base64url_get(good[i].url, &b) == 0 && str_eq(buf_str(&b), good[i].bytes), i);
		buf_clear(&b);
		EXPECT_IDX(base64_get(good[i].std, &b) == 0 && str_eq(buf_str(&b), good[i].bytes), i);
		buf_clear(&b);
		base64_put(&b, good[i].bytes.p, good[i].bytes.n);
		EXPECT_IDX(str_eq(buf_str(&b), good[i].std), i);
	}
	for (size_t i = 0; i < NITEMS(bad_std); i++) {
		buf_clear(&b);
		EXPECT_IDX(base64_get(str_of(bad_std[i]), &b) == -1, i);
	}
	for (size_t i = 0; i < NITEMS(bad_url); i++) {
		buf_clear(&b);
		EXPECT_IDX(base64url_get(str_of(bad_url[i]), &b) == -1, i);
	}
	buf_done(&b);
}

static void
test_form__pairs__are_decoded_in_order_and_bad_ones_refused(void)
{
	static const char *const bad[] = { "a=%zz", "a=%", "a=%4", "a=%ff", "a=%00", "%c0%80=1", "a&a&a&a&a" };
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct err e = { 0 };
	struct form f;
	size_t count;
	REQUIRE(form_parse(a, STR("scope=openid+api%3Aoemr&x=&x=2&flag&%C3%A4=%26"), 8, &f, &e) == 0 && f.n == 5);
	EXPECT(str_eq(form_get(&f, STR("scope"), NULL), STR("openid api:oemr")));
	EXPECT(form_get(&f, STR("x"), &count).n == 0 && count == 2);
	EXPECT(form_get(&f, STR("flag"), &count).p != NULL && count == 1);
	EXPECT(str_eq(form_get(&f, STR("\xc3\xa4"), NULL), STR("&")));
	EXPECT(form_get(&f, STR("absent"), &count).p == NULL && count == 0);
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct err why = { 0 };
		EXPECT_IDX(form_parse(a, str_of(bad[i]), 4, &f, &why) == -1 && why.kind != E_NONE, i);
	}
}

static void
test_hex_and_percent__round_trip(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	static const char *const bad[] = { "0", "0g", "g0", "001", " 00" };
	uint8_t bytes[2];
	struct buf b;
	struct str back;
	buf_init(&b, a, 16, 4096);
	EXPECT(hex_get(STR("0aFf"), bytes, 2) == 0 && bytes[0] == 10 && bytes[1] == 255);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(hex_get(str_of(bad[i]), bytes, 1) == -1, i);
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		percent_put(&b, (struct str){ &one, 1 });
	}
	REQUIRE(percent_get(a, buf_str(&b), false, &back) == 0 && back.n == 256);
	for (size_t c = 0; c < 256; c++)
		EXPECT_IDX((unsigned char)back.p[c] == c, c);
	buf_clear(&b);
	html_put(&b, STR("<a href=\"x\">'&'"));
	EXPECT(str_find(buf_str(&b), '<') == b.n && str_find(buf_str(&b), '"') == b.n &&
	       str_find(buf_str(&b), '\'') == b.n);
}

TESTS(T(test_utf8__malformed__is_told), T(test_label__what_deceives__is_refused),
    T(test_base64__not_canonical__is_refused), T(test_form__pairs__are_decoded_in_order_and_bad_ones_refused),
    T(test_hex_and_percent__round_trip))
