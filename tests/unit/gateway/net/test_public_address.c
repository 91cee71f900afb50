/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which addresses an outbound call may reach: rows of both kinds, with the ends of each network. */
#include "gateway/net/public_address.h"

#include "gateway/base/macros.h"

#include "harness.h"

#include <arpa/inet.h>
#include <string.h>

static bool
is_public(const char *text)
{
	uint8_t addr[16] = { 0 };
	if (inet_pton(AF_INET, text, addr + 12) == 1)
		addr[10] = addr[11] = 0xff;
	else
		REQUIRE(inet_pton(AF_INET6, text, addr) == 1);
	return address_is_public(addr);
}

static void
test_address__special_purpose__is_not_public(void)
{
	static const char *const rows[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0",
		"100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.1",
		"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "100::1",
		"fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "2001::1", "2001:1ff:ffff::", "2001:db8::1",
		"2002:a00:1::", "3fff::1" };
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(!is_public(rows[i]), i);
}

static void
test_address__of_the_internet__is_public(void)
{
	static const char *const rows[] = { "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1",
		"2001:4860:4860::8888", "2606:4700::1111", "2a00::1" };
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(is_public(rows[i]), i);
}

TESTS(T(test_address__special_purpose__is_not_public), T(test_address__of_the_internet__is_public))
