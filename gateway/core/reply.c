/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reply under construction and error bodies per dialect. Not for sending (gateway/pipeline/respond.c). */
#include "gateway/core/reply.h"

#include "gateway/base/json_write.h"
#include "gateway/base/text.h"

#include <stdio.h>

enum { FIELDS_MAX = 16 << 10, CLASSIC_EMPTY_401 = 4010 };

static const struct {
	unsigned status[DIALECT_N];
	struct str error, issue, text;
} errors[] = {
#define X(id, oauth, v8, classic, fhir, error_code, issue_code, txt)                                                   \
	[REPLY_##id] = { { [DIALECT_OAUTH] = oauth,                                                                    \
		             [DIALECT_OPENEMR] = v8,                                                                   \
		             [DIALECT_CLASSIC] = classic,                                                              \
		             [DIALECT_FHIR] = fhir,                                                                    \
		             [DIALECT_PAGE] = oauth },                                                                 \
		STR_INIT(error_code), STR_INIT(issue_code), STR_INIT(txt) },
	REPLY_ERRORS(X)
#undef X
};
_Static_assert(NITEMS(errors) == REPLY_ERROR_N, "one row per error");

void
reply_init(struct reply *rp, struct arena *arena, size_t body_max)
{
	*rp = (struct reply){ 0 };
	buf_init(&rp->fields, arena, 256, FIELDS_MAX);
	buf_init(&rp->body, arena, 4096, body_max);
}

void
reply_field(struct reply *rp, struct str name, struct str value)
{
	http_field_put(&rp->fields, name, value);
}

void
reply_reset(struct reply *rp)
{
	rp->status = 0;
	rp->source = NULL;
	rp->cache_control_set = false;
	rp->content_type = STR_NULL;
	buf_clear(&rp->fields);
	buf_clear(&rp->body);
}

/* The one style of the page below, and its hash for the CSP. */
#define PAGE_STYLE                                                                                                     \
	"html{background:Canvas;color:CanvasText}body{margin:0;font:16px/1.5 "                                         \
	"system-ui,sans-serif}main{max-width:27rem;"                                                                   \
	"margin:12vh auto;padding:0 1.5rem}h1{margin:0 0 .35rem;font-size:1.5rem}p{margin:0}"
#define PAGE_STYLE_HASH "rJWrRATVWPcGjPW7W4xeSgGCCOXtNY+OTN/6ZWw6fFY="

/* Refusals on a page's address before or beside its endpoint: no frame, no site's name, but as well protected. Texts are this file's. */
static void
page_body(struct reply *rp, struct str text)
{
	rp->content_type = STR("text/html; charset=utf-8");
	reply_field(rp, STR("Content-Security-Policy"),
	    STR("default-src 'none'; style-src 'sha256-" PAGE_STYLE_HASH
	        "'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"));
	reply_field(rp, STR("Referrer-Policy"), STR("no-referrer"));
	buf_lit(&rp->body, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	                   "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" "
	                   "content=\"light dark\"><title>");
	html_put(&rp->body, text);
	buf_lit(&rp->body,
	    "</title><style>" PAGE_STYLE "</style></head><body><main><h1>This did not work</h1><p role=\"alert\">");
	html_put(&rp->body, text);
	buf_lit(&rp->body, "</p></main></body></html>\n");
}

static void
oauth_body(struct json_write *w, struct str error, struct str text)
{
	json_obj(w);
	json_kv_str(w, STR("error"), error);
	json_kv_str(w, STR("error_description"), text);
	json_kv_str(w, STR("message"), text);
	json_obj_end(w);
}

static void
openemr_body(struct json_write *w, struct str text)
{
	json_obj(w);
	json_kv_str(w, STR("error"), STR("An error occurred"));
	json_kv_str(w, STR("message"), text);
	json_kv_i64(w, STR("code"), 0);
	json_obj_end(w);
}

/* golden-7.0 31: the bearer check of 6.x and 7.x answers like the OAuth library, with a hint. */
static void
classic_denied_body(struct json_write *w, struct str text)
{
	json_obj(w);
	json_kv_str(w, STR("error"), STR("access_denied"));
	json_kv_str(w, STR("error_description"), text);
	json_kv_str(w, STR("hint"), STR("Missing \"Authorization\" header"));
	json_kv_str(w, STR("message"), text);
	json_obj_end(w);
}

static void
fhir_body(struct json_write *w, struct str issue, struct str text)
{
	json_obj(w);
	json_kv_str(w, STR("resourceType"), STR("OperationOutcome"));
	json_key(w, STR("issue"));
	json_arr(w);
	json_obj(w);
	json_kv_str(w, STR("severity"), STR("error"));
	json_kv_str(w, STR("code"), issue);
	json_key(w, STR("details"));
	json_obj(w);
	json_kv_str(w, STR("text"), text);
	json_obj_end(w);
	json_obj_end(w);
	json_arr_end(w);
	json_obj_end(w);
}

/* RFC 6750 3.1: who sent no credentials is told none of the error codes. */
static void
challenge(struct reply *rp, enum dialect d, enum reply_error which)
{
	if (d == DIALECT_PAGE)
		return;
	if (which == REPLY_NO_TOKEN)
		reply_field(rp, STR("WWW-Authenticate"), STR("Bearer realm=\"OpenEMR\""));
	else if (which == REPLY_UNAUTHENTICATED || which == REPLY_LOGGED_OUT)
		reply_field(rp, STR("WWW-Authenticate"), STR("Bearer realm=\"OpenEMR\", error=\"invalid_token\""));
	else if (which == REPLY_SCOPE || which == REPLY_ROLE)
		reply_field(rp, STR("WWW-Authenticate"), STR("Bearer realm=\"OpenEMR\", error=\"insufficient_scope\""));
}

void
reply_error(struct reply *rp, enum dialect d, enum reply_error which, struct str message)
{
	struct json_write w;
	CHECK(which < REPLY_ERROR_N && d < DIALECT_N);
	struct str text = message.n > 0 ? message : errors[which].text;
	unsigned status = errors[which].status[d];
	reply_reset(rp);
	challenge(rp, d, which);
	if (status == CLASSIC_EMPTY_401) {
		rp->status = 401;
		rp->content_type = STR("text/html; charset=utf-8");
		return;
	}
	rp->status = status;
	rp->content_type = d == DIALECT_FHIR ? STR("application/fhir+json") : STR("application/json");
	json_begin(&w, &rp->body, d == DIALECT_OPENEMR || d == DIALECT_CLASSIC ? JSON_PHP : JSON_PLAIN);
	switch (d) {
	case DIALECT_OAUTH:
		oauth_body(&w, errors[which].error, text);
		break;
	case DIALECT_FHIR:
		fhir_body(&w, errors[which].issue, text);
		break;
	case DIALECT_CLASSIC:
		if (which == REPLY_NO_TOKEN || which == REPLY_UNAUTHENTICATED)
			classic_denied_body(&w, text);
		else
			openemr_body(&w, text);
		break;
	case DIALECT_OPENEMR:
		openemr_body(&w, text);
		break;
	case DIALECT_PAGE:
		page_body(rp, text);
		break;
	case DIALECT_N:
		break;
	}
}

void
reply_retry_after(struct reply *rp, unsigned seconds)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%u", seconds);
	reply_field(rp, STR("Retry-After"), (struct str){ text, (size_t)n });
}
