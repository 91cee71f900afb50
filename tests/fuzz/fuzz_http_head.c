/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request and response heads: no crash, the parts lie inside the bytes, and a prefix never gets another answer than the whole. */
// fuzz-library: gateway/net
#include "gateway/net/http_chars.h"

#include <stdlib.h>

static const struct http_limits limits = { .head_max_bytes = 2048, .target_max_bytes = 512, .fields_max = 40 };

static void
check_inside(struct str bytes, struct str part)
{
	CHECK(part.n == 0 || (part.p >= bytes.p && part.p + part.n <= bytes.p + bytes.n));
}

static enum http_parsed
parse(struct arena *a, struct str bytes, bool response, struct http_head *h, struct http_refusal *why)
{
	arena_reset(a);
	return response ? http_response_parse(a, bytes, &limits, false, h, why)
	                : http_request_parse(a, bytes, &limits, h, why);
}

static void
one(struct arena *a, struct str bytes, bool response)
{
	struct http_head h, part;
	struct http_refusal why, why_part;
	enum http_parsed r = parse(a, bytes, response, &h, &why);
	if (r == HTTP_PARSED) {
		CHECK(h.bytes <= bytes.n && h.bytes <= limits.head_max_bytes && !(h.chunked && h.has_length));
		for (size_t i = 0; i < h.n_fields; i++) {
			check_inside(bytes, h.fields[i].name);
			check_inside(bytes, h.fields[i].value);
		}
		check_inside(bytes, h.target);
		check_inside(bytes, h.host);
		CHECK(response || h.host.n > 0);
	}
	size_t end = r == HTTP_PARSED ? h.bytes : bytes.n;
	for (size_t n = 0; n < end; n += 1 + n / 16) {
		enum http_parsed p = parse(a, str_sub(bytes, 0, n), response, &part, &why_part);
		CHECK(
		    p != HTTP_PARSED && (p == HTTP_NEED_MORE || (r == HTTP_REFUSED && why_part.status == why.status)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new("fuzz", 64 << 10);
	if (a == NULL)
		return 0;
	one(a, (struct str){ (const char *)p, n }, false);
	one(a, (struct str){ (const char *)p, n }, true);
	arena_free(&a);
	return 0;
}
