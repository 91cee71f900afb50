/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First step: the request's id, the client's address by the trusted-proxy rule, the decoded query. */
#include "gateway/core/address.h"
#include "gateway/pipeline/pipe.h"

enum { REQUEST_ID_MAX = 64, QUERY_PAIRS_MAX = 128 };

static bool
request_id_ok(struct str s)
{
	if (s.n == 0 || s.n > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
		          c == '_' || c == '-';
		if (!ok)
			return false;
	}
	return true;
}

static struct str
request_id(struct request *r)
{
	struct str given = http_field(r->x->head, HTTP_F_X_REQUEST_ID);
	struct uuid u;
	char *text;
	if (request_id_ok(given))
		return given;
	text = arena_raw(r->task.arena, UUID_TEXT + 1);
	if (text == NULL)
		return STR_NULL;
	uuid_random(&u, r->worker->rng);
	uuid_text(&u, text);
	return (struct str){ text, UUID_TEXT };
}

enum step
admit_step(struct task *t)
{
	struct request *r = request_of(t);
	bool peer_trusted;
	r->request_id = request_id(r);
	r->client_address = client_address(
	    t->arena, r->x->peer, r->x->head, r->worker->trusted_proxies, r->worker->n_trusted_proxies, &peer_trusted);
	if (r->x->head->query.n > 0 &&
	    form_parse(t->arena, r->x->head->query, QUERY_PAIRS_MAX, &r->query, &t->err) != 0) {
		pipe_of(t)->route_error = REPLY_BAD_REQUEST; /* told after the site gave the dialect */
	}
	return STEP_NEXT;
}
