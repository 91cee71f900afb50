/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compact JWS: splitting and verifying. RFC 7515, RFC 8725. */
#include "gateway/base/json_in.h"
#include "gateway/base/text.h"
#include "gateway/crypto/ec_sig.h"
#include "gateway/crypto/jwk_private.h"

#include <openssl/err.h>

enum { COMPACT_MAX = 16 << 10, TRIES_MAX = 4, SIG_MAX_BYTES = 1100 };

static int
part_decode(struct arena *a, struct str part, struct str *out, struct err *e)
{
	struct buf b;
	buf_init(&b, a, part.n + 4, part.n + 4);
	if (base64url_get(part, &b) != 0)
		return ERR(e, E_PARSE, "JWS: not base64url");
	*out = buf_str(&b);
	return 0;
}

/* The header's names that decide; borrowed json is copied, since the document is dropped. */
static int
header_read(struct arena *a, struct jws *out, struct err *e)
{
	static const char *const refused[] = { "crit", "b64", "zip", "enc" };
	static const char *const texts[] = { "alg", "kid", "typ" };
	json_t *head = json_in(out->header, COMPACT_MAX, e);
	int rc = json_is_object(head) ? 0 : ERR(e, E_PARSE, "JWS: header is no object");
	for (size_t i = 0; rc == 0 && i < NITEMS(refused); i++)
		if (json_object_get(head, refused[i]) != NULL)
			rc = ERR(e, E_INVALID, "JWS: header member %s", refused[i]);
	for (size_t i = 0; rc == 0 && i < NITEMS(texts); i++)
		if (json_object_get(head, texts[i]) != NULL && json_in_str(head, texts[i]).p == NULL)
			rc = ERR(e, E_PARSE, "JWS: header member %s is no string", texts[i]);
	if (rc == 0) { /* jku, x5u, jwk, x5c: ignored; keys come from configuration or registration only */
		out->alg = arena_str(a, json_in_str(head, "alg"));
		out->kid = arena_str(a, json_in_str(head, "kid"));
		out->typ = arena_str(a, json_in_str(head, "typ"));
		if (out->alg.n == 0 || out->kid.p == NULL || out->typ.p == NULL)
			rc = ERR(e, E_PARSE, "JWS: header without alg");
	}
	json_decref(head);
	return rc;
}

int
jws_parse(struct arena *a, struct str compact, struct jws *out, struct err *e)
{
	struct str part[3];
	*out = (struct jws){ 0 };
	size_t one = str_find(compact, '.'), two;
	if (compact.n > COMPACT_MAX)
		return ERR(e, E_LIMIT, "JWS: longer than %d bytes", COMPACT_MAX);
	part[0] = str_sub(compact, 0, one);
	struct str rest = str_skip(compact, one + 1);
	two = str_find(rest, '.');
	part[1] = str_sub(rest, 0, two);
	part[2] = str_skip(rest, two + 1);
	if (one == compact.n || two == rest.n || str_find(part[2], '.') < part[2].n || part[2].n == 0)
		return ERR(e, E_PARSE, "JWS: not three parts");
	if (part_decode(a, part[0], &out->header, e) != 0 || part_decode(a, part[1], &out->payload, e) != 0 ||
	    part_decode(a, part[2], &out->signature, e) != 0 || header_read(a, out, e) != 0)
		return -1;
	out->signing_input = str_sub(compact, 0, part[0].n + 1 + part[1].n);
	out->claims = json_in(out->payload, COMPACT_MAX, e);
	if (json_is_object(out->claims))
		return 0;
	json_decref(out->claims);
	out->claims = NULL;
	return ERR(e, E_PARSE, "JWS: payload is no object");
}

static bool
verify_with(const struct jws *j, const struct jwk *k, unsigned alg)
{
	static EVP_MD_CTX *ctx; /* one per process: a worker has one thread */
	unsigned char der[160];
	struct str sig = j->signature;
	size_t n = 0;
	bool ec = alg == JWS_ES256 || alg == JWS_ES384;
	const char *md = alg == JWS_RS256 || alg == JWS_ES256 ? "SHA256" : "SHA384";
	if (ec) {
		if (ec_sig_to_der(sig, alg == JWS_ES256 ? 32 : 48, der, &n) != 0)
			return false;
		sig = (struct str){ (const char *)der, n };
	}
	if (ctx == NULL && (ctx = EVP_MD_CTX_new()) == NULL)
		return false;
	(void)EVP_MD_CTX_reset(
	    ctx); /* without it the context keeps the key of the last call, whatever key it is given */
	bool ok = sig.n <= SIG_MAX_BYTES && EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, k->pkey, NULL) == 1 &&
	          EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)j->signing_input.p,
	              j->signing_input.n) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

int
jws_verify(const struct jws *j, const struct jwk_set *keys, unsigned allowed, struct err *e)
{
	unsigned alg = jws_alg_of(j->alg) & allowed;
	unsigned tries = 0;
	if (alg == 0)
		return ERR(e, E_CRYPTO, "JWS: alg not allowed");
	for (size_t i = 0; i < keys->n && tries < TRIES_MAX; i++) {
		const struct jwk *k = &keys->keys[i];
		if ((k->algs & alg) == 0 ||
		    (j->kid.n > 0 && k->kid_n > 0 && !str_eq(j->kid, (struct str){ k->kid, k->kid_n })))
			continue;
		tries++;
		if (verify_with(j, k, alg))
			return 0;
	}
	return ERR(e, E_CRYPTO, tries == 0 ? "JWS: no key of that kid and alg" : "JWS: signature is wrong");
}
