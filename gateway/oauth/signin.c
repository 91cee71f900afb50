/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages of sign-in: which account, user name and password, second factor. Who has signed in gets a new session id and goes on with what is
 * due next (flow.c). contract/oauth2.md 2.6, 6; OIDC Core 3.1.2.3. Not for the checks themselves (login.c, second_factor.c). */
#include "gateway/oauth/code.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/second_factor.h"
#include "policy/scope_set.h"

enum { NAME_MAX = 255 };

static bool
form_has(const struct flow_call *c, struct str name)
{
	return form_get(&c->form, name, NULL).p != NULL;
}

/* --- which account ----------------------------------------------------------------------------------------------------------------- */

static enum step
account_show(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct page p;
	page_begin(&p, r, 200, MSG_ACCOUNT_TITLE);
	page_form_leads_to(&p, c->flow.redirect_uri);
	HTML(&p.h, "<p class=\"lead\">");
	HTML_MESSAGE_WITH(&p.h, MSG_LOGIN_TO, c->flow.client_name);
	HTML(&p.h, "</p>");
	page_form(&p, "/account");
	flow_form_fields(&p, c);
	HTML(&p.h, "<button type=\"submit\" class=\"main\" name=\"account\" value=\"same\">");
	HTML_MESSAGE_WITH(&p.h, MSG_ACCOUNT_CONTINUE, c->session->who.username);
	HTML(&p.h, "</button>");
	page_submit(&p, STR("account"), STR("other"), MSG_ACCOUNT_OTHER, PAGE_BUTTON_OTHER);
	page_form_end(&p);
	r->audit.allowed = true;
	return page_end(&p);
}

static enum step
account_take(struct task *t)
{
	struct flow_call *c = task_frame(t);
	struct str choice = form_get(&c->form, STR("account"), NULL);
	c->flow.chosen = true;
	if (!str_eq(choice, STR("same")))
		c->flow.prompt |= PROMPT_LOGIN;
	return task_push(t, &flow_advance_steps, c);
}

static STEP_TABLE(account_page_steps, 0, { "account_open", flow_open }, { "account_show", account_show });
static STEP_TABLE(account_steps, 0, { "account_open", flow_open }, { "account_take", account_take });

enum step
account_page_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_ACCOUNT, &account_page_steps, STR("account page"));
}

enum step
account_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_ACCOUNT, &account_steps, STR("account choice"));
}

/* --- user name and password ------------------------------------------------------------------------------------------------------- */

static const struct page_field username_field = { "username", PAGE_TEXT, MSG_LOGIN_USERNAME, MSG_N, "username", true,
	true };
static const struct page_field password_field = { "password", PAGE_PASSWORD, MSG_LOGIN_PASSWORD, MSG_N,
	"current-password", true, false };
static const struct page_field email_field = { "email", PAGE_EMAIL, MSG_LOGIN_EMAIL, MSG_LOGIN_EMAIL_HINT, "email",
	false, false };

static const struct db_stmt email_sql = { "login_email_enforced",
	"SELECT gl_value FROM globals WHERE gl_index = 0 AND gl_name = 'enforce_signin_email'", false };

static bool
patients_served(const struct request *r)
{
	return r->site->conf->apis.portal || r->site->conf->apis.fhir;
}

/* Who most likely signs in: an app that asks for nothing of a user's asks patients. */
static bool
patient_likely(struct request *r, const struct flow *f)
{
	const struct scope_set *s;
	struct err e = { 0 };
	return scope_set_parse(r->task.arena, f->scope, &s, &e) == 0 && scope_set_has_context(s, SCOPE_PATIENT) &&
	       !scope_set_has_context(s, SCOPE_USER) && !scope_set_has(s, STR("launch"));
}

static void
role_choice(struct page *p, bool patient)
{
	static const struct {
		const char *value, *id;
		enum message text;
	} roles[] = { { "api", "role-staff", MSG_LOGIN_STAFF }, { "portal-api", "role-patient", MSG_LOGIN_PATIENT } };
	HTML(&p->h, "<fieldset><legend>");
	html_message(&p->h, MSG_LOGIN_I_AM);
	HTML(&p->h, "</legend><div class=\"choice\">");
	for (size_t i = 0; i < NITEMS(roles); i++) {
		HTML(&p->h, "<label><input type=\"radio\" name=\"user_role\"");
		html_attr(&p->h, "id", str_of(roles[i].id));
		html_attr(&p->h, "value", str_of(roles[i].value));
		if (patient == (i == 1))
			HTML(&p->h, " checked");
		HTML(&p->h, ">");
		html_message(&p->h, roles[i].text);
		HTML(&p->h, "</label>");
	}
	HTML(&p->h, "</div></fieldset>\n");
}

static enum step
login_page(struct request *r, struct flow_call *c, bool wrong)
{
	struct page p;
	bool email = c->db == NULL || c->db->n_rows == 0 || !str_eq(db_cell(c->db, 0, 0)->s, STR("0"));
	bool patient = wrong ? c->login.patient : patient_likely(r, &c->flow);
	page_begin(&p, r, 200, MSG_LOGIN_TITLE);
	page_form_leads_to(&p, c->flow.redirect_uri);
	HTML(&p.h, "<p class=\"lead\">");
	HTML_MESSAGE_WITH(&p.h, MSG_LOGIN_TO, c->flow.client_name);
	HTML(&p.h, "</p>");
	if (wrong)
		page_problem(&p, MSG_LOGIN_WRONG);
	page_form(&p, "/login");
	flow_form_fields(&p, c);
	if (patients_served(r))
		role_choice(&p, patient);
	else
		page_hidden(&p, "user_role", STR("api"));
	page_field(&p, &username_field, wrong ? c->login.username : c->flow.login_hint);
	page_field(&p, &password_field, STR_NULL);
	if (patients_served(r) && email) {
		HTML(&p.h, "<div class=\"patients\">");
		page_field(&p, &email_field, wrong ? c->login.email : STR_NULL);
		HTML(&p.h, "</div>");
	}
	page_submit(&p, STR_NULL, STR_NULL, MSG_LOGIN_SUBMIT, PAGE_BUTTON_MAIN);
	page_submit(&p, STR("cancel"), STR("1"), MSG_CANCEL, PAGE_BUTTON_LINK);
	page_form_end(&p);
	return page_end(&p);
}

static enum step
login_globals_read(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	return db_query(t, r->site->db, &email_sql, NULL, 0, &c->db);
}

static enum step
login_show(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: login rules cannot be read");
	r->audit.allowed = true;
	return login_page(r, c, false);
}

static enum step
login_try(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct login *l = &c->login;
	if (form_has(c, STR("cancel")))
		return flow_deny(t, c);
	l->username = str_sub(form_get(&c->form, STR("username"), NULL), 0, NAME_MAX);
	l->password = form_get(&c->form, STR("password"), NULL);
	l->email = str_sub(form_get(&c->form, STR("email"), NULL), 0, NAME_MAX);
	l->patient = patients_served(r) && str_eq(form_get(&c->form, STR("user_role"), NULL), STR("portal-api"));
	return task_push(t, l->patient ? &login_patient_steps : &login_staff_steps, l);
}

/* Right password: a second factor is due, or the person has signed in. The request under way moves on in the same step as the session. */
static enum step
signed_in_store(struct task *t, struct flow_call *c, const struct subject *who)
{
	struct request *r = request_of(t);
	struct str was = c->flow.text;
	c->flow.fresh = true;
	c->flow.pending = (struct subject){ 0 };
	c->flow.sub = STR_NULL;
	if (flow_move(&c->flow, FLOW_LOGIN) != 0)
		return flow_step_refused(r, 400, "step out of order");
	c->flow.text = flow_text(r, &c->flow);
	if (c->flow.text.p == NULL)
		return STEP_FAIL;
	return session_sign_in(t, r, &c->renewed, c->session, who, c->flow.id, was, c->flow.text);
}

static enum step
login_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct login *l = &c->login;
	struct subject who;
	if (form_has(c, STR("cancel")))
		return flow_denied(t);
	if (!l->ok) {
		r->audit.event = login_failure_event(l->locked);
		r->audit.reason = str_of(l->reason);
		r->audit.actor = l->patient ? STR_NULL : str_sub(l->username, 0, 64);
		r->audit.allowed = false;
		c->db = NULL;
		return login_page(r, c, true);
	}
	if (login_subject(r, l, &who) != 0)
		return STEP_FAIL;
	r->audit.actor = who.username;
	if (!l->mfa_required)
		return signed_in_store(t, c, &who);
	struct str was = c->flow.text;
	c->flow.pending = who;
	if (flow_move(&c->flow, FLOW_FACTOR) != 0)
		return flow_step_refused(r, 400, "step out of order");
	c->flow.text = flow_text(r, &c->flow);
	if (c->flow.text.p == NULL)
		return STEP_FAIL;
	return session_flow_put(t, r, c->session, c->flow.id, was, c->flow.text, &c->redis);
}

/* Behind both factors: the new session is there, or the next page asks for the second. */
static enum step
login_end(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	bool more = c->flow.state == FLOW_FACTOR;
	const struct redis_result *res = more ? c->redis : c->renewed.redis;
	if (res->status != REDIS_OK)
		return request_unavailable(r, "redis down: session cannot be kept");
	if (res->value.kind != REDIS_INT || res->value.i != 1)
		return flow_step_refused(r, 400, "request under way changed meanwhile");
	r->audit.allowed = true;
	if (more) {
		struct str to = flow_page_path(r, &c->flow, "/provider/second-factor");
		r->audit.reason = STR("second factor due");
		return to.p == NULL ? STEP_FAIL : page_see_other(r, to);
	}
	r->audit.event = AUDIT_EV_LOGIN;
	c->session = c->renewed.session;
	r->who.sub = c->session->who.sub;
	r->who.role = c->session->who.role;
	return task_push(t, &flow_advance_steps, c);
}

static STEP_TABLE(login_page_steps, 0, { "login_open", flow_open }, { "login_globals_read", login_globals_read },
    { "login_show", login_show });
static STEP_TABLE(login_steps, 0, { "login_open", flow_open }, { "login_try", login_try },
    { "login_judge", login_judge }, { "login_end", login_end });

enum step
login_page_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_LOGIN, &login_page_steps, STR("login page"));
}

enum step
login_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_LOGIN, &login_steps, STR("login"));
}

/* --- second factor ------------------------------------------------------------------------------------------------------------------ */

static const struct page_field code_field = { "mfa_token", PAGE_CODE, MSG_FACTOR_CODE, MSG_N, "one-time-code", true,
	true };

static enum step
factor_page(struct request *r, struct flow_call *c, enum message problem)
{
	struct page p;
	page_begin(&p, r, 200, MSG_FACTOR_TITLE);
	page_form_leads_to(&p, c->flow.redirect_uri);
	if (problem != MSG_FACTOR_UNSUPPORTED) {
		HTML(&p.h, "<p class=\"lead\">");
		html_message(&p.h, MSG_FACTOR_TEXT);
		HTML(&p.h, "</p>");
	}
	if (problem != MSG_N)
		page_problem(&p, problem);
	page_form(&p, "/second-factor");
	flow_form_fields(&p, c);
	if (problem != MSG_FACTOR_UNSUPPORTED) {
		page_hidden(&p, "mfa_type", STR("TOTP"));
		page_field(&p, &code_field, STR_NULL);
		page_submit(&p, STR_NULL, STR_NULL, MSG_FACTOR_SUBMIT, PAGE_BUTTON_MAIN);
	}
	page_submit(&p, STR("cancel"), STR("1"), MSG_CANCEL, PAGE_BUTTON_LINK);
	page_form_end(&p);
	return page_end(&p);
}

static enum step
factor_kinds(struct task *t)
{
	struct flow_call *c = task_frame(t);
	return second_factor_read(t, request_of(t), c->flow.pending.user_id, &c->db);
}

static enum step
factor_show(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: second factor cannot be read");
	r->audit.allowed = true;
	return factor_page(r, c, second_factor_served(c->db) ? MSG_N : MSG_FACTOR_UNSUPPORTED);
}

static enum step
factor_try(struct task *t)
{
	struct flow_call *c = task_frame(t);
	if (form_has(c, STR("cancel")))
		return flow_deny(t, c);
	c->factor.user_id = c->flow.pending.user_id;
	c->factor.code = str_trim(form_get(&c->form, STR("mfa_token"), NULL));
	return task_push(t, &second_factor_steps, &c->factor);
}

static enum step
factor_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct subject who = c->flow.pending;
	if (form_has(c, STR("cancel")))
		return flow_denied(t);
	r->audit.actor = who.username;
	if (!c->factor.ok) {
		r->audit.event = login_failure_event(c->factor.locked);
		r->audit.reason = str_of(c->factor.reason);
		r->audit.allowed = false;
		return factor_page(r, c, c->factor.unsupported ? MSG_FACTOR_UNSUPPORTED : MSG_FACTOR_WRONG);
	}
	who.amr = STR("pwd otp mfa");
	who.auth_time_s = clock_real_s(r->worker->clock);
	return signed_in_store(t, c, &who);
}

static STEP_TABLE(factor_page_steps, 0, { "factor_open", flow_open }, { "factor_kinds", factor_kinds },
    { "factor_show", factor_show });
static STEP_TABLE(factor_steps, 0, { "factor_open", flow_open }, { "factor_try", factor_try },
    { "factor_judge", factor_judge }, { "login_end", login_end });

enum step
factor_page_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_FACTOR, &factor_page_steps, STR("second factor page"));
}

enum step
factor_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_FACTOR, &factor_steps, STR("second factor"));
}
