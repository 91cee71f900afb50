/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An authorization request on its way from /authorize to the code: what was asked, how far the person is, and the one function that
 * knows the legal moves. It is a field of the browser's session (session.h), replaced only if it is still as it was read: a step
 * taken twice, out of order, or from another browser, client or site finds nothing. RFC 6749 4.1, OIDC Core 3.1.2.
 *
 *   ACCOUNT -> LOGIN -> FACTOR -> CONTEXT -> CONSENT -> code        each only where it is due (flow_stages in flow.c)
 *
 * The client's context (SMART launch, patient picker) is one stage of this table: context.h.                               */
#ifndef GATEWAY_OAUTH_FLOW_H
#define GATEWAY_OAUTH_FLOW_H

#include "gateway/oauth/endpoint.h"
#include "gateway/oauth/launch.h"
#include "gateway/oauth/second_factor.h"
#include "gateway/oauth/session.h"

enum flow_state { FLOW_NEW, FLOW_ACCOUNT, FLOW_LOGIN, FLOW_FACTOR, FLOW_CONTEXT, FLOW_CONSENT, FLOW_CODE, FLOW_N };
enum { PROMPT_NONE = 1, PROMPT_LOGIN = 2, PROMPT_CONSENT = 4, PROMPT_SELECT = 8 };

struct launch_open; /* launch_token.h */

struct flow {
	struct str id, text; /* text: as stored now; .n 0: not yet */
	enum flow_state state;
	/* what was asked, checked */
	struct str client_id, client_name, redirect_uri;
	struct str policy_uri, tos_uri;
	bool own;            /* leads to a page of ours (manage.c), not to a client: no context, no consent, no code */
	bool public;         /* the client has nothing to prove itself with */
	bool redirect_given; /* redirect_uri stood in the request: the token request must repeat it */
	struct str state_param;  /* the client's state; .p NULL: none */
	struct str nonce, scope; /* scope: known to the server and registered by the client */
	struct str challenge;    /* S256; .n 0: none */
	struct str dpop_jkt; /* thumbprint of the key that must prove itself with the code; .n 0: none. RFC 9449 10 */
	struct str login_hint, aud;
	struct str wanted_sub; /* of id_token_hint: no other person gets the answer; .n 0: anyone */
	unsigned prompt;       /* PROMPT_ bits */
	int64_t max_age_s;     /* -1: none     */
	int64_t started_s;
	/* what has happened */
	struct launch_context launch; /* context.h fills it */
	struct str sub;               /* who was signed in when the last stage began: nobody else goes on with it */
	bool chosen;                  /* the account was chosen on the page */
	bool fresh;                   /* signed in within this request: prompt=login and max_age are met */
	struct subject pending;       /* password right, second factor still due; role ROLE_NONE: nobody */
};

/* The one place that changes a state: -1 when the move is not legal (then nothing changed). */
int flow_move(struct flow *f, enum flow_state to) MUSTUSE;
/* JSON text in arena memory; .p NULL: no room. */
struct str flow_text(struct request *r, const struct flow *f);

/* --- an endpoint of a page --------------------------------------------------------------------------------------------------- */
/* Frame of flow_open_steps, pushed first by every page's endpoint: reads the form (POST) or query (GET), finds session and request, and
 * refuses with a page what is not the step that is due, or a form whose CSRF token is not the session's.                   */
struct flow_call {
	/* in */
	unsigned allowed; /* bits 1 << enum flow_state */
	/* out */
	struct form form;
	struct session *session;
	struct flow flow;
	/* working state, also of the pages behind it */
	struct session_find find;
	struct session_new renewed; /* session NULL: the cookie stays */
	struct redis_result *redis;
	struct db_result *db;
	const struct scope_set *scopes; /* what may be granted to the person: flow_advance_steps */
	struct login login;
	struct second_factor factor;
	bool consented; /* on the page, just now */
	size_t stage;   /* that is being stored   */
	struct str code;
	struct launch_open *launch;    /* context.c: the launch token */
	const struct db_result *bound; /* patient_select.c: the patient's row */
	const char *reason;            /* of a refusal by it */
	bool denied;
};
extern const struct step_table flow_open_steps;
/* Begins a page's endpoint: a frame with allowed, then steps, whose first row is { "...", flow_open }. rule: for the audit. */
enum step flow_page_begin(struct request *r, unsigned allowed, const struct step_table *steps, struct str rule);
enum step flow_open(struct task *t);
/* The person does not want to: removes the request; the next row is { "...", flow_denied }, which tells the client access_denied. */
enum step flow_deny(struct task *t, struct flow_call *c);
enum step flow_denied(struct task *t);

/* Frame struct flow_call: whatever stage is due next. Stores the request and redirects (303) to its page, or gives the code and redirects
 * to the client; with prompt=none the error instead. The last sub-table of an endpoint: it always replies.                 */
extern const struct step_table flow_advance_steps;

/* Redirects to the client with an error, state and iss (RFC 6749 4.1.2.1, RFC 9207). description .n 0: none. A request that is stored
 * already is the caller's to remove. Returns STEP_REPLY, or STEP_FAIL when there is no room.                              */
enum step flow_refuse(
    struct request *r, const struct flow *f, struct str error, struct str description, const char *reason);
/* {redirect_uri}{? or &}name=value...: response parameters in arena memory. */
struct str flow_redirect(struct request *r, const struct flow *f, const struct form *parameters);
/* {issuer path}{path}?flow={id} */
struct str flow_page_path(struct request *r, const struct flow *f, const char *path);
/* The hidden fields of a page's form: flow and CSRF token. */
struct page;
void flow_form_fields(struct page *p, const struct flow_call *c);
/* A page that says that this step is over. */
enum step flow_step_refused(struct request *r, unsigned status, const char *reason);

/* --- consents remembered (manage page) ------------------------------------------------------------------------------------ */
/* {prefix}consents:{sub}: hash client_id -> {"scope","granted","until","name"}: the last consent; until 0: not remembered for the
 * next request. Deleting a field makes the next request ask.                                                               */
struct str key_consents(struct arena *a, const struct site *site, struct str sub);

/* Is it one of those that the client registered, joined with '|'? Byte by byte; on a loopback address any port (RFC 8252 7.3). */
bool redirect_registered(struct str registered, struct str given);

enum step authorize_endpoint(struct request *r, struct oauth_state *s);
enum step login_page_endpoint(struct request *r, struct oauth_state *s);
enum step login_endpoint(struct request *r, struct oauth_state *s);
enum step factor_page_endpoint(struct request *r, struct oauth_state *s);
enum step factor_endpoint(struct request *r, struct oauth_state *s);
enum step account_page_endpoint(struct request *r, struct oauth_state *s);
enum step account_endpoint(struct request *r, struct oauth_state *s);
enum step consent_page_endpoint(struct request *r, struct oauth_state *s);
enum step consent_endpoint(struct request *r, struct oauth_state *s);
enum step manage_page_endpoint(struct request *r, struct oauth_state *s);
enum step manage_endpoint(struct request *r, struct oauth_state *s);

#endif
