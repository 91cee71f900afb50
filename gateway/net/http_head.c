/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parser of request and response heads: one pass over the bytes, every refusal decided at the first byte that causes it, so that
 * feeding piecewise gives the same answer as feeding whole. Not for bodies (http_body.c).                                  */
#include "gateway/net/http_chars.h"

#include "gateway/base/uri.h"

enum { FIELDS_FIRST = 24, METHOD_MAX = 32, HOST_MAX = 255 };

/* One parse under way. p stands at the next unread byte of [start, end); end is cut to the head limit. */
struct parse {
	const char *start, *p, *end;
	struct arena *arena;
	const struct http_limits *limits;
	struct http_head *h;
	struct http_refusal *why;
	struct http_field *fields;
	size_t n_fields, cap_fields;
	struct str authority; /* of an absolute-form target */
	bool cut;             /* there are bytes beyond end */
	bool response;
	bool conn_close, conn_keep;
};

static enum http_parsed
refuse(struct parse *s, unsigned status, const char *reason)
{
	*s->why = (struct http_refusal){ status, reason };
	return HTTP_REFUSED;
}

/* The bytes ended inside the head: too long, or not all here yet. */
static enum http_parsed
ended(struct parse *s)
{
	return s->cut ? refuse(s, 431, "head too large") : HTTP_NEED_MORE;
}

static enum http_parsed
line_end_slow(struct parse *s)
{
	if (s->p == s->end)
		return ended(s);
	if (*s->p != '\r')
		return refuse(s, 400, *s->p == '\n' ? "bare LF" : "control byte in a line");
	return s->p + 1 == s->end ? ended(s) : refuse(s, 400, "bare CR");
}

/* CR LF, nothing else. */
static inline enum http_parsed
line_end(struct parse *s)
{
	if (s->end - s->p < 2 || s->p[0] != '\r' || s->p[1] != '\n')
		return line_end_slow(s);
	s->p += 2;
	return HTTP_PARSED;
}

static const struct {
	struct str text;
	enum http_method method;
} methods[] = {
	{ STR_INIT("GET"), HTTP_GET },
	{ STR_INIT("POST"), HTTP_POST },
	{ STR_INIT("PUT"), HTTP_PUT },
	{ STR_INIT("DELETE"), HTTP_DELETE },
	{ STR_INIT("PATCH"), HTTP_PATCH },
	{ STR_INIT("HEAD"), HTTP_HEAD },
	{ STR_INIT("OPTIONS"), HTTP_OPTIONS },
};

static enum http_parsed
parse_method(struct parse *s)
{
	const char *from = s->p;
	s->p = http_span(from, MIN(s->end, from + METHOD_MAX + 1), HTTP_C_TOKEN);
	struct str text = { from, (size_t)(s->p - from) };
	if (text.n > METHOD_MAX)
		return refuse(s, 501, "method too long");
	if (s->p == s->end)
		return ended(s);
	if (*s->p != ' ' || text.n == 0)
		return refuse(s, 400, "malformed method");
	s->p++;
	s->h->method = HTTP_OTHER;
	s->h->method_text = text;
	for (size_t i = 0; i < NITEMS(methods); i++)
		if (str_eq(methods[i].text, text))
			s->h->method = methods[i].method;
	return HTTP_PARSED;
}

/* "HTTP/1.0" or "HTTP/1.1"; well formed others are 505. */
static enum http_parsed
parse_version(struct parse *s)
{
	static const char prefix[] = "HTTP/";
	for (size_t i = 0; i < sizeof prefix - 1; i++, s->p++) {
		if (s->p == s->end)
			return ended(s);
		if (*s->p != prefix[i])
			return refuse(s, 400, "malformed version");
	}
	if (s->end - s->p >= 1 && !http_is(s->p[0], HTTP_C_DIGIT))
		return refuse(s, 400, "malformed version");
	if (s->end - s->p >= 2 && s->p[1] != '.')
		return refuse(s, 400, "malformed version");
	if (s->end - s->p < 3)
		return ended(s);
	if (!http_is(s->p[2], HTTP_C_DIGIT))
		return refuse(s, 400, "malformed version");
	if (s->p[0] != '1' || s->p[2] > '1')
		return refuse(s, 505, "version");
	s->h->minor = (unsigned)(s->p[2] - '0');
	s->p += 3;
	return HTTP_PARSED;
}

/* uri-host [":" port], narrower than RFC 3986: letters, digits, '-', '.', '_', or a bracketed IPv6 address. */
static bool
host_valid(struct str v)
{
	if (v.n == 0 || v.n > HOST_MAX)
		return false;
	const char *p = v.p, *end = v.p + v.n;
	if (*p == '[') {
		const char *from = ++p;
		while (p < end && (http_is(*p, HTTP_C_HEX) || *p == ':' || *p == '.'))
			p++;
		if (p == end || *p != ']' || p - from < 2)
			return false;
		p++;
	} else {
		const char *from = p;
		p = http_span(p, end, HTTP_C_HOST);
		if (p == from)
			return false;
	}
	if (p == end)
		return true;
	uint64_t port;
	return *p == ':' && str_to_u64((struct str){ p + 1, (size_t)(end - p - 1) }, 65535, &port) == 0;
}

/* Splits the accepted characters of a target into its parts. RFC 9112 3.2. */
static enum http_parsed
split_target(struct parse *s)
{
	struct http_head *h = s->h;
	struct str t = h->target;
	bool connect = str_eq(h->method_text, STR("CONNECT"));
	if (connect)
		return refuse(s, 501, "CONNECT");
	if (str_eq(t, STR("*"))) {
		h->path = t;
		return h->method == HTTP_OPTIONS ? HTTP_PARSED : refuse(s, 400, "asterisk-form without OPTIONS");
	}
	if (t.p[0] != '/') {
		struct str scheme = str_istarts(t, STR("https://")) ? STR("https://") : STR("http://");
		if (!str_istarts(t, scheme))
			return refuse(s, 400, "target form");
		struct str rest = str_skip(t, scheme.n);
		size_t slash = str_find(rest, '/');
		s->authority = str_sub(rest, 0, slash);
		t = slash == rest.n ? STR("/") : str_skip(rest, slash);
		if (!host_valid(s->authority))
			return refuse(s, 400, "authority of the target");
	}
	if (target_parse(t, &h->path, &h->query, NULL) != 0)
		return refuse(s, 400, "target path");
	return HTTP_PARSED;
}

static enum http_parsed
parse_request_line(struct parse *s)
{
	/* RFC 9112 2.2: one empty line is forgiven. */
	if (s->p < s->end && *s->p == '\r') {
		enum http_parsed r = line_end(s);
		if (r != HTTP_PARSED)
			return r;
	}
	enum http_parsed r = parse_method(s);
	if (r != HTTP_PARSED)
		return r;
	const char *from = s->p;
	s->p = http_span(from, s->end, HTTP_C_TARGET);
	s->h->target = (struct str){ from, (size_t)(s->p - from) };
	if (s->h->target.n > s->limits->target_max_bytes)
		return refuse(s, 414, "target too long");
	if (s->p == s->end)
		return s->cut ? refuse(s, 414, "target too long") : HTTP_NEED_MORE;
	if (*s->p != ' ' || s->h->target.n == 0)
		return refuse(s, 400, "malformed target");
	s->p++;
	r = parse_version(s);
	if (r == HTTP_PARSED)
		r = line_end(s);
	return r == HTTP_PARSED ? split_target(s) : r;
}

/* "HTTP/1.1 200 OK". The space before an empty reason may be missing: common, and read in one way only. */
static enum http_parsed
parse_status_line(struct parse *s)
{
	enum http_parsed r = parse_version(s);
	if (r != HTTP_PARSED)
		return r;
	unsigned status = 0;
	for (size_t i = 0; i < 4; i++, s->p++) {
		if (s->p == s->end)
			return ended(s);
		if (i == 0 ? *s->p != ' ' : !http_is(*s->p, HTTP_C_DIGIT))
			return refuse(s, 400, "malformed status");
		if (i > 0)
			status = status * 10 + (unsigned)(*s->p - '0');
	}
	if (status < 100 || status > 599)
		return refuse(s, 400, "status out of range");
	s->h->status = status;
	if (s->p < s->end && *s->p == ' ')
		s->p = http_span_value(s->p, s->end);
	return line_end(s);
}

/* RFC 9112 6.3: decimal digits and nothing else; a list of equal values is refused as well. */
static enum http_parsed
known_length(struct parse *s, struct str v)
{
	if (s->h->known[HTTP_F_CONTENT_LENGTH] != NULL)
		return refuse(s, 400, "repeated Content-Length");
	if (str_to_u64(v, INT64_MAX, &s->h->content_length) != 0)
		return refuse(s, 400, "malformed Content-Length");
	s->h->has_length = true;
	return HTTP_PARSED;
}

static enum http_parsed
known_coding(struct parse *s, struct str v)
{
	if (s->h->known[HTTP_F_TRANSFER_ENCODING] != NULL)
		return refuse(s, 400, "repeated Transfer-Encoding");
	if (!str_ieq(v, STR("chunked"))) {
		/* Empty, or chunked applied twice or not last, is no coding that anybody could implement. */
		bool absurd = v.n == 0 || http_list_has(v, STR("chunked"));
		return refuse(s, absurd ? 400 : 501, "transfer coding");
	}
	s->h->chunked = true;
	return HTTP_PARSED;
}

static enum http_parsed
known_host(struct parse *s, struct str v)
{
	if (s->response)
		return HTTP_PARSED;
	if (s->h->known[HTTP_F_HOST] != NULL)
		return refuse(s, 400, "repeated Host");
	if (!host_valid(v))
		return refuse(s, 400, "malformed Host");
	s->h->host = v;
	return HTTP_PARSED;
}

static enum http_parsed
known_connection(struct parse *s, struct str v)
{
	struct str part;
	while (str_next(&v, ',', &part)) {
		part = str_trim(part);
		bool closes = str_ieq(part, STR("close")), keeps = str_ieq(part, STR("keep-alive"));
		s->conn_close |= closes;
		s->conn_keep |= keeps;
		s->h->connection_names |= !closes && !keeps;
	}
	return HTTP_PARSED;
}

static enum http_parsed
known_expect(struct parse *s, struct str v)
{
	if (s->response)
		return HTTP_PARSED;
	if (!str_ieq(v, STR("100-continue")))
		return refuse(s, 417, "expectation");
	s->h->expect_continue = s->h->minor == 1; /* RFC 9110 10.1.1: ignored from 1.0 */
	return HTTP_PARSED;
}

/* Fields whose repetition would leave it open which one counts. */
static enum http_parsed
known_once(struct parse *s, struct str v)
{
	(void)v;
	bool again = s->h->known[s->fields[s->n_fields].id] != NULL;
	return again && !s->response ? refuse(s, 400, "repeated field") : HTTP_PARSED;
}

/* The fields that decide framing, connection or identity; the others are only numbered. */
static enum http_parsed (*const known_rules[HTTP_F_N])(struct parse *s, struct str v) = {
	[HTTP_F_HOST] = known_host,
	[HTTP_F_CONTENT_LENGTH] = known_length,
	[HTTP_F_TRANSFER_ENCODING] = known_coding,
	[HTTP_F_CONNECTION] = known_connection,
	[HTTP_F_EXPECT] = known_expect,
	[HTTP_F_AUTHORIZATION] = known_once,
	[HTTP_F_CONTENT_TYPE] = known_once,
	[HTTP_F_CONTENT_ENCODING] = known_once,
	[HTTP_F_ORIGIN] = known_once,
};

/* Room for one more field; the array doubles in the arena. */
static struct http_field *
field_new(struct parse *s)
{
	if (s->n_fields == s->cap_fields) {
		size_t cap = s->cap_fields == 0 ? FIELDS_FIRST : s->cap_fields * 2;
		struct http_field *grown = arena_raw(s->arena, cap * sizeof *grown);
		if (grown == NULL)
			return NULL;
		if (s->n_fields > 0)
			memcpy(grown, s->fields, s->n_fields * sizeof *grown);
		s->fields = grown;
		s->cap_fields = cap;
	}
	return &s->fields[s->n_fields];
}

/* One "name: value" line. p stands on its first byte, which is neither CR nor white space. */
static enum http_parsed
parse_field(struct parse *s)
{
	if (s->n_fields >= s->limits->fields_max)
		return refuse(s, 431, "too many fields");
	const char *name = s->p;
	s->p = http_span(name, s->end, HTTP_C_TOKEN);
	if (s->p == s->end)
		return ended(s);
	if (*s->p != ':' || s->p == name)
		return refuse(s, 400, "malformed field name");
	struct http_field *f = field_new(s);
	if (f == NULL)
		return refuse(s, 431, "head too large for its memory");
	f->name = (struct str){ name, (size_t)(s->p - name) };
	f->id = http_field_lookup(f->name);
	s->p++;
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
	const char *value = s->p, *value_end = http_span_value(value, s->end);
	s->p = value_end;
	enum http_parsed r = line_end(s);
	if (r != HTTP_PARSED)
		return r;
	while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t'))
		value_end--;
	f->value = (struct str){ value, (size_t)(value_end - value) };
	if (f->id != HTTP_F_NONE) {
		if (known_rules[f->id] != NULL && (r = known_rules[f->id](s, f->value)) != HTTP_PARSED)
			return r;
		if (s->h->known[f->id] == NULL)
			s->h->known[f->id] = f;
	}
	s->n_fields++;
	return HTTP_PARSED;
}

/* The lines up to and with the empty one. known[] points into the array, which may have moved while it grew. */
static enum http_parsed
parse_fields(struct parse *s)
{
	for (;;) {
		if (s->p == s->end)
			return ended(s);
		if (*s->p == '\r')
			break;
		if (*s->p == ' ' || *s->p == '\t')
			return refuse(s, 400, "obsolete line folding");
		struct http_field *before = s->fields;
		enum http_parsed r = parse_field(s);
		if (r != HTTP_PARSED)
			return r;
		if (s->fields != before && before != NULL) {
			memset(s->h->known, 0, sizeof s->h->known);
			for (size_t i = s->n_fields; i-- > 0;)
				s->h->known[s->fields[i].id] = &s->fields[i];
			s->h->known[HTTP_F_NONE] = NULL;
		}
	}
	enum http_parsed r = line_end(s);
	s->h->fields = s->fields;
	s->h->n_fields = s->n_fields;
	s->h->bytes = (size_t)(s->p - s->start);
	return r;
}

/* What only the whole head shows. */
static enum http_parsed
check_framing(struct parse *s)
{
	struct http_head *h = s->h;
	if (h->chunked && h->has_length)
		return refuse(s, 400, "Content-Length with Transfer-Encoding");
	if (h->chunked && h->minor == 0)
		return refuse(s, 400, "chunked under HTTP/1.0");
	h->keep_alive = !s->conn_close && (h->minor == 1 || s->conn_keep);
	return HTTP_PARSED;
}

static struct parse
parse_begin(struct arena *a, struct str bytes, const struct http_limits *limits, struct http_head *out,
    struct http_refusal *why)
{
	memset(out, 0, sizeof *out);
	*why = (struct http_refusal){ 0, NULL };
	size_t n = MIN(bytes.n, limits->head_max_bytes);
	const char *p = bytes.p == NULL ? "" : bytes.p;
	return (struct parse){
		.start = p, .p = p, .end = p + n, .arena = a, .limits = limits, .h = out, .why = why, .cut = n < bytes.n
	};
}

enum http_parsed
http_request_parse(struct arena *a, struct str bytes, const struct http_limits *limits, struct http_head *out,
    struct http_refusal *why)
{
	struct parse s = parse_begin(a, bytes, limits, out, why);
	enum http_parsed r = parse_request_line(&s);
	if (r == HTTP_PARSED)
		r = parse_fields(&s);
	if (r == HTTP_PARSED)
		r = check_framing(&s);
	if (r != HTTP_PARSED)
		return r;
	if (out->known[HTTP_F_HOST] == NULL)
		return refuse(&s, 400, "no Host");
	if (s.authority.n > 0 && !str_ieq(s.authority, out->host))
		return refuse(&s, 400, "Host differs from the target");
	return HTTP_PARSED;
}

enum http_parsed
http_response_parse(struct arena *a, struct str bytes, const struct http_limits *limits, bool to_head,
    struct http_head *out, struct http_refusal *why)
{
	struct parse s = parse_begin(a, bytes, limits, out, why);
	s.response = true;
	enum http_parsed r = parse_status_line(&s);
	if (r == HTTP_PARSED)
		r = parse_fields(&s);
	if (r == HTTP_PARSED)
		r = check_framing(&s);
	if (r != HTTP_PARSED)
		return r;
	if (to_head || out->status < 200 || out->status == 204 || out->status == 304) {
		out->chunked = false;
		out->has_length = true;
		out->content_length = 0;
	} else if (!out->chunked && !out->has_length) {
		out->keep_alive = false; /* the body ends with the connection */
	}
	return HTTP_PARSED;
}
