/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS contexts: the public side's certificates by SNI name with session tickets that all workers can open, and the client side of the
 * proxy. TLS 1.2 and 1.3, ECDHE with AEAD only. RFC 8446, RFC 9325. Not for connections (gateway/net/tls.c).               */
#ifndef GATEWAY_CRYPTO_TLS_CTX_H
#define GATEWAY_CRYPTO_TLS_CTX_H

#include "gateway/base/clock.h"
#include "gateway/base/err.h"

#include <openssl/ssl.h>

struct tls_set;

struct tls_cert {
	struct str name;                         /* SNI name, "*.example.org" for one label; .n 0: for all others */
	struct str certificate, key, passphrase; /* PEM files: chain, key; passphrase .n 0: none */
};
struct tls_set_conf {
	const struct tls_cert *certs;
	size_t n_certs;
	struct str min_version;       /* "1.2" (default) or "1.3" */
	uint32_t ticket_period_s;     /* keys of session tickets change this often; the former period's still open */
	const uint8_t *ticket_secret; /* 32 bytes that all workers share; the set keeps a copy */
	const struct clock *clock;    /* NULL: the system's */
};
/* Reads the files (blocking: start and reload). NULL with e. A new set is a reload: connections keep the old one alive. */
struct tls_set *tls_set_new(const struct tls_set_conf *conf, struct err *e);
void tls_set_free(struct tls_set **s);
/* -1 with e (whose names, which day) when a certificate of the set has ended or has not begun at now_s. */
int tls_set_current(const struct tls_set *s, int64_t now_s, struct err *e) MUSTUSE;
/* A server connection without descriptor; the SNI name chooses the certificate during the handshake. NULL: out of memory. */
SSL *tls_set_ssl_new(struct tls_set *s);

/* Client context: verifies chain and host name against ca (PEM file; .n 0: the system's). */
SSL_CTX *tls_client_ctx_new(struct str ca, struct err *e);
/* A client connection to host: SNI and name check. host is a DNS name or an address. NULL: out of memory. */
SSL *tls_client_ssl_new(SSL_CTX *ctx, const char *host);

#endif
