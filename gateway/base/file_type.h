/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The media type of a file from its bytes, as they come: magic numbers at the begin, else text or not over the whole content. What a
 * client claims has no say. Pure. Not for names and extensions.                                                            */
#ifndef GATEWAY_BASE_FILE_TYPE_H
#define GATEWAY_BASE_FILE_TYPE_H

#include "gateway/base/str.h"

#include <stdint.h>

enum { FILE_TYPE_HEAD = 512 };

struct file_type {
	char head[FILE_TYPE_HEAD];
	size_t head_n;
	uint32_t utf8_code, utf8_least; /* of the character under way; its smallest legal value */
	unsigned utf8_left;             /* its bytes that are still to come                     */
	bool binary;                    /* a byte came that no text has                         */
	bool not_utf8;
};
/* Begin with a zeroed struct; any number of pieces. */
void file_type_feed(struct file_type *t, struct str piece);
/* "application/pdf"; "text/plain" for UTF-8 (or any 8-bit text) without control bytes, "text/html" and "text/xml" by their first tag,
 * "application/octet-stream" for the rest, "application/x-empty" for nothing. The names are those of PHP's finfo.           */
struct str file_type_of(const struct file_type *t);

#endif
