/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests. SHA-256 is asked for wherever a key is named, where nobody could answer a failure: OpenSSL's functions for it alone need no memory,
 * EVP's take some for each digest.                                                                                              */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

void
sha256(struct str s, uint8_t out[SHA256_LEN])
{
	SHA256_CTX ctx;
	CHECK(SHA256_Init(&ctx) == 1 && SHA256_Update(&ctx, s.p, s.n) == 1 && SHA256_Final(out, &ctx) == 1);
}

int
sha3_512(struct str s, uint8_t out[SHA512_LEN])
{
	return EVP_Digest(s.p, s.n, out, NULL, EVP_sha3_512(), NULL) == 1 ? 0 : -1;
}

static int
hmac(const EVP_MD *md, struct str key, struct str s, uint8_t *out)
{
	return HMAC(md, key.p, (int)key.n, (const unsigned char *)s.p, s.n, out, NULL) != NULL ? 0 : -1;
}

int
hmac_sha256(struct str key, struct str s, uint8_t out[SHA256_LEN])
{
	return hmac(EVP_sha256(), key, s, out);
}

int
hmac_sha384(struct str key, struct str s, uint8_t out[SHA384_LEN])
{
	return hmac(EVP_sha384(), key, s, out);
}

/* --- in pieces --------------------------------------------------------------------------------------------------------------- */

int
sha256_begin(struct sha256_stream *s)
{
	s->ctx = EVP_MD_CTX_new();
	return s->ctx != NULL && EVP_DigestInit_ex2(s->ctx, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

void
sha256_feed(struct sha256_stream *s, struct str piece)
{
	CHECK(EVP_DigestUpdate(s->ctx, piece.p, piece.n) == 1);
}

void
sha256_end(struct sha256_stream *s, uint8_t out[SHA256_LEN])
{
	CHECK(EVP_DigestFinal_ex(s->ctx, out, NULL) == 1);
	sha256_drop(s);
}

void
sha256_drop(struct sha256_stream *s)
{
	EVP_MD_CTX_free(s->ctx);
	s->ctx = NULL;
}

/* --- CRC-32C (Castagnoli), reflected polynomial 0x82f63b78 ------------------------------------------------------------------ */

static uint32_t
crc_table(uint32_t crc, const unsigned char *p, size_t n)
{
	static uint32_t table[256];
	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++)
				c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
			table[i] = c;
		}
	while (n-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc, word;
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	crc = (uint32_t)c;
	while (n-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_sse42(~crc, p, n);
#endif
	return ~crc_table(~crc, p, n);
}
