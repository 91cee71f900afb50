/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS contexts. */
#include "gateway/crypto/tls_ctx.h"

#include "gateway/base/clock.h"
#include "gateway/base/secret.h"
#include "gateway/base/uri.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
	CERTS_MAX = 1024,
	NAME_BYTES = 256,
	PATH_BYTES = 1024,
	SECRET = 32,
	TICKET_NAME = 16,
	TICKET_AES = 32,
	TICKET_HMAC = 32
};

struct entry {
	char name[NAME_BYTES];
	size_t n;
	SSL_CTX *ctx;
};
struct ticket_keys {
	int64_t period;
	uint8_t name[TICKET_NAME], aes[TICKET_AES], hmac[TICKET_HMAC];
};
struct tls_set {
	unsigned magic;
#define TLS_SET_MAGIC 0xa27f6d13u
	struct entry entries[CERTS_MAX];
	size_t n;
	SSL_CTX *otherwise;
	uint32_t ticket_period_s;
	const struct clock *clock;
	uint8_t ticket_secret[SECRET];
	struct ticket_keys tickets[2]; /* present and former period, made when first needed */
};

static const char ciphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static int
tls_error(struct err *e, const char *what, struct str which)
{
	unsigned long why = ERR_peek_error(); /* the first is the cause */
	const char *text = ERR_SYSTEM_ERROR(why) ? strerror(ERR_GET_REASON(why)) : ERR_reason_error_string(why);
	ERR_clear_error();
	return ERR(e, E_CRYPTO, "%s %.*s: %s", what, STR_ARG(which), text == NULL ? "refused" : text);
}

/* --- session tickets: stateless, keys from the shared secret and the time ------------------------------------------------------- */

static int
derive(const struct tls_set *s, int64_t period, struct ticket_keys *out)
{
	uint8_t okm[TICKET_NAME + TICKET_AES + TICKET_HMAC];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)s->ticket_secret, SECRET),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, &period, sizeof period),
		OSSL_PARAM_construct_end() };
	int rc = ctx != NULL && EVP_KDF_derive(ctx, okm, sizeof okm, params) == 1 ? 0 : -1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	if (rc == 0) {
		out->period = period;
		memcpy(out->name, okm, TICKET_NAME);
		memcpy(out->aes, okm + TICKET_NAME, TICKET_AES);
		memcpy(out->hmac, okm + TICKET_NAME + TICKET_AES, TICKET_HMAC);
	}
	secret_wipe(okm, sizeof okm);
	return rc;
}

/* The keys of this period (0) or the former one (1). */
static const struct ticket_keys *
ticket_keys(struct tls_set *s, unsigned ago)
{
	int64_t period = clock_real_s(s->clock) / MAX(s->ticket_period_s, 60u) - ago;
	struct ticket_keys *k = &s->tickets[ago];
	if (k->period != period && derive(s, period, k) != 0)
		return NULL;
	return k;
}

static int
ticket_use(const struct ticket_keys *k, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypt)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(
		                    OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->hmac, TICKET_HMAC),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	               EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv, encrypt) == 1
	           ? 0
	           : -1;
}

static int
ticket_cb(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_set *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	if (encrypt) {
		const struct ticket_keys *k = ticket_keys(s, 0);
		if (k == NULL || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		memcpy(name, k->name, TICKET_NAME);
		return ticket_use(k, iv, cipher, mac, true) == 0 ? 1 : -1;
	}
	for (unsigned ago = 0; ago < 2; ago++) {
		const struct ticket_keys *k = ticket_keys(s, ago);
		if (k != NULL && memcmp(name, k->name, TICKET_NAME) == 0)
			return ticket_use(k, iv, cipher, mac, false) != 0 ? -1
			       : ago == 0                                 ? 1
			                                                  : 2; /* 2: a fresh ticket is sent */
	}
	return 0;
}

/* --- SNI -------------------------------------------------------------------------------------------------------------------------- */

static SSL_CTX *
ctx_for(const struct tls_set *s, struct str name)
{
	struct str wild = str_skip(name, str_find(name, '.'));
	for (size_t i = 0; i < s->n; i++) {
		struct str have = { s->entries[i].name, s->entries[i].n };
		if (str_ieq(have, name))
			return s->entries[i].ctx;
	}
	for (size_t i = 0; wild.n > 0 && i < s->n; i++) {
		struct str have = { s->entries[i].name, s->entries[i].n };
		if (str_starts(have, STR("*.")) && str_ieq(str_skip(have, 1), wild))
			return s->entries[i].ctx;
	}
	return s->otherwise;
}

static int
sni_cb(SSL *ssl, int *alert, void *arg)
{
	struct tls_set *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = name == NULL ? s->otherwise : ctx_for(s, str_of(name));
	(void)alert;
	if (ctx != NULL && ctx != SSL_get_SSL_CTX(ssl))
		(void)SSL_set_SSL_CTX(ssl, ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* http/1.1 is what we speak; a client that offers others only is refused (RFC 7301). */
static int
alpn_cb(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char mine[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, mine, sizeof mine - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* --- contexts ------------------------------------------------------------------------------------------------------------------- */

static int
pass_cb(char *to, int size, int writing, void *arg)
{
	const struct str *pass = arg;
	(void)writing;
	if (pass == NULL || pass->n == 0 || pass->n > (size_t)size)
		return -1;
	memcpy(to, pass->p, pass->n);
	return (int)pass->n;
}

static SSL_CTX *
common_new(const SSL_METHOD *method, int min_version)
{
	char groups[] = "X25519:P-256:P-384"; /* the library's macros are not const-correct */
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, min_version) != 1 || SSL_CTX_set_cipher_list(ctx, ciphers12) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, ciphers13) != 1 || SSL_CTX_set1_groups_list(ctx, groups) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	(void)SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

static SSL_CTX *
server_new(struct tls_set *s, const struct tls_cert *cert, int min_version, struct err *e)
{
	char chain[PATH_BYTES], key[PATH_BYTES];
	struct str pass = cert->passphrase;
	SSL_CTX *ctx = common_new(TLS_server_method(), min_version);
	if (ctx == NULL || str_cstr(cert->certificate, chain, sizeof chain) != 0 ||
	    str_cstr(cert->key, key, sizeof key) != 0) {
		SSL_CTX_free(ctx);
		(void)tls_error(e, "TLS context", cert->name);
		return NULL;
	}
	SSL_CTX_set_default_passwd_cb(ctx, pass_cb);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &pass);
	int rc = 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1)
		rc = tls_error(e, "certificate", cert->certificate);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		rc = tls_error(e, "key", cert->key);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (rc != 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
	                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"gatehouse", 9);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_timeout(ctx, (long)s->ticket_period_s);
	(void)SSL_CTX_set_app_data(ctx, s);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_cb);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, sni_cb);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, s);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_cb, NULL);
	return ctx;
}

struct tls_set *
tls_set_new(const struct tls_set_conf *conf, struct err *e)
{
	struct tls_set *s = calloc(1, sizeof *s);
	int min_version = str_eq(conf->min_version, STR("1.3")) ? TLS1_3_VERSION : TLS1_2_VERSION;
	if (s == NULL) {
		(void)ERR(e, E_MEMORY, "TLS");
		return NULL;
	}
	s->magic = TLS_SET_MAGIC;
	s->ticket_period_s = conf->ticket_period_s == 0 ? 3600 : conf->ticket_period_s;
	s->clock = conf->clock == NULL ? &clock_system : conf->clock;
	memcpy(s->ticket_secret, conf->ticket_secret, SECRET);
	for (size_t i = 0; i < conf->n_certs && s->n < CERTS_MAX; i++) {
		struct entry *en = &s->entries[s->n];
		if (str_cstr(conf->certs[i].name, en->name, sizeof en->name) != 0)
			(void)ERR(e, E_CONFIG, "SNI name too long");
		else
			en->ctx = server_new(s, &conf->certs[i], min_version, e);
		if (en->ctx == NULL) {
			tls_set_free(&s);
			return NULL;
		}
		en->n = conf->certs[i].name.n;
		s->n++;
		if (en->n == 0 || s->otherwise == NULL)
			s->otherwise = en->ctx;
	}
	if (s->n == 0) {
		(void)ERR(e, E_CONFIG, "no certificate");
		tls_set_free(&s);
	}
	return s;
}

int
tls_set_current(const struct tls_set *s, int64_t now_s, struct err *e)
{
	time_t now = (time_t)now_s;
	for (size_t i = 0; i < s->n; i++) {
		const X509 *cert = SSL_CTX_get0_certificate(s->entries[i].ctx);
		const ASN1_TIME *from = X509_get0_notBefore(cert), *until = X509_get0_notAfter(cert);
		bool early = X509_cmp_time(from, &now) > 0;
		struct tm tm = { 0 };
		if (!early && X509_cmp_time(until, &now) >= 0)
			continue;
		(void)ASN1_TIME_to_tm(early ? from : until, &tm);
		return ERR(e, E_CRYPTO, "the certificate for %s is valid %s %04d-%02d-%02d",
		    s->entries[i].n == 0 ? "names without one of their own" : s->entries[i].name,
		    early ? "from" : "until", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	}
	return 0;
}

void
tls_set_free(struct tls_set **sp)
{
	struct tls_set *s = *sp;
	*sp = NULL;
	if (s == NULL)
		return;
	CHECK_OBJ(s, TLS_SET_MAGIC);
	for (size_t i = 0; i < s->n; i++)
		SSL_CTX_free(s->entries[i].ctx);
	secret_wipe(s, sizeof *s);
	free(s);
}

SSL *
tls_set_ssl_new(struct tls_set *s)
{
	SSL *ssl = SSL_new(s->otherwise);
	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

SSL_CTX *
tls_client_ctx_new(struct str ca, struct err *e)
{
	char path[PATH_BYTES];
	SSL_CTX *ctx = common_new(TLS_client_method(), TLS1_2_VERSION);
	int ok = ctx == NULL                            ? 0
	         : ca.n == 0                            ? SSL_CTX_set_default_verify_paths(ctx)
	         : str_cstr(ca, path, sizeof path) == 0 ? SSL_CTX_load_verify_locations(ctx, path, NULL)
	                                                : 0;
	if (ok != 1) {
		SSL_CTX_free(ctx);
		(void)tls_error(e, "CA file", ca);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

SSL *
tls_client_ssl_new(SSL_CTX *ctx, const char *host)
{
	unsigned char addr[16];
	char name[256];
	/* a copy: SSL_set_tlsext_host_name is not const-correct */
	SSL *ssl = str_cstr(str_of(host), name, sizeof name) == 0 ? SSL_new(ctx) : NULL;
	bool literal = inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
	if (ssl == NULL)
		return NULL;
	int ok = literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
	                 : SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
	if (ok != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}
