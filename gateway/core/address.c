/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CIDR matching and the trusted-proxy rule. Not for sockets. */
#include "gateway/core/address.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { ADDRESS_TEXT_MAX = 64 };
static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static int
literal_parse(struct str s, uint8_t out[16])
{
	char text[ADDRESS_TEXT_MAX];
	if (str_cstr(s, text, sizeof text) != 0)
		return -1;
	if (inet_pton(AF_INET6, text, out) == 1)
		return 0;
	if (inet_pton(AF_INET, text, out + 12) != 1)
		return -1;
	memcpy(out, mapped_prefix, sizeof mapped_prefix);
	return 0;
}

int
address_parse(struct str s, uint8_t out[16])
{
	uint64_t port;
	struct str host = s, rest = STR_NULL;
	if (s.n > 0 && s.p[0] == '[') {
		size_t end = str_find(s, ']');
		if (end == s.n)
			return -1;
		host = str_sub(s, 1, end);
		rest = str_skip(s, end + 1);
		if (str_find(host, ':') == host.n) /* brackets are for IPv6 */
			return -1;
	} else if (str_find(s, ':') < s.n && str_find(s, '.') < str_find(s, ':')) {
		host = str_sub(s, 0, str_find(s, ':'));
		rest = str_skip(s, host.n);
	}
	if (rest.n > 0 && (rest.p[0] != ':' || str_to_u64(str_skip(rest, 1), 65535, &port) != 0))
		return -1;
	return literal_parse(host, out);
}

int
cidr_parse(struct str s, struct cidr *out, struct err *e)
{
	size_t slash = str_find(s, '/');
	struct str host = str_sub(s, 0, slash);
	bool v4 = str_find(host, ':') == host.n;
	uint64_t bits = v4 ? 32 : 128;
	if (literal_parse(host, out->addr) != 0)
		return ERR(e, E_PARSE, "not an address: %.*s", STR_ARG(host));
	if (slash < s.n && str_to_u64(str_skip(s, slash + 1), bits, &bits) != 0)
		return ERR(e, E_PARSE, "prefix length of %.*s", STR_ARG(s));
	out->bits = (unsigned)bits + (v4 ? 96 : 0);
	for (unsigned i = out->bits; i < 128; i++)
		if (out->addr[i / 8] & (0x80u >> (i % 8)))
			return ERR(e, E_INVALID, "address bits beyond the prefix in %.*s", STR_ARG(s));
	return 0;
}

bool
cidr_match(const struct cidr *list, size_t n, const uint8_t addr[16])
{
	for (size_t i = 0; i < n; i++) {
		unsigned whole = list[i].bits / 8, rest = list[i].bits % 8;
		if (memcmp(list[i].addr, addr, whole) != 0)
			continue;
		if (rest == 0 || ((list[i].addr[whole] ^ addr[whole]) & (0xff00u >> rest) & 0xffu) == 0)
			return true;
	}
	return false;
}

/* The value of for= in one Forwarded element, without quotes. */
static struct str
forwarded_for(struct str element)
{
	struct str pair;
	while (str_next(&element, ';', &pair)) {
		pair = str_trim(pair);
		if (!str_istarts(pair, STR("for=")))
			continue;
		pair = str_skip(pair, 4);
		if (pair.n >= 2 && pair.p[0] == '"' && pair.p[pair.n - 1] == '"')
			pair = str_sub(pair, 1, pair.n - 1);
		return pair;
	}
	return STR_NULL;
}

/* All fields of that name, joined by comma, as RFC 9110 5.2 reads a repeated list field. */
static struct str
field_list(struct arena *a, const struct http_head *head, enum http_field_id id)
{
	struct buf b;
	buf_init(&b, a, 128, 8192);
	for (size_t i = 0; i < head->n_fields; i++)
		if (head->fields[i].id == id) {
			if (b.n > 0)
				buf_char(&b, ',');
			buf_str_put(&b, head->fields[i].value);
		}
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static struct str
address_text(struct arena *a, const uint8_t addr[16])
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = memcmp(addr, mapped_prefix, sizeof mapped_prefix) == 0;
	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr + 12 : addr, text, sizeof text) == NULL)
		return STR_NULL;
	return arena_str(a, str_of(text));
}

struct str
client_address(struct arena *a, const struct peer *peer, const struct http_head *head, const struct cidr *trusted,
    size_t n_trusted, bool *peer_trusted)
{
	uint8_t addr[16], next[16];
	memcpy(addr, &peer->addr.sin6_addr, sizeof addr);
	*peer_trusted = cidr_match(trusted, n_trusted, addr);
	if (!*peer_trusted)
		return str_of(peer->text);
	bool forwarded = head->known[HTTP_F_FORWARDED] != NULL;
	struct str list = field_list(a, head, forwarded ? HTTP_F_FORWARDED : HTTP_F_X_FORWARDED_FOR);
	while (list.n > 0 && cidr_match(trusted, n_trusted, addr)) {
		size_t comma = list.n;
		while (comma > 0 && list.p[comma - 1] != ',')
			comma--;
		struct str entry = str_trim(str_skip(list, comma));
		list = str_sub(list, 0, comma == 0 ? 0 : comma - 1);
		if (forwarded)
			entry = forwarded_for(entry);
		if (address_parse(entry, next) != 0)
			break;
		memcpy(addr, next, sizeof addr);
	}
	return address_text(a, addr);
}
