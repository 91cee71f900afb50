/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET and POST /interface/smart/register-app.php: OpenEMR's page on which a developer registers an app. The form becomes the metadata of
 * RFC 7591 and goes the way of the registration endpoint (registration.h); id and secret are shown once. Nobody is signed in here, so
 * the form has no CSRF token: it does what anybody may do. contract/oauth2.md 5.4.                                          */
#include "gateway/base/json_in.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/registration.h"
#include "policy/policy.h"

#include <stdlib.h>

#define PAGE_PATH "/interface/smart/register-app.php"
enum { FORM_PAIRS_MAX = 1024, SCOPES_MAX = 32 << 10, ERROR_MAX = 16 << 10 };

struct register_page {
	struct registration registration; /* first: the page's callbacks get it */
	struct form form;
};

/* --- the form's fields ----------------------------------------------------------------------------------------------------------- */

/* member: of the metadata. Lists become arrays, one value per word or line. */
enum member_kind { MEMBER_TEXT, MEMBER_LIST };
static const struct {
	struct page_field field;
	enum member_kind kind;
} fields[] = {
	{ { "client_name", PAGE_TEXT, MSG_REGISTER_NAME, MSG_N, "off", true, false }, MEMBER_TEXT },
	{ { "redirect_uris", PAGE_TEXT, MSG_REGISTER_REDIRECT, MSG_REGISTER_REDIRECT_HINT, "off", true, false },
	    MEMBER_LIST },
	{ { "initiate_login_uri", PAGE_TEXT, MSG_REGISTER_LAUNCH, MSG_REGISTER_LAUNCH_HINT, "off", false, false },
	    MEMBER_TEXT },
	{ { "post_logout_redirect_uris", PAGE_TEXT, MSG_REGISTER_LOGOUT, MSG_N, "off", false, false }, MEMBER_LIST },
	{ { "contacts", PAGE_TEXT, MSG_REGISTER_CONTACT, MSG_N, "email", false, false }, MEMBER_LIST },
	{ { "jwks_uri", PAGE_TEXT, MSG_REGISTER_JWKS_URI, MSG_N, "off", false, false }, MEMBER_TEXT },
	{ { "jwks", PAGE_TEXT, MSG_REGISTER_JWKS, MSG_REGISTER_JWKS_HINT, "off", false, false }, MEMBER_TEXT },
};
static const struct page_field token_field = { "initial_access_token", PAGE_PASSWORD, MSG_REGISTER_TOKEN, MSG_N, "off",
	true, false };

struct option {
	struct str value;
	enum message text, hint;
};
static const struct option types[] = { { STR_INIT("public"), MSG_REGISTER_PUBLIC, MSG_N },
	{ STR_INIT("private"), MSG_REGISTER_PRIVATE, MSG_N } };
static const struct option methods[] = { { STR_INIT("client_secret_basic"), MSG_REGISTER_BASIC, MSG_N },
	{ STR_INIT("client_secret_post"), MSG_REGISTER_POST, MSG_N },
	{ STR_INIT("private_key_jwt"), MSG_REGISTER_KEY_JWT, MSG_N } };

static const struct {
	enum message title;
	struct str prefix; /* .n 0: scopes of no context */
	bool open;
} groups[] = {
	{ MSG_REGISTER_SCOPES_GENERAL, STR_INIT(""), true },
	{ MSG_REGISTER_SCOPES_PATIENT, STR_INIT("patient/"), false },
	{ MSG_REGISTER_SCOPES_USER, STR_INIT("user/"), false },
	{ MSG_REGISTER_SCOPES_SYSTEM, STR_INIT("system/"), false },
};
/* Ticked on the empty form. */
static const struct str usual[] = { STR_INIT("openid"), STR_INIT("fhirUser"), STR_INIT("launch/patient") };

static size_t
group_of(struct str scope)
{
	for (size_t i = 1; i < NITEMS(groups); i++)
		if (str_starts(scope, groups[i].prefix))
			return i;
	return 0;
}

static struct str
scope_field(struct arena *a, struct str scope)
{
	return arena_printf(a, "scope[%.*s]", STR_ARG(scope));
}

static bool
ticked(struct request *r, const struct form *f, struct str scope)
{
	if (f->n > 0)
		return form_get(f, scope_field(r->task.arena, scope), NULL).p != NULL;
	for (size_t i = 0; i < NITEMS(usual); i++)
		if (str_eq(usual[i], scope))
			return true;
	return false;
}

/* --- writing --------------------------------------------------------------------------------------------------------------------- */

static void
choice_put(
    struct page *p, const char *name, enum message legend, const struct option *options, size_t n, struct str chosen)
{
	struct html *h = &p->h;
	HTML(h, "<fieldset><legend>");
	html_message(h, legend);
	HTML(h, "</legend><div class=\"choice\">");
	for (size_t i = 0; i < n; i++) {
		HTML(h, "<label><input type=\"radio\"");
		html_attr(h, "name", str_of(name));
		html_attr(h, "value", options[i].value);
		if (str_eq(options[i].value, chosen) || (chosen.n == 0 && i == 0))
			HTML(h, " checked");
		HTML(h, "><span>");
		html_message(h, options[i].text);
		HTML(h, "</span></label>");
	}
	HTML(h, "</div></fieldset>\n");
}

static void
scopes_put(struct page *p, const struct form *f)
{
	struct request *r = p->r;
	struct html *h = &p->h;
	HTML(h, "<fieldset><legend>");
	html_message(h, MSG_REGISTER_SCOPES);
	HTML(h, "</legend>\n");
	for (size_t g = 0; g < NITEMS(groups); g++) {
		size_t pos = 0, n = 0;
		struct str name;
		while (scope_catalog_next(r->site->policy->catalog, r->site->policy->system_scopes, &pos, &name)) {
			if (group_of(name) != g)
				continue;
			if (n++ == 0) {
				HTML(h, "<details");
				if (groups[g].open)
					HTML(h, " open");
				HTML(h, "><summary>");
				html_message(h, groups[g].title);
				HTML(h, "</summary><ul class=\"scopes\">");
			}
			HTML(h, "<li><label><input type=\"checkbox\" value=\"1\"");
			html_attr(h, "name", scope_field(r->task.arena, name));
			if (ticked(r, f, name))
				HTML(h, " checked");
			HTML(h, "><code>");
			html_text(h, name);
			HTML(h, "</code></label></li>\n");
		}
		if (n > 0)
			HTML(h, "</ul></details>\n");
	}
	HTML(h, "</fieldset>\n");
}

static enum step
form_page(struct request *r, const struct form *f, unsigned status, struct str problem)
{
	struct page p;
	page_begin_wide(&p, r, status, MSG_REGISTER_TITLE);
	if (problem.n > 0) {
		HTML(&p.h, "<div class=\"problem\" role=\"alert\">");
		HTML_MESSAGE_WITH(&p.h, MSG_REGISTER_REFUSED, problem);
		HTML(&p.h, "</div>\n");
	}
	page_text(&p, MSG_REGISTER_TEXT);
	page_form(&p, PAGE_PATH);
	page_field(&p, &fields[0].field, form_get(f, STR("client_name"), NULL));
	choice_put(&p, "application_type", MSG_REGISTER_TYPE, types, NITEMS(types),
	    form_get(f, STR("application_type"), NULL));
	for (size_t i = 1; i < NITEMS(fields); i++)
		page_field(&p, &fields[i].field, form_get(f, str_of(fields[i].field.name), NULL));
	choice_put(&p, "token_endpoint_auth_method", MSG_REGISTER_METHOD, methods, NITEMS(methods),
	    form_get(f, STR("token_endpoint_auth_method"), NULL));
	scopes_put(&p, f);
	if (str_eq(r->site->conf->oauth.registration, STR("token")))
		page_field(&p, &token_field, STR_NULL);
	page_submit(&p, STR_NULL, STR_NULL, MSG_REGISTER_SUBMIT, PAGE_BUTTON_MAIN);
	page_form_end(&p);
	return page_end(&p);
}

static void
result_put(struct page *p, enum message name, struct str value)
{
	HTML(&p->h, "<dt>");
	html_message(&p->h, name);
	HTML(&p->h, "</dt><dd><code>");
	html_text(&p->h, value);
	HTML(&p->h, "</code></dd>\n");
}

/* registration.answer */
static enum step
registered(struct request *r, struct registration *g)
{
	struct page p;
	page_begin_wide(&p, r, 200, MSG_REGISTERED_TITLE);
	page_text(&p, g->confidential ? MSG_REGISTERED_SECRET : MSG_REGISTERED_TEXT);
	HTML(&p.h, "<dl class=\"result\">");
	result_put(&p, MSG_REGISTERED_ID, g->id);
	if (g->confidential)
		result_put(&p, MSG_REGISTERED_CLIENT_SECRET, g->secret);
	result_put(&p, MSG_REGISTERED_ISS, arena_printf(r->task.arena, "%.*s/fhir", STR_ARG(r->site->api_base)));
	HTML(&p.h, "</dl>\n");
	if (!g->enabled)
		page_text(&p, MSG_REGISTERED_WAITS);
	return page_end(&p);
}

/* registration.refused: the same form, and what was wrong. */
static enum step
refused(struct request *r, struct registration *g)
{
	struct register_page *c = CONTAINER_OF(g, struct register_page, registration);
	unsigned status = r->reply.status;
	struct err e = { 0 };
	json_t *doc = json_in(buf_str(&r->reply.body), ERROR_MAX, &e);
	struct str text = json_in_str(doc, "error_description"), hint = json_in_str(doc, "hint");
	text = hint.n > 0 ? arena_printf(r->task.arena, "%.*s. %.*s", STR_ARG(hint), STR_ARG(text))
	                  : arena_str(r->task.arena, text);
	json_decref(doc);
	return text.p == NULL ? STEP_FAIL : form_page(r, &c->form, status == 401 ? 403 : status, text);
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

static void
list_set(json_t *doc, const char *name, struct str words)
{
	json_t *list = json_array();
	struct str one;
	while (str_next(&words, ' ', &one))
		if (one.n > 0)
			(void)json_array_append_new(list, json_stringn(one.p, one.n));
	(void)json_object_set_new(doc, name, list);
}

static struct str
scopes_ticked(struct request *r, const struct form *f)
{
	struct buf b;
	buf_init(&b, r->task.arena, 1024, SCOPES_MAX);
	for (size_t i = 0; i < f->n; i++) {
		struct str name = f->pairs[i].name;
		if (!str_starts(name, STR("scope[")) || !str_ends(name, STR("]")))
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, str_sub(name, STR("scope[").n, name.n - 1));
	}
	return buf_ok(&b) && b.n > 0 ? buf_str(&b) : STR("");
}

static json_t *
metadata_of(struct request *r, const struct form *f)
{
	json_t *doc = json_object();
	bool confidential = str_eq(form_get(f, STR("application_type"), NULL), STR("private"));
	struct str method = confidential ? form_get(f, STR("token_endpoint_auth_method"), NULL) : STR("none");
	struct str scopes = scopes_ticked(r, f);
	for (size_t i = 0; doc != NULL && i < NITEMS(fields); i++) {
		struct str v = str_trim(form_get(f, str_of(fields[i].field.name), NULL));
		if (v.n == 0)
			continue;
		if (fields[i].kind == MEMBER_LIST)
			list_set(doc, fields[i].field.name, v);
		else
			(void)json_object_set_new(doc, fields[i].field.name, json_stringn(v.p, v.n));
	}
	if (doc != NULL) {
		(void)json_object_set_new(doc, "application_type", json_string(confidential ? "private" : "web"));
		(void)json_object_set_new(
		    doc, "token_endpoint_auth_method", json_stringn(method.p == NULL ? "" : method.p, method.n));
		(void)json_object_set_new(doc, "scope", json_stringn(scopes.p, scopes.n));
	}
	return doc != NULL && json_keep(r->task.arena, doc) == 0 ? doc : NULL;
}

enum step
register_page_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	r->audit.rule = STR("registration policy");
	if (str_eq(r->site->conf->oauth.registration, STR("closed"))) {
		r->audit.reason = STR("registration closed");
		return page_notice(r, 403, MSG_REGISTER_TITLE, MSG_REGISTER_CLOSED, STR_NULL);
	}
	r->audit.allowed = true;
	return form_page(r, &(struct form){ 0 }, 200, STR_NULL);
}

enum step
register_page_post(struct request *r, struct oauth_state *s)
{
	struct register_page *c = ARENA_NEW(r->task.arena, struct register_page);
	(void)s;
	r->audit.rule = STR("registration policy");
	if (c == NULL)
		return STEP_FAIL;
	if (form_parse(r->task.arena, r->body, FORM_PAIRS_MAX, &c->form, &r->task.err) != 0) {
		r->audit.reason = STR("body cannot be read");
		return page_notice(r, 400, MSG_REGISTER_TITLE, MSG_REGISTER_UNREADABLE, STR_NULL);
	}
	c->registration = (struct registration){ .doc = metadata_of(r, &c->form),
		.given_token = form_get(&c->form, STR("initial_access_token"), NULL),
		.answer = registered,
		.refused = refused };
	return c->registration.doc == NULL ? STEP_FAIL : task_push(&r->task, &registration_steps, &c->registration);
}
