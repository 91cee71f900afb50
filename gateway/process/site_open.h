/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a worker's sites from the configuration: stores, keys, policy, backends, caches; and binds each route of the scope files to the
 * backend that answers it. Blocking work (reading scope files and keys) happens here, before the loop runs.               */
#ifndef GATEWAY_PROCESS_SITE_OPEN_H
#define GATEWAY_PROCESS_SITE_OPEN_H

#include "gateway/core/site.h"

/* All sites of w->conf into w->sites. keyd_fd: for the public keys. -1 with e: the worker cannot start. */
int sites_open(struct worker *w, int keyd_fd, struct err *e) MUSTUSE;

#endif
