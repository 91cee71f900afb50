/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of RFC 9449 4.3, in its order. */
#include "gateway/crypto/dpop.h"

#include "gateway/base/json_in.h"
#include "gateway/base/json_write.h"
#include "gateway/base/text.h"
#include "gateway/base/uri.h"
#include "gateway/crypto/hash.h"

#include <stdlib.h>

enum { PROOF_MAX = 8 << 10, JWK_TEXT_MAX = 4 << 10, JTI_MAX = 256 };

/* SHA-256 over the required members in lexical order (RFC 7638 3). */
static struct str
thumbprint(struct arena *a, const json_t *jwk)
{
	static const struct {
		struct str kty;
		const char *members[4];
	} kinds[] = { { STR_INIT("EC"), { "crv", "kty", "x", "y" } }, { STR_INIT("RSA"), { "e", "kty", "n", NULL } } };
	uint8_t hash[SHA256_LEN];
	struct json_write w;
	struct buf b, text;
	buf_init(&b, a, 512, JWK_TEXT_MAX);
	buf_init(&text, a, 64, 64);
	for (size_t i = 0; i < NITEMS(kinds); i++) {
		if (!str_eq(json_in_str(jwk, "kty"), kinds[i].kty))
			continue;
		json_begin(&w, &b, JSON_PLAIN);
		json_obj(&w);
		for (size_t m = 0; m < NITEMS(kinds[i].members) && kinds[i].members[m] != NULL; m++)
			json_kv_str(&w, str_of(kinds[i].members[m]), json_in_str(jwk, kinds[i].members[m]));
		json_obj_end(&w);
		if (!buf_ok(&b))
			return STR_NULL;
		sha256(buf_str(&b), hash);
		base64url_put(&text, hash, sizeof hash);
		return buf_ok(&text) ? buf_str(&text) : STR_NULL;
	}
	return STR_NULL;
}

/* The proof's own key, as a set of one. */
static struct jwk_set *
key_read(struct arena *a, const struct jws *jws, struct str *jkt, struct err *e)
{
	json_t *head = json_in(jws->header, PROOF_MAX, e), *jwk = json_object_get(head, "jwk");
	char *text = json_is_object(jwk) ? json_dumps(jwk, JSON_COMPACT) : NULL;
	struct str doc = text == NULL ? STR_NULL : arena_printf(a, "{\"keys\":[%s]}", text);
	struct jwk_set *set = doc.p == NULL ? NULL : jwk_set_parse(doc, e);
	*jkt = set == NULL ? STR_NULL : thumbprint(a, jwk);
	free(text);
	json_decref(head);
	if (set != NULL && jkt->p != NULL)
		return set;
	jwk_set_free(&set);
	(void)ERR(e, E_INVALID, "DPoP: no usable jwk in the header");
	return NULL;
}

/* Scheme and host in any case, default port or not, the path as it is (RFC 9449 4.3: normalised per RFC 3986 6.2.2, 6.2.3). */
static bool
same_url(struct arena *a, struct str x, struct str y)
{
	struct uri u, v;
	struct err e = { 0 };
	if (uri_parse(x, &u, &e) != 0 || uri_parse(y, &v, &e) != 0)
		return false;
	struct str xo = uri_origin(a, x), yo = uri_origin(a, y);
	return xo.p != NULL && yo.p != NULL && str_eq(xo, yo) && str_eq(u.path, v.path);
}

static bool
token_hash_fits(struct arena *a, struct str token, struct str ath)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(token, hash);
	buf_init(&b, a, 64, 64);
	base64url_put(&b, hash, sizeof hash);
	return buf_ok(&b) && str_eq(buf_str(&b), ath);
}

static int
claims_check(struct arena *a, const struct dpop_ask *ask, const json_t *claims, struct dpop *out, struct err *e)
{
	struct str jti = json_in_str(claims, "jti");
	int64_t at = json_in_seconds(claims, "iat", 0);
	if (jti.n == 0 || jti.n > JTI_MAX)
		return ERR(e, E_INVALID, "DPoP: jti");
	if (!str_eq(json_in_str(claims, "htm"), ask->method))
		return ERR(e, E_INVALID, "DPoP: htm");
	if (!same_url(a, json_in_str(claims, "htu"), ask->url))
		return ERR(e, E_INVALID, "DPoP: htu");
	if (at < ask->now_s - DPOP_AGE_S || at > ask->now_s + DPOP_AHEAD_S)
		return ERR(e, E_INVALID, "DPoP: iat");
	if (ask->access_token.n > 0 && !token_hash_fits(a, ask->access_token, json_in_str(claims, "ath")))
		return ERR(e, E_INVALID, "DPoP: ath");
	out->jti = arena_str(a, jti);
	return out->jti.p == NULL ? ERR(e, E_LIMIT, "DPoP: arena full") : 0;
}

int
dpop_check(struct arena *a, const struct dpop_ask *ask, struct dpop *out, struct err *e)
{
	struct jws jws = { 0 };
	*out = (struct dpop){ 0 };
	if (ask->proof.n > PROOF_MAX || jws_parse(a, ask->proof, &jws, e) != 0)
		return ERR(e, E_PARSE, "DPoP: no JWT");
	struct jwk_set *set = str_eq(jws.typ, STR("dpop+jwt")) ? key_read(a, &jws, &out->jkt, e) : NULL;
	int rc = set == NULL ? ERR(e, E_INVALID, "DPoP: typ") : 0;
	jws.kid = STR_NULL; /* the one key is the header's own */
	if (rc == 0)
		rc = jws_verify(&jws, set, JWS_ES256 | JWS_ES384 | JWS_RS256 | JWS_RS384, e);
	if (rc == 0)
		rc = claims_check(a, ask, jws.claims, out, e);
	jwk_set_free(&set);
	json_decref(jws.claims);
	return rc;
}
