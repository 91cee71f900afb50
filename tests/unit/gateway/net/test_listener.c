/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accepting: limits in all and per address, running out of descriptors, requests per connection, draining, unix sockets. */
#include "net_fixture.h"

#include <sys/resource.h>
#include <sys/un.h>

static void
test_per_address__third_connection__is_closed_at_once(void)
{
	struct fx f = { .conf = { .connections_per_address_max = 2 } };
	SEEN(s);
	fx_start(&f, NULL);
	int a = fx_connect(&f), b = fx_connect(&f);
	FX_UNTIL(&f, fx_stats(&f).open == 2);
	int c = fx_connect(&f);
	EXPECT(fx_end(&f, c, &s) != FX_OPEN && s.n == 0);
	EXPECT(fx_stats(&f).refused_limit == 1 && fx_stats(&f).open == 2);
	(void)close(a);
	FX_UNTIL(&f, fx_stats(&f).open == 1);
	int d = fx_connect(&f);
	fx_send(&f, d, STR("GET /in HTTP/1.1\r\n" HOST "\r\n"));
	memset(&s, 0, sizeof s);
	EXPECT(fx_sees(&f, d, &s, "/in"));
	EXPECT(strcmp(f.peer, "127.0.0.1") == 0 && f.sni[0] == '\0' && f.version[0] == '\0');
	(void)close(b);
	(void)close(c);
	(void)close(d);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	fx_stop(&f);
}

static void
test_connections_max__one_more__waits_until_one_leaves(void)
{
	struct fx f = { .conf = { .connections_max = 2 } };
	SEEN(s);
	fx_start(&f, NULL);
	int a = fx_connect(&f), b = fx_connect(&f), c = fx_connect(&f);
	fx_send(&f, c, STR("GET /c HTTP/1.1\r\n" HOST "\r\n"));
	FX_UNTIL(&f, fx_stats(&f).paused);
	EXPECT(fx_stats(&f).open == 2 && f.requests == 0);
	(void)close(a);
	EXPECT(fx_sees(&f, c, &s, "/c"));
	(void)close(b);
	(void)close(c);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	EXPECT(!fx_stats(&f).paused);
	fx_stop(&f);
}

/* The limit counts descriptors of the process: the lowest number that is free becomes the limit. */
static void
test_descriptors__used_up__accepting_pauses_and_goes_on(void)
{
	struct fx f = { 0 };
	struct rlimit was = { 0 }, now;
	SEEN(s);
	fx_start(&f, NULL);
	int a = fx_connect(&f), b = fx_connect(&f);
	fx_send(&f, b, STR("GET /b HTTP/1.1\r\n" HOST "\r\n"));
	int lowest = dup(a);
	REQUIRE(lowest >= 0 && getrlimit(RLIMIT_NOFILE, &was) == 0);
	(void)close(lowest);
	now = was;
	now.rlim_cur = (rlim_t)lowest;
	REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
	FX_UNTIL(&f, fx_stats(&f).paused);
	EXPECT(fx_stats(&f).open == 0);
	unsigned turns = 0;
	for (int64_t end = clock_mono_us(&clock_system) + 50000; clock_mono_us(&clock_system) < end; turns++)
		loop_run_once(
		    f.loop, true); /* sleeps in the loop: no spinning on a listening socket that cannot be served */
	EXPECT(turns < 200);
	REQUIRE(setrlimit(RLIMIT_NOFILE, &was) == 0);
	EXPECT(fx_sees(&f, b, &s, "/b"));
	EXPECT(!fx_stats(&f).paused);
	(void)close(a);
	(void)close(b);
	fx_stop(&f);
}

static void
test_requests_per_connection__reached__closes_politely(void)
{
	struct fx f = { .conf = { .requests_per_connection_max = 2 } };
	SEEN(s);
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd,
	    STR("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\nGET /3 HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_end(&f, fd, &s) == FX_EOF);
	EXPECT(
	    f.requests == 2 && strstr(s.text, "Connection: close\r\n\r\n/2") != NULL && strstr(s.text, "/3") == NULL);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_drain__idle_and_busy_connections__lose_no_request(void)
{
	struct fx f = { 0 };
	SEEN(s);
	fx_start(&f, NULL);
	int idle = fx_connect(&f), busy = fx_connect(&f);
	fx_send(&f, idle, STR("GET /1 HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_sees(&f, idle, &s, "/1"));
	fx_send(&f, busy, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
	FX_UNTIL(&f, f.held != NULL);
	listener_drain(f.l, fx_drained, &f);
	loop_run_once(f.loop, false);
	EXPECT(!f.drained && fx_stats(&f).open == 2);
	fx_send(&f, idle, STR("GET /2 HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_sees(&f, idle, &s, "Connection: close\r\n\r\n/2") && fx_end(&f, idle, &s) == FX_EOF);
	(void)close(idle);
	memset(&s, 0, sizeof s);
	exchange_reply(f.held, 200, STR(""), STR("done"));
	EXPECT(fx_sees(&f, busy, &s, "Connection: close\r\n\r\ndone"));
	(void)close(busy);
	FX_UNTIL(&f, f.drained);
	EXPECT(f.closed_ok == 3 && fx_stats(&f).open == 0);
	fx_stop(&f);
}

static void
test_drain__nothing_open__is_told_from_the_loop(void)
{
	struct fx f = { 0 };
	fx_start(&f, NULL);
	listener_drain(f.l, fx_drained, &f);
	EXPECT(!f.drained);
	FX_UNTIL(&f, f.drained);
	fx_stop(&f);
}

static void
test_drain__idle_connection__is_closed_long_before_its_idle_time(void)
{
	struct fx f = { .conf = { .idle_ms = 600000, .header_ms = 600000 } };
	SEEN(s);
	fx_start(&f, NULL);
	int fd = fx_connect(&f);
	fx_send(&f, fd, STR("GET /1 HTTP/1.1\r\n" HOST "\r\n"));
	EXPECT(fx_sees(&f, fd, &s, "/1"));
	listener_drain(f.l, fx_drained, &f);
	FX_UNTIL(&f, f.drained);
	(void)close(fd);
	fx_stop(&f);
}

static void
test_unix_socket__peer_is_unix_and_unlimited(void)
{
	struct fx f = { .conf = { .connections_per_address_max = 1 } };
	struct sockaddr_un at = { .sun_family = AF_UNIX }; /* an abstract name that the kernel chooses */
	socklen_t n = sizeof at.sun_family;
	SEEN(s);
	fx_start(&f, NULL);
	int lfd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	REQUIRE(lfd >= 0 && bind(lfd, (struct sockaddr *)&at, n) == 0 && listen(lfd, 8) == 0);
	n = sizeof at;
	REQUIRE(getsockname(lfd, (struct sockaddr *)&at, &n) == 0);
	struct listener *l = listener_new(f.loop, lfd, &f.conf, NULL, &f.handler, NULL);
	REQUIRE(l != NULL);
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		REQUIRE(fd >= 0 && connect(fd, (struct sockaddr *)&at, n) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
		memset(&s, 0, sizeof s);
		fx_send(&f, fd, STR("GET /u HTTP/1.1\r\n" HOST "\r\n"));
		EXPECT_IDX(fx_sees(&f, fd, &s, "/u") && strcmp(f.peer, "unix") == 0, i);
		(void)close(fd);
	}
	listener_free(&l);
	(void)close(lfd);
	fx_stop(&f);
}

static void
test_many_connections__idle__hold_no_slots(void)
{
	struct fx f = { .conf = { .connections_max = 300 } };
	SEEN(s);
	int fds[200];
	fx_start(&f, NULL);
	for (size_t i = 0; i < NITEMS(fds); i++) {
		fds[i] = fx_connect(&f);
		fx_send(&f, fds[i], STR("GET /x HTTP/1.1\r\n" HOST "\r\n"));
		if (i % 50 == 49)
			FX_UNTIL(&f, f.closed_ok == i + 1);
	}
	FX_UNTIL(&f, fx_stats(&f).idle == NITEMS(fds));
	EXPECT(f.l->n_free_slots >= 1 && f.l->n_free_slots <= SLOTS_KEPT);
	for (size_t i = 0; i < NITEMS(fds); i++)
		(void)close(fds[i]);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	fx_stop(&f);
}

TESTS(T(test_per_address__third_connection__is_closed_at_once),
    T(test_connections_max__one_more__waits_until_one_leaves),
    T(test_descriptors__used_up__accepting_pauses_and_goes_on),
    T(test_requests_per_connection__reached__closes_politely),
    T(test_drain__idle_and_busy_connections__lose_no_request), T(test_drain__nothing_open__is_told_from_the_loop),
    T(test_drain__idle_connection__is_closed_long_before_its_idle_time),
    T(test_unix_socket__peer_is_unix_and_unlimited), T(test_many_connections__idle__hold_no_slots))
