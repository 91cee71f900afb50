/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions in Redis: each change is one script, so that of two requests at once one wins and the other is told. */
#include "gateway/oauth/session.h"

#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/revocation.h"

enum {
	SID_BYTES = 16,
	SID_TEXT = 22,
	SECRET_BYTES = 32,
	SECRET_TEXT = 43,
	CSRF_DIGITS = 40,
	PENDING_S = 1800,
	RECORD_MAX = 8 << 10
};

/* --- the cookie -------------------------------------------------------------------------------------------------------------- */

struct str
cookie_get(struct str field, struct str name)
{
	struct str one, found = STR_NULL;
	while (str_next(&field, ';', &one)) {
		one = str_trim(one);
		size_t eq = str_find(one, '=');
		if (eq == one.n || !str_eq(str_sub(one, 0, eq), name))
			continue;
		if (found.p != NULL)
			return STR_NULL;
		found = str_skip(one, eq + 1);
	}
	return found;
}

static struct str
cookie_name(struct request *r)
{
	return arena_printf(r->task.arena, "__Host-gatehouse-%.*s", STR_ARG(r->site->name));
}

static void
cookie_put(struct request *r, struct str value, const char *more)
{
	struct str name = cookie_name(r);
	struct buf b;
	buf_init(&b, r->task.arena, 256, 1024);
	buf_str_put(&b, name);
	buf_char(&b, '=');
	buf_str_put(&b, value);
	buf_lit(&b, "; Path=/; Secure; HttpOnly; SameSite=Lax");
	buf_str_put(&b, str_of(more));
	if (buf_ok(&b))
		reply_field(&r->reply, STR("Set-Cookie"), buf_str(&b));
}

void
session_cookie(struct request *r, const struct session_new *n)
{
	cookie_put(r, arena_printf(r->task.arena, "%.*s.%.*s", STR_ARG(n->session->sid), STR_ARG(n->secret)), "");
}

void
session_cookie_clear(struct request *r)
{
	cookie_put(r, STR(""), "; Max-Age=0");
}

bool
session_cookie_sent(struct request *r)
{
	struct str name = cookie_name(r);
	return name.p == NULL || cookie_get(http_field(r->x->head, HTTP_F_COOKIE), name).p != NULL;
}

static bool
cookie_split(struct str value, struct str *sid, struct str *secret)
{
	if (value.n != SID_TEXT + 1 + SECRET_TEXT || value.p[SID_TEXT] != '.')
		return false;
	*sid = str_sub(value, 0, SID_TEXT);
	*secret = str_skip(value, SID_TEXT + 1);
	for (size_t i = 0; i < sid->n; i++)
		if (str_find(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), sid->p[i]) == 64)
			return false;
	return true;
}

static struct str
hash_text(struct arena *a, struct str s)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(s, hash);
	buf_init(&b, a, 2 * SHA256_LEN, 2 * SHA256_LEN);
	hex_put(&b, hash, sizeof hash);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* --- records ------------------------------------------------------------------------------------------------------------------- */

void
subject_put(struct json_write *w, struct str key, const struct subject *s)
{
	json_key(w, key);
	json_obj(w);
	json_kv_str(w, STR("role"), role_text(s->role));
	json_kv_str(w, STR("sub"), s->sub);
	json_kv_str(w, STR("username"), s->username);
	json_kv_i64(w, STR("user_id"), s->user_id);
	json_kv_i64(w, STR("pid"), s->pid);
	json_kv_i64(w, STR("auth_time"), s->auth_time_s);
	json_kv_str(w, STR("stamp"), s->stamp.n > 0 ? s->stamp : STR(""));
	json_kv_str(w, STR("amr"), s->amr);
	json_obj_end(w);
}

int
subject_get(const json_t *o, struct subject *s)
{
	struct str role = json_in_str(o, "role");
	*s = (struct subject){ .role = str_eq(role, role_text(ROLE_USERS))     ? ROLE_USERS
		                       : str_eq(role, role_text(ROLE_PATIENT)) ? ROLE_PATIENT
		                                                               : ROLE_NONE,
		.sub = json_in_str(o, "sub"),
		.username = json_in_str(o, "username"),
		.user_id = (int64_t)json_integer_value(json_object_get(o, "user_id")),
		.pid = (int64_t)json_integer_value(json_object_get(o, "pid")),
		.auth_time_s = (int64_t)json_integer_value(json_object_get(o, "auth_time")),
		.stamp = json_in_str(o, "stamp"),
		.amr = json_in_str(o, "amr") };
	return s->role == ROLE_NONE || s->sub.n == 0 ? -1 : 0;
}

static struct str
record_text(struct request *r, const struct session *s)
{
	struct json_write w;
	struct buf b;
	buf_init(&b, r->task.arena, 512, RECORD_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("csrf"), s->csrf_key);
	if (s->who.role != ROLE_NONE)
		subject_put(&w, STR("who"), &s->who);
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

struct str
key_session(struct arena *a, const struct site *site, struct str sid)
{
	return arena_printf(a, "%.*ssession:%.*s", STR_ARG(site->redis_prefix), STR_ARG(sid));
}

static struct str
flow_field(struct arena *a, struct str flow_id)
{
	return flow_id.n == 0 ? STR("f:") : arena_printf(a, "f:%.*s", STR_ARG(flow_id));
}

static struct str
number_text(struct arena *a, int64_t v)
{
	return arena_printf(a, "%lld", (long long)v);
}

static bool
all_there(const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].p == NULL)
			return false;
	return true;
}

/* --- CSRF ---------------------------------------------------------------------------------------------------------------------- */

struct str
session_csrf(struct request *r, const struct session *s)
{
	uint8_t mac[SHA256_LEN];
	struct buf b;
	if (hmac_sha256(s->csrf_key, STR("oauth2"), mac) != 0)
		return STR_NULL;
	buf_init(&b, r->task.arena, CSRF_DIGITS, CSRF_DIGITS);
	hex_put(&b, mac, CSRF_DIGITS / 2);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

bool
session_csrf_ok(struct request *r, const struct session *s, struct str given)
{
	struct str want = session_csrf(r, s);
	return want.n == CSRF_DIGITS && secret_eq_str(want, given);
}

/* --- find ---------------------------------------------------------------------------------------------------------------------- */

/* KEYS: session. ARGV: hash of the secret, now, idle seconds, field of the request under way. {record, ends, request} or nil. */
static const struct redis_script find_script = { "session_find",
	"local v = redis.call('HMGET', KEYS[1], 's', 'ends', 'secret', ARGV[4]) "
	"if not v[1] or not v[2] or v[3] ~= ARGV[1] then return false end "
	"local life = math.min(tonumber(ARGV[3]), tonumber(v[2]) - tonumber(ARGV[2])) "
	"if life <= 0 then redis.call('DEL', KEYS[1]) return false end "
	"redis.call('EXPIRE', KEYS[1], life) "
	"return {v[1], v[2], v[4] or ''}" };

static enum step
session_read(struct task *t)
{
	struct request *r = request_of(t);
	struct session_find *f = task_frame(t);
	struct arena *a = t->arena;
	struct str sid, secret, name = cookie_name(r);
	f->session = NULL;
	f->redis = NULL;
	f->flow_text = STR_NULL;
	if (name.p == NULL)
		return STEP_FAIL;
	if (!cookie_split(cookie_get(http_field(r->x->head, HTTP_F_COOKIE), name), &sid, &secret))
		return STEP_NEXT;
	f->session = ARENA_NEW(a, struct session);
	if (f->session == NULL)
		return STEP_FAIL;
	f->session->sid = sid;
	f->session->key = key_session(a, r->site, sid);
	struct str args[] = { hash_text(a, secret), number_text(a, clock_real_s(r->worker->clock)),
		number_text(a, r->site->conf->oauth.session_idle_s), flow_field(a, f->flow_id) };
	if (f->session->key.p == NULL || !all_there(args, NITEMS(args)))
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &find_script, &f->session->key, 1, args, NITEMS(args), &f->redis);
}

static int
session_parse(struct request *r, struct session *s, const struct redis_value *v)
{
	struct err e = { 0 };
	json_t *o = json_in(v->items[0].s, RECORD_MAX, &e);
	if (o == NULL || json_keep(r->task.arena, o) != 0)
		return -1;
	s->csrf_key = json_in_str(o, "csrf");
	const json_t *who = json_object_get(o, "who");
	if (who != NULL && subject_get(who, &s->who) != 0)
		return -1;
	s->pending = who == NULL;
	return s->csrf_key.n == 0 ? -1 : str_to_i64(v->items[1].s, &s->ends_s);
}

static enum step
session_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct session_find *f = task_frame(t);
	if (f->session == NULL)
		return STEP_NEXT;
	if (f->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: session cannot be read");
	const struct redis_value *v = &f->redis->value;
	if (v->kind != REDIS_ARRAY || v->n_items != 3 || session_parse(r, f->session, v) != 0)
		f->session = NULL;
	else
		f->flow_text = v->items[2].s;
	return STEP_NEXT;
}

STEP_TABLE(session_find_steps, 0, { "session_read", session_read }, { "session_judge", session_judge });

/* --- start, sign in ---------------------------------------------------------------------------------------------------------- */

static int
session_draw(struct request *r, struct session_new *n, struct str sid, int64_t life_s)
{
	struct session *s = ARENA_NEW(r->task.arena, struct session);
	if (s == NULL)
		return -1;
	s->sid = sid.n > 0 ? sid : oauth_random(r, SID_BYTES);
	s->key = key_session(r->task.arena, r->site, s->sid);
	s->csrf_key = oauth_random(r, SECRET_BYTES);
	s->ends_s = clock_real_s(r->worker->clock) + life_s;
	s->pending = true;
	n->secret = oauth_random(r, SECRET_BYTES);
	n->session = s;
	return s->sid.n != SID_TEXT || s->key.p == NULL || s->csrf_key.p == NULL || n->secret.n != SECRET_TEXT ? -1 : 0;
}

/* KEYS: session. ARGV: record, ends, secret's hash, life, field, request under way. */
static const struct redis_script start_script = { "session_start",
	"redis.call('HSET', KEYS[1], 's', ARGV[1], 'ends', ARGV[2], 'secret', ARGV[3], ARGV[5], ARGV[6]) "
	"redis.call('EXPIRE', KEYS[1], ARGV[4]) return 1" };

enum step
session_start(struct task *t, struct request *r, struct session_new *n, struct str flow_id, struct str flow_text)
{
	struct arena *a = t->arena;
	if (session_draw(r, n, STR_NULL, PENDING_S) != 0)
		return STEP_FAIL;
	struct str args[] = { record_text(r, n->session), number_text(a, n->session->ends_s), hash_text(a, n->secret),
		number_text(a, PENDING_S), flow_field(a, flow_id), flow_text };
	if (!all_there(args, NITEMS(args)))
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &start_script, &n->session->key, 1, args, NITEMS(args), &n->redis);
}

/* KEYS: old session, new session. ARGV: field, request as it was, as it is, record, ends, secret's hash, life. The grants that another person
 * got in the old session do not move along.                                                                                */
static const struct redis_script sign_in_script = { "session_sign_in",
	"if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end "
	"if KEYS[1] ~= KEYS[2] then "
	"  redis.call('RENAME', KEYS[1], KEYS[2]) "
	"  for _, f in ipairs(redis.call('HKEYS', KEYS[2])) do "
	"    if string.sub(f, 1, 2) == 'c:' then redis.call('HDEL', KEYS[2], f) end end "
	"end "
	"redis.call('HSET', KEYS[2], ARGV[1], ARGV[3], 's', ARGV[4], 'ends', ARGV[5], 'secret', ARGV[6]) "
	"redis.call('EXPIRE', KEYS[2], ARGV[7]) "
	"return 1" };

enum step
session_sign_in(struct task *t, struct request *r, struct session_new *n, const struct session *old,
    const struct subject *who, struct str flow_id, struct str flow_was, struct str flow_text)
{
	struct arena *a = t->arena;
	const struct conf_site *c = r->site->conf;
	bool same = old->who.role == who->role && str_eq(old->who.sub, who->sub);
	if (session_draw(r, n, same ? old->sid : STR_NULL, c->oauth.session_ttl_s) != 0)
		return STEP_FAIL;
	n->session->who = *who;
	n->session->pending = false;
	struct str keys[] = { old->key, n->session->key };
	struct str args[] = { flow_field(a, flow_id), flow_was, flow_text, record_text(r, n->session),
		number_text(a, n->session->ends_s), hash_text(a, n->secret),
		number_text(a, MIN(c->oauth.session_idle_s, c->oauth.session_ttl_s)) };
	if (!all_there(keys, NITEMS(keys)) || !all_there(args, NITEMS(args)))
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &sign_in_script, keys, NITEMS(keys), args, NITEMS(args), &n->redis);
}

/* KEYS: session. ARGV: field, request as it was, as it is to be, most fields. Too many requests under way: the others are dropped.
 * ARGV[5], [6]: new end and life of a session in which nobody has signed in yet; a request begun lately has its time.      */
static const struct redis_script flow_script = { "session_flow",
	"if redis.call('EXISTS', KEYS[1]) == 0 or (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return "
	"0 end "
	"if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) return 1 end "
	"if ARGV[2] == '' then local open = {} "
	"  for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do "
	"    if string.sub(f, 1, 2) == 'f:' then open[#open + 1] = f end end "
	"  if #open >= tonumber(ARGV[4]) then redis.call('HDEL', KEYS[1], unpack(open)) end end "
	"redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) "
	"if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'ends', ARGV[5]) redis.call('EXPIRE', KEYS[1], ARGV[6]) end "
	"return 1" };

enum step
session_flow_put(struct task *t, struct request *r, const struct session *s, struct str flow_id, struct str flow_was,
    struct str flow_text, struct redis_result **out)
{
	struct str args[] = { flow_field(t->arena, flow_id), flow_was.n == 0 ? STR("") : flow_was,
		flow_text.n == 0 ? STR("") : flow_text, STR("16"),
		s->pending ? number_text(t->arena, clock_real_s(r->worker->clock) + PENDING_S) : STR(""),
		number_text(t->arena, PENDING_S) };
	if (!all_there(args, NITEMS(args)))
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &flow_script, &s->key, 1, args, NITEMS(args), out);
}

/* --- end ------------------------------------------------------------------------------------------------------------------------- */

/* KEYS: session, the person's grants. ARGV: prefix of family sets. A grant of which no record (code, refresh token) has offline_access ends
 * with the session: OIDC Back-Channel Logout 1.0, 2.7. Answers {{family, client, ...}, {jti, ...}}.                         */
static const struct redis_script end_script = { "session_end",
	LUA_FAMILY_END "local out, jtis = {}, {} local h = redis.call('HGETALL', KEYS[1]) "
	               "for i = 1, #h, 2 do if string.sub(h[i], 1, 2) == 'c:' then "
	               "  local fam, offline = string.sub(h[i], 3), false "
	               "  out[#out + 1] = fam out[#out + 1] = h[i + 1] "
	               "  for _, k in ipairs(redis.call('SMEMBERS', ARGV[1] .. fam)) do "
	               "    local v = redis.call('GET', k) "
	               "    if v and string.find(v, '\"scope\":\"[^\"]*offline_access') then offline = true end end "
	               "  if not offline then family_end(KEYS[2], h[i + 1], fam, ARGV[1], '', jtis) end "
	               "end end "
	               "redis.call('DEL', KEYS[1]) return {out, jtis}" };

enum step
session_end(struct task *t, struct request *r, struct str sid, struct str sub, struct redis_result **out)
{
	struct arena *a = t->arena;
	struct str keys[] = { key_session(a, r->site, sid), key_grants(a, r->site, sub) },
	           prefix = key_family(a, r->site, STR(""));
	if (keys[0].p == NULL || keys[1].p == NULL || prefix.p == NULL)
		return STEP_FAIL;
	return redis_eval(t, r->worker->redis, &end_script, keys, NITEMS(keys), &prefix, 1, out);
}
