/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libldap behind one call. */
#include "gateway/crypto/ldap_bind.h"

#include "gateway/base/buf.h"
#include "gateway/base/secret.h"

#include <errno.h>
#include <ldap.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { HOST_MAX = 512, DN_MAX = 2048, PATH_BYTES = 1024, PASSWORD_MAX = 1024, ANSWER_S = 3 };

int
ldap_dn_put(struct buf *out, struct str pattern, struct str login)
{
	static const struct str hole = STR_INIT("{login}");
	for (;;) {
		size_t at = str_find_str(pattern, hole);
		buf_str_put(out, str_sub(pattern, 0, at));
		if (at >= pattern.n)
			return buf_ok(out) ? 0 : -1;
		for (size_t i = 0; i < login.n; i++) {
			unsigned char c = (unsigned char)login.p[i];
			bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			             c == '_' || c == '-' || c == '.' || c == '@';
			if (plain)
				buf_char(out, (char)c);
			else
				buf_printf(out, "\\%02x", c);
		}
		pattern = str_skip(pattern, at + hole.n);
	}
}

static int
tls_set(LDAP *ld, const char *ca)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
	return ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca) == LDAP_OPT_SUCCESS &&
	               ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
	               ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS
	           ? 0
	           : -1;
}

/* Does OpenEMR's CA stand there? One that cannot be read counts: it asks for TLS, and a password never goes out in clear for want of it. */
static bool
tls_asked(const char *ca)
{
	struct stat st;
	return ca[0] != 0 && (lstat(ca, &st) == 0 || (errno != ENOENT && errno != ENOTDIR));
}

static LDAP *
directory_open(struct str host, struct str ca)
{
	char uri[HOST_MAX + 8], name[HOST_MAX], path[PATH_BYTES];
	struct timeval wait = { ANSWER_S, 0 };
	int version = LDAP_VERSION3;
	LDAP *ld = NULL;
	bool scheme = str_istarts(host, STR("ldap://")) || str_istarts(host, STR("ldaps://"));
	if (str_cstr(host, name, sizeof name) != 0 || str_cstr(ca, path, sizeof path) != 0)
		return NULL;
	(void)snprintf(uri, sizeof uri, "%s%s", scheme ? "" : "ldap://", name);
	if (ldap_initialize(&ld, uri) != LDAP_SUCCESS)
		return NULL;
	bool ok = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
	          ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &wait) == LDAP_OPT_SUCCESS &&
	          ldap_set_option(ld, LDAP_OPT_TIMEOUT, &wait) == LDAP_OPT_SUCCESS &&
	          ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS;
	if (ok && tls_asked(path)) {
		ok = tls_set(ld, path) == 0;
		if (ok && !str_istarts(host, STR("ldaps://")))
			ok = ldap_start_tls_s(ld, NULL, NULL) == LDAP_SUCCESS;
	}
	if (ok)
		return ld;
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
	return NULL;
}

enum hash_verdict
ldap_bind_check(struct str host, struct str dn, struct str ca, struct str password)
{
	char name[DN_MAX], secret[PASSWORD_MAX];
	if (password.n == 0 || dn.n == 0 || str_cstr(dn, name, sizeof name) != 0 ||
	    str_cstr(password, secret, sizeof secret) != 0)
		return HASH_MISMATCH;
	struct berval cred = { .bv_len = password.n, .bv_val = secret };
	LDAP *ld = directory_open(host, ca);
	int rc =
	    ld == NULL ? LDAP_CONNECT_ERROR : ldap_sasl_bind_s(ld, name, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	if (ld != NULL)
		(void)ldap_unbind_ext_s(ld, NULL, NULL);
	secret_wipe(secret, sizeof secret);
	switch (rc) {
	case LDAP_SUCCESS:
		return HASH_MATCH;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_UNWILLING_TO_PERFORM:
		return HASH_MISMATCH;
	default:
		return HASH_DOWN;
	}
}
