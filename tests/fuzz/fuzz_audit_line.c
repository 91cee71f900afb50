/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of a journal that somebody may have touched. fuzz-library: gateway/audit */
#include "gateway/audit/segment.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str line = { (const char *)p, n };
	struct journal_line l;
	uint8_t chain[CHAIN_BYTES] = { 0 }, next[CHAIN_BYTES];
	if (journal_line_parse(line, &l) != 0)
		return 0;
	CHECK(l.chain.n == 2 * CHAIN_BYTES && l.json.p + l.json.n == line.p + line.n && n <= JOURNAL_LINE_MAX);
	chain_next(chain, l.json, next);
	return 0;
}
