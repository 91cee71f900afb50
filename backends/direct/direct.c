/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend's life on a site: the schema is read in the background, plans are made from it, lists are read again every minute. */
#include "backends/direct/direct.h"

#include "backends/direct/engine/backfill.h"
#include "backends/direct/engine/call.h"
#include "backends/direct/engine/describe.h"
#include "backends/direct/fhir/fhir.h"
#include "backends/direct/rest/rest.h"

#include <stdlib.h>

enum {
	PLANS_ARENA = 128 << 20,
	OPENING_ARENA = 24 << 20,
	AGAIN_FIRST_MS = 250,
	AGAIN_MAX_MS = 10000,
	HANDLERS_MAX = 256
};

/* What runs beside the requests: one task, started again for each round. */
struct opening {
	struct direct *d;
	struct arena *arena; /* of the round */
	struct task task;
	struct loop_timer *timer;
	struct db_result *rows, *settings;
	struct db_val lists[LISTS_MAX];
	struct backfill backfill;
	unsigned again_ms;
	unsigned rounds; /* that were whole */
	bool running;
	struct handler *handlers[HANDLERS_MAX];
	unsigned n_handlers;
	struct plan *plans[HANDLERS_MAX]; /* one per resource and dialect */
	unsigned n_plans;
};

static void round_start(void *arg);

/* --- plans ---------------------------------------------------------------------------------------------------------------------- */

static void
report_log(const struct direct *d, const struct plan *p, const struct plan_report *report)
{
	for (unsigned i = 0; i < report->n; i++)
		LOG(d->site->worker->log, p->state == PLAN_READY ? LOG_WARN : LOG_ERROR, "direct.missing",
		    F_STR("site", d->site->name), F_STR("resource", str_of(p->res->name)),
		    F_STR("missing", report->missing[i]));
}

static struct plan *
plan_of(struct opening *o, const struct direct_route *row)
{
	bool fhir = str_starts(str_of(row->pattern), STR("/fhir/"));
	struct plan_report report = { 0 };
	for (unsigned i = 0; i < o->n_plans; i++)
		if (o->plans[i]->res == row->res && o->plans[i]->fhir == fhir)
			return o->plans[i];
	struct plan *p = plan_new(o->d->arena, row->res, fhir, o->d->site->compat, o->d->schema, &report);
	if (p == NULL)
		return NULL;
	report_log(o->d, p, &report);
	o->plans[o->n_plans++] = p;
	return p;
}

static int
plans_make(struct opening *o)
{
	for (unsigned i = 0; i < o->n_handlers; i++) {
		struct handler *h = o->handlers[i];
		if (h->row->res == NULL)
			continue;
		h->plan = plan_of(o, h->row);
		if (h->plan == NULL)
			return -1;
	}
	return 0;
}

/* --- a round: schema (until known), lists ------------------------------------------------------------------------------------------ */

static enum step
schema_ask(struct task *t)
{
	struct opening *o = task_frame(t);
	if (o->d->schema != NULL)
		return STEP_NEXT;
	return db_query(t, o->d->site->db, &schema_sql, NULL, 0, &o->rows);
}

static enum step
schema_take(struct task *t)
{
	struct opening *o = task_frame(t);
	if (o->d->schema != NULL)
		return STEP_NEXT;
	if (o->rows->status != DB_OK)
		return STEP_FAIL;
	o->d->schema = schema_new(o->rows, &t->err);
	if (o->d->schema == NULL || plans_make(o) != 0)
		return STEP_FAIL;
	o->d->parents = parents_new(o->d->arena, o->d->schema);
	o->d->log = write_log_new(o->d->arena, o->d->schema);
	return o->d->parents == NULL ? STEP_FAIL : STEP_NEXT;
}

/* One table or piece per round: the rounds follow each other at once until every row has its uuid. */
static enum step
uuids_give(struct task *t)
{
	struct opening *o = task_frame(t);
	struct backfill *b = &o->backfill;
	if (b->done)
		return STEP_NEXT;
	o->d->uuids.site = o->d->site;
	o->d->uuids.schema = o->d->schema;
	b->u = &o->d->uuids;
	b->plans = o->plans;
	b->n_plans = o->n_plans;
	return task_push(t, &backfill_table, b);
}

static void
list_add(struct opening *o, unsigned *n, struct str name)
{
	for (unsigned i = 0; i < *n; i++)
		if (str_eq(o->lists[i].s, name))
			return;
	CHECK(*n < LISTS_MAX);
	o->lists[(*n)++] = DB_V_STR(name);
}

static void
list_add_name(struct opening *o, unsigned *n, const char *name)
{
	list_add(o, n, str_of(name));
}

/* What OpenEMR's setting "state_list" names; a site that has not set it has the list of that name, as installed. */
static struct str
list_of(const struct opening *o, const char *setting)
{
	struct str list = globals_get(o->d->globals, setting), name = str_of(setting), end = STR("_list");
	return list.n > 0 ? list : str_sub(name, 0, str_find_str(name, end));
}

/* The settings that fields of bodies name, each once. */
static unsigned
settings_named(const struct opening *o, const char *names[LISTS_NAMED_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < o->n_plans; i++)
		for (unsigned k = 0; o->plans[i]->write != NULL && k < o->plans[i]->write->n_ops; k++) {
			const char *name = o->plans[i]->write->ops[k].f->option_setting;
			unsigned at = 0;
			while (name != NULL && at < n && strcmp(names[at], name) != 0)
				at++;
			if (name == NULL || at < n)
				continue;
			CHECK(n < LISTS_NAMED_MAX);
			names[n++] = name;
		}
	return n;
}

static int
settings_name(const struct opening *o, struct lists *lists)
{
	const char *names[LISTS_NAMED_MAX];
	unsigned n = settings_named(o, names);
	for (unsigned i = 0; i < n; i++)
		if (lists_name(lists, names[i], list_of(o, names[i])) != 0)
			return -1;
	return 0;
}

/* The lists that the rows name, padded to the statement's marks. */
static unsigned
lists_named(struct opening *o)
{
	const char *settings[LISTS_NAMED_MAX];
	unsigned n = 0, n_settings = settings_named(o, settings);
	for (unsigned i = 0; i < n_settings; i++)
		list_add(o, &n, list_of(o, settings[i]));
	for (unsigned i = 0; i < o->n_plans; i++)
		for (unsigned s = 0; s < o->plans[i]->n_sources; s++)
			for (unsigned k = 0; k < o->plans[i]->sources[s].n_ops; k++) {
				const struct field *f = o->plans[i]->sources[s].ops[k].f;
				if (f->kind == K_LIST_TITLE || f->kind == K_LIST_CODES || f->kind == K_LIST_NOTES ||
				    f->kind == K_LIST_ID || f->kind == K_LIST_CONCEPT)
					list_add_name(o, &n, f->arg);
				else if (f->kind == K_EXT_OMB || f->kind == K_EXT_LIST)
					list_add_name(o, &n, f->arg2);
			}
	for (unsigned i = 0; i < o->n_plans; i++)
		for (unsigned k = 0; o->plans[i]->write != NULL && k < o->plans[i]->write->n_ops; k++)
			if (o->plans[i]->write->ops[k].f->option_of != NULL)
				list_add_name(o, &n, o->plans[i]->write->ops[k].f->option_of);
	for (unsigned i = n; n > 0 && i < LISTS_MAX; i++)
		o->lists[i] = o->lists[n - 1];
	return n;
}

static enum step
lists_ask(struct task *t)
{
	struct opening *o = task_frame(t);
	o->rows = NULL;
	if (!o->backfill.done || !schema_has_table(o->d->schema, STR("list_options")) || lists_named(o) == 0)
		return STEP_NEXT;
	return db_query(t, o->d->site->db, &lists_sql, o->lists, LISTS_MAX, &o->rows);
}

static enum step
globals_ask(struct task *t)
{
	struct opening *o = task_frame(t);
	o->settings = NULL;
	if (!o->backfill.done || !schema_has_table(o->d->schema, STR("globals")))
		return STEP_NEXT;
	return db_query(t, o->d->site->db, &globals_sql, NULL, 0, &o->settings);
}

static enum step
globals_take(struct task *t)
{
	struct opening *o = task_frame(t);
	if (o->settings == NULL)
		return STEP_NEXT;
	if (o->settings->status != DB_OK)
		return STEP_FAIL;
	struct globals *g = globals_new(o->settings);
	if (g == NULL)
		return STEP_FAIL;
	globals_free(&o->d->globals);
	o->d->globals = g;
	db_pool_zone_told(o->d->site->db, globals_get(g, "gbl_time_zone"));
	return STEP_NEXT;
}

static enum step
lists_take(struct task *t)
{
	struct opening *o = task_frame(t);
	if (!o->backfill.done)
		return STEP_NEXT;
	if (o->rows != NULL && o->rows->status != DB_OK)
		return STEP_FAIL;
	if (o->rows != NULL) {
		struct lists *lists = lists_new(o->rows);
		if (lists == NULL || settings_name(o, lists) != 0) {
			lists_free(&lists);
			return STEP_FAIL;
		}
		lists_free(&o->d->lists);
		o->d->lists = lists;
	}
	o->again_ms = AGAIN_FIRST_MS;
	if (!o->d->ready)
		LOG(o->d->site->worker->log, LOG_INFO, "direct.ready", F_STR("site", o->d->site->name),
		    F_INT("resources", o->n_plans), F_INT("columns", schema_count(o->d->schema)),
		    F_INT("uuids", o->d->uuids.given));
	o->d->ready = true;
	return STEP_NEXT;
}

static enum step
round_end(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static STEP_TABLE(round_table, 7, { "schema", schema_ask }, { "plans", schema_take }, { "uuids", uuids_give },
    { "globals", globals_ask }, { "settings", globals_take }, { "lists", lists_ask }, { "options", lists_take },
    { "end", round_end });

/* A round that failed comes again soon, then less and less often; one that succeeded, when the lists are due. */
static void
round_done(struct task *t)
{
	struct opening *o = CONTAINER_OF(t, struct opening, task);
	struct direct *d = o->d;
	bool failed = t->finishing;
	o->running = false;
	if (failed) {
		LOG(d->site->worker->log, LOG_WARN, "direct.schema", F_STR("site", d->site->name), F_ERR(&t->err));
	}
	bool whole = !failed && o->backfill.done;
	loop_timer_set(o->timer, failed ? o->again_ms : whole ? LISTS_REFRESH_MS : 1);
	if (whole) { /* what others write until then is looked for anew */
		o->backfill = (struct backfill){ 0 };
		o->rounds++;
	}
	if (failed)
		o->again_ms = MIN(o->again_ms * 2, (unsigned)AGAIN_MAX_MS);
}

static void
round_start(void *arg)
{
	struct opening *o = arg;
	arena_reset(o->arena);
	o->task = (struct task){ 0 };
	o->running = true;
	task_init(&o->task, o->d->site->worker->loop, o->arena, &round_table, o, round_done);
	task_run(&o->task);
}

unsigned
direct_refresh(void *state)
{
	struct direct *d = state;
	CHECK_OBJ(d, DIRECT_MAGIC);
	if (!d->opening->running)
		loop_timer_set(d->opening->timer, 1);
	return d->opening->rounds;
}

/* --- the backend -------------------------------------------------------------------------------------------------------------------- */

static void
direct_close(void **state)
{
	struct direct *d = *state;
	if (d == NULL)
		return;
	CHECK_OBJ(d, DIRECT_MAGIC);
	d->magic = 0;
	if (d->opening != NULL) {
		if (d->opening->running)
			task_cancel(&d->opening->task);
		loop_timer_free(&d->opening->timer);
		arena_free(&d->opening->arena);
		free(d->opening);
	}
	lists_free(&d->lists);
	globals_free(&d->globals);
	schema_free(&d->schema);
	query_forms_free(&d->forms);
	arena_free(&d->arena);
	free(d);
	*state = NULL;
}

static int
direct_open(struct site *site, void **state, struct err *e)
{
	struct direct *d = calloc(1, sizeof *d);
	struct opening *o = calloc(1, sizeof *o);
	*state = d;
	if (d == NULL || o == NULL) {
		free(o);
		free(d);
		*state = NULL;
		return ERR(e, E_MEMORY, "direct");
	}
	d->magic = DIRECT_MAGIC;
	d->site = site;
	d->opening = o;
	o->d = d;
	o->again_ms = AGAIN_FIRST_MS;
	d->arena = arena_new("direct plans", PLANS_ARENA);
	d->forms = d->arena == NULL ? NULL : query_forms_new(d->arena);
	o->arena = arena_new("direct schema", OPENING_ARENA);
	o->timer = loop_timer_new(site->worker->loop, round_start, o);
	if (d->forms == NULL || o->arena == NULL || o->timer == NULL) {
		direct_close(state);
		return ERR(e, E_MEMORY, "direct");
	}
	loop_timer_set(o->timer, 1); /* after the routes are bound */
	return 0;
}

static const struct direct_route *
row_find(const struct direct_route *rows, unsigned n, const struct route *route)
{
	for (unsigned i = 0; i < n; i++)
		if (rows[i].method == route->method && str_eq(str_of(rows[i].pattern), route->pattern))
			return &rows[i];
	return NULL;
}

static const struct direct_route *
row_of(const struct route *route)
{
	for (unsigned i = 0; i < n_rest_routes; i++) {
		const struct direct_route *row = row_find(rest_routes[i]->rows, rest_routes[i]->n, route);
		if (row != NULL)
			return row;
	}
	return row_find(fhir_routes, n_fhir_routes, route);
}

static bool
direct_serves(const struct route *route)
{
	return row_of(route) != NULL;
}

static int
direct_bind(struct site *site, void *state, const struct route *route, void **handler)
{
	struct direct *d = state;
	CHECK_OBJ(d, DIRECT_MAGIC);
	struct handler *h = d->opening->n_handlers == HANDLERS_MAX ? NULL : ARENA_NEW(d->arena, struct handler);
	(void)site;
	if (h == NULL)
		return -1;
	h->row = row_of(route);
	h->d = d;
	d->opening->handlers[d->opening->n_handlers++] = h;
	*handler = h;
	return 0;
}

static enum step
direct_handle(struct request *r, void *state, void *handler)
{
	struct direct *d = state;
	const struct handler *h = handler;
	CHECK_OBJ(d, DIRECT_MAGIC);
	if (!d->ready)
		return request_unavailable(r, "schema not read yet");
	if (r->filter.categories.n > 0) { /* no mapping has a category to filter by: all rows would be too much */
		r->audit.allowed = false;
		r->audit.reason = STR("scope restricted to categories, on a resource without them");
		return request_refuse(r, REPLY_SCOPE);
	}
	if (h->row->special != NULL)
		return h->row->special(r, d);
	CHECK_OBJ(h->plan, PLAN_MAGIC);
	/* no table, or no column that the resource cannot do without: a generation that has no such route */
	if (h->plan->state != PLAN_READY)
		return request_refuse(r, REPLY_NO_ROUTE);
	struct call *c = call_new(r, h);
	if (c == NULL)
		return request_refuse(r, REPLY_TOO_LARGE);
	return h->row->action != NULL ? h->row->action(c) : call_run(c);
}

static enum openapi_told
direct_describe(const struct site *site, const void *state, const void *handler, struct openapi_operation *op)
{
	(void)site;
	return describe_route(state, handler, op);
}

static bool
direct_streams_body(const void *handler)
{
	const struct handler *h = handler;
	return h->row->streams_body;
}

static bool
direct_healthy(const struct site *site, const void *state)
{
	const struct direct *d = state;
	struct db_pool_stats stats;
	CHECK_OBJ(d, DIRECT_MAGIC);
	db_pool_stats(site->db, &stats);
	return d->ready && stats.healthy;
}

const struct backend_ops backend_direct = {
	.name = "direct",
	.open = direct_open,
	.serves = direct_serves,
	.bind = direct_bind,
	.handle = direct_handle,
	.describe = direct_describe,
	.streams_body = direct_streams_body,
	.healthy = direct_healthy,
	.close = direct_close,
};
