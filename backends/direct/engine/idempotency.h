/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again with its key gets the answer of the first, and
 * writes nothing. Kept in Redis for 24 hours under site, client, user and route; the key's value is only ever hashed. Without Redis a
 * request with a key is refused: its promise could not be kept.                                                            */
#ifndef BACKENDS_DIRECT_ENGINE_IDEMPOTENCY_H
#define BACKENDS_DIRECT_ENGINE_IDEMPOTENCY_H

#include "gateway/loop/step.h"

struct redis_result;
struct idempotency {
	struct str name;                    /* of the Redis key; .n 0: the request has none */
	struct str body_hash;               /* hex */
	struct redis_result *taken, *known; /* answers of SET NX and GET */
	bool held;                          /* ours, and not answered yet */
};
/* Steps of a create table; the frame is the call. ask, known: before the body is read. remember: when the answer is there. */
enum step idempotency_ask(struct task *t);
enum step idempotency_known(struct task *t);
enum step idempotency_answer(struct task *t);
enum step idempotency_remember(struct task *t);

#endif
