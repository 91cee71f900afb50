/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests and message authentication over OpenSSL's EVP. Pure. Not for passwords (hashd.h, password.h).                    */
#ifndef GATEWAY_CRYPTO_HASH_H
#define GATEWAY_CRYPTO_HASH_H

#include "gateway/base/err.h"

enum { SHA256_LEN = 32, SHA384_LEN = 48, SHA512_LEN = 64 };

/* FIPS 180-4, in one piece. */
void sha256(struct str s, uint8_t out[SHA256_LEN]);
/* -1: out of memory. */
int sha3_512(struct str s, uint8_t out[SHA512_LEN]) MUSTUSE;
int hmac_sha256(struct str key, struct str s, uint8_t out[SHA256_LEN]) MUSTUSE;
int hmac_sha384(struct str key, struct str s, uint8_t out[SHA384_LEN]) MUSTUSE;
/* A digest of bytes that come in pieces. begin: -1 out of memory. end writes the digest; drop gives up; both leave ctx NULL, and drop of
 * that is harmless. */
struct sha256_stream {
	void *ctx;
};
int sha256_begin(struct sha256_stream *s) MUSTUSE;
void sha256_feed(struct sha256_stream *s, struct str piece);
void sha256_end(struct sha256_stream *s, uint8_t out[SHA256_LEN]);
void sha256_drop(struct sha256_stream *s);
uint32_t crc32c(uint32_t crc, const void *p, size_t n); /* Castagnoli; start with 0 */

#endif
