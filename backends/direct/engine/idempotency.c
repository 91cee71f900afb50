/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One Redis key per Idempotency-Key: "{hash of the body}" while the first request is worked on, hash, status, type, length of
 * the fields, fields and body behind it. A request that ends without having written gives the key back; one whose commit had begun keeps it, since its outcome is
 * not known: a retry is told so.                                                                                           */
#include "backends/direct/engine/idempotency.h"

#include "backends/direct/engine/call.h"
#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"
#include "gateway/store/redis.h"

enum { KEY_CHARS_MAX = 255, KEPT_BODY_MAX = 64 << 10, HASH_CHARS = 2 * SHA256_LEN };
#define KEPT_S STR("86400")

static struct str
sha256_hex(struct arena *a, struct str s)
{
	uint8_t hash[SHA256_LEN];
	struct buf hex;
	sha256(s, hash);
	buf_init(&hex, a, HASH_CHARS + 1, HASH_CHARS + 1);
	hex_put(&hex, hash, sizeof hash);
	return buf_ok(&hex) ? buf_str(&hex) : STR_NULL;
}

/* Gives the key back when the request ends without an answer that counts. Runs when the request's memory goes, whatever the reason. */
static void
key_release(void *arg)
{
	struct call *c = arg;
	if (!c->idempotency.held || c->committing)
		return;
	const struct str argv[] = { STR("DEL"), c->idempotency.name };
	redis_send(c->r->worker->redis, argv, NITEMS(argv));
}

enum step
idempotency_ask(struct task *t)
{
	struct call *c = task_frame(t);
	struct idempotency *i = &c->idempotency;
	struct str key = http_field(c->r->x->head, HTTP_F_IDEMPOTENCY_KEY);
	if (key.n == 0)
		return STEP_NEXT;
	if (key.n > KEY_CHARS_MAX) {
		c->style->ops->key_refused(c, 400, "Idempotency-Key is too long");
		return STEP_REPLY;
	}
	if (c->r->worker->redis == NULL)
		return request_unavailable(c->r, "redis: Idempotency-Key");
	struct str whose = arena_printf(t->arena, "%.*s\n%.*s\n%.*s %.*s\n%.*s", STR_ARG(c->r->who.client_id),
	    STR_ARG(c->r->who.sub), STR_ARG(c->r->route->name), STR_ARG(c->r->path), STR_ARG(key));
	struct str hash = whose.p == NULL ? STR_NULL : sha256_hex(t->arena, whose);
	i->body_hash = sha256_hex(t->arena, c->r->body);
	i->name = arena_printf(t->arena, "%.*sidem:%.*s", STR_ARG(c->r->site->redis_prefix), STR_ARG(hash));
	if (hash.p == NULL || i->body_hash.p == NULL || i->name.p == NULL || arena_defer(t->arena, key_release, c) != 0)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return REDIS_CALL(
	    t, c->r->worker->redis, &i->taken, STR("SET"), i->name, i->body_hash, STR("NX"), STR("EX"), KEPT_S);
}

enum step
idempotency_known(struct task *t)
{
	struct call *c = task_frame(t);
	struct idempotency *i = &c->idempotency;
	if (i->name.n == 0)
		return STEP_NEXT;
	if (i->taken->status != REDIS_OK)
		return request_unavailable(c->r, "redis: Idempotency-Key");
	i->held = i->taken->value.kind != REDIS_NIL;
	return i->held ? STEP_NEXT : REDIS_CALL(t, c->r->worker->redis, &i->known, STR("GET"), i->name);
}

/* The answer that was kept, or the reason why there is none. */
enum step
idempotency_answer(struct task *t)
{
	struct call *c = task_frame(t);
	struct idempotency *i = &c->idempotency;
	struct str rest, word;
	uint64_t status, n_fields;
	if (i->known == NULL)
		return STEP_NEXT;
	if (i->known->status != REDIS_OK)
		return request_unavailable(c->r, "redis: Idempotency-Key");
	rest = i->known->value.kind == REDIS_STR ? i->known->value.s : STR("");
	bool same = !str_next(&rest, '\n', &word) || str_eq(word, i->body_hash);
	if (!same || rest.n == 0) {
		c->style->ops->key_refused(c, same ? 409 : 422,
		    same ? "the first request with this key is being worked on, or its outcome is not known"
		         : "the key was used with another body");
		return STEP_REPLY;
	}
	struct reply *rp = &c->r->reply;
	struct str type = STR_NULL, length = STR_NULL;
	reply_reset(rp);
	if (!str_next(&rest, '\n', &word) || str_to_u64(word, 599, &status) != 0 || !str_next(&rest, '\n', &type) ||
	    !str_next(&rest, '\n', &length) || str_to_u64(length, rest.n, &n_fields) != 0)
		return request_refuse(c->r, REPLY_INTERNAL);
	rp->status = (unsigned)status;
	rp->content_type = type;
	buf_str_put(&rp->fields, str_sub(rest, 0, n_fields));
	buf_str_put(&rp->body, str_skip(rest, n_fields));
	return STEP_REPLY;
}

enum step
idempotency_remember(struct task *t)
{
	struct call *c = task_frame(t);
	struct idempotency *i = &c->idempotency;
	const struct reply *rp = &c->r->reply;
	if (i->name.n == 0 || !buf_ok(&rp->body) || rp->body.n > KEPT_BODY_MAX)
		return STEP_NEXT;
	struct str kept = arena_printf(t->arena, "%.*s\n%u\n%.*s\n%zu\n%.*s%.*s", STR_ARG(i->body_hash), rp->status,
	    STR_ARG(rp->content_type), rp->fields.n, STR_ARG(buf_str(&rp->fields)), STR_ARG(buf_str(&rp->body)));
	i->held = false;
	return kept.p == NULL
	           ? STEP_NEXT
	           : REDIS_CALL(t, c->r->worker->redis, &i->known, STR("SET"), i->name, kept, STR("EX"), KEPT_S);
}
