/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans over the newest schema and over sites that lack parts of it: reading, accepting, searching. */
#include "backends/direct/engine/accept.h"
#include "backends/direct/engine/query.h"
#include "backends/direct/engine/render.h"
#include "backends/direct/fhir/fhir.h"
#include "backends/direct/rest/rest.h"
#include "newest_schema.h"

struct bench {
	struct arena *a;
	struct schema *schema;
	struct plan *p;
	struct plan_report report;
};

static struct bench
bench_make(const struct resource *res, bool fhir, enum compat compat, const char *const *without)
{
	struct bench b = { .a = arena_new("plan", 64 << 20), .schema = newest_schema(without) };
	b.p = plan_new(b.a, res, fhir, compat, b.schema, &b.report);
	REQUIRE(b.p != NULL);
	return b;
}

static void
bench_free(struct bench *b)
{
	schema_free(&b->schema);
	arena_free(&b->a);
}

static void
test_plan__of_a_site_that_lacks_parts__tells_and_goes_on(void)
{
	static const struct {
		const struct resource *res;
		bool fhir;
		const char *without[3];
		enum plan_state state;
		const char *missing; /* first report; NULL: none */
		const char *not_in_sql;
	} cases[] = {
		/* res NULL: the Standard API's patient */
		{ NULL, false, { NULL }, PLAN_READY, NULL, NULL },
		{ NULL, false, { "patient_data.pronoun" }, PLAN_READY, NULL, "pronoun" },
		{ NULL, false, { "patient_data.last_updated" }, PLAN_READY, NULL, "last_updated" },
		{ NULL, false, { "contact_address.", "patient_history." }, PLAN_READY, NULL, "EXISTS" },
		{ NULL, false, { "patient_data.uuid" }, PLAN_INCOMPLETE, "patient_data.uuid", NULL },
		{ NULL, false, { "patient_data.fname" }, PLAN_INCOMPLETE, "patient_data.fname", NULL },
		{ NULL, false, { "patient_data." }, PLAN_NO_TABLE, "patient_data.*", NULL },
		{ &fhir_organization, true, { "procedure_providers." }, PLAN_READY, "procedure_providers.*", NULL },
		{ &fhir_patient, true, { "users." }, PLAN_READY, NULL, "LEFT JOIN" },
	};
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct bench b = bench_make(cases[i].res == NULL ? rest_patient.rows[0].res : cases[i].res,
		    cases[i].fhir, COMPAT_V8, cases[i].without);
		EXPECT_IDX(b.p->state == cases[i].state, i);
		EXPECT_IDX(cases[i].missing == NULL
		               ? b.report.n == 0
		               : b.report.n > 0 && str_eq(b.report.missing[0], str_of(cases[i].missing)),
		    i);
		if (cases[i].not_in_sql != NULL)
			EXPECT_IDX(strstr(b.p->sources[0].point.sql, cases[i].not_in_sql) == NULL, i);
		bench_free(&b);
	}
}

static void
test_plan__of_an_older_site__reads_the_column_by_its_older_name(void)
{
	static const char *const without[] = { "facility.city", NULL };
	static const struct field fields[] = { { "town", K_TEXT, "f.city", .was = "f.mail_city",
	    .classic = "old_town" } };
	static const struct source source = {
		.table = "facility", .alias = "f", .id = "f.id", .uuid = "f.uuid", .fields = fields, .n_fields = 1
	};
	static const struct resource res = {
		.name = "test", .compartment = COMPARTMENT_OPEN, .sources = &source, .n_sources = 1
	};
	struct bench b = bench_make(&res, false, COMPAT_CLASSIC, without);
	EXPECT(strstr(b.p->sources[0].point.sql, "f.`mail_city`") != NULL);
	EXPECT(str_eq(b.p->sources[0].ops[0].key, STR("\"old_town\":")));
	bench_free(&b);
}

/* A row of the plan's source with one text in each column of a name, NULL elsewhere. */
static void
test_render__of_a_row__writes_members_in_order(void)
{
	struct bench b = bench_make(&fhir_practitioner, true, COMPAT_V8, NULL);
	const struct plan_source *ps = &b.p->sources[0];
	struct db_cell *row = arena_array(b.a, 64, sizeof *row);
	struct child_rows none[CHILDREN_MAX] = { 0 };
	struct json_write w;
	struct buf out;
	struct render r = { .fhir = true };
	REQUIRE(row != NULL);
	memset(row, 0, 64 * sizeof *row);
	row[ps->uuid] = text_cell(STR("0123456789abcdef"));
	for (unsigned i = 0; i < ps->n_ops; i++)
		if (strcmp(ps->ops[i].f->name, "name") == 0)
			row[ps->ops[i].slot[3]] = text_cell(STR("Tor"));
	buf_init(&out, b.a, 1024, 1 << 16);
	json_begin(&w, &out, JSON_PLAIN);
	render_row(&w, &r, b.p, ps, row, none);
	EXPECT(str_eq(buf_str(&out),
	    STR("{\"id\":\"30313233-3435-3637-3839-616263646566\",\"meta\":{\"versionId\":\"1\"},\"resourceType\":"
	        "\"Practitioner\",\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/"
	        "xhtml\\\"> <p>Tor</p></div>\"},\"name\":[{\"use\":\"official\",\"family\":\"Tor\"}]}")));
	bench_free(&b);
}

static void
test_accept__of_bodies__gives_all_errors_at_once(void)
{
	static const struct {
		const char *body;
		bool create;
		unsigned given, violations;
		const char *first; /* field of the first violation */
	} cases[] = {
		{ "{\"fname\":\"A\",\"lname\":\"Bo\",\"sex\":\"Male\",\"DOB\":\"1990-01-01\"}", true, 4, 0, NULL },
		{ "{}", true, 0, 4, "fname" },
		{ "{}", false, 0, 0, NULL },
		{ "{\"fname\":\"\",\"lname\":\"B\",\"sex\":\"M\",\"DOB\":\"x\"}", true, 3, 4, "fname" },
		{ "{\"uuid\":\"x\",\"pid\":7,\"id\":7,\"created_by\":1,\"nosuch\":[]}", false, 0, 0, NULL },
		{ "{\"mname\":null}", false, 0, 0, NULL },
		{ "{\"deceased_date\":null}", false, 1, 0, NULL },
		{ "{\"mname\":{\"a\":1}}", false, 0, 1, "mname" },
		{ "{\"providerID\":\"x\"}", false, 1, 1, "providerID" },
		{ "{\"fname\":null}", false, 0, 1, "fname" },
	};
	struct bench b = bench_make(rest_patient.rows[0].res, false, COMPAT_V8, NULL);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		json_t *body = json_loads(cases[i].body, 0, NULL);
		struct accepted in = { 0 };
		struct violations v = { 0 };
		REQUIRE(body != NULL);
		EXPECT_IDX(accept_body(b.p, body, cases[i].create, NULL, b.a, &in, &v) == 0, i);
		EXPECT_IDX(in.n_given == cases[i].given, i);
		EXPECT_IDX(v.n == cases[i].violations, i);
		if (cases[i].first != NULL && v.n > 0)
			EXPECT_IDX(str_eq(v.v[0].field, str_of(cases[i].first)), i);
		json_decref(body);
	}
	bench_free(&b);
}

static size_t
marks_of(const char *sql)
{
	size_t n = 0;
	for (; *sql != 0; sql++)
		n += *sql == '?';
	return n;
}

static void
test_accept__bound__fills_every_mark(void)
{
	struct bench b = bench_make(rest_patient.rows[0].res, false, COMPAT_V8, NULL);
	struct accepted in = { 0 };
	struct violations v = { 0 };
	static struct db_val vals[256];
	size_t n = 0, sets = 0;
	EXPECT(accept_body(b.p, NULL, false, NULL, b.a, &in, &v) == 0);
	accepted_bind(b.p->write, &in, SET_UPDATE, vals, &n);
	for (unsigned i = 0; i < b.p->write->n_sets; i++)
		sets += ((unsigned)b.p->write->sets[i]->when & SET_UPDATE) && b.p->write->sets[i]->what != SV_NOW;
	EXPECT(marks_of(b.p->write->update.sql) == n + sets + 1);
	bench_free(&b);
}

/* Searches as text: a value of the client never stands in it, and every mark has a value. */
static void
test_query__of_hostile_values__binds_them(void)
{
	static const struct {
		const char *name, *value;
		enum modifier mod;
		bool good;
		const char *in_sql;
	} cases[] = {
		{ "family", "x' OR '1'='1", MOD_NONE, true, "p.`lname` LIKE ?" },
		{ "family", "50%_!", MOD_CONTAINS, true, "LIKE ? ESCAPE '!'" },
		{ "family", "X", MOD_EXACT, true, "BINARY p.`lname` = ?" },
		{ "gender", "other", MOD_NONE, true, "<> ?" },
		{ "gender", "nosuch", MOD_NONE, true, "1 = 0" },
		{ "birthdate", "ge1990", MOD_NONE, true, "p.`DOB` >= ?" },
		{ "birthdate", "ap1990", MOD_NONE, false, NULL },
		{ "birthdate", "1990-13-01", MOD_NONE, false, NULL },
		{ "_id", "not-a-uuid", MOD_NONE, false, NULL },
		{ "general-practitioner", "Practitioner/30313233-3435-3637-3839-616263646566", MOD_NONE, true,
		    "gp.`uuid` = ?" },
		{ "general-practitioner", "Patient/30313233-3435-3637-3839-616263646566", MOD_NONE, true, "1 = 0" },
		{ "address-city", "Xyz", MOD_NONE, true, "EXISTS(SELECT 1 FROM `contact` k" },
		{ "phone", "true", MOD_MISSING, true, "IS NULL" },
	};
	struct bench b = bench_make(&fhir_patient, true, COMPAT_V8, NULL);
	struct query_forms *forms = query_forms_new(b.a);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		static struct db_val vals[QUERY_VALS_MAX];
		const struct db_stmt *stmt = NULL, *again = NULL;
		struct err e = { 0 };
		size_t n = 0;
		struct query *q = query_new(b.a);
		struct filter *f = query_filter(q, str_of(cases[i].name), cases[i].mod);
		f->values[f->n_values++] = str_of(cases[i].value);
		int rc = query_page(q, b.p, forms, b.a, 10, &stmt, vals, &n, &e);
		EXPECT_IDX((rc == 0) == cases[i].good, i);
		if (rc != 0)
			continue;
		EXPECT_IDX(marks_of(stmt->sql) == n, i);
		EXPECT_IDX(strstr(stmt->sql, cases[i].in_sql) != NULL, i);
		EXPECT_IDX(strchr(stmt->sql, ';') == NULL && strstr(stmt->sql, cases[i].value) == NULL, i);
		EXPECT_IDX(query_page(q, b.p, forms, b.a, 10, &again, vals, &n, &e) == 0 && again == stmt, i);
	}
	query_forms_free(&forms);
	bench_free(&b);
}

static void
test_query__with_a_row_filter__always_has_it(void)
{
	struct bench b = bench_make(&fhir_patient, true, COMPAT_V8, NULL);
	struct query_forms *forms = query_forms_new(b.a);
	static struct db_val vals[QUERY_VALS_MAX];
	const struct db_stmt *page, *count;
	struct err e = { 0 };
	size_t n = 0;
	struct query *q = query_new(b.a);
	q->by_patient = true;
	REQUIRE(query_page(q, b.p, forms, b.a, 10, &page, vals, &n, &e) == 0);
	EXPECT(strstr(page->sql, "AND p.`uuid` = ?") != NULL && vals[0].kind == DB_BIN);
	REQUIRE(query_count(q, b.p, forms, b.a, &count, vals, &n, &e) == 0);
	EXPECT(strstr(count->sql, "AND p.`uuid` = ?") != NULL);
	query_forms_free(&forms);
	bench_free(&b);
}

static void
test_token__read_back__is_the_position_and_garbage_is_refused(void)
{
	static const char *const bad[] = { "", "!!", "MA", "MDo", "OTk6MQ", "MDoxAA", "MDp4", "MDoxAGFhAGJi" };
	struct arena *a = arena_new("token", 1 << 20);
	struct query *q = query_new(a), *back = query_new(a);
	struct db_cell row[] = { { .kind = DB_C_INT, .i = 1 }, { .kind = DB_C_INT, .i = -7 },
		{ .kind = DB_C_TEXT, .s = STR_INIT("O'Brien") } };
	q->n_sorts = back->n_sorts = 1;
	struct str token = query_token(a, q, row);
	EXPECT(query_token_read(a, back, token) == 0);
	EXPECT(back->after_source == 1 && back->after_id == -7 && str_eq(back->after_sort[0], STR("O'Brien")));
	back->n_sorts = 0;
	EXPECT(query_token_read(a, back, token) == -1);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(query_token_read(a, back, str_of(bad[i])) == -1, i);
	arena_free(&a);
}

TESTS(T(test_plan__of_a_site_that_lacks_parts__tells_and_goes_on),
    T(test_plan__of_an_older_site__reads_the_column_by_its_older_name),
    T(test_render__of_a_row__writes_members_in_order), T(test_accept__of_bodies__gives_all_errors_at_once),
    T(test_accept__bound__fills_every_mark), T(test_query__of_hostile_values__binds_them),
    T(test_query__with_a_row_filter__always_has_it), T(test_token__read_back__is_the_position_and_garbage_is_refused))
