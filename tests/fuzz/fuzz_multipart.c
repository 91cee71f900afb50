/* SPDX-License-Identifier: GPL-3.0-or-later */
/* multipart/form-data: no crash, and the same events and data whole and byte by byte. The first line of the input is a Content-Type. */
// fuzz-library: gateway/net
#include "gateway/base/buf.h"
#include "gateway/net/multipart.h"

static void
events(struct str body, struct str boundary, size_t step, struct buf *out)
{
	static struct multipart m;
	struct str data;
	size_t used;
	multipart_begin(&m, boundary, 5);
	for (size_t at = 0; at < body.n;) {
		enum multipart_event e = multipart_feed(&m, str_sub(body, at, at + step), &used, &data);
		CHECK(used <= step && (e != MULTIPART_MORE || used > 0));
		at += used;
		if (e == MULTIPART_DATA)
			buf_str_put(out, data);
		else if (e != MULTIPART_MORE)
			buf_printf(out, "<%d %.*s %.*s>", (int)e, STR_ARG(m.name), STR_ARG(m.filename));
		if (e == MULTIPART_BAD || e == MULTIPART_TOO_MUCH)
			return;
	}
	buf_printf(out, "%d", multipart_ended(&m));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n }, boundary = STR("b");
	char room[MULTIPART_BOUNDARY_MAX];
	struct buf whole, pieces;
	size_t line = str_find(in, '\n');
	(void)(multipart_boundary(str_sub(in, 0, line), room, &boundary) == 0);
	struct str body = str_skip(in, line + 1);
	buf_init(&whole, NULL, 256, 20 * n + 4096);
	buf_init(&pieces, NULL, 256, 20 * n + 4096);
	events(body, boundary, n + 1, &whole);
	events(body, boundary, 1, &pieces);
	CHECK(str_eq(buf_str(&whole), buf_str(&pieces)));
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
