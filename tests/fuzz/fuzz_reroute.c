/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for OpenEMR's route parameter: the same however a body is cut into pieces, and never blind to the plain spelling. fuzz-library: backends/proxy */
#include "backends/proxy/reroute.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
feed(struct str all, size_t step, bool encoded)
{
	struct reroute s;
	bool found = false;
	reroute_begin(&s, encoded);
	for (size_t at = 0; at < all.n && !found; at += step)
		found = reroute_feed(&s, str_sub(all, at, at + step));
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str all = { (const char *)p, n };
	for (int encoded = 0; encoded < 2; encoded++) {
		bool whole = feed(all, n + 1, encoded == 1);
		CHECK(whole == feed(all, 1, encoded == 1) && whole == feed(all, 3, encoded == 1));
		CHECK(whole || str_find_str(all, STR("_REWRITE_COMMAND")) == n);
	}
	return 0;
}
