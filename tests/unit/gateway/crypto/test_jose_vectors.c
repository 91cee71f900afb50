/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed tokens as attackers and careless libraries make them, a row each, in the manner of Wycheproof's JOSE vectors: what is verified is what
 * the key of the header's kid signed, in the one form that RFC 7515 gives, and nothing else. RFC 7515, 7518, 7797, 8725. Keys are made here. */
#include "gateway/base/text.h"
#include "gateway/crypto/ec_sig.h"
#include "gateway/crypto/jwk.h"

#include "harness.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* In the set: r0, r1, e0, e1. Not in it: the attacker's. */
enum key { R0, R1, E0, E1, MINE_R, MINE_E, KEYS };
enum { SIG_MAX = 1024, ALL = JWS_RS256 | JWS_RS384 | JWS_ES256 | JWS_ES384 };

struct fixture {
	struct arena *a;
	EVP_PKEY *pkey[KEYS];
	struct str set_text;
	struct jwk_set *set;
};

/* --- keys --------------------------------------------------------------------------------------------------------------------------- */

static void
number_put(struct buf *b, const EVP_PKEY *k, const char *param, int size)
{
	BIGNUM *n = NULL;
	unsigned char bytes[SIG_MAX];
	REQUIRE(EVP_PKEY_get_bn_param(k, param, &n) == 1);
	int len = size > 0 ? BN_bn2binpad(n, bytes, size) : BN_bn2bin(n, bytes);
	REQUIRE(len > 0);
	base64url_put(b, bytes, (size_t)len);
	BN_free(n);
}

static void
rsa_put(struct buf *b, const EVP_PKEY *k)
{
	buf_lit(b, "\"kty\":\"RSA\",\"n\":\"");
	number_put(b, k, OSSL_PKEY_PARAM_RSA_N, 0);
	buf_lit(b, "\",\"e\":\"");
	number_put(b, k, OSSL_PKEY_PARAM_RSA_E, 0);
	buf_lit(b, "\"");
}

static void
ec_put(struct buf *b, const EVP_PKEY *k, const char *crv, int size)
{
	buf_printf(b, "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"", crv);
	number_put(b, k, OSSL_PKEY_PARAM_EC_PUB_X, size);
	buf_lit(b, "\",\"y\":\"");
	number_put(b, k, OSSL_PKEY_PARAM_EC_PUB_Y, size);
	buf_lit(b, "\"");
}

static void
fixture_make(struct fixture *f)
{
	struct buf b;
	struct err e = { 0 };
	f->a = arena_new("test", 16 << 20);
	REQUIRE(f->a != NULL);
	for (size_t i = 0; i < KEYS; i++) {
		bool rsa = i == R0 || i == R1 || i == MINE_R;
		f->pkey[i] = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen(i == E1 ? "P-384" : "P-256");
		REQUIRE(f->pkey[i] != NULL);
	}
	buf_init(&b, f->a, 4096, 16384);
	buf_lit(&b, "{\"keys\":[{\"kid\":\"r0\",");
	rsa_put(&b, f->pkey[R0]);
	buf_lit(&b, "},{\"kid\":\"r1\",");
	rsa_put(&b, f->pkey[R1]);
	buf_lit(&b, "},{\"kid\":\"e0\",");
	ec_put(&b, f->pkey[E0], "P-256", 32);
	buf_lit(&b, "},{\"kid\":\"e1\",");
	ec_put(&b, f->pkey[E1], "P-384", 48);
	buf_lit(&b, "}]}");
	f->set_text = buf_str(&b);
	f->set = jwk_set_parse(f->set_text, &e);
	REQUIRE(f->set != NULL && jwk_set_count(f->set) == 4);
}

static void
fixture_drop(struct fixture *f)
{
	jwk_set_free(&f->set);
	for (size_t i = 0; i < KEYS; i++)
		EVP_PKEY_free(f->pkey[i]);
	arena_free(&f->a);
}

/* --- signing ------------------------------------------------------------------------------------------------------------------------- */

enum how { SHA256_, SHA384_, SHA512_, SHA1_, PSS, EC_DER, HMAC_PEM, HMAC_DER, HMAC_SET, HMAC_EMPTY, NOTHING };

static size_t
hmac(struct fixture *f, enum how how, struct str in, unsigned char *sig)
{
	unsigned n = 0;
	unsigned char *der = NULL;
	char *pem = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	int der_n = i2d_PUBKEY(f->pkey[R0], &der);
	REQUIRE(PEM_write_bio_PUBKEY(bio, f->pkey[R0]) == 1);
	long pem_n = BIO_get_mem_data(bio, &pem);
	const void *key = how == HMAC_PEM   ? (const void *)pem
	                  : how == HMAC_DER ? (const void *)der
	                                    : (const void *)f->set_text.p;
	int key_n = how == HMAC_PEM ? (int)pem_n : how == HMAC_DER ? der_n : how == HMAC_SET ? (int)f->set_text.n : 0;
	REQUIRE(HMAC(EVP_sha256(), key, key_n, (const unsigned char *)in.p, in.n, sig, &n) != NULL);
	OPENSSL_free(der);
	BIO_free(bio);
	return n;
}

static size_t
sign(struct fixture *f, enum key by, enum how how, struct str in, unsigned char *sig)
{
	static const char *const digests[] = { [SHA256_] = "SHA256",
		[SHA384_] = "SHA384",
		[SHA512_] = "SHA512",
		[SHA1_] = "SHA1",
		[PSS] = "SHA256",
		[EC_DER] = "SHA256" };
	unsigned char out[SIG_MAX];
	size_t n = sizeof out;
	EVP_PKEY_CTX *pctx;
	if (how == NOTHING)
		return 0;
	if (how >= HMAC_PEM)
		return hmac(f, how, in, sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	REQUIRE(EVP_DigestSignInit_ex(ctx, &pctx, digests[how], NULL, NULL, f->pkey[by], NULL) == 1);
	if (how == PSS)
		REQUIRE(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);
	REQUIRE(EVP_DigestSign(ctx, out, &n, (const unsigned char *)in.p, in.n) == 1);
	EVP_MD_CTX_free(ctx);
	if (how != EC_DER && (by == E0 || by == E1 || by == MINE_E)) {
		size_t size = by == E1 ? 48 : 32;
		REQUIRE(ec_sig_to_raw((struct str){ (const char *)out, n }, sig, size) == 0);
		return 2 * size;
	}
	memcpy(sig, out, n);
	return n;
}

/* --- changes of the signature's bytes -------------------------------------------------------------------------------------------------- */

typedef size_t change(struct fixture *f, unsigned char *sig, size_t n);

static size_t
cut_last(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	(void)sig;
	return n - 1;
}
static size_t
cut_first(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memmove(sig, sig + 1, n - 1);
	return n - 1;
}
static size_t
cut_half(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	(void)sig;
	return n / 2;
}
static size_t
zero_behind(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	sig[n] = 0;
	return n + 1;
}
static size_t
zero_before(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memmove(sig + 1, sig, n);
	sig[0] = 0;
	return n + 1;
}
static size_t
all_zero(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memset(sig, 0, n);
	return n;
}
static size_t
all_ones(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memset(sig, 255, n);
	return n;
}
static size_t
one(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memset(sig, 0, n);
	sig[n - 1] = 1;
	return n;
}
static size_t
bit_first(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	sig[0] ^= 1;
	return n;
}
static size_t
bit_last(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	sig[n - 1] ^= 1;
	return n;
}
static size_t
twice(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memcpy(sig + n, sig, n);
	return 2 * n;
}
static size_t
r_zero(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memset(sig, 0, n / 2);
	return n;
}
static size_t
s_zero(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memset(sig + n / 2, 0, n / 2);
	return n;
}

static size_t
r_and_s_swapped(struct fixture *f, unsigned char *sig, size_t n)
{
	unsigned char r[SIG_MAX];
	(void)f;
	memcpy(r, sig, n / 2);
	memmove(sig, sig + n / 2, n / 2);
	memcpy(sig + n / 2, r, n / 2);
	return n;
}

/* Each half in a byte more, as signatures of integers are written elsewhere. */
static size_t
halves_longer(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	memmove(sig + n / 2 + 2, sig + n / 2, n / 2);
	memmove(sig + 1, sig, n / 2);
	sig[0] = sig[n / 2 + 1] = 0;
	return n + 2;
}

/* The order of the curve; s becomes order - s, r and s the order itself. */
static void
with_order(unsigned char *sig, size_t n, bool r, bool s, bool minus)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(n == 64 ? NID_X9_62_prime256v1 : NID_secp384r1);
	BIGNUM *x = BN_bin2bn(sig + n / 2, (int)(n / 2), NULL), *y = BN_dup(EC_GROUP_get0_order(g));
	if (minus)
		REQUIRE(BN_sub(y, y, x) == 1);
	if (r)
		REQUIRE(BN_bn2binpad(y, sig, (int)(n / 2)) > 0);
	if (s)
		REQUIRE(BN_bn2binpad(y, sig + n / 2, (int)(n / 2)) > 0);
	BN_free(x);
	BN_free(y);
	EC_GROUP_free(g);
}
static size_t
r_order(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	with_order(sig, n, true, false, false);
	return n;
}
static size_t
s_order(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	with_order(sig, n, false, true, false);
	return n;
}
static size_t
s_other(struct fixture *f, unsigned char *sig, size_t n)
{
	(void)f;
	with_order(sig, n, false, true, true);
	return n;
}

/* RSA: the same number modulo n, when it still has the length of n; else n itself. */
static size_t
plus_modulus(struct fixture *f, unsigned char *sig, size_t n)
{
	BIGNUM *m = NULL, *s = BN_bin2bn(sig, (int)n, NULL);
	REQUIRE(EVP_PKEY_get_bn_param(f->pkey[R0], OSSL_PKEY_PARAM_RSA_N, &m) == 1 && BN_add(s, s, m) == 1);
	if (BN_num_bytes(s) > (int)n)
		REQUIRE(BN_copy(s, m) != NULL);
	REQUIRE(BN_bn2binpad(s, sig, (int)n) == (int)n);
	BN_free(m);
	BN_free(s);
	return n;
}

/* --- the rows --------------------------------------------------------------------------------------------------------------------------- */

#define GOOD "{\"sub\":\"x\"}"
#define RS   "{\"alg\":\"RS256\",\"kid\":\"r0\"}"
#define ES   "{\"alg\":\"ES256\",\"kid\":\"e0\"}"
/* clang-format off: one to a line */
static const struct row {
	const char *what, *head, *body;
	enum key by;
	enum how how;
	change *bytes;
	const char *form; /* of the whole: %h %p %s the parts; NULL: joined by dots */
	int want;
} rows[] = {
	{ "RS256", RS, GOOD, R0, SHA256_, NULL, NULL, 0 },
	{ "RS384", "{\"alg\":\"RS384\",\"kid\":\"r0\"}", GOOD, R0, SHA384_, NULL, NULL, 0 },
	{ "ES256", ES, GOOD, E0, SHA256_, NULL, NULL, 0 },
	{ "ES384", "{\"alg\":\"ES384\",\"kid\":\"e1\"}", GOOD, E1, SHA384_, NULL, NULL, 0 },
	{ "no kid: each fitting key is tried", "{\"alg\":\"RS256\"}", GOOD, R1, SHA256_, NULL, NULL, 0 },
	{ "white space in the header", " {\n\t\"alg\" : \"RS256\" }\r\n", GOOD, R0, SHA256_, NULL, NULL, 0 },
	{ "escaped characters", "{\"\\u0061lg\":\"RS\\u0032\\u0035\\u0036\"}", GOOD, R0, SHA256_, NULL, NULL, 0 },
	{ "an unknown member", "{\"alg\":\"RS256\",\"x-y\":{}}", GOOD, R0, SHA256_, NULL, NULL, 0 },
	{ "s and order - s are both signatures", ES, GOOD, E0, SHA256_, s_other, NULL, 0 },
	/* algorithms */
	{ "none, unsigned", "{\"alg\":\"none\"}", GOOD, R0, NOTHING, NULL, NULL, -1 },
	{ "none, signed", "{\"alg\":\"none\",\"kid\":\"r0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "None", "{\"alg\":\"None\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "NONE", "{\"alg\":\"NONE\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "nOnE", "{\"alg\":\"nOnE\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "empty alg", "{\"alg\":\"\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "no alg", "{\"kid\":\"r0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "alg null", "{\"alg\":null}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "alg in an array", "{\"alg\":[\"RS256\"]}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "alg a number", "{\"alg\":256}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "rs256", "{\"alg\":\"rs256\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "RS256 and a space", "{\"alg\":\"RS256 \"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "RS256 and a zero", "{\"alg\":\"RS256\\u0000\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "RS512", "{\"alg\":\"RS512\",\"kid\":\"r0\"}", GOOD, R0, SHA512_, NULL, NULL, -1 },
	{ "PS256", "{\"alg\":\"PS256\",\"kid\":\"r0\"}", GOOD, R0, PSS, NULL, NULL, -1 },
	{ "ES256K", "{\"alg\":\"ES256K\",\"kid\":\"e0\"}", GOOD, E0, SHA256_, NULL, NULL, -1 },
	{ "EdDSA", "{\"alg\":\"EdDSA\",\"kid\":\"e0\"}", GOOD, E0, SHA256_, NULL, NULL, -1 },
	{ "said RS256, hashed SHA-384", RS, GOOD, R0, SHA384_, NULL, NULL, -1 },
	{ "said RS384, hashed SHA-256", "{\"alg\":\"RS384\",\"kid\":\"r0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "said RS256, hashed SHA-1", RS, GOOD, R0, SHA1_, NULL, NULL, -1 },
	{ "said RS256, padded PSS", RS, GOOD, R0, PSS, NULL, NULL, -1 },
	/* confusion of keys */
	{ "HS256 by the public key as PEM", "{\"alg\":\"HS256\",\"kid\":\"r0\"}", GOOD, R0, HMAC_PEM, NULL, NULL, -1 },
	{ "HS256 by the public key as DER", "{\"alg\":\"HS256\",\"kid\":\"r0\"}", GOOD, R0, HMAC_DER, NULL, NULL, -1 },
	{ "HS256 by the published set", "{\"alg\":\"HS256\",\"kid\":\"r0\"}", GOOD, R0, HMAC_SET, NULL, NULL, -1 },
	{ "HS256 by nothing", "{\"alg\":\"HS256\"}", GOOD, R0, HMAC_EMPTY, NULL, NULL, -1 },
	{ "said RS256, an HMAC", RS, GOOD, R0, HMAC_PEM, NULL, NULL, -1 },
	{ "ES256 under the kid of an RSA key", "{\"alg\":\"ES256\",\"kid\":\"r0\"}", GOOD, E0, SHA256_, NULL, NULL,
	    -1 },
	{ "RS256 under the kid of an EC key", "{\"alg\":\"RS256\",\"kid\":\"e0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "ES384 under the kid of a P-256 key", "{\"alg\":\"ES384\",\"kid\":\"e0\"}", GOOD, E0, SHA384_, NULL, NULL,
	    -1 },
	{ "ES256 under the kid of a P-384 key", "{\"alg\":\"ES256\",\"kid\":\"e1\"}", GOOD, E1, SHA256_, NULL, NULL,
	    -1 },
	{ "said ES256, signed on P-384", ES, GOOD, E1, SHA256_, NULL, NULL, -1 },
	{ "said ES384, signed on P-256", "{\"alg\":\"ES384\",\"kid\":\"e1\"}", GOOD, E0, SHA384_, NULL, NULL, -1 },
	{ "the kid of another key", "{\"alg\":\"RS256\",\"kid\":\"r1\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "an attacker's key, our kid", RS, GOOD, MINE_R, SHA256_, NULL, NULL, -1 },
	{ "an attacker's key, no kid", "{\"alg\":\"ES256\"}", GOOD, MINE_E, SHA256_, NULL, NULL, -1 },
	{ "an attacker's key in the header", "{\"alg\":\"ES256\",\"jwk\":%k}", GOOD, MINE_E, SHA256_, NULL, NULL, -1 },
	{ "an attacker's key by jku", "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}", GOOD, MINE_E,
	    SHA256_, NULL, NULL, -1 },
	{ "an attacker's key by x5u", "{\"alg\":\"RS256\",\"x5u\":\"https://evil.example/x\"}", GOOD, MINE_R, SHA256_,
	    NULL, NULL, -1 },
	{ "an attacker's key by x5c", "{\"alg\":\"RS256\",\"x5c\":[\"MIIB\"]}", GOOD, MINE_R, SHA256_, NULL, NULL, -1 },
	/* kid */
	{ "unknown kid", "{\"alg\":\"RS256\",\"kid\":\"nobody\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "kid in other case", "{\"alg\":\"RS256\",\"kid\":\"R0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "kid is a path", "{\"alg\":\"RS256\",\"kid\":\"../../../../dev/null\"}", GOOD, MINE_R, SHA256_, NULL, NULL,
	    -1 },
	{ "kid is SQL", "{\"alg\":\"RS256\",\"kid\":\"' OR 1=1 --\"}", GOOD, MINE_R, SHA256_, NULL, NULL, -1 },
	{ "kid and a zero", "{\"alg\":\"RS256\",\"kid\":\"r0\\u0000\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "kid a number", "{\"alg\":\"RS256\",\"kid\":0}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "kid an object", "{\"alg\":\"RS256\",\"kid\":{\"a\":1}}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	/* header members that change the meaning */
	{ "crit", "{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "empty crit", "{\"alg\":\"RS256\",\"crit\":[]}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "crit null", "{\"alg\":\"RS256\",\"crit\":null}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "b64 false", "{\"alg\":\"RS256\",\"b64\":false,\"crit\":[\"b64\"]}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "b64 true", "{\"alg\":\"RS256\",\"b64\":true}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "zip", "{\"alg\":\"RS256\",\"zip\":\"DEF\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "enc", "{\"alg\":\"RS256\",\"enc\":\"A128GCM\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	/* members twice */
	{ "alg twice", "{\"alg\":\"none\",\"alg\":\"RS256\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "alg twice, escaped", "{\"alg\":\"RS256\",\"\\u0061lg\":\"none\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "kid twice", "{\"alg\":\"RS256\",\"kid\":\"r0\",\"kid\":\"r0\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "claim twice", RS, "{\"sub\":\"x\",\"sub\":\"y\"}", R0, SHA256_, NULL, NULL, -1 },
	{ "claim twice, escaped", RS, "{\"sub\":\"x\",\"\\u0073ub\":\"y\"}", R0, SHA256_, NULL, NULL, -1 },
	{ "claim twice, deep", RS, "{\"a\":{\"b\":1,\"b\":2}}", R0, SHA256_, NULL, NULL, -1 },
	/* JSON */
	{ "header an array", "[\"alg\",\"RS256\"]", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header a string", "\"RS256\"", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header cut", "{\"alg\":\"RS256\"", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header and more", "{\"alg\":\"RS256\"}{}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header with a comment", "{\"alg\":\"RS256\"/**/}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header with a byte order mark", "\xef\xbb\xbf{\"alg\":\"RS256\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header not UTF-8", "{\"alg\":\"RS256\",\"x\":\"\xff\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "header in single quotes", "{'alg':'RS256'}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "claims an array", RS, "[]", R0, SHA256_, NULL, NULL, -1 },
	{ "claims a string", RS, "\"x\"", R0, SHA256_, NULL, NULL, -1 },
	{ "claims a number", RS, "1", R0, SHA256_, NULL, NULL, -1 },
	{ "claims null", RS, "null", R0, SHA256_, NULL, NULL, -1 },
	{ "claims nothing", RS, "", R0, SHA256_, NULL, NULL, -1 },
	{ "claims not UTF-8", RS, "{\"sub\":\"\xc3\x28\"}", R0, SHA256_, NULL, NULL, -1 },
	{ "claims with a number too large", RS, "{\"exp\":1e400}", R0, SHA256_, NULL, NULL, -1 },
	/* RSA signatures */
	{ "RSA: a byte less", RS, GOOD, R0, SHA256_, cut_last, NULL, -1 },
	{ "RSA: first byte gone", RS, GOOD, R0, SHA256_, cut_first, NULL, -1 },
	{ "RSA: half", RS, GOOD, R0, SHA256_, cut_half, NULL, -1 },
	{ "RSA: a zero behind", RS, GOOD, R0, SHA256_, zero_behind, NULL, -1 },
	{ "RSA: a zero before", RS, GOOD, R0, SHA256_, zero_before, NULL, -1 },
	{ "RSA: zero", RS, GOOD, R0, SHA256_, all_zero, NULL, -1 },
	{ "RSA: one", RS, GOOD, R0, SHA256_, one, NULL, -1 },
	{ "RSA: all bits", RS, GOOD, R0, SHA256_, all_ones, NULL, -1 },
	{ "RSA: s + n", RS, GOOD, R0, SHA256_, plus_modulus, NULL, -1 },
	{ "RSA: first bit", RS, GOOD, R0, SHA256_, bit_first, NULL, -1 },
	{ "RSA: last bit", RS, GOOD, R0, SHA256_, bit_last, NULL, -1 },
	{ "RSA: twice", RS, GOOD, R0, SHA256_, twice, NULL, -1 },
	/* ECDSA signatures */
	{ "EC: DER", ES, GOOD, E0, EC_DER, NULL, NULL, -1 },
	{ "EC: a byte less", ES, GOOD, E0, SHA256_, cut_last, NULL, -1 },
	{ "EC: half", ES, GOOD, E0, SHA256_, cut_half, NULL, -1 },
	{ "EC: a zero behind", ES, GOOD, E0, SHA256_, zero_behind, NULL, -1 },
	{ "EC: a zero before", ES, GOOD, E0, SHA256_, zero_before, NULL, -1 },
	{ "EC: longer halves", ES, GOOD, E0, SHA256_, halves_longer, NULL, -1 },
	{ "EC: zero (psychic signature)", ES, GOOD, E0, SHA256_, all_zero, NULL, -1 },
	{ "EC: r = 0", ES, GOOD, E0, SHA256_, r_zero, NULL, -1 },
	{ "EC: s = 0", ES, GOOD, E0, SHA256_, s_zero, NULL, -1 },
	{ "EC: r = order", ES, GOOD, E0, SHA256_, r_order, NULL, -1 },
	{ "EC: s = order", ES, GOOD, E0, SHA256_, s_order, NULL, -1 },
	{ "EC: all bits", ES, GOOD, E0, SHA256_, all_ones, NULL, -1 },
	{ "EC: one", ES, GOOD, E0, SHA256_, one, NULL, -1 },
	{ "EC: r and s swapped", ES, GOOD, E0, SHA256_, r_and_s_swapped, NULL, -1 },
	{ "EC: last bit", ES, GOOD, E0, SHA256_, bit_last, NULL, -1 },
	{ "EC: twice", ES, GOOD, E0, SHA256_, twice, NULL, -1 },
	/* the form of the whole */
	{ "joined by dots", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s", 0 },
	{ "no dot", RS, GOOD, R0, SHA256_, NULL, "%h%p%s", -1 },
	{ "two parts", RS, GOOD, R0, SHA256_, NULL, "%h.%p", -1 },
	{ "two parts and a dot", RS, GOOD, R0, SHA256_, NULL, "%h.%p.", -1 },
	{ "four parts", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s.x", -1 },
	{ "four parts, empty", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s.", -1 },
	{ "five parts", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s.x.y", -1 },
	{ "no header", RS, GOOD, R0, SHA256_, NULL, ".%p.%s", -1 },
	{ "detached", RS, GOOD, R0, SHA256_, NULL, "%h..%s", -1 },
	{ "dots alone", RS, GOOD, R0, SHA256_, NULL, "..", -1 },
	{ "nothing", RS, GOOD, R0, SHA256_, NULL, "", -1 },
	{ "flattened JSON", RS, GOOD, R0, SHA256_, NULL,
	    "{\"protected\":\"%h\",\"payload\":\"%p\",\"signature\":\"%s\"}", -1 },
	{ "a word before", RS, GOOD, R0, SHA256_, NULL, "Bearer %h.%p.%s", -1 },
	{ "a space before", RS, GOOD, R0, SHA256_, NULL, " %h.%p.%s", -1 },
	{ "a line end behind", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s\n", -1 },
	{ "a line end within", RS, GOOD, R0, SHA256_, NULL, "%h.%p.\n%s", -1 },
	{ "header padded", RS, GOOD, R0, SHA256_, NULL, "%h=.%p.%s", -1 },
	{ "claims padded", RS, GOOD, R0, SHA256_, NULL, "%h.%p=.%s", -1 },
	{ "signature padded", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s==", -1 },
	{ "a plus sign", RS, GOOD, R0, SHA256_, NULL, "%h.%p.+%s", -1 },
	{ "a slash", RS, GOOD, R0, SHA256_, NULL, "%h.%p./%s", -1 },
	{ "percent-encoded", RS, GOOD, R0, SHA256_, NULL, "%h%2E%p%2E%s", -1 },
	{ "a byte that is no text", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s\xff", -1 },
	{ "16 KiB of signature", RS, GOOD, R0, SHA256_, NULL, "%h.%p.%s%l", -1 },
	{ "a header of 16 KiB", "{\"alg\":\"RS256\",\"x\":\"%l\"}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "claims of 16 KiB", RS, "{\"x\":\"%l\"}", R0, SHA256_, NULL, NULL, -1 },
	{ "a header of 5000 arrays", "{\"alg\":\"RS256\",\"x\":%a}", GOOD, R0, SHA256_, NULL, NULL, -1 },
	{ "claims of 5000 arrays", RS, "{\"x\":%a}", R0, SHA256_, NULL, NULL, -1 },
};
/* clang-format on */

/* %h %p %s the parts, %k the attacker's key, %l a long text, %a nested arrays; any other % stands for itself. */
static struct str
fill(struct fixture *f, const char *form, struct str h, struct str p, struct str s)
{
	struct buf b;
	buf_init(&b, f->a, 1024, 64 << 10);
	for (const char *at = form; *at != '\0'; at++) {
		if (at[0] != '%' || strchr("hpskla", at[1]) == NULL || at[1] == '\0') {
			buf_char(&b, *at);
			continue;
		}
		at++;
		if (*at == 'k') {
			buf_char(&b, '{');
			ec_put(&b, f->pkey[MINE_E], "P-256", 32);
			buf_char(&b, '}');
		} else if (*at == 'l' || *at == 'a') {
			for (size_t i = 0; i < (*at == 'l' ? 16u << 10 : 5000u); i++)
				buf_char(&b, *at == 'l' ? 'A' : '[');
			for (size_t i = 0; *at == 'a' && i < 5000; i++)
				buf_char(&b, ']');
		} else {
			buf_str_put(&b, *at == 'h' ? h : *at == 'p' ? p : s);
		}
	}
	return b.n == 0 ? STR("") : buf_str(&b);
}

static struct str
encoded(struct fixture *f, const void *p, size_t n)
{
	struct buf b;
	buf_init(&b, f->a, 64, 128 << 10);
	base64url_put(&b, p, n);
	return b.n == 0 ? STR("") : buf_str(&b);
}

static struct str
token_of(struct fixture *f, const struct row *row)
{
	static unsigned char sig[2 * SIG_MAX];
	struct str head = fill(f, row->head, STR(""), STR(""), STR("")),
	           body = fill(f, row->body, STR(""), STR(""), STR(""));
	struct str h = encoded(f, head.p, head.n), p = encoded(f, body.p, body.n);
	size_t n = sign(f, row->by, row->how, fill(f, "%h.%p", h, p, STR("")), sig);
	if (row->bytes != NULL)
		n = row->bytes(f, sig, n);
	return fill(f, row->form == NULL ? "%h.%p.%s" : row->form, h, p, encoded(f, sig, n));
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
test_token__of_the_vectors__verifies_only_in_the_one_right_form(void)
{
	struct fixture f = { 0 };
	fixture_make(&f);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str token = token_of(&f, &rows[i]);
		if (verify(&f, token, ALL) != rows[i].want)
			printf("\n    %s", rows[i].what);
		EXPECT_IDX(verify(&f, token, ALL) == rows[i].want, i);
		EXPECT_IDX(verify(&f, token, 0) == -1, i);
	}
	fixture_drop(&f);
}

/* Keys and what OpenSSL prepares of them are kept between verifications: none may stand in for another. */
static void
test_keys__used_in_turn__each_verifies_its_own_tokens_only(void)
{
	static const struct {
		const char *kid;
		enum key by;
		int want;
	} turns[] = { { "r0", R0, 0 }, { "r1", R1, 0 }, { "r0", R0, 0 }, { "r1", R0, -1 }, { "r0", R1, -1 },
		{ "r1", R1, 0 } };
	struct fixture f = { 0 };
	fixture_make(&f);
	for (size_t i = 0; i < NITEMS(turns); i++) {
		struct str head = arena_printf(f.a, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", turns[i].kid);
		struct row row = { .head = head.p, .body = GOOD, .by = turns[i].by, .how = SHA256_ };
		EXPECT_IDX(verify(&f, token_of(&f, &row), JWS_RS256) == turns[i].want, i);
	}
	fixture_drop(&f);
}

static void
test_token__algorithm_not_allowed__is_refused(void)
{
	struct fixture f = { 0 };
	fixture_make(&f);
	struct str token = token_of(&f, &(struct row){ .head = RS, .body = GOOD, .by = R0, .how = SHA256_ });
	EXPECT(verify(&f, token, JWS_RS256 | JWS_ES256) == 0);
	EXPECT(verify(&f, token, JWS_RS384 | JWS_ES256) == -1);
	EXPECT(verify(&f, str_sub(token, 0, token.n - 2), JWS_RS256) == -1);
	fixture_drop(&f);
}

/* RFC 4648 3.5: the bits behind the last byte are zero, or one signature has many texts. */
static void
test_token__unused_bits_of_base64url_set__is_refused(void)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct fixture f = { 0 };
	fixture_make(&f);
	struct str token = token_of(&f, &rows[0]); /* 256 bytes: two unused bits twice over */
	char *copy = arena_raw(f.a, token.n);
	REQUIRE(copy != NULL);
	memcpy(copy, token.p, token.n);
	for (unsigned bits = 1; bits < 4; bits++) {
		const char *at = strchr(set, token.p[token.n - 1]);
		REQUIRE(at != NULL);
		copy[token.n - 1] = set[(size_t)(at - set) | bits];
		EXPECT_IDX(verify(&f, (struct str){ copy, token.n }, ALL) == -1, bits);
	}
	fixture_drop(&f);
}

/* Each bit of a token counts: none may be turned. */
static void
test_token__one_bit_turned_anywhere__is_refused(void)
{
	struct fixture f = { 0 };
	fixture_make(&f);
	for (size_t row = 0; row < 4; row++) {
		struct str token = token_of(&f, &rows[row]);
		char *copy = arena_raw(f.a, token.n);
		REQUIRE(copy != NULL && verify(&f, token, ALL) == 0);
		for (size_t i = 0; i < token.n; i++) {
			memcpy(copy, token.p, token.n);
			copy[i] ^= (char)(1 << (i % 7));
			EXPECT_IDX(verify(&f, (struct str){ copy, token.n }, ALL) == -1, i);
		}
	}
	fixture_drop(&f);
}

/* --- keys of clients ---------------------------------------------------------------------------------------------------------------------- */

#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\","
#define GX   "\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
#define GY   "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\""
/* clang-format off: one to a line */
static const struct {
	const char *what, *key;
	bool usable;
} keys[] = {
	{ "the generator of P-256", "{" P256 GX GY "}", true },
	{ "with use, alg, key_ops", "{" P256 GX GY ",\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"]}",
	    true },
	{ "for encryption", "{" P256 GX GY ",\"use\":\"enc\"}", false },
	{ "key_ops without verify", "{" P256 GX GY ",\"key_ops\":[\"deriveKey\"]}", false },
	{ "alg of another curve", "{" P256 GX GY ",\"alg\":\"ES384\"}", false },
	{ "alg of RSA", "{" P256 GX GY ",\"alg\":\"RS256\"}", false },
	{ "alg none", "{" P256 GX GY ",\"alg\":\"none\"}", false },
	{ "a private key", "{" P256 GX GY ",\"d\":\"AQ\"}", false },
	{ "not on the curve", "{" P256 GX "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}", false },
	{ "the point 0, 0",
	    "{" P256 "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
	    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	    false },
	{ "a short coordinate", "{" P256 GX "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UQ\"}", false },
	{ "a long coordinate", "{" P256 GX "\"y\":\"AE_jQuL-Gn-bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1\"}", false },
	{ "no y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\"}", false },
	{ "another curve's name", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"," GX GY "}", false },
	{ "P-384 with coordinates of P-256", "{\"kty\":\"EC\",\"crv\":\"P-384\"," GX GY "}", false },
	{ "symmetric", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", false },
	{ "OKP", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", false },
	{ "RSA of 16 bits", "{\"kty\":\"RSA\",\"n\":\"wQk\",\"e\":\"AQAB\"}", false },
	{ "RSA without e", "{\"kty\":\"RSA\",\"n\":\"wQk\"}", false },
	{ "no kty", "{\"crv\":\"P-256\"," GX GY "}", false },
	{ "kid a number", "{" P256 GX GY ",\"kid\":1}", false },
	{ "no object", "1", false },
};
/* clang-format on */

static void
test_key__weak_or_for_something_else__is_not_usable(void)
{
	struct arena *a = arena_new("test", 1 << 20);
	REQUIRE(a != NULL);
	for (size_t i = 0; i < NITEMS(keys); i++) {
		struct err e = { 0 };
		struct jwk_set *s = jwk_set_parse(arena_printf(a, "{\"keys\":[%s]}", keys[i].key), &e);
		if ((s != NULL) != keys[i].usable)
			printf("\n    %s", keys[i].what);
		EXPECT_IDX((s != NULL) == keys[i].usable, i);
		jwk_set_free(&s);
	}
	arena_free(&a);
}

/* The strength of RSA keys: 1024 bits are refused, and exponents that make a signature of anything. */
static void
test_key__rsa_too_small_or_with_a_bad_exponent__is_not_usable(void)
{
	static const struct {
		unsigned bits;
		const char *e; /* NULL: the key's own */
		bool usable;
	} rsa[] = { { 2048, NULL, true }, { 1024, NULL, false }, { 2048, "AQ", false }, { 2048, "Ag", false },
		{ 2048, "AA", false }, { 2048, "Aw", true }, { 2048, "AQAAAAAAAAAAAQ", false } };
	struct arena *a = arena_new("test", 1 << 20);
	REQUIRE(a != NULL);
	for (size_t i = 0; i < NITEMS(rsa); i++) {
		EVP_PKEY *k = EVP_RSA_gen(rsa[i].bits);
		struct buf b;
		struct err e = { 0 };
		REQUIRE(k != NULL);
		buf_init(&b, a, 1024, 4096);
		buf_lit(&b, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"");
		number_put(&b, k, OSSL_PKEY_PARAM_RSA_N, 0);
		buf_printf(&b, "\",\"e\":\"%s\"}]}", rsa[i].e == NULL ? "AQAB" : rsa[i].e);
		struct jwk_set *s = jwk_set_parse(buf_str(&b), &e);
		EXPECT_IDX((s != NULL) == rsa[i].usable, i);
		jwk_set_free(&s);
		EVP_PKEY_free(k);
	}
	arena_free(&a);
}

TESTS(T(test_token__of_the_vectors__verifies_only_in_the_one_right_form),
    T(test_keys__used_in_turn__each_verifies_its_own_tokens_only), T(test_token__algorithm_not_allowed__is_refused),
    T(test_token__unused_bits_of_base64url_set__is_refused), T(test_token__one_bit_turned_anywhere__is_refused),
    T(test_key__weak_or_for_something_else__is_not_usable),
    T(test_key__rsa_too_small_or_with_a_bad_exponent__is_not_usable))
