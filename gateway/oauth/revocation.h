/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ending grants: every token of a family dies in Redis at once, hence on all workers with their next request, and OpenEMR's rows say so
 * too. Used by refresh reuse, code reuse, revoke, logout, manage. RFC 7009, RFC 9700 4.14.2, contract/oauth2.md 3.7, 14.   */
#ifndef GATEWAY_OAUTH_REVOCATION_H
#define GATEWAY_OAUTH_REVOCATION_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

/* {prefix}grants:{sub}: sorted set of "client SP family", score = end of the grant's last token (epoch seconds). What a person's apps
 * hold; members past their score are gone already.                                                                        */
struct str key_grants(struct arena *a, const struct site *site, struct str sub);

/* Lua: family_end(grants, client, family, prefix of family sets, key that stays, jtis) deletes the tokens of one grant, adds their jtis to the
 * list and returns how many keys went. For the scripts that end grants.                                                    */
#define LUA_FAMILY_END                                                                                                 \
	"local function family_end(grants, client, fam, prefix, keep, jtis) "                                          \
	"  local n, set = 0, prefix .. fam "                                                                           \
	"  for _, k in ipairs(redis.call('SMEMBERS', set)) do "                                                        \
	"    if k ~= keep then "                                                                                       \
	"      local v = redis.call('GET', k) "                                                                        \
	"      if v then local jti = string.match(v, '^{\"jti\":\"(%x+)\"') if jti then jtis[#jtis + 1] = jti end "    \
	"end "                                                                                                         \
	"      n = n + redis.call('DEL', k) "                                                                          \
	"    end "                                                                                                     \
	"  end "                                                                                                       \
	"  redis.call('DEL', set) "                                                                                    \
	"  redis.call('ZREM', grants, client .. ' ' .. fam) "                                                          \
	"  return n "                                                                                                  \
	"end "

/* Says revoked = 1 in OpenEMR's rows of these access tokens (REDIS_STR items from the first on), where the site keeps such rows. *out NULL:
 * nothing to do. What is over 16 is dead all the same and only looks alive on OpenEMR's page until it expires.             */
enum step revoke_rows(
    struct task *t, struct request *r, const struct redis_value *jtis, size_t n, struct db_result **out);

/* Frame of revoke_steps. Goes on (STEP_NEXT) when Redis has forgotten the tokens; replies itself (503) only when Redis is down. */
struct revoke {
	/* in */
	struct str sub, client; /* whose grants, to which client                                                     */
	struct str family;      /* one grant; .n 0: all of (sub, client)                                             */
	struct str keep;        /* Redis key that stays: the mark of a used refresh token; .n 0: none                 */
	bool trusted; /* delete the oauth_trusted_user row too: the person withdraws consent (logout, manage) */
	/* out */
	int64_t n_tokens; /* keys that were deleted */
	/* working state */
	struct redis_result *redis;
	struct db_result *db;
};
extern const struct step_table revoke_steps;

#endif
