/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Health and metrics. */
#include "gateway/control/control.h"

#include "gateway/base/json_write.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { METRICS_MAX = 16 << 20, READY_MAX = 1 << 20 };

struct control {
	const struct conf *conf;
	struct metrics *metrics;
};

static void
reply(struct evhttp_request *req, int status, const char *type, struct buf *body)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(req);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", type);
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Cache-Control", "no-store");
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) { /* libevent 2.1 would send the body all the same */
		char length[STR_U64_MAX + 1];
		(void)snprintf(length, sizeof length, "%zu", body->n);
		(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Length", length);
	} else if (buf_ok(body)) {
		(void)evbuffer_add(out, body->p, body->n);
	}
	evhttp_send_reply(req, buf_ok(body) ? status : 500, NULL, out);
	buf_done(body);
}

static bool
read_only(struct evhttp_request *req)
{
	enum evhttp_cmd_type cmd = evhttp_request_get_command(req);
	if (cmd == EVHTTP_REQ_GET || cmd == EVHTTP_REQ_HEAD)
		return true;
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
	evhttp_send_reply(req, 405, NULL, NULL);
	return false;
}

static void
healthz(struct evhttp_request *req, void *arg)
{
	struct buf b;
	(void)arg;
	if (!read_only(req))
		return;
	buf_init(&b, NULL, 16, 16);
	buf_lit(&b, "ok\n");
	reply(req, 200, "text/plain", &b);
}

static bool
dependency(struct json_write *w, const char *name, bool up)
{
	json_kv_str(w, str_of(name), up ? STR("up") : STR("down"));
	return up;
}

/* One clinic's dead database must not take the door away from all others: ready means that what all sites share is up, and one site. */
static void
readyz(struct evhttp_request *req, void *arg)
{
	const struct control *c = arg;
	struct json_write w;
	struct buf b;
	bool all = true, any_site = false;
	if (!read_only(req))
		return;
	buf_init(&b, NULL, 1024, READY_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_key(&w, STR("dependencies"));
	json_obj(&w);
	all &= dependency(&w, "redis", metric_read(c->metrics, METRIC_REDIS_UP, 0) == 1);
	all &= dependency(&w, "keyd", metric_read(c->metrics, METRIC_KEYD_UP, 0) == 1);
	all &= dependency(&w, "audit", metric_read(c->metrics, METRIC_AUDIT_UP, 0) == 1);
	json_key(&w, STR("sites"));
	json_obj(&w);
	for (size_t i = 0; i < c->conf->n_sites; i++) {
		json_key(&w, c->conf->sites[i].name);
		json_obj(&w);
		bool database = dependency(&w, "database", metric_read(c->metrics, METRIC_DB_UP, i) == 1);
		any_site |= dependency(&w, "backends", metric_read(c->metrics, METRIC_UPSTREAM_UP, i) == 1) && database;
		json_obj_end(&w);
	}
	json_obj_end(&w);
	json_obj_end(&w);
	all &= any_site;
	json_kv_bool(&w, STR("ready"), all);
	json_obj_end(&w);
	buf_char(&b, '\n');
	reply(req, all ? 200 : 503, "application/json", &b);
}

static void
metrics_page(struct evhttp_request *req, void *arg)
{
	const struct control *c = arg;
	struct buf b;
	if (!read_only(req))
		return;
	buf_init(&b, NULL, 64 << 10, METRICS_MAX);
	metrics_write(c->metrics, &b);
	reply(req, 200, "text/plain; version=0.0.4", &b);
}

static void
not_found(struct evhttp_request *req, void *arg)
{
	(void)arg;
	evhttp_send_reply(req, 404, NULL, NULL);
}

static void
stop(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	(void)event_base_loopbreak(arg);
}

int
control_serve(const struct conf *conf, struct metrics *metrics, int listen_fd, const struct log *log)
{
	struct control c = { conf, metrics };
	struct event_base *base = event_base_new();
	struct evhttp *http = base == NULL ? NULL : evhttp_new(base);
	struct event *term = base == NULL ? NULL : evsignal_new(base, SIGTERM, stop, base);
	if (http == NULL || term == NULL || event_add(term, NULL) != 0 || evhttp_accept_socket(http, listen_fd) != 0) {
		LOG(log, LOG_ERROR, "control.start");
		return 1;
	}
	evhttp_set_max_body_size(http, 0);
	evhttp_set_max_headers_size(http, 8192);
	evhttp_set_timeout(http, 10);
	(void)evhttp_set_cb(http, "/healthz", healthz, &c);
	(void)evhttp_set_cb(http, "/readyz", readyz, &c);
	(void)evhttp_set_cb(http, "/metrics", metrics_page, &c);
	evhttp_set_gencb(http, not_found, &c);
	(void)event_base_dispatch(base);
	evhttp_free(http);
	event_free(term);
	event_base_free(base);
	return 0;
}
