/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the filed process. openat2(RESOLVE_BENEATH) would do the walk in one call, where the kernel has it; O_NOFOLLOW part by part
 * does the same everywhere.                                                                                                */
#include "gateway/crypto/file_store.h"

#include "gateway/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTS_MAX = 16, DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* A part of a path as a C string. -1: not a plain name. */
static int
part_take(struct str part, char name[STORE_NAME_MAX + 1])
{
	if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")) || str_find(part, '/') < part.n)
		return -1;
	return str_cstr(part, name, STORE_NAME_MAX + 1);
}

/* Opens the folder root/dirs; the caller closes it. make: the last one may be made. */
static int
dir_open(const char *root, struct str dirs, bool make, struct err *e)
{
	struct str part;
	char name[STORE_NAME_MAX + 1];
	unsigned n = 0;
	int fd = open(root, DIR_FLAGS);
	if (fd < 0)
		return ERR(e, E_IO, "%s: cannot be opened (errno %d)", root, errno);
	while (str_next(&dirs, '/', &part)) {
		if (++n > PARTS_MAX || part_take(part, name) != 0) {
			(void)close(fd);
			return ERR(e, E_NOT_FOUND, "a path that is not allowed");
		}
		if (make && mkdirat(fd, name, 0770) != 0 && errno != EEXIST) {
			int why = errno;
			(void)close(fd);
			return ERR(e, E_IO, "%s: a folder cannot be made (errno %d)", root, why);
		}
		int next = openat(fd, name, DIR_FLAGS | O_NOFOLLOW);
		int why = errno;
		(void)close(fd);
		if (next < 0)
			return why == ENOENT || why == ENOTDIR || why == ELOOP
			           ? ERR(e, E_NOT_FOUND, "no such folder")
			           : ERR(e, E_IO, "%s: a folder cannot be opened (errno %d)", root, why);
		fd = next;
	}
	return fd;
}

int
store_open(const char *root, struct str path, uint64_t *size, struct err *e)
{
	char name[STORE_NAME_MAX + 1];
	struct stat st;
	size_t slash = path.n;
	while (slash > 0 && path.p[slash - 1] != '/')
		slash--;
	if (part_take(str_skip(path, slash), name) != 0)
		return ERR(e, E_NOT_FOUND, "a path that is not allowed");
	int dir = dir_open(root, str_sub(path, 0, slash > 0 ? slash - 1 : 0), false, e);
	if (dir < 0)
		return -1;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int why = errno;
	(void)close(dir);
	if (fd < 0)
		return why == ENOENT || why == ELOOP ? ERR(e, E_NOT_FOUND, "no such file")
		                                     : ERR(e, E_IO, "a document cannot be opened (errno %d)", why);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return ERR(e, E_NOT_FOUND, "not a file");
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

/* --- new files ----------------------------------------------------------------------------------------------------------------- */

int
store_create(const char *root, struct str dir, struct store_new *f, struct err *e)
{
	uint8_t random[16];
	*f = (struct store_new){ .fd = -1 };
	f->dir_fd = dir_open(root, dir, true, e);
	if (f->dir_fd < 0)
		return -1;
	f->fd = openat(f->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0660);
	if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)) {
		size_t n = (size_t)snprintf(f->hidden, sizeof f->hidden, ".gh-");
		rng_bytes(&rng_system, random, sizeof random);
		for (size_t i = 0; i < sizeof random; i++)
			n += (size_t)snprintf(f->hidden + n, sizeof f->hidden - n, "%02x", random[i]);
		f->fd = openat(f->dir_fd, f->hidden, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0660);
	}
	if (f->fd >= 0)
		return 0;
	int why = errno;
	f->hidden[0] = 0;
	store_end(f, false);
	return ERR(e, E_IO, "a file cannot be made (errno %d)", why);
}

int
store_keep(struct store_new *f, struct str name, struct err *e)
{
	char own[64], to[STORE_NAME_MAX + 1];
	int rc;
	if (part_take(name, to) != 0)
		return ERR(e, E_INVALID, "a file name that is not allowed");
	if (fsync(f->fd) != 0)
		return ERR(e, E_IO, "a file cannot be written (errno %d)", errno);
	if (f->hidden[0] != 0) {
		rc = linkat(f->dir_fd, f->hidden, f->dir_fd, to, 0);
	} else {
		(void)snprintf(own, sizeof own, "/proc/self/fd/%d", f->fd);
		rc = linkat(AT_FDCWD, own, f->dir_fd, to, AT_SYMLINK_FOLLOW);
	}
	if (rc != 0)
		return errno == EEXIST ? ERR(e, E_CONFLICT, "there is such a file")
		                       : ERR(e, E_IO, "a file cannot be named (errno %d)", errno);
	memcpy(f->name, to, sizeof to);
	if (f->hidden[0] != 0)
		(void)unlinkat(f->dir_fd, f->hidden, 0);
	f->hidden[0] = 0;
	if (fsync(f->dir_fd) != 0)
		return ERR(e, E_IO, "a folder cannot be written (errno %d)", errno);
	return 0;
}

void
store_end(struct store_new *f, bool undo)
{
	if (f->dir_fd >= 0 && f->hidden[0] != 0)
		(void)unlinkat(f->dir_fd, f->hidden, 0);
	if (f->dir_fd >= 0 && undo && f->name[0] != 0) {
		(void)unlinkat(f->dir_fd, f->name, 0);
		(void)fsync(f->dir_fd);
	}
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->dir_fd >= 0)
		(void)close(f->dir_fd);
	f->fd = f->dir_fd = -1;
	f->name[0] = f->hidden[0] = 0;
}
