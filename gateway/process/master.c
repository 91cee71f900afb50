/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The master: supervises, owns the listening sockets, reloads. It parses nothing foreign but the configuration. */
#include "gateway/process/process.h"

#include "gateway/audit/audit.h"
#include "gateway/base/clock.h"
#include "gateway/base/rng.h"
#include "gateway/process/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 200, AUDITD_BACKOFF_MS = 500, READY_MS = 60000, REPLACE_BACKOFF_MS = 1000, STOP_GRACE_MS = 2000 };

struct master {
	struct shared shared;    /* what every generation gets */
	struct generation *now;  /* serves                     */
	struct generation *next; /* a reload on its way        */
	struct generation *old;  /* list, draining             */
	struct child auditd;
	int64_t auditd_again_us, next_since_us, replace_again_us;
	bool stopping;
	sigset_t signals;
};

static int64_t
now_us(void)
{
	return clock_mono_us(&clock_system);
}

/* --- auditd ------------------------------------------------------------------------------------------------------------ */

static int
auditd_main(void *arg, int control_fd)
{
	struct master *m = arg;
	struct log log = *m->shared.log;
	(void)snprintf(log.process, sizeof log.process, "auditd");
	return auditd_serve(m->now->conf, NULL, 0, control_fd, &log);
}

static int
auditd_start(struct master *m, struct err *e)
{
	if (child_start(&m->auditd, "auditd", m->now->conf, auditd_main, m, e) != 0)
		return -1;
	m->shared.audit_control_fd = m->auditd.control_fd;
	return 0;
}

/* --- reload ------------------------------------------------------------------------------------------------------------ */

static void
reports_log(const struct log *log, const struct conf_reports *reports)
{
	for (size_t i = 0; i < reports->n; i++)
		LOG(log, reports->v[i].warning ? LOG_WARN : LOG_ERROR, "config", F_STR("file", reports->v[i].file),
		    F_INT("line", reports->v[i].line), F_STR("path", reports->v[i].path),
		    F_STR("text", reports->v[i].text));
}

static void
reload_refused(struct master *m, const struct err *e)
{
	LOG(m->shared.log, LOG_ERROR, "reload.refused", F_ERR(e));
}

static void
reload(struct master *m)
{
	struct conf_reports reports = { 0 };
	struct arena *arena = arena_new("config reports", 4 << 20);
	struct str *names;
	struct err e = { 0 };
	char file[4096];
	if (m->next != NULL || arena == NULL || str_cstr(m->now->conf->file, file, sizeof file) != 0) {
		(void)ERR(&e, E_CONFLICT, "a reload is under way");
		reload_refused(m, &e);
		arena_free(&arena);
		return;
	}
	struct conf *conf = conf_load(file, arena, &reports);
	reports_log(m->shared.log, &reports);
	if (conf == NULL)
		(void)ERR(&e, E_CONFIG, "%zu error%s in the configuration; the old one stays", reports.errors,
		    reports.errors == 1 ? "" : "s");
	else if (conf_boot_changes(m->now->conf, conf, arena, &names) > 0)
		(void)ERR(&e, E_CONFIG, "%.*s needs a restart; the old configuration stays", STR_ARG(names[0]));
	else
		m->next = generation_start(&m->shared, conf, m->now->id + 1, &e);
	if (m->next == NULL) {
		reload_refused(m, &e);
		conf_free(&conf);
	} else {
		m->next_since_us = now_us();
		LOG(m->shared.log, LOG_INFO, "reload.begin", F_INT("generation", m->next->id));
	}
	arena_free(&arena);
}

static void
retire(struct master *m, struct generation *g)
{
	generation_drain(g);
	g->next = m->old;
	m->old = g;
}

static void
reload_progress(struct master *m)
{
	struct err e = { 0 };
	if (m->next == NULL)
		return;
	if (generation_ready(m->next)) {
		retire(m, m->now);
		m->now = m->next;
		m->next = NULL;
		metric_add(m->now->metrics, METRIC_RELOADS, 0, 1);
		LOG(m->shared.log, LOG_INFO, "reload.done", F_INT("generation", m->now->id));
	} else if (generation_failed(m->next) || now_us() - m->next_since_us > (int64_t)READY_MS * 1000) {
		(void)ERR(&e, E_CONFIG, "the new workers did not become ready; the old configuration stays");
		reload_refused(m, &e);
		generation_kill(m->next, SIGKILL);
		m->next->next = m->old;
		m->old = m->next;
		m->next = NULL;
	}
}

/* --- children -------------------------------------------------------------------------------------------------------------- */

static void
reap(struct master *m)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == m->auditd.pid) {
			child_ended(&m->auditd, status, m->stopping ? NULL : m->shared.log);
			m->shared.audit_control_fd = -1; /* the number may be another descriptor's soon */
			m->auditd_again_us = now_us() + (int64_t)AUDITD_BACKOFF_MS * 1000;
			continue;
		}
		if (m->now != NULL && generation_reaped(m->now, pid, status, m->stopping ? NULL : m->shared.log))
			continue;
		if (m->next != NULL && generation_reaped(m->next, pid, status, m->shared.log))
			continue;
		for (struct generation *g = m->old; g != NULL; g = g->next)
			if (generation_reaped(g, pid, status, NULL))
				break;
	}
}

static void
auditd_again(struct master *m)
{
	struct err e = { 0 };
	if (m->auditd.pid != 0 || now_us() < m->auditd_again_us)
		return;
	m->auditd_again_us = now_us() + (int64_t)AUDITD_BACKOFF_MS * 1000;
	if (auditd_start(m, &e) != 0) {
		LOG(m->shared.log, LOG_ERROR, "auditd.start", F_ERR(&e));
		return;
	}
	m->now->helper_lost = true;
}

/* keyd, hashd or auditd died: the sockets to it are spread over the workers, so the whole generation is replaced by one like it. */
static void
helper_again(struct master *m)
{
	struct err e = { 0 };
	if (!m->now->helper_lost || m->next != NULL || m->auditd.pid == 0 || now_us() < m->replace_again_us)
		return;
	m->replace_again_us = now_us() + (int64_t)REPLACE_BACKOFF_MS * 1000;
	m->next = generation_again(m->now, &e);
	m->next_since_us = now_us();
	if (m->next == NULL)
		LOG(m->shared.log, LOG_ERROR, "replace.failed", F_ERR(&e));
}

static void
supervise(struct master *m)
{
	struct generation **link = &m->old;
	if (!m->stopping) {
		auditd_again(m);
		reload_progress(m);
		helper_again(m);
		generation_supervise(m->now);
	}
	while (*link != NULL) {
		struct generation *g = *link;
		if (generation_over(g)) {
			*link = g->next;
			generation_free(&g);
		} else {
			link = &g->next;
		}
	}
}

/* --- start and stop ---------------------------------------------------------------------------------------------------------- */

static void
stop(struct master *m)
{
	if (m->stopping)
		return;
	m->stopping = true;
	LOG(m->shared.log, LOG_INFO, "stop.begin");
	retire(m, m->now);
	m->now = NULL;
	if (m->next != NULL) {
		generation_kill(m->next, SIGKILL);
		m->next->next = m->old;
		m->old = m->next;
		m->next = NULL;
	}
}

static void
on_signal(struct master *m, int signo)
{
	if (signo == SIGCHLD)
		reap(m);
	else if (signo == SIGHUP && !m->stopping)
		reload(m);
	else if (signo == SIGTERM || signo == SIGINT)
		stop(m);
}

static void
signals_block(struct master *m)
{
	static const int list[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	(void)sigemptyset(&m->signals);
	for (size_t i = 0; i < NITEMS(list); i++)
		(void)sigaddset(&m->signals, list[i]);
	(void)sigprocmask(SIG_BLOCK, &m->signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), as a full disk is */
}

static void
pid_file_write(const struct conf *conf)
{
	char path[4096], text[24];
	if (conf->process.pid_file.n == 0 || str_cstr(conf->process.pid_file, path, sizeof path) != 0)
		return;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (fd >= 0 && write(fd, text, (size_t)n) != n)
		(void)unlink(path);
	if (fd >= 0)
		(void)close(fd);
}

static int
sockets_open(struct master *m, const struct conf *conf, struct err *e)
{
	m->shared.listen_fds = calloc(conf->n_listen, sizeof(int));
	if (m->shared.listen_fds == NULL)
		return ERR(e, E_MEMORY, "listening sockets");
	for (size_t i = 0; i < conf->n_listen; i++)
		if ((m->shared.listen_fds[i] = socket_listen(conf->listen[i].address, e)) < 0)
			return -1;
	m->shared.control_listen_fd = socket_listen(conf->control.listen, e);
	return m->shared.control_listen_fd < 0 ? -1 : 0;
}

static int
start(struct master *m, struct conf *conf, struct err *e)
{
	struct generation placeholder = { .conf = conf };
	if (sockets_open(m, conf, e) != 0)
		return -1;
	rng_bytes(&rng_system, m->shared.ticket_secret, sizeof m->shared.ticket_secret);
	m->now = &placeholder; /* auditd's configuration is the first generation's */
	int rc = auditd_start(m, e);
	m->now = NULL;
	if (rc != 0)
		return -1;
	m->now = generation_start(&m->shared, conf, 1, e);
	return m->now == NULL ? -1 : 0;
}

static int
first_ready(struct master *m, struct err *e)
{
	int64_t end = now_us() + (int64_t)READY_MS * 1000;
	while (!generation_ready(m->now)) {
		struct timespec tick = { 0, 50 * 1000000 };
		int signo = sigtimedwait(&m->signals, NULL, &tick);
		if (signo > 0)
			on_signal(m, signo);
		if (m->stopping)
			return ERR(e, E_CONFIG, "stopped while starting");
		if (generation_failed(m->now) || m->auditd.pid == 0)
			return ERR(e, E_CONFIG, "a process could not start; its reason stands above");
		if (now_us() > end)
			return ERR(e, E_TIMEOUT, "workers not ready in %d ms", READY_MS);
	}
	return 0;
}

static void
stop_all(struct master *m)
{
	if (m->now != NULL)
		generation_kill(m->now, SIGKILL);
	if (m->auditd.pid > 0) {
		child_stop(&m->auditd, STOP_GRACE_MS);
	}
}

/* In the log, and to whoever started it: a log file is not where they look first. */
static void
start_failed(const struct log *log, const struct conf *conf, const struct err *e)
{
	LOG(log, LOG_ERROR, "start.failed", F_ERR(e));
	if (log->fd != STDERR_FILENO)
		fprintf(stderr, "gatehouse: not started: %s; the log is %.*s\n", e->text, STR_ARG(conf->log.file));
}

int
master_run(struct conf *conf, struct arena *conf_arena)
{
	static struct master m;
	struct err e = { 0 };
	struct log log;
	(void)conf_arena;
	log_open(&log, conf, "master");
	m.shared.log = &log;
	if (conf->log.file.n > 0 && log.fd == STDERR_FILENO)
		LOG(&log, LOG_WARN, "log.file_failed", F_STR("file", conf->log.file),
		    F_STR("instead", STR("standard error")));
	signals_block(&m);
	if (start(&m, conf, &e) != 0 || first_ready(&m, &e) != 0) {
		start_failed(&log, conf, &e);
		stop_all(&m);
		return 1;
	}
	pid_file_write(conf);
	LOG(&log, LOG_INFO, "ready", F_STR("origin", conf->origin), F_INT("workers", m.now->n_workers),
	    F_INT("sites", conf->n_sites));
	while (!m.stopping || m.old != NULL) {
		struct timespec tick = { 0, TICK_MS * 1000000 };
		int signo = sigtimedwait(&m.signals, NULL, &tick);
		if (signo > 0)
			on_signal(&m, signo);
		reap(&m);
		supervise(&m);
	}
	stop_all(&m);
	LOG(&log, LOG_INFO, "stop.done");
	return 0;
}
