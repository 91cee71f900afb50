/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generations of processes. */
#include "gateway/process/generation.h"

#include "gateway/control/control.h"
#include "gateway/crypto/filed.h"
#include "gateway/crypto/hashd.h"
#include "gateway/crypto/keyd.h"
#include "gateway/loop/fdpass.h"
#include "policy/route_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MAX = 256, KEYS_MAX = 256, DIR_BYTES = 4096, CUT_MS = 1000 };

static int64_t
now_us(void)
{
	return clock_mono_us(&clock_system);
}

/* --- what each child runs ------------------------------------------------------------------------------------------------ */

/* A site's first key. What cannot be made is told when keyd cannot load it. */
static void
first_key(const struct conf_site *c, const struct log *log)
{
	char path[4096];
	struct err e = { 0 };
	if (str_cstr(c->oauth.signing_key, path, sizeof path) == 0 &&
	    keyd_key_create(path, str_eq(c->oauth.signing_alg, STR("ES256")), c->oauth.signing_passphrase, NULL, &e) !=
	        0)
		LOG(log, LOG_ERROR, "keyd.key", F_STR("site", c->name), F_ERR(&e));
}

static int
keyd_main(void *arg, int control_fd)
{
	const struct generation *g = arg;
	static struct keyd_key keys[KEYS_MAX];
	size_t n = 0;
	struct log log;
	log_open(&log, g->conf, "keyd");
	for (size_t i = 0; i < g->conf->n_sites && n < KEYS_MAX; i++)
		keys[n++] = (struct keyd_key){ .site = g->conf->sites[i].name,
			.pem_path = g->conf->sites[i].oauth.signing_key,
			.passphrase = g->conf->sites[i].oauth.signing_passphrase,
			.keep_s = (int64_t)g->conf->sites[i].oauth.key_keep_s };
	for (size_t i = 0; i < n; i++)
		first_key(&g->conf->sites[i], &log);
	return keyd_serve(keys, n, NULL, 0, control_fd, &log);
}

static int
hashd_main(void *arg, int control_fd)
{
	const struct generation *g = arg;
	struct log log;
	log_open(&log, g->conf, "hashd");
	return hashd_serve(NULL, 0, control_fd, &log);
}

static int
filed_main(void *arg, int control_fd)
{
	const struct generation *g = arg;
	struct log log;
	struct str *roots = calloc(MAX(g->conf->n_sites, 1), sizeof *roots);
	log_open(&log, g->conf, "filed");
	for (size_t i = 0; roots != NULL && i < g->conf->n_sites; i++) {
		char dir[DIR_BYTES];
		if (conf_documents_dir(&g->conf->sites[i], dir, sizeof dir))
			roots[i] = str_of(strdup(dir)); /* as long as the process */
	}
	return roots == NULL ? 1 : filed_serve(roots, g->conf->n_sites, control_fd, &log);
}

static int
control_main(void *arg, int control_fd)
{
	const struct generation *g = arg;
	struct log log;
	log_open(&log, g->conf, "control");
	(void)control_fd;
	return control_serve(g->conf, g->metrics, g->shared->control_listen_fd, &log);
}

struct worker_start {
	struct generation *g;
	unsigned number;
	int keyd_fd, hashd_fd, filed_fd, audit_fd, ready_fd;
};

static int
worker_main(void *arg, int control_fd)
{
	const struct worker_start *s = arg;
	struct log log;
	(void)close(control_fd);
	(void)close(s->g->keyd.control_fd); /* what only the master may use */
	(void)close(s->g->shared->audit_control_fd);
	for (unsigned i = 0; i < s->g->n_hashd; i++)
		(void)close(s->g->hashd[i].control_fd);
	for (unsigned i = 0; i < s->g->n_filed; i++)
		(void)close(s->g->filed[i].control_fd);
	log_open(&log, s->g->conf, "worker");
	(void)snprintf(log.process, sizeof log.process, "worker %u.%u", s->g->id, s->number);
	struct worker_boot boot = { .conf = s->g->conf,
		.number = s->number,
		.listen_fds = s->g->shared->listen_fds,
		.keyd_fd = s->keyd_fd,
		.hashd_fd = s->hashd_fd,
		.filed_fd = s->filed_fd,
		.audit_fd = s->audit_fd,
		.ready_fd = s->ready_fd,
		.metrics = s->g->metrics,
		.slab = s->number,
		.ticket_secret = s->g->shared->ticket_secret,
		.log = &log };
	return worker_run(&boot);
}

/* --- starting --------------------------------------------------------------------------------------------------------------- */

/* A socketpair to a helper: its end goes over the helper's control socket, ours is returned. */
static int
peer_new(int helper_control_fd, struct err *e)
{
	int fds[2];
	if (fdpass_pair(fds, e) != 0)
		return -1;
	int rc = fdpass_send(helper_control_fd, fds[1], e);
	(void)close(fds[1]);
	if (rc == 0)
		return fds[0];
	(void)close(fds[0]);
	return -1;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int
worker_start(struct generation *g, unsigned number, struct err *e)
{
	struct worker_start s = {
		.g = g, .number = number, .keyd_fd = -1, .hashd_fd = -1, .filed_fd = -1, .audit_fd = -1, .ready_fd = -1
	};
	struct child *c = &g->workers[number];
	int pipe_fds[2] = { -1, -1 }, rc = -1;
	close_fd(&g->ready_fds[number]);
	if (pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC) != 0) {
		(void)ERR(e, E_IO, "pipe: errno %d", errno);
		goto out;
	}
	s.ready_fd = pipe_fds[1];
	if ((s.keyd_fd = peer_new(g->keyd.control_fd, e)) < 0 ||
	    (s.hashd_fd = peer_new(g->hashd[number % g->n_hashd].control_fd, e)) < 0 ||
	    (s.filed_fd = peer_new(g->filed[number % g->n_filed].control_fd, e)) < 0 ||
	    (s.audit_fd = peer_new(g->shared->audit_control_fd, e)) < 0)
		goto out;
	rc = child_start(c, "worker", g->conf, worker_main, &s, e);
	if (rc == 0) {
		c->number = number;
		c->cut_us = 0;
		close_fd(&c->control_fd); /* a worker has no use for it */
		g->ready_fds[number] = pipe_fds[0];
		pipe_fds[0] = -1;
	}
out:
	close_fd(&pipe_fds[0]);
	close_fd(&s.ready_fd);
	close_fd(&s.keyd_fd);
	close_fd(&s.hashd_fd);
	close_fd(&s.filed_fd);
	close_fd(&s.audit_fd);
	return rc;
}

/* Label values of the metrics: sites by their index, routes of the first site's scope files by theirs. */
static struct metrics *
generation_metrics(const struct generation *g, struct err *e)
{
	AUTO(arena) a = arena_new("metrics labels", 64 << 20);
	struct str *sites = a == NULL ? NULL : arena_array(a, MAX(g->conf->n_sites, 1), sizeof *sites);
	const struct route_table *table =
	    sites == NULL ? NULL : route_table_load(a, g->conf->scope_files, g->conf->n_scope_files, g->conf, e);
	size_t n_routes = table == NULL ? 0 : route_table_count(table);
	struct str *routes = table == NULL ? NULL : arena_array(a, MAX(n_routes, 1), sizeof *routes);
	if (routes == NULL)
		return NULL;
	for (size_t i = 0; i < g->conf->n_sites; i++)
		sites[i] = g->conf->sites[i].name;
	for (size_t i = 0; i < n_routes; i++)
		routes[i] = route_table_at(table, i)->name;
	struct metrics *m = metrics_new(g->n_workers + 1, sites, g->conf->n_sites, routes, n_routes);
	if (m == NULL)
		(void)ERR(e, E_MEMORY, "shared memory for metrics");
	else
		metrics_attach(m, g->n_workers); /* the master's own slab: restarts, reloads */
	return m;
}

static int
generation_fill(struct generation *g, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	g->n_workers = g->conf->process.workers > 0 ? g->conf->process.workers : (unsigned)MAX(cores, 1);
	g->n_workers = MIN(g->n_workers, (unsigned)WORKERS_MAX);
	g->n_hashd = MAX(g->conf->process.hashd, 1u);
	g->n_filed = MAX(g->conf->process.filed, 1u);
	g->workers = calloc(g->n_workers, sizeof *g->workers);
	g->ready_fds = calloc(g->n_workers, sizeof *g->ready_fds);
	g->hashd = calloc(g->n_hashd, sizeof *g->hashd);
	g->filed = calloc(g->n_filed, sizeof *g->filed);
	if (g->workers == NULL || g->ready_fds == NULL || g->hashd == NULL || g->filed == NULL) {
		g->n_workers = g->n_hashd = g->n_filed = 0;
		return ERR(e, E_MEMORY, "generation");
	}
	for (unsigned i = 0; i < g->n_workers; i++)
		g->ready_fds[i] = g->workers[i].control_fd = -1;
	for (unsigned i = 0; i < g->n_hashd; i++)
		g->hashd[i].control_fd = -1;
	for (unsigned i = 0; i < g->n_filed; i++)
		g->filed[i].control_fd = -1;
	g->metrics = generation_metrics(g, e);
	return g->metrics == NULL ? -1 : 0;
}

static int
generation_fork(struct generation *g, struct err *e)
{
	if (child_start(&g->keyd, "keyd", g->conf, keyd_main, g, e) != 0)
		return -1;
	for (unsigned i = 0; i < g->n_hashd; i++) {
		if (child_start(&g->hashd[i], "hashd", g->conf, hashd_main, g, e) != 0)
			return -1;
		g->hashd[i].number = i;
	}
	for (unsigned i = 0; i < g->n_filed; i++) {
		if (child_start(&g->filed[i], "filed", g->conf, filed_main, g, e) != 0)
			return -1;
		g->filed[i].number = i;
	}
	if (child_start(&g->control, "control", g->conf, control_main, g, e) != 0)
		return -1;
	for (unsigned i = 0; i < g->n_workers; i++)
		if (worker_start(g, i, e) != 0)
			return -1;
	return 0;
}

static struct generation *
start(struct shared *s, struct conf *conf, unsigned *refs, unsigned id, struct err *e)
{
	struct generation *g = calloc(1, sizeof *g);
	if (g == NULL || refs == NULL) {
		(void)ERR(e, E_MEMORY, "generation");
		free(g);
		return NULL;
	}
	g->id = id;
	g->conf = conf;
	g->conf_refs = refs;
	g->shared = s;
	g->keyd.control_fd = g->control.control_fd = -1;
	++*refs;
	if (generation_fill(g, e) != 0 || generation_fork(g, e) != 0) {
		generation_kill(g, SIGKILL);
		g->start_failed = true;
		--*refs; /* conf stays the caller's */
		g->conf = NULL;
		generation_free(&g);
	}
	return g;
}

struct generation *
generation_start(struct shared *s, struct conf *conf, unsigned id, struct err *e)
{
	unsigned *refs = calloc(1, sizeof *refs);
	struct generation *g = start(s, conf, refs, id, e);
	if (g == NULL)
		free(refs);
	return g;
}

struct generation *
generation_again(const struct generation *g, struct err *e)
{
	return start(g->shared, g->conf, g->conf_refs, g->id + 1, e);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

bool
generation_ready(struct generation *g)
{
	bool all = true;
	for (unsigned i = 0; i < g->n_workers; i++) {
		char byte;
		if (g->workers[i].was_ready)
			continue;
		if (g->ready_fds[i] >= 0 && read(g->ready_fds[i], &byte, 1) == 1) {
			g->workers[i].was_ready = true;
		} else {
			all = false;
		}
	}
	return all;
}

bool
generation_failed(const struct generation *g)
{
	if (g->start_failed || g->keyd.pid == 0 || g->control.pid == 0)
		return true;
	for (unsigned i = 0; i < g->n_hashd; i++)
		if (g->hashd[i].pid == 0)
			return true;
	for (unsigned i = 0; i < g->n_filed; i++)
		if (g->filed[i].pid == 0)
			return true;
	for (unsigned i = 0; i < g->n_workers; i++)
		if (g->workers[i].pid == 0 && !g->workers[i].was_ready)
			return true;
	return false;
}

/* The helper may have died, and be reaped soon: then all workers are replaced. */
static void
cut_replace(struct generation *g, struct child *c, int told_fd)
{
	char byte;
	if (told_fd >= 0 && read(told_fd, &byte, 1) == 1 && byte == WORKER_CUT)
		c->cut_us = now_us();
	if (c->cut_us == 0 || g->helper_lost || g->shared->audit_control_fd < 0 ||
	    now_us() - c->cut_us < (int64_t)CUT_MS * 1000)
		return;
	c->cut_us = 0;
	LOG(g->shared->log, LOG_WARN, "worker.cut", F_INT("number", c->number), F_INT("pid", c->pid),
	    F_STR("text", STR("a helper process does not answer it; it is replaced")));
	(void)kill(c->pid, SIGTERM);
}

void
generation_supervise(struct generation *g)
{
	struct err e = { 0 };
	if (g->control.pid == 0 && now_us() >= g->control.again_us &&
	    child_start(&g->control, "control", g->conf, control_main, g, &e) != 0)
		LOG(g->shared->log, LOG_ERROR, "process.start", F_ERR(&e));
	for (unsigned i = 0; i < g->n_workers; i++) {
		struct err why = { 0 };
		if (g->workers[i].pid != 0)
			cut_replace(g, &g->workers[i], g->ready_fds[i]);
		if (g->workers[i].pid != 0 || now_us() < g->workers[i].again_us)
			continue;
		if (worker_start(g, i, &why) != 0) {
			LOG(g->shared->log, LOG_ERROR, "process.start", F_ERR(&why));
			g->workers[i].again_us = now_us() + 1000000;
			continue;
		}
		metric_add(g->metrics, METRIC_WORKER_RESTARTS, 0, 1);
	}
}

static bool
helper_reaped(struct generation *g, struct child *c, pid_t pid, int status, const struct log *log)
{
	if (c->pid != pid)
		return false;
	child_ended(c, status, g->draining ? NULL : log);
	g->helper_lost |= c != &g->control;
	return true;
}

bool
generation_reaped(struct generation *g, pid_t pid, int status, const struct log *log)
{
	if (helper_reaped(g, &g->keyd, pid, status, log) || helper_reaped(g, &g->control, pid, status, log))
		return true;
	for (unsigned i = 0; i < g->n_hashd; i++)
		if (helper_reaped(g, &g->hashd[i], pid, status, log))
			return true;
	for (unsigned i = 0; i < g->n_filed; i++)
		if (helper_reaped(g, &g->filed[i], pid, status, log))
			return true;
	for (unsigned i = 0; i < g->n_workers; i++)
		if (g->workers[i].pid == pid) {
			child_ended(&g->workers[i], status, g->draining ? NULL : log);
			return true;
		}
	return false;
}

void
generation_drain(struct generation *g)
{
	g->draining = true;
	g->drain_end_us = now_us() + (int64_t)g->conf->process.drain_ms * 1000;
	for (unsigned i = 0; i < g->n_workers; i++)
		if (g->workers[i].pid != 0)
			(void)kill(g->workers[i].pid, SIGTERM);
	if (g->control.pid != 0)
		(void)kill(g->control.pid, SIGTERM);
}

static void
signal_all(struct generation *g, int signo, bool helpers_only)
{
	struct child *single[] = { &g->keyd, &g->control };
	for (size_t i = 0; i < NITEMS(single); i++)
		if (single[i]->pid != 0)
			(void)kill(single[i]->pid, signo);
	for (unsigned i = 0; i < g->n_hashd; i++)
		if (g->hashd[i].pid != 0)
			(void)kill(g->hashd[i].pid, signo);
	for (unsigned i = 0; i < g->n_filed; i++)
		if (g->filed[i].pid != 0)
			(void)kill(g->filed[i].pid, signo);
	for (unsigned i = 0; !helpers_only && i < g->n_workers; i++)
		if (g->workers[i].pid != 0)
			(void)kill(g->workers[i].pid, signo);
}

void
generation_kill(struct generation *g, int signo)
{
	g->draining = true;
	g->drain_end_us = 0;
	signal_all(g, signo, false);
}

bool
generation_over(struct generation *g)
{
	bool workers = false, helpers = g->keyd.pid != 0 || g->control.pid != 0;
	for (unsigned i = 0; i < g->n_workers; i++)
		workers |= g->workers[i].pid != 0;
	for (unsigned i = 0; i < g->n_hashd; i++)
		helpers |= g->hashd[i].pid != 0;
	for (unsigned i = 0; i < g->n_filed; i++)
		helpers |= g->filed[i].pid != 0;
	if (workers && now_us() > g->drain_end_us)
		signal_all(g, SIGKILL, false);
	else if (!workers && helpers)
		signal_all(g, SIGKILL, true); /* nobody asks them any more; their memory is not dumpable */
	return !workers && !helpers;
}

void
generation_free(struct generation **gp)
{
	struct generation *g = *gp;
	*gp = NULL;
	if (g == NULL)
		return;
	for (unsigned i = 0; i < g->n_workers; i++)
		close_fd(&g->ready_fds[i]);
	for (unsigned i = 0; i < g->n_hashd;
	    i++) /* of a generation that did not start: its processes are not waited for */
		close_fd(&g->hashd[i].control_fd);
	for (unsigned i = 0; i < g->n_filed; i++)
		close_fd(&g->filed[i].control_fd);
	close_fd(&g->keyd.control_fd);
	close_fd(&g->control.control_fd);
	metrics_free(&g->metrics);
	if (g->conf != NULL && --*g->conf_refs == 0) {
		conf_free(&g->conf);
		free(g->conf_refs);
	}
	free(g->workers);
	free(g->ready_fds);
	free(g->hashd);
	free(g->filed);
	free(g);
}
