/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates of search parameters and bodies, and of OpenEMR's columns: what is read is written and read again. fuzz-library: gateway/base */
#include "gateway/base/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = { (const char *)p, n };
	struct date d, back;
	struct buf b;
	buf_init(&b, NULL, 64, 128);
	if (date_parse_iso(s, &d) == 0) {
		CHECK(date_valid(d.year, d.month == 0 ? 1 : d.month, d.day == 0 ? 1 : d.day));
		date_put_iso(&b, &d);
		CHECK(
		    buf_ok(&b) && date_parse_iso(buf_str(&b), &back) == 0 && date_epoch_us(&back) == date_epoch_us(&d));
	}
	buf_clear(&b);
	if (date_parse_sql(s, &d) == 0) {
		date_put_sql(&b, &d);
		CHECK(buf_ok(&b) && date_parse_sql(buf_str(&b), &back) == 0 && back.year == d.year &&
		      back.second == d.second);
	}
	buf_done(&b);
	return 0;
}
