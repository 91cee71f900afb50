/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a process starts with: its listening sockets, the privileges that it gives up, and how long a dead child waits. */
#include "gateway/process/generation.h"

#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_listen__what_is_no_address_is_refused_by_name(void)
{
	static const struct {
		struct str address;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{ STR_INIT(""), E_CONFIG, "not an address" },
		{ STR_INIT("127.0.0.1"), E_CONFIG, "not an address" },
		{ STR_INIT("127.0.0.1:"), E_CONFIG, "not an address" },
		{ STR_INIT("127.0.0.1:65536"), E_CONFIG, "127.0.0.1:65536" },
		{ STR_INIT("127.0.0.1:-1"), E_CONFIG, "not an address" },
		{ STR_INIT("127.0.0.1:80x"), E_CONFIG, "not an address" },
		{ STR_INIT("127.0.0.256:0"), E_CONFIG, "not an address" },
		{ STR_INIT("localhost:0"), E_CONFIG, "localhost:0" }, /* names would need a resolver */
		{ STR_INIT(":0"), E_CONFIG, "not an address" },
		{ STR_INIT("192.0.2.1:0"), E_IO, "refused by the system" }, /* RFC 5737: nobody's */
		{ STR_INIT("unix:/nonexistent/x.sock"), E_IO, "/nonexistent/x.sock" },
		{ STR_INIT(
		      "unix:/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		    E_CONFIG, "too long" },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct err e = { 0 };
		EXPECT_IDX(socket_listen(rows[i].address, &e) == -1 && e.kind == rows[i].kind, i);
		EXPECT_IDX(strstr(e.text, rows[i].says) != NULL, i);
	}
}

static void
test_listen__a_port_in_use_is_told_as_such(void)
{
	struct sockaddr_in at;
	socklen_t n = sizeof at;
	struct err e = { 0 };
	char address[64];
	int fd = socket_listen(STR("127.0.0.1:0"), &e), flags, other;
	REQUIRE(fd >= 0 && getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	flags = fcntl(fd, F_GETFL);
	EXPECT((flags & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(at.sin_port));
	other = socket_listen(str_of(address), &e);
	EXPECT(other == -1 && e.kind == E_IO && strstr(e.text, "address in use") != NULL);
	(void)close(fd);
}

static void
test_listen__a_stale_unix_socket_is_replaced_a_file_is_not(void)
{
	char dir[] = "/tmp/gh_socket_XXXXXX", path[64], address[80];
	struct stat st;
	struct err e = { 0 };
	REQUIRE(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/s", dir);
	(void)snprintf(address, sizeof address, "unix:%s", path);
	for (int again = 0; again < 2; again++) { /* the second finds what the first left */
		int fd = socket_listen(str_of(address), &e);
		EXPECT(fd >= 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode));
		EXPECT((st.st_mode & 07) == 0); /* nobody else may connect */
		(void)close(fd);
	}
	(void)unlink(path);
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	REQUIRE(file >= 0 && write(file, "keep", 4) == 4 && close(file) == 0);
	EXPECT(socket_listen(str_of(address), &e) == -1 && e.kind == E_IO);
	EXPECT(lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 4);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* Bits of what is wrong after the drop; 0: all is given up. */
static int
kept(const struct conf *conf, uid_t want)
{
	struct err e = { 0 };
	struct rlimit core = { 1, 1 };
	if (privileges_drop(conf, &e) != 0)
		return 1;
	return (getuid() != want || geteuid() != want ? 2 : 0) | (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ? 4 : 0) |
	       (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ? 8 : 0) |
	       (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0 ? 16 : 0) |
	       (want != 0 && setuid(0) == 0 ? 32 : 0);
}

static void
test_privileges__are_given_up_for_good(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct conf conf = { 0 };
	uid_t want = geteuid();
	int status = -1;
	if (want == 0 && nobody != NULL) { /* others have nothing to give up but dumps and new privileges */
		conf.process.user = STR("nobody");
		want = nobody->pw_uid;
	}
	pid_t pid = fork();
	if (pid == 0)
		_exit(kept(&conf, want));
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_privileges__an_unknown_user_or_group_stops_root(void)
{
	static const struct {
		struct str user, group;
		const char *says;
	} rows[] = {
		{ STR_INIT("no-such-user"), STR_INIT(""), "no such user: no-such-user" },
		{ STR_INIT("root"), STR_INIT("no-such-group"), "no such group: no-such-group" },
		{ STR_INIT("a-name-that-is-longer-than-any-user-of-this-system-could-ever-be-called"), STR_INIT(""),
		    "too long" },
		{ STR_INIT("root"),
		    STR_INIT("a-name-that-is-longer-than-any-group-of-this-system-could-ever-be-called"), "too long" },
	};
	if (geteuid() != 0)
		return; /* who is not root is not asked for a user */
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct conf conf = { .process = { .user = rows[i].user, .group = rows[i].group } };
		struct err e = { 0 };
		EXPECT_IDX(privileges_drop(&conf, &e) == -1 && e.kind == E_CONFIG, i);
		EXPECT_IDX(strstr(e.text, rows[i].says) != NULL && geteuid() == 0, i);
	}
}

static void
test_child__short_lives_double_the_pause_up_to_ten_seconds(void)
{
	static const struct {
		unsigned failures; /* before this one */
		bool short_life;
		int64_t wait_ms;
		unsigned then;
	} rows[] = {
		{ 0, true, 100, 1 }, { 1, true, 200, 2 }, { 3, true, 800, 4 }, { 6, true, 6400, 7 },
		{ 7, true, 10000, 8 }, { 4000000, true, 10000, 4000001 },
		{ 9, false, 100, 0 }, /* a long life forgives */
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		int64_t before = clock_mono_us(&clock_system);
		struct child c = { .pid = 1, .control_fd = -1, .name = "worker", .failures = rows[i].failures };
		c.started_us = rows[i].short_life ? before : before - 6000000;
		child_ended(&c, 0, NULL);
		int64_t after = clock_mono_us(&clock_system);
		EXPECT_IDX(c.pid == 0 && c.failures == rows[i].then, i);
		EXPECT_IDX(
		    c.again_us >= before + rows[i].wait_ms * 1000 && c.again_us <= after + rows[i].wait_ms * 1000, i);
	}
}

static int
wait_for_term(void *arg, int control_fd)
{
	char c;
	if (arg != NULL) /* deaf to SIGTERM and to the end of its socket */
		(void)signal(SIGTERM, SIG_IGN);
	if (write(control_fd, "r", 1) != 1)
		return 3;
	while (arg != NULL || read(control_fd, &c, 1) != 0)
		(void)pause();
	return 0;
}

static void
test_child__that_does_not_stop_is_killed(void)
{
	struct conf conf = { .log = { .level = LOG_ERROR } };
	for (size_t deaf = 0; deaf < 2; deaf++) {
		struct child c = { .control_fd = -1 };
		struct err e = { 0 };
		char ready = 0;
		REQUIRE(child_start(&c, "test", &conf, wait_for_term, deaf ? &conf : NULL, &e) == 0 && c.pid > 0);
		int flags = fcntl(c.control_fd, F_GETFL);
		REQUIRE(fcntl(c.control_fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
		EXPECT_IDX(read(c.control_fd, &ready, 1) == 1 && ready == 'r', deaf);
		pid_t pid = c.pid;
		child_stop(&c, 50);
		EXPECT_IDX(c.pid == 0 && c.control_fd == -1 && kill(pid, 0) == -1 && errno == ESRCH, deaf);
	}
}

TESTS(T(test_listen__what_is_no_address_is_refused_by_name), T(test_listen__a_port_in_use_is_told_as_such),
    T(test_listen__a_stale_unix_socket_is_replaced_a_file_is_not), T(test_privileges__are_given_up_for_good),
    T(test_privileges__an_unknown_user_or_group_stops_root),
    T(test_child__short_lives_double_the_pause_up_to_ten_seconds), T(test_child__that_does_not_stop_is_killed))
