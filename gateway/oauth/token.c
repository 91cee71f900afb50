/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST {issuer}/token: who is the client, which grant, then the grant's own table. RFC 6749 3.2. */
#include "gateway/core/keys.h"
#include "gateway/crypto/dpop.h"
#include "gateway/oauth/endpoint.h"

enum { GRANT_PASSWORD, GRANT_CREDENTIALS, GRANT_REFRESH, GRANT_CODE };
static const struct {
	struct str name;
	const struct step_table *steps;
} grants[] = {
	[GRANT_PASSWORD] = { STR_INIT("password"), &grant_password_steps },
	[GRANT_CREDENTIALS] = { STR_INIT("client_credentials"), &grant_credentials_steps },
	[GRANT_REFRESH] = { STR_INIT("refresh_token"), &grant_refresh_steps },
	[GRANT_CODE] = { STR_INIT("authorization_code"), &grant_code_steps },
};

bool
client_grant_registered(const struct oauth_client *k, struct str grant)
{
	struct str list = k->grant_types, one;
	if (str_trim(list).n == 0)
		return str_eq(grant, STR("authorization_code"));
	while (str_next(&list, '|', &one))
		if (str_eq(one, grant))
			return true;
	return false;
}

static bool
grant_on(const struct site *site, size_t grant)
{
	switch (grant) {
	case GRANT_PASSWORD:
		return site->conf->oauth.password_users || site->conf->oauth.password_patients;
	case GRANT_CREDENTIALS:
		return site->conf->apis.system_scopes;
	default:
		return true;
	}
}

static enum step
token_client(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct str type = form_get(&c->params, STR("grant_type"), NULL);
	size_t i = 0;
	while (i < NITEMS(grants) && !str_eq(grants[i].name, type))
		i++;
	if (i == NITEMS(grants) || !grant_on(r->site, i))
		return oauth_refuse(r, OAUTH_UNS, STR("Check that all required parameters have been provided"),
		    "grant type unknown or off");
	if (i == GRANT_CREDENTIALS && form_get(&c->params, STR("client_assertion"), NULL).n == 0)
		return oauth_refuse(r, OAUTH_REQ, STR("assertion type is not supported"), "no client assertion");
	c->auth.params = &c->params;
	c->auth.lenient =
	    (i == GRANT_PASSWORD || i == GRANT_REFRESH) && str_eq(r->site->conf->oauth.client_auth, STR("documented"));
	c->issue.grant = grants[i].name;
	return task_push(t, &client_auth_steps, &c->auth);
}

/* A proof binds what is issued to its key; a client that registered for it must send one. RFC 9449 5. */
static enum step
token_dpop(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	struct dpop proof;
	struct err e = { 0 };
	struct dpop_ask ask = { .proof = http_field_named(r->x->head, STR("dpop")),
		.method = STR("POST"),
		.url = arena_printf(t->arena, "%.*s/token", STR_ARG(r->site->issuer)),
		.now_s = clock_real_s(r->worker->clock) };
	if (http_field_count(r->x->head, STR("dpop")) > 1)
		return oauth_refuse(r, OAUTH_DPOP, STR_NULL, "more than one DPoP field");
	if (ask.proof.n == 0)
		return c->auth.client.dpop_bound ? oauth_refuse(r, OAUTH_DPOP, STR_NULL, "no DPoP proof") : STEP_NEXT;
	if (ask.url.p == NULL)
		return STEP_FAIL;
	if (dpop_check(t->arena, &ask, &proof, &e) != 0) {
		t->err = e;
		return oauth_refuse(r, OAUTH_DPOP, STR_NULL, "DPoP proof");
	}
	c->issue.jkt = proof.jkt;
	c->issue.bind_refresh = !c->auth.client.confidential;
	c->dpop_sent = true;
	struct str key = key_dpop(t->arena, r->site, proof.jkt, proof.jti);
	struct str life = arena_printf(t->arena, "%d", DPOP_AGE_S + DPOP_AHEAD_S + 1);
	return key.p == NULL || life.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, r->worker->redis, &c->redis, STR("SET"), key, STR("1"), STR("NX"), STR("EX"), life);
}

static enum step
token_dpop_once(struct task *t)
{
	struct request *r = request_of(t);
	struct token_call *c = task_frame(t);
	if (!c->dpop_sent)
		return STEP_NEXT;
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: DPoP proof cannot be checked for replay");
	return c->redis->value.kind == REDIS_NIL ? oauth_refuse(r, OAUTH_DPOP, STR_NULL, "DPoP proof replayed")
	                                         : STEP_NEXT;
}

static enum step
token_grant(struct task *t)
{
	struct token_call *c = task_frame(t);
	c->issue.client_id = c->auth.client.id;
	for (size_t i = 0; i < NITEMS(grants); i++)
		if (str_eq(grants[i].name, c->issue.grant))
			return task_push(t, grants[i].steps, c);
	return STEP_FAIL;
}

static STEP_TABLE(token_steps, 0, { "token_client", token_client }, { "token_dpop", token_dpop },
    { "token_dpop_once", token_dpop_once }, { "token_grant", token_grant });

enum step
token_endpoint(struct request *r, struct oauth_state *s)
{
	struct token_call *c = ARENA_NEW(r->task.arena, struct token_call);
	enum step step;
	(void)s;
	r->audit.event = AUDIT_EV_TOKEN_REFUSED; /* until it is issued */
	r->audit.rule = STR("token endpoint");
	if (c == NULL)
		return STEP_FAIL;
	step = oauth_params(r, &c->params);
	return step == STEP_NEXT ? task_push(&r->task, &token_steps, c) : step;
}
