/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the configuration to a set of certificates. */
#include "gateway/process/tls_open.h"

#include <stdlib.h>

struct tls_set *
tls_open(const struct conf *c, const uint8_t *ticket_secret, struct err *e)
{
	struct tls_cert *certs = calloc(MAX(c->n_certs, 1), sizeof *certs);
	struct tls_set_conf conf = { .certs = certs,
		.n_certs = c->n_certs,
		.min_version = c->tls.min_version,
		.ticket_period_s = c->tls.ticket_period_s,
		.ticket_secret = ticket_secret };
	for (size_t i = 0; certs != NULL && i < c->n_certs; i++)
		certs[i] = (struct tls_cert){ .name = c->certs[i].name,
			.certificate = c->certs[i].certificate,
			.key = c->certs[i].key,
			.passphrase = c->certs[i].passphrase };
	struct tls_set *set = certs == NULL ? NULL : tls_set_new(&conf, e);
	free(certs);
	return set;
}
