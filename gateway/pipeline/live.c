/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the client still enabled and the user still active? Asked of OpenEMR's own rows and believed for live_check_ms, so that a change
 * on OpenEMR's admin page bites within 5 s on every worker. The same row tells the role of the token's subject.
 * contract/oauth2.md 6.5, 9.1.                                                                                             */
#include "gateway/config/conf.h"
#include "gateway/pipeline/pipe.h"

static const struct db_stmt live_sql = { "live_check",
	"SELECT c.is_enabled, u.id, u.username, u.active, "
	"EXISTS (SELECT 1 FROM `groups` g WHERE BINARY g.user = BINARY u.username), p.pid, p.allow_patient_portal "
	"FROM oauth_clients c LEFT JOIN users u ON u.uuid = ? LEFT JOIN patient_data p ON p.uuid = ? "
	"WHERE c.client_id = ?",
	false };
enum { COL_ENABLED, COL_USER_ID, COL_USERNAME, COL_ACTIVE, COL_GROUP, COL_PID, COL_PORTAL };

static struct str
live_key(struct pipe *p)
{
	return arena_printf(p->r.task.arena, "%.*s|%.*s", STR_ARG(p->r.who.client_id), STR_ARG(p->r.who.sub));
}

static int64_t
number(const struct db_cell *c)
{
	int64_t v = 0;
	if (c->kind == DB_C_INT)
		return c->i;
	return c->kind == DB_C_TEXT && str_to_i64(c->s, &v) == 0 ? v : 0;
}

static void
live_from_row(const struct db_result *res, struct live_entry *e)
{
	const struct db_cell *name = db_cell(res, 0, COL_USERNAME);
	e->client_enabled = number(db_cell(res, 0, COL_ENABLED)) == 1;
	if (db_cell(res, 0, COL_USER_ID)->kind != DB_C_NULL) {
		bool system = str_eq(name->s, STR("oe-system"));
		e->role = system ? ROLE_SYSTEM : ROLE_USERS;
		e->user_id = number(db_cell(res, 0, COL_USER_ID));
		e->username_n = (unsigned)MIN(name->s.n, sizeof e->username);
		if (e->username_n > 0)
			memcpy(e->username, name->s.p, e->username_n);
		/* oe-system is never active: it cannot log in; its tokens come from client_credentials only */
		e->user_active =
		    system || (number(db_cell(res, 0, COL_ACTIVE)) == 1 && number(db_cell(res, 0, COL_GROUP)) == 1);
	} else if (db_cell(res, 0, COL_PID)->kind != DB_C_NULL) {
		e->role = ROLE_PATIENT;
		e->pid = number(db_cell(res, 0, COL_PID));
		e->user_active = str_eq(db_cell(res, 0, COL_PORTAL)->s, STR("YES"));
	}
}

static enum step
live_apply(struct pipe *p, const struct live_entry *e)
{
	struct principal *who = &p->r.who;
	if (!e->client_enabled || !e->user_active) {
		p->r.audit.rule = STR("bearer");
		p->r.audit.reason = !e->client_enabled     ? STR("client unknown or disabled")
		                    : e->role == ROLE_NONE ? STR("user unknown")
		                                           : STR("user not active");
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
	struct str key;
	struct db_val vals[3];
	p->db = NULL;
	if (p->token == NULL)
		return STEP_NEXT;
	key = live_key(p);
	if (key.p == NULL)
		return STEP_FAIL;
	const struct live_entry *e = cache_get(p->r.site->live, key, loop_now_us(t->loop));
	if (e != NULL)
		return live_apply(p, e);
	vals[0] = vals[1] = DB_V_BIN(p->r.who.user_uuid.b, sizeof p->r.who.user_uuid.b);
	vals[2] = DB_V_STR(p->r.who.client_id);
	return db_query(t, p->r.site->db, &live_sql, vals, NITEMS(vals), &p->db);
}

enum step
live_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct live_entry e = { 0 };
	struct str key;
	if (p->db == NULL)
		return STEP_NEXT;
	if (p->db->status != DB_OK)
		return request_unavailable(&p->r, "database down: client and user cannot be checked");
	if (p->db->n_rows > 0)
		live_from_row(p->db, &e);
	key = live_key(p);
	if (key.p == NULL)
		return STEP_FAIL;
	(void)cache_put(
	    p->r.site->live, key, &e, loop_now_us(t->loop) + (int64_t)p->r.worker->conf->live_check_ms * 1000);
	return live_apply(p, &e);
}
