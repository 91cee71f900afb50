/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The insurance policies of a patient: read by uuid or, as 6.x does, by type; written; and two types exchanged. */
#include "backends/direct/rest/insurance.h"
#include "backends/direct/engine/dialects.h"
#include "backends/direct/rest/rest.h"
#include "gateway/base/text.h"

enum { DATE_CHARS = 10 };

/* clang-format off */
#define POLICY \
	{ "id", K_INT, "i.id", F_NEEDED }, \
	{ "uuid", K_UUID, "i.uuid" }, \
	{ "type", K_TEXT, "i.type" }, \
	{ "provider", K_TEXT, "i.provider" }, \
	{ "plan_name", K_TEXT, "i.plan_name" }, \
	{ "policy_number", K_TEXT, "i.policy_number" }, \
	{ "group_number", K_TEXT, "i.group_number" }, \
	{ "subscriber_lname", K_TEXT, "i.subscriber_lname" }, \
	{ "subscriber_mname", K_TEXT, "i.subscriber_mname" }, \
	{ "subscriber_fname", K_TEXT, "i.subscriber_fname" }, \
	{ "subscriber_relationship", K_TEXT, "i.subscriber_relationship" }, \
	{ "subscriber_ss", K_TEXT, "i.subscriber_ss" }, \
	{ "subscriber_DOB", K_DATE, "i.subscriber_DOB" }, \
	{ "subscriber_street", K_TEXT, "i.subscriber_street" }, \
	{ "subscriber_postal_code", K_TEXT, "i.subscriber_postal_code" }, \
	{ "subscriber_city", K_TEXT, "i.subscriber_city" }, \
	{ "subscriber_state", K_TEXT, "i.subscriber_state" }, \
	{ "subscriber_country", K_TEXT, "i.subscriber_country" }, \
	{ "subscriber_phone", K_TEXT, "i.subscriber_phone" }, \
	{ "subscriber_employer", K_TEXT, "i.subscriber_employer" }, \
	{ "subscriber_employer_street", K_TEXT, "i.subscriber_employer_street" }, \
	{ "subscriber_employer_postal_code", K_TEXT, "i.subscriber_employer_postal_code" }, \
	{ "subscriber_employer_state", K_TEXT, "i.subscriber_employer_state" }, \
	{ "subscriber_employer_country", K_TEXT, "i.subscriber_employer_country" }, \
	{ "subscriber_employer_city", K_TEXT, "i.subscriber_employer_city" }, \
	{ "copay", K_TEXT, "i.copay" }, \
	{ "date", K_DATE, "i.date" }, \
	{ "pid", K_INT, "i.pid" }, \
	{ "subscriber_sex", K_TEXT, "i.subscriber_sex" }, \
	{ "accept_assignment", K_TEXT, "i.accept_assignment" }, \
	{ "policy_type", K_TEXT, "i.policy_type" }, \
	{ "subscriber_street_line_2", K_TEXT, "i.subscriber_street_line_2" }, \
	{ "subscriber_employer_street_line_2", K_TEXT, "i.subscriber_employer_street_line_2" }, \
	{ "date_end", K_DATE, "i.date_end" }
static const struct field policy_fields[] = { POLICY };
static const struct field fields[] = {
	POLICY,
	{ "puuid", K_UUID, "p.uuid" },
	{ "insureruuid", K_UUID, "c.uuid" },
};
#define INPUTS(state_rule_, country_rule_) \
	{ "provider", K_TEXT, "i.provider", F_WRITE | F_REQUIRED | R_NUMERIC }, \
	{ "plan_name", K_TEXT, "i.plan_name", F_WRITE, .min = 2, .max = 255 }, \
	{ "policy_number", K_TEXT, "i.policy_number", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "group_number", K_TEXT, "i.group_number", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_lname", K_TEXT, "i.subscriber_lname", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_mname", K_TEXT, "i.subscriber_mname", F_WRITE, .min = 1, .max = 255 }, \
	{ "subscriber_fname", K_TEXT, "i.subscriber_fname", F_WRITE | F_REQUIRED, .min = 1, .max = 255 }, \
	{ "subscriber_relationship", K_TEXT, "i.subscriber_relationship", F_WRITE | F_REQUIRED, .option_of = "sub_relation" }, \
	{ "subscriber_ss", K_TEXT, "i.subscriber_ss", F_WRITE }, \
	{ "subscriber_DOB", K_TEXT, "i.subscriber_DOB", F_WRITE | F_REQUIRED | R_DATE }, \
	{ "subscriber_street", K_TEXT, "i.subscriber_street", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_postal_code", K_TEXT, "i.subscriber_postal_code", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_city", K_TEXT, "i.subscriber_city", F_WRITE | F_REQUIRED, .min = 2, .max = 255 }, \
	{ "subscriber_state", K_TEXT, "i.subscriber_state", F_WRITE | F_REQUIRED, state_rule_ }, \
	{ "subscriber_country", K_TEXT, "i.subscriber_country", F_WRITE, country_rule_ }, \
	{ "subscriber_phone", K_TEXT, "i.subscriber_phone", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer", K_TEXT, "i.subscriber_employer", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_street", K_TEXT, "i.subscriber_employer_street", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_postal_code", K_TEXT, "i.subscriber_employer_postal_code", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_state", K_TEXT, "i.subscriber_employer_state", F_WRITE, state_rule_ }, \
	{ "subscriber_employer_country", K_TEXT, "i.subscriber_employer_country", F_WRITE, country_rule_ }, \
	{ "subscriber_employer_city", K_TEXT, "i.subscriber_employer_city", F_WRITE, .min = 2, .max = 255 }, \
	{ "copay", K_TEXT, "i.copay", F_WRITE, .min = 2, .max = 255 }, \
	{ "date", K_TEXT, "i.date", F_WRITE | F_REQUIRED | R_DATE }, \
	{ "subscriber_sex", K_TEXT, "i.subscriber_sex", F_WRITE | F_REQUIRED, .option_of = "sex" }, \
	{ "accept_assignment", K_TEXT, "i.accept_assignment", F_WRITE | F_REQUIRED, .in = "TRUE FALSE" }, \
	{ "policy_type", K_TEXT, "i.policy_type", F_WRITE }, \
	{ "subscriber_street_line_2", K_TEXT, "i.subscriber_street_line_2", F_WRITE, .min = 2, .max = 255 }, \
	{ "subscriber_employer_street_line_2", K_TEXT, "i.subscriber_employer_street_line_2", F_WRITE, .min = 2, .max = 255 }, \
	{ "date_end", K_TEXT, "i.date_end", F_WRITE | R_DATE }
static const struct field inputs[] = { { "type", K_TEXT, "i.type", F_WRITE, .in = INSURANCE_TYPES },
	INPUTS(.option_setting = "state_list", .option_setting = "country_list") };
/* 6.x took any text */
#define TEXT_RULE .min = 2, .max = 255
static const struct field typed_inputs[] = { INPUTS(TEXT_RULE, TEXT_RULE) };
static const struct param params[] = {
	{ "uuid", M_UUID, "i.uuid" },
	{ "id", M_EXACT, "i.id" },
	{ "type", M_EXACT, "i.type" },
	{ "provider", M_EXACT, "i.provider" },
	{ "plan_name", M_EXACT, "i.plan_name" },
	{ "policy_number", M_EXACT, "i.policy_number" },
	{ "group_number", M_EXACT, "i.group_number" },
	{ "subscriber_lname", M_EXACT, "i.subscriber_lname" },
	{ "subscriber_mname", M_EXACT, "i.subscriber_mname" },
	{ "subscriber_fname", M_EXACT, "i.subscriber_fname" },
	{ "subscriber_relationship", M_EXACT, "i.subscriber_relationship" },
	{ "subscriber_ss", M_EXACT, "i.subscriber_ss" },
	{ "subscriber_DOB", M_EXACT, "i.subscriber_DOB" },
	{ "subscriber_street", M_EXACT, "i.subscriber_street" },
	{ "subscriber_postal_code", M_EXACT, "i.subscriber_postal_code" },
	{ "subscriber_city", M_EXACT, "i.subscriber_city" },
	{ "subscriber_state", M_EXACT, "i.subscriber_state" },
	{ "subscriber_country", M_EXACT, "i.subscriber_country" },
	{ "subscriber_phone", M_EXACT, "i.subscriber_phone" },
	{ "subscriber_employer", M_EXACT, "i.subscriber_employer" },
	{ "subscriber_employer_street", M_EXACT, "i.subscriber_employer_street" },
	{ "subscriber_employer_postal_code", M_EXACT, "i.subscriber_employer_postal_code" },
	{ "subscriber_employer_state", M_EXACT, "i.subscriber_employer_state" },
	{ "subscriber_employer_country", M_EXACT, "i.subscriber_employer_country" },
	{ "subscriber_employer_city", M_EXACT, "i.subscriber_employer_city" },
	{ "copay", M_EXACT, "i.copay" },
	{ "date", M_EXACT, "i.date" },
	{ "subscriber_sex", M_EXACT, "i.subscriber_sex" },
	{ "accept_assignment", M_EXACT, "i.accept_assignment" },
	{ "policy_type", M_EXACT, "i.policy_type" },
	{ "subscriber_street_line_2", M_EXACT, "i.subscriber_street_line_2" },
	{ "subscriber_employer_street_line_2", M_EXACT, "i.subscriber_employer_street_line_2" },
	{ "date_end", M_EXACT, "i.date_end" },
};
/* clang-format on */
static const struct join joins[] = {
	{ "patient_data", "p", "p.pid = i.pid" },
	{ "insurance_companies", "c", "c.id = CAST(i.provider AS UNSIGNED)" },
};
/* 6.x reads and writes by the type, where a later policy hides an earlier one. */
static const struct key keys[] = {
	{ "uuid", .uuid = "i.uuid", .text = "i.type" },
	{ "insuranceUuid", .uuid = "i.uuid", .text = "i.type" },
};
#define SOURCE(ident, fields_, joins_)                                                                                 \
	static const struct source ident = {                                                                           \
		.table = "insurance_data",                                                                             \
		.alias = "i",                                                                                          \
		.id = "i.id",                                                                                          \
		.uuid = "i.uuid",                                                                                      \
		.patient = "p.uuid",                                                                                   \
		.pid = "i.pid",                                                                                        \
		.order = "i.type ~i.date_end -i.date -i.date_end i.policy_number",                                     \
		.keys = keys,                                                                                          \
		.n_keys = NITEMS(keys),                                                                                \
		.joins = joins,                                                                                        \
		.n_joins = joins_,                                                                                     \
		.fields = fields_,                                                                                     \
		.n_fields = NITEMS(fields_),                                                                           \
		.params = params,                                                                                      \
		.n_params = NITEMS(params),                                                                            \
	}
SOURCE(source, fields, 2);
SOURCE(policy_source, policy_fields, 1);

/* --- writing -------------------------------------------------------------------------------------------------------------------- */

static const struct server_set sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "type", SV_BODY, "type", SET_CREATE, .sql = "COALESCE(?, 'primary')" },
};
static const struct server_set typed_sets[] = {
	{ "uuid", SV_UUID, NULL, SET_CREATE },
	{ "pid", SV_PID, NULL, SET_CREATE },
	{ "type", SV_PATH, "type", SET_CREATE },
};

bool
insurance_word(const char *words, struct str value)
{
	struct str rest = str_of(words), word;
	while (words_next(&rest, &word))
		if (str_eq(word, value))
			return true;
	return false;
}

/* What the policy will have: of the body, else of the row that is changed. */
static struct str
will_have(const struct call *c, const char *name, bool *given)
{
	char number[24];
	struct str text = accepted_input(c->plan->write, &c->accepted, name);
	if (text.p == NULL)
		return call_cell(c, name, number); /* texts and dates: number is not used */
	*given = true;
	return text;
}

/* --- whose subscriber it is: compared as OpenEMR does where names and number are all there ------------------------------------------ */

enum { SUBSCRIBER_FNAME, SUBSCRIBER_LNAME, SUBSCRIBER_SS, SUBSCRIBER_RELATIONSHIP, SUBSCRIBER_N };
struct subscriber {
	struct str v[SUBSCRIBER_N];
};

/* False: nothing to compare, or the body is not about it. */
static bool
subscriber_of(const struct call *c, struct subscriber *s)
{
	static const char *const names[SUBSCRIBER_N] = { "subscriber_fname", "subscriber_lname", "subscriber_ss",
		"subscriber_relationship" };
	bool given = false, whole = true;
	for (size_t i = 0; i < SUBSCRIBER_N; i++) {
		s->v[i] = will_have(c, names[i], &given);
		whole = whole && s->v[i].n > 0 && utf8_valid(s->v[i]);
	}
	return given && whole;
}

/* Columns: the patient's number is the subscriber's; the name is, to the byte; it is a former one of the patient's; any of the three by the
 * database's collation.                                                                                                    */
#define FORMER                                                                                                         \
	"EXISTS (SELECT 1 FROM patient_history h WHERE h.pid = p.pid AND h.history_type_key = 'name_history' AND "     \
	"h.previous_name_first = ? AND h.previous_name_last = ?)"
#define COMPARE(former_)                                                                                               \
	"SELECT p.ss IS NOT NULL AND BINARY p.ss = ?, BINARY p.fname = ? AND BINARY p.lname = ?, " former_             \
	", p.ss = ? OR (p.fname = ? AND p.lname = ?) FROM patient_data p WHERE p.pid = ?"
enum { SAME_SS, SAME_NAME, FORMER_NAME, ALIKE };
static const struct db_stmt compare_sql = { .name = "insurance_subscriber", .sql = COMPARE(FORMER) };
static const struct db_stmt compare_sql_old = { .name = "insurance_subscriber_old", .sql = COMPARE("0") };

static const struct db_stmt *
subscriber_compare(struct call *c)
{
	struct subscriber s;
	bool former = schema_column(c->d->schema, STR("patient_history"), STR("previous_name_last")) != NULL &&
	              schema_column(c->d->schema, STR("patient_history"), STR("history_type_key")) != NULL;
	if (!subscriber_of(c, &s))
		return NULL;
	struct db_val ss = DB_V_STR(s.v[SUBSCRIBER_SS]), fname = DB_V_STR(s.v[SUBSCRIBER_FNAME]),
	              lname = DB_V_STR(s.v[SUBSCRIBER_LNAME]);
	const struct db_val vals[] = { ss, fname, lname, fname, lname, ss, fname, lname, DB_V_I64(c->parent.pid) };
	_Static_assert(NITEMS(vals) <= COMPARE_VALS_MAX, "as many as there is room for");
	for (size_t i = 0; i < NITEMS(vals); i++)
		if (former || i < 3 || i > 4)
			c->vals[c->n_vals++] = vals[i];
	return former ? &compare_sql : &compare_sql_old;
}

static bool
compared(const struct call *c, size_t column)
{
	const struct db_cell *cell = db_cell(c->compared, 0, column);
	return cell->kind == DB_C_INT && cell->i != 0;
}

static void
subscriber_check(struct call *c)
{
	static const struct {
		const char *code, *text;
	} errors[] = { { "Record::INVALID_SELF_SUBSCRIBER_NAME",
		           "Subscriber name must match patient name for self relationship" },
		{ "Record::INVALID_SELF_SUBSCRIBER_SSN",
		    "Subscriber social security number must match patient social security number for self "
		    "relationship" },
		{ "Record::INVALID_SUBSCRIBER_SSN",
		    "Subscriber social security number must not match patient social security number for "
		    "non-self relationship" } };
	enum { NAME, SELF_SS, OTHER_SS, NONE } wrong = NONE;
	struct subscriber s;
	if (c->compared == NULL || c->compared->n_rows == 0 || !subscriber_of(c, &s))
		return;
	bool same_ss = compared(c, SAME_SS), same_name = compared(c, SAME_NAME) || compared(c, FORMER_NAME);
	if (!str_eq(s.v[SUBSCRIBER_RELATIONSHIP], STR("self")))
		wrong = same_ss ? OTHER_SS : NONE;
	else if (!same_ss) /* who has neither name nor number is told of the name */
		wrong = same_name || compared(c, ALIKE) ? SELF_SS : NAME;
	else if (!same_name)
		wrong = NAME;
	if (wrong != NONE)
		violation_add(&c->violations, STR("subscriber_relationship"), str_of(errors[wrong].code), "%s",
		    errors[wrong].text);
}

/* --- other rules -------------------------------------------------------------------------------------------------------------------- */

static void
dates_check(struct call *c)
{
	bool given = false;
	struct str from = str_sub(will_have(c, "date", &given), 0, DATE_CHARS),
	           to = str_sub(will_have(c, "date_end", &given), 0, DATE_CHARS);
	if (given && from.n == DATE_CHARS && to.n == DATE_CHARS && memcmp(from.p, to.p, DATE_CHARS) > 0 &&
	    !str_eq(to, STR("0000-00-00")))
		violation_add(&c->violations, STR("date"), STR("DateTime::INVALID_START_DATE"),
		    "Start date cannot be after end date");
}

/* A site may know primary policies alone. */
static void
type_check(struct call *c, struct str type)
{
	if (globals_on(c->d->globals, "insurance_only_one") && type.n > 0 && !str_eq(type, STR("primary")))
		violation_add(&c->violations, STR("type"), STR("INSURANCE_ONLY_ONE::INVALID_INSURANCE_TYPE"),
		    "only primary insurance allowed with insurance_only_one global setting enabled");
}

/* 8.x knows the types of Medicare's secondary payers. */
static void
policy_prepare(struct call *c)
{
	struct str kind = accepted_input(c->plan->write, &c->accepted, "policy_type");
	if (c->plan->compat == COMPAT_V8 && kind.n > 0 && !insurance_word("12 13 14 15 16 41 42 43 47", kind))
		violation_add(&c->violations, STR("policy_type"), STR("InArray::NOT_IN_ARRAY"),
		    "policy type must be in the defined set of values");
	subscriber_check(c);
	dates_check(c);
	type_check(c, accepted_input(c->plan->write, &c->accepted, "type"));
}

static void
typed_prepare(struct call *c)
{
	if (!insurance_word(INSURANCE_TYPES, c->id_text))
		violation_add(&c->violations, STR("type"), STR("InArray::NOT_IN_ARRAY"),
		    "type must be in the defined set of values");
	policy_prepare(c);
	type_check(c, c->id_text);
}

#define DUPLICATE "A policy for this type with the same effective date already exists for this patient"
#define WRITE(ident, sets_, inputs_, compare_, prepare_)                                                               \
	static const struct write_rule ident = {                                                                       \
		.table = "insurance_data",                                                                             \
		.sets = sets_,                                                                                         \
		.n_sets = NITEMS(sets_),                                                                               \
		.inputs = inputs_,                                                                                     \
		.n_inputs = NITEMS(inputs_),                                                                           \
		.answer = "*",                                                                                         \
		.uuid_label = "Coverage UUID",                                                                         \
		.duplicate_field = "date",                                                                             \
		.duplicate_code = "Record::DUPLICATE_RECORD",                                                          \
		.duplicate_text = DUPLICATE,                                                                           \
		.compare = compare_,                                                                                   \
		.prepare = prepare_,                                                                                   \
	}
WRITE(write, sets, inputs, subscriber_compare, policy_prepare);
WRITE(typed_write, typed_sets, typed_inputs, NULL, typed_prepare); /* 6.x compared nobody */
static const struct resource insurance = {
	.name = "insurance", .compartment = COMPARTMENT_PATIENT, .sources = &source, .n_sources = 1
};
static const struct resource policy = { .name = "insurance",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &policy_source,
	.n_sources = 1,
	.write = &write };
static const struct resource typed = { .name = "insurance",
	.compartment = COMPARTMENT_PATIENT,
	.sources = &policy_source,
	.n_sources = 1,
	.write = &typed_write };

/* --- routes ---------------------------------------------------------------------------------------------------------------------- */

static const struct refusal no_patient = {
	.field = "puuid::INVALID_PUUID", .code = "", .text = "Patient uuid invalid"
};
static const struct style style = { .ops = &dialect_standard, .envelope = ENV_OLD };
static const struct style written = { .ops = &dialect_standard, .envelope = ENV_OLD, .no_parent = &no_patient };
static const struct style named = { .ops = &dialect_standard, .envelope = ENV_BARE, .created = "\"%\"" };
#define SWAP_TYPES "{\"enum\":[\"primary\",\"secondary\",\"tertiary\"]}"
#define SWAP_TOLD                                                                                                      \
	.rows = "src target", .parameters =                                                                            \
	                          "{\"name\":\"type\",\"in\":\"query\",\"required\":true,\"schema\":" SWAP_TYPES       \
	                          "},{\"name\":\"uuid\",\"in\":"                                                       \
	                          "\"query\",\"required\":true,\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}"
static const struct told swap_told = { SWAP_TOLD };
static const struct told swap_post_told = { SWAP_TOLD, .takes_key = true };
static const struct direct_route routes[] = {
	{ HTTP_GET, "/api/patient/:puuid/insurance", &insurance, OP_LIST, &style },
	{ HTTP_GET, "/api/patient/:puuid/insurance/$swap-insurance", &policy, OP_SPECIAL, &written,
	    .action = insurance_swap, .told = &swap_told },
	{ HTTP_POST, "/api/patient/:puuid/insurance/$swap-insurance", &policy, OP_SPECIAL, &written,
	    .action = insurance_swap, .told = &swap_post_told },
	{ HTTP_GET, "/api/patient/:puuid/insurance/:uuid", &insurance, OP_READ, &style },
	{ HTTP_PUT, "/api/patient/:puuid/insurance/:insuranceUuid", &policy, OP_UPDATE, &written },
	{ HTTP_POST, "/api/patient/:puuid/insurance", &policy, OP_CREATE, &written },
	{ HTTP_POST, "/api/patient/:pid/insurance/:type", &typed, OP_CREATE, &named },
};
const struct direct_routes rest_insurance = { routes, NITEMS(routes) };
