/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in OpenEMR's block format: what one side seals the other opens, for every version and around the sizes of a block, a base64 group
 * and a piece; a byte that changed is found before anything is read.                                                       */
#include "gateway/crypto/openemr_file.h"

#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"
#include "harness.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

enum { BIG = 200001 };

static struct openemr_keys keys, none, other;
static char plain[BIG];

static void
keys_make(void)
{
	for (unsigned v = 1; v < 8; v++) {
		keys.version[v].present = other.version[v].present = true;
		memset(keys.version[v].a, (int)v, 32);
		memset(keys.version[v].b, (int)(v + 16), 32);
		memset(other.version[v].a, (int)(v + 32), 32);
		memset(other.version[v].b, (int)(v + 48), 32);
	}
	for (size_t i = 0; i < BIG; i++)
		plain[i] = (char)(i * 7 + i / 251);
}

static int
file_of(struct str text)
{
	char name[] = "/tmp/test_openemr_file.XXXXXX";
	int fd = mkstemp(name);
	REQUIRE(fd >= 0);
	(void)unlink(name);
	REQUIRE(write(fd, text.p, text.n) == (ssize_t)text.n);
	return fd;
}

/* What PHP writes, made in one piece with OpenSSL's one-shot calls. */
static void
php_seal(unsigned version, struct str s, struct buf *out)
{
	static const size_t macs[] = { 0, 0, 32, 32, 48, 48, 48, 48 };
	static const unsigned numbers[] = { 0, 1, 2, 2, 4, 5, 6, 7 };
	uint8_t mac[48];
	struct buf body, all;
	int n = 0, last = 0;
	buf_init(&body, NULL, s.n + 64, s.n + 64);
	buf_init(&all, NULL, s.n + 128, s.n + 128);
	memset(body.p = buf_room(&body, s.n + 64), 9, 16);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *to = (uint8_t *)body.p;
	(void)EVP_EncryptInit_ex(c, EVP_aes_256_cbc(), NULL, keys.version[numbers[version]].a, to);
	(void)EVP_EncryptUpdate(c, to + 16, &n, (const uint8_t *)s.p, (int)s.n);
	(void)EVP_EncryptFinal_ex(c, to + 16 + n, &last);
	EVP_CIPHER_CTX_free(c);
	body.n = 16 + (size_t)(n + last);
	struct str key = { (const char *)keys.version[numbers[version]].b, 32 };
	REQUIRE(macs[version] != 48 || hmac_sha384(key, buf_str(&body), mac) == 0);
	REQUIRE(macs[version] != 32 || hmac_sha256(key, buf_str(&body), mac) == 0);
	buf_put(&all, mac, macs[version]);
	buf_str_put(&all, buf_str(&body));
	buf_printf(out, "%03u", version);
	base64_put(out, all.p, all.n);
	buf_done(&body);
	buf_done(&all);
}

static void
our_seal(unsigned version, struct str s, size_t step, struct buf *out)
{
	char mac[OPENEMR_SEAL_MAC_TEXT];
	uint8_t iv[16];
	memset(iv, 9, sizeof iv);
	struct openemr_seal *seal = openemr_seal_new(version, keys.version[version].a, keys.version[version].b, iv);
	REQUIRE(seal != NULL && openemr_seal_begin(seal, out) == 0);
	for (size_t at = 0; at < s.n; at += step)
		REQUIRE(openemr_seal_put(seal, str_sub(s, at, at + step), out) == 0);
	REQUIRE(openemr_seal_end(seal, out, mac) == 0);
	memcpy(out->p + OPENEMR_SEAL_MAC_AT, mac, sizeof mac);
	openemr_seal_free(&seal);
}

/* Opens and reads all, and a part across blocks. */
static bool
opens(struct str text, struct str want, const struct openemr_keys *database, const struct openemr_keys *drive)
{
	struct err e = { 0 };
	struct buf got, part;
	int fd = file_of(text), rc = 0;
	struct openemr_open *o = openemr_open_new(fd, text.n, database, drive, &e);
	while (o != NULL && rc == 0)
		rc = openemr_open_check(o, 70000, &e);
	bool ok = rc == 1 && openemr_open_size(o) == want.n;
	buf_init(&got, NULL, want.n + 1, want.n + 1);
	buf_init(&part, NULL, want.n + 1, want.n + 1);
	ok = ok && openemr_open_read(o, 0, want.n, &got, &e) == 0 && str_eq(buf_str(&got), want);
	if (ok && want.n > 40)
		ok = openemr_open_read(o, want.n / 2 - 3, 21, &part, &e) == 0 &&
		     str_eq(buf_str(&part), str_sub(want, want.n / 2 - 3, want.n / 2 + 18));
	buf_done(&got);
	buf_done(&part);
	openemr_open_free(&o);
	(void)close(fd);
	return ok;
}

static const size_t sizes[] = { 1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49, 4095, 4096, 49151, 49152, 49153, BIG };

static void
test_every_version__sealed_by_php__is_read(void)
{
	keys_make();
	for (unsigned v = 1; v < 8; v++)
		for (size_t i = 0; i < NITEMS(sizes); i++) {
			struct buf b;
			struct str s = { plain, sizes[i] };
			buf_init(&b, NULL, 1024, 2 * BIG);
			php_seal(v, s, &b);
			EXPECT_IDX(opens(buf_str(&b), s, &keys, &none), v * 100 + i);
			EXPECT_IDX(opens(buf_str(&b), s, v == 1 ? &none : &other, &keys),
			    v * 100 + i); /* the drive's pair fits */
			buf_done(&b);
		}
}

static void
test_what_we_seal__is_byte_for_byte_what_php_writes(void)
{
	static const size_t steps[] = { 1, 5, 16, 4096, 49152 };
	keys_make();
	for (unsigned v = 4; v < 8; v++)
		for (size_t i = 0; i < NITEMS(sizes); i++)
			for (size_t k = sizes[i] > 5000 ? 3 : 0; k < NITEMS(steps); k++) {
				struct buf php, our;
				struct str s = { plain, sizes[i] };
				buf_init(&php, NULL, 1024, 2 * BIG);
				buf_init(&our, NULL, 1024, 2 * BIG);
				php_seal(v, s, &php);
				our_seal(v, s, steps[k], &our);
				EXPECT_IDX(str_eq(buf_str(&php), buf_str(&our)), v * 1000 + i * 10 + k);
				buf_done(&php);
				buf_done(&our);
			}
}

static void
test_changed_files__are_refused_before_anything_is_read(void)
{
	struct buf b;
	struct str s = { plain, 500 };
	keys_make();
	buf_init(&b, NULL, 1024, 2 * BIG);
	php_seal(7, s, &b);
	for (size_t at = 3; at < b.n; at += 7) {
		char was = b.p[at];
		b.p[at] = was == 'A' ? 'B' : 'A';
		EXPECT_IDX(!opens(buf_str(&b), s, &keys, &none), at);
		b.p[at] = was;
	}
	for (size_t n = 3; n < b.n; n += 11)
		EXPECT_IDX(!opens(str_sub(buf_str(&b), 0, n), s, &keys, &none), n);
	EXPECT(!opens(buf_str(&b), s, &other, &none));
	EXPECT(!opens(buf_str(&b), s, &none, &none));
	EXPECT(opens(buf_str(&b), s, &keys, &none));
	buf_done(&b);
}

/* Not marked as sealed: clear, whatever it begins with. Marked: a file without a version in front is what is left of another. */
static void
test_clear_files__are_read_as_they_are__and_none_as_sealed(void)
{
	static const struct str rows[] = { STR_INIT("hello"), STR_INIT("8.1"), STR_INIT("01"), STR_INIT("000AAAA"),
		STR_INIT(""), STR_INIT("007 rooms") };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		EXPECT_IDX(opens(rows[i], rows[i], NULL, NULL), i);
		EXPECT_IDX(!opens(rows[i], rows[i], &keys, &none), i);
	}
}

/* Version 001 has no MAC: the digests tell a byte that changed. */
static void
test_version_001__is_digested(void)
{
	uint8_t want[SHA512_LEN], sha3[SHA512_LEN], sha1[20];
	keys_make();
	for (size_t i = 0; i < NITEMS(sizes); i++)
		for (unsigned v = 1; v <= 2; v++) {
			struct err e = { 0 };
			struct buf b;
			int rc = 0;
			buf_init(&b, NULL, 1024, 2 * BIG);
			php_seal(v, (struct str){ plain, sizes[i] }, &b);
			int fd = file_of(buf_str(&b));
			struct openemr_open *o = openemr_open_new(fd, b.n, &keys, &none, &e);
			REQUIRE(o != NULL);
			EXPECT_IDX(!openemr_open_digests(o, sha3, sha1), i);
			while (rc == 0)
				rc = openemr_open_check(o, 5000, &e);
			REQUIRE(sha3_512((struct str){ plain, sizes[i] }, want) == 0);
			EXPECT_IDX(rc == 1 && openemr_open_digests(o, sha3, sha1) == (v == 1), i * 10 + v);
			EXPECT_IDX(v != 1 || memcmp(sha3, want, sizeof want) == 0, i);
			openemr_open_free(&o);
			(void)close(fd);
			buf_done(&b);
		}
}

TESTS(T(test_every_version__sealed_by_php__is_read), T(test_what_we_seal__is_byte_for_byte_what_php_writes),
    T(test_changed_files__are_refused_before_anything_is_read),
    T(test_clear_files__are_read_as_they_are__and_none_as_sealed), T(test_version_001__is_digested))
