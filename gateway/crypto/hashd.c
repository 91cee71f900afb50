/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hashd: the process, its table of messages, and the worker's side. */
#include "gateway/crypto/hashd.h"

#include "gateway/crypto/frame.h"
#include "gateway/crypto/ldap_bind.h"
#include "gateway/crypto/password.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { HASHD_HELLO, HASHD_VERIFY, HASHD_MAKE, HASHD_LDAP, HASHD_N };
enum { ASK_MS = 8000, NICE = 10, SLICE_NS = 100000, YIELD_US = 100, HASH_MAX = 255 };

/* VERIFY and MAKE begin with this; then the stored text, then the password. */
struct ask_head {
	struct hash_params params;
	uint32_t stored_n;
};
struct verify_reply {
	uint8_t verdict, outdated;
};

/* --- the process ------------------------------------------------------------------------------------------------------------- */

static void
hello(void *ctx, struct str payload, struct buf *reply)
{
	(void)ctx;
	(void)payload;
	(void)reply;
}

/* A hash is 50 ms or more of pure arithmetic. The scheduler of a kernel without preemption (Debian's server kernels among them, in part) takes the core
 * away at its tick alone, and a worker on that core waits up to 4 ms: so the process gives the core up by itself, ten times in a millisecond. */
static void
give_way(int signo)
{
	(void)signo;
	(void)sched_yield();
}

static void
giving_way(bool on)
{
	suseconds_t us = on ? YIELD_US : 0;
	struct itimerval every = { { 0, us }, { 0, us } };
	(void)setitimer(ITIMER_REAL, &every, NULL); /* without it sign-ins work as well */
}

static int
head_take(struct str *payload, struct ask_head *head)
{
	if (payload->n < sizeof *head)
		return -1;
	memcpy(head, payload->p, sizeof *head);
	*payload = str_skip(*payload, sizeof *head);
	return head->stored_n <= payload->n ? 0 : -1;
}

static void
verify(void *ctx, struct str payload, struct buf *reply)
{
	struct verify_reply out = { HASH_INVALID, 0 };
	struct ask_head head;
	bool outdated = false;
	(void)ctx;
	giving_way(true);
	if (head_take(&payload, &head) == 0) {
		struct str stored = str_sub(payload, 0, head.stored_n), password = str_skip(payload, head.stored_n);
		if (stored.n == 0) {
			password_dummy(password, &head.params);
			out.verdict = HASH_MISMATCH;
		} else {
			out.verdict = (uint8_t)password_verify(password, stored, &head.params, &outdated);
		}
	}
	giving_way(false);
	out.outdated = outdated;
	buf_put(reply, &out, sizeof out);
}

static void
make(void *ctx, struct str payload, struct buf *reply)
{
	struct ask_head head;
	char text[HASH_MAX + 1];
	(void)ctx;
	giving_way(true);
	if (head_take(&payload, &head) == 0 &&
	    password_make(str_skip(payload, head.stored_n), &head.params, text, sizeof text) == 0)
		buf_str_put(reply, str_of(text));
	giving_way(false);
}

/* host NUL dn NUL ca NUL password */
static void
bind_ask(void *ctx, struct str payload, struct buf *reply)
{
	struct verify_reply out = { HASH_INVALID, 0 };
	struct str part[3];
	(void)ctx;
	for (size_t i = 0; i < NITEMS(part); i++) {
		size_t n = str_find(payload, 0);
		part[i] = str_sub(payload, 0, n);
		payload = str_skip(payload, n + 1);
	}
	out.verdict = (uint8_t)ldap_bind_check(part[0], part[1], part[2], payload);
	buf_put(reply, &out, sizeof out);
}

static const struct frame_row hashd_table[HASHD_N] = {
	{ HASHD_HELLO, 64, FRAME_ONCE | FRAME_PERMITS, hello },
	{ HASHD_VERIFY, 8 << 10, 0, verify },
	{ HASHD_MAKE, 8 << 10, 0, make },
	{ HASHD_LDAP, 16 << 10, 0, bind_ask },
};

/* A storm of logins must not slow requests: a tenth of a worker's share where both want the core, and the shortest slice, because a worker that
 * wakes up waits for the end of the running one's (EEVDF; kernels before 6.12 know no slice and keep the nice value). Not SCHED_IDLE:
 * it would starve logins while requests fill all cores.                                                                     */
static void
priority_lower(void)
{
	/* sched_setattr(2); glibc has neither the call nor, beside sched.h, the type */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attr = { sizeof attr, SCHED_OTHER, 0, NICE, 0, SLICE_NS, 0, 0 };
	if (syscall(SYS_sched_setattr, 0, &attr, 0) != 0)
		(void)setpriority(PRIO_PROCESS, 0, NICE);
}

int
hashd_serve(const int *peer_fds, size_t n_peers, int control_fd, const struct log *log)
{
	struct rlimit none = { 0, 0 };
	struct sigaction act = { .sa_handler = give_way, .sa_flags = SA_RESTART };
	(void)sigaction(SIGALRM, &act, NULL);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setenv("LDAPNOINIT", "1", 1); /* this machine's LDAP defaults are not the site's */
	(void)setrlimit(RLIMIT_CORE, &none);
	priority_lower();
	return frame_serve(hashd_table, HASHD_N, NULL, peer_fds, n_peers, control_fd, log);
}

/* --- the worker's side ---------------------------------------------------------------------------------------------------------- */

struct hashd_client *
hashd_client_new(struct loop *l, int fd, unsigned queue_max)
{
	return (struct hashd_client *)frame_client_new(l, fd, queue_max, hashd_table, HASHD_N);
}

static struct frame_client *
inner(struct hashd_client *c)
{
	return (struct frame_client *)c;
}

bool
hashd_client_healthy(const struct hashd_client *c)
{
	return frame_client_healthy((const struct frame_client *)c);
}

static bool
not_answered(struct hashd_result *r, struct task *t, enum frame_outcome how)
{
	if (how == FRAME_ANSWERED)
		return false;
	if (how == FRAME_TOO_LARGE) { /* longer than any real one: as wrong as any other */
		r->verdict = HASH_MISMATCH;
		(void)ERR(&t->err, E_LIMIT, "hashd: question too large");
		return true;
	}
	r->verdict = how == FRAME_BUSY ? HASH_BUSY : HASH_DOWN;
	(void)ERR(&t->err, E_UNAVAILABLE, "hashd: %s", how == FRAME_BUSY ? "queue full" : "does not answer");
	return true;
}

static void
verified(void *result, struct task *t, enum frame_outcome how, struct str payload)
{
	struct hashd_result *r = result;
	struct verify_reply reply;
	if (not_answered(r, t, how) || payload.n != sizeof reply)
		return;
	memcpy(&reply, payload.p, sizeof reply);
	r->verdict = reply.verdict <= HASH_DOWN ? (enum hash_verdict)reply.verdict : HASH_DOWN;
	r->outdated = reply.outdated != 0;
}

static void
made(void *result, struct task *t, enum frame_outcome how, struct str payload)
{
	struct hashd_result *r = result;
	if (not_answered(r, t, how))
		return;
	r->hash = arena_str(t->arena, payload);
	r->verdict = payload.n > 0 && r->hash.p != NULL ? HASH_MATCH : HASH_INVALID;
}

static enum step
ask(struct task *t, struct hashd_client *c, uint8_t type, struct secret password, struct str stored,
    const struct hash_params *params, frame_done *done, struct hashd_result **out)
{
	struct ask_head head;
	memset(&head, 0, sizeof head);
	head.params = *params;
	head.stored_n = (uint32_t)stored.n;
	*out = ARENA_NEW(t->arena, struct hashd_result);
	if (*out == NULL) {
		(void)ERR(&t->err, E_LIMIT, "hashd: arena full");
		return STEP_FAIL;
	}
	(*out)->verdict = HASH_DOWN;
	if (password.bytes.n + stored.n > 4096) { /* longer than any real password: as wrong as any other */
		password.bytes.n = 1;
		stored = STR("");
		head.stored_n = 0;
	}
	struct str parts[] = { { (const char *)&head, sizeof head }, stored, password.bytes };
	return frame_ask(t, inner(c), type, parts, NITEMS(parts), ASK_MS, done, *out);
}

enum step
hashd_verify(struct task *t, struct hashd_client *c, struct secret password, struct str stored,
    const struct hash_params *params, struct hashd_result **out)
{
	return ask(t, c, HASHD_VERIFY, password, stored, params, verified, out);
}

enum step
hashd_make(struct task *t, struct hashd_client *c, struct secret password, const struct hash_params *params,
    struct hashd_result **out)
{
	return ask(t, c, HASHD_MAKE, password, STR(""), params, made, out);
}

enum step
hashd_ldap(struct task *t, struct hashd_client *c, struct secret password, struct str host, struct str dn,
    struct str ca, struct hashd_result **out)
{
	struct str zero = { "", 1 };
	*out = ARENA_NEW(t->arena, struct hashd_result);
	if (*out == NULL) {
		(void)ERR(&t->err, E_LIMIT, "hashd: arena full");
		return STEP_FAIL;
	}
	(*out)->verdict = HASH_DOWN;
	if (password.bytes.n > 4096) /* longer than any real one: as wrong as any other */
		password.bytes.n = 0;
	struct str parts[] = { host, zero, dn, zero, ca, zero, password.bytes };
	return frame_ask(t, inner(c), HASHD_LDAP, parts, NITEMS(parts), ASK_MS, verified, *out);
}
