/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend's life: reads the live schema, builds the plans, answers 503 until they are there. */
#include "backends/sql/direct.h"

#include "backends/sql/fhir/fhir.h"
#include "backends/sql/rest/rest.h"
#include "gateway/core/site.h"

#include <stdlib.h>

enum { PLANS_ARENA = 64 << 20, TASK_ARENA = 16 << 20, RETRY_MS = 1000, RESOURCES_MAX = 64 };

struct direct {
	struct site *site;
	struct task task; /* reads the schema */
	struct arena *task_arena, *arena;
	struct db_result *rows;
	struct schema *schema;
	struct rest_plan *rest[RESOURCES_MAX]; /* by index in rest_routes (shared) */
	struct fhir_plan *fhir[RESOURCES_MAX]; /* by index in fhir_resources */
	bool ready;
};

/* --- the schema, as a task ------------------------------------------------------------------------------------------------------- */

static enum step
schema_ask(struct task *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, task);
	return db_query(t, d->site->db, &schema_sql, NULL, 0, &d->rows);
}

static void
plan_tell(const struct direct *d, const char *name, bool usable, struct str missing)
{
	if (!usable)
		LOG(d->site->worker->log, LOG_WARN, "direct.missing", F_STR("site", d->site->name),
		    F_STR("resource", str_of(name)), F_STR("missing", missing));
}

static int
plans_make(struct direct *d)
{
	for (size_t i = 0; i < n_rest_routes; i++) {
		const struct rest_resource *res = rest_routes[i].res;
		for (size_t k = 0; k < i && res != NULL; k++)
			if (rest_routes[k].res == res)
				d->rest[i] = d->rest[k];
		if (res == NULL || d->rest[i] != NULL)
			continue;
		d->rest[i] = plan_rest(d->arena, res, d->schema);
		if (d->rest[i] == NULL)
			return -1;
		plan_tell(d, res->name, d->rest[i]->usable, d->rest[i]->missing);
	}
	for (size_t i = 0; i < n_fhir_resources; i++) {
		d->fhir[i] = fhir_plan_new(d->arena, fhir_resources[i], d->schema);
		if (d->fhir[i] == NULL)
			return -1;
		plan_tell(d, fhir_resources[i]->name, d->fhir[i]->usable, d->fhir[i]->missing);
	}
	return 0;
}

static enum step
schema_read(struct task *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, task);
	if (d->rows->status != DB_OK)
		return STEP_NEXT;
	d->schema = schema_new(d->rows);
	if (d->schema != NULL && plans_make(d) == 0)
		d->ready = true;
	return STEP_NEXT;
}

static enum step
schema_wait(struct task *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, task);
	return d->ready ? STEP_NEXT : task_sleep(t, RETRY_MS);
}

static STEP_TABLE(
    schema_steps, 2, { "schema_ask", schema_ask }, { "schema_read", schema_read }, { "schema_wait", schema_wait });

static void schema_done(struct task *t);

static void
schema_start(struct direct *d)
{
	arena_reset(d->task_arena);
	d->task = (struct task){ 0 };
	task_init(&d->task, d->site->worker->loop, d->task_arena, &schema_steps, NULL, schema_done);
	task_run(&d->task);
}

static void
schema_done(struct task *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, task);
	if (!d->ready)
		schema_start(d);
}

/* --- the backend -------------------------------------------------------------------------------------------------------------------- */

static void
direct_close(void **state)
{
	struct direct *d = *state;
	*state = NULL;
	if (d == NULL)
		return;
	if (d->task.magic == TASK_MAGIC)
		task_cancel(&d->task);
	schema_free(&d->schema);
	arena_free(&d->arena);
	arena_free(&d->task_arena);
	free(d);
}

static int
direct_open(struct site *site, void **state, struct err *e)
{
	struct direct *d = calloc(1, sizeof *d);
	CHECK(n_rest_routes <= RESOURCES_MAX && n_fhir_resources <= RESOURCES_MAX);
	if (d != NULL) {
		d->site = site;
		d->arena = arena_new("plans", PLANS_ARENA);
		d->task_arena = arena_new("schema", TASK_ARENA);
	}
	if (d == NULL || d->arena == NULL || d->task_arena == NULL) {
		void *gone = d;
		direct_close(&gone);
		return ERR(e, E_MEMORY, "direct");
	}
	*state = d;
	schema_start(d);
	return 0;
}

/* handler: index + 1 into rest_routes, or index + 1 + 1000 into the FHIR routes. */
enum { FHIR_HANDLERS = 1000 };

static int
direct_bind(struct site *site, void *state, const struct route *route, void **handler)
{
	(void)site;
	(void)state;
	for (size_t i = 0; i < n_rest_routes; i++)
		if (rest_routes[i].method == route->method && str_eq(rest_routes[i].pattern, route->pattern)) {
			*handler = (void *)(uintptr_t)(i + 1);
			return 0;
		}
	int fhir = route->api == API_FHIR ? fhir_route_find(route) : -1;
	*handler = (void *)(uintptr_t)(FHIR_HANDLERS + fhir);
	return fhir < 0 ? -1 : 0;
}

static enum step
direct_handle(struct request *r, void *state, void *handler)
{
	struct direct *d = state;
	size_t h = (uintptr_t)handler;
	if (h >= FHIR_HANDLERS)
		return fhir_handle(r, (int)(h - FHIR_HANDLERS), d->ready ? d->fhir : NULL);
	const struct rest_route *route = &rest_routes[h - 1];
	struct rest_plan *plan = d->rest[h - 1];
	if (route->res == NULL)
		return rest_handle(r, route, NULL);
	if (!d->ready)
		return request_unavailable(r, "database schema not read yet");
	if (plan->table_missing)
		return request_refuse(r, REPLY_NO_ROUTE);
	if (!plan->usable)
		return request_unavailable(r, "a required column is missing");
	return rest_handle(r, route, plan);
}

static bool
direct_healthy(const struct site *site, const void *state)
{
	const struct direct *d = state;
	(void)site;
	return d->ready;
}

const struct backend_ops backend_direct = { .name = "direct",
	.open = direct_open,
	.bind = direct_bind,
	.handle = direct_handle,
	.healthy = direct_healthy,
	.close = direct_close };
