/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's files: lines "CRC CHAIN JSON", where CHAIN = SHA-256(chain before, JSON) and CRC = CRC-32C of "CHAIN JSON" (both in hex).
 * Segments are named by their first record's number; each begins with a segment record that repeats the chain so far; checkpoints
 * carry an Ed25519 signature over the chain. docs/audit.md. One writer (auditd); blocking. Private to gateway/audit.       */
#ifndef GATEWAY_AUDIT_JOURNAL_H
#define GATEWAY_AUDIT_JOURNAL_H

#include "gateway/base/buf.h"
#include "gateway/base/err.h"

enum { CHAIN_BYTES = 32, LINE_HEAD = 8 + 1 + 64 + 1, LINE_MAX = 64 << 10, SEGMENT_NAME = 24 };
#define CHECKPOINT_LAST "checkpoint.last" /* file in dir: the line of the last checkpoint */

struct journal;
struct journal_conf {
	const char *dir,
	    *key_path; /* key: PEM private key, made when missing; its public half goes to dir/checkpoint.pub */
	size_t segment_bytes;
	uint32_t checkpoint_records;
};
/* Opens the folder (made when missing), finds the end of the chain, cuts a torn last record into a side file (*torn). */
struct journal *journal_open(const struct journal_conf *conf, bool *torn, struct err *e);
/* Checkpoint, sync, close. */
void journal_close(struct journal **j);
/* Adds a record (a JSON object text, "{...}") to what the next journal_sync() writes. -1: not one line of sane size. */
int journal_add(struct journal *j, struct str json) MUSTUSE;
/* Writes and fdatasyncs what was added. -1: nothing of it counts (the file is cut back, or a new segment begins next time). */
int journal_sync(struct journal *j, struct err *e) MUSTUSE;

/* A parsed line; borrowed from it. */
struct journal_line {
	struct str chain, json;
	uint64_t seq;
};
/* Checks form and CRC of one line without its newline. Pure. */
int journal_line_parse(struct str line, struct journal_line *out) MUSTUSE;
void chain_next(const uint8_t before[CHAIN_BYTES], struct str json, uint8_t out[CHAIN_BYTES]);
/* Names of the segments in dir in order, arena memory. */
int journal_segments(struct arena *a, const char *dir, struct str **names, size_t *n, struct err *e) MUSTUSE;

#endif
