/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes of a running gateway: one master; auditd, which outlives reloads; and generations of {keyd, hashd, filed, control, workers}.
 * A generation is made from one checked configuration and never changes: a reload starts the next one, waits until its
 * workers are ready and drains the old one. Not for requests.                                                             */
#ifndef GATEWAY_PROCESS_PROCESS_H
#define GATEWAY_PROCESS_PROCESS_H

#include "gateway/config/conf.h"
#include "gateway/metrics/metrics.h"

/* Runs the master until SIGTERM or SIGINT; takes over conf (loaded from conf->file; SIGHUP reads that file again). Exit status. */
int master_run(struct conf *conf, struct arena *conf_arena);

/* What a worker tells the master: the first request can be answered; a helper process does not answer it any more. */
enum { WORKER_READY = 'R', WORKER_CUT = 'C' };

/* Everything a worker gets from the master; descriptors become the worker's. */
struct worker_boot {
	const struct conf *conf;
	unsigned number;
	const int *listen_fds; /* one per conf->listen */
	int keyd_fd, hashd_fd, filed_fd, audit_fd;
	int ready_fd; /* told to the master: WORKER_READY, WORKER_CUT */
	struct metrics *metrics;
	unsigned slab;
	const uint8_t *ticket_secret; /* 32 bytes, shared by all workers */
	const struct log *log;
};
/* Runs until SIGTERM (drain, at most drain_ms) or SIGQUIT (at once). Exit status. */
int worker_run(const struct worker_boot *b);

/* Binds and listens; a unix socket's stale file is replaced. backlog 1024, SO_REUSEADDR. */
int socket_listen(struct str address, struct err *e) MUSTUSE;

/* Root is given up for conf's user and group (no effect when not root or no user is set); no new privileges, no core dumps, dies with
 * the master.                                                                                                              */
int privileges_drop(const struct conf *conf, struct err *e) MUSTUSE;

#endif
