/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The binary: the table of commands. */
#include "gateway/cli/cli.h"
#include "gateway/process/process.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

static int
serve_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, true);
	return conf == NULL ? 1 : master_run(conf, c->arena);
}
static const struct cli_option serve_options[] = { { "--config", "FILE",
    "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" } };
static const struct cli_command cli_serve = { "serve", "", "run the gateway in the foreground", serve_options,
	NITEMS(serve_options), 0, 0, serve_run };

static int
version_run(struct cli *c)
{
	(void)c;
	printf("gatehouse %s\n%s\n", GATEHOUSE_VERSION, OpenSSL_version(OPENSSL_VERSION));
	return 0;
}
const struct cli_command cli_version = { "version", "", "print the version", NULL, 0, 0, 0, version_run };

int
main(int argc, char **argv)
{
	static const struct cli_command *const commands[] = { &cli_serve, &cli_check, &cli_config, &cli_explain,
		&cli_client, &cli_key, &cli_site, &cli_audit, &cli_version };
	return cli_main(commands, NITEMS(commands), argc, argv);
}
