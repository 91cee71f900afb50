/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON in: limits and refusals. JSON out: PHP's forms, always valid. */
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"

#include "harness.h"

static void
test_json_in__outside_its_limits__is_refused(void)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} rows[] = { { "", E_PARSE }, { "{", E_PARSE }, { "{} x", E_PARSE }, { "{\"a\":1,\"a\":2}", E_PARSE },
		{ "{'a':1}", E_PARSE }, { "[1,]", E_PARSE }, { "\"\\u0000\"", E_PARSE }, { "\"\xff\"", E_PARSE },
		{ "nul", E_PARSE }, { "\"\\ud800\"", E_PARSE } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct err e = { 0 };
		json_t *doc = json_in(str_of(rows[i].text), 1024, &e);
		EXPECT_IDX(doc == NULL && e.kind != E_NONE, i);
		json_decref(doc);
	}
	char deep[200];
	for (size_t depth = 60; depth <= 70; depth++) {
		struct err e = { 0 };
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		json_t *doc = json_in((struct str){ deep, 2 * depth }, 1024, &e);
		EXPECT_IDX((doc != NULL) == (depth <= 64) && (doc != NULL || e.kind == E_LIMIT), depth);
		json_decref(doc);
	}
	struct err e = { 0 };
	EXPECT(json_in(STR("\"12345\""), 6, &e) == NULL && e.kind == E_LIMIT);
}

/* What PHP reads is not mistaken for no JSON, which counts as an empty body. */
static void
test_json_in_php__reads_what_php_does(void)
{
	static const struct {
		const char *text, *read; /* read NULL: refused as kind */
		enum err_kind kind;
	} rows[] = { { "{\"a\":1,\"a\":2}", "{\"a\":2}", E_NONE }, { "\"a\\u0000b\"", "\"a\\u0000b\"", E_NONE },
		{ "[9223372036854775807]", "[9223372036854775807]", E_NONE },
		{ "[1000000000000000000000000000000,5]", "[1e30,5.0]", E_NONE }, { "[1e999]", NULL, E_LIMIT },
		{ "{\"a\\u0000b\":1}", NULL, E_LIMIT }, { "{", NULL, E_PARSE }, { "", NULL, E_PARSE },
		{ "\"\\ud800\"", NULL, E_PARSE }, { "\"\xff\"", NULL, E_PARSE } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct err e = { 0 };
		json_t *doc = json_in_php(str_of(rows[i].text), 1024, &e);
		char *told =
		    doc == NULL ? NULL : json_dumps(doc, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
		EXPECT_IDX(rows[i].read == NULL ? doc == NULL && e.kind == rows[i].kind
		                                : told != NULL && strcmp(told, rows[i].read) == 0,
		    i);
		free(told);
		json_decref(doc);
	}
}

static void
test_json_in__an_error__does_not_quote_the_text(void)
{
	struct err e = { 0 };
	EXPECT(json_in(STR("{\"ssn\": secret-word }"), 1024, &e) == NULL);
	EXPECT(strstr(e.text, "secret") == NULL);
}

static void
test_json_write__escapes_as_php_does(void)
{
	static const struct {
		enum json_escape how;
		struct str in;
		const char *out;
	} rows[] = { { JSON_PLAIN, STR_INIT("a/\xc3\xa4\"\\\n\x01"), "a/\xc3\xa4\\\"\\\\\\n\\u0001" },
		{ JSON_PHP, STR_INIT("a/\xc3\xa4"), "a\\/\\u00e4" },
		{ JSON_PHP, STR_INIT("\xf0\x9f\x98\x80"), "\\ud83d\\ude00" },
		{ JSON_PHP_HEX, STR_INIT("<'&\">"), "\\u003C\\u0027\\u0026\\u0022\\u003E" },
		{ JSON_PLAIN, STR_INIT("\xff"), "\xef\xbf\xbd" }, { JSON_PHP, STR_INIT("\xc3"), "\\ufffd" },
		{ JSON_PLAIN, STR_INIT("\x7f"), "\x7f" },
		/* behind and within the sixteen bytes that are looked at together */
		{ JSON_PHP, STR_INIT("0123456789abcde/0123456789abcdef/"), "0123456789abcde\\/0123456789abcdef\\/" },
		{ JSON_PLAIN, STR_INIT("0123456789abcdef0123456789\tbcdef"), "0123456789abcdef0123456789\\tbcdef" },
		{ JSON_PLAIN, STR_INIT("0123456789abcde\xe2\x82\xac"), "0123456789abcde\xe2\x82\xac" } };
	struct buf b;
	buf_init(&b, NULL, 16, 256);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_clear(&b);
		json_escape_put(&b, rows[i].in, rows[i].how);
		EXPECT_IDX(str_eq(buf_str(&b), str_of(rows[i].out)), i);
	}
	buf_done(&b);
}

static void
test_json_write__numbers_and_commas(void)
{
	struct buf b;
	struct json_write w;
	buf_init(&b, NULL, 16, 512);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_i64(&w, STR("min"), INT64_MIN);
	json_key(&w, STR("f"));
	json_arr(&w);
	json_f64(&w, 0.1);
	json_f64(&w, 1e300 * 1e300);
	json_nil(&w);
	json_arr_end(&w);
	json_kv_bool(&w, STR("no"), false);
	json_kv_str(&w, STR("null"), STR_NULL);
	json_obj_end(&w);
	EXPECT(str_eq(
	    buf_str(&b), STR("{\"min\":-9223372036854775808,\"f\":[0.1,null,null],\"no\":false,\"null\":null}")));
	buf_done(&b);
}

/* Texts are looked at in pieces of 16, 8 and 4 bytes: each byte, at each place, in each length, is escaped as it is by itself. */
static void
test_json_write__a_byte__is_escaped_alike_wherever_it_stands(void)
{
	static const enum json_escape hows[] = { JSON_PLAIN, JSON_PHP, JSON_PHP_HEX };
	for (unsigned char_n = 0; char_n < 256 * NITEMS(hows); char_n++) {
		enum json_escape how = hows[char_n % NITEMS(hows)];
		char c = (char)(char_n / NITEMS(hows));
		struct buf alone, want, got;
		buf_init(&alone, NULL, 16, 64);
		json_escape_put(&alone, (struct str){ &c, 1 }, how);
		for (size_t len = 1; len < 36; len++)
			for (size_t at = 0; at < len; at++) {
				char text[36];
				struct json_write w;
				memset(text, 'x', sizeof text);
				text[at] = c;
				buf_init(&want, NULL, 16, 128);
				buf_lit(&want, "{\"k\":\"");
				buf_put(&want, text, at);
				buf_str_put(&want, buf_str(&alone));
				buf_put(&want, text + at + 1, len - at - 1);
				buf_lit(&want, "\"}");
				buf_init(&got, NULL, 16, 128);
				json_begin(&w, &got, how);
				json_obj(&w);
				json_member_raw(&w, STR("\"k\":"), (struct str){ text, len });
				json_obj_end(&w);
				EXPECT_IDX(str_eq(buf_str(&got), buf_str(&want)), char_n * 10000u + len * 100 + at);
				buf_done(&want);
				buf_done(&got);
			}
		buf_done(&alone);
	}
}

static void
test_json_write__members_in_one_piece__have_their_commas(void)
{
	struct buf b;
	struct json_write w;
	buf_init(&b, NULL, 16, 70);
	json_begin(&w, &b, JSON_PHP);
	json_obj(&w);
	json_member_raw(&w, STR("\"a\":"), STR("1/2"));
	json_member_raw(&w, STR("\"b\":"), STR_NULL);
	json_member_raw(&w, STR("\"c\":"), STR(""));
	json_kv_i64(&w, STR("d"), 4);
	json_obj_end(&w);
	EXPECT(str_eq(buf_str(&b), STR("{\"a\":\"1\\/2\",\"b\":null,\"c\":\"\",\"d\":4}")));
	for (int i = 0; i < 8; i++)
		json_member_raw(&w, STR("\"more\":"), STR("than fits"));
	EXPECT(!buf_ok(&b) && b.n <= 70);
	buf_done(&b);
}

TESTS(T(test_json_write__a_byte__is_escaped_alike_wherever_it_stands),
    T(test_json_write__members_in_one_piece__have_their_commas), T(test_json_in__outside_its_limits__is_refused),
    T(test_json_in_php__reads_what_php_does), T(test_json_in__an_error__does_not_quote_the_text),
    T(test_json_write__escapes_as_php_does), T(test_json_write__numbers_and_commas))
