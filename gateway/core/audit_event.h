/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an audit record says of a request: filled in along the way by whoever learns it, written once by gateway/audit. No bodies,
 * tokens, names of patients or free text from the client but the bounded, checked request id.                             */
#ifndef GATEWAY_CORE_AUDIT_EVENT_H
#define GATEWAY_CORE_AUDIT_EVENT_H

#include "gateway/base/uuid.h"

/* clang-format off: one to a line */
#define AUDIT_EVENTS(X)                                                                                                \
	X(REQUEST, "request")                                                                                          \
	X(STREAM_END, "stream_end")                                                                                    \
	X(TOKEN_ISSUED, "token_issued")                                                                                \
	X(TOKEN_REFRESHED, "token_refreshed")                                                                          \
	X(TOKEN_REFUSED, "token_refused")                                                                              \
	X(LOGIN, "login")                                                                                              \
	X(LOGIN_FAILED, "login_failed")                                                                                \
	X(LOCKOUT, "lockout")                                                                                          \
	X(CONSENT, "consent")                                                                                          \
	X(CONSENT_DENIED, "consent_denied")                                                                            \
	X(CODE_ISSUED, "code_issued")                                                                                  \
	X(CLIENT_REGISTERED, "client_registered")                                                                      \
	X(CLIENT_CHANGED, "client_changed")                                                                            \
	X(REVOKED, "revoked")                                                                                          \
	X(LOGOUT, "logout")                                                                                            \
	X(REUSED, "reused")                                                                                            \
	X(INTROSPECTED, "introspected")                                                                                \
	X(KEYS_CHANGED, "keys_changed")
/* clang-format on */
enum audit_event {
#define X(id, text) AUDIT_EV_##id,
	AUDIT_EVENTS(X)
#undef X
	    AUDIT_EV_N
};
_Static_assert(AUDIT_EV_N <= 32, "audit_facts.also has a bit for each");
struct audit_facts {
	enum audit_event event;
	uint32_t
	    also; /* bits 1 << enum audit_event: records of their own before this one (a login that led on to a code) */
	bool allowed;
	struct str rule;   /* static or arena: "scope user/patient.r", "acl patients/demo", source row  */
	struct str reason; /* of a refusal or failure: static text                                       */
	struct str actor;  /* username or login name tried, when known (staff); .n 0                    */
	bool has_patient;
	struct uuid patient;    /* whom the data are about, where known                                       */
	struct str resource_id; /* id in the path or created                                                  */
};

#endif
