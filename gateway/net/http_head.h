/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP/1.1 heads as data, and the strict parser of RFC 9112 that makes them. A pure function over bytes; anything that two
 * parsers could read in two ways is refused. Not for bodies (http_body.h) or sockets (conn.h).                             */
#ifndef GATEWAY_NET_HTTP_HEAD_H
#define GATEWAY_NET_HTTP_HEAD_H

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_PATCH, HTTP_OPTIONS, HTTP_OTHER };

/* Fields that code asks for by number; the parser fills http_head.known in one pass. */
/* clang-format off: one to a line */
#define HTTP_FIELDS(X)                                                                                                 \
	X(HOST, "host")                                                                                                \
	X(CONTENT_LENGTH, "content-length")                                                                            \
	X(TRANSFER_ENCODING, "transfer-encoding")                                                                      \
	X(CONNECTION, "connection")                                                                                    \
	X(EXPECT, "expect")                                                                                            \
	X(UPGRADE, "upgrade")                                                                                          \
	X(TE, "te")                                                                                                    \
	X(TRAILER, "trailer")                                                                                          \
	X(AUTHORIZATION, "authorization")                                                                              \
	X(CONTENT_TYPE, "content-type")                                                                                \
	X(CONTENT_ENCODING, "content-encoding")                                                                        \
	X(ACCEPT, "accept")                                                                                            \
	X(ACCEPT_ENCODING, "accept-encoding")                                                                          \
	X(COOKIE, "cookie")                                                                                            \
	X(ORIGIN, "origin")                                                                                            \
	X(REFERER, "referer")                                                                                          \
	X(USER_AGENT, "user-agent")                                                                                    \
	X(PREFER, "prefer")                                                                                            \
	X(RANGE, "range")                                                                                              \
	X(IF_MATCH, "if-match")                                                                                        \
	X(IF_NONE_MATCH, "if-none-match")                                                                              \
	X(IF_MODIFIED_SINCE, "if-modified-since")                                                                      \
	X(X_REQUEST_ID, "x-request-id")                                                                                \
	X(FORWARDED, "forwarded")                                                                                      \
	X(X_FORWARDED_FOR, "x-forwarded-for")                                                                          \
	X(X_FORWARDED_PROTO, "x-forwarded-proto")                                                                      \
	X(X_FORWARDED_HOST, "x-forwarded-host")                                                                        \
	X(ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method")                                              \
	X(ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers")                                            \
	X(IDEMPOTENCY_KEY, "idempotency-key")                                                                          \
	X(KEEP_ALIVE, "keep-alive")                                                                                    \
	X(PROXY_CONNECTION, "proxy-connection")                                                                        \
	X(LOCATION, "location")                                                                                        \
	X(SET_COOKIE, "set-cookie")                                                                                    \
	X(DATE, "date")                                                                                                \
	X(SERVER, "server")
/* clang-format on */
enum http_field_id {
	HTTP_F_NONE,
#define X(id, name) HTTP_F_##id,
	HTTP_FIELDS(X)
#undef X
	    HTTP_F_N
};

struct http_field {
	struct str name;  /* as received                      */
	struct str value; /* without surrounding white space  */
	enum http_field_id id;
};
struct http_head {
	enum http_method method;
	struct str method_text;
	struct str target; /* as received; origin-form, or "*" with OPTIONS; absolute-form is split into the parts */
	struct str path,
	    query;       /* raw (still percent-encoded), already accepted by target_parse(); query.p NULL: none */
	unsigned minor;  /* HTTP/1.minor: 0 or 1 */
	unsigned status; /* responses only */
	struct str host; /* requests: the one Host value */
	const struct http_field *fields;
	size_t n_fields;
	const struct http_field *known[HTTP_F_N]; /* first field of each known name */
	bool has_length, chunked, keep_alive, expect_continue;
	bool connection_names; /* Connection lists more than close and keep-alive: fields that end here */
	uint64_t content_length;
	size_t bytes; /* of the head, final CRLF CRLF included */
};
struct http_limits {
	size_t head_max_bytes, target_max_bytes;
	unsigned fields_max;
};

enum http_parsed { HTTP_PARSED, HTTP_NEED_MORE, HTTP_REFUSED };
struct http_refusal {
	unsigned status;    /* 400, 414, 417, 431, 501 (transfer coding, CONNECT), 505 */
	const char *reason; /* static text for the log */
};
/* Parses one request head from the start of bytes. The head's strings borrow from bytes, which must stay as long as the head. Empty
 * lines before the request line: at most one CRLF is skipped (RFC 9112 2.2). Obsolete: bare LF, bare CR, obs-fold, NUL, control
 * bytes, space before colon, repeated or odd Content-Length, Content-Length with Transfer-Encoding, any coding but one final
 * chunked, chunked under HTTP/1.0, no Host or two, Host that is not uri-host[:port], repeated Authorization, Content-Type,
 * Content-Encoding or Origin, an expectation but 100-continue, versions but 1.0 and 1.1: refused. The answer for a prefix is
 * NEED_MORE or the final one, so feeding piecewise changes nothing. a: memory of the field array (40 bytes per field).     */
enum http_parsed http_request_parse(struct arena *a, struct str bytes, const struct http_limits *limits,
    struct http_head *out, struct http_refusal *why);
/* The same for an upstream's answer (status line, fields). to_head: the request was HEAD (no body whatever the fields say). Answers
 * without a body (to_head, 1xx, 204, 304) have has_length and content_length 0; what the field says is in known[]. Neither
 * has_length nor chunked: the body ends with the connection.                                                               */
enum http_parsed http_response_parse(struct arena *a, struct str bytes, const struct http_limits *limits, bool to_head,
    struct http_head *out, struct http_refusal *why);

/* Value of a known field or STR_NULL. */
static inline struct str
http_field(const struct http_head *h, enum http_field_id id)
{
	return h->known[id] == NULL ? STR_NULL : h->known[id]->value;
}
struct str http_field_named(const struct http_head *h, struct str name); /* any name, case-insensitive */
/* Number of a known field name, HTTP_F_NONE for others. */
enum http_field_id http_field_lookup(struct str name);
/* How often a field of that name stands there. */
size_t http_field_count(const struct http_head *h, struct str name);
/* True when the comma list value holds token (case-insensitive). */
bool http_list_has(struct str value, struct str token);
struct str http_method_text(enum http_method m);

/* Writing. A value with CR, LF or NUL is never written: the buf turns failed. */
void http_status_put(struct buf *b, unsigned status);
void http_field_put(struct buf *b, struct str name, struct str value);
/* The same for a field of a parsed head, whose bytes the parser has checked: nothing is looked at again. */
void http_field_copy(struct buf *b, const struct http_field *f);

#endif
