/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files below a folder, for the filed process: no path leaves the folder (each part is opened by itself, symbolic links are not followed,
 * "." and ".." are refused), a file under way has no name until it is kept, and nothing of it stays when it is dropped. Blocking.
 * Private to gateway/crypto.                                                                                               */
#ifndef GATEWAY_CRYPTO_FILE_STORE_H
#define GATEWAY_CRYPTO_FILE_STORE_H

#include "gateway/base/err.h"

enum { STORE_NAME_MAX = 255 };

/* Opens the regular file root/path for reading; *size its length. -1 with e: E_NOT_FOUND no such file, or the path is not allowed; E_IO
 * the folder or the file cannot be read.                                                                                   */
int store_open(const char *root, struct str path, uint64_t *size, struct err *e) MUSTUSE;

struct store_new { /* a file under way */
	int dir_fd, fd;
	char hidden[40];               /* its name until it is kept, where the file system has no nameless files; "" */
	char name[STORE_NAME_MAX + 1]; /* "" until kept */
};
/* A new file in root/dir, which is made when it is not there (one level, mode 0770 less umask). */
int store_create(const char *root, struct str dir, struct store_new *f, struct err *e) MUSTUSE;
/* Makes content and name durable. -1: E_CONFLICT there is such a name (the file stays under way), E_INVALID bad name, E_IO. */
int store_keep(struct store_new *f, struct str name, struct err *e) MUSTUSE;
/* Closes; undo: a file that was kept is removed. One that was not is always gone. */
void store_end(struct store_new *f, bool undo);

#endif
