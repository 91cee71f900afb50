/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again with its key gets the answer of the first, and
 * writes nothing. Kept in Redis for 24 hours under site, client, user and route; the key's value is only ever hashed. Without Redis a
 * request with a key is refused: its promise could not be kept.                                                            */
#ifndef BACKENDS_DIRECT_ENGINE_IDEMPOTENCY_H
#define BACKENDS_DIRECT_ENGINE_IDEMPOTENCY_H

#include "gateway/base/arena.h"
#include "gateway/loop/step.h"

enum { BODY_HASH_CHARS = 64 };
struct redis_result;
struct request;
struct idempotency {
	/* set by the owner; .r NULL: the route takes no key */
	struct request *r;
	void (*refused)(void *owner, unsigned status, const char *text); /* writes the reply: 400, 409, 422 */
	void *owner;
	const bool *committing; /* the write may have been made: the key is not given back */
	struct str body_hash;   /* hex of SHA-256 of what the answer depends on; .n 0 until a streamed body has come */
	/* own */
	struct str name;                    /* of the Redis key; .n 0: the request has none */
	struct str claim;                   /* its value while this request works on it: known to nobody else */
	struct redis_result *taken, *known; /* answers of SET NX and GET */
	bool held;                          /* perhaps or surely ours, and not answered yet */
};

/* What the steps of a write do, in this order. ask, known: take the key, or read what it has. busy: for streamed bodies, which are read
 * only when there is an answer to compare them with. answer: the kept answer as the reply, or a refusal; STEP_NEXT: go on with the
 * write. remember: the reply is there, and is kept.                                                                        */
enum step idempotency_ask(struct task *t, struct idempotency *i);
enum step idempotency_known(struct task *t, struct idempotency *i);
enum step idempotency_busy(struct task *t, struct idempotency *i);
enum step idempotency_answer(struct task *t, struct idempotency *i);
enum step idempotency_remember(struct task *t, struct idempotency *i);
/* Another request with this key was answered: this one writes nothing. */
bool idempotency_repeated(const struct idempotency *i);

/* As steps of tables whose frame is a struct call (call.h); begin: with what the answer depends on, where that is not the body. */
struct call;
enum step call_key_begin(struct call *c, struct str body);
enum step call_key_ask(struct task *t);
enum step call_key_known(struct task *t);
enum step call_key_answer(struct task *t);
enum step call_key_remember(struct task *t);

#endif
