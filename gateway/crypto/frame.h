/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between the program's own processes, for keyd, hashd and filed: frames on a SOCK_STREAM socketpair, u32 length of the payload, u32 id,
 * u8 type (native byte order: both ends are this program), payload. The serving side walks a table of rows; what is not in
 * it, over its cap or not permitted now ends the connection. Private to gateway/crypto.                                    */
#ifndef GATEWAY_CRYPTO_FRAME_H
#define GATEWAY_CRYPTO_FRAME_H

#include "gateway/base/buf.h"
#include "gateway/base/log.h"
#include "gateway/loop/step.h"

enum { FRAME_HEAD = 9, FRAME_REPLY_MAX = 64 << 10, FRAME_ONCE = 1, FRAME_PERMITS = 2 };

/* --- serving (a process of its own: a plain poll loop) --------------------------------------------------------------------- */
struct frame_row {
	uint8_t type;
	uint32_t max_bytes; /* of the payload */
	unsigned flags;     /* ONCE: a second one ends the connection; PERMITS: allows all other rows to this peer */
	void (*run)(void *ctx, struct str payload, struct buf *reply); /* writes the answer's payload */
};
/* Until SIGTERM, or all peers and control_fd (-1: none) are closed. 0: a clean end. One frame of each peer in turn, and its answer is sent before the
 * next one runs: a peer that asks much holds up neither its own first answers nor the others. */
int frame_serve(const struct frame_row *rows, size_t n_rows, void *ctx, const int *peer_fds, size_t n_peers,
    int control_fd, const struct log *log);
/* For rows that keep state per peer: the number of the peer whose frame runs (never used again), and what to call when one is gone. */
unsigned frame_peer(void);
void frame_on_gone(void (*gone)(void *ctx, unsigned peer));
/* The first frame of a peer's bytes, its answer behind what is in out. 1: answered; 0: more bytes are needed; -1: the connection is to be ended. */
int frame_feed(
    const struct frame_row *rows, size_t n_rows, void *ctx, unsigned *seen, struct buf *in, struct buf *out) MUSTUSE;

/* --- asking (a worker's loop) ------------------------------------------------------------------------------------------------- */
struct frame_client;
/* Takes over fd; sends a HELLO (type 0) first. queue_max: requests under way; 0: no bound. rows: the other side's table: what is over its caps
 * would end the connection, so it is not sent.                                                                             */
struct frame_client *frame_client_new(
    struct loop *l, int fd, unsigned queue_max, const struct frame_row *rows, size_t n_rows);
void frame_client_free(struct frame_client **c);
bool frame_client_healthy(const struct frame_client *c);
enum frame_outcome { FRAME_ANSWERED, FRAME_DOWN, FRAME_BUSY, FRAME_LATE, FRAME_TOO_LARGE };
/* Asks; when the answer comes done(result, task, payload) fills result (payload lives during the call; arena is the task's), and the task
 * goes on. On any other outcome done gets STR_NULL and the outcome.                                                         */
typedef void frame_done(void *result, struct task *t, enum frame_outcome how, struct str payload);
enum step frame_ask(struct task *t, struct frame_client *c, uint8_t type, const struct str *parts, size_t n_parts,
    uint32_t deadline_ms, frame_done *done, void *result);
/* Says something without waiting for the answer. Lost when the other side is down, or it is too large. */
void frame_tell(struct frame_client *c, uint8_t type, struct str payload);
/* One blocking question before the loop runs; answer is malloc memory in *out. */
int frame_ask_blocking(int fd, uint8_t type, struct str payload, struct buf *out, struct err *e) MUSTUSE;

#endif
