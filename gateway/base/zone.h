/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A time zone in memory: when its offset from UTC changes, between 1900 and 2050. Taken once from the machine's zone database through
 * libc, so that several zones serve in one process. Not for the present time (clock.h) or for dates as text (date.h).        */
#ifndef GATEWAY_BASE_ZONE_H
#define GATEWAY_BASE_ZONE_H

#include "gateway/base/str.h"

enum { ZONE_NAME_BYTES = 64, ZONE_TURNS_MAX = 512 };
struct zone {
	char name[ZONE_NAME_BYTES];
	unsigned n_turns; /* 0: UTC */
	struct zone_turn {
		int64_t from_s;   /* UTC, epoch seconds */
		int32_t offset_s; /* east of UTC from then on; the first holds before it too */
	} turns[ZONE_TURNS_MAX];
};

/* Fills z: an IANA name ("America/New_York"), an offset ("-05:00"), or "" for UTC. -1: no such zone on this machine; z is UTC then. Reads a
 * small file and takes some 2 ms: when a connection is opened, not per request. Changes the process's TZ for its duration: not
 * beside threads that use local time.                                                                                      */
int zone_load(struct zone *z, struct str name) MUSTUSE;
/* Seconds east of UTC at a moment, and at a local time (twice in a year one is ambiguous: the earlier moment; one does not exist: as
 * before the change), epoch seconds. Pure.                                                                                 */
int32_t zone_offset_s(const struct zone *z, int64_t utc_s);
int32_t zone_offset_local_s(const struct zone *z, int64_t local_s);

#endif
