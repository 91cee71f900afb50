/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A site at run time in one worker: its configuration, stores, keys, switches and backends. Built by gateway/process
 * from the checked configuration; immutable afterwards but for caches. Nothing of one site works on another. */
#ifndef GATEWAY_CORE_SITE_H
#define GATEWAY_CORE_SITE_H

#include "gateway/base/cache.h"
#include "gateway/core/principal.h"
#include "gateway/core/route.h"
#include "gateway/store/db.h"
#include "gateway/store/redis.h"

struct conf_site; /* gateway/config/conf.h */
struct jwk_set;
struct openemr_keys;
struct keyd_client;
struct hashd_client;
struct filed_client;
struct http_client;  /* gateway/net/http_client.h */
struct audit_client; /* gateway/audit/audit.h */
struct route_table;  /* policy/route_table.h  */
struct policy;
struct backend_ops;
struct map;
struct cidr;
struct ui_files;

enum compat { COMPAT_CLASSIC, COMPAT_V8 };

/* What each worker has once, shared by its sites. */
struct worker {
	struct loop *loop;
	const struct clock *clock;
	struct rng *rng;
	const struct log *log;
	struct keyd_client *keyd;
	struct hashd_client *hashd;
	struct filed_client *filed;
	struct audit_client *audit;
	struct redis *redis;
	struct http_client *outbound; /* to places that clients registered */
	const struct conf *conf;
	struct map *sites;       /* name -> struct site *; strict list */
	unsigned number;         /* 0.. */
	struct metrics *metrics; /* gateway/metrics/metrics.h; may be NULL */
	const struct cidr *trusted_proxies;
	size_t n_trusted_proxies;
	struct ui_files *ui; /* gateway/swagger: read by the first site, shared by all */
	bool draining;
};
struct site_backend { /* a backend bound to a site */
	const struct backend_ops *ops;
	void *state; /* what open() made */
};
struct site {
	unsigned magic;
#define SITE_MAGIC 0x77d04b15u
	struct str name;
	const struct conf_site *conf;
	struct worker *worker;
	struct str issuer;       /* {origin}/oauth2/{site}      */
	struct str api_base;     /* {origin}/apis/{site}        */
	struct str redis_prefix; /* "gh:{site}:"                */
	enum compat compat;
	struct db_pool *db;
	struct jwk_set *jwks;             /* verification keys of our own tokens */
	struct str jwks_text;             /* what {issuer}/jwk answers    */
	const struct openemr_keys *crypt; /* the drive's keys, for values in the database; NULL: no access to them */
	const struct openemr_keys *file_crypt; /* the database's keys, for files on the drive; NULL: not read yet */
	const struct route_table *routes;      /* of the scope files of this site */
	const struct policy *policy;
	struct site_backend *backends; /* per configured backend name */
	unsigned n_backends;
	struct route_binding {
		const struct site_backend *backend;
		void *handler;
	} *bindings;             /* by route.index */
	struct cache *tokens;    /* token hash -> verified principal (pipeline/authn) */
	struct cache *acl;       /* username -> grants (pipeline/acl)   */
	struct cache *live;      /* client, user -> enabled, active     */
	struct origins *origins; /* CORS (pipeline/origins) */
	struct cache *revoked;   /* jti hash -> seen revoked: what a Redis outage must not forget */
	struct cache *cells;     /* rate cells of this worker, for routes that count locally when Redis is gone */
	unsigned index;          /* position in conf.sites: metrics     */
};

#endif
