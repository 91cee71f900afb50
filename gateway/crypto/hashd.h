/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hashd: processes that check and make password hashes, off the event loop (bcrypt cost 10 takes 50 ms). Passwords cross the
 * socketpair and are wiped on both sides. Bounded queue: more than queue_max waiting requests are refused at once, so that a
 * storm of logins cannot pile up.                                                                                          */
#ifndef GATEWAY_CRYPTO_HASHD_H
#define GATEWAY_CRYPTO_HASHD_H

#include "gateway/base/log.h"
#include "gateway/base/secret.h"
#include "gateway/loop/step.h"

/* Serves until all peers are closed or SIGTERM; low scheduling priority. control_fd: as keyd_serve(). Returns the exit status. */
int hashd_serve(const int *peer_fds, size_t n_peers, int control_fd, const struct log *log);

struct hashd_client;
/* Takes over fd; lives as long as the worker. queue_max: requests under way. NULL: out of memory. */
struct hashd_client *hashd_client_new(struct loop *l, int fd, unsigned queue_max);
bool hashd_client_healthy(const struct hashd_client *c); /* as keyd_client_healthy() */

enum hash_verdict {
	HASH_MATCH,
	HASH_MISMATCH,
	HASH_INVALID, /* the stored text is no accepted hash (contract oauth2.md 6.4) */
	HASH_BUSY,    /* queue full: 503 */
	HASH_DOWN
};
enum hash_algo { HASH_BCRYPT, HASH_ARGON2I, HASH_ARGON2ID, HASH_SHA512 };
struct hash_params { /* for new hashes and for "needs rehash"; gbl_auth_* globals */
	enum hash_algo algo;
	unsigned bcrypt_cost, argon_memory_kib, argon_time, argon_threads, sha512_rounds;
};
struct hashd_result {
	enum hash_verdict verdict;
	bool outdated;   /* matched, but algorithm or cost differ from params */
	struct str hash; /* hashd_make: the new hash; arena memory */
};
/* Checks password against stored. An empty stored runs against a dummy hash of params, so that unknown users take the same time, and
 * answers HASH_MISMATCH. bcrypt sees 72 bytes, as PHP.                                                                     */
enum step hashd_verify(struct task *t, struct hashd_client *c, struct secret password, struct str stored,
    const struct hash_params *params, struct hashd_result **out);
enum step hashd_make(struct task *t, struct hashd_client *c, struct secret password, const struct hash_params *params,
    struct hashd_result **out);
/* Asks a directory instead: a simple bind as dn (gateway/crypto/ldap_bind.h). HASH_DOWN: no answer in time. */
enum step hashd_ldap(struct task *t, struct hashd_client *c, struct secret password, struct str host, struct str dn,
    struct str ca, struct hashd_result **out);

#endif
