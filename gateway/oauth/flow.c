/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The authorization request under way: its record, its legal moves, what every page's endpoint does first, and what is due next. */
#include "gateway/oauth/flow.h"

#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/oauth/code.h"
#include "gateway/oauth/context.h"
#include "gateway/oauth/pages/page.h"
#include "policy/scope_set.h"

enum { FLOW_ID_TEXT = 16, FLOW_S = 1800, RECORD_MAX = 64 << 10, FORM_PAIRS_MAX = 1024 };

/* --- the record ------------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "client", offsetof(struct flow, client_id) },
	{ "name", offsetof(struct flow, client_name) },
	{ "redirect_uri", offsetof(struct flow, redirect_uri) },
	{ "policy_uri", offsetof(struct flow, policy_uri) },
	{ "tos_uri", offsetof(struct flow, tos_uri) },
	{ "state", offsetof(struct flow, state_param) },
	{ "nonce", offsetof(struct flow, nonce) },
	{ "scope", offsetof(struct flow, scope) },
	{ "challenge", offsetof(struct flow, challenge) },
	{ "dpop_jkt", offsetof(struct flow, dpop_jkt) },
	{ "login_hint", offsetof(struct flow, login_hint) },
	{ "aud", offsetof(struct flow, aud) },
	{ "sub", offsetof(struct flow, sub) },
	{ "wanted_sub", offsetof(struct flow, wanted_sub) },
};

static struct str *
member(struct flow *f, size_t i)
{
	return (struct str *)(void *)((char *)f + texts[i].offset);
}

struct str
flow_text(struct request *r, const struct flow *f)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 1024, RECORD_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_i64(&w, STR("at"), f->state);
	for (size_t i = 0; i < NITEMS(texts); i++) {
		const struct str *v = (const void *)((const char *)f + texts[i].offset);
		if (v->p != NULL)
			json_kv_str(&w, str_of(texts[i].name), *v);
	}
	json_kv_bool(&w, STR("own"), f->own);
	json_kv_bool(&w, STR("public"), f->public);
	json_kv_bool(&w, STR("redirect_given"), f->redirect_given);
	json_kv_i64(&w, STR("prompt"), f->prompt);
	json_kv_i64(&w, STR("max_age"), f->max_age_s);
	json_kv_i64(&w, STR("started"), f->started_s);
	json_kv_bool(&w, STR("chosen"), f->chosen);
	json_kv_bool(&w, STR("fresh"), f->fresh);
	launch_context_put(&w, &f->launch);
	if (f->pending.role != ROLE_NONE)
		subject_put(&w, STR("pending"), &f->pending);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static int
flow_parse(struct request *r, struct str id, struct str text, struct flow *f)
{
	struct err e = { 0 };
	json_t *o = json_in(text, RECORD_MAX, &e);
	int64_t at;
	*f = (struct flow){ .id = id, .text = text };
	if (o == NULL || json_keep(r->task.arena, o) != 0)
		return -1;
	at = (int64_t)json_integer_value(json_object_get(o, "at"));
	if (at <= FLOW_NEW || at >= FLOW_N)
		return -1;
	f->state = (enum flow_state)at;
	for (size_t i = 0; i < NITEMS(texts); i++)
		*member(f, i) = json_in_str(o, texts[i].name);
	f->own = json_is_true(json_object_get(o, "own"));
	f->public = json_is_true(json_object_get(o, "public"));
	f->redirect_given = json_is_true(json_object_get(o, "redirect_given"));
	f->prompt = (unsigned)json_integer_value(json_object_get(o, "prompt"));
	f->max_age_s = (int64_t)json_integer_value(json_object_get(o, "max_age"));
	f->started_s = (int64_t)json_integer_value(json_object_get(o, "started"));
	f->chosen = json_is_true(json_object_get(o, "chosen"));
	f->fresh = json_is_true(json_object_get(o, "fresh"));
	launch_context_read(o, &f->launch);
	const json_t *pending = json_object_get(o, "pending");
	if (pending != NULL && subject_get(pending, &f->pending) != 0)
		return -1;
	return f->client_id.n == 0 || f->redirect_uri.n == 0 ? -1 : 0;
}

/* --- the legal moves --------------------------------------------------------------------------------------------------------------- */

#define MAY(s) (1u << FLOW_##s)
static const unsigned moves[FLOW_N] = {
	[FLOW_NEW] = MAY(ACCOUNT) | MAY(LOGIN) | MAY(CONTEXT) | MAY(CONSENT) | MAY(CODE),
	[FLOW_ACCOUNT] = MAY(ACCOUNT) | MAY(LOGIN) | MAY(CONTEXT) | MAY(CONSENT) | MAY(CODE),
	[FLOW_LOGIN] = MAY(LOGIN) | MAY(FACTOR) | MAY(CONTEXT) | MAY(CONSENT) | MAY(CODE),
	[FLOW_FACTOR] = MAY(LOGIN) | MAY(CONTEXT) | MAY(CONSENT) | MAY(CODE),
	/* a session that ended meanwhile: the person signs in again */
	[FLOW_CONTEXT] = MAY(LOGIN) | MAY(CONTEXT) | MAY(CONSENT) | MAY(CODE),
	[FLOW_CONSENT] = MAY(LOGIN) | MAY(CONSENT) | MAY(CODE),
	[FLOW_CODE] = 0,
};
#undef MAY

int
flow_move(struct flow *f, enum flow_state to)
{
	if ((moves[f->state] & 1u << to) == 0)
		return -1;
	f->state = to;
	return 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------------- */

struct str
flow_page_path(struct request *r, const struct flow *f, const char *path)
{
	return arena_printf(r->task.arena, "/oauth2/%.*s%s?flow=%.*s", STR_ARG(r->site->name), path, STR_ARG(f->id));
}

void
flow_form_fields(struct page *p, const struct flow_call *c)
{
	page_hidden(p, "flow", c->flow.id);
	page_hidden(p, "csrf_token_form", session_csrf(p->r, c->session));
}

enum step
flow_step_refused(struct request *r, unsigned status, const char *reason)
{
	r->audit.allowed = false;
	r->audit.reason = str_of(reason);
	return page_notice(r, status, MSG_ERROR_TITLE, status == 403 ? MSG_ERROR_CSRF : MSG_ERROR_STEP, STR_NULL);
}

struct str
flow_redirect(struct request *r, const struct flow *f, const struct form *parameters)
{
	struct buf b;
	bool first = str_find(f->redirect_uri, '?') == f->redirect_uri.n;
	buf_init(&b, r->task.arena, 512, 16 << 10);
	buf_str_put(&b, f->redirect_uri);
	for (size_t i = 0; i < parameters->n; i++) {
		if (parameters->pairs[i].value.p == NULL)
			continue;
		buf_char(&b, first ? '?' : '&');
		first = false;
		percent_put(&b, parameters->pairs[i].name);
		buf_char(&b, '=');
		percent_put(&b, parameters->pairs[i].value);
	}
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* What OpenEMR 6.x and 7.x add to an error redirect (contract 2.1); nothing else of them is in a client's way. */
enum step
flow_refuse(struct request *r, const struct flow *f, struct str error, struct str description, const char *reason)
{
	bool classic = r->site->compat == COMPAT_CLASSIC;
	struct form_pair pairs[] = {
		{ STR("error"), error },
		{ STR("error_description"), description.n > 0 ? description : STR_NULL },
		{ STR("message"), classic && description.n > 0 ? description : STR_NULL },
		{ STR("state"), f->state_param },
		{ STR("iss"), r->site->issuer },
	};
	struct str to = flow_redirect(r, f, &(struct form){ pairs, NITEMS(pairs) });
	r->audit.allowed = false;
	r->audit.reason = str_of(reason);
	if (to.p == NULL)
		return STEP_FAIL;
	return page_see_other(r, to);
}

/* --- open: what every page's endpoint does first ---------------------------------------------------------------------------------- */

static enum step
open_read(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	bool post = r->route->method == HTTP_POST;
	size_t n = 0;
	if (post && form_parse(t->arena, r->body, FORM_PAIRS_MAX, &c->form, &t->err) != 0) {
		t->err = (struct err){ 0 };
		return flow_step_refused(r, 400, "form cannot be read");
	}
	if (!post)
		c->form = r->query;
	c->find.flow_id = form_get(&c->form, STR("flow"), &n);
	if (n != 1 || c->find.flow_id.n != FLOW_ID_TEXT)
		return flow_step_refused(r, 400, "no request under way named");
	return task_push(t, &session_find_steps, &c->find);
}

static enum step
open_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	c->session = c->find.session;
	if (c->session == NULL)
		return flow_step_refused(r, 400, "no session");
	if (c->find.flow_text.n == 0 || flow_parse(r, c->find.flow_id, c->find.flow_text, &c->flow) != 0)
		return flow_step_refused(r, 400, "no such request under way in this session");
	r->who.client_id = c->flow.client_id;
	if (c->session->who.role != ROLE_NONE) {
		r->who.sub = c->session->who.sub;
		r->who.role = c->session->who.role;
		r->audit.actor = c->session->who.username;
	}
	if ((c->allowed & 1u << c->flow.state) == 0)
		return flow_step_refused(r, 400, "step out of order");
	if (clock_real_s(r->worker->clock) - c->flow.started_s > FLOW_S)
		return flow_step_refused(r, 400, "request under way too old");
	if (c->flow.sub.n > 0 && !str_eq(c->flow.sub, c->session->who.sub))
		return flow_step_refused(r, 400, "another person has signed in meanwhile");
	if (c->flow.state == FLOW_CONSENT && context_stale(c))
		return flow_step_refused(r, 400, "the launch context is another person's choice");
	if (r->route->method == HTTP_POST &&
	    !session_csrf_ok(r, c->session, form_get(&c->form, STR("csrf_token_form"), NULL)))
		return flow_step_refused(r, 403, "CSRF token wrong");
	return STEP_NEXT;
}

/* Behind the sign-in pages counts only who is still active, with the password of the sign-in: the list of patients is one of them. */
static enum step
open_subject(struct task *t)
{
	struct flow_call *c = task_frame(t);
	bool behind = c->flow.state == FLOW_CONTEXT || c->flow.state == FLOW_CONSENT;
	return behind && c->session->who.role != ROLE_NONE ? subject_read(t, request_of(t), &c->session->who, &c->db)
	                                                   : STEP_NEXT;
}

static enum step
open_subject_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	const struct db_result *db = c->db;
	c->db = NULL;
	if (db != NULL && db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	return db == NULL || subject_good(db, &c->session->who)
	           ? STEP_NEXT
	           : flow_step_refused(r, 400, "switched off, or credentials changed since the sign-in");
}

STEP_TABLE(flow_open_steps, 0, { "open_read", open_read }, { "open_judge", open_judge },
    { "open_subject", open_subject }, { "open_subject_judge", open_subject_judge });

enum step
flow_page_begin(struct request *r, unsigned allowed, const struct step_table *steps, struct str rule)
{
	struct flow_call *c = ARENA_NEW(r->task.arena, struct flow_call);
	if (c == NULL)
		return STEP_FAIL;
	c->allowed = allowed;
	r->audit.rule = rule;
	return task_push(&r->task, steps, c);
}

enum step
flow_open(struct task *t)
{
	return task_push(t, &flow_open_steps, task_frame(t));
}

enum step
flow_deny(struct task *t, struct flow_call *c)
{
	return session_flow_put(t, request_of(t), c->session, c->flow.id, c->flow.text, STR_NULL, &c->redis);
}

enum step
flow_denied(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: request cannot be ended");
	if (c->redis->value.kind != REDIS_INT || c->redis->value.i != 1)
		return flow_step_refused(r, 400, "request under way changed meanwhile");
	r->audit.event = AUDIT_EV_CONSENT_DENIED;
	return flow_refuse(
	    r, &c->flow, STR("access_denied"), STR("The resource owner denied the request."), "denied by the person");
}

/* --- advance: what is due next ------------------------------------------------------------------------------------------------------ */

static bool
signed_in(const struct flow_call *c)
{
	return c->session != NULL && c->session->who.role != ROLE_NONE;
}

static bool
account_due(struct request *r, struct flow_call *c)
{
	(void)r;
	return (c->flow.prompt & PROMPT_SELECT) != 0 && !c->flow.chosen && signed_in(c);
}

static bool
login_due(struct request *r, struct flow_call *c)
{
	int64_t now = clock_real_s(r->worker->clock);
	if (!signed_in(c) || (c->flow.wanted_sub.n > 0 && !str_eq(c->flow.wanted_sub, c->session->who.sub)))
		return true;
	if (c->flow.fresh)
		return false;
	if ((c->flow.prompt & PROMPT_LOGIN) != 0)
		return true;
	return c->flow.max_age_s == 0 ||
	       (c->flow.max_age_s > 0 && now - c->session->who.auth_time_s > c->flow.max_age_s);
}

static bool
consent_due(struct request *r, struct flow_call *c)
{
	(void)r;
	return (c->flow.prompt & PROMPT_CONSENT) != 0 || !consent_remembered(r, c);
}

/* In this order; path NULL: the page belongs to context.h. error: what prompt=none answers (OIDC Core 3.1.2.6). */
static const struct {
	enum flow_state state;
	bool (*due)(struct request *r, struct flow_call *c);
	const char *path;
	struct str error;
} stages[] = {
	{ FLOW_ACCOUNT, account_due, "/provider/account", STR_INIT("account_selection_required") },
	{ FLOW_LOGIN, login_due, "/provider/login", STR_INIT("login_required") },
	{ FLOW_CONTEXT, context_due, NULL, STR_INIT("interaction_required") },
	{ FLOW_CONSENT, consent_due, "/scope-authorize-confirm", STR_INIT("consent_required") },
};

/* A session of a person who has been switched off, or whose password has changed, counts for nothing. */
static enum step
advance_subject(struct task *t)
{
	struct flow_call *c = task_frame(t);
	c->db = NULL;
	return signed_in(c) ? subject_read(t, request_of(t), &c->session->who, &c->db) : STEP_NEXT;
}

/* The person's last consent for this client, if anybody has signed in. */
static enum step
advance_consents(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct str key;
	c->redis = NULL;
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (c->db != NULL && !subject_good(c->db, &c->session->who)) {
		c->session->who = (struct subject){ 0 };
		c->flow.fresh = false;
	}
	if (!signed_in(c)) {
		c->flow.sub = STR_NULL;
		return STEP_NEXT;
	}
	c->flow.sub = c->session->who.sub;
	if (flow_scopes(r, c) != 0)
		return STEP_FAIL;
	key = key_consents(t->arena, r->site, c->session->who.sub);
	return key.p == NULL ? STEP_FAIL
	                     : REDIS_CALL(t, r->worker->redis, &c->redis, STR("HGET"), key, c->flow.client_id);
}

static enum step
stage_begin(struct task *t, struct flow_call *c, size_t stage)
{
	struct request *r = request_of(t);
	if (c->flow.prompt & PROMPT_NONE)
		return flow_refuse(r, &c->flow, stages[stage].error, STR_NULL, "prompt=none, but a page is due");
	if (flow_move(&c->flow, stages[stage].state) != 0)
		return flow_step_refused(r, 400, "step out of order");
	struct str was = c->flow.text;
	c->flow.text = flow_text(r, &c->flow);
	if (c->flow.text.p == NULL)
		return STEP_FAIL;
	c->stage = stage;
	if (c->session == NULL) {
		enum step s = session_start(t, r, &c->renewed, c->flow.id, c->flow.text);
		c->session = c->renewed.session;
		return s;
	}
	return session_flow_put(t, r, c->session, c->flow.id, was, c->flow.text, &c->redis);
}

/* The end of a sign-in for a page of ours: the request is done, its page comes. */
static enum step
own_drop(struct task *t)
{
	struct flow_call *c = task_frame(t);
	c->redis = NULL;
	if (c->flow.text.n == 0) /* signed in already: nothing was stored */
		return STEP_NEXT;
	return session_flow_put(t, request_of(t), c->session, c->flow.id, c->flow.text, STR_NULL, &c->redis);
}

static enum step
own_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->redis != NULL && c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: request cannot be ended");
	r->audit.allowed = true;
	(void)page_see_other(r, c->flow.redirect_uri);
	if (c->renewed.session != NULL)
		session_cookie(r, &c->renewed);
	return STEP_REPLY;
}

static STEP_TABLE(own_end_steps, 0, { "own_drop", own_drop }, { "own_reply", own_reply });

static enum step
advance_stage(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->redis != NULL && c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: consents cannot be read");
	for (size_t i = 0; i < NITEMS(stages); i++)
		if (!(c->flow.own && stages[i].state > FLOW_FACTOR) && stages[i].due(r, c))
			return stage_begin(t, c, i);
	return task_push(t, c->flow.own ? &own_end_steps : &code_give_steps, c);
}

static enum step
advance_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	const struct redis_result *res = c->redis != NULL ? c->redis : c->renewed.redis;
	if (res->status != REDIS_OK)
		return request_unavailable(r, "redis down: request cannot be kept");
	if (res->value.kind != REDIS_INT || res->value.i != 1)
		return flow_step_refused(r, 400, "request under way changed meanwhile");
	const char *path = stages[c->stage].path == NULL ? context_path : stages[c->stage].path;
	struct str to = flow_page_path(r, &c->flow, path);
	if (to.p == NULL)
		return STEP_FAIL;
	r->audit.allowed = true;
	(void)page_see_other(r, to);
	if (c->renewed.session != NULL)
		session_cookie(r, &c->renewed);
	return STEP_REPLY;
}

STEP_TABLE(flow_advance_steps, 0, { "advance_subject", advance_subject }, { "advance_consents", advance_consents },
    { "advance_stage", advance_stage }, { "advance_reply", advance_reply });
