/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seam between authorization and SMART's launch context: which patient (encounter, intent ...) a grant is for. The flow calls these;
 * what they decide travels as flow.launch, in the code, and in the grant (issue.launch). SMART App Launch 2.2.              */
#ifndef GATEWAY_OAUTH_CONTEXT_H
#define GATEWAY_OAUTH_CONTEXT_H

#include "gateway/oauth/flow.h"

/* Frame struct flow_call, pushed by /authorize once client and redirect URI are trusted: reads launch and aud of c->form; sets
 * c->flow.launch, or refuses with flow_refuse(). Goes on (STEP_NEXT) otherwise.                                           */
extern const struct step_table context_begin_steps;
/* Is a choice (patient picker) due, now that c->session->who has signed in and c->scopes may be granted? May set c->flow.launch where
 * there is nothing to choose (a patient's own record). Pure.                                                               */
bool context_due(struct request *r, struct flow_call *c);
/* The page of that choice, below the issuer. */
extern const char context_path[];

#endif
