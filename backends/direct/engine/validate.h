/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of a body's values: those of the field's row, and those that the column's own type and length make. Pure.         */
#ifndef BACKENDS_DIRECT_ENGINE_VALIDATE_H
#define BACKENDS_DIRECT_ENGINE_VALIDATE_H

#include "backends/direct/engine/accept.h"

/* value: what the body gave, not empty. rules: R_ bits. column NULL: the site lacks it. lists may be NULL: no option is known. */
void validate_value(const struct field *f, unsigned rules, const struct schema_column *column,
    const struct lists *lists, struct str value, struct violations *to);
/* "First Name", or the field's name with _ as spaces. */
struct str field_label(const struct field *f, struct arena *a);

bool is_numeric(struct str s); /* PHP's is_numeric for texts without surrounding white space */
bool is_email(struct str s);
bool is_url(struct str s);
bool is_date(struct str s); /* exactly YYYY-MM-DD, and a day of the calendar */

#endif
