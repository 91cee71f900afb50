/* SPDX-License-Identifier: GPL-3.0-or-later */
/* THE item table: every setting, its type, default, range and help. A new setting is a row here and a member in conf.h. The order
 * is the order of the printed file; rows of one section stand together.                                                   */
#include "gateway/config/conf_item.h"

#define SECTION(where, text) { .path = (where), .type = C_SECTION, .help = (text) }
#define ITEM(where, kind, owner, member, default_text, text, ...)                                                      \
	{ .path = (where),                                                                                             \
		.type = (kind),                                                                                        \
		.offset = offsetof(owner, member),                                                                     \
		.size = sizeof(((owner *)0)->member),                                                                  \
		.def = (default_text),                                                                                 \
		.help = (text),                                                                                        \
		__VA_ARGS__ }
#define RANGE(low, high) .min = (low), .max = (high)
#define MANY(where, kind, owner, member, count, default_text, text, ...)                                               \
	{ .path = (where),                                                                                             \
		.type = (kind),                                                                                        \
		.flags = C_MANY,                                                                                       \
		.offset = offsetof(owner, member),                                                                     \
		.size = sizeof(struct str),                                                                            \
		.n_offset = offsetof(owner, count),                                                                    \
		.def = (default_text),                                                                                 \
		.help = (text),                                                                                        \
		__VA_ARGS__ }
#define GROUP(where, owner, member, count, boot, text)                                                                 \
	{ .path = (where),                                                                                             \
		.type = C_GROUP,                                                                                       \
		.flags = (boot),                                                                                       \
		.offset = offsetof(owner, member),                                                                     \
		.size = sizeof(void *),                                                                                \
		.n_offset = offsetof(owner, count),                                                                    \
		.elem_size = sizeof(*((owner *)0)->member),                                                            \
		.help = (text) }
#define SITE(where, kind, member, ...)     ITEM("sites.*." where, kind, struct conf_site, member, __VA_ARGS__)
#define UPSTREAM(where, kind, member, ...) SITE("upstream." where, kind, upstream.member, __VA_ARGS__)
#define DATABASE(where, kind, member, ...) SITE("database." where, kind, db.member, __VA_ARGS__)

/* clang-format off: one row per setting reads as a table */
const struct conf_item conf_items[] = {
	ITEM("origin", C_ORIGIN, struct conf, origin, NULL,
	    "The public address. Every URL that is given out begins with it, whatever Host a client sends.",
	    .flags = C_REQUIRED, .example = "https://emr.example.org"),
	ITEM("sites_dir", C_PATH, struct conf, sites_dir, NULL,
	    "Folder with more sites: each *.yaml in it holds what stands below \"sites:\" here.", .example = "sites.d"),

	GROUP("listen[]", struct conf, listen, n_listen, C_BOOT, "Public listeners."),
	ITEM("listen[].address", C_ADDRESS, struct conf_listen, address, NULL, "Address and port, or unix:/path.",
	    .flags = C_BOOT | C_REQUIRED, .example = "0.0.0.0:9300"),
	ITEM("listen[].tls", C_BOOL, struct conf_listen, tls, "true",
	    "TLS; off only behind a TLS terminator on this machine.", .flags = C_BOOT),

	SECTION("tls", "TLS of the public listeners."),
	GROUP("tls.certificates[]", struct conf, certs, n_certs, 0, "Certificates; read again at reload."),
	ITEM("tls.certificates[].certificate", C_PATH, struct conf_cert, certificate, NULL, "PEM chain, leaf first.",
	    .flags = C_REQUIRED, .example = "/etc/gatehouse/tls/emr.pem"),
	ITEM("tls.certificates[].key", C_PATH, struct conf_cert, key, NULL, "PEM private key.", .flags = C_REQUIRED,
	    .example = "/etc/gatehouse/tls/emr.key"),
	ITEM("tls.certificates[].passphrase", C_SECRET, struct conf_cert, passphrase, NULL, "Of the key."),
	ITEM("tls.certificates[].name", C_NAME, struct conf_cert, name, NULL,
	    "Server name (SNI) that selects it, *.name for all of one label more; without one it serves all other "
	    "names.",
	    .example = "emr.example.org"),
	ITEM("tls.min_version", C_CHOICE, struct conf, tls.min_version, "1.2", "Oldest TLS version.",
	    .choices = "1.2|1.3"),
	ITEM("tls.ticket_period", C_SECONDS, struct conf, tls.ticket_period_s, "4h",
	    "How long a session ticket key makes new tickets; the one before is still read.", RANGE("10m", "1d")),

	SECTION("http", "Limits of the public side."),
	ITEM("http.head_max", C_BYTES, struct conf, http.limits.head_max_bytes, "16KiB",
	    "Largest request head; more is 431.", RANGE("2KiB", "256KiB")),
	ITEM("http.target_max", C_BYTES, struct conf, http.limits.target_max_bytes, "8KiB",
	    "Longest request target; more is 414.", RANGE("256B", "64KiB")),
	ITEM("http.fields_max", C_UINT, struct conf, http.limits.fields_max, "100", "Most header fields; more is 431.",
	    RANGE("10", "1000")),
	ITEM("http.body_max", C_BYTES, struct conf, body_max_bytes, "1MiB",
	    "Largest body that is read whole (JSON, forms); more is 413.", RANGE("1KiB", "64MiB")),
	ITEM("http.reply_max", C_BYTES, struct conf, reply_max_bytes, "16MiB",
	    "Largest answer that is built whole; more is 500.", RANGE("64KiB", "256MiB")),
	ITEM("http.request_memory_max", C_BYTES, struct conf, http.request_arena_bytes, "32MiB",
	    "Memory of one request in all.", RANGE("256KiB", "512MiB")),
	ITEM("http.handshake_timeout", C_MS, struct conf, http.handshake_ms, "10s", "Time for the TLS handshake.",
	    RANGE("1s", "60s")),
	ITEM("http.header_timeout", C_MS, struct conf, http.header_ms, "10s",
	    "Time a client has to send its header block; then 408.", RANGE("1s", "60s")),
	ITEM("http.body_timeout", C_MS, struct conf, http.body_ms, "20s", "Longest pause in a body; then 408.",
	    RANGE("1s", "10m")),
	ITEM("http.idle_timeout", C_MS, struct conf, http.idle_ms, "75s",
	    "How long a connection without a request stays open.", RANGE("1s", "1h")),
	ITEM("http.write_timeout", C_MS, struct conf, http.write_ms, "30s",
	    "How long a client may take nothing of an answer.", RANGE("1s", "10m")),
	ITEM("http.request_timeout", C_MS, struct conf, request_ms, "30s",
	    "Time for one whole buffered request; then 503.", RANGE("1s", "10m")),
	ITEM("http.connections_max", C_UINT, struct conf, http.connections_max, "10000", "Open connections per worker.",
	    RANGE("1", "1000000")),
	ITEM("http.connections_per_address_max", C_UINT, struct conf, http.connections_per_address_max, "1000",
	    "Open connections per client address and worker; 0: no limit.", RANGE("0", "1000000")),
	ITEM("http.requests_per_connection_max", C_UINT, struct conf, http.requests_per_connection_max, "10000",
	    "Requests until a connection is closed; 0: no limit.", RANGE("0", "1000000000")),
	MANY("http.trusted_proxies", C_CIDR, struct conf, trusted_proxies, n_trusted_proxies, NULL,
	    "Networks whose Forwarded and X-Forwarded-For are believed.", .example = "[10.0.0.0/8]"),

	SECTION("process", "Processes and rights."),
	ITEM("process.workers", C_UINT, struct conf, process.workers, "0", "Worker processes; 0: one per core.",
	    RANGE("0", "256"), .flags = C_BOOT),
	ITEM("process.hashd", C_UINT, struct conf, process.hashd, "1", "Processes that check passwords.",
	    RANGE("1", "64"), .flags = C_BOOT),
	ITEM("process.hash_queue_max", C_UINT, struct conf, process.hash_queue_max, "64",
	    "Password checks that may wait per worker; more are 503.", RANGE("1", "10000")),
	ITEM("process.filed", C_UINT, struct conf, process.filed, "1",
	    "Processes that read and write the files of documents.", RANGE("1", "64"), .flags = C_BOOT),
	ITEM("process.user", C_WORD, struct conf, process.user, NULL,
	    "User to become after binding, when started by root.", .flags = C_BOOT, .example = "gatehouse"),
	ITEM("process.group", C_WORD, struct conf, process.group, NULL, "Group to become; without one the user's.",
	    .flags = C_BOOT, .example = "gatehouse"),
	ITEM("process.pid_file", C_PATH, struct conf, process.pid_file, NULL, "Written after start.", .flags = C_BOOT,
	    .example = "/run/gatehouse/gatehouse.pid"),
	ITEM("process.drain_timeout", C_MS, struct conf, process.drain_ms, "30s",
	    "How long requests may finish at stop and reload.", RANGE("0", "10m")),

	SECTION("redis", "State of tokens, rate counters; shared by all sites under their prefixes."),
	ITEM("redis.socket", C_PATH, struct conf, redis.socket, NULL, "Unix socket; wins over host.",
	    .example = "/run/redis/redis.sock"),
	ITEM("redis.host", C_WORD, struct conf, redis.host, "127.0.0.1", "Host name or address."),
	ITEM("redis.port", C_UINT, struct conf, redis.port, "6379", "TCP port.", RANGE("1", "65535")),
	ITEM("redis.user", C_STR, struct conf, redis.user, NULL, "ACL user.", .example = "gatehouse"),
	ITEM("redis.password", C_SECRET, struct conf, redis.password, NULL, "For AUTH."),
	ITEM("redis.database", C_UINT, struct conf, redis.database, "0", "Database number.", RANGE("0", "1023")),
	ITEM("redis.connections", C_UINT, struct conf, redis.connections, "2",
	    "Connections per worker: commands are pipelined on one, the others stand by.", RANGE("1", "64")),
	ITEM("redis.timeout", C_MS, struct conf, redis.deadline_ms, "500ms", "Time for one command.",
	    RANGE("10ms", "30s")),
	ITEM("redis.breaker_failures", C_UINT, struct conf, redis.breaker_failures, "5",
	    "Failures in a row after which no command is tried for a while.", RANGE("1", "1000")),
	ITEM("redis.breaker_open", C_MS, struct conf, redis.breaker_open_ms, "1s", "That while; then one probe.",
	    RANGE("50ms", "60s")),
	ITEM("redis.require_persistence", C_BOOL, struct conf, redis_require_persistence, "true",
	    "gatehouse check refuses a Redis that keeps nothing on disk: it would forget refresh tokens and "
	    "revocations."),
	ITEM("redis.on_failure", C_CHOICE, struct conf, redis_on_failure, "route",
	    "When Redis does not answer: closed (503), open (signature and local revocations only), local (limits per "
	    "worker), or "
	    "route: as the route's row in the scope file says.",
	    .choices = "route|closed|open|local"),

	SECTION("audit", "The journal; the answer of a request leaves after its record is on disk."),
	ITEM("audit.journal_dir", C_PATH, struct conf, audit.journal_dir, "/var/lib/gatehouse/audit",
	    "Folder of the segment files.", .flags = C_BOOT),
	ITEM("audit.signing_key", C_PATH, struct conf, audit.signing_key, "/var/lib/gatehouse/keys/audit.pem",
	    "Ed25519 key that signs checkpoints; made at the first start.", .flags = C_BOOT),
	ITEM("audit.group_wait", C_US, struct conf, audit.group_us, "300us",
	    "While several requests are under way, time to gather their records for one fsync.", RANGE("0", "100ms"),
	    .flags = C_BOOT),
	ITEM("audit.segment_max", C_BYTES, struct conf, audit.segment_bytes, "64MiB",
	    "Size at which a new segment begins.", RANGE("64KiB", "4GiB"), .flags = C_BOOT),
	ITEM("audit.segment_ahead", C_BYTES, struct conf, audit.ahead_bytes, "256KiB",
	    "Bytes (NUL) laid out behind the records of the segment being written, so that a sync is cheaper. 0 for "
	    "what "
	    "follows the file while it grows (tail, log shippers).",
	    RANGE("0", "16MiB"), .flags = C_BOOT),
	ITEM("audit.checkpoint_records", C_UINT, struct conf, audit.checkpoint_records, "10000",
	    "Records between signed checkpoints.", RANGE("1", "10000000"), .flags = C_BOOT),
	ITEM("audit.queue_max", C_UINT, struct conf, audit.queue_max, "10000",
	    "Records a worker may have waiting; requests beyond it are 503.", RANGE("10", "1000000")),

	SECTION("control", "Health and metrics, for operators only."),
	ITEM("control.listen", C_ADDRESS, struct conf, control.listen, "127.0.0.1:9301",
	    "Loopback address or unix:/path.", .flags = C_BOOT),

	SECTION("log", "The program's log; the audit journal is separate."),
	ITEM("log.level", C_INDEX, struct conf, log.level, "info", "Least important level written.",
	    .choices = "debug|info|warn|error"),
	ITEM("log.format", C_INDEX, struct conf, log.json, "text", "Form of the lines.", .choices = "text|json"),
	ITEM("log.file", C_PATH, struct conf, log.file, NULL, "File; without one standard error.", .flags = C_BOOT,
	    .example = "/var/log/gatehouse/gatehouse.log"),

	SECTION("policy", "Who may do what."),
	MANY("policy.scope_files", C_PATH, struct conf, scope_files, n_scope_files, "/usr/share/gatehouse/scopes",
	    "Scope files: routes and what they ask for; a site may name its own."),
	ITEM("policy.token_cache", C_UINT, struct conf, token_cache_items, "20000",
	    "Verified tokens remembered per worker and site.", RANGE("0", "10000000")),
	ITEM("policy.live_check", C_MS, struct conf, live_check_ms, "2s",
	    "How long \"token not revoked, client enabled, user active\" is believed.", RANGE("0", "5s")),

	SECTION("swagger", "Swagger UI, at /apis/{site}/swagger/ and, for the site \"default\", at /swagger/."),
	ITEM("swagger.dir", C_PATH, struct conf, swagger.dir, NULL,
	    "Folder made by swagger/fetch; read at start. Without it only the OpenAPI document is served.",
	    .example = "/usr/share/gatehouse/swagger"),

	SECTION(
	    "outbound", "Calls to addresses that clients registered: key sets and back-channel logout; https only."),
	ITEM("outbound.tls_ca", C_PATH, struct conf, outbound.tls_ca, NULL, "CA file; without it the system's.",
	    .example = "/etc/gatehouse/tls/outbound-ca.pem"),
	MANY("outbound.allow", C_CIDR, struct conf, outbound.allow, outbound.n_allow, NULL,
	    "Networks that may be called although they are not public.", .example = "[10.1.0.0/16]"),
	ITEM("outbound.timeout", C_MS, struct conf, outbound.timeout_ms, "5s",
	    "Time for one call, name lookup included.", RANGE("100ms", "30s")),

	SECTION("rate", "Limits for the rate classes that scope files name."),
	GROUP("rate.classes.*", struct conf, rates, n_rates, 0, "Rate classes by name."),
	ITEM("rate.classes.*.limit", C_UINT, struct conf_rate, limit, "600", "Requests per window; 0: unlimited.",
	    RANGE("0", "1000000000")),
	ITEM("rate.classes.*.window", C_MS, struct conf_rate, window_ms, "60s", "The window.", RANGE("100ms", "7d")),
	ITEM("rate.classes.*.burst", C_UINT, struct conf_rate, burst, "60", "Requests that may come at once.",
	    RANGE("1", "1000000")),
	ITEM("rate.classes.*.by", C_CHOICE, struct conf_rate, by, "client", "Who is counted.",
	    .choices = "client|user|site|address"),

	GROUP("sites.*", struct conf, sites, n_sites, 0,
	    "OpenEMR sites by name, as in /apis/{site}/api. A name has letters, digits, '-' and '.', and begins with a "
	    "letter or digit."),
	SITE("display_name", C_STR, display_name, "{site}", "Shown to people who sign in."),
	SITE("logo", C_STR, logo, NULL, "Image beside the name on the pages: an https URL.",
	    .example = "https://www.example.org/logo.png"),
	SITE("origin", C_ORIGIN, origin, NULL, "Public address of this site when it differs from the one above.",
	    .example = "https://other.example.org"),
	SITE("compat", C_CHOICE, compat, "classic",
	    "Statuses and bodies of the Standard API: classic (OpenEMR 6.x, 7.x as documented) or v8.",
	    .choices = "classic|v8"),
	SECTION("sites.*.database", "OpenEMR's MariaDB or MySQL database of this site."),
	DATABASE("socket", C_PATH, socket, NULL, "Unix socket; wins over host.", .example = "/run/mysqld/mysqld.sock"),
	DATABASE("host", C_WORD, host, "127.0.0.1", "Host name or address."),
	DATABASE("port", C_UINT, port, "3306", "TCP port.", RANGE("1", "65535")),
	DATABASE("name", C_STR, database, NULL, "Database (schema).", .flags = C_REQUIRED, .example = "openemr"),
	DATABASE("user", C_STR, user, NULL, "User.", .flags = C_REQUIRED, .example = "gatehouse"),
	DATABASE("password", C_SECRET, password, NULL, "Of the user."),
	DATABASE("tls_ca", C_PATH, tls_ca, NULL, "CA file; when set, TLS with verification.",
	    .example = "/etc/gatehouse/tls/db-ca.pem"),
	DATABASE(
	    "tls_certificate", C_PATH, tls_cert, NULL, "Client certificate.", .example = "/etc/gatehouse/tls/db.pem"),
	DATABASE("tls_key", C_PATH, tls_key, NULL, "Its key.", .example = "/etc/gatehouse/tls/db.key"),
	DATABASE("time_zone", C_STR, time_zone, NULL,
	    "Time zone of OpenEMR's dates, where PHP's differs from OpenEMR's setting gbl_time_zone (read when a "
	    "connection is opened; UTC when both are empty).",
	    .example = "America/New_York"),
	DATABASE("connections_max", C_UINT, connections_max, "8", "Connections per worker.", RANGE("1", "1000")),
	DATABASE("queue_max", C_UINT, queue_max, "1000", "Requests that may wait for a connection; more are 503.",
	    RANGE("0", "100000")),
	DATABASE("timeout", C_MS, deadline_ms, "2s", "Time for one statement, waiting included.", RANGE("50ms", "60s")),
	DATABASE("slow", C_MS, slow_ms, "250ms", "Slower statements are logged by name, without values; 0: none.",
	    RANGE("0", "60s")),
	DATABASE("batch_max", C_UINT, batch_max, "32", "Point reads joined into one statement.", RANGE("1", "64")),
	DATABASE("statements_max", C_UINT, statements_max, "100",
	    "Prepared statements kept per connection. All connections of all workers and sites share the server's "
	    "max_prepared_stmt_count (16382 where it was not changed, 151 connections).",
	    RANGE("4", "256")),
	SITE("redis_prefix", C_STR, redis_prefix,
	    "gh:{site}:", "Begin of this site's keys in Redis; no two sites may share it."),
	SECTION("sites.*.apis", "Which APIs are on."),
	SITE("apis.standard", C_BOOL, apis.standard, "true", "/apis/{site}/api"),
	SITE("apis.portal", C_BOOL, apis.portal, "true", "/apis/{site}/portal"),
	SITE("apis.fhir", C_BOOL, apis.fhir, "true", "/apis/{site}/fhir"),
	SITE("apis.system_scopes", C_BOOL, apis.system_scopes, "true", "Scopes that begin with system/."),
	SECTION("sites.*.oauth", "The authorization server of this site."),
	SITE("oauth.password_users", C_BOOL, oauth.password_users, "false", "Password grant with user_role=users."),
	SITE("oauth.password_patients", C_BOOL, oauth.password_patients, "false",
	    "Password grant with user_role=patient."),
	SITE("oauth.client_auth", C_CHOICE, oauth.client_auth, "strict",
	    "strict: the registered method is enforced. documented: password and refresh grants also work without "
	    "client_secret, as the "
	    "examples of OpenEMR's documentation send them.",
	    .choices = "strict|documented"),
	SITE("oauth.registration", C_CHOICE, oauth.registration, "open", "Who may register a client.",
	    .choices = "open|token|closed"),
	SITE("oauth.registration_token", C_SECRET, oauth.registration_token, NULL,
	    "Initial access token for registration: token."),
	SITE("oauth.approval", C_CHOICE, oauth.approval, "scopes",
	    "Which registered clients wait until an administrator enables them: those with certain scopes, or all.",
	    .choices = "scopes|all"),
	MANY("sites.*.oauth.approval_scopes", C_STR, struct conf_site, oauth.approval_scopes, oauth.n_approval_scopes,
	    NULL,
	    "Beginnings of those scopes; without any OpenEMR's rule: user/ and system/, and launch of public clients.",
	    .example = "[user/, system/, patient/]"),
	MANY("sites.*.oauth.redirect_schemes", C_STR, struct conf_site, oauth.redirect_schemes,
	    oauth.n_redirect_schemes, NULL,
	    "Redirect addresses that a client may register: https, loopback (http on this device), private-use (a "
	    "reversed domain name, as org.example.app), or a scheme by its name; without any the first three.",
	    .example = "[https, loopback, private-use, myapp]"),
	SITE("oauth.signing_key", C_PATH, oauth.signing_key, "/var/lib/gatehouse/keys/{site}.pem",
	    "PEM private key that signs tokens; may be OpenEMR's oaprivate.key. Made at the first start when missing."),
	SITE("oauth.signing_passphrase", C_SECRET, oauth.signing_passphrase, NULL, "Of the key."),
	SITE("oauth.signing_alg", C_CHOICE, oauth.signing_alg, "RS256", "OpenEMR's PHP understands RS256 only.",
	    .choices = "RS256|ES256"),
	SITE("oauth.key_publish", C_SECONDS, oauth.key_publish_s, "1h",
	    "How long a key made by gatehouse key rotate is published before it signs: longer than any client keeps "
	    "our keys.",
	    RANGE("0", "30d")),
	SITE("oauth.key_keep", C_SECONDS, oauth.key_keep_s, "7d",
	    "How long a key stays published after its successor began to sign: at least the life of the tokens it "
	    "signed.",
	    RANGE("1m", "400d")),
	SITE("oauth.access_ttl", C_SECONDS, oauth.access_ttl_s, "1h", "Life of an access token.", RANGE("10s", "1d")),
	SITE("oauth.system_ttl", C_SECONDS, oauth.system_ttl_s, "5m", "Life of one by client_credentials.",
	    RANGE("10s", "1h")),
	SITE("oauth.refresh_idle", C_SECONDS, oauth.refresh_idle_s, "90d", "A refresh token not used for so long ends.",
	    RANGE("1m", "400d")),
	SITE("oauth.refresh_ttl", C_SECONDS, oauth.refresh_ttl_s, "0",
	    "End of a refresh token's family after sign-in; 0: none.", RANGE("0", "3650d")),
	SITE("oauth.refresh_grace", C_SECONDS, oauth.refresh_grace_s, "10s",
	    "A refresh token used again so soon by its client gets the same answer again; later its grant is revoked.",
	    RANGE("0", "60s")),
	SITE("oauth.session_ttl", C_SECONDS, oauth.session_ttl_s, "4h",
	    "End of a sign-in session; within it other apps need no new sign-in.", RANGE("1m", "30d")),
	SITE("oauth.session_idle", C_SECONDS, oauth.session_idle_s, "1h",
	    "A sign-in session not used for so long ends.", RANGE("1m", "30d")),
	SITE("oauth.consent_days", C_UINT, oauth.consent_days, "0",
	    "For how many days a consent is remembered, per person and app; 0: asked each time.", RANGE("0", "3650")),
	SITE("oauth.openemr_rows", C_BOOL, oauth.openemr_rows, "true",
	    "Write the rows by which OpenEMR's PHP accepts our tokens."),
	SECTION("sites.*.cors", "Browsers. Origins of registered redirect_uris are allowed anyway."),
	MANY("sites.*.cors.origins", C_ORIGIN, struct conf_site, cors.origins, cors.n_origins, NULL,
	    "More origins that may call.", .example = "[https://app.example.org]"),
	SITE("cors.max_age", C_SECONDS, cors.max_age_s, "10m", "How long a browser may remember a preflight.",
	    RANGE("0", "1d")),
	SECTION("sites.*.swagger", "Swagger UI of this site."),
	SITE("swagger.client_id", C_STR, swagger.client_id, NULL,
	    "OAuth client that the page fills in; its redirect URI is "
	    "{origin}/apis/{site}/swagger/oauth2-redirect.html."),
	SITE("backend", C_CHOICE, backend, "direct", "Who answers: direct (the database) or proxy (the upstream).",
	    .choices = "direct|proxy"),
	GROUP("sites.*.routes[]", struct conf_site, routes, n_routes, 0,
	    "Exceptions from it: the longest fitting one wins."),
	ITEM("sites.*.routes[].backend", C_CHOICE, struct conf_route_backend, backend, NULL, "Who answers these.",
	    .flags = C_REQUIRED, .choices = "direct|proxy", .example = "proxy"),
	ITEM("sites.*.routes[].api", C_CHOICE, struct conf_route_backend, api, NULL, "One API; without it all.",
	    .choices = "api|portal|fhir", .example = "api"),
	ITEM("sites.*.routes[].route", C_ROUTE, struct conf_route_backend, route, NULL,
	    "Method and begin of the pattern; without it all.", .example = "GET /api/patient/:puuid"),
	SECTION("sites.*.upstream", "Of the proxy backend: an OpenEMR in PHP."),
	UPSTREAM("url", C_URL, url, NULL, "http://host:port, https://host:port or unix:/path.",
	    .example = "http://127.0.0.1:8080"),
	UPSTREAM("host", C_WORD, host, NULL, "Host field sent; without it that of the url.", .example = "emr.internal"),
	UPSTREAM("path_prefix", C_STR, path_prefix, NULL, "Put before the path.", .example = "/openemr"),
	UPSTREAM("tls_ca", C_PATH, tls_ca, NULL, "CA file for https; without it the system's.",
	    .example = "/etc/gatehouse/tls/upstream-ca.pem"),
	UPSTREAM("connections_max", C_UINT, connections_max, "64", "Connections per worker.", RANGE("1", "10000")),
	UPSTREAM("connect_timeout", C_MS, connect_ms, "2s", "Time to connect; then 502.", RANGE("50ms", "60s")),
	UPSTREAM("header_timeout", C_MS, header_ms, "30s", "Time to the head of the answer; then 504.",
	    RANGE("100ms", "10m")),
	UPSTREAM("read_timeout", C_MS, read_ms, "30s", "Longest pause in the answer.", RANGE("100ms", "10m")),
	UPSTREAM("idle_timeout", C_MS, idle_ms, "30s", "How long an unused connection is kept.", RANGE("1s", "1h")),
	SITE("openemr_log", C_BOOL, openemr_log, "false",
	    "Write OpenEMR's own rows of each request too (log, log_comment_encrypt, api_log), behind the answer."),
	SITE("openemr_sites_dir", C_PATH, openemr_sites_dir, NULL,
	    "OpenEMR's folder sites/{site}: its drive keys let us read what OpenEMR stored encrypted.",
	    .example = "/var/www/openemr/sites/default"),
	SECTION("sites.*.documents", "Files of patients: upload, list, download."),
	SITE("documents.dir", C_PATH, documents.dir, NULL,
	    "Folder of the files; without one {openemr_sites_dir}/documents. Without either the routes answer 503.",
	    .example = "/var/www/openemr/sites/default/documents"),
	SITE("documents.file_max", C_BYTES, documents.file_max_bytes, "100MiB", "Largest file; more is 413.",
	    RANGE("1KiB", "2047MiB")),
	SITE("documents.patient_max", C_BYTES, documents.patient_max_bytes, "0",
	    "Most bytes of all files of one patient; more is 413. 0: no limit.", RANGE("0", "1024GiB")),
	SITE("documents.site_max", C_BYTES, documents.site_max_bytes, "0",
	    "Most bytes of all files of the site; more is 413. 0: no limit.", RANGE("0", "1048576GiB")),
	MANY("sites.*.scope_files", C_PATH, struct conf_site, scope_files, n_scope_files, NULL,
	    "Instead of policy.scope_files.", .example = "[/etc/gatehouse/scopes/this-site.yaml]"),
};
/* clang-format on */
const size_t conf_items_n = NITEMS(conf_items);

const char conf_example[] =
    "origin: https://localhost:9300\n"
    "listen: [{address: '0.0.0.0:9300'}]\n"
    "tls: {certificates: [{certificate: /etc/gatehouse/tls/emr.pem, key: /etc/gatehouse/tls/emr.key}]}\n"
    "rate: {classes: {default: {}}}\n"
    "sites: {default: {database: {name: openemr, user: gatehouse}}}\n";

struct str
conf_item_scope(const struct conf_item *it)
{
	struct str path = str_of(it->path);
	for (size_t i = path.n; i-- > 1;)
		if (path.p[i] == '.' && (path.p[i - 1] == '*' || path.p[i - 1] == ']'))
			return str_sub(path, 0, i);
	return STR("");
}

bool
conf_item_is_map(const struct conf_item *it)
{
	return it->type == C_GROUP && str_ends(str_of(it->path), STR(".*"));
}
