/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy backend: an existing OpenEMR (PHP), or anything that speaks HTTP/1.1, answers. Streams both ways with backpressure; bodies never
 * gather in memory. docs/configure.md, "upstream".                                                                         */
#ifndef BACKENDS_PROXY_PROXY_H
#define BACKENDS_PROXY_PROXY_H

#include "gateway/core/backend.h"

extern const struct backend_ops backend_proxy;

#endif
