/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit record of a command that changes rights. It is written before the change, so that no change is without one. */
#include "gateway/audit/audit.h"
#include "gateway/base/clock.h"
#include "gateway/base/date.h"
#include "gateway/base/json_write.h"
#include "gateway/cli/cli.h"
#include "gateway/process/process.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORD_MAX = 8 << 10, TRIES = 3, EXIT_CONFLICT = 3 };

static void
actor_put(struct json_write *w)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *through = getuid() == 0 ? getenv("SUDO_USER") : NULL; /* from anybody else it is a claim */
	json_kv_str(w, STR("username"), pw == NULL ? STR("") : str_of(pw->pw_name));
	json_kv_i64(w, STR("uid"), getuid());
	if (through != NULL)
		json_kv_str(w, STR("sudo"), str_sub(str_of(through), 0, 64));
	json_kv_str(w, STR("role"), STR("operator"));
}

static struct str
record_of(struct cli *c, const struct cli_act *act)
{
	struct json_write w;
	struct date d;
	struct buf b, time;
	buf_init(&b, c->arena, 512, RECORD_MAX);
	buf_init(&time, c->arena, 40, 64);
	date_from_epoch_us(clock_real_us(&clock_system), &d);
	date_put_iso(&time, &d);
	json_begin(&w, &b, JSON_PLAIN);
	json_obj(&w);
	json_kv_str(&w, STR("time"), buf_str(&time));
	json_kv_str(&w, STR("event"), str_of(audit_event_text(act->event)));
	json_kv_str(&w, STR("site"), act->site);
	if (act->client.n > 0)
		json_kv_str(&w, STR("client"), str_sub(act->client, 0, 80));
	actor_put(&w);
	json_kv_bool(&w, STR("allowed"), !act->failed);
	json_kv_str(&w, STR("rule"), arena_printf(c->arena, "gatehouse %s", act->what));
	json_kv_str(&w, STR("reason"), str_sub(act->reason, 0, 512));
	json_obj_end(&w);
	return buf_ok(&b) ? buf_str(&b) : STR_NULL;
}

/* No gateway runs over the journal. Files of root's would stop the next one, so that a process of the gateway's user writes. */
static int
append(const struct conf *conf, struct str json)
{
	struct err e = { 0 };
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		if (privileges_drop(conf, &e) == 0 && audit_command_append(conf, json, &e) == 0)
			_exit(0);
		if (e.kind == E_CONFLICT)
			_exit(EXIT_CONFLICT);
		fprintf(stderr, "gatehouse: %s\n", e.text);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int
cli_record(struct cli *c, const struct conf *conf, const struct cli_act *act)
{
	struct str json = record_of(c, act);
	struct err e = { 0 };
	int rc = -1;
	for (unsigned i = 0; i < TRIES && json.n > 0; i++) { /* a gateway may start or end just now */
		if (audit_command_send(conf, json, &e) == 0)
			return 0;
		if (e.kind != E_NOT_FOUND)
			break;
		e = (struct err){ 0 };
		if ((rc = append(conf, json)) != EXIT_CONFLICT)
			break;
	}
	if (rc == 0)
		return 0;
	if (rc == EXIT_CONFLICT)
		(void)ERR(&e, E_CONFLICT, "another process writes the audit journal and takes no commands");
	fprintf(stderr, "gatehouse: %s%s%s\n",
	    act->failed ? "this could not be recorded" : "nothing changed: it could not be recorded",
	    e.kind == E_NONE ? "" : ": ", e.text);
	return -1;
}
