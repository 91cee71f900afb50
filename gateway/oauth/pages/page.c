/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame and the parts of pages. */
#include "gateway/oauth/pages/page.h"

#include "gateway/base/uri.h"
#include "gateway/config/conf.h"
#include "gateway/core/site.h"

/* --- fields of the answer ------------------------------------------------------------------------------------------------------ */

static struct str
logo(const struct request *r)
{
	return r->site == NULL ? STR_NULL : r->site->conf->logo;
}

static struct str
policy_text(struct page *p)
{
	struct arena *a = p->r->task.arena;
	struct str image = uri_origin(a, logo(p->r));
	struct buf b;
	buf_init(&b, a, 256, 2048);
	buf_lit(&b, "default-src 'none'; style-src 'self'; img-src 'self'");
	if (image.n > 0) {
		buf_char(&b, ' ');
		buf_str_put(&b, image);
	}
	buf_lit(&b, "; form-action 'self'");
	buf_str_put(&b, p->form_action);
	buf_lit(&b, "; frame-ancestors 'none'; base-uri 'none'");
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

void
page_form_leads_to(struct page *p, struct str redirect_uri)
{
	struct uri u;
	if (uri_parse(redirect_uri, &u, NULL) != 0)
		return;
	bool http = str_ieq(u.scheme, STR("http"));
	/* a loopback address may lead on to the app's https site */
	p->form_action = http ? STR(" http: https:") : arena_printf(p->r->task.arena, " %.*s:", STR_ARG(u.scheme));
}

/* --- the frame -------------------------------------------------------------------------------------------------------------------- */

struct str
page_path(struct request *r, const char *path)
{
	return arena_printf(r->task.arena, "/oauth2/%.*s%s", STR_ARG(r->site->name), path);
}

static void
frame(struct page *p, enum message title)
{
	struct html *h = &p->h;
	struct str site = p->r->site->conf->display_name;
	HTML(h, "<!DOCTYPE html>\n<html");
	html_attr(h, "lang", language_tag(h->language));
	HTML(h, "><head><meta charset=\"utf-8\">"
	        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
	        "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\"><title>");
	html_message(h, title);
	HTML(h, " \xc2\xb7 ");
	html_text(h, site);
	HTML(h, "</title><link rel=\"stylesheet\"");
	html_url_attr(h, "href", page_path(p->r, "/pages/style.css"));
	HTML(h, "><link rel=\"icon\" type=\"image/svg+xml\"");
	html_url_attr(h, "href", page_path(p->r, "/pages/icon.svg"));
	HTML(h, "></head>\n<body><a class=\"skip\" href=\"#main\">");
	html_message(h, MSG_SKIP);
	HTML(h, "</a><header><div class=\"brand\">");
	if (logo(p->r).n > 0) {
		HTML(h, "<img alt=\"\"");
		html_url_attr(h, "src", logo(p->r));
		HTML(h, ">");
	} else {
		HTML(h, "<span class=\"mark\" aria-hidden=\"true\"></span>");
	}
	HTML(h, "<span>");
	html_text(h, site);
	HTML(h, "</span></div></header>\n<main id=\"main\"");
	if (p->wide)
		html_attr(h, "class", STR("wide"));
	HTML(h, "><h1>");
	html_message(h, title);
	HTML(h, "</h1>\n");
}

static void
begin(struct page *p, struct request *r, unsigned status, enum message title, bool wide)
{
	struct str accept = http_field_named(r->x->head, STR("accept-language"));
	struct str wanted = form_get(&r->query, STR("ui_locales"), NULL);
	*p = (struct page){ .r = r, .h = { &r->reply.body, language_choose(wanted, accept) }, .wide = wide };
	reply_reset(&r->reply);
	r->reply.status = status;
	r->reply.content_type = STR("text/html; charset=utf-8");
	frame(p, title);
}

void
page_begin(struct page *p, struct request *r, unsigned status, enum message title)
{
	begin(p, r, status, title, false);
}

void
page_begin_wide(struct page *p, struct request *r, unsigned status, enum message title)
{
	begin(p, r, status, title, true);
}

enum step
page_end(struct page *p)
{
	struct reply *rp = &p->r->reply;
	HTML(&p->h, "</main>\n<footer>");
	html_message(&p->h, MSG_FOOTER);
	HTML(&p->h, "</footer></body></html>\n");
	reply_field(rp, STR("Content-Security-Policy"), policy_text(p));
	reply_field(rp, STR("X-Frame-Options"), STR("DENY"));
	reply_field(rp, STR("Referrer-Policy"), STR("same-origin"));
	reply_field(rp, STR("Content-Language"), language_tag(p->h.language));
	return STEP_REPLY;
}

/* --- parts -------------------------------------------------------------------------------------------------------------------------- */

void
page_form(struct page *p, const char *path)
{
	HTML(&p->h, "<form method=\"post\"");
	html_url_attr(&p->h, "action", page_path(p->r, path));
	HTML(&p->h, ">\n");
}

void
page_form_end(struct page *p)
{
	HTML(&p->h, "</form>\n");
}

void
page_hidden(struct page *p, const char *name, struct str value)
{
	HTML(&p->h, "<input type=\"hidden\"");
	html_attr(&p->h, "name", str_of(name));
	html_attr(&p->h, "value", value);
	HTML(&p->h, ">\n");
}

static const struct {
	const char *type, *mode;
} types[] = {
	[PAGE_TEXT] = { "text", NULL },
	[PAGE_PASSWORD] = { "password", NULL },
	[PAGE_EMAIL] = { "email", "email" },
	[PAGE_CODE] = { "text", "numeric" },
};

void
page_field(struct page *p, const struct page_field *f, struct str value)
{
	struct html *h = &p->h;
	HTML(h, "<div class=\"field\"><label");
	html_attr(h, "for", str_of(f->name));
	HTML(h, ">");
	html_message(h, f->label);
	HTML(h, "</label>");
	if (f->hint != MSG_N) {
		HTML(h, "<p class=\"hint\" id=\"hint-");
		html_text(h, str_of(f->name));
		HTML(h, "\">");
		html_message(h, f->hint);
		HTML(h, "</p>");
	}
	HTML(h, "<input autocapitalize=\"none\" spellcheck=\"false\"");
	html_attr(h, "type", str_of(types[f->type].type));
	if (types[f->type].mode != NULL)
		html_attr(h, "inputmode", str_of(types[f->type].mode));
	html_attr(h, "id", str_of(f->name));
	html_attr(h, "name", str_of(f->name));
	html_attr(h, "autocomplete", str_of(f->autocomplete));
	if (value.n > 0)
		html_attr(h, "value", value);
	if (f->hint != MSG_N)
		html_attr(h, "aria-describedby", arena_printf(p->r->task.arena, "hint-%s", f->name));
	if (f->required)
		HTML(h, " required");
	if (f->focus)
		HTML(h, " autofocus");
	HTML(h, "></div>\n");
}

void
page_submit(struct page *p, struct str name, struct str value, enum message text, enum page_button kind)
{
	static const struct str classes[] = { [PAGE_BUTTON_MAIN] = STR_INIT("main"),
		[PAGE_BUTTON_OTHER] = STR_INIT("other"),
		[PAGE_BUTTON_LINK] = STR_INIT("link") };
	struct html *h = &p->h;
	HTML(h, "<button type=\"submit\"");
	html_attr(h, "class", classes[kind]);
	if (name.n > 0) {
		html_attr(h, "name", name);
		html_attr(h, "value", value);
	}
	if (kind != PAGE_BUTTON_MAIN) /* leaves the form without what it asks for */
		HTML(h, " formnovalidate");
	HTML(h, ">");
	html_message(h, text);
	HTML(h, "</button>\n");
}

void
page_problem(struct page *p, enum message text)
{
	HTML(&p->h, "<div class=\"problem\" role=\"alert\">");
	html_message(&p->h, text);
	HTML(&p->h, "</div>\n");
}

void
page_text(struct page *p, enum message text)
{
	HTML(&p->h, "<p>");
	html_message(&p->h, text);
	HTML(&p->h, "</p>\n");
}

/* --- whole pages -------------------------------------------------------------------------------------------------------------------- */

enum step
page_notice(struct request *r, unsigned status, enum message title, enum message text, struct str detail)
{
	struct page p;
	page_begin(&p, r, status, title);
	page_text(&p, text);
	if (detail.n > 0) {
		HTML(&p.h, "<p class=\"hint\">");
		HTML_MESSAGE_WITH(&p.h, MSG_ERROR_DETAIL, detail);
		HTML(&p.h, "</p>\n");
	}
	return page_end(&p);
}

enum step
page_see_other(struct request *r, struct str location)
{
	reply_reset(&r->reply);
	r->reply.status = 303;
	reply_field(&r->reply, STR("Location"), location);
	reply_field(&r->reply, STR("Referrer-Policy"), STR("no-referrer"));
	return STEP_REPLY;
}
