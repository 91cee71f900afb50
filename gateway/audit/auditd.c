/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The auditd process: gathers what all workers sent, writes it with one fdatasync, then tells each. Frames: u32 length, u32 id, JSON; id 0
 * wants no answer. Answers: u32 id, u8 ok.                                                                                 */
#include "gateway/audit/audit.h"

#include "gateway/audit/command.h"
#include "gateway/audit/frame.h"
#include "gateway/audit/journal.h"
#include "gateway/loop/fdpass.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PEERS_MAX = 512,
	COMMANDS_MAX = 16, /* at a time, of the peers */
	READ_BYTES = 64 << 10,
	IN_MAX = 4 << 20,
	OUT_MAX = 4 << 20,
	BATCH_MAX = 65536,
	RETRY_US = 1000000
};

_Static_assert((int)AUDIT_FRAME_MAX + 256 <= (int)JOURNAL_LINE_MAX, "each record that a worker may send fits a line");

struct audit_peer {
	int fd;
	bool more;    /* frames that a full batch had no room for */
	bool command; /* an operator's, no worker */
	struct buf in, out;
};
struct waiting {
	unsigned peer;
	uint32_t id;
};
struct auditd {
	struct journal *journal;
	const struct log *log;
	struct audit_peer peers[PEERS_MAX];
	size_t n_peers;
	int command_fd; /* an operator's commands come here; -1: none */
	struct waiting batch[BATCH_MAX];
	size_t n_batch, n_last; /* n_last: records of the last batch */
	bool failing;
	int64_t again_us;
};
static volatile sig_atomic_t stop_asked;

static void
on_stop(int signo)
{
	(void)signo;
	stop_asked = 1;
}

static void
peer_add(struct auditd *d, int fd, bool command)
{
	if (d->n_peers == PEERS_MAX) {
		(void)close(fd);
		return;
	}
	struct audit_peer *p = &d->peers[d->n_peers++];
	*p = (struct audit_peer){ .fd = fd, .command = command };
	buf_init(&p->in, NULL, READ_BYTES, IN_MAX);
	buf_init(&p->out, NULL, 4096, OUT_MAX);
}

static void
commands_accept(struct auditd *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->n_peers; i++)
		n += d->peers[i].command;
	for (int fd; (fd = accept4(d->command_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; n++)
		if (n < COMMANDS_MAX)
			peer_add(d, fd, true);
		else
			(void)close(fd);
}

static void
peer_drop(struct auditd *d, size_t i)
{
	(void)close(d->peers[i].fd);
	buf_done(&d->peers[i].in);
	buf_done(&d->peers[i].out);
	d->peers[i] = d->peers[--d->n_peers];
}

static void
answer(struct auditd *d, const struct waiting *w, bool ok)
{
	struct buf *out = &d->peers[w->peer].out;
	uint8_t yes = ok;
	if (w->id == 0)
		return;
	buf_put(out, &w->id, sizeof w->id);
	buf_put(out, &yes, 1);
}

/* Takes the whole frames of a peer into the batch. -1: nonsense. */
static int
frames_take(struct auditd *d, unsigned i)
{
	struct buf *in = &d->peers[i].in;
	size_t at = 0;
	while (in->n - at >= AUDIT_FRAME_HEAD && d->n_batch < BATCH_MAX) {
		uint32_t len, id;
		memcpy(&len, in->p + at, sizeof len);
		memcpy(&id, in->p + at + 4, sizeof id);
		if (len > AUDIT_FRAME_MAX)
			return -1;
		if (in->n - at < AUDIT_FRAME_HEAD + (size_t)len)
			break;
		struct waiting w = { i, id };
		bool now =
		    !d->failing && journal_add(d->journal, (struct str){ in->p + at + AUDIT_FRAME_HEAD, len }) == 0;
		if (now)
			d->batch[d->n_batch++] = w;
		else
			answer(d, &w, false);
		at += AUDIT_FRAME_HEAD + (size_t)len;
	}
	buf_consume(in, at);
	d->peers[i].more = d->n_batch == BATCH_MAX && in->n >= AUDIT_FRAME_HEAD;
	return 0;
}

static void
batch_sync(struct auditd *d)
{
	struct err e = { 0 };
	if (d->failing && clock_mono_us(&clock_system) >= d->again_us)
		d->failing = false; /* the next record tries */
	if (d->n_batch == 0)
		return;
	bool ok = journal_sync(d->journal, &e) == 0;
	if (journal_was_removed(d->journal))
		LOG(d->log, LOG_ERROR, "audit.removed",
		    F_STR("text",
		        STR("the journal's file was removed or moved away while it was written; a new one was begun")));
	if (!ok) {
		LOG(d->log, LOG_ERROR, "audit.failed", F_INT("records", d->n_batch), F_ERR(&e));
		d->failing = true;
		d->again_us = clock_mono_us(&clock_system) + RETRY_US;
	}
	for (size_t i = 0; i < d->n_batch; i++)
		answer(d, &d->batch[i], ok);
	d->n_last = d->n_batch;
	d->n_batch = 0;
}

static int
peer_read(struct auditd *d, unsigned i)
{
	struct audit_peer *p = &d->peers[i];
	if (p->more && frames_take(d, i) != 0)
		return -1;
	if (p->more)
		return 0;
	for (;;) {
		char *room = buf_room(&p->in, READ_BYTES);
		ssize_t n = room == NULL ? -1 : recv(p->fd, room, READ_BYTES, MSG_DONTWAIT);
		if (n > 0) {
			p->in.n += (size_t)n;
			if (frames_take(d, i) != 0)
				return -1;
			if (n == READ_BYTES && d->n_batch < BATCH_MAX) /* the rest of a full batch waits for its sync */
				continue;
			return 0;
		}
		return n < 0 && room != NULL && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	}
}

static int
peer_write(struct audit_peer *p)
{
	while (p->out.n > 0) {
		ssize_t n = send(p->fd, p->out.p, p->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		buf_consume(&p->out, (size_t)n);
	}
	return buf_ok(&p->out) ? 0 : -1;
}

static void
turn(struct auditd *d, int *control_fd, uint32_t group_us)
{
	static struct pollfd fds[PEERS_MAX + 2];
	static bool dead[PEERS_MAX];
	size_t n = d->n_peers;
	bool more = false;
	for (size_t i = 0; i < n; i++) {
		more |= d->peers[i].more;
		fds[i] = (struct pollfd){ d->peers[i].fd, (short)(POLLIN | (d->peers[i].out.n > 0 ? POLLOUT : 0)), 0 };
	}
	fds[n] = (struct pollfd){ *control_fd, POLLIN, 0 };
	fds[n + 1] = (struct pollfd){ d->command_fd, POLLIN, 0 };
	if (poll(fds, n + 2, more ? 0 : d->failing ? 250 : -1) < 0)
		return;
	const struct timespec gather = { group_us / 1000000, (long)(group_us % 1000000) * 1000 };
	if (group_us > 0 && d->n_last > 1) /* more records for one fsync; a client that is alone does not wait */
		(void)ppoll(NULL, 0, &gather, NULL);
	for (size_t i = 0; i < n; i++)
		dead[i] = (d->peers[i].more || (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) &&
		          peer_read(d, (unsigned)i) != 0;
	batch_sync(d);
	for (size_t i = n; i-- > 0;)
		if (dead[i] || peer_write(&d->peers[i]) != 0)
			peer_drop(d, i);
	if (fds[n].revents != 0) {
		int fd;
		while ((fd = fdpass_receive(*control_fd)) >= 0)
			peer_add(d, fd, false);
		if (fd == -2)
			*control_fd = -1;
	}
	if (fds[n + 1].revents != 0)
		commands_accept(d);
}

int
auditd_serve(const struct conf *conf, const int *peer_fds, size_t n_peers, int control_fd, const struct log *log)
{
	static struct auditd d;
	static char dir[1024], key[1024];
	struct sigaction sa = { .sa_handler = on_stop };
	struct err e = { 0 };
	bool torn = false;
	struct journal_conf jc = { dir, key, conf->audit.segment_bytes, conf->audit.ahead_bytes,
		conf->audit.checkpoint_records };
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)signal(SIGXFSZ, SIG_IGN);
	d.log = log;
	if (str_cstr(conf->audit.journal_dir, dir, sizeof dir) != 0 ||
	    str_cstr(conf->audit.signing_key, key, sizeof key) != 0 ||
	    (d.journal = journal_open(&jc, &torn, &e)) == NULL) {
		LOG(log, LOG_ERROR, "audit.open", F_ERR(&e));
		return 1;
	}
	if (torn)
		LOG(log, LOG_WARN, "audit.torn",
		    F_STR("text", STR("the last record was torn by a crash; it was moved aside")));
	if ((d.command_fd = command_listen(dir, &e)) < 0) /* commands are refused then, the gateway serves */
		LOG(log, LOG_ERROR, "audit.commands", F_ERR(&e));
	for (size_t i = 0; i < n_peers; i++)
		peer_add(&d, peer_fds[i], false);
	while (!stop_asked && (d.n_peers > 0 || control_fd >= 0))
		turn(&d, &control_fd, conf->audit.group_us);
	journal_close(&d.journal);
	return 0;
}
