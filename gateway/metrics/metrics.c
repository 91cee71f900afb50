/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics in shared memory: one slab per writer, words of 64 bits, relaxed atomics. Readers add up. */
#include "gateway/metrics/metrics.h"

#include "gateway/base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum { STATUS_CLASSES = 6, SILENT_US = 2000000, NAME_BYTES = 128 };

static const struct {
	const char *name, *labels, *help;
	enum kind kind;
} rows[] = {
#define X(id, kind_, name_, labels_, help_) [METRIC_##id] = { name_, labels_, help_, kind_ },
	METRICS(X)
#undef X
};
_Static_assert(NITEMS(rows) == METRIC_N, "one row per metric");

/* Upper bounds of the latency histogram in microseconds; the last bucket is +Inf. */
static const int64_t bounds_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
	2500000, 5000000, 10000000 };
enum { BUCKETS = NITEMS(bounds_us) + 1 };

typedef _Atomic uint64_t word;
struct request_cell {
	word status[STATUS_CLASSES]; /* 1xx .. 5xx by hundreds; 0: other */
	word bucket[BUCKETS];
	word sum_us;
};
struct metrics {
	unsigned n_slabs, slab;
	size_t n_sites, n_routes; /* without the "none" entries */
	size_t slab_bytes, bytes;
	char (*sites)[NAME_BYTES], (*routes)[NAME_BYTES];
	char *slabs;
	bool attached;
};
/* A slab: heartbeat, plain[METRIC_N][n_sites], then cells[n_sites + 1][n_routes + 1]. */
struct slab {
	word beat_us;
	word plain[];
};

static struct slab *
slab_at(const struct metrics *m, unsigned i)
{
	return (struct slab *)(void *)(m->slabs + (size_t)i * m->slab_bytes);
}

static struct request_cell *
cells_of(const struct metrics *m, unsigned i)
{
	size_t plain = METRIC_N * MAX(m->n_sites, 1);
	return (struct request_cell *)(void *)(m->slabs + (size_t)i * m->slab_bytes + sizeof(struct slab) +
	                                       plain * sizeof(word));
}

static int
names_copy(char (**out)[NAME_BYTES], const struct str *in, size_t n)
{
	*out = calloc(n + 1, NAME_BYTES);
	for (size_t i = 0; *out != NULL && i < n; i++) {
		struct str cut = str_sub(in[i], 0, NAME_BYTES - 1);
		memcpy((*out)[i], cut.p, cut.n);
	}
	if (*out != NULL)
		memcpy((*out)[n], "none", sizeof "none");
	return *out == NULL ? -1 : 0;
}

struct metrics *
metrics_new(unsigned n_slabs, const struct str *sites, size_t n_sites, const struct str *routes, size_t n_routes)
{
	struct metrics *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	m->n_slabs = n_slabs;
	m->n_sites = n_sites;
	m->n_routes = n_routes;
	m->slab_bytes = sizeof(struct slab) + METRIC_N * MAX(n_sites, 1) * sizeof(word) +
	                (n_sites + 1) * (n_routes + 1) * sizeof(struct request_cell);
	m->slab_bytes = (m->slab_bytes + 63) & ~(size_t)63;
	m->bytes = m->slab_bytes * n_slabs;
	m->slabs = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->slabs == MAP_FAILED)
		m->slabs = NULL;
	if (m->slabs == NULL || names_copy(&m->sites, sites, n_sites) != 0 ||
	    names_copy(&m->routes, routes, n_routes) != 0)
		metrics_free(&m);
	return m;
}

void
metrics_free(struct metrics **mp)
{
	struct metrics *m = *mp;
	*mp = NULL;
	if (m == NULL)
		return;
	if (m->slabs != NULL)
		(void)munmap(m->slabs, m->bytes);
	free(m->sites);
	free(m->routes);
	free(m);
}

void
metrics_attach(struct metrics *m, unsigned slab)
{
	if (m == NULL)
		return;
	CHECK(slab < m->n_slabs);
	m->slab = slab;
	m->attached = true;
	atomic_store_explicit(&slab_at(m, slab)->beat_us, 0, memory_order_relaxed); /* what stood here before is dead */
}

static void
add(word *w, uint64_t n)
{
	atomic_fetch_add_explicit(w, n, memory_order_relaxed);
}

static uint64_t
load(word *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static word *
plain_at(const struct metrics *m, unsigned slab, enum metric id, size_t site)
{
	bool by_site = rows[id].labels[0] != 0;
	return &slab_at(m, slab)->plain[(size_t)id * MAX(m->n_sites, 1) + (by_site && site < m->n_sites ? site : 0)];
}

void
metrics_heartbeat(struct metrics *m)
{
	if (m != NULL && m->attached)
		atomic_store_explicit(
		    &slab_at(m, m->slab)->beat_us, (uint64_t)clock_mono_us(&clock_system), memory_order_relaxed);
}

void
metric_add(struct metrics *m, enum metric id, size_t site, uint64_t n)
{
	if (m != NULL && m->attached)
		add(plain_at(m, m->slab, id, site), n);
}

void
metric_set(struct metrics *m, enum metric id, size_t site, uint64_t v)
{
	if (m != NULL && m->attached)
		atomic_store_explicit(plain_at(m, m->slab, id, site), v, memory_order_relaxed);
}

void
metric_request(struct metrics *m, size_t site, size_t route, unsigned status, int64_t duration_us)
{
	size_t b = 0;
	if (m == NULL || !m->attached)
		return;
	struct request_cell *c =
	    &cells_of(m, m->slab)[MIN(site, m->n_sites) * (m->n_routes + 1) + MIN(route, m->n_routes)];
	while (b < NITEMS(bounds_us) && duration_us > bounds_us[b])
		b++;
	add(&c->status[status >= 100 && status < 600 ? status / 100 : 0], 1);
	add(&c->bucket[b], 1);
	add(&c->sum_us, (uint64_t)MAX(duration_us, 0));
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */

static bool
alive(const struct metrics *m, unsigned slab)
{
	uint64_t beat = load(&slab_at(m, slab)->beat_us);
	return beat != 0 && (uint64_t)clock_mono_us(&clock_system) - beat < SILENT_US;
}

static bool
is_up(enum metric id)
{
	return str_ends(str_of(rows[id].name), STR("_up"));
}

uint64_t
metric_read(const struct metrics *m, enum metric id, size_t site)
{
	uint64_t sum = 0, least = UINT64_MAX;
	unsigned seen = 0;
	for (unsigned i = 0; i < m->n_slabs; i++) {
		if (rows[id].kind == GAUGE && !alive(m, i))
			continue;
		uint64_t v = load(plain_at(m, i, id, site));
		sum += v;
		least = MIN(least, v);
		seen++;
	}
	return !is_up(id) ? sum : seen == 0 ? 0 : least;
}

static void
head_write(struct buf *out, enum metric id)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	buf_printf(
	    out, "# HELP %s %s\n# TYPE %s %s\n", rows[id].name, rows[id].help, rows[id].name, kinds[rows[id].kind]);
}

static void
requests_write(const struct metrics *m, struct buf *out, bool histogram)
{
	for (size_t s = 0; s <= m->n_sites; s++) {
		for (size_t r = 0; r <= m->n_routes; r++) {
			uint64_t status[STATUS_CLASSES] = { 0 }, bucket[BUCKETS] = { 0 }, sum = 0, count = 0;
			for (unsigned i = 0; i < m->n_slabs; i++) {
				struct request_cell *c = &cells_of(m, i)[s * (m->n_routes + 1) + r];
				for (size_t k = 0; k < STATUS_CLASSES; k++)
					status[k] += load(&c->status[k]);
				for (size_t k = 0; k < BUCKETS; k++)
					bucket[k] += load(&c->bucket[k]);
				sum += load(&c->sum_us);
			}
			for (size_t k = 0; k < BUCKETS; k++)
				count += bucket[k];
			if (count == 0)
				continue;
			for (size_t k = 0; !histogram && k < STATUS_CLASSES; k++)
				if (status[k] > 0)
					buf_printf(out, "%s{site=\"%s\",route=\"%s\",status=\"%zuxx\"} %llu\n",
					    rows[METRIC_REQUESTS].name, m->sites[s], m->routes[r], k,
					    (unsigned long long)status[k]);
			if (!histogram)
				continue;
			const char *name = rows[METRIC_REQUEST_SECONDS].name;
			uint64_t below = 0;
			for (size_t k = 0; k < NITEMS(bounds_us); k++) {
				below += bucket[k];
				buf_printf(out, "%s_bucket{site=\"%s\",route=\"%s\",le=\"%g\"} %llu\n", name,
				    m->sites[s], m->routes[r], (double)bounds_us[k] / 1e6, (unsigned long long)below);
			}
			buf_printf(out, "%s_bucket{site=\"%s\",route=\"%s\",le=\"+Inf\"} %llu\n", name, m->sites[s],
			    m->routes[r], (unsigned long long)count);
			buf_printf(out,
			    "%s_sum{site=\"%s\",route=\"%s\"} %.6f\n%s_count{site=\"%s\",route=\"%s\"} %llu\n", name,
			    m->sites[s], m->routes[r], (double)sum / 1e6, name, m->sites[s], m->routes[r],
			    (unsigned long long)count);
		}
	}
}

void
metrics_write(const struct metrics *m, struct buf *out)
{
	for (unsigned id = 0; id < METRIC_N; id++) {
		head_write(out, (enum metric)id);
		if (id == METRIC_REQUESTS || id == METRIC_REQUEST_SECONDS) {
			requests_write(m, out, id == METRIC_REQUEST_SECONDS);
		} else if (rows[id].labels[0] == 0) {
			buf_printf(
			    out, "%s %llu\n", rows[id].name, (unsigned long long)metric_read(m, (enum metric)id, 0));
		} else {
			for (size_t s = 0; s < m->n_sites; s++)
				buf_printf(out, "%s{site=\"%s\"} %llu\n", rows[id].name, m->sites[s],
				    (unsigned long long)metric_read(m, (enum metric)id, s));
		}
	}
}
