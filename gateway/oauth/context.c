/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Launch context: aud of the request, the own record of a patient. contract/oauth2.md 2.5, 8.3. */
#include "gateway/oauth/context.h"

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

static enum step
context_begin(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct str launch = form_get(&c->form, STR("launch"), NULL);
	if (c->flow.aud.n > 0 ? !audience_ours(r, c->flow.aud) : launch.n > 0)
		return flow_refuse(r, &c->flow, STR("invalid_request"),
		    STR("Aud parameter did not match authorized server"), "aud of another server, or none with launch");
	if (launch.n > 0)
		return flow_refuse(r, &c->flow, STR("invalid_request"),
		    STR("launch parameter was incorrectly formatted or did not originate from this server"),
		    "launch token unknown");
	return STEP_NEXT;
}

STEP_TABLE(context_begin_steps, 0, { "context_begin", context_begin });

bool
context_due(struct request *r, struct flow_call *c)
{
	struct subject *who = &c->session->who;
	(void)r;
	if (c->flow.launch.patient.n == 0 && who->role == ROLE_PATIENT)
		c->flow.launch.patient = who->sub;
	return false;
}
