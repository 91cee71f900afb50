/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a grant gives: the scopes that are left of those asked for, the claims about the person that they open, and whether the person
 * of a login is still the same. Not for the endpoints (tests/e2e).                                                         */
#include "gateway/oauth/claims.h"
#include "gateway/oauth/code.h"
#include "gateway/oauth/endpoint.h"

#include "policy/policy.h"
#include "tests/unit/policy/shipped.h"

static struct policy
shipped_policy(struct arena *a, bool system_scopes)
{
	const struct route_table *t = shipped_table(a);
	return (struct policy){ .routes = t,
		.catalog = route_table_catalog(t),
		.api_on = { true, true, true, true, true },
		.system_scopes = system_scopes };
}

static struct request
request_of_site(struct arena *a, struct site *s)
{
	static struct http_head head; /* without fields */
	static struct exchange x = { .magic = EXCHANGE_MAGIC, .head = &head };
	struct request r = { .magic = REQUEST_MAGIC, .x = &x, .site = s, .dialect = DIALECT_OAUTH };
	r.task.arena = a;
	reply_init(&r.reply, a, 64 << 10);
	return r;
}

static void
test_scopes__are_known_registered_and_of_the_role(void)
{
	static const struct {
		enum compat compat;
		enum role role;
		bool system;
		const char *asked, *registered, *granted; /* granted NULL: refused */
		const char *names;                        /* the scope that the refusal tells */
	} rows[] = {
		{ COMPAT_V8, ROLE_USERS, false, "openid user/Patient.rs", "openid user/Patient.rs user/Encounter.rs",
		    "openid user/Patient.rs", "" },
		{ COMPAT_V8, ROLE_USERS, false, "openid user/Patient.rs", "openid", "openid", "" },
		{ COMPAT_V8, ROLE_USERS, false, "openid user/Patient.rs", "openid user/Patient.r", "openid",
		    "" }, /* whole or not at all */
		{ COMPAT_V8, ROLE_USERS, false, "openid user/Nosuch.rs", "openid user/Nosuch.rs", NULL,
		    "user/Nosuch.rs" },
		{ COMPAT_V8, ROLE_USERS, false, "openid root", "openid root", NULL, "root" },
		{ COMPAT_V8, ROLE_USERS, false, "openid \x01", "openid", NULL, "" },
		{ COMPAT_V8, ROLE_USERS, false, "openid", "\x01", NULL,
		    "" }, /* a row that cannot be read grants nothing */
		{ COMPAT_V8, ROLE_PATIENT, false, "openid user/Patient.rs patient/Patient.rs",
		    "openid user/Patient.rs patient/Patient.rs", "openid patient/Patient.rs", "" },
		{ COMPAT_V8, ROLE_SYSTEM, false, "system/Patient.rs", "system/Patient.rs", NULL, "system/Patient.rs" },
		{ COMPAT_V8, ROLE_SYSTEM, true, "system/Patient.rs", "system/Patient.rs", "system/Patient.rs", "" },
		{ COMPAT_CLASSIC, ROLE_USERS, false, "openid user/patient.read", "openid user/patient.read", NULL,
		    "user/patient.read" },
		{ COMPAT_CLASSIC, ROLE_USERS, false, "openid api:oemr user/patient.read",
		    "openid api:oemr user/patient.read", "openid api:oemr user/patient.read", "" },
		{ COMPAT_CLASSIC, ROLE_PATIENT, false, "openid api:oemr patient/patient.read",
		    "openid api:oemr patient/patient.read", NULL, "patient/patient.read" },
	};
	AUTO(arena) a = arena_new("test", 64 << 20);
	struct policy policies[2] = { shipped_policy(a, false), shipped_policy(a, true) };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct site s = { .magic = SITE_MAGIC, .compat = rows[i].compat, .policy = &policies[rows[i].system] };
		struct request r = request_of_site(a, &s);
		struct oauth_client client = { .id = STR("c"), .scope = str_of(rows[i].registered) };
		const struct scope_set *got = NULL, *want = NULL;
		int rc = oauth_scopes(&r, str_of(rows[i].asked), &client, rows[i].role, &got);
		struct str body = buf_str(&r.reply.body);
		EXPECT_IDX((rc == 0) == (rows[i].granted != NULL), i);
		if (rows[i].granted == NULL) {
			EXPECT_IDX(r.reply.status == 400, i);
			EXPECT_IDX(str_find_str(body, STR("\"error\":\"invalid_scope\"")) < body.n, i);
			EXPECT_IDX(rows[i].names[0] == 0 || str_find_str(body, str_of(rows[i].names)) < body.n, i);
			continue;
		}
		REQUIRE(scope_set_parse(a, str_of(rows[i].granted), &want, NULL) == 0 && rc == 0);
		EXPECT_IDX(scope_set_count(got) == scope_set_count(want), i);
		for (size_t k = 0; k < scope_set_count(want) && k < scope_set_count(got); k++)
			EXPECT_IDX(str_eq(scope_set_at(got, k)->text, scope_set_at(want, k)->text), i);
	}
}

#define TEXT(lit) { .kind = DB_C_TEXT, .s = STR_INIT(lit) }
#define NIL       { .kind = DB_C_NULL }

static void
test_claims__are_opened_by_their_scopes_and_empty_ones_left_out(void)
{
	static const struct db_cell staff[] = { TEXT("doc"), TEXT("Ann"), TEXT(""), TEXT("Lee"), TEXT("a@example.org"),
		NIL, TEXT(""), NIL, TEXT(" "), NIL, NIL, NIL, NIL, TEXT("1234567893") };
	static const struct db_cell patient[] = { NIL, TEXT("Bo"), TEXT("X."), TEXT("Ray"), TEXT(""), TEXT("555"),
		TEXT("1 Elm"), TEXT("Town"), NIL, TEXT("00001"), NIL, TEXT("1980-02-29"), TEXT("Female"), NIL };
	static const struct db_cell bare[] = { NIL, TEXT(""), TEXT(""), TEXT(""), NIL, NIL, NIL, NIL, NIL, NIL, NIL,
		TEXT("0000-00-00"), TEXT("Unknown"), NIL };
	static const struct {
		enum role role;
		const struct db_cell *cells; /* NULL: the person is gone */
		const char *scopes, *json;
	} rows[] = {
		{ ROLE_USERS, staff, "openid", "{}" },
		{ ROLE_USERS, staff, "openid profile",
		    "{\"name\":\"Ann "
		    "Lee\",\"given_name\":\"Ann\",\"family_name\":\"Lee\",\"preferred_username\":\"doc\"}" },
		{ ROLE_USERS, staff, "openid email", "{\"email\":\"a@example.org\",\"email_verified\":false}" },
		{ ROLE_USERS, staff, "openid phone address", "{}" },
		{ ROLE_USERS, staff, "openid fhirUser", "{\"fhirUser\":\"https://a/apis/x/fhir/Practitioner/u\"}" },
		{ ROLE_USERS, bare, "openid fhirUser profile", "{\"fhirUser\":\"https://a/apis/x/fhir/Person/u\"}" },
		{ ROLE_PATIENT, patient, "openid profile fhirUser",
		    "{\"name\":\"Bo X. Ray\",\"given_name\":\"Bo\",\"middle_name\":\"X.\",\"family_name\":\"Ray\","
		    "\"gender\":\"female\",\"birthdate\":\"1980-02-29\",\"fhirUser\":\"https://a/apis/x/fhir/Patient/"
		    "u\"}" },
		{ ROLE_PATIENT, patient, "openid email phone",
		    "{\"phone_number\":\"555\",\"phone_number_verified\":false}" },
		{ ROLE_PATIENT, patient, "openid address",
		    "{\"address\":{\"street_address\":\"1 Elm\",\"locality\":\"Town\",\"postal_code\":\"00001\"}}" },
		{ ROLE_PATIENT, bare, "openid profile email phone address", "{}" },
		{ ROLE_PATIENT, NULL, "openid profile email phone address fhirUser", "{}" },
	};
	AUTO(arena) a = arena_new("test", 1 << 20);
	struct site s = { .magic = SITE_MAGIC, .api_base = STR("https://a/apis/x") };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct request r = request_of_site(a, &s);
		const struct db_result row = {
			.n_rows = rows[i].cells != NULL, .n_cols = NITEMS(staff), .cells = rows[i].cells
		};
		struct person p = { .role = rows[i].role, .sub = STR("u"), .row = &row };
		const struct scope_set *granted;
		struct json_write w;
		struct buf out;
		REQUIRE(scope_set_parse(a, str_of(rows[i].scopes), &granted, NULL) == 0);
		buf_init(&out, a, 256, 4096);
		json_begin(&w, &out, JSON_PLAIN);
		json_obj(&w);
		claims_put(&w, &r, &p, granted);
		json_obj_end(&w);
		bool same = str_eq(buf_str(&out), str_of(rows[i].json));
		EXPECT_IDX(same, i);
		if (!same)
			printf("    %.*s\n", STR_ARG(buf_str(&out)));
	}
}

/* Between the login and the code, or the code and the token, the person may leave or change the password. */
static void
test_subject__is_good_with_the_password_of_the_login_only(void)
{
	static const struct db_cell same = TEXT("stamp-1"), other = TEXT("stamp-2"), none = NIL;
	static const struct {
		const struct db_cell *cell; /* NULL: no row, not active */
		int64_t registered;         /* a second factor */
		const char *stamp, *amr;    /* of the login */
		bool good;
	} rows[] = {
		{ &same, 0, "stamp-1", "pwd", true },
		{ &same, 0, "", "pwd", true }, /* not known yet */
		{ &other, 0, "stamp-1", "pwd", false },
		{ &none, 0, "stamp-1", "pwd", false },
		{ &none, 0, "", "pwd", false },
		{ NULL, 0, "stamp-1", "pwd", false },
		{ NULL, 0, "", "pwd", false },
		{ &same, 1, "stamp-1", "pwd", false }, /* registered since */
		{ &same, 1, "stamp-1", "", false },
		{ &same, 1, "stamp-1", "pwd otp mfa", true },
		{ &same, 0, "stamp-1", "pwd otp mfa", true },
		{ &other, 1, "stamp-1", "pwd otp mfa", false },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct db_cell cells[2] = { { .kind = DB_C_NULL }, { .kind = DB_C_INT, .i = rows[i].registered } };
		const struct db_result res = { .n_rows = rows[i].cell != NULL, .n_cols = 2, .cells = cells };
		struct subject who = { .role = ROLE_USERS, .stamp = str_of(rows[i].stamp), .amr = str_of(rows[i].amr) };
		if (rows[i].cell != NULL)
			cells[0] = *rows[i].cell;
		EXPECT_IDX(subject_good(&res, &who) == rows[i].good, i);
	}
}

TESTS(T(test_scopes__are_known_registered_and_of_the_role),
    T(test_claims__are_opened_by_their_scopes_and_empty_ones_left_out),
    T(test_subject__is_good_with_the_password_of_the_login_only))
