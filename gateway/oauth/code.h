/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Authorization codes: giving one at the end of the flow, and the consent that goes with it. The other half, the grant that consumes it,
 * is grant_code_steps of endpoint.h. Redis holds a code hashed for 60 s; used once; a second use ends everything it gave, also
 * what is being issued at that moment. RFC 6749 4.1.2, RFC 9700 2.1.1, 4.2.4.                                              */
#ifndef GATEWAY_OAUTH_CODE_H
#define GATEWAY_OAUTH_CODE_H

#include "gateway/oauth/flow.h"

/* What the person who signed in may be granted of flow.scope: c->scopes. -1: arena full or a broken record. contract 4.4. */
int flow_scopes(struct request *r, struct flow_call *c) MUSTUSE;
/* Does the record in c->redis (HGET of key_consents) cover c->scopes still? */
bool consent_remembered(struct request *r, const struct flow_call *c);

/* Is the person still active, with the password of the login? *out as in db.h; a sub that is no uuid: STEP_FAIL. */
enum step subject_read(struct task *t, struct request *r, const struct subject *who, struct db_result **out);
bool subject_good(const struct db_result *res, const struct subject *who);

/* Frame struct flow_call: gives a code for c->scopes and redirects; the request under way ends with it. Always replies. */
extern const struct step_table code_give_steps;

#endif
