/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's block format. Versions 004-007: HMAC-SHA384 | IV | AES-256-CBC under keys of that number; 002, 003: HMAC-SHA256 and keys two;
 * 001: no HMAC, key one. Encrypt-then-MAC: the MAC is checked before anything is decrypted.                                */
#include "gateway/crypto/openemr_crypt.h"

#include "gateway/base/secret.h"
#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

enum { IV = 16, BLOCK = 16, PREFIX = 3, KEY = 32, TEXT_MAX = 1 << 20, FILE_MAX = 2048, PATH_BYTES = 1024 };

static const struct {
	unsigned keys; /* number of the key pair */
	size_t mac;    /* bytes */
} versions[] = { [1] = { 1, 0 },
	[2] = { 2, SHA256_LEN },
	[3] = { 2, SHA256_LEN },
	[4] = { 4, SHA384_LEN },
	[5] = { 5, SHA384_LEN },
	[6] = { 6, SHA384_LEN },
	[7] = { 7, SHA384_LEN } };

static int
aes_cbc(bool encrypt, const uint8_t key[KEY], const uint8_t *iv, struct str in, uint8_t *out, size_t *out_n)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok = ctx != NULL && in.n <= TEXT_MAX &&
	          EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt) == 1 &&
	          EVP_CipherUpdate(ctx, out, &n, (const unsigned char *)in.p, (int)in.n) == 1 &&
	          EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		ERR_clear_error();
	*out_n = (size_t)(n + last);
	return ok ? 0 : -1;
}

static int
mac_of(unsigned version, const uint8_t key[KEY], struct str s, uint8_t out[SHA384_LEN])
{
	struct str k = { (const char *)key, KEY };
	return versions[version].mac == SHA384_LEN ? hmac_sha384(k, s, out) : hmac_sha256(k, s, out);
}

/* The version of a block; 0: clear text. */
static unsigned
version_of(struct str text)
{
	if (text.n < PREFIX || text.p[0] != '0' || text.p[1] != '0' || text.p[2] < '1' || text.p[2] > '7')
		return 0;
	return (unsigned)(text.p[2] - '0');
}

bool
openemr_version(struct str text, unsigned *keys, size_t *mac_bytes)
{
	unsigned v = version_of(text);
	*keys = versions[v].keys;
	*mac_bytes = versions[v].mac;
	return v != 0;
}

int
openemr_decrypt(
    struct arena *a, const struct openemr_keys *k, struct str text, struct str *out, bool *clear, struct err *e)
{
	unsigned v = version_of(text);
	uint8_t mac[SHA384_LEN];
	struct buf b;
	if (clear != NULL)
		*clear = v == 0;
	if (v == 0) {
		*out = text;
		return 0;
	}
	if (!k->version[versions[v].keys].present)
		return ERR(e, E_CRYPTO, "OpenEMR block of version %u: no such key", v);
	buf_init(&b, a, text.n, TEXT_MAX);
	if (base64_get(str_skip(text, PREFIX), &b) != 0 || b.n < versions[v].mac + IV + BLOCK)
		return ERR(e, E_PARSE, "OpenEMR block is malformed");
	struct str sealed = str_skip(buf_str(&b), versions[v].mac);
	const uint8_t *iv = (const uint8_t *)sealed.p;
	if (versions[v].mac > 0) {
		if (mac_of(v, k->version[versions[v].keys].b, sealed, mac) != 0)
			return ERR(e, E_LIMIT, "out of memory");
		if (!secret_eq_str(
		        (struct str){ b.p, versions[v].mac }, (struct str){ (const char *)mac, versions[v].mac }))
			return ERR(e, E_CRYPTO, "OpenEMR block: MAC is wrong");
	}
	size_t n;
	uint8_t *plain = arena_raw(a, sealed.n + BLOCK);
	if (plain == NULL)
		return ERR(e, E_LIMIT, "arena full");
	if (aes_cbc(false, k->version[versions[v].keys].a, iv, str_skip(sealed, IV), plain, &n) != 0)
		return ERR(e, E_CRYPTO, "OpenEMR block cannot be decrypted");
	*out = (struct str){ (const char *)plain, n };
	return 0;
}

int
openemr_encrypt(struct arena *a, const struct openemr_keys *k, int version, struct rng *rng, struct str plain,
    struct str *out, struct err *e)
{
	uint8_t mac[SHA384_LEN];
	struct buf b;
	size_t n;
	if (version < 6 || version > 7 || !k->version[version].present)
		return ERR(e, E_CRYPTO, "no OpenEMR key of version %d", version);
	uint8_t *sealed = arena_raw(a, IV + plain.n + BLOCK);
	if (sealed == NULL)
		return ERR(e, E_LIMIT, "arena full");
	rng_bytes(rng, sealed, IV);
	if (aes_cbc(true, k->version[version].a, sealed, plain, sealed + IV, &n) != 0)
		return ERR(e, E_CRYPTO, "encryption failed");
	struct str body = { (const char *)sealed, IV + n };
	if (mac_of((unsigned)version, k->version[version].b, body, mac) != 0)
		return ERR(e, E_LIMIT, "out of memory");
	struct buf raw;
	buf_init(&raw, a, sizeof mac + body.n, TEXT_MAX);
	buf_put(&raw, mac, sizeof mac);
	buf_str_put(&raw, body);
	buf_init(&b, a, 2 * raw.n, 2 * TEXT_MAX);
	buf_printf(&b, "%03d", version);
	base64_put(&b, raw.p, raw.n);
	if (!buf_ok(&b) || !buf_ok(&raw))
		return ERR(e, E_LIMIT, "arena full");
	*out = buf_str(&b);
	return 0;
}

/* --- key files ------------------------------------------------------------------------------------------------------------------- */

/* One file: plain base64 (versions one to four, and older five, six) or a block under the database keys. false: no such file. */
static int
key_file(struct arena *a, const char *dir, const char *name, char half, const struct openemr_keys *database,
    uint8_t out[KEY], bool *found, struct err *e)
{
	char path[PATH_BYTES], text[FILE_MAX];
	struct str value;
	struct buf b;
	int n = snprintf(path, sizeof path, "%s/%s%c", dir, name, half);
	FILE *f = n < 0 || (size_t)n >= sizeof path ? NULL : fopen(path, "re");
	*found = f != NULL;
	if (f == NULL)
		return errno == ENOENT ? 0 : ERR(e, E_IO, "%s: cannot be read (errno %d)", path, errno);
	size_t got = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\r'))
		got--;
	if (openemr_decrypt(a, database, (struct str){ text, got }, &value, NULL, e) != 0)
		return -1;
	buf_init(&b, a, 64, 256);
	/* a block holds the key's bytes, or their base64 */
	if (value.n == KEY)
		buf_str_put(&b, value);
	else if (base64_get(value, &b) != 0 || b.n != KEY)
		return ERR(e, E_CRYPTO, "%s holds no key", path);
	memcpy(out, b.p, KEY);
	return 0;
}

int
openemr_drive_keys_load(
    const char *methods_dir, const struct openemr_keys *database_keys, struct openemr_keys *out, struct err *e)
{
	static const char *const names[] = { "", "one", "two", "three", "four", "five", "six", "seven" };
	AUTO(arena) a = arena_new_flags("openemr keys", 256 << 10, ARENA_WIPE);
	bool any = false;
	if (a == NULL)
		return ERR(e, E_MEMORY, "openemr keys");
	for (unsigned v = 1; v < NITEMS(names); v++) {
		bool first, second;
		if (key_file(a, methods_dir, names[v], 'a', database_keys, out->version[v].a, &first, e) != 0 ||
		    key_file(a, methods_dir, names[v], 'b', database_keys, out->version[v].b, &second, e) != 0)
			return -1;
		out->version[v].present = first && second;
		any |= out->version[v].present;
	}
	return any ? 0 : ERR(e, E_NOT_FOUND, "no key files in %s", methods_dir);
}
