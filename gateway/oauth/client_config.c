/* SPDX-License-Identifier: GPL-3.0-or-later */
/* {issuer}/client/{path}: a client reads, replaces or deletes its own registration with its registration access token. RFC 7592. OpenEMR has
 * the rows for it, and refuses always (contract/oauth2.md 2.13).                                                          */
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/crypto/openemr_crypt.h"
#include "gateway/oauth/registration.h"
#include "policy/scope_set.h"

enum { PATH_MAX_BYTES = 40, OWN_TYPE = 5, OWN_N };

struct client_config {
	struct registration g; /* of an update: the new metadata */
	struct str token, client_secret;
	struct db_result *row, *db;
	struct redis_result *own, *redis;
};

static const struct db_stmt find_sql = { "client_config_find",
	"SELECT client_id, client_name, client_secret, registration_token, contacts, redirect_uri, grant_types, scope, "
	"logout_redirect_uris, jwks_uri, jwks, initiate_login_uri, policy_uri, tos_uri, is_confidential, is_enabled, "
	"registration_uri_path, UNIX_TIMESTAMP(register_date) FROM oauth_clients WHERE registration_uri_path = ?",
	false };
enum {
	C_ID,
	C_NAME,
	C_SECRET,
	C_TOKEN,
	C_CONTACTS,
	C_REDIRECT,
	C_GRANTS,
	C_SCOPE,
	C_LOGOUT,
	C_JWKS_URI,
	C_JWKS,
	C_INITIATE,
	C_POLICY,
	C_TOS,
	C_CONFIDENTIAL,
	C_ENABLED,
	C_PATH,
	C_DATE
};

static struct str
text(const struct client_config *c, unsigned col)
{
	return db_cell(c->row, 0, col)->s;
}

/* --- who asks ------------------------------------------------------------------------------------------------------------------------- */

static enum step
config_find(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct str auth = http_field(r->x->head, HTTP_F_AUTHORIZATION), path = route_param(&r->params, STR("path"));
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	c->token = str_istarts(auth, STR("Bearer ")) ? str_trim(str_skip(auth, 7)) : STR_NULL;
	if (c->token.n == 0 || path.n == 0 || path.n > PATH_MAX_BYTES)
		return oauth_refuse(r, OAUTH_TOKEN, STR_NULL, "no registration access token");
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(path);
	return db_query(t, r->site->db, &find_sql, v, 1, &c->row);
}

/* An unknown client and a wrong token look alike (RFC 7592 2.1). The path's column compares without case: the exact text counts. */
static enum step
config_check(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	if (c->row->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be looked up");
	bool found = c->row->n_rows == 1 && str_eq(text(c, C_PATH), route_param(&r->params, STR("path")));
	if (!found || text(c, C_TOKEN).n == 0 || !secret_eq_str(text(c, C_TOKEN), c->token))
		return oauth_refuse(r, OAUTH_TOKEN, STR_NULL, "registration access token wrong");
	c->g.id = r->who.client_id = text(c, C_ID);
	struct str key = key_client(t->arena, r->site, c->g.id);
	return key.p == NULL
	           ? STEP_FAIL
	           : REDIS_CALL(t, r->worker->redis, &c->own, STR("HMGET"), key, STR("token_endpoint_auth_method"),
	                 STR("dpop_bound_access_tokens"), STR("backchannel_logout_uri"),
	                 STR("backchannel_logout_session_required"), STR("logo_uri"), STR("application_type"));
}

static enum step
config_own(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct openemr_keys none = { 0 };
	struct err e = { 0 };
	if (c->own->status != REDIS_OK || c->own->value.n_items != OWN_N)
		return request_unavailable(r, "redis down: client's own record cannot be read");
	if (text(c, C_SECRET).n > 0 && openemr_decrypt(t->arena, r->site->crypt == NULL ? &none : r->site->crypt,
	                                   text(c, C_SECRET), &c->client_secret, NULL, &e) != 0)
		c->client_secret = STR_NULL; /* not told, rather than told wrong */
	return STEP_NEXT;
}

/* --- the answer ------------------------------------------------------------------------------------------------------------------------ */

static void
list_put(struct json_write *w, const char *name, struct str joined)
{
	struct str one;
	if (joined.n == 0)
		return;
	json_key(w, str_of(name));
	json_arr(w);
	while (str_next(&joined, '|', &one))
		json_str(w, one);
	json_arr_end(w);
}

static void
text_put(struct json_write *w, const char *name, struct str value)
{
	if (value.n > 0)
		json_kv_str(w, str_of(name), value);
}

static void
own_put(struct json_write *w, const struct client_config *c)
{
	static const struct {
		const char *name;
		bool flag;
	} own[] = { { "token_endpoint_auth_method", false }, { "dpop_bound_access_tokens", true },
		{ "backchannel_logout_uri", false }, { "backchannel_logout_session_required", true },
		{ "logo_uri", false }, [OWN_TYPE] = { "application_type", false } };
	for (size_t i = 0; i < NITEMS(own); i++) {
		const struct redis_value *v = &c->own->value.items[i];
		if (v->kind != REDIS_STR || v->s.n == 0)
			continue;
		if (!own[i].flag)
			json_kv_str(w, str_of(own[i].name), v->s);
		else if (str_eq(v->s, STR("1")))
			json_kv_bool(w, str_of(own[i].name), true);
	}
}

/* The whole registration as it is now (RFC 7592 3). */
static enum step
config_answer(struct request *r, struct client_config *c)
{
	static const struct {
		const char *name;
		unsigned col;
	} lists[] = { { "contacts", C_CONTACTS }, { "redirect_uris", C_REDIRECT }, { "grant_types", C_GRANTS },
		{ "post_logout_redirect_uris", C_LOGOUT } },
	  texts[] = { { "client_name", C_NAME }, { "scope", C_SCOPE }, { "jwks_uri", C_JWKS_URI },
		  { "initiate_login_uri", C_INITIATE }, { "policy_uri", C_POLICY }, { "tos_uri", C_TOS } };
	struct json_write w;
	oauth_json_begin(r);
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client_id"), c->g.id);
	text_put(&w, "client_secret", c->client_secret);
	if (c->client_secret.n > 0)
		json_kv_i64(&w, STR("client_secret_expires_at"), 0);
	json_kv_str(&w, STR("registration_access_token"), c->token);
	json_kv_str(&w, STR("registration_client_uri"),
	    arena_printf(r->task.arena, "%.*s/client/%.*s", STR_ARG(r->site->issuer), STR_ARG(text(c, C_PATH))));
	if (db_cell(c->row, 0, C_DATE)->kind == DB_C_INT)
		json_kv_i64(&w, STR("client_id_issued_at"), db_cell(c->row, 0, C_DATE)->i);
	if (c->own->value.items[OWN_TYPE].kind != REDIS_STR) /* OpenEMR's client: its words */
		json_kv_str(&w, STR("application_type"),
		    db_cell(c->row, 0, C_CONFIDENTIAL)->i == 1 ? STR("private") : STR("web"));
	json_kv_str(&w, STR("id_token_signed_response_alg"), id_token_alg(r->site));
	json_key(&w, STR("response_types"));
	json_raw(&w, STR("[\"code\"]"));
	for (size_t i = 0; i < NITEMS(lists); i++)
		list_put(&w, lists[i].name, text(c, lists[i].col));
	for (size_t i = 0; i < NITEMS(texts); i++)
		text_put(&w, texts[i].name, text(c, texts[i].col));
	if (text(c, C_JWKS).n > 0) {
		struct err e = { 0 };
		json_t *doc = json_in(text(c, C_JWKS), 64 << 10, &e);
		json_key(&w, STR("jwks"));
		json_raw(&w, doc == NULL ? STR("null") : text(c, C_JWKS));
		json_decref(doc);
	}
	own_put(&w, c);
	json_obj_end(&w);
	return STEP_REPLY;
}

static enum step
config_read(struct task *t)
{
	return config_answer(request_of(t), task_frame(t));
}

/* --- update ------------------------------------------------------------------------------------------------------------------------------ */

/* What an administrator approved stays approved while it gets no wider and goes to the same addresses; an update never enables what was not.
 */
static bool
stays_enabled(struct request *r, const struct client_config *c)
{
	const struct scope_set *old, *new;
	struct err e = { 0 };
	if (db_cell(c->row, 0, C_ENABLED)->i != 1)
		return false;
	if (c->g.enabled)
		return true;
	return scope_set_parse(r->task.arena, text(c, C_SCOPE), &old, &e) == 0 &&
	       scope_set_parse(r->task.arena, c->g.scope, &new, &e) == 0 && scope_set_contains_all(old, new, NULL) &&
	       str_eq(text(c, C_REDIRECT), c->g.joined[REGISTRATION_REDIRECTS]);
}

static enum step
config_manual(struct task *t)
{
	struct client_config *c = task_frame(t);
	return registration_manual(t, &c->db);
}

static enum step
config_change(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	bool was = db_cell(c->row, 0, C_CONFIDENTIAL)->i == 1;
	struct str id = c->g.id;
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be changed");
	enum step s = registration_check(r, &c->g);
	if (s != STEP_NEXT)
		return s;
	c->g.id = id;
	metadata_name(&c->g);
	struct str secret = json_in_str(c->g.doc, "client_secret");
	if (!str_eq(json_in_str(c->g.doc, "client_id"), id))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("client_id is invalid"), "client_id of another client");
	if (secret.n > 0 && (c->client_secret.n == 0 || !secret_eq_str(secret, c->client_secret)))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("client_secret is invalid"), "client_secret differs");
	if (c->g.confidential != was)
		return oauth_refuse_text(
		    r, OAUTH_METADATA, STR("application_type cannot change"), "public and confidential do not change");
	if (c->db->n_rows > 0)
		c->g.enabled = false;
	c->g.enabled = stays_enabled(r, c);
	return registration_own_put(t, &c->g);
}

static const struct db_stmt update_sql = { "client_config_update",
	"UPDATE oauth_clients SET client_name = ?, contacts = ?, redirect_uri = ?, grant_types = ?, scope = ?, "
	"logout_redirect_uris = ?, jwks_uri = ?, jwks = ?, initiate_login_uri = ?, policy_uri = ?, tos_uri = ?, "
	"is_enabled = ? "
	"WHERE client_id = ?",
	false };

static enum step
config_write(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, REGISTRATION_VALUES + 1, sizeof *v);
	if (c->g.redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: client's own record cannot be written");
	if (v == NULL)
		return STEP_FAIL;
	registration_values(&c->g, v);
	v[REGISTRATION_VALUES] = DB_V_STR(c->g.id);
	return db_query(t, r->site->db, &update_sql, v, REGISTRATION_VALUES + 1, &c->db);
}

static enum step
config_written(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be changed");
	r->audit.event = AUDIT_EV_CLIENT_CHANGED;
	r->audit.resource_id = c->g.id;
	return STEP_NEXT; /* the row and the record are read again and told */
}

/* --- delete ------------------------------------------------------------------------------------------------------------------------------ */

static const struct db_stmt delete_sql = { "client_config_delete", "DELETE FROM oauth_clients WHERE client_id = ?",
	false };
static const struct db_stmt delete_trust_sql = { "client_config_delete_trust",
	"DELETE FROM oauth_trusted_user WHERE client_id = ?", false };

/* Its tokens end with the row: the live check finds no client. */
static enum step
config_delete(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(c->g.id);
	return db_query(t, r->site->db, &delete_sql, v, 1, &c->db);
}

static enum step
config_delete_trust(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: client cannot be deleted");
	if (v == NULL)
		return STEP_FAIL;
	*v = DB_V_STR(c->g.id);
	return db_query(t, r->site->db, &delete_trust_sql, v, 1, &c->db);
}

static enum step
config_delete_own(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	struct str key = key_client(t->arena, r->site, c->g.id);
	return key.p == NULL ? STEP_FAIL : REDIS_CALL(t, r->worker->redis, &c->redis, STR("DEL"), key);
}

static enum step
config_deleted(struct task *t)
{
	struct request *r = request_of(t);
	struct client_config *c = task_frame(t);
	reply_reset(&r->reply);
	r->reply.status = 204;
	r->audit.allowed = true;
	r->audit.event = AUDIT_EV_CLIENT_CHANGED;
	r->audit.reason = STR("registration deleted by its client");
	r->audit.resource_id = c->g.id;
	return STEP_REPLY;
}

/* --- the endpoints ------------------------------------------------------------------------------------------------------------------------- */

static STEP_TABLE(client_read_steps, 0, { "config_find", config_find }, { "config_check", config_check },
    { "config_own", config_own }, { "config_read", config_read });
static STEP_TABLE(client_update_steps, 0, { "config_find", config_find }, { "config_check", config_check },
    { "config_own", config_own }, { "config_manual", config_manual }, { "config_change", config_change },
    { "config_write", config_write }, { "config_written", config_written }, { "config_find", config_find },
    { "config_check", config_check }, { "config_own", config_own }, { "config_read", config_read });
static STEP_TABLE(client_delete_steps, 0, { "config_find", config_find }, { "config_check", config_check },
    { "config_delete", config_delete }, { "config_delete_trust", config_delete_trust },
    { "config_delete_own", config_delete_own }, { "config_deleted", config_deleted });

static enum step
endpoint(struct request *r, const struct step_table *steps)
{
	struct client_config *c = ARENA_NEW(r->task.arena, struct client_config);
	r->audit.rule = STR("registration access token");
	return c == NULL ? STEP_FAIL : task_push(&r->task, steps, c);
}

enum step
client_read_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return endpoint(r, &client_read_steps);
}

enum step
client_update_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return endpoint(r, &client_update_steps);
}

enum step
client_delete_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return endpoint(r, &client_delete_steps);
}
