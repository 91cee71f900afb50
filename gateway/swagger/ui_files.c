/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of files. */
#include "gateway/swagger/ui_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 8 << 20, PATH_BYTES = 4096 };

static const struct {
	struct str name, type;
} files[UI_FILES] = {
	{ STR_INIT("index.html"), STR_INIT("text/html; charset=utf-8") },
	{ STR_INIT("initializer.js"), STR_INIT("text/javascript; charset=utf-8") },
	{ STR_INIT("page.css"), STR_INIT("text/css; charset=utf-8") },
	{ STR_INIT("swagger-ui.css"), STR_INIT("text/css; charset=utf-8") },
	{ STR_INIT("swagger-ui-bundle.js"), STR_INIT("text/javascript; charset=utf-8") },
	{ STR_INIT("oauth2-redirect.html"), STR_INIT("text/html; charset=utf-8") },
	{ STR_INIT("oauth2-redirect.js"), STR_INIT("text/javascript; charset=utf-8") },
	{ STR_INIT("favicon-32x32.png"), STR_INIT("image/png") },
};

int
ui_file_of(struct str path)
{
	struct str folder = STR("/swagger/"), name = str_skip(path, folder.n);
	if (!str_starts(path, folder))
		return -1;
	if (name.n == 0)
		return 0;
	for (int i = 0; i < UI_FILES; i++)
		if (str_eq(files[i].name, name))
			return i;
	return -1;
}

/* *fd is open and *n its size; -1 with the reason. */
static int
file_open(struct str dir, int i, int *fd, size_t *n, struct err *e)
{
	char path[PATH_BYTES];
	struct stat st;
	int len = snprintf(path, sizeof path, "%.*s/%.*s", STR_ARG(dir), STR_ARG(files[i].name));
	*fd = len < 0 || len >= (int)sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return ERR(e, E_IO, "%.*s: %s", STR_ARG(files[i].name), strerror(errno));
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > FILE_MAX_BYTES) {
		(void)close(*fd);
		return ERR(e, E_IO, "%.*s: not a file of 1 to %d bytes", STR_ARG(files[i].name), FILE_MAX_BYTES);
	}
	*n = (size_t)st.st_size;
	return 0;
}

static int
file_read(struct ui_files *f, struct str dir, int i, struct err *e)
{
	size_t n, got = 0;
	int fd, rc = -1;
	if (file_open(dir, i, &fd, &n, e) != 0)
		return -1;
	char *text = malloc(n);
	while (text != NULL && got < n) {
		ssize_t r = read(fd, text + got, n - got);
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	(void)close(fd);
	if (text == NULL || got < n)
		(void)ERR(e, E_IO, "%.*s: cannot be read", STR_ARG(files[i].name));
	else
		rc = blob_make(&f->v[i], (struct str){ text, n }, files[i].type, e);
	free(text);
	return rc;
}

int
ui_files_check(struct str dir, struct err *e)
{
	for (int i = 0; i < UI_FILES; i++) {
		size_t n;
		int fd;
		if (file_open(dir, i, &fd, &n, e) != 0)
			return -1;
		(void)close(fd);
	}
	return 0;
}

struct ui_files *
ui_files_read(struct str dir, struct err *e)
{
	struct ui_files *f = calloc(1, sizeof *f);
	if (f == NULL) {
		(void)ERR(e, E_MEMORY, "files of Swagger UI");
		return NULL;
	}
	f->refs = 1;
	for (int i = 0; dir.n > 0 && i < UI_FILES; i++) {
		struct err one = { 0 };
		if (file_read(f, dir, i, &one) != 0 && e->kind == E_NONE)
			*e = one;
	}
	return f;
}

void
ui_files_free(struct ui_files **fp)
{
	struct ui_files *f = *fp;
	*fp = NULL;
	if (f == NULL || --f->refs > 0)
		return;
	for (int i = 0; i < UI_FILES; i++)
		blob_done(&f->v[i]);
	free(f);
}
