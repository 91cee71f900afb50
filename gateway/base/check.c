/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a failed CHECK does. */
#include "gateway/base/macros.h"

#include <stdio.h>
#include <stdlib.h>

void
check_failed(const char *file, int line, const char *expr)
{
	fprintf(stderr, "CHECK failed: %s:%d: %s\n", file, line, expr);
	abort();
}
