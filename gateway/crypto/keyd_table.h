/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reachable surface of keyd: its messages, by number, on one page. Private to gateway/crypto and its fuzz target.        */
#ifndef GATEWAY_CRYPTO_KEYD_TABLE_H
#define GATEWAY_CRYPTO_KEYD_TABLE_H

#include "gateway/crypto/frame.h"

enum { KEYD_HELLO, KEYD_SIGN_JWT /* site NUL typ NUL claims */, KEYD_JWKS /* site */, KEYD_N };
extern const struct frame_row keyd_table[KEYD_N];

#endif
