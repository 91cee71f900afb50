/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer of pages: no byte from outside becomes markup; messages and languages. */
#include "gateway/oauth/pages/html.h"

#include "tests/unit/harness.h"

static struct html
writer(struct arena *a, struct buf *b)
{
	buf_init(b, a, 256, 1 << 20);
	return (struct html){ b, LANG_EN };
}

static void
test_text__every_byte__is_no_markup(void)
{
	AUTO(arena) a = arena_new("test", 4 << 20);
	for (unsigned c = 0; c < 256; c++) {
		char raw[3] = { 'x', (char)c, 'y' };
		struct buf b;
		struct html h = writer(a, &b);
		html_text(&h, (struct str){ raw, sizeof raw });
		struct str got = buf_str(&b);
		EXPECT_IDX(str_find(got, '<') == got.n && str_find(got, '>') == got.n && str_find(got, '"') == got.n &&
		               str_find(got, '\'') == got.n && str_find(got, '\0') == got.n,
		    c);
		EXPECT_IDX(c == '&' ? str_eq(got, STR("x&amp;y")) : str_find(got, '&') == got.n || got.n > 3, c);
	}
}

static void
test_text__foreign_bytes__are_escaped_or_replaced(void)
{
	static const struct {
		struct str in, out;
	} rows[] = {
		{ STR_INIT("<script>alert(1)</script>"), STR_INIT("&lt;script&gt;alert(1)&lt;/script&gt;") },
		{ STR_INIT("\" onload='x' &amp;"), STR_INIT("&quot; onload=&#39;x&#39; &amp;amp;") },
		{ STR_INIT("Zo\xc3\xab"), STR_INIT("Zo\xc3\xab") },
		{ STR_INIT("a\0b"), STR_INIT("a\xef\xbf\xbd"
		                             "b") },
		{ STR_INIT("\xc3<b>"), STR_INIT("\xef\xbf\xbd&lt;b&gt;") }, /* a cut sequence does not swallow markup */
		{ STR_INIT("\xf0\x9f\x98"), STR_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },
		{ STR_INIT("\xed\xa0\x80"), STR_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") }, /* a surrogate */
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct buf b;
		struct html h = writer(a, &b);
		html_text(&h, rows[i].in);
		EXPECT_IDX(str_eq(buf_str(&b), rows[i].out), i);
	}
}

static void
test_link__scheme_that_is_not_http__is_no_link(void)
{
	static const struct str bad[] = { STR_INIT("javascript:alert(1)"), STR_INIT(" javascript:alert(1)"),
		STR_INIT("data:text/html,x"), STR_INIT("//evil.example"), STR_INIT("") };
	AUTO(arena) a = arena_new("test", 1 << 20);
	for (size_t i = 0; i < NITEMS(bad); i++) {
		struct buf b;
		struct html h = writer(a, &b);
		html_link(&h, bad[i], STR("name"));
		EXPECT_IDX(str_eq(buf_str(&b), STR("name")), i);
		buf_clear(&b);
		html_url_attr(&h, "href", bad[i]);
		EXPECT_IDX(str_eq(buf_str(&b), STR(" href=\"#\"")), i);
	}
	struct buf b;
	struct html h = writer(a, &b);
	html_url_attr(&h, "href", STR("/oauth2/default/login"));
	EXPECT(str_eq(buf_str(&b), STR(" href=\"/oauth2/default/login\"")));
}

static void
test_message__values__are_escaped_in_their_holes(void)
{
	AUTO(arena) a = arena_new("test", 1 << 20);
	struct buf b;
	struct html h = writer(a, &b);
	HTML_MESSAGE_WITH(&h, MSG_CONSENT_ASKS, STR("<b>{0}</b>"));
	EXPECT(str_eq(buf_str(&b), STR("<bdi>&lt;b&gt;{0}&lt;/b&gt;</bdi> asks to:")));
	for (unsigned m = 0; m < MSG_N; m++)
		EXPECT_IDX(message_text(LANG_EN, (enum message)m).n > 0, m);
}

static void
test_language__unknown_or_malformed__is_english(void)
{
	static const struct {
		struct str locales, accept;
	} rows[] = { { STR_INIT(""), STR_INIT("") }, { STR_INIT("xx yy"), STR_INIT("zz;q=1") },
		{ STR_INIT("en-GB"), STR_INIT("de") }, { STR_INIT(";;,"), STR_INIT(",;=,") } };
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(language_choose(rows[i].locales, rows[i].accept) == LANG_EN, i);
}

TESTS(T(test_text__every_byte__is_no_markup), T(test_text__foreign_bytes__are_escaped_or_replaced),
    T(test_link__scheme_that_is_not_http__is_no_link), T(test_message__values__are_escaped_in_their_holes),
    T(test_language__unknown_or_malformed__is_english))
