/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of roles. */
#include "gateway/core/principal.h"

struct str
role_text(enum role r)
{
	switch (r) {
	case ROLE_USERS:
		return STR("users");
	case ROLE_PATIENT:
		return STR("patient");
	case ROLE_SYSTEM:
		return STR("system");
	case ROLE_NONE:
		break;
	}
	return STR("none");
}
