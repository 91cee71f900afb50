/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting and ending one child process. */
#include "gateway/loop/fdpass.h"
#include "gateway/process/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 10000, SHORT_LIFE_MS = 5000 };

void
log_open(struct log *log, const struct conf *conf, const char *process)
{
	char path[4096];
	*log = (struct log){
		.fd = STDERR_FILENO, .json = conf->log.json, .least = conf->log.level, .clock = &clock_system
	};
	(void)snprintf(log->process, sizeof log->process, "%s", process);
	if (conf->log.file.n > 0 && str_cstr(conf->log.file, path, sizeof path) == 0) {
		int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd >= 0)
			log->fd = fd;
	}
}

static void
signals_default(void)
{
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), as a full disk is */
	(void)signal(SIGHUP, SIG_IGN);  /* the master's; a terminal's hang-up reaches the whole group */
	(void)signal(SIGINT, SIG_IGN);  /* Ctrl-C: the master decides */
}

NORETURN static void
child_run(const char *name, const struct conf *conf, pid_t master, int (*run)(void *, int), void *arg, int control_fd)
{
	struct err e = { 0 };
	struct log log;
	signals_default();
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	log_open(&log, conf, name);
	if (privileges_drop(conf, &e) != 0) {
		LOG(&log, LOG_ERROR, "start.failed", F_ERR(&e));
		_exit(1);
	}
	if (getppid() != master) /* which may itself be process 1, of a container */
		_exit(1);        /* it died before PDEATHSIG was set */
	int rc = run(arg, control_fd);
#ifdef __SANITIZE_ADDRESS__
	(void)__lsan_do_recoverable_leak_check(); /* _exit() runs no handlers */
#endif
	_exit(rc);
}

int
child_start(
    struct child *c, const char *name, const struct conf *conf, int (*run)(void *, int), void *arg, struct err *e)
{
	int fds[2];
	if (fdpass_pair(fds, e) != 0)
		return -1;
	pid_t master = getpid(), pid = fork();
	if (pid < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return ERR(e, E_IO, "fork: errno %d", errno);
	}
	if (pid == 0) {
		(void)close(fds[0]);
		child_run(name, conf, master, run, arg, fds[1]);
	}
	(void)close(fds[1]);
	c->pid = pid;
	c->name = name;
	c->control_fd = fds[0];
	c->started_us = clock_mono_us(&clock_system);
	return 0;
}

void
child_ended(struct child *c, int status, const struct log *log)
{
	int64_t now = clock_mono_us(&clock_system);
	bool short_life = now - c->started_us < (int64_t)SHORT_LIFE_MS * 1000;
	unsigned wait_ms = BACKOFF_FIRST_MS;
	if (log != NULL)
		LOG(log, LOG_ERROR, "process.died", F_STR("process", str_of(c->name)), F_INT("number", c->number),
		    F_INT("pid", c->pid), F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		    F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	c->failures = short_life ? c->failures + 1 : 0;
	for (unsigned i = 1; i < c->failures && wait_ms < BACKOFF_MAX_MS; i++)
		wait_ms *= 2;
	c->again_us = now + (int64_t)MIN(wait_ms, (unsigned)BACKOFF_MAX_MS) * 1000;
	c->pid = 0;
	if (c->control_fd >= 0)
		(void)close(c->control_fd);
	c->control_fd = -1;
}

void
child_stop(struct child *c, unsigned grace_ms)
{
	if (c->pid == 0)
		return;
	if (c->control_fd >= 0)
		(void)close(c->control_fd);
	c->control_fd = -1;
	(void)kill(c->pid, SIGTERM);
	for (unsigned waited = 0; waitpid(c->pid, NULL, WNOHANG) == 0; waited += 10) {
		if (waited >= grace_ms)
			(void)kill(c->pid, SIGKILL);
		(void)poll(NULL, 0, 10);
	}
	c->pid = 0;
}
