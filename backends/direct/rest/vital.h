/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean blood pressures: what OpenEMR 8 keeps beside the vital signs of an encounter (form_vitals_calculation) and tells as Observations
 * 96607-7. Not for the vital signs themselves (vital.c).                                                                   */
#ifndef BACKENDS_DIRECT_REST_VITAL_H
#define BACKENDS_DIRECT_REST_VITAL_H

#include "backends/direct/engine/mapping.h"

#define VITAL_MEANS_TABLES                                                                                             \
	"form_vitals_calculation form_vitals_calculation_components form_vitals_calculation_form_vitals"
enum { VITAL_MEANS = 3 /* rows, and new uuids at most */, VITAL_MEANS_STATEMENTS = 6 };

/* A write rule's also: when the body gives bps or bpd, the patient's three means are computed anew, of all readings as they are then. */
enum step vital_means(struct call *c, unsigned i);

#endif
