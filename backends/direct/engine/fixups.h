/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rows cannot say: short named functions that write one value. Each says whose quirk it is. Not for anything that depends on the
 * name of a resource.                                                                                                      */
#ifndef BACKENDS_DIRECT_ENGINE_FIXUPS_H
#define BACKENDS_DIRECT_ENGINE_FIXUPS_H

#include "backends/direct/engine/codec.h"

/* suffix lname: the stored suffix, else the first of Jr. Sr. II III IV that stands in the last name. OpenEMR PatientService. */
bool fix_suffix(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* The cells that are not empty, with a blank between. */
bool fix_joined(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* NULL is written as "". */
bool fix_text(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* deceased_date: deceasedDateTime's value, in FHIR. */
bool fix_deceased(struct json_write *w, const struct render *r, const struct db_cell *const *c);

/* A ;-separated list of TYPE:CODE and, as far as the site's code tables know them, their texts (F_CODES): {code: {code, description,
 * code_type, system}}; NULL and "" as they are. system is an OID in classic, a URI in 8.x. OpenEMR's BaseService. */
bool fix_codes(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* reaction: those codes of the option of list "reaction" that the column names, else the column. AllergyIntoleranceService. */
bool fix_reaction(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* [name] code: a drug's code, TYPE:CODE or plain RxNorm, as the object of fix_codes, described by the name; nothing without a code. OpenEMR's
 * DrugService, PrescriptionService.                                                                                         */
bool fix_drug_code(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* A DATE or DATETIME as ISO 8601 with offset, as OpenEMR's ImmunizationService alone sends dates. */
bool fix_iso(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* A number; NULL is 0. OpenEMR cuts the fraction off; a dose is told as it is stored. */
bool fix_amount(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* "ICD10:E78;ICD10:I10" as [["ICD10","E78"],["ICD10","I10"]]. OpenEMR's ProcedureService. */
bool fix_diagnoses(struct json_write *w, const struct render *r, const struct db_cell *const *c);

/* A measure of form_vitals as the site shows it (units_of_measurement), and its unit, which takes no column. VitalsService. */
bool fix_weight(struct json_write *w, const struct render *r, const struct db_cell *const *c);
bool fix_weight_unit(struct json_write *w, const struct render *r, const struct db_cell *const *c);
bool fix_length(struct json_write *w, const struct render *r, const struct db_cell *const *c);
bool fix_length_unit(struct json_write *w, const struct render *r, const struct db_cell *const *c);
bool fix_temperature(struct json_write *w, const struct render *r, const struct db_cell *const *c);
bool fix_temperature_unit(struct json_write *w, const struct render *r, const struct db_cell *const *c);
/* running locked: true where the last of them that is not NULL is over 0. OpenEMR's background services. */
bool fix_positive(struct json_write *w, const struct render *r, const struct db_cell *const *c);

/* JSON Schema of what a fixup writes; "{}" for one that is not of this file. */
struct str fixup_schema(fixup_fn *fixup);

/* The expression for the first text of fix_codes: ICD-10 has a table of its own, the others are in codes. */
#define CODE_FIRST(col) "SUBSTRING_INDEX(SUBSTRING_INDEX(" col ", ';', 1), ':', -1)"
#define CODE_TYPE(col)  "SUBSTRING_INDEX(" col ", ':', 1)"
#define CODE_TEXT(col)                                                                                                 \
	"SELECT COALESCE((SELECT d.long_desc FROM icd10_dx_order_code d WHERE " CODE_TYPE(                             \
	    col) " = 'ICD10' AND "                                                                                     \
	         "d.formatted_dx_code = " CODE_FIRST(                                                                  \
	             col) " AND d.active = 1 LIMIT 1), (SELECT k.code_text FROM codes k JOIN code_types t ON "         \
	                  "t.ct_id = k.code_type WHERE t.ct_key = " CODE_TYPE(col) " AND k.code = " CODE_FIRST(        \
	                      col) " LIMIT 1))"

#endif
