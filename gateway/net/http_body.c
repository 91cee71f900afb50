/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chunked machine:
 *   SIZE -hex-> SIZE -';'-> EXT -CR-> SIZE_LF -LF-> DATA ... DATA_CR DATA_LF -> SIZE
 *                    -CR-> SIZE_LF -LF, size 0-> LINE -CR-> END_LF -LF-> END
 *                                                LINE -tchar-> NAME -':'-> VALUE -CR-> LINE_LF -LF-> LINE                 */
#include "gateway/net/http_body.h"

#include "gateway/net/http_chars.h"

enum state { SIZE, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF, LINE, NAME, VALUE, LINE_LF, END_LF, END, BAD };
enum { SIZE_DIGITS_MAX = 16 };

void
http_body_length(struct http_body *b, uint64_t n)
{
	*b = (struct http_body){ .kind = HTTP_BODY_LENGTH, .state = n == 0 ? END : DATA, .left = n };
}

void
http_body_chunked(struct http_body *b)
{
	*b = (struct http_body){ .kind = HTTP_BODY_CHUNKED, .state = SIZE };
}

void
http_body_until_close(struct http_body *b)
{
	*b = (struct http_body){ .kind = HTTP_BODY_UNTIL_CLOSE, .state = DATA, .left = UINT64_MAX };
}

void
http_body_of_request(struct http_body *b, const struct http_head *h)
{
	if (h->chunked)
		http_body_chunked(b);
	else
		http_body_length(b, h->content_length);
}

bool
http_body_ended(const struct http_body *b)
{
	return b->state == END;
}

static enum state
hex_digit(struct http_body *b, char c)
{
	if (b->digits == SIZE_DIGITS_MAX)
		return BAD;
	b->digits++;
	b->left = b->left << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	return SIZE;
}

static enum state
size_done(struct http_body *b)
{
	/* More than 2^63 - 1 in one chunk or in all cannot be meant. */
	if (b->left > INT64_MAX || b->data_bytes + b->left > INT64_MAX)
		return BAD;
	return b->left == 0 ? LINE : DATA;
}

/* One byte outside of chunk data. */
static enum state
step(struct http_body *b, char c)
{
	switch ((enum state)b->state) {
	case SIZE:
		if (http_is(c, HTTP_C_HEX))
			return hex_digit(b, c);
		if (b->digits == 0)
			return BAD;
		return c == ';' ? EXT : c == '\r' ? SIZE_LF : BAD;
	case EXT:
		b->extra_bytes++;
		return c == '\r' ? SIZE_LF : http_is(c, HTTP_C_VALUE) ? EXT : BAD;
	case SIZE_LF:
		return c == '\n' ? size_done(b) : BAD;
	case DATA_CR:
		return c == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		b->digits = 0;
		b->left = 0;
		return c == '\n' ? SIZE : BAD;
	case LINE:
		b->extra_bytes++;
		return c == '\r' ? END_LF : http_is(c, HTTP_C_TOKEN) ? NAME : BAD;
	case NAME:
		b->extra_bytes++;
		return c == ':' ? VALUE : http_is(c, HTTP_C_TOKEN) ? NAME : BAD;
	case VALUE:
		b->extra_bytes++;
		return c == '\r' ? LINE_LF : http_is(c, HTTP_C_VALUE) ? VALUE : BAD;
	case LINE_LF:
		return c == '\n' ? LINE : BAD;
	case END_LF:
		return c == '\n' ? END : BAD;
	case DATA:
	case END:
	case BAD:
		break;
	}
	return BAD;
}

enum http_body_result
http_body_feed(struct http_body *b, struct str in, size_t *used, struct str *piece)
{
	size_t at = 0;
	*piece = STR_NULL;
	while (b->state != END && b->state != BAD && at < in.n) {
		if (b->state == DATA) {
			size_t n = MIN(in.n - at, b->left);
			*piece = (struct str){ in.p + at, n };
			b->left -= b->kind == HTTP_BODY_UNTIL_CLOSE ? 0 : n;
			b->data_bytes += n;
			if (b->left == 0)
				b->state = b->kind == HTTP_BODY_CHUNKED ? DATA_CR : END;
			*used = at + n;
			return HTTP_BODY_DATA;
		}
		b->state = (uint8_t)step(b, in.p[at++]);
		if (b->extra_bytes > HTTP_BODY_EXTRA_MAX)
			b->state = BAD;
	}
	*used = at;
	return b->state == END ? HTTP_BODY_END : b->state == BAD ? HTTP_BODY_BAD : HTTP_BODY_MORE;
}
