/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the journal (segment.h says what stands in its files): one writer, auditd; blocking. The segment being written is laid out in
 * advance with NUL bytes, so that a sync goes into blocks that the file has already. Private to gateway/audit.             */
#ifndef GATEWAY_AUDIT_JOURNAL_H
#define GATEWAY_AUDIT_JOURNAL_H

#include "gateway/audit/segment.h"

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

#endif
