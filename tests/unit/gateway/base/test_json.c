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

TESTS(T(test_json_in__outside_its_limits__is_refused), T(test_json_in__an_error__does_not_quote_the_text),
    T(test_json_write__escapes_as_php_does), T(test_json_write__numbers_and_commas))
