/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An upstream's answer, head and body: the body's bytes are the same however the answer is cut into pieces. fuzz-library: gateway/net */
#include "gateway/net/http_body.h"

#include "gateway/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct http_limits limits = { .head_max_bytes = 8192, .target_max_bytes = 512, .fields_max = 100 };

/* Feeds bytes in pieces of step; sum of the body's bytes in *sum. */
static enum http_body_result
feed(struct http_body body, struct str bytes, size_t step, uint64_t *sum)
{
	enum http_body_result r = HTTP_BODY_MORE;
	*sum = 0;
	for (size_t at = 0; at < bytes.n;) {
		struct str part = str_sub(bytes, at, at + step), piece = STR_NULL;
		size_t used = 0;
		r = http_body_feed(&body, part, &used, &piece);
		CHECK(used <= part.n && piece.n <= used);
		for (size_t i = 0; i < piece.n; i++)
			*sum = *sum * 131 + (unsigned char)piece.p[i];
		if (r == HTTP_BODY_END || r == HTTP_BODY_BAD)
			break;
		CHECK(used > 0 || r == HTTP_BODY_MORE);
		at += r == HTTP_BODY_MORE ? part.n : used;
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 256 << 10);
	struct str bytes = { (const char *)p, n };
	struct http_refusal why;
	struct http_head h;
	struct http_body body;
	uint64_t whole, parts;
	if (a == NULL || http_response_parse(a, bytes, &limits, false, &h, &why) != HTTP_PARSED)
		return 0;
	if (h.chunked)
		http_body_chunked(&body);
	else if (h.has_length)
		http_body_length(&body, h.content_length);
	else
		http_body_until_close(&body);
	enum http_body_result r = feed(body, str_skip(bytes, h.bytes), n, &whole);
	enum http_body_result q = feed(body, str_skip(bytes, h.bytes), 1, &parts);
	CHECK(whole == parts && (r == HTTP_BODY_BAD) == (q == HTTP_BODY_BAD));
	return 0;
}
