/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sign-in session of a browser: Redis holds it, a __Host- cookie names it. One per browser and site; single sign-on, logout, the
 * manage page and online_access hang on it. Not for tokens (issue.c) nor for an authorization request under way (flow.h).
 *
 *   cookie  __Host-gatehouse-{site} = {sid}.{secret}      Secure, HttpOnly, SameSite=Lax; both parts new at each sign-in (the sid stays
 *                                                         when the same person signs in again, so that id_tokens keep naming it)
 *   Redis   {prefix}session:{sid}    hash:  s        JSON: the CSRF key and who signed in
 *                                           ends     absolute end, seconds; TTL = the nearer of this and the idle end
 *                                           secret   SHA-256 of the cookie's secret
 *                                           f:{id}   an authorization request under way
 *                                           c:{family} client_id that got a grant in this session
 *
 * The sid is no secret (id_tokens carry it); the cookie's second half is. OIDC Core 3.1.2.3, Back-Channel Logout 2.1.       */
#ifndef GATEWAY_OAUTH_SESSION_H
#define GATEWAY_OAUTH_SESSION_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

#include <jansson.h>

struct json_write;

/* Who signed in, how and when. */
struct subject {
	enum role role; /* ROLE_NONE: nobody */
	struct str sub; /* uuid text         */
	struct str username;
	int64_t user_id, pid;
	int64_t auth_time_s;
	struct str stamp; /* of the password then; .n 0: not known yet, read at the next step */
	struct str amr;   /* RFC 8176, space separated: "pwd", "pwd otp mfa" */
};
void subject_put(struct json_write *w, struct str key, const struct subject *s);
/* -1: not such an object. Strings borrow from o. */
int subject_get(const json_t *o, struct subject *s) MUSTUSE;

struct session {
	struct str sid, key; /* key: its name in Redis */
	struct str csrf_key;
	int64_t ends_s;
	struct subject who; /* role ROLE_NONE: nobody has signed in yet, or nobody who counts any more */
	bool pending;       /* nobody has signed in yet */
};

/* Frame of session_find_steps. session NULL: no cookie, or it names no live session of this site. Counts as use (idle end). Replies itself
 * only when Redis is down.                                                                                                 */
struct session_find {
	struct str flow_id; /* in: also read this request under way; .n 0: none */
	struct session *session;
	struct str flow_text; /* out: as stored; .n 0: none */
	struct redis_result *redis;
};
extern const struct step_table session_find_steps;

/* {prefix}session:{sid}: exists as long as the session lives (online_access). .p NULL: arena full. */
struct str key_session(struct arena *a, const struct site *site, struct str sid);

/* Ends a session of the person sub, and with it the grants that apps got in it without offline_access. *out is an array of two: family,
 * client_id, family, client_id, ... of all grants of the session (empty: there was none), and the jtis of the access tokens that are
 * over, for revoke_rows().                                                                                                 */
enum step session_end(struct task *t, struct request *r, struct str sid, struct str sub, struct redis_result **out);
/* Did the request bring a cookie of that name, whatever it is worth? */
bool session_cookie_sent(struct request *r);
/* Set-Cookie that removes the cookie. After reply_reset(). */
void session_cookie_clear(struct request *r);

/* The form token of a session: 40 hex digits. .p NULL: out of memory. */
struct str session_csrf(struct request *r, const struct session *s);
bool session_csrf_ok(struct request *r, const struct session *s, struct str given);

/* --- for the sign-in flow ------------------------------------------------------------------------------------------------------- */
/* A session for a browser that has none, with one request under way. Fills *s, sends the cookie later: session_cookie(). */
struct session_new {
	struct session *session;
	struct str secret; /* of the cookie */
	struct redis_result *redis;
};
enum step session_start(
    struct task *t, struct request *r, struct session_new *n, struct str flow_id, struct str flow_text);
/* The person has proved all factors: new cookie, new ends, the request under way replaced, in one step. redis value 1: done; 0: the request
 * under way is not what it was (used twice), nothing changed. n->session is the session as it then is.                    */
enum step session_sign_in(struct task *t, struct request *r, struct session_new *n, const struct session *old,
    const struct subject *who, struct str flow_id, struct str flow_was, struct str flow_text);
/* Set-Cookie; after the reply was begun. */
void session_cookie(struct request *r, const struct session_new *n);
/* Replaces the request under way if it is still as it was (flow_was .n 0: it is new); flow_text .n 0: removes it. Value 1 or 0. */
enum step session_flow_put(struct task *t, struct request *r, const struct session *s, struct str flow_id,
    struct str flow_was, struct str flow_text, struct redis_result **out);

/* The value of a cookie in a Cookie field; .p NULL when it is absent, stands twice or the field is malformed before it. RFC 6265 5.4. */
struct str cookie_get(struct str field, struct str name);

#endif
