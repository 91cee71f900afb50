/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drugs of the inventory, read only. OpenEMR repeats a drug for each of its lots and prescriptions; here it stands once, with its newest lot
 * that was not destroyed and its own code.                                                                                  */
#include "backends/direct/engine/dialects.h"
#include "backends/direct/engine/fixups.h"
#include "backends/direct/rest/rest.h"

/* clang-format off */
static const struct field fields[] = {
	{ "drug_id", K_INT, "d.drug_id", F_NEEDED },
	{ "uuid", K_UUID, "d.uuid" },
	{ "name", K_TEXT, "d.name" },
	{ "ndc_number", K_TEXT, "d.ndc_number" },
	{ "form", K_TEXT, "d.form" },
	{ "size", K_TEXT, "d.size" },
	{ "unit", K_TEXT, "d.unit" },
	{ "route", K_TEXT, "d.route" },
	{ "related_code", K_TEXT, "d.related_code" },
	{ "active", K_INT, "d.active" },
	{ "drug_code", K_FIXUP, "d.drug_code", .fixup = fix_drug_code },
	{ "rxnorm_drugcode", K_TEXT, NULL, .sql = "COALESCE(d.drug_code, '')" },
	{ "manufacturer", K_TEXT, "v.manufacturer" },
	{ "lot_number", K_TEXT, "v.lot_number" },
	{ "expiration", K_DATE, "v.expiration" },
	{ "drug_last_updated", K_DATETIME, "d.last_updated" },
	{ "drug_date_created", K_DATETIME, "d.date_created" },
};
/* clang-format on */
static const struct join joins[] = {
	{ "drug_inventory", "v",
	    "v.inventory_id = (SELECT MAX(x.inventory_id) FROM drug_inventory x WHERE x.drug_id = d.drug_id AND "
	    "x.destroy_date IS NULL)" },
};
static const struct source source = {
	.table = "drugs",
	.alias = "d",
	.id = "d.drug_id",
	.uuid = "d.uuid",
	.updated = "d.last_updated",
	.joins = joins,
	.n_joins = NITEMS(joins),
	.fields = fields,
	.n_fields = NITEMS(fields),
};
static const struct resource drug = {
	.name = "drug", .compartment = COMPARTMENT_OPEN, .sources = &source, .n_sources = 1
};
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD, .strings_unfiltered = true };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/drug", &drug, OP_LIST, &style },
	{ HTTP_GET, "/api/drug/:uuid", &drug, OP_READ, &style },
};
const struct direct_routes rest_drug = { routes, NITEMS(routes) };
