/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls to places that a client's registration names (its JWKS, its back-channel logout): https only, the certificate verified, one
 * address resolved and checked and that very address connected to (no rebinding), no redirects, one connection per call, size
 * and time bounded. Not for the proxy backend (backends/proxy/upstream.h), which has connections that are kept.           */
#ifndef GATEWAY_NET_HTTP_CLIENT_H
#define GATEWAY_NET_HTTP_CLIENT_H

#include "gateway/loop/step.h"

struct http_client;

struct http_client_conf {
	struct str tls_ca; /* PEM file; .n 0: the system's */
	/* May this address be called although it is not public? NULL: none may. */
	bool (*allowed)(void *ctx, const uint8_t addr[16]);
	void *ctx;
};
/* Reads CA and resolver files (blocking: at start). NULL with e. */
struct http_client *http_client_new(struct loop *l, const struct http_client_conf *conf, struct err *e);
void http_client_free(struct http_client **c);

struct http_ask {
	struct str url;                /* https://host[:port]/path?query, without user info or fragment */
	struct str content_type, body; /* .content_type.n > 0: POST with body; else GET */
	struct str accept;
	size_t answer_max; /* of the body; more is a failure */
	uint32_t deadline_ms;
};
struct http_answer {
	unsigned status; /* 0: no answer; why says why, for the log */
	const char *why; /* static */
	struct str body; /* arena memory of the task */
};
/* As any operation: *out is filled when the next step runs, also on the deadline. STEP_FAIL: out of memory. */
enum step http_client_call(struct task *t, struct http_client *c, const struct http_ask *ask, struct http_answer **out);

#endif
