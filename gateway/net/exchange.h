/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request and its answer on a public connection, as the layers above see it. The connection (conn.h) reads the head, calls the
 * handler, and hands body bytes and drain events to it; the handler answers through the functions below, from the loop, in the
 * worker. Pipelined requests wait in the connection's buffer: an exchange begins when the one before it has ended.
 *
 * Life:  handler->request(x)  ->  [body]  ->  reply (whole, or begin, write ..., end)  ->  handler->closed(x), exactly once, last call.
 * closed() is never called from inside an exchange_* function: always from the loop. It also comes when the client leaves early, a
 * deadline passes or the connection breaks; x is dead when it returns. Calls on a broken exchange before that are harmless.
 * A client that has only closed its sending side (TCP FIN on plain connections, close_notify under TLS) still gets its answers; one
 * that resets, or whose TLS stream is cut, has left: closed(x, false) with client_gone.                                    */
#ifndef GATEWAY_NET_EXCHANGE_H
#define GATEWAY_NET_EXCHANGE_H

#include "gateway/base/err.h"
#include "gateway/loop/loop.h"
#include "gateway/net/http_head.h"

#include <netinet/in.h>

struct exchange;

struct exchange_handler {
	/* A head was accepted. x->user is the handler's. Must not call exchange_* that end x before returning. */
	void (*request)(struct exchange *x, void *ctx);
	/* x is over; ok: the whole answer left. The handler frees what hangs on x->user. Never call exchange_* on x afterwards. */
	void (*closed)(struct exchange *x, bool ok);
	void *ctx;
};
struct peer {
	struct sockaddr_in6 addr; /* v4 as v4-mapped; unix peers: all zero */
	char text[64];            /* address without port, for audit and rate keys */
};
struct exchange {
	unsigned magic;
#define EXCHANGE_MAGIC 0x2e91bd47u
	struct loop *loop;
	struct arena *arena; /* the exchange's memory: head, body, everything of the request; reset when it ends */
	const struct http_head *head;
	const struct peer *peer;
	struct str sni;                    /* .n 0: none */
	const char *tls_version;           /* "TLSv1.3"; NULL: no TLS */
	uint64_t body_bytes_in, bytes_out; /* counted by the connection; bytes_out with head */
	bool client_gone;
	void *user;
};

/* --- the request's body ---------------------------------------------------------------------------------------------- */
/* Collects the whole body (empty when there is none), then calls fn(x, body, 0) from the loop; over max_bytes fn(x, STR_NULL, 413);
 * malformed chunking 400; too slow 408. Sends 100 Continue when asked for. body borrows x->arena.                          */
typedef void exchange_body_fn(struct exchange *x, struct str body, unsigned refused_status);
void exchange_body_collect(struct exchange *x, size_t max_bytes, exchange_body_fn *fn);
/* Streams: fn per piece (piece valid only during the call); end with the last one (which may be empty). After exchange_body_pause()
 * no piece comes until exchange_body_resume(): the socket is not read, so memory stays constant. max_bytes 0: no limit.   */
typedef void exchange_piece_fn(struct exchange *x, struct str piece, bool end, unsigned refused_status);
void exchange_body_stream(struct exchange *x, uint64_t max_bytes, exchange_piece_fn *fn);
void exchange_body_pause(struct exchange *x);
void exchange_body_resume(struct exchange *x);
bool exchange_has_body(const struct exchange *x);

/* --- the answer ------------------------------------------------------------------------------------------------------ */
/* head: complete field lines ("Name: value\r\n"...) without status line, Date, Content-Length, Connection, which the connection
 * writes; body copied. For HEAD the body is counted, not sent. An unread request body is drained (up to a limit) or the connection
 * closes after the answer. 204 and 304 have no body and no Content-Length.                                                */
void exchange_reply(struct exchange *x, unsigned status, struct str fields, struct str body);
/* Streamed answer: content_length -1: chunked (HTTP/1.1) or until close (1.0). */
void exchange_reply_begin(struct exchange *x, unsigned status, struct str fields, int64_t content_length);
/* Queues a piece (copied). Returns the bytes now queued and not yet taken by the socket; over EXCHANGE_HIGH_WATER the writer must stop
 * until drain(x) is called (queue below EXCHANGE_LOW_WATER).                                                               */
enum { EXCHANGE_HIGH_WATER = 256 << 10, EXCHANGE_LOW_WATER = 64 << 10 };
size_t exchange_reply_write(struct exchange *x, struct str piece);
void exchange_on_drain(struct exchange *x, void (*drain)(struct exchange *x));
/* Ends a streamed answer. trailers are not sent. fewer bytes than announced: the connection is reset instead. */
void exchange_reply_end(struct exchange *x);
/* Breaks the connection: the answer cannot be completed truthfully. closed() follows from the loop. */
void exchange_abort(struct exchange *x);
/* The connection closes after this answer (drain, protocol error). */
void exchange_close_after(struct exchange *x);

#endif
