/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UUIDs. */
#include "gateway/base/uuid.h"

#include "gateway/base/text.h"

enum { COMB_UNIT_US = 10 };

int
uuid_parse(struct str s, struct uuid *out)
{
	static const unsigned char parts[] = { 4, 2, 2, 2, 6 };
	size_t at = 0, byte = 0;
	if (s.n != UUID_TEXT)
		return -1;
	for (size_t i = 0; i < sizeof parts; i++) {
		if (i > 0 && s.p[at++] != '-')
			return -1;
		if (hex_get(str_sub(s, at, at + 2u * parts[i]), out->b + byte, parts[i]) != 0)
			return -1;
		at += 2u * parts[i];
		byte += parts[i];
	}
	return 0;
}

void
uuid_text(const struct uuid *u, char out[UUID_TEXT + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t o = 0;
	for (size_t i = 0; i < sizeof u->b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[o++] = '-';
		out[o++] = digits[u->b[i] >> 4];
		out[o++] = digits[u->b[i] & 15];
	}
	out[o] = 0;
}

static void
version_set(struct uuid *u)
{
	u->b[6] = (uint8_t)((u->b[6] & 0x0f) | 0x40);
	u->b[8] = (uint8_t)((u->b[8] & 0x3f) | 0x80);
}

void
uuid_comb(struct uuid *u, const struct clock *c, struct rng *r)
{
	uint64_t units = (uint64_t)clock_real_us(c) / COMB_UNIT_US;
	for (unsigned i = 0; i < 6; i++)
		u->b[i] = (uint8_t)(units >> (8 * (5 - i)));
	rng_bytes(r, u->b + 6, 10);
	version_set(u);
}

void
uuid_random(struct uuid *u, struct rng *r)
{
	rng_bytes(r, u->b, sizeof u->b);
	version_set(u);
}
