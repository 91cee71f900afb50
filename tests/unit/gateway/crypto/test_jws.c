/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A signature counts for the key that the header names, and for no other, in whatever order keys are used. Keys are made here. */
#include "gateway/base/text.h"
#include "gateway/crypto/jwk.h"

#include "harness.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum { KEYS = 2, RSA_BITS = 2048, SIG_MAX = 512 };

struct fixture {
	struct arena *a;
	EVP_PKEY *pkey[KEYS];
	struct jwk_set *set;
};

static void
number_put(struct buf *b, const EVP_PKEY *k, const char *param)
{
	BIGNUM *n = NULL;
	unsigned char bytes[SIG_MAX];
	REQUIRE(EVP_PKEY_get_bn_param(k, param, &n) == 1);
	int len = BN_bn2bin(n, bytes);
	base64url_put(b, bytes, (size_t)len);
	BN_free(n);
}

static void
fixture_make(struct fixture *f)
{
	struct buf b;
	struct err e = { 0 };
	f->a = arena_new("test", 1 << 20);
	REQUIRE(f->a != NULL);
	buf_init(&b, f->a, 4096, 16384);
	buf_printf(&b, "{\"keys\":[");
	for (size_t i = 0; i < KEYS; i++) {
		f->pkey[i] = EVP_RSA_gen(RSA_BITS);
		REQUIRE(f->pkey[i] != NULL);
		buf_printf(&b, "%s{\"kty\":\"RSA\",\"kid\":\"k%zu\",\"n\":\"", i > 0 ? "," : "", i);
		number_put(&b, f->pkey[i], OSSL_PKEY_PARAM_RSA_N);
		buf_printf(&b, "\",\"e\":\"");
		number_put(&b, f->pkey[i], OSSL_PKEY_PARAM_RSA_E);
		buf_printf(&b, "\"}");
	}
	buf_printf(&b, "]}");
	f->set = jwk_set_parse(buf_str(&b), &e);
	REQUIRE(f->set != NULL && jwk_set_count(f->set) == KEYS);
}

static void
fixture_drop(struct fixture *f)
{
	jwk_set_free(&f->set);
	for (size_t i = 0; i < KEYS; i++)
		EVP_PKEY_free(f->pkey[i]);
	arena_free(&f->a);
}

/* A token whose header names kid, signed by key number by. */
static struct str
token_make(struct fixture *f, unsigned kid, unsigned by)
{
	struct buf b;
	unsigned char sig[SIG_MAX];
	size_t n = sizeof sig;
	struct str head = arena_printf(f->a, "{\"alg\":\"RS256\",\"kid\":\"k%u\"}", kid);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	buf_init(&b, f->a, 2048, 4096);
	base64url_put(&b, head.p, head.n);
	buf_char(&b, '.');
	base64url_put(&b, "{\"sub\":\"x\"}", 11);
	REQUIRE(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, f->pkey[by], NULL) == 1);
	REQUIRE(EVP_DigestSign(ctx, sig, &n, (const unsigned char *)b.p, b.n) == 1);
	EVP_MD_CTX_free(ctx);
	buf_char(&b, '.');
	base64url_put(&b, sig, n);
	return buf_str(&b);
}

static int
verify(struct fixture *f, struct str token, unsigned allowed)
{
	struct jws j;
	struct err e = { 0 };
	if (jws_parse(f->a, token, &j, &e) != 0)
		return -1;
	int rc = jws_verify(&j, f->set, allowed, &e);
	json_decref(j.claims);
	return rc;
}

static void
test_keys__used_in_turn__each_verifies_its_own_tokens_only(void)
{
	static const struct {
		unsigned kid, by;
		int want;
	} rows[] = { { 0, 0, 0 }, { 1, 1, 0 }, { 0, 0, 0 }, { 1, 0, -1 }, { 0, 1, -1 }, { 1, 1, 0 } };
	struct fixture f = { 0 };
	fixture_make(&f);
	for (size_t i = 0; i < NITEMS(rows); i++)
		EXPECT_IDX(verify(&f, token_make(&f, rows[i].kid, rows[i].by), JWS_RS256) == rows[i].want, i);
	fixture_drop(&f);
}

static void
test_token__algorithm_not_allowed__is_refused(void)
{
	struct fixture f = { 0 };
	fixture_make(&f);
	struct str token = token_make(&f, 0, 0);
	EXPECT(verify(&f, token, JWS_RS256 | JWS_ES256) == 0);
	EXPECT(verify(&f, token, JWS_RS384 | JWS_ES256) == -1);
	EXPECT(verify(&f, str_sub(token, 0, token.n - 2), JWS_RS256) == -1);
	fixture_drop(&f);
}

TESTS(T(test_keys__used_in_turn__each_verifies_its_own_tokens_only), T(test_token__algorithm_not_allowed__is_refused))
