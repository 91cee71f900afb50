/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The direct backend without the rest of the gateway: requests from standard input, one JSON object a line, answers to standard
 * output, one a line; driven by test_direct.py against a real MariaDB. Not a server, and no check of the policy is made here.
 *
 * usage: direct_probe SOCKET DATABASE classic|v8 SCOPE_FILE...
 * {"method":"GET","path":"/api/patient","query":"_limit=2","body":"...","headers":{"prefer":"handling=strict"},"patient":"uuid"}
 * {"refresh":true}: what the backend does every minute is done now, before the next line is read
 * answer: {"status":200,"type":"application/json","fields":"ETag: ...","body":"...","patient":"uuid or null","statements":3} */
#include "backends/direct/direct.h"
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/net/exchange.h"
#include "policy/route_table.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 8 << 20, REPLY_MAX = 256 << 20, READY_ROUNDS = 20000 };

static struct log log_stderr = { .fd = 2, .least = LOG_INFO, .clock = &clock_system, .process = "probe" };
static struct worker worker = { .clock = &clock_system, .rng = &rng_system, .log = &log_stderr };
static const struct conf_site site_conf = { .oauth.registration = STR_INIT("open") };
static struct site site = { .magic = SITE_MAGIC,
	.conf = &site_conf,
	.name = STR_INIT("default"),
	.worker = &worker,
	.issuer = STR_INIT("https://localhost:9300/oauth2/default"),
	.api_base = STR_INIT("https://localhost:9300/apis/default") };
static struct site_backend backend = { .ops = &backend_direct };
static bool over;

static enum step
handle_step(struct task *t)
{
	struct request *r = request_of(t);
	const struct route_binding *b = &site.bindings[r->route->index];
	return b->backend->ops->handle(r, b->backend->state, b->handler);
}
static enum step
end_step(struct task *t)
{
	struct request *r = request_of(t);
	if (r->reply.status == 0)
		reply_error(&r->reply, r->dialect, REPLY_INTERNAL, STR_NULL);
	return STEP_NEXT;
}
static STEP_TABLE(probe_table, 1, { "handle", handle_step }, { "end", end_step });

static void
request_over(struct task *t)
{
	(void)t;
	over = true;
}

/* --- the connection, as far as a streamed answer sees it: every third piece fills it, and it drains in the next turn of the loop ----- */

static struct buf streamed;
static bool stream_over, stream_broken;
static unsigned pieces;
static void (*on_drain)(struct exchange *);
static struct loop_defer drain_later;

static void
drain(void *arg)
{
	if (on_drain != NULL)
		on_drain(arg);
}

void
exchange_reply_begin(struct exchange *e, unsigned status, struct str fields, int64_t content_length)
{
	(void)e, (void)status, (void)fields, (void)content_length;
}

size_t
exchange_reply_write(struct exchange *e, struct str piece)
{
	buf_str_put(&streamed, piece);
	if (++pieces % 3 != 0)
		return 0;
	loop_defer(worker.loop, &drain_later, drain, e);
	return EXCHANGE_HIGH_WATER + 1;
}

void
exchange_on_drain(struct exchange *e, void (*fn)(struct exchange *))
{
	(void)e;
	on_drain = fn;
}

void
exchange_reply_end(struct exchange *e)
{
	(void)e;
}

void
exchange_body_stream(struct exchange *e, uint64_t max_bytes, exchange_piece_fn *fn)
{
	(void)e, (void)max_bytes, (void)fn; /* uploads are for tests over HTTPS */
}

void
exchange_body_pause(struct exchange *e)
{
	(void)e;
}

void
exchange_body_resume(struct exchange *e)
{
	(void)e;
}

bool
exchange_has_body(const struct exchange *e)
{
	(void)e;
	return false;
}

void
exchange_abort(struct exchange *e)
{
	(void)e;
	stream_broken = stream_over = true;
}

static void
stream_done(void *arg)
{
	(void)arg;
	stream_over = true;
}

static void
run(bool *done)
{
	while (!*done)
		loop_run_once(worker.loop, true);
}

static struct str
text_of(const json_t *o, const char *name)
{
	return json_in_str(o, name);
}

static void
headers_set(struct http_head *head, const json_t *headers)
{
	static struct http_field prefer, none, idempotency;
	struct str p = text_of(headers, "prefer"), n = text_of(headers, "if-none-match"),
	           key = text_of(headers, "idempotency-key");
	if (key.p != NULL) {
		idempotency = (struct http_field){ STR("Idempotency-Key"), key, HTTP_F_IDEMPOTENCY_KEY };
		head->known[HTTP_F_IDEMPOTENCY_KEY] = &idempotency;
	}
	if (p.p != NULL) {
		prefer = (struct http_field){ STR("Prefer"), p, HTTP_F_PREFER };
		head->known[HTTP_F_PREFER] = &prefer;
	}
	if (n.p != NULL) {
		none = (struct http_field){ STR("If-None-Match"), n, HTTP_F_IF_NONE_MATCH };
		head->known[HTTP_F_IF_NONE_MATCH] = &none;
	}
}

static enum http_method
method_of(struct str s)
{
	static const enum http_method all[] = { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };
	for (size_t i = 0; i < NITEMS(all); i++)
		if (str_eq(s, http_method_text(all[i])))
			return all[i];
	return HTTP_OTHER;
}

static void
answer_print(const struct request *r, uint64_t statements)
{
	struct buf out;
	struct json_write w;
	char patient[UUID_TEXT + 1];
	buf_init(&out, NULL, 4096, REPLY_MAX);
	json_begin(&w, &out, JSON_PLAIN);
	json_obj(&w);
	json_kv_i64(&w, STR("status"), (int64_t)r->reply.status);
	json_kv_str(&w, STR("type"), r->reply.content_type.n == 0 ? STR("") : r->reply.content_type);
	json_kv_str(&w, STR("fields"), r->reply.fields.n == 0 ? STR("") : buf_str(&r->reply.fields));
	bool stream = r->reply.source != NULL;
	json_kv_str(&w, STR("body"),
	    stream                 ? buf_str(&streamed)
	    : r->reply.body.n == 0 ? STR("")
	                           : buf_str(&r->reply.body));
	json_kv_bool(&w, STR("stream"), stream);
	json_kv_bool(&w, STR("broken"), stream_broken);
	json_kv_bool(&w, STR("ok"), buf_ok(&r->reply.body) && buf_ok(&r->reply.fields));
	uuid_text(&r->audit.patient, patient);
	json_kv_str(&w, STR("patient"), r->audit.has_patient ? (struct str){ patient, UUID_TEXT } : STR_NULL);
	json_kv_str(&w, STR("resource_id"), r->audit.resource_id);
	json_kv_i64(&w, STR("statements"), (int64_t)statements);
	json_kv_str(&w, STR("error"), str_of(r->task.err.text));
	json_obj_end(&w);
	buf_char(&out, '\n');
	(void)fwrite(out.p, 1, out.n, stdout);
	(void)fflush(stdout);
	buf_done(&out);
}

static void
request_run(const json_t *in)
{
	static struct http_head head;
	static struct exchange x;
	struct arena *a = arena_new("probe", (size_t)256 << 20);
	struct request *r = ARENA_NEW(a, struct request);
	struct db_pool_stats before, after;
	struct str patient = text_of(in, "patient"), path = text_of(in, "path");
	head = (struct http_head){ .method = method_of(text_of(in, "method")) };
	x = (struct exchange){ .magic = EXCHANGE_MAGIC, .loop = worker.loop, .arena = a, .head = &head, .user = r };
	headers_set(&head, json_object_get(in, "headers"));
	r->magic = REQUEST_MAGIC;
	r->x = &x;
	r->worker = &worker;
	r->site = &site;
	r->path = path;
	r->body = text_of(in, "body");
	r->who = (struct principal){ .role = ROLE_USERS, .user_id = 1, .username = STR("admin") };
	reply_init(&r->reply, a, REPLY_MAX);
	r->filter.by_patient = patient.p != NULL && uuid_parse(patient, &r->filter.patient) == 0;
	if (form_parse(a, text_of(in, "query"), 128, &r->query, NULL) != 0 ||
	    route_match(site.routes, ROUTE_TREE_APIS, head.method, path, &r->route, &r->params) != ROUTE_FOUND ||
	    site.bindings[r->route->index].backend == NULL) {
		reply_error(&r->reply, route_api_dialect(route_api_of(ROUTE_TREE_APIS, path), site.compat),
		    REPLY_NO_ROUTE, STR_NULL);
		answer_print(r, 0);
		arena_free(&a);
		return;
	}
	r->dialect = route_dialect(r->route, site.compat);
	db_pool_stats(site.db, &before);
	over = false;
	task_init(&r->task, worker.loop, a, &probe_table, r, request_over);
	task_run(&r->task);
	run(&over);
	stream_over = stream_broken = false;
	if (r->reply.source != NULL) {
		buf_init(&streamed, NULL, 1 << 20, REPLY_MAX);
		r->reply.source->start(r->reply.source, &x, STR(""), stream_done, NULL);
		run(&stream_over);
	}
	db_pool_stats(site.db, &after);
	if (json_is_true(json_object_get(in, "quiet")))
		puts("{}");
	else
		answer_print(r, after.statements - before.statements);
	arena_free(&a);
	buf_done(&streamed);
}

static void
refresh(void)
{
	unsigned before = direct_refresh(backend.state);
	while (direct_refresh(backend.state) == before)
		loop_run_once(worker.loop, true);
}

static int
site_make(struct arena *a, int argc, char **argv)
{
	static struct db_conf conf = { .user = STR_INIT("root"),
		.connections_max = 4,
		.queue_max = 64,
		.deadline_ms = 5000,
		.slow_ms = 1000,
		.batch_max = 16 };
	struct err e = { 0 };
	struct str files[8];
	if (getenv("DIRECT_PROBE_USER") != NULL)
		conf.user = str_of(getenv("DIRECT_PROBE_USER"));
	conf.socket = str_of(argv[1]);
	conf.database = str_of(argv[2]);
	site.compat = strcmp(argv[3], "v8") == 0 ? COMPAT_V8 : COMPAT_CLASSIC;
	for (int i = 4; i < argc && i < 12; i++)
		files[i - 4] = str_of(argv[i]);
	site.routes = route_table_load(a, files, (size_t)argc - 4, NULL, &e);
	site.db = db_pool_new(worker.loop, &conf, &log_stderr);
	if (site.db != NULL)
		db_pool_zone_set(site.db, STR(""));
	if (site.routes == NULL || site.db == NULL || backend_direct.open(&site, &backend.state, &e) != 0) {
		fprintf(stderr, "direct_probe: %s\n", e.text);
		return -1;
	}
	size_t n = route_table_count(site.routes);
	site.bindings = arena_array(a, n, sizeof *site.bindings);
	if (site.bindings == NULL)
		return -1;
	memset(site.bindings, 0, n * sizeof *site.bindings);
	for (size_t i = 0; i < n; i++)
		if (backend_direct.serves(route_table_at(site.routes, i)) &&
		    backend_direct.bind(
		        &site, backend.state, route_table_at(site.routes, i), &site.bindings[i].handler) == 0)
			site.bindings[i].backend = &backend;
	return 0;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new("site", (size_t)256 << 20);
	char *line = malloc(LINE_MAX_BYTES);
	worker.loop = loop_new();
	if (argc < 5 || a == NULL || line == NULL || worker.loop == NULL || site_make(a, argc, argv) != 0)
		return 2;
	for (unsigned i = 0; i < READY_ROUNDS && !backend_direct.healthy(&site, backend.state); i++)
		loop_run_once(worker.loop, true);
	while (fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
		json_t *in = json_in(str_of(line), LINE_MAX_BYTES, NULL);
		if (in == NULL)
			return 3;
		loop_run_once(worker.loop, false); /* its clock stood still while the script thought */
		if (json_is_true(json_object_get(in, "refresh")))
			refresh();
		else
			request_run(in);
		json_decref(in);
	}
	backend_direct.close(&backend.state);
	db_pool_free(&site.db);
	loop_free(&worker.loop);
	arena_free(&a);
	free(line);
	return 0;
}
