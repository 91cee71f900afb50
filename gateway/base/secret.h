/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets and patient data as types of their own: neither has a formatter, so logging them does not compile. The holder wipes. */
#ifndef GATEWAY_BASE_SECRET_H
#define GATEWAY_BASE_SECRET_H

#include "gateway/base/str.h"

struct secret {
	struct str bytes; /* borrowed from an ARENA_WIPE arena or from memory that its owner wipes */
};
struct phi {
	struct str text; /* protected health information: a name, a birth date, free text */
};

/* Same length and bytes, in time that depends on the lengths only. */
bool secret_eq_str(struct str a, struct str b);
/* Overwrites in a way the compiler keeps. */
void secret_wipe(void *p, size_t n);

#endif
