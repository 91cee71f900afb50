/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that are wrong are told by name before anything is served. */
#include "backends/direct/engine/mapping_check.h"

#include "backends/direct/engine/dialects.h"
#include "backends/direct/fhir/fhir.h"
#include "backends/direct/rest/rest.h"
#include "newest_schema.h"

static char told[4096];

static void
tell(void *arg, const char *text)
{
	(void)arg;
	size_t n = strlen(told);
	(void)snprintf(told + n, sizeof told - n, "%s\n", text);
}

static void
test_rows__as_shipped__are_right(void)
{
	struct schema *s = newest_schema(NULL);
	told[0] = 0;
	unsigned n = mapping_check(fhir_routes, n_fhir_routes, s, tell, NULL);
	for (unsigned i = 0; i < n_rest_routes; i++)
		n += mapping_check(rest_routes[i]->rows, rest_routes[i]->n, s, tell, NULL);
	if (n > 0)
		printf("\n%s", told);
	EXPECT(n == 0);
	schema_free(&s);
}

static const struct field good[] = { { "id", K_INT, "f.id" } };
static const struct field no_column[] = { { "x", K_TEXT, "f.nosuch" } };
static const struct field no_alias[] = { { "x", K_TEXT, "q.id" } };
static const struct field few_columns[] = { { "x", K_NAME, "f.name f.phone" } };
static const struct field twice[] = { { "id", K_INT, "f.id" }, { "x", K_TEXT, "f.name" }, { "id", K_INT, "f.id" } };
static const struct field not_readable[] = { { "x", K_UUID, "f.uuid", F_WRITE } };
static const struct field no_child[] = { { "x", K_CHILDREN, NULL, F_LIST } };
static const struct field no_map[] = { { "x", K_CODE, "f.name" } };
static const struct field no_fixup[] = { { "x", K_FIXUP, "f.name" } };
static const struct param bad_param[] = { { "x", M_EXACT, "f.nosuch" } };
static const struct param same_param[] = { { "x", M_EXACT, "f.name" }, { "x", M_EXACT, "f.phone" } };

static void
test_rows__with_a_mistake__are_told_by_name(void)
{
	static const struct {
		const struct field *fields;
		unsigned n_fields;
		const struct param *params;
		unsigned n_params;
		enum compartment compartment;
		const char *text;
		const char *id;
	} cases[] = {
		{ good, 1, NULL, 0, COMPARTMENT_OPEN, NULL },
		{ good, 1, NULL, 0, COMPARTMENT_UNSET, "compartment is not set" },
		{ good, 1, NULL, 0, COMPARTMENT_PATIENT, "row filter" },
		{ no_column, 1, NULL, 0, COMPARTMENT_OPEN, "no column facility.nosuch" },
		{ no_alias, 1, NULL, 0, COMPARTMENT_OPEN, "no known alias" },
		{ few_columns, 1, NULL, 0, COMPARTMENT_OPEN, "takes 5 to 6 columns, not 2" },
		{ twice, 3, NULL, 0, COMPARTMENT_OPEN, "id: twice" },
		{ not_readable, 1, NULL, 0, COMPARTMENT_OPEN, "UUID cannot be written" },
		{ no_child, 1, NULL, 0, COMPARTMENT_OPEN, "no child 0" },
		{ no_map, 1, NULL, 0, COMPARTMENT_OPEN, "no map" },
		{ no_fixup, 1, NULL, 0, COMPARTMENT_OPEN, "no fixup" },
		{ good, 1, bad_param, 1, COMPARTMENT_OPEN, "no column facility.nosuch" },
		{ good, 1, same_param, 2, COMPARTMENT_OPEN, "parameter x: twice" },
		{ good, 1, NULL, 0, COMPARTMENT_OPEN, "f.name is no integer", "f.name" },
	};
	struct schema *s = newest_schema(NULL);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct source source = { .table = "facility",
			.alias = "f",
			.id = cases[i].id == NULL ? "f.id" : cases[i].id,
			.uuid = "f.uuid",
			.fields = cases[i].fields,
			.n_fields = cases[i].n_fields,
			.params = cases[i].params,
			.n_params = cases[i].n_params };
		struct resource res = {
			.name = "test", .compartment = cases[i].compartment, .sources = &source, .n_sources = 1
		};
		static const struct style style = { .ops = &dialect_standard };
		struct direct_route row = { HTTP_GET, "/api/test", &res, OP_LIST, &style };
		told[0] = 0;
		unsigned n = mapping_check(&row, 1, s, tell, NULL);
		EXPECT_IDX(cases[i].text == NULL ? n == 0 : n > 0 && strstr(told, cases[i].text) != NULL, i);
	}
	schema_free(&s);
}

TESTS(T(test_rows__as_shipped__are_right), T(test_rows__with_a_mistake__are_told_by_name))
