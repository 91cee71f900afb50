/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answer under construction: status, fields, body in the request's arena, or a source that streams. Error bodies in the caller's
 * dialect. The pipeline sends it; nobody else writes to the exchange.                                                      */
#ifndef GATEWAY_CORE_REPLY_H
#define GATEWAY_CORE_REPLY_H

#include "gateway/base/buf.h"
#include "gateway/core/route.h"

struct exchange;
/* A body that is not in memory. start() is called once after the audit record is durable; the source then calls
 * exchange_reply_begin/write/end itself, honouring drain, and finally done(arg) exactly once; cancel() stops it without done().
 * length: the bytes that the audit record tells; -1: not known before the end, which then has a record of its own.
 * cut: set by the source before done() when the body ended before its length; recorded too.                                */
struct body_source {
	void (*start)(struct body_source *s, struct exchange *x, struct str fields, void (*done)(void *arg), void *arg);
	void (*cancel)(struct body_source *s);
	void *state;
	int64_t length;
	bool cut;
};
struct reply {
	unsigned status;            /* 0: nothing decided yet */
	struct buf fields;          /* "Name: value\r\n"...    */
	struct buf body;            /* arena memory           */
	struct body_source *source; /* wins over body        */
	bool cache_control_set;     /* the backend said how its answer may be cached; else no-store */
	struct str content_type;    /* static; .n 0: none      */
};
/* arena: the request's. body_max: cap of the buffered body. */
void reply_init(struct reply *rp, struct arena *arena, size_t body_max);
void reply_field(
    struct reply *rp, struct str name, struct str value); /* CR, LF, NUL in value: buf turns failed -> 500 */
/* Throws away body and fields set so far. */
void reply_reset(struct reply *rp);
/* Whether all that was put into it is there; no: its memory or a limit ended before. */
static inline bool
reply_whole(const struct reply *rp)
{
	return buf_ok(&rp->fields) && buf_ok(&rp->body);
}

/* Errors as rows: status in the OAuth, OpenEMR 8.x, classic and FHIR dialects, OAuth error code, FHIR issue code, text. A classic
 * status of 4010 is the empty text/html 401 that 6.x and 7.x send for scope and role (golden-7.0 195, 207). RFC 6750 3.1.    */
#define REPLY_ERRORS(X)                                                                                                \
	X(BAD_REQUEST, 400, 400, 400, 400, "invalid_request", "invalid", "The request is malformed.")                  \
	X(BAD_SITE, 400, 400, 400, 400, "invalid_request", "not-found",                                                \
	    "OpenEMR Error: api site error, so forced exit.  Please ensure that the site is set up correctly in the "  \
	    "OpenEMR configuration.")                                                                                  \
	X(NO_TOKEN, 401, 401, 401, 401, "invalid_token", "login",                                                      \
	    "The resource owner or authorization server denied the request.")                                          \
	X(UNAUTHENTICATED, 401, 401, 401, 401, "invalid_token", "login",                                               \
	    "The resource owner or authorization server denied the request.")                                          \
	X(LOGGED_OUT, 400, 400, 400, 401, "invalid_request", "login", "Refresh Token revoked or logged out")           \
	X(SCOPE, 403, 401, 4010, 403, "insufficient_scope", "forbidden", "Unauthorized")                               \
	X(ROLE, 403, 403, 4010, 403, "insufficient_scope", "forbidden",                                                \
	    "OpenEMR Error: API call failed due to insufficient permissions for the requested resource.")              \
	X(ACL, 403, 403, 403, 403, "access_denied", "forbidden",                                                       \
	    "Organization policy does not have permit access resource")                                                \
	X(NO_ROUTE, 404, 404, 404, 404, "invalid_request", "not-found", "Route not found")                             \
	X(NOT_FOUND, 404, 404, 404, 404, "invalid_request", "not-found", "Not found")                                  \
	X(METHOD, 405, 404, 404, 405, "invalid_request", "not-supported", "Route not found")                           \
	X(TIMEOUT, 408, 408, 408, 408, "invalid_request", "timeout", "The request did not arrive in time.")            \
	X(TOO_LARGE, 413, 413, 413, 413, "invalid_request", "too-long", "The request is too large.")                   \
	X(RATE, 429, 429, 429, 429, "slow_down", "throttled", "Too many requests")                                     \
	X(INTERNAL, 500, 500, 500, 500, "server_error", "exception", "The server could not complete the request.")     \
	X(API_OFF, 404, 501, 501, 501, "server_error", "not-supported", "OpenEMR Error: API is disabled")              \
	X(NOT_IMPLEMENTED, 501, 501, 501, 501, "server_error", "not-supported", "This server cannot do that.")         \
	X(BAD_GATEWAY, 502, 502, 502, 502, "server_error", "transient",                                                \
	    "The server behind this address gave no usable answer.")                                                   \
	X(UNAVAILABLE, 503, 503, 503, 503, "temporarily_unavailable", "transient",                                     \
	    "The service is not available at the moment.")                                                             \
	X(UPSTREAM_TIMEOUT, 504, 504, 504, 504, "server_error", "timeout",                                             \
	    "The server behind this address took too long.")
enum reply_error {
#define X(id, oauth, v8, classic, fhir, error, issue, text) REPLY_##id,
	REPLY_ERRORS(X)
#undef X
	    REPLY_ERROR_N
};
/* Fills rp with the error in the dialect: OAuth {"error","error_description","message"}, OpenEMR {"error","message","code":0}, FHIR
 * OperationOutcome. message .n 0: the row's own text. Resets what was there; sets WWW-Authenticate where RFC 6750 asks.     */
void reply_error(struct reply *rp, enum dialect d, enum reply_error which, struct str message);
/* Retry-After: seconds; after reply_error() with RATE or UNAVAILABLE. */
void reply_retry_after(struct reply *rp, unsigned seconds);

#endif
