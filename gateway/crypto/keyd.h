/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyd: the process that holds the signing keys and answers a table of messages, and the worker's side of it. hashd has the same
 * shape (hashd.h). Frames on a SOCK_STREAM socketpair: u32 length, u32 id, u8 type, payload; a frame over its row's cap or
 * not permitted now ends the connection. The address space that parses foreign bytes never holds a private signing key.    */
#ifndef GATEWAY_CRYPTO_KEYD_H
#define GATEWAY_CRYPTO_KEYD_H

#include "gateway/base/log.h"
#include "gateway/loop/step.h"

/* --- in the keyd process --------------------------------------------------------------------------------------------- */
struct keyd_key {
	struct str site;       /* site name                                                                           */
	struct str pem_path;   /* PEM private key (PKCS#8, may be encrypted)                                          */
	struct str passphrase; /* .n 0: none                                                                          */
};
/* Loads the keys (creates none), then serves the given sockets until all are closed or SIGTERM. Returns the exit status.
 * peer_fds: one end of a socketpair per worker. More peers may come later through control_fd (SCM_RIGHTS), -1: none.       */
int keyd_serve(const struct keyd_key *keys, size_t n_keys, const int *peer_fds, size_t n_peers, int control_fd,
    const struct log *log);
/* Makes a key file (RSA 2048 or EC P-256, PKCS#8, mode 0600, written whole or not at all) unless path exists. */
int keyd_key_create(const char *path, bool ec, struct err *e) MUSTUSE;

/* --- in a worker ----------------------------------------------------------------------------------------------------- */
struct keyd_client;
/* Takes over fd. */
struct keyd_client *keyd_client_new(struct loop *l, int fd);
void keyd_client_free(struct keyd_client **c);
/* Closed or broken: signing answers E_UNAVAILABLE until the worker is replaced. */
bool keyd_client_healthy(const struct keyd_client *c);

struct keyd_result {
	int status;     /* 0 or -1 (reason in task->err) */
	struct str jwt; /* KEYD_SIGN_JWT: compact serialization; arena memory */
};
/* Signs header.payload with the site's present key. claims: JSON object text. typ: "JWT" or "at+jwt". The header gets alg, typ, kid.
 * RFC 7515 7.1.                                                                                                            */
enum step keyd_sign_jwt(struct task *t, struct keyd_client *c, struct str site, struct str typ, struct str claims,
    struct keyd_result **out);
/* Public keys of a site as JWKS text (kid, alg, use, kty ...), fetched once when the worker starts (blocking, before the loop runs).
 * *out is malloc memory of the caller.                                                                                     */
int keyd_fetch_jwks(int fd, struct str site, char **out, struct err *e) MUSTUSE;

#endif
