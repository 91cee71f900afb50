/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accepting, limits per worker and per address, deadlines by lists, draining. What a connection does is conn.c's. */
#include "gateway/net/listener.h"

#include "gateway/base/date.h"
#include "gateway/base/map.h"
#include "gateway/net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* While draining, a connection that is in use learns "close" with its next answer; one that rests is closed after these. */
enum { ADDRESS_BYTES = 16, DRAIN_IDLE_MS = 500, DRAIN_HEAD_MS = 2000, DRAIN_LINGER_MS = 2000 };

/* Open connections of one client address; lives while there are some. */
struct addr_count {
	unsigned n;
	uint8_t address[ADDRESS_BYTES];
};

/* --- deadlines ------------------------------------------------------------------------------------------------------------------ */

static uint32_t
limit_ms(const struct listener *l, enum conn_list on)
{
	const struct listener_conf *conf = l->conf;
	uint32_t idle_ms = l->draining ? MIN(conf->idle_ms, (uint32_t)DRAIN_IDLE_MS) : conf->idle_ms;
	uint32_t header_ms = l->draining ? MIN(conf->header_ms, (uint32_t)DRAIN_HEAD_MS) : conf->header_ms;
	const uint32_t limits[WATCH_N] = { [WATCH_HANDSHAKE] = conf->handshake_ms,
		[WATCH_HEAD] = header_ms,
		[WATCH_BODY] = conf->body_ms,
		[WATCH_IDLE] = idle_ms,
		[WATCH_WRITE] = conf->write_ms,
		[WATCH_LINGER] = l->draining ? DRAIN_LINGER_MS : LINGER_MS };
	return limits[on];
}

/* Members of a list entered it in order, so the first is the oldest. */
static void
sweep(void *arg)
{
	struct listener *l = arg;
	int64_t now = loop_now_us(l->loop);
	for (unsigned on = WATCH_HANDSHAKE; on < WATCH_N; on++) {
		int64_t limit_us = (int64_t)limit_ms(l, (enum conn_list)on) * 1000;
		for (unsigned left = l->n_watch[on]; left > 0 && !list_empty(&l->watch[on]); left--) {
			struct conn *c = LIST_FRONT(&l->watch[on], struct conn, watch);
			if (now - c->since_us < limit_us)
				break;
			conn_timeout(c);
		}
	}
	loop_timer_set(l->sweep, SWEEP_MS);
}

void
listener_watch(struct listener *l, struct conn *c, enum conn_list on)
{
	if (!list_empty(&c->watch))
		l->n_watch[c->on]--;
	list_del(&c->watch);
	list_add(&l->watch[on], &c->watch);
	l->n_watch[on]++;
	c->on = (uint8_t)on;
	c->since_us = loop_now_us(l->loop);
}

struct str
listener_date_line(struct listener *l)
{
	int64_t now_s = loop_real_us(l->loop) / 1000000;
	if (now_s != l->date_s) {
		struct buf b;
		buf_init(&b, NULL, sizeof l->date, sizeof l->date);
		buf_lit(&b, "Date: ");
		date_put_http(&b, now_s);
		buf_lit(&b, "\r\n");
		if (buf_ok(&b)) {
			memcpy(l->date, b.p, b.n);
			l->date_n = b.n;
		}
		buf_done(&b);
		l->date_s = now_s;
	}
	return (struct str){ l->date, l->date_n };
}

/* --- accepting -------------------------------------------------------------------------------------------------------------------- */

static void
accept_pause(struct listener *l)
{
	l->stats.paused = true;
	loop_io_interest(l->io, 0);
	loop_timer_set(l->retry, ACCEPT_RETRY_MS);
}

static void
accept_resume(void *arg)
{
	struct listener *l = arg;
	if (!l->stats.paused || l->draining)
		return;
	if (l->stats.open >= l->conf->connections_max) {
		loop_timer_set(l->retry, ACCEPT_RETRY_MS);
		return;
	}
	l->stats.paused = false;
	loop_timer_clear(l->retry);
	loop_io_interest(l->io, LOOP_READ);
}

/* What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, since one host has as many addresses in it as it
 * likes.                                                                                                                   */
static void
address_of(const struct sockaddr_storage *from, uint8_t out[ADDRESS_BYTES])
{
	memset(out, 0, ADDRESS_BYTES);
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof in6);
		memcpy(out, &in6.sin6_addr, IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) ? ADDRESS_BYTES : ADDRESS_BYTES / 2);
	} else if (from->ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof in);
		out[10] = out[11] = 0xff;
		memcpy(out + 12, &in.sin_addr, 4);
	}
}

/* The address's count, one higher. False: over the limit, or out of memory. *count NULL where nothing is counted. */
static bool
address_take(struct listener *l, const struct sockaddr_storage *from, struct addr_count **count)
{
	uint8_t address[ADDRESS_BYTES];
	struct str key = { (const char *)address, sizeof address };
	*count = NULL;
	if (l->conf->connections_per_address_max == 0 || from->ss_family == AF_UNIX)
		return true;
	address_of(from, address);
	struct addr_count *a = map_get(l->addrs, key);
	if (a == NULL) {
		a = calloc(1, sizeof *a);
		if (a == NULL)
			return false;
		memcpy(a->address, address, sizeof address);
		if (map_put(l->addrs, key, a, NULL) != 0) {
			free(a);
			return false;
		}
	}
	if (a->n >= l->conf->connections_per_address_max)
		return false;
	a->n++;
	*count = a;
	return true;
}

static void
address_give(struct listener *l, struct addr_count *a)
{
	if (a == NULL || --a->n > 0)
		return;
	(void)map_del(l->addrs, (struct str){ (const char *)a->address, sizeof a->address });
	free(a);
}

static void
accepted(struct listener *l, int fd, const struct sockaddr_storage *from)
{
	struct addr_count *count;
	l->stats.accepted++;
	if (!address_take(l, from, &count)) {
		l->stats.refused_limit++;
		(void)close(fd);
		return;
	}
	l->stats.open++;
	if (conn_new(l, fd, from, count) != 0) {
		l->stats.open--;
		address_give(l, count);
		(void)close(fd);
	}
}

static void
acceptable(int fd, unsigned ready, void *arg)
{
	struct listener *l = arg;
	(void)ready;
	for (unsigned i = 0; i < ACCEPT_BUDGET; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof from;
		if (l->stats.open >= l->conf->connections_max) {
			accept_pause(l);
			return;
		}
		int got = accept4(fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got >= 0) {
			accepted(l, got, &from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_pause(l); /* a closed connection or the timer tries again: no spinning */
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

static void
drained_now(void *arg)
{
	struct listener *l = arg;
	if (l->drained != NULL)
		l->drained(l->drained_arg);
}

static void
drained_check(struct listener *l)
{
	if (l->draining && l->stats.open == 0 && !l->drained_defer.pending)
		loop_defer(l->loop, &l->drained_defer, drained_now, l);
}

void
listener_conn_gone(struct listener *l, struct conn *c)
{
	address_give(l, c->addr);
	l->stats.open--;
	accept_resume(l);
	drained_check(l);
}

struct listener *
listener_new(struct loop *loop, int fd, const struct listener_conf *conf, struct tls_set *tls,
    const struct exchange_handler *handler, struct err *e)
{
	struct listener *l = calloc(1, sizeof *l);
	if (l == NULL) {
		(void)ERR(e, E_MEMORY, "listener");
		return NULL;
	}
	l->magic = LISTENER_MAGIC;
	l->fd = fd;
	l->loop = loop;
	l->conf = conf;
	l->tls = tls;
	l->handler = handler;
	list_init(&l->free_slots);
	for (size_t i = 0; i < WATCH_N; i++)
		list_init(&l->watch[i]);
	l->addrs = map_new();
	l->sweep = loop_timer_new(loop, sweep, l);
	l->retry = loop_timer_new(loop, accept_resume, l);
	l->io = l->addrs == NULL || l->sweep == NULL || l->retry == NULL
	            ? NULL
	            : loop_io_new(loop, fd, LOOP_READ, acceptable, l);
	if (l->io == NULL) {
		(void)ERR(e, E_MEMORY, "listener");
		listener_free(&l);
		return NULL;
	}
	loop_timer_set(l->sweep, SWEEP_MS);
	return l;
}

void
listener_drain(struct listener *l, void (*drained)(void *arg), void *arg)
{
	CHECK_OBJ(l, LISTENER_MAGIC);
	l->draining = true;
	l->drained = drained;
	l->drained_arg = arg;
	loop_io_interest(l->io, 0);
	drained_check(l);
}

void
listener_free(struct listener **lp)
{
	struct listener *l = *lp;
	*lp = NULL;
	if (l == NULL)
		return;
	CHECK_OBJ(l, LISTENER_MAGIC);
	l->draining = true;
	l->drained = NULL;
	for (size_t i = 0; i < WATCH_N; i++)
		while (!list_empty(&l->watch[i]))
			conn_kill(LIST_FRONT(&l->watch[i], struct conn, watch));
	loop_defer_cancel(l->loop, &l->drained_defer);
	l->conf = NULL;
	while (!list_empty(&l->free_slots)) {
		struct slot *s = LIST_FRONT(&l->free_slots, struct slot, link);
		list_del(&s->link);
		slot_drop(s);
	}
	loop_io_free(&l->io);
	loop_timer_free(&l->sweep);
	loop_timer_free(&l->retry);
	map_free(&l->addrs);
	l->magic = 0;
	free(l);
}

void
listener_stats(const struct listener *l, struct listener_stats *out)
{
	*out = l->stats;
	out->idle = l->n_watch[WATCH_IDLE];
}
