/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drugs of the inventory, read only. A list has a row per lot, as OpenEMR's, whatever became of the lot, and one of a drug without lots; a
 * drug that is read by itself stands there once, with its newest lot that was not destroyed. OpenEMR repeats each of them for each
 * prescription of the drug, and takes the code of that: here it is the drug's own, and how often it was prescribed is not told. */
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
static const struct join newest_lot[] = {
	{ "drug_inventory", "v",
	    "v.inventory_id = (SELECT MAX(x.inventory_id) FROM drug_inventory x WHERE x.drug_id = d.drug_id AND "
	    "x.destroy_date IS NULL)" },
};
static const struct join drug_of_lot[] = { { "drugs", "d", "d.drug_id = v.drug_id" } };
static const struct join no_lot[] = { { "drug_inventory", "v", "v.drug_id = d.drug_id" } };
static const struct source sources[] = {
	{ .table = "drugs",
	    .alias = "d",
	    .id = "d.drug_id",
	    .uuid = "d.uuid",
	    .updated = "d.last_updated",
	    .no_list = true,
	    .joins = newest_lot,
	    .n_joins = NITEMS(newest_lot),
	    .fields = fields,
	    .n_fields = NITEMS(fields) },
	{ .table = "drug_inventory",
	    .alias = "v",
	    .id = "v.inventory_id",
	    .updated = "d.last_updated",
	    .where = "d.drug_id IS NOT NULL",
	    .order = "d.drug_id",
	    .list_only = true,
	    .joins = drug_of_lot,
	    .n_joins = NITEMS(drug_of_lot),
	    .fields = fields,
	    .n_fields = NITEMS(fields) },
	{ .table = "drugs",
	    .alias = "d",
	    .id = "d.drug_id",
	    .uuid = "d.uuid",
	    .updated = "d.last_updated",
	    .where = "v.inventory_id IS NULL",
	    .order = "d.drug_id",
	    .list_only = true,
	    .joins = no_lot,
	    .n_joins = NITEMS(no_lot),
	    .fields = fields,
	    .n_fields = NITEMS(fields) },
};
static const struct resource drug = {
	.name = "drug", .compartment = COMPARTMENT_OPEN, .sources = sources, .n_sources = NITEMS(sources)
};
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD, .strings_unfiltered = true };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/drug", &drug, OP_LIST, &style },
	{ HTTP_GET, "/api/drug/:uuid", &drug, OP_READ, &style },
};
const struct direct_routes rest_drug = { routes, NITEMS(routes) };
