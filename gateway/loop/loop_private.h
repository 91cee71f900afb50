/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop from inside. Private to gateway/loop. */
#ifndef GATEWAY_LOOP_LOOP_PRIVATE_H
#define GATEWAY_LOOP_LOOP_PRIVATE_H

#include "gateway/loop/loop.h"

struct event_base;
struct event_base *loop_event_base(struct loop *l);

#endif
