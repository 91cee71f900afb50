/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET and POST {issuer}/userinfo: the claims of the access token's person. The pipeline has checked the token and its openid scope
 * (scopes/oauth2.yaml). OIDC Core 5.3.                                                                                      */
#include "gateway/base/json_write.h"
#include "gateway/oauth/claims.h"
#include "gateway/oauth/endpoint.h"

struct userinfo {
	struct db_result *row;
};

static enum step
userinfo_person(struct task *t)
{
	struct request *r = request_of(t);
	struct userinfo *u = task_frame(t);
	return person_read(t, r->who.role, r->who.sub, &u->row);
}

static enum step
userinfo_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct userinfo *u = task_frame(t);
	struct person p = { .role = r->who.role, .sub = r->who.sub, .row = u->row };
	struct json_write w;
	if (u->row->status != DB_OK)
		return request_unavailable(r, "database down: claims cannot be read");
	oauth_json_begin(r);
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("sub"), r->who.sub);
	claims_put(&w, r, &p, r->who.scopes);
	json_obj_end(&w);
	return STEP_REPLY;
}

static STEP_TABLE(userinfo_steps, 0, { "userinfo_person", userinfo_person }, { "userinfo_reply", userinfo_reply });

enum step
userinfo_endpoint(struct request *r, struct oauth_state *s)
{
	struct userinfo *u = ARENA_NEW(r->task.arena, struct userinfo);
	(void)s;
	return u == NULL ? STEP_FAIL : task_push(&r->task, &userinfo_steps, u);
}
