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

/* What is still to be chosen, by c->scopes and flow.launch. */
enum context_choice { CHOOSE_NOTHING, CHOOSE_PATIENT, CHOOSE_ENCOUNTER };
enum context_choice context_choice(const struct flow_call *c);
/* All is chosen or judged, by the person who is signed in. */
void context_settle(struct flow_call *c);
/* Was it chosen by somebody else than who is signed in now? Then no code may come of it. */
bool context_stale(const struct flow_call *c);

/* GET and POST of the page of choices (patient_select.c). */
enum step patient_select_endpoint(struct request *r, struct oauth_state *s);
enum step patient_confirm_endpoint(struct request *r, struct oauth_state *s);

#endif
