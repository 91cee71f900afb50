/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Cookie field of a browser: one value of a name, or none when it is there twice. fuzz-library: gateway/oauth */
#include "gateway/oauth/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str field = { (const char *)p, n };
	static const struct str names[] = { STR_INIT("__Host-gatehouse-default"), STR_INIT("a"), STR_INIT("") };
	for (size_t i = 0; i < NITEMS(names); i++) {
		struct str value = cookie_get(field, names[i]);
		if (value.p == NULL)
			continue;
		CHECK(value.p > field.p && value.p + value.n <= field.p + field.n && str_find(value, ';') == value.n);
		CHECK(value.p[-1] == '=');
	}
	return 0;
}
