/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client metadata as RFC 7591 and OpenID Connect Registration mean it: kinds of members, defaults, and what is told of what was asked. Who
 * registers in OpenEMR's words gets its answers instead (registration.c, contract/oauth2.md 5.1).                        */
#include "gateway/base/json_in.h"
#include "gateway/oauth/registration.h"

static enum step
bad(struct request *r, const char *member)
{
	return oauth_refuse_text(
	    r, OAUTH_METADATA, arena_printf(r->task.arena, "%s is invalid", member), "client metadata");
}

/* null is what is not there (RFC 7592 2.2). */
static void
nulls_drop(json_t *doc)
{
	const char *name;
	json_t *v;
	void *next;
	json_object_foreach_safe(doc, next, name, v)
	{
		if (json_is_null(v))
			(void)json_object_del(doc, name);
	}
}

enum step
metadata_kinds(struct request *r, struct registration *g)
{
	static const char *const texts[] = { "application_type", "token_endpoint_auth_method", "jwks_uri", "logo_uri",
		"client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "backchannel_logout_uri" };
	static const char *const flags[] = { "dpop_bound_access_tokens", "backchannel_logout_session_required" };
	nulls_drop(g->doc);
	for (size_t i = 0; i < NITEMS(texts); i++) {
		const json_t *v = json_object_get(g->doc, texts[i]);
		if (v != NULL && !json_is_string(v))
			return bad(r, texts[i]);
	}
	for (size_t i = 0; i < NITEMS(flags); i++) {
		const json_t *v = json_object_get(g->doc, flags[i]);
		if (v != NULL && !json_is_boolean(v))
			return bad(r, flags[i]);
	}
	return STEP_NEXT;
}

/* The values of a short list that this server has; the others are not registered (RFC 7591 2: it may replace them). -1: none is left. */
static int
list_keep(json_t *list, const char *const *had, size_t n_had)
{
	size_t n = json_array_size(list), i = 0;
	while (i < json_array_size(list)) {
		struct str one = str_of(json_string_value(json_array_get(list, i)));
		size_t k = 0;
		while (k < n_had && !str_eq(one, str_of(had[k])))
			k++;
		if (k < n_had)
			i++;
		else
			(void)json_array_remove(list, i);
	}
	return n > 0 && json_array_size(list) == 0 ? -1 : 0;
}

/* A list of texts, no longer than any that is registered. */
static bool
texts_only(const json_t *list)
{
	size_t i;
	const json_t *v;
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(v))
			return false;
	}
	return json_is_array(list) && json_array_size(list) <= REGISTRATION_LIST_MAX;
}

/* RFC 7591 2, OIDC Registration 2: lists, what they are without the member, what of them this server has. */
static enum step
lists_settle(struct request *r, json_t *doc)
{
	static const char *const grants[] = { "authorization_code", "refresh_token", "client_credentials", "password" },
	                         *const responses[] = { "code" };
	static const struct {
		const char *member, *unsaid;
		const char *const *had;
		size_t n_had;
	} lists[] = { { "grant_types", "authorization_code", grants, NITEMS(grants) },
		{ "response_types", "code", responses, NITEMS(responses) } };
	for (size_t i = 0; i < NITEMS(lists); i++) {
		json_t *v = json_object_get(doc, lists[i].member);
		if (v == NULL)
			(void)json_object_set_new(doc, lists[i].member, json_pack("[s]", lists[i].unsaid));
		else if (!texts_only(v) || list_keep(v, lists[i].had, lists[i].n_had) != 0)
			return bad(r, lists[i].member);
	}
	return STEP_NEXT;
}

enum step
metadata_settle(struct request *r, struct registration *g)
{
	/* of no effect here: an answer that told them would promise something */
	static const char *const unkept[] = { "sector_identifier_uri", "default_max_age", "default_acr_values",
		"request_uris" };
	json_t *doc = g->doc;
	if (g->as_openemr)
		return STEP_NEXT;
	const json_t *subject = json_object_get(doc, "subject_type");
	if (subject != NULL && !str_eq(json_in_str(doc, "subject_type"), STR("public")))
		return bad(r, "subject_type");
	for (size_t i = 0; i < NITEMS(unkept); i++)
		(void)json_object_del(doc, unkept[i]);
	if (json_object_get(doc, "scope") == NULL && !g->openemr_words) /* OIDC Registration knows no such member */
		(void)json_object_set_new(
		    doc, "scope", json_string("openid profile email address phone offline_access"));
	return lists_settle(r, doc);
}

void
metadata_name(struct registration *g)
{
	if (json_object_get(g->doc, "client_name") == NULL)
		(void)json_object_set_new(g->doc, "client_name", json_stringn(g->id.p, g->id.n));
}
