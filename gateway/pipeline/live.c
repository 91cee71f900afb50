/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bearer's liveness (core/live.h), believed for live_check_ms, so that a change on OpenEMR's admin page bites within 5 s on every
 * worker. The same row tells the role of the token's subject.                                                              */
#include "gateway/core/live.h"

#include "gateway/config/conf.h"
#include "gateway/pipeline/pipe.h"

/* client_id and sub are the token's, which its id stands for. */
static struct str
live_key(const struct pipe *p)
{
	return p->r.who.token_id;
}

static enum step
live_apply(struct pipe *p, const struct live_entry *e)
{
	struct principal *who = &p->r.who;
	struct str reason = live_judge(e, p->token->stamp);
	if (reason.n > 0) {
		p->r.audit.rule = STR("bearer");
		p->r.audit.reason = reason;
		return request_refuse(&p->r, REPLY_UNAUTHENTICATED);
	}
	who->role = e->role;
	who->user_id = e->user_id;
	who->pid = e->pid;
	who->username = arena_str(p->r.task.arena, (struct str){ e->username, e->username_n });
	if (who->role == ROLE_PATIENT) {
		who->has_patient = true;
		who->patient_uuid = who->user_uuid;
	}
	return who->username.p == NULL ? STEP_FAIL : STEP_NEXT;
}

enum step
live_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	p->db = NULL;
	if (p->token == NULL)
		return STEP_NEXT;
	const struct live_entry *e = cache_get(p->r.site->live, live_key(p), loop_now_us(t->loop));
	if (e != NULL)
		return live_apply(p, e);
	struct live_ask ask = { .client_id = p->r.who.client_id,
		.sub = p->r.who.sub,
		.sub_uuid = &p->token->who.user_uuid,
		.rows = p->token->rows,
		.jti = p->r.who.token_id,
		.family = str_of(p->token->family) };
	return live_query(t, p->r.site, &ask, &p->db);
}

enum step
live_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct live_entry e = { 0 };
	if (p->db == NULL)
		return STEP_NEXT;
	if (p->db->status != DB_OK)
		return request_unavailable(&p->r, "database down: client and user cannot be checked");
	if (p->db->n_rows > 0)
		live_read(p->db, &e);
	(void)cache_put(
	    p->r.site->live, live_key(p), &e, loop_now_us(t->loop) + (int64_t)p->r.worker->conf->live_check_ms * 1000);
	return live_apply(p, &e);
}
