/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON of request bodies: whatever is accepted is within its limits, and is read again when it is written. fuzz-library: gateway/base */
#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { BYTES_MAX = 64 << 10 };

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct err e = { 0 };
	json_t *doc = json_in(text, BYTES_MAX, &e);
	CHECK((doc == NULL) == (e.kind != E_NONE));
	struct err e_php = { 0 };
	json_t *php = json_in_php(text, BYTES_MAX, &e_php);
	CHECK((php == NULL) == (e_php.kind != E_NONE) && (doc == NULL || php != NULL));
	json_decref(php);
	if (doc != NULL) {
		CHECK(n <= BYTES_MAX);
		char *again = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);
		json_t *back = again == NULL ? NULL : json_in(str_of(again), 8 * BYTES_MAX, &e);
		CHECK(again == NULL || (back != NULL && json_equal(doc, back)));
		json_decref(back);
		free(again);
		(void)json_in_str(doc, "name");
	}
	json_decref(doc);
	/* the writer: any bytes become a string that every reader takes */
	for (unsigned escape = JSON_PLAIN; escape <= JSON_PHP_HEX; escape++) {
		struct buf b;
		struct json_write w;
		buf_init(&b, NULL, 64, 1 << 20);
		json_begin(&w, &b, (enum json_escape)escape);
		json_str(&w, str_sub(text, 0, 4096));
		if (buf_ok(&b) && memchr(p, 0, MIN(n, (size_t)4096)) == NULL) {
			struct err why = { 0 };
			doc = json_in(buf_str(&b), 1 << 20, &why);
			CHECK(json_is_string(doc));
			json_decref(doc);
		}
		buf_done(&b);
	}
	return 0;
}
