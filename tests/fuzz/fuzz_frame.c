/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a taken-over worker might send to keyd or hashd: a question of the table within its cap, after HELLO, or the end. */
// fuzz-library: gateway/crypto
#include "gateway/crypto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { CAP = 32 };

static void
run_row(void *ctx, struct str payload, struct buf *reply)
{
	unsigned *ran = ctx;
	CHECK(payload.n <= CAP);
	++*ran;
	buf_str_put(reply, payload);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct frame_row rows[] = { { 0, CAP, FRAME_ONCE | FRAME_PERMITS, run_row },
		{ 1, CAP, 0, run_row }, { 2, 0, FRAME_ONCE, run_row } };
	unsigned seen = 0, ran = 0;
	struct buf in, out;
	buf_init(&in, NULL, 64, 1 << 20);
	buf_init(&out, NULL, 64, 1 << 20);
	buf_put(&in, p, n);
	int fed = buf_ok(&in) ? 1 : -1;
	while (fed == 1)
		fed = frame_feed(rows, NITEMS(rows), &ran, &seen, &in, &out);
	if (fed == 0)
		CHECK(in.n < FRAME_HEAD + (size_t)CAP); /* only an unfinished question stays */
	CHECK(ran == 0 || (seen & 1u) != 0);            /* nothing before HELLO */
	buf_done(&in);
	buf_done(&out);
	return 0;
}
