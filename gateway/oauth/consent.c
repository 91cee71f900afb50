/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The consent page: which app asks, what it may do in plain words, what the person unticks; then the code or access_denied. What comes back
 * is only ever narrower than what was asked. contract/oauth2.md 2.8, 2.9; ONC 170.315(g)(10) granular scopes.              */
#include "gateway/base/date.h"
#include "gateway/base/uri.h"
#include "gateway/oauth/code.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/pages/words.h"
#include "policy/policy.h"

/* --- what is shown -------------------------------------------------------------------------------------------------------------------- */

/* Sections of the list, in this order; a section without a scope is left out. */
static const struct {
	enum scope_context context;
	enum message staff, patient; /* heading for whom */
} sections[] = {
	{ SCOPE_PATIENT, MSG_CONSENT_PATIENT, MSG_CONSENT_PATIENT_OWN },
	{ SCOPE_USER, MSG_CONSENT_USER, MSG_CONSENT_USER },
	{ SCOPE_SPECIAL, MSG_CONSENT_IDENTITY, MSG_CONSENT_IDENTITY },
};

/* scopes: one, or several that are the same to the person; the first names the field. */
static void
tick(struct page *p, struct str scopes, bool checked)
{
	struct str first = str_sub(scopes, 0, str_find(scopes, ' '));
	HTML(&p->h, "<label><input type=\"checkbox\"");
	html_attr(&p->h, "name", arena_printf(p->r->task.arena, "scope[%.*s]", STR_ARG(first)));
	html_attr(&p->h, "value", scopes);
	if (checked)
		HTML(&p->h, " checked");
	HTML(&p->h, "><span>");
}

static void
tick_end(struct page *p)
{
	HTML(&p->h, "</span></label>");
}

/* Whoever may see all kinds may choose some instead: each category that the server knows, under the unrestricted scope. They are unticked:
 * ticked lines add up, and the line above holds them all. True: there are some.                                             */
static bool
categories(struct page *p, const struct scope *s)
{
	struct request *r = p->r;
	size_t pos = 0;
	struct str name, seen = STR_NULL;
	bool any = false;
	if (s->category.n > 0 || (s->permissions & (SCOPE_R | SCOPE_S)) == 0 || s->operation.n > 0)
		return false;
	while (scope_catalog_next(r->site->policy->catalog, false, &pos, &name)) {
		struct scope c;
		if (scope_parse(name, &c, NULL) != 0 || c.category.n == 0 || !scope_contains(s, &c) ||
		    str_eq(c.category, seen))
			continue;
		seen = c.category;
		if (!any) {
			HTML(&p->h, "<details><summary>");
			html_message(&p->h, MSG_CONSENT_CATEGORIES);
			HTML(&p->h, "</summary><ul>");
		}
		any = true;
		HTML(&p->h, "<li>");
		tick(p, name, false);
		words_category(&p->h, c.category);
		tick_end(p);
		HTML(&p->h, "</li>");
	}
	if (any)
		HTML(&p->h, "</ul></details>");
	return any;
}

static void
offline_words(struct page *p)
{
	struct request *r = p->r;
	const struct conf_site *c = r->site->conf;
	struct date d;
	struct buf b;
	if (c->oauth.refresh_ttl_s == 0) {
		html_message(&p->h, MSG_SCOPE_OFFLINE_OPEN);
		return;
	}
	date_from_epoch_us((clock_real_s(r->worker->clock) + (int64_t)c->oauth.refresh_ttl_s) * 1000000, &d);
	d.precision = DATE_DAY;
	buf_init(&b, r->task.arena, 16, 64);
	date_put_iso(&b, &d);
	HTML_MESSAGE_WITH(&p->h, MSG_SCOPE_OFFLINE, buf_str(&b));
}

/* The scopes of the page with their words, in the order in which the app named them. Scopes of one section with the same words (v1 and v2 of
 * one right, a resource of two interfaces) are one line: to the person they are one thing, and half of it would still be it. */
struct line {
	const struct scope *scope;
	struct str words; /* as written on the page */
	bool shown;
};

static struct line *
lines_read(struct page *p, const struct scope_set *set, size_t n)
{
	struct arena *a = p->r->task.arena;
	struct line *lines = arena_array(a, n + 1, sizeof *lines);
	for (size_t i = 0; lines != NULL && i < n; i++) {
		const struct scope *s = scope_set_at(set, i);
		struct buf b;
		buf_init(&b, a, 64, 1024);
		words_scope(&(struct html){ &b, p->h.language }, a, s);
		lines[i] = (struct line){ .scope = s, .words = buf_ok(&b) ? buf_str(&b) : s->text };
		lines[i].shown =
		    str_eq(s->text, STR("openid")); /* signing in without it is no sign-in: not to untick */
	}
	return lines;
}

static bool
lines_same(const struct line *a, const struct line *b)
{
	return a->scope->context == b->scope->context && str_eq(a->words, b->words);
}

static void
line_put(struct page *p, struct line *lines, size_t n, size_t at)
{
	const struct scope *s = lines[at].scope;
	struct buf scopes;
	bool any = false;
	buf_init(&scopes, p->r->task.arena, 128, SCOPE_SET_TEXT_MAX);
	for (size_t i = at; i < n; i++) {
		if (!lines_same(&lines[at], &lines[i]))
			continue;
		if (scopes.n > 0)
			buf_char(&scopes, ' ');
		buf_str_put(&scopes, lines[i].scope->text);
		lines[i].shown = true;
	}
	HTML(&p->h, "<li>");
	tick(p, buf_ok(&scopes) ? buf_str(&scopes) : s->text, true);
	if (str_eq(s->text, STR("offline_access")))
		offline_words(p);
	else
		words_scope(&p->h, p->r->task.arena, s);
	tick_end(p);
	for (size_t i = at; i < n && !any; i++)
		if (lines_same(&lines[at], &lines[i]))
			any = categories(p, lines[i].scope);
	HTML(&p->h, "</li>\n");
}

/* Lines of one resource stand together. False: nothing of this context. */
static bool
section(struct page *p, struct line *lines, size_t n, enum scope_context context, enum message heading)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		if (lines[i].scope->context != context || lines[i].shown)
			continue;
		if (!any) {
			HTML(&p->h, "<h2>");
			html_message(&p->h, heading);
			HTML(&p->h, "</h2><ul class=\"scopes\">\n");
		}
		any = true;
		line_put(p, lines, n, i);
		for (size_t k = i + 1; k < n && context != SCOPE_SPECIAL; k++)
			if (!lines[k].shown && lines[k].scope->context == context &&
			    str_eq(lines[k].scope->resource, lines[i].scope->resource))
				line_put(p, lines, n, k);
	}
	if (any)
		HTML(&p->h, "</ul>\n");
	return any;
}

static int
scopes_list(struct page *p, const struct flow_call *c)
{
	bool patient = c->session->who.role == ROLE_PATIENT, any = false;
	size_t n = scope_set_count(c->scopes);
	struct line *lines = lines_read(p, c->scopes, n);
	if (lines == NULL)
		return -1;
	for (size_t i = 0; i < NITEMS(sections); i++)
		any |= section(p, lines, n, sections[i].context, patient ? sections[i].patient : sections[i].staff);
	if (any) {
		HTML(&p->h, "<p class=\"hint untick\">");
		html_message(&p->h, MSG_CONSENT_UNTICK);
		HTML(&p->h, "</p>");
	} else {
		page_text(p, MSG_CONSENT_NOTHING);
	}
	if (scope_set_has(c->scopes, STR("openid")))
		page_hidden(p, "scope[openid]", STR("openid"));
	return 0;
}

/* Where the answer goes: a host, or the scheme of an app of the device. */
static struct str
destination(struct request *r, struct str redirect_uri)
{
	struct uri u;
	struct str origin = uri_origin(r->task.arena, redirect_uri);
	if (origin.n > 0)
		return str_skip(origin, str_find_str(origin, STR("//")) + 2);
	return uri_parse(redirect_uri, &u, NULL) == 0 ? u.scheme : redirect_uri;
}

static void
links(struct page *p, const struct flow *f)
{
	const struct {
		struct str uri;
		enum message text;
	} rows[] = { { f->policy_uri, MSG_CONSENT_POLICY }, { f->tos_uri, MSG_CONSENT_TERMS } };
	HTML(&p->h, "<p class=\"links\">");
	HTML_MESSAGE_WITH(&p->h, MSG_CONSENT_GOES_TO, destination(p->r, f->redirect_uri));
	for (size_t i = 0; i < NITEMS(rows); i++) {
		if (rows[i].uri.n == 0)
			continue;
		HTML(&p->h, " ");
		html_link(&p->h, rows[i].uri, message_text(p->h.language, rows[i].text));
	}
	HTML(&p->h, "</p>");
}

static enum step
consent_show(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct page p;
	if (c->session->who.role == ROLE_NONE)
		return flow_step_refused(r, 400, "nobody has signed in");
	if (flow_scopes(r, c) != 0)
		return STEP_FAIL;
	page_begin(&p, r, 200, MSG_CONSENT_TITLE);
	page_form_leads_to(&p, c->flow.redirect_uri);
	HTML(&p.h, "<p class=\"lead\"><strong>");
	HTML_MESSAGE_WITH(&p.h, MSG_CONSENT_ASKS, c->flow.client_name);
	HTML(&p.h, "</strong><br>");
	HTML_MESSAGE_WITH(&p.h, MSG_CONSENT_SIGNED_IN, c->session->who.username);
	HTML(&p.h, "</p>");
	page_form(&p, "/device/code");
	flow_form_fields(&p, c);
	if (scopes_list(&p, c) != 0)
		return STEP_FAIL;
	HTML(&p.h, "<div class=\"actions\">");
	page_submit(&p, STR("proceed"), STR("1"), MSG_CONSENT_ALLOW, PAGE_BUTTON_MAIN);
	page_submit(&p, STR("deny"), STR("1"), MSG_CONSENT_DENY, PAGE_BUTTON_OTHER);
	HTML(&p.h, "</div>");
	links(&p, &c->flow);
	page_form_end(&p);
	r->audit.allowed = true;
	return page_end(&p);
}

/* --- the decision -------------------------------------------------------------------------------------------------------------------- */

/* What was ticked and is within what was asked. */
static int
ticked(struct request *r, struct flow_call *c)
{
	const struct scope_set *posted;
	struct err e = { 0 };
	struct buf b;
	buf_init(&b, r->task.arena, 1024, SCOPE_SET_TEXT_MAX);
	for (size_t i = 0; i < c->form.n; i++) {
		if (!str_starts(c->form.pairs[i].name, STR("scope[")))
			continue;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, c->form.pairs[i].value);
	}
	if (!buf_ok(&b) || scope_set_parse(r->task.arena, b.n == 0 ? STR("") : buf_str(&b), &posted, &e) != 0)
		return -1;
	c->scopes = scope_set_narrow(r->task.arena, posted, c->scopes);
	return c->scopes == NULL ? -1 : 0;
}

static enum step
consent_take(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->session->who.role == ROLE_NONE)
		return flow_step_refused(r, 400, "nobody has signed in");
	if (!str_eq(form_get(&c->form, STR("proceed"), NULL), STR("1")))
		return flow_deny(t, c);
	if (flow_scopes(r, c) != 0)
		return STEP_FAIL;
	if (ticked(r, c) != 0)
		return flow_step_refused(r, 400, "scopes of the form cannot be read");
	c->consented = true;
	return task_push(t, &code_give_steps, c);
}

static STEP_TABLE(consent_page_steps, 0, { "consent_open", flow_open }, { "consent_show", consent_show });
static STEP_TABLE(consent_steps, 0, { "consent_open", flow_open }, { "consent_take", consent_take },
    { "consent_denied", flow_denied });

enum step
consent_page_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_CONSENT, &consent_page_steps, STR("consent page"));
}

enum step
consent_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_CONSENT, &consent_steps, STR("consent"));
}
