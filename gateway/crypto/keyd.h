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
	int64_t keep_s;        /* how long a key stays published after its successor began to sign                    */
};
/* Rotation by files, so that nothing needs to be told to anybody: beside PATH stand its successors PATH.{epoch}, each of which signs from
 * that second on. All are published at once when they are loaded (start, reload), hence before they sign; a key whose successor
 * has signed for keep_s is not published any more.                                                                        */
enum { KEYD_SITE_KEYS = 16 };
struct keyd_key_file { /* of one site, oldest first */
	char path[1100], kid[48];
	bool ec;
	int64_t from_s; /* 0: the first one */
	bool signs, published;
};
/* The files of a site and what they are at now_s. -1: one cannot be read (e). For keyd itself and the key command. */
int keyd_key_files(const struct keyd_key *key, int64_t now_s, struct keyd_key_file files[KEYD_SITE_KEYS], size_t *n,
    struct err *e) MUSTUSE;
/* Loads the keys (creates none), then serves the given sockets until all are closed or SIGTERM. Returns the exit status.
 * peer_fds: one end of a socketpair per worker. More peers may come later through control_fd (SCM_RIGHTS), -1: none.       */
int keyd_serve(const struct keyd_key *keys, size_t n_keys, const int *peer_fds, size_t n_peers, int control_fd,
    const struct log *log);
/* Makes a key file (RSA 2048 or EC P-256, PKCS#8, mode 0600, encrypted when there is a passphrase; written whole or not at all; owned like
 * the file like, NULL: as it comes) unless path exists. */
int keyd_key_create(const char *path, bool ec, struct str passphrase, const char *like, struct err *e) MUSTUSE;

/* --- in a worker ----------------------------------------------------------------------------------------------------- */
struct keyd_client;
/* Takes over fd. */
struct keyd_client *keyd_client_new(struct loop *l, int fd);
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
