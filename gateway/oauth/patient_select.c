/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stage FLOW_CONTEXT: GET {issuer}/smart/patient-select shows what is to be chosen (a patient, then a visit for launch/encounter), or
 * judges the launch token's choice; POST {issuer}/smart/patient-select-confirm takes the choice. Staff need the ACL patients/demo; a
 * patient has nobody else to choose. contract/oauth2.md 2.7, SMART App Launch 2.2.                                         */
#include "gateway/base/date.h"
#include "gateway/oauth/code.h"
#include "gateway/oauth/context.h"
#include "gateway/oauth/pages/page.h"
#include "policy/acl_sql.h"

enum { PAGE_ROWS = 20, PAGES_MAX = 500, VISITS = 20, SEARCH_MAX = 64 };

/* What this stage asks of the database. */
static const struct db_stmt acl_sql = { ACL_SQL_NAME, ACL_SQL, false };
static const struct db_stmt patient_sql = { "context_patient",
	"SELECT uuid, fname, mname, lname, DOB, sex FROM patient_data WHERE uuid = ?", false };
static const struct db_stmt list_sql = { "context_patients",
	"SELECT uuid, fname, mname, lname, DOB, sex FROM patient_data WHERE uuid IS NOT NULL AND lname LIKE ? AND "
	"fname LIKE ? "
	"AND (? IS NULL OR DOB = ?) ORDER BY lname, fname, DOB, id LIMIT ? OFFSET ?",
	false };
enum { P_UUID, P_FIRST, P_MIDDLE, P_LAST, P_BORN, P_SEX };
static const struct db_stmt visits_sql = { "context_visits",
	"SELECT e.uuid, e.date, e.reason FROM form_encounter e JOIN patient_data p ON p.pid = e.pid "
	"WHERE p.uuid = ? AND e.uuid IS NOT NULL ORDER BY e.date DESC, e.id DESC LIMIT ?",
	false };
enum { V_UUID, V_DATE, V_REASON };
static const struct db_stmt visit_sql = { "context_visit",
	"SELECT e.uuid FROM form_encounter e JOIN patient_data p ON p.pid = e.pid WHERE p.uuid = ? AND e.uuid = ?",
	false };

struct search {
	struct str last, first, born; /* as typed */
	bool born_wrong;
	size_t page; /* 0.. */
};

/* --- who may be here --------------------------------------------------------------------------------------------------------------- */

static enum step
select_acl(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	c->db = NULL;
	if (c->session->who.role == ROLE_NONE)
		return flow_step_refused(r, 400, "nobody has signed in");
	if (flow_scopes(r, c) != 0)
		return STEP_FAIL;
	if (c->session->who.role != ROLE_USERS)
		return STEP_NEXT;
	if (v == NULL)
		return STEP_FAIL;
	v[0] = v[1] = DB_V_STR(c->session->who.username);
	return db_query(t, r->site->db, &acl_sql, v, 2, &c->db);
}

static enum step
deny_begin(struct task *t)
{
	return flow_deny(t, task_frame(t));
}

static enum step
deny_end(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->redis->status != REDIS_OK)
		return request_unavailable(r, "redis down: request cannot be ended");
	r->audit.event = AUDIT_EV_CONSENT_DENIED;
	return flow_refuse(
	    r, &c->flow, STR("access_denied"), STR("No access to patient data for this user"), c->reason);
}

static STEP_TABLE(deny_steps, 0, { "deny_begin", deny_begin }, { "deny_end", deny_end });

static enum step
deny(struct task *t, struct flow_call *c, const char *reason)
{
	c->reason = reason;
	return task_push(t, &deny_steps, c);
}

/* STEP_NEXT: the person may go on. */
static enum step
person_judge(struct task *t, struct flow_call *c)
{
	struct request *r = request_of(t);
	const struct launch_context *l = &c->flow.launch;
	const struct subject *who = &c->session->who;
	const struct acl_grants *grants;
	if (l->user.n > 0 && !str_eq(l->user, who->sub))
		return deny(t, c, "launch token or choice of another person");
	if (who->role == ROLE_PATIENT)
		return str_eq(l->patient, who->sub) ? STEP_NEXT
		                                    : deny(t, c, "a patient with another patient's launch token");
	if (c->db == NULL || c->db->status != DB_OK)
		return c->db == NULL ? STEP_FAIL : request_unavailable(r, "database down: access rules cannot be read");
	grants = acl_grants_read(t->arena, t->arena, c->db);
	if (grants == NULL)
		return STEP_FAIL;
	return acl_allowed(grants, STR("patients"), STR("demo"), NULL, 0) ? STEP_NEXT
	                                                                  : deny(t, c, "no ACL patients/demo");
}

static enum step
uuid_query(struct task *t, struct flow_call *c, const struct db_stmt *stmt, struct str one, struct str two)
{
	struct request *r = request_of(t);
	struct uuid *u = arena_array(t->arena, 2, sizeof *u);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	if (u == NULL || v == NULL || uuid_parse(one, &u[0]) != 0 || (two.n > 0 && uuid_parse(two, &u[1]) != 0))
		return STEP_FAIL;
	v[0] = DB_V_BIN(u[0].b, sizeof u[0].b);
	v[1] = DB_V_BIN(u[1].b, sizeof u[1].b);
	return db_query(t, r->site->db, stmt, v, two.n > 0 ? 2 : 1, &c->db);
}

/* The patient that is bound already, if any: is he still there? */
static enum step
select_patient(struct task *t)
{
	struct flow_call *c = task_frame(t);
	enum step s = person_judge(t, c);
	if (s != STEP_NEXT || c->reason != NULL)
		return s;
	c->db = NULL;
	return c->flow.launch.patient.n == 0 ? STEP_NEXT
	                                     : uuid_query(t, c, &patient_sql, c->flow.launch.patient, STR_NULL);
}

/* --- the lists --------------------------------------------------------------------------------------------------------------------- */

static void
search_read(const struct form *f, struct search *s)
{
	uint64_t page = 0;
	struct date d;
	*s = (struct search){ .last = str_trim(form_get(f, STR("search[lname]"), NULL)),
		.first = str_trim(form_get(f, STR("search[fname]"), NULL)),
		.born = str_trim(form_get(f, STR("search[dob]"), NULL)) };
	s->last = str_sub(s->last, 0, SEARCH_MAX);
	s->first = str_sub(s->first, 0, SEARCH_MAX);
	s->born_wrong = s->born.n > 0 && (date_parse_iso(s->born, &d) != 0 || d.precision != DATE_DAY);
	if (str_to_u64(form_get(f, STR("page"), NULL), PAGES_MAX, &page) == 0)
		s->page = (size_t)page;
}

/* "beginning%" for LIKE. */
static struct str
pattern(struct arena *a, struct str begin)
{
	struct buf b;
	buf_init(&b, a, 64, 4 * SEARCH_MAX);
	for (size_t i = 0; i < begin.n; i++) {
		if (str_find(STR("\\%_"), begin.p[i]) < 3)
			buf_char(&b, '\\');
		buf_char(&b, begin.p[i]);
	}
	buf_char(&b, '%');
	return buf_ok(&b) && utf8_valid(buf_str(&b)) ? buf_str(&b) : STR("%");
}

static enum step
patients_ask(struct task *t, struct flow_call *c)
{
	struct request *r = request_of(t);
	struct db_val *v = arena_array(t->arena, 6, sizeof *v);
	struct search s;
	search_read(&c->form, &s);
	if (v == NULL)
		return STEP_FAIL;
	v[0] = DB_V_STR(pattern(t->arena, s.last));
	v[1] = DB_V_STR(pattern(t->arena, s.first));
	v[2] = v[3] = s.born.n == 0 || s.born_wrong ? DB_V_NULL : DB_V_STR(s.born);
	v[4] = DB_V_I64(PAGE_ROWS + 1);
	v[5] = DB_V_I64((int64_t)(s.page * PAGE_ROWS));
	return db_query(t, r->site->db, &list_sql, v, 6, &c->db);
}

static enum step
visits_ask(struct task *t, struct flow_call *c)
{
	struct request *r = request_of(t);
	struct uuid *u = ARENA_NEW(t->arena, struct uuid);
	struct db_val *v = arena_array(t->arena, 2, sizeof *v);
	if (u == NULL || v == NULL || uuid_parse(c->flow.launch.patient, u) != 0)
		return STEP_FAIL;
	v[0] = DB_V_BIN(u->b, sizeof u->b);
	v[1] = DB_V_I64(VISITS);
	return db_query(t, r->site->db, &visits_sql, v, 2, &c->db);
}

static enum step
select_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: patient cannot be looked up");
	if (c->db != NULL && c->db->n_rows == 0)
		return deny(t, c, "the launch token's patient is not there");
	c->bound = c->db;
	switch (context_choice(c)) {
	case CHOOSE_PATIENT:
		return patients_ask(t, c);
	case CHOOSE_ENCOUNTER:
		return visits_ask(t, c);
	case CHOOSE_NOTHING:
		break;
	}
	context_settle(c);
	return task_push(t, &flow_advance_steps, c);
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

static struct str
full_name(struct arena *a, const struct db_result *d, size_t row)
{
	struct str last = db_cell(d, row, P_LAST)->s, first = db_cell(d, row, P_FIRST)->s,
	           middle = db_cell(d, row, P_MIDDLE)->s;
	return arena_printf(a, "%.*s%s%.*s%s%.*s", STR_ARG(last), last.n > 0 && first.n + middle.n > 0 ? ", " : "",
	    STR_ARG(first), first.n > 0 && middle.n > 0 ? " " : "", STR_ARG(middle));
}

static struct str
uuid_cell(struct arena *a, const struct db_result *d, size_t row, size_t col)
{
	struct str raw = db_cell(d, row, col)->s;
	struct uuid u;
	char *text = arena_raw(a, UUID_TEXT + 1);
	if (text == NULL || raw.n != sizeof u.b)
		return STR_NULL;
	memcpy(u.b, raw.p, sizeof u.b);
	uuid_text(&u, text);
	return (struct str){ text, UUID_TEXT };
}

static void
search_field(struct html *h, const char *name, const char *type, enum message label, struct str value)
{
	HTML(h, "<div class=\"field\"><label");
	html_attr(h, "for", str_of(name));
	HTML(h, ">");
	html_message(h, label);
	HTML(h, "</label><input autocomplete=\"off\" spellcheck=\"false\"");
	html_attr(h, "type", str_of(type));
	html_attr(h, "id", str_of(name));
	html_attr(h, "name", str_of(name));
	html_attr(h, "value", value);
	HTML(h, "></div>\n");
}

static void
search_form(struct page *p, const struct flow_call *c, const struct search *s)
{
	HTML(&p->h, "<form method=\"get\" role=\"search\" class=\"search\"");
	html_url_attr(&p->h, "action", page_path(p->r, context_path));
	HTML(&p->h, ">");
	page_hidden(p, "flow", c->flow.id);
	search_field(&p->h, "search[lname]", "search", MSG_PATIENT_LAST, s->last);
	search_field(&p->h, "search[fname]", "search", MSG_PATIENT_FIRST, s->first);
	search_field(&p->h, "search[dob]", "date", MSG_PATIENT_BORN, s->born_wrong ? STR("") : s->born);
	page_submit(p, STR_NULL, STR_NULL, MSG_PATIENT_SEARCH, PAGE_BUTTON_OTHER);
	page_form_end(p);
}

static void
page_link(struct page *p, const struct flow_call *c, const struct search *s, size_t page, enum message text)
{
	struct buf b;
	buf_init(&b, p->r->task.arena, 256, 4096);
	buf_str_put(&b, flow_page_path(p->r, &c->flow, context_path));
	buf_printf(&b, "&page=%zu&search[lname]=", page);
	percent_put(&b, s->last);
	buf_lit(&b, "&search[fname]=");
	percent_put(&b, s->first);
	buf_lit(&b, "&search[dob]=");
	percent_put(&b, s->born);
	HTML(&p->h, "<a");
	html_url_attr(&p->h, "href", buf_str(&b));
	HTML(&p->h, ">");
	html_message(&p->h, text);
	HTML(&p->h, "</a> ");
}

static void
choose_button(struct page *p, const char *name, struct str value, struct str what)
{
	HTML(&p->h, "<td role=\"cell\"><button type=\"submit\" class=\"other\"");
	html_attr(&p->h, "name", str_of(name));
	html_attr(&p->h, "value", value);
	HTML(&p->h, ">");
	html_message(&p->h, MSG_PATIENT_SELECT);
	HTML(&p->h, "<span class=\"only-read\"> ");
	html_name(&p->h, what);
	HTML(&p->h, "</span></button></td></tr>\n");
}

static void
table_head(struct page *p, const enum message *columns, size_t n)
{
	HTML(&p->h, "<table role=\"table\"><thead><tr role=\"row\">");
	for (size_t i = 0; i < n; i++) {
		HTML(&p->h, "<th scope=\"col\" role=\"columnheader\">");
		html_message(&p->h, columns[i]);
		HTML(&p->h, "</th>");
	}
	HTML(&p->h, "<td></td></tr></thead><tbody>\n");
}

/* any: of any length and shape (names, reasons); else a word. label: told on a phone, where the columns' heads have no room; MSG_N: none.
 * The roles: rows that a style sheet lays out anew are no table to some readers.                                            */
static void
cell(struct page *p, struct str text, bool any, enum message label)
{
	HTML(&p->h, "<td role=\"cell\"");
	if (any)
		HTML(&p->h, " class=\"any\"");
	if (label != MSG_N)
		html_attr(&p->h, "data-label", message_text(p->h.language, label));
	HTML(&p->h, ">");
	if (text.n > 0)
		html_name(&p->h, text);
	HTML(&p->h, "</td>");
}

static void
choice_form_begin(struct page *p, const struct flow_call *c)
{
	page_form_leads_to(p, c->flow.redirect_uri);
	page_form(p, "/smart/patient-select-confirm");
	flow_form_fields(p, c);
}

static void
choice_form_end(struct page *p)
{
	page_submit(p, STR("deny"), STR("1"), MSG_CANCEL, PAGE_BUTTON_LINK);
	page_form_end(p);
}

static enum step
patients_show(struct request *r, struct flow_call *c, enum message problem)
{
	static const enum message columns[] = { MSG_PATIENT_NAME, MSG_PATIENT_BORN, MSG_PATIENT_SEX };
	struct arena *a = r->task.arena;
	const struct db_result *d = c->db;
	struct page p;
	struct search s;
	search_read(&c->form, &s);
	page_begin_wide(&p, r, 200, MSG_PATIENT_TITLE);
	if (s.born_wrong)
		problem = MSG_PATIENT_BORN_WRONG;
	if (problem != MSG_N)
		page_problem(&p, problem);
	HTML(&p.h, "<p class=\"lead\">");
	HTML_MESSAGE_WITH(&p.h, MSG_PATIENT_TEXT, c->flow.client_name);
	HTML(&p.h, "</p>");
	search_form(&p, c, &s);
	choice_form_begin(&p, c);
	if (d->n_rows == 0)
		page_text(&p, MSG_PATIENT_NONE);
	else
		table_head(&p, columns, NITEMS(columns));
	for (size_t i = 0; i < MIN(d->n_rows, (size_t)PAGE_ROWS); i++) {
		struct str name = full_name(a, d, i);
		HTML(&p.h, "<tr role=\"row\">");
		cell(&p, name, true, MSG_N);
		cell(&p, db_cell(d, i, P_BORN)->s, false, MSG_PATIENT_BORN);
		cell(&p, db_cell(d, i, P_SEX)->s, false, MSG_PATIENT_SEX);
		choose_button(&p, "patient_id", uuid_cell(a, d, i, P_UUID), name);
	}
	if (d->n_rows > 0)
		HTML(&p.h, "</tbody></table>\n");
	HTML(&p.h, "<p class=\"pages\">");
	if (s.page > 0)
		page_link(&p, c, &s, s.page - 1, MSG_PAGE_PREVIOUS);
	if (d->n_rows > PAGE_ROWS && s.page < PAGES_MAX)
		page_link(&p, c, &s, s.page + 1, MSG_PAGE_NEXT);
	HTML(&p.h, "</p>\n");
	choice_form_end(&p);
	return page_end(&p);
}

static enum step
visits_show(struct request *r, struct flow_call *c)
{
	static const enum message columns[] = { MSG_VISIT_DATE, MSG_VISIT_REASON };
	struct arena *a = r->task.arena;
	const struct db_result *d = c->db;
	struct page p;
	page_begin_wide(&p, r, 200, MSG_VISIT_TITLE);
	HTML(&p.h, "<p class=\"lead\">");
	HTML_MESSAGE_WITH(&p.h, MSG_VISIT_TEXT, full_name(a, c->bound, 0), db_cell(c->bound, 0, P_BORN)->s);
	HTML(&p.h, "</p>");
	choice_form_begin(&p, c);
	if (d->n_rows == 0)
		page_text(&p, MSG_VISIT_NONE);
	else
		table_head(&p, columns, NITEMS(columns));
	for (size_t i = 0; i < d->n_rows; i++) {
		struct str date = str_sub(db_cell(d, i, V_DATE)->s, 0, 16);
		HTML(&p.h, "<tr role=\"row\">");
		cell(&p, date, false, MSG_N);
		cell(&p, db_cell(d, i, V_REASON)->s, true, MSG_N);
		choose_button(&p, "encounter_id", uuid_cell(a, d, i, V_UUID), date);
	}
	if (d->n_rows > 0)
		HTML(&p.h, "</tbody></table>\n");
	page_submit(&p, STR("encounter_id"), STR("none"), MSG_VISIT_WITHOUT, PAGE_BUTTON_OTHER);
	choice_form_end(&p);
	return page_end(&p);
}

static enum step
select_show(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	if (c->db->status != DB_OK)
		return request_unavailable(r, "database down: choices cannot be listed");
	r->audit.allowed = true;
	return context_choice(c) == CHOOSE_PATIENT ? patients_show(r, c, MSG_N) : visits_show(r, c);
}

/* --- the choice -------------------------------------------------------------------------------------------------------------------- */

static enum step
confirm_deny(struct task *t)
{
	struct flow_call *c = task_frame(t);
	if (form_get(&c->form, STR("deny"), NULL).n == 0)
		return STEP_NEXT;
	c->denied = true;
	return flow_deny(t, c);
}

static enum step
confirm_denied(struct task *t)
{
	struct flow_call *c = task_frame(t);
	return c->denied ? flow_denied(t) : select_acl(t);
}

/* Is the choice one that this page offers, for the step that is due? */
static enum step
confirm_ask(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct str patient = form_get(&c->form, STR("patient_id"), NULL),
	           visit = form_get(&c->form, STR("encounter_id"), NULL);
	struct uuid u;
	enum step s = person_judge(t, c);
	if (s != STEP_NEXT || c->reason != NULL)
		return s;
	c->db = NULL;
	switch (context_choice(c)) {
	case CHOOSE_PATIENT:
		if (c->session->who.role != ROLE_USERS || visit.n > 0 || uuid_parse(patient, &u) != 0)
			break;
		return uuid_query(t, c, &patient_sql, patient, STR_NULL);
	case CHOOSE_ENCOUNTER:
		if (patient.n > 0 || (!str_eq(visit, STR("none")) && uuid_parse(visit, &u) != 0))
			break;
		return str_eq(visit, STR("none")) ? STEP_NEXT
		                                  : uuid_query(t, c, &visit_sql, c->flow.launch.patient, visit);
	case CHOOSE_NOTHING:
		break;
	}
	return flow_step_refused(r, 400, "not a choice of this page");
}

static enum step
confirm_take(struct task *t)
{
	struct request *r = request_of(t);
	struct flow_call *c = task_frame(t);
	struct launch_context *l = &c->flow.launch;
	bool patient = context_choice(c) == CHOOSE_PATIENT;
	if (c->db != NULL && c->db->status != DB_OK)
		return request_unavailable(r, "database down: choice cannot be checked");
	if (c->db != NULL && c->db->n_rows == 0)
		return flow_step_refused(r, 400, patient ? "no such patient" : "no such encounter of the patient");
	if (patient)
		l->patient = uuid_cell(t->arena, c->db, 0, 0);
	else if (c->db != NULL)
		l->encounter = uuid_cell(t->arena, c->db, 0, 0);
	if (l->patient.p == NULL)
		return STEP_FAIL;
	r->audit.has_patient = uuid_parse(l->patient, &r->audit.patient) == 0;
	l->user = c->session->who.sub;
	if (!patient || context_choice(c) == CHOOSE_NOTHING)
		context_settle(c);
	return task_push(t, &flow_advance_steps, c);
}

static STEP_TABLE(select_steps, 0, { "select_open", flow_open }, { "select_acl", select_acl },
    { "select_patient", select_patient }, { "select_ask", select_ask }, { "select_show", select_show });
static STEP_TABLE(confirm_steps, 0, { "confirm_open", flow_open }, { "confirm_deny", confirm_deny },
    { "confirm_denied", confirm_denied }, { "confirm_ask", confirm_ask }, { "confirm_take", confirm_take });

enum step
patient_select_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_CONTEXT, &select_steps, STR("patient selection"));
}

enum step
patient_confirm_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	return flow_page_begin(r, 1u << FLOW_CONTEXT, &confirm_steps, STR("patient selection"));
}
