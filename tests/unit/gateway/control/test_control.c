/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Health and metrics over a loopback listener: what is ready, what is not, what is refused. */
#include "gateway/control/control.h"

#include "harness.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 << 10 };

static const struct str names[] = { STR_INIT("default"), STR_INIT("clinic") };

struct fixture {
	struct conf conf;
	struct conf_site sites[NITEMS(names)];
	struct metrics *metrics;
	struct log log;
	struct sockaddr_in at;
	int listen_fd, status;
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct fixture *f = arg;
	f->status = control_serve(&f->conf, f->metrics, f->listen_fd, &f->log);
	return NULL;
}

static void
start(struct fixture *f)
{
	socklen_t n = sizeof f->at;
	*f = (struct fixture){ .status = -1 };
	f->log = (struct log){ .fd = STDERR_FILENO, .least = LOG_ERROR, .clock = &clock_system };
	for (size_t i = 0; i < NITEMS(names); i++)
		f->sites[i].name = names[i];
	f->conf.sites = f->sites;
	f->conf.n_sites = NITEMS(names);
	f->metrics = metrics_new(1, names, NITEMS(names), NULL, 0);
	f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	f->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	REQUIRE(f->metrics != NULL && f->listen_fd >= 0);
	REQUIRE(bind(f->listen_fd, (struct sockaddr *)&f->at, n) == 0 && listen(f->listen_fd, 8) == 0);
	REQUIRE(getsockname(f->listen_fd, (struct sockaddr *)&f->at, &n) == 0);
	metrics_attach(f->metrics, 0);
	REQUIRE(pthread_create(&f->thread, NULL, serve, f) == 0);
}

/* One request on a connection of its own, after a heartbeat; the whole answer. */
static struct str
ask(struct fixture *f, const char *method, const char *path, char *answer)
{
	char text[256];
	struct timeval limit = { .tv_sec = 20 };
	size_t got = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method, path);
	REQUIRE(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
	REQUIRE(connect(fd, (struct sockaddr *)&f->at, sizeof f->at) == 0);
	metrics_heartbeat(f->metrics);
	REQUIRE(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n);
	for (ssize_t more = 1; more > 0 && got < ANSWER_MAX; got += more > 0 ? (size_t)more : 0)
		more = recv(fd, answer + got, ANSWER_MAX - got, 0);
	(void)close(fd);
	return (struct str){ answer, got };
}

static bool
has(struct str text, const char *part)
{
	return str_find_str(text, str_of(part)) < text.n;
}

/* SIGTERM ends it, once it has answered something. */
static void
stop(struct fixture *f)
{
	char *answer = malloc(ANSWER_MAX);
	REQUIRE(answer != NULL && has(ask(f, "GET", "/healthz", answer), " 200 "));
	REQUIRE(kill(getpid(), SIGTERM) == 0 && pthread_join(f->thread, NULL) == 0);
	EXPECT(f->status == 0);
	free(answer);
	metrics_free(&f->metrics);
}

static void
test_readyz__needs_all_that_is_shared_and_one_whole_site(void)
{
	/* redis, keyd, audit; database and backends of default and of clinic */
	static const struct {
		unsigned up[7];
		bool ready;
		const char *says;
	} rows[] = {
		{ { 1, 1, 1, 1, 1, 1, 1 }, true, "\"redis\":\"up\",\"keyd\":\"up\",\"audit\":\"up\"" },
		{ { 0, 1, 1, 1, 1, 1, 1 }, false, "\"redis\":\"down\",\"keyd\":\"up\"" },
		{ { 1, 0, 1, 1, 1, 1, 1 }, false, "\"keyd\":\"down\"" },
		{ { 1, 1, 0, 1, 1, 1, 1 }, false, "\"audit\":\"down\"" },
		{ { 1, 1, 1, 0, 1, 1, 1 }, true, "\"default\":{\"database\":\"down\",\"backends\":\"up\"}" },
		{ { 1, 1, 1, 1, 1, 1, 0 }, true, "\"clinic\":{\"database\":\"up\",\"backends\":\"down\"}" },
		{ { 1, 1, 1, 0, 1, 0, 1 }, false, "\"clinic\":{\"database\":\"down\",\"backends\":\"up\"}" },
		{ { 1, 1, 1, 0, 1, 1, 0 }, false, "\"ready\":false" }, /* two halves are no whole site */
		{ { 0, 0, 0, 0, 0, 0, 0 }, false, "\"ready\":false" },
	};
	static const struct {
		enum metric id;
		size_t site;
	} gauges[] = { { METRIC_REDIS_UP, 0 }, { METRIC_KEYD_UP, 0 }, { METRIC_AUDIT_UP, 0 }, { METRIC_DB_UP, 0 },
		{ METRIC_UPSTREAM_UP, 0 }, { METRIC_DB_UP, 1 }, { METRIC_UPSTREAM_UP, 1 } };
	struct fixture f;
	char *answer = malloc(ANSWER_MAX);
	REQUIRE(answer != NULL);
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		for (size_t g = 0; g < NITEMS(gauges); g++)
			metric_set(f.metrics, gauges[g].id, gauges[g].site, rows[i].up[g]);
		struct str got = ask(&f, "GET", "/readyz", answer);
		EXPECT_IDX(str_starts(got, rows[i].ready ? STR("HTTP/1.1 200 ") : STR("HTTP/1.1 503 ")), i);
		EXPECT_IDX(has(got, rows[i].says) && has(got, "Content-Type: application/json\r\n"), i);
		EXPECT_IDX(has(got, rows[i].ready ? "\"ready\":true" : "\"ready\":false"), i);
		EXPECT_IDX(has(got, "Cache-Control: no-store\r\n"), i);
	}
	stop(&f);
	free(answer);
}

static void
test_documents__are_read_only_and_nothing_else_is_there(void)
{
	static const struct {
		const char *method, *path, *status, *has, *lacks;
	} rows[] = {
		{ "GET", "/healthz", "200", "\r\n\r\nok\n", "" },
		{ "HEAD", "/healthz", "200", "Content-Length: 3\r\n", "ok\n" },
		{ "GET", "/healthz?verbose=1", "200", "ok\n", "" },
		{ "GET", "/metrics", "200", "text/plain; version=0.0.4", "" },
		{ "GET", "/metrics", "200", "gatehouse_db_up{site=\"clinic\"}", "" },
		{ "POST", "/healthz", "405", "Allow: GET, HEAD\r\n", "\nok\n" },
		{ "PUT", "/readyz", "405", "Allow: GET, HEAD\r\n", "\"ready\"" },
		{ "DELETE", "/metrics", "405", "Allow: GET, HEAD\r\n", "gatehouse_db_up" },
		{ "GET", "/", "404", "", "gatehouse_" },
		{ "GET", "/metrics/", "404", "", "gatehouse_" },
		{ "GET", "/healthz/../metrics", "404", "", "gatehouse_" },
		{ "GET", "/apis/default/api/patient", "404", "", "gatehouse_" },
	};
	struct fixture f;
	char *answer = malloc(ANSWER_MAX), status[32];
	REQUIRE(answer != NULL);
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str got = ask(&f, rows[i].method, rows[i].path, answer);
		(void)snprintf(status, sizeof status, "HTTP/1.1 %s ", rows[i].status);
		EXPECT_IDX(str_starts(got, str_of(status)), i);
		EXPECT_IDX(rows[i].has[0] == 0 || has(got, rows[i].has), i);
		EXPECT_IDX(rows[i].lacks[0] == 0 || !has(got, rows[i].lacks), i);
	}
	stop(&f);
	free(answer);
}

TESTS(T(test_readyz__needs_all_that_is_shared_and_one_whole_site),
    T(test_documents__are_read_only_and_nothing_else_is_there))
