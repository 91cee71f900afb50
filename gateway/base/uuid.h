/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UUIDs as OpenEMR keeps them: 16 bytes, printed as plain hex of the bytes. Pure but for clock and rng given.             */
#ifndef GATEWAY_BASE_UUID_H
#define GATEWAY_BASE_UUID_H

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"
#include "gateway/base/rng.h"

struct uuid {
	uint8_t b[16];
};
enum { UUID_TEXT = 36 };

/* 8-4-4-4-12 hex digits, either case, the whole string. */
int uuid_parse(struct str s, struct uuid *out) MUSTUSE;
void uuid_text(const struct uuid *u, char out[UUID_TEXT + 1]); /* lower case, NUL-ended */
/* Timestamp-first COMB, version nibble 4: bytes 0-5 big-endian count of 10 us since 1970, then 10 random bytes with version and
 * variant bits (OpenEMR's form, contract standard-api.md 5).                                                             */
void uuid_comb(struct uuid *u, const struct clock *c, struct rng *r);
void uuid_random(struct uuid *u, struct rng *r); /* RFC 9562 version 4 */

#endif
