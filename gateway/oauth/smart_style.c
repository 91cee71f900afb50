/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET {issuer}/smart/smart-style: the site's look for apps, as the JSON object that SMART App Launch 2.2 "context-style" describes
 * (OpenEMR sends it encoded twice). Light or dark as OpenEMR's theme (global css_header). contract/oauth2.md 2.14.           */
#include "gateway/base/json_write.h"
#include "gateway/config/conf.h"
#include "gateway/oauth/endpoint.h"

enum theme { THEME_LIGHT, THEME_DARK, THEME_N };

static const struct {
	const char *name, *value[THEME_N];
} colours[] = {
	{ "color_background", { "#f8f9fa", "#212529" } },
	{ "color_error", { "#9e2d2d", "#e98a8a" } },
	{ "color_highlight", { "#69b5ce", "#69b5ce" } },
	{ "color_modal_backdrop", { "#343a40", "#000000" } },
	{ "color_success", { "#498e49", "#7fc97f" } },
	{ "color_text", { "#000000", "#f8f9fa" } },
	{ "dim_border_radius", { "6px", "6px" } },
	{ "dim_font_size", { "13px", "13px" } },
	{ "dim_spacing_size", { "20px", "20px" } },
	{ "font_family_body", { "Lato, Helvetica, sans-serif", "Lato, Helvetica, sans-serif" } },
	{ "font_family_heading", { "Lato, Helvetica, sans-serif", "Lato, Helvetica, sans-serif" } },
};

struct smart_style {
	struct db_result *db;
};
static const struct db_stmt theme_sql = { "css_header",
	"SELECT gl_value FROM globals WHERE gl_index = 0 AND gl_name = 'css_header'", false };

/* "style_dark.css" is OpenEMR's one dark theme. */
static enum theme
theme_of(struct str css)
{
	return str_find_str(css, STR("dark")) < css.n ? THEME_DARK : THEME_LIGHT;
}

static enum step
style_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct smart_style *s = task_frame(t);
	return db_query(t, r->site->db, &theme_sql, NULL, 0, &s->db);
}

static enum step
style_reply(struct task *t)
{
	struct request *r = request_of(t);
	struct smart_style *s = task_frame(t);
	struct json_write w;
	if (s->db->status != DB_OK)
		return request_unavailable(r, "database down: theme cannot be read");
	enum theme theme = s->db->n_rows == 0 ? THEME_LIGHT : theme_of(db_cell(s->db, 0, 0)->s);
	reply_reset(&r->reply);
	r->reply.status = 200;
	r->reply.content_type = STR("application/json");
	reply_field(&r->reply, STR("Cache-Control"), STR("public, max-age=300"));
	r->reply.cache_control_set = true;
	json_begin(&w, &r->reply.body, JSON_PLAIN);
	json_obj(&w);
	for (size_t i = 0; i < NITEMS(colours); i++)
		json_kv_str(&w, str_of(colours[i].name), str_of(colours[i].value[theme]));
	if (r->site->conf->logo.n > 0)
		json_kv_str(&w, STR("logo_primary"), r->site->conf->logo);
	json_obj_end(&w);
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	return STEP_REPLY;
}

static STEP_TABLE(smart_style_steps, 0, { "style_ask", style_ask }, { "style_reply", style_reply });

enum step
style_document_endpoint(struct request *r, struct oauth_state *state)
{
	struct smart_style *s = ARENA_NEW(r->task.arena, struct smart_style);
	(void)state;
	return s == NULL ? STEP_FAIL : task_push(&r->task, &smart_style_steps, s);
}
