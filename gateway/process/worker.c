/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker: one loop, the public listeners, the stores, the sites. */
#include "gateway/audit/audit.h"
#include "gateway/base/map.h"
#include "gateway/core/address.h"
#include "gateway/core/backend.h"
#include "gateway/crypto/filed.h"
#include "gateway/crypto/hashd.h"
#include "gateway/crypto/keyd.h"
#include "gateway/net/http_client.h"
#include "gateway/net/listener.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/process/keys_told.h"
#include "gateway/process/process.h"
#include "gateway/process/site_open.h"
#include "gateway/process/tls_open.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { PUBLISH_MS = 250, PROBE_MS = 1000, WARM_MS = 5, WARM_MAX_MS = 3000, LISTENERS_MAX = 32 };

struct worker_run {
	struct worker w;
	const struct worker_boot *boot;
	struct tls_set *tls;
	struct exchange_handler handler;
	struct listener *listeners[LISTENERS_MAX];
	size_t n_listeners, drained;
	bool ready; /* takes connections */
	bool cut;   /* from a helper, and the master knows */
	struct loop_timer *publish, *warm;
	int64_t started_us;
	struct cidr *trusted, *outbound_allow;
};

/* --- what the control process shows --------------------------------------------------------------------------------------- */

static void
publish_site(struct metrics *m, const struct site *site)
{
	struct db_pool_stats s;
	db_pool_stats(site->db, &s);
	metric_set(m, METRIC_DB_BUSY, site->index, s.busy);
	metric_set(m, METRIC_DB_QUEUED, site->index, s.queued);
	metric_set(m, METRIC_DB_STATEMENTS, site->index, s.statements);
	metric_set(m, METRIC_DB_ERRORS, site->index, s.errors + s.timeouts);
	metric_set(m, METRIC_DB_UP, site->index, s.healthy);
	bool up = true;
	for (unsigned i = 0; i < site->n_backends; i++)
		up &= site->backends[i].ops->healthy(site, site->backends[i].state);
	metric_set(m, METRIC_UPSTREAM_UP, site->index, up);
}

static void
publish_listeners(struct worker_run *run, struct metrics *m)
{
	struct listener_stats sum = { 0 };
	for (size_t i = 0; i < run->n_listeners; i++) {
		struct listener_stats s;
		listener_stats(run->listeners[i], &s);
		sum.open += s.open;
		sum.accepted += s.accepted;
		sum.refused_limit += s.refused_limit;
		sum.tls_failures += s.tls_failures;
		sum.parse_refusals += s.parse_refusals;
	}
	metric_set(m, METRIC_CONNECTIONS, 0, sum.open);
	metric_set(m, METRIC_ACCEPTED, 0, sum.accepted);
	metric_set(m, METRIC_REFUSED, 0, sum.refused_limit);
	metric_set(m, METRIC_TLS_FAILURES, 0, sum.tls_failures);
	metric_set(m, METRIC_PARSE_REFUSALS, 0, sum.parse_refusals);
}

/* A socket to a helper that broke stays broken: a worker gets its sockets when it starts. The master replaces it, or all of them where the
 * helper is dead.                                                                                                          */
static void
cut_tell(struct worker_run *run)
{
	const struct worker *w = &run->w;
	char byte = WORKER_CUT;
	if (run->cut || !run->ready ||
	    (keyd_client_healthy(w->keyd) && hashd_client_healthy(w->hashd) && filed_client_healthy(w->filed) &&
	        audit_client_connected(w->audit)))
		return;
	run->cut = write(run->boot->ready_fd, &byte, 1) == 1;
}

static void
publish(void *arg)
{
	struct worker_run *run = arg;
	struct metrics *m = run->boot->metrics;
	struct redis_stats rs;
	struct audit_client_stats as;
	struct str name;
	void *value;
	size_t pos = 0;
	redis_stats(run->w.redis, &rs);
	audit_client_stats(run->w.audit, &as);
	metric_set(m, METRIC_REDIS_COMMANDS, 0, rs.commands);
	metric_set(m, METRIC_REDIS_ERRORS, 0, rs.errors + rs.timeouts);
	metric_set(m, METRIC_REDIS_BREAKER, 0, rs.breaker);
	metric_set(m, METRIC_REDIS_UP, 0, rs.connected > 0 && rs.breaker == BREAKER_CLOSED);
	metric_set(m, METRIC_KEYD_UP, 0, keyd_client_healthy(run->w.keyd));
	metric_set(m, METRIC_AUDIT_UP, 0, audit_client_healthy(run->w.audit));
	metric_set(m, METRIC_AUDIT_RECORDS, 0, as.records);
	metric_set(m, METRIC_AUDIT_FAILURES, 0, as.failures);
	metric_set(m, METRIC_AUDIT_LAG, 0, as.waiting);
	publish_listeners(run, m);
	while (map_next(run->w.sites, &pos, &name, &value)) {
		publish_site(m, value);
		db_pool_probe(((const struct site *)value)->db, PROBE_MS);
	}
	redis_probe(run->w.redis, PROBE_MS);
	if (run->ready) /* one that still waits for its stores says nothing about them */
		metrics_heartbeat(m);
	cut_tell(run);
	loop_timer_set(run->publish, PUBLISH_MS);
}

/* --- start ------------------------------------------------------------------------------------------------------------------- */

static int
trusted_open(struct worker_run *run, struct err *e)
{
	const struct conf *c = run->boot->conf;
	run->trusted = calloc(MAX(c->n_trusted_proxies, 1), sizeof *run->trusted);
	if (run->trusted == NULL)
		return ERR(e, E_MEMORY, "trusted proxies");
	for (size_t i = 0; i < c->n_trusted_proxies; i++)
		if (cidr_parse(c->trusted_proxies[i], &run->trusted[i], e) != 0)
			return -1;
	run->w.trusted_proxies = run->trusted;
	run->w.n_trusted_proxies = c->n_trusted_proxies;
	return 0;
}

static bool
outbound_allowed(void *ctx, const uint8_t addr[16])
{
	const struct worker_run *run = ctx;
	return cidr_match(run->outbound_allow, run->boot->conf->outbound.n_allow, addr);
}

static int
outbound_open(struct worker_run *run, struct err *e)
{
	const struct conf *c = run->boot->conf;
	struct http_client_conf conf = { .tls_ca = c->outbound.tls_ca, .allowed = outbound_allowed, .ctx = run };
	run->outbound_allow = calloc(MAX(c->outbound.n_allow, 1), sizeof *run->outbound_allow);
	if (run->outbound_allow == NULL)
		return ERR(e, E_MEMORY, "outbound");
	for (size_t i = 0; i < c->outbound.n_allow; i++)
		if (cidr_parse(c->outbound.allow[i], &run->outbound_allow[i], e) != 0)
			return -1;
	run->w.outbound = http_client_new(run->w.loop, &conf, e);
	return run->w.outbound == NULL ? -1 : 0;
}

static int
listeners_open(struct worker_run *run, struct err *e)
{
	const struct conf *c = run->boot->conf;
	run->handler = pipeline_handler(&run->w);
	for (size_t i = 0; i < c->n_listen && i < LISTENERS_MAX; i++) {
		run->listeners[i] = listener_new(run->w.loop, run->boot->listen_fds[i], &c->http,
		    c->listen[i].tls ? run->tls : NULL, &run->handler, e);
		if (run->listeners[i] == NULL)
			return -1;
		run->n_listeners++;
	}
	return 0;
}

static int
helpers_open(struct worker_run *run, struct err *e)
{
	const struct worker_boot *b = run->boot;
	run->w.redis = redis_new(run->w.loop, &b->conf->redis, b->log);
	run->w.hashd = hashd_client_new(run->w.loop, b->hashd_fd, b->conf->process.hash_queue_max);
	run->w.filed = filed_client_new(run->w.loop, b->filed_fd);
	run->w.audit = audit_client_new(run->w.loop, b->audit_fd, b->conf->audit.queue_max);
	if (run->w.redis == NULL || run->w.hashd == NULL || run->w.filed == NULL || run->w.audit == NULL)
		return ERR(e, E_MEMORY, "clients of redis, hashd, filed, auditd");
	if (sites_open(&run->w, b->keyd_fd, e) !=
	    0) /* asks keyd for the public keys, before its client takes the socket */
		return -1;
	run->w.keyd = keyd_client_new(run->w.loop, b->keyd_fd);
	return run->w.keyd == NULL ? ERR(e, E_MEMORY, "client of keyd") : 0;
}

static void
drained(void *arg)
{
	struct worker_run *run = arg;
	if (++run->drained == run->n_listeners)
		loop_stop(run->w.loop);
}

static void
on_signal(int signo, void *arg)
{
	struct worker_run *run = arg;
	if (signo == SIGQUIT) {
		loop_stop(run->w.loop);
		return;
	}
	if (run->w.draining)
		return;
	run->w.draining = true;
	if (run->n_listeners == 0)
		loop_stop(run->w.loop);
	for (size_t i = 0; i < run->n_listeners; i++)
		listener_drain(run->listeners[i], drained, run);
}

static bool
site_warm(const struct site *site)
{
	struct db_pool_stats s;
	bool warm = site->crypt != NULL || site->conf->openemr_sites_dir.n == 0;
	db_pool_stats(site->db, &s);
	for (unsigned i = 0; i < site->n_backends; i++)
		warm &= site->backends[i].ops->healthy(site, site->backends[i].state);
	return warm && s.healthy;
}

static bool
all_warm(const struct worker_run *run)
{
	struct redis_stats rs;
	struct str name;
	void *value;
	size_t pos = 0;
	redis_stats(run->w.redis, &rs);
	bool warm = rs.connected > 0;
	while (warm && map_next(run->w.sites, &pos, &name, &value))
		warm = site_warm(value);
	return warm;
}

/* A worker takes connections when its stores answer and its sites have read their tables, so that a reload never shows 503 where the
 * old worker had an answer; or after WARM_MAX_MS, since one site's dead database must not keep the others closed.          */
static void
warm(void *arg)
{
	struct worker_run *run = arg;
	struct err e = { 0 };
	char byte = WORKER_READY;
	if (!all_warm(run) && loop_now_us(run->w.loop) - run->started_us < (int64_t)WARM_MAX_MS * 1000) {
		loop_timer_set(run->warm, WARM_MS);
		return;
	}
	if (listeners_open(run, &e) != 0 || write(run->boot->ready_fd, &byte, 1) != 1) {
		LOG(run->boot->log, LOG_ERROR, "start.failed", F_ERR(&e));
		exit(1);
	}
	run->ready = true;
	publish(run);
	LOG(run->boot->log, LOG_INFO, "worker.ready");
	struct str name;
	void *site;
	size_t pos = 0;
	while (run->w.number == 0 && map_next(run->w.sites, &pos, &name, &site))
		keys_told(site);
}

static int
start(struct worker_run *run, struct err *e)
{
	const struct worker_boot *b = run->boot;
	run->w = (struct worker){ .loop = loop_new(),
		.clock = &clock_system,
		.rng = &rng_system,
		.log = b->log,
		.conf = b->conf,
		.number = b->number,
		.metrics = b->metrics,
		.sites = map_new() };
	metrics_attach(b->metrics, b->slab);
	if (run->w.loop == NULL || run->w.sites == NULL)
		return ERR(e, E_MEMORY, "loop");
	if (loop_signal(run->w.loop, SIGTERM, on_signal, run) != 0 ||
	    loop_signal(run->w.loop, SIGQUIT, on_signal, run) != 0)
		return ERR(e, E_IO, "signals");
	if (trusted_open(run, e) != 0 || outbound_open(run, e) != 0 || helpers_open(run, e) != 0)
		return -1;
	if (b->conf->n_certs > 0 && (run->tls = tls_open(b->conf, b->ticket_secret, e)) == NULL)
		return -1;
	run->publish = loop_timer_new(run->w.loop, publish, run);
	run->warm = loop_timer_new(run->w.loop, warm, run);
	return run->publish != NULL && run->warm != NULL ? 0 : ERR(e, E_MEMORY, "timers");
}

int
worker_run(const struct worker_boot *b)
{
	static struct worker_run run;
	struct err e = { 0 };
	run.boot = b;
	if (start(&run, &e) != 0) {
		LOG(b->log, LOG_ERROR, "start.failed", F_ERR(&e));
		return 1;
	}
	run.started_us = loop_now_us(run.w.loop);
	publish(&run);
	warm(&run);
	loop_run(run.w.loop);
	/* the process ends here: the kernel frees what it held; nothing is owed to anybody */
	LOG(b->log, LOG_INFO, "worker.done");
	return 0;
}
