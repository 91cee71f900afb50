/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates. Day arithmetic counts from March, so that the leap day is last (era of 400 years). */
#include "gateway/base/date.h"

int64_t
date_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
date_from_days(int64_t days, struct date *out)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*out = (struct date){ .day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.month = (int)(mp < 10 ? mp + 3 : mp - 9),
		.precision = DATE_DAY };
	out->year = (int)(yoe + era * 400 + (out->month <= 2));
}

bool
date_valid(int year, int month, int day)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= lengths[month - 1] + (month == 2 && leap);
}

int64_t
date_epoch_us(const struct date *d)
{
	int64_t days = date_days(d->year, MAX(d->month, 1), MAX(d->day, 1));
	int64_t s = days * 86400 + d->hour * 3600 + (d->minute - d->offset_min) * 60 + d->second;
	return s * 1000000 + d->micro;
}

void
date_from_epoch_us(int64_t us, struct date *out)
{
	int64_t days = us / 86400000000, rest = us % 86400000000;
	if (rest < 0) {
		rest += 86400000000;
		days--;
	}
	date_from_days(days, out);
	int64_t s = rest / 1000000;
	out->micro = (int)(rest % 1000000);
	out->hour = (int)(s / 3600);
	out->minute = (int)(s / 60 % 60);
	out->second = (int)(s % 60);
	out->has_offset = true;
	out->precision = DATE_FRACTION;
}

/* Exactly n digits at *s; moves on. */
static int
digits(struct str *s, size_t n, int *out)
{
	uint64_t v;
	if (s->n < n || str_to_u64(str_sub(*s, 0, n), 9999, &v) != 0)
		return -1;
	*out = (int)v;
	*s = str_skip(*s, n);
	return 0;
}

static bool
take(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* .f+ : microseconds, further digits are cut. */
static int
fraction(struct str *s, int *micro)
{
	int scale = 100000;
	size_t n = 0;
	*micro = 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
		*micro += (s->p[n] - '0') * scale;
		scale /= 10;
		n++;
	}
	*s = str_skip(*s, n);
	return n > 0 && n <= 12 ? 0 : -1;
}

static int
offset(struct str *s, struct date *d)
{
	int h, m, sign;
	if (take(s, 'Z')) {
		d->has_offset = true;
		return 0;
	}
	sign = take(s, '+') ? 1 : take(s, '-') ? -1 : 0;
	if (sign == 0)
		return 0;
	if (digits(s, 2, &h) != 0 || !take(s, ':') || digits(s, 2, &m) != 0 || h > 14 || m > 59)
		return -1;
	d->has_offset = true;
	d->offset_min = sign * (h * 60 + m);
	return 0;
}

/* hh:mm[:ss[.f+]] */
static int
clock_part(struct str *s, struct date *d)
{
	if (digits(s, 2, &d->hour) != 0 || !take(s, ':') || digits(s, 2, &d->minute) != 0 || d->hour > 23 ||
	    d->minute > 59)
		return -1;
	d->precision = DATE_MINUTE;
	if (!take(s, ':'))
		return 0;
	if (digits(s, 2, &d->second) != 0 || d->second > 59)
		return -1;
	d->precision = DATE_SECOND;
	if (!take(s, '.'))
		return 0;
	d->precision = DATE_FRACTION;
	return fraction(s, &d->micro);
}

int
date_parse_iso(struct str s, struct date *out)
{
	*out = (struct date){ .month = 1, .day = 1, .precision = DATE_YEAR };
	if (digits(&s, 4, &out->year) != 0 || out->year == 0)
		return -1;
	if (s.n == 0)
		return 0;
	if (!take(&s, '-') || digits(&s, 2, &out->month) != 0 || out->month < 1 || out->month > 12)
		return -1;
	out->precision = DATE_MONTH;
	if (s.n == 0)
		return 0;
	if (!take(&s, '-') || digits(&s, 2, &out->day) != 0 || !date_valid(out->year, out->month, out->day))
		return -1;
	out->precision = DATE_DAY;
	if (s.n == 0)
		return 0;
	if (!take(&s, 'T') || clock_part(&s, out) != 0 || offset(&s, out) != 0)
		return -1;
	return s.n == 0 ? 0 : -1;
}

int
date_parse_sql(struct str s, struct date *out)
{
	*out = (struct date){ .precision = DATE_DAY };
	if (digits(&s, 4, &out->year) != 0 || !take(&s, '-') || digits(&s, 2, &out->month) != 0 || !take(&s, '-') ||
	    digits(&s, 2, &out->day) != 0)
		return -1;
	if (!date_is_zero(out) && !date_valid(out->year, out->month, out->day))
		return -1;
	if (s.n == 0)
		return 0;
	if (!take(&s, ' ') || clock_part(&s, out) != 0 || out->precision < DATE_SECOND)
		return -1;
	return s.n == 0 ? 0 : -1;
}

bool
date_is_zero(const struct date *d)
{
	return d->month == 0 || d->day == 0;
}

/* One separator (0: none) and v in exactly n digits. */
static void
part_put(struct buf *b, char before, int v, size_t n)
{
	char text[8];
	CHECK(n < sizeof text);
	for (size_t i = n; i > 0; i--, v /= 10)
		text[i] = (char)('0' + v % 10);
	text[0] = before;
	if (before != 0)
		buf_put(b, text, n + 1);
	else
		buf_put(b, text + 1, n);
}

static void
day_put(struct buf *b, const struct date *d)
{
	part_put(b, 0, d->year, 4);
	if (d->precision >= DATE_MONTH)
		part_put(b, '-', d->month, 2);
	if (d->precision >= DATE_DAY)
		part_put(b, '-', d->day, 2);
}

static void
time_put(struct buf *b, char before, const struct date *d)
{
	part_put(b, before, d->hour, 2);
	part_put(b, ':', d->minute, 2);
	if (d->precision >= DATE_SECOND)
		part_put(b, ':', d->second, 2);
}

void
date_put_iso(struct buf *b, const struct date *d)
{
	day_put(b, d);
	if (d->precision < DATE_MINUTE)
		return;
	time_put(b, 'T', d);
	if (d->precision >= DATE_FRACTION)
		part_put(b, '.', d->micro, 6);
	if (!d->has_offset)
		return;
	if (d->offset_min == 0) {
		buf_char(b, 'Z');
		return;
	}
	int m = d->offset_min < 0 ? -d->offset_min : d->offset_min;
	part_put(b, d->offset_min < 0 ? '-' : '+', m / 60, 2);
	part_put(b, ':', m % 60, 2);
}

void
date_put_sql(struct buf *b, const struct date *d)
{
	struct date whole = *d;
	whole.precision = DATE_SECOND; /* a column of type DATETIME wants all of it */
	day_put(b, &whole);
	time_put(b, ' ', &whole);
}

void
date_put_http(struct buf *b, int64_t epoch_s)
{
	static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
		"Dec" };
	struct date d;
	int64_t day = epoch_s / 86400 - (epoch_s % 86400 < 0);
	date_from_epoch_us(epoch_s * 1000000, &d);
	buf_printf(b, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[((day % 7) + 7) % 7], d.day, months[d.month - 1],
	    d.year, d.hour, d.minute, d.second);
}
