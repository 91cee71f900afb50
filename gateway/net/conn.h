/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to gateway/net: a connection, the slot of memory it holds while a request is under way, and what the files of the
 * connection owe each other. listener.c accepts, counts and sweeps; tls.c moves bytes; conn.c is the state machine; exchange.c is
 * the handler's side; slot.c the memory.
 *
 * States:  HANDSHAKE -> HEAD -> EXCHANGE -> (SKIP: rest of an unread body) -> HEAD ...      any -> LINGER -> DEAD, any -> DEAD
 * conn_run() is the only place that moves them. What the handler calls from elsewhere only marks the exchange and wakes conn_run() at
 * the end of the loop turn, so closed() never comes out of a call of the handler's own.                                    */
#ifndef GATEWAY_NET_CONN_H
#define GATEWAY_NET_CONN_H

#include "gateway/base/list.h"
#include "gateway/net/http_body.h"
#include "gateway/net/listener.h"

#include <openssl/ssl.h>
#include <sys/types.h>

enum conn_state { CONN_HANDSHAKE, CONN_HEAD, CONN_EXCHANGE, CONN_SKIP, CONN_LINGER, CONN_DEAD };

/* Deadline lists: all members of one have the same time to live, so order of entry is order of expiry. */
enum conn_list { WATCH_NONE, WATCH_HANDSHAKE, WATCH_HEAD, WATCH_BODY, WATCH_IDLE, WATCH_WRITE, WATCH_LINGER, WATCH_N };

enum {
	SLOT_IN_BYTES = 16 << 10,   /* input buffer of a slot                                                  */
	SLOT_OUT_BYTES = 20 << 10,  /* output buffer kept with a slot: a full record with head                 */
	SLOT_TAIL_MIN = 4 << 10,    /* room for body bytes behind a head; else they get a buffer of their own  */
	SLOTS_KEPT = 64,            /* free slots a listener keeps                                             */
	RECORD_BYTES = 16 << 10,    /* largest TLS record                                                      */
	SKIP_BYTES = 64 << 10,      /* unread body that is worth reading for the sake of keep-alive            */
	LINGER_BYTES = 64 << 20,    /* read and dropped after the last answer: a client that sends all before it */
	LINGER_MS = 10000,          /* reads would else find a reset in its place                             */
	QUEUE_MAX_BYTES = 64 << 20, /* a writer that ignores EXCHANGE_HIGH_WATER is cut here                   */
	RUN_BUDGET = 8,             /* moves of one connection before others get their turn                    */
	ACCEPT_BUDGET = 16,         /* per wake-up, so that several workers share                              */
	ACCEPT_RETRY_MS = 100,
	SWEEP_MS = 250,
};

/* Bytes read and not yet used: [pos, n). Behind a parsed head, base is where its tail begins. */
struct inbuf {
	char *p;
	size_t cap, base, pos, n;
};

/* The request's body on its way to the handler. */
struct intake {
	struct http_body coding;
	uint64_t max_bytes, skipped;
	exchange_body_fn *collect;
	exchange_piece_fn *stream;
	struct buf collected;
	unsigned status;   /* refused with this; 0: not                      */
	bool paused, told; /* told: the handler got its last call            */
	bool continue_sent;
};
struct answer {
	int64_t announced; /* Content-Length; -1: chunked or until close */
	uint64_t written;  /* body bytes                                 */
	void (*drain)(struct exchange *x);
	bool begun, ended, aborted, chunked, no_body, keep, drain_due;
};

struct conn;
/* Memory of one request; pooled by the listener, so that an idle connection has none. */
struct slot {
	struct exchange x; /* first: exchange_* find the slot from it */
	struct list link;
	struct conn *conn;
	struct http_head head;
	struct inbuf in;
	char *head_mem; /* the head's bytes, when the tail got another buffer */
	size_t tried;   /* bytes of in at the last attempt to parse             */

	struct buf out;
	size_t out_pos;
	struct intake body;
	struct answer answer;
};

struct addr_count;
struct conn {
	unsigned magic;
#define CONN_MAGIC 0xc03fa5d2u
	int fd;
	struct listener *listener;
	struct loop_io *io;
	SSL *ssl;
	struct slot *slot; /* NULL while idle */
	struct list watch; /* in listener->watch[on] */
	int64_t since_us;
	struct addr_count *addr; /* NULL: unix peer or no limit */
	struct loop_defer again;
	uint32_t requests;
	uint32_t lingered;
	uint8_t state, on;
	uint8_t io_wants;                /* handshake; or what a blocked read needs: LOOP_READ or LOOP_WRITE */
	uint8_t write_wants;             /* 0: the last write was not blocked                               */
	bool readable, running, touched; /* touched: the deadline starts anew          */
	bool eof, broken, reset;         /* reset: close so that the client notices    */
	bool close_after, client_closes, shut;
	struct peer peer;
};

struct listener {
	unsigned magic;
#define LISTENER_MAGIC 0x4d8e20b7u
	int fd;
	struct loop *loop;
	const struct listener_conf *conf;
	struct tls_set *tls;
	const struct exchange_handler *handler;
	struct loop_io *io;
	struct loop_timer *sweep, *retry;
	bool draining;
	struct list watch[WATCH_N];
	unsigned n_watch[WATCH_N];
	struct list free_slots;
	unsigned n_free_slots;
	struct map *addrs;
	struct listener_stats stats;
	int64_t date_s;
	char date[40]; /* "Date: ...\r\n" */
	size_t date_n;
	void (*drained)(void *arg);
	void *drained_arg;
	struct loop_defer drained_defer;
};

/* listener.c */
void listener_conn_gone(struct listener *l, struct conn *c); /* counts, and accepts again if it had stopped */
void listener_watch(struct listener *l, struct conn *c, enum conn_list on);
struct str listener_date_line(struct listener *l);

/* slot.c */
struct slot *slot_get(struct listener *l); /* NULL: out of memory */
void slot_put(struct listener *l, struct slot **s);
void slot_drop(struct slot *s); /* frees one that is in no list */
/* More room in a buffer whose head is not parsed yet; -1 at max. */
int slot_head_room(struct slot *s, size_t max) MUSTUSE;
/* After a head of n bytes was parsed: what follows is the tail. -1: out of memory. */
int slot_head_done(struct slot *s, size_t n) MUSTUSE;
/* After an exchange: what is unread becomes the start of the next head. */
void slot_next(struct slot *s);
/* Free bytes behind the unread ones, after moving these to the front of the tail. */
size_t slot_room(struct slot *s);
static inline size_t
slot_unread(const struct slot *s)
{
	return s == NULL ? 0 : s->in.n - s->in.pos;
}
static inline size_t
slot_queued(const struct slot *s)
{
	return s == NULL ? 0 : s->out.n - s->out_pos;
}

/* tls.c: bytes > 0, or one of these. Blocked calls set io_wants / write_wants. */
enum { IO_BLOCKED = 0, IO_EOF = -1, IO_BROKEN = -2 };
ssize_t tls_read(struct conn *c, void *p, size_t n);
ssize_t tls_write(struct conn *c, const void *p, size_t n);
/* 1: done; IO_BLOCKED; IO_BROKEN; IO_EOF: the client spoke plain HTTP (answered by the caller, in clear). */
int tls_handshake(struct conn *c);
void tls_shutdown(struct conn *c);

/* conn.c */
int conn_new(struct listener *l, int fd, const struct sockaddr_storage *from, struct addr_count *addr) MUSTUSE;
void conn_run(struct conn *c);
void conn_wake(struct conn *c);    /* conn_run() at the end of the turn, if it is not running */
void conn_flush(struct conn *c);   /* writes what is queued; errors mark the connection broken */
void conn_timeout(struct conn *c); /* the deadline of its list has passed                     */
void conn_kill(struct conn *c);    /* now: closed(), if due, and freed                        */

/* exchange.c, called by conn.c */
void exchange_begin(struct conn *c);
void exchange_body_pump(struct slot *s);        /* hands on what is there, as far as it is wanted */
bool exchange_body_waits(const struct slot *s); /* the handler waits for more of the body */
void exchange_finish(struct conn *c, bool ok);  /* closed(); x is dead after it */

#endif
