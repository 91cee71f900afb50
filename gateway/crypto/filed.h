/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filed: processes that read and write the files of documents and (un)seal them, off the event loop. A worker numbers its files itself and
 * tells what to do with each; when a worker is gone, its files under way are gone too. The folders are those of the
 * configuration, by site number: a worker cannot name one. Keys come with each call and are wiped with it.                */
#ifndef GATEWAY_CRYPTO_FILED_H
#define GATEWAY_CRYPTO_FILED_H

#include "gateway/base/log.h"
#include "gateway/crypto/openemr_crypt.h"
#include "gateway/loop/step.h"

/* Serves until all peers are closed or SIGTERM. roots: the folder per site (.n 0: none). control_fd: as keyd_serve(). */
int filed_serve(const struct str *roots, size_t n_roots, int control_fd, const struct log *log);

struct filed_client;
/* Takes over fd. NULL: out of memory. */
struct filed_client *filed_client_new(struct loop *l, int fd);
void filed_client_free(struct filed_client **c);
bool filed_client_healthy(const struct filed_client *c); /* as keyd_client_healthy() */

enum { FILED_PIECE_MAX = 48 << 10 };
enum filed_status {
	FILED_OK,
	FILED_NOT_FOUND, /* no such file, or no path of the folder */
	FILED_EXISTS,    /* keep: the name is taken */
	FILED_TAMPERED,  /* the MAC is wrong, no key, malformed */
	FILED_FULL,      /* no space, quota of the file system, file size limit */
	FILED_IO,        /* the folder is not there or not readable: filed's log says why */
	FILED_BUSY,      /* too many files at once */
	FILED_DOWN,      /* filed does not answer */
	FILED_STATUS_N
};
struct filed_result { /* the caller's, zeroed by each call */
	enum filed_status status;
	bool done;                      /* check: the whole is checked */
	uint64_t size;                  /* plain bytes: of the file (open, check), written so far (write, keep) */
	uint8_t sha3_512[64], sha1[20]; /* keep; check, when done, of a file that has no MAC, else zeros */
	struct buf *data;               /* read: set by the caller, appended to */
};
/* Number of the next file of this client. */
unsigned filed_number(struct filed_client *c);

/* A new file in a folder of the site (one name; made if need be). version 0: clear, else 4..7 sealed with its pair of keys. */
enum step filed_create(struct task *t, struct filed_client *c, unsigned site, unsigned file, struct str dir,
    unsigned version, const struct openemr_keys *keys, struct filed_result *out);
/* Appends at most FILED_PIECE_MAX bytes; they are copied. */
enum step filed_write(
    struct task *t, struct filed_client *c, unsigned file, struct str piece, struct filed_result *out);
/* The file is complete: durable under its name in its folder. filed_drop(undo) takes that back. */
enum step filed_keep(struct task *t, struct filed_client *c, unsigned file, struct str name, struct filed_result *out);
/* A file of the site for reading. sealed: in OpenEMR's format; then check until done, before read. */
enum step filed_open(struct task *t, struct filed_client *c, unsigned site, unsigned file, struct str path, bool sealed,
    const struct openemr_keys *database, const struct openemr_keys *drive, struct filed_result *out);
/* Checks some MiB more. */
enum step filed_check(struct task *t, struct filed_client *c, unsigned file, struct filed_result *out);
/* Plain bytes [from, from + n), n at most FILED_PIECE_MAX, inside the file. */
enum step filed_read(
    struct task *t, struct filed_client *c, unsigned file, uint64_t from, size_t n, struct filed_result *out);
/* Ends a file; always once per number, also when its create or open was not answered. undo: what was kept is removed. */
void filed_drop(struct filed_client *c, unsigned file, bool undo);

#endif
