/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's block format (openemr_crypt.h) for files of any size, in constant memory: 3-digit version + base64(HMAC | IV | AES-256-CBC).
 * Writing: the MAC stands in front and is known last, so it is patched in. Reading: the MAC over the whole is checked first, then any
 * part can be read, since CBC needs only the block before. Blocking file reads: for a process of its own.                  */
#ifndef GATEWAY_CRYPTO_OPENEMR_FILE_H
#define GATEWAY_CRYPTO_OPENEMR_FILE_H

#include "gateway/base/buf.h"
#include "gateway/crypto/openemr_crypt.h"

/* --- writing ------------------------------------------------------------------------------------------------------------------ */
struct openemr_seal;
enum { OPENEMR_SEAL_MAC_AT = 3, OPENEMR_SEAL_MAC_TEXT = 64 };
/* version 4..7. NULL: out of memory. */
struct openemr_seal *openemr_seal_new(unsigned version, const uint8_t a[32], const uint8_t b[32], const uint8_t iv[16]);
void openemr_seal_free(struct openemr_seal **s);
/* Appends the file's next bytes to out: begin first, plain pieces, end last. -1: the library failed. */
int openemr_seal_begin(struct openemr_seal *s, struct buf *out) MUSTUSE;
int openemr_seal_put(struct openemr_seal *s, struct str plain, struct buf *out) MUSTUSE;
/* mac_text goes to offset OPENEMR_SEAL_MAC_AT of the file. */
int openemr_seal_end(struct openemr_seal *s, struct buf *out, char mac_text[OPENEMR_SEAL_MAC_TEXT]) MUSTUSE;

/* --- reading ------------------------------------------------------------------------------------------------------------------ */
struct openemr_open;
/* Of an open file of size bytes. OpenEMR writes files under the database's keys; both sets are tried. Without any set (both NULL) a file is
 * clear. NULL with e: E_PARSE not a block, E_CRYPTO no such key. fd stays the caller's.                                                   */
struct openemr_open *openemr_open_new(
    int fd, uint64_t size, const struct openemr_keys *database, const struct openemr_keys *drive, struct err *e);
void openemr_open_free(struct openemr_open **o);
/* Checks the MAC over at most max bytes more. 1: sound, openemr_open_size() is known; 0: call again; -1 with e: tampered, wrong key,
 * unreadable. Version 001 has no MAC: its plain content is digested instead, for the caller to compare.                       */
int openemr_open_check(struct openemr_open *o, size_t max, struct err *e) MUSTUSE;
uint64_t openemr_open_size(const struct openemr_open *o); /* of the plain content */
/* The digests of what version 001 holds. False: the file has a MAC, or is clear, and none were made. */
bool openemr_open_digests(const struct openemr_open *o, uint8_t sha3_512[64], uint8_t sha1[20]);
/* Appends plain bytes [from, from + n), which must lie inside. Only after a check that said 1. */
int openemr_open_read(struct openemr_open *o, uint64_t from, size_t n, struct buf *out, struct err *e) MUSTUSE;

#endif
