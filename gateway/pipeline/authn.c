/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bearer token: found in the verified-token cache, or verified and put there. RFC 6750 2.1, RFC 7519, RFC 8725. Whether it is
 * still good is asked of Redis (state.c) and of the database (live.c) for each request.                                    */
#include "gateway/base/json_in.h"
#include "gateway/base/secret.h"
#include "gateway/config/conf.h"
#include "gateway/core/keys.h"
#include "gateway/crypto/hash.h"
#include "gateway/crypto/jwk.h"
#include "gateway/metrics/metrics.h"
#include "gateway/pipeline/pipe.h"
#include "policy/scope_set.h"

enum { TOKEN_MAX = 16 << 10, TOKEN_ARENA = 256 << 10, JTI_MAX = 256 };

void
token_entry_put(struct token_entry **e)
{
	struct token_entry *entry = *e;
	*e = NULL;
	if (entry == NULL || --entry->refs > 0)
		return;
	struct arena *arena = entry->arena;
	arena_free(&arena);
}

/* "Bearer SP token" or "DPoP SP token"; .p NULL when there is no such credential or more than one Authorization field. */
static struct str
bearer_of(const struct http_head *head, bool *dpop)
{
	struct str value = http_field(head, HTTP_F_AUTHORIZATION);
	size_t fields = 0;
	for (size_t i = 0; i < head->n_fields; i++)
		fields += head->fields[i].id == HTTP_F_AUTHORIZATION;
	*dpop = str_istarts(value, STR("DPoP "));
	if (fields != 1 || (!*dpop && !str_istarts(value, STR("Bearer "))))
		return STR_NULL;
	value = str_trim(str_skip(value, *dpop ? 5 : 7));
	return value.n == 0 || value.n > TOKEN_MAX ? STR_NULL : value;
}

static bool
audience_has(const json_t *aud, struct str want)
{
	size_t i;
	json_t *item;
	if (json_is_string(aud))
		return str_eq((struct str){ json_string_value(aud), json_string_length(aud) }, want);
	json_array_foreach(aud, i, item)
	{
		if (json_is_string(item) &&
		    str_eq((struct str){ json_string_value(item), json_string_length(item) }, want))
			return true;
	}
	return false;
}

/* The scopes member (array of strings, OpenEMR's form) as one space-separated text. */
static struct str
scopes_text(struct arena *a, const json_t *scopes)
{
	struct buf b;
	size_t i;
	json_t *item;
	buf_init(&b, a, 1024, 64 << 10);
	json_array_foreach(scopes, i, item)
	{
		if (!json_is_string(item))
			return STR_NULL;
		if (b.n > 0)
			buf_char(&b, ' ');
		buf_put(&b, json_string_value(item), json_string_length(item));
	}
	return buf_ok(&b) ? (struct str){ b.p == NULL ? "" : b.p, b.n } : STR_NULL;
}

/* Fills who from verified claims. OpenEMR's access token: aud = client, scopes = array; ours adds client_id. */
static int
claims_read(
    struct arena *a, const struct site *site, int64_t now_s, const json_t *claims, struct principal *who, struct err *e)
{
	struct str iss = json_in_str(claims, "iss"), jti = json_in_str(claims, "jti"), sub = json_in_str(claims, "sub");
	struct str client = json_in_str(claims, "client_id");
	const json_t *aud = json_object_get(claims, "aud"), *scopes = json_object_get(claims, "scopes");
	if (!str_eq(iss, site->issuer))
		return ERR(e, E_DENIED, "issuer of another site or server");
	if (client.n == 0 && json_is_string(aud))
		client = (struct str){ json_string_value(aud), json_string_length(aud) };
	if (client.n == 0 || !(audience_has(aud, client) || audience_has(aud, site->api_base)))
		return ERR(e, E_DENIED, "audience");
	who->expires_s = json_in_seconds(claims, "exp", 0);
	if (who->expires_s <= now_s)
		return ERR(e, E_DENIED, "expired");
	if (json_in_seconds(claims, "nbf", 0) > now_s || json_in_seconds(claims, "iat", 0) > now_s)
		return ERR(e, E_DENIED, "not yet valid");
	if (jti.n == 0 || jti.n > JTI_MAX || uuid_parse(sub, &who->user_uuid) != 0 || !json_is_array(scopes))
		return ERR(e, E_DENIED, "not an access token");
	who->client_id = arena_str(a, client);
	who->sub = arena_str(a, sub);
	who->token_id = arena_str(a, jti);
	struct str text = scopes_text(a, scopes);
	if (who->client_id.p == NULL || who->sub.p == NULL || who->token_id.p == NULL || text.p == NULL)
		return ERR(e, E_LIMIT, "token arena full");
	return scope_set_parse(a, text, &who->scopes, e);
}

static void
token_hash_text(struct principal *who)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[SHA256_LEN];
	sha256(who->token_id, hash);
	for (size_t i = 0; i < 8; i++) {
		who->token_hash[2 * i] = digits[hash[i] >> 4];
		who->token_hash[2 * i + 1] = digits[hash[i] & 15];
	}
	who->token_hash[16] = 0;
}

/* Verifies the token and makes its entry (one reference, the caller's); NULL with the reason in e. */
static struct token_entry *
token_verify(struct pipe *p, struct err *e)
{
	const struct site *site = p->r.site;
	struct arena *a = arena_new("token", TOKEN_ARENA);
	struct token_entry *entry = a == NULL ? NULL : ARENA_NEW(a, struct token_entry);
	struct jws jws = { 0 };
	int rc = -1;
	if (entry == NULL) {
		arena_free(&a);
		(void)ERR(e, E_MEMORY, "token entry");
		return NULL;
	}
	if (jws_parse(p->r.task.arena, p->token_text, &jws, e) == 0 &&
	    jws_verify(&jws, site->jwks, JWS_RS256 | JWS_ES256, e) == 0)
		rc = claims_read(a, site, clock_real_s(p->r.worker->clock), jws.claims, &entry->who, e);
	if (rc == 0) {
		entry->jkt = arena_str(a, json_in_str(json_object_get(jws.claims, "cnf"), "jkt"));
		entry->redis_key = key_access_token(a, site, entry->who.token_id);
		rc = entry->jkt.p == NULL || entry->redis_key.p == NULL ? ERR(e, E_LIMIT, "token arena full") : 0;
	}
	json_decref(jws.claims);
	if (rc != 0) {
		arena_free(&a);
		return NULL;
	}
	token_hash_text(&entry->who);
	entry->arena = a;
	entry->refs = 1;
	return entry;
}

/* Puts the entry into the site's cache until the token ends; the cache takes a reference of its own. */
static void
token_remember(struct pipe *p, struct token_entry *entry)
{
	int64_t left_s = entry->who.expires_s - clock_real_s(p->r.worker->clock);
	int64_t ends_us = loop_now_us(p->r.task.loop) + left_s * 1000000;
	if (cache_put(p->r.site->tokens, p->token_hash, &entry, ends_us) != NULL)
		entry->refs++;
}

static enum step
refused(struct pipe *p, enum reply_error which, const char *reason)
{
	p->r.audit.reason = str_of(reason);
	p->r.audit.rule = STR("bearer");
	return request_refuse(&p->r, which);
}

enum step
token_step(struct task *t)
{
	struct pipe *p = pipe_of(t);
	struct request *r = &p->r;
	uint8_t *hash = arena_raw(t->arena, SHA256_LEN);
	struct token_entry **found;
	if (!p->wants_token)
		return STEP_NEXT;
	p->token_text = bearer_of(r->x->head, &p->dpop_scheme);
	if (p->token_text.p == NULL)
		return refused(p, REPLY_NO_TOKEN, "no bearer token");
	if (hash == NULL)
		return STEP_FAIL;
	sha256(p->token_text, hash);
	p->token_hash = (struct str){ (const char *)hash, SHA256_LEN };
	found = cache_get(r->site->tokens, p->token_hash, loop_now_us(t->loop));
	if (found != NULL) {
		p->token = *found;
		p->token->refs++;
	} else {
		struct err e = { 0 };
		p->token = token_verify(p, &e);
		if (p->token == NULL) {
			struct str why = arena_printf(t->arena, "bearer token refused: %s", e.text);
			t->err = e;
			p->r.audit.rule = STR("bearer");
			p->r.audit.reason = why;
			return request_refuse(r, REPLY_UNAUTHENTICATED);
		}
		token_remember(p, p->token);
	}
	metric_add(r->worker->metrics, found != NULL ? METRIC_TOKEN_CACHE_HITS : METRIC_TOKEN_CACHE_MISSES, 0, 1);
	if (p->token->who.expires_s <= clock_real_s(r->worker->clock))
		return refused(p, REPLY_UNAUTHENTICATED, "expired");
	r->who = p->token->who;
	return STEP_NEXT;
}
