/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's files: lines "CRC CHAIN JSON", where CHAIN = SHA-256(chain before, JSON) and CRC = CRC-32C of "CHAIN JSON" (both in hex).
 * Segments are named by their first record's number, in hex; checkpoints carry an Ed25519 signature over the chain. No record has a NUL,
 * so that the first one is the end of a segment's records (journal.h lays files out in advance); what is no NUL behind it belongs to a
 * write that was not finished. docs/audit.md. Blocking. Not for what a record says (audit.h). Private to gateway/audit.     */
#ifndef GATEWAY_AUDIT_SEGMENT_H
#define GATEWAY_AUDIT_SEGMENT_H

#include "gateway/base/buf.h"
#include "gateway/base/err.h"

#include <stdio.h>
#include <sys/types.h>

enum {
	CHAIN_BYTES = 32,
	CRC_HEAD = 8 + 1,                           /* a line's CRC and its space */
	LINE_HEAD = CRC_HEAD + 2 * CHAIN_BYTES + 1, /* what stands in front of its JSON */
	JOURNAL_LINE_MAX = 64 << 10,
	SEGMENT_NAME = 24 /* "%016llx.journal" */
};

#define CHECKPOINT_LAST "checkpoint.last" /* file in dir: the line of the last checkpoint */

/* A parsed line; borrowed from it. */
struct journal_line {
	struct str chain, json;
	uint64_t seq;
};
/* Checks form and CRC of one line without its newline. Pure. */
int journal_line_parse(struct str line, struct journal_line *out) MUSTUSE;
/* The chain after a record: SHA-256 of the chain before and the record's JSON. Pure. */
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
/* Names of the segments in dir in order, arena memory. -1 with e: the folder cannot be read, or holds too many. */
int journal_segments(struct arena *a, const char *dir, struct str **names, size_t *n, struct err *e) MUSTUSE;

#endif
