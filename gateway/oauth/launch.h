/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SMART launch context of a grant: what a launch token or the person's own choice bound, kept with code, access token state and
 * refresh record, and told as members of the token response and of introspection. SMART App Launch 2.2 "Scopes and launch context",
 * contract/oauth2.md 8. What a token may read because of it is policy's (policy.h, patient request).                        */
#ifndef GATEWAY_OAUTH_LAUNCH_H
#define GATEWAY_OAUTH_LAUNCH_H

#include "gateway/base/json_write.h"
#include "gateway/core/request.h"
#include "gateway/core/site.h"

struct scope_set;
struct json_t;

struct launch_context {
	bool ehr; /* came with a launch token: the EHR shows the patient already             */
	struct str patient, encounter, appointment; /* uuid text, lower case; .n 0: not bound */
	struct str intent;                          /* one of OpenEMR's; .n 0: none           */
	struct str user; /* only this person may use it: for whom the EHR made it, or who chose; .n 0: anyone */
	bool settled;    /* nothing is left to be judged or chosen (context.h)                 */
};
static inline bool
launch_context_empty(const struct launch_context *c)
{
	return !c->ehr && c->patient.n == 0 && c->encounter.n == 0;
}
/* "launch":{...} as a member of a record; nothing for an empty context. */
void launch_context_put(struct json_write *w, const struct launch_context *c);
/* Reads it back from the record; strings borrow from it. A record without it gives an empty context. */
void launch_context_read(const struct json_t *record, struct launch_context *out);
/* Does a grant of these scopes bind the patient for the resource side too? contract 9.2. */
bool launch_binds_patient(const struct launch_context *c, const struct scope_set *granted);
/* patient, need_patient_banner, encounter, intent, fhirContext, smart_style_url, tenant: as far as bound and granted. */
void launch_members_put(
    struct json_write *w, struct request *r, const struct launch_context *c, const struct scope_set *granted);

#endif
