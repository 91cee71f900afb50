/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which fields pass between a client and the upstream, and the head that is sent: see head.h. */
#include "backends/proxy/head.h"

#include "gateway/config/conf.h"
#include "gateway/core/site.h"

enum { HEAD_FIRST = 1 << 10, NAME_MAX_BYTES = 40 };

static bool
hop_by_hop(const struct http_head *h, const struct http_field *f)
{
	static const bool always[HTTP_F_N] = { [HTTP_F_CONNECTION] = true,
		[HTTP_F_KEEP_ALIVE] = true,
		[HTTP_F_PROXY_CONNECTION] = true,
		[HTTP_F_TE] = true,
		[HTTP_F_TRAILER] = true,
		[HTTP_F_TRANSFER_ENCODING] = true,
		[HTTP_F_UPGRADE] = true,
		[HTTP_F_CONTENT_LENGTH] = true };
	if (always[f->id])
		return true;
	if (!h->connection_names)
		return false;
	for (size_t i = 0; i < h->n_fields; i++) /* the field may stand several times */
		if (h->fields[i].id == HTTP_F_CONNECTION && http_list_has(h->fields[i].value, f->name))
			return true;
	return false;
}

/* Ours to set, or of no use but to make the upstream see another request than the one that policy allowed and audit recorded: another
 * method or target (Symfony and Laminas, which OpenEMR is built on, read these), another address, a browser's session instead of the token. */
static const bool known_not_believed[HTTP_F_N] = { [HTTP_F_HOST] = true,
	[HTTP_F_EXPECT] = true,
	[HTTP_F_FORWARDED] = true,
	[HTTP_F_X_REQUEST_ID] = true,
	[HTTP_F_X_FORWARDED_FOR] = true,
	[HTTP_F_X_FORWARDED_PROTO] = true,
	[HTTP_F_X_FORWARDED_HOST] = true };
static const struct str not_believed[] = {
	STR_INIT("proxy"), /* CGI's HTTP_PROXY */
	STR_INIT("x-real-ip"), STR_INIT("x-client-ip"), STR_INIT("x-cluster-client-ip"), STR_INIT("client-ip"),
	STR_INIT("true-client-ip"), STR_INIT("x-http-method"), STR_INIT("x-http-method-override"),
	STR_INIT("x-method-override"), STR_INIT("x-original-method"), STR_INIT("x-original-url"),
	STR_INIT("x-original-uri"), STR_INIT("x-rewrite-url"), STR_INIT("apicsrftoken"), /* OpenEMR's local API */
};

static bool
name_plain(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'))
			return false;
	}
	return true;
}

/* What a client sends under these names is not passed on; nor what CGI and PHP read as a name that means something: "X_Forwarded_For". */
static bool
replaced(const struct http_field *f)
{
	char plain[NAME_MAX_BYTES]; /* longer than any of them */
	struct str name = f->name;
	if (f->id != HTTP_F_NONE)
		return known_not_believed[f->id];
	if (!name_plain(name)) {
		name.n = MIN(name.n, sizeof plain);
		for (size_t i = 0; i < name.n; i++)
			plain[i] = name_plain(str_sub(name, i, i + 1)) ? name.p[i] : '-';
		name.p = plain;
		if (http_field_lookup(name) != HTTP_F_NONE)
			return true;
	}
	for (size_t i = 0; i < NITEMS(not_believed); i++)
		if (str_ieq(name, not_believed[i]))
			return true;
	return str_istarts(name, STR("x-forwarded-"));
}

static void
forwarded_put(struct buf *b, const struct request *r)
{
	bool v6 = str_find(r->client_address, ':') < r->client_address.n;
	struct str origin = r->site->conf->origin.n > 0 ? r->site->conf->origin : r->worker->conf->origin;
	struct str host = str_skip(
	    origin, STR("https://").n); /* links that the upstream makes of it lead here, not where a Host field says */
	http_field_put(b, STR("X-Forwarded-For"), r->client_address);
	http_field_put(b, STR("X-Forwarded-Proto"), STR("https"));
	http_field_put(b, STR("X-Forwarded-Host"), host);
	http_field_put(b, STR("X-Request-Id"), r->request_id);
	buf_lit(b, "Forwarded: for=");
	buf_str_put(b, v6 ? STR("\"[") : STR(""));
	buf_str_put(b, r->client_address);
	buf_str_put(b, v6 ? STR("]\"") : STR(""));
	buf_lit(b, ";proto=https;host=\"");
	buf_str_put(b, host);
	buf_lit(b, "\"\r\n");
}

struct str
head_make(const struct request *r, const struct upstream *u, struct str path_prefix)
{
	const struct http_head *h = r->x->head;
	struct buf b;
	buf_init(&b, r->task.arena, HEAD_FIRST, HEAD_MAX);
	buf_str_put(&b, h->method_text);
	buf_char(&b, ' ');
	buf_str_put(&b, path_prefix);
	buf_str_put(&b, h->path);
	if (h->query.p != NULL) {
		buf_char(&b, '?');
		buf_str_put(&b, h->query);
	}
	buf_lit(&b, " HTTP/1.1\r\n");
	http_field_put(&b, STR("Host"), upstream_host(u));
	for (size_t i = 0; i < h->n_fields; i++)
		if (!hop_by_hop(h, &h->fields[i]) && !replaced(&h->fields[i]))
			http_field_copy(&b, &h->fields[i]);
	forwarded_put(&b, r);
	if (h->chunked) {
		http_field_put(&b, STR("Transfer-Encoding"), STR("chunked"));
	} else if (h->has_length) {
		buf_lit(&b, "Content-Length: ");
		buf_u64(&b, h->content_length);
		buf_lit(&b, "\r\n");
	}
	buf_lit(&b, "\r\n");
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

bool
head_answer_passes(const struct http_head *h, const struct http_field *f)
{
	return !(hop_by_hop(h, f) || f->id == HTTP_F_DATE || f->id == HTTP_F_X_REQUEST_ID || f->id == HTTP_F_SERVER ||
	         str_istarts(f->name, STR("access-control-")) || str_ieq(f->name, STR("strict-transport-security")) ||
	         str_ieq(f->name, STR("x-content-type-options")) || str_ieq(f->name, STR("x-powered-by")));
}
