/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the steps of the pipeline share: the request's working state and the steps' names. Private to gateway/pipeline.      */
#ifndef GATEWAY_PIPELINE_PIPE_H
#define GATEWAY_PIPELINE_PIPE_H

#include "gateway/core/backend.h"
#include "gateway/core/live.h"
#include "gateway/core/request.h"
#include "gateway/core/site.h"
#include "policy/policy.h"
#include "policy/rate.h"

/* The answer where there is no memory even for an error: a status and nothing that had to be made. */
enum { BARE_STATUS = 503 };
extern const struct str bare_fields;

/* A verified token in the worker's cache; requests that use it hold a reference. */
struct token_entry {
	struct arena *arena;
	unsigned refs;
	struct principal who;
	bool context_read;      /* what its Redis state says is in who and here */
	bool rows;              /* OpenEMR's rows were written for it: they may revoke it */
	char family[48];        /* its grant */
	char stamp[LIVE_STAMP]; /* of the person's credential when the grant was made; "": not known */
	struct str redis_key;   /* of its state */
	struct str jkt;         /* thumbprint of its DPoP key; .n 0: a bearer token */
};
/* A user's grants, compiled; cached like struct live_entry (core/live.h). */
struct acl_entry {
	struct arena *arena;
	unsigned refs;
	const struct acl_grants *grants;
};
struct pipe {
	struct request r;
	struct token_entry *token;
	struct str token_text, token_hash;
	struct redis_result *redis;
	struct db_result *db;
	struct acl_entry *acl;
	const struct rate_class *rate;
	struct decision decision;
	struct body_source *streaming;
	int64_t rate_left, rate_reset_us, rate_retry_us;
	enum route_tree tree;
	enum api api;
	unsigned body_refused;
	bool dpop_scheme; /* the token came with "DPoP", not "Bearer" */
	bool origin_allowed, preflight, wants_token, durable_ok, answered, finished, body_waits, rate_known, recorded;
	enum reply_error route_error; /* decided early, told after the bearer check; REPLY_ERROR_N: none */
};
static inline struct pipe *
pipe_of(struct task *t)
{
	return CONTAINER_OF(request_of(t), struct pipe, r);
}

/* admit.c */
enum step admit_step(struct task *t);
/* route.c */
enum step site_step(struct task *t);
enum step route_step(struct task *t);
enum step route_told_step(struct task *t);
/* cors.c */
enum step cors_step(struct task *t);
enum step cors_read_step(struct task *t);
enum step preflight_step(struct task *t);
void cors_fields(struct pipe *p);
/* Has the request's path a row with "page: true", whatever the method? */
bool path_is_page(const struct pipe *p);
/* authn.c */
enum step token_step(struct task *t);
void token_entry_put(struct token_entry **e);
/* state.c: one EVALSHA for token state and rate limit */
enum step state_step(struct task *t);
enum step state_read_step(struct task *t);
/* dpop.c */
enum step dpop_step(struct task *t);
enum step dpop_read_step(struct task *t);
/* live.c */
enum step live_step(struct task *t);
enum step live_read_step(struct task *t);
/* authorize.c */
void acl_entry_put(struct acl_entry **e);
enum step acl_step(struct task *t);
enum step acl_read_step(struct task *t);
enum step policy_step(struct task *t);
/* answer.c */
enum step body_step(struct task *t);
enum step body_read_step(struct task *t);
enum step backend_step(struct task *t);
enum step backend_end_step(struct task *t);
enum step answer_step(struct task *t);
enum audit_class audit_class_of(const struct request *r);
enum step audit_step(struct task *t);
enum step audit_read_step(struct task *t);
enum step respond_step(struct task *t);
bool stream_recorded(const struct pipe *p); /* the end of its answer has an audit record of its own */
enum step streamed_step(struct task *t);

#endif
