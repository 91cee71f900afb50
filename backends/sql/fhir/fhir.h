/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FHIR R4 types as rows: elements, search parameters; read, search and the CapabilityStatement over them. Private to backends/direct. */
#ifndef BACKENDS_DIRECT_FHIR_FHIR_H
#define BACKENDS_DIRECT_FHIR_FHIR_H

#include "backends/sql/engine/plan.h"
#include "gateway/core/site.h"

/* Elements. cols: up to six columns of FROM; a column that the generation lacks reads as absent. Rows with one name that belong to an
 * array (identifier, telecom, extension ...) stand next to each other.                                                     */
enum element_kind {
	E_TEXT_NAME,  /* text: narrative of the given texts                                                 */
	E_TRUE,       /* true                                                                               */
	E_ACTIVE,     /* boolean from 0/1                                                                   */
	E_STRING,     /* text                                                                               */
	E_DATE,       /* date without zero dates                                                            */
	E_DECEASED,   /* deceasedDateTime, or deceasedBoolean false                                         */
	E_GENDER,     /* code from sex                                                                      */
	E_IDENTIFIER, /* array; arg "system|use|v2-0203 type"                                               */
	E_HUMAN_NAME, /* array; title fname mname lname suffix; arg use                                     */
	E_TELECOM,    /* array; arg "system|use"                                                            */
	E_ADDRESS,    /* array; line line2 city district state postalCode (country as second column of arg) */
	E_ORG_TYPE,   /* array; arg "code|display"                                                          */
	E_BIRTHSEX,   /* extension                                                                          */
	E_OMB,        /* extension; option title, code; arg url; needs = written even when absent           */
	E_LANGUAGE,   /* array communication; option title, code                                            */
	E_REFERENCE   /* array; uuid; arg type                                                              */
};
struct element {
	const char *name;
	enum element_kind kind;
	const char *cols[7];
	const char *arg;
	bool array;
};
enum param_kind { P_ID, P_STRING, P_TOKEN, P_IDENTIFIER, P_GENDER, P_BOOLEAN, P_DATE, P_DATETIME };
struct search_param {
	const char *name;
	enum param_kind kind;
	const char *cols[6];
	const char *arg; /* P_IDENTIFIER: systems of the columns, space separated */
};
struct fhir_resource {
	const char *name; /* "Patient" */
	const char *profile;
	const char *table, *alias, *joins, *where;
	const char *updated; /* column of meta.lastUpdated */
	const char *patient; /* column of the compartment's uuid; NULL: not in the patient compartment */
	const struct element *elements;
	size_t n_elements;
	const struct search_param *params;
	size_t n_params;
};
extern const struct fhir_resource *const fhir_resources[];
extern const size_t n_fhir_resources;
extern const struct fhir_resource fhir_patient, fhir_practitioner, fhir_organization;

enum { ELEMENT_COLS = 7 };
struct fhir_plan {
	const struct fhir_resource *res;
	const struct schema *schema;
	bool usable, table_missing;
	struct str missing;
	unsigned first[64]; /* per element: index of its first column in the row */
	const char *select; /* "SELECT ... FROM ... " */
	struct db_point read;
};
struct fhir_plan *fhir_plan_new(struct arena *a, const struct fhir_resource *res, const struct schema *schema);
/* Index of the FHIR operation that answers the route, or -1. */
int fhir_route_find(const struct route *route);
/* plans by index in fhir_resources; NULL: not read yet (metadata answers all the same). */
enum step fhir_handle(struct request *r, int operation, struct fhir_plan *const *plans);
/* render.c */
void fhir_render(struct json_write *w, const struct request *r, const struct fhir_plan *plan,
    const struct db_result *rows, size_t row);
/* search.c: the WHERE of a search. */
struct search {
	struct buf where;
	struct db_val *vals;
	size_t n_vals;
	uint64_t count;
	bool want_total, strict;
	struct buf self; /* query of the self link: what was used */
	struct uuid after;
	bool has_after;
};
enum step search_parse(struct request *r, const struct fhir_plan *plan, const struct form *params, struct search *s);
/* OperationOutcome reply. */
enum step fhir_refuse(struct request *r, unsigned status, const char *code, struct str text);
/* metadata.c */
enum step metadata_reply(struct request *r);

#endif
