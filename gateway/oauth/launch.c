/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Launch context: its form in Redis and its members in answers. */
#include "gateway/oauth/launch.h"

#include "gateway/base/json_in.h"
#include "policy/scope_set.h"

/* The members that are one text. */
static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "patient", offsetof(struct launch_context, patient) },
	{ "encounter", offsetof(struct launch_context, encounter) },
	{ "appointment", offsetof(struct launch_context, appointment) },
	{ "intent", offsetof(struct launch_context, intent) },
	{ "user", offsetof(struct launch_context, user) },
};

void
launch_context_put(struct json_write *w, const struct launch_context *c)
{
	if (launch_context_empty(c))
		return;
	json_key(w, STR("launch"));
	json_obj(w);
	json_kv_bool(w, STR("ehr"), c->ehr);
	json_kv_bool(w, STR("settled"), c->settled);
	for (size_t i = 0; i < NITEMS(texts); i++) {
		const struct str *v = (const void *)((const char *)c + texts[i].offset);
		if (v->n > 0)
			json_kv_str(w, str_of(texts[i].name), *v);
	}
	json_obj_end(w);
}

void
launch_context_read(const struct json_t *record, struct launch_context *out)
{
	const json_t *o = json_object_get(record, "launch");
	*out = (struct launch_context){ .ehr = json_is_true(json_object_get(o, "ehr")),
		.settled = json_is_true(json_object_get(o, "settled")) };
	for (size_t i = 0; i < NITEMS(texts); i++) {
		struct str v = json_in_str(o, texts[i].name);
		memcpy((char *)out + texts[i].offset, &v, sizeof v);
	}
}

bool
launch_binds_patient(const struct launch_context *c, const struct scope_set *granted)
{
	return c->patient.n > 0 &&
	       (scope_set_has(granted, STR("launch/patient")) || (c->ehr && scope_set_has(granted, STR("launch"))));
}

static void
fhir_context_put(struct json_write *w, struct request *r, struct str appointment)
{
	json_key(w, STR("fhirContext"));
	json_arr(w);
	json_obj(w);
	json_kv_str(w, STR("reference"), arena_printf(r->task.arena, "Appointment/%.*s", STR_ARG(appointment)));
	json_kv_str(w, STR("type"), STR("Appointment"));
	json_obj_end(w);
	json_arr_end(w);
}

void
launch_members_put(
    struct json_write *w, struct request *r, const struct launch_context *c, const struct scope_set *granted)
{
	bool ehr = c->ehr && scope_set_has(granted, STR("launch"));
	bool patient = launch_binds_patient(c, granted);
	if (patient) {
		json_kv_str(w, STR("patient"), c->patient);
		json_kv_bool(w, STR("need_patient_banner"), !ehr);
	}
	if (c->encounter.n > 0 && (ehr || scope_set_has(granted, STR("launch/encounter"))))
		json_kv_str(w, STR("encounter"), c->encounter);
	if (ehr && c->intent.n > 0)
		json_kv_str(w, STR("intent"), c->intent);
	if (ehr && c->appointment.n > 0)
		fhir_context_put(w, r, c->appointment);
	if (!ehr && !patient)
		return;
	json_kv_str(
	    w, STR("smart_style_url"), arena_printf(r->task.arena, "%.*s/smart/smart-style", STR_ARG(r->site->issuer)));
	json_kv_str(w, STR("tenant"), r->site->name);
}
