/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one writer of HTML. Markup is literals of the program (HTML() takes nothing else); every byte from elsewhere goes through
 * html_text(), html_attr() or html_link(), which let no character act as markup. Not for the frame of a page (page.h).     */
#ifndef GATEWAY_OAUTH_PAGES_HTML_H
#define GATEWAY_OAUTH_PAGES_HTML_H

#include "gateway/base/buf.h"
#include "gateway/oauth/pages/messages.h"

struct html {
	struct buf *out; /* running out of room is the buf's: buf_ok() at the end */
	enum language language;
};

/* Markup: a string literal, or it does not compile. */
#define HTML(h, literal) buf_lit((h)->out, literal)

/* Text from anywhere, as character data or inside a double-quoted attribute value: & < > " ' are escaped, control characters (but
 * newline and tab) and bytes that are not UTF-8 become U+FFFD. WHATWG HTML 13.1.2.3, OWASP ASVS 5.3.3.                      */
void html_text(struct html *h, struct str s);
/* ` name="value"`; name is a literal of the program. Not for href, src and action: html_link(), html_url_attr(). */
void html_attr(struct html *h, const char *name, struct str value);
/* The same for an address: http, https, or a path of our own that begins with one '/'; anything else writes "#". */
void html_url_attr(struct html *h, const char *name, struct str url);
/* <a href rel="noopener noreferrer nofollow">text</a>, for an address that a client gave; not http(s): the text alone. */
void html_link(struct html *h, struct str url, struct str text);
/* A text of the message table. */
void html_message(struct html *h, enum message m);
/* A name from elsewhere as an element of its own: its direction of writing does not turn what stands around it. HTML 4.5.25. */
void html_name(struct html *h, struct str name);
/* A text with {0} .. {9} replaced by values[n], escaped; a hole without a value stays empty. names: the values are names from elsewhere
 * (html_name()), not words of the message table.                                                                            */
void html_message_with(struct html *h, enum message m, const struct str *values, size_t n, bool names);
#define HTML_MESSAGE_VALUES(h, m, names, ...)                                                                          \
	html_message_with((h), (m), (const struct str[]){ __VA_ARGS__ },                                               \
	    sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str), (names))
#define HTML_MESSAGE_WITH(h, m, ...)  HTML_MESSAGE_VALUES(h, m, true, __VA_ARGS__)
#define HTML_MESSAGE_WORDS(h, m, ...) HTML_MESSAGE_VALUES(h, m, false, __VA_ARGS__)

#endif
