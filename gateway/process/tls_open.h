/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The certificates that the configuration names, as a worker serves them and gatehouse check reads them. */
#ifndef GATEWAY_PROCESS_TLS_OPEN_H
#define GATEWAY_PROCESS_TLS_OPEN_H

#include "gateway/config/conf.h"
#include "gateway/crypto/tls_ctx.h"

/* ticket_secret: 32 bytes, copied. Reads the files. NULL with e: which file, and why. */
struct tls_set *tls_open(const struct conf *c, const uint8_t *ticket_secret, struct err *e);

#endif
