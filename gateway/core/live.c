/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statement behind a token's liveness. */
#include "gateway/core/live.h"

/* The stamps are the expressions of gateway/oauth/issue.c. */
#define LIVE_COLUMNS                                                                                                   \
	"SELECT c.is_enabled, u.id, u.username, u.active, "                                                            \
	"EXISTS (SELECT 1 FROM `groups` g WHERE BINARY g.user = BINARY u.username), p.pid, p.allow_patient_portal, "   \
	"LEFT(SHA2(COALESCE(s.last_update_password, ''), 256), 16), LEFT(SHA2(COALESCE(a.portal_pwd, ''), 256), 16), "
#define LIVE_TABLES                                                                                                    \
	"FROM oauth_clients c LEFT JOIN users u ON u.uuid = ? LEFT JOIN users_secure s ON s.id = u.id "                \
	"LEFT JOIN patient_data p ON p.uuid = ? LEFT JOIN patient_access_onsite a ON a.pid = p.pid "                   \
	"WHERE c.client_id = ?"
static const struct db_stmt live_sql = { "live_check", LIVE_COLUMNS "1 " LIVE_TABLES, false };
/* A grant's row in api_refresh_token bears the family's name. */
static const struct db_stmt live_rows_sql = { "live_check_rows",
	LIVE_COLUMNS "(? = '' OR EXISTS (SELECT 1 FROM api_token k WHERE k.token = ? AND k.revoked = 0)) AND "
	             "EXISTS (SELECT 1 FROM oauth_trusted_user w WHERE w.client_id = ? AND w.user_id = ?) AND "
	             "NOT EXISTS (SELECT 1 FROM api_refresh_token f WHERE f.token = ? AND f.revoked = 1) " LIVE_TABLES,
	false };
enum {
	COL_ENABLED,
	COL_USER_ID,
	COL_USERNAME,
	COL_ACTIVE,
	COL_GROUP,
	COL_PID,
	COL_PORTAL,
	COL_STAFF_STAMP,
	COL_PATIENT_STAMP,
	COL_ROWS
};

static int64_t
number(const struct db_cell *c)
{
	int64_t v = 0;
	if (c->kind == DB_C_INT)
		return c->i;
	return c->kind == DB_C_TEXT && str_to_i64(c->s, &v) == 0 ? v : 0;
}

/* One that does not fit is none, and no token's. */
static void
stamp_copy(struct str s, char to[17])
{
	if (str_cstr(s, to, 17) != 0)
		to[0] = 0;
}

void
live_read(const struct db_result *res, struct live_entry *e)
{
	const struct db_cell *name = db_cell(res, 0, COL_USERNAME);
	e->client_enabled = number(db_cell(res, 0, COL_ENABLED)) == 1;
	e->rows_good = number(db_cell(res, 0, COL_ROWS)) == 1;
	if (db_cell(res, 0, COL_USER_ID)->kind != DB_C_NULL) {
		bool system = str_eq(name->s, STR("oe-system"));
		e->role = system ? ROLE_SYSTEM : ROLE_USERS;
		e->user_id = number(db_cell(res, 0, COL_USER_ID));
		bool fits = name->s.n <= sizeof e->username; /* the beginning of a name may be another's */
		e->username_n = fits ? (unsigned)name->s.n : 0;
		if (e->username_n > 0)
			memcpy(e->username, name->s.p, e->username_n);
		/* oe-system is never active: it cannot log in; its tokens come from client_credentials only */
		stamp_copy(db_cell(res, 0, COL_STAFF_STAMP)->s, e->stamp);
		e->user_active = system || (fits && number(db_cell(res, 0, COL_ACTIVE)) == 1 &&
		                               number(db_cell(res, 0, COL_GROUP)) == 1);
	} else if (db_cell(res, 0, COL_PID)->kind != DB_C_NULL) {
		e->role = ROLE_PATIENT;
		e->pid = number(db_cell(res, 0, COL_PID));
		stamp_copy(db_cell(res, 0, COL_PATIENT_STAMP)->s, e->stamp);
		e->user_active = str_eq(db_cell(res, 0, COL_PORTAL)->s, STR("YES"));
	}
}

enum step
live_query(struct task *t, const struct site *site, const struct live_ask *ask, struct db_result **out)
{
	struct db_val vals[8];
	size_t n = 0;
	if (ask->rows) {
		vals[n] = DB_V_STR(ask->jti.n > 0 ? ask->jti : STR(""));
		vals[n + 1] = vals[n];
		n += 2;
		vals[n++] = DB_V_STR(ask->client_id);
		vals[n++] = DB_V_STR(ask->sub);
		vals[n++] = DB_V_STR(ask->family.n > 0 ? ask->family : STR(""));
	}
	vals[n] = DB_V_BIN(ask->sub_uuid->b, sizeof ask->sub_uuid->b);
	vals[n + 1] = vals[n];
	vals[n + 2] = DB_V_STR(ask->client_id);
	return db_query(t, site->db, ask->rows ? &live_rows_sql : &live_sql, vals, n + 3, out);
}

struct str
live_judge(const struct live_entry *e, const char *stamp)
{
	if (!e->client_enabled)
		return STR("client unknown or disabled");
	if (e->role == ROLE_NONE)
		return STR("user unknown");
	if (!e->user_active)
		return STR("user not active");
	if (!e->rows_good)
		return STR("token, grant or trust revoked in OpenEMR");
	if (stamp[0] != 0 && strcmp(stamp, e->stamp) != 0)
		return STR("password changed after the grant");
	return STR_NULL;
}
