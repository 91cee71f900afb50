/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose address a request has: headers are believed only from listed proxies, from the right. */
#include "gateway/core/address.h"

#include "gateway/base/arena.h"
#include "harness.h"

#include <arpa/inet.h>

static void
test_client__by_the_trusted_proxy_rule(void)
{
	static const struct {
		const char *peer, *fields, *client;
	} rows[] = {
		{ "203.0.113.9", "", "203.0.113.9" },
		{ "203.0.113.9", "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=5.6.7.8\r\n", "203.0.113.9" },
		{ "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\n", "198.51.100.7" },
		{ "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 198.51.100.7, 10.0.0.2\r\n", "198.51.100.7" },
		{ "10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7" },
		{ "10.0.0.1", "X-Forwarded-For: 198.51.100.7, nonsense\r\n", "10.0.0.1" },
		{ "10.0.0.1", "X-Forwarded-For: nonsense, 198.51.100.7\r\n", "198.51.100.7" },
		{ "10.0.0.1", "X-Forwarded-For: 1.2.3.4, nonsense, 10.0.0.2\r\n", "10.0.0.2" },
		{ "10.0.0.1", "Forwarded: for=192.0.2.60;proto=http, for=\"[2001:db8::17]:4711\"\r\n", "2001:db8::17" },
		{ "10.0.0.1", "Forwarded: for=unknown\r\n", "10.0.0.1" },
		{ "2001:db8:1::1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "2001:db8:2::1", "X-Forwarded-For: 192.0.2.1\r\n", "2001:db8:2::1" },
	};
	static const struct http_limits limits = { 4096, 512, 20 };
	struct cidr nets[2];
	REQUIRE(cidr_parse(STR("10.0.0.0/8"), &nets[0], NULL) == 0 &&
	        cidr_parse(STR("2001:db8:1::/48"), &nets[1], NULL) == 0);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 1 << 16);
		struct http_refusal why;
		struct http_head h;
		struct peer peer = { 0 };
		char text[512];
		uint8_t bytes[16];
		bool trusted;
		(void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
		REQUIRE(http_request_parse(a, str_of(text), &limits, &h, &why) == HTTP_PARSED);
		REQUIRE(address_parse(str_of(rows[i].peer), bytes) == 0);
		peer.addr.sin6_family = AF_INET6;
		memcpy(&peer.addr.sin6_addr, bytes, sizeof bytes);
		(void)snprintf(peer.text, sizeof peer.text, "%s", rows[i].peer);
		struct str client = client_address(a, &peer, &h, nets, NITEMS(nets), &trusted);
		EXPECT_IDX(str_eq(client, str_of(rows[i].client)), i);
		EXPECT_IDX(trusted == cidr_match(nets, NITEMS(nets), bytes), i);
	}
}

static void
test_networks__malformed__are_refused(void)
{
	static const char *const bad[] = { "", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ",
		"10.0.0", "::/129", "2001:db8::1/32", "localhost", "[::1]/128" };
	struct cidr net;
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(cidr_parse(str_of(bad[i]), &net, &(struct err){ 0 }) == -1, i);
	uint8_t v4[16], mapped[16];
	REQUIRE(address_parse(STR("192.0.2.7:443"), v4) == 0 && address_parse(STR("::ffff:192.0.2.7"), mapped) == 0);
	EXPECT(memcmp(v4, mapped, sizeof v4) == 0);
	REQUIRE(cidr_parse(STR("0.0.0.0/0"), &net, NULL) == 0);
	EXPECT(
	    cidr_match(&net, 1, v4) && address_parse(STR("2001:db8::1"), mapped) == 0 && !cidr_match(&net, 1, mapped));
}

TESTS(T(test_client__by_the_trusted_proxy_rule), T(test_networks__malformed__are_refused))
