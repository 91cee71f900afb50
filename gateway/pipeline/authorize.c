/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's phpGACL grants (cached for live_check_ms) and the policy's decision. */
#include "gateway/config/conf.h"
#include "gateway/pipeline/pipe.h"
#include "policy/acl.h"
#include "policy/acl_sql.h"

enum { GRANTS_ARENA = 4 << 20 };

static const struct db_stmt acl_sql = { ACL_SQL_NAME, ACL_SQL, false };

void
acl_entry_put(struct acl_entry **e)
{
	struct acl_entry *entry = *e;
	*e = NULL;
	if (entry == NULL || --entry->refs > 0)
		return;
	struct arena *arena = entry->arena;
	arena_free(&arena);
}

enum step
acl_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct db_val *v;
	p->db = NULL;
	if (!policy_needs_acl(r->site->policy, r->route, &r->who))
		return STEP_NEXT;
	struct acl_entry **found = cache_get(r->site->acl, r->who.username, loop_now_us(t->loop));
	if (found != NULL) {
		p->acl = *found;
		p->acl->refs++;
		return STEP_NEXT;
	}
	v = arena_array(t->arena, 2, sizeof *v);
	if (v == NULL)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_STR(r->who.username);
	return db_query(t, r->site->db, &acl_sql, v, 2, &p->db);
}

static struct acl_entry *
acl_entry_new(struct arena *scratch, const struct db_result *res)
{
	struct arena *a = arena_new("acl", GRANTS_ARENA);
	struct acl_entry *e = a == NULL ? NULL : ARENA_NEW(a, struct acl_entry);
	if (e != NULL) {
		e->grants = acl_grants_read(a, scratch, res);
		e->arena = a;
		e->refs = 1;
	}
	if (e == NULL || e->grants == NULL) {
		arena_free(&a);
		return NULL;
	}
	return e;
}

enum step
acl_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	if (p->db == NULL)
		return STEP_NEXT;
	if (p->db->status != DB_OK)
		return request_unavailable(r, "database down: access rules cannot be read");
	p->acl = acl_entry_new(t->arena, p->db);
	if (p->acl == NULL) {
		(void)ERR(&t->err, E_MEMORY, "access rules");
		return STEP_FAIL;
	}
	if (cache_put(r->site->acl, r->who.username, &p->acl,
	        loop_now_us(t->loop) + (int64_t)r->worker->conf->live_check_ms * 1000) != NULL)
		p->acl->refs++;
	return STEP_NEXT;
}

enum step
policy_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	struct decision *d = &p->decision;
	policy_decide(r->site->policy, r->route, &r->who, p->acl == NULL ? NULL : p->acl->grants, t->arena, NULL, d);
	r->audit.allowed = d->allowed;
	r->audit.rule = d->rule;
	r->audit.reason = d->reason;
	if (!d->allowed)
		return request_refuse(r, d->refusal);
	r->grants = p->acl == NULL ? NULL : p->acl->grants;
	r->filter.by_patient = d->by_patient;
	r->filter.patient = d->patient;
	r->filter.scope_context = d->scope_context;
	r->filter.categories = d->categories;
	if (d->by_patient) {
		r->audit.has_patient = true;
		r->audit.patient = d->patient;
	}
	return STEP_NEXT;
}
