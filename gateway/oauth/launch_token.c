/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making and opening launch tokens. */
#include "gateway/oauth/launch_token.h"

#include "gateway/base/json_in.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/openemr_crypt.h"
#include "policy/scope_set.h"

enum { TOKEN_BYTES = 32, TOKEN_MAX = 2048, OLDEST_VERSION = '4', LIFE_S = 300 };

/* What OpenEMR's screens may say of the place they were opened from (contract 8.1); anything else is dropped. */
static const struct str intents[] = { STR_INIT("patient.demographics.dialog"), STR_INIT("appointment.edit.dialog"),
	STR_INIT("encounter.forms.dialog"), STR_INIT("main.tab") };

static struct str
intent_known(struct str s)
{
	for (size_t i = 0; i < NITEMS(intents); i++)
		if (str_eq(intents[i], s))
			return intents[i];
	return STR_NULL;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------- */

/* KEYS: the token. ARGV: the client. Its record, once, for its own client; false otherwise. */
static const struct redis_script take_script = { "launch_take",
	"local r = redis.call('GET', KEYS[1]) "
	"if not r or cjson.decode(r).client ~= ARGV[1] then return false end "
	"redis.call('DEL', KEYS[1]) "
	"return r" };

/* Lower case, in arena memory. */
static int
uuid_spelt(struct arena *a, const struct uuid *u, struct str *out)
{
	char *lower = arena_raw(a, UUID_TEXT + 1);
	if (lower == NULL)
		return -1;
	uuid_text(u, lower);
	*out = (struct str){ lower, UUID_TEXT };
	return 0;
}

/* The uuid of a member; .n 0: absent. -1: there, but no uuid. */
static int
uuid_member(struct arena *a, const json_t *o, const char *name, struct str *out)
{
	struct str text = json_in_str(o, name);
	struct uuid u;
	*out = STR_NULL;
	return text.n == 0 ? 0 : uuid_parse(text, &u) != 0 ? -1 : uuid_spelt(a, &u, out);
}

static int
openemr_context(struct request *r, struct str json, struct launch_context *out)
{
	struct arena *a = r->task.arena;
	json_t *o = json_in(json, TOKEN_MAX, &r->task.err);
	int rc = json_is_object(o) && uuid_member(a, o, "p", &out->patient) == 0 &&
	                 uuid_member(a, o, "e", &out->encounter) == 0 &&
	                 uuid_member(a, o, "apt", &out->appointment) == 0
	             ? 0
	             : -1;
	out->intent = intent_known(json_in_str(o, "i"));
	out->ehr = true;
	json_decref(o);
	return rc;
}

/* base64("00v" + base64(HMAC | IV | AES-256-CBC)). Only versions with a MAC of their own key pair: an unsealed text proves nothing. False:
 * not of this form at all.                                                                                                 */
static bool
openemr_open(struct request *r, struct launch_open *o)
{
	struct str token = arena_str(r->task.arena, o->token), block;
	struct buf b;
	bool clear = false;
	if (token.p == NULL)
		return false;
	buf_init(&b, r->task.arena, 512, TOKEN_MAX);
	if (base64_get(token, &b) != 0)
		return false;
	block = buf_str(&b);
	if (block.n < 4 || !str_starts(block, STR("00")) || block.p[2] < OLDEST_VERSION || block.p[2] > '7')
		return false;
	struct openemr_keys none = { 0 };
	const struct openemr_keys *keys = r->site->crypt == NULL ? &none : r->site->crypt;
	if (openemr_decrypt(r->task.arena, keys, block, &block, &clear, &r->task.err) != 0 || clear ||
	    openemr_context(r, block, &o->context) != 0)
		o->reason = "OpenEMR launch token cannot be opened";
	else
		o->ok = true;
	return true;
}

static enum step
launch_find(struct task *t)
{
	struct request *r = request_of(t);
	struct launch_open *o = task_frame(t);
	o->reason = "launch token unknown, used, expired or of another client";
	if (o->token.n == 0 || o->token.n > TOKEN_MAX || openemr_open(r, o))
		return STEP_NEXT;
	struct str key = key_launch(t->arena, r->site, o->token);
	return key.p == NULL ? STEP_FAIL
	                     : redis_eval(t, r->worker->redis, &take_script, &key, 1, &o->client_id, 1, &o->redis);
}

static enum step
launch_judge(struct task *t)
{
	struct request *r = request_of(t);
	struct launch_open *o = task_frame(t);
	if (o->redis == NULL)
		return STEP_NEXT;
	if (o->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: launch token cannot be read");
	if (o->redis->value.kind != REDIS_STR)
		return STEP_NEXT;
	json_t *record = json_in(o->redis->value.s, TOKEN_MAX, &t->err);
	if (record == NULL || json_keep(t->arena, record) != 0)
		return STEP_FAIL;
	launch_context_read(record, &o->context);
	o->ok = true;
	return STEP_NEXT;
}

STEP_TABLE(launch_open_steps, 0, { "launch_find", launch_find }, { "launch_judge", launch_judge });

/* --- making -------------------------------------------------------------------------------------------------------------------- */

struct launch_create {
	struct form params;
	struct str client_id, token, initiate_login_uri;
	struct launch_context context;
	struct uuid patient, encounter;
	struct db_result *db;
	struct redis_result *redis;
};

/* The client, and whether patient and encounter are there and belong together. */
static const struct db_stmt check_sql = { "launch_check",
	"SELECT c.client_id, c.is_enabled, c.scope, c.initiate_login_uri, (SELECT COUNT(*) FROM patient_data WHERE "
	"uuid = ?), "
	"(SELECT COUNT(*) FROM form_encounter e JOIN patient_data p ON p.pid = e.pid WHERE e.uuid = ? AND p.uuid = ?) "
	"FROM oauth_clients c WHERE c.client_id = ?",
	false };
enum { COL_ID, COL_ENABLED, COL_SCOPE, COL_URI, COL_PATIENT, COL_ENCOUNTER };

static enum step
create_read(struct task *t)
{
	struct request *r = request_of(t);
	struct launch_create *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, 4, sizeof *v);
	enum step s = oauth_params(r, &c->params);
	if (s != STEP_NEXT)
		return s;
	c->client_id = form_get(&c->params, STR("client_id"), NULL);
	c->context = (struct launch_context){ .ehr = true,
		.user = r->who.sub,
		.patient = form_get(&c->params, STR("patient"), NULL),
		.encounter = form_get(&c->params, STR("encounter"), NULL),
		.intent = form_get(&c->params, STR("intent"), NULL) };
	if (c->client_id.n == 0)
		return oauth_missing(r, "client_id");
	if (uuid_parse(c->context.patient, &c->patient) != 0)
		return oauth_missing(r, "patient");
	if (c->context.encounter.n > 0 && uuid_parse(c->context.encounter, &c->encounter) != 0)
		return oauth_missing(r, "encounter");
	if (c->context.intent.n > 0 && intent_known(c->context.intent).n == 0)
		return oauth_missing(r, "intent");
	if (v == NULL)
		return STEP_FAIL;
	v[0] = v[2] = DB_V_BIN(c->patient.b, sizeof c->patient.b);
	v[1] = c->context.encounter.n > 0 ? DB_V_BIN(c->encounter.b, sizeof c->encounter.b) : DB_V_NULL;
	v[3] = DB_V_STR(c->client_id);
	return db_query(t, r->site->db, &check_sql, v, 4, &c->db);
}

static enum step
create_check(struct request *r, struct launch_create *c)
{
	const struct scope_set *registered;
	const struct db_result *d = c->db;
	if (d->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be looked up");
	if (d->n_rows == 0 || !str_eq(db_cell(d, 0, COL_ID)->s, c->client_id) || db_cell(d, 0, COL_ENABLED)->i != 1)
		return oauth_refuse(r, OAUTH_REQ, STR("Check the `client_id` parameter"), "client unknown or disabled");
	if (scope_set_parse(r->task.arena, db_cell(d, 0, COL_SCOPE)->s, &registered, &r->task.err) != 0 ||
	    !scope_set_has(registered, STR("launch")))
		return oauth_refuse(
		    r, OAUTH_REQ, STR("Check the `client_id` parameter"), "client did not register launch");
	if (db_cell(d, 0, COL_PATIENT)->i == 0)
		return oauth_missing(r, "patient");
	if (c->context.encounter.n > 0 && db_cell(d, 0, COL_ENCOUNTER)->i == 0)
		return oauth_missing(r, "encounter");
	c->initiate_login_uri = db_cell(d, 0, COL_URI)->s;
	return STEP_NEXT;
}

static enum step
create_store(struct task *t)
{
	struct request *r = request_of(t);
	struct launch_create *c = task_frame(t);
	struct json_write w;
	struct buf b;
	enum step s = create_check(r, c);
	if (s != STEP_NEXT)
		return s;
	if (uuid_spelt(t->arena, &c->patient, &c->context.patient) != 0 ||
	    (c->context.encounter.n > 0 && uuid_spelt(t->arena, &c->encounter, &c->context.encounter) != 0))
		return STEP_FAIL;
	c->token = oauth_random(r, TOKEN_BYTES);
	buf_init(&b, t->arena, 256, TOKEN_MAX);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client"), c->client_id);
	launch_context_put(&w, &c->context);
	json_obj_end(&w);
	if (c->token.p == NULL || !buf_ok(&b))
		return STEP_FAIL;
	struct str key = key_launch(t->arena, r->site, c->token), life = arena_printf(t->arena, "%d", LIFE_S);
	return key.p == NULL || life.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, r->worker->redis, &c->redis, STR("SET"), key, buf_str(&b), STR("EX"), life);
}

/* {initiate_login_uri}?iss={api}/fhir&launch={token} (SMART App Launch 2.2). */
static struct str
launch_url(struct request *r, const struct launch_create *c)
{
	struct str uri = c->initiate_login_uri;
	struct buf b;
	buf_init(&b, r->task.arena, 256, 8192);
	buf_str_put(&b, uri);
	buf_char(&b, str_find(uri, '?') < uri.n ? '&' : '?');
	buf_lit(&b, "iss=");
	percent_put(&b, arena_printf(r->task.arena, "%.*s/fhir", STR_ARG(r->site->api_base)));
	buf_lit(&b, "&launch=");
	percent_put(&b, c->token);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static enum step
create_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct launch_create *c = task_frame(t);
	struct json_write w;
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: launch token cannot be kept");
	oauth_json_begin(r);
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("launch"), c->token);
	json_kv_i64(&w, STR("expires_in"), LIFE_S);
	if (c->initiate_login_uri.n > 0)
		json_kv_str(&w, STR("launch_url"), launch_url(r, c));
	json_obj_end(&w);
	r->audit.has_patient = true;
	r->audit.patient = c->patient;
	r->audit.resource_id = c->client_id;
	return STEP_REPLY;
}

static STEP_TABLE(create_steps, 0, { "create_read", create_read }, { "create_store", create_store },
    { "create_reply", create_reply });

enum step
launch_create_endpoint(struct request *r, struct oauth_state *s)
{
	struct launch_create *c = ARENA_NEW(r->task.arena, struct launch_create);
	(void)s;
	return c == NULL ? STEP_FAIL : task_push(&r->task, &create_steps, c);
}
