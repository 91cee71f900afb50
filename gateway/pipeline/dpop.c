/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proof that comes with a token bound to a key; and no way around it: such a token is refused as a bearer token. RFC 9449 7. */
#include "gateway/crypto/dpop.h"

#include "gateway/core/keys.h"
#include "gateway/pipeline/pipe.h"

static enum step
refused(struct pipe *p, const char *reason)
{
	enum step s;
	p->r.audit.reason = str_of(reason);
	p->r.audit.rule = STR("dpop");
	s = request_refuse(&p->r, REPLY_UNAUTHENTICATED);
	reply_field(&p->r.reply, STR("WWW-Authenticate"),
	    STR("DPoP error=\"invalid_dpop_proof\", algs=\"ES256 ES384 RS256 RS384\""));
	return s;
}

/* {origin}{path}: the issuer's origin, never the Host field. */
static struct str
request_url(struct pipe *p)
{
	struct str base = p->r.site->api_base;
	size_t tail = STR("/apis/").n + p->r.site->name.n;
	return arena_printf(
	    p->r.task.arena, "%.*s%.*s", STR_ARG(str_sub(base, 0, base.n - tail)), STR_ARG(p->r.x->head->path));
}

enum step
dpop_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct dpop proof;
	struct err e = { 0 };
	p->redis = NULL;
	if (p->token == NULL || (!p->dpop_scheme && p->token->jkt.n == 0))
		return STEP_NEXT;
	if (!p->dpop_scheme)
		return refused(p, "a token bound to a key, sent as a bearer token");
	if (p->token->jkt.n == 0)
		return refused(p, "a bearer token sent as bound to a key");
	struct dpop_ask ask = { .proof = http_field_named(r->x->head, STR("dpop")),
		.method = r->x->head->method_text,
		.url = request_url(p),
		.access_token = p->token_text,
		.now_s = clock_real_s(r->worker->clock) };
	if (ask.url.p == NULL)
		return STEP_FAIL;
	if (http_field_count(r->x->head, STR("dpop")) != 1 || dpop_check(t->arena, &ask, &proof, &e) != 0 ||
	    !str_eq(proof.jkt, p->token->jkt)) {
		t->err = e;
		return refused(p, "DPoP proof missing, wrong, or of another key");
	}
	struct str key = key_dpop(t->arena, r->site, proof.jkt, proof.jti);
	struct str life = arena_printf(t->arena, "%d", DPOP_AGE_S + DPOP_AHEAD_S + 1);
	return key.p == NULL || life.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, r->worker->redis, &p->redis, STR("SET"), key, STR("1"), STR("NX"), STR("EX"), life);
}

enum step
dpop_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	if (p->redis == NULL)
		return STEP_NEXT;
	if (p->redis->status != REDIS_OK)
		return request_unavailable(&p->r, "redis down: DPoP proof cannot be checked for replay");
	return p->redis->value.kind == REDIS_NIL ? refused(p, "DPoP proof replayed") : STEP_NEXT;
}
