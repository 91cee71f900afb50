/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP's names and the writing of heads: methods, reason phrases, list tokens, status and field lines. Not parsing. */
#include "gateway/net/http_chars.h"

struct str
http_method_text(enum http_method m)
{
	static const struct str names[] = {
		[HTTP_GET] = STR_INIT("GET"),
		[HTTP_HEAD] = STR_INIT("HEAD"),
		[HTTP_POST] = STR_INIT("POST"),
		[HTTP_PUT] = STR_INIT("PUT"),
		[HTTP_DELETE] = STR_INIT("DELETE"),
		[HTTP_PATCH] = STR_INIT("PATCH"),
		[HTTP_OPTIONS] = STR_INIT("OPTIONS"),
		[HTTP_OTHER] = STR_INIT("OTHER"),
	};
	return names[m];
}

/* RFC 9110 15, RFC 6585; sorted as there. */
static const struct {
	unsigned status;
	struct str text;
} reasons[] = {
	{ 200, STR_INIT("OK") },
	{ 100, STR_INIT("Continue") },
	{ 101, STR_INIT("Switching Protocols") },
	{ 201, STR_INIT("Created") },
	{ 202, STR_INIT("Accepted") },
	{ 203, STR_INIT("Non-Authoritative Information") },
	{ 204, STR_INIT("No Content") },
	{ 205, STR_INIT("Reset Content") },
	{ 206, STR_INIT("Partial Content") },
	{ 300, STR_INIT("Multiple Choices") },
	{ 301, STR_INIT("Moved Permanently") },
	{ 302, STR_INIT("Found") },
	{ 303, STR_INIT("See Other") },
	{ 304, STR_INIT("Not Modified") },
	{ 307, STR_INIT("Temporary Redirect") },
	{ 308, STR_INIT("Permanent Redirect") },
	{ 400, STR_INIT("Bad Request") },
	{ 401, STR_INIT("Unauthorized") },
	{ 402, STR_INIT("Payment Required") },
	{ 403, STR_INIT("Forbidden") },
	{ 404, STR_INIT("Not Found") },
	{ 405, STR_INIT("Method Not Allowed") },
	{ 406, STR_INIT("Not Acceptable") },
	{ 407, STR_INIT("Proxy Authentication Required") },
	{ 408, STR_INIT("Request Timeout") },
	{ 409, STR_INIT("Conflict") },
	{ 410, STR_INIT("Gone") },
	{ 411, STR_INIT("Length Required") },
	{ 412, STR_INIT("Precondition Failed") },
	{ 413, STR_INIT("Content Too Large") },
	{ 414, STR_INIT("URI Too Long") },
	{ 415, STR_INIT("Unsupported Media Type") },
	{ 416, STR_INIT("Range Not Satisfiable") },
	{ 417, STR_INIT("Expectation Failed") },
	{ 421, STR_INIT("Misdirected Request") },
	{ 422, STR_INIT("Unprocessable Content") },
	{ 423, STR_INIT("Locked") },
	{ 424, STR_INIT("Failed Dependency") },
	{ 426, STR_INIT("Upgrade Required") },
	{ 428, STR_INIT("Precondition Required") },
	{ 429, STR_INIT("Too Many Requests") },
	{ 431, STR_INIT("Request Header Fields Too Large") },
	{ 451, STR_INIT("Unavailable For Legal Reasons") },
	{ 500, STR_INIT("Internal Server Error") },
	{ 501, STR_INIT("Not Implemented") },
	{ 502, STR_INIT("Bad Gateway") },
	{ 503, STR_INIT("Service Unavailable") },
	{ 504, STR_INIT("Gateway Timeout") },
	{ 505, STR_INIT("HTTP Version Not Supported") },
	{ 507, STR_INIT("Insufficient Storage") },
	{ 511, STR_INIT("Network Authentication Required") },
};

static struct str
status_text(unsigned status)
{
	for (size_t i = 0; i < NITEMS(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return STR("Unknown");
}

size_t
http_field_count(const struct http_head *h, struct str name)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n_fields; i++)
		n += str_ieq(h->fields[i].name, name);
	return n;
}

struct str
http_field_named(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->n_fields; i++)
		if (str_ieq(h->fields[i].name, name))
			return h->fields[i].value;
	return STR_NULL;
}

bool
http_list_has(struct str value, struct str token)
{
	struct str part;
	while (str_next(&value, ',', &part))
		if (str_ieq(str_trim(part), token))
			return true;
	return false;
}

void
http_status_put(struct buf *b, unsigned status)
{
	CHECK(status >= 100 && status <= 999);
	char line[13] = { 'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ' };
	line[9] = (char)('0' + status / 100);
	line[10] = (char)('0' + status / 10 % 10);
	line[11] = (char)('0' + status % 10);
	line[12] = ' ';
	buf_put(b, line, sizeof line);
	buf_str_put(b, status_text(status));
	buf_lit(b, "\r\n");
}

/* One reservation for the line. */
static void
line_put(struct buf *b, struct str name, struct str value)
{
	size_t n = name.n + value.n + 4;
	char *to = buf_ok(b) ? buf_room(b, n) : NULL;
	if (to == NULL)
		return;
	memcpy(to, name.p, name.n);
	to += name.n;
	*to++ = ':';
	*to++ = ' ';
	if (value.n > 0)
		memcpy(to, value.p, value.n);
	to += value.n;
	*to++ = '\r';
	*to = '\n';
	b->n += n;
}

void
http_field_put(struct buf *b, struct str name, struct str value)
{
	/* The one place where foreign text becomes a field line: what could end or split the line is never written. */
	if (name.n == 0 || http_span(name.p, name.p + name.n, HTTP_C_TOKEN) != name.p + name.n ||
	    (value.n > 0 && http_span_value(value.p, value.p + value.n) != value.p + value.n)) {
		b->failed = true;
		return;
	}
	line_put(b, name, value);
}

void
http_field_copy(struct buf *b, const struct http_field *f)
{
	line_put(b, f->name, f->value);
}
