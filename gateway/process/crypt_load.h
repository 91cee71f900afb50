/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's keys of a site: those of the database, for files of documents, and with them those on the drive, for client secrets. Tried at start and, while the database
 * does not answer, again every few seconds; until then site->crypt is NULL and encrypted secrets cannot be checked.        */
#ifndef GATEWAY_PROCESS_CRYPT_LOAD_H
#define GATEWAY_PROCESS_CRYPT_LOAD_H

#include "gateway/core/site.h"

/* No effect for a site without openemr_sites_dir and documents.dir. a: as long as the site. */
int crypt_load(struct site *site, struct arena *a, struct err *e) MUSTUSE;

#endif
