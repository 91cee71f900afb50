/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the journal: verify and query. */
#include "gateway/audit/audit.h"

#include "gateway/audit/segment.h"
#include "gateway/base/date.h"
#include "gateway/base/json_in.h"
#include "gateway/base/text.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 2048, ARENA = 64 << 20 };

struct walk {
	const char *dir;
	struct arena *a;
	uint8_t chain[CHAIN_BYTES];
	uint64_t next, records;
	bool first;
	EVP_PKEY *key;
	uint64_t head; /* number of the record that CHECKPOINT_LAST holds; 0: none */
	uint8_t head_chain[CHAIN_BYTES];
	struct audit_finding *f;
	bool *torn;
};

static int
found(struct walk *w, uint64_t record, struct str segment, const char *what)
{
	*w->f = (struct audit_finding){ record, segment, what };
	return 1;
}

/* "chain" and "sig" of a checkpoint record; 0: good. */
static int
checkpoint_check(const struct walk *w, struct str json)
{
	struct err e = { 0 };
	struct buf sig;
	uint8_t chain[CHAIN_BYTES];
	json_t *doc = json_in(json, JOURNAL_LINE_MAX, &e);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	buf_init(&sig, NULL, 128, 256);
	bool ok = doc != NULL && ctx != NULL && hex_get(json_in_str(doc, "chain"), chain, sizeof chain) == 0 &&
	          memcmp(chain, w->chain, sizeof chain) == 0 && base64_get(json_in_str(doc, "sig"), &sig) == 0 &&
	          EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, w->key) == 1 &&
	          EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, chain, sizeof chain) == 1;
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	buf_done(&sig);
	json_decref(doc);
	return ok ? 0 : -1;
}

static int
line_check(struct walk *w, struct str line, struct str segment)
{
	struct journal_line l;
	uint8_t want[CHAIN_BYTES], have[CHAIN_BYTES];
	if (journal_line_parse(line, &l) != 0)
		return found(w, w->next, segment, "changed: its checksum or form is wrong");
	if (!w->first && l.seq != w->next)
		return found(w, w->next, segment,
		    l.seq > w->next ? "removed: a later record stands here"
		                    : "reordered or repeated: an earlier record stands here");
	if (w->first && l.seq != 1)
		return found(
		    w, l.seq, segment, "the journal does not begin with record 1: earlier segments are missing");
	chain_next(w->chain, l.json, want);
	if (hex_get(l.chain, have, sizeof have) != 0 || memcmp(have, want, sizeof want) != 0)
		return found(w, l.seq, segment, "changed: it does not continue the chain");
	if (str_find_str(l.json, STR("\"event\":\"checkpoint\"")) < l.json.n && w->key != NULL &&
	    checkpoint_check(w, l.json) != 0)
		return found(w, l.seq, segment, "checkpoint: its signature is wrong");
	if (l.seq == w->head && memcmp(have, w->head_chain, sizeof have) != 0)
		return found(w, l.seq, segment, "changed: another record stands in " CHECKPOINT_LAST);
	memcpy(w->chain, want, sizeof want);
	w->first = false;
	w->next = l.seq + 1;
	w->records++;
	return 0;
}

static int
segment_check(struct walk *w, struct str name, bool last, struct err *e)
{
	char path[PATH_BYTES];
	struct str line;
	int rc = 0;
	(void)snprintf(path, sizeof path, "%s/%.*s", w->dir, STR_ARG(name));
	struct segment s = { .f = fopen(path, "re") };
	if (s.f == NULL)
		return ERR(e, E_IO, "%s: errno %d", path, errno);
	while (rc == 0 && segment_next(&s, &line))
		rc = line_check(w, line, name);
	if (rc == 0 && s.torn) {
		*w->torn = last;
		rc = last ? 0 : found(w, w->next, name, "changed: the segment ends within a record");
	}
	free(s.text);
	(void)fclose(s.f);
	return rc;
}

static EVP_PKEY *
key_read(const char *dir, const char *pem)
{
	char path[PATH_BYTES];
	(void)snprintf(path, sizeof path, "%s/checkpoint.pub", dir);
	FILE *f = fopen(pem != NULL ? pem : path, "re");
	EVP_PKEY *key = f == NULL ? NULL : PEM_read_PUBKEY(f, NULL, NULL, NULL);
	if (f != NULL)
		(void)fclose(f);
	ERR_clear_error();
	return key;
}

static void
head_read(struct walk *w)
{
	char path[PATH_BYTES], text[4096];
	struct journal_line l;
	(void)snprintf(path, sizeof path, "%s/%s", w->dir, CHECKPOINT_LAST);
	FILE *f = fopen(path, "re");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof text, f);
	if (f != NULL)
		(void)fclose(f);
	if (n > 0 && journal_line_parse((struct str){ text, n - 1 }, &l) == 0 &&
	    hex_get(l.chain, w->head_chain, CHAIN_BYTES) == 0)
		w->head = l.seq;
}

int
audit_verify(const char *journal_dir, const char *public_key_pem, struct arena *a, struct audit_finding *f,
    uint64_t *records, bool *torn, struct err *e)
{
	struct walk w = { .dir = journal_dir, .a = a, .next = 1, .first = true, .f = f, .torn = torn };
	struct str *names;
	size_t n;
	int rc = 0;
	*torn = false;
	if (journal_segments(a, journal_dir, &names, &n, e) != 0)
		return -1;
	w.key = key_read(journal_dir, public_key_pem);
	if (w.key == NULL && public_key_pem != NULL)
		return ERR(e, E_CONFIG, "%s: no public key", public_key_pem);
	head_read(&w);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = segment_check(&w, names[i], i + 1 == n, e);
	if (rc == 0 && w.head >= w.next)
		rc = found(&w, w.next, n > 0 ? names[n - 1] : STR(""),
		    "removed: the end is missing, a later checkpoint was signed");
	EVP_PKEY_free(w.key);
	*records = w.records;
	return rc;
}

/* --- query ------------------------------------------------------------------------------------------------------------------------------ */

static bool
member_is(const json_t *doc, const char *name, struct str want)
{
	return want.n == 0 || str_eq(json_in_str(doc, name), want);
}

static bool
matches(const struct audit_query *q, struct str json)
{
	struct err e = { 0 };
	struct date d;
	json_t *doc = json_in(json, JOURNAL_LINE_MAX, &e);
	struct str time = json_in_str(doc, "time");
	bool yes = doc != NULL && time.n > 0 && date_parse_iso(time, &d) == 0 && date_epoch_us(&d) >= q->since_us &&
	           member_is(doc, "patient", q->patient) && member_is(doc, "site", q->site) &&
	           (q->user.n == 0 || member_is(doc, "username", q->user) || member_is(doc, "user", q->user));
	json_decref(doc);
	return yes;
}

int
audit_query(const char *journal_dir, const struct audit_query *q, int fd, struct err *e)
{
	AUTO(arena) a = arena_new("audit query", ARENA);
	struct str *names;
	size_t n;
	char path[PATH_BYTES];
	if (a == NULL || journal_segments(a, journal_dir, &names, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct str line;
		(void)snprintf(path, sizeof path, "%s/%.*s", journal_dir, STR_ARG(names[i]));
		struct segment s = { .f = fopen(path, "re") };
		if (s.f == NULL)
			return ERR(e, E_IO, "%s: errno %d", path, errno);
		while (segment_next(&s, &line)) {
			struct journal_line l;
			if (journal_line_parse(line, &l) != 0 || !matches(q, l.json))
				continue;
			if (dprintf(fd, "%.*s\n", STR_ARG(l.json)) < 0)
				break;
		}
		free(s.text);
		(void)fclose(s.f);
	}
	return 0;
}
