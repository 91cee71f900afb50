/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy between a real client connection and an upstream that this file plays: what the upstream gets to see, what the client gets
 * of its answers, and what happens when the upstream breaks off. Not for TLS to upstreams (tests/e2e).                      */
#include "backends/proxy/proxy.h"

#include "gateway/config/conf.h"
#include "tests/unit/gateway/net/net_fixture.h"

enum { UP_CONNS = 8, UP_BYTES = 4 << 10 };

/* What the upstream does with a request. */
enum {
	KEEPS,
	CLOSES = 1,
	RESETS = 2 /* closes, not in order */,
	EARLY = 4 /* answers when it has the head */,
	SLOW = 8 /* a byte at a time */
};
struct script {
	const char *answer; /* "": none */
	unsigned how;
};
struct fixture {
	struct fx fx;
	struct conf_upstream up_conf;
	struct conf_site conf_site;
	struct conf conf;
	struct worker worker;
	struct site site;
	void *state;
	const char *address; /* of the client, by the trusted-proxy rule */
	int listen_fd, conns[UP_CONNS];
	unsigned accepted, answered;
	char seen[UP_BYTES]; /* what the upstream has read since the last request */
	size_t n_seen;
	struct script script;
	const char *left; /* of a slow answer */
};
static struct fixture *now;

/* --- the gateway's side: as the pipeline does it, without policy -------------------------------------------------------------- */

static void
over(void *arg)
{
	struct request *r = arg;
	if (r->task.wait != NULL)
		wait_wake(r->task.wait);
}

static void
stream_cancel(void *op)
{
	struct request *r = op;
	r->reply.source->cancel(r->reply.source);
	if (r->x != NULL)
		exchange_abort(r->x);
}
static const struct wait_ops stream_ops = { "stream", stream_cancel };

static enum step
handle(struct task *t)
{
	return backend_proxy.handle(request_of(t), now->state, NULL);
}

static enum step
handled(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step
respond(struct task *t)
{
	struct request *r = request_of(t);
	struct body_source *s = r->reply.source;
	if (s == NULL) {
		exchange_reply(r->x, r->reply.status, buf_str(&r->reply.fields), buf_str(&r->reply.body));
		return STEP_NEXT;
	}
	if (wait_begin(t, &stream_ops, r, UINT32_MAX) == NULL)
		return STEP_FAIL;
	s->start(s, r->x, buf_str(&r->reply.fields), over, r);
	return STEP_WAIT;
}
static STEP_TABLE(steps, 2, { "handle", handle }, { "handled", handled }, { "respond", respond }, { "end", handled });

static void
task_done(struct task *t)
{
	request_of(t)->started_us = -1;
}

static void
request(struct exchange *x, void *ctx)
{
	struct fixture *f = ctx;
	struct request *r = ARENA_NEW(x->arena, struct request);
	REQUIRE(r != NULL);
	f->fx.requests++;
	*r = (struct request){ .magic = REQUEST_MAGIC, .x = x, .worker = &f->worker, .site = &f->site };
	r->dialect = DIALECT_FHIR;
	r->request_id = STR("ours-1");
	r->client_address = str_of(f->address);
	reply_init(&r->reply, x->arena, 64 << 10);
	x->user = r;
	task_init(&r->task, x->loop, x->arena, &steps, NULL, task_done);
	task_run(&r->task);
}

static void
closed(struct exchange *x, bool ok)
{
	struct request *r = x->user;
	if (r->started_us != -1)
		task_cancel(&r->task);
	now->fx.closed_ok += ok;
	now->fx.closed_failed += !ok;
}

static void
start(struct fixture *f)
{
	static char url[64];
	struct err e = { 0 };
	uint16_t port;
	*f = (struct fixture){ .address = "192.0.2.7" };
	now = f;
	for (size_t i = 0; i < UP_CONNS; i++)
		f->conns[i] = -1;
	f->listen_fd = fx_listen(&port);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
	f->up_conf = (struct conf_upstream){ .url = str_of(url),
		.host = STR("emr.internal"),
		.path_prefix = STR("/openemr"),
		.connections_max = 4,
		.connect_ms = 10000,
		.header_ms = 10000,
		.idle_ms = 10000,
		.read_ms = 10000 };
	f->fx.conf.request_arena_bytes = 1 << 20;
	f->fx.handler = (struct exchange_handler){ request, closed, f };
	fx_start(&f->fx, NULL);
	f->conf_site.upstream = f->up_conf;
	f->conf.origin = STR("https://emr.example.org:9300");
	f->worker = (struct worker){ .loop = f->fx.loop, .clock = &clock_system, .conf = &f->conf };
	f->site = (struct site){ .magic = SITE_MAGIC, .conf = &f->conf_site, .worker = &f->worker };
	REQUIRE(backend_proxy.open(&f->site, &f->state, &e) == 0);
}

static void
stop(struct fixture *f)
{
	listener_free(&f->fx.l);
	EXPECT(f->fx.requests == f->fx.closed_ok + f->fx.closed_failed);
	backend_proxy.close(&f->state);
	loop_free(&f->fx.loop);
	(void)close(f->fx.fd);
	for (size_t i = 0; i < UP_CONNS; i++)
		if (f->conns[i] >= 0)
			(void)close(f->conns[i]);
	if (f->listen_fd >= 0)
		(void)close(f->listen_fd);
}

/* --- the upstream ---------------------------------------------------------------------------------------------------------------- */

/* Head, and what it announces, is there. */
static bool
whole(const struct fixture *f)
{
	const char *body = strstr(f->seen, "\r\n\r\n"), *length = strstr(f->seen, "\r\nContent-Length: ");
	if (body == NULL)
		return false;
	if ((f->script.how & EARLY) != 0)
		return true;
	if (strstr(f->seen, "\r\nTransfer-Encoding: chunked") != NULL)
		return strstr(body, "\r\n0\r\n\r\n") != NULL;
	return length == NULL || strlen(body + 4) >= strtoul(length + 18, NULL, 10);
}

static void
say(struct fixture *f, size_t i, const char *text)
{
	REQUIRE(send(f->conns[i], text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void
hang_up(struct fixture *f, size_t i)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	if ((f->script.how & (CLOSES | RESETS)) == 0)
		return;
	if ((f->script.how & RESETS) != 0)
		(void)setsockopt(f->conns[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	(void)close(f->conns[i]);
	f->conns[i] = -1;
}

static void
upstream_turn(struct fixture *f)
{
	int fd = f->listen_fd < 0 ? -1 : accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		REQUIRE(f->accepted < UP_CONNS);
		f->conns[f->accepted++] = fd;
	}
	for (size_t i = 0; i < f->accepted; i++) {
		if (f->conns[i] < 0)
			continue;
		ssize_t n = recv(f->conns[i], f->seen + f->n_seen, sizeof f->seen - 1 - f->n_seen, 0);
		if (n <= 0)
			continue;
		f->n_seen += (size_t)n;
		f->seen[f->n_seen] = 0;
		if (!whole(f))
			continue;
		f->answered++;
		f->n_seen = 0;
		bool slow = (f->script.how & SLOW) != 0;
		f->left = slow ? f->script.answer : "";
		say(f, i, slow ? "" : f->script.answer);
		hang_up(f, i);
	}
	for (size_t i = 0; f->left != NULL && *f->left != 0 && i < f->accepted; i++)
		if (f->conns[i] >= 0)
			REQUIRE(send(f->conns[i], f->left++, 1, MSG_NOSIGNAL) == 1);
}

static struct seen got;

static void
ask(struct fixture *f, const char *text, struct script script)
{
	char all[2048];
	int64_t until = 0;
	int fd = fx_connect(&f->fx), n = snprintf(all, sizeof all, "%s", text);
	memset(&got, 0, sizeof got);
	f->n_seen = 0;
	f->seen[0] = 0;
	f->left = NULL;
	f->script = script;
	fx_send(&f->fx, fd, (struct str){ all, (size_t)n });
	do {
		upstream_turn(f);
		while (fx_take(fd, &got))
			;
	} while (got.end == FX_OPEN && fx_turn(&f->fx, &until));
	EXPECT(got.end != FX_OPEN);
	(void)close(fd);
}

static bool
answered(unsigned status)
{
	char text[32];
	(void)snprintf(text, sizeof text, "HTTP/1.1 %u ", status);
	return strncmp(got.text, text, strlen(text)) == 0;
}

#define CLOSE HOST "Connection: close\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void
test_request__the_upstream_sees_our_word_not_the_clients(void)
{
	static const struct {
		const char *request, *address;
		const char *has[3], *lacks[4];
	} rows[] = {
		{ "GET /apis/default/api/patient?a=%20b HTTP/1.1\r\n" CLOSE "\r\n", "192.0.2.7",
		    { "GET /openemr/apis/default/api/patient?a=%20b HTTP/1.1\r\n", "\r\nHost: emr.internal\r\n",
		        "\r\nForwarded: for=192.0.2.7;proto=https;host=\"emr.example.org:9300\"\r\n" },
		    { "Connection:", "\r\nHost: a\r\n" } },
		{ "GET / HTTP/1.1\r\n" CLOSE "\r\n", "2001:db8::1",
		    { "X-Forwarded-For: 2001:db8::1\r\n", "Forwarded: for=\"[2001:db8::1]\";proto=https" }, { NULL } },
		{ "GET / HTTP/1.1\r\n" CLOSE "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-host: evil\r\nX-FORWARDED-PROTO: "
		  "http\r\nX-Forwarded-Prefix: /evil\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nProxy: "
		  "http://evil\r\n\r\n",
		    "192.0.2.7",
		    { "X-Forwarded-For: 192.0.2.7\r\n", "X-Forwarded-Proto: https\r\n",
		        "X-Forwarded-Host: emr.example.org:9300\r\n" },
		    { "6.6.6.6", "evil", "Proto: http\r\n" } },
		{ "GET / HTTP/1.1\r\n" CLOSE "X-Request-Id: theirs\r\n\r\n", "192.0.2.7",
		    { "X-Request-Id: ours-1\r\n" }, { "theirs" } },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: "
		  "trailers\r\nProxy-Connection: keep-alive\r\n\r\n",
		    "192.0.2.7", { "GET /openemr/ " }, { "X-Hop", "Keep-Alive", "TE:", "Proxy-Connection" } },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: close\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n", "192.0.2.7",
		    { "GET /openemr/ " }, { "X-Hop", "Connection:" } },
		{ "POST / HTTP/1.1\r\n" CLOSE "X-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: DELETE\r\n"
		  "X-Method-Override: DELETE\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\n"
		  "X-Original-URI: /evil\r\nAPICSRFTOKEN: evil\r\n\r\n",
		    "192.0.2.7", { "POST /openemr/ HTTP/1.1\r\n" }, { "DELETE", "evil", "X-HTTP", "APICSRF" } },
		{ "GET / HTTP/1.1\r\n" CLOSE
		  "X_Forwarded_For: 6.6.6.6\r\nx.real.ip: 6.6.6.6\r\nX_Http_Method_Override: "
		  "DELETE\r\nContent_Length: 7\r\nTransfer_Encoding: chunked\r\nUser_Agent: evil\r\nX_Forwarded_"
		  "Something_That_Is_Longer_Than_Any_Name: evil\r\nX_Own: 1\r\n\r\n",
		    "192.0.2.7", { "\r\nX_Own: 1\r\n" }, { "6.6.6.6", "DELETE", "Content_L", "evil" } },
		{ "GET / HTTP/1.1\r\n" CLOSE
		  "True-Client-IP: 6.6.6.6\r\nClient-IP: 6.6.6.6\r\nX-Cluster-Client-IP: 6.6.6.6\r\n\r\n",
		    "192.0.2.7", { "X-Forwarded-For: 192.0.2.7\r\n" }, { "6.6.6.6" } },
		{ "GET / HTTP/1.1\r\n" CLOSE
		  "Authorization: Bearer t\r\nCookie: a=b\r\nAccept: x/y\r\nX-Own: 1\r\n\r\n",
		    "192.0.2.7", { "Authorization: Bearer t\r\n", "Cookie: a=b\r\n", "X-Own: 1\r\n" }, { NULL } },
		{ "POST /a HTTP/1.1\r\n" CLOSE "Content-Length: 4\r\n\r\nabcd", "192.0.2.7",
		    { "\r\nContent-Length: 4\r\n", "\r\n\r\nabcd" }, { "Transfer-Encoding" } },
		{ "POST /a HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
		    "192.0.2.7", { "\r\nTransfer-Encoding: chunked\r\n", "ab", "\r\n0\r\n\r\n" },
		    { "Content-Length" } },
		{ "POST /a HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd", "192.0.2.7",
		    { "\r\n\r\nabcd" }, { "Expect" } },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		f.address = rows[i].address;
		ask(&f, rows[i].request, (struct script){ HELLO, KEEPS });
		EXPECT_IDX(strstr(got.text, "\r\n\r\nhello") != NULL, i);
		for (size_t k = 0; k < NITEMS(rows[i].has) && rows[i].has[k] != NULL; k++)
			EXPECT_IDX(strstr(f.seen, rows[i].has[k]) != NULL, i);
		for (size_t k = 0; k < NITEMS(rows[i].lacks) && rows[i].lacks[k] != NULL; k++)
			EXPECT_IDX(strstr(f.seen, rows[i].lacks[k]) == NULL, i);
	}
	EXPECT(f.accepted == 1 && f.answered == NITEMS(rows)); /* one kept connection served them all */
	stop(&f);
}

/* OpenEMR's front controller takes its route from a parameter: who sends one would get another route than policy has seen. */
static void
test_request__that_names_another_route__goes_nowhere(void)
{
	static const struct {
		const char *request;
		bool refused;
	} rows[] = {
#define URLENCODED "Content-Type: application/x-www-form-urlencoded\r\n"
#define MULTIPART  "Content-Type: multipart/form-data; boundary=b\r\n"
		{ "GET /a?_REWRITE_COMMAND=default/api/patient HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?x=1&%5fREWRITE%5FCOMMAND=default/api/patient HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?%5F%52%45%57%52%49%54%45%5F%43%4F%4D%4D%41%4E%44=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?.REWRITE+COMMAND=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?_REWRITE%20COMMAND=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?_REWRITE[COMMAND=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?_REWRITE_COMMAND[]=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?%_REWRITE_COMMAND=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a?%5_REWRITE_COMMAND=x HTTP/1.1\r\n" CLOSE "\r\n", true },
		{ "GET /a HTTP/1.1\r\n" CLOSE "Cookie: a=b; _REWRITE_COMMAND=x\r\n\r\n", true },
		{ "POST /a HTTP/1.1\r\n" CLOSE URLENCODED "Content-Length: 24\r\n\r\n_REWRITE_COMMAND=default", true },
		{ "POST /a HTTP/1.1\r\n" CLOSE URLENCODED "Transfer-Encoding: "
		  "chunked\r\n\r\n5\r\na&_RE\r\n6\r\nWRITE%\r\n2\r\n5F\r\n7\r\nCOMMAND\r\n2\r\n=x\r\n0\r\n\r\n",
		    true },
		{ "POST /a HTTP/1.1\r\n" CLOSE MULTIPART "Content-Length: 73\r\n\r\n--b\r\nContent-Disposition: "
		  "form-data; name=\"_REWRITE_COMMAND\"\r\n\r\nx\r\n--b--",
		    true },
		{ "GET /a?REWRITE_COMMAND=x&_REWRITE=COMMAND HTTP/1.1\r\n" CLOSE "\r\n", false },
		{ "GET /_REWRITE_COMMAND?a=%zz%4 HTTP/1.1\r\n" CLOSE "\r\n", false },
		{ "POST /a HTTP/1.1\r\n" CLOSE
		  "Content-Type: application/json\r\nContent-Length: 18\r\n\r\n\"_REWRITE_COMMAND\"",
		    false },
	};
	struct fixture f;
	start(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		f.answered = 0;
		ask(&f, rows[i].request, (struct script){ HELLO, KEEPS });
		EXPECT_IDX(answered(rows[i].refused ? 400 : 200), i);
		EXPECT_IDX(f.answered == (rows[i].refused ? 0u : 1u), i);
	}
	stop(&f);
}

static void
test_answer__is_passed_on_whole_or_is_a_bad_gateway(void)
{
	static const struct {
		const char *method;
		struct script script;
		unsigned status;
		const char *has[2], *lacks[4];
	} rows[] = {
		{ "GET", { HELLO, KEEPS }, 200, { "\r\nContent-Length: 5\r\n", "\r\n\r\nhello" }, { NULL } },
		{ "GET", { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", KEEPS }, 200,
		    { "Transfer-Encoding: chunked\r\n", "hello" }, { "Content-Length" } },
		{ "GET", { "HTTP/1.1 200 OK\r\n\r\nhello", CLOSES }, 200, { "hello", "0\r\n\r\n" }, { NULL } },
		{ "GET", { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" HELLO, KEEPS },
		    200, { "\r\n\r\nhello" }, { "Link", "103" } },
		{ "GET", { "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", KEEPS }, 204, { "X-A: b\r\n" }, { NULL } },
		{ "GET", { "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", KEEPS }, 304, { "ETag: \"x\"\r\n" },
		    { NULL } },
		{ "HEAD", { "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n", KEEPS }, 200,
		    { "Content-Type: a/b\r\n", "Content-Length: 5\r\n" }, { "hello" } },
		{ "GET",
		    { "HTTP/1.1 401 No\r\nServer: Apache\r\nX-Powered-By: PHP\r\nAccess-Control-Allow-Origin: "
		      "*\r\nStrict-Transport-Security: max-age=0\r\nWWW-Authenticate: Bearer\r\nSet-Cookie: "
		      "a=1\r\nContent-Length: 0\r\n\r\n",
		        KEEPS },
		    401, { "WWW-Authenticate: Bearer\r\n", "Set-Cookie: a=1\r\n" },
		    { "Apache", "PHP", "Access-Control", "max-age=0" } },
		{ "GET",
		    { "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: "
		      "0\r\n\r\n",
		        KEEPS },
		    200, { NULL }, { "X-Hop", "timeout=1" } },
		{ "GET",
		    { "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: "
		      "0\r\n\r\n",
		        KEEPS },
		    200, { NULL }, { "X-Hop" } },
		{ "GET", { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" HELLO, KEEPS }, 502, { NULL },
		    { "hello", "Upgrade" } },
		{ "GET", { "HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\nContent-Length: 0\r\n\r\n", KEEPS }, 502, { NULL },
		    { "folded" } },
		{ "GET", { "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", KEEPS }, 502, { NULL },
		    { "hello" } },
		{ "GET", { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CLOSES }, 502,
		    { NULL }, { NULL } },
		{ "GET",
		    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;x=y\r\nhello\r\n0\r\n"
		      "X-T: 1\r\nSet-Cookie: a=b\r\n\r\n",
		        KEEPS },
		    200, { "hello", "\r\n0\r\n\r\n" }, { "X-T", "Set-Cookie", "x=y" } },
		{ "GET", { "garbage\r\n\r\n", KEEPS }, 502, { "OperationOutcome", "transient" }, { "garbage" } },
		{ "GET", { "HTTP/1.1 200 OK\nX: y\n\n", CLOSES }, 502, { "OperationOutcome" }, { NULL } },
		{ "GET", { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", KEEPS },
		    502, { NULL }, { "hello" } },
		{ "GET", { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", KEEPS }, 502,
		    { NULL }, { "hello" } },
		{ "GET", { "HTTP/1.1 200 OK\r\nContent-Le", CLOSES }, 502, { NULL }, { NULL } },
		{ "POST", { "", CLOSES }, 502, { NULL }, { NULL } },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		char text[128];
		start(&f);
		(void)snprintf(text, sizeof text, "%s /a HTTP/1.1\r\n" CLOSE "\r\n", rows[i].method);
		ask(&f, text, rows[i].script);
		EXPECT_IDX(answered(rows[i].status), i);
		for (size_t k = 0; k < NITEMS(rows[i].has) && rows[i].has[k] != NULL; k++)
			EXPECT_IDX(strstr(got.text, rows[i].has[k]) != NULL, i);
		for (size_t k = 0; k < NITEMS(rows[i].lacks) && rows[i].lacks[k] != NULL; k++)
			EXPECT_IDX(strstr(got.text, rows[i].lacks[k]) == NULL, i);
		stop(&f);
	}
}

/* A client must not take half an answer for a whole one. */
static void
test_answer__cut_short__breaks_the_clients_connection(void)
{
	static const struct script rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", CLOSES },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSES },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", CLOSES },
		{ "HTTP/1.1 200 OK\r\n\r\nhello", RESETS },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		start(&f);
		ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n", rows[i]);
		EXPECT_IDX(got.end == FX_RESET || strstr(got.text, "0\r\n\r\n") == NULL, i);
		EXPECT_IDX(f.fx.closed_ok == 0, i);
		stop(&f);
	}
}

static void
test_retry__only_of_a_kept_connection_what_may_be_repeated_and_only_once(void)
{
	static const struct {
		const char *method;
		bool kept;
		unsigned requests; /* that the upstream sees of one that it never answers */
	} rows[] = { { "GET", true, 2 }, { "HEAD", true, 2 }, { "OPTIONS", true, 2 }, { "POST", true, 1 },
		{ "PUT", true, 1 }, { "PATCH", true, 1 }, { "DELETE", true, 1 }, { "GET", false, 1 },
		{ "POST", false, 1 } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		char text[128];
		start(&f);
		if (rows[i].kept)
			ask(&f, "GET /first HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ HELLO, KEEPS });
		f.answered = 0;
		(void)snprintf(text, sizeof text, "%s /a HTTP/1.1\r\n" CLOSE "\r\n", rows[i].method);
		ask(&f, text, (struct script){ "", CLOSES });
		EXPECT_IDX(answered(502) && f.answered == rows[i].requests, i);
		EXPECT_IDX(f.accepted == rows[i].requests, i);
		stop(&f);
	}
}

/* The upstream has closed a kept connection, or said something over it, in the very moment it is wanted: no request goes out over it. */
static void
test_connection__that_spoke_or_ended_while_idle_serves_nobody(void)
{
	static const struct {
		const char *method, *unasked; /* NULL: closed */
	} rows[] = { { "GET", NULL }, { "POST", NULL }, { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" },
		{ "POST", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }, { "GET", "x" } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		char text[128];
		start(&f);
		ask(&f, "GET /first HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ HELLO, KEEPS });
		if (rows[i].unasked == NULL) {
			(void)close(f.conns[0]);
			f.conns[0] = -1;
		} else {
			say(&f, 0, rows[i].unasked);
		}
		(void)snprintf(text, sizeof text, "%s /a HTTP/1.1\r\n" CLOSE "\r\n", rows[i].method);
		ask(&f, text, (struct script){ HELLO, KEEPS });
		EXPECT_IDX(answered(200) && strstr(got.text, "hello") != NULL && strstr(got.text, "evil") == NULL, i);
		EXPECT_IDX(f.answered == 2 && f.accepted == 2, i);
		stop(&f);
	}
}

/* Two answers to one request: the second is nobody's. */
static void
test_answer__with_another_behind_it__does_not_reach_the_next_request(void)
{
	struct fixture f;
	start(&f);
	ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n",
	    (struct script){ HELLO "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", KEEPS });
	EXPECT(answered(200) && strstr(got.text, "evil") == NULL);
	ask(&f, "GET /b HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ HELLO, KEEPS });
	EXPECT(answered(200) && strstr(got.text, "evil") == NULL && f.accepted == 2);
	stop(&f);
}

/* An answer before the request's body is complete is passed on, and the connection is not used again. */
static void
test_answer__before_the_body_is_sent__is_passed_on(void)
{
	static const char *const rows[] = { "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig",
		"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nbig" };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		start(&f);
		ask(&f, "POST /a HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\nabcd",
		    (struct script){ rows[i], i == 1 ? EARLY | CLOSES : EARLY });
		EXPECT_IDX(answered(413) && strstr(got.text, "big") != NULL, i);
		ask(&f, "GET /b HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ HELLO, KEEPS });
		EXPECT_IDX(answered(200) && f.accepted == 2, i);
		stop(&f);
	}
}

/* A head that comes byte by byte costs neither memory nor time: it is parsed when it is complete. */
static void
test_answer__in_single_bytes__is_passed_on(void)
{
	static char text[4096];
	struct fixture f;
	size_t n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "X-%u: abcdefghijklmnop\r\n", i);
	(void)snprintf(text + n, sizeof text - n, "Content-Length: 5\r\n\r\nhello");
	start(&f);
	f.fx.conf.request_arena_bytes = 256 << 10;
	ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ text, SLOW });
	EXPECT(answered(200) && strstr(got.text, "hello") != NULL);
	stop(&f);
}

static void
test_connection__is_kept_unless_the_upstream_closes_it(void)
{
	static const struct {
		struct script first;
		unsigned accepted;
	} rows[] = {
		{ { HELLO, KEEPS }, 1 },
		{ { "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", KEEPS }, 2 },
		{ { HELLO, CLOSES }, 2 }, /* kept, and gone when the next request wants it */
		{ { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", KEEPS }, 2 },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fixture f;
		start(&f);
		ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n", rows[i].first);
		EXPECT_IDX(answered(200), i);
		ask(&f, "GET /b HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ HELLO, KEEPS });
		EXPECT_IDX(answered(200) && f.accepted == rows[i].accepted, i);
		stop(&f);
	}
}

static void
test_upstream__that_is_down_or_silent_is_told_apart(void)
{
	struct fixture f;
	start(&f);
	f.conf_site.upstream.header_ms = 50;
	ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ "", KEEPS });
	EXPECT(answered(504) && strstr(got.text, "timeout") != NULL);
	(void)close(f.listen_fd);
	f.listen_fd = -1;
	ask(&f, "GET /a HTTP/1.1\r\n" CLOSE "\r\n", (struct script){ "", KEEPS });
	EXPECT(answered(502) && !backend_proxy.healthy(&f.site, f.state));
	stop(&f);
}

TESTS(T(test_request__the_upstream_sees_our_word_not_the_clients),
    T(test_request__that_names_another_route__goes_nowhere), T(test_answer__is_passed_on_whole_or_is_a_bad_gateway),
    T(test_answer__cut_short__breaks_the_clients_connection),
    T(test_retry__only_of_a_kept_connection_what_may_be_repeated_and_only_once),
    T(test_connection__that_spoke_or_ended_while_idle_serves_nobody),
    T(test_answer__with_another_behind_it__does_not_reach_the_next_request),
    T(test_answer__before_the_body_is_sent__is_passed_on), T(test_answer__in_single_bytes__is_passed_on),
    T(test_connection__is_kept_unless_the_upstream_closes_it), T(test_upstream__that_is_down_or_silent_is_told_apart))
