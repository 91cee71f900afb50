/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JWK sets: public keys parsed once. RFC 7517, RFC 7518 6. */
#include "gateway/crypto/jwk.h"

#include "gateway/base/json_in.h"
#include "gateway/base/text.h"
#include "gateway/crypto/jwk_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum { SET_MAX_BYTES = 64 << 10, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, NUMBER_MAX = 1100 };

/* A base64url member as bytes in b; false: absent or malformed. */
static bool
bytes_member(const json_t *o, const char *name, struct buf *b)
{
	struct str text = json_in_str(o, name);
	buf_clear(b);
	return text.n > 0 && text.n <= 2 * NUMBER_MAX && base64url_get(text, b) == 0 && b->n > 0;
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
rsa_key(const json_t *o, struct buf *b)
{
	BIGNUM *n = bytes_member(o, "n", b) ? BN_bin2bn((const unsigned char *)b->p, (int)b->n, NULL) : NULL;
	BIGNUM *e = bytes_member(o, "e", b) ? BN_bin2bn((const unsigned char *)b->p, (int)b->n, NULL) : NULL;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	bool ok = n != NULL && e != NULL && bld != NULL && BN_num_bits(n) >= RSA_BITS_MIN &&
	          BN_num_bits(n) <= RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) && BN_num_bits(e) >= 2 &&
	          BN_num_bits(e) <= 64;
	if (ok && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = from_params("RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *
ec_key(const json_t *o, struct buf *b, const char *group, size_t size)
{
	unsigned char point[1 + 2 * 66];
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	bool ok = bytes_member(o, "x", b) && b->n == size;
	point[0] = 4;
	if (ok)
		memcpy(point + 1, b->p, size);
	ok = ok && bytes_member(o, "y", b) && b->n == size;
	if (ok)
		memcpy(point + 1 + size, b->p, size);
	if (ok && bld != NULL && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) == 1)
		pkey = from_params("EC", bld); /* refuses a point that is not on the curve */
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

/* Is the key for verifying signatures, as far as it says? */
static bool
for_signatures(const json_t *o)
{
	struct str use = json_in_str(o, "use");
	const json_t *ops = json_object_get(o, "key_ops"), *op;
	size_t i;
	if (use.p != NULL && !str_eq(use, STR("sig")))
		return false;
	if (!json_is_array(ops))
		return true;
	json_array_foreach(ops, i, op)
	{
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			return true;
	}
	return false;
}

static unsigned
alg_bit(struct str alg)
{
	static const struct {
		struct str name;
		unsigned bit;
	} algs[] = { { STR_INIT("RS256"), JWS_RS256 }, { STR_INIT("RS384"), JWS_RS384 },
		{ STR_INIT("ES256"), JWS_ES256 }, { STR_INIT("ES384"), JWS_ES384 } };
	for (size_t i = 0; i < NITEMS(algs); i++)
		if (str_eq(algs[i].name, alg))
			return algs[i].bit;
	return 0;
}

unsigned
jws_alg_of(struct str name)
{
	return alg_bit(name);
}

static bool
key_parse(const json_t *o, struct jwk *k, struct buf *scratch)
{
	struct str kty = json_in_str(o, "kty"), crv = json_in_str(o, "crv"), alg = json_in_str(o, "alg"),
	           kid = json_in_str(o, "kid");
	if (!json_is_object(o) || !for_signatures(o) || kid.n >= sizeof k->kid || json_object_get(o, "d") != NULL ||
	    (kid.p == NULL && json_object_get(o, "kid") != NULL))
		return false; /* also a private key: whoever published it has lost it */
	if (str_eq(kty, STR("RSA"))) {
		k->pkey = rsa_key(o, scratch);
		k->algs = JWS_RS256 | JWS_RS384;
	} else if (str_eq(kty, STR("EC")) && str_eq(crv, STR("P-256"))) {
		k->pkey = ec_key(o, scratch, "P-256", 32);
		k->algs = JWS_ES256;
	} else if (str_eq(kty, STR("EC")) && str_eq(crv, STR("P-384"))) {
		k->pkey = ec_key(o, scratch, "P-384", 48);
		k->algs = JWS_ES384;
	}
	if (alg.p != NULL)
		k->algs &= alg_bit(alg);
	if (kid.n > 0)
		memcpy(k->kid, kid.p, kid.n);
	k->kid_n = kid.n;
	if (k->pkey != NULL && k->algs != 0)
		return true;
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
	return false;
}

struct jwk_set *
jwk_set_parse(struct str text, struct err *e)
{
	json_t *doc = json_in(text, SET_MAX_BYTES, e), *keys = json_object_get(doc, "keys"), *o;
	struct jwk_set *s = json_is_array(keys) && json_array_size(keys) <= JWK_MAX ? calloc(1, sizeof *s) : NULL;
	struct buf scratch;
	size_t i;
	buf_init(&scratch, NULL, NUMBER_MAX, 4 * NUMBER_MAX);
	if (s != NULL) {
		json_array_foreach(keys, i, o)
		{
			struct jwk k = { 0 };
			if (key_parse(o, &k, &scratch))
				s->keys[s->n++] = k;
		}
	}
	ERR_clear_error();
	buf_done(&scratch);
	json_decref(doc);
	if (s == NULL || s->n == 0) {
		jwk_set_free(&s);
		(void)ERR(e, E_CRYPTO, "no usable key in the JWK set");
	}
	return s;
}

void
jwk_set_free(struct jwk_set **sp)
{
	struct jwk_set *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		EVP_PKEY_free(s->keys[i].pkey);
	free(s);
}

bool
jwk_set_has(const struct jwk_set *s, struct str kid)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq((struct str){ s->keys[i].kid, s->keys[i].kid_n }, kid))
			return true;
	return false;
}

unsigned
jwk_set_algs(const struct jwk_set *s)
{
	unsigned algs = 0;
	for (size_t i = 0; i < s->n; i++)
		algs |= s->keys[i].algs;
	return algs;
}

size_t
jwk_set_count(const struct jwk_set *s)
{
	return s->n;
}
