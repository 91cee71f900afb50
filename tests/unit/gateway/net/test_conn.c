/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection: order, keep-alive, bodies, deadlines, streaming, leaving early. Over real sockets, plain. */
#include "net_fixture.h"

static size_t
count(const struct seen *s, const char *text)
{
	size_t n = 0;
	for (const char *p = s->text; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

static void
test_pipelining__many_requests_in_one_write__answered_in_order(void)
{
	struct fx f = { 0 };
	SEEN(s);
	static char out[64 << 10];
	size_t n = 0;
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(out + n, sizeof out - n,
		    i % 3 == 0 ? "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nB%03d;"
		               : "GET /P%03d; HTTP/1.1\r\n" HOST "\r\n",
		    i);
	fx_send(&f, fd, (struct str){ out, n });
	EXPECT(fx_sees(&f, fd, &s, "/P199;"));
	const char *at = s.text;
	for (int i = 0; i < 200 && at != NULL; i++) {
		char want[16];
		(void)snprintf(want, sizeof want, i % 3 == 0 ? "\r\n\r\nB%03d;" : "\r\n\r\n/P%03d;", i);
		at = strstr(at, want);
		EXPECT_IDX(at != NULL, i);
	}
	EXPECT(f.requests == 200 && f.closed_ok == 200);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_request__byte_by_byte__is_answered_once(void)
{
	static const char req[] = "POST /echo HTTP/1.1\r\n" HOST
	                          "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: t\r\n\r\n";
	struct fx f = { 0 };
	SEEN(s);
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	for (size_t i = 0; i < sizeof req - 1; i++) {
		fx_send(&f, fd, (struct str){ req + i, 1 });
		loop_run_once(f.loop, false);
		loop_run_once(f.loop, false);
	}
	EXPECT(fx_sees(&f, fd, &s, "\r\n\r\nabcde"));
	EXPECT(count(&s, "HTTP/1.1 200 OK\r\n") == 1 && f.requests == 1 && fx_stats(&f).parse_refusals == 0);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_answers__rows(void)
{
	static const struct {
		struct str send;
		const char *has, *lacks;
		bool closes;
	} rows[] = {
		{ STR_INIT("GET /x HTTP/1.1\r\n" HOST "\r\n"), "X-A: b\r\nContent-Length: 2\r\n\r\n/x",
		    "Connection:", false },
		{ STR_INIT("HEAD /x HTTP/1.1\r\n" HOST "\r\n"), "Content-Length: 2\r\n\r\n", "\r\n\r\n/x", false },
		{ STR_INIT("HEAD /chunks HTTP/1.1\r\n" HOST "\r\n"), "Transfer-Encoding: chunked\r\n\r\n", "hello",
		    false },
		{ STR_INIT("GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), "Connection: close\r\n\r\n/x",
		    "Server:", true },
		{ STR_INIT("GET /x HTTP/1.0\r\n" HOST "\r\n"), "HTTP/1.1 200 OK\r\n", "keep-alive", true },
		{ STR_INIT("GET /x HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n"),
		    "Connection: keep-alive\r\n\r\n/x", "close", false },
		{ STR_INIT("GET /chunks HTTP/1.1\r\n" HOST "\r\n"), "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "Length",
		    false },
		{ STR_INIT("GET /chunks HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n"), "\r\n\r\nhello world",
		    "chunked", true },
		{ STR_INIT("GET /204 HTTP/1.1\r\n" HOST "\r\n"), "204 No Content\r\n", "Content-Length", false },
		{ STR_INIT("GET /close HTTP/1.1\r\n" HOST "\r\n"), "Connection: close\r\n\r\nbye", "keep-alive", true },
		{ STR_INIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "\r\n\r\n*", "Connection:", false },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "\r\n"), "Content-Length: 0\r\n\r\n", "Connection:", false },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n"), "413 Content Too Large\r\n",
		    "100 Continue", true },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\n"),
		    "400 Bad Request\r\n", "200", true },
		{ STR_INIT("POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n-1\r\n"),
		    "400 Bad Request\r\n", "200", true },
		{ STR_INIT("POST /x HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n"), "Connection: close\r\n\r\n/x",
		    "keep-alive", true },
		{ STR_INIT("POST /x HTTP/1.1\r\n" HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"),
		    "Connection: close\r\n\r\n/x", "Continue", true },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n"),
		    "413 ", "Continue", true },
		{ STR_INIT("GET / HTTP/1.1\r\n\r\n"), "400 Bad Request\r\n", "200", true },
		{ STR_INIT("GET / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n"), "417 Expectation Failed\r\n", "200", true },
		{ STR_INIT("GET / HTTP/3.0\r\n" HOST "\r\n"), "505 HTTP Version Not Supported\r\n", "200", true },
		{ STR_INIT("\x16\x03\x01\x02"), "\"error\":\"invalid_request\"", "200", true },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { 0 };
		SEEN(s);
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		fx_send(&f, fd, rows[i].send);
		EXPECT_IDX(fx_sees(&f, fd, &s, rows[i].has), i);
		EXPECT_IDX(strstr(s.text, "\r\nDate: ") != NULL, i);
		if (rows[i].closes)
			EXPECT_IDX(fx_end(&f, fd, &s) == FX_EOF, i);
		else
			EXPECT_IDX(s.end == FX_OPEN, i);
		EXPECT_IDX(strstr(s.text, rows[i].lacks) == NULL, i);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_expect_continue__body_wanted__is_sent_before_the_body(void)
{
	struct fx f = { 0 };
	SEEN(s);
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
	EXPECT(fx_sees(&f, fd, &s, "HTTP/1.1 100 Continue\r\n\r\n"));
	EXPECT(strstr(s.text, "200") == NULL);
	fx_send(&f, fd, STR("abcGET /after HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_sees(&f, fd, &s, "\r\n\r\nabc") && fx_sees(&f, fd, &s, "/after"));
	(void)close(fd);
	fx_stop(&f);
}

static void
test_unread_body__short__is_skipped_for_the_next_request(void)
{
	static const struct str rows[] = {
		STR_INIT("POST /first HTTP/1.1\r\n" HOST
		         "Content-Length: 10\r\n\r\nGET /evil GET /second HTTP/1.1\r\n" HOST "\r\n"),
		STR_INIT("POST /first HTTP/1.1\r\n" HOST
		         "Transfer-Encoding: chunked\r\n\r\nA\r\nGET /evil \r\n0\r\n\r\nGET /second HTTP/1.1\r\n" HOST
		         "\r\n"),
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { 0 };
		SEEN(s);
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		for (size_t k = 0; k < rows[i].n; k++) { /* also split: the answer leaves before the body is there */
			fx_send(&f, fd, str_sub(rows[i], k, k + 1));
			loop_run_once(f.loop, false);
		}
		EXPECT_IDX(fx_sees(&f, fd, &s, "/second"), i);
		EXPECT_IDX(count(&s, "200 OK") == 2 && f.requests == 2 && strstr(s.text, "evil") == NULL, i);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_unread_body__endless_chunks__closes(void)
{
	struct fx f = { 0 };
	SEEN(s);
	static char chunk[4096 + 8];
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	EXPECT(fx_sees(&f, fd, &s, "/x"));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	for (int i = 0; i < 1000 && s.end == FX_OPEN; i++) {
		fx_send(&f, fd, (struct str){ chunk, sizeof chunk });
		loop_run_once(f.loop, false);
		(void)fx_take(fd, &s);
	}
	EXPECT(s.end != FX_OPEN && f.closed_ok == 1);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_deadlines__slow_client__is_told_or_closed(void)
{
	static const struct {
		struct str send;
		const char *has; /* "": closed without a word */
		unsigned failed; /* exchanges */
	} rows[] = {
		{ STR_INIT(""), "", 0 },
		{ STR_INIT("GET / HT"), "408 Request Timeout\r\n", 0 },
		{ STR_INIT("GET / HTTP/1.1\r\n" HOST), "408 Request Timeout\r\n", 0 },
		{ STR_INIT("GET /x HTTP/1.1\r\n" HOST "\r\n"), "/x", 0 }, /* idle afterwards */
		{ STR_INIT("GET /x HTTP/1.1\r\n" HOST "\r\nGET"), "408 Request Timeout\r\n", 0 },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab"), "408 Request Timeout\r\n",
		    0 },
		{ STR_INIT("POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
		    "408 Request Timeout\r\n", 0 },
		{ STR_INIT("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab"), "/x", 0 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { .conf = { .header_ms = 100, .body_ms = 100, .idle_ms = 100 } };
		SEEN(s);
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		fx_send(&f, fd, rows[i].send);
		EXPECT_IDX(fx_end(&f, fd, &s) != FX_OPEN, i);
		EXPECT_IDX(rows[i].has[0] == '\0' ? s.n == 0 : strstr(s.text, rows[i].has) != NULL, i);
		(void)close(fd);
		fx_stop(&f);
		EXPECT_IDX(f.closed_failed == rows[i].failed, i);
	}
}

static void
test_write_deadline__client_takes_nothing__closed_not_ok(void)
{
	struct fx f = { .conf = { .write_ms = 100 }, .big_left = 64 << 20 };
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("GET /big HTTP/1.1\r\n" HOST "\r\n"));
	FX_UNTIL(&f, f.closed_failed == 1);
	EXPECT(fx_stats(&f).open == 0 && fx_stats(&f).timeouts == 1);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_streamed_answer__slow_reader__memory_stays_bounded(void)
{
	static const char *const paths[] = { "/big", "/whole" };
	for (size_t i = 0; i < NITEMS(paths); i++) {
		struct fx f = { .big_left = 32 << 20 };
		SEEN(s);
		char req[64];
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		fx_send(&f, fd,
		    (struct str){
		        req, (size_t)snprintf(req, sizeof req, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]) });
		EXPECT_IDX(fx_sees(&f, fd, &s, "Content-Length: 33554432\r\n\r\n"), i);
		size_t head = (size_t)(strstr(s.text, "\r\n\r\n") - s.text) + 4;
		FX_UNTIL(&f, (fx_take(fd, &s), s.total == head + (32 << 20)));
		FX_UNTIL(&f, f.closed_ok == 1);
		EXPECT_IDX(i == 1 || (f.queue_peak <= EXCHANGE_HIGH_WATER + 2 * BIG_PIECE && f.drains > 1), i);
		fx_send(&f, fd, STR("GET /after HTTP/1.1\r\n" HOST "\r\n"));
		s.n = 0;
		EXPECT_IDX(fx_sees(&f, fd, &s, "/after"), i);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_streamed_body__paused__is_not_read_and_resumes(void)
{
	struct fx f = { 0 };
	SEEN(s);
	static char body[64 << 10];
	size_t sent = 0;
	const size_t total = 32 << 20;
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("POST /pause HTTP/1.1\r\n" HOST "Content-Length: 33554432\r\n\r\n"));
	unsigned stalled = 0;
	while (stalled < 200 && sent < total) { /* until the kernel's buffers are full */
		ssize_t n = send(fd, body, MIN(sizeof body, total - sent), MSG_NOSIGNAL);
		stalled = n > 0 ? 0 : stalled + 1;
		sent += n > 0 ? (size_t)n : 0;
		loop_run_once(f.loop, false);
	}
	EXPECT(sent < total && f.pieces == 1 && f.body_bytes <= SLOT_IN_BYTES);
	REQUIRE(f.held != NULL);
	f.held->user = NULL;
	exchange_body_resume(f.held);
	int64_t until = 0;
	while (f.closed_ok == 0 && s.end == FX_OPEN && fx_turn(&f, &until)) {
		ssize_t n;
		while (sent < total && (n = send(fd, body, MIN(sizeof body, total - sent), MSG_NOSIGNAL)) > 0)
			sent += (size_t)n;
		(void)fx_take(fd, &s);
	}
	EXPECT(fx_sees(&f, fd, &s, "\r\n\r\n33554432") && f.body_bytes == total);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_truncated_answer__is_reset_not_closed(void)
{
	static const char *const paths[] = { "/short", "/abort" };
	for (size_t i = 0; i < NITEMS(paths); i++) {
		struct fx f = { 0 };
		SEEN(s);
		char req[64];
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		fx_send(&f, fd,
		    (struct str){
		        req, (size_t)snprintf(req, sizeof req, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]) });
		EXPECT_IDX(fx_end(&f, fd, &s) == FX_RESET, i);
		EXPECT_IDX(f.closed_failed == 1, i);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_client__leaves_in_the_middle__closed_once(void)
{
	static const struct {
		struct str send;
		bool reset;
		unsigned failed;
	} rows[] = {
		{ STR_INIT("GET / HTTP/1.1\r\nHo"), false, 0 },
		{ STR_INIT("GET / HTTP/1.1\r\nHo"), true, 0 },
		{ STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab"), false, 1 },
		{ STR_INIT("POST /count HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab"), true, 1 },
		{ STR_INIT("GET /hold HTTP/1.1\r\n" HOST "\r\n"), true, 1 },
		{ STR_INIT("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab"), false, 0 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { 0 };
		fx_start(&f, NULL);
		int fd = fx_connect(&f);
		fx_send(&f, fd, rows[i].send);
		FX_UNTIL(&f, fx_stats(&f).open == 1 && (f.requests == 1 || rows[i].send.p[0] == 'G'));
		FX_UNTIL(&f, !str_starts(rows[i].send, STR("GET /hold")) || f.held != NULL);
		if (rows[i].reset)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
		(void)close(fd);
		FX_UNTIL(&f, fx_stats(&f).open == 0);
		EXPECT_IDX(f.closed_failed == rows[i].failed && f.gone == rows[i].failed, i);
		fx_stop(&f);
	}
}

static void
test_half_close__after_requests__all_are_answered(void)
{
	struct fx f = { 0 };
	SEEN(s);
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd,
	    STR("GET /one HTTP/1.1\r\n" HOST "\r\nGET /hold HTTP/1.1\r\n" HOST "\r\nGET /two HTTP/1.1\r\n" HOST
	        "\r\n"));
	(void)shutdown(fd, SHUT_WR);
	FX_UNTIL(&f, f.held != NULL);
	exchange_reply(f.held, 200, STR(""), STR("held"));
	EXPECT(fx_end(&f, fd, &s) == FX_EOF);
	EXPECT(strstr(s.text, "/one") != NULL && strstr(s.text, "held") != NULL && strstr(s.text, "/two") != NULL);
	/* the last answer says close when the end was seen before it left: a courtesy, not a promise */
	EXPECT(count(&s, "Connection: close") <= 1);
	FX_UNTIL(&f, f.closed_ok == 3);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_refusal__client_still_sending__sees_the_answer(void)
{
	struct fx f = { 0 };
	SEEN(s);
	static char rest[100 << 10];
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	memset(rest, 'a', sizeof rest);
	fx_send(&f, fd, STR("GET / HTTP/1.1\r\nX : y\r\n"));
	fx_send(&f, fd, (struct str){ rest, sizeof rest });
	EXPECT(fx_sees(&f, fd, &s, "400 Bad Request\r\n"));
	EXPECT(fx_end(&f, fd, &s) == FX_EOF && f.requests == 0 && fx_stats(&f).parse_refusals == 1);
	(void)close(fd);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	fx_stop(&f);
}

static void
test_large_head__with_body__keeps_its_strings(void)
{
	struct fx f = { 0 };
	SEEN(s);
	static char req[24 << 10];
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	/* The head fills the input buffer to its end, so the body gets another one. */
	size_t n = (size_t)snprintf(req, sizeof req, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 6\r\nX: ");
	memset(req + n, 'a', 15 << 10);
	n += 15 << 10;
	memcpy(req + n, "\r\n\r\nabc", 7);
	fx_send(&f, fd, (struct str){ req, n + 7 });
	FX_UNTIL(&f, f.requests == 1);
	fx_send(&f, fd, STR("defGET /after HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_sees(&f, fd, &s, "\r\n\r\nabcdef") && fx_sees(&f, fd, &s, "/after"));
	memset(req + n, 'b', 8 << 10);
	fx_send(&f, fd, (struct str){ req, n + (6 << 10) });
	EXPECT(fx_sees(&f, fd, &s, "431 Request Header Fields Too Large\r\n"));
	(void)close(fd);
	fx_stop(&f);
}

static void
test_held_exchange__listener_freed__closed_not_ok(void)
{
	struct fx f = { 0 };
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
	FX_UNTIL(&f, f.held != NULL);
	fx_stop(&f);
	EXPECT(f.closed_failed == 1 && f.held == NULL);
	(void)close(fd);
}

TESTS(T(test_pipelining__many_requests_in_one_write__answered_in_order),
    T(test_request__byte_by_byte__is_answered_once), T(test_answers__rows),
    T(test_expect_continue__body_wanted__is_sent_before_the_body),
    T(test_unread_body__short__is_skipped_for_the_next_request), T(test_unread_body__endless_chunks__closes),
    T(test_deadlines__slow_client__is_told_or_closed), T(test_write_deadline__client_takes_nothing__closed_not_ok),
    T(test_streamed_answer__slow_reader__memory_stays_bounded), T(test_streamed_body__paused__is_not_read_and_resumes),
    T(test_truncated_answer__is_reset_not_closed), T(test_client__leaves_in_the_middle__closed_once),
    T(test_half_close__after_requests__all_are_answered), T(test_refusal__client_still_sending__sees_the_answer),
    T(test_large_head__with_body__keeps_its_strings), T(test_held_exchange__listener_freed__closed_not_ok))
