/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public listener alone, for measuring: one loop, a fixed answer to everything, plain or TLS. Prints the port it got, and on
 * SIGTERM the requests served with the CPU time spent since the first one. Not a server for anything else.
 *
 * echo_server PORT [CERTIFICATE KEY]      PORT 0: any; PORT 127.0.0.1 only                                                 */
#include "gateway/crypto/tls_ctx.h"
#include "gateway/net/listener.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_BYTES = 1024, BACKLOG = 1024 };

static char body[BODY_BYTES];

static void
on_request(struct exchange *x, void *ctx)
{
	(void)ctx;
	exchange_reply(x, 200, STR("Content-Type: text/plain\r\n"), (struct str){ body, sizeof body });
}

static void
on_closed(struct exchange *x, bool ok)
{
	(void)x;
	(void)ok;
}

static void
on_term(int signo, void *arg)
{
	(void)signo;
	loop_stop(arg);
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t n = sizeof at;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	printf("port %u\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	static const struct listener_conf conf = {
		.limits = { .head_max_bytes = 32 << 10, .target_max_bytes = 8 << 10, .fields_max = 100 },
		.handshake_ms = 10000,
		.header_ms = 10000,
		.body_ms = 30000,
		.idle_ms = 600000,
		.write_ms = 30000,
		.connections_max = 20000,
		.request_arena_bytes = 1 << 20,
	};
	static const uint8_t secret[32] = { 1 };
	static const struct exchange_handler handler = { on_request, on_closed, NULL };
	struct err e = { 0 };
	struct tls_set *tls = NULL;
	if (argc != 2 && argc != 4)
		return 2;
	memset(body, 'x', sizeof body);
	if (argc == 4) {
		struct tls_cert cert = { .certificate = str_of(argv[2]), .key = str_of(argv[3]) };
		tls = tls_set_new(
		    &(struct tls_set_conf){
		        .certs = &cert, .n_certs = 1, .ticket_period_s = 3600, .ticket_secret = secret },
		    &e);
		if (tls == NULL) {
			(void)fprintf(stderr, "%s\n", e.text);
			return 1;
		}
	}
	struct loop *loop = loop_new();
	int fd = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
	struct listener *l = loop == NULL || fd < 0 ? NULL : listener_new(loop, fd, &conf, tls, &handler, &e);
	if (l == NULL || loop_signal(loop, SIGTERM, on_term, loop) != 0 ||
	    loop_signal(loop, SIGINT, on_term, loop) != 0) {
		(void)fprintf(stderr, "cannot start: %s\n", e.text);
		return 1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	loop_run(loop);
	struct listener_stats stats;
	struct rusage used;
	listener_stats(l, &stats);
	(void)getrusage(RUSAGE_SELF, &used);
	printf("requests %llu cpu_us %lld\n", (unsigned long long)stats.requests,
	    (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
	        used.ru_stime.tv_usec);
	listener_free(&l);
	(void)close(fd);
	tls_set_free(&tls);
	loop_free(&loop);
	return 0;
}
