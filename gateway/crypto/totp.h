/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time-based one-time passwords as OpenEMR registers them: SHA-1, 6 digits, 30 s. Pure. RFC 6238, RFC 4226, contract/oauth2.md 6.3.
 * Not for replay and failed tries: gateway/oauth/second_factor.c keeps those.                                              */
#ifndef GATEWAY_CRYPTO_TOTP_H
#define GATEWAY_CRYPTO_TOTP_H

#include "gateway/crypto/openemr_crypt.h"

enum { TOTP_STEP_S = 30, TOTP_DIGITS = 6, TOTP_KEY_MAX = 64 };

/* The number of the time step whose code this is (the present one or a neighbour: clocks differ), or -1. secret: RFC 4648 base32 as in
 * an authenticator's QR code, padding optional, either case; code: exactly six digits. Time does not depend on which step fits. */
int64_t totp_check(struct str secret, struct str code, int64_t now_s);
/* The base32 secret out of login_mfa_registrations.var1, in arena memory. keys NULL: only secrets stored clear can be read. */
int totp_secret(
    struct arena *a, const struct openemr_keys *keys, struct str stored, struct str *secret, struct err *e) MUSTUSE;

#endif
