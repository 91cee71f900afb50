/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One Redis key per Idempotency-Key: "{hash of the body} {nonce}" while the first request is worked on (no hash until a streamed body has
 * come), hash, status, type, length of the fields, fields and body behind it. A request that ends without having written gives the key
 * back, also when it never learnt whether it got it: it takes away what carries its own nonce. One whose commit had begun keeps it, since
 * its outcome is not known: a retry is told so.                                                                            */
#include "backends/direct/engine/idempotency.h"

#include "backends/direct/engine/call.h"
#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

enum { KEY_CHARS_MAX = 255, KEPT_BODY_MAX = 64 << 10, NONCE_BYTES = 16 };
_Static_assert(BODY_HASH_CHARS == 2 * SHA256_LEN, "two digits a byte");
#define KEPT_S STR("86400")

static struct str
body_hash_of(struct arena *a, struct str body)
{
	uint8_t hash[SHA256_LEN];
	struct buf hex;
	sha256(body, hash);
	buf_init(&hex, a, BODY_HASH_CHARS + 1, BODY_HASH_CHARS + 1);
	hex_put(&hex, hash, sizeof hash);
	return buf_ok(&hex) ? buf_str(&hex) : STR_NULL;
}

/* Gives the key back when the request ends without an answer that counts. Runs when the request's memory goes, whatever the reason. */
static void
key_release(void *arg)
{
	struct idempotency *i = arg;
	if (!i->held || *i->committing)
		return;
	const struct str argv[] = { STR("EVAL"),
		STR("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"), STR("1"), i->name,
		i->claim };
	redis_send(i->r->worker->redis, argv, NITEMS(argv));
}

static struct str
claim_of(struct request *r, const struct idempotency *i)
{
	uint8_t nonce[NONCE_BYTES];
	struct buf b;
	rng_bytes(r->worker->rng, nonce, sizeof nonce);
	buf_init(&b, r->task.arena, BODY_HASH_CHARS + 2 * NONCE_BYTES + 2, BODY_HASH_CHARS + 2 * NONCE_BYTES + 2);
	buf_str_put(&b, i->body_hash);
	buf_char(&b, ' ');
	hex_put(&b, nonce, sizeof nonce);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

enum step
idempotency_ask(struct task *t, struct idempotency *i)
{
	struct request *r = i->r;
	struct str key = r == NULL ? STR_NULL : http_field(r->x->head, HTTP_F_IDEMPOTENCY_KEY);
	if (key.n == 0)
		return STEP_NEXT;
	if (key.n > KEY_CHARS_MAX) {
		i->refused(i->owner, 400, "Idempotency-Key is too long");
		return STEP_REPLY;
	}
	if (r->worker->redis == NULL)
		return request_unavailable(r, "redis: Idempotency-Key");
	struct str whose = arena_printf(t->arena, "%.*s\n%.*s\n%.*s %.*s\n%.*s", STR_ARG(r->who.client_id),
	    STR_ARG(r->who.sub), STR_ARG(r->route->name), STR_ARG(r->path), STR_ARG(key));
	struct str hash = whose.p == NULL ? STR_NULL : body_hash_of(t->arena, whose);
	i->name = arena_printf(t->arena, "%.*sidem:%.*s", STR_ARG(r->site->redis_prefix), STR_ARG(hash));
	i->claim = claim_of(r, i);
	if (hash.p == NULL || i->name.p == NULL || i->claim.p == NULL || arena_defer(t->arena, key_release, i) != 0)
		return request_refuse(r, REPLY_TOO_LARGE);
	i->held = true;
	return REDIS_CALL(t, r->worker->redis, &i->taken, STR("SET"), i->name, i->claim, STR("NX"), STR("EX"), KEPT_S);
}

enum step
idempotency_known(struct task *t, struct idempotency *i)
{
	if (i->name.n == 0)
		return STEP_NEXT;
	if (i->taken->status != REDIS_OK)
		return request_unavailable(i->r, "redis: Idempotency-Key");
	i->held = i->taken->value.kind != REDIS_NIL;
	return i->held ? STEP_NEXT : REDIS_CALL(t, i->r->worker->redis, &i->known, STR("GET"), i->name);
}

bool
idempotency_repeated(const struct idempotency *i)
{
	return i->known != NULL;
}

static struct str
kept(const struct idempotency *i)
{
	return i->known->value.kind == REDIS_STR ? i->known->value.s : STR("");
}

static enum step
refuse(struct idempotency *i, bool same)
{
	i->refused(i->owner, same ? 409 : 422,
	    same ? "the first request with this key is being worked on, or its outcome is not known"
	         : "the key was used with another body");
	return STEP_REPLY;
}

enum step
idempotency_busy(struct task *t, struct idempotency *i)
{
	(void)t;
	if (i->known == NULL)
		return STEP_NEXT;
	if (i->known->status != REDIS_OK)
		return request_unavailable(i->r, "redis: Idempotency-Key");
	return str_find(kept(i), '\n') < kept(i).n ? STEP_NEXT : refuse(i, true);
}

/* The answer that was kept, or the reason why there is none. */
enum step
idempotency_answer(struct task *t, struct idempotency *i)
{
	struct str rest, word = STR_NULL, type = STR_NULL, length = STR_NULL;
	uint64_t status, n_fields;
	struct request *r = i->r;
	(void)t;
	if (i->known == NULL)
		return STEP_NEXT;
	if (i->known->status != REDIS_OK)
		return request_unavailable(r, "redis: Idempotency-Key");
	rest = kept(i);
	(void)str_next(&rest, '\n', &word);
	word = str_sub(word, 0, str_find(word, ' ')); /* without the nonce */
	bool same = word.n == 0 || str_eq(word, i->body_hash);
	if (!same || rest.n == 0)
		return refuse(i, same);
	struct reply *rp = &r->reply;
	reply_reset(rp);
	if (!str_next(&rest, '\n', &word) || str_to_u64(word, 599, &status) != 0 || !str_next(&rest, '\n', &type) ||
	    !str_next(&rest, '\n', &length) || str_to_u64(length, rest.n, &n_fields) != 0)
		return request_refuse(r, REPLY_INTERNAL);
	rp->status = (unsigned)status;
	rp->content_type = type;
	buf_str_put(&rp->fields, str_sub(rest, 0, n_fields));
	buf_str_put(&rp->body, str_skip(rest, n_fields));
	return STEP_REPLY;
}

enum step
idempotency_remember(struct task *t, struct idempotency *i)
{
	const struct reply *rp = i->r == NULL ? NULL : &i->r->reply;
	if (i->name.n == 0 || !buf_ok(&rp->body) || rp->body.n > KEPT_BODY_MAX)
		return STEP_NEXT;
	struct str value = arena_printf(t->arena, "%.*s\n%u\n%.*s\n%zu\n%.*s%.*s", STR_ARG(i->body_hash), rp->status,
	    STR_ARG(rp->content_type), rp->fields.n, STR_ARG(buf_str(&rp->fields)), STR_ARG(buf_str(&rp->body)));
	i->held = false;
	return value.p == NULL
	           ? STEP_NEXT
	           : REDIS_CALL(t, i->r->worker->redis, &i->known, STR("SET"), i->name, value, STR("EX"), KEPT_S);
}

/* --- for calls ------------------------------------------------------------------------------------------------------------------ */

static void
call_key_refused(void *owner, unsigned status, const char *text)
{
	struct call *c = owner;
	c->style->ops->key_refused(c, status, text);
}

enum step
call_key_begin(struct call *c, struct str body)
{
	struct task *t = &c->r->task;
	bool wanted = http_field(c->r->x->head, HTTP_F_IDEMPOTENCY_KEY).n > 0;
	c->idempotency = (struct idempotency){ .r = c->r,
		.refused = call_key_refused,
		.owner = c,
		.committing = &c->committing,
		.body_hash = wanted ? body_hash_of(t->arena, body) : STR_NULL };
	if (wanted && c->idempotency.body_hash.p == NULL)
		return request_refuse(c->r, REPLY_TOO_LARGE);
	return idempotency_ask(t, &c->idempotency);
}

enum step
call_key_ask(struct task *t)
{
	struct call *c = task_frame(t);
	return call_key_begin(c, c->r->body);
}

enum step
call_key_known(struct task *t)
{
	struct call *c = task_frame(t);
	return idempotency_known(t, &c->idempotency);
}

enum step
call_key_answer(struct task *t)
{
	struct call *c = task_frame(t);
	return idempotency_answer(t, &c->idempotency);
}

enum step
call_key_remember(struct task *t)
{
	struct call *c = task_frame(t);
	return idempotency_remember(t, &c->idempotency);
}
