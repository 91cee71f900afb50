/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The serving side of frames. */
#include "gateway/crypto/frame.h"

#include "gateway/base/secret.h"
#include "gateway/loop/fdpass.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS_MAX = 512, READ_BYTES = 16 << 10, IN_MAX = 256 << 10, OUT_MAX = 4 << 20 };

struct peer {
	int fd;
	unsigned number;
	unsigned seen; /* bits of row types that came */
	bool more;     /* `in` may hold a whole frame still */
	struct buf in, out;
};
struct server {
	const struct frame_row *rows;
	size_t n_rows;
	void *ctx;
	const struct log *log;
	struct peer peers[PEERS_MAX];
	size_t n_peers;
};
static volatile sig_atomic_t stop_asked;
static unsigned peer_now, peers_ever; /* one process serves one table */
static void (*on_gone)(void *ctx, unsigned peer);

unsigned
frame_peer(void)
{
	return peer_now;
}

void
frame_on_gone(void (*gone)(void *ctx, unsigned peer))
{
	on_gone = gone;
}

static void
on_stop(int signo)
{
	(void)signo;
	stop_asked = 1;
}

static const struct frame_row *
row_of(const struct frame_row *rows, size_t n_rows, uint8_t type)
{
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

/* May this row be asked now? HELLO (PERMITS) first. */
static bool
permitted(const struct frame_row *rows, size_t n_rows, const struct frame_row *row, unsigned seen)
{
	bool greeted = false;
	for (size_t i = 0; i < n_rows; i++)
		greeted |= (rows[i].flags & FRAME_PERMITS) != 0 && (seen & 1u << rows[i].type) != 0;
	if ((row->flags & FRAME_ONCE) != 0 && (seen & 1u << row->type) != 0)
		return false;
	return greeted || (row->flags & FRAME_PERMITS) != 0;
}

int
frame_feed(const struct frame_row *rows, size_t n_rows, void *ctx, unsigned *seen, struct buf *in, struct buf *out)
{
	uint32_t len, id, reply_len;
	if (in->n < FRAME_HEAD)
		return 0;
	uint8_t type = (uint8_t)in->p[8];
	memcpy(&len, in->p, sizeof len);
	memcpy(&id, in->p + 4, sizeof id);
	const struct frame_row *row = type < 32 ? row_of(rows, n_rows, type) : NULL;
	if (row == NULL || len > row->max_bytes || !permitted(rows, n_rows, row, *seen))
		return -1;
	if (in->n < FRAME_HEAD + (size_t)len)
		return 0;
	*seen |= 1u << type;
	size_t at = out->n;
	char *head = buf_room(out, FRAME_HEAD);
	if (head == NULL)
		return -1;
	out->n += FRAME_HEAD;
	row->run(ctx, (struct str){ in->p + FRAME_HEAD, len }, out);
	if (!buf_ok(out))
		return -1;
	reply_len = (uint32_t)(out->n - at - FRAME_HEAD);
	memcpy(out->p + at, &reply_len, sizeof reply_len);
	memcpy(out->p + at + 4, &id, sizeof id);
	out->p[at + 8] = (char)type;
	secret_wipe(in->p + FRAME_HEAD, len);
	buf_consume(in, FRAME_HEAD + (size_t)len);
	return 1;
}

static void
peer_drop(struct server *s, size_t i, const char *why)
{
	if (why != NULL)
		LOG(s->log, LOG_WARN, "peer.refused", F_STR("why", str_of(why)));
	if (on_gone != NULL)
		on_gone(s->ctx, s->peers[i].number);
	(void)close(s->peers[i].fd);
	buf_done(&s->peers[i].in);
	buf_done(&s->peers[i].out);
	s->peers[i] = s->peers[--s->n_peers];
}

static void
peer_add(struct server *s, int fd)
{
	if (s->n_peers == PEERS_MAX) {
		(void)close(fd);
		return;
	}
	struct peer *p = &s->peers[s->n_peers++];
	*p = (struct peer){ .fd = fd, .number = ++peers_ever };
	buf_init(&p->in, NULL, READ_BYTES, IN_MAX);
	buf_init(&p->out, NULL, READ_BYTES, OUT_MAX);
	p->in.wipe = p->out.wipe = true;
}

/* Answers one frame, and reads more when none is left. -1: the peer is gone or broke the rules (*why). */
static int
peer_work(struct server *s, struct peer *p, short events, const char **why)
{
	if (!p->more && (events & (POLLIN | POLLHUP | POLLERR)) != 0) {
		char *room = buf_room(&p->in, READ_BYTES);
		ssize_t n = room == NULL ? -1 : recv(p->fd, room, READ_BYTES, MSG_DONTWAIT);
		*why = room == NULL ? "frames too large" : NULL;
		if (room == NULL || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return -1;
		p->in.n += n > 0 ? (size_t)n : 0;
	}
	peer_now = p->number;
	int fed = frame_feed(s->rows, s->n_rows, s->ctx, &p->seen, &p->in, &p->out);
	if (fed < 0) {
		*why = "frame not in the table, too large or not permitted";
		return -1;
	}
	p->more = fed == 1 && p->in.n >= FRAME_HEAD;
	while (p->out.n > 0) {
		ssize_t n = send(p->fd, p->out.p, p->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			buf_consume(&p->out, (size_t)n);
	}
	return 0;
}

/* New peers from the master. -1: it closed the control socket. */
static int
control_work(struct server *s, int control_fd)
{
	int fd;
	while ((fd = fdpass_receive(control_fd)) >= 0)
		peer_add(s, fd);
	return fd == -2 ? -1 : 0;
}

int
frame_serve(const struct frame_row *rows, size_t n_rows, void *ctx, const int *peer_fds, size_t n_peers, int control_fd,
    const struct log *log)
{
	static struct server s;
	struct sigaction sa = { .sa_handler = on_stop };
	s = (struct server){ .rows = rows, .n_rows = n_rows, .ctx = ctx, .log = log };
	(void)sigaction(SIGTERM, &sa, NULL);
	for (size_t i = 0; i < n_peers; i++)
		peer_add(&s, peer_fds[i]);
	while (!stop_asked && (s.n_peers > 0 || control_fd >= 0)) {
		static struct pollfd fds[PEERS_MAX + 1];
		size_t n = s.n_peers;
		bool more = false;
		for (size_t i = 0; i < n; i++) {
			fds[i] =
			    (struct pollfd){ s.peers[i].fd, (short)(POLLIN | (s.peers[i].out.n > 0 ? POLLOUT : 0)), 0 };
			more |= s.peers[i].more;
		}
		fds[n] = (struct pollfd){ control_fd, POLLIN, 0 };
		if (poll(fds, n + 1, more ? 0 : -1) < 0 && errno != EINTR)
			return 1;
		for (size_t i = n; i-- > 0;) {
			const char *why = NULL;
			if ((fds[i].revents != 0 || s.peers[i].more) &&
			    peer_work(&s, &s.peers[i], fds[i].revents, &why) != 0)
				peer_drop(&s, i, why);
		}
		if (fds[n].revents != 0 && control_work(&s, control_fd) != 0)
			control_fd = -1;
	}
	while (s.n_peers > 0)
		peer_drop(&s, s.n_peers - 1, NULL);
	return 0;
}
