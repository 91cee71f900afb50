/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes, gzip and ETag of a document. */
#include "gateway/swagger/blob.h"

#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 9, GZIP_LEAST = 512, ETAG_BYTES = 12 };

/* Scripts and styles of our own origin only; pictures of the style sheet are data: URLs. What the page loads and asks is the site's own. */
#define CSP                                                                                                            \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri " \
	"'none'; form-action 'self'; frame-ancestors 'none'"

static struct str
copy(struct str s)
{
	char *p = malloc(MAX(s.n, (size_t)1));
	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, p == NULL ? 0 : s.n };
}

/* .p NULL: not smaller, or no memory; then only the plain form is served. */
static struct str
compressed(struct str s)
{
	z_stream z = { 0 };
	if (s.n < GZIP_LEAST || s.n > UINT32_MAX ||
	    deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return STR_NULL;
	uint8_t *in = (uint8_t *)malloc(s.n), *out = malloc(s.n);
	bool done = false;
	if (in != NULL && out != NULL) {
		memcpy(in, s.p, s.n); /* zlib's input is not const */
		z.next_in = in;
		z.avail_in = (uInt)s.n;
		z.next_out = out;
		z.avail_out = (uInt)s.n;
		done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	}
	size_t n = z.total_out;
	(void)deflateEnd(&z);
	free(in);
	struct str got = done ? copy((struct str){ (const char *)out, n }) : STR_NULL;
	free(out);
	return got;
}

int
blob_make(struct blob *b, struct str text, struct str type, struct err *e)
{
	uint8_t hash[SHA256_LEN];
	struct buf tag = { .p = b->etag, .cap = sizeof b->etag, .max = sizeof b->etag };
	*b = (struct blob){ .plain = copy(text), .type = type, .html = str_starts(type, STR("text/html")) };
	if (b->plain.p == NULL)
		return ERR(e, E_MEMORY, "document");
	if (!str_starts(type, STR("image/")))
		b->gzip = compressed(text);
	sha256(text, hash);
	buf_lit(&tag, "W/\"");
	hex_put(&tag, hash, ETAG_BYTES);
	buf_char(&tag, '"');
	buf_char(&tag, 0);
	return 0;
}

void
blob_done(struct blob *b)
{
	free((void *)(uintptr_t)b->plain.p);
	free((void *)(uintptr_t)b->gzip.p);
	*b = (struct blob){ 0 };
}

/* RFC 9110 12.4.2: "q=0", "q=0.000". */
static bool
unwanted(struct str parameter)
{
	bool zero = str_istarts(parameter, STR("q="));
	for (size_t i = 2; zero && i < parameter.n; i++)
		zero = parameter.p[i] == '0' || parameter.p[i] == '.';
	return zero;
}

/* RFC 9110 12.5.3: gzip is named, and wanted. */
static bool
takes_gzip(struct str accept)
{
	struct str part;
	while (str_next(&accept, ',', &part)) {
		size_t semi = str_find(part, ';');
		if (str_ieq(str_trim(str_sub(part, 0, semi)), STR("gzip")))
			return !unwanted(str_trim(str_skip(part, semi + 1)));
	}
	return false;
}

/* RFC 9110 13.1.2: weak comparison of the opaque parts. */
static bool
has_it(struct str if_none_match, struct str etag)
{
	if (str_eq(if_none_match, STR("*")))
		return true;
	return str_find_str(if_none_match, str_skip(etag, 2)) < if_none_match.n;
}

enum step
blob_reply(const struct blob *b, struct request *r)
{
	struct reply *rp = &r->reply;
	struct str etag = str_of(b->etag);
	bool zip = b->gzip.p != NULL && takes_gzip(http_field(r->x->head, HTTP_F_ACCEPT_ENCODING));
	reply_reset(rp);
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	reply_field(rp, STR("ETag"), etag);
	reply_field(rp, STR("Cache-Control"), STR("no-cache"));
	reply_field(rp, STR("Vary"), STR("Accept-Encoding"));
	rp->cache_control_set = true;
	if (has_it(http_field(r->x->head, HTTP_F_IF_NONE_MATCH), etag)) {
		rp->status = 304;
		return STEP_REPLY;
	}
	rp->status = 200;
	rp->content_type = b->type;
	if (b->html) {
		reply_field(rp, STR("Content-Security-Policy"), STR(CSP));
		reply_field(rp, STR("Referrer-Policy"), STR("same-origin")); /* the redirect's URL holds a code */
	}
	if (zip)
		reply_field(rp, STR("Content-Encoding"), STR("gzip"));
	buf_str_put(&rp->body, zip ? b->gzip : b->plain);
	return STEP_REPLY;
}
