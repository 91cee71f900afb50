/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Appointments: events of the calendar. The list of all also has the events of no patient. */
#include "backends/direct/rest/appointment.h"

#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

#include "gateway/base/date.h"

enum { DAY_S = 86400, START_CHARS = 5 };

/* clang-format off */
static const struct field fields[] = {
	APPOINTMENT_FIELDS(F_V8, APPOINTMENT_NONE, APPOINTMENT_PUUID, APPOINTMENT_NONE, APPOINTMENT_NONE, APPOINTMENT_NONE)
};
static const struct field one_fields[] = {
	APPOINTMENT_FIELDS(F_V8, APPOINTMENT_NONE, APPOINTMENT_PUUID,
	    APPOINTMENT_MORE({ "pc_duration", K_INT, "e.pc_duration" }),
	    APPOINTMENT_MORE({ "pc_room", K_TEXT, "e.pc_room" }),
	    APPOINTMENT_MORE({ "pc_hometext", K_TEXT, "e.pc_hometext" }))
};
static const struct field portal_fields[] = {
	APPOINTMENT_FIELDS(0, APPOINTMENT_NONE, APPOINTMENT_PUUID, APPOINTMENT_NONE, APPOINTMENT_NONE, APPOINTMENT_NONE)
};
static const struct field portal_one_fields[] = {
	APPOINTMENT_FIELDS(0, APPOINTMENT_PUUID, APPOINTMENT_NONE, APPOINTMENT_NONE, APPOINTMENT_NONE,
	    APPOINTMENT_MORE({ "pc_duration", K_INT, "e.pc_duration" }))
};
static const struct field inputs[] = {
	{ "pc_catid", K_INT, "e.pc_catid", F_WRITE | F_REQUIRED | R_NUMERIC },
	{ "pc_title", K_TEXT, "e.pc_title", F_WRITE | F_REQUIRED, .min = 2, .max = 150 },
	{ "pc_duration", K_INT, "e.pc_duration", F_WRITE | F_REQUIRED | R_NUMERIC },
	{ "pc_hometext", K_TEXT, "e.pc_hometext", F_WRITE | F_REQUIRED },
	{ "pc_apptstatus", K_TEXT, "e.pc_apptstatus", F_WRITE | F_REQUIRED },
	{ "pc_eventDate", K_DATE, "e.pc_eventDate", F_WRITE | F_REQUIRED | R_DATE },
	{ "pc_startTime", K_TEXT, "e.pc_startTime", F_WRITE | F_REQUIRED },
	{ "pc_facility", K_INT, "e.pc_facility", F_WRITE | F_REQUIRED | R_NUMERIC },
	{ "pc_billing_location", K_INT, "e.pc_billing_location", F_WRITE | F_REQUIRED | R_NUMERIC },
	{ "pc_aid", K_TEXT, "e.pc_aid", F_WRITE | R_NUMERIC | R_EXISTS, .exists_in = "users.id", .exists_text = "pc_aid must be for a valid user" },
	{ "pc_website", K_TEXT, "e.pc_website", F_WRITE },
	{ "pc_endTime", K_TEXT, NULL, F_WRITE }, /* replaced by start and duration, whatever the client sends */
};
/* clang-format on */
const struct join appointment_joins[APPOINTMENT_JOINS] = {
	{ "patient_data", "p", "p.pid = CAST(e.pc_pid AS UNSIGNED)" },
	{ "users", "u", "u.id = CAST(e.pc_aid AS UNSIGNED)" },
	{ "facility", "f", "f.id = e.pc_facility" },
	{ "facility", "b", "b.id = e.pc_billing_location" },
};

/* Two digits at i, -1: not. */
static int
two_digits(struct str s, size_t i)
{
	if (s.p[i] < '0' || s.p[i] > '9' || s.p[i + 1] < '0' || s.p[i + 1] > '9')
		return -1;
	return (s.p[i] - '0') * 10 + (s.p[i + 1] - '0');
}

/* The start is exactly HH:MM. 8.x stores the end; 7.x leaves it 0 (recording 102). */
static void
appointment_prepare(struct call *c)
{
	struct str start = accepted_input(c->plan->write, &c->accepted, "pc_startTime"),
	           duration = accepted_input(c->plan->write, &c->accepted, "pc_duration");
	int64_t duration_s = 0;
	if (start.n == 0)
		return;
	int hour = start.n == START_CHARS && start.p[2] == ':' ? two_digits(start, 0) : -1;
	int minute = hour >= 0 ? two_digits(start, START_CHARS - 2) : -1;
	if (start.n != START_CHARS)
		violation_add(&c->violations, STR("pc_startTime"),
		    start.n < START_CHARS ? STR("Length::TOO_SHORT") : STR("Length::TOO_LONG"),
		    "pc startTime is too %s and must be 5 characters long", start.n < START_CHARS ? "short" : "long");
	else if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		violation_add(&c->violations, STR("pc_startTime"), STR("DateTime::INVALID_VALUE"),
		    "pc startTime must be a valid time");
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return;
	if (c->plan->compat == COMPAT_CLASSIC || str_to_i64(duration, &duration_s) != 0 || duration_s < 0)
		duration_s = c->plan->compat == COMPAT_CLASSIC ? -1 : 0;
	int64_t end_s = duration_s < 0 ? 0 : (hour * 3600 + minute * 60 + duration_s % DAY_S) % DAY_S;
	accepted_input_set(c->plan->write, &c->accepted, "pc_endTime",
	    arena_printf(
	        c->r->task.arena, "%02d:%02d:%02d", (int)(end_s / 3600), (int)(end_s / 60 % 60), (int)(end_s % 60)));
}

static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pc_pid", SV_PID, NULL, SET_CREATE },
	{ "pc_time", SV_NOW, NULL, SET_CREATE },
	{ "pc_informant", SV_USER_ID, NULL, SET_CREATE },
	{ "pc_endTime", SV_BODY, "pc_endTime", SET_CREATE },
	{ "pc_eventstatus", SV_CONST, "1", SET_CREATE },
	{ "pc_sharing", SV_CONST, "1", SET_CREATE },
};
static const struct write_rule write = {
	.table = "openemr_postcalendar_events",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.answer = "id",
	.log = "scheduling",
	.prepare = appointment_prepare,
};
static const struct key keys[] = { { "eid", .uuid = "e.uuid", .number = "e.pc_eid" }, { "auuid", .uuid = "e.uuid" } };

#define APPOINTMENT(ident, fields_, write_)                                                                            \
	static const struct source ident##_source = {                                                                  \
		.table = "openemr_postcalendar_events",                                                                \
		.alias = "e",                                                                                          \
		.id = "e.pc_eid",                                                                                      \
		.uuid = "e.uuid",                                                                                      \
		.updated = "e.pc_time",                                                                                \
		.patient = "p.uuid",                                                                                   \
		.pid = "e.pc_pid",                                                                                     \
		.keys = keys,                                                                                          \
		.n_keys = NITEMS(keys),                                                                                \
		.joins = appointment_joins,                                                                            \
		.n_joins = APPOINTMENT_JOINS,                                                                          \
		.fields = fields_,                                                                                     \
		.n_fields = NITEMS(fields_),                                                                           \
	};                                                                                                             \
	static const struct resource ident = {                                                                         \
		.name = "appointment",                                                                                 \
		.compartment = COMPARTMENT_PATIENT,                                                                    \
		.sources = &ident##_source,                                                                            \
		.n_sources = 1,                                                                                        \
		.write = write_,                                                                                       \
	}
APPOINTMENT(listed, fields, NULL);
APPOINTMENT(appointment, one_fields, &write);
APPOINTMENT(portal_listed, portal_fields, NULL);
APPOINTMENT(portal_appointment, portal_one_fields, NULL);

static const struct refusal no_patient = { .field = "pid", .code = "pid", .text = "pid must be for a valid patient" };
static const struct style all = { .ops = &dialect_standard, .envelope = ENV_BARE, .strings_unfiltered = true };
static const struct style of_patient = { .ops = &dialect_standard, .envelope = ENV_BARE };
static const struct style one = { .ops = &dialect_standard, .envelope = ENV_BARE, .shape = SHAPE_ARRAY };
static const struct style create = { .ops = &dialect_standard,
	.envelope = ENV_BARE,
	.no_parent = &no_patient,
	.created_classic = 200,
	.created_v8 = 200 };
static const struct style gone = {
	.ops = &dialect_standard, .envelope = ENV_BARE, .deleted = "{\"message\":\"record deleted\"}", .gone_ok = true
};
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:pid/appointment", &listed, OP_LIST, &of_patient },
	{ HTTP_POST, "/api/patient/:pid/appointment", &appointment, OP_CREATE, &create },
	{ HTTP_GET, "/api/appointment", &listed, OP_LIST, &all },
	{ HTTP_GET, "/api/appointment/:eid", &appointment, OP_READ, &one },
	{ HTTP_DELETE, "/api/patient/:pid/appointment/:eid", &appointment, OP_DELETE, &gone },
	{ HTTP_GET, "/api/patient/:pid/appointment/:eid", &appointment, OP_READ, &one },
	{ HTTP_GET, "/portal/patient/appointment", &portal_listed, OP_LIST, &of_patient },
	{ HTTP_GET, "/portal/patient/appointment/:auuid", &portal_appointment, OP_READ, &of_patient },
};
const struct direct_routes rest_appointment = { routes, NITEMS(routes) };
