/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving up what a process does not need. */
#include "gateway/process/process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64 };

static int
root_drop(const struct conf *conf, struct err *e)
{
	char user[NAME_MAX_BYTES], group[NAME_MAX_BYTES];
	if (geteuid() != 0 || conf->process.user.n == 0)
		return 0;
	if (str_cstr(conf->process.user, user, sizeof user) != 0 ||
	    str_cstr(conf->process.group, group, sizeof group) != 0)
		return ERR(e, E_CONFIG, "process.user or process.group too long");
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL)
		return ERR(e, E_CONFIG, "process.user: no such user: %s", user);
	gid_t gid = pw->pw_gid;
	if (conf->process.group.n > 0) {
		const struct group *gr = getgrnam(group);
		if (gr == NULL)
			return ERR(e, E_CONFIG, "process.group: no such group: %s", group);
		gid = gr->gr_gid;
	}
	uid_t uid = pw->pw_uid;
	if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
		return ERR(e, E_IO, "cannot become %s: errno %d", user, errno);
	if (uid != 0 && setuid(0) == 0)
		return ERR(e, E_IO, "root came back");
	return 0;
}

int
privileges_drop(const struct conf *conf, struct err *e)
{
	struct rlimit none = { 0, 0 };
	if (root_drop(conf, e) != 0)
		return -1;
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return ERR(e, E_IO, "prctl: errno %d", errno);
	return 0;
}
