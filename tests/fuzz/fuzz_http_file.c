/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges lie inside, names are safe whatever comes in, entity tag lists end. */
// fuzz-library: gateway/net
#include "gateway/base/text.h"
#include "gateway/net/http_file.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = { (const char *)p, n };
	char to[FILE_NAME_MAX + 1];
	struct http_range r;
	struct buf b;
	for (uint64_t size = 0; size < 1000; size = size * 10 + 1)
		if (http_range_parse(in, size, &r) == RANGE_PART)
			CHECK(r.n > 0 && r.first < size && r.n <= size - r.first);
	(void)http_etag_listed(in, STR("\"a\""));
	struct str name = file_name_safe(in, to);
	CHECK(name.n > 0 && name.n <= FILE_NAME_MAX && utf8_valid(name) && name.p[0] != '.');
	buf_init(&b, NULL, 256, 4096);
	http_attachment_put(&b, in);
	CHECK(buf_ok(&b));
	for (size_t i = 0; i < b.n; i++)
		CHECK((unsigned char)b.p[i] >= 0x20 && (unsigned char)b.p[i] < 0x7f && b.p[i] != '/');
	for (size_t i = 0; i < name.n; i++)
		CHECK(name.p[i] != '/' && name.p[i] != '\\' && (unsigned char)name.p[i] >= 0x20);
	buf_done(&b);
	return 0;
}
