/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of Redis keys. */
#include "gateway/core/keys.h"

#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

enum { KEY_FIRST = 96, KEY_MAX = 1024 };

static struct str
key_hashed(struct arena *a, const struct site *site, struct str kind, struct str secret, size_t hash_bytes)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(secret, hash);
	buf_init(&b, a, KEY_FIRST, KEY_MAX);
	buf_str_put(&b, site->redis_prefix);
	buf_str_put(&b, kind);
	hex_put(&b, hash, hash_bytes);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

static struct str
key_plain(struct arena *a, const struct site *site, struct str kind, struct str one, struct str two)
{
	struct buf b;
	buf_init(&b, a, KEY_FIRST, KEY_MAX);
	buf_str_put(&b, site->redis_prefix);
	buf_str_put(&b, kind);
	buf_str_put(&b, one);
	if (two.n > 0) {
		buf_char(&b, ':');
		buf_str_put(&b, two);
	}
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

struct str
key_access_token(struct arena *a, const struct site *site, struct str jti)
{
	return key_hashed(a, site, STR("at:"), jti, SHA256_LEN / 2);
}

struct str
key_refresh_token(struct arena *a, const struct site *site, struct str token)
{
	return key_hashed(a, site, STR("rt:"), token, SHA256_LEN);
}

struct str
key_family(struct arena *a, const struct site *site, struct str family)
{
	return key_plain(a, site, STR("fam:"), family, STR_NULL);
}

struct str
key_launch(struct arena *a, const struct site *site, struct str token)
{
	return key_hashed(a, site, STR("launch:"), token, SHA256_LEN);
}

struct str
key_assertion(struct arena *a, const struct site *site, struct str client_id, struct str jti)
{
	uint8_t hash[SHA256_LEN];
	struct buf b;
	sha256(jti, hash);
	buf_init(&b, a, 2 * SHA256_LEN, 2 * SHA256_LEN);
	hex_put(&b, hash, sizeof hash);
	return buf_ok(&b) ? key_plain(a, site, STR("jti:"), client_id, buf_str(&b)) : STR_NULL;
}

struct str
key_dpop(struct arena *a, const struct site *site, struct str jkt, struct str jti)
{
	struct str text = arena_printf(a, "%.*s %.*s", STR_ARG(jkt), STR_ARG(jti));
	return text.p == NULL ? STR_NULL : key_hashed(a, site, STR("dpop:"), text, SHA256_LEN);
}

struct str
key_rate(struct arena *a, const struct site *site, struct str rate_class, struct str who)
{
	return key_plain(a, site, STR("rl:"), rate_class, who);
}
