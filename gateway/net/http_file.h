/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What answers with files need of HTTP: a single byte range, entity tags, and a name that is safe in Content-Disposition and on disk.
 * Pure functions over foreign bytes.                                                                                       */
#ifndef GATEWAY_NET_HTTP_FILE_H
#define GATEWAY_NET_HTTP_FILE_H

#include "gateway/base/buf.h"

enum http_range_kind {
	RANGE_WHOLE, /* no range, another unit, malformed, or several: the whole is sent (RFC 9110 14.2 allows it) */
	RANGE_PART,
	RANGE_OUTSIDE /* 416 */
};
struct http_range {
	uint64_t first, n; /* bytes; n > 0 of a part */
};
/* value: of a Range field (.n 0: none); size: of the representation. RFC 9110 14.1.2. */
enum http_range_kind http_range_parse(struct str value, uint64_t size, struct http_range *out);
/* Does a comma list of entity tags (If-None-Match, weak comparison) name tag, or is it "*"? RFC 9110 13.1.2. tag with its quotes. */
bool http_etag_listed(struct str list, struct str tag);

enum { FILE_NAME_MAX = 200 };
/* The last part of what a client or a row calls a file: no folder (either slash), no control byte, valid UTF-8, at most FILE_NAME_MAX bytes,
 * no dots in front, no blanks around; "document" when nothing is left. to: FILE_NAME_MAX + 1 bytes.                        */
struct str file_name_safe(struct str name, char *to);
/* attachment; filename="..."; filename*=UTF-8''... : RFC 6266, RFC 8187. name: any bytes. */
void http_attachment_put(struct buf *b, struct str name);

#endif
