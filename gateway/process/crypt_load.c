/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading OpenEMR's keys: one task per site. The key files are a few hundred bytes and are read once, when the database first
 * answers.                                                                                                                 */
#include "gateway/process/crypt_load.h"

#include "gateway/base/text.h"
#include "gateway/config/conf.h"
#include "gateway/crypto/openemr_crypt.h"

enum { RETRY_MS = 3000, TASK_ARENA = 64 << 10, PATH_MAX_BYTES = 4096 };

struct crypt_task {
	struct task task;
	struct site *site;
	struct openemr_keys keys, database;
	struct db_result *db;
};

static const struct db_stmt keys_sql = { "openemr_keys",
	"SELECT name, value FROM `keys` WHERE name IN ('onea', 'oneb', 'twoa', 'twob', 'threea', 'threeb', 'foura', "
	"'fourb', 'fivea', 'fiveb', "
	"'sixa', 'sixb', 'sevena', 'sevenb')",
	false };
static const struct str numbers[] = { STR_INIT(""), STR_INIT("one"), STR_INIT("two"), STR_INIT("three"),
	STR_INIT("four"), STR_INIT("five"), STR_INIT("six"), STR_INIT("seven") };

static enum step
crypt_ask(struct task *t)
{
	struct crypt_task *c = CONTAINER_OF(t, struct crypt_task, task);
	return db_query(t, c->site->db, &keys_sql, NULL, 0, &c->db);
}

static void
key_take(struct arena *a, struct openemr_keys *keys, unsigned version, struct str value, bool second)
{
	struct buf b;
	uint8_t *to = second ? keys->version[version].b : keys->version[version].a;
	buf_init(&b, a, 64, 256);
	if (base64_get(value, &b) != 0 || b.n != sizeof keys->version[version].a)
		return;
	memcpy(to, b.p, b.n);
	keys->version[version].present |= second;
}

static enum step
crypt_read(struct task *t)
{
	struct crypt_task *c = CONTAINER_OF(t, struct crypt_task, task);
	char dir[PATH_MAX_BYTES];
	if (c->db->status != DB_OK)
		return STEP_NEXT;
	c->database = (struct openemr_keys){ 0 };
	for (size_t row = 0; row < c->db->n_rows; row++)
		for (unsigned v = 1; v < NITEMS(numbers); v++) {
			struct str name = db_cell(c->db, row, 0)->s, value = db_cell(c->db, row, 1)->s;
			if (name.n == numbers[v].n + 1 && str_starts(name, numbers[v]))
				key_take(t->arena, &c->database, v, value, name.p[name.n - 1] == 'b');
		}
	for (unsigned v = 1; v < NITEMS(numbers); v++)
		if (c->database.version[v].present)
			c->site->file_crypt = &c->database;
	if (c->site->conf->openemr_sites_dir.n == 0)
		return STEP_NEXT;
	struct str path =
	    arena_printf(t->arena, "%.*s/documents/logs_and_misc/methods", STR_ARG(c->site->conf->openemr_sites_dir));
	if (path.p == NULL || str_cstr(path, dir, sizeof dir) != 0)
		return STEP_NEXT;
	if (openemr_drive_keys_load(dir, &c->database, &c->keys, &t->err) == 0)
		c->site->crypt = &c->keys;
	else
		LOG(c->site->worker->log, LOG_WARN, "openemr.keys", F_STR("site", c->site->name), F_ERR(&t->err));
	return STEP_NEXT;
}

static bool
loaded(const struct site *site)
{
	return site->conf->openemr_sites_dir.n > 0 ? site->crypt != NULL : site->file_crypt != NULL;
}

static enum step
crypt_wait(struct task *t)
{
	struct crypt_task *c = CONTAINER_OF(t, struct crypt_task, task);
	return loaded(c->site) ? STEP_NEXT : task_sleep(t, RETRY_MS);
}

static void crypt_done(struct task *t);
static STEP_TABLE(
    crypt_steps, 2, { "crypt_ask", crypt_ask }, { "crypt_read", crypt_read }, { "crypt_wait", crypt_wait });

static void
crypt_start(struct crypt_task *c)
{
	struct arena *a = c->task.arena;
	struct loop *l = c->site->worker->loop;
	arena_reset(a);
	c->task = (struct task){ 0 };
	task_init(&c->task, l, a, &crypt_steps, NULL, crypt_done);
	task_run(&c->task);
}

static void
crypt_done(struct task *t)
{
	struct crypt_task *c = CONTAINER_OF(t, struct crypt_task, task);
	if (!loaded(c->site))
		crypt_start(c);
	else
		arena_reset(c->task.arena);
}

int
crypt_load(struct site *site, struct arena *a, struct err *e)
{
	struct crypt_task *c;
	if (site->conf->openemr_sites_dir.n == 0 && site->conf->documents.dir.n == 0)
		return 0;
	c = ARENA_NEW(a, struct crypt_task);
	if (c == NULL)
		return ERR(e, E_MEMORY, "openemr keys");
	c->site = site;
	c->task.arena = arena_new_flags("openemr keys", TASK_ARENA, ARENA_WIPE);
	if (c->task.arena == NULL)
		return ERR(e, E_MEMORY, "openemr keys");
	crypt_start(c);
	return 0;
}
