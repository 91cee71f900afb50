/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a client means by the id_token it sends back. */
#include "gateway/oauth/hint.h"

#include "gateway/base/json_in.h"
#include "gateway/crypto/jwk.h"

bool
id_token_hint_read(struct request *r, struct str token, struct id_token_hint *out)
{
	struct jws jws = { 0 };
	struct arena *a = r->task.arena;
	struct err e = { 0 };
	if (jws_parse(a, token, &jws, &e) != 0 || json_keep(a, jws.claims) != 0 ||
	    jws_verify(&jws, r->site->jwks, JWS_RS256 | JWS_ES256, &e) != 0)
		return false;
	out->client = json_in_str(jws.claims, "aud");
	out->sub = json_in_str(jws.claims, "sub");
	out->sid = json_in_str(jws.claims, "sid");
	return str_eq(json_in_str(jws.claims, "iss"), r->site->issuer) && out->client.n > 0 && out->sub.n > 0 &&
	       json_object_get(jws.claims, "scopes") == NULL && json_object_get(jws.claims, "events") == NULL;
}
