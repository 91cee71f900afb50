/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's files: lines "CRC CHAIN JSON", where CHAIN = SHA-256(chain before, JSON) and CRC = CRC-32C of "CHAIN JSON" (both in hex).
 * Segments are named by their first record's number; each begins with a segment record that repeats the chain so far; checkpoints
 * carry an Ed25519 signature over the chain. The segment being written is laid out in advance with NUL bytes, so that a sync goes into
 * blocks that the file has already; no record has a NUL, so that the first one is the end of a segment's records. What is no NUL behind
 * it belongs to a write that was not finished. docs/audit.md. One writer (auditd); blocking. Private to gateway/audit.      */
#ifndef GATEWAY_AUDIT_JOURNAL_H
#define GATEWAY_AUDIT_JOURNAL_H

#include "gateway/base/buf.h"
#include "gateway/base/err.h"

#include <stdio.h>
#include <sys/types.h>

enum {
	CHAIN_BYTES = 32,
	LINE_HEAD = 8 + 1 + 64 + 1,
	JOURNAL_LINE_MAX = 64 << 10,
	SEGMENT_NAME = 24
}; /* LINE_MAX is a macro of limits.h, and small */
#define CHECKPOINT_LAST "checkpoint.last" /* file in dir: the line of the last checkpoint */

#define WRITER_LOCK "writer.lock" /* held by the one writer */

struct journal;
struct journal_conf {
	const char *dir,
	    *key_path; /* key: PEM private key, made when missing; its public half goes to dir/checkpoint.pub */
	size_t segment_bytes;
	size_t ahead_bytes; /* laid out behind the records; 0: the file ends with them at all times */
	uint32_t checkpoint_records;
};
/* Opens the folder (made when missing), finds the end of the chain, cuts a torn last record into a side file (*torn). Waits up to 2 s
 * for a writer that is just ending; E_CONFLICT when another one has the folder.                                            */
struct journal *journal_open(const struct journal_conf *conf, bool *torn, struct err *e);
/* Checkpoint, sync, close. */
void journal_close(struct journal **j);
/* Adds a record (a JSON object text, "{...}") to what the next journal_sync() writes. -1: not one line of sane size. */
int journal_add(struct journal *j, struct str json) MUSTUSE;
/* Writes and fdatasyncs what was added. -1: nothing of it counts (the file is cut back, or a new segment begins next time). */
int journal_sync(struct journal *j, struct err *e) MUSTUSE;
/* Once after a sync that found its file removed or moved away, and began a new one: what stood in it is missing to audit verify. */
bool journal_was_removed(struct journal *j);

/* A parsed line; borrowed from it. */
struct journal_line {
	struct str chain, json;
	uint64_t seq;
};
/* Checks form and CRC of one line without its newline. Pure. */
int journal_line_parse(struct str line, struct journal_line *out) MUSTUSE;
void chain_next(const uint8_t before[CHAIN_BYTES], struct str json, uint8_t out[CHAIN_BYTES]);
/* Reads a segment line by line. Zero-initialize but f; the caller closes f and frees text. */
struct segment {
	FILE *f;
	char *text;
	size_t cap;
	off_t at;    /* behind the last line */
	off_t bytes; /* behind the last byte that is no NUL */
	bool torn;   /* at the end: the last line has no newline, or something stands behind the first NUL */
};
/* The next line without its newline; false at the end of the records. */
bool segment_next(struct segment *s, struct str *line);
/* Names of the segments in dir in order, arena memory. */
int journal_segments(struct arena *a, const char *dir, struct str **names, size_t *n, struct err *e) MUSTUSE;

#endif
