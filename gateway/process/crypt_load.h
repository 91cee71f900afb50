/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's drive keys of a site, for client secrets: files decrypted with keys from the database. Tried at start and, while the database
 * does not answer, again every few seconds; until then site->crypt is NULL and encrypted secrets cannot be checked.        */
#ifndef GATEWAY_PROCESS_CRYPT_LOAD_H
#define GATEWAY_PROCESS_CRYPT_LOAD_H

#include "gateway/core/site.h"

/* No effect for a site without openemr_sites_dir. a: as long as the site. */
int crypt_load(struct site *site, struct arena *a, struct err *e) MUSTUSE;

#endif
