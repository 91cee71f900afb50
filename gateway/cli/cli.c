/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines: options, help, configuration. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 256 << 20 };

static void
usage_all(FILE *to, const struct cli_command *const *commands, size_t n)
{
	fputs("gatehouse: the API gateway for OpenEMR\n\nusage: gatehouse COMMAND [OPTIONS]\n\n", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->help);
	fputs("\n'gatehouse COMMAND --help' tells the options of one.\n", to);
}

static void
usage_one(FILE *to, const struct cli_command *cmd)
{
	fprintf(to, "usage: gatehouse %s%s%s [OPTIONS]\n\n%s\n\n", cmd->name, cmd->words[0] == '\0' ? "" : " ",
	    cmd->words, cmd->help);
	for (unsigned i = 0; i < cmd->n_options; i++)
		fprintf(to, "  %s%s%-*s %s\n", cmd->options[i].name, cmd->options[i].value == NULL ? "" : " ",
		    (int)(18 - strlen(cmd->options[i].name)),
		    cmd->options[i].value == NULL ? "" : cmd->options[i].value, cmd->options[i].help);
	fputs("  --help              this text\n  --                  what follows is no option\n", to);
}

static const struct cli_option *
option_find(const struct cli_command *cmd, const char *arg, size_t n)
{
	for (unsigned i = 0; i < cmd->n_options; i++)
		if (strlen(cmd->options[i].name) == n && strncmp(cmd->options[i].name, arg, n) == 0)
			return &cmd->options[i];
	return NULL;
}

/* One option at argv[i]; returns how many words it took, or -1. "--name value" and "--name=value". */
static int
option_take(struct cli *c, int argc, char **argv, int i)
{
	const char *equals = strchr(argv[i], '=');
	size_t n = equals == NULL ? strlen(argv[i]) : (size_t)(equals - argv[i]);
	const struct cli_option *o = option_find(c->command, argv[i], n);
	if (o == NULL || c->n_given == CLI_OPTIONS_MAX || (o->value == NULL && equals != NULL) ||
	    (o->value != NULL && equals == NULL && i + 1 >= argc)) {
		fprintf(stderr, "gatehouse %s: %s: %s\n", c->command->name, argv[i],
		    o == NULL                       ? "unknown option"
		    : c->n_given == CLI_OPTIONS_MAX ? "too many options"
		    : o->value == NULL              ? "takes no value"
		                                    : "needs a value");
		return -1;
	}
	c->given[c->n_given].option = o;
	c->given[c->n_given++].value = o->value == NULL ? "" : equals != NULL ? equals + 1 : argv[i + 1];
	return o->value != NULL && equals == NULL ? 2 : 1;
}

/* "--" ends the options: an OpenEMR client_id may begin with "-". */
static int
parse(struct cli *c, int argc, char **argv)
{
	bool words_only = false;
	for (int i = 0; i < argc;) {
		if (!words_only && strcmp(argv[i], "--") == 0) {
			words_only = true;
			i++;
			continue;
		}
		if (!words_only && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			usage_one(stdout, c->command);
			return 0;
		}
		int took = 1;
		if (!words_only && argv[i][0] == '-' && argv[i][1] == '-')
			took = option_take(c, argc, argv, i);
		else if (c->n_words < CLI_WORDS_MAX)
			c->words[c->n_words++] = argv[i];
		else
			took = -1;
		if (took < 0)
			return 2;
		i += took;
	}
	if (c->n_words > c->command->max_words) {
		fprintf(
		    stderr, "gatehouse %s: %s: not expected\n\n", c->command->name, c->words[c->command->max_words]);
		usage_one(stderr, c->command);
		return 2;
	}
	if (c->n_words < c->command->min_words) {
		usage_one(stderr, c->command);
		return 2;
	}
	return -1;
}

int
cli_main(const struct cli_command *const *commands, size_t n, int argc, char **argv)
{
	struct cli c = { 0 };
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		usage_all(argc < 2 ? stderr : stdout, commands, n);
		return argc < 2 ? 2 : 0;
	}
	const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
	for (size_t i = 0; i < n; i++)
		if (strcmp(commands[i]->name, name) == 0)
			c.command = commands[i];
	if (c.command == NULL) {
		fprintf(stderr, "gatehouse: unknown command: %s\n\n", argv[1]);
		usage_all(stderr, commands, n);
		return 2;
	}
	int rc = parse(&c, argc - 2, argv + 2);
	if (rc >= 0)
		return rc;
	AUTO(arena) arena = arena_new("command", ARENA_BYTES);
	if (arena == NULL)
		return 1;
	c.arena = arena;
	return c.command->run(&c);
}

const char *
cli_value(const struct cli *c, const char *name)
{
	const char *value = NULL;
	for (unsigned i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].option->name, name) == 0)
			value = c->given[i].value;
	return value;
}

/* FILE:LINE: PATH: TEXT; line and path where there are any. */
static void
report_print(const struct conf_report *r)
{
	fprintf(stderr, "%.*s:", STR_ARG(r->file));
	if (r->line > 0)
		fprintf(stderr, "%u:", r->line);
	fprintf(stderr, "%s %.*s%s%.*s\n", r->warning ? " warning:" : "", STR_ARG(r->path), r->path.n == 0 ? "" : ": ",
	    STR_ARG(r->text));
}

struct conf *
cli_conf(struct cli *c, bool warnings)
{
	const char *file = cli_value(c, "--config");
	struct conf_reports reports = { 0 };
	if (file == NULL)
		file = getenv("GATEHOUSE_CONFIG");
	if (file == NULL)
		file = "/etc/gatehouse/gatehouse.yaml";
	struct conf *conf = conf_load(file, c->arena, &reports);
	for (size_t i = 0; i < reports.n; i++)
		if (warnings || !reports.v[i].warning)
			report_print(&reports.v[i]);
	return conf;
}

const struct conf_site *
cli_site_of(struct cli *c, const struct conf *conf)
{
	const char *name = cli_value(c, "--site");
	const struct conf_site *site = conf_site(conf, str_of(name == NULL ? "default" : name));
	if (site == NULL)
		fprintf(
		    stderr, "gatehouse: no site '%s' in %.*s\n", name == NULL ? "default" : name, STR_ARG(conf->file));
	return site;
}
