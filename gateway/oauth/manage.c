/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET and POST {issuer}/manage: the apps that hold access for the person who is signed in, in plain words, and the button that ends it: tokens,
 * remembered consent, OpenEMR's rows. SMART App Launch 2.2 "management_endpoint". Not for administrators (OpenEMR's page is theirs). */
#include "gateway/base/date.h"
#include "gateway/base/json_in.h"
#include "gateway/core/keys.h"
#include "gateway/oauth/code.h"
#include "gateway/oauth/pages/page.h"
#include "gateway/oauth/pages/words.h"
#include "gateway/oauth/revocation.h"
#include "policy/scope_set.h"

enum { APPS_MAX = 100, FLOW_ID_BYTES = 12, RECORD_MAX = 64 << 10, FORM_PAIRS_MAX = 16 };

/* KEYS: the person's grants, consents. ARGV: now, prefix of family sets. Answers {{client, scope, last issued, ...}, HGETALL of consents};
 * of a grant without a refresh token the scope is not kept: "".                                                            */
static const struct redis_script list_script = { "manage",
	"local out = {} "
	"for _, m in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')) do "
	"  local client, fam = string.match(m, '^(%S+) (%S+)$') "
	"  local at, scope, any = 0, '', false "
	"  for _, k in ipairs(client and redis.call('SMEMBERS', ARGV[2] .. fam) or {}) do "
	"    local ok, d = pcall(cjson.decode, redis.call('GET', k) or '') "
	"    if ok and type(d) == 'table' and d.at and not d.rotated then "
	"      any = true "
	"      at = math.max(at, tonumber(d.at) or 0) "
	"      if d.scope then scope = d.scope end "
	"    end "
	"  end "
	"  if any then out[#out + 1] = client out[#out + 1] = scope out[#out + 1] = string.format('%.0f', at) end "
	"end "
	"return {out, redis.call('HGETALL', KEYS[2])}" };

static const struct db_stmt names_sql = { "manage_names",
	"SELECT client_id, client_name FROM oauth_clients WHERE FIND_IN_SET(client_id, ?)", false };

struct managed { /* an app */
	struct str client, name, scope;
	int64_t used_s, granted_s; /* last token, last consent; 0: not known */
};
struct manage {
	struct session_find find;
	struct form form;
	struct revoke revoke;
	struct managed apps[APPS_MAX];
	size_t n;
	struct redis_result *redis;
	struct db_result *db;
};

/* --- who -------------------------------------------------------------------------------------------------------------------------- */

static enum step
manage_find(struct task *t)
{
	struct manage *m = task_frame(t);
	return task_push(t, &session_find_steps, &m->find);
}

static bool
signed_in(const struct manage *m)
{
	return m->find.session != NULL && m->find.session->who.role != ROLE_NONE;
}

static enum step
manage_subject(struct task *t)
{
	struct manage *m = task_frame(t);
	m->db = NULL;
	return signed_in(m) ? subject_read(t, request_of(t), &m->find.session->who, &m->db) : STEP_NEXT;
}

/* Nobody, or somebody who was switched off: the sign-in pages, and back here (flow.own). */
static enum step
sign_in(struct task *t, struct manage *m)
{
	struct request *r = request_of(t);
	struct flow_call *c = ARENA_NEW(t->arena, struct flow_call);
	if (c == NULL)
		return STEP_FAIL;
	c->session = m->find.session;
	c->flow = (struct flow){ .id = oauth_random(r, FLOW_ID_BYTES),
		.own = true,
		.client_id = STR("manage"),
		.client_name = message_text(LANG_EN, MSG_MANAGE_NAME),
		.redirect_uri = arena_printf(t->arena, "%.*s/manage", STR_ARG(r->site->issuer)),
		.scope = STR(""),
		.prompt = c->session != NULL && c->session->who.role != ROLE_NONE ? PROMPT_LOGIN : 0,
		.max_age_s = -1,
		.started_s = clock_real_s(r->worker->clock) };
	return c->flow.id.p == NULL || c->flow.redirect_uri.p == NULL ? STEP_FAIL
	                                                              : task_push(t, &flow_advance_steps, c);
}

static enum step
manage_person(struct request *r, struct manage *m)
{
	const struct subject *who = &m->find.session->who;
	r->who.sub = who->sub;
	r->who.role = who->role;
	r->audit.actor = who->username;
	r->audit.allowed = true;
	return STEP_NEXT;
}

/* --- the list ------------------------------------------------------------------------------------------------------------------------ */

static enum step
list_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct manage *m = task_frame(t);
	struct arena *a = t->arena;
	if (m->db != NULL && m->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (!signed_in(m) || !subject_good(m->db, &m->find.session->who))
		return sign_in(t, m);
	(void)manage_person(r, m);
	struct str keys[] = { key_grants(a, r->site, r->who.sub), key_consents(a, r->site, r->who.sub) };
	struct str args[] = { arena_printf(a, "%lld", (long long)clock_real_s(r->worker->clock)),
		key_family(a, r->site, STR("")) };
	if (keys[0].p == NULL || keys[1].p == NULL || args[0].p == NULL || args[1].p == NULL)
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &list_script, keys, NITEMS(keys), args, NITEMS(args), &m->redis);
}

static struct managed *
app_of(struct manage *m, struct str client)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->apps[i].client, client))
			return &m->apps[i];
	if (m->n == APPS_MAX)
		return NULL;
	m->apps[m->n] = (struct managed){ .client = client };
	return &m->apps[m->n++];
}

static void
grants_read(struct manage *m, const struct redis_value *list)
{
	for (size_t i = 0; i + 2 < list->n_items; i += 3) {
		struct managed *app = app_of(m, list->items[i].s);
		int64_t at = 0;
		if (app == NULL)
			return;
		if (str_to_i64(list->items[i + 2].s, &at) == 0)
			app->used_s = MAX(app->used_s, at);
		if (list->items[i + 1].s.n > app->scope.n)
			app->scope = list->items[i + 1].s;
	}
}

/* A consent that is remembered counts as access; one that is not tells only what the grants' scopes are. */
static int
consents_read(struct request *r, struct manage *m, const struct redis_value *pairs)
{
	int64_t now = clock_real_s(r->worker->clock);
	for (size_t i = 0; i + 1 < pairs->n_items; i += 2) {
		struct str client = pairs->items[i].s;
		bool known = false;
		json_t *o = json_in(pairs->items[i + 1].s, RECORD_MAX, &r->task.err);
		if (o == NULL || json_keep(r->task.arena, o) != 0)
			return -1;
		for (size_t k = 0; k < m->n; k++)
			known |= str_eq(m->apps[k].client, client);
		if (!known && json_integer_value(json_object_get(o, "until")) <= now)
			continue;
		struct managed *app = app_of(m, client);
		if (app == NULL)
			return 0;
		app->granted_s = (int64_t)json_integer_value(json_object_get(o, "granted"));
		if (app->scope.n == 0)
			app->scope = json_in_str(o, "scope");
		app->name = json_in_str(o, "name");
	}
	return 0;
}

static enum step
list_names(struct task *t)
{
	struct request *r = request_of(t);
	struct manage *m = task_frame(t);
	const struct redis_value *v = &m->redis->value;
	struct db_val *val = ARENA_NEW(t->arena, struct db_val);
	struct buf b;
	if (m->redis->status != REDIS_OK || v->kind != REDIS_ARRAY || v->n_items != 2)
		return request_unavailable(r, "redis down: grants cannot be listed");
	grants_read(m, &v->items[0]);
	if (consents_read(r, m, &v->items[1]) != 0 || val == NULL)
		return STEP_FAIL;
	m->db = NULL;
	if (m->n == 0)
		return STEP_NEXT;
	buf_init(&b, t->arena, 1024, 16 << 10);
	for (size_t i = 0; i < m->n; i++) {
		if (i > 0)
			buf_char(&b, ',');
		buf_str_put(&b, m->apps[i].client);
	}
	if (!buf_ok(&b))
		return STEP_FAIL;
	*val = DB_V_STR(buf_str(&b));
	return db_query(t, r->site->db, &names_sql, val, 1, &m->db);
}

static void
names_read(struct manage *m)
{
	for (size_t row = 0; m->db != NULL && row < m->db->n_rows; row++)
		for (size_t i = 0; i < m->n; i++)
			if (str_eq(m->apps[i].client, db_cell(m->db, row, 0)->s))
				m->apps[i].name = db_cell(m->db, row, 1)->s;
	for (size_t i = 0; i < m->n; i++)
		if (!utf8_is_label(m->apps[i].name))
			m->apps[i].name = m->apps[i].client;
}

/* --- writing --------------------------------------------------------------------------------------------------------------------- */

static void
day_line(struct page *p, enum message text, int64_t epoch_s)
{
	struct date d;
	struct buf b;
	if (epoch_s == 0)
		return;
	date_from_epoch_us(epoch_s * 1000000, &d);
	d.precision = DATE_DAY;
	buf_init(&b, p->r->task.arena, 16, 64);
	date_put_iso(&b, &d);
	HTML(&p->h, "<p class=\"hint\">");
	HTML_MESSAGE_WITH(&p->h, text, buf_str(&b));
	HTML(&p->h, "</p>");
}

/* What the scopes allow; the same words once. */
static void
scopes_words(struct page *p, struct str text)
{
	struct arena *a = p->r->task.arena;
	const struct scope_set *set;
	struct err e = { 0 };
	struct buf all;
	if (scope_set_parse(a, text, &set, &e) != 0)
		return;
	buf_init(&all, a, 1024, SCOPE_SET_TEXT_MAX * 4);
	for (size_t i = 0; i < scope_set_count(set); i++) {
		const struct scope *s = scope_set_at(set, i);
		struct buf b;
		struct html h = { &b, p->h.language };
		buf_init(&b, a, 128, 1024);
		HTML(&h, "<li>");
		if (str_eq(s->text, STR("offline_access")))
			html_message(&h, MSG_MANAGE_OFFLINE);
		else
			words_scope(&h, a, s);
		HTML(&h, "</li>");
		if (buf_ok(&b) && str_find_str(buf_str(&all), buf_str(&b)) == all.n)
			buf_str_put(&all, buf_str(&b));
	}
	HTML(&p->h, "<ul class=\"may\">");
	buf_str_put(p->h.out, buf_str(&all));
	HTML(&p->h, "</ul>\n");
}

static void
app_put(struct page *p, const struct managed *app)
{
	HTML(&p->h, "<section class=\"app\"><h2>");
	html_name(&p->h, app->name);
	HTML(&p->h, "</h2>\n");
	day_line(p, MSG_MANAGE_USED, app->used_s);
	day_line(p, MSG_MANAGE_ALLOWED, app->granted_s);
	scopes_words(p, app->scope);
	HTML(&p->h, "<button type=\"submit\" class=\"other\" name=\"client\"");
	html_attr(&p->h, "value", app->client);
	HTML(&p->h, ">");
	HTML_MESSAGE_WITH(&p->h, MSG_MANAGE_WITHDRAW, app->name);
	HTML(&p->h, "</button></section>\n");
}

static enum step
list_show(struct task *t)
{
	struct request *r = request_of(t);
	struct manage *m = task_frame(t);
	struct page p;
	if (m->db != NULL && m->db->status != DB_OK)
		return request_unavailable(r, "database down: names of apps cannot be read");
	names_read(m);
	page_begin_wide(&p, r, 200, MSG_MANAGE_TITLE);
	HTML(&p.h, "<p class=\"lead\">");
	HTML_MESSAGE_WITH(&p.h, MSG_CONSENT_SIGNED_IN, m->find.session->who.username);
	HTML(&p.h, "</p>");
	if (form_get(&r->query, STR("withdrawn"), NULL).n > 0) {
		HTML(&p.h, "<div class=\"done\" role=\"status\">");
		html_message(&p.h, MSG_MANAGE_DONE);
		HTML(&p.h, "</div>\n");
	}
	page_text(&p, m->n == 0 ? MSG_MANAGE_NONE : MSG_MANAGE_TEXT);
	page_form(&p, "/manage");
	page_hidden(&p, "csrf_token_form", session_csrf(r, m->find.session));
	for (size_t i = 0; i < m->n; i++)
		app_put(&p, &m->apps[i]);
	page_form_end(&p);
	return page_end(&p);
}

static STEP_TABLE(manage_steps, 0, { "manage_find", manage_find }, { "manage_subject", manage_subject },
    { "list_ask", list_ask }, { "list_names", list_names }, { "list_show", list_show });

/* --- withdrawing ------------------------------------------------------------------------------------------------------------------ */

static enum step
withdraw_begin(struct task *t)
{
	struct request *r = request_of(t);
	struct manage *m = task_frame(t);
	if (m->db != NULL && m->db->status != DB_OK)
		return request_unavailable(r, "database down: user cannot be checked");
	if (!signed_in(m) || !subject_good(m->db, &m->find.session->who))
		return flow_step_refused(r, 400, "nobody has signed in");
	(void)manage_person(r, m);
	if (!session_csrf_ok(r, m->find.session, form_get(&m->form, STR("csrf_token_form"), NULL)))
		return flow_step_refused(r, 403, "CSRF token wrong");
	m->revoke =
	    (struct revoke){ .sub = r->who.sub, .client = form_get(&m->form, STR("client"), NULL), .trusted = true };
	if (m->revoke.client.n == 0)
		return flow_step_refused(r, 400, "no app named");
	struct str key = key_consents(t->arena, r->site, r->who.sub);
	return key.p == NULL ? STEP_FAIL
	                     : REDIS_CALL(t, r->worker->redis, &m->redis, STR("HDEL"), key, m->revoke.client);
}

static enum step
withdraw_revoke(struct task *t)
{
	struct request *r = request_of(t);
	struct manage *m = task_frame(t);
	if (m->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: consent cannot be withdrawn");
	r->who.client_id = m->revoke.client;
	return task_push(t, &revoke_steps, &m->revoke);
}

static enum step
withdraw_end(struct task *t)
{
	struct request *r = request_of(t);
	struct str back = page_path(r, "/manage?withdrawn=1");
	r->audit.event = AUDIT_EV_REVOKED;
	return back.p == NULL ? STEP_FAIL : page_see_other(r, back);
}

static STEP_TABLE(withdraw_steps, 0, { "manage_find", manage_find }, { "manage_subject", manage_subject },
    { "withdraw_begin", withdraw_begin }, { "withdraw_revoke", withdraw_revoke }, { "withdraw_end", withdraw_end });

enum step
manage_page_endpoint(struct request *r, struct oauth_state *s)
{
	struct manage *m = ARENA_NEW(r->task.arena, struct manage);
	(void)s;
	r->audit.rule = STR("manage page");
	return m == NULL ? STEP_FAIL : task_push(&r->task, &manage_steps, m);
}

enum step
manage_endpoint(struct request *r, struct oauth_state *s)
{
	struct manage *m = ARENA_NEW(r->task.arena, struct manage);
	(void)s;
	r->audit.rule = STR("manage page");
	if (m == NULL)
		return STEP_FAIL;
	if (form_parse(r->task.arena, r->body, FORM_PAIRS_MAX, &m->form, &r->task.err) != 0)
		return flow_step_refused(r, 400, "form cannot be read");
	return task_push(&r->task, &withdraw_steps, m);
}
