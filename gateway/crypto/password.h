/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Password hashes as OpenEMR stores them (contract/oauth2.md 6.4): bcrypt $2y$, argon2i, argon2id, SHA-512 crypt, the legacy $2a$05$
 * form. Slow by purpose: only hashd calls this.                                                                            */
#ifndef GATEWAY_CRYPTO_PASSWORD_H
#define GATEWAY_CRYPTO_PASSWORD_H

#include "gateway/crypto/hashd.h"

/* *outdated (may be NULL): matched, but algorithm or cost are not params'. */
enum hash_verdict password_verify(
    struct str password, struct str stored, const struct hash_params *params, bool *outdated);
/* As verifying against a real hash, without one. */
void password_dummy(struct str password, const struct hash_params *params);
/* Into out (NUL-terminated). */
int password_make(struct str password, const struct hash_params *params, char *out, size_t n) MUSTUSE;

#endif
