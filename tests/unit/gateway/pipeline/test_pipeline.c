/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests through the whole table of steps, on a real listener, with a tiny site, a backend of the test's own and an auditd that
 * answers as the test says: what is refused, in which dialect, and what each answer carries. Not for tokens (tests/e2e).  */
#include "gateway/pipeline/pipeline.h"

#include "gateway/audit/audit.h"
#include "gateway/audit/frame.h"
#include "gateway/base/map.h"
#include "gateway/base/rng.h"
#include "gateway/config/conf.h"
#include "gateway/core/backend.h"
#include "gateway/pipeline/origins.h"
#include "policy/policy.h"
#include "tests/unit/gateway/net/net_fixture.h"

static const char rows_yaml[] = "oauth:\n"
                                "  routes:\n"
                                "    - POST /token: {public: true, rate: none}\n"
                                "    - GET /provider/login: {public: true, rate: none, page: true}\n"
                                "standard:\n"
                                "  defaults: {roles: [users], api_roles: users}\n"
                                "  routes:\n"
                                "    - GET /api/version: {public: true, rate: none, audit: none}\n"
                                "    - GET /api/patient: {scope: any/patient.s, acl: none, rate: none}\n"
                                "    - POST /api/patient: {scope: any/patient.c, acl: none, rate: none}\n"
                                "    - GET /api/later: {public: true, rate: none}\n"
                                "fhir:\n"
                                "  routes:\n"
                                "    - GET /fhir/metadata: {public: true, rate: none, any_origin: true}\n";

struct fixture {
	struct fx fx;
	struct arena *a;
	struct conf conf;
	struct conf_site conf_sites[2];
	struct site sites[2]; /* default: classic; eight: v8 without FHIR */
	struct site_backend backend;
	struct policy policies[2];
	struct worker worker;
	struct log log;
	int audit_fd; /* auditd's end */
	bool audit_refuses;
	struct buf frames; /* what auditd was sent and has not answered */
	char last[4096];   /* the last record */
	unsigned records;
};

static enum step
backend_handle(struct request *r, void *state, void *handler)
{
	(void)handler;
	++*(unsigned *)state;
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 200;
	r->reply.content_type = STR("text/plain");
	buf_str_put(&r->reply.body, r->path);
	return STEP_REPLY;
}
static const struct backend_ops backend_ops = { .name = "test", .handle = backend_handle };
static unsigned handled;

static void
site_make(struct fixture *f, size_t i, const char *name, enum compat compat)
{
	static const struct str configured[] = { STR_INIT("https://configured.example.org") };
	struct conf_site *c = &f->conf_sites[i];
	struct site *s = &f->sites[i];
	struct conf_reports reports = { 0 };
	const struct route_table *t =
	    route_table_load_text(f->a, STR("f.yaml"), str_of(rows_yaml), NULL, f->a, &reports);
	for (size_t k = 0; t == NULL && k < reports.n; k++)
		printf("\n    %u: %.*s", reports.v[k].line, STR_ARG(reports.v[k].text));
	REQUIRE(t != NULL);
	c->name = str_of(name);
	c->cors.origins = arena_array(f->a, 1, sizeof *c->cors.origins);
	c->cors.origins[0] = configured[0];
	c->cors.n_origins = 1;
	c->cors.max_age_s = 600;
	f->policies[i] = (struct policy){ .routes = t, .api_on = { true, true, true, compat == COMPAT_CLASSIC, true } };
	*s = (struct site){ .magic = SITE_MAGIC,
		.name = c->name,
		.conf = c,
		.worker = &f->worker,
		.compat = compat,
		.routes = t,
		.policy = &f->policies[i],
		.index = (unsigned)i };
	s->bindings = arena_array(f->a, route_table_count(t), sizeof *s->bindings);
	REQUIRE(s->bindings != NULL && pipeline_site_caches(s, 16) == 0);
	for (size_t r = 0; r < route_table_count(t); r++) {
		bool served = !str_eq(route_table_at(t, r)->pattern, STR("/api/later"));
		s->bindings[r] = (struct route_binding){ served ? &f->backend : NULL, NULL };
	}
	struct map *list = map_new(); /* of the clients: as if the database had told it */
	REQUIRE(list != NULL && map_put(list, STR("https://app.example.org"), s, NULL) == 0);
	origins_set(s->origins, &list, INT64_MAX / 2);
	REQUIRE(map_put(f->worker.sites, s->name, s, NULL) == 0);
}

static void
start(struct fixture *f)
{
	int pair[2];
	*f = (struct fixture){ 0 };
	handled = 0;
	f->a = arena_new("test", 16 << 20);
	REQUIRE(f->a != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	buf_init(&f->frames, f->a, 4096, 1 << 20);
	f->log = (struct log){ .fd = STDERR_FILENO, .least = LOG_ERROR, .clock = &clock_system };
	f->conf = (struct conf){
		.reply_max_bytes = 64 << 10, .body_max_bytes = 64, .request_ms = 30000, .live_check_ms = 1000
	};
	f->backend = (struct site_backend){ &backend_ops, &handled };
	f->worker = (struct worker){
		.clock = &clock_system, .rng = &rng_system, .log = &f->log, .conf = &f->conf, .sites = map_new()
	};
	REQUIRE(f->worker.sites != NULL);
	site_make(f, 0, "default", COMPAT_CLASSIC);
	site_make(f, 1, "eight", COMPAT_V8);
	f->fx.conf.request_arena_bytes = 1 << 20;
	f->fx.handler = pipeline_handler(&f->worker);
	fx_start(&f->fx, NULL);
	f->worker.loop = f->fx.loop;
	f->worker.audit = audit_client_new(f->fx.loop, pair[0], 100);
	f->audit_fd = pair[1];
	REQUIRE(f->worker.audit != NULL);
}

static void
stop(struct fixture *f)
{
	listener_free(&f->fx.l);
	audit_client_free(&f->worker.audit);
	loop_free(&f->fx.loop);
	(void)close(f->fx.fd);
	(void)close(f->audit_fd);
	for (size_t i = 0; i < NITEMS(f->sites); i++)
		pipeline_site_caches_free(&f->sites[i]);
	map_free(&f->worker.sites);
	arena_free(&f->a);
}

/* auditd's turn: takes the records that have come and answers those that wait. */
static void
auditd_turn(struct fixture *f)
{
	char *room = buf_room(&f->frames, 4096);
	ssize_t n = room == NULL ? 0 : recv(f->audit_fd, room, 4096, MSG_DONTWAIT);
	f->frames.n += n > 0 ? (size_t)n : 0;
	while (f->frames.n >= AUDIT_FRAME_HEAD) {
		uint32_t length, id;
		char ack[AUDIT_ACK];
		memcpy(&length, f->frames.p, sizeof length);
		memcpy(&id, f->frames.p + sizeof length, sizeof id);
		if (f->frames.n < AUDIT_FRAME_HEAD + length)
			return;
		(void)snprintf(f->last, sizeof f->last, "%.*s", (int)length, f->frames.p + AUDIT_FRAME_HEAD);
		f->records++;
		buf_consume(&f->frames, AUDIT_FRAME_HEAD + length);
		memcpy(ack, &id, sizeof id);
		ack[4] = f->audit_refuses ? 0 : 1;
		if (id != 0)
			REQUIRE(send(f->audit_fd, ack, sizeof ack, MSG_NOSIGNAL) == sizeof ack);
	}
}

static struct seen got; /* the answer */

/* One request on a connection of its own. */
static void
ask(struct fixture *f, const char *line, const char *fields)
{
	char text[2048];
	int64_t until = 0;
	int fd = fx_connect(&f->fx);
	int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\n" HOST "Connection: close\r\n%s\r\n", line, fields);
	memset(&got, 0, sizeof got);
	f->last[0] = 0;
	f->records = 0;
	fx_send(&f->fx, fd, (struct str){ text, (size_t)n });
	do {
		auditd_turn(f);
		while (fx_take(fd, &got))
			;
	} while (got.end == FX_OPEN && fx_turn(&f->fx, &until));
	EXPECT(got.end == FX_EOF);
	(void)close(fd);
}

static bool
answered(unsigned status)
{
	char text[32];
	(void)snprintf(text, sizeof text, "HTTP/1.1 %u ", status);
	return strncmp(got.text, text, strlen(text)) == 0;
}

static bool
says(const char *part)
{
	return part == NULL || strstr(got.text, part) != NULL;
}

static void
test_refusals__have_the_status_and_dialect_of_their_path(void)
{
	static const struct {
		const char *line, *fields;
		unsigned status;
		const char *body, *reason; /* reason: of the record */
	} rows[] = {
		/* outside of the trees, unknown sites: OpenEMR's envelope, whatever the path looks like */
		{ "GET /", "", 404, "\"message\":\"Route not found\"", "no such path" },
		{ "GET /api/patient", "", 404, "\"message\":\"Route not found\"", "no such path" },
		{ "GET /apis", "", 404, "Route not found", "no such path" },
		{ "GET /swaggerx", "", 404, "Route not found", "no such path" },
		{ "GET /apis/nosuch/api/patient", "", 400, "OpenEMR Error: api site error, so forced exit.",
		    "unknown site" },
		{ "GET /apis/nosuch/fhir/Patient", "", 400, "api site error", "unknown site" },
		{ "GET /apis/Default/api/patient", "", 400, "api site error", "unknown site" },
		{ "GET /apis/%64efault/api/patient", "", 400, "api site error", "unknown site" },
		{ "POST /oauth2/nosuch/token", "", 400, "api site error", "unknown site" },
		{ "GET /swagger?site=nosuch", "", 400, "api site error", "unknown site" },
		/* an API that is switched off, before the bearer check */
		{ "GET /apis/eight/fhir/metadata", "", 501, "\"code\":\"not-supported\"", "API switched off" },
		{ "GET /apis/eight/fhir/nosuch", "", 501, "OperationOutcome", "API switched off" },
		/* no bearer: each API in its own words, also where there is no such route */
		{ "GET /apis/default/api/patient", "", 401, "\"error\":\"access_denied\"", NULL },
		{ "GET /apis/eight/api/patient", "", 401, "\"error\":\"An error occurred\"", NULL },
		{ "GET /apis/default/fhir/nosuch", "", 401, "\"code\":\"login\"", NULL },
		{ "GET /apis/default/api/nosuch", "", 401, "access_denied", NULL },
		{ "GET /apis/default/api/patient", "Authorization: Basic YTpi\r\n", 401, "access_denied", NULL },
		/* needs no token: the route is told of at once */
		{ "GET /oauth2/default/nosuch", "", 404, "\"error\":\"invalid_request\"", "no such route" },
		{ "GET /oauth2/default/token", "", 405, "Allow: POST, OPTIONS\r\n", "no such method here" },
		{ "DELETE /oauth2/default/provider/login", "", 405, "text/html", "no such method here" },
		{ "GET /apis/default/api/later", "", 401, "access_denied", NULL }, /* no backend: as an unknown path */
		/* what cannot be read */
		{ "GET /apis/default/api/version?a=%zz", "", 400, "The request is malformed.", "query or path" },
		{ "GET /apis/default/fhir/metadata?a=%zz", "", 400, "OperationOutcome", "query or path" },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		ask(&f, rows[i].line, rows[i].fields);
		EXPECT_IDX(answered(rows[i].status) && says(rows[i].body), i);
		if (!answered(rows[i].status) || !says(rows[i].body))
			printf("    %s\n    %s\n", rows[i].line, got.text);
		EXPECT_IDX(
		    f.records == 1 && strstr(f.last, "\"allowed\":false") != NULL, i); /* every refusal is recorded */
		EXPECT_IDX(rows[i].reason == NULL || strstr(f.last, rows[i].reason) != NULL, i);
		EXPECT_IDX(says("Cache-Control: no-store\r\n") && says("X-Content-Type-Options: nosniff\r\n"), i);
		EXPECT_IDX(says("X-Request-Id: "), i);
	}
	EXPECT(handled == 0);
	stop(&f);
}

static void
test_request_id__is_taken_when_plain_else_made(void)
{
	static const struct {
		const char *fields, *id; /* NULL: one of ours */
	} rows[] = {
		{ "", NULL },
		{ "X-Request-Id: abc-DEF_1.2\r\n", "abc-DEF_1.2" },
		{ "X-Request-Id: 0123456789012345678901234567890123456789012345678901234567890123\r\n",
		    "0123456789012345678901234567890123456789012345678901234567890123" },
		{ "X-Request-Id: 01234567890123456789012345678901234567890123456789012345678901234\r\n", NULL },
		{ "X-Request-Id: \r\n", NULL },
		{ "X-Request-Id: a b\r\n", NULL },
		{ "X-Request-Id: a\"b\r\n", NULL },
		{ "X-Request-Id: <script>\r\n", NULL },
		{ "X-Request-Id: caf\xc3\xa9\r\n", NULL },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		char field[128];
		ask(&f, "GET /apis/default/api/version", rows[i].fields);
		EXPECT_IDX(answered(200), i);
		const char *at = strstr(got.text, "X-Request-Id: ");
		EXPECT_IDX(at != NULL, i);
		if (at == NULL)
			continue;
		(void)snprintf(field, sizeof field, "X-Request-Id: %s\r\n", rows[i].id == NULL ? "" : rows[i].id);
		if (rows[i].id != NULL)
			EXPECT_IDX(says(field), i);
		else /* a UUID */
			EXPECT_IDX(strcspn(at, "\r") == strlen("X-Request-Id: ") + UUID_TEXT && at[22] == '-', i);
	}
	stop(&f);
}

static void
test_cors__only_listed_origins_read_and_no_page_is_read(void)
{
	static const struct {
		const char *line, *origin;
		unsigned status;
		bool allowed, varies;
		const char *says;
	} rows[] = {
		{ "GET /apis/default/api/version", "https://configured.example.org", 200, true, true,
		    "Expose-Headers: ETag" },
		{ "GET /apis/default/api/version", "https://app.example.org", 200, true, true, "X-Request-Id\r\n" },
		{ "GET /apis/default/api/version", "https://evil.example.org", 200, false, true, NULL },
		{ "GET /apis/default/api/version", "null", 200, false, true, NULL },
		{ "GET /apis/default/api/version", "https://app.example.org|https://x", 200, false, true, NULL },
		{ "GET /apis/default/api/version", "https://app.example", 200, false, true, NULL },
		{ "GET /apis/default/api/version", "https://app.example.org:444", 200, false, true, NULL },
		{ "GET /apis/default/api/version", "http://app.example.org", 200, false, true, NULL },
		{ "GET /apis/default/api/version", NULL, 200, false, false, NULL },
		{ "GET /apis/default/api/patient", "https://app.example.org", 401, true, true, "WWW-Authenticate" },
		{ "OPTIONS /apis/default/api/patient", "https://app.example.org", 204, true, true,
		    "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n" },
		{ "OPTIONS /apis/default/api/patient", "https://app.example.org", 204, true, true,
		    "Access-Control-Max-Age: 600\r\n" },
		{ "OPTIONS /apis/default/api/patient", "https://evil.example.org", 204, false, true,
		    "Allow: GET, HEAD, POST, OPTIONS\r\n" },
		{ "OPTIONS /apis/default/api/patient", NULL, 204, false, false, "Allow: GET, HEAD, POST, OPTIONS\r\n" },
		{ "GET /apis/default/fhir/metadata", "https://evil.example.org", 200, true, true, NULL },
		{ "OPTIONS /apis/default/fhir/metadata", "https://evil.example.org", 204, true, true, NULL },
		{ "POST /apis/default/fhir/metadata", "https://evil.example.org", 401, true, true, NULL },
		{ "OPTIONS /apis/default/api/nosuch", "https://app.example.org", 404, true, true, NULL },
		{ "OPTIONS /oauth2/default/provider/login", "https://app.example.org", 204, false, false,
		    "Allow: GET" },
		{ "GET /oauth2/default/provider/login", "https://app.example.org", 200, false, false, NULL },
		{ "GET /apis/nosuch/api/version", "https://app.example.org", 400, false, true, NULL },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		char origin[128] = "", allow[128];
		if (rows[i].origin != NULL)
			(void)snprintf(origin, sizeof origin, "Origin: %s\r\n", rows[i].origin);
		(void)snprintf(allow, sizeof allow, "Access-Control-Allow-%.100s", origin);
		ask(&f, rows[i].line, origin);
		EXPECT_IDX(answered(rows[i].status) && says(rows[i].says), i);
		EXPECT_IDX((origin[0] != 0 && says(allow)) == rows[i].allowed, i);
		EXPECT_IDX(says("Access-Control-") == rows[i].allowed, i);
		EXPECT_IDX(says("Vary: Origin\r\n") == rows[i].varies, i);
		EXPECT_IDX(!says("Access-Control-Allow-Credentials"), i);
	}
	stop(&f);
}

/* The promise of the audit trail: no answer of a durable class without its record. */
static void
test_audit__without_a_durable_record_nothing_is_told(void)
{
	static const struct {
		const char *line;
		unsigned sound, refused; /* the answer with an auditd that writes, with one that cannot */
	} rows[] = {
		{ "POST /oauth2/default/token", 200, 503 }, { "GET /apis/default/fhir/metadata", 200, 503 },
		{ "GET /apis/default/api/patient", 401, 503 }, { "GET /apis/nosuch/api/patient", 400, 503 },
		{ "GET /apis/default/api/version", 200, 200 }, /* audit: none */
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		start(&f);
		ask(&f, rows[i].line, "");
		EXPECT_IDX(answered(rows[i].sound), i);
		f.audit_refuses = true;
		ask(&f, rows[i].line, "");
		EXPECT_IDX(answered(rows[i].refused), i);
		if (rows[i].refused == 503)
			EXPECT_IDX(says("Retry-After: 2\r\n") && !says("/token") && !says("/fhir/metadata"), i);
		unsigned before = handled; /* while auditd is known to be sick, backends are not even asked */
		ask(&f, rows[i].line, "");
		EXPECT_IDX(answered(rows[i].refused) && (rows[i].refused == 200 || handled == before), i);
		stop(&f);
	}
}

static void
test_body__too_large_for_a_buffer_is_refused_before_the_backend(void)
{
	static const struct {
		const char *fields;
		unsigned status, handled;
	} rows[] = {
		{ "Content-Length: 4\r\n\r\nabcd", 200, 1 },
		{ "Content-Length: 65\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234", 413,
		    0 },
		{ "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n", 200, 1 },
		{ "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, 0 },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		handled = 0;
		ask(&f, "POST /oauth2/default/token", rows[i].fields);
		EXPECT_IDX(answered(rows[i].status) && handled == rows[i].handled, i);
	}
	stop(&f);
}

/* Status line, fields, an empty line, as many bytes as are announced. */
static bool
whole(void)
{
	struct str text = { got.text, got.n };
	size_t end = str_find_str(text, STR("\r\n\r\n"));
	struct str head = str_sub(text, 0, end), line;
	uint64_t length = UINT64_MAX;
	bool first = true;
	for (; head.n > 0; first = false) {
		size_t at = str_find_str(head, STR("\r\n"));
		line = str_sub(head, 0, at);
		head = str_skip(head, MIN(at + 2, head.n));
		size_t colon = str_find_str(line, STR(": "));
		if (!first && (colon == line.n || memchr(line.p, ' ', colon) != NULL))
			return false;
		if (str_starts(line, STR("Content-Length: ")) &&
		    str_to_u64(str_skip(line, colon + 2), UINT32_MAX, &length) != 0)
			return false;
	}
	return end < text.n && text.n - end - 4 == length;
}

static void
test_memory__whatever_is_left_an_answer_is_whole_or_bare(void)
{
	enum { LEAST = 256, MOST = 12 << 10, STEP = 16 };
	unsigned good = 0, refused = 0;
	for (size_t cap = LEAST; cap < MOST; cap += STEP) {
		struct fixture f;
		start(&f);
		f.fx.conf.request_arena_bytes = cap;
		ask(&f, "GET /apis/default/fhir/metadata", "Origin: https://app.example.org\r\nX-Request-Id: abc\r\n");
		good += answered(200);
		refused += answered(503);
		EXPECT_IDX(got.n == 0 || whole(), cap);
		EXPECT_IDX(got.n == 0 || says("Cache-Control: no-store\r\n"), cap);
		EXPECT_IDX(!answered(200) || (says("X-Request-Id: abc\r\n") && says("nosniff\r\n") &&
		                                 says("Access-Control-Allow-Origin: ")),
		    cap);
		EXPECT_IDX(!(answered(200) || answered(503)) || f.records == 1 || handled == 0, cap);
		EXPECT_IDX(f.records == 0 || strstr(f.last, "\"time\":\"2") != NULL, cap);
		EXPECT_IDX(
		    f.records == 0 || strstr(f.last, answered(200) ? "\"status\":200" : "\"status\":5") != NULL, cap);
		if (!whole() && got.n > 0)
			printf("    %s\n", got.text);
		stop(&f);
	}
	EXPECT(good > 0 && refused > 0);
}

TESTS(T(test_refusals__have_the_status_and_dialect_of_their_path), T(test_request_id__is_taken_when_plain_else_made),
    T(test_cors__only_listed_origins_read_and_no_page_is_read), T(test_audit__without_a_durable_record_nothing_is_told),
    T(test_body__too_large_for_a_buffer_is_refused_before_the_backend),
    T(test_memory__whatever_is_left_an_answer_is_whole_or_bare))
