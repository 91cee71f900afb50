/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Launch context of a flow: aud and launch of the request, the own record of a patient, what is left to choose (patient_select.c shows
 * it). contract/oauth2.md 2.5, 8; SMART App Launch 2.2.                                                                     */
#include "gateway/oauth/context.h"

#include "gateway/oauth/launch_token.h"
#include "policy/scope_set.h"

const char context_path[] = "/smart/patient-select";

static bool
audience_ours(const struct request *r, struct str aud)
{
	static const struct str below[] = { STR_INIT("/fhir"), STR_INIT("/api"), STR_INIT("/portal") };
	struct str base = r->site->api_base;
	if (str_ends(aud, STR("/")))
		aud = str_sub(aud, 0, aud.n - 1);
	for (size_t i = 0; i < NITEMS(below); i++)
		if (str_starts(aud, base) && str_eq(str_skip(aud, base.n), below[i]))
			return true;
	return false;
}

/* OpenEMR wants aud with launch; without it aud is optional. */
static enum step
context_begin(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct str launch = form_get(&c->form, STR("launch"), NULL);
	if (c->flow.aud.n > 0 ? !audience_ours(r, c->flow.aud) : launch.n > 0)
		return flow_refuse(r, &c->flow, STR("invalid_request"),
		    STR("Aud parameter did not match authorized server"), "aud of another server, or none with launch");
	if (launch.n == 0)
		return STEP_NEXT;
	c->launch = ARENA_NEW(t->arena, struct launch_open);
	if (c->launch == NULL)
		return STEP_FAIL;
	c->launch->token = launch;
	c->launch->client_id = c->flow.client_id;
	return task_push(t, &launch_open_steps, c->launch);
}

static enum step
context_launched(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->launch == NULL)
		return STEP_NEXT;
	if (!c->launch->ok)
		return flow_refuse(r, &c->flow, STR("invalid_request"),
		    STR("launch parameter was incorrectly formatted or did not originate from this server"),
		    c->launch->reason);
	c->flow.launch = c->launch->context;
	return STEP_NEXT;
}

STEP_TABLE(context_begin_steps, 0, { "context_begin", context_begin }, { "context_launched", context_launched });

enum context_choice
context_choice(const struct flow_call *c)
{
	const struct launch_context *l = &c->flow.launch;
	bool visit = scope_set_has(c->scopes, STR("launch/encounter")) && l->encounter.n == 0;
	bool patient = visit || scope_set_has(c->scopes, STR("launch/patient"));
	if (patient && l->patient.n == 0)
		return CHOOSE_PATIENT;
	return visit ? CHOOSE_ENCOUNTER : CHOOSE_NOTHING;
}

void
context_settle(struct flow_call *c)
{
	c->flow.launch.settled = true;
	c->flow.launch.user = c->session->who.sub;
}

bool
context_stale(const struct flow_call *c)
{
	return c->flow.launch.user.n > 0 && !str_eq(c->flow.launch.user, c->session->who.sub);
}

bool
context_due(struct request *r, struct flow_call *c)
{
	struct launch_context *l = &c->flow.launch;
	const struct subject *who = &c->session->who;
	(void)r;
	if (context_stale(c) && !l->ehr)
		*l = (struct launch_context){ 0 }; /* somebody else's choice */
	if (l->settled && !context_stale(c))
		return false;
	if (who->role == ROLE_PATIENT && l->patient.n == 0) {
		l->patient = who->sub;
		l->user = who->sub;
	}
	return l->ehr || context_choice(c) != CHOOSE_NOTHING;
}
