/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One EVALSHA per request: is the token still there, and does the caller's rate allow one more? GCRA on Redis' own clock, so that all
 * workers and gateways count alike. When Redis does not answer the route says: closed, open or local.                      */
#include "gateway/base/json_in.h"
#include "gateway/config/conf.h"
#include "gateway/core/keys.h"
#include "gateway/metrics/metrics.h"
#include "gateway/pipeline/pipe.h"

/* KEYS: token state ('' none), rate cell ('' none). ARGV: interval (us), burst. Answer: {state or false, allowed, left, reset (us),
 * retry (us)}. The arithmetic is policy/rate.c's.                                                                          */
static const struct redis_script state_script = { "state",
	"local state = false "
	"if KEYS[1] ~= '' then "
	"  state = redis.call('GET', KEYS[1]) "
	"  if not state then return {false, 1, 0, 0, 0} end "
	"end "
	"if KEYS[2] == '' then return {state, 1, 0, 0, 0} end "
	"local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2]) "
	"local t = redis.call('TIME') "
	"local now = t[1] * 1000000 + t[2] "
	"local tat = tonumber(redis.call('GET', KEYS[2]) or '0') "
	"if tat < now then tat = now end "
	"local new = tat + interval "
	"local early = new - interval * burst "
	"if now < early then return {state, 0, 0, tat - now, early - now} end "
	"redis.call('SET', KEYS[2], string.format('%.0f', new), 'PX', math.ceil((new - now) / 1000) + 1) "
	"return {state, 1, math.floor((interval * burst - (new - now)) / interval), new - now, 0}" };

static struct str
rate_key(struct pipe *p)
{
	if (p->rate == NULL || p->rate->interval_us == 0)
		return STR("");
	struct str who = rate_who(p->r.task.arena, p->rate, &p->r.who, p->r.client_address);
	return who.p == NULL ? who : key_rate(p->r.task.arena, p->r.site, p->rate->name, who);
}

enum step
state_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct str keys[2], args[2];
	p->redis = NULL;
	keys[0] = p->token == NULL ? STR("") : p->token->redis_key;
	keys[1] = rate_key(p);
	if (keys[0].p == NULL || keys[1].p == NULL)
		return STEP_FAIL;
	if (keys[0].n == 0 && keys[1].n == 0)
		return STEP_NEXT;
	args[0] = arena_u64(t->arena, p->rate == NULL ? 0 : (uint64_t)p->rate->interval_us);
	args[1] = arena_u64(t->arena, p->rate == NULL ? 0 : p->rate->burst);
	if (args[0].p == NULL || args[1].p == NULL)
		return STEP_FAIL;
	return redis_eval(t, p->r.worker->redis, &state_script, keys, NITEMS(keys), args, NITEMS(args), &p->redis);
}

/* --- when Redis does not answer --------------------------------------------------------------------------------------------- */

/* The worker's own cells: exact for this worker only. */
static bool
local_rate(struct pipe *p)
{
	struct str key = rate_key(p);
	int64_t now = loop_now_us(p->r.task.loop), tat = 0;
	struct rate_verdict v;
	if (key.n == 0)
		return true;
	const int64_t *cell = cache_get(p->r.site->cells, key, now);
	if (cell != NULL)
		tat = *cell;
	rate_gcra(p->rate, tat, now, &v);
	p->rate_known = true;
	p->rate_left = v.left;
	p->rate_reset_us = v.reset_us;
	p->rate_retry_us = v.retry_us;
	if (v.allowed)
		(void)cache_put(p->r.site->cells, key, &v.tat_us, v.tat_us);
	return v.allowed;
}

static enum step
rate_refuse(struct pipe *p)
{
	p->r.audit.rule = STR("rate");
	p->r.audit.reason = STR("rate limit");
	metric_add(p->r.worker->metrics, METRIC_RATE_LIMITED, p->r.site->index, 1);
	enum step s = request_refuse(&p->r, REPLY_RATE);
	reply_retry_after(&p->r.reply, MAX(rate_seconds(p->rate_retry_us), 1u));
	return s;
}

static struct str
jti_hash(const struct pipe *p)
{
	return (struct str){ p->r.who.token_hash, sizeof p->r.who.token_hash - 1 };
}

/* redis.on_failure of the configuration wins over the route's row. */
static enum on_failure
failure_mode(const struct pipe *p)
{
	static const struct {
		struct str name;
		enum on_failure how;
	} set[] = { { STR_INIT("closed"), FAIL_CLOSED }, { STR_INIT("open"), FAIL_OPEN },
		{ STR_INIT("local"), FAIL_LOCAL } };
	for (size_t i = 0; i < NITEMS(set); i++)
		if (str_eq(p->r.worker->conf->redis_on_failure, set[i].name))
			return set[i].how;
	return p->r.route == NULL ? FAIL_CLOSED : p->r.route->on_failure;
}

static enum step
redis_gone(struct pipe *p)
{
	enum on_failure how = failure_mode(p);
	if (p->token != NULL && cache_get(p->r.site->revoked, jti_hash(p), loop_now_us(p->r.task.loop)) != NULL)
		return request_refuse(&p->r, REPLY_UNAUTHENTICATED);
	switch (how) {
	case FAIL_OPEN:
		return STEP_NEXT;
	case FAIL_LOCAL:
		return local_rate(p) ? STEP_NEXT : rate_refuse(p);
	case FAIL_CLOSED:
		break;
	}
	return request_unavailable(&p->r, "redis down: token state and rate cannot be checked");
}

/* --- its answer --------------------------------------------------------------------------------------------------------------- */

static int64_t
item(const struct redis_value *v, size_t i)
{
	return i < v->n_items && v->items[i].kind == REDIS_INT ? v->items[i].i : 0;
}

/* The token's launch context, and what its later checks need, kept with the verified token. */
static void
context_read(struct pipe *p, struct str state)
{
	struct err e = { 0 };
	if (p->token->context_read)
		return;
	json_t *doc = json_in(state, 4096, &e);
	struct principal *who = &p->token->who;
	who->has_patient = json_is_object(doc) && uuid_parse(json_in_str(doc, "patient"), &who->patient_uuid) == 0;
	p->token->rows = json_is_object(doc) && json_is_true(json_object_get(doc, "rows"));
	if (str_cstr(json_in_str(doc, "stamp"), p->token->stamp, sizeof p->token->stamp) != 0)
		p->token->stamp[0] = 0;
	if (str_cstr(json_in_str(doc, "family"), p->token->family, sizeof p->token->family) != 0)
		p->token->family[0] = 0;
	p->token->context_read = true;
	json_decref(doc);
}

enum step
state_read_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	const struct redis_value *v;
	if (p->redis == NULL)
		return STEP_NEXT;
	v = &p->redis->value;
	if (p->redis->status != REDIS_OK || v->kind != REDIS_ARRAY || v->n_items != 5)
		return redis_gone(p);
	if (p->token != NULL) {
		if (v->items[0].kind != REDIS_STR) {
			char seen = 1;
			int64_t left_s = p->r.who.expires_s - clock_real_s(p->r.worker->clock);
			(void)cache_put(
			    p->r.site->revoked, jti_hash(p), &seen, loop_now_us(t->loop) + left_s * 1000000);
			p->r.audit.rule = STR("bearer");
			p->r.audit.reason = STR("token revoked or unknown");
			return request_refuse(&p->r, REPLY_UNAUTHENTICATED);
		}
		context_read(p, v->items[0].s);
		p->r.who.has_patient = p->token->who.has_patient;
		p->r.who.patient_uuid = p->token->who.patient_uuid;
	}
	if (p->rate == NULL || p->rate->interval_us == 0)
		return STEP_NEXT;
	p->rate_known = true;
	p->rate_left = item(v, 2);
	p->rate_reset_us = item(v, 3);
	p->rate_retry_us = item(v, 4);
	return item(v, 1) == 1 ? STEP_NEXT : rate_refuse(p);
}
