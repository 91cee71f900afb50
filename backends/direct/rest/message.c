/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages about a patient (pnotes): written, never read here. Whoever writes is the sender, whatever the body says in from; each text is put
 * behind the ones before it, with its time and its people.                                                                  */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
static const struct field fields[] = { { "id", K_INT, "n.id", F_NEEDED } };
static const struct field inputs[] = {
	{ "body", K_TEXT, NULL, F_WRITE | F_REQUIRED, .min = 2, .max = 65535 },
	{ "groupname", K_TEXT, "n.groupname", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "from", K_TEXT, NULL, F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "to", K_TEXT, "n.assigned_to", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "title", K_TEXT, "n.title", F_WRITE | F_REQUIRED, .min = 2, .max = 255 },
	{ "message_status", K_TEXT, "n.message_status", F_WRITE | F_REQUIRED, .min = 2, .max = 20 },
};
/* clang-format on */

/* "\n2026-11-25 03:20 (admin to clerk) the text", as OpenEMR's PnoteService; the time is the clinic's, so the database tells it. */
#define SAID_NOW "'\n', DATE_FORMAT(NOW(), '%Y-%m-%d %H:%i'), ?"
static void
message_prepare(struct call *c)
{
	const struct plan_write *w = c->plan->write;
	struct str body = accepted_input(w, &c->accepted, "body"), to = accepted_input(w, &c->accepted, "to");
	if (body.n == 0)
		return;
	struct str text = arena_printf(
	    c->r->task.arena, " (%.*s to %.*s) %.*s", STR_ARG(c->r->who.username), STR_ARG(to), STR_ARG(body));
	if (text.p == NULL)
		violation_add(&c->violations, STR("body"), STR("LengthBetween::TOO_LONG"), "body is too long");
	else
		accepted_input_set(w, &c->accepted, "body", text);
}

static const struct server_set sets[] = {
	{ "date", SV_NOW, NULL, SET_CREATE },
	{ "activity", SV_CONST, "1", SET_CREATE },
	{ "authorized", SV_CONST, "1", SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "user", SV_USER, NULL, SET_ALWAYS },
	{ "body", SV_BODY, "body", SET_CREATE, .sql = "CONCAT(" SAID_NOW ")" },
	{ "body", SV_BODY, "body", SET_UPDATE, .sql = "CONCAT(COALESCE(body, ''), " SAID_NOW ")" },
	{ "update_by", SV_USER_ID, NULL, SET_UPDATE },
	{ "update_date", SV_NOW, NULL, SET_UPDATE },
};
static const struct write_rule write = {
	.table = "pnotes",
	.sets = sets,
	.n_sets = NITEMS(sets),
	.inputs = inputs,
	.n_inputs = NITEMS(inputs),
	.update_needs_required = true,
	.answer = "mid=id",
	.soft_delete = "deleted = 1",
	.prepare = message_prepare,
};
static const struct join joins[] = { { "patient_data", "p", "p.pid = n.pid" } };
static const struct key keys[] = { { "mid", .number = "n.id" } };
static const struct source source = {
	.table = "pnotes",
	.alias = "n",
	.id = "n.id",
	.patient = "p.uuid",
	.pid = "n.pid",
	.where = "COALESCE(n.deleted, 0) = 0",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource message = {
	.name = "message", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1, .write = &write
};
static const struct style style = {
	.ops = &dialect_standard, .envelope = ENV_BARE, .echo = "mid", .deleted = "true", .gone_ok = true
};
static const struct direct_route routes[] = {
	{ HTTP_POST, "/api/patient/:pid/message", &message, OP_CREATE, &style },
	{ HTTP_PUT, "/api/patient/:pid/message/:mid", &message, OP_UPDATE, &style },
	{ HTTP_DELETE, "/api/patient/:pid/message/:mid", &message, OP_DELETE, &style },
};
const struct direct_routes rest_message = { routes, NITEMS(routes) };
