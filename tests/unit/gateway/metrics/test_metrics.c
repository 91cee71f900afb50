/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics: writers in processes of their own add up; the text is what Prometheus reads. */
#include "gateway/metrics/metrics.h"

#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

static const struct str sites[] = { STR_INIT("default"), STR_INIT("alternate") };
static const struct str routes[] = { STR_INIT("GET /api/patient"), STR_INIT("GET /fhir/Patient") };

static void
test_counters__of_several_processes__add_up(void)
{
	struct metrics *m = metrics_new(3, sites, NITEMS(sites), routes, NITEMS(routes));
	REQUIRE(m != NULL);
	for (unsigned slab = 0; slab < 3; slab++) {
		pid_t pid = fork();
		if (pid == 0) {
			metrics_attach(m, slab);
			metrics_heartbeat(m);
			for (int i = 0; i < 1000; i++)
				metric_add(m, METRIC_DB_STATEMENTS, 1, 2);
			_exit(0);
		}
		REQUIRE(pid > 0 && waitpid(pid, NULL, 0) == pid);
	}
	EXPECT(metric_read(m, METRIC_DB_STATEMENTS, 1) == 6000 && metric_read(m, METRIC_DB_STATEMENTS, 0) == 0);
	metrics_free(&m);
	metric_add(NULL, METRIC_DB_STATEMENTS, 0, 1); /* no effect */
}

static void
test_text__has_types_labels_and_sums(void)
{
	static const char *const lines[] = { "# TYPE gatehouse_requests_total counter\n",
		"gatehouse_requests_total{site=\"default\",route=\"GET /api/patient\",status=\"2xx\"} 2\n",
		"status=\"4xx\"} 1\n", "# TYPE gatehouse_request_duration_seconds histogram\n",
		"gatehouse_request_duration_seconds_count{site=\"default\",route=\"GET /api/patient\"} 2\n",
		"le=\"+Inf\"", "route=\"GET /fhir/Patient\",status=\"5xx\"} 1\n" };
	struct metrics *m = metrics_new(1, sites, NITEMS(sites), routes, NITEMS(routes));
	struct buf b;
	REQUIRE(m != NULL);
	metrics_attach(m, 0);
	metrics_heartbeat(m);
	metric_request(m, 0, 0, 200, 1500);
	metric_request(m, 0, 0, 200, 900000);
	metric_request(m, SIZE_MAX, SIZE_MAX, 404, 10);
	metric_request(m, 1, 1, 500, 10);
	metric_request(m, 1, 1, 9999, -5); /* nonsense does no harm */
	buf_init(&b, NULL, 1024, 1 << 20);
	metrics_write(m, &b);
	buf_char(&b, 0);
	REQUIRE(buf_ok(&b));
	for (size_t i = 0; i < NITEMS(lines); i++)
		EXPECT_IDX(strstr(b.p, lines[i]) != NULL, i);
	buf_done(&b);
	metrics_free(&m);
}

TESTS(T(test_counters__of_several_processes__add_up), T(test_text__has_types_labels_and_sums))
