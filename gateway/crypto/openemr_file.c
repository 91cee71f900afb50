/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealing and opening files in OpenEMR's block format. */
#include "gateway/crypto/openemr_file.h"

#include "gateway/base/secret.h"
#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <unistd.h>

enum { IV = 16, BLOCK = 16, PREFIX = 3, KEY = 32, CANDIDATES = 2, PIECE = 48 << 10 };

/* --- both ways ----------------------------------------------------------------------------------------------------------------- */

static EVP_MAC_CTX *
mac_new(const uint8_t key[KEY], size_t mac_n)
{
	char digest[] = "SHA384";
	OSSL_PARAM params[2];
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
	if (mac_n == SHA256_LEN)
		memcpy(digest, "SHA256", sizeof digest);
	params[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	EVP_MAC_free(hmac);
	if (ctx != NULL && EVP_MAC_init(ctx, key, KEY, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------- */

struct openemr_seal {
	unsigned version;
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
	uint8_t iv[IV], carry[3];
	size_t carry_n; /* bytes that wait for a whole group of base64 */
};

struct openemr_seal *
openemr_seal_new(unsigned version, const uint8_t a[32], const uint8_t b[32], const uint8_t iv[16])
{
	struct openemr_seal *s = calloc(1, sizeof *s);
	CHECK(version >= 4 && version <= 7);
	if (s == NULL)
		return NULL;
	s->version = version;
	memcpy(s->iv, iv, IV);
	s->mac = mac_new(b, SHA384_LEN);
	s->cipher = EVP_CIPHER_CTX_new();
	if (s->mac == NULL || s->cipher == NULL || EVP_EncryptInit_ex(s->cipher, EVP_aes_256_cbc(), NULL, a, iv) != 1)
		openemr_seal_free(&s);
	return s;
}

void
openemr_seal_free(struct openemr_seal **sp)
{
	struct openemr_seal *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->cipher);
	EVP_MAC_CTX_free(s->mac);
	free(s);
}

/* Sealed bytes: into the MAC, and as base64 into out; the last one or two wait for the next piece. */
static int
sealed_put(struct openemr_seal *s, const uint8_t *p, size_t n, bool last, struct buf *out)
{
	if (EVP_MAC_update(s->mac, p, n) != 1)
		return -1;
	while (n > 0 && s->carry_n > 0 && s->carry_n < 3) {
		s->carry[s->carry_n++] = *p++;
		n--;
	}
	if (s->carry_n == 3 || last) {
		base64_put(out, s->carry, s->carry_n);
		s->carry_n = 0;
	}
	size_t whole = last ? n : n / 3 * 3;
	base64_put(out, p, whole);
	if (n > whole) {
		memcpy(s->carry, p + whole, n - whole);
		s->carry_n = n - whole;
	}
	return buf_ok(out) ? 0 : -1;
}

int
openemr_seal_begin(struct openemr_seal *s, struct buf *out)
{
	buf_printf(out, "%03u", s->version);
	for (size_t i = 0; i < OPENEMR_SEAL_MAC_TEXT; i++)
		buf_char(out, 'A');
	return sealed_put(s, s->iv, IV, false, out);
}

int
openemr_seal_put(struct openemr_seal *s, struct str plain, struct buf *out)
{
	uint8_t sealed[4096 + BLOCK];
	while (plain.n > 0) {
		struct str part = str_sub(plain, 0, sizeof sealed - BLOCK);
		int n = 0;
		if (EVP_EncryptUpdate(s->cipher, sealed, &n, (const unsigned char *)part.p, (int)part.n) != 1 ||
		    sealed_put(s, sealed, (size_t)n, false, out) != 0)
			return -1;
		plain = str_skip(plain, part.n);
	}
	return 0;
}

int
openemr_seal_end(struct openemr_seal *s, struct buf *out, char mac_text[OPENEMR_SEAL_MAC_TEXT])
{
	uint8_t sealed[BLOCK], mac[SHA384_LEN];
	size_t mac_n = 0;
	struct buf text;
	int n = 0;
	if (EVP_EncryptFinal_ex(s->cipher, sealed, &n) != 1 || sealed_put(s, sealed, (size_t)n, true, out) != 0 ||
	    EVP_MAC_final(s->mac, mac, &mac_n, sizeof mac) != 1 || mac_n != sizeof mac)
		return -1;
	buf_init(&text, NULL, 2 * OPENEMR_SEAL_MAC_TEXT, 2 * OPENEMR_SEAL_MAC_TEXT);
	base64_put(&text, mac, sizeof mac);
	bool ok = buf_ok(&text) && text.n == OPENEMR_SEAL_MAC_TEXT;
	if (ok)
		memcpy(mac_text, text.p, OPENEMR_SEAL_MAC_TEXT);
	buf_done(&text);
	return ok ? 0 : -1;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------- */

struct openemr_open {
	int fd;
	bool clear, sound;
	uint64_t size, raw_n; /* of the file; of what its base64 holds */
	uint64_t plain_n, checked;
	size_t mac_n;
	struct {
		EVP_MAC_CTX *mac; /* NULL: none needed, or no candidate */
		uint8_t a[KEY];
		bool used;
	} candidates[CANDIDATES];
	uint8_t key[KEY]; /* of the candidate whose MAC fitted */
	struct buf raw;
	struct { /* of the plain content, without a MAC */
		EVP_MD_CTX *sha3, *sha1;
		uint64_t n;
		bool whole;
		uint8_t sha3_512[SHA512_LEN], sha1_20[20];
	} digest;
};

static int
pread_all(int fd, char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

/* Raw bytes [from, from + n) of what the base64 holds; borrows from o->raw until the next call. */
static int
raw_get(struct openemr_open *o, uint64_t from, size_t n, struct str *out, struct err *e)
{
	static char text[(PIECE / 3 + 4) * 4 + 64];
	uint64_t group = from / 3, last = (from + n + 2) / 3;
	size_t text_n = (size_t)(last - group) * 4, skip = (size_t)(from - group * 3);
	if (n == 0 || from + n > o->raw_n || text_n > sizeof text)
		return ERR(e, E_PARSE, "OpenEMR file is cut short");
	if (pread_all(o->fd, text, text_n, PREFIX + group * 4) != 0)
		return ERR(e, E_IO, "OpenEMR file cannot be read");
	buf_clear(&o->raw);
	if (base64_get((struct str){ text, text_n }, &o->raw) != 0 || o->raw.n < skip + n)
		return ERR(e, E_PARSE, "OpenEMR file is malformed");
	*out = (struct str){ o->raw.p + skip, n };
	return 0;
}

static int
candidate_add(struct openemr_open *o, unsigned i, const struct openemr_keys *k, unsigned number)
{
	if (k == NULL || !k->version[number].present)
		return 0;
	o->candidates[i].used = true;
	memcpy(o->candidates[i].a, k->version[number].a, KEY);
	if (o->mac_n > 0)
		o->candidates[i].mac = mac_new(k->version[number].b, o->mac_n);
	return o->mac_n == 0 || o->candidates[i].mac != NULL ? 0 : -1;
}

static int
open_head(struct openemr_open *o, const struct openemr_keys *database, const struct openemr_keys *drive, struct err *e)
{
	char head[PREFIX], tail[4];
	unsigned number;
	if (database == NULL && drive == NULL) {
		o->clear = true;
		o->plain_n = o->size;
		return 0;
	}
	if (o->size < PREFIX || pread_all(o->fd, head, PREFIX, 0) != 0 ||
	    !openemr_version((struct str){ head, PREFIX }, &number, &o->mac_n))
		return ERR(e, E_PARSE, "OpenEMR file has no version in front");
	if ((o->size - PREFIX) % 4 != 0 || o->size < PREFIX + 4 || pread_all(o->fd, tail, 4, o->size - 4) != 0)
		return ERR(e, E_PARSE, "OpenEMR file is malformed");
	o->raw_n = (o->size - PREFIX) / 4 * 3 - (tail[3] == '=') - (tail[2] == '=');
	if (o->raw_n < o->mac_n + IV + BLOCK || (o->raw_n - o->mac_n) % BLOCK != 0)
		return ERR(e, E_PARSE, "OpenEMR file is malformed");
	/* 001 has no MAC that would tell which key fits: OpenEMR kept that one on the drive */
	if (o->mac_n == 0 ? candidate_add(o, 0, drive, number) != 0 ||
	                        (!o->candidates[0].used && candidate_add(o, 0, database, number) != 0)
	                  : candidate_add(o, 0, database, number) != 0 || candidate_add(o, 1, drive, number) != 0)
		return ERR(e, E_MEMORY, "OpenEMR file");
	if (!o->candidates[0].used && !o->candidates[1].used)
		return ERR(e, E_CRYPTO, "OpenEMR file of version %.3s: no such key", head);
	o->checked = o->mac_n;
	if (o->mac_n > 0)
		return 0;
	o->digest.sha3 = EVP_MD_CTX_new();
	o->digest.sha1 = EVP_MD_CTX_new();
	bool ok = o->digest.sha3 != NULL && o->digest.sha1 != NULL &&
	          EVP_DigestInit_ex(o->digest.sha3, EVP_sha3_512(), NULL) == 1 &&
	          EVP_DigestInit_ex(o->digest.sha1, EVP_sha1(), NULL) == 1;
	return ok ? 0 : ERR(e, E_MEMORY, "OpenEMR file");
}

struct openemr_open *
openemr_open_new(
    int fd, uint64_t size, const struct openemr_keys *database, const struct openemr_keys *drive, struct err *e)
{
	struct openemr_open *o = calloc(1, sizeof *o);
	if (o == NULL) {
		(void)ERR(e, E_MEMORY, "OpenEMR file");
		return NULL;
	}
	o->fd = fd;
	o->size = size;
	buf_init(&o->raw, NULL, PIECE + 64, PIECE + 4096);
	if (open_head(o, database, drive, e) != 0)
		openemr_open_free(&o);
	return o;
}

void
openemr_open_free(struct openemr_open **op)
{
	struct openemr_open *o = *op;
	*op = NULL;
	if (o == NULL)
		return;
	for (size_t i = 0; i < CANDIDATES; i++)
		EVP_MAC_CTX_free(o->candidates[i].mac);
	EVP_MD_CTX_free(o->digest.sha3);
	EVP_MD_CTX_free(o->digest.sha1);
	buf_done(&o->raw);
	secret_wipe(o, sizeof *o);
	free(o);
}

uint64_t
openemr_open_size(const struct openemr_open *o)
{
	CHECK(o->clear || o->sound);
	return o->plain_n;
}

/* Whole blocks behind IV or a block before: in holds that one, then the blocks. Decrypts in place of out (no padding taken off). */
static int
blocks_open(const uint8_t key[KEY], struct str in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = ctx != NULL &&
	          EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, (const unsigned char *)in.p) == 1 &&
	          EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	          EVP_DecryptUpdate(ctx, out, &n, (const unsigned char *)in.p + BLOCK, (int)(in.n - BLOCK)) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		ERR_clear_error();
	return ok && (size_t)n == in.n - BLOCK ? 0 : -1;
}

/* The MAC has fitted (or there is none): the padding of the last block tells the size. */
static int
size_find(struct openemr_open *o, struct err *e)
{
	uint8_t last[BLOCK];
	struct str raw;
	if (raw_get(o, o->raw_n - 2 * BLOCK, 2 * BLOCK, &raw, e) != 0)
		return -1;
	if (blocks_open(o->key, raw, last) != 0)
		return ERR(e, E_CRYPTO, "OpenEMR file cannot be decrypted");
	unsigned pad = last[BLOCK - 1];
	bool ok = pad >= 1 && pad <= BLOCK;
	for (unsigned i = 0; ok && i < pad; i++)
		ok = last[BLOCK - 1 - i] == pad;
	if (!ok)
		return ERR(e, E_CRYPTO, "OpenEMR file cannot be decrypted");
	o->plain_n = o->raw_n - o->mac_n - IV - pad;
	o->sound = true;
	return 0;
}

static int
mac_compare(struct openemr_open *o, struct err *e)
{
	struct str stored = STR_NULL;
	if (o->mac_n > 0 && raw_get(o, 0, o->mac_n, &stored, e) != 0)
		return -1;
	for (size_t i = 0; i < CANDIDATES; i++) {
		uint8_t mac[SHA384_LEN];
		size_t n = 0;
		if (!o->candidates[i].used)
			continue;
		if (o->mac_n > 0 && (EVP_MAC_final(o->candidates[i].mac, mac, &n, sizeof mac) != 1 ||
		                        !secret_eq_str(stored, (struct str){ (const char *)mac, n })))
			continue;
		memcpy(o->key, o->candidates[i].a, KEY);
		return size_find(o, e);
	}
	return ERR(e, E_CRYPTO, "OpenEMR file: MAC is wrong");
}

/* Digests at most max plain bytes more, as openemr_open_check(). */
static int
plain_digest(struct openemr_open *o, size_t max, struct err *e)
{
	struct buf piece;
	int rc = 0;
	buf_init(&piece, NULL, PIECE, PIECE);
	piece.wipe = true;
	while (rc == 0 && o->digest.n < o->plain_n && max > 0) {
		size_t n = (size_t)MIN((uint64_t)MIN(max, (size_t)PIECE), o->plain_n - o->digest.n);
		buf_clear(&piece);
		rc = openemr_open_read(o, o->digest.n, n, &piece, e);
		if (rc == 0 && (EVP_DigestUpdate(o->digest.sha3, piece.p, piece.n) != 1 ||
		                   EVP_DigestUpdate(o->digest.sha1, piece.p, piece.n) != 1))
			rc = ERR(e, E_CRYPTO, "OpenEMR file: digest");
		o->digest.n += n;
		max -= n;
	}
	buf_done(&piece);
	if (rc != 0 || o->digest.n < o->plain_n)
		return rc;
	if (EVP_DigestFinal_ex(o->digest.sha3, o->digest.sha3_512, NULL) != 1 ||
	    EVP_DigestFinal_ex(o->digest.sha1, o->digest.sha1_20, NULL) != 1)
		return ERR(e, E_CRYPTO, "OpenEMR file: digest");
	o->digest.whole = true;
	return 1;
}

bool
openemr_open_digests(const struct openemr_open *o, uint8_t sha3_512[64], uint8_t sha1[20])
{
	if (!o->digest.whole)
		return false;
	memcpy(sha3_512, o->digest.sha3_512, sizeof o->digest.sha3_512);
	memcpy(sha1, o->digest.sha1_20, sizeof o->digest.sha1_20);
	return true;
}

int
openemr_open_check(struct openemr_open *o, size_t max, struct err *e)
{
	struct str raw;
	if (o->clear || (o->sound && (o->mac_n > 0 || o->digest.whole)))
		return 1;
	if (o->sound)
		return plain_digest(o, max, e);
	while (o->mac_n > 0 && o->checked < o->raw_n && max > 0) {
		size_t n = (size_t)MIN((uint64_t)MIN(max, (size_t)PIECE), o->raw_n - o->checked);
		if (raw_get(o, o->checked, n, &raw, e) != 0)
			return -1;
		for (size_t i = 0; i < CANDIDATES; i++)
			if (o->candidates[i].mac != NULL &&
			    EVP_MAC_update(o->candidates[i].mac, (const unsigned char *)raw.p, raw.n) != 1)
				return ERR(e, E_CRYPTO, "OpenEMR file: MAC");
		o->checked += n;
		max -= n;
	}
	if (o->mac_n > 0 && o->checked < o->raw_n)
		return 0;
	if (mac_compare(o, e) != 0)
		return -1;
	return o->mac_n > 0 ? 1 : plain_digest(o, max, e);
}

int
openemr_open_read(struct openemr_open *o, uint64_t from, size_t n, struct buf *out, struct err *e)
{
	CHECK(o->clear || o->sound);
	CHECK(from <= o->plain_n && n <= o->plain_n - from);
	while (n > 0) {
		static uint8_t plain[PIECE];
		struct str raw;
		size_t part = MIN(n, (size_t)(PIECE - 2 * BLOCK));
		if (o->clear) {
			if (pread_all(o->fd, (char *)plain, part, from) != 0)
				return ERR(e, E_IO, "file cannot be read");
			buf_put(out, plain, part);
		} else {
			uint64_t first = from / BLOCK, behind = (from + part + BLOCK - 1) / BLOCK;
			if (raw_get(o, o->mac_n + first * BLOCK, (size_t)(behind - first + 1) * BLOCK, &raw, e) != 0)
				return -1;
			if (blocks_open(o->key, raw, plain) != 0)
				return ERR(e, E_CRYPTO, "OpenEMR file cannot be decrypted");
			buf_put(out, plain + (from - first * BLOCK), part);
		}
		from += part;
		n -= part;
	}
	return buf_ok(out) ? 0 : ERR(e, E_LIMIT, "piece too large");
}
