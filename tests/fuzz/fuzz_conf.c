/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration: a checked tree, or errors that each name a place; never both. fuzz-library: gateway/config */
#include "gateway/config/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 32 << 20);
	struct conf_reports reports = { 0 };
	size_t errors = 0;
	if (a == NULL || n > 64 << 10)
		return 0;
	struct conf *c = conf_load_text(STR("f.yaml"), (struct str){ (const char *)p, n }, a, &reports);
	for (size_t i = 0; i < reports.n; i++) {
		CHECK(reports.v[i].text.n > 0);
		errors += !reports.v[i].warning;
	}
	CHECK(errors == reports.errors && (c == NULL) == (errors > 0));
	if (c != NULL)
		CHECK(c->n_sites > 0 && c->origin.n > 0);
	conf_free(&c);
	return 0;
}
