/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two files of insurance policies share: insurance.c (rows and rules), insurance_swap.c ($swap-insurance). */
#ifndef BACKENDS_DIRECT_REST_INSURANCE_H
#define BACKENDS_DIRECT_REST_INSURANCE_H

#include "backends/direct/engine/call.h"

#define INSURANCE_TYPES "primary secondary tertiary"
/* Is value one of words? */
bool insurance_word(const char *words, struct str value);

/* POST .../insurance/$swap-insurance: begins the exchange of two policies of a patient; pushes its steps, which always reply. */
enum step insurance_swap(struct call *c);

#endif
