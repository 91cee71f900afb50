/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of claims and the two rows they come from. Addresses and phones were never verified by anybody: *_verified is false. */
#include "gateway/oauth/claims.h"

#include "policy/scope_set.h"

enum column {
	COL_USERNAME,
	COL_GIVEN,
	COL_MIDDLE,
	COL_FAMILY,
	COL_EMAIL,
	COL_PHONE,
	COL_STREET,
	COL_CITY,
	COL_STATE,
	COL_POSTAL,
	COL_COUNTRY,
	COL_BIRTH,
	COL_SEX,
	COL_NPI
};
/* Columns that every supported generation has (5.0.2 to 8.x), in the order above. */
static const struct db_stmt staff_sql = { "claims_staff",
	"SELECT username, fname, mname, lname, email, COALESCE(NULLIF(phonew1, ''), phone), street, city, state, zip, "
	"NULL, NULL, "
	"NULL, npi FROM users WHERE uuid = ?",
	false };
static const struct db_stmt patient_sql = { "claims_patient",
	"SELECT NULL, fname, mname, lname, email, COALESCE(NULLIF(phone_cell, ''), phone_home), street, city, state, "
	"postal_code, "
	"country_code, DOB, sex, NULL FROM patient_data WHERE uuid = ?",
	false };

enum step
person_read(struct task *t, enum role role, struct str sub, struct db_result **out)
{
	struct request *r = request_of(t);
	struct uuid *uuid = ARENA_NEW(t->arena, struct uuid);
	struct db_val *v = ARENA_NEW(t->arena, struct db_val);
	if (uuid == NULL || v == NULL || uuid_parse(sub, uuid) != 0)
		return STEP_FAIL;
	*v = DB_V_BIN(uuid->b, sizeof uuid->b);
	return db_query(t, r->site->db, role == ROLE_PATIENT ? &patient_sql : &staff_sql, v, 1, out);
}

static struct str
column(const struct person *p, enum column c)
{
	return p->row->n_rows == 0 ? STR_NULL : str_trim(db_cell(p->row, 0, c)->s);
}

struct str
person_fhir_user(struct request *r, const struct person *p)
{
	const char *type = p->role == ROLE_PATIENT ? "Patient" : column(p, COL_NPI).n > 0 ? "Practitioner" : "Person";
	return arena_printf(r->task.arena, "%.*s/fhir/%s/%.*s", STR_ARG(r->site->api_base), type, STR_ARG(p->sub));
}

/* --- how a claim is written ------------------------------------------------------------------------------------------------ */

struct claim {
	struct str name;
	struct str scope; /* the scope that opens it; a scope of the claim's own name does too (contract 3.3) */
	void (*put)(struct json_write *w, struct request *r, const struct person *p, const struct claim *c);
	enum column column;
};

static void
text_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	struct str v = column(p, c->column);
	(void)r;
	if (v.n > 0)
		json_kv_str(w, c->name, v);
}

/* false, where there is something that could be verified */
static void
unverified_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	(void)r;
	if (column(p, c->column).n > 0)
		json_kv_bool(w, c->name, false);
}

static void
name_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	static const enum column parts[] = { COL_GIVEN, COL_MIDDLE, COL_FAMILY };
	struct buf b;
	buf_init(&b, r->task.arena, 128, 1024);
	for (size_t i = 0; i < NITEMS(parts); i++) {
		struct str v = column(p, parts[i]);
		if (v.n > 0 && b.n > 0)
			buf_char(&b, ' ');
		buf_str_put(&b, v);
	}
	if (buf_ok(&b) && b.n > 0)
		json_kv_str(w, c->name, buf_str(&b));
}

/* OIDC names these two values; what OpenEMR's list holds beside them has no agreed name. */
static void
gender_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	struct str v = column(p, c->column);
	(void)r;
	if (str_ieq(v, STR("Male")))
		json_kv_str(w, c->name, STR("male"));
	else if (str_ieq(v, STR("Female")))
		json_kv_str(w, c->name, STR("female"));
}

static void
date_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	struct str v = str_sub(column(p, c->column), 0, 10);
	(void)r;
	if (v.n == 10 && !str_starts(v, STR("0000")))
		json_kv_str(w, c->name, v);
}

/* OIDC Core 5.1.1: an object; OpenEMR sends one string. */
static void
address_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	static const struct {
		struct str name;
		enum column column;
	} parts[] = { { STR_INIT("street_address"), COL_STREET }, { STR_INIT("locality"), COL_CITY },
		{ STR_INIT("region"), COL_STATE }, { STR_INIT("postal_code"), COL_POSTAL },
		{ STR_INIT("country"), COL_COUNTRY } };
	bool any = false;
	(void)r;
	for (size_t i = 0; i < NITEMS(parts); i++)
		any = any || column(p, parts[i].column).n > 0;
	if (!any)
		return;
	json_key(w, c->name);
	json_obj(w);
	for (size_t i = 0; i < NITEMS(parts); i++)
		if (column(p, parts[i].column).n > 0)
			json_kv_str(w, parts[i].name, column(p, parts[i].column));
	json_obj_end(w);
}

static void
fhir_user_put(struct json_write *w, struct request *r, const struct person *p, const struct claim *c)
{
	json_kv_str(w, c->name, person_fhir_user(r, p));
}

static const struct claim claims[] = {
	{ STR_INIT("name"), STR_INIT("profile"), name_put, COL_FAMILY },
	{ STR_INIT("given_name"), STR_INIT("profile"), text_put, COL_GIVEN },
	{ STR_INIT("middle_name"), STR_INIT("profile"), text_put, COL_MIDDLE },
	{ STR_INIT("family_name"), STR_INIT("profile"), text_put, COL_FAMILY },
	{ STR_INIT("preferred_username"), STR_INIT("profile"), text_put, COL_USERNAME },
	{ STR_INIT("gender"), STR_INIT("profile"), gender_put, COL_SEX },
	{ STR_INIT("birthdate"), STR_INIT("profile"), date_put, COL_BIRTH },
	{ STR_INIT("email"), STR_INIT("email"), text_put, COL_EMAIL },
	{ STR_INIT("email_verified"), STR_INIT("email"), unverified_put, COL_EMAIL },
	{ STR_INIT("phone_number"), STR_INIT("phone"), text_put, COL_PHONE },
	{ STR_INIT("phone_number_verified"), STR_INIT("phone"), unverified_put, COL_PHONE },
	{ STR_INIT("address"), STR_INIT("address"), address_put, COL_STREET },
	{ STR_INIT("fhirUser"), STR_INIT("fhirUser"), fhir_user_put, COL_NPI },
};

void
claims_put(struct json_write *w, struct request *r, const struct person *p, const struct scope_set *granted)
{
	if (p->row->n_rows == 0)
		return;
	for (size_t i = 0; i < NITEMS(claims); i++)
		if (scope_set_has(granted, claims[i].scope) || scope_set_has(granted, claims[i].name))
			claims[i].put(w, r, p, &claims[i]);
}

void
claims_names_put(struct json_write *w)
{
	for (size_t i = 0; i < NITEMS(claims); i++)
		json_str(w, claims[i].name);
}
