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

#endif
