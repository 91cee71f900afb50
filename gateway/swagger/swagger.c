/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend's rows. The document is made at the first request for it, once per site and worker: a reload makes new workers. */
#include "gateway/swagger/swagger.h"

#include "gateway/config/conf.h"
#include "gateway/swagger/openapi.h"
#include "gateway/swagger/ui_files.h"

#include <stdlib.h>

enum { DOC_ARENA = 48 << 20, DOC_FIRST = 256 << 10, DOC_MAX = 12 << 20 };

struct swagger {
	unsigned magic;
#define SWAGGER_MAGIC 0x5b3ce0d1u
	struct site *site;
	struct ui_files *ui;
	struct blob document;
};

/* --- the document ------------------------------------------------------------------------------------------------------------- */

static int
document_make(struct swagger *s, enum openapi_told *told, struct err *e)
{
	struct buf text;
	AUTO(arena) a = arena_new("openapi", DOC_ARENA);
	if (a == NULL)
		return ERR(e, E_MEMORY, "openapi");
	buf_init(&text, a, DOC_FIRST, DOC_MAX);
	if (openapi_make(s->site, a, &text, told) != 0)
		return ERR(e, E_LIMIT, "openapi: larger than %d bytes", DOC_MAX);
	return *told == OPENAPI_LATER ? 0 : blob_make(&s->document, buf_str(&text), STR("application/json"), e);
}

static enum step
document_answer(struct request *r, struct swagger *s)
{
	enum openapi_told told = OPENAPI_TOLD;
	if (s->document.plain.p == NULL && document_make(s, &told, &r->task.err) != 0)
		return STEP_FAIL;
	if (told == OPENAPI_LATER)
		return request_unavailable(r, "schema not read yet");
	return blob_reply(&s->document, r);
}

/* --- what the page asks --------------------------------------------------------------------------------------------------------- */

static enum step
settings_answer(struct request *r, struct swagger *s)
{
	struct json_write w;
	struct str id = s->site->conf->swagger.client_id;
	reply_reset(&r->reply);
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("client_id"), id.n > 0 ? id : STR(""));
	json_kv_str(&w, STR("token_url"), arena_printf(r->task.arena, "%.*s/token", STR_ARG(s->site->issuer)));
	json_key(&w, STR("scopes"));
	openapi_first_scopes_put(s->site, &w);
	json_obj_end(&w);
	return STEP_REPLY;
}

/* Relative references of the page need the slash. */
static enum step
slash_answer(struct request *r, struct swagger *s)
{
	(void)s;
	reply_reset(&r->reply);
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 301;
	reply_field(&r->reply, STR("Location"), STR("swagger/"));
	return STEP_REPLY;
}

static enum step
missing_answer(struct request *r)
{
	reply_reset(&r->reply);
	r->audit.reason = STR("swagger.dir lacks the file");
	r->audit.rule = STR("public");
	r->reply.status = 404;
	r->reply.content_type = STR("text/html; charset=utf-8");
	buf_lit(&r->reply.body,
	    "<!doctype html>\n<html lang=\"en\"><title>Swagger UI is not installed</title>\n<h1>Swagger UI is not "
	    "installed "
	    "here</h1>\n<p>The administrator of this gateway can install its files with <code>swagger/fetch</code> and "
	    "name "
	    "their folder in the setting <code>swagger.dir</code>.</p>\n<p>The API itself is described by <a "
	    "href=\"openapi.json\">openapi.json</a>.</p>\n</html>\n");
	return STEP_REPLY;
}

static enum step
file_answer(struct request *r, struct swagger *s)
{
	int i = ui_file_of(r->route->pattern);
	CHECK(i >= 0); /* swagger_serves() */
	return s->ui->v[i].plain.p == NULL ? missing_answer(r) : blob_reply(&s->ui->v[i], r);
}

/* --- the backend ---------------------------------------------------------------------------------------------------------------- */

struct answer {
	struct str pattern;
	enum step (*run)(struct request *r, struct swagger *s);
};
static const struct answer answers[] = {
	{ STR_INIT("/swagger/openapi.json"), document_answer },
	{ STR_INIT("/swagger/openemr-api.yaml"), document_answer },
	{ STR_INIT("/swagger/settings.json"), settings_answer },
	{ STR_INIT("/swagger"), slash_answer },
};
static const struct answer file = { STR_INIT(""), file_answer };

static const struct answer *
answer_of(const struct route *route)
{
	if (route->api != API_SWAGGER || route->method != HTTP_GET)
		return NULL;
	for (size_t i = 0; i < NITEMS(answers); i++)
		if (str_eq(answers[i].pattern, route->pattern))
			return &answers[i];
	return ui_file_of(route->pattern) >= 0 ? &file : NULL;
}

static bool
swagger_serves(const struct route *route)
{
	return answer_of(route) != NULL;
}

static int
swagger_bind(struct site *site, void *state, const struct route *route, void **handler)
{
	(void)site;
	(void)state;
	*handler = (void *)(uintptr_t)answer_of(route);
	return 0;
}

static enum step
swagger_handle(struct request *r, void *state, void *handler)
{
	struct swagger *s = state;
	const struct answer *a = handler;
	CHECK_OBJ(s, SWAGGER_MAGIC);
	return a->run(r, s);
}

static bool
swagger_healthy(const struct site *site, const void *state)
{
	(void)site;
	(void)state;
	return true;
}

static void
swagger_close(void **state)
{
	struct swagger *s = *state;
	*state = NULL;
	if (s == NULL)
		return;
	CHECK_OBJ(s, SWAGGER_MAGIC);
	if (s->ui != NULL && s->ui->refs == 1)
		s->site->worker->ui = NULL;
	ui_files_free(&s->ui);
	blob_done(&s->document);
	free(s);
}

static int
swagger_open(struct site *site, void **state, struct err *e)
{
	struct worker *w = site->worker;
	struct swagger *s = calloc(1, sizeof *s);
	struct err missing = { 0 };
	if (s == NULL)
		return ERR(e, E_MEMORY, "swagger");
	s->magic = SWAGGER_MAGIC;
	s->site = site;
	if (w->ui != NULL)
		w->ui->refs++;
	else
		w->ui = ui_files_read(w->conf->swagger.dir, &missing);
	s->ui = w->ui;
	if (missing.kind != E_NONE && w->number == 0)
		LOG(w->log, LOG_WARN, "swagger.dir", F_ERR(&missing));
	*state = s;
	if (s->ui != NULL)
		return 0;
	swagger_close(state);
	return ERR(e, E_MEMORY, "swagger");
}

const struct backend_ops backend_swagger = {
	.name = "swagger",
	.open = swagger_open,
	.serves = swagger_serves,
	.bind = swagger_bind,
	.handle = swagger_handle,
	.healthy = swagger_healthy,
	.close = swagger_close,
};
