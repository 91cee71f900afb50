/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET and POST {issuer}/logout: a client sends the person here to sign out. The hint proves which session and which grant; without one the
 * person is asked. OpenID Connect RP-Initiated Logout 1.0, contract/oauth2.md 2.12.                                       */
#include "gateway/oauth/backchannel.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/hint.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/revocation.h"
#include "gateway/oauth/session.h"

struct logout {
	struct form form; /* POST; GET has r->query */
	struct str hint, redirect, state, named;
	struct str client, sub, sid; /* of the hint; without one sub and sid of the cookie's session */
	struct session_find find;
	struct db_result *db, *rows;
	struct redis_result *ended;
	struct revoke revoke;
};

static enum step
logout_read(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	bool post = r->x->head->method == HTTP_POST;
	struct {
		const char *name;
		struct str *to;
	} params[] = { { "id_token_hint", &c->hint }, { "post_logout_redirect_uri", &c->redirect },
		{ "state", &c->state }, { "client_id", &c->named } };
	if (post) {
		enum step s = oauth_params(r, &c->form);
		if (s != STEP_NEXT)
			return s;
	}
	for (size_t i = 0; i < NITEMS(params); i++) {
		size_t count = 0;
		*params[i].to = form_get(post ? &c->form : &r->query, str_of(params[i].name), &count);
		if (count > 1)
			return oauth_missing(r, params[i].name);
	}
	return task_push(t, &session_find_steps, &c->find);
}

static bool
hint_read(struct request *r, struct logout *c)
{
	struct id_token_hint hint;
	if (!id_token_hint_read(r, c->hint, &hint))
		return false;
	c->client = hint.client;
	c->sub = hint.sub;
	c->sid = hint.sid;
	return true;
}

static enum step
logout_ask(struct request *r, const struct session *s)
{
	struct page p;
	r->audit.allowed = true;
	page_begin(&p, r, 200, MSG_SIGN_OUT_TITLE);
	page_text(&p, MSG_SIGN_OUT_TEXT);
	page_form(&p, "/logout");
	page_hidden(&p, "csrf_token_form", session_csrf(r, s));
	page_submit(&p, STR_NULL, STR_NULL, MSG_SIGN_OUT_SUBMIT, PAGE_BUTTON_MAIN);
	page_form_end(&p);
	return page_end(&p);
}

static const struct db_stmt client_sql = { "logout_client",
	"SELECT logout_redirect_uris, client_id FROM oauth_clients WHERE client_id = ?", false };

static enum step
logout_who(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	const struct session *s = c->find.session;
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (c->hint.n > 0) {
		if (!hint_read(r, c))
			return oauth_refuse_text(
			    r, OAUTH_REQ, STR("Id token not issued from this server"), "id_token_hint");
		if (c->named.n > 0 && !str_eq(c->named, c->client)) /* RP-Initiated Logout 2 */
			return oauth_refuse_text(
			    r, OAUTH_REQ, STR("Id token not issued to this client"), "client_id is not the hint's");
		if (v == NULL)
			return STEP_FAIL;
		*v = DB_V_STR(c->client);
		if (c->sid.n == 0 && s != NULL && str_eq(s->who.sub, c->sub))
			c->sid = s->sid;
		return db_query(t, r->site->db, &client_sql, v, 1, &c->db);
	}
	if (s == NULL || s->who.role == ROLE_NONE)
		return oauth_refuse_text(
		    r, OAUTH_REQ, STR("Id token missing from request"), "neither hint nor session");
	if (r->x->head->method != HTTP_POST || !session_csrf_ok(r, s, form_get(&c->form, STR("csrf_token_form"), NULL)))
		return logout_ask(r, s);
	c->sub = s->who.sub;
	c->sid = s->sid;
	return STEP_NEXT;
}

static enum step
logout_session(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be looked up");
	r->who.client_id = c->client;
	r->who.sub = c->sub;
	return c->sid.n == 0 ? STEP_NEXT : session_end(t, r, c->sid, c->sub, &c->ended);
}

static bool
ended_sound(const struct logout *c)
{
	const struct redis_value *v = &c->ended->value;
	return c->ended->status == REDIS_OK && v->kind == REDIS_ARRAY && v->n_items == 2 &&
	       v->items[0].kind == REDIS_ARRAY && v->items[1].kind == REDIS_ARRAY;
}

static enum step
logout_rows(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	if (c->ended == NULL)
		return STEP_NEXT;
	if (!ended_sound(c))
		return request_unavailable(r, "redis down: session cannot be ended");
	return revoke_rows(t, r, c->ended->value.items[1].items, c->ended->value.items[1].n_items, &c->rows);
}

/* The client's grant ends with its person's trust, offline_access or not; other clients' live on where they were given it. */
static enum step
logout_revoke(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	if (c->rows != NULL &&
	    c->rows->status != DB_OK) /* Redis has forgotten the tokens: only OpenEMR's page is late */
		LOG(r->worker->log, LOG_WARN, "revoke.rows", F_STR("site", r->site->name), F_ERR(&t->err));
	t->err = (struct err){ 0 };
	if (c->client.n == 0)
		return STEP_NEXT;
	c->revoke.client = c->client;
	c->revoke.sub = c->sub;
	c->revoke.trusted = true;
	return task_push(t, &revoke_steps, &c->revoke);
}

/* Each client of the session once. */
static void
clients_tell(struct request *r, const struct logout *c)
{
	const struct redis_value *v = c->ended == NULL ? NULL : &c->ended->value.items[0];
	bool own = false;
	for (size_t i = 1; v != NULL && i < v->n_items; i += 2) {
		bool again = false;
		for (size_t k = 1; k < i; k += 2)
			again |= str_eq(v->items[k].s, v->items[i].s);
		own |= str_eq(v->items[i].s, c->client);
		if (!again)
			backchannel_logout(r->site, v->items[i].s, c->sub, c->sid);
	}
	if (!own && c->client.n > 0)
		backchannel_logout(r->site, c->client, c->sub, c->sid);
}

static bool
redirect_registered(const struct logout *c)
{
	struct str list, one;
	if (c->redirect.n == 0 || c->db == NULL || c->db->n_rows == 0 || !str_eq(db_cell(c->db, 0, 1)->s, c->client))
		return false;
	list = db_cell(c->db, 0, 0)->s;
	while (str_next(&list, '|', &one))
		if (str_eq(one, c->redirect))
			return true;
	return false;
}

static enum step
redirect_to(struct request *r, const struct logout *c)
{
	struct buf b;
	buf_init(&b, r->task.arena, 512, 16 << 10);
	buf_str_put(&b, c->redirect);
	if (c->state.n > 0) {
		buf_str_put(&b, str_find(c->redirect, '?') < c->redirect.n ? STR("&state=") : STR("?state="));
		percent_put(&b, c->state);
	}
	if (!buf_ok(&b))
		return STEP_FAIL;
	if (r->x->head->method == HTTP_POST)
		return page_see_other(r, buf_str(&b));
	reply_reset(&r->reply);
	r->reply.status = 302;
	reply_field(&r->reply, STR("Location"), buf_str(&b));
	return STEP_REPLY;
}

static enum step
logout_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct logout *c = task_frame(t);
	bool own = c->find.session != NULL && str_eq(c->find.session->sid, c->sid);
	clients_tell(r, c);
	enum step s = redirect_registered(c) ? redirect_to(r, c)
	                                     : page_notice(r, 200, MSG_SIGNED_OUT_TITLE, MSG_SIGNED_OUT_TEXT, STR_NULL);
	if (own)
		session_cookie_clear(r);
	r->audit.allowed = true;
	r->audit.event = AUDIT_EV_LOGOUT;
	r->audit.rule = c->hint.n > 0 ? STR("id_token_hint") : STR("session");
	return s;
}

static STEP_TABLE(logout_steps, 0, { "logout_read", logout_read }, { "logout_who", logout_who },
    { "logout_session", logout_session }, { "logout_rows", logout_rows }, { "logout_revoke", logout_revoke },
    { "logout_reply", logout_reply });

enum step
logout_endpoint(struct request *r, struct oauth_state *s)
{
	struct logout *c = ARENA_NEW(r->task.arena, struct logout);
	(void)s;
	r->audit.rule = STR("logout");
	return c == NULL ? STEP_FAIL : task_push(&r->task, &logout_steps, c);
}
