/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to keyd and hashd: HELLO first and once, only rows of the table, within their caps. */
#include "gateway/crypto/frame.h"

#include "harness.h"

static unsigned n_ran;

static void
echo(void *ctx, struct str payload, struct buf *reply)
{
	(void)ctx;
	n_ran++;
	buf_str_put(reply, payload);
}

static void
put(struct buf *b, uint32_t len, uint32_t id, uint8_t type, struct str payload)
{
	buf_put(b, &len, sizeof len);
	buf_put(b, &id, sizeof id);
	buf_put(b, &type, 1);
	buf_str_put(b, payload);
}

static void
test_frames__not_permitted__end_the_connection(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_ONCE | FRAME_PERMITS, echo }, { 1, 8, 0, echo } };
	static const struct {
		struct {
			bool there;
			uint8_t type;
			uint32_t len;
		} q[3];
		int result;
		unsigned ran;
	} cases[] = {
		{ { { true, 0, 0 }, { true, 1, 3 }, { true, 1, 8 } }, 0, 3 },
		{ { { true, 1, 3 } }, -1, 0 },                 /* no HELLO */
		{ { { true, 0, 0 }, { true, 0, 0 } }, -1, 1 }, /* a second HELLO */
		{ { { true, 0, 0 }, { true, 2, 0 } }, -1, 1 }, /* not in the table */
		{ { { true, 0, 0 }, { true, 1, 9 } }, -1, 1 }, /* over its cap */
		{ { { true, 0, 0 }, { true, 255, 0 } }, -1, 1 },
		{ { { true, 0, 0 }, { true, 1, 0xffffffffu } }, -1, 1 },
	};
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct buf in, out;
		unsigned seen = 0;
		n_ran = 0;
		buf_init(&in, NULL, 64, 4096);
		buf_init(&out, NULL, 64, 4096);
		for (size_t k = 0; k < 3 && cases[i].q[k].there; k++)
			put(&in, cases[i].q[k].len, (uint32_t)k + 7, cases[i].q[k].type,
			    str_sub(STR("123456789"), 0, cases[i].q[k].len));
		EXPECT_IDX(
		    frame_feed(rows, NITEMS(rows), NULL, &seen, &in, &out) == cases[i].result && n_ran == cases[i].ran,
		    i);
		buf_done(&in);
		buf_done(&out);
	}
}

static void
test_frames__in_single_bytes__are_answered_with_their_number(void)
{
	static const struct frame_row rows[] = { { 0, 8, FRAME_ONCE | FRAME_PERMITS, echo }, { 1, 8, 0, echo } };
	struct buf all, in, out;
	unsigned seen = 0;
	uint32_t id;
	buf_init(&all, NULL, 64, 4096);
	buf_init(&in, NULL, 64, 4096);
	buf_init(&out, NULL, 64, 4096);
	put(&all, 0, 1, 0, STR(""));
	put(&all, 3, 0xabcd, 1, STR("xyz"));
	for (size_t i = 0; i < all.n; i++) {
		buf_char(&in, all.p[i]);
		EXPECT_IDX(frame_feed(rows, NITEMS(rows), NULL, &seen, &in, &out) == 0, i);
	}
	REQUIRE(out.n == FRAME_HEAD + FRAME_HEAD + 3 && in.n == 0);
	memcpy(&id, out.p + FRAME_HEAD + 4, sizeof id);
	EXPECT(id == 0xabcd && memcmp(out.p + 2 * FRAME_HEAD, "xyz", 3) == 0);
	buf_done(&all);
	buf_done(&in);
	buf_done(&out);
}

TESTS(
    T(test_frames__not_permitted__end_the_connection), T(test_frames__in_single_bytes__are_answered_with_their_number))
