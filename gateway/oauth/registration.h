/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registration of a client, for the endpoint (RFC 7591) and for the page (register_page.c): the same checks, row and answer. */
#ifndef GATEWAY_OAUTH_REGISTRATION_H
#define GATEWAY_OAUTH_REGISTRATION_H

#include "gateway/oauth/endpoint.h"

enum { REGISTRATION_LIST_MAX = 20 }; /* values of a member that is a list */
/* Members that are lists, in OpenEMR's columns joined with "|". */
enum { REGISTRATION_CONTACTS, REGISTRATION_REDIRECTS, REGISTRATION_LOGOUTS, REGISTRATION_GRANTS, REGISTRATION_LISTS };

/* Frame of registration_steps, which always reply. */
struct registration {
	/* in */
	json_t *doc;            /* client metadata of RFC 7591, kept by the arena; NULL: read from the request's body */
	struct str given_token; /* initial access token that stood elsewhere than in Authorization; .n 0: none  */
	/* What a page says instead of JSON. refused: a check failed, r->reply holds the error as JSON. NULL: JSON. */
	enum step (*answer)(struct request *r, struct registration *g);
	enum step (*refused)(struct request *r, struct registration *g);
	/* out, for answer() */
	struct str id, secret, token, path, scope, method;
	bool confidential, enabled;
	bool openemr_words; /* application_type is none of OIDC's: scope and client_name must be there */
	bool as_openemr;    /* compat classic, and asked in OpenEMR's words: its status and members */
	int64_t issued_s;
	/* working state */
	struct str stored_secret, jwks, joined[REGISTRATION_LISTS];
	struct redis_result *redis;
	struct db_result *db;
};
extern const struct step_table registration_steps;

/* Parts of registration_check(), metadata.c. STEP_NEXT, or refused. */
/* Members of the wrong JSON kind are refused; null members are dropped. */
enum step metadata_kinds(struct request *r, struct registration *g);
/* Not for as_openemr: defaults, values that this server has not, members that it does not keep; g->doc becomes what is registered. */
enum step metadata_settle(struct request *r, struct registration *g);
/* A client without a name is called by its id: once g->id is there. */
void metadata_name(struct registration *g);
/* Reads g->doc (or the body) and checks every member by the site's rules (registration_check.c); STEP_NEXT, or the refusal. g->enabled: not
 * one that waits for an administrator by rule.                                                                             */
enum step registration_check(struct request *r, struct registration *g);
/* OpenEMR's own switch, oauth_app_manual_approval: where *out has a row, everybody waits. */
enum step registration_manual(struct task *t, struct db_result **out);
/* Writes Gatehouse's own record of the client: what OpenEMR's row has no column for. */
enum step registration_own_put(struct task *t, struct registration *g);
/* The columns that registration and update share: client_name, contacts, redirect_uri, grant_types, scope, logout_redirect_uris, jwks_uri,
 * jwks, initiate_login_uri, policy_uri, tos_uri, is_enabled. */
enum { REGISTRATION_VALUES = 12 };
void registration_values(const struct registration *g, struct db_val *v);

#endif
