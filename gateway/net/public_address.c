/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Special-purpose networks as rows. */
#include "gateway/net/public_address.h"

#include "gateway/base/macros.h"

#include <string.h>

struct net4 {
	uint8_t addr[4];
	unsigned bits;
};
static const struct net4 special4[] = {
	{ { 0, 0, 0, 0 }, 8 },       /* this network          */
	{ { 10, 0, 0, 0 }, 8 },      /* private               */
	{ { 100, 64, 0, 0 }, 10 },   /* shared, carrier NAT   */
	{ { 127, 0, 0, 0 }, 8 },     /* loopback              */
	{ { 169, 254, 0, 0 }, 16 },  /* link-local, metadata  */
	{ { 172, 16, 0, 0 }, 12 },   /* private               */
	{ { 192, 0, 0, 0 }, 24 },    /* protocol assignments  */
	{ { 192, 0, 2, 0 }, 24 },    /* documentation         */
	{ { 192, 88, 99, 0 }, 24 },  /* 6to4 relay            */
	{ { 192, 168, 0, 0 }, 16 },  /* private               */
	{ { 198, 18, 0, 0 }, 15 },   /* benchmarks            */
	{ { 198, 51, 100, 0 }, 24 }, /* documentation         */
	{ { 203, 0, 113, 0 }, 24 },  /* documentation         */
	{ { 224, 0, 0, 0 }, 3 },     /* multicast, reserved, broadcast */
};
struct net6 {
	uint8_t addr[6];
	unsigned bits;
};
/* Within 2000::/3; all outside it is special or not assigned. */
static const struct net6 special6[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },             /* 6to4: carries a v4 address */
	{ { 0x3f, 0xff }, 20 },             /* documentation */
};

static bool
begins(const uint8_t *addr, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(addr, net, whole) != 0)
		return false;
	return rest == 0 || (addr[whole] ^ net[whole]) >> (8 - rest) == 0;
}

bool
address_is_public(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	if (memcmp(addr, mapped, sizeof mapped) == 0) {
		for (size_t i = 0; i < NITEMS(special4); i++)
			if (begins(addr + 12, special4[i].addr, special4[i].bits))
				return false;
		return true;
	}
	if (addr[0] >> 5 != 1)
		return false;
	for (size_t i = 0; i < NITEMS(special6); i++)
		if (begins(addr, special6[i].addr, special6[i].bits))
			return false;
	return true;
}
