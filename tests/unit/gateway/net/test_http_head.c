/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the head parser accepts, what it refuses, and that feeding piecewise never changes the answer. */
#include "gateway/net/http_chars.h"
#include "harness.h"

#include <stdlib.h>

static const struct http_limits limits = { .head_max_bytes = 4096, .target_max_bytes = 256, .fields_max = 20 };

#define H    "Host: a.example\r\n"
#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST /x HTTP/1.1\r\n" H
#define END  "\r\n"

struct row {
	struct str bytes;
	unsigned status; /* 0: accepted; 1: more is needed */
};

static unsigned
parse(struct str bytes, struct http_head *h, struct arena *a)
{
	struct http_refusal why;
	arena_reset(a);
	switch (http_request_parse(a, bytes, &limits, h, &why)) {
	case HTTP_PARSED:
		return 0;
	case HTTP_NEED_MORE:
		return 1;
	case HTTP_REFUSED:
		break;
	}
	return why.reason == NULL ? 999 : why.status;
}

/* The first answer that is not "more", fed byte by byte. Each prefix is copied, so that reading beyond it is seen by ASan. */
static unsigned
parse_piecewise(struct str bytes, struct http_head *h, struct arena *a)
{
	unsigned got = 1;
	for (size_t n = 0; n <= bytes.n && got == 1; n++) {
		char *copy = malloc(n == 0 ? 1 : n);
		REQUIRE(copy != NULL);
		memcpy(copy, bytes.p, n);
		got = parse((struct str){ copy, n }, h, a);
		free(copy);
	}
	return got;
}

static void
check_rows(const struct row *rows, size_t n)
{
	struct arena *a = arena_new("test", 64 << 10);
	REQUIRE(a != NULL);
	for (size_t i = 0; i < n; i++) {
		struct http_head h;
		unsigned whole = parse(rows[i].bytes, &h, a), pieces = parse_piecewise(rows[i].bytes, &h, a);
		if (whole != rows[i].status)
			printf("\n    row %zu: %u", i, whole);
		EXPECT_IDX(whole == rows[i].status, i);
		EXPECT_IDX(pieces == whole, i);
	}
	arena_free(&a);
}

#define ROW(status, ...) { STR_INIT(__VA_ARGS__), status }

static void
test_request__well_formed__is_accepted(void)
{
	static const struct row rows[] = {
		ROW(0, GET H END),
		ROW(0, "\r\n" GET H END), /* one empty line before, RFC 9112 2.2 */
		ROW(0, "GET /a/b?c=d&e HTTP/1.0\r\n" H END),
		ROW(0, "OPTIONS * HTTP/1.1\r\n" H END),
		ROW(0, "PROPFIND /x HTTP/1.1\r\n" H END),
		ROW(0, "GET http://a.example/x?y HTTP/1.1\r\n" H END),
		ROW(0, "GET HTTPS://A.example HTTP/1.1\r\n" H END),
		ROW(0, "GET / HTTP/1.1\r\nhOsT:a.example:8443\r\n" END),
		ROW(0, "GET / HTTP/1.1\r\nHost: [::1]:9300\r\n" END),
		ROW(0, "GET / HTTP/1.1\r\nHost: [2001:db8::192.0.2.1]\r\n" END),
		ROW(0, "GET / HTTP/1.1\r\nHost: \t 192.0.2.1 \t\r\n" END),
		ROW(0, GET H "X:\r\n" END),
		ROW(0, GET H "X-Y_z.1!#$%&'*+^`|~: a\tb \xc3\xa9\r\n" END),
		ROW(0, POST "Content-Length: 0\r\n" END),
		ROW(0, POST "Content-Length: 9223372036854775807\r\n" END),
		ROW(0, POST "Transfer-Encoding: chunked\r\n" END),
		ROW(0, POST "Transfer-Encoding:\t CHUNKED \t\r\n" END),
		ROW(0, POST "Expect: 100-Continue\r\n" END),
		ROW(0, GET H "Cookie: a=b\r\nCookie: c=d\r\n" END),
		ROW(0, GET H "Accept: a\r\nAccept: b\r\n" END),
		ROW(0, GET H END "GET /next"),
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_request__incomplete__needs_more(void)
{
	static const struct row rows[] = {
		ROW(1, ""),
		ROW(1, "\r"),
		ROW(1, "\r\n"),
		ROW(1, "GET"),
		ROW(1, "GET "),
		ROW(1, "GET /"),
		ROW(1, "GET / HTT"),
		ROW(1, "GET / HTTP/1."),
		ROW(1, "GET / HTTP/1.1\r"),
		ROW(1, GET),
		ROW(1, GET "Ho"),
		ROW(1, GET "Host:"),
		ROW(1, GET H),
		ROW(1, GET H "\r"),
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_request_line__malformed__is_refused(void)
{
	static const struct row rows[] = {
		ROW(400, "\r\n\r\n" GET H END), ROW(400, "\n" GET H END), ROW(400, " GET / HTTP/1.1\r\n" H END),
		ROW(400, "G\x01T / HTTP/1.1\r\n" H END), ROW(400, "G(T / HTTP/1.1\r\n" H END),
		ROW(400, "GET\t/ HTTP/1.1\r\n" H END), ROW(400, "GET  / HTTP/1.1\r\n" H END),
		ROW(400, "GET /  HTTP/1.1\r\n" H END), ROW(400, "GET / HTTP/1.1 \r\n" H END),
		ROW(400, "GET /\r\n" H END), ROW(400, "GET / HTTP/1.1\n" H END), ROW(400, "GET / HTTP/1.1\r" H END),
		ROW(400, "GET / http/1.1\r\n" H END), ROW(400, "GET / HTTP/11\r\n" H END),
		ROW(400, "GET / HTTP/1.\r\n" H END), ROW(400, "GET / HTTP/+1.1\r\n" H END),
		ROW(400, "GET / HTTP/1.1x\r\n" H END), ROW(400, "GET / HTTP/1.10\r\n" H END),
		ROW(505, "GET / HTTP/1.2\r\n" H END), ROW(505, "GET / HTTP/2.0\r\n" H END),
		ROW(505, "GET / HTTP/0.9\r\n" H END), ROW(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		ROW(501, "CONNECT a.example:443 HTTP/1.1\r\n" H END),
		ROW(501, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJK / HTTP/1.1\r\n" H END),
		ROW(400, "\x16\x03\x01\x02\x00\x01"), /* a TLS hello */
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_target__two_readings__is_refused(void)
{
	static const struct row rows[] = {
		ROW(400, "GET x HTTP/1.1\r\n" H END),
		ROW(400, "GET * HTTP/1.1\r\n" H END),
		ROW(400, "GET a.example:80 HTTP/1.1\r\n" H END),
		ROW(400, "GET http://b.example/ HTTP/1.1\r\n" H END),
		ROW(400, "GET http://u@a.example/ HTTP/1.1\r\n" H END),
		ROW(400, "GET http:///x HTTP/1.1\r\n" H END),
		ROW(400, "GET http://a.example?x HTTP/1.1\r\n" H END),
		ROW(400, "GET ftp://a.example/ HTTP/1.1\r\n" H END),
		ROW(400, "GET /a\x7f HTTP/1.1\r\n" H END),
		ROW(400, "GET /a\0b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a\x80 HTTP/1.1\r\n" H END),
		ROW(400, "GET /a#b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a/../b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a/%2e%2e/b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a/./b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a%2fb HTTP/1.1\r\n" H END),
		ROW(400, "GET /a%00b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a%5cb HTTP/1.1\r\n" H END),
		ROW(400, "GET /a\\b HTTP/1.1\r\n" H END),
		ROW(400, "GET /a%ff HTTP/1.1\r\n" H END),
		ROW(400, "GET /a%zz HTTP/1.1\r\n" H END),
		ROW(400, "GET //a HTTP/1.1\r\n" H END),
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_fields__malformed__is_refused(void)
{
	static const struct row rows[] = {
		ROW(400, GET H "X : a\r\n" END),
		ROW(400, GET H "X\t: a\r\n" END),
		ROW(400, GET " X: a\r\n" H END),
		ROW(400, GET H " folded\r\n" END),
		ROW(400, GET H "X: a\r\n\tb\r\n" END),
		ROW(400, GET H ": a\r\n" END),
		ROW(400, GET H "X\r\n" END),
		ROW(400, GET H "X: a\n" END),
		ROW(400, GET H "X: a\rb\r\n" END),
		ROW(400, GET H "X: a\r\r\n" END),
		ROW(400, GET H "X: a\0b\r\n" END),
		ROW(400, GET H "X: a\x0b"
		               "b\r\n" END),
		ROW(400, GET H "X: a\x7f\r\n" END),
		ROW(400, GET H "X\x80: a\r\n" END),
		ROW(400, GET H "X(: a\r\n" END),
		ROW(400, GET H "\n"),
		ROW(400, GET H "\rX"),
		ROW(400, GET END),
		ROW(400, "GET / HTTP/1.0\r\n" END),
		ROW(400, GET H H END),
		ROW(400, GET H "Host: b.example\r\n" END),
		ROW(400, GET "Host:\r\n" END),
		ROW(400, GET "Host: a b\r\n" END),
		ROW(400, GET "Host: a,b\r\n" END),
		ROW(400, GET "Host: a/b\r\n" END),
		ROW(400, GET "Host: u@a\r\n" END),
		ROW(400, GET "Host: a:\r\n" END),
		ROW(400, GET "Host: a:65536\r\n" END),
		ROW(400, GET "Host: a:+80\r\n" END),
		ROW(400, GET "Host: :80\r\n" END),
		ROW(400, GET "Host: [::1\r\n" END),
		ROW(400, GET "Host: [::1]x\r\n" END),
		ROW(400, GET H "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n" END),
		ROW(400, POST "Content-Type: a/b\r\nContent-Type: c/d\r\n" END),
		ROW(417, POST "Expect: 200-ok\r\n" END),
		ROW(417, POST "Expect: 100-continue, x\r\n" END),
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_framing__smuggling__is_refused(void)
{
#define CL5 "Content-Length: 5\r\n"
#define TE  "Transfer-Encoding: chunked\r\n"
	static const struct row rows[] = {
		ROW(400, POST CL5 TE END), /* CL.TE */
		ROW(400, POST TE CL5 END), /* TE.CL */
		ROW(400, POST TE TE END),  /* TE.TE */
		ROW(400, POST TE "Transfer-Encoding: identity\r\n" END),
		ROW(400, POST "Transfer-Encoding: chunked, chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding: chunked, identity\r\n" END),
		ROW(400, POST "Transfer-Encoding: gzip, chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding: chunked,\r\n" END),
		ROW(400, POST "Transfer-Encoding:\r\n" END),
		ROW(400, POST "Transfer-Encoding:\x0b"
		              "chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding : chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding\n: chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding: chunked\n" END),
		ROW(400, POST " Transfer-Encoding: chunked\r\n" END),
		ROW(400, POST "X: a\nTransfer-Encoding: chunked\r\n" END),
		ROW(400, POST "Transfer-Encoding:\r\n chunked\r\n" END),
		ROW(501, POST "Transfer-Encoding: xchunked\r\n" END),
		ROW(501, POST "Transfer-Encoding: \"chunked\"\r\n" END),
		ROW(501, POST "Transfer-Encoding: chunked;q=1\r\n" END),
		ROW(501, POST "Transfer-Encoding: identity\r\n" END),
		ROW(501, POST "Transfer-Encoding: gzip\r\n" END),
		ROW(400, "POST / HTTP/1.0\r\n" H TE END),
		ROW(400, POST CL5 CL5 END), /* equal repeats too */
		ROW(400, POST CL5 "Content-Length: 6\r\n" END),
		ROW(400, POST "Content-Length: 5, 5\r\n" END),
		ROW(400, POST "Content-Length: 5,\r\n" END),
		ROW(400, POST "Content-Length: +5\r\n" END),
		ROW(400, POST "Content-Length: -5\r\n" END),
		ROW(400, POST "Content-Length: 0x5\r\n" END),
		ROW(400, POST "Content-Length: 5 5\r\n" END),
		ROW(400, POST "Content-Length: 5.0\r\n" END),
		ROW(400, POST "Content-Length: 5e1\r\n" END),
		ROW(400, POST "Content-Length: 1_0\r\n" END),
		ROW(400, POST "Content-Length: \r\n" END),
		ROW(400, POST "Content-Length: a\r\n" END),
		ROW(400, POST "Content-Length: 9223372036854775808\r\n" END),
		ROW(400, POST "Content-Length: 18446744073709551621\r\n" END),
		ROW(400, POST "Content-Length: 5\x0b\r\n" END),
	};
	check_rows(rows, NITEMS(rows));
}

static void
test_limits__exceeded__have_their_status(void)
{
	static char big[8192];
	struct arena *a = arena_new("test", 64 << 10);
	struct http_head h;
	REQUIRE(a != NULL);
	memset(big, 'a', sizeof big);
	memcpy(big, "GET /", 5);
	EXPECT(parse((struct str){ big, 5 + 250 }, &h, a) == 1);
	EXPECT(parse((struct str){ big, 5 + 256 }, &h, a) == 414);
	memcpy(big, GET H "X: ", sizeof(GET H "X: ") - 1);
	EXPECT(parse((struct str){ big, 4096 }, &h, a) == 1);
	EXPECT(parse((struct str){ big, 4097 }, &h, a) == 431);
	EXPECT(parse_piecewise((struct str){ big, 5000 }, &h, a) == 431);
	size_t n = sizeof(GET H) - 1;
	for (size_t i = 0; i < 19; i++, n += 6)
		memcpy(big + n, "X: a\r\n", 6);
	memcpy(big + n, "\r\n", 2);
	EXPECT(parse((struct str){ big, n + 2 }, &h, a) == 0);
	EXPECT(h.n_fields == 20);
	memcpy(big + n, "Y: b\r\n\r\n", 8);
	EXPECT(parse((struct str){ big, n + 8 }, &h, a) == 431);
	arena_free(&a);
	a = arena_new("test", 512);
	REQUIRE(a != NULL);
	EXPECT(parse(STR(GET H END), &h, a) == 431);
	arena_free(&a);
}

static void
test_request__accepted__has_its_parts(void)
{
	struct arena *a = arena_new("test", 64 << 10);
	struct http_head h;
	REQUIRE(a != NULL);
	REQUIRE(
	    parse(
	        STR("PATCH /a/b%20c?q=1 HTTP/1.1\r\nHost: a.example:1\r\nX-Request-ID:  r1 \r\nConnection: foo, "
	            "Close\r\n"
	            "content-LENGTH: 12\r\nExpect: 100-continue\r\nTe: trailers\r\nAccept: x\r\naccept: y\r\n\r\nbody"),
	        &h, a) == 0);
	EXPECT(h.method == HTTP_PATCH && str_eq(h.method_text, STR("PATCH")));
	EXPECT(str_eq(h.target, STR("/a/b%20c?q=1")) && str_eq(h.path, STR("/a/b%20c")) && str_eq(h.query, STR("q=1")));
	EXPECT(str_eq(h.host, STR("a.example:1")) && h.minor == 1 && !h.keep_alive && h.expect_continue);
	EXPECT(h.has_length && h.content_length == 12 && !h.chunked);
	EXPECT(str_eq(http_field(&h, HTTP_F_X_REQUEST_ID), STR("r1")));
	EXPECT(str_eq(http_field(&h, HTTP_F_ACCEPT), STR("x")) && h.n_fields == 8);
	EXPECT(str_eq(http_field_named(&h, STR("tE")), STR("trailers")));
	EXPECT(http_field(&h, HTTP_F_COOKIE).p == NULL && http_field_named(&h, STR("cookie")).p == NULL);
	REQUIRE(parse(STR("OPTIONS * HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), &h, a) == 0);
	EXPECT(h.keep_alive && h.minor == 0 && str_eq(h.path, STR("*")) && h.query.p == NULL);
	REQUIRE(
	    parse(STR("GET https://a HTTP/1.1\r\nHost: A\r\nConnection: close, keep-alive\r\n\r\nGET "), &h, a) == 0);
	EXPECT(!h.keep_alive && str_eq(h.path, STR("/")) && h.bytes == 66);
	arena_free(&a);
}

/* More fields than the first array holds: the numbers of the known ones must survive its growth. */
static void
test_request__many_fields__are_all_found(void)
{
	static const struct http_limits wide = {
		.head_max_bytes = 32 << 10, .target_max_bytes = 256, .fields_max = 300
	};
	static char text[16 << 10];
	struct arena *a = arena_new("test", 256 << 10);
	struct http_head h;
	struct http_refusal why;
	REQUIRE(a != NULL);
	size_t n = (size_t)snprintf(text, sizeof text, GET H "Cookie: first\r\n");
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: v%d\r\n", i, i);
	n += (size_t)snprintf(text + n, sizeof text - n, "Cookie: second\r\nOrigin: o\r\n\r\n");
	REQUIRE(http_request_parse(a, (struct str){ text, n }, &wide, &h, &why) == HTTP_PARSED);
	EXPECT(h.n_fields == 204 && h.bytes == n);
	EXPECT(str_eq(http_field(&h, HTTP_F_COOKIE), STR("first")) && str_eq(http_field(&h, HTTP_F_ORIGIN), STR("o")));
	EXPECT(str_eq(http_field(&h, HTTP_F_HOST), STR("a.example")) &&
	       str_eq(http_field_named(&h, STR("x-199")), STR("v199")));
	for (size_t i = 1; i < HTTP_F_N; i++)
		EXPECT_IDX(h.known[i] == NULL || (h.known[i] >= h.fields && h.known[i] < h.fields + h.n_fields), i);
	arena_free(&a);
}

static void
test_known_names__every_one__is_found_in_any_case(void)
{
#define X(id, name) { STR_INIT(name), HTTP_F_##id },
	static const struct {
		struct str name;
		enum http_field_id id;
	} rows[] = { HTTP_FIELDS(X) };
#undef X
	for (size_t i = 0; i < NITEMS(rows); i++) {
		char upper[64] = "";
		EXPECT_IDX(http_field_lookup(rows[i].name) == rows[i].id, i);
		for (size_t k = 0; k < rows[i].name.n; k++)
			upper[k] = rows[i].name.p[k] >= 'a' ? (char)(rows[i].name.p[k] - 32) : rows[i].name.p[k];
		EXPECT_IDX(http_field_lookup((struct str){ upper, rows[i].name.n }) == rows[i].id, i);
		EXPECT_IDX(http_field_lookup(str_skip(rows[i].name, 1)) != rows[i].id, i);
	}
	EXPECT(http_field_lookup(STR("hos_")) == HTTP_F_NONE && http_field_lookup(STR("x")) == HTTP_F_NONE);
}

static void
test_response__rows__are_framed_as_rfc9112_says(void)
{
	static const struct {
		struct str bytes;
		bool to_head;
		unsigned refused, status;
		bool has_length, chunked, keep_alive;
		uint64_t length;
	} rows[] = {
		{ STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), false, 0, 200, true, false, true, 5 },
		{ STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), true, 0, 200, true, false, true, 0 },
		{ STR_INIT("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"), false, 0, 200, false, true, true, 0 },
		{ STR_INIT("HTTP/1.1 200 \r\nConnection: close\r\n\r\n"), false, 0, 200, false, false, false, 0 },
		{ STR_INIT("HTTP/1.1 200 \xc3\xa9\r\n\r\n"), false, 0, 200, false, false, false, 0 },
		{ STR_INIT("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"), false, 0, 200, true, false, false, 1 },
		{ STR_INIT("HTTP/1.1 204 No Content\r\n\r\n"), false, 0, 204, true, false, true, 0 },
		{ STR_INIT("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), false, 0, 304, true, false, true,
		    0 },
		{ STR_INIT("HTTP/1.1 100 Continue\r\n\r\n"), false, 0, 100, true, false, true, 0 },
		{ STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), false, 400, 0,
		    0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), false, 400, 0, 0, 0, 0,
		    0 },
		{ STR_INIT("HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1 2x0 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1  200 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1 2000 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1 099 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/1.1 600 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("HTTP/2 200 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("ICY 200 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
		{ STR_INIT("\r\nHTTP/1.1 200 OK\r\n\r\n"), false, 400, 0, 0, 0, 0, 0 },
	};
	struct arena *a = arena_new("test", 64 << 10);
	REQUIRE(a != NULL);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct http_head h = { 0 };
		struct http_refusal why = { 0, NULL };
		enum http_parsed r = HTTP_NEED_MORE;
		for (size_t n = 0; n <= rows[i].bytes.n && r == HTTP_NEED_MORE; n++) {
			arena_reset(a);
			r = http_response_parse(a, str_sub(rows[i].bytes, 0, n), &limits, rows[i].to_head, &h, &why);
		}
		EXPECT_IDX(
		    r == (rows[i].refused == 0 ? HTTP_PARSED : HTTP_REFUSED) && why.status == rows[i].refused, i);
		if (rows[i].refused == 0) {
			EXPECT_IDX(h.status == rows[i].status && h.keep_alive == rows[i].keep_alive, i);
			EXPECT_IDX(h.has_length == rows[i].has_length && h.chunked == rows[i].chunked, i);
			EXPECT_IDX(h.content_length == rows[i].length && h.bytes == rows[i].bytes.n, i);
		}
	}
	arena_free(&a);
}

static void
test_field_put__what_could_split_a_line__fails_the_buffer(void)
{
	static const struct {
		struct str name, value;
		bool ok;
	} rows[] = {
		{ STR_INIT("X-A"), STR_INIT("b c\t\xc3\xa9"), true },
		{ STR_INIT("X"), STR_INIT(""), true },
		{ STR_INIT("X"), STR_INIT("a\r\nSet-Cookie: b"), false },
		{ STR_INIT("X"), STR_INIT("a\nb"), false },
		{ STR_INIT("X"), STR_INIT("a\0b"), false },
		{ STR_INIT("X"), STR_INIT("0123456789abcdef\r"), false },
		{ STR_INIT("X Y"), STR_INIT("a"), false },
		{ STR_INIT("X:"), STR_INIT("a"), false },
		{ STR_INIT(""), STR_INIT("a"), false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct buf b;
		buf_init(&b, NULL, 64, 4096);
		http_field_put(&b, rows[i].name, rows[i].value);
		EXPECT_IDX(buf_ok(&b) == rows[i].ok, i);
		EXPECT_IDX(rows[i].ok || b.n == 0, i);
		buf_done(&b);
	}
}

static void
test_text__status_and_lists(void)
{
	struct buf b;
	buf_init(&b, NULL, 64, 4096);
	http_status_put(&b, 404);
	EXPECT(str_eq(buf_str(&b), STR("HTTP/1.1 404 Not Found\r\n")));
	buf_done(&b);
	EXPECT(http_list_has(STR("a, B ,c"), STR("b")) && !http_list_has(STR("ab, c"), STR("b")));
	EXPECT(!http_list_has(STR_NULL, STR("b")) && str_eq(http_method_text(HTTP_DELETE), STR("DELETE")));
}

TESTS(T(test_request__well_formed__is_accepted), T(test_request__incomplete__needs_more),
    T(test_request_line__malformed__is_refused), T(test_target__two_readings__is_refused),
    T(test_fields__malformed__is_refused), T(test_framing__smuggling__is_refused),
    T(test_limits__exceeded__have_their_status), T(test_request__accepted__has_its_parts),
    T(test_request__many_fields__are_all_found), T(test_known_names__every_one__is_found_in_any_case),
    T(test_response__rows__are_framed_as_rfc9112_says), T(test_field_put__what_could_split_a_line__fails_the_buffer),
    T(test_text__status_and_lists))
