/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Public listeners and their connections in one worker: accepting, limits, TLS, keep-alive, draining. Bytes only; what a request
 * means is the handler's.                                                                                                  */
#ifndef GATEWAY_NET_LISTENER_H
#define GATEWAY_NET_LISTENER_H

#include "gateway/net/exchange.h"

struct tls_set; /* gateway/crypto/tls_ctx.h */
struct listener;

struct listener_conf {
	struct http_limits limits;
	uint32_t handshake_ms;                /* TLS handshake                                            */
	uint32_t header_ms;                   /* first byte of a head to its end: 408 and close           */
	uint32_t body_ms;                     /* longest pause between two reads of a body: 408           */
	uint32_t idle_ms;                     /* keep-alive without a request: close                      */
	uint32_t write_ms;                    /* client takes nothing of an answer: close                 */
	unsigned connections_max;             /* this worker                                */
	unsigned connections_per_address_max; /* this worker, IPv6 by /64; 0: no limit; beyond: closed at once */
	unsigned requests_per_connection_max; /* then Connection: close; 0: no limit        */
	size_t request_arena_bytes;           /* cap of an exchange's arena                 */
};
struct listener_stats {
	uint64_t accepted, refused_limit, tls_failures, requests, parse_refusals, timeouts;
	unsigned open, idle;
	bool paused; /* accepting stopped: descriptors or connections_max used up */
};
/* fd: a listening socket (owned by the master; not closed here). tls NULL: plain HTTP (tests, unix sockets). conf, tls and handler
 * outlive the listener. When descriptors run out (EMFILE, ENFILE) accepting pauses and tries again after 100 ms or when a
 * connection closes; it never spins.                                                                                       */
struct listener *listener_new(struct loop *l, int fd, const struct listener_conf *conf, struct tls_set *tls,
    const struct exchange_handler *handler, struct err *e);
/* Stops accepting. Connections that are idle stay until their next request (answered with Connection: close) or idle_ms, so that no
 * client's request is lost in the race with a close; drained(arg) is called when none is left.                            */
void listener_drain(struct listener *l, void (*drained)(void *arg), void *arg);
/* Closes everything now. */
void listener_free(struct listener **l);
void listener_stats(const struct listener *l, struct listener_stats *out);

#endif
