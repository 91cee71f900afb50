/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of steps and the pipeline's side of an exchange: begin, end, client gone. */
#include "gateway/pipeline/pipeline.h"

#include "gateway/audit/audit.h"
#include "gateway/config/conf.h"
#include "gateway/metrics/metrics.h"
#include "gateway/pipeline/openemr_log.h"
#include "gateway/pipeline/origins.h"
#include "gateway/pipeline/pipe.h"

#include <stdlib.h>

enum { STEPS_BEFORE_ANSWER = 21 };
/* clang-format off */
static STEP_TABLE(pipeline_steps, STEPS_BEFORE_ANSWER,
	{ "admit",      admit_step      },
	{ "site",       site_step       },
	{ "cors",       cors_step       }, { "cors_read",  cors_read_step  },
	{ "preflight",  preflight_step  },
	{ "route",      route_step      },
	{ "token",      token_step      },
	{ "state",      state_step      }, { "state_read", state_read_step },
	{ "dpop",       dpop_step       }, { "dpop_read",  dpop_read_step  },
	{ "live",       live_step       }, { "live_read",  live_read_step  },
	{ "route_told", route_told_step },
	{ "acl",        acl_step        }, { "acl_read",   acl_read_step   },
	{ "policy",     policy_step     },
	{ "body",       body_step       }, { "body_read",  body_read_step  },
	{ "backend",    backend_step    }, { "backend_end", backend_end_step },
	{ "answer",     answer_step     },
	{ "audit",      audit_step      }, { "audit_read", audit_read_step },
	{ "respond",    respond_step    }, { "streamed",   streamed_step   });
/* clang-format on */

enum step
backend_end_step(struct task *t)
{
	(void)t; /* the backend's sub-table is done; its reply stands */
	return STEP_NEXT;
}

static void
log_request(const struct pipe *p, bool ok)
{
	const struct request *r = &p->r;
	enum log_level level = r->reply.status >= 500 ? LOG_WARN : LOG_DEBUG;
	const struct log *log = r->worker->log;
	if (level < log->least)
		return;
	LOG(log, level, "request", F_STR("id", r->request_id),
	    F_STR("site", r->site == NULL ? STR("-") : r->site->name),
	    F_STR("route", r->route == NULL ? STR("-") : r->route->name), F_INT("status", r->reply.status),
	    F_INT("duration_us", loop_now_us(r->task.loop) - r->started_us), F_STR("rule", r->audit.rule),
	    F_STR("reason", r->audit.reason), F_STR("answered", ok ? STR("yes") : STR("no")),
	    F_ERR(r->task.err.kind == E_NONE ? NULL : &r->task.err));
}

static void
count(const struct pipe *p)
{
	metric_request(p->r.worker->metrics, p->r.site == NULL ? SIZE_MAX : p->r.site->index,
	    p->r.route == NULL ? SIZE_MAX : p->r.route->index, p->r.reply.status,
	    loop_now_us(p->r.task.loop) - p->r.started_us);
	metric_add(p->r.worker->metrics, METRIC_REQUEST_MEMORY, SIZE_MAX, arena_used(p->r.task.arena));
}

static void
pipe_done(struct task *t)
{
	struct pipe *p = pipe_of(t);
	p->finished = true;
	count(p);
	if (!p->answered && p->r.x != NULL)
		exchange_abort(p->r.x);
}

static void
pipe_request(struct exchange *x, void *ctx)
{
	struct worker *w = ctx;
	struct pipe *p = ARENA_NEW(x->arena, struct pipe);
	if (p == NULL) { /* an arena that cannot hold this is a configuration of a few hundred bytes */
		exchange_reply(x, BARE_STATUS, bare_fields, STR(""));
		return;
	}
	x->user = p;
	p->r.magic = REQUEST_MAGIC;
	p->r.x = x;
	p->r.worker = w;
	p->r.dialect = DIALECT_OPENEMR;
	p->r.started_us = loop_now_us(x->loop);
	p->r.audit.event = AUDIT_EV_REQUEST;
	p->route_error = REPLY_ERROR_N;
	reply_init(&p->r.reply, x->arena, w->conf->reply_max_bytes);
	task_init(&p->r.task, x->loop, x->arena, &pipeline_steps, NULL, pipe_done);
	p->r.task.deadline_us = p->r.started_us + (int64_t)w->conf->request_ms * 1000;
	task_run(&p->r.task);
}

static void
pipe_closed(struct exchange *x, bool ok)
{
	struct pipe *p = x->user;
	if (p == NULL)
		return;
	x->user = NULL;
	if (!p->finished) { /* the client left, or a streamed answer was out before the task woke to see it */
		task_cancel(&p->r.task);
		count(p);
		if (!ok)
			p->r.audit.reason = STR("client gone");
		if (audit_class_of(&p->r) != AUDIT_NONE && (!ok || stream_recorded(p)))
			audit_send(&p->r, p->r.worker->audit, p->recorded ? AUDIT_EV_STREAM_END : p->r.audit.event);
	}
	openemr_log(p);
	p->r.x = NULL;
	log_request(p, ok);
	token_entry_put(&p->token);
	acl_entry_put(&p->acl);
	p->r.magic = 0;
}

struct exchange_handler
pipeline_handler(struct worker *w)
{
	return (struct exchange_handler){ .request = pipe_request, .closed = pipe_closed, .ctx = w };
}

/* --- caches of a site -------------------------------------------------------------------------------------------------- */

static void
drop_token(void *value)
{
	token_entry_put(value);
}

static void
drop_acl(void *value)
{
	acl_entry_put(value);
}

enum { HASH_KEY = 32, NAME_KEY = 600, LIVE_ITEMS = 4096, ACL_ITEMS = 1024, REVOKED_ITEMS = 16384 };

int
pipeline_site_caches(struct site *site, size_t token_items)
{
	site->tokens = cache_new(token_items, HASH_KEY, sizeof(struct token_entry *), drop_token);
	site->live = cache_new(LIVE_ITEMS, NAME_KEY, sizeof(struct live_entry), NULL);
	site->acl = cache_new(ACL_ITEMS, NAME_KEY, sizeof(struct acl_entry *), drop_acl);
	site->origins = origins_new(site);
	site->revoked = cache_new(REVOKED_ITEMS, HASH_KEY, 1, NULL);
	site->cells = cache_new(LIVE_ITEMS, NAME_KEY, sizeof(int64_t), NULL);
	return site->tokens == NULL || site->live == NULL || site->acl == NULL || site->origins == NULL ||
	               site->revoked == NULL || site->cells == NULL
	           ? -1
	           : 0;
}

void
pipeline_site_caches_free(struct site *site)
{
	cache_free(&site->tokens);
	cache_free(&site->live);
	cache_free(&site->acl);
	origins_free(&site->origins);
	cache_free(&site->revoked);
	cache_free(&site->cells);
}
