/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections to one upstream: kept alive, bounded, TCP, unix or TLS. An upstream_conn carries bytes of one request at a time. Private to
 * backends/proxy.                                                                                                          */
#ifndef BACKENDS_PROXY_UPSTREAM_H
#define BACKENDS_PROXY_UPSTREAM_H

#include "gateway/base/buf.h"
#include "gateway/base/list.h"
#include "gateway/config/conf.h"
#include "gateway/loop/loop.h"

struct upstream;
struct upstream_conn;

/* conf outlives it. NULL with e: the url or CA cannot work. */
struct upstream *upstream_new(struct loop *l, const struct conf_upstream *conf, struct err *e);
void upstream_free(struct upstream **u);
bool upstream_healthy(const struct upstream *u);
struct str upstream_host(const struct upstream *u); /* for the Host field */

enum upstream_end {
	UPSTREAM_UNREACHED, /* it could not be connected */
	UPSTREAM_CLOSED,    /* by the upstream, in order (TLS: with its close_notify) */
	UPSTREAM_BROKEN     /* in any other way */
};
/* Who uses a connection. All calls come from the loop, none from inside an upstream_* function. */
struct upstream_user {
	void (*ready)(struct upstream_user *user, struct upstream_conn *c); /* connected: write */
	void (*readable)(struct upstream_user *user, struct str bytes,
	    size_t *used);                           /* what is unread stays; more comes behind it */
	void (*drained)(struct upstream_user *user); /* the output buffer is low again */
	void (*broken)(struct upstream_user *user, enum upstream_end how); /* the connection is gone */
	struct list link;                                                  /* the pool's queue */
	struct upstream_conn *conn;
	struct upstream *pool;
	bool reused; /* the connection had served a request before; stays when it is gone */
	struct loop_defer defer;
};
/* Asks for a connection: ready() or broken() follows. -1: the queue is full. */
int upstream_get(struct upstream *u, struct upstream_user *user, bool fresh);
/* Gives it back: reuse: in a clean state, kept; else closed. Without a connection the user leaves the queue. */
void upstream_put(struct upstream_user *user, bool reuse);
/* Queues bytes (copied); the number now waiting. Over UPSTREAM_HIGH_WATER the writer stops until drained(). An upstream that takes no more may still
 * answer (a 413, say): then what is written is dropped, and the connection is not used again.                                  */
enum { UPSTREAM_HIGH_WATER = 256 << 10, UPSTREAM_LOW_WATER = 64 << 10 };
size_t upstream_write(struct upstream_user *user, struct str bytes);
void upstream_read_pause(struct upstream_user *user, bool pause);

#endif
