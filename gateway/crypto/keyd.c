/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keyd process: signing keys and the table of messages. Not the worker's side (keyd_client.c). Signing goes straight to EVP with keys
 * that stay parsed: libjwt parses the PEM for each token (520 us against 600 us for the RSA operation itself).             */
#include "gateway/crypto/keyd.h"

#include "gateway/base/clock.h"
#include "gateway/base/json_write.h"
#include "gateway/base/secret.h"
#include "gateway/base/text.h"
#include "gateway/crypto/ec_sig.h"
#include "gateway/crypto/frame.h"
#include "gateway/crypto/hash.h"
#include "gateway/crypto/keyd_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS_MAX = 256, SIG_MAX = 1024, RSA_BITS = 2048, PATH_BYTES = 1024, PASS_BYTES = 256 };

struct key {
	char site[128];
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx; /* initialised for signing: copied state costs less than a new one */
	bool ec;
	int64_t from_s, until_s; /* signs from, published until (INT64_MAX: no successor) */
	char kid[48];
	char jwk[1024];
};
struct keyd {
	struct key keys[KEYS_MAX]; /* those of a site stand together, oldest first */
	size_t n_keys;
	const struct log *log;
};

/* --- public form ---------------------------------------------------------------------------------------------------------------- */

static int
bn_member(struct json_write *w, const char *name, const EVP_PKEY *pkey, const char *param, int bytes)
{
	BIGNUM *bn = NULL;
	unsigned char raw[1024];
	struct buf b;
	char text[2048];
	int n = -1;
	if (EVP_PKEY_get_bn_param(pkey, param, &bn) == 1 && BN_num_bytes(bn) <= (int)sizeof raw)
		n = BN_bn2binpad(bn, raw, bytes > 0 ? bytes : BN_num_bytes(bn));
	BN_free(bn);
	if (n < 0)
		return -1;
	buf_init(&b, NULL, sizeof text, sizeof text);
	base64url_put(&b, raw, (size_t)n);
	if (buf_ok(&b))
		json_kv_str(w, str_of(name), buf_str(&b));
	n = buf_ok(&b) ? 0 : -1;
	buf_done(&b);
	return n;
}

/* The required members in lexical order: what RFC 7638 hashes for the kid. */
static int
thumb_members(struct json_write *w, const struct key *k)
{
	int rc;
	json_obj(w);
	if (k->ec) {
		json_kv_str(w, STR("crv"), STR("P-256"));
		json_kv_str(w, STR("kty"), STR("EC"));
		rc = bn_member(w, "x", k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, 32) |
		     bn_member(w, "y", k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	} else {
		rc = bn_member(w, "e", k->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
		json_kv_str(w, STR("kty"), STR("RSA"));
		rc |= bn_member(w, "n", k->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
	}
	return rc;
}

static int
key_public(struct key *k)
{
	struct json_write w;
	struct buf b, kid;
	uint8_t hash[SHA256_LEN];
	buf_init(&b, NULL, sizeof k->jwk, sizeof k->jwk - 1);
	buf_init(&kid, NULL, sizeof k->kid, sizeof k->kid - 1);
	json_begin(&w, &b, JSON_PLAIN);
	int rc = thumb_members(&w, k);
	json_obj_end(&w);
	if (rc == 0 && buf_ok(&b)) {
		sha256(buf_str(&b), hash);
		base64url_put(&kid, hash, sizeof hash);
		buf_clear(&b);
		json_begin(&w, &b, JSON_PLAIN);
		rc = thumb_members(&w, k);
		json_kv_str(&w, STR("alg"), k->ec ? STR("ES256") : STR("RS256"));
		json_kv_str(&w, STR("use"), STR("sig"));
		json_kv_str(&w, STR("kid"), buf_str(&kid));
		json_obj_end(&w);
	}
	rc = rc == 0 && buf_ok(&b) && buf_ok(&kid) ? 0 : -1;
	if (rc == 0 &&
	    (str_cstr(buf_str(&b), k->jwk, sizeof k->jwk) != 0 || str_cstr(buf_str(&kid), k->kid, sizeof k->kid) != 0))
		rc = -1;
	buf_done(&b);
	buf_done(&kid);
	return rc;
}

/* --- loading -------------------------------------------------------------------------------------------------------------------- */

static int
pass_cb(char *to, int size, int writing, void *arg)
{
	const struct str *pass = arg;
	(void)writing;
	if (pass->n == 0 || pass->n > (size_t)size)
		return -1;
	memcpy(to, pass->p, pass->n);
	return (int)pass->n;
}

static int
key_load(struct key *k, const char *path, struct str pass, struct err *e)
{
	char group[32] = "";
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return ERR(e, E_CONFIG, "site %s: signing key %s cannot be opened (errno %d)", k->site, path, errno);
	k->pkey = PEM_read_PrivateKey(f, NULL, pass_cb, &pass);
	(void)fclose(f);
	ERR_clear_error();
	if (k->pkey == NULL)
		return ERR(e, E_CONFIG, "site %s: %s is no private key, or its passphrase is wrong", k->site, path);
	int type = EVP_PKEY_get_base_id(k->pkey);
	(void)EVP_PKEY_get_group_name(k->pkey, group, sizeof group, NULL);
	k->ec = type == EVP_PKEY_EC;
	if ((k->ec && strcmp(group, "prime256v1") != 0) ||
	    (!k->ec && (type != EVP_PKEY_RSA || EVP_PKEY_get_bits(k->pkey) < RSA_BITS)))
		return ERR(e, E_CONFIG, "site %s: signing key must be RSA of at least 2048 bits or EC P-256", k->site);
	k->ctx = EVP_MD_CTX_new();
	if (k->ctx == NULL || key_public(k) != 0)
		return ERR(e, E_CRYPTO, "site %s: signing key", k->site);
	return 0;
}

int
keyd_key_create(const char *path, bool ec, struct str passphrase, const char *like, struct err *e)
{
	char temporary[PATH_BYTES], pass[PASS_BYTES];
	struct stat st;
	if (stat(path, &st) == 0)
		return 0;
	if (str_cstr(passphrase, pass, sizeof pass) != 0)
		return ERR(e, E_CONFIG, "%s: passphrase too long", path);
	int n = snprintf(temporary, sizeof temporary, "%s.%d.new", path, (int)getpid());
	int fd = n < 0 || (size_t)n >= sizeof temporary
	             ? -1
	             : open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR(e, E_IO, "%s: cannot be created (errno %d)", path, errno);
	EVP_PKEY *pkey = ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);
	FILE *f = fdopen(fd, "w");
	bool ok = f != NULL && pkey != NULL &&
	          PEM_write_PKCS8PrivateKey(f, pkey, passphrase.n > 0 ? EVP_aes_256_cbc() : NULL, NULL, 0, NULL,
	              passphrase.n > 0 ? pass : NULL) == 1 &&
	          fflush(f) == 0 && fsync(fd) == 0;
	secret_wipe(pass, sizeof pass);
	if (ok && like != NULL && stat(like, &st) == 0) /* the command may run as root, keyd as somebody else */
		ok = fchown(fd, st.st_uid, st.st_gid) == 0;
	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	else
		(void)close(fd);
	EVP_PKEY_free(pkey);
	if (ok && link(temporary, path) != 0 && errno != EEXIST)
		ok = false;
	(void)unlink(temporary);
	return ok ? 0 : ERR(e, E_IO, "%s: cannot be written (errno %d)", path, errno);
}

/* --- rotation ------------------------------------------------------------------------------------------------------------------- */

struct key_file {
	char path[PATH_BYTES + 24];
	int64_t from_s;
};

static int
by_time(const void *a, const void *b)
{
	const struct key_file *x = a, *y = b;
	return x->from_s < y->from_s ? -1 : x->from_s > y->from_s;
}

/* PATH and PATH.{epoch}, oldest first. */
static int
files_find(const char *path, struct key_file files[KEYD_SITE_KEYS], size_t *n, struct err *e)
{
	char dir[PATH_BYTES];
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	size_t base_n = strlen(base);
	int len = slash == NULL ? snprintf(dir, sizeof dir, ".")
	                        : snprintf(dir, sizeof dir, "%.*s", (int)(slash - path + 1), path);
	*n = 0;
	(void)snprintf(files[*n].path, sizeof files[*n].path, "%s", path);
	files[(*n)++].from_s = 0;
	DIR *d = len < 0 || (size_t)len >= sizeof dir ? NULL : opendir(dir);
	if (d == NULL)
		return ERR(e, E_CONFIG, "%s: folder cannot be read (errno %d)", path, errno);
	for (const struct dirent *entry; (entry = readdir(d)) != NULL && *n < KEYD_SITE_KEYS;) {
		int64_t from;
		if (strncmp(entry->d_name, base, base_n) != 0 || entry->d_name[base_n] != '.' ||
		    str_to_i64(str_of(entry->d_name + base_n + 1), &from) != 0 || from <= 0)
			continue;
		(void)snprintf(files[*n].path, sizeof files[*n].path, "%s.%lld", path, (long long)from);
		files[(*n)++].from_s = from;
	}
	(void)closedir(d);
	qsort(files, *n, sizeof *files, by_time);
	return 0;
}

/* Loads all keys of a site into keys[]. */
static int
site_load(const struct keyd_key *conf, struct key *keys, size_t room, size_t *n, struct err *e)
{
	static struct key_file files[KEYD_SITE_KEYS];
	char path[PATH_BYTES];
	size_t n_files;
	*n = 0;
	if (str_cstr(conf->pem_path, path, sizeof path) != 0)
		return ERR(e, E_CONFIG, "key path too long");
	if (files_find(path, files, &n_files, e) != 0)
		return -1;
	for (size_t i = 0; i < n_files; i++) {
		struct key *k = &keys[*n];
		if (*n >= room)
			return ERR(e, E_LIMIT, "more than %d signing keys", KEYS_MAX);
		++*n;
		k->from_s = files[i].from_s;
		k->until_s = i + 1 < n_files ? files[i + 1].from_s + conf->keep_s : INT64_MAX;
		if (str_cstr(conf->site, k->site, sizeof k->site) != 0)
			return ERR(e, E_CONFIG, "site name too long");
		if (key_load(k, files[i].path, conf->passphrase, e) != 0)
			return -1;
	}
	return 0;
}

static void
key_drop(struct key *k)
{
	EVP_MD_CTX_free(k->ctx);
	EVP_PKEY_free(k->pkey); /* OpenSSL wipes private numbers when it frees them */
	k->ctx = NULL;
	k->pkey = NULL;
}

/* The youngest key whose time has come. */
static struct key *
key_at(struct key *keys, size_t n, struct str site, int64_t now_s)
{
	struct key *best = NULL;
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_of(keys[i].site), site) && keys[i].from_s <= now_s)
			best = &keys[i];
	return best;
}

int
keyd_key_files(
    const struct keyd_key *conf, int64_t now_s, struct keyd_key_file files[KEYD_SITE_KEYS], size_t *n, struct err *e)
{
	struct key *keys = calloc(KEYD_SITE_KEYS, sizeof *keys);
	int rc = keys == NULL ? ERR(e, E_MEMORY, "keys") : site_load(conf, keys, KEYD_SITE_KEYS, n, e);
	for (size_t i = 0; rc == 0 && i < *n; i++) {
		struct keyd_key_file *f = &files[i];
		*f = (struct keyd_key_file){ .ec = keys[i].ec,
			.from_s = keys[i].from_s,
			.signs = &keys[i] == key_at(keys, *n, conf->site, now_s),
			.published = now_s < keys[i].until_s };
		memcpy(f->kid, keys[i].kid, sizeof f->kid);
		if (f->from_s == 0)
			rc = str_cstr(conf->pem_path, f->path, sizeof f->path);
		else
			(void)snprintf(
			    f->path, sizeof f->path, "%.*s.%lld", STR_ARG(conf->pem_path), (long long)f->from_s);
	}
	for (size_t i = 0; keys != NULL && i < KEYD_SITE_KEYS; i++)
		key_drop(&keys[i]);
	free(keys);
	return rc;
}

/* --- messages -------------------------------------------------------------------------------------------------------------------- */

static void
hello(void *ctx, struct str payload, struct buf *reply)
{
	(void)ctx;
	(void)payload;
	(void)reply;
}

/* "site NUL ...": the site's name and the rest. */
static struct str
site_take(struct str *payload)
{
	size_t n = str_find(*payload, 0);
	struct str site = str_sub(*payload, 0, n);
	*payload = str_skip(*payload, n + 1);
	return site;
}

static struct key *
key_of(struct keyd *d, struct str site)
{
	return key_at(d->keys, d->n_keys, site, clock_real_s(&clock_system));
}

static int
sign(struct key *k, struct str input, struct buf *out)
{
	unsigned char sig[SIG_MAX], raw[64];
	size_t n = sizeof sig;
	const unsigned char *text = (const unsigned char *)input.p;
	if (EVP_DigestSignInit_ex(k->ctx, NULL, "SHA256", NULL, NULL, k->pkey, NULL) != 1 ||
	    EVP_DigestSign(k->ctx, sig, &n, text, input.n) != 1) {
		ERR_clear_error();
		return -1;
	}
	if (k->ec && ec_sig_to_raw((struct str){ (const char *)sig, n }, raw, 32) != 0)
		return -1;
	base64url_put(out, k->ec ? raw : sig, k->ec ? sizeof raw : n);
	return buf_ok(out) ? 0 : -1;
}

/* Answer: the compact serialization; empty when the site has no key or signing failed. */
static void
sign_jwt(void *ctx, struct str payload, struct buf *reply)
{
	struct str site = site_take(&payload), typ = site_take(&payload);
	struct key *k = key_of(ctx, site);
	struct json_write w;
	struct buf head;
	size_t at = reply->n;
	if (k == NULL || payload.n == 0)
		return;
	buf_init(&head, NULL, 256, 512);
	json_begin(&w, &head, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("typ"), typ);
	json_kv_str(&w, STR("alg"), k->ec ? STR("ES256") : STR("RS256"));
	json_kv_str(&w, STR("kid"), str_of(k->kid));
	json_obj_end(&w);
	base64url_put(reply, head.p, buf_ok(&head) ? head.n : 0);
	buf_char(reply, '.');
	base64url_put(reply, payload.p, payload.n);
	buf_done(&head);
	if (!buf_ok(reply))
		return;
	struct str input = { reply->p + at, reply->n - at };
	struct buf sig;
	buf_init(&sig, NULL, SIG_MAX, 2 * SIG_MAX);
	int rc = sign(k, input, &sig);
	buf_char(reply, '.');
	buf_str_put(reply, buf_str(&sig));
	buf_done(&sig);
	if (rc != 0)
		reply->n = at;
}

static void
jwks(void *ctx, struct str payload, struct buf *reply)
{
	struct keyd *d = ctx;
	struct json_write w;
	json_begin(&w, reply, JSON_PLAIN);
	json_obj(&w);
	json_key(&w, STR("keys"));
	json_arr(&w);
	for (size_t i = 0; i < d->n_keys; i++)
		if (str_eq(str_of(d->keys[i].site), payload) && clock_real_s(&clock_system) < d->keys[i].until_s)
			json_raw(&w, str_of(d->keys[i].jwk));
	json_arr_end(&w);
	json_obj_end(&w);
}

const struct frame_row keyd_table[KEYD_N] = {
	{ KEYD_HELLO, 64, FRAME_ONCE | FRAME_PERMITS, hello }, { KEYD_SIGN_JWT, 32 << 10, 0, sign_jwt },
	{ KEYD_JWKS, 128, FRAME_PERMITS, jwks }, /* public keys: asked before the worker's loop runs */
};

int
keyd_serve(const struct keyd_key *keys, size_t n_keys, const int *peer_fds, size_t n_peers, int control_fd,
    const struct log *log)
{
	static struct keyd d;
	struct rlimit none = { 0, 0 };
	struct err e = { 0 };
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	d.log = log;
	for (size_t i = 0; i < n_keys; i++) {
		size_t n = 0;
		int loaded = site_load(&keys[i], d.keys + d.n_keys, KEYS_MAX - d.n_keys, &n, &e);
		d.n_keys += n;
		if (loaded != 0) {
			LOG(log, LOG_ERROR, "keyd.key", F_STR("site", keys[i].site), F_ERR(&e));
			return 1;
		}
		for (size_t k = d.n_keys - n; k < d.n_keys; k++)
			LOG(log, LOG_INFO, "keyd.key", F_STR("site", keys[i].site), F_STR("kid", str_of(d.keys[k].kid)),
			    F_INT("signs_from", d.keys[k].from_s));
	}
	int rc = frame_serve(keyd_table, KEYD_N, &d, peer_fds, n_peers, control_fd, log);
	for (size_t i = 0; i < d.n_keys; i++)
		key_drop(&d.keys[i]);
	return rc;
}
