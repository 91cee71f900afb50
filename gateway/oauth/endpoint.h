/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the endpoints share: errors, parameters, the client and its authentication, login, issuing. Private to gateway/oauth.  */
#ifndef GATEWAY_OAUTH_ENDPOINT_H
#define GATEWAY_OAUTH_ENDPOINT_H

#include "gateway/config/conf.h"
#include "gateway/core/backend.h"
#include "gateway/crypto/hashd.h"
#include "gateway/oauth/launch.h"
#include "gateway/oauth/second_factor.h"
#include "gateway/oauth/session.h"

#include <jansson.h>

struct oauth_state {        /* of a site */
	struct cache *jwks; /* SHA-256 of an inline JWKS text -> struct jwk_set * */
	struct jwks_uris *jwks_uris;
};

/* --- errors (contract/oauth2.md 2.1, RFC 6749 5.2) ------------------------------------------------------------------------ */
#define OAUTH_ERRORS(X)                                                                                                \
	X(REQ, 400, "invalid_request",                                                                                 \
	    "The request is missing a required parameter, includes an invalid parameter value, includes a parameter "  \
	    "more "                                                                                                    \
	    "than once, or is otherwise malformed.")                                                                   \
	X(CLI, 401, "invalid_client", "Client authentication failed")                                                  \
	X(CLI_ASSERTION, 400, "invalid_client", "Client authentication failed")                                        \
	X(SCO, 400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")                          \
	X(GRA, 400, "invalid_grant",                                                                                   \
	    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh "      \
	    "token is "                                                                                                \
	    "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was " \
	    "issued to another client.")                                                                               \
	X(RTK, 401, "invalid_request", "The refresh token is invalid.")                                                \
	X(UNA, 400, "unauthorized_client", "The client is not authorized to use this grant type.")                     \
	X(UNS, 400, "unsupported_grant_type",                                                                          \
	    "The authorization grant type is not supported by the authorization server.")                              \
	X(PATIENT_CONTEXT, 400, "invalid_patient_context", "launch/patient was granted and no patient is bound.")      \
	X(MFA_TOKEN, 401, "mfa_token_invalid", "The MFA code you entered was not valid.")                              \
	X(MFA, 403, "mfa_not_supported", "MFA not supported.")                                                         \
	X(REDIRECT_URI, 400, "invalid_redirect_uri", "redirect_uris is invalid")                                       \
	X(METADATA, 400, "invalid_client_metadata", "The client metadata is invalid")                                  \
	X(TOKEN, 401, "invalid_token", "The access token is missing or wrong")                                         \
	X(DPOP, 400, "invalid_dpop_proof", "The DPoP proof is missing or wrong")                                       \
	X(CLOSED, 403, "access_denied", "Client registration is closed on this site.")
enum oauth_error {
#define X(id, status, error, text) OAUTH_##id,
	OAUTH_ERRORS(X)
#undef X
	    OAUTH_N
};
/* Decides the reply: {"error","error_description",["hint",]"message"}; hint .n 0: none; description .n 0: the row's. Returns
 * STEP_REPLY. reason (static) goes to log and audit only.                                                                  */
enum step oauth_refuse(struct request *r, enum oauth_error which, struct str hint, const char *reason);
enum step oauth_refuse_text(struct request *r, enum oauth_error which, struct str description, const char *reason);
/* REQ with the hint Check the `name` parameter. */
enum step oauth_missing(struct request *r, const char *name);

/* --- parameters ------------------------------------------------------------------------------------------------------------- */
/* Reads a form or JSON-object body into *f; a parameter that stands twice is refused (RFC 6749 3.2). STEP_NEXT or the refusal. */
enum step oauth_params(struct request *r, struct form *f);

/* --- the client ------------------------------------------------------------------------------------------------------------- */
enum auth_method { AUTH_UNKNOWN, AUTH_NONE, AUTH_SECRET_BASIC, AUTH_SECRET_POST, AUTH_PRIVATE_KEY_JWT, AUTH_N };
enum auth_method auth_method_of(struct str text); /* AUTH_UNKNOWN: not one */

struct oauth_client {
	struct str id, name, secret, redirect_uri, grant_types, scope, jwks, jwks_uri;
	bool confidential, enabled;
	bool dpop_bound;             /* registered dpop_bound_access_tokens: no bearer tokens */
	enum auth_method registered; /* AUTH_UNKNOWN: registered with OpenEMR itself, which keeps no method */
};
/* Frame of the sub-table that authenticates the caller of token, introspect, revoke. In: params, lenient. Out: client, used. On
 * failure the reply is decided (CLI ...).                                                                                  */
struct client_auth {
	const struct form *params;
	bool lenient; /* compat "documented": password and refresh without a secret are let through */
	struct oauth_client client;
	enum auth_method used;
	/* working state */
	struct str given_id, given_secret, assertion;
	struct jws *jws;
	struct db_result *db;
	struct redis_result *redis;
};
extern const struct step_table client_auth_steps;
/* What a client asks about one token: revocation (RFC 7009 2.1), introspection (RFC 7662 2.1). */
struct token_question {
	struct form params;
	struct client_auth auth;
	struct str token;
};
/* Reads the parameters and pushes client_auth_steps; or the refusal. */
enum step token_question_read(struct task *t, struct token_question *q);
/* {prefix}client:{id}: Gatehouse's own record of a client (token_endpoint_auth_method); no TTL. */
struct str key_client(struct arena *a, const struct site *site, struct str client_id);

/* --- login of users and patients (contract/oauth2.md 6) ----------------------------------------------------------------- */
struct login {
	struct str username, password, email; /* in */
	bool patient;
	/* out */
	bool ok;
	const char *reason; /* of a failure, for the audit; contract 12.2 */
	bool locked;        /* the failure is a lockout */
	bool mfa_required;
	struct uuid uuid;
	int64_t user_id, pid;
	struct str canonical_name, stamp; /* stamp: of the password, as code.c compares it */
	/* working state */
	struct db_result *db;
	struct redis_result *redis;
	struct hashd_result *hash;
	struct str ldap_host, ldap_dn, ldap_exclusions; /* of the site's directory */
	bool ldap_on, ldap;                             /* ldap: a password for this name is the directory's */
	struct hash_params hash_params;                 /* of the site, for new hashes and for the dummy */
	struct str stored;
	int64_t fail_counter, fail_age_s, limits[8];
	bool account_found, before_702;
};
extern const struct step_table login_staff_steps, login_patient_steps;
/* Who has signed in with the password alone just now (amr "pwd"), of a login that is ok. -1: arena full. */
int login_subject(struct request *r, const struct login *l, struct subject *who) MUSTUSE;
/* The record of a failure, of a password or a second factor. */
static inline enum audit_event
login_failure_event(bool locked)
{
	return locked ? AUDIT_EV_LOCKOUT : AUDIT_EV_LOGIN_FAILED;
}

/* --- issuing ---------------------------------------------------------------------------------------------------------------- */
struct issue {
	/* in */
	struct str client_id, sub, family; /* family .n 0: a new grant */
	struct str grant;                  /* password, client_credentials, refresh_token */
	enum role role;
	struct str nonce;
	struct launch_context launch; /* a patient is bound to itself without it */
	const struct scope_set *scopes;
	const struct scope_set *granted; /* the refresh token's, where one use asks less; NULL: scopes */
	uint32_t ttl_s;
	bool refresh;            /* give a refresh token, if offline_access or online_access was granted */
	int64_t grant_started_s; /* for the absolute end of refresh tokens; 0: now */
	struct str sid;          /* of the login session, for id_tokens; .n 0: none */
	struct subject who;      /* how the person signed in; amr .n 0: no claims about it */
	struct str
	    code_key;       /* Redis key of the code of this grant: no state is kept if it was used again; .n 0: none */
	struct str session; /* Redis key of the login session: an online_access grant ends with it; .n 0: none */
	bool bind_refresh;  /* a public client: its refresh token is bound to jkt too (RFC 9449 5) */
	struct str jkt;     /* thumbprint of the client's DPoP key (RFC 9449 6); .n 0: bearer */
	struct str stamp;   /* of the person's credential; .n 0: read for a new grant */
	struct {            /* rotation: the refresh token that was used; .token.n 0: none */
		struct str token, key, access_key, jti;
	} used;
	/* working state */
	struct str jti, access, id_token, refresh_token, answer;
	struct keyd_result *signed_access, *signed_id;
	struct redis_result *redis;
	struct db_result *db, *person;
	int64_t now_s;
};
extern const struct step_table issue_steps;
/* The answer that an earlier use of i->used.token got, opened with that token. */
enum step issue_same_answer(struct request *r, struct issue *i, struct str sealed);

/* --- endpoints: each a row of endpoints[] in oauth.c --------------------------------------------------------------------- */
enum step discovery_endpoint(struct request *r, struct oauth_state *s);
enum step smart_configuration_endpoint(struct request *r, struct oauth_state *s);
enum step jwk_endpoint(struct request *r, struct oauth_state *s);
enum step registration_endpoint(struct request *r, struct oauth_state *s);
enum step token_endpoint(struct request *r, struct oauth_state *s);
enum step introspect_endpoint(struct request *r, struct oauth_state *s);
enum step userinfo_endpoint(struct request *r, struct oauth_state *s);
enum step client_read_endpoint(struct request *r, struct oauth_state *s);
enum step client_update_endpoint(struct request *r, struct oauth_state *s);
enum step client_delete_endpoint(struct request *r, struct oauth_state *s);
enum step logout_endpoint(struct request *r, struct oauth_state *s);
enum step revoke_endpoint(struct request *r, struct oauth_state *s);
enum step style_document_endpoint(struct request *r, struct oauth_state *s);
enum step register_page_endpoint(struct request *r, struct oauth_state *s);
enum step register_page_post(struct request *r, struct oauth_state *s);

/* Grants, pushed by the token endpoint with its struct token_call as frame. */
struct token_call {
	struct form params;
	struct client_auth auth;
	struct login login;
	struct issue issue;
	const struct scope_set *scopes;
	struct redis_result *redis;
	struct db_result *db;
	struct str refresh_key;
	json_t *refresh_record;
	json_t *record; /* of a code */
	struct second_factor factor;
	struct revoke *revoke;
	bool dpop_sent;
};
extern const struct step_table grant_password_steps, grant_credentials_steps, grant_refresh_steps, grant_code_steps;

/* Redis key of the sealed answer that a used refresh token gave. */
struct str key_successor(struct arena *a, const struct site *site, struct str token);
/* The requested scopes: known to the server, cut to what the client registered and to what the role may hold. contract 4.4. On refusal
 * the reply is decided and -1 returned.                                                                                    */
int oauth_scopes(struct request *r, struct str requested, const struct oauth_client *client, enum role role,
    const struct scope_set **out) MUSTUSE;
/* The same before anybody has signed in: known to the server, cut to what the client registered. -1: refused, nothing decided; *bad_name
 * tells the scope (.n 0: the list is malformed).                                                                           */
int oauth_scopes_registered(struct request *r, struct str requested, const struct oauth_client *client,
    const struct scope_set **out, struct str *bad_name) MUSTUSE;
/* Did the client register this grant? Rows without grant_types are OpenEMR's oldest: authorization_code. */
bool client_grant_registered(const struct oauth_client *k, struct str grant);
/* What the site's key signs id_tokens with. */
struct str id_token_alg(const struct site *site);
/* Random bytes as base64url text. */
struct str oauth_random(struct request *r, size_t bytes);
/* "application/json; charset=UTF-8" reply with no-store, status 200. */
void oauth_json_begin(struct request *r);

#endif
