/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A generation: the processes made from one configuration. Private to gateway/process. Runs in the master; nothing here blocks.
 *
 *   starting --all workers ready--> serving --drain--> draining --workers gone--> over
 *            --one could not start--> failed                                                                                 */
#ifndef GATEWAY_PROCESS_GENERATION_H
#define GATEWAY_PROCESS_GENERATION_H

#include "gateway/process/process.h"

#include <sys/types.h>

struct child {
	pid_t pid;      /* 0: not running */
	int control_fd; /* master's end: new peers for keyd, hashd, filed, auditd; -1 */
	const char *name;
	unsigned number;
	int64_t started_us, again_us;
	unsigned failures; /* short lives in a row: backoff */
	bool was_ready;
	int64_t cut_us; /* when a worker told that a helper does not answer it; 0: it has not */
};
/* Forks; in the child: default signals, privileges dropped, main(arg, its end of the control socket), exit. */
int child_start(struct child *c, const char *name, const struct conf *conf, int (*main)(void *arg, int control_fd),
    void *arg, struct err *e) MUSTUSE;
/* Notes and (log not NULL) logs the end. */
void child_ended(struct child *c, int status, const struct log *log);
/* Asks (control socket closed, SIGTERM), waits up to grace_ms, kills. */
void child_stop(struct child *c, unsigned grace_ms);

struct shared { /* of all generations */
	const struct log *log;
	int *listen_fds, control_listen_fd, audit_control_fd;
	uint8_t ticket_secret[32];
};
struct generation {
	unsigned id;
	struct conf *conf;
	unsigned *conf_refs; /* generations that use conf; a replacement shares it */
	struct shared *shared;
	struct metrics *metrics;
	struct child keyd, control, *hashd, *filed, *workers;
	int *ready_fds; /* read ends, one per worker: what it tells */
	unsigned n_hashd, n_filed, n_workers;
	bool draining, helper_lost, start_failed;
	int64_t drain_end_us;
	struct generation *next;
};
/* Takes over conf (freed with the last generation that uses it); on failure conf stays the caller's. */
struct generation *generation_start(struct shared *s, struct conf *conf, unsigned id, struct err *e);
/* The same configuration again, with new processes. */
struct generation *generation_again(const struct generation *g, struct err *e);
bool generation_ready(struct generation *g);
bool generation_failed(const struct generation *g);
/* Replaces dead workers (with backoff), and lets those drain that lost a helper which lives. */
void generation_supervise(struct generation *g);
/* True when pid was one of its children. */
bool generation_reaped(struct generation *g, pid_t pid, int status, const struct log *log);
void generation_drain(struct generation *g);
void generation_kill(struct generation *g, int signo);
/* After drain or kill: nothing of it runs any more. Kills what is left at the end of the drain time. */
bool generation_over(struct generation *g);
void generation_free(struct generation **g);

/* The log as conf says, for a process of that name. */
void log_open(struct log *log, const struct conf *conf, const char *process);

#endif
