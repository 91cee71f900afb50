/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in OpenEMR's block format: bytes made up are refused, never decrypted (001 has no MAC: its bytes decrypt to something now and then), and
 * what is read is as long as was told. fuzz-library: gateway/crypto */
#include "gateway/crypto/openemr_file.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
all_read(struct openemr_open *o, bool first)
{
	struct err e = { 0 };
	struct buf out;
	uint8_t sha3[64], sha1[20];
	uint64_t size = openemr_open_size(o);
	buf_init(&out, NULL, size + 1, size + 1);
	CHECK(openemr_open_read(o, 0, (size_t)size, &out, &e) == 0 && out.n == size);
	CHECK(openemr_open_digests(o, sha3, sha1) == first);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct openemr_keys keys = { 0 };
	struct err e = { 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC), rc = 0;
	bool first = n >= 3 && memcmp(p, "001", 3) == 0;
	if (fd < 0 || n > 1 << 20 || write(fd, p, n) != (ssize_t)n) {
		(void)close(fd);
		return 0;
	}
	for (size_t v = 0; v < NITEMS(keys.version); v++) {
		keys.version[v].present = v != 3;
		memset(keys.version[v].a, (int)v, sizeof keys.version[v].a);
		memset(keys.version[v].b, (int)(v + 8), sizeof keys.version[v].b);
	}
	struct openemr_open *o = openemr_open_new(fd, n, &keys, NULL, &e);
	while (o != NULL && rc == 0)
		rc = openemr_open_check(o, 1000, &e);
	CHECK(o == NULL || rc == -1 || first);
	if (o != NULL && rc == 1)
		all_read(o, first);
	openemr_open_free(&o);
	(void)close(fd);
	return 0;
}
