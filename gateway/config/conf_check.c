/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no single setting can say: values that must fit each other. Errors keep the configuration out; warnings are told at start and
 * by `gatehouse check`. Not for servers that the settings name: who connects to them tells.                                */
#include "gateway/base/uri.h"
#include "gateway/base/zone.h"
#include "gateway/config/conf_item.h"

#include <unistd.h>

#define PATH(l, ...) arena_printf((l)->scratch, __VA_ARGS__)

static bool
is_local(struct str address)
{
	return str_starts(address, STR("unix:")) || str_starts(address, STR("127.")) ||
	       str_starts(address, STR("[::1]:")) || str_starts(address, STR("localhost:"));
}

static void
check_listen(struct conf_loader *l)
{
	const struct conf *c = l->c;
	bool tls = false;
	if (c->n_listen == 0)
		conf_report_at(l, false, STR("listen"), "missing: expected a list with at least one address");
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct conf_listen *at = &c->listen[i];
		tls = tls || at->tls;
		if (at->address.n == 0)
			continue;
		for (size_t j = 0; j < i; j++)
			if (str_eq(at->address, c->listen[j].address))
				conf_report_at(l, false, PATH(l, "listen[%zu].address", i),
				    "%.*s stands already in listen[%zu]", STR_ARG(at->address), j);
		if (!at->tls && !is_local(at->address))
			conf_report_at(l, true, PATH(l, "listen[%zu].tls", i),
			    "without TLS on %.*s tokens and patient data are readable on the network",
			    STR_ARG(at->address));
	}
	if (tls && c->n_certs == 0)
		conf_report_at(
		    l, false, STR("tls.certificates"), "missing: a listener with tls needs at least one certificate");
	for (size_t i = 0; i < c->n_certs; i++)
		for (size_t j = 0; j < i; j++)
			if (str_ieq(c->certs[i].name, c->certs[j].name))
				conf_report_at(l, false, PATH(l, "tls.certificates[%zu].name", i),
				    "%s%.*s%s has a certificate already",
				    c->certs[i].name.n == 0 ? "the default name" : "\"", STR_ARG(c->certs[i].name),
				    c->certs[i].name.n == 0 ? "" : "\"");
}

static void
check_http(struct conf_loader *l)
{
	const struct conf *c = l->c;
	if (c->http.limits.target_max_bytes >= c->http.limits.head_max_bytes)
		conf_report_at(
		    l, false, STR("http.target_max"), "must be smaller than http.head_max, which includes the target");
	if (c->http.request_arena_bytes < c->body_max_bytes + c->reply_max_bytes)
		conf_report_at(l, false, STR("http.request_memory_max"),
		    "must be at least http.body_max + http.reply_max (%zu bytes)",
		    c->body_max_bytes + c->reply_max_bytes);
	if (!is_local(c->control.listen))
		conf_report_at(l, false, STR("control.listen"),
		    "expected a loopback address (127.0.0.1, [::1]) or unix:/path: health and metrics are not for the "
		    "public");
}

static void
check_backends(struct conf_loader *l, const struct conf_site *s)
{
	bool proxy = str_eq(s->backend, STR("proxy"));
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct conf_route_backend *r = &s->routes[i];
		proxy = proxy || str_eq(r->backend, STR("proxy"));
		for (size_t j = 0; j < i; j++)
			if (str_eq(r->api, s->routes[j].api) && str_eq(r->route, s->routes[j].route))
				conf_report_at(l, false, PATH(l, "sites.%.*s.routes[%zu]", STR_ARG(s->name), i),
				    "the same api and route as in routes[%zu]", j);
	}
	if (proxy && s->upstream.url.n == 0)
		conf_report_at(l, false, PATH(l, "sites.%.*s.upstream.url", STR_ARG(s->name)),
		    "missing: the proxy backend needs http://host:port, https://host:port or unix:/path");
	if (!proxy && s->upstream.url.n > 0)
		conf_report_at(l, true, PATH(l, "sites.%.*s.upstream.url", STR_ARG(s->name)),
		    "nothing uses the upstream: backend and routes say direct");
	struct str prefix = s->upstream.path_prefix, path, query;
	if (prefix.n > 0 &&
	    (target_parse(prefix, &path, &query, NULL) != 0 || query.p != NULL || str_ends(prefix, STR("/"))))
		conf_report_at(l, false, PATH(l, "sites.%.*s.upstream.path_prefix", STR_ARG(s->name)),
		    "expected a path that begins with \"/\" and does not end with it, written as in a URL");
}

static void
check_time_zone(struct conf_loader *l, const struct conf_site *s)
{
	static struct zone zone; /* large */
	if (zone_load(&zone, s->db.time_zone) != 0)
		conf_report_at(l, false, PATH(l, "sites.%.*s.database.time_zone", STR_ARG(s->name)),
		    "no time zone of this machine (tzdata), and no offset as -05:00");
}

/* A folder that is not there is told, not refused: it may be mounted later. */
static void
check_documents(struct conf_loader *l, const struct conf_site *s)
{
	char dir[4096];
	if (str_eq(s->backend, STR("proxy")))
		return;
	if (!conf_documents_dir(s, dir, sizeof dir))
		conf_report_at(l, true, PATH(l, "sites.%.*s.documents.dir", STR_ARG(s->name)),
		    "no folder is set here or by openemr_sites_dir: document routes answer 503");
	else if (access(dir, R_OK | W_OK | X_OK) != 0)
		conf_report_at(l, true, PATH(l, "sites.%.*s.documents.dir", STR_ARG(s->name)),
		    "%s cannot be read and written by this user: document routes answer 503", dir);
}

/* What a browser runs, reads from the device or sends in clear is no place for a code. */
static bool
redirect_scheme_sound(struct str s)
{
	static const struct str never[] = { STR_INIT("http"), STR_INIT("javascript"), STR_INIT("data"),
		STR_INIT("vbscript"), STR_INIT("file"), STR_INIT("blob"), STR_INIT("about"), STR_INIT("ftp"),
		STR_INIT("ws"), STR_INIT("wss"), STR_INIT("filesystem"), STR_INIT("view-source") };
	for (size_t i = 0; i < NITEMS(never); i++)
		if (str_eq(s, never[i]))
			return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    (i == 0 || str_find(STR("0123456789+-."), s.p[i]) == STR("0123456789+-.").n))
			return false;
	return s.n > 0;
}

static void
check_oauth(struct conf_loader *l, const struct conf_site *s)
{
	for (size_t i = 0; i < s->oauth.n_redirect_schemes; i++)
		if (!redirect_scheme_sound(s->oauth.redirect_schemes[i]))
			conf_report_at(l, false, PATH(l, "sites.%.*s.oauth.redirect_schemes", STR_ARG(s->name)),
			    "expected https, loopback, private-use, or the name of a scheme in small letters that no "
			    "browser serves itself");
	bool grants = s->oauth.password_users || s->oauth.password_patients;
	if (str_eq(s->oauth.client_auth, STR("documented")))
		conf_report_at(l, true, PATH(l, "sites.%.*s.oauth.client_auth", STR_ARG(s->name)),
		    "documented: %s grants work without the client's secret; strict is safer",
		    grants ? "password and refresh" : "refresh");
	if (str_eq(s->oauth.registration, STR("token")) && s->oauth.registration_token.n == 0)
		conf_report_at(l, false, PATH(l, "sites.%.*s.oauth.registration_token", STR_ARG(s->name)),
		    "missing: registration: token needs one");
	if (s->oauth.refresh_ttl_s > 0 && s->oauth.refresh_ttl_s < s->oauth.access_ttl_s)
		conf_report_at(l, false, PATH(l, "sites.%.*s.oauth.refresh_ttl", STR_ARG(s->name)),
		    "must not be shorter than access_ttl");
	if (s->oauth.key_keep_s < s->oauth.access_ttl_s)
		conf_report_at(l, false, PATH(l, "sites.%.*s.oauth.key_keep", STR_ARG(s->name)),
		    "shorter than access_ttl: tokens would outlive the key that proves them");
	if (s->oauth.openemr_rows && str_eq(s->oauth.signing_alg, STR("ES256")))
		conf_report_at(l, true, PATH(l, "sites.%.*s.oauth.signing_alg", STR_ARG(s->name)),
		    "OpenEMR's PHP understands RS256 only; openemr_rows is of no use with ES256");
}

static void
check_site(struct conf_loader *l, const struct conf_site *s)
{
	const struct conf *c = l->c;
	if (s->db.deadline_ms >= c->request_ms)
		conf_report_at(l, false, PATH(l, "sites.%.*s.database.timeout", STR_ARG(s->name)),
		    "must be shorter than http.request_timeout");
	if ((s->db.tls_cert.n == 0) != (s->db.tls_key.n == 0))
		conf_report_at(l, false, PATH(l, "sites.%.*s.database.tls_certificate", STR_ARG(s->name)),
		    "tls_certificate and tls_key go together");
	if (s->redis_prefix.n == 0)
		conf_report_at(l, false, PATH(l, "sites.%.*s.redis_prefix", STR_ARG(s->name)), "must not be empty");
	if (s->n_scope_files == 0 && c->n_scope_files == 0)
		conf_report_at(l, false, PATH(l, "sites.%.*s.scope_files", STR_ARG(s->name)),
		    "missing: neither here nor in policy.scope_files stands a scope file");
	check_backends(l, s);
	check_time_zone(l, s);
	check_documents(l, s);
	check_oauth(l, s);
}

/* Two sites must not meet in Redis; in one database they are allowed but rarely meant. */
static void
check_site_pair(struct conf_loader *l, const struct conf_site *s, const struct conf_site *before)
{
	if (str_ieq(s->name, before->name))
		conf_report_at(l, false, PATH(l, "sites.%.*s", STR_ARG(s->name)),
		    "differs from \"%.*s\" in upper and lower case only", STR_ARG(before->name));
	if (s->redis_prefix.n > 0 && before->redis_prefix.n > 0 &&
	    (str_starts(s->redis_prefix, before->redis_prefix) || str_starts(before->redis_prefix, s->redis_prefix)))
		conf_report_at(l, false, PATH(l, "sites.%.*s.redis_prefix", STR_ARG(s->name)),
		    "\"%.*s\" overlaps with that of site %.*s: keys of one site could be read by the other",
		    STR_ARG(s->redis_prefix), STR_ARG(before->name));
	const struct db_conf *a = &s->db, *b = &before->db;
	bool same_server = a->socket.n > 0 ? str_eq(a->socket, b->socket)
	                                   : b->socket.n == 0 && str_ieq(a->host, b->host) && a->port == b->port;
	if (same_server && str_eq(a->database, b->database) && a->database.n > 0)
		conf_report_at(l, true, PATH(l, "sites.%.*s.database.name", STR_ARG(s->name)),
		    "site %.*s uses the same database", STR_ARG(before->name));
}

void
conf_check(struct conf_loader *l)
{
	const struct conf *c = l->c;
	check_listen(l);
	check_http(l);
	if (c->n_sites == 0)
		conf_report_at(l, false, STR("sites"), "missing: expected at least one site, here or in sites_dir");
	for (size_t i = 0; i < c->n_sites; i++) {
		check_site(l, &c->sites[i]);
		for (size_t j = 0; j < i; j++)
			check_site_pair(l, &c->sites[i], &c->sites[j]);
	}
}
