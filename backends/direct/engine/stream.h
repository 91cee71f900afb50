/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list without a limit that does not fit one page: the first page is in the reply, the rest is fetched and sent page by page while
 * the client reads, in constant memory. Not for answers of known size.                                                    */
#ifndef BACKENDS_DIRECT_ENGINE_STREAM_H
#define BACKENDS_DIRECT_ENGINE_STREAM_H

#include "backends/direct/engine/call.h"

/* Makes the reply go on behind the page that c->r->reply.body has up to its last element (the dialect left array and
 * envelope open; c->stream_tail closes them). -1: out of memory.                                                            */
int stream_continue(struct call *c) MUSTUSE;

#endif
