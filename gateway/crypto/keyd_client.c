/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's side of keyd. */
#include "gateway/crypto/frame.h"
#include "gateway/crypto/keyd.h"
#include "gateway/crypto/keyd_table.h"

#include <stdlib.h>

enum { SIGN_MS = 2000 };

struct keyd_client *
keyd_client_new(struct loop *l, int fd)
{
	return (struct keyd_client *)frame_client_new(l, fd, 0, keyd_table, KEYD_N);
}

static struct frame_client *
inner(const struct keyd_client *c)
{
	return (struct frame_client *)(uintptr_t)c;
}

bool
keyd_client_healthy(const struct keyd_client *c)
{
	return frame_client_healthy(inner(c));
}

static void
signed_jwt(void *result, struct task *t, enum frame_outcome how, struct str payload)
{
	struct keyd_result *r = result;
	r->status = -1;
	if (how == FRAME_ANSWERED && payload.n > 0) {
		r->jwt = arena_str(t->arena, payload);
		r->status = r->jwt.p == NULL ? -1 : 0;
	}
	if (r->status != 0)
		(void)ERR(&t->err, E_UNAVAILABLE, "keyd: %s",
		    how == FRAME_ANSWERED    ? "cannot sign"
		    : how == FRAME_TOO_LARGE ? "claims too large"
		                             : "does not answer");
}

enum step
keyd_sign_jwt(
    struct task *t, struct keyd_client *c, struct str site, struct str typ, struct str claims, struct keyd_result **out)
{
	struct str zero = { "", 1 };
	*out = ARENA_NEW(t->arena, struct keyd_result);
	if (*out == NULL) {
		(void)ERR(&t->err, E_LIMIT, "keyd: arena full");
		return STEP_FAIL;
	}
	return frame_ask(t, inner(c), KEYD_SIGN_JWT, (const struct str[]){ site, zero, typ, zero, claims }, 5, SIGN_MS,
	    signed_jwt, *out);
}

int
keyd_fetch_jwks(int fd, struct str site, char **out, struct err *e)
{
	struct buf b;
	buf_init(&b, NULL, 4096, FRAME_REPLY_MAX + 1);
	if (frame_ask_blocking(fd, KEYD_JWKS, site, &b, e) != 0) {
		buf_done(&b);
		return -1;
	}
	buf_char(&b, 0);
	*out = b.p;
	return buf_ok(&b) ? 0 : ERR(e, E_LIMIT, "jwks");
}
