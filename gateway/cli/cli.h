/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommands of the one binary. Each: options table, help, run. Not for serving: serve lives in gateway/process and is put into
 * the table by main.c.                                                                                                     */
#ifndef GATEWAY_CLI_CLI_H
#define GATEWAY_CLI_CLI_H

#include "gateway/config/conf.h"
#include "gateway/core/audit_event.h"

/* A parsed command line. */
enum { CLI_OPTIONS_MAX = 12, CLI_WORDS_MAX = 8 };
struct cli_option {
	const char *name;  /* "--site" */
	const char *value; /* name of its value in the help; NULL: a switch */
	const char *help;
};
struct cli {
	const struct cli_command *command;
	struct {
		const struct cli_option *option;
		const char *value;
	} given[CLI_OPTIONS_MAX];
	unsigned n_given;
	const char *words[CLI_WORDS_MAX]; /* what is no option */
	unsigned n_words;
	struct arena *arena;
};
struct cli_command {
	const char *name;  /* "client" */
	const char *words; /* "list|show|enable|disable [CLIENT_ID]" */
	const char *help;
	const struct cli_option *options;
	unsigned n_options;
	unsigned min_words, max_words;
	int (*run)(struct cli *c); /* exit status: 0 done, 1 no (check failed, not found), 2 usage */
};
extern const struct cli_command cli_check, cli_explain, cli_client, cli_site, cli_audit, cli_config, cli_key,
    cli_version;

/* Parses and runs. */
int cli_main(const struct cli_command *const *commands, size_t n, int argc, char **argv);
/* Value of an option or NULL; a switch that was given has the value "". */
const char *cli_value(const struct cli *c, const char *name);
/* The configuration of --config (or GATEHOUSE_CONFIG, or /etc/gatehouse/gatehouse.yaml). Errors and, when warnings is set, warnings go to
 * stderr, one per line: FILE:LINE: PATH: text. NULL: exit with 1.                                                         */
struct conf *cli_conf(struct cli *c, bool warnings);
/* Whether the site's signing keys, where there are any yet, can be read; else 1 after telling. In key.c. */
int key_check(const struct conf_site *site) MUSTUSE;
/* The site of --site (default: "default"); NULL after telling. */
const struct conf_site *cli_site_of(struct cli *c, const struct conf *conf);

/* Runs one statement on the site's database and waits for it, on a loop of its own. Result memory: c->arena. NULL after telling
 * the trouble on stderr.                                                                                                   */
struct db_result *cli_query(
    struct cli *c, const struct conf_site *site, const struct db_stmt *stmt, const struct db_val *vals, size_t n_vals);

/* A change of rights that a command is about to make, told in the audit journal with the user of the operating system who runs it. */
struct cli_act {
	enum audit_event event;
	struct str site, client; /* client: .n 0 when it is about none */
	const char *what;        /* "client enable" */
	struct str reason;       /* what exactly, or why it was not done */
	bool failed;             /* told before, and could not be done */
};
/* 0: the record is durable, through the running gateway or without one. -1 after telling: then the command changes nothing. */
int cli_record(struct cli *c, const struct conf *conf, const struct cli_act *act) MUSTUSE;

/* One command to Redis, on a loop of its own; NULL: out of memory. Result memory: c->arena. */
const struct redis_result *cli_redis(struct cli *c, const struct conf *conf, const struct str *argv, size_t argc);

#endif
