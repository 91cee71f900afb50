/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit trail. auditd is a process of its own: it alone writes the journal, so there is one chain over all workers and one fsync
 * serves them all. A worker sends a record and its answer waits until auditd says that the record is durable.
 * Journal: append-only segment files; a record = CRC-32C and SHA-256 chain over the one before; signed checkpoints
 * (docs/audit.md has the format). Survives kill -9 and a torn last record.                                                */
#ifndef GATEWAY_AUDIT_AUDIT_H
#define GATEWAY_AUDIT_AUDIT_H

#include "gateway/config/conf.h"
#include "gateway/core/audit_event.h"
#include "gateway/core/route.h"
#include "gateway/loop/step.h"

struct request;

/* --- the auditd process ---------------------------------------------------------------------------------------------- */
/* Opens (and after a crash repairs) the journal, then serves peers; control_fd brings new peers (SCM_RIGHTS), -1: none. Returns the
 * exit status. Disk full: records are refused (the peers are told), and it tries again each second.                       */
int auditd_serve(const struct conf *conf, const int *peer_fds, size_t n_peers, int control_fd, const struct log *log);

/* --- in a worker ----------------------------------------------------------------------------------------------------- */
struct audit_client;
/* Takes over fd, which is closed with it. NULL: out of memory. When auditd goes away, records that it has not acknowledged are lost:
 * their requests get 503.                                                                                                  */
struct audit_client *audit_client_new(struct loop *l, int fd, unsigned queue_max);
void audit_client_free(struct audit_client **c);
bool audit_client_connected(const struct audit_client *c);
bool audit_client_healthy(const struct audit_client *c); /* and auditd writes what it gets */
struct audit_client_stats {
	uint64_t records;  /* that auditd has said are durable: of audit_write(), since audit_send() gets no answer */
	uint64_t failures; /* not durable, or not taken over */
	unsigned waiting;
};
void audit_client_stats(const struct audit_client *c, struct audit_client_stats *out);

/* Writes the request's record (JSON line from r->audit, r->who, r->route, r->reply ...) and waits until it is durable. *ok (arena
 * memory of the caller, before the next step) says whether it is. For AUDIT_ASYNC use audit_send().                        */
enum step audit_write(struct request *r, struct audit_client *c, bool *ok);
/* Hands a record over without waiting. */
void audit_send(struct request *r, struct audit_client *c, enum audit_event event);

const char *audit_event_text(enum audit_event event);

/* --- a command of an operator (gatehouse client, key): one record (JSON object text), durable when this returns 0 -------- */
/* Through auditd. -1: not recorded (e); E_NOT_FOUND: no auditd runs over this journal. */
int audit_command_send(const struct conf *conf, struct str json, struct err *e) MUSTUSE;
/* Into the journal itself, as the user that the gateway runs as. -1: not recorded (e); E_CONFLICT: an auditd runs after all. */
int audit_command_append(const struct conf *conf, struct str json, struct err *e) MUSTUSE;

/* --- tools (gatehouse audit ...) ------------------------------------------------------------------------------------- */
struct audit_finding {
	uint64_t record;
	struct str segment;
	const char *what;
};
/* Checks CRC, chain, order, checkpoints (public key PEM may be NULL) of a whole journal. 0: sound; 1: a finding (first one in *f);
 * -1 cannot read (e). A torn last record (crash) is no finding but is told by *torn.                                       */
int audit_verify(const char *journal_dir, const char *public_key_pem, struct arena *a, struct audit_finding *f,
    uint64_t *records, bool *torn, struct err *e);
struct audit_query {
	struct str patient, user, site;
	int64_t since_us;
};
/* Prints matching records as JSON lines to fd. */
int audit_query(const char *journal_dir, const struct audit_query *q, int fd, struct err *e) MUSTUSE;

#endif
