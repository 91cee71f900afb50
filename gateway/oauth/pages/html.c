/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTML writing: escaping in one place. */
#include "gateway/oauth/pages/html.h"

#include "gateway/base/text.h"

static size_t
utf8_length(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static bool
is_control(unsigned char c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

void
html_text(struct html *h, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		unsigned char c = (unsigned char)s.p[i];
		struct str one = str_sub(s, i, i + utf8_length(c));
		if (is_control(c) || !utf8_valid(one)) {
			buf_lit(h->out, "\xef\xbf\xbd");
			i++;
			continue;
		}
		html_put(h->out, one);
		i += one.n;
	}
}

void
html_attr(struct html *h, const char *name, struct str value)
{
	buf_char(h->out, ' ');
	buf_str_put(h->out, str_of(name));
	buf_lit(h->out, "=\"");
	html_text(h, value);
	buf_char(h->out, '"');
}

static bool
is_web(struct str url)
{
	return str_istarts(url, STR("https://")) || str_istarts(url, STR("http://"));
}

void
html_url_attr(struct html *h, const char *name, struct str url)
{
	bool own = url.n > 0 && url.p[0] == '/' && (url.n == 1 || (url.p[1] != '/' && url.p[1] != '\\'));
	html_attr(h, name, own || is_web(url) ? url : STR("#"));
}

void
html_link(struct html *h, struct str url, struct str text)
{
	if (is_web(url)) {
		HTML(h, "<a rel=\"noopener noreferrer nofollow\"");
		html_url_attr(h, "href", url);
		HTML(h, ">");
	}
	html_text(h, text);
	if (is_web(url))
		HTML(h, "</a>");
}

void
html_message(struct html *h, enum message m)
{
	html_text(h, message_text(h->language, m));
}

void
html_name(struct html *h, struct str name)
{
	HTML(h, "<bdi>");
	html_text(h, name);
	HTML(h, "</bdi>");
}

void
html_message_with(struct html *h, enum message m, const struct str *values, size_t n, bool names)
{
	struct str text = message_text(h->language, m);
	size_t from = 0;
	for (size_t i = 0; i + 2 < text.n; i++) {
		if (text.p[i] != '{' || text.p[i + 2] != '}' || text.p[i + 1] < '0' || text.p[i + 1] > '9')
			continue;
		size_t which = (size_t)(text.p[i + 1] - '0');
		html_text(h, str_sub(text, from, i));
		if (which < n && names)
			html_name(h, values[which]);
		else if (which < n)
			html_text(h, values[which]);
		from = i + 3;
	}
	html_text(h, str_skip(text, from));
}
