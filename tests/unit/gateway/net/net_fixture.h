/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real loop with a real listener on a loopback port, a handler whose behaviour is chosen by path, and a client that reads and
 * writes between turns of the loop, in the same thread. Waiting is always for a condition, with an end that fails the test.  */
#ifndef TESTS_UNIT_NET_FIXTURE_H
#define TESTS_UNIT_NET_FIXTURE_H

#include "gateway/net/conn.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_S = 10, BIG_PIECE = 16 << 10 };

struct fx {
	struct loop *loop;
	struct listener *l;
	struct listener_conf conf;
	struct exchange_handler handler;
	int fd;
	uint16_t port;
	/* what the handler saw */
	unsigned requests, closed_ok, closed_failed, gone, pieces, drains;
	unsigned refused; /* status the body's function was refused with */
	uint64_t body_bytes;
	struct exchange *held; /* of /hold and /pause */
	uint64_t big_left;
	size_t queue_peak;
	char sni[64], peer[64], version[16];
	bool drained;
};
static struct fx *fx_now; /* body functions get no context */

static void
fx_echo(struct exchange *x, struct str body, unsigned refused)
{
	fx_now->refused = refused;
	fx_now->body_bytes += body.n;
	exchange_reply(x, refused == 0 ? 200 : refused, STR(""), refused == 0 ? body : STR("refused"));
}

static void
fx_piece(struct exchange *x, struct str piece, bool end, unsigned refused)
{
	char text[32];
	fx_now->pieces++;
	fx_now->body_bytes += piece.n;
	fx_now->refused = refused;
	if (refused != 0)
		exchange_reply(x, refused, STR(""), STR("refused"));
	else if (end)
		exchange_reply(x, 200, STR(""),
		    (struct str){
		        text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)fx_now->body_bytes) });
	else if (x->user == (void *)fx_now) /* /pause */
		exchange_body_pause(x);
}

static void
fx_big(struct exchange *x)
{
	static const char piece[BIG_PIECE];
	struct fx *f = fx_now;
	f->drains++;
	while (f->big_left > 0) {
		size_t n = MIN(f->big_left, sizeof piece);
		f->big_left -= n;
		size_t queued = exchange_reply_write(x, (struct str){ piece, n });
		f->queue_peak = MAX(f->queue_peak, queued);
		if (queued > EXCHANGE_HIGH_WATER)
			return;
	}
	exchange_reply_end(x);
}

static void
do_path(struct exchange *x)
{
	exchange_reply(x, 200, STR("X-A: b\r\n"), x->head->path);
}
static void
do_echo(struct exchange *x)
{
	exchange_body_collect(x, 64 << 10, fx_echo);
}
static void
do_count(struct exchange *x)
{
	exchange_body_stream(x, 0, fx_piece);
}
static void
do_pause(struct exchange *x)
{
	x->user = fx_now;
	fx_now->held = x;
	exchange_body_stream(x, 0, fx_piece);
}
static void
do_hold(struct exchange *x)
{
	fx_now->held = x;
}
static void
do_chunks(struct exchange *x)
{
	exchange_reply_begin(x, 200, STR(""), -1);
	(void)exchange_reply_write(x, STR("hello"));
	(void)exchange_reply_write(x, STR(" world"));
	exchange_reply_end(x);
}
static void
do_short(struct exchange *x)
{
	exchange_reply_begin(x, 200, STR(""), 10);
	(void)exchange_reply_write(x, STR("hello"));
	exchange_reply_end(x);
}
static void
do_big(struct exchange *x)
{
	exchange_reply_begin(x, 200, STR(""), (int64_t)fx_now->big_left);
	exchange_on_drain(x, fx_big);
	fx_big(x);
}
static void
do_whole_big(struct exchange *x)
{
	char *body = calloc(1, fx_now->big_left);
	REQUIRE(body != NULL);
	exchange_reply(x, 200, STR(""), (struct str){ body, fx_now->big_left });
	free(body);
}
static void
do_nothing(struct exchange *x)
{
	exchange_reply(x, 204, STR(""), STR("not sent"));
}
static void
do_close(struct exchange *x)
{
	exchange_close_after(x);
	exchange_reply(x, 200, STR(""), STR("bye"));
}

static const struct {
	struct str path;
	void (*run)(struct exchange *x);
} fx_paths[] = {
	{ STR_INIT("/echo"), do_echo },
	{ STR_INIT("/count"), do_count },
	{ STR_INIT("/pause"), do_pause },
	{ STR_INIT("/hold"), do_hold },
	{ STR_INIT("/chunks"), do_chunks },
	{ STR_INIT("/short"), do_short },
	{ STR_INIT("/big"), do_big },
	{ STR_INIT("/whole"), do_whole_big },
	{ STR_INIT("/204"), do_nothing },
	{ STR_INIT("/close"), do_close },
	{ STR_INIT("/abort"), exchange_abort },
	{ STR_INIT("/"), do_path },
};

static void
fx_request(struct exchange *x, void *ctx)
{
	struct fx *f = ctx;
	f->requests++;
	(void)snprintf(f->sni, sizeof f->sni, "%.*s", STR_ARG(x->sni));
	(void)snprintf(f->peer, sizeof f->peer, "%s", x->peer->text);
	(void)snprintf(f->version, sizeof f->version, "%s", x->tls_version == NULL ? "" : x->tls_version);
	for (size_t i = 0; i < NITEMS(fx_paths); i++)
		if (str_starts(x->head->path, fx_paths[i].path)) {
			fx_paths[i].run(x);
			return;
		}
	do_path(x);
}

static void
fx_closed(struct exchange *x, bool ok)
{
	struct fx *f = fx_now;
	f->closed_ok += ok;
	f->closed_failed += !ok;
	f->gone += x->client_gone;
	if (f->held == x)
		f->held = NULL;
}

UNUSED static void
fx_drained(void *arg)
{
	((struct fx *)arg)->drained = true;
}

static int
fx_listen(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&at, n) == 0 && listen(fd, 128) == 0);
	REQUIRE(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* Sets everything but what the test has put into f->conf and f->handler. */
static void
fx_start(struct fx *f, struct tls_set *tls)
{
	struct listener_conf *c = &f->conf;
	struct err e = { 0 };
	c->limits = (struct http_limits){ .head_max_bytes = 20 << 10, .target_max_bytes = 1024, .fields_max = 50 };
	uint32_t *const times[] = { &c->handshake_ms, &c->header_ms, &c->body_ms, &c->idle_ms, &c->write_ms };
	for (size_t i = 0; i < NITEMS(times); i++)
		if (*times[i] == 0)
			*times[i] = 30000;
	if (c->connections_max == 0)
		c->connections_max = 100;
	if (c->request_arena_bytes == 0)
		c->request_arena_bytes = 64 << 10;
	if (f->handler.request == NULL)
		f->handler = (struct exchange_handler){ fx_request, fx_closed, f };
	fx_now = f;
	f->loop = loop_new();
	f->fd = fx_listen(&f->port);
	REQUIRE(f->loop != NULL);
	f->l = listener_new(f->loop, f->fd, c, tls, &f->handler, &e);
	REQUIRE(f->l != NULL);
}

UNUSED static void
fx_stop(struct fx *f)
{
	listener_free(&f->l);
	EXPECT(f->requests == f->closed_ok + f->closed_failed); /* closed() exactly once */
	loop_free(&f->loop);
	(void)close(f->fd);
}

UNUSED static struct listener_stats
fx_stats(const struct fx *f)
{
	struct listener_stats s;
	listener_stats(f->l, &s);
	return s;
}

static int
fx_connect(const struct fx *f)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

/* True until the test has waited too long. */
static bool
fx_turn(struct fx *f, int64_t *until_us)
{
	struct timespec nap = { .tv_nsec = 200000 };
	if (*until_us == 0)
		*until_us = clock_mono_us(&clock_system) + WAIT_S * 1000000LL;
	loop_run_once(f->loop, false);
	(void)nanosleep(&nap, NULL);
	return clock_mono_us(&clock_system) < *until_us;
}
#define FX_UNTIL(f, cond)                                                                                              \
	do {                                                                                                           \
		int64_t until_ = 0;                                                                                    \
		bool in_time_ = true;                                                                                  \
		while (!(cond) && in_time_)                                                                            \
			in_time_ = fx_turn((f), &until_);                                                              \
		EXPECT(in_time_);                                                                                      \
	} while (0)

/* Sends all of it, turning the loop while the socket is full. */
UNUSED static void
fx_send(struct fx *f, int fd, struct str s)
{
	int64_t until = 0;
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		if (n > 0)
			s = str_skip(s, (size_t)n);
		else if (errno != EAGAIN || !fx_turn(f, &until))
			return;
	}
}

enum fx_end { FX_OPEN, FX_EOF, FX_RESET };
/* What the client received. */
struct seen {
	char text[64 << 10]; /* the first bytes */
	size_t n;
	uint64_t total;
	enum fx_end end;
};
#define SEEN(s)                                                                                                        \
	static struct seen s;                                                                                          \
	memset(&s, 0, sizeof s)

static bool
fx_take(int fd, struct seen *s)
{
	static char bytes[32 << 10];
	ssize_t n = recv(fd, bytes, sizeof bytes, 0);
	if (n <= 0) {
		s->end = n == 0 ? FX_EOF : errno != EAGAIN ? FX_RESET : s->end;
		return false;
	}
	size_t keep = MIN((size_t)n, sizeof s->text - 1 - s->n);
	memcpy(s->text + s->n, bytes, keep);
	s->n += keep;
	s->text[s->n] = '\0';
	s->total += (size_t)n;
	return true;
}
/* Until the text is there. */
UNUSED static bool
fx_sees(struct fx *f, int fd, struct seen *s, const char *text)
{
	int64_t until = 0;
	for (;;) {
		while (fx_take(fd, s))
			;
		if (str_find_str((struct str){ s->text, s->n }, str_of(text)) < s->n)
			return true;
		if (s->end != FX_OPEN || !fx_turn(f, &until))
			return false;
	}
}
/* Until the server has closed. */
UNUSED static enum fx_end
fx_end(struct fx *f, int fd, struct seen *s)
{
	int64_t until = 0;
	do {
		while (fx_take(fd, s))
			;
	} while (s->end == FX_OPEN && fx_turn(f, &until));
	return s->end;
}

#define HOST "Host: a\r\n"

#endif
