/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chunked decoder: no crash, and the same data, end and refusal whole and byte by byte. */
// fuzz-library: gateway/net
#include "gateway/net/http_body.h"

static enum http_body_result
decode(struct str in, size_t step, struct buf *out, size_t *at)
{
	struct http_body b;
	http_body_chunked(&b);
	*at = 0;
	for (;;) {
		struct str piece;
		size_t used;
		enum http_body_result r = http_body_feed(&b, str_sub(in, *at, MIN(in.n, *at + step)), &used, &piece);
		*at += used;
		CHECK(*at <= in.n && (r == HTTP_BODY_DATA) == (piece.n > 0));
		buf_str_put(out, piece);
		CHECK(b.data_bytes == out->n);
		if (r == HTTP_BODY_END || r == HTTP_BODY_BAD || (r == HTTP_BODY_MORE && *at == in.n))
			return r;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	struct buf whole, pieces;
	size_t at_whole, at_pieces;
	buf_init(&whole, NULL, 256, n + 1);
	buf_init(&pieces, NULL, 256, n + 1);
	enum http_body_result a = decode(in, n + 1, &whole, &at_whole), b = decode(in, 1, &pieces, &at_pieces);
	CHECK(a == b && at_whole == at_pieces && str_eq(buf_str(&whole), buf_str(&pieces)));
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
