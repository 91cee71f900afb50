/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One task per site at the start of a generation: GETSET of the published kids, and a record when they are others. */
#include "gateway/process/keys_told.h"

#include "gateway/audit/audit.h"
#include "gateway/base/json_in.h"
#include "gateway/core/request.h"

#include <jansson.h>
#include <stdlib.h>

enum { ARENA_MAX = 256 << 10, TEXT_MAX = 8 << 10, JWKS_MAX = 64 << 10 };

struct told {
	struct request r; /* what a record is written from */
	struct str kids;
	struct redis_result *before;
};

/* The kids of what /jwk answers, in its order. */
static struct str
kids_of(struct arena *a, struct str jwks)
{
	struct err e = { 0 };
	json_t *doc = json_in(jwks, JWKS_MAX, &e), *key;
	struct buf b;
	size_t i;
	buf_init(&b, a, 256, TEXT_MAX);
	json_array_foreach(json_object_get(doc, "keys"), i, key)
	{
		if (i > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, json_in_str(key, "kid"));
	}
	json_decref(doc);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static enum step
told_ask(struct task *t)
{
	struct told *k = CONTAINER_OF(request_of(t), struct told, r);
	struct str key = arena_printf(t->arena, "%.*skeys", STR_ARG(k->r.site->redis_prefix));
	k->kids = kids_of(t->arena, k->r.site->jwks_text);
	if (k->kids.n == 0 || key.p == NULL)
		return STEP_FAIL;
	return REDIS_CALL(t, k->r.worker->redis, &k->before, STR("GETSET"), key, k->kids);
}

static enum step
told_write(struct task *t)
{
	struct told *k = CONTAINER_OF(request_of(t), struct told, r);
	if (k->before->status != REDIS_OK || k->before->value.kind != REDIS_STR || str_eq(k->before->value.s, k->kids))
		return STEP_NEXT;
	k->r.audit.allowed = true;
	k->r.audit.actor = STR("operator");
	k->r.audit.rule = STR("signing keys");
	k->r.audit.reason =
	    arena_printf(t->arena, "published: %.*s; before: %.*s", STR_ARG(k->kids), STR_ARG(k->before->value.s));
	audit_send(&k->r, k->r.worker->audit, AUDIT_EV_KEYS_CHANGED);
	return STEP_NEXT;
}

static STEP_TABLE(told_steps, 2, { "told_ask", told_ask }, { "told_write", told_write });

static void
told_done(struct task *t)
{
	struct told *k = CONTAINER_OF(request_of(t), struct told, r);
	struct arena *a = t->arena;
	free(k);
	arena_free(&a);
}

void
keys_told(struct site *site)
{
	struct told *k = calloc(1, sizeof *k);
	struct arena *a = arena_new("keys told", ARENA_MAX);
	if (k == NULL || a == NULL) {
		free(k);
		arena_free(&a);
		return;
	}
	k->r.magic = REQUEST_MAGIC;
	k->r.site = site;
	k->r.worker = site->worker;
	k->r.started_us = loop_now_us(site->worker->loop);
	task_init(&k->r.task, site->worker->loop, a, &told_steps, NULL, told_done);
	task_run(&k->r.task);
}
