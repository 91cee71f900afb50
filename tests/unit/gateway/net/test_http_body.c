/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Body ends: chunked and Content-Length, whole and byte by byte. */
#include "gateway/net/http_body.h"
#include "harness.h"

enum { GOOD, MORE, BAD };

/* Feeds in steps of at most step bytes; data is appended to out, *left gets what lies behind the end. */
static int
decode(struct http_body *b, struct str in, size_t step, struct buf *out, size_t *left)
{
	size_t at = 0;
	for (;;) {
		struct str piece, now = str_sub(in, at, MIN(in.n, at + step));
		size_t used;
		enum http_body_result r = http_body_feed(b, now, &used, &piece);
		at += used;
		buf_str_put(out, piece);
		*left = in.n - at;
		if (r == HTTP_BODY_END)
			return GOOD;
		if (r == HTTP_BODY_BAD)
			return BAD;
		if (r == HTTP_BODY_MORE && at == in.n)
			return MORE;
	}
}

static void
test_chunked__rows__same_answer_for_every_split(void)
{
	static const struct {
		struct str in;
		int result;
		struct str data;
		size_t left;
	} rows[] = {
		{ STR_INIT("0\r\n\r\n"), GOOD, STR_INIT(""), 0 },
		{ STR_INIT("5\r\nhello\r\n0\r\n\r\n"), GOOD, STR_INIT("hello"), 0 },
		{ STR_INIT("5\r\nhello\r\n0\r\n\r\nGET "), GOOD, STR_INIT("hello"), 4 },
		{ STR_INIT("5\r\nhello\r\n00A\r\n0123456789\r\n000\r\n\r\n"), GOOD, STR_INIT("hello0123456789"), 0 },
		{ STR_INIT("1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n"), GOOD, STR_INIT("x"), 0 },
		{ STR_INIT("1\r\nx\r\n0\r\nA: b\r\nC-D:\r\n\r\n!"), GOOD, STR_INIT("x"), 1 },
		{ STR_INIT("4\r\n\r\n\0\n\r\n0\r\n\r\n"), GOOD, STR_INIT("\r\n\0\n"), 0 },
		{ STR_INIT("0000000000000001\r\nx\r\n0\r\n\r\n"), GOOD, STR_INIT("x"), 0 },
		{ STR_INIT("7fffffffffffffff\r\nx"), MORE, STR_INIT("x"), 0 },
		{ STR_INIT("5\r\nhel"), MORE, STR_INIT("hel"), 0 },
		{ STR_INIT("0\r\n"), MORE, STR_INIT(""), 0 },
		{ STR_INIT("\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("+5\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("-5\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0x5\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT(" 5\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5 \r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5 ;a\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5\rhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5;a\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("5;a\0\r\nhello\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("g\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT(";a\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("8000000000000000\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("ffffffffffffffff\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("00000000000000001\r\nx\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("1\r\nx\r\n7fffffffffffffff\r\n"), BAD, STR_INIT("x"), 0 },
		{ STR_INIT("5\r\nhelloX\r\n"), BAD, STR_INIT("hello"), 0 },
		{ STR_INIT("5\r\nhello\n0\r\n\r\n"), BAD, STR_INIT("hello"), 0 },
		{ STR_INIT("5\r\nhello\r0\r\n\r\n"), BAD, STR_INIT("hello"), 0 },
		{ STR_INIT("0\r\n\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\n\rX"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\nA b: c\r\n\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\nA : c\r\n\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\n: c\r\n\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\nA: c\r\n folded\r\n\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\nA: c\n\r\n"), BAD, STR_INIT(""), 0 },
		{ STR_INIT("0\r\nA\r\n\r\n"), BAD, STR_INIT(""), 0 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		for (size_t step = 1; step <= rows[i].in.n; step++) {
			struct http_body b;
			struct buf out;
			size_t left;
			http_body_chunked(&b);
			buf_init(&out, NULL, 64, 4096);
			int got = decode(&b, rows[i].in, step, &out, &left);
			EXPECT_IDX(got == rows[i].result && str_eq(buf_str(&out), rows[i].data), i);
			EXPECT_IDX(got == BAD || left == rows[i].left, i);
			EXPECT_IDX(http_body_ended(&b) == (got == GOOD), i);
			buf_done(&out);
		}
	}
}

static void
test_chunked__endless_extensions_and_trailers__are_refused(void)
{
	static const struct str starts[] = { STR_INIT("1;"), STR_INIT("0\r\nA"), STR_INIT("0\r\nA:") };
	for (size_t i = 0; i < NITEMS(starts); i++) {
		struct http_body b;
		struct str piece;
		size_t used, fed = 0;
		http_body_chunked(&b);
		(void)http_body_feed(&b, starts[i], &used, &piece);
		while (fed <= HTTP_BODY_EXTRA_MAX &&
		       http_body_feed(&b, STR("aaaaaaaaaaaaaaaa"), &used, &piece) == HTTP_BODY_MORE)
			fed += used;
		EXPECT_IDX(
		    http_body_feed(&b, STR(""), &used, &piece) == HTTP_BODY_BAD && fed <= HTTP_BODY_EXTRA_MAX, i);
	}
	/* Many small chunks with an extension each meet the same limit. */
	struct http_body b;
	struct str piece;
	size_t used, n = 0;
	http_body_chunked(&b);
	enum http_body_result r = HTTP_BODY_MORE;
	for (; n < 100000 && r != HTTP_BODY_BAD; n++)
		for (struct str in = STR("1;abcdefgh\r\nx\r\n"); in.n > 0 && r != HTTP_BODY_BAD;
		    in = str_skip(in, used))
			r = http_body_feed(&b, in, &used, &piece);
	EXPECT(r == HTTP_BODY_BAD && n < 2000);
}

static void
test_length__counts_to_the_byte(void)
{
	for (size_t step = 1; step < 8; step++) {
		struct http_body b;
		struct buf out;
		size_t left;
		http_body_length(&b, 5);
		buf_init(&out, NULL, 64, 4096);
		EXPECT_IDX(decode(&b, STR("helloGET"), step, &out, &left) == GOOD && left == 3, step);
		EXPECT_IDX(str_eq(buf_str(&out), STR("hello")) && b.data_bytes == 5, step);
		buf_done(&out);
	}
	struct http_body none;
	struct str piece;
	size_t used = 9;
	http_body_length(&none, 0);
	EXPECT(http_body_ended(&none) && http_body_feed(&none, STR("x"), &used, &piece) == HTTP_BODY_END && used == 0);
	http_body_until_close(&none);
	EXPECT(
	    http_body_feed(&none, STR("x"), &used, &piece) == HTTP_BODY_DATA && used == 1 && !http_body_ended(&none));
}

TESTS(T(test_chunked__rows__same_answer_for_every_split), T(test_chunked__endless_extensions_and_trailers__are_refused),
    T(test_length__counts_to_the_byte))
