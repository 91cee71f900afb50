/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rate classes from a table and the configuration; the generic cell rate algorithm (ITU-T I.371) in microseconds. */
#include "policy/rate.h"

/* What the shipped scope files name. A class of the same name in the configuration replaces its row. */
static const struct {
	struct str name;
	unsigned limit;
	uint32_t window_ms;
	unsigned burst;
	enum rate_by by;
} built_in[] = {
	{ STR_INIT("default"), 600, 60000, 100, RATE_BY_CLIENT },
	{ STR_INIT("public"), 600, 60000, 100, RATE_BY_ADDRESS }, /* documents that need no token   */
	{ STR_INIT("read"), 6000, 60000, 600, RATE_BY_USER },     /* one record                     */
	{ STR_INIT("search"), 1800, 60000, 200, RATE_BY_USER },   /* lists                          */
	{ STR_INIT("write"), 600, 60000, 100, RATE_BY_USER },
	{ STR_INIT("export"), 60, 3600000, 10, RATE_BY_CLIENT },    /* bulk operations                */
	{ STR_INIT("token"), 600, 60000, 100, RATE_BY_ADDRESS },    /* token, introspection           */
	{ STR_INIT("page"), 600, 60000, 100, RATE_BY_ADDRESS },     /* pages of sign-in and consent   */
	{ STR_INIT("login"), 300, 60000, 60, RATE_BY_ADDRESS },     /* passwords and codes of a form  */
	{ STR_INIT("register"), 60, 3600000, 20, RATE_BY_ADDRESS }, /* client registration            */
};
static const struct {
	struct str text;
	enum rate_by by;
} by_names[] = {
	{ STR_INIT("client"), RATE_BY_CLIENT },
	{ STR_INIT("user"), RATE_BY_USER },
	{ STR_INIT("site"), RATE_BY_SITE },
	{ STR_INIT("address"), RATE_BY_ADDRESS },
};

struct rate_classes {
	unsigned magic;
#define RATE_CLASSES_MAGIC 0x1d4477e3u
	struct rate_class *v;
	size_t n;
};

static void
derive(struct rate_class *c)
{
	int64_t window_us = (int64_t)c->window_ms * 1000;
	c->burst = MAX(c->burst, 1u);
	c->interval_us = c->limit == 0 ? 0 : MAX(window_us / c->limit, 1);
}

static struct rate_class *
find(const struct rate_classes *c, struct str name)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

const struct rate_classes *
rate_classes_new(struct arena *a, const struct conf_rate *conf, size_t n_conf)
{
	struct rate_classes *c = ARENA_NEW(a, struct rate_classes);
	if (c == NULL)
		return NULL;
	c->magic = RATE_CLASSES_MAGIC;
	c->v = arena_array(a, NITEMS(built_in) + n_conf, sizeof *c->v);
	if (c->v == NULL)
		return NULL;
	for (size_t i = 0; i < NITEMS(built_in); i++)
		c->v[c->n++] = (struct rate_class){ .name = built_in[i].name,
			.limit = built_in[i].limit,
			.window_ms = built_in[i].window_ms,
			.burst = built_in[i].burst,
			.by = built_in[i].by };
	for (size_t i = 0; i < n_conf; i++) {
		struct rate_class *v = find(c, conf[i].name);
		if (v == NULL)
			v = &c->v[c->n++];
		*v = (struct rate_class){ .name = arena_str(a, conf[i].name),
			.limit = conf[i].limit,
			.window_ms = conf[i].window_ms,
			.burst = conf[i].burst,
			.by = RATE_BY_CLIENT };
		if (v->name.p == NULL)
			return NULL;
		for (size_t b = 0; b < NITEMS(by_names); b++)
			if (str_eq(conf[i].by, by_names[b].text))
				v->by = by_names[b].by;
	}
	for (size_t i = 0; i < c->n; i++)
		derive(&c->v[i]);
	return c;
}

const struct rate_class *
rate_class_get(const struct rate_classes *c, struct str name)
{
	CHECK_OBJ(c, RATE_CLASSES_MAGIC);
	return find(c, name);
}

size_t
rate_classes_count(const struct rate_classes *c)
{
	CHECK_OBJ(c, RATE_CLASSES_MAGIC);
	return c->n;
}

const struct rate_class *
rate_classes_at(const struct rate_classes *c, size_t i)
{
	CHECK_OBJ(c, RATE_CLASSES_MAGIC);
	CHECK(i < c->n);
	return &c->v[i];
}

struct str
rate_who(struct arena *a, const struct rate_class *c, const struct principal *who, struct str address)
{
	if (c->by == RATE_BY_SITE)
		return STR("s:");
	if (c->by == RATE_BY_USER && who->sub.n > 0) /* one user through two clients is counted once */
		return arena_join(a, STR("u:"), who->sub, STR(""));
	if (c->by == RATE_BY_CLIENT && who->client_id.n > 0)
		return arena_join(a, STR("c:"), who->client_id, STR(""));
	return arena_join(a, STR("a:"), address, STR(""));
}

void
rate_gcra(const struct rate_class *c, int64_t tat_us, int64_t now_us, struct rate_verdict *out)
{
	if (c->interval_us == 0) {
		*out = (struct rate_verdict){ .allowed = true, .tat_us = tat_us, .left = INT32_MAX };
		return;
	}
	int64_t whole_us = c->interval_us * c->burst; /* the burst, as time */
	int64_t from_us = MAX(tat_us, now_us);
	from_us = MIN(from_us, now_us + whole_us); /* a cell from a clock ahead, or of a larger burst, heals */
	int64_t next_us = from_us + c->interval_us;
	out->allowed = next_us - whole_us <= now_us;
	out->tat_us = out->allowed ? next_us : from_us;
	out->left = (whole_us - (out->tat_us - now_us)) / c->interval_us;
	out->reset_us = out->tat_us - now_us;
	out->retry_us = out->allowed ? 0 : next_us - whole_us - now_us;
}

unsigned
rate_seconds(int64_t us)
{
	int64_t s = us <= 0 ? 0 : (us + 999999) / 1000000;
	return (unsigned)MIN(s, INT32_MAX);
}
