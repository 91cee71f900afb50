/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECDSA signature forms. */
#include "gateway/crypto/ec_sig.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

int
ec_sig_to_raw(struct str der, unsigned char *raw, size_t size)
{
	const unsigned char *p = (const unsigned char *)der.p;
	const BIGNUM *r, *s;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	int rc = -1;
	if (sig == NULL)
		return -1;
	ECDSA_SIG_get0(sig, &r, &s);
	if (BN_bn2binpad(r, raw, (int)size) == (int)size && BN_bn2binpad(s, raw + size, (int)size) == (int)size)
		rc = 0;
	ECDSA_SIG_free(sig);
	return rc;
}

int
ec_sig_to_der(struct str raw, size_t size, unsigned char der[160], size_t *n)
{
	const unsigned char *p = (const unsigned char *)raw.p;
	unsigned char *to = der;
	int rc = -1, len;
	if (raw.n != 2 * size)
		return -1;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(p, (int)size, NULL), *s = BN_bin2bn(p + size, (int)size, NULL);
	if (sig != NULL && r != NULL && s != NULL && !BN_is_zero(r) && !BN_is_zero(s) &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(sig, NULL);
		if (len > 0 && len <= 160 && i2d_ECDSA_SIG(sig, &to) == len) {
			*n = (size_t)len;
			rc = 0;
		}
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return rc;
}
