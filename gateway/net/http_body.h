/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a message body ends (RFC 9112 6-7): Content-Length counting and the chunked coding as one incremental state machine over
 * bytes. Pure: no memory of its own, no sockets. Chunk extensions and trailer fields are checked, limited and dropped.     */
#ifndef GATEWAY_NET_HTTP_BODY_H
#define GATEWAY_NET_HTTP_BODY_H

#include "gateway/net/http_head.h"

enum http_body_kind { HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

struct http_body {
	uint8_t kind, state;  /* state: of the chunked machine                                  */
	uint8_t digits;       /* of the chunk size                                              */
	uint64_t left;        /* of the Content-Length, or of the chunk                         */
	uint64_t data_bytes;  /* body bytes given out so far                                    */
	uint32_t extra_bytes; /* extensions and trailers so far                                 */
};

enum http_body_result {
	HTTP_BODY_DATA, /* *piece holds body bytes (a part of in)             */
	HTTP_BODY_MORE, /* all of in was used; give more                      */
	HTTP_BODY_END,  /* the body is complete; bytes behind *used are not its */
	HTTP_BODY_BAD,  /* malformed: refuse (400) and close                  */
};

enum { HTTP_BODY_EXTRA_MAX = 16 << 10 }; /* extensions and trailers of one body together */

/* Begin a body of n bytes, in chunks (RFC 9112 7.1), or up to the end of the connection (6.3). */
void http_body_length(struct http_body *b, uint64_t n);
void http_body_chunked(struct http_body *b);
void http_body_until_close(struct http_body *b); /* never ends by itself; upstream answers only */
/* Of a parsed request: chunked, its length, or none (a length of 0). */
void http_body_of_request(struct http_body *b, const struct http_head *h);

/* Takes the next bytes. *used: how many of them were consumed. Call again with the rest (also an empty one) until MORE, END or BAD;
 * END and BAD are final and repeat.                                                                                        */
enum http_body_result http_body_feed(struct http_body *b, struct str in, size_t *used, struct str *piece);
bool http_body_ended(const struct http_body *b);

#endif
