/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET and POST {issuer}/authorize: is the request sound, who is the client, where does it go back to; then what is due next (flow.c).
 * RFC 6749 4.1.1, RFC 7636, RFC 8252 7.3, RFC 9207, RFC 9700 2.1, OIDC Core 3.1.2.1, contract/oauth2.md 2.5.               */
#include "gateway/base/uri.h"
#include "gateway/oauth/context.h"
#include "gateway/oauth/hint.h"
#include "gateway/oauth/pages/page.h"
#include "policy/scope_set.h"

enum {
	PARAMS_MAX = 64,
	AGAIN_MAX = 4096,
	CLIENT_ID_MAX = 80,
	FLOW_ID_BYTES = 12,
	CHALLENGE_TEXT_MIN = 43,
	CHALLENGE_TEXT_MAX = 128,
	THUMBPRINT_TEXT = 43,
	STATE_MAX = 4096, /* goes back three times as long in a field of the answer */
	NONCE_MAX = 1024,
	SCOPE_TEXT_MAX_ALL = 16 << 10
};

/* --- refusals before the redirect URI is trusted -------------------------------------------------------------------------------- */

/* A page; a program that asks a classic site and takes no HTML gets OpenEMR's JSON (contract 2.5). */
static enum step
refuse_here(struct request *r, enum oauth_error which, enum message text, const char *reason)
{
	struct str accept = http_field(r->x->head, HTTP_F_ACCEPT);
	if (r->site->compat == COMPAT_CLASSIC && str_find_str(accept, STR("text/html")) == accept.n)
		return oauth_refuse(r, which, STR_NULL, reason);
	r->audit.allowed = false;
	r->audit.reason = str_of(reason);
	return page_notice(r, 400, MSG_ERROR_TITLE, text, str_of(reason));
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

/* Parameters of the query, and with POST those of the form before them; a name in both is the form's (contract 2.5). */
static int
parameters_read(struct request *r, struct form *out)
{
	struct form body = { 0 };
	*out = r->query;
	if (r->route->method != HTTP_POST)
		return 0;
	if (form_parse(r->task.arena, r->body, PARAMS_MAX, &body, &r->task.err) != 0) {
		r->task.err = (struct err){ 0 };
		return -1;
	}
	out->pairs = arena_array(r->task.arena, body.n + r->query.n + 1, sizeof *out->pairs);
	if (out->pairs == NULL)
		return -1;
	out->n = 0;
	for (size_t i = 0; i < body.n; i++)
		out->pairs[out->n++] = body.pairs[i];
	for (size_t i = 0; i < r->query.n; i++) {
		size_t n;
		(void)form_get(&body, r->query.pairs[i].name, &n);
		if (n == 0)
			out->pairs[out->n++] = r->query.pairs[i];
	}
	return 0;
}

/* A form of another site does not send our cookie along (SameSite=Lax; OpenEMR's beside it comes), and answering with a new one would sign the
 * person out: asked again with GET the browser sends it. Nothing in an authorization request is secret. Longer ones go on without.                 */
static bool
ask_again(struct request *r, const struct form *f, struct str *to)
{
	struct buf b;
	if (r->route->method != HTTP_POST || session_cookie_sent(r))
		return false;
	buf_init(&b, r->task.arena, 512, AGAIN_MAX);
	buf_str_put(&b, page_path(r, "/authorize"));
	for (size_t i = 0; i < f->n; i++) {
		buf_char(&b, i == 0 ? '?' : '&');
		percent_put(&b, f->pairs[i].name);
		buf_char(&b, '=');
		percent_put(&b, f->pairs[i].value);
	}
	*to = buf_str(&b);
	return buf_ok(&b);
}

static const struct db_stmt client_sql = { "authorize_client",
	"SELECT client_id, client_name, redirect_uri, grant_types, scope, is_confidential, is_enabled, policy_uri, "
	"tos_uri "
	"FROM oauth_clients WHERE client_id = ?",
	false };
enum { COL_ID, COL_NAME, COL_REDIRECT, COL_GRANTS, COL_SCOPE, COL_CONFIDENTIAL, COL_ENABLED, COL_POLICY, COL_TOS };

static enum step
authorize_read(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct db_val *id = ARENA_NEW(t->arena, struct db_val);
	size_t n;
	if (parameters_read(r, &c->form) != 0)
		return refuse_here(r, OAUTH_REQ, MSG_ERROR_REQUEST, "parameters cannot be read");
	c->flow.client_id = form_get(&c->form, STR("client_id"), &n);
	if (n == 0 || c->flow.client_id.n == 0)
		return refuse_here(r, OAUTH_UNS, MSG_ERROR_REQUEST, "client_id is missing");
	if (n > 1)
		return refuse_here(r, OAUTH_REQ, MSG_ERROR_REQUEST, "client_id stands twice");
	if (c->flow.client_id.n > CLIENT_ID_MAX)
		return refuse_here(r, OAUTH_CLI, MSG_ERROR_CLIENT, "client unknown");
	if (id == NULL)
		return STEP_FAIL;
	r->who.client_id = c->flow.client_id;
	*id = DB_V_STR(c->flow.client_id);
	return db_query(t, r->site->db, &client_sql, id, 1, &c->db);
}

/* --- the redirect URI -------------------------------------------------------------------------------------------------------------- */

static bool
is_loopback(const struct uri *u)
{
	return str_ieq(u->scheme, STR("http")) && u->userinfo.p == NULL && u->fragment.p == NULL &&
	       (str_eq(u->host, STR("127.0.0.1")) || str_eq(u->host, STR("::1")));
}

/* RFC 8252 7.3: on the loopback address a native app listens on the port that it got. */
static bool
loopback_same(struct str registered, struct str given)
{
	struct uri a, b;
	if (uri_parse(registered, &a, NULL) != 0 || uri_parse(given, &b, NULL) != 0 || !is_loopback(&a) ||
	    !is_loopback(&b))
		return false;
	return a.ipv6 == b.ipv6 && str_eq(a.host, b.host) && str_eq(a.path, b.path) && str_eq(a.query, b.query) &&
	       (a.query.p == NULL) == (b.query.p == NULL);
}

bool
redirect_registered(struct str registered, struct str given)
{
	struct str one;
	while (str_next(&registered, '|', &one))
		if (one.n > 0 && (str_eq(one, given) || loopback_same(one, given)))
			return true;
	return false;
}

static enum step
redirect_read(struct request *r, struct flow_call *c, struct str registered)
{
	struct str list = registered, one;
	size_t n, known = 0;
	struct str given = form_get(&c->form, STR("redirect_uri"), &n);
	if (n > 1)
		return refuse_here(r, OAUTH_REQ, MSG_ERROR_REQUEST, "redirect_uri stands twice");
	c->flow.redirect_given = n == 1;
	if (n == 1 && redirect_registered(registered, given))
		c->flow.redirect_uri = given;
	while (n == 0 && str_next(&list, '|', &one))
		if (one.n > 0 && ++known == 1)
			c->flow.redirect_uri = one;
	if (c->flow.redirect_uri.n == 0 || (n == 0 && known != 1))
		return refuse_here(r, OAUTH_CLI, MSG_ERROR_REDIRECT, "redirect_uri not registered");
	return STEP_NEXT;
}

/* --- the parameters ---------------------------------------------------------------------------------------------------------------- */

static enum step
bad(struct request *r, struct flow_call *c, const char *text)
{
	return flow_refuse(r, &c->flow, STR("invalid_request"), str_of(text), text);
}

/* OIDC Core 6: what this server does not take, and the error that says so. */
static const struct {
	struct str name, error;
} not_taken[] = {
	{ STR_INIT("request"), STR_INIT("request_not_supported") },
	{ STR_INIT("request_uri"), STR_INIT("request_uri_not_supported") },
	{ STR_INIT("registration"), STR_INIT("registration_not_supported") },
};

static enum step
check_kind(struct request *r, struct flow_call *c)
{
	struct str type = form_get(&c->form, STR("response_type"), NULL);
	struct str mode = form_get(&c->form, STR("response_mode"), NULL);
	for (size_t i = 0; i < c->form.n; i++)
		for (size_t k = i + 1; k < c->form.n; k++)
			if (str_eq(c->form.pairs[i].name, c->form.pairs[k].name))
				return bad(r, c, "A parameter stands twice");
	if (type.n == 0)
		return bad(r, c, "response_type is missing");
	if (!str_eq(type, STR("code")))
		return flow_refuse(r, &c->flow, STR("unsupported_response_type"), STR("response_type must be code"),
		    "response_type is not code");
	if (mode.n > 0 && !str_eq(mode, STR("query")))
		return bad(r, c, "response_mode must be query");
	for (size_t i = 0; i < NITEMS(not_taken); i++)
		if (form_get(&c->form, not_taken[i].name, NULL).n > 0)
			return flow_refuse(
			    r, &c->flow, not_taken[i].error, STR_NULL, "a parameter that is not supported");
	return STEP_NEXT;
}

static bool
challenge_sound(struct str s)
{
	static const struct str set = STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
	for (size_t i = 0; i < s.n; i++)
		if (str_find(set, s.p[i]) == set.n)
			return false;
	return s.n >= CHALLENGE_TEXT_MIN && s.n <= CHALLENGE_TEXT_MAX;
}

static enum step
check_pkce(struct request *r, struct flow_call *c, bool confidential)
{
	struct str method = form_get(&c->form, STR("code_challenge_method"), NULL);
	c->flow.challenge = form_get(&c->form, STR("code_challenge"), NULL);
	if (c->flow.challenge.n == 0) {
		if (method.n > 0)
			return bad(r, c, "code_challenge_method without code_challenge");
		return confidential ? STEP_NEXT : bad(r, c, "Code challenge must be provided for public clients");
	}
	if (!str_eq(method, STR("S256")))
		return bad(r, c, "Code challenge method must be one of `S256`");
	if (!challenge_sound(c->flow.challenge))
		return bad(r, c, "Code challenge must follow the specifications of RFC-7636.");
	return STEP_NEXT;
}

/* RFC 9449 10: the key to which the code is bound before it is given. */
static enum step
check_dpop(struct request *r, struct flow_call *c)
{
	struct str text = form_get(&c->form, STR("dpop_jkt"), NULL);
	struct buf b;
	buf_init(&b, r->task.arena, THUMBPRINT_TEXT, THUMBPRINT_TEXT);
	if (text.n > 0 && (text.n != THUMBPRINT_TEXT || base64url_get(text, &b) != 0))
		return bad(r, c, "dpop_jkt is no SHA-256 thumbprint of a key");
	c->flow.dpop_jkt = text;
	return STEP_NEXT;
}

static const struct {
	struct str word;
	unsigned bit;
} prompts[] = {
	{ STR_INIT("none"), PROMPT_NONE },
	{ STR_INIT("login"), PROMPT_LOGIN },
	{ STR_INIT("consent"), PROMPT_CONSENT },
	{ STR_INIT("select_account"), PROMPT_SELECT },
};

static enum step
check_prompt(struct request *r, struct flow_call *c)
{
	struct str list = form_get(&c->form, STR("prompt"), NULL), one;
	struct str age = form_get(&c->form, STR("max_age"), NULL);
	uint64_t seconds;
	while (str_next(&list, ' ', &one)) {
		size_t i = 0;
		while (i < NITEMS(prompts) && !str_eq(prompts[i].word, one))
			i++;
		if (i == NITEMS(prompts))
			return bad(r, c, "prompt has an unknown value");
		c->flow.prompt |= prompts[i].bit;
	}
	if ((c->flow.prompt & PROMPT_NONE) != 0 && c->flow.prompt != PROMPT_NONE)
		return bad(r, c, "prompt=none stands alone");
	c->flow.max_age_s = -1;
	if (age.n > 0) {
		if (str_to_u64(age, UINT32_MAX, &seconds) != 0)
			return bad(r, c, "max_age is no number of seconds");
		c->flow.max_age_s = (int64_t)seconds;
	}
	return STEP_NEXT;
}

/* Whom the client means: an id_token that this client got from us, or the request is wrong. OIDC Core 3.1.2.1. */
static enum step
check_hint(struct request *r, struct flow_call *c)
{
	struct str token = form_get(&c->form, STR("id_token_hint"), NULL);
	struct id_token_hint hint;
	if (token.n == 0)
		return STEP_NEXT;
	if (!id_token_hint_read(r, token, &hint) || !str_eq(hint.client, c->flow.client_id))
		return bad(r, c, "id_token_hint is no id_token of this client");
	c->flow.wanted_sub = hint.sub;
	return STEP_NEXT;
}

static enum step
check_scope(struct request *r, struct flow_call *c, const struct oauth_client *k)
{
	struct str asked = form_get(&c->form, STR("scope"), NULL), name;
	const struct scope_set *set;
	struct buf b;
	if (oauth_scopes_registered(r, asked.n == 0 ? STR("") : asked, k, &set, &name) != 0)
		return flow_refuse(r, &c->flow, STR("invalid_scope"),
		    name.n == 0 ? STR("The requested scope is invalid, unknown, or malformed")
		                : arena_printf(r->task.arena, "Check the `%.*s` scope", STR_ARG(name)),
		    "scope unknown or malformed");
	buf_init(&b, r->task.arena, 512, SCOPE_TEXT_MAX_ALL);
	scope_set_put(set, 0, &b);
	if (!buf_ok(&b))
		return flow_refuse(
		    r, &c->flow, STR("invalid_scope"), STR("The list of scopes is too long"), "scope too long");
	c->flow.scope = b.n == 0 ? STR("") : buf_str(&b);
	return STEP_NEXT;
}

static enum step
parameters_check(struct request *r, struct flow_call *c, const struct oauth_client *k)
{
	struct flow *f = &c->flow;
	enum step s = check_kind(r, c);
	if (s == STEP_NEXT && !client_grant_registered(k, STR("authorization_code")))
		s = flow_refuse(
		    r, f, STR("unauthorized_client"), STR_NULL, "client did not register authorization_code");
	if (s == STEP_NEXT)
		s = check_pkce(r, c, k->confidential);
	if (s == STEP_NEXT)
		s = check_dpop(r, c);
	if (s == STEP_NEXT)
		s = check_prompt(r, c);
	if (s == STEP_NEXT)
		s = check_hint(r, c);
	if (s == STEP_NEXT)
		s = check_scope(r, c, k);
	f->nonce = form_get(&c->form, STR("nonce"), NULL);
	if (s == STEP_NEXT && f->nonce.n > NONCE_MAX)
		s = bad(r, c, "nonce is too long");
	f->login_hint = str_sub(form_get(&c->form, STR("login_hint"), NULL), 0, 255);
	f->aud = form_get(&c->form, STR("aud"), NULL);
	f->started_s = clock_real_s(r->worker->clock);
	f->id = oauth_random(r, FLOW_ID_BYTES);
	return f->id.p == NULL ? STEP_FAIL : s;
}

static enum step
authorize_client(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	const struct db_result *db = c->db;
	struct str again;
	size_t n;
	if (db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be looked up");
	/* client_id has a case-insensitive collation: only the exact text counts */
	if (db->n_rows == 0 || !str_eq(db_cell(db, 0, COL_ID)->s, c->flow.client_id) ||
	    db_cell(db, 0, COL_ENABLED)->i != 1)
		return refuse_here(r, OAUTH_CLI, MSG_ERROR_CLIENT, "client unknown or disabled");
	struct oauth_client k = { .id = c->flow.client_id,
		.name = db_cell(db, 0, COL_NAME)->s,
		.grant_types = db_cell(db, 0, COL_GRANTS)->s,
		.scope = db_cell(db, 0, COL_SCOPE)->s,
		.confidential = db_cell(db, 0, COL_CONFIDENTIAL)->i == 1,
		.enabled = true };
	c->flow.client_name = utf8_is_label(k.name) ? k.name : k.id; /* rows are OpenEMR's too */
	c->flow.public = !k.confidential;
	c->flow.policy_uri = db_cell(db, 0, COL_POLICY)->s;
	c->flow.tos_uri = db_cell(db, 0, COL_TOS)->s;
	enum step s = redirect_read(r, c, db_cell(db, 0, COL_REDIRECT)->s);
	if (s != STEP_NEXT)
		return s;
	c->flow.state_param = form_get(&c->form, STR("state"), &n);
	if (n > 1)
		c->flow.state_param = STR_NULL; /* twice: the redirect says so, without either */
	if (c->flow.state_param.n > STATE_MAX)
		return refuse_here(r, OAUTH_REQ, MSG_ERROR_REQUEST, "state is too long");
	s = parameters_check(r, c, &k);
	if (s == STEP_NEXT && ask_again(r, &c->form, &again))
		return page_see_other(r, again);
	return s == STEP_NEXT ? task_push(t, &session_find_steps, &c->find) : s;
}

static enum step
authorize_context(struct task *t)
{
	struct flow_call *c = task_frame(t);
	c->session = c->find.session;
	return task_push(t, &context_begin_steps, c);
}

static enum step
authorize_advance(struct task *t)
{
	return task_push(t, &flow_advance_steps, task_frame(t));
}

static STEP_TABLE(authorize_steps, 0, { "authorize_read", authorize_read }, { "authorize_client", authorize_client },
    { "authorize_context", authorize_context }, { "authorize_advance", authorize_advance });

enum step
authorize_endpoint(struct request *r, struct oauth_state *s)
{
	struct flow_call *c = ARENA_NEW(r->task.arena, struct flow_call);
	(void)s;
	r->audit.rule = STR("authorize endpoint");
	return c == NULL ? STEP_FAIL : task_push(&r->task, &authorize_steps, c);
}
