/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filed process: its files and its table of messages. Not the worker's side (filed_client.c). */
#include "gateway/crypto/filed.h"

#include "gateway/base/secret.h"
#include "gateway/crypto/file_store.h"
#include "gateway/crypto/filed_table.h"
#include "gateway/crypto/frame.h"
#include "gateway/crypto/openemr_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1024, ROOT_BYTES = 4096, CHECK_BYTES = 4 << 20, OUT_BYTES = 2 * FILED_PIECE_MAX };

struct file { /* one under way, or one that is read */
	bool used;
	unsigned peer, number;
	struct store_new store; /* new files */
	struct openemr_seal *seal;
	EVP_MD_CTX *sha3, *sha1;
	int read_fd; /* -1: a new file */
	struct openemr_open *open;
	uint64_t size; /* plain bytes */
	bool failed;   /* a write did not succeed: nothing more is taken */
};
struct filed {
	const struct str *roots;
	size_t n_roots;
	const struct log *log;
	struct file files[FILES_MAX];
};

/* --- files --------------------------------------------------------------------------------------------------------------------- */

static struct file *
file_find(struct filed *d, unsigned number)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (d->files[i].used && d->files[i].peer == frame_peer() && d->files[i].number == number)
			return &d->files[i];
	return NULL;
}

static struct file *
file_new(struct filed *d, unsigned number)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (!d->files[i].used) {
			d->files[i] = (struct file){ .used = true,
				.peer = frame_peer(),
				.number = number,
				.read_fd = -1,
				.store = { .fd = -1, .dir_fd = -1 } };
			return &d->files[i];
		}
	return NULL;
}

static void
file_end(struct file *f, bool undo)
{
	store_end(&f->store, undo);
	openemr_seal_free(&f->seal);
	openemr_open_free(&f->open);
	EVP_MD_CTX_free(f->sha3);
	EVP_MD_CTX_free(f->sha1);
	if (f->read_fd >= 0)
		(void)close(f->read_fd);
	f->used = false;
}

/* What a worker left when it went: a kept file may have its row by now, so it stays. */
static void
peer_gone(void *ctx, unsigned peer)
{
	struct filed *d = ctx;
	for (size_t i = 0; i < FILES_MAX; i++)
		if (d->files[i].used && d->files[i].peer == peer)
			file_end(&d->files[i], false);
}

static enum filed_status
status_of(const struct filed *d, const struct err *e)
{
	if (e->kind == E_NOT_FOUND)
		return FILED_NOT_FOUND;
	if (e->kind == E_CONFLICT)
		return FILED_EXISTS;
	LOG(d->log, LOG_WARN, "file", F_ERR(e));
	return e->kind == E_CRYPTO || e->kind == E_PARSE ? FILED_TAMPERED : FILED_IO;
}

static const char *
root_of(const struct filed *d, unsigned site, char path[ROOT_BYTES])
{
	if (site >= d->n_roots || d->roots[site].n == 0 || str_cstr(d->roots[site], path, ROOT_BYTES) != 0)
		return NULL;
	return path;
}

static void
answer(struct buf *reply, const struct file *f, enum filed_status status, bool done)
{
	struct filed_reply r;
	memset(&r, 0, sizeof r);
	if (done && f != NULL && f->open != NULL)
		(void)openemr_open_digests(f->open, r.sha3_512, r.sha1);
	r.status = (uint8_t)status;
	r.done = done;
	r.size = f == NULL ? 0 : f->size;
	buf_put(reply, &r, sizeof r);
}

/* --- messages: a new file ------------------------------------------------------------------------------------------------------- */

static enum filed_status
write_all(struct file *f, struct str bytes)
{
	while (bytes.n > 0 && !f->failed) {
		ssize_t n = write(f->store.fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		f->failed = n <= 0;
		if (f->failed)
			return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? FILED_FULL : FILED_IO;
		bytes = str_skip(bytes, (size_t)n);
	}
	return f->failed ? FILED_IO : FILED_OK;
}

static enum filed_status
create(struct filed *d, const struct filed_create *head, struct str dir)
{
	char root[ROOT_BYTES];
	struct err e = { 0 };
	struct buf begin;
	struct file *f = file_find(d, head->file) != NULL ? NULL : file_new(d, head->file);
	enum filed_status status = FILED_IO;
	if (f == NULL)
		return FILED_BUSY;
	if (root_of(d, head->site, root) == NULL || store_create(root, dir, &f->store, &e) != 0) {
		file_end(f, false);
		return e.kind == E_NONE ? FILED_IO : status_of(d, &e);
	}
	f->sha3 = EVP_MD_CTX_new();
	f->sha1 = EVP_MD_CTX_new();
	bool ok = f->sha3 != NULL && f->sha1 != NULL && EVP_DigestInit_ex(f->sha3, EVP_sha3_512(), NULL) == 1 &&
	          EVP_DigestInit_ex(f->sha1, EVP_sha1(), NULL) == 1;
	buf_init(&begin, NULL, 128, 256);
	if (ok && head->version != 0) {
		f->seal = head->version < 4 || head->version > 7
		              ? NULL
		              : openemr_seal_new(head->version, head->a, head->b, head->iv);
		ok = f->seal != NULL && openemr_seal_begin(f->seal, &begin) == 0;
	}
	if (ok)
		status = write_all(f, buf_str(&begin));
	buf_done(&begin);
	if (status != FILED_OK)
		file_end(f, false);
	return status;
}

static void
create_run(void *ctx, struct str payload, struct buf *reply)
{
	struct filed_create head;
	if (payload.n < sizeof head) {
		answer(reply, NULL, FILED_IO, false);
		return;
	}
	memcpy(&head, payload.p, sizeof head);
	answer(reply, NULL, create(ctx, &head, str_skip(payload, sizeof head)), false);
	secret_wipe(&head, sizeof head);
}

/* The file that a message begins with, and its rest. NULL: answered. */
static struct file *
file_named(struct filed *d, struct str *payload, struct buf *reply)
{
	uint32_t number;
	struct file *f = NULL;
	if (payload->n >= sizeof number) {
		memcpy(&number, payload->p, sizeof number);
		*payload = str_skip(*payload, sizeof number);
		f = file_find(d, number);
	}
	if (f == NULL)
		answer(reply, NULL, FILED_IO, false);
	return f;
}

static void
write_run(void *ctx, struct str payload, struct buf *reply)
{
	struct file *f = file_named(ctx, &payload, reply);
	enum filed_status status = FILED_IO;
	struct buf sealed;
	if (f == NULL)
		return;
	if (f->store.fd >= 0 && EVP_DigestUpdate(f->sha3, payload.p, payload.n) == 1 &&
	    EVP_DigestUpdate(f->sha1, payload.p, payload.n) == 1) {
		buf_init(&sealed, NULL, OUT_BYTES, OUT_BYTES);
		if (f->seal == NULL)
			status = write_all(f, payload);
		else if (openemr_seal_put(f->seal, payload, &sealed) == 0)
			status = write_all(f, buf_str(&sealed));
		buf_done(&sealed);
	}
	f->failed |= status != FILED_OK;
	f->size += payload.n;
	answer(reply, f, status, false);
}

/* The last bytes of a sealed file, and its MAC in front. */
static enum filed_status
seal_finish(struct file *f)
{
	char mac[OPENEMR_SEAL_MAC_TEXT];
	struct buf last;
	enum filed_status status = FILED_IO;
	if (f->seal == NULL)
		return FILED_OK;
	buf_init(&last, NULL, 128, 256);
	if (openemr_seal_end(f->seal, &last, mac) == 0)
		status = write_all(f, buf_str(&last));
	buf_done(&last);
	openemr_seal_free(&f->seal);
	if (status == FILED_OK && pwrite(f->store.fd, mac, sizeof mac, OPENEMR_SEAL_MAC_AT) != sizeof mac)
		status = FILED_IO;
	return status;
}

static void
keep_run(void *ctx, struct str payload, struct buf *reply)
{
	struct filed *d = ctx;
	struct file *f = file_named(d, &payload, reply);
	struct filed_reply r;
	struct err e = { 0 };
	if (f == NULL)
		return;
	memset(&r, 0, sizeof r);
	r.size = f->size;
	r.status = FILED_IO;
	if (f->store.fd >= 0 && f->store.name[0] == 0 && !f->failed)
		r.status = (uint8_t)seal_finish(f);
	if (r.status == FILED_OK && store_keep(&f->store, payload, &e) != 0)
		r.status = (uint8_t)status_of(d, &e);
	if (r.status ==
	        FILED_OK && /* a name that is taken brings a second call: the digests end with the one that succeeds */
	    (EVP_DigestFinal_ex(f->sha3, r.sha3_512, NULL) != 1 || EVP_DigestFinal_ex(f->sha1, r.sha1, NULL) != 1))
		r.status = FILED_IO;
	buf_put(reply, &r, sizeof r);
}

/* --- messages: reading ----------------------------------------------------------------------------------------------------------- */

static enum filed_status
open_file(struct filed *d, const struct filed_open *head, struct str path, struct file **out)
{
	char root[ROOT_BYTES];
	struct err e = { 0 };
	struct file *f = file_find(d, head->file) != NULL ? NULL : file_new(d, head->file);
	uint64_t size;
	if (f == NULL)
		return FILED_BUSY;
	if (root_of(d, head->site, root) == NULL) {
		file_end(f, false);
		return FILED_IO;
	}
	f->read_fd = store_open(root, path, &size, &e);
	if (f->read_fd >= 0)
		f->open = openemr_open_new(
		    f->read_fd, size, head->sealed ? &head->database : NULL, head->sealed ? &head->drive : NULL, &e);
	if (f->read_fd < 0 || f->open == NULL) {
		file_end(f, false);
		return status_of(d, &e);
	}
	f->size = size;
	*out = f;
	return FILED_OK;
}

static void
open_run(void *ctx, struct str payload, struct buf *reply)
{
	struct filed_open head;
	struct file *f = NULL;
	if (payload.n < sizeof head) {
		answer(reply, NULL, FILED_IO, false);
		return;
	}
	memcpy(&head, payload.p, sizeof head);
	enum filed_status status = open_file(ctx, &head, str_skip(payload, sizeof head), &f);
	answer(reply, f, status, false);
	secret_wipe(&head, sizeof head);
}

static void
check_run(void *ctx, struct str payload, struct buf *reply)
{
	struct filed *d = ctx;
	struct file *f = file_named(d, &payload, reply);
	struct err e = { 0 };
	if (f == NULL)
		return;
	int rc = f->open == NULL ? -1 : openemr_open_check(f->open, CHECK_BYTES, &e);
	if (rc == 1)
		f->size = openemr_open_size(f->open);
	answer(reply, f, rc >= 0 ? FILED_OK : e.kind == E_NONE ? FILED_IO : status_of(d, &e), rc == 1);
}

static void
read_run(void *ctx, struct str payload, struct buf *reply)
{
	struct filed *d = ctx;
	struct file *f = file_named(d, &payload, reply);
	struct filed_read head;
	struct err e = { 0 };
	if (f == NULL)
		return;
	if (f->open == NULL || payload.n != sizeof head) {
		answer(reply, f, FILED_IO, false);
		return;
	}
	memcpy(&head, payload.p, sizeof head);
	/* a worker that did not check the file first (or whose check failed) gets nothing of it */
	bool sound = openemr_open_check(f->open, 0, &e) == 1;
	f->size = sound ? openemr_open_size(f->open) : 0;
	if (!sound || head.n > FILED_PIECE_MAX || head.from > f->size || head.n > f->size - head.from) {
		answer(reply, f, FILED_IO, false);
		return;
	}
	size_t at = reply->n;
	answer(reply, f, FILED_OK, false);
	if (openemr_open_read(f->open, head.from, head.n, reply, &e) != 0) {
		reply->n = at;
		answer(reply, f, status_of(d, &e), false);
	}
}

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

static void
drop_run(void *ctx, struct str payload, struct buf *reply)
{
	struct file *f = file_named(ctx, &payload, reply);
	if (f == NULL)
		return; /* its create or open failed */
	file_end(f, payload.n == 1 && payload.p[0] == 1);
	answer(reply, NULL, FILED_OK, false);
}

static void
hello(void *ctx, struct str payload, struct buf *reply)
{
	(void)ctx;
	(void)payload;
	(void)reply;
}

const struct frame_row filed_table[FILED_N] = {
	{ FILED_HELLO, 64, FRAME_ONCE | FRAME_PERMITS, hello },
	{ FILED_CREATE, sizeof(struct filed_create) + STORE_NAME_MAX, 0, create_run },
	{ FILED_WRITE, sizeof(uint32_t) + FILED_PIECE_MAX, 0, write_run },
	{ FILED_KEEP, sizeof(uint32_t) + STORE_NAME_MAX, 0, keep_run },
	{ FILED_OPEN, sizeof(struct filed_open) + 1024, 0, open_run },
	{ FILED_CHECK, sizeof(uint32_t), 0, check_run },
	{ FILED_READ, sizeof(uint32_t) + sizeof(struct filed_read), 0, read_run },
	{ FILED_DROP, sizeof(uint32_t) + 1, 0, drop_run },
};

int
filed_serve(const struct str *roots, size_t n_roots, int control_fd, const struct log *log)
{
	static struct filed d;
	struct rlimit none = { 0, 0 };
	d.roots = roots;
	d.n_roots = n_roots;
	d.log = log;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* keys pass through */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(0007); /* PHP, in the same group, reads and deletes what we write */
	frame_on_gone(peer_gone);
	return frame_serve(filed_table, FILED_N, &d, NULL, 0, control_fd, log);
}
