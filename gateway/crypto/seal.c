/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AES-256-GCM over EVP. */
#include "gateway/crypto/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { NONCE = 12, TAG = 16, PLAIN_MAX = 1 << 20 };

struct str
seal(struct arena *a, struct rng *rng, const uint8_t key[SEAL_KEY], struct str plain)
{
	unsigned char *out = plain.n > PLAIN_MAX ? NULL : arena_raw(a, NONCE + plain.n + TAG);
	EVP_CIPHER_CTX *ctx = out == NULL ? NULL : EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	bool ok = ctx != NULL;
	if (ok)
		rng_bytes(rng, out, NONCE);
	ok = ok && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
	     EVP_EncryptUpdate(ctx, out + NONCE, &n, (const unsigned char *)plain.p, (int)plain.n) == 1 &&
	     EVP_EncryptFinal_ex(ctx, out + NONCE + n, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + plain.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? (struct str){ (const char *)out, NONCE + plain.n + TAG } : STR_NULL;
}

int
unseal(struct arena *a, const uint8_t key[SEAL_KEY], struct str sealed, struct str *plain, struct err *e)
{
	const unsigned char *in = (const unsigned char *)sealed.p;
	size_t len = sealed.n < NONCE + TAG ? 0 : sealed.n - NONCE - TAG;
	unsigned char tag[TAG];
	unsigned char *out = sealed.n < NONCE + TAG || len > PLAIN_MAX ? NULL : arena_raw(a, len + 1);
	EVP_CIPHER_CTX *ctx = out == NULL ? NULL : EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	if (ctx == NULL)
		return ERR(e, E_CRYPTO, "sealed value too short, too long or no memory");
	memcpy(tag, in + NONCE + len, TAG);
	bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, in) == 1 &&
	          EVP_DecryptUpdate(ctx, out, &n, in + NONCE, (int)len) == 1 &&
	          EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
	          EVP_DecryptFinal_ex(ctx, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	*plain = (struct str){ (const char *)out, len };
	return ok ? 0 : ERR(e, E_CRYPTO, "sealed under another key, or changed");
}
