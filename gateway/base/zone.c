/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The turns of a zone are found by asking libc once for each week and halving the weeks in which the offset changes. */
#include "gateway/base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_S INT64_C(-2208988800) /* 1900-01-01 */
#define LAST_S  INT64_C(2524608000)  /* 2050-01-01 */
enum { WEEK_S = 7 * 86400 };

static int32_t
libc_offset_s(int64_t utc_s)
{
	time_t at = (time_t)utc_s;
	struct tm tm;
	return localtime_r(&at, &tm) == NULL ? 0 : (int32_t)tm.tm_gmtoff;
}

static void
turn_add(struct zone *z, int64_t from_s, int32_t offset_s)
{
	if (z->n_turns < ZONE_TURNS_MAX)
		z->turns[z->n_turns++] = (struct zone_turn){ from_s, offset_s };
}

/* The turns of a week; one that changes twice within it is not known. */
static void
week_walk(struct zone *z, int64_t from_s, int32_t before_s)
{
	int64_t low = from_s, high = from_s + WEEK_S;
	int32_t after_s = libc_offset_s(high);
	if (after_s == before_s)
		return;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (libc_offset_s(middle) == before_s)
			low = middle;
		else
			high = middle;
	}
	turn_add(z, high, after_s);
}

/* "+hh:mm" */
static bool
fixed_offset(struct str s, int32_t *offset_s)
{
	uint64_t hours, minutes;
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
	    str_to_u64(str_sub(s, 1, 3), 14, &hours) != 0 || str_to_u64(str_sub(s, 4, 6), 59, &minutes) != 0)
		return false;
	*offset_s = (int32_t)(hours * 3600 + minutes * 60) * (s.p[0] == '-' ? -1 : 1);
	return true;
}

/* Only names of the database's own form: TZ may also be a path or a rule. */
static bool
name_known(struct str s)
{
	char path[ZONE_NAME_BYTES + sizeof "/usr/share/zoneinfo/"];
	struct stat st;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+')))
			return false;
	}
	(void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(s));
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0;
}

int
zone_load(struct zone *z, struct str name)
{
	int32_t offset_s;
	char *before = getenv("TZ");
	*z = (struct zone){ .n_turns = 0 };
	if (name.n == 0)
		return 0;
	if (name.n >= ZONE_NAME_BYTES)
		return -1;
	if (fixed_offset(name, &offset_s)) {
		turn_add(z, FIRST_S, offset_s);
	} else if (name_known(name)) {
		(void)snprintf(z->name, sizeof z->name, "%.*s", STR_ARG(name));
		if ((before != NULL && (before = strdup(before)) == NULL) || setenv("TZ", z->name, 1) != 0) {
			free(before);
			return -1;
		}
		tzset();
		turn_add(z, FIRST_S, libc_offset_s(FIRST_S));
		for (int64_t at = FIRST_S; at < LAST_S; at += WEEK_S)
			week_walk(z, at, z->turns[z->n_turns - 1].offset_s);
		if (before != NULL)
			(void)setenv("TZ", before, 1);
		else
			(void)unsetenv("TZ");
		tzset();
		free(before);
	} else {
		return -1;
	}
	(void)snprintf(z->name, sizeof z->name, "%.*s", STR_ARG(name));
	return 0;
}

int32_t
zone_offset_s(const struct zone *z, int64_t utc_s)
{
	unsigned low = 0, high = z->n_turns; /* the last turn at or before utc_s is in [low, high) */
	if (z->n_turns == 0)
		return 0;
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;
		if (z->turns[middle].from_s <= utc_s)
			low = middle;
		else
			high = middle;
	}
	return z->turns[low].offset_s;
}

int32_t
zone_offset_local_s(const struct zone *z, int64_t local_s)
{
	int32_t before = zone_offset_s(z, local_s - 86400), after = zone_offset_s(z, local_s + 86400);
	if (before == after || zone_offset_s(z, local_s - before) == before)
		return before; /* before the turn, or in the hour that comes twice */
	return zone_offset_s(z, local_s - after) == after ? after : before;
}
