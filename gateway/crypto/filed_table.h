/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filed's messages: what both sides must agree on. Private to gateway/crypto. Each but HELLO, CREATE and OPEN begins with a uint32_t, the
 * file's number; each answer with a struct filed_reply.                                                                     */
#ifndef GATEWAY_CRYPTO_FILED_TABLE_H
#define GATEWAY_CRYPTO_FILED_TABLE_H

#include "gateway/crypto/frame.h"
#include "gateway/crypto/openemr_crypt.h"

enum { FILED_HELLO, FILED_CREATE, FILED_WRITE, FILED_KEEP, FILED_OPEN, FILED_CHECK, FILED_READ, FILED_DROP, FILED_N };
extern const struct frame_row filed_table[FILED_N];

struct filed_create { /* then the folder's name */
	uint32_t file, site, version;
	uint8_t a[32], b[32], iv[16];
};
struct filed_open { /* then the path */
	uint32_t file, site, sealed;
	struct openemr_keys database, drive;
};
struct filed_read { /* behind the file's number */
	uint64_t from;
	uint32_t n;
};
struct filed_reply { /* READ: then the bytes */
	uint64_t size;
	uint8_t status, done;
	uint8_t sha3_512[64], sha1[20];
};

#endif
