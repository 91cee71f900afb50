/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time zone of a pool's sessions. OpenEMR sets its sessions to its own zone, so that NOW() and every DATETIME column are local time; so do
 * we, or a clinic's records would bear two times. As OpenEMR, by offset: a server need not know zones by name. When the offset
 * changes (summer time, another setting), connections with the old one are closed as they become idle.                      */
#include "gateway/store/db_private.h"

#include "gateway/base/clock.h"

#include <mysqld_error.h>
#include <stdio.h>

enum { LOOK_AGAIN_S = 20 };

const char db_zone_sql[] = "SELECT gl_value FROM globals WHERE gl_name = 'gbl_time_zone' AND gl_index = 0";

static int32_t
offset_now_s(const struct db_pool *p)
{
	return zone_offset_s(&p->zone, clock_real_s(&clock_system)) / 60 * 60;
}

static void
zone_take(struct db_pool *p, struct str name)
{
	if (zone_load(&p->zone, name) != 0)
		LOG(p->log, LOG_WARN, "db.time_zone", F_STR("unknown", name), F_STR("used", STR("UTC")));
	(void)snprintf(
	    p->zone_asked, sizeof p->zone_asked, "%.*s", STR_ARG(str_sub(name, 0, sizeof p->zone_asked - 1)));
	p->zone_us = 0;
	zone_follow(p);
}

void
db_pool_zone_set(struct db_pool *p, struct str name)
{
	p->zone_openemr = name.n == 0;
	if (name.n > 0)
		zone_take(p, name);
}

const struct zone *
db_pool_zone(const struct db_pool *p)
{
	return &p->zone;
}

/* An idle one gets no more work. */
static void
conn_retire(struct db_conn *c)
{
	list_del(&c->link);
	db_conn_fail_later(c);
}

void
zone_follow(struct db_pool *p)
{
	int64_t now_us = loop_now_us(p->loop);
	if (p->zone_us != 0 && now_us - p->zone_us < (int64_t)LOOK_AGAIN_S * 1000000)
		return;
	p->zone_us = now_us;
	int32_t offset_s = offset_now_s(p);
	if (offset_s == p->offset_s)
		return;
	p->offset_s = offset_s;
	for (unsigned i = 0; i < p->n_conns; i++) /* others as they become idle */
		if (p->conns[i].phase == PH_IDLE && p->conns[i].job == NULL && p->conns[i].tx == NULL)
			conn_retire(&p->conns[i]);
}

void
db_pool_zone_told(struct db_pool *p, struct str name)
{
	name = str_sub(name, 0, sizeof p->zone_asked - 1);
	if (p->zone_openemr && !str_eq(name, str_of(p->zone_asked)))
		zone_take(p, name);
}

void
zone_read(struct db_conn *c, MYSQL_RES *rows)
{
	MYSQL_ROW row = rows == NULL ? NULL : mysql_fetch_row(rows);
	db_pool_zone_told(c->pool, row == NULL || row[0] == NULL ? STR("") : str_of(row[0]));
	mysql_free_result(rows);
}

bool
zone_refused(unsigned server_errno)
{
	return server_errno == ER_NO_SUCH_TABLE || server_errno == ER_TABLEACCESS_DENIED_ERROR ||
	       server_errno == ER_COLUMNACCESS_DENIED_ERROR;
}

void
setup_text(struct db_conn *c)
{
	const struct db_pool *p = c->pool;
	unsigned ms = MAX(p->conf->deadline_ms, 1u);
	int minutes = MIN(p->offset_s / 60, 13 * 60),
	    east = minutes < 0 ? -minutes : minutes; /* a server's most is +13:00 */
	c->offset_s = p->offset_s;
	(void)snprintf(c->setup, sizeof c->setup,
	    "SET time_zone='%c%02d:%02d', sql_mode='', autocommit=1, innodb_lock_wait_timeout=%u, "
	    "max_statement_time=%u.%03u",
	    minutes < 0 ? '-' : '+', east / 60, east % 60, MAX(ms / 1000, 1u), ms / 1000, ms % 1000);
}
