/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Character classes of HTTP/1.1 (RFC 9110 5.6, RFC 9112) as one table, shared by the head and body parsers. Private to net. */
#ifndef GATEWAY_NET_HTTP_CHARS_H
#define GATEWAY_NET_HTTP_CHARS_H

#include "gateway/base/str.h"
#include "gateway/net/http_head.h"

enum {
	HTTP_C_TOKEN = 1,  /* tchar                                                     */
	HTTP_C_TARGET = 2, /* 0x21-0x7e: what may stand in a request target             */
	HTTP_C_VALUE = 4,  /* field-vchar, obs-text, SP and HTAB: no other control byte */
	HTTP_C_HEX = 8,
	HTTP_C_HOST = 16, /* letters, digits and - . _ : the reg-names that we accept   */
	HTTP_C_DIGIT = 32,
};
extern const uint8_t http_chars[256];

static inline bool
http_is(char c, unsigned class)
{
	return (http_chars[(uint8_t)c] & class) != 0;
}
/* First byte of [p, end) that is not of the class. */
static inline const char *
http_span(const char *p, const char *end, unsigned class)
{
	while (p < end && http_is(*p, class))
		p++;
	return p;
}
/* The same for HTTP_C_VALUE, which is most of a head's bytes: 16 at a time where the machine can. */
const char *http_span_value(const char *p, const char *end);

#endif
