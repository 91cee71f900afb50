/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cache and its flights. */
#include "gateway/oauth/jwks_uri.h"

#include "gateway/base/list.h"
#include "gateway/config/conf.h"
#include "gateway/crypto/jwk.h"
#include "gateway/loop/waiters.h"
#include "gateway/net/http_client.h"

#include <stdlib.h>

enum {
	ENTRIES_MAX = 256,
	URI_MAX = 2048,
	DOCUMENT_MAX = 64 << 10,
	FLIGHT_ARENA = 4 << 20,
	FRESH_S = 3600,
	LAST_GOOD_S = 24 * 3600,
	COOLDOWN_S = 30,
	WAIT_SPARE_MS = 500
};

struct entry {
	struct list link; /* the most recently used first */
	struct jwks_uris *owner;
	char uri[URI_MAX + 1];
	struct jwk_set *set;
	int64_t fetched_us, tried_us; /* 0: never */
	struct flight *flight;
};
struct flight {
	struct task task;
	struct entry *entry;
	struct arena *arena;
	struct http_answer *answer;
	struct waiters waiters;
};
struct jwks_uris {
	struct worker *worker;
	struct list entries;
	size_t n;
};

/* --- the flight ---------------------------------------------------------------------------------------------------------------------- */

static enum step
flight_fetch(struct task *t)
{
	struct flight *f = CONTAINER_OF(t, struct flight, task);
	const struct worker *w = f->entry->owner->worker;
	struct http_ask ask = { .url = str_of(f->entry->uri),
		.accept = STR("application/jwk-set+json, application/json"),
		.answer_max = DOCUMENT_MAX,
		.deadline_ms = w->conf->outbound.timeout_ms };
	return http_client_call(t, w->outbound, &ask, &f->answer);
}

static enum step
flight_read(struct task *t)
{
	struct flight *f = CONTAINER_OF(t, struct flight, task);
	struct entry *e = f->entry;
	struct jwk_set *set = f->answer->status == 200 ? jwk_set_parse(f->answer->body, &t->err) : NULL;
	if (set == NULL) {
		LOG(e->owner->worker->log, LOG_WARN, "jwks_uri.failed", F_STR("uri", str_of(e->uri)),
		    F_INT("status", f->answer->status),
		    F_STR("why", str_of(f->answer->why != NULL ? f->answer->why : "no usable key")));
		return STEP_NEXT;
	}
	jwk_set_free(&e->set);
	e->set = set;
	e->fetched_us = loop_now_us(t->loop);
	return STEP_NEXT;
}

static STEP_TABLE(flight_steps, 2, { "flight_fetch", flight_fetch }, { "flight_read", flight_read });

static void
flight_done(struct task *t)
{
	struct flight *f = CONTAINER_OF(t, struct flight, task);
	f->entry->flight = NULL;
	waiters_wake(&f->waiters);
	arena_free(&f->arena);
	free(f);
}

static int
flight_start(struct entry *e)
{
	struct flight *f = calloc(1, sizeof *f);
	struct loop *l = e->owner->worker->loop;
	if (f == NULL || (f->arena = arena_new("jwks fetch", FLIGHT_ARENA)) == NULL) {
		free(f);
		return -1;
	}
	f->entry = e;
	waiters_init(&f->waiters);
	e->flight = f;
	e->tried_us = loop_now_us(l);
	task_init(&f->task, l, f->arena, &flight_steps, NULL, flight_done);
	task_run(&f->task);
	return 0;
}

/* --- entries -------------------------------------------------------------------------------------------------------------------------- */

static void
entry_drop(struct entry *e)
{
	list_del(&e->link);
	e->owner->n--;
	jwk_set_free(&e->set);
	free(e);
}

static struct entry *
entry_find(struct jwks_uris *u, struct str uri)
{
	for (struct list *l = u->entries.next; l != &u->entries; l = l->next) {
		struct entry *e = CONTAINER_OF(l, struct entry, link);
		if (str_eq(str_of(e->uri), uri))
			return e;
	}
	return NULL;
}

/* Found or made; the least recently used one that has no flight goes. */
static struct entry *
entry_get(struct jwks_uris *u, struct str uri)
{
	struct entry *e = entry_find(u, uri);
	if (e == NULL) {
		for (struct list *l = u->entries.prev; u->n >= ENTRIES_MAX && l != &u->entries; l = l->prev) {
			struct entry *old = CONTAINER_OF(l, struct entry, link);
			if (old->flight != NULL)
				continue;
			entry_drop(old);
			break;
		}
		e = u->n >= ENTRIES_MAX ? NULL : calloc(1, sizeof *e);
		if (e == NULL || str_cstr(uri, e->uri, sizeof e->uri) != 0) {
			free(e);
			return NULL;
		}
		e->owner = u;
		list_init(&e->link);
		u->n++;
	} else {
		list_del(&e->link);
	}
	list_add(u->entries.next, &e->link);
	return e;
}

bool
jwks_too_old(const struct jwks_age *a)
{
	return a->set && a->fetched_ago_us > (int64_t)LAST_GOOD_S * 1000000;
}

/* An old key that still fits serves while its successor is fetched. */
enum jwks_due
jwks_due(const struct jwks_age *a)
{
	bool fresh = a->set && a->fetched_ago_us < (int64_t)FRESH_S * 1000000;
	bool resting = a->tried && a->tried_ago_us < (int64_t)COOLDOWN_S * 1000000;
	if ((fresh && a->known) || (resting && !a->under_way))
		return JWKS_SERVE;
	return a->known ? JWKS_FETCH : JWKS_WAIT;
}

enum step
jwks_uri_want(struct task *t, struct jwks_uris *u, struct str uri, struct str kid)
{
	struct entry *e = entry_get(u, uri);
	int64_t now = loop_now_us(t->loop);
	if (e == NULL)
		return STEP_NEXT; /* jwks_uri_keys() has none either */
	struct jwks_age age = { .set = e->set != NULL,
		.fetched_ago_us = now - e->fetched_us,
		.tried = e->tried_us != 0,
		.tried_ago_us = now - e->tried_us,
		.under_way = e->flight != NULL };
	if (jwks_too_old(&age)) {
		jwk_set_free(&e->set);
		age.set = false;
	}
	age.known = e->set != NULL && (kid.n == 0 || jwk_set_has(e->set, kid));
	switch (jwks_due(&age)) {
	case JWKS_SERVE:
		break;
	case JWKS_FETCH:
		if (e->flight == NULL)
			(void)flight_start(e);
		break;
	case JWKS_WAIT:
		if (e->flight == NULL)
			(void)flight_start(e);
		if (e->flight != NULL) /* it may have ended at once, without memory */
			return waiters_join(
			    t, &e->flight->waiters, u->worker->conf->outbound.timeout_ms + WAIT_SPARE_MS);
		break;
	}
	return STEP_NEXT;
}

const struct jwk_set *
jwks_uri_keys(struct jwks_uris *u, struct str uri)
{
	const struct entry *e = entry_find(u, uri);
	return e == NULL ? NULL : e->set;
}

struct jwks_uris *
jwks_uris_new(struct worker *w)
{
	struct jwks_uris *u = calloc(1, sizeof *u);
	if (u == NULL)
		return NULL;
	u->worker = w;
	list_init(&u->entries);
	return u;
}

void
jwks_uris_free(struct jwks_uris **up)
{
	struct jwks_uris *u = *up;
	*up = NULL;
	if (u == NULL)
		return;
	while (!list_empty(&u->entries)) {
		struct entry *e = LIST_FRONT(&u->entries, struct entry, link);
		if (e->flight != NULL) {
			task_cancel(&e->flight->task);
			arena_free(&e->flight->arena);
			free(e->flight);
		}
		entry_drop(e);
	}
	free(u);
}
