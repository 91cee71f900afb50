/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forwarded and X-Forwarded-For from a listed proxy: the result is an address, whatever stands there. fuzz-library: gateway/core */
#include "gateway/core/address.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct http_limits limits = { .head_max_bytes = 8192, .target_max_bytes = 512, .fields_max = 40 };

/* The bytes are fields of a request. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(arena) a = arena_new("fuzz", 256 << 10);
	struct str s = { (const char *)p, n };
	struct peer peer = { .text = "10.0.0.1" };
	struct http_refusal why;
	struct http_head h;
	struct buf b;
	struct cidr net;
	struct err e = { 0 };
	uint8_t bytes[16];
	bool trusted;
	if (a == NULL)
		return 0;
	if (cidr_parse(s, &net, &e) == 0)
		CHECK(net.bits <= 128 && cidr_match(&net, 1, net.addr));
	if (address_parse(s, bytes) == 0) /* an address is a network of itself */
		CHECK(s.p[0] == '[' || str_find(s, ':') < s.n || cidr_parse(s, &net, &(struct err){ 0 }) == 0);
	peer.addr.sin6_family = AF_INET6;
	(void)inet_pton(AF_INET6, "::ffff:10.0.0.1", &peer.addr.sin6_addr);
	buf_init(&b, a, 256, 8192);
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	buf_str_put(&b, s);
	buf_lit(&b, "\r\n\r\n");
	if (!buf_ok(&b) || http_request_parse(a, buf_str(&b), &limits, &h, &why) != HTTP_PARSED)
		return 0;
	struct err good = { 0 };
	CHECK(cidr_parse(STR("10.0.0.0/8"), &net, &good) == 0);
	struct str client = client_address(a, &peer, &h, &net, 1, &trusted);
	CHECK(trusted && (client.p == NULL || address_parse(client, bytes) == 0));
	return 0;
}
