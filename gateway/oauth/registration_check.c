/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client metadata of a registration or an update, member by member: form, the site's rules, who waits for an administrator. RFC 7591 2,
 * contract/oauth2.md 5.                                                                                                    */
#include "gateway/base/json_in.h"
#include "gateway/base/uri.h"
#include "gateway/crypto/jwk.h"
#include "gateway/oauth/registration.h"
#include "policy/policy.h"

#include <stdlib.h>

enum { BODY_MAX = 64 << 10, NAME_MAX_CHARS = 80, URI_MAX = 2048, GRANTS_MAX = 80 };

/* A member that is an array of strings, joined with "|" as OpenEMR stores it; .p NULL when it is not one. */
static struct str
list_join(struct arena *a, const json_t *list, size_t max_bytes)
{
	struct buf b;
	size_t i;
	json_t *v;
	buf_init(&b, a, 256, max_bytes);
	if (!json_is_array(list) || json_array_size(list) > REGISTRATION_LIST_MAX)
		return STR_NULL;
	json_array_foreach(list, i, v)
	{
		struct str s = { json_is_string(v) ? json_string_value(v) : NULL,
			json_is_string(v) ? json_string_length(v) : 0 };
		if (s.p == NULL || str_find(s, '|') < s.n)
			return STR_NULL;
		if (b.n > 0)
			buf_char(&b, '|');
		buf_str_put(&b, s);
	}
	return !buf_ok(&b) ? STR_NULL : b.n == 0 ? STR("") : buf_str(&b);
}

static bool
scheme_listed(const struct conf_site *c, struct str word)
{
	for (size_t i = 0; i < c->oauth.n_redirect_schemes; i++)
		if (str_ieq(c->oauth.redirect_schemes[i], word))
			return true;
	return false;
}

/* One of the kinds that the site takes: https, http on the loopback address (RFC 8252 7.3), a reversed domain name (7.1), a scheme that
 * the site names.                                                                                                          */
static bool
scheme_taken(const struct conf_site *c, const struct uri *u)
{
	bool all = c->oauth.n_redirect_schemes == 0;
	if (str_ieq(u->scheme, STR("https")))
		return all || scheme_listed(c, STR("https"));
	if (str_ieq(u->scheme, STR("http")))
		return (all || scheme_listed(c, STR("loopback"))) &&
		       (str_eq(u->host, STR("127.0.0.1")) || str_eq(u->host, STR("::1")) ||
		           str_ieq(u->host, STR("localhost")));
	if (str_find(u->scheme, '.') < u->scheme.n && (all || scheme_listed(c, STR("private-use"))))
		return true;
	return scheme_listed(c, u->scheme);
}

/* Kinds of the site's; no fragment, no user info (RFC 8252 7, RFC 9700 2.1). */
static bool
redirect_ok(const struct conf_site *c, const json_t *list, struct err *e)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		struct uri u;
		if (!json_is_string(v) || json_string_length(v) > URI_MAX ||
		    uri_parse((struct str){ json_string_value(v), json_string_length(v) }, &u, e) != 0)
			return false;
		if (u.fragment.p != NULL || u.userinfo.p != NULL || !scheme_taken(c, &u))
			return false;
	}
	return true;
}

static bool
scope_text_has(struct str scopes, struct str part)
{
	return str_find_str(scopes, part) < scopes.n;
}

/* Is it one of those that begin so, or a wildcard that holds some of them? */
static bool
asks_for(const struct scope *s, struct str beginning)
{
	struct str context = scope_context_text(s->context);
	bool same =
	    context.n > 0 && str_starts(beginning, context) && str_starts(str_skip(beginning, context.n), STR("/"));
	return str_starts(s->text, beginning) || (str_eq(s->resource, STR("*")) && same);
}

/* Who waits for an administrator: contract 5.3, unless the site names the scopes itself. */
static bool
waits(const struct request *r, const struct registration *g, const struct scope_set *set)
{
	const struct conf_site *c = r->site->conf;
	if (str_eq(c->oauth.approval, STR("all")))
		return true;
	if (!g->confidential && scope_set_has(set, STR("launch")))
		return true;
	if (c->oauth.n_approval_scopes == 0)
		return g->confidential &&
		       (scope_text_has(g->scope, STR("user/")) || scope_text_has(g->scope, STR("system/")));
	for (size_t i = 0; i < scope_set_count(set); i++)
		for (size_t k = 0; k < c->oauth.n_approval_scopes; k++)
			if (asks_for(scope_set_at(set, i), c->oauth.approval_scopes[k]))
				return true;
	return false;
}

/* Scopes that the server knows; the first unknown one is named. */
static enum step
scope_read(struct request *r, struct registration *g)
{
	const struct scope_set *set;
	const struct scope *bad = NULL;
	struct err e = { 0 };
	g->scope = json_in_str(g->doc, "scope");
	if (g->scope.n == 0)
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "no scope");
	if (scope_set_parse(r->task.arena, g->scope, &set, &e) != 0) {
		r->task.err = e;
		return oauth_refuse(r, OAUTH_SCO, STR_NULL, "scope malformed");
	}
	if (!scope_catalog_accepts_all(r->site->policy->catalog, r->site->policy->system_scopes, set, &bad))
		return oauth_refuse(r, OAUTH_SCO,
		    arena_printf(r->task.arena, "Check the `%.*s` scope", STR_ARG(bad->text)), "scope unknown");
	if (!g->confidential && (scope_text_has(g->scope, STR("system/")) || scope_text_has(g->scope, STR("user/"))))
		return oauth_refuse_text(r, OAUTH_METADATA,
		    STR("system and user scopes are only allowed for confidential clients"),
		    "public client asks too much");
	g->enabled = !waits(r, g, set);
	return STEP_NEXT;
}

static enum step
keys_read(struct request *r, struct registration *g)
{
	json_t *jwks = json_object_get(g->doc, "jwks");
	struct str uri = json_in_str(g->doc, "jwks_uri");
	struct uri u;
	if (json_is_object(jwks)) {
		char *text = json_dumps(jwks, JSON_COMPACT);
		g->jwks = text == NULL ? STR_NULL : arena_str(r->task.arena, str_of(text));
		free(text);
	} else if (json_is_string(jwks)) {
		g->jwks = json_in_str(g->doc, "jwks");
	}
	if (jwks != NULL) {
		struct jwk_set *set = g->jwks.n == 0 ? NULL : jwk_set_parse(g->jwks, &r->task.err);
		if (set == NULL)
			return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks is invalid"), "jwks");
		jwk_set_free(&set);
	}
	if (uri.n > 0 && (uri_parse(uri, &u, &r->task.err) != 0 || !str_ieq(u.scheme, STR("https")) ||
	                     u.userinfo.p != NULL || u.fragment.p != NULL))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks_uri is invalid"), "jwks_uri");
	bool needs =
	    (g->confidential && scope_text_has(g->scope, STR("system/"))) || str_eq(g->method, STR("private_key_jwt"));
	if (needs && g->jwks.n == 0 && uri.n == 0)
		return oauth_refuse_text(r, OAUTH_METADATA, STR("jwks is invalid"), "no keys");
	return STEP_NEXT;
}

static enum step
method_read(struct request *r, struct registration *g)
{
	g->method = json_in_str(g->doc, "token_endpoint_auth_method");
	if (g->method.n == 0)
		g->method = g->confidential ? STR("client_secret_basic") : STR("none"); /* RFC 7591 2 */
	enum auth_method m = auth_method_of(g->method);
	if (m == AUTH_UNKNOWN || (m == AUTH_NONE && g->confidential))
		return oauth_refuse_text(r, OAUTH_METADATA,
		    arena_printf(r->task.arena, "Unsupported token_endpoint_auth_method value : %.*s",
		        STR_ARG(str_sub(g->method, 0, 64))),
		    "auth method");
	return STEP_NEXT;
}

static enum step
lists_read(struct request *r, struct registration *g)
{
	static const struct {
		const char *member;
		size_t max_bytes;
		bool addresses; /* that a browser is sent to */
	} lists[REGISTRATION_LISTS] = { [REGISTRATION_CONTACTS] = { "contacts", 4096, false },
		[REGISTRATION_REDIRECTS] = { "redirect_uris", 32 << 10, true },
		[REGISTRATION_LOGOUTS] = { "post_logout_redirect_uris", 32 << 10, true },
		[REGISTRATION_GRANTS] = { "grant_types", GRANTS_MAX, false } };
	for (size_t i = 0; i < NITEMS(lists); i++) {
		const json_t *v = json_object_get(g->doc, lists[i].member);
		bool due = i == REGISTRATION_REDIRECTS;
		if (v == NULL && !due)
			continue;
		g->joined[i] = list_join(r->task.arena, v, lists[i].max_bytes);
		if (g->joined[i].p != NULL && (!due || json_array_size(v) > 0) &&
		    (!lists[i].addresses || redirect_ok(r->site->conf, v, &r->task.err)))
			continue;
		if (due)
			return oauth_refuse(r, OAUTH_REDIRECT_URI, STR_NULL, "redirect_uris");
		return oauth_refuse_text(
		    r, OAUTH_METADATA, arena_printf(r->task.arena, "%s is invalid", lists[i].member), "list member");
	}
	return STEP_NEXT;
}

/* Addresses that pages link to or that are called: http or https, the latter where Gatehouse calls (RFC 7591 2, OIDC Back-Channel 2.2). */
static enum step
links_read(struct request *r, struct registration *g)
{
	static const struct {
		const char *member;
		bool https;
	} links[] = { { "backchannel_logout_uri", true }, { "initiate_login_uri", false }, { "policy_uri", false },
		{ "tos_uri", false }, { "logo_uri", false }, { "client_uri", false } };
	for (size_t i = 0; i < NITEMS(links); i++) {
		struct str text = json_in_str(g->doc, links[i].member);
		struct uri u;
		struct err e = { 0 };
		if (text.n == 0)
			continue;
		if (text.n > URI_MAX || uri_parse(text, &u, &e) != 0 || u.fragment.p != NULL || u.userinfo.p != NULL ||
		    !(str_ieq(u.scheme, STR("https")) || (!links[i].https && str_ieq(u.scheme, STR("http")))))
			return oauth_refuse_text(r, OAUTH_METADATA,
			    arena_printf(r->task.arena, "%s is invalid", links[i].member), "address member");
	}
	return STEP_NEXT;
}

static enum step
name_read(struct request *r, struct registration *g)
{
	struct str name = json_in_str(g->doc, "client_name");
	bool unnamed = json_object_get(g->doc, "client_name") == NULL && !g->openemr_words && g->answer == NULL;
	if (unnamed) /* RFC 7591 2: metadata_name() */
		return STEP_NEXT;
	if (!utf8_is_label(name) || utf8_count(name) > NAME_MAX_CHARS)
		return oauth_refuse_text(r, OAUTH_METADATA, STR("client_name is invalid"), "client_name");
	return STEP_NEXT;
}

static enum step
document_read(struct request *r, struct registration *g)
{
	if (g->doc != NULL) /* a page's */
		return STEP_NEXT;
	if (!str_istarts(http_field(r->x->head, HTTP_F_CONTENT_TYPE), STR("application/json")))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("Unexpected content type"), "content type");
	g->doc = json_in(r->body, BODY_MAX, &r->task.err);
	if (g->doc == NULL || json_keep(r->task.arena, g->doc) != 0 || !json_is_object(g->doc))
		return oauth_refuse_text(r, OAUTH_METADATA, STR("Invalid JSON"), "body is no JSON object");
	return STEP_NEXT;
}

/* OpenEMR's words say who is confidential: private, anything else is not (its documentation's public apps say web). In those of OIDC, native
 * or none, and web unless compat classic, the method does; without one it is client_secret_basic (RFC 7591 2).               */
static enum step
type_read(struct request *r, struct registration *g)
{
	struct str type = json_in_str(g->doc, "application_type"),
	           method = json_in_str(g->doc, "token_endpoint_auth_method");
	bool classic = r->site->compat == COMPAT_CLASSIC;
	bool standard = type.n == 0 || str_eq(type, STR("native")) || (str_eq(type, STR("web")) && !classic);
	g->confidential = standard ? !str_eq(method, STR("none")) : str_eq(type, STR("private"));
	g->openemr_words = !standard;
	g->as_openemr = !standard && classic;
	return STEP_NEXT;
}

enum step
registration_check(struct request *r, struct registration *g)
{
	static enum step (*const parts[])(struct request *, struct registration *) = { document_read, metadata_kinds,
		type_read, metadata_settle, lists_read, method_read, scope_read, keys_read, links_read, name_read };
	for (size_t i = 0; i < NITEMS(parts); i++) {
		enum step s = parts[i](r, g);
		if (s != STEP_NEXT)
			return s;
	}
	return STEP_NEXT;
}
