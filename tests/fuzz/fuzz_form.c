/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Form bodies, queries and the encodings below them. fuzz-library: gateway/base */
#include "gateway/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { PAIRS_MAX = 64 };

/* What was decoded from the canonical form is written as it was. */
static void
base64_round(struct str s, int (*get)(struct str, struct buf *), void (*put)(struct buf *, const void *, size_t))
{
	struct buf bytes, text;
	buf_init(&bytes, NULL, 64, 1 << 20);
	buf_init(&text, NULL, 64, 1 << 20);
	if (get(s, &bytes) == 0) {
		put(&text, bytes.p, bytes.n);
		CHECK(str_eq(buf_str(&text), s));
	}
	buf_done(&bytes);
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 1 << 20);
	struct str s = { (const char *)p, n };
	struct err e = { 0 };
	struct form f;
	if (a == NULL)
		return 0;
	if (form_parse(a, s, PAIRS_MAX, &f, &e) == 0) {
		struct buf again;
		CHECK(f.n <= PAIRS_MAX);
		buf_init(&again, a, 64, 512 << 10);
		for (size_t i = 0; i < f.n; i++) {
			size_t count;
			CHECK(utf8_valid(f.pairs[i].name) && utf8_valid(f.pairs[i].value));
			CHECK(str_find(f.pairs[i].value, 0) == f.pairs[i].value.n);
			CHECK(form_get(&f, f.pairs[i].name, &count).p != NULL && count >= 1);
			if (i > 0)
				buf_char(&again, '&');
			percent_put(&again, f.pairs[i].name);
			buf_char(&again, '=');
			percent_put(&again, f.pairs[i].value);
		}
		struct form g;
		if (buf_ok(&again) && f.n > 0)
			CHECK(form_parse(a, buf_str(&again), PAIRS_MAX, &g, &e) == 0 && g.n == f.n);
	}
	base64_round(s, base64_get, base64_put);
	base64_round(s, base64url_get, base64url_put);
	return 0;
}
