/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's side of filed. */
#include "gateway/base/buf.h"
#include "gateway/base/rng.h"
#include "gateway/base/secret.h"
#include "gateway/crypto/filed.h"
#include "gateway/crypto/filed_table.h"
#include "gateway/crypto/frame.h"

#include <stdlib.h>

enum { ASK_MS = 20000 }; /* a disk under load, not a lost message */

struct filed_client {
	struct frame_client *frames;
	uint32_t next;
};

struct filed_client *
filed_client_new(struct loop *l, int fd)
{
	struct filed_client *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->frames = frame_client_new(l, fd, 0, filed_table, FILED_N);
	if (c->frames == NULL)
		filed_client_free(&c);
	return c;
}

bool
filed_client_healthy(const struct filed_client *c)
{
	return frame_client_healthy(c->frames);
}

void
filed_client_free(struct filed_client **cp)
{
	struct filed_client *c = *cp;
	*cp = NULL;
	if (c == NULL)
		return;
	frame_client_free(&c->frames);
	free(c);
}

unsigned
filed_number(struct filed_client *c)
{
	return ++c->next;
}

static void
answered(void *result, struct task *t, enum frame_outcome how, struct str payload)
{
	struct filed_result *r = result;
	struct filed_reply reply;
	r->status = how == FRAME_TOO_LARGE ? FILED_NOT_FOUND : FILED_DOWN;
	if (how == FRAME_TOO_LARGE) { /* longer than any name of the folder */
		(void)ERR(&t->err, E_LIMIT, "filed: name too long");
		return;
	}
	if (how != FRAME_ANSWERED || payload.n < sizeof reply) {
		(void)ERR(&t->err, E_UNAVAILABLE, "filed: does not answer");
		return;
	}
	memcpy(&reply, payload.p, sizeof reply);
	if (reply.status < FILED_DOWN)
		r->status = (enum filed_status)reply.status;
	r->done = reply.done != 0;
	r->size = reply.size;
	memcpy(r->sha3_512, reply.sha3_512, sizeof r->sha3_512);
	memcpy(r->sha1, reply.sha1, sizeof r->sha1);
	if (r->data != NULL)
		buf_str_put(r->data, str_skip(payload, sizeof reply));
}

static enum step
ask(struct task *t, struct filed_client *c, uint8_t type, struct filed_result *out, struct str first, struct str second)
{
	struct str parts[] = { first, second };
	struct buf *data = type == FILED_READ ? out->data : NULL;
	*out = (struct filed_result){ .status = FILED_DOWN, .data = data };
	return frame_ask(t, c->frames, type, parts, NITEMS(parts), ASK_MS, answered, out);
}
#define BYTES(v) ((struct str){ (const char *)&(v), sizeof(v) })

enum step
filed_create(struct task *t, struct filed_client *c, unsigned site, unsigned file, struct str dir, unsigned version,
    const struct openemr_keys *keys, struct filed_result *out)
{
	struct filed_create head;
	memset(&head, 0, sizeof head);
	head.file = file;
	head.site = site;
	head.version = version;
	if (version != 0) {
		CHECK(version < NITEMS(keys->version) && keys->version[version].present);
		memcpy(head.a, keys->version[version].a, sizeof head.a);
		memcpy(head.b, keys->version[version].b, sizeof head.b);
		rng_bytes(&rng_system, head.iv, sizeof head.iv);
	}
	enum step s = ask(t, c, FILED_CREATE, out, BYTES(head), dir);
	secret_wipe(&head, sizeof head);
	return s;
}

enum step
filed_write(struct task *t, struct filed_client *c, unsigned file, struct str piece, struct filed_result *out)
{
	uint32_t number = file;
	CHECK(piece.n <= FILED_PIECE_MAX);
	return ask(t, c, FILED_WRITE, out, BYTES(number), piece);
}

enum step
filed_keep(struct task *t, struct filed_client *c, unsigned file, struct str name, struct filed_result *out)
{
	uint32_t number = file;
	return ask(t, c, FILED_KEEP, out, BYTES(number), name);
}

enum step
filed_open(struct task *t, struct filed_client *c, unsigned site, unsigned file, struct str path, bool sealed,
    const struct openemr_keys *database, const struct openemr_keys *drive, struct filed_result *out)
{
	struct filed_open head;
	memset(&head, 0, sizeof head);
	head.file = file;
	head.site = site;
	head.sealed = sealed;
	if (database != NULL)
		head.database = *database;
	if (drive != NULL)
		head.drive = *drive;
	enum step s = ask(t, c, FILED_OPEN, out, BYTES(head), path);
	secret_wipe(&head, sizeof head);
	return s;
}

enum step
filed_check(struct task *t, struct filed_client *c, unsigned file, struct filed_result *out)
{
	uint32_t number = file;
	return ask(t, c, FILED_CHECK, out, BYTES(number), STR(""));
}

enum step
filed_read(struct task *t, struct filed_client *c, unsigned file, uint64_t from, size_t n, struct filed_result *out)
{
	uint32_t number = file;
	struct filed_read head;
	CHECK(n <= FILED_PIECE_MAX);
	memset(&head, 0, sizeof head);
	head.from = from;
	head.n = (uint32_t)n;
	return ask(t, c, FILED_READ, out, BYTES(number), BYTES(head));
}

void
filed_drop(struct filed_client *c, unsigned file, bool undo)
{
	char ask_bytes[sizeof(uint32_t) + 1];
	uint32_t number = file;
	memcpy(ask_bytes, &number, sizeof number);
	ask_bytes[sizeof number] = undo ? 1 : 0;
	frame_tell(c->frames, FILED_DROP, (struct str){ ask_bytes, sizeof ask_bytes });
}
