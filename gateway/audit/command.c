/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of an operator's commands: through auditd when it runs, else straight into the journal, under its lock. Blocking; not for
 * workers.                                                                                                                 */
#include "gateway/audit/command.h"

#include "gateway/audit/audit.h"
#include "gateway/audit/frame.h"
#include "gateway/audit/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DIR_BYTES = 1024, BACKLOG = 16, WAIT_S = 10 };

/* A folder's path may be longer than a socket's address: through its descriptor, which the caller closes. -1: no such folder. */
static int
address_of(const char *dir, struct sockaddr_un *sa)
{
	int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(sa->sun_path, sizeof sa->sun_path, "/proc/self/fd/%d/" COMMAND_SOCKET, dir_fd);
	return dir_fd;
}

int
command_listen(const char *dir, struct err *e)
{
	struct sockaddr_un sa;
	int dir_fd = address_of(dir, &sa), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t before = umask(0177);
	(void)unlink(sa.sun_path);
	bool ok = dir_fd >= 0 && fd >= 0 && bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0 &&
	          listen(fd, BACKLOG) == 0;
	int why = errno;
	(void)umask(before);
	if (dir_fd >= 0)
		(void)close(dir_fd);
	if (ok)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return ERR(e, E_IO, "%s/" COMMAND_SOCKET ": cannot listen (errno %d)", dir, why);
}

static int
all_sent(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes = str_skip(bytes, (size_t)n);
	}
	return 0;
}

static int
frame_send(int fd, struct str json)
{
	uint32_t head[2] = { (uint32_t)json.n, 1 };
	char ack[AUDIT_ACK];
	if (all_sent(fd, (struct str){ (const char *)head, sizeof head }) != 0 || all_sent(fd, json) != 0)
		return -1;
	return recv(fd, ack, sizeof ack, MSG_WAITALL) == AUDIT_ACK && ack[AUDIT_ACK - 1] == 1 ? 0 : -1;
}

int
audit_command_send(const struct conf *conf, struct str json, struct err *e)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un sa;
	char dir[DIR_BYTES];
	if (str_cstr(conf->audit.journal_dir, dir, sizeof dir) != 0 || json.n > AUDIT_FRAME_MAX)
		return ERR(e, E_LIMIT, "audit: the folder's path or the record is too long");
	int dir_fd = address_of(dir, &sa), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = -1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
		(void)ERR(e, E_IO, "audit: no socket (errno %d)", errno);
	else if (connect(fd, (const struct sockaddr *)&sa, sizeof sa) != 0)
		(void)(errno == EACCES ? ERR(e, E_DENIED, "%s: only the gateway's own user and root write there", dir)
		                       : ERR(e, errno == ENOENT || errno == ECONNREFUSED ? E_NOT_FOUND : E_IO,
		                             "%s/" COMMAND_SOCKET ": errno %d", dir, errno));
	else if ((rc = frame_send(fd, json)) != 0)
		(void)ERR(e, E_IO, "auditd could not write it; its reason stands in the log");
	if (fd >= 0)
		(void)close(fd);
	if (dir_fd >= 0)
		(void)close(dir_fd);
	return rc;
}

int
audit_command_append(const struct conf *conf, struct str json, struct err *e)
{
	static char dir[DIR_BYTES], key[DIR_BYTES];
	bool torn = false;
	const struct journal_conf jc = { dir, key, conf->audit.segment_bytes, conf->audit.ahead_bytes,
		conf->audit.checkpoint_records };
	if (str_cstr(conf->audit.journal_dir, dir, sizeof dir) != 0 ||
	    str_cstr(conf->audit.signing_key, key, sizeof key) != 0)
		return ERR(e, E_LIMIT, "audit: a path is too long");
	struct journal *j = journal_open(&jc, &torn, e);
	if (j == NULL)
		return -1;
	int rc = journal_add(j, json) == 0 ? journal_sync(j, e) : ERR(e, E_LIMIT, "audit: the record is too long");
	journal_close(&j);
	return rc;
}
