/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gatehouse key: the signing keys of a site. rotate makes the next key, which is published at once and signs later; no request fails on
 * the way, and nothing needs a restart. RFC 7517, OIDC Core 10.1.1.                                                       */
#include "gateway/base/clock.h"
#include "gateway/cli/cli.h"
#include "gateway/crypto/keyd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct keyd_key
key_conf(const struct conf_site *s)
{
	return (struct keyd_key){ .site = s->name,
		.pem_path = s->oauth.signing_key,
		.passphrase = s->oauth.signing_passphrase,
		.keep_s = (int64_t)s->oauth.key_keep_s };
}

static int
files_read(const struct conf_site *site, struct keyd_key_file *files, size_t *n)
{
	struct keyd_key conf = key_conf(site);
	struct err e = { 0 };
	if (keyd_key_files(&conf, clock_real_s(&clock_system), files, n, &e) == 0)
		return 0;
	fprintf(stderr, "gatehouse: %s\n", e.text);
	return -1;
}

int
key_check(const struct conf_site *site)
{
	static struct keyd_key_file files[KEYD_SITE_KEYS];
	char path[4096];
	size_t n = 0;
	if (str_cstr(site->oauth.signing_key, path, sizeof path) == 0 && access(path, F_OK) != 0 && errno == ENOENT)
		return 0; /* a start makes the first one */
	return files_read(site, files, &n) == 0 ? 0 : 1;
}

static int
key_list(const struct conf_site *site)
{
	static struct keyd_key_file files[KEYD_SITE_KEYS];
	int64_t now = clock_real_s(&clock_system);
	size_t n = 0;
	if (files_read(site, files, &n) != 0)
		return 1;
	for (size_t i = 0; i < n; i++) {
		const struct keyd_key_file *f = &files[i];
		printf("%s  %s  ", f->kid, f->ec ? "ES256" : "RS256");
		if (f->signs)
			printf("signs      ");
		else if (f->from_s > now)
			printf("in %-7llds ", (long long)(f->from_s - now));
		else
			printf("%s", f->published ? "published  " : "retired    ");
		printf(" %s\n", f->path);
	}
	return 0;
}

/* The running gateway, if its pid file says where it is, reads the keys again. */
static void
reload_ask(const struct conf *conf)
{
	char path[4096], text[24] = "";
	long pid = 0;
	FILE *f = conf->process.pid_file.n > 0 && str_cstr(conf->process.pid_file, path, sizeof path) == 0
	              ? fopen(path, "re")
	              : NULL;
	if (f != NULL && fgets(text, sizeof text, f) != NULL)
		pid = strtol(text, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	if (pid > 1 && kill((pid_t)pid, SIGHUP) == 0)
		printf("the running gateway (process %ld) was told to read it\n", pid);
	else
		printf("send the running gateway SIGHUP, so that it publishes it\n");
}

static int
change_record(struct cli *c, const struct conf *conf, const struct conf_site *site, const char *path, const char *what,
    bool failed)
{
	const struct cli_act act = { AUDIT_EV_KEYS_CHANGED, site->name, STR_NULL, "key rotate",
		arena_printf(c->arena, "%s: %s", path, what), failed };
	return cli_record(c, conf, &act);
}

static int
retired_remove(struct cli *c, const struct conf *conf, const struct conf_site *site)
{
	static struct keyd_key_file files[KEYD_SITE_KEYS];
	size_t n = 0;
	if (files_read(site, files, &n) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (files[i].published || files[i].from_s == 0)
			continue;
		if (change_record(c, conf, site, files[i].path, "retired, removed", false) != 0)
			return -1;
		if (unlink(files[i].path) == 0)
			printf("%s: retired, removed\n", files[i].path);
	}
	return 0;
}

static int
key_rotate(struct cli *c, const struct conf *conf, const struct conf_site *site)
{
	static struct keyd_key_file files[KEYD_SITE_KEYS];
	int64_t now = clock_real_s(&clock_system), from = now + (int64_t)site->oauth.key_publish_s;
	char base[1024], path[1200];
	struct err e = { 0 };
	size_t n = 0;
	if (retired_remove(c, conf, site) != 0 || files_read(site, files, &n) != 0)
		return 1;
	if (n > 0 && files[n - 1].from_s > now) {
		fprintf(stderr, "gatehouse: %s already waits; it signs in %lld s\n", files[n - 1].path,
		    (long long)(files[n - 1].from_s - now));
		return 1;
	}
	if (n == KEYD_SITE_KEYS) {
		fprintf(stderr, "gatehouse: %d keys are still published\n", KEYD_SITE_KEYS);
		return 1;
	}
	if (str_cstr(site->oauth.signing_key, base, sizeof base) != 0)
		return 1;
	(void)snprintf(path, sizeof path, "%s.%lld", base, (long long)from);
	if (change_record(c, conf, site, path, "the next key", false) != 0)
		return 1;
	if (keyd_key_create(
	        path, str_eq(site->oauth.signing_alg, STR("ES256")), site->oauth.signing_passphrase, base, &e) != 0) {
		fprintf(stderr, "gatehouse: %s\n", e.text);
		(void)!change_record(c, conf, site, path, "could not be made", true);
		return 1;
	}
	printf("%s made; it signs in %u s, the keys before it stay published for %u s more\n", path,
	    site->oauth.key_publish_s, site->oauth.key_keep_s);
	reload_ask(conf);
	return 0;
}

static int
key_run(struct cli *c)
{
	struct conf *conf = cli_conf(c, false);
	const struct conf_site *site = conf == NULL ? NULL : cli_site_of(c, conf);
	int rc = 2;
	if (site == NULL)
		rc = 1;
	else if (strcmp(c->words[0], "list") == 0)
		rc = key_list(site);
	else if (strcmp(c->words[0], "rotate") == 0)
		rc = key_rotate(c, conf, site);
	else
		fputs("usage: gatehouse key list|rotate [--site S]\n", stderr);
	conf_free(&conf);
	return rc;
}

static const struct cli_option options[] = {
	{ "--config", "FILE", "the configuration (or $GATEHOUSE_CONFIG; /etc/gatehouse/gatehouse.yaml)" },
	{ "--site", "NAME", "the site (default: default)" },
};
const struct cli_command cli_key = { "key", "list|rotate", "list a site's signing keys, or make the next one", options,
	NITEMS(options), 1, 1, key_run };
