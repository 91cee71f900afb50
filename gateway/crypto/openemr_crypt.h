/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's block format for values at rest: 3-digit version + base64(HMAC | IV | AES-256-CBC). contract/oauth2.md 10. Pure over
 * OpenSSL. Not for php-encryption's password mode.                                                                         */
#ifndef GATEWAY_CRYPTO_OPENEMR_CRYPT_H
#define GATEWAY_CRYPTO_OPENEMR_CRYPT_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"
#include "gateway/base/rng.h"

struct openemr_keys { /* per version 4..7 a pair; also of 1..3 where files exist */
	struct {
		bool present;
		uint8_t a[32], b[32];
	} version[8];
};
/* Does text begin with a version? Then the number of its key pair and the length of its MAC (0: 001 has none). */
bool openemr_version(struct str text, unsigned *keys, size_t *mac_bytes);
/* Decrypts text (versions 001..007) into arena memory (use an ARENA_WIPE arena). Text without a valid version prefix is clear text
 * and is returned as it is, with *clear = true (clear may be NULL). -1: tampered, unknown version, missing key.            */
int openemr_decrypt(struct arena *a, const struct openemr_keys *k, struct str text, struct str *out, bool *clear,
    struct err *e) MUSTUSE;
/* Encrypts as the given version (6 or 7). */
int openemr_encrypt(struct arena *a, const struct openemr_keys *k, int version, struct rng *rng, struct str plain,
    struct str *out, struct err *e) MUSTUSE;
/* Reads the drive keys of a site: <sites_dir>/documents/logs_and_misc/methods/{one..seven}{a,b}; "sevena/b" blocks are decrypted with
 * the database keys (base64 values of table keys). Blocking file reads: at start only.                                     */
int openemr_drive_keys_load(
    const char *methods_dir, const struct openemr_keys *database_keys, struct openemr_keys *out, struct err *e) MUSTUSE;

#endif
