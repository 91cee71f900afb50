/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit record of a change of a site's signing keys: by whichever way the files changed, the first worker that starts with another
 * set of published keys than Redis remembers says so; a Redis that remembers none is told them silently. Not for the keys themselves
 * (gateway/crypto/keyd.h).                                                                                                  */
#ifndef GATEWAY_PROCESS_KEYS_TOLD_H
#define GATEWAY_PROCESS_KEYS_TOLD_H

#include "gateway/core/site.h"

/* Starts it in the background and returns. Nothing is told when Redis is down (the next start does) or memory is short.     */
void keys_told(struct site *site);

#endif
