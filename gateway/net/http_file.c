/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges, entity tags, file names. */
#include "gateway/net/http_file.h"

#include "gateway/base/text.h"

enum http_range_kind
http_range_parse(struct str value, uint64_t size, struct http_range *out)
{
	uint64_t first, last;
	*out = (struct http_range){ 0, size };
	if (!str_istarts(value, STR("bytes=")))
		return RANGE_WHOLE;
	struct str spec = str_trim(str_skip(value, 6));
	size_t dash = str_find(spec, '-');
	struct str from = str_sub(spec, 0, dash), to = str_skip(spec, dash + 1);
	if (dash == spec.n)
		return RANGE_WHOLE;
	if (from.n == 0) { /* the last bytes */
		if (str_to_u64(to, UINT64_MAX, &last) != 0)
			return RANGE_WHOLE;
		if (last == 0 || size == 0)
			return RANGE_OUTSIDE;
		out->n = MIN(last, size);
		out->first = size - out->n;
		return RANGE_PART;
	}
	last = UINT64_MAX;
	if (str_to_u64(from, UINT64_MAX, &first) != 0 || (to.n > 0 && str_to_u64(to, UINT64_MAX, &last) != 0) ||
	    last < first)
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_OUTSIDE;
	out->first = first;
	out->n = MIN(last, size - 1) - first + 1;
	return RANGE_PART;
}

bool
http_etag_listed(struct str list, struct str tag)
{
	struct str part;
	if (str_eq(str_trim(list), STR("*")))
		return true;
	while (str_next(&list, ',', &part)) {
		part = str_trim(part);
		if (str_starts(part, STR("W/")))
			part = str_skip(part, 2);
		if (tag.n > 0 && str_eq(part, tag))
			return true;
	}
	return false;
}

/* --- names ------------------------------------------------------------------------------------------------------------------- */

/* Bytes of the well-formed character at the begin of s; 0: none. RFC 3629. */
static size_t
utf8_length(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	if (n == 0 || s.n < n || !utf8_valid(str_sub(s, 0, n)))
		return 0;
	return n;
}

struct str
file_name_safe(struct str name, char *to)
{
	size_t n = 0;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' || name.p[i] == '\\')
			n = i + 1;
	name = str_skip(name, n);
	n = 0;
	while (name.n > 0) {
		unsigned char c = (unsigned char)name.p[0];
		size_t len = utf8_length(name);
		bool c1 = len == 2 && c == 0xc2 && (unsigned char)name.p[1] < 0xa0; /* U+0080 to U+009F */
		bool blank_first = n == 0 && (c == '.' || c == ' ');
		if (n + len > FILE_NAME_MAX)
			break;
		if (len > 0 && c >= 0x20 && c != 0x7f && !c1 && !blank_first) {
			memcpy(to + n, name.p, len);
			n += len;
		}
		name = str_skip(name, MAX(len, (size_t)1));
	}
	while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '.'))
		n--;
	if (n == 0) {
		n = sizeof "document" - 1;
		memcpy(to, "document", n);
	}
	to[n] = 0;
	return (struct str){ to, n };
}

void
http_attachment_put(struct buf *b, struct str name)
{
	char safe[FILE_NAME_MAX + 1];
	bool ascii = true;
	name = file_name_safe(name, safe);
	buf_lit(b, "attachment; filename=\"");
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		bool first_of_many = c >= 0xc0, rest = c >= 0x80 && c < 0xc0;
		ascii &= c < 0x80 && c != '%';
		if (c == '"')
			buf_lit(b, "\\\"");
		else if (!rest)
			buf_char(b, first_of_many ? '_' : (char)c);
	}
	buf_char(b, '"');
	if (ascii)
		return;
	buf_lit(b, "; filename*=UTF-8''");
	percent_put(b, name);
}
