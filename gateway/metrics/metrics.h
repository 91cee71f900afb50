/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counters, gauges and latency histograms, declared in one table (METRICS) and kept in memory shared by all processes: each
 * worker writes its own slab, the control process reads and adds up. No locks, no allocation on the hot path.             */
#ifndef GATEWAY_METRICS_METRICS_H
#define GATEWAY_METRICS_METRICS_H

#include "gateway/base/buf.h"
#include "gateway/base/err.h"

struct metrics;

#define METRICS(X) /* id, kind, name, labels, help: labels are fixed at start */                                       \
	X(REQUESTS, COUNTER, "gatehouse_requests_total", "site,route,status", "Requests answered.")                    \
	X(REQUEST_SECONDS, HISTOGRAM, "gatehouse_request_duration_seconds", "site,route", "Time from head to answer.") \
	X(REQUEST_MEMORY, COUNTER, "gatehouse_request_memory_bytes_total", "",                                         \
	    "Memory that answered requests asked for, each until it was over.")                                        \
	X(CONNECTIONS, GAUGE, "gatehouse_connections", "", "Open public connections.")                                 \
	X(ACCEPTED, COUNTER, "gatehouse_connections_accepted_total", "", "Connections accepted.")                      \
	X(REFUSED, COUNTER, "gatehouse_connections_refused_total", "", "Connections refused by a limit.")              \
	X(TLS_FAILURES, COUNTER, "gatehouse_tls_failures_total", "", "TLS handshakes that failed.")                    \
	X(PARSE_REFUSALS, COUNTER, "gatehouse_http_refused_total", "", "Requests refused by the parser.")              \
	X(DB_BUSY, GAUGE, "gatehouse_db_connections_busy", "site", "Database connections in use.")                     \
	X(DB_QUEUED, GAUGE, "gatehouse_db_queue", "site", "Requests waiting for a database connection.")               \
	X(DB_STATEMENTS, COUNTER, "gatehouse_db_statements_total", "site", "Statements sent.")                         \
	X(DB_ERRORS, COUNTER, "gatehouse_db_errors_total", "site", "Statements that failed.")                          \
	X(DB_UP, GAUGE, "gatehouse_db_up", "site", "1 when the database answers.")                                     \
	X(REDIS_COMMANDS, COUNTER, "gatehouse_redis_commands_total", "", "Commands sent.")                             \
	X(REDIS_ERRORS, COUNTER, "gatehouse_redis_errors_total", "", "Commands that failed or timed out.")             \
	X(REDIS_BREAKER, GAUGE, "gatehouse_redis_breaker", "", "0 closed, 1 open, 2 half open.")                       \
	X(REDIS_UP, GAUGE, "gatehouse_redis_up", "", "1 when Redis answers.")                                          \
	X(UPSTREAM_UP, GAUGE, "gatehouse_upstream_up", "site", "1 when the proxy's upstream answered last.")           \
	X(TOKEN_CACHE_HITS, COUNTER, "gatehouse_token_cache_hits_total", "", "Bearer tokens found verified.")          \
	X(TOKEN_CACHE_MISSES, COUNTER, "gatehouse_token_cache_misses_total", "", "Bearer tokens verified anew.")       \
	X(RATE_LIMITED, COUNTER, "gatehouse_rate_limited_total", "site", "Requests answered 429.")                     \
	X(AUDIT_RECORDS, COUNTER, "gatehouse_audit_records_total", "",                                                 \
	    "Audit records that an answer waited for and that are durable.")                                           \
	X(AUDIT_FAILURES, COUNTER, "gatehouse_audit_failures_total", "",                                               \
	    "Audit records that could not be made durable.")                                                           \
	X(AUDIT_LAG, GAUGE, "gatehouse_audit_waiting", "", "Answers waiting for their record to be durable.")          \
	X(AUDIT_UP, GAUGE, "gatehouse_audit_up", "", "1 when the journal takes records.")                              \
	X(KEYD_UP, GAUGE, "gatehouse_keyd_up", "", "1 when keyd answers.")                                             \
	X(WORKER_RESTARTS, COUNTER, "gatehouse_worker_restarts_total", "", "Workers that died and were replaced.")     \
	X(RELOADS, COUNTER, "gatehouse_reloads_total", "", "Configurations swapped in.")
enum metric {
#define X(id, kind, name, labels, help) METRIC_##id,
	METRICS(X)
#undef X
	    METRIC_N
};
/* In the master before forking: shared memory for n_slabs writers. sites, routes: the label values, in index order. */
struct metrics *metrics_new(
    unsigned n_slabs, const struct str *sites, size_t n_sites, const struct str *routes, size_t n_routes);
void metrics_free(struct metrics **m);
/* In a writer: which slab is mine; it counts as silent until the first heartbeat. NULL metrics everywhere below: no effect. */
void metrics_attach(struct metrics *m, unsigned slab);
void metric_add(
    struct metrics *m, enum metric id, size_t site, uint64_t n); /* site ignored where the metric has none */
void metric_set(struct metrics *m, enum metric id, size_t site, uint64_t v); /* gauges, and counters kept elsewhere */
/* Says that this writer lives; gauges of a slab silent for 2 s are not believed. Called a few times a second. */
void metrics_heartbeat(struct metrics *m);
/* One answered request: counter and histogram in one call. site or route SIZE_MAX: "none". */
void metric_request(struct metrics *m, size_t site, size_t route, unsigned status, int64_t duration_us);
/* Sum (gauges: sum; *_UP: minimum over attached workers) of a metric over all slabs. */
uint64_t metric_read(const struct metrics *m, enum metric id, size_t site);
/* Prometheus text format 0.0.4 of everything. */
void metrics_write(const struct metrics *m, struct buf *out);

#endif
