/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors, clocks, randomness, secrets: the pieces of base that are a few lines each. */
#include "gateway/base/clock.h"
#include "gateway/base/err.h"
#include "gateway/base/rng.h"
#include "gateway/base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* --- err ------------------------------------------------------------------------------------------------------------------ */

int
err_set(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	if (e == NULL || e->kind != E_NONE)
		return -1;
	e->kind = kind;
	e->file = file;
	e->line = line;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return -1;
}

const char *
err_kind_text(enum err_kind kind)
{
	static const char *const texts[] = {
#define X(id, text) [E_##id] = text,
		ERR_KINDS(X)
#undef X
	};
	return kind < E_N ? texts[kind] : "unknown";
}

/* --- clock ---------------------------------------------------------------------------------------------------------------- */

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;
	CHECK(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
system_real_us(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono_us(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t
fake_us(const struct clock *c)
{
	return c->fake_us;
}

const struct clock clock_system = { system_real_us, system_mono_us, 0 };

void
clock_fake(struct clock *c, int64_t us)
{
	*c = (struct clock){ fake_us, fake_us, us };
}

/* --- rng ------------------------------------------------------------------------------------------------------------------- */

static void
kernel_fill(void *p, size_t n)
{
	char *to = p;
	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno == EINTR) /* a signal, with more than 256 bytes asked */
			continue;
		CHECK(got >= 0); /* a kernel without randomness: nothing here may go on */
		to += got;
		n -= (size_t)got;
	}
}

/* Small draws come from a pool, so that a request's id costs no system call. Bytes are wiped as they are given, and a child process
 * begins with an empty pool: two processes must not give the same bytes. One thread draws, as everywhere here.                */
enum { POOL_BYTES = 2048 };
static struct {
	bool watched;
	size_t left;
	unsigned char bytes[POOL_BYTES];
} pool;

static void
pool_empty(void)
{
	secret_wipe(pool.bytes, sizeof pool.bytes);
	pool.left = 0;
}

static void
system_fill(struct rng *r, void *p, size_t n)
{
	(void)r;
	if (n > 64 || (!pool.watched && pthread_atfork(NULL, NULL, pool_empty) != 0)) {
		kernel_fill(p, n);
		return;
	}
	pool.watched = true;
	if (pool.left < n) {
		kernel_fill(pool.bytes, sizeof pool.bytes);
		pool.left = sizeof pool.bytes;
	}
	pool.left -= n;
	memcpy(p, pool.bytes + pool.left, n);
	secret_wipe(pool.bytes + pool.left, n);
}

struct rng rng_system = { system_fill };

/* --- secret ---------------------------------------------------------------------------------------------------------------- */

bool
secret_eq_str(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void
secret_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}
