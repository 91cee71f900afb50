/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The request's way through a worker: a table of named steps (pipeline.c), one file per step. It answers every exchange of the public
 * listener and writes its audit record before the answer leaves. Not for bytes (gateway/net) or answers (backends).        */
#ifndef GATEWAY_PIPELINE_PIPELINE_H
#define GATEWAY_PIPELINE_PIPELINE_H

#include "gateway/core/site.h"
#include "gateway/net/exchange.h"

/* w and its sites outlive the listener that uses the handler. */
struct exchange_handler pipeline_handler(struct worker *w);

/* Caches of one site that the steps use (tokens, acl, live, origins, revoked). Called by gateway/process when it builds the site. -1:
 * out of memory.                                                                                                           */
int pipeline_site_caches(struct site *site, size_t token_items) MUSTUSE;
void pipeline_site_caches_free(struct site *site);

#endif
