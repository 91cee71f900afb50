/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HOTP over the time step. */
#include "gateway/crypto/totp.h"

#include "gateway/base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { SHA1_LEN = 20, WINDOW = 1 };

/* RFC 4648 6; spaces between groups are what people paste. Number of bytes, or 0. */
static size_t
base32_get(struct str s, uint8_t out[TOTP_KEY_MAX])
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0, i = 0;
	for (; i < s.n && s.p[i] != '='; i++) {
		char c = s.p[i];
		uint32_t v;
		if (c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			v = (uint32_t)(c - 'A');
		else if (c >= 'a' && c <= 'z')
			v = (uint32_t)(c - 'a');
		else if (c >= '2' && c <= '7')
			v = (uint32_t)(c - '2') + 26;
		else
			return 0;
		bits = (bits << 5 | v) & 0xfffffu;
		held += 5;
		if (held < 8)
			continue;
		held -= 8;
		if (n == TOTP_KEY_MAX)
			return 0;
		out[n++] = (uint8_t)(bits >> held);
	}
	for (; i < s.n; i++)
		if (s.p[i] != '=')
			return 0;
	return n;
}

static int
hotp(const uint8_t *key, size_t key_n, int64_t step, char out[TOTP_DIGITS + 1])
{
	uint8_t msg[8], mac[SHA1_LEN];
	unsigned mac_n = sizeof mac;
	for (unsigned i = 0; i < sizeof msg; i++)
		msg[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	if (HMAC(EVP_sha1(), key, (int)key_n, msg, sizeof msg, mac, &mac_n) == NULL || mac_n != SHA1_LEN)
		return -1;
	unsigned at = mac[SHA1_LEN - 1] & 15u; /* RFC 4226 5.3 */
	uint32_t v = ((uint32_t)mac[at] & 0x7fu) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 |
	             (uint32_t)mac[at + 3];
	(void)snprintf(out, TOTP_DIGITS + 1, "%06u", v % 1000000u);
	return 0;
}

static int
totp_code(struct str secret, int64_t step, char out[TOTP_DIGITS + 1])
{
	uint8_t key[TOTP_KEY_MAX];
	size_t n = base32_get(secret, key);
	int rc = n == 0 ? -1 : hotp(key, n, step, out);
	OPENSSL_cleanse(key, sizeof key);
	return rc;
}

int64_t
totp_check(struct str secret, struct str code, int64_t now_s)
{
	int64_t now = now_s / TOTP_STEP_S, found = -1;
	char want[TOTP_DIGITS + 1];
	if (code.n != TOTP_DIGITS)
		return -1;
	for (int64_t step = now - WINDOW; step <= now + WINDOW; step++) {
		if (totp_code(secret, step, want) != 0)
			return -1;
		if (CRYPTO_memcmp(want, code.p, TOTP_DIGITS) == 0)
			found = step;
	}
	OPENSSL_cleanse(want, sizeof want);
	return found;
}

int
totp_secret(struct arena *a, const struct openemr_keys *keys, struct str stored, struct str *secret, struct err *e)
{
	static const struct openemr_keys none = { 0 };
	if (openemr_decrypt(a, keys == NULL ? &none : keys, stored, secret, NULL, e) != 0)
		return -1;
	return secret->n > 0 ? 0 : ERR(e, E_INVALID, "second factor: empty secret");
}
