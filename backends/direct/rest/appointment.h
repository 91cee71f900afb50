/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The members of an appointment, which the Standard API and the portal have in common. Not for requests. */
#ifndef BACKENDS_DIRECT_REST_APPOINTMENT_H
#define BACKENDS_DIRECT_REST_APPOINTMENT_H

#include "backends/direct/engine/mapping.h"

/* The Location that stands for a facility: alias of the facility. */
#define APPOINTMENT_LOCATION(f)                                                                                        \
	"SELECT m.uuid FROM uuid_mapping m WHERE m.target_uuid = " f ".uuid AND m.resource = 'Location' LIMIT 1"
#define APPOINTMENT_NONE
#define APPOINTMENT_MORE(...) __VA_ARGS__,
#define APPOINTMENT_PUUID     APPOINTMENT_MORE({ "puuid", K_UUID, "p.uuid" })
/* v8: F_V8 where classic answers lack what 8.x added, 0 where they have it. front, puuid: one of them APPOINTMENT_PUUID, by where the answer has
 * it. duration, room, text: members that an answer of one appointment has more than a list: APPOINTMENT_MORE({ ... }) or APPOINTMENT_NONE. */
/* clang-format off */
#define APPOINTMENT_FIELDS(v8, front, puuid, duration, room, text) \
	{ "pc_eid", K_INT, "e.pc_eid", F_NEEDED }, \
	{ "pc_uuid", K_UUID, "e.uuid" }, \
	front \
	{ "fname", K_TEXT, "p.fname" }, \
	{ "lname", K_TEXT, "p.lname" }, \
	{ "DOB", K_DATE, "p.DOB" }, \
	{ "pid", K_INT, "p.pid" }, \
	puuid \
	{ "pce_aid_uuid", K_UUID, "u.uuid" }, \
	{ "pce_aid_fname", K_TEXT, "u.fname", v8 }, \
	{ "pce_aid_lname", K_TEXT, "u.lname", v8 }, \
	{ "pce_aid_npi", K_TEXT, "u.npi" }, \
	{ "pc_aid", K_TEXT, "e.pc_aid" }, \
	{ "pc_apptstatus", K_TEXT, "e.pc_apptstatus" }, \
	{ "pc_eventDate", K_DATE, "e.pc_eventDate" }, \
	{ "pc_startTime", K_TEXT, "e.pc_startTime" }, \
	{ "pc_endTime", K_TEXT, "e.pc_endTime" }, \
	{ "pc_time", K_DATETIME, "e.pc_time", v8 }, \
	duration \
	{ "pc_facility", K_INT, "e.pc_facility" }, \
	{ "pc_billing_location", K_INT, "e.pc_billing_location" }, \
	{ "pc_catid", K_INT, "e.pc_catid" }, \
	room \
	{ "pc_pid", K_TEXT, "e.pc_pid" }, \
	text \
	{ "pc_title", K_TEXT, "e.pc_title", v8 }, \
	{ "pc_website", K_TEXT, "e.pc_website", v8 }, \
	{ "pc_informant", K_TEXT, "e.pc_informant", v8 }, \
	{ "facility_name", K_TEXT, "f.name" }, \
	{ "facility_uuid", K_UUID, NULL, v8, .sql = APPOINTMENT_LOCATION("f") }, \
	{ "billing_location_name", K_TEXT, "b.name" }, \
	{ "billing_location_uuid", K_UUID, NULL, v8, .sql = APPOINTMENT_LOCATION("b") }
/* clang-format on */
enum { APPOINTMENT_JOINS = 4 };
extern const struct join appointment_joins[APPOINTMENT_JOINS];

#endif
