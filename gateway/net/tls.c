/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of a connection, through OpenSSL or plain: non-blocking read, write, handshake, shutdown. Nothing here knows HTTP.
 * OpenSSL works on the descriptor itself, with read-ahead: one system call per record.                                     */
#include "gateway/net/conn.h"

#include "gateway/crypto/tls_ctx.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

/* SSL_get_error() reads the thread's error queue: what others left there must not be taken for ours. */
static void
queue_clear(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* The meaning of a failed SSL call. wants gets what to wait for. */
static int
tls_failed(struct conn *c, int r, uint8_t *wants)
{
	int why = SSL_get_error(c->ssl, r);
	switch (why) {
	case SSL_ERROR_WANT_READ:
		*wants = LOOP_READ;
		return IO_BLOCKED;
	case SSL_ERROR_WANT_WRITE:
		*wants = LOOP_WRITE;
		return IO_BLOCKED;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF; /* close_notify: the client has finished, and may still listen */
	default:
		ERR_clear_error();
		SSL_set_quiet_shutdown(c->ssl, 1);
		return IO_BROKEN;
	}
}

static ssize_t
plain_result(ssize_t r, uint8_t *wants, uint8_t want)
{
	if (r >= 0)
		return r;
	if (errno != EAGAIN && errno != EINTR)
		return IO_BROKEN;
	*wants = want;
	return IO_BLOCKED;
}

ssize_t
tls_read(struct conn *c, void *p, size_t n)
{
	c->io_wants = LOOP_READ;
	if (c->ssl == NULL) {
		ssize_t r = recv(c->fd, p, n, 0);
		c->readable = r == (ssize_t)n;
		return r == 0 ? IO_EOF : plain_result(r, &c->io_wants, LOOP_READ);
	}
	queue_clear();
	int r = SSL_read(c->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	if (r > 0) {
		/* The socket says nothing of what OpenSSL has already taken from it. */
		c->readable = SSL_has_pending(c->ssl) != 0;
		return r;
	}
	c->readable = false;
	return tls_failed(c, r, &c->io_wants);
}

ssize_t
tls_write(struct conn *c, const void *p, size_t n)
{
	c->write_wants = 0;
	if (c->ssl == NULL)
		return plain_result(send(c->fd, p, n, MSG_NOSIGNAL), &c->write_wants, LOOP_WRITE);
	queue_clear();
	int r = SSL_write(c->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	return r > 0 ? r : tls_failed(c, r, &c->write_wants);
}

/* The SSL object is made when the client's first byte is there: a silent connection costs no more than its struct. */
static int
tls_begin(struct conn *c)
{
	c->ssl = tls_set_ssl_new(c->listener->tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
		ERR_clear_error();
		return -1;
	}
	SSL_set_accept_state(c->ssl);
	SSL_set_mode(
	    c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION);
	/* A stream cut without close_notify is a client that went away, not one that still listens. */
	SSL_clear_options(c->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_set_read_ahead(c->ssl, 1);
	return 0;
}

int
tls_handshake(struct conn *c)
{
	if (c->ssl == NULL && tls_begin(c) != 0)
		return IO_BROKEN;
	queue_clear();
	int r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->readable = SSL_has_pending(c->ssl) != 0;
		c->io_wants = LOOP_READ;
		return 1;
	}
	unsigned long e = ERR_peek_error();
	bool http = ERR_GET_LIB(e) == ERR_LIB_SSL &&
	            (ERR_GET_REASON(e) == SSL_R_HTTP_REQUEST || ERR_GET_REASON(e) == SSL_R_HTTPS_PROXY_REQUEST);
	int why = tls_failed(c, r, &c->io_wants);
	return http ? IO_EOF : why == IO_EOF ? IO_BROKEN : why;
}

void
tls_shutdown(struct conn *c)
{
	if (c->ssl == NULL)
		return;
	queue_clear();
	if (SSL_shutdown(c->ssl) < 0)
		ERR_clear_error();
}
