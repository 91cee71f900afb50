/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of one of OpenEMR's lists, inactive ones too.                                                                  */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"

static const struct field fields[] = {
	{ "list_id", K_TEXT, "o.list_id", F_NEEDED },
	{ "option_id", K_TEXT, "o.option_id" },
	{ "title", K_TEXT, "o.title" },
	{ "seq", K_INT, "o.seq" },
	{ "is_default", K_INT, "o.is_default" },
	{ "option_value", K_FLOAT, "o.option_value" },
	{ "mapping", K_TEXT, "o.mapping" },
	{ "notes", K_TEXT, "o.notes" },
	{ "codes", K_TEXT, "o.codes" },
	{ "toggle_setting_1", K_INT, "o.toggle_setting_1" },
	{ "toggle_setting_2", K_INT, "o.toggle_setting_2" },
	{ "activity", K_INT, "o.activity" },
	{ "subtype", K_TEXT, "o.subtype" },
	{ "edit_options", K_INT, "o.edit_options" },
	{ "timestamp", K_DATETIME, "o.timestamp" },
	{ "last_updated", K_DATETIME, "o.last_updated" },
};
static const struct key keys[] = { { "list_name", .text = "o.list_id" } };
static const struct source source = {
	.table = "list_options",
	.alias = "o",
	.order = "o.seq o.option_id",
	.keys = keys,
	.n_keys = NITEMS(keys),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource list = {
	.name = "list", .compartment = COMPARTMENT_OPEN, .sources = &source, .n_sources = 1
};

static const struct style style = { .ops = &dialect_standard, .envelope = ENV_BARE };
static const struct direct_route routes[] = { { HTTP_GET, "/api/list/:list_name", &list, OP_LIST, &style } };
const struct direct_routes rest_list = { routes, NITEMS(routes) };
