/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pool of connections to an upstream. */
#include "backends/proxy/upstream.h"

#include "gateway/base/uri.h"
#include "gateway/crypto/tls_ctx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, QUEUE_MAX = 4096, OUT_MAX = 4 << 20, HOST_MAX = 256 };
enum state { CONNECTING, HANDSHAKE, OPEN };

struct upstream_conn {
	struct upstream *pool;
	struct list link;           /* idle list */
	struct upstream_user *user; /* NULL: idle */
	enum state state;
	int fd;
	SSL *ssl;
	struct loop_io *io;
	struct loop_timer *timer; /* connect, idle */
	struct buf in, out;
	struct loop_defer flush; /* small pieces of a turn go together */
	bool paused, reused, read_wants_write, write_wants_read, held, full;
	bool mute; /* it takes no more of the request, and may still answer */
	bool delivering, put,
	    put_reuse; /* put while its bytes are with the user: settled when the user has said how many it took */
};
struct upstream {
	struct loop *loop;
	const struct conf_upstream *conf;
	SSL_CTX *tls;
	struct str host;
	char host_name[HOST_MAX];
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr;
	socklen_t addr_n;
	struct list idle, queue;
	unsigned n_conns, n_queue;
	bool healthy, closing;
};

/* --- address ------------------------------------------------------------------------------------------------------------------ */

static int
address_make(struct upstream *u, struct err *e)
{
	struct str url = u->conf->url;
	struct uri parts;
	if (str_starts(url, STR("unix:"))) {
		u->addr.un.sun_family = AF_UNIX;
		u->addr_n = sizeof u->addr.un;
		u->host = u->conf->host.n > 0 ? u->conf->host : STR("localhost");
		return str_cstr(str_skip(url, 5), u->addr.un.sun_path, sizeof u->addr.un.sun_path) == 0
		           ? 0
		           : ERR(e, E_CONFIG, "upstream.url: path too long");
	}
	if (uri_parse(url, &parts, e) != 0 || str_cstr(parts.host, u->host_name, sizeof u->host_name) != 0)
		return ERR(e, E_CONFIG, "upstream.url cannot be read");
	bool https = str_ieq(parts.scheme, STR("https"));
	uint16_t port = htons((uint16_t)(parts.port != 0 ? parts.port : https ? 443 : 80));
	const char *numeric = strcmp(u->host_name, "localhost") == 0 ? "127.0.0.1" : u->host_name;
	if (inet_pton(AF_INET, numeric, &u->addr.in.sin_addr) == 1) {
		u->addr.in.sin_family = AF_INET;
		u->addr.in.sin_port = port;
		u->addr_n = sizeof u->addr.in;
	} else if (inet_pton(AF_INET6, numeric, &u->addr.in6.sin6_addr) == 1) {
		u->addr.in6.sin6_family = AF_INET6;
		u->addr.in6.sin6_port = port;
		u->addr_n = sizeof u->addr.in6;
	} else {
		return ERR(e, E_CONFIG,
		    "upstream.url: a numeric address or localhost (a resolver would block); set upstream.host for the "
		    "name");
	}
	u->host = u->conf->host.n > 0 ? u->conf->host : str_of(u->host_name);
	if (https && (u->tls = tls_client_ctx_new(u->conf->tls_ca, e)) == NULL)
		return -1;
	return 0;
}

/* --- bytes ---------------------------------------------------------------------------------------------------------------------- */

enum { IO_BLOCKED = -1, IO_BROKEN = -2 };

static ssize_t
ssl_result(struct upstream_conn *c, int r, bool *other, bool reading)
{
	*other = false;
	if (r > 0)
		return r;
	int why = SSL_get_error(c->ssl, r);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
		*other = (why == SSL_ERROR_WANT_WRITE) == reading;
		return IO_BLOCKED;
	}
	ERR_clear_error();
	return why == SSL_ERROR_ZERO_RETURN ? 0 : IO_BROKEN;
}

static ssize_t
conn_recv(struct upstream_conn *c, char *p, size_t n)
{
	if (c->ssl != NULL)
		return ssl_result(c, SSL_read(c->ssl, p, (int)n), &c->read_wants_write, true);
	ssize_t r = recv(c->fd, p, n, 0);
	return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? IO_BLOCKED : IO_BROKEN;
}

static ssize_t
conn_send(struct upstream_conn *c, const char *p, size_t n)
{
	if (c->ssl != NULL)
		return ssl_result(c, SSL_write(c->ssl, p, (int)MIN(n, (size_t)INT32_MAX)), &c->write_wants_read, false);
	ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL);
	return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? IO_BLOCKED : IO_BROKEN;
}

/* What to wait for. Changing it costs a system call, so reading stays on through a pause until something comes within it (held), and
 * writing is asked for only when the socket was full (full).                                                               */
static void
interest(struct upstream_conn *c)
{
	unsigned want = 0;
	if (c->state != OPEN) {
		want = c->state == CONNECTING || c->read_wants_write ? LOOP_WRITE : LOOP_READ;
	} else {
		c->held = c->held && c->paused;
		if (!c->held || c->write_wants_read)
			want |= LOOP_READ;
		if (c->full || c->read_wants_write)
			want |= LOOP_WRITE;
	}
	loop_io_interest(c->io, want);
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

static void pool_serve(struct upstream *u);

static void
conn_close(struct upstream_conn *c)
{
	list_del(&c->link);
	c->pool->n_conns--;
	loop_defer_cancel(c->pool->loop, &c->flush);
	loop_io_free(&c->io);
	loop_timer_free(&c->timer);
	if (c->ssl != NULL) {
		SSL_set_quiet_shutdown(c->ssl, 1);
		(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	ERR_clear_error();
	(void)close(c->fd);
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

static void
conn_broken(struct upstream_conn *c, enum upstream_end how)
{
	struct upstream_user *user = c->user;
	struct upstream *u = c->pool;
	if (how == UPSTREAM_UNREACHED)
		u->healthy = false;
	conn_close(c);
	if (user != NULL) {
		loop_defer_cancel(u->loop, &user->defer); /* ready() is not called any more */
		user->conn = NULL;
		user->broken(user, how);
	}
	pool_serve(u);
}

static void
conn_flush(struct upstream_conn *c)
{
	size_t before = c->out.n;
	c->full = false;
	while (c->out.n > 0 && !c->mute) {
		ssize_t n = conn_send(c, c->out.p, c->out.n);
		if (n == IO_BLOCKED) {
			c->full = !c->write_wants_read;
			break;
		}
		c->mute = n <= 0;
		if (n > 0)
			buf_consume(&c->out, (size_t)n);
	}
	c->mute |= !buf_ok(&c->out); /* a piece is missing: nothing behind it may follow */
	if (c->mute)
		buf_clear(&c->out);
	if (before > UPSTREAM_LOW_WATER && c->out.n <= UPSTREAM_LOW_WATER && c->user != NULL)
		c->user->drained(c->user);
}

/* The user has left: back to the pool, or closed. */
static void
conn_settle(struct upstream_conn *c, bool reuse)
{
	struct upstream *u = c->pool;
	c->put = false;
	if (!reuse || c->mute || c->in.n > 0 || c->out.n > 0 || c->state != OPEN) {
		conn_close(c);
	} else {
		c->reused = true;
		c->paused = false;
		interest(c);
		list_add(u->idle.next, &c->link); /* the freshest first */
		loop_timer_set(c->timer, u->conf->idle_ms);
	}
	pool_serve(u);
}

/* Gives what came to the user. False: the connection changed hands or is gone. */
static bool
conn_deliver(struct upstream_conn *c)
{
	while (c->user != NULL && !c->delivering && !c->paused && c->in.n > 0) {
		size_t used = 0;
		c->delivering = true;
		c->user->readable(c->user, buf_str(&c->in), &used);
		c->delivering = false;
		buf_consume(&c->in, used);
		if (c->put) {
			conn_settle(c, c->put_reuse);
			return false;
		}
		if (used == 0)
			break;
	}
	return true;
}

static void
conn_read(struct upstream_conn *c)
{
	for (int turns = 0; turns < 8 && !c->paused; turns++) {
		char *room = buf_room(&c->in, READ_BYTES);
		ssize_t n = room == NULL ? IO_BROKEN : conn_recv(c, room, READ_BYTES);
		if (n == IO_BLOCKED)
			break;
		if (n <= 0 || c->user == NULL) { /* bytes or an end while idle: this connection is no good */
			conn_broken(c, n == 0 ? UPSTREAM_CLOSED : UPSTREAM_BROKEN);
			return;
		}
		c->in.n += (size_t)n;
		if (!conn_deliver(c))
			return;
		if ((size_t)n < READ_BYTES && c->ssl == NULL)
			break;
	}
	interest(c);
}

static void
conn_open_done(struct upstream_conn *c)
{
	c->state = OPEN;
	c->pool->healthy = true;
	loop_timer_clear(c->timer);
	if (c->user != NULL)
		c->user->ready(c->user, c);
}

static int
conn_progress(struct upstream_conn *c)
{
	int why = 0;
	socklen_t n = sizeof why;
	if (c->state == CONNECTING) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0 || why != 0)
			return -1;
		c->state = HANDSHAKE;
		if (c->pool->tls != NULL) {
			char name[HOST_MAX];
			if (str_cstr(c->pool->host, name, sizeof name) != 0 ||
			    (c->ssl = tls_client_ssl_new(c->pool->tls, name)) == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
				return -1;
		}
	}
	if (c->ssl != NULL) {
		bool other;
		ssize_t r = ssl_result(c, SSL_do_handshake(c->ssl), &other, true);
		c->read_wants_write = other;
		if (r == IO_BLOCKED)
			return 0;
		if (r <= 0)
			return -1;
		c->read_wants_write = false;
	}
	conn_open_done(c);
	return 0;
}

static void
conn_ready(int fd, unsigned ready, void *arg)
{
	struct upstream_conn *c = arg;
	(void)fd;
	if (c->state != OPEN) {
		if (conn_progress(c) != 0)
			conn_broken(c, UPSTREAM_UNREACHED);
		else
			interest(c);
		return;
	}
	if ((ready & LOOP_WRITE) || c->write_wants_read)
		conn_flush(c);
	c->held |= (ready & LOOP_READ) != 0 && c->paused;
	if ((ready & LOOP_READ) || c->read_wants_write)
		conn_read(c);
	else
		interest(c);
}

static void
flush_now(void *arg)
{
	struct upstream_conn *c = arg;
	if (c->state == OPEN)
		conn_flush(c);
	interest(c);
}

static void
conn_timer(void *arg)
{
	struct upstream_conn *c = arg;
	conn_broken(
	    c, c->state != OPEN ? UPSTREAM_UNREACHED : UPSTREAM_CLOSED); /* connecting too long, or idle for too long */
}

static struct upstream_conn *
conn_new(struct upstream *u)
{
	struct upstream_conn *c = calloc(1, sizeof *c);
	int on = 1;
	if (c == NULL)
		return NULL;
	c->pool = u;
	list_init(&c->link);
	c->fd = socket(u->addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && u->addr.any.sa_family != AF_UNIX)
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	bool ok = c->fd >= 0 && (connect(c->fd, &u->addr.any, u->addr_n) == 0 || errno == EINPROGRESS);
	c->timer = ok ? loop_timer_new(u->loop, conn_timer, c) : NULL;
	c->io = c->timer == NULL ? NULL : loop_io_new(u->loop, c->fd, LOOP_WRITE, conn_ready, c);
	if (c->io == NULL) {
		loop_timer_free(&c->timer);
		if (c->fd >= 0)
			(void)close(c->fd);
		free(c);
		return NULL;
	}
	buf_init(&c->in, NULL, READ_BYTES, 1 << 20);
	buf_init(&c->out, NULL, READ_BYTES, OUT_MAX);
	loop_timer_set(c->timer, u->conf->connect_ms);
	u->n_conns++;
	return c;
}

/* --- the pool ------------------------------------------------------------------------------------------------------------------------ */

static void
give(struct upstream_user *user, struct upstream_conn *c)
{
	c->user = user;
	user->conn = c;
	user->reused = c->reused;
	c->paused = false;
	list_del(&c->link);
	if (c->state == OPEN)
		loop_timer_clear(c->timer);
}

static void
ready_now(void *arg)
{
	struct upstream_user *user = arg;
	if (user->conn != NULL)
		user->ready(user, user->conn);
	else
		user->broken(user, UPSTREAM_UNREACHED);
}

/* Has something come over an idle connection that the loop has not seen yet? What came unasked would be taken for the next request's answer: somebody
 * else's data. And one that was closed would fail it.                                                                      */
static bool
conn_stale(struct upstream_conn *c)
{
	char byte;
	bool other;
	if (c->ssl != NULL)
		return ssl_result(c, SSL_peek(c->ssl, &byte, 1), &other, true) != IO_BLOCKED;
	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* Serves the queue: an idle connection, or a new one while there may be more. */
static void
pool_serve(struct upstream *u)
{
	while (!u->closing && !list_empty(&u->queue)) {
		struct upstream_user *user = LIST_FRONT(&u->queue, struct upstream_user, link);
		struct upstream_conn *c = LIST_FIRST(&u->idle, struct upstream_conn, link);
		if (c != NULL && conn_stale(c)) {
			conn_close(c);
			continue;
		}
		if (c == NULL && u->n_conns >= MAX(u->conf->connections_max, 1u))
			return;
		list_del(&user->link);
		u->n_queue--;
		if (c != NULL) {
			give(user, c);
			loop_defer(u->loop, &user->defer, ready_now, user);
			continue;
		}
		c = conn_new(u);
		if (c == NULL) {
			u->healthy = false;
			loop_defer(u->loop, &user->defer, ready_now, user);
			continue;
		}
		give(user, c);
	}
}

int
upstream_get(struct upstream *u, struct upstream_user *user, bool fresh)
{
	user->pool = u;
	user->conn = NULL;
	user->reused = false;
	list_init(&user->link);
	if (u->n_queue >= QUEUE_MAX)
		return -1;
	if (fresh) { /* a kept connection had died: do not try the next of the same age */
		while (!list_empty(&u->idle))
			conn_close(LIST_FRONT(&u->idle, struct upstream_conn, link));
	}
	list_add(&u->queue, &user->link);
	u->n_queue++;
	pool_serve(u);
	return 0;
}

void
upstream_put(struct upstream_user *user, bool reuse)
{
	struct upstream *u = user->pool;
	struct upstream_conn *c = user->conn;
	if (u == NULL)
		return;
	loop_defer_cancel(u->loop, &user->defer);
	if (!list_empty(&user->link)) {
		list_del(&user->link);
		u->n_queue--;
	}
	user->conn = NULL;
	user->pool = NULL;
	if (c == NULL)
		return;
	c->user = NULL;
	if (c->delivering) {
		c->put = true;
		c->put_reuse = reuse;
		return;
	}
	conn_settle(c, reuse);
}

size_t
upstream_write(struct upstream_user *user, struct str bytes)
{
	struct upstream_conn *c = user->conn;
	if (c == NULL || c->mute)
		return 0;
	buf_str_put(&c->out, bytes);
	if (!c->flush.pending && !c->full)
		loop_defer(c->pool->loop, &c->flush, flush_now, c);
	return c->out.n;
}

void
upstream_read_pause(struct upstream_user *user, bool pause)
{
	if (user->conn == NULL)
		return;
	user->conn->paused = pause;
	interest(user->conn);
	if (!pause && conn_deliver(user->conn) && user->conn != NULL)
		interest(user->conn);
}

struct upstream *
upstream_new(struct loop *l, const struct conf_upstream *conf, struct err *e)
{
	struct upstream *u = calloc(1, sizeof *u);
	if (u == NULL) {
		(void)ERR(e, E_MEMORY, "upstream");
		return NULL;
	}
	u->loop = l;
	u->conf = conf;
	u->healthy = true;
	list_init(&u->idle);
	list_init(&u->queue);
	if (address_make(u, e) != 0)
		upstream_free(&u);
	return u;
}

void
upstream_free(struct upstream **up)
{
	struct upstream *u = *up;
	*up = NULL;
	if (u == NULL)
		return;
	u->closing = true;
	while (!list_empty(&u->idle))
		conn_close(LIST_FRONT(&u->idle, struct upstream_conn, link));
	SSL_CTX_free(u->tls);
	free(u);
}

bool
upstream_healthy(const struct upstream *u)
{
	return u->healthy;
}

struct str
upstream_host(const struct upstream *u)
{
	return u->host;
}
