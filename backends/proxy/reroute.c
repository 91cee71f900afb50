/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for one name: bit i of matched says that the bytes read last are the first i + 1 of it. */
#include "backends/proxy/reroute.h"

#include "gateway/base/text.h"

enum { WHOLE = 1u << 15 };

/* Where in "_REWRITE_COMMAND" a byte may stand. PHP turns '.', ' ' and a '[' without its ']' into '_'. */
static uint16_t
places(char c)
{
	switch (c) {
	case '_':
	case '.':
	case ' ':
	case '[':
		return 1u << 0 | 1u << 8;
	case 'R':
		return 1u << 1 | 1u << 4;
	case 'E':
		return 1u << 2 | 1u << 7;
	case 'W':
		return 1u << 3;
	case 'I':
		return 1u << 5;
	case 'T':
		return 1u << 6;
	case 'C':
		return 1u << 9;
	case 'O':
		return 1u << 10;
	case 'M':
		return 1u << 11 | 1u << 12;
	case 'A':
		return 1u << 13;
	case 'N':
		return 1u << 14;
	case 'D':
		return WHOLE;
	default:
		return 0;
	}
}

void
reroute_begin(struct reroute *s, bool encoded)
{
	*s = (struct reroute){ .encoded = encoded };
}

static bool
byte_feed(struct reroute *s, char c)
{
	s->matched = (uint16_t)(((unsigned)s->matched << 1 | 1u) & places(c));
	return (s->matched & WHOLE) != 0;
}

static bool
hex_digit(char c, uint8_t *v)
{
	char both[2] = { '0', c };
	return hex_get((struct str){ both, sizeof both }, v, 1) == 0;
}

/* A broken escape is read as the bytes it consists of, as PHP does. */
static bool
encoded_feed(struct reroute *s, char c)
{
	uint8_t low;
	bool digit = s->escape > 0 && hex_digit(c, &low);
	if (digit && s->escape == 1) {
		s->high = (uint8_t)c;
		s->escape = 2;
		return false;
	}
	if (digit) {
		uint8_t high = 0;
		(void)hex_digit((char)s->high, &high);
		s->escape = 0;
		return byte_feed(s, (char)(high << 4 | low));
	}
	if (s->escape > 0) {
		bool found = byte_feed(s, '%') || (s->escape == 2 && byte_feed(s, (char)s->high));
		s->escape = 0;
		if (found)
			return true;
	}
	if (c == '%') {
		s->escape = 1;
		return false;
	}
	return byte_feed(s, c == '+' ? ' ' : c);
}

bool
reroute_feed(struct reroute *s, struct str piece)
{
	for (size_t i = 0; i < piece.n; i++)
		if (s->encoded ? encoded_feed(s, piece.p[i]) : byte_feed(s, piece.p[i]))
			return true;
	return false;
}

bool
reroute_in(struct str query)
{
	struct reroute s;
	reroute_begin(&s, true);
	return reroute_feed(&s, query);
}
