/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates: civil date to epoch and back, SQL and ISO 8601 / FHIR forms. Proleptic Gregorian, UTC. Pure; no time zone database. */
#ifndef GATEWAY_BASE_DATE_H
#define GATEWAY_BASE_DATE_H

#include "gateway/base/buf.h"

enum date_precision { DATE_YEAR, DATE_MONTH, DATE_DAY, DATE_MINUTE, DATE_SECOND, DATE_FRACTION };

struct date {
	int year;                 /* 0..9999 */
	int month, day;           /* 1..12, 1..31 (0 in a SQL zero date) */
	int hour, minute, second; /* second up to 59 */
	int micro;                /* 0..999999 */
	int offset_min;           /* minutes east of UTC */
	bool has_offset;
	enum date_precision precision;
};

/* Days since 1970-01-01 of a valid civil date, and back. */
int64_t date_days(int year, int month, int day);
void date_from_days(int64_t days, struct date *out);
bool date_valid(int year, int month, int day);
/* Microseconds since the epoch; without offset it is read as UTC. Lower bound of its precision. */
int64_t date_epoch_us(const struct date *d);
void date_from_epoch_us(int64_t us, struct date *out); /* UTC, has_offset, DATE_FRACTION */

/* FHIR date/dateTime/instant: YYYY[-MM[-DD[Thh:mm[:ss[.f+]][Z|(+|-)hh:mm]]]]; the whole string; impossible dates refused. */
int date_parse_iso(struct str s, struct date *out) MUSTUSE;
/* SQL "YYYY-MM-DD[ HH:MM:SS[.f+]]", zero dates accepted with month or day 0. */
int date_parse_sql(struct str s, struct date *out) MUSTUSE;
bool date_is_zero(const struct date *d); /* 0000-00-00 or month/day 0 */

void date_put_iso(struct buf *b, const struct date *d); /* as far as its precision; Z or offset from DATE_MINUTE on */
void date_put_sql(struct buf *b, const struct date *d); /* YYYY-MM-DD HH:MM:SS                                   */
void date_put_http(struct buf *b, int64_t epoch_s);     /* IMF-fixdate, RFC 9110 5.6.7                           */

#endif
