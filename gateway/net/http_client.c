/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A call: resolve, check, connect, handshake, write, read to the end. */
#include "gateway/net/http_client.h"

#include "gateway/base/text.h"
#include "gateway/base/uri.h"
#include "gateway/crypto/tls_ctx.h"
#include "gateway/loop/resolve.h"
#include "gateway/net/http_body.h"
#include "gateway/net/public_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HOST_MAX = 256,
	READ_BYTES = 8 << 10,
	HEAD_MAX = 16 << 10,
	OUT_MAX = 64 << 10,
	HTTPS_PORT = 443,
	DOWN_MS = 1000
};

struct http_client {
	struct loop *loop;
	SSL_CTX *tls;
	struct resolver *resolver;
	struct http_client_conf conf;
};
struct call {
	struct http_client *client;
	struct task *task; /* waits for it */
	struct http_answer *answer;
	size_t answer_max;
	struct resolve *resolve;
	char host[HOST_MAX];
	uint16_t port;
	int fd;
	SSL *ssl;
	struct loop_io *io;
	bool connected, shaken;
	uint8_t addrs[RESOLVE_MAX][RESOLVE_ADDR];
	size_t n_addrs, next;
	struct buf out, in;
};

static void
call_drop(struct call *c)
{
	resolve_cancel(&c->resolve);
	loop_io_free(&c->io);
	if (c->ssl != NULL) {
		SSL_set_quiet_shutdown(c->ssl, 1);
		(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	ERR_clear_error();
	if (c->fd >= 0)
		(void)close(c->fd);
	buf_done(&c->out);
	buf_done(&c->in);
	free(c);
}

static void
call_end(struct call *c, const char *why)
{
	struct task *t = c->task;
	c->answer->why = why;
	call_drop(c);
	wait_wake(t->wait);
}

static void
call_cancel(void *op)
{
	struct call *c = op;
	c->answer->why = "no answer in time";
	call_drop(c);
}
static const struct wait_ops call_ops = { "outbound call", call_cancel };

/* --- the answer ------------------------------------------------------------------------------------------------------------------- */

static int
body_read(struct call *c, const struct http_head *head, bool ended, struct buf *body)
{
	struct http_body b;
	struct str in = { c->in.p + head->bytes, c->in.n - head->bytes }, piece;
	if (head->chunked)
		http_body_chunked(&b);
	else if (head->has_length)
		http_body_length(&b, head->content_length);
	else
		http_body_until_close(&b);
	for (;;) {
		size_t used = 0;
		switch (http_body_feed(&b, in, &used, &piece)) {
		case HTTP_BODY_DATA:
			buf_str_put(body, piece);
			in = str_skip(in, used);
			if (!buf_ok(body))
				return -1;
			break;
		case HTTP_BODY_MORE:
			return ended ? (head->chunked || head->has_length ? -1 : 1) : 0;
		case HTTP_BODY_END:
			return 1;
		case HTTP_BODY_BAD:
			return -1;
		}
	}
}

/* 1: whole, 0: more must come, -1: no good (*why). */
static int
answer_read(struct call *c, bool ended, const char **why)
{
	static const struct http_limits limits = { HEAD_MAX, HEAD_MAX, 100 };
	struct arena *a = c->task->arena;
	struct http_refusal refusal;
	struct http_head head = { 0 };
	struct buf body;
	*why = "answer cannot be read";
	switch (http_response_parse(a, buf_str(&c->in), &limits, false, &head, &refusal)) {
	case HTTP_PARSED:
		break;
	case HTTP_NEED_MORE:
		return ended ? -1 : 0;
	case HTTP_REFUSED:
		return -1;
	}
	buf_init(&body, a, 4096, c->answer_max);
	int rc = body_read(c, &head, ended, &body);
	if (!buf_ok(&body))
		*why = "answer too large";
	if (rc == 1) {
		c->answer->status = head.status;
		c->answer->body = buf_str(&body);
		*why = NULL;
	}
	return rc;
}

static void connect_next(struct call *c);

/* --- the connection ------------------------------------------------------------------------------------------------------------------ */

/* True: goes on later. */
static bool
blocked(struct call *c, int r)
{
	int why = SSL_get_error(c->ssl, r);
	ERR_clear_error();
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	loop_io_interest(c->io, why == SSL_ERROR_WANT_WRITE ? LOOP_WRITE : LOOP_READ);
	return true;
}

static bool
call_connected(struct call *c)
{
	int why = 0;
	socklen_t n = sizeof why;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0) {
		connect_next(c);
		return false;
	}
	c->connected = true;
	c->ssl = tls_client_ssl_new(c->client->tls, c->host);
	if (c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1)
		return true;
	call_end(c, "out of memory");
	return false;
}

/* The answer is looked at only when no more may come within reason: at the end of the stream, or when it is whole. */
static void
call_read(struct call *c)
{
	for (;;) {
		char *room = buf_room(&c->in, READ_BYTES);
		int n = room == NULL ? 0 : SSL_read(c->ssl, room, READ_BYTES);
		const char *why;
		if (room == NULL) {
			call_end(c, "answer too large");
			return;
		}
		if (n > 0)
			c->in.n += (size_t)n;
		else if (blocked(c, n))
			return;
		int rc = answer_read(c, n <= 0, &why);
		if (rc != 0) {
			call_end(c, why);
			return;
		}
	}
}

static void
call_ready(int fd, unsigned ready, void *arg)
{
	struct call *c = arg;
	(void)fd;
	(void)ready;
	if (!c->connected && !call_connected(c))
		return;
	if (!c->shaken) {
		int r = SSL_do_handshake(c->ssl);
		if (r != 1) {
			if (!blocked(c, r))
				call_end(c, "TLS handshake or certificate");
			return;
		}
		c->shaken = true;
	}
	while (c->out.n > 0) {
		int n = SSL_write(c->ssl, c->out.p, (int)c->out.n);
		if (n <= 0) {
			if (!blocked(c, n))
				call_end(c, "connection lost");
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	call_read(c);
}

static bool
may_call(const struct http_client *c, const uint8_t addr[16])
{
	return address_is_public(addr) || (c->conf.allowed != NULL && c->conf.allowed(c->conf.ctx, addr));
}

static bool
is_v4(const uint8_t *addr)
{
	struct in6_addr in6;
	memcpy(in6.s6_addr, addr, sizeof in6.s6_addr);
	return IN6_IS_ADDR_V4MAPPED(&in6);
}

/* The next address to which a connection can begin; the end of the call when there is none left. */
static void
connect_next(struct call *c)
{
	loop_io_free(&c->io);
	while (c->next < c->n_addrs) {
		const uint8_t *addr = c->addrs[c->next++];
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(c->port) };
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(c->port) };
		bool v4 = is_v4(addr);
		memcpy(in6.sin6_addr.s6_addr, addr, RESOLVE_ADDR);
		memcpy(&in.sin_addr, addr + 12, sizeof in.sin_addr);
		if (c->fd >= 0)
			(void)close(c->fd);
		c->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		const struct sockaddr *to = v4 ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;
		if (c->fd < 0 || (connect(c->fd, to, v4 ? sizeof in : sizeof in6) != 0 && errno != EINPROGRESS))
			continue;
		c->io = loop_io_new(c->client->loop, c->fd, LOOP_WRITE, call_ready, c);
		if (c->io != NULL)
			return;
	}
	call_end(c, "cannot connect");
}

/* Each address is checked before one is used, and the connection goes to what was checked: a name with one forbidden address is refused
 * whole. v4 first: where v6 leads nowhere nobody tells.                                                                    */
static void
resolved(void *arg, const uint8_t (*addrs)[RESOLVE_ADDR], size_t n)
{
	struct call *c = arg;
	c->resolve = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!may_call(c->client, addrs[i])) {
			call_end(c, "address not allowed");
			return;
		}
	}
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++)
			if (is_v4(addrs[i]) == (pass == 0))
				memcpy(c->addrs[c->n_addrs++], addrs[i], RESOLVE_ADDR);
	if (n == 0)
		call_end(c, "host name not found");
	else
		connect_next(c);
}

/* --- the request ---------------------------------------------------------------------------------------------------------------------- */

static int
request_write(struct call *c, const struct http_ask *ask, const struct uri *u)
{
	struct str path = u->path.n > 0 ? u->path : STR("/");
	bool post = ask->content_type.n > 0;
	buf_str_put(&c->out, post ? STR("POST ") : STR("GET "));
	buf_str_put(&c->out, path);
	if (u->query.p != NULL) {
		buf_char(&c->out, '?');
		buf_str_put(&c->out, u->query);
	}
	buf_lit(&c->out, " HTTP/1.1\r\nHost: ");
	buf_printf(&c->out, u->ipv6 ? "[%s]" : "%s", c->host);
	if (c->port != HTTPS_PORT)
		buf_printf(&c->out, ":%u", c->port);
	buf_lit(&c->out, "\r\nConnection: close\r\nUser-Agent: gatehouse\r\n");
	if (ask->accept.n > 0)
		http_field_put(&c->out, STR("Accept"), ask->accept);
	if (post) {
		http_field_put(&c->out, STR("Content-Type"), ask->content_type);
		buf_printf(&c->out, "Content-Length: %zu\r\n", ask->body.n);
	}
	buf_lit(&c->out, "\r\n");
	buf_str_put(&c->out, post ? ask->body : STR(""));
	return buf_ok(&c->out) ? 0 : -1;
}

static void
refused_cancel(void *op)
{
	(void)op;
}
static const struct wait_ops refused_ops = { "outbound call refused", refused_cancel };

static enum step
refused(struct task *t, struct http_answer *answer, const char *why)
{
	struct wait *w = wait_begin(t, &refused_ops, NULL, DOWN_MS);
	answer->why = why;
	if (w == NULL)
		return STEP_FAIL;
	wait_wake(w);
	return STEP_WAIT;
}

enum step
http_client_call(struct task *t, struct http_client *client, const struct http_ask *ask, struct http_answer **out)
{
	struct uri u;
	struct err e = { 0 };
	struct http_answer *answer = *out = ARENA_NEW(t->arena, struct http_answer);
	if (answer == NULL)
		return STEP_FAIL;
	if (uri_parse(ask->url, &u, &e) != 0 || !str_ieq(u.scheme, STR("https")) || u.userinfo.p != NULL ||
	    u.fragment.p != NULL || u.host.n == 0)
		return refused(t, answer, "no https URL");
	struct call *c = calloc(1, sizeof *c);
	if (c == NULL)
		return STEP_FAIL;
	*c = (struct call){ .client = client, .task = t, .answer = answer, .answer_max = ask->answer_max, .fd = -1 };
	c->port = (uint16_t)(u.port != 0 ? u.port : HTTPS_PORT);
	buf_init(&c->out, NULL, 1024, OUT_MAX);
	buf_init(&c->in, NULL, READ_BYTES, HEAD_MAX + 2 * ask->answer_max + READ_BYTES);
	if (str_cstr(u.host, c->host, sizeof c->host) != 0 || request_write(c, ask, &u) != 0) {
		call_drop(c);
		return refused(t, answer, "URL too long");
	}
	if (wait_begin(t, &call_ops, c, ask->deadline_ms) == NULL) {
		call_drop(c);
		return STEP_FAIL;
	}
	c->resolve = resolve_begin(client->resolver, c->host, resolved, c);
	if (c->resolve == NULL)
		call_end(c, "out of memory");
	return STEP_WAIT;
}

struct http_client *
http_client_new(struct loop *l, const struct http_client_conf *conf, struct err *e)
{
	struct http_client *c = calloc(1, sizeof *c);
	if (c == NULL) {
		(void)ERR(e, E_MEMORY, "outbound client");
		return NULL;
	}
	c->loop = l;
	c->conf = *conf;
	c->tls = tls_client_ctx_new(conf->tls_ca, e);
	c->resolver = c->tls == NULL ? NULL : resolver_new(l);
	if (c->resolver == NULL)
		http_client_free(&c);
	return c;
}

void
http_client_free(struct http_client **cp)
{
	struct http_client *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	resolver_free(&c->resolver);
	SSL_CTX_free(c->tls);
	free(c);
}
