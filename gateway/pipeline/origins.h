/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Origins of the redirect URIs of a site's enabled clients, as a worker knows them. Read page by page in the background, by one task at a
 * time, and again when somebody asks and the list is old enough: after policy.live_check, or twenty times what the last reading
 * took, so that a site with many clients costs its database a twentieth of a connection at most, whoever asks.           */
#ifndef GATEWAY_PIPELINE_ORIGINS_H
#define GATEWAY_PIPELINE_ORIGINS_H

#include "gateway/base/map.h"
#include "gateway/core/site.h"
#include "gateway/loop/step.h"

struct origins;
struct origins *origins_new(const struct site *site);
void origins_free(struct origins **o);
/* Before origins_has(): waits for a reading that is under way when the list does not say yes, or is much too old to. Never STEP_FAIL: a list
 * that cannot be had allows nobody.                                                                                        */
enum step origins_want(struct task *t, struct origins *o, struct str origin);
bool origins_has(const struct origins *o, struct str origin);
/* A whole new list: its keys. Takes *list. good_until_us: it is read again when somebody asks after that. */
void origins_set(struct origins *o, struct map **list, int64_t good_until_us);

#endif
