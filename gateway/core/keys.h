/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of the gateway's keys in Redis and the form of their values: one place, so that the issuer (gateway/oauth) and
 * the bearer check (gateway/pipeline) agree. Each key begins with the site's prefix; nothing of one site is found by
 * another.               */
#ifndef GATEWAY_CORE_KEYS_H
#define GATEWAY_CORE_KEYS_H

#include "gateway/core/site.h"

/* {prefix}at:{first 32 hex digits of SHA-256(jti)}: state of an access token. TTL = life of the token. Value: JSON
 * object
 *   {"family":"...","patient":"<uuid, when the token has a launch context>"}; the key is deleted when the token is
 * revoked. .p NULL when the arena is full. */
struct str key_access_token(struct arena *a, const struct site *site, struct str jti);
/* {prefix}rt:{SHA-256 hex of the refresh token}: its record (gateway/oauth/refresh.c). */
struct str key_refresh_token(struct arena *a, const struct site *site, struct str token);
/* {prefix}fam:{family}: set of the keys above that belong to one grant; deleting its members revokes the grant. */
struct str key_family(struct arena *a, const struct site *site, struct str family);
/* {prefix}jti:{client}:{SHA-256 hex of the jti}: a client assertion seen. */
struct str key_assertion(struct arena *a, const struct site *site, struct str client_id, struct str jti);
/* {prefix}launch:{SHA-256 hex of the token}: a launch token that was not used yet (gateway/oauth/launch_token.c). */
struct str key_launch(struct arena *a, const struct site *site, struct str token);
/* {prefix}dpop:{SHA-256 hex of thumbprint and jti}: a DPoP proof seen. */
struct str key_dpop(struct arena *a, const struct site *site, struct str jkt, struct str jti);
/* {prefix}rl:{class}:{who}: a GCRA cell. */
struct str key_rate(struct arena *a, const struct site *site, struct str rate_class, struct str who);

#endif
