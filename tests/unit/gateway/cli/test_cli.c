/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines: what is understood, what is a usage error, and what the commands print that need no database. */
#include "gateway/cli/cli.h"

#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PRINTED_MAX = 256 << 10, ARGS_MAX = 24 };

struct ran {
	int status;
	char out[PRINTED_MAX], err[PRINTED_MAX];
};
static struct ran got;
static char seen[128]; /* what the command "try" was given: words, then name and flag with the values that count */

static int
try_run(struct cli *c)
{
	const char *name = cli_value(c, "--name"), *flag = cli_value(c, "--flag");
	size_t n = 0;
	for (unsigned i = 0; i < c->n_words; i++)
		n += (size_t)snprintf(seen + n, sizeof seen - n, "%s ", c->words[i]);
	(void)snprintf(
	    seen + n, sizeof seen - n, "name(%s) flag(%s)", name == NULL ? "none" : name, flag == NULL ? "none" : flag);
	return 7;
}
static const struct cli_option try_options[] = { { "--name", "TEXT", "a value" }, { "--flag", NULL, "a switch" } };
static const struct cli_command cli_try = { "try", "ONE [TWO]", "for this test", try_options, NITEMS(try_options), 1, 2,
	try_run };
static const struct cli_command *const commands[] = { &cli_try, &cli_check, &cli_config, &cli_explain, &cli_site,
	&cli_audit, &cli_key };

static void
read_back(int fd, char *to)
{
	ssize_t n = pread(fd, to, PRINTED_MAX - 1, 0);
	to[n < 0 ? 0 : n] = 0;
	(void)close(fd);
}

/* The command line of words, with what it printed. */
static void
run(const char *const *words)
{
	FILE *streams[] = { stdout, stderr };
	char *argv[ARGS_MAX + 1] = { 0 };
	int argc = 0, files[2], saved[2];
	for (; argc < ARGS_MAX && words[argc] != NULL; argc++)
		REQUIRE((argv[argc] = strdup(words[argc])) != NULL);
	for (int i = 0; i < 2; i++) {
		(void)fflush(streams[i]);
		files[i] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		saved[i] = dup(i + 1);
		REQUIRE(files[i] >= 0 && saved[i] >= 0 && dup2(files[i], i + 1) == i + 1);
	}
	got.status = cli_main(commands, NITEMS(commands), argc, argv);
	for (int i = 0; i < 2; i++) {
		(void)fflush(streams[i]);
		(void)dup2(saved[i], i + 1);
		(void)close(saved[i]);
	}
	read_back(files[0], got.out);
	read_back(files[1], got.err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}
#define RUN(...) run((const char *const[]){ "gatehouse", __VA_ARGS__, NULL })

static void
test_words__wrong_ones_are_usage_errors_on_stderr(void)
{
	static const struct {
		const char *words[12];
		int status;
		const char *out, *err;
	} rows[] = {
		{ { "gatehouse" }, 2, "", "usage: gatehouse COMMAND" },
		{ { "gatehouse", "--help" }, 0, "usage: gatehouse COMMAND", "" },
		{ { "gatehouse", "help" }, 0, "explain", "" },
		{ { "gatehouse", "nosuch" }, 2, "", "unknown command: nosuch" },
		{ { "gatehouse", "try", "--help" }, 0, "--name TEXT", "" },
		{ { "gatehouse", "try" }, 2, "", "usage: gatehouse try ONE [TWO]" },
		{ { "gatehouse", "try", "a", "b", "c" }, 2, "", "usage: gatehouse try" },
		{ { "gatehouse", "try", "a", "b", "c", "d", "e", "f", "g", "h", "i" }, 2, "", "" },
		{ { "gatehouse", "try", "a", "--nam=x" }, 2, "", "--nam=x: unknown option" },
		{ { "gatehouse", "try", "a", "--names", "x" }, 2, "", "--names: unknown option" },
		{ { "gatehouse", "try", "a", "--name" }, 2, "", "--name: needs a value" },
		{ { "gatehouse", "try", "a", "--flag=x" }, 2, "", "--flag=x: takes no value" },
		{ { "gatehouse", "try", "a" }, 7, "", "" },
		{ { "gatehouse", "config", "defalts" }, 2, "", "usage: gatehouse config show|defaults" },
		{ { "gatehouse", "audit", "prove", "--journal", "/nonexistent" }, 2, "", "verify|query" },
		{ { "gatehouse", "explain", "GET" }, 2, "", "usage: gatehouse explain METHOD PATH" },
		{ { "gatehouse", "key", "--config", "/nonexistent" }, 2, "", "list|rotate" },
		{ { "gatehouse", "check", "--config", "/nonexistent" }, 1, "", "/nonexistent" },
		{ { "gatehouse", "check", "extra" }, 2, "", "usage: gatehouse check" },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		run(rows[i].words);
		EXPECT_IDX(got.status == rows[i].status, i);
		EXPECT_IDX(rows[i].out[0] == 0 ? got.out[0] == 0 : strstr(got.out, rows[i].out) != NULL, i);
		EXPECT_IDX(rows[i].err[0] == 0 || strstr(got.err, rows[i].err) != NULL, i);
	}
}

static void
test_options__with_blank_or_equals_the_last_one_counts(void)
{
	static const struct {
		const char *words[10], *seen;
	} rows[] = {
		{ { "gatehouse", "try", "a" }, "a name(none) flag(none)" },
		{ { "gatehouse", "try", "--name", "x", "a", "b" }, "a b name(x) flag(none)" },
		{ { "gatehouse", "try", "a", "--name=x" }, "a name(x) flag(none)" },
		{ { "gatehouse", "try", "a", "--name=" }, "a name() flag(none)" },
		{ { "gatehouse", "try", "a", "--name=x=y" }, "a name(x=y) flag(none)" },
		{ { "gatehouse", "try", "a", "--name", "--flag" }, "a name(--flag) flag(none)" },
		{ { "gatehouse", "try", "a", "--name=x", "--name", "y" }, "a name(y) flag(none)" },
		{ { "gatehouse", "try", "--flag", "a" }, "a name(none) flag()" },
		{ { "gatehouse", "try", "-" }, "- name(none) flag(none)" },
	};
	for (size_t i = 0; i < NITEMS(rows); i++) {
		run(rows[i].words);
		EXPECT_IDX(got.status == 7 && strcmp(seen, rows[i].seen) == 0, i);
	}
}

/* --- with a configuration --------------------------------------------------------------------------------------------------- */

/* A file of that text, with the scope files of this repository. */
static void
conf_write(const char *path, const char *text)
{
	static const char here[] = __FILE__, own[] = "tests/unit/gateway/cli/test_cli.c";
	char root[512], scopes[4096]; /* realpath's PATH_MAX */
	(void)snprintf(root, sizeof root, "%.*sscopes", (int)(sizeof here - sizeof own), here);
	REQUIRE(realpath(root, scopes) != NULL);
	FILE *f = fopen(path, "w");
	REQUIRE(f != NULL && setenv("TEST_CLI_SECRET", "s3cr3t-value", 1) == 0);
	(void)fprintf(f, "policy: {scope_files: [%s]}\n%s", scopes, text);
	REQUIRE(fclose(f) == 0);
}
#define HEAD "origin: https://emr.example.org\nredis: {require_persistence: false}\n"
#define ROOT                                                                                                           \
	HEAD "listen: [{address: '127.0.0.1:9300'}]\n"                                                                 \
	     "tls: {certificates: [{certificate: /nonexistent/c.pem, key: /c.key}]}\n"
#define PLAIN HEAD "listen: [{address: '127.0.0.1:9300', tls: false}]\n"
#define SITE(name, more)                                                                                               \
	"  " name ":\n"                                                                                                \
	"    database: {socket: /m.sock, name: openemr, user: u, password: {env: TEST_CLI_SECRET}}\n"                  \
	"    oauth: {signing_key: /k.pem}\n" more
#define SOUND ROOT "sites:\n" SITE("default", "") SITE("clinic", "    origin: https://clinic.example.org\n")

static void
test_commands__print_what_the_configuration_says(void)
{
	static const struct {
		const char *text, *words[6];
		int status;
		const char *out, *err;
	} rows[] = {
		{ PLAIN "sites:\n" SITE("default", ""), { "check" }, 0, ": sound\n", "site default: database: " },
		{ SOUND, { "check" }, 1, "site clinic: ", "/nonexistent/c.pem" },
		{ ROOT "sites: {}\n", { "check" }, 1, "", "sites" },
		{ ROOT "orign: x\nsites:\n" SITE("default", ""), { "check" }, 1, "", "c.yaml:6: orign" },
		{ ROOT "http: {head_max: 1}\nsites:\n" SITE("default", "    compat: v9\n"), { "check" }, 1, "",
		    "compat" },
		{ SOUND, { "site", "list" }, 0, "https://emr.example.org/apis/default  compat ", "" },
		{ SOUND, { "site", "list" }, 0, "https://clinic.example.org/apis/clinic  compat ", "" },
		{ SOUND, { "config", "show" }, 0, "TEST_CLI_SECRET", "" },
		{ SOUND, { "explain", "GET", "/fhir/metadata" }, 0, "decision allow: public", "" },
		{ SOUND, { "explain", "POST", "/oauth2/default/token" }, 0, "route    POST /token (oauth2.yaml:", "" },
		{ SOUND, { "explain", "GET", "/api/patient" }, 1, "decision refuse: 401", "" },
		{ SOUND, { "explain", "GET", "/api/nosuch" }, 1, "decision refuse: 404, no row of the scope files",
		    "" },
		{ SOUND, { "explain", "GET", "/fhir/Patient", "--scope", "\x01" }, 2, "", "--scope: " },
		{ SOUND, { "explain", "GET", "/fhir/metadata", "--site", "nosuch" }, 1, "", "no site 'nosuch' in " },
	};
	char dir[] = "/tmp/gh_cli_XXXXXX", path[64];
	REQUIRE(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/c.yaml", dir);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		const char *words[12] = { "gatehouse" };
		size_t n = 1;
		for (; rows[i].words[n - 1] != NULL; n++)
			words[n] = rows[i].words[n - 1];
		words[n++] = "--config";
		words[n] = path;
		conf_write(path, rows[i].text);
		run(words);
		EXPECT_IDX(got.status == rows[i].status, i);
		EXPECT_IDX(rows[i].out[0] == 0 || strstr(got.out, rows[i].out) != NULL, i);
		EXPECT_IDX(rows[i].err[0] == 0 || strstr(got.err, rows[i].err) != NULL, i);
		if (got.status != rows[i].status)
			printf("    %s%s", got.out, got.err);
		EXPECT_IDX(strstr(got.out, "s3cr3t-value") == NULL && strstr(got.err, "s3cr3t-value") == NULL, i);
	}
	(void)unlink(path);
	(void)rmdir(dir);
}

static void
test_since__is_a_number_with_its_unit(void)
{
	static const struct {
		const char *span;
		bool good;
	} rows[] = {
		{ "90s", true },
		{ "15m", true },
		{ "1h", true },
		{ "7d", true },
		{ "0s", true },
		{ "1000000d", true },
		{ "1000001d", false }, /* would leave the range of a time */
		{ "99999999999999999999s", false },
		{ "", false },
		{ "s", false },
		{ "15", false },
		{ "15 m", false },
		{ "-1h", false },
		{ "+1h", false },
		{ "1.5h", false },
		{ "1w", false },
		{ "1H", false },
		{ "1hh", false },
	};
	char dir[] = "/tmp/gh_cli_XXXXXX";
	REQUIRE(mkdtemp(dir) != NULL);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		RUN("audit", "query", "--journal", dir, "--since", rows[i].span);
		EXPECT_IDX((got.status != 2) == rows[i].good, i);
		EXPECT_IDX((strstr(got.err, "--since takes a number with s, m, h or d") == NULL) == rows[i].good, i);
		EXPECT_IDX(got.out[0] == 0, i);
	}
	(void)rmdir(dir);
}

TESTS(T(test_words__wrong_ones_are_usage_errors_on_stderr), T(test_options__with_blank_or_equals_the_last_one_counts),
    T(test_commands__print_what_the_configuration_says), T(test_since__is_a_number_with_its_unit))
