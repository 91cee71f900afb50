/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of every page: head, site's name and logo, card, footer, and the fields that protect it (CSP without inline code, no
 * framing, no referrer, no store). A page is written between page_begin() and page_end() with the writer of html.h:
 *
 *     struct page p;
 *     page_begin(&p, r, 200, MSG_LOGIN_TITLE);
 *     page_form(&p, "/login");
 *     page_hidden(&p, "csrf_token_form", csrf);
 *     page_field(&p, &fields[0], STR_NULL);
 *     page_submit(&p, STR_NULL, STR_NULL, MSG_LOGIN_SUBMIT, PAGE_BUTTON_MAIN);
 *     page_form_end(&p);
 *     return page_end(&p);
 *
 * Pages work without JavaScript and have none. Their routes carry "page: true" in the scope file: refusals that the pipeline makes
 * are then pages too, and no CORS field is sent. Nothing secret goes into a page but the form's CSRF token. RFC 9700 4.16. */
#ifndef GATEWAY_OAUTH_PAGES_PAGE_H
#define GATEWAY_OAUTH_PAGES_PAGE_H

#include "gateway/core/request.h"
#include "gateway/oauth/pages/html.h"

struct page {
	struct request *r;
	struct html h;
	struct str form_action; /* further sources of the CSP's form-action; page_form_leads_to() */
	bool wide;
};

/* Throws away what the reply had, sets status, writes everything before the card's content. title stands in <title> and <h1>. */
void page_begin(struct page *p, struct request *r, unsigned status, enum message title);
/* The same with a card for tables and lists (patient picker, manage); before anything else of p is used. */
void page_begin_wide(struct page *p, struct request *r, unsigned status, enum message title);
/* Ends the page and its fields. Returns STEP_REPLY. */
enum step page_end(struct page *p);

/* <form method="post" action="{issuer path}{path}">; path is one of our own, "/login". */
void page_form(struct page *p, const char *path);
void page_form_end(struct page *p);
/* The answer to this page's form may redirect to this address (a client's): browsers hold redirects to form-action too, for the whole
 * chain behind it, so its scheme is permitted (https, a loopback's http, a private-use scheme). CSP 3 6.4.2.               */
void page_form_leads_to(struct page *p, struct str redirect_uri);
void page_hidden(struct page *p, const char *name, struct str value);

enum page_field_type { PAGE_TEXT, PAGE_PASSWORD, PAGE_EMAIL, PAGE_CODE };
struct page_field {
	const char *name;
	enum page_field_type type;
	enum message label, hint; /* hint MSG_N: none */
	const char *autocomplete; /* HTML's token: username, current-password, one-time-code */
	bool required, focus;
};
/* Label, hint and input; value .n 0: empty. Never give a password back. */
void page_field(struct page *p, const struct page_field *f, struct str value);
enum page_button { PAGE_BUTTON_MAIN, PAGE_BUTTON_OTHER, PAGE_BUTTON_LINK };
/* A submit button; name .n 0: sends nothing. */
void page_submit(struct page *p, struct str name, struct str value, enum message text, enum page_button kind);
/* A box that says what was wrong with the last try (role alert). */
void page_problem(struct page *p, enum message text);
/* A paragraph. */
void page_text(struct page *p, enum message text);

/* A whole page of one title and one text: errors, signed out. detail .n 0: none; else shown, escaped, for developers. The audit facts
 * are the caller's. Returns STEP_REPLY.                                                                                    */
enum step page_notice(struct request *r, unsigned status, enum message title, enum message text, struct str detail);

/* {issuer path}{path} in arena memory: "/oauth2/default/login". */
struct str page_path(struct request *r, const char *path);
/* A redirect that a browser follows with GET: 303. location: a path or an absolute URI. Returns STEP_REPLY. RFC 9110 15.4.4. */
enum step page_see_other(struct request *r, struct str location);

struct oauth_state;
/* GET {issuer}/pages/style.css, {issuer}/pages/icon.svg */
enum step style_endpoint(struct request *r, struct oauth_state *s);
enum step icon_endpoint(struct request *r, struct oauth_state *s);

#endif
