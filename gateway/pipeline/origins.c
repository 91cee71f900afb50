/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list and its reading. */
#include "gateway/pipeline/origins.h"

#include "gateway/base/uri.h"
#include "gateway/config/conf.h"
#include "gateway/loop/waiters.h"

#include <stdlib.h>

enum {
	PAGE_ROWS = 200,       /* of the statement */
	PAGE_ARENA = 64 << 20, /* so many rows of the longest redirect_uri, 64 KiB, and their origins */
	KEY_MAX = 512,
	ORIGINS_MAX = 1 << 18,
	SHARE = 20, /* of the time one reading at most is under way */
	WAIT_MS = 2000,
	STALE_US = 5000000
};

struct origins {
	const struct site *site;
	struct map *list;      /* NULL: never read */
	int64_t good_until_us; /* then it is read again */
	struct waiters waiters;
	/* the reading; page NULL: none */
	struct arena *page;
	struct task task;
	struct db_result *db;
	struct map *fresh;
	int64_t began_us;
	bool full; /* ORIGINS_MAX */
	size_t after_n;
	char after[KEY_MAX]; /* the last page's last client */
};

/* Paged by the primary key, the rows of disabled clients too: so that a page costs the same whoever is in it. */
static const struct db_stmt page_sql = { "cors_origins",
	"SELECT client_id, is_enabled, redirect_uri FROM oauth_clients WHERE client_id > ? ORDER BY client_id LIMIT "
	"200",
	false };

static enum step
page_ask(struct task *t)
{
	struct origins *o = CONTAINER_OF(t, struct origins, task);
	const struct db_val after = DB_V_STR(((struct str){ o->after, o->after_n }));
	return db_query(t, o->site->db, &page_sql, &after, 1, &o->db);
}

static enum step
row_take(struct origins *o, size_t row)
{
	struct str list = db_cell(o->db, row, 2)->s, uri;
	if (db_cell(o->db, row, 1)->i != 1)
		return STEP_NEXT;
	while (str_next(&list, '|', &uri)) {
		struct str origin = uri_origin(o->page, uri);
		o->full |= map_count(o->fresh) == ORIGINS_MAX;
		if (origin.p != NULL && !o->full && map_put(o->fresh, origin, o, NULL) != 0)
			return STEP_FAIL;
	}
	return STEP_NEXT;
}

static enum step
page_take(struct task *t)
{
	struct origins *o = CONTAINER_OF(t, struct origins, task);
	if (o->db->status != DB_OK)
		return STEP_FAIL;
	for (size_t row = 0; row < o->db->n_rows; row++)
		if (row_take(o, row) != STEP_NEXT)
			return STEP_FAIL;
	if (o->db->n_rows == 0)
		return STEP_NEXT;
	struct str last = db_cell(o->db, o->db->n_rows - 1, 0)->s;
	if (last.n > sizeof o->after)
		return STEP_FAIL;
	memcpy(o->after, last.p, last.n);
	o->after_n = last.n;
	return STEP_NEXT;
}
static STEP_TABLE(page_steps, 2, { "page_ask", page_ask }, { "page_take", page_take });

static void page_done(struct task *t);

static void
page_begin(struct origins *o)
{
	arena_reset(o->page);
	o->db = NULL;
	o->task = (struct task){ 0 };
	task_init(&o->task, o->site->worker->loop, o->page, &page_steps, NULL, page_done);
	task_run(&o->task);
}

static void
reading_drop(struct origins *o)
{
	map_free(&o->fresh);
	arena_free(&o->page);
}

/* The next page, or the end. A reading that failed leaves the list as it was, and rests too. */
static void
page_done(struct task *t)
{
	struct origins *o = CONTAINER_OF(t, struct origins, task);
	bool ok = !t->finishing;
	if (ok && o->db->n_rows == PAGE_ROWS) {
		page_begin(o);
		return;
	}
	int64_t now = loop_now_us(t->loop), rest = (now - o->began_us) * (SHARE - 1);
	int64_t until = now + MAX(rest, (int64_t)o->site->worker->conf->live_check_ms * 1000);
	if (ok && o->full)
		LOG(o->site->worker->log, LOG_WARN, "cors.many", F_STR("site", o->site->name),
		    F_INT("origins", ORIGINS_MAX));
	if (ok)
		origins_set(o, &o->fresh, until);
	else
		o->good_until_us = until;
	reading_drop(o);
	waiters_wake(&o->waiters);
}

static void
reading_begin(struct origins *o)
{
	o->fresh = map_new();
	o->page = arena_new("origins", PAGE_ARENA);
	if (o->fresh == NULL || o->page == NULL) {
		reading_drop(o);
		return;
	}
	o->began_us = loop_now_us(o->site->worker->loop);
	o->full = false;
	o->after_n = 0;
	page_begin(o);
}

enum step
origins_want(struct task *t, struct origins *o, struct str origin)
{
	int64_t now = loop_now_us(t->loop);
	if (now >= o->good_until_us && o->page == NULL)
		reading_begin(o);
	bool serves = origins_has(o, origin) && now < o->good_until_us + STALE_US;
	if (o->page == NULL || serves)
		return STEP_NEXT;
	return waiters_join(t, &o->waiters, WAIT_MS) == STEP_WAIT ? STEP_WAIT : STEP_NEXT;
}

bool
origins_has(const struct origins *o, struct str origin)
{
	return o->list != NULL && map_get(o->list, origin) != NULL;
}

void
origins_set(struct origins *o, struct map **list, int64_t good_until_us)
{
	map_free(&o->list);
	o->list = *list;
	*list = NULL;
	o->good_until_us = good_until_us;
}

struct origins *
origins_new(const struct site *site)
{
	struct origins *o = calloc(1, sizeof *o);
	if (o == NULL)
		return NULL;
	o->site = site;
	o->good_until_us = INT64_MIN;
	waiters_init(&o->waiters);
	return o;
}

void
origins_free(struct origins **op)
{
	struct origins *o = *op;
	*op = NULL;
	if (o == NULL)
		return;
	if (o->page != NULL)
		task_cancel(&o->task);
	reading_drop(o);
	map_free(&o->list);
	free(o);
}
