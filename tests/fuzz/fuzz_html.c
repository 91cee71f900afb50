/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and texts of clients and people on pages: whatever the bytes, no markup comes out. fuzz-library: gateway/oauth */
#include "gateway/base/text.h"
#include "gateway/oauth/pages/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 1 << 20);
	struct str in = { (const char *)p, n };
	struct buf b;
	if (a == NULL)
		return 0;
	buf_init(&b, a, 256, 512 << 10);
	struct html h = { &b, language_choose(in, in) };
	html_text(&h, in);
	struct str got = buf_str(&b);
	CHECK(str_find(got, '<') == got.n && str_find(got, '>') == got.n && str_find(got, '"') == got.n &&
	      str_find(got, '\'') == got.n);
	CHECK(!buf_ok(&b) || utf8_valid(got));
	html_link(&h, in, in);
	html_message_with(&h, MSG_CONSENT_ASKS, &in, 1, true);
	return 0;
}
