/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listening sockets of the master. */
#include "gateway/core/address.h"
#include "gateway/process/process.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int
unix_listen(struct str path, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	if (str_cstr(path, sa.sun_path, sizeof sa.sun_path) != 0)
		return ERR(e, E_CONFIG, "socket path too long");
	if (lstat(sa.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(sa.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR(e, E_IO, "socket: errno %d", errno);
	mode_t before = umask(0117); /* owner and group only */
	int rc = bind(fd, (const struct sockaddr *)&sa, sizeof sa);
	(void)umask(before);
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	(void)close(fd);
	return ERR(e, E_IO, "%s: cannot bind (errno %d)", sa.sun_path, errno);
}

static int
tcp_listen(struct str address, struct err *e)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	size_t colon = address.n;
	uint64_t port;
	int on = 1, off = 0;
	while (colon > 0 && address.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || str_to_u64(str_skip(address, colon), 65535, &port) != 0 ||
	    address_parse(address, sa.sin6_addr.s6_addr) != 0)
		return ERR(e, E_CONFIG, "not an address with port: %.*s", STR_ARG(address));
	sa.sin6_port = htons((uint16_t)port);
	bool v4 = IN6_IS_ADDR_V4MAPPED(&sa.sin6_addr);
	struct sockaddr_in sa4 = { .sin_family = AF_INET, .sin_port = sa.sin6_port };
	memcpy(&sa4.sin_addr, sa.sin6_addr.s6_addr + 12, 4);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR(e, E_IO, "socket: errno %d", errno);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!v4)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	const struct sockaddr *any = v4 ? (const struct sockaddr *)&sa4 : (const struct sockaddr *)&sa;
	socklen_t len = v4 ? (socklen_t)sizeof sa4 : (socklen_t)sizeof sa;
	if (bind(fd, any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	(void)close(fd);
	return ERR(e, E_IO, "%.*s: cannot bind (%s)", STR_ARG(address),
	    why == EADDRINUSE ? "address in use"
	    : why == EACCES   ? "not permitted"
	                      : "refused by the system");
}

int
socket_listen(struct str address, struct err *e)
{
	if (str_starts(address, STR("unix:")))
		return unix_listen(str_skip(address, 5), e);
	return tcp_listen(address, e);
}
