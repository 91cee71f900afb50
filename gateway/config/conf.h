/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration as one checked tree of plain values. Made whole by conf_load() or not at all; read only afterwards. The item
 * table (conf_items.c) is the one place that names settings, types, defaults, ranges and help. Not for run-time state.      */
#ifndef GATEWAY_CONFIG_CONF_H
#define GATEWAY_CONFIG_CONF_H

#include "gateway/base/arena.h"
#include "gateway/base/err.h"
#include "gateway/net/listener.h"
#include "gateway/store/db.h"
#include "gateway/store/redis.h"

struct conf_listen {
	struct str address; /* "0.0.0.0:9300", "[::]:9300", "unix:/path"   */
	bool tls;
};
struct conf_cert {
	struct str name; /* SNI name, "" = default                      */
	struct str certificate, key, passphrase;
};
struct conf_rate { /* a rate class of the scope files, its limits   */
	struct str name;
	unsigned limit; /* requests per window; 0: unlimited           */
	uint32_t window_ms;
	unsigned burst;
	struct str by; /* client, user, site, address                 */
};
struct conf_route_backend { /* which backend answers: longest pattern prefix wins */
	struct str api;     /* api, portal, fhir; .n 0: all                */
	struct str route;   /* "GET /api/patient/:puuid" or "" for the API */
	struct str backend; /* direct, proxy                               */
};
struct conf_upstream {
	struct str url;         /* http://host:port, https://..., unix:/path   */
	struct str host;        /* Host sent; .n 0: of the url                 */
	struct str tls_ca;      /* https: CA file; .n 0: system store          */
	struct str path_prefix; /* put before the path                         */
	unsigned connections_max;
	uint32_t connect_ms, header_ms, idle_ms, read_ms;
};
struct conf_site {
	struct str name;
	struct str origin; /* overrides conf.origin                        */
	struct str display_name;
	struct str logo;   /* https URL of an image for the pages; .n 0: none */
	struct str compat; /* classic, v8                                  */
	struct db_conf db;
	struct str redis_prefix; /* default gh:{site}:                           */
	struct {
		bool standard, portal, fhir, system_scopes;
	} apis; /* S20            */
	struct {
		bool password_users, password_patients; /* password grant, off             */
		struct str client_auth;                 /* strict, documented                      */
		struct str registration;                /* open, token, closed                     */
		struct str approval;                    /* scopes, all                             */
		struct str *approval_scopes;            /* beginnings of scopes that wait; none: OpenEMR's rule */
		size_t n_approval_scopes;
		struct str
		    *redirect_schemes; /* https, loopback, private-use, or a scheme's name; none: the three kinds */
		size_t n_redirect_schemes;
		struct str registration_token; /* initial access token                    */
		struct str signing_key;        /* PEM path; may be OpenEMR's oaprivate.key */
		struct str signing_passphrase;
		struct str signing_alg; /* RS256, ES256                            */
		uint32_t access_ttl_s, system_ttl_s, refresh_ttl_s, refresh_idle_s, refresh_grace_s;
		uint32_t key_publish_s, key_keep_s;
		uint32_t session_ttl_s, session_idle_s, consent_days; /* sign-in session; remembered consent, 0: off */
		bool openemr_rows; /* write api_token / oauth_trusted_user rows so that PHP accepts our tokens */
	} oauth;
	bool openemr_log;             /* write OpenEMR's log and api_log rows too */
	struct str openemr_sites_dir; /* OpenEMR's sites/{site} folder (drive keys); .n 0: none */
	struct {
		struct str dir;                                           /* .n 0: {openemr_sites_dir}/documents */
		size_t file_max_bytes, patient_max_bytes, site_max_bytes; /* 0: no limit */
	} documents;
	struct conf_route_backend *routes;
	size_t n_routes;
	struct str backend;            /* default backend: direct, proxy                */
	struct conf_upstream upstream; /* of the proxy backend; url.n 0: none          */
	struct {
		struct str client_id; /* filled in on the page; .n 0: the user types it */
	} swagger;
	struct str *scope_files; /* paths; default: conf.scope_files             */
	size_t n_scope_files;
	struct {
		struct str *origins;
		size_t n_origins;
		uint32_t max_age_s;
	} cors; /* beyond the clients' registered origins */
};
struct map;
struct conf {
	struct arena *arena;
	struct map *where; /* conf's own: path -> struct conf_where (conf_item.h)  */
	struct str file;
	struct str sites_dir; /* folder with more sites, one *.yaml each; .n 0: none */
	struct str origin;    /* https://localhost:9300: every URL given out begins with it */
	struct {
		unsigned workers, hashd, filed;
		struct str user, group, pid_file;
		uint32_t drain_ms;
		unsigned hash_queue_max;
	} process;
	struct conf_listen *listen;
	size_t n_listen;
	struct conf_cert *certs;
	size_t n_certs;
	struct {
		struct str min_version;
		uint32_t ticket_period_s;
	} tls;
	struct listener_conf http; /* incl. limits                                  */
	size_t body_max_bytes;     /* buffered bodies (JSON, forms)                 */
	size_t reply_max_bytes;
	uint32_t request_ms;         /* deadline of a whole buffered request          */
	struct str *trusted_proxies; /* CIDR                                          */
	size_t n_trusted_proxies;
	struct redis_conf redis;
	struct {
		struct str tls_ca;
		struct str *allow; /* CIDR */
		size_t n_allow;
		uint32_t timeout_ms;
	} outbound; /* calls to JWKS URIs and back-channel logout */
	bool redis_require_persistence;
	struct str redis_on_failure; /* route (as the scope file's row says), closed, open, local */
	struct {
		struct str journal_dir;
		uint32_t group_us;
		size_t segment_bytes, ahead_bytes;
		struct str signing_key;
		uint32_t checkpoint_records;
		unsigned queue_max;
	} audit;
	struct {
		struct str listen;
	} control; /* 127.0.0.1:9301 or unix:/path           */
	struct {
		enum log_level level;
		bool json;
		struct str file;
	} log;
	struct str *scope_files;
	size_t n_scope_files;
	struct conf_rate *rates;
	size_t n_rates;
	struct {
		struct str dir; /* files of the page; .n 0: only the document is served */
	} swagger;
	uint32_t token_cache_items, live_check_ms; /* how long "client enabled, user active" may be believed: <= 5000 */
	struct conf_site *sites;
	size_t n_sites;
};

/* Reports: all of them, not the first only. */
struct conf_report {
	struct str file;
	unsigned line;
	struct str path; /* "sites.default.database.host"                 */
	struct str text; /* what is wrong and what is expected; never a secret value */
	bool warning;
};
struct conf_reports {
	struct conf_report *v;
	size_t n, errors;
};
/* Reads and checks file (and sites.d/ when named). NULL when there is an error; *reports is arena memory of *report_arena, which the
 * caller frees. Blocking: start and reload only. conf_free(&c) frees all.                                                 */
struct conf *conf_load(const char *file, struct arena *report_arena, struct conf_reports *reports);
struct conf *conf_load_text(struct str name, struct str yaml, struct arena *report_arena, struct conf_reports *reports);
void conf_free(struct conf **c);
/* Writes the tree with every setting, its value and its help as comment, in a form that loads again. Of a secret only its source
 * (file or environment name) is written. c NULL: the defaults around one example site: how conf/gatehouse.yaml is made.   */
int conf_print(const struct conf *c, struct buf *out, struct err *e) MUSTUSE;
/* Names of boot-only items whose values differ: such a reload is refused with this list. */
size_t conf_boot_changes(const struct conf *a, const struct conf *b, struct arena *arena, struct str **names);
/* The folder of a site's documents; false: none is set, or its name is too long. */
bool conf_documents_dir(const struct conf_site *s, char *to, size_t n);
const struct conf_site *conf_site(const struct conf *c, struct str name);

#endif
