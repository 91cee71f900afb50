/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the journal. Reading it is segment.c's. */
#include "gateway/audit/journal.h"

#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, OUT_MAX = 64 << 20, SIG_BYTES = 64, ZEROS_BYTES = 64 << 10, LOCK_TRIES = 40, LOCK_MS = 50 };

struct journal {
	struct journal_conf conf;
	char dir[PATH_BYTES], path[PATH_BYTES + SEGMENT_NAME + 2]; /* path: of the present segment */
	int fd, lock_fd;
	off_t size;   /* of the present segment, durable part */
	off_t laid;   /* its end: NUL bytes behind size */
	uint64_t seq; /* of the next record */
	uint64_t since_checkpoint;
	uint8_t chain[CHAIN_BYTES]; /* after everything added */
	uint8_t good_chain[CHAIN_BYTES];
	uint64_t good_seq; /* the same, durable */
	struct buf out;
	EVP_PKEY *key;
	bool fresh;      /* a new segment must begin */
	bool removed;    /* for journal_was_removed() */
	struct buf head; /* the last checkpoint's line, when CHECKPOINT_LAST does not hold it yet */
};

/* --- adding ------------------------------------------------------------------------------------------------------------------------ */

static void
hex_at(char *to, const uint8_t *bytes, size_t n)
{
	struct buf b = { .p = to, .cap = 2 * n, .max = 2 * n };
	hex_put(&b, bytes, n);
}

/* members: of the record, behind "seq", without braces. The line is made where it is written from: what is hashed (the chain before, then
 * the JSON) stands there as one piece until the chain's text takes the place of its beginning.                              */
static int
line_add(struct journal *j, struct str members)
{
	uint8_t chain[CHAIN_BYTES], crc_bytes[4];
	char seq[40];
	size_t seq_n = (size_t)snprintf(seq, sizeof seq, "{\"seq\":%llu,", (unsigned long long)j->seq);
	size_t json_n = seq_n + members.n + 1;
	char *line = LINE_HEAD + json_n > JOURNAL_LINE_MAX ? NULL : buf_room(&j->out, LINE_HEAD + json_n + 1);
	if (line == NULL) {
		j->out.failed = false; /* the lines before it stand */
		return -1;
	}
	char *json = line + LINE_HEAD, *hashed = json - CHAIN_BYTES;
	memcpy(json, seq, seq_n);
	memcpy(json + seq_n, members.p, members.n);
	json[json_n - 1] = '}';
	json[json_n] = '\n';
	memcpy(hashed, j->chain, CHAIN_BYTES);
	sha256((struct str){ hashed, CHAIN_BYTES + json_n }, chain);
	hex_at(line + CRC_HEAD, chain, sizeof chain);
	json[-1] = ' ';
	uint32_t crc = crc32c(0, line + CRC_HEAD, LINE_HEAD - CRC_HEAD + json_n);
	for (unsigned i = 0; i < 4; i++)
		crc_bytes[i] = (uint8_t)(crc >> (24 - 8 * i));
	hex_at(line, crc_bytes, sizeof crc_bytes);
	line[CRC_HEAD - 1] = ' ';
	j->out.n += LINE_HEAD + json_n + 1;
	memcpy(j->chain, chain, sizeof chain);
	j->seq++;
	j->since_checkpoint++;
	return 0;
}

static int
checkpoint_add(struct journal *j)
{
	uint8_t sig[SIG_BYTES];
	size_t n = sizeof sig;
	struct buf b;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, j->key) == 1 &&
	                 EVP_DigestSign(ctx, sig, &n, j->chain, CHAIN_BYTES) == 1
	             ? 0
	             : -1;
	EVP_MD_CTX_free(ctx);
	if (rc != 0) {
		ERR_clear_error();
		return -1;
	}
	buf_init(&b, NULL, 256, 1024);
	buf_lit(&b, "\"event\":\"checkpoint\",\"chain\":\"");
	hex_put(&b, j->chain, CHAIN_BYTES);
	buf_lit(&b, "\",\"sig\":\"");
	base64_put(&b, sig, n);
	buf_char(&b, '"');
	size_t at = j->out.n;
	rc = buf_ok(&b) ? line_add(j, buf_str(&b)) : -1;
	buf_done(&b);
	j->since_checkpoint = 0;
	buf_clear(&j->head);
	if (rc == 0)
		buf_put(&j->head, j->out.p + at, j->out.n - at);
	return rc;
}

/* The last checkpoint stands beside the journal too, so that records cut off at its end are missed. Best effort: the journal counts. */
static void
head_write(struct journal *j)
{
	char path[PATH_BYTES + 32], fresh[PATH_BYTES + 32];
	(void)snprintf(path, sizeof path, "%s/%s", j->dir, CHECKPOINT_LAST);
	(void)snprintf(fresh, sizeof fresh, "%s/%s.new", j->dir, CHECKPOINT_LAST);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	bool ok =
	    fd >= 0 && buf_ok(&j->head) && write(fd, j->head.p, j->head.n) == (ssize_t)j->head.n && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	if (ok)
		(void)rename(fresh, path);
	buf_clear(&j->head);
}

int
journal_add(struct journal *j, struct str json)
{
	if (json.n < 3 || json.p[0] != '{' || json.p[json.n - 1] != '}' || json.n > JOURNAL_LINE_MAX - 256 ||
	    str_find(json, '\n') < json.n)
		return -1;
	return line_add(j, str_sub(json, 1, json.n - 1));
}

/* --- files -------------------------------------------------------------------------------------------------------------------------- */

static int
dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* The file ends with its records again. A crash before that leaves NUL bytes, which say the same. */
static void
segment_end(struct journal *j)
{
	if (j->fd >= 0 && (j->laid <= j->size || ftruncate(j->fd, j->size) == 0))
		(void)fsync(j->fd);
	if (j->fd >= 0)
		(void)close(j->fd);
	j->fd = -1;
	j->laid = j->size = 0;
}

/* NUL bytes behind records that end at end, once those before are used up. Best effort: records count, and where there is no room for
 * more the file ends with them.                                                                                            */
static void
lay_out(struct journal *j, off_t end)
{
	static const char zeros[ZEROS_BYTES];
	off_t until = MIN(end + (off_t)j->conf.ahead_bytes, MAX((off_t)j->conf.segment_bytes, end));
	off_t at = MAX(end, j->laid);
	if (end <= j->laid)
		return;
	while (at < until) {
		ssize_t n = pwrite(j->fd, zeros, (size_t)MIN(until - at, (off_t)sizeof zeros), at);
		if (n <= 0)
			break;
		at += n;
	}
	if (at < until)
		at = ftruncate(j->fd, end) == 0 ? end : at;
	j->laid = at;
}

static int
all_written(int fd, struct str bytes, off_t at)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes = str_skip(bytes, (size_t)n);
		at += n;
	}
	return 0;
}

/* A new segment, named by the number of its first record, the first that is not durable yet: names grow. */
static int
segment_begin(struct journal *j, struct err *e)
{
	segment_end(j);
	/* A file of that name holds nothing that counts (a crash before its first sync). */
	(void)snprintf(j->path, sizeof j->path, "%s/%016llx.journal", j->dir, (unsigned long long)j->good_seq);
	j->fd = open(j->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (j->fd < 0 || dir_sync(j->dir) != 0)
		return ERR(e, E_IO, "%s: errno %d", j->path, errno);
	j->fresh = false;
	return 0;
}

/* Somebody has removed the file or moved it away: what is written to it now would be lost. */
static bool
segment_gone(const struct journal *j)
{
	struct stat ours, there;
	return fstat(j->fd, &ours) != 0 || stat(j->path, &there) != 0 || ours.st_ino != there.st_ino ||
	       ours.st_dev != there.st_dev;
}

bool
journal_was_removed(struct journal *j)
{
	bool was = j->removed;
	j->removed = false;
	return was;
}

/* Nothing that was added counts: back to what is durable. */
static void
forget(struct journal *j)
{
	buf_clear(&j->out);
	buf_clear(&j->head);
	memcpy(j->chain, j->good_chain, CHAIN_BYTES);
	j->seq = j->good_seq;
	if (j->fd >= 0 && ftruncate(j->fd, j->size) != 0) {
		(void)close(j->fd); /* the file is suspect: go on in a new one */
		j->fd = -1;
		j->fresh = true;
	}
	j->laid = j->size;
}

int
journal_sync(struct journal *j, struct err *e)
{
	if (j->since_checkpoint >= MAX(j->conf.checkpoint_records, 1u) && checkpoint_add(j) != 0) {
		forget(j);
		return ERR(e, E_CRYPTO, "journal: checkpoint cannot be signed");
	}
	if (j->fd >= 0 && !j->fresh && segment_gone(j))
		j->removed = j->fresh = true;
	if ((j->fresh || j->fd < 0) && segment_begin(j, e) != 0) {
		forget(j);
		return -1;
	}
	if (all_written(j->fd, buf_str(&j->out), j->size) != 0) {
		int why = errno;
		forget(j);
		return ERR(e, E_IO, "journal: write failed (errno %d)", why);
	}
	lay_out(j, j->size + (off_t)j->out.n);
	if (fdatasync(j->fd) != 0) { /* what the disk holds now is unknown: never trust this file again */
		int why = errno;
		j->fresh = true;
		forget(j);
		return ERR(e, E_IO, "journal: fdatasync failed (errno %d)", why);
	}
	j->size += (off_t)j->out.n;
	buf_clear(&j->out);
	memcpy(j->good_chain, j->chain, CHAIN_BYTES);
	j->good_seq = j->seq;
	if ((size_t)j->size >= j->conf.segment_bytes)
		j->fresh = true;
	if (j->head.n > 0)
		head_write(j);
	return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------- */

static int
key_open(struct journal *j, struct err *e)
{
	char pub[PATH_BYTES + 20];
	FILE *f = fopen(j->conf.key_path, "re");
	if (f != NULL) {
		j->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		(void)fclose(f);
	} else if (errno == ENOENT) {
		int fd = open(j->conf.key_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		j->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		f = fd < 0 ? NULL : fdopen(fd, "w");
		bool ok = f != NULL && j->key != NULL &&
		          PEM_write_PKCS8PrivateKey(f, j->key, NULL, NULL, 0, NULL, NULL) == 1 && fflush(f) == 0 &&
		          fsync(fd) == 0;
		int why = errno;
		if (f != NULL)
			(void)fclose(f);
		if (!ok && fd >= 0)
			(void)unlink(j->conf.key_path); /* half a key would stop every later start */
		if (!ok)
			return ERR(e, E_IO, "%s: cannot be made (errno %d)", j->conf.key_path, why);
	}
	ERR_clear_error();
	if (j->key == NULL || EVP_PKEY_get_base_id(j->key) != EVP_PKEY_ED25519)
		return ERR(e, E_CRYPTO, "%s: no Ed25519 key", j->conf.key_path);
	(void)snprintf(pub, sizeof pub, "%s/checkpoint.pub", j->dir);
	f = fopen(pub, "we");
	bool ok = f != NULL && PEM_write_PUBKEY(f, j->key) == 1;
	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	return ok ? 0 : ERR(e, E_IO, "%s: cannot be written", pub);
}

/* Walks the last segment: the end of the chain, and where the last whole record ends. */
static int
segment_walk(struct journal *j, const char *path, off_t *whole, off_t *total, struct err *e)
{
	struct segment s = { .f = fopen(path, "re") };
	struct str line;
	*whole = *total = 0;
	if (s.f == NULL)
		return ERR(e, E_IO, "%s: errno %d", path, errno);
	while (segment_next(&s, &line)) {
		struct journal_line l;
		if (journal_line_parse(line, &l) != 0 || hex_get(l.chain, j->chain, CHAIN_BYTES) != 0)
			continue; /* torn, if nothing good follows; else audit verify tells */
		*whole = s.at;
		j->seq = l.seq + 1;
	}
	*total = s.bytes;
	j->laid = s.at;
	free(s.text);
	(void)fclose(s.f);
	return 0;
}

/* What stands from whole to total goes into a side file. */
static int
torn_cut(const char *path, off_t whole, off_t total, struct err *e)
{
	char side[PATH_BYTES + 64], bytes[4096];
	int in = open(path, O_RDWR | O_CLOEXEC), out;
	(void)snprintf(side, sizeof side, "%s.torn", path);
	out = open(side, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640); /* a second one goes behind the first */
	bool ok = in >= 0 && out >= 0 && lseek(in, whole, SEEK_SET) == whole;
	for (off_t left = total - whole; ok && left > 0;) {
		ssize_t n = read(in, bytes, (size_t)MIN(left, (off_t)sizeof bytes));
		ok = n > 0 && write(out, bytes, (size_t)n) == n;
		left -= n;
	}
	ok = ok && fsync(out) == 0 && ftruncate(in, whole) == 0 && fsync(in) == 0;
	if (in >= 0)
		(void)close(in);
	if (out >= 0)
		(void)close(out);
	return ok ? 0 : ERR(e, E_IO, "%s: the torn record cannot be moved aside", path);
}

static int
chain_find(struct journal *j, bool *torn, struct err *e)
{
	char *path = j->path;
	AUTO(arena) a = arena_new("journal", 16 << 20);
	struct str *names;
	size_t n;
	off_t whole = 0, total = 0;
	*torn = false;
	if (a == NULL || journal_segments(a, j->dir, &names, &n, e) != 0)
		return -1;
	j->seq = 1;
	for (size_t i = n; i-- > 0;) {
		(void)snprintf(path, sizeof j->path, "%s/%.*s", j->dir, STR_ARG(names[i]));
		if (segment_walk(j, path, &whole, &total, e) != 0)
			return -1;
		if (whole < total) {
			*torn = true;
			if (torn_cut(path, whole, total, e) != 0)
				return -1;
			j->laid = whole;
		}
		if (whole > 0)
			break; /* an empty segment says nothing: the one before does */
	}
	if (n > 0 && whole > 0) {
		j->fd = open(path, O_WRONLY | O_CLOEXEC);
		j->size = whole;
		if (j->conf.ahead_bytes == 0 && j->laid > whole && j->fd >= 0 && ftruncate(j->fd, whole) == 0)
			j->laid = whole;
	}
	j->fresh = j->fd < 0;
	memcpy(j->good_chain, j->chain, CHAIN_BYTES);
	j->good_seq = j->seq;
	return 0;
}

/* Two writers would write over each other. */
static int
writer_lock(struct journal *j, struct err *e)
{
	char path[PATH_BYTES + 20];
	(void)snprintf(path, sizeof path, "%s/" WRITER_LOCK, j->dir);
	j->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (j->lock_fd < 0)
		return ERR(e, E_IO, "%s: errno %d", path, errno);
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ERR(e, E_IO, "%s: errno %d", path, errno);
		(void)poll(NULL, 0, LOCK_MS);
	}
	return ERR(e, E_CONFLICT, "%s: another process writes this journal", j->dir);
}

static void
journal_drop(struct journal *j)
{
	if (j->fd >= 0)
		(void)close(j->fd);
	if (j->lock_fd >= 0)
		(void)close(j->lock_fd);
	buf_done(&j->out);
	buf_done(&j->head);
	EVP_PKEY_free(j->key);
	free(j);
}

struct journal *
journal_open(const struct journal_conf *conf, bool *torn, struct err *e)
{
	struct journal *j = calloc(1, sizeof *j);
	if (j == NULL || str_cstr(str_of(conf->dir), j->dir, sizeof j->dir) != 0) {
		free(j);
		(void)ERR(e, E_MEMORY, "journal");
		return NULL;
	}
	j->conf = *conf;
	j->fd = j->lock_fd = -1;
	buf_init(&j->out, NULL, 64 << 10, OUT_MAX);
	buf_init(&j->head, NULL, 512, 4096);
	if ((mkdir(j->dir, 0750) != 0 && errno != EEXIST) || writer_lock(j, e) != 0 || key_open(j, e) != 0 ||
	    chain_find(j, torn, e) != 0) {
		(void)ERR(e, E_IO, "%s: errno %d", j->dir, errno);
		journal_drop(j);
		return NULL;
	}
	return j;
}

void
journal_close(struct journal **jp)
{
	struct journal *j = *jp;
	struct err e = { 0 };
	*jp = NULL;
	if (j == NULL)
		return;
	if (j->seq > 1 && checkpoint_add(j) == 0)
		(void)!journal_sync(j, &e);
	segment_end(j);
	journal_drop(j);
}
